//! Asks a person on the terminal whether a plan is to be carried out.

use crate::ports::Stop;
use crate::reporters::words::plural;
use crate::rules::printable::printable;
use std::io::{BufRead as _, Write as _};
use tokio::sync::oneshot;

/// What the person said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `y` or `yes`.
    Yes,
    /// Anything else, or nothing.
    No,
    /// A signal came first.
    Stopped,
}

/// Asks, and waits for a line.
pub async fn ask(items: usize, labels: &[String], stop: &Stop) -> Answer {
    let labels: Vec<String> = labels.iter().map(|label| printable(label)).collect();
    let question = format!(
        "Open {} labelled {} and work on them? [y/N] ",
        plural(items as u64, "issue"),
        labels.join(", ")
    );
    let mut screen = std::io::stderr().lock();
    let shown = screen
        .write_all(question.as_bytes())
        .and_then(|()| screen.flush());
    drop(screen);
    if shown.is_err() {
        return Answer::No;
    }
    let (sender, receiver) = oneshot::channel();
    // A thread that nobody waits for: whoever reads a terminal cannot be told to stop.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        drop(sender.send(read.map(|_| line).unwrap_or_default()));
    });
    tokio::select! {
        line = receiver => said(&line.unwrap_or_default()),
        () = stop.asked() => Answer::Stopped,
    }
}

fn said(line: &str) -> Answer {
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" => Answer::Yes,
        _ => Answer::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for line in ["y\n", "YES\n", " yes "] {
            assert_eq!(said(line), Answer::Yes, "{line:?}");
        }
        for line in ["", "\n", "n\n", "yep\n", "y y\n"] {
            assert_eq!(said(line), Answer::No, "{line:?}");
        }
    }
}
