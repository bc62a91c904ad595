//! What a person is told when something cannot be done: kind, cause, hints, exit code.

use crate::ports::{ForgeError, JournalError, RepositoryError};
use crate::rules::exit::Exit;
use serde_json::{Value, json};
use std::fmt::{Display, Write as _};

/// What sort of thing went wrong; stable, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
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
    /// This version cannot do it yet.
    Missing,
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
            Kind::Config
            | Kind::Project
            | Kind::Auth
            | Kind::Forge
            | Kind::Repository
            | Kind::Agent
            | Kind::Journal
            | Kind::Files
            | Kind::Missing => Exit::CouldNotRun,
        };
        Self {
            kind,
            action: action.into(),
            causes: Vec::new(),
            hints: Vec::new(),
            exit,
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

impl From<ForgeError> for Error {
    fn from(error: ForgeError) -> Self {
        let (kind, hint) = match &error {
            ForgeError::Auth { .. } => (
                Kind::Auth,
                Some(
                    "run `gh auth login` or set GITHUB_TOKEN; `autoissue doctor` shows which token is found",
                ),
            ),
            ForgeError::NotFound { .. } => (
                Kind::Forge,
                Some("check the name of the repository, and that the token may see it"),
            ),
            ForgeError::Refused { .. } => (Kind::Forge, None),
            ForgeError::Limited { .. } => (
                Kind::Forge,
                Some("wait until the limit is lifted, then `autoissue resume`"),
            ),
            ForgeError::Unknown { .. } => (
                Kind::Forge,
                Some(
                    "check the network, then `autoissue resume`: it looks before it does anything again",
                ),
            ),
            ForgeError::Io { .. } => (Kind::Files, None),
        };
        Self::from_source(kind, &error).hints(hint)
    }
}

impl From<RepositoryError> for Error {
    fn from(error: RepositoryError) -> Self {
        let (kind, hint) = match &error {
            RepositoryError::Git { .. } => (Kind::Repository, None),
            RepositoryError::Remote { auth: true, .. } => (
                Kind::Auth,
                Some("run `gh auth login` or set GITHUB_TOKEN".to_owned()),
            ),
            RepositoryError::Remote { auth: false, .. } => (
                Kind::Repository,
                Some("check the network and forge.gitUrl".to_owned()),
            ),
            RepositoryError::Foreign { branch, .. } => (
                Kind::Repository,
                Some(format!(
                    "delete or rename {branch} on the remote if it is not needed"
                )),
            ),
            RepositoryError::Unusable { hint, .. } => (Kind::Repository, Some(hint.clone())),
            RepositoryError::Busy { .. } => (
                Kind::Busy,
                Some("`autoissue status` shows what it does".to_owned()),
            ),
            RepositoryError::Io { .. } => (Kind::Files, None),
        };
        let action = match &error {
            RepositoryError::Unusable { .. } => "use the repository".to_owned(),
            RepositoryError::Busy { .. } => "take the repository's mirror".to_owned(),
            RepositoryError::Git { .. }
            | RepositoryError::Remote { .. }
            | RepositoryError::Foreign { .. }
            | RepositoryError::Io { .. } => return Self::from_source(kind, &error).hints(hint),
        };
        Self::new(kind, action).cause(&error).hints(hint)
    }
}

impl From<JournalError> for Error {
    fn from(error: JournalError) -> Self {
        let (kind, action, hint) = match &error {
            JournalError::DailyCeiling { .. } => (
                Kind::Budget,
                Some("set the money aside"),
                "raise maxDailyBudgetUsd, or go on tomorrow (UTC) with `autoissue resume`",
            ),
            JournalError::Write { .. } => (
                Kind::Journal,
                None,
                "free space in the state directory, then `autoissue resume`; nothing recorded is lost",
            ),
            JournalError::Read { .. } => (
                Kind::Journal,
                None,
                "`--state-dir` names another state directory",
            ),
            JournalError::Newer { .. } => (
                Kind::Journal,
                Some("open the journal"),
                "install a newer autoissue; the journal was left as it is",
            ),
        };
        match action {
            Some(action) => Self::new(kind, action).because(&error),
            None => Self::from_source(kind, &error),
        }
        .hints([hint])
    }
}

impl Error {
    /// An error whose own text completes "could not ...", with its causes.
    pub fn from_source(kind: Kind, error: &dyn std::error::Error) -> Self {
        let top = Self::new(kind, error.to_string());
        match error.source() {
            Some(cause) => top.because(cause),
            None => top,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_why_and_what_helps() {
        let error = Error::from(ForgeError::Io {
            action: "write issue #3".into(),
            cause: std::io::Error::other("disk full"),
        })
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

    #[test]
    fn the_exit_code_follows_the_kind() {
        let check = |error: Error, kind, code| {
            assert_eq!((error.kind(), error.exit().code()), (kind, code));
        };
        check(
            RepositoryError::Busy {
                what: "the mirror".into(),
                holder: "7".into(),
            }
            .into(),
            Kind::Busy,
            6,
        );
        check(
            JournalError::DailyCeiling {
                elsewhere: crate::rules::money::Usd::ZERO,
            }
            .into(),
            Kind::Budget,
            4,
        );
        check(
            ForgeError::Auth {
                action: "list issues".into(),
                detail: "401".into(),
            }
            .into(),
            Kind::Auth,
            1,
        );
    }
}
