//! A program that is asked for a secret, and answers on its output within a time.

use crate::adapters::vault::file::LARGEST;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// What the program says, if it ends well in time. What it is told goes in by its input: arguments are for all to see.
pub(in crate::adapters) fn answer(
    command: &mut Command,
    input: Option<&str>,
    longest: Duration,
) -> Option<String> {
    let stdin = if input.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    };
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    // It closes with the block, which ends the program's reading.
    if let (Some(text), Some(mut to)) = (input, child.stdin.take()) {
        let _ = to.write_all(text.as_bytes());
    }
    let said = listen(&mut child, longest);
    if said.is_none() {
        // It may have ended by itself by now; either way it is over.
        let _ = child.kill();
    }
    let ended = child.wait().ok()?;
    said.filter(|_| ended.success())
}

/// What the child says until it closes its output, if it does so in time.
fn listen(child: &mut Child, longest: Duration) -> Option<String> {
    let output = child.stdout.take()?;
    let (said, hears) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        if output.take(LARGEST).read_to_string(&mut text).is_ok() {
            // Nobody listens any more when it took too long.
            let _ = said.send(text);
        }
    });
    hears.recv_timeout(longest).ok()
}
