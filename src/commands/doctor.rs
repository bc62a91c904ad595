//! `doctor`: what is missing here, and how to mend it.

use crate::cli::setup::DoctorArgs;
use crate::commands::examine::{self, Examined};
use crate::commands::output::Stream;
use crate::commands::place::Place;
use crate::commands::worktrees;
use crate::error::{Color, Error, printable};
use crate::reporters;
use crate::rules::exit::Exit;
use crate::rules::ids::IssueNumber;
use serde_json::{Value, json};
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr as _;

/// Columns in front of what was found.
const MARGIN: usize = 19;
const HINT: &str = "hint: ";
/// Lines are not made narrower.
const NARROW: usize = 30;

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

/// Looks at everything, or at the worktrees; done where autoissue can run.
pub async fn run(place: &Place, args: DoctorArgs) -> Result<Exit, Error> {
    if args.worktrees {
        return look_at_worktrees(place, args.issue);
    }
    let Examined { findings, github } = examine::all(place).await;
    let usable = findings.iter().all(|finding| finding.state != State::Bad);
    let out = reporters::out::Stream::Out;
    // A pipe gets each finding on one line.
    let width = out.is_terminal().then(|| out.width());
    let color = place.output.color(Stream::Out);
    let text = lines(&findings, color, width) + &verdict(&findings);
    place
        .output
        .result(&text, &event(&findings, usable, github.as_ref()))?;
    Ok(if usable {
        Exit::Done
    } else {
        Exit::CouldNotRun
    })
}

fn look_at_worktrees(place: &Place, issue: Option<IssueNumber>) -> Result<Exit, Error> {
    let findings = worktrees::findings(place, issue)?;
    let to_mend = findings.iter().filter(|it| it.state >= State::Warning);
    let to_mend = to_mend.count();
    let out = reporters::out::Stream::Out;
    let width = out.is_terminal().then(|| out.width());
    let mut text = lines(&findings, place.output.color(Stream::Out), width);
    let _ = match to_mend {
        0 => writeln!(text, "\nall is sound."),
        count => writeln!(text, "\nto mend: {count}."),
    };
    place
        .output
        .result(&text, &event(&findings, to_mend == 0, None))?;
    Ok(if to_mend == 0 {
        Exit::Done
    } else {
        Exit::CouldNotRun
    })
}

fn lines(findings: &[Finding], color: Color, width: Option<usize>) -> String {
    let mut text = String::new();
    for finding in findings {
        let (paint, end) = match color {
            Color::On => (finding.state.paint(), "\u{1b}[0m"),
            Color::Off => ("", ""),
        };
        let (word, subject) = (finding.state.word(), finding.subject);
        let detail = broken(&printable(&finding.detail), width, MARGIN);
        let _ = writeln!(text, "{paint}{word:5}{end} {subject:12} {detail}");
        if let Some(mend) = &finding.mend {
            let mend = broken(&printable(mend), width, MARGIN + HINT.len());
            let _ = writeln!(text, "{:MARGIN$}{HINT}{mend}", "");
        }
    }
    text
}

fn verdict(findings: &[Finding]) -> String {
    let mut text = String::new();
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

/// The text in lines of at most so many columns, each but the first behind a margin.
fn broken(text: &str, width: Option<usize>, margin: usize) -> String {
    let Some(room) = width.map(|width| width.saturating_sub(margin).max(NARROW)) else {
        return text.to_owned();
    };
    let (mut lines, mut columns) = (String::new(), 0);
    for word in text.split(' ') {
        let needs = word.width();
        if columns > 0 && columns + 1 + needs > room {
            let _ = write!(lines, "\n{:margin$}", "");
            columns = 0;
        } else if columns > 0 {
            lines.push(' ');
            columns += 1;
        }
        lines.push_str(word);
        columns += needs;
    }
    lines
}

fn event(findings: &[Finding], usable: bool, github: Option<&Value>) -> Value {
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
    json!({ "event": "doctor", "usable": usable, "checks": checks, "github": github })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_gets_more_lines_and_a_pipe_one() {
        let text = "actions: read, checks: read, contents: write";
        assert_eq!(broken(text, None, 19), text);
        assert_eq!(broken(text, Some(200), 19), text);
        let expect = "actions: read, checks: read,\n  contents: write";
        assert_eq!(broken(text, Some(32), 2), expect);
        let word = "x".repeat(50);
        assert_eq!(broken(&word, Some(40), 2), word);
    }
}
