//! A branch whose checks fail, as one finding: one red branch is one issue, however many checks and commits it has.

use crate::rules::excerpt::excerpt;
use crate::rules::finding::{Finding, Level, TRACE_MAX};
use crate::rules::follow::shape::Checks;
use crate::rules::ids::CommitId;
use std::fmt::Write as _;

/// Checks that are named in a title.
const NAMED: usize = 3;

/// What the checks of a branch's newest commit come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Some failed.
    Red(Box<Finding>),
    /// All have ended, and passed.
    Green,
    /// Nobody knows yet, or nothing is checked.
    Unknown,
}

/// Judges them.
#[must_use]
pub fn colour(branch: &str, commit: &CommitId, checks: &Checks) -> Colour {
    if checks.failed.is_empty() {
        let is_green = checks.pending.is_empty() && checks.passed > 0;
        return if is_green {
            Colour::Green
        } else {
            Colour::Unknown
        };
    }
    let mut names: Vec<&str> = checks
        .failed
        .iter()
        .map(|failed| failed.by.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    let mut named = names[..names.len().min(NAMED)].join(", ");
    if names.len() > NAMED {
        let _ = write!(named, " and {} more", names.len() - NAMED);
    }
    let room = TRACE_MAX / checks.failed.len().max(1);
    let mut trace = String::new();
    for failed in &checks.failed {
        let log = excerpt(&failed.text, room.saturating_sub(failed.by.len() + 20));
        let _ = writeln!(trace, "== {} ==\n{}\n", failed.by, log.trim_end());
    }
    let mut labels = vec![
        ("branch".to_owned(), branch.to_owned()),
        ("commit".to_owned(), commit.as_str().to_owned()),
    ];
    labels.extend(
        names
            .iter()
            .map(|name| ("check".to_owned(), (*name).to_owned())),
    );
    let title = format!("CI fails on {branch}: {named}");
    let finding = Finding {
        trace,
        labels,
        ..Finding::new(format!("branch {branch}"), &title, Level::Error)
    };
    Colour::Red(Box::new(finding.bounded()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::follow::shape::{Said, SaidId, Source};

    fn checks(failed: &[&str], pending: &[&str], passed: usize) -> Checks {
        let said = |(number, name): (usize, &&str)| Said {
            id: SaidId {
                source: Source::Check,
                number: number as u64,
            },
            thread: None,
            by: (*name).to_owned(),
            at: None,
            text: format!("error: {name} is broken"),
        };
        Checks {
            failed: failed.iter().enumerate().map(said).collect(),
            pending: pending.iter().map(|name| (*name).to_owned()).collect(),
            passed,
            ..Checks::default()
        }
    }

    fn judged(checks: &Checks) -> Colour {
        colour("main", &CommitId::new("a".repeat(40)), checks)
    }

    #[test]
    fn a_branch_is_green_once_all_have_passed() {
        assert_eq!(judged(&checks(&[], &[], 2)), Colour::Green);
        assert_eq!(judged(&checks(&[], &["lint"], 2)), Colour::Unknown);
        assert_eq!(judged(&checks(&[], &[], 0)), Colour::Unknown);
    }

    #[test]
    fn a_red_branch_is_one_finding_with_what_each_check_said() {
        let Colour::Red(first) = judged(&checks(&["test", "build"], &["lint"], 1)) else {
            panic!("it is red");
        };
        assert_eq!(first.title, "CI fails on main: build, test");
        assert!(
            first
                .trace
                .contains("== test ==\nerror: test is broken\n\n== build ==\n"),
            "{}",
            first.trace
        );
        let Colour::Red(other) = judged(&checks(&["a", "b", "c", "d", "e"], &[], 0)) else {
            panic!("it is red");
        };
        assert_eq!(other.title, "CI fails on main: a, b, c and 2 more");
        assert_eq!(
            first.fingerprint, other.fingerprint,
            "it is the same red branch"
        );
    }
}
