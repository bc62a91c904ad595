//! Does a test prove the change: one that fails without it, and passes with it?

use crate::rules::checks::shape::CheckKind;
use crate::rules::classify::Domain;
use crate::rules::layout::domain_of_path;
use crate::rules::task::{CheckReport, DiffStat, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Is a test wanted that fails without the change?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FailingTest {
    /// No.
    #[default]
    Off,
    /// The agent is asked for one; whether there is one is told.
    Ask,
    /// Nothing is offered without one.
    Require,
}

/// What the proof is called among the checks.
pub const NAME: &str = "fails without the change";

impl FailingTest {
    /// What the agent is asked for, if anything.
    #[must_use]
    pub fn step(self) -> Option<&'static str> {
        match self {
            Self::Off => None,
            Self::Ask | Self::Require => Some(
                "Add a test, in a file of tests, that fails without your change and passes with it. It will be run on the \
                 code as it was.",
            ),
        }
    }
}

/// The files of tests among the changed ones, where the change is one that a test can prove: all but documents, and
/// tests themselves.
#[must_use]
pub fn tests_of(diff: &DiffStat) -> Option<Vec<String>> {
    let is_test = |path: &&String| domain_of_path(path) == Some(Domain::Testing);
    let (tests, others): (Vec<&String>, Vec<&String>) = diff.paths.iter().partition(is_test);
    let is_document = |path: &&String| domain_of_path(path) == Some(Domain::Documentation);
    let is_proven_otherwise = others.iter().all(is_document);
    (!is_proven_otherwise).then(|| tests.into_iter().cloned().collect())
}

/// Has no test that passes tried the work?
#[must_use]
pub fn is_untested(reports: &[CheckReport]) -> bool {
    let tries = |report: &CheckReport| {
        let is_test = match report.kind {
            // What a check without a kind does nobody said; most are tests.
            CheckKind::Test | CheckKind::Custom => true,
            CheckKind::Lint | CheckKind::Types | CheckKind::Build | CheckKind::Smoke => false,
        };
        let passes = match report.verdict {
            Verdict::Passed | Verdict::Flaky => true,
            Verdict::Unproven
            | Verdict::Failed
            | Verdict::FailedBefore
            | Verdict::TimedOut
            | Verdict::Unable => false,
        };
        is_test && passes
    };
    !reports.iter().any(tries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_prove_code_and_nothing_else() {
        let check = |paths: &[&str], expect: Option<&[&str]>| {
            let diff = DiffStat {
                paths: paths.iter().map(ToString::to_string).collect(),
                ..DiffStat::default()
            };
            let expect = expect.map(|paths| paths.iter().map(ToString::to_string).collect());
            assert_eq!(tests_of(&diff), expect, "{paths:?}");
        };
        check(&["src/a.rs", "tests/a.rs"], Some(&["tests/a.rs"]));
        check(&["src/a.py", "src/test_a.py"], Some(&["src/test_a.py"]));
        check(&["src/a.rs", "README.md"], Some(&[]));
        check(&["README.md"], None);
        check(&["tests/a.rs", "docs/x.md"], None);
        check(&[], None);
    }

    #[test]
    fn only_a_test_that_passes_tries_anything() {
        let check = |kind, verdict, expect| {
            let report = CheckReport {
                name: "x".to_owned(),
                kind,
                verdict,
                millis: 1,
                output: String::new(),
            };
            assert_eq!(is_untested(&[report]), expect, "{kind:?} {verdict:?}");
        };
        check(CheckKind::Test, Verdict::Passed, false);
        check(CheckKind::Custom, Verdict::Flaky, false);
        check(CheckKind::Test, Verdict::FailedBefore, true);
        check(CheckKind::Lint, Verdict::Passed, true);
        check(CheckKind::Build, Verdict::Passed, true);
        assert!(is_untested(&[]));
    }
}
