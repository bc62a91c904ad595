//! `doctor`: what is missing here, and how to mend it.

use crate::commands::examine;
use crate::commands::output::Stream;
use crate::commands::place::Place;
use crate::error::{Color, Error, printable};
use crate::rules::exit::Exit;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// How good or bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be.
    Good,
    /// Good to know.
    Note,
    /// It runs, but not as well as it could.
    Warning,
    /// It does not run like this.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: one word or two.
    pub subject: &'static str,
    /// How good or bad it is.
    pub state: State,
    /// What was found.
    pub detail: String,
    /// How to mend it.
    pub mend: Option<String>,
}

impl Finding {
    /// A finding that needs no mending.
    pub fn new(subject: &'static str, state: State, detail: impl Into<String>) -> Self {
        Self {
            subject,
            state,
            detail: detail.into(),
            mend: None,
        }
    }

    /// With what helps.
    #[must_use]
    pub fn mended_by(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    /// An error as a finding.
    pub fn bad(subject: &'static str, error: &Error) -> Self {
        Self {
            mend: error.hint_lines().first().cloned(),
            ..Self::new(subject, State::Bad, error.reason())
        }
    }
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Note => "note",
            Self::Warning => "warn",
            Self::Bad => "fail",
        }
    }

    const fn paint(self) -> &'static str {
        match self {
            Self::Good => "\u{1b}[32m",
            Self::Note => "\u{1b}[36m",
            Self::Warning => "\u{1b}[33m",
            Self::Bad => "\u{1b}[1;31m",
        }
    }
}

/// Looks at everything; done where autoissue can run.
pub async fn run(place: &Place) -> Result<Exit, Error> {
    let findings = examine::all(place).await;
    let usable = findings.iter().all(|finding| finding.state != State::Bad);
    let text = text(&findings, place.output.color(Stream::Out));
    place.output.result(&text, &event(&findings, usable))?;
    Ok(if usable {
        Exit::Done
    } else {
        Exit::CouldNotRun
    })
}

fn text(findings: &[Finding], color: Color) -> String {
    let mut text = String::new();
    for finding in findings {
        let (paint, end) = match color {
            Color::On => (finding.state.paint(), "\u{1b}[0m"),
            Color::Off => ("", ""),
        };
        let (word, subject) = (finding.state.word(), finding.subject);
        let detail = printable(&finding.detail);
        let _ = writeln!(text, "{paint}{word:5}{end} {subject:12} {detail}");
        if let Some(mend) = &finding.mend {
            let _ = writeln!(text, "{:18} hint: {}", "", printable(mend));
        }
    }
    let count = |state| {
        findings
            .iter()
            .filter(|finding| finding.state == state)
            .count()
    };
    let _ = match (count(State::Bad), count(State::Warning)) {
        (0, 0) => writeln!(text, "\nautoissue can run here."),
        (0, warnings) => writeln!(text, "\nautoissue can run here; warnings: {warnings}."),
        (bad, _) => writeln!(text, "\nautoissue cannot run here yet; to mend: {bad}."),
    };
    text
}

fn event(findings: &[Finding], usable: bool) -> Value {
    let checks: Vec<Value> = findings
        .iter()
        .map(|finding| {
            json!({
                "name": finding.subject,
                "state": finding.state.word(),
                "detail": finding.detail,
                "mend": finding.mend,
            })
        })
        .collect();
    json!({ "event": "doctor", "usable": usable, "checks": checks })
}
