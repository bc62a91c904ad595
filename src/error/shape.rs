//! What a person is told when something cannot be done: kind, cause, hints, exit code.

use crate::rules::exit::Exit;
use serde_json::{Value, json};
use std::fmt::{Display, Write as _};

/// What sort of thing went wrong; stable, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The command line.
    Usage,
    /// The configuration.
    Config,
    /// The user's checkout.
    Project,
    /// The forge's credentials.
    Auth,
    /// The forge.
    Forge,
    /// The mirror, its worktrees or the remote.
    Repository,
    /// The coding agent.
    Agent,
    /// The journal.
    Journal,
    /// The money.
    Budget,
    /// Another process is at it.
    Busy,
    /// A file or directory of this machine.
    Files,
    /// Somebody stopped it before it began.
    Interrupted,
}

impl Kind {
    /// Its word.
    #[must_use]
    pub fn word(self) -> String {
        let word = serde_json::to_value(self).unwrap_or_default();
        word.as_str().unwrap_or_default().to_owned()
    }
}

/// An error as a person reads it: `could not <action>`, why, and what helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    action: String,
    causes: Vec<String>,
    hints: Vec<String>,
    exit: Exit,
}

impl Error {
    /// `action` is a lower-case fragment that completes "could not ...".
    pub fn new(kind: Kind, action: impl Into<String>) -> Self {
        let exit = match kind {
            Kind::Usage => Exit::Usage,
            Kind::Busy => Exit::Held,
            Kind::Budget => Exit::Budget,
            Kind::Interrupted => Exit::Interrupted,
            Kind::Config
            | Kind::Project
            | Kind::Auth
            | Kind::Forge
            | Kind::Repository
            | Kind::Agent
            | Kind::Journal
            | Kind::Files => Exit::CouldNotRun,
        };
        Self {
            kind,
            action: action.into(),
            causes: Vec::new(),
            hints: Vec::new(),
            exit,
        }
    }

    /// An error whose own text completes "could not ...", with its causes.
    pub fn from_source(kind: Kind, error: &dyn std::error::Error) -> Self {
        let top = Self::new(kind, error.to_string());
        match error.source() {
            Some(cause) => top.because(cause),
            None => top,
        }
    }

    /// Adds a cause, with all causes of its own.
    #[must_use]
    pub fn because(mut self, cause: &dyn std::error::Error) -> Self {
        let mut next = Some(cause);
        while let Some(cause) = next {
            let text = cause.to_string();
            if self.causes.last() != Some(&text) {
                self.causes.push(text);
            }
            next = cause.source();
        }
        self
    }

    /// Adds a cause in words.
    #[must_use]
    pub fn cause(mut self, cause: impl Display) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    /// Adds what helps.
    #[must_use]
    pub fn hints<T: Into<String>>(mut self, hints: impl IntoIterator<Item = T>) -> Self {
        self.hints.extend(hints.into_iter().map(Into::into));
        self
    }

    /// What sort of thing went wrong.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What could not be done.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// How the process ends.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Why, the nearest cause first; the whole of it where there is no cause.
    #[must_use]
    pub fn reason(&self) -> String {
        match self.causes.as_slice() {
            [] => format!("could not {}", self.action),
            causes => causes.join(": "),
        }
    }

    /// What helps.
    #[must_use]
    pub fn hint_lines(&self) -> &[String] {
        &self.hints
    }

    /// The lines that a person reads, each ended: `error:`, `because`, `hint:`. Printable, whatever the causes hold.
    #[must_use]
    pub fn text(&self, color: Color) -> String {
        let (error, hint, end) = match color {
            Color::On => ("\u{1b}[1;31m", "\u{1b}[1;36m", "\u{1b}[0m"),
            Color::Off => ("", "", ""),
        };
        let mut text = format!("{error}error:{end} could not {}\n", printable(&self.action));
        for cause in &self.causes {
            let _ = writeln!(text, "  because {}", printable(cause));
        }
        for line in &self.hints {
            let _ = writeln!(text, "{hint}hint:{end} {}", printable(line));
        }
        text
    }

    /// The same for programs: one event.
    #[must_use]
    pub fn event(&self) -> Value {
        let message = std::iter::once(format!("could not {}", self.action))
            .chain(self.causes.iter().cloned())
            .collect::<Vec<_>>()
            .join(": ");
        json!({
            "event": "error",
            "kind": self.kind,
            "exit": self.exit.code(),
            "message": message,
            "hints": self.hints,
        })
    }
}

/// Are escape sequences for colour wanted?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// Yes.
    On,
    /// No.
    Off,
}

/// Text of others as it may stand on a terminal: line breaks indent, control and direction marks go.
#[must_use]
pub fn printable(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let lines: Vec<String> = text
        .trim_end()
        .lines()
        .map(|line| line.replace(is_hidden, ""))
        .collect();
    lines.join("\n    ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_why_and_what_helps() {
        let error = Error::new(Kind::Files, "write issue #3")
            .because(&std::io::Error::other("disk full"))
            .hints(["free some space"]);
        assert_eq!(
            error.text(Color::Off),
            "error: could not write issue #3\n  because disk full\nhint: free some space\n"
        );
        assert_eq!(
            error.event(),
            json!({ "event": "error", "kind": "files", "exit": 1,
                "message": "could not write issue #3: disk full", "hints": ["free some space"] })
        );
    }

    #[test]
    fn text_of_others_cannot_move_the_cursor() {
        let error = Error::new(Kind::Forge, "x\u{1b}[2J").cause("a\r\nb\u{202e}c\u{7}");
        assert_eq!(
            error.text(Color::Off),
            "error: could not x[2J\n  because a\n    bc\n"
        );
        assert!(
            error
                .text(Color::On)
                .starts_with("\u{1b}[1;31merror:\u{1b}[0m")
        );
    }
}
