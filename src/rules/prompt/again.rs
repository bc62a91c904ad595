//! Words for an attempt that goes on: what to do about what went wrong.

use crate::rules::excerpt::excerpt;
use crate::rules::printable::{clip, printable_block, printable_lines};
use crate::rules::prompt::fence::fenced;
use crate::rules::prompt::first::INSTRUCTIONS_MAX;
use crate::rules::task::{CheckReport, Verdict};
use std::fmt::Write as _;

/// The most of all checks' output together, and of one failure's words, in bytes.
const OUTPUTS_MAX: usize = 24_000;
const FAILURE_MAX: usize = 4_000;

/// What went wrong with an attempt that goes on.
#[derive(Clone, Copy, Debug)]
pub enum Feedback<'a> {
    /// These checks ran; those that stop the commit are told.
    ChecksFailed(&'a [CheckReport]),
    /// It failed with these words.
    Failed(&'a str),
    /// A person answered what it asked.
    Answered {
        /// What it asked.
        question: &'a str,
        /// What was answered.
        answer: &'a str,
    },
    /// Nothing is wrong: it was stopped midway.
    Interrupted,
    /// Somebody else began, and was told none of what follows; it ended with these words, if with any.
    Begun(Option<&'a str>),
}

/// The prompt for an attempt that goes on in its conversation and its files.
#[must_use]
pub fn feedback_prompt(what: &Feedback<'_>) -> String {
    match what {
        Feedback::ChecksFailed(reports) => checks_prompt(reports),
        Feedback::Failed(message) => format!(
            "The work so far ended with a failure:\n\n{}\n\nThe files are as you left them. See to the cause where it \
             lies in your work, then go on until the issue is resolved. The rules stay the same, and so does the short \
             message at the end.",
            fenced("failure", &printable_block(message, FAILURE_MAX)),
        ),
        Feedback::Answered { question, answer } => format!(
            "You asked:\n\n{}\n\nA person of the repository answered:\n\n{}\n\nGo on with that until the issue is \
             resolved. The rules stay the same, and so does the short message at the end.",
            fenced("question", question),
            fenced("answer", printable_block(answer, INSTRUCTIONS_MAX).trim()),
        ),
        Feedback::Interrupted => "You were interrupted; nothing else is wrong. The files are as you left them. Look at \
             where you stand, and go on until the issue is resolved. The rules stay the same, and so does the short \
             message at the end."
            .to_owned(),
        Feedback::Begun(failure) => begun_prompt(*failure),
    }
}

fn begun_prompt(failure: Option<&str>) -> String {
    let ended = failure.map_or_else(String::new, |message| {
        let words = fenced("failure", &printable_block(message, FAILURE_MAX));
        format!(" It ended with:\n\n{words}\n\n")
    });
    let space = if ended.is_empty() { " " } else { "" };
    format!(
        "An earlier attempt at this issue did not come to its end.{ended}{space}What it changed is in the files already, \
         uncommitted. Look at where they stand, keep what is good of it, and go on until the issue is resolved."
    )
}

fn checks_prompt(reports: &[CheckReport]) -> String {
    let stopping = reports.iter().filter(|report| report.verdict.stops());
    let each = OUTPUTS_MAX / stopping.clone().count().max(1);
    let mut prompt = "Your change is not done yet: it does not pass these checks.\n".to_owned();
    for report in stopping {
        let output = fenced(
            "output",
            excerpt(&printable_lines(&report.output), each).trim(),
        );
        let name = clip(&report.name, 100);
        write!(prompt, "\n{name} {}:\n{output}\n", ended(report.verdict))
            .expect("writing to a string never fails");
    }
    prompt.push_str(
        "\nMend the cause, not the check. The rules stay the same. End with a short message about the whole change.",
    );
    prompt
}

fn ended(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Flaky => "failed, then passed",
        Verdict::Unproven => "is not proven by a test",
        Verdict::FailedBefore => "failed before your change as well",
        Verdict::TimedOut => "did not end in time",
        Verdict::Unable => "could not be started",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::checks::shape::CheckKind;

    fn report(verdict: Verdict, output: &str) -> CheckReport {
        CheckReport {
            name: format!("{verdict:?}"),
            kind: CheckKind::Test,
            verdict,
            millis: 1,
            output: output.to_owned(),
        }
    }

    #[test]
    fn feedback_tells_only_what_stops() {
        let reports = [
            report(Verdict::Passed, "fine"),
            report(Verdict::Failed, "\u{1b}[31mit broke\u{1b}[0m"),
            report(Verdict::FailedBefore, "old"),
            report(Verdict::TimedOut, "slow"),
        ];
        let prompt = feedback_prompt(&Feedback::ChecksFailed(&reports));
        assert!(
            prompt.contains("Failed failed:\n<output-1>\nit broke\n</output-1>"),
            "{prompt}"
        );
        assert!(prompt.contains("TimedOut did not end in time:\n<output-1>\nslow"));
        assert!(!prompt.contains("fine") && !prompt.contains("old"));
    }

    #[test]
    fn feedback_is_bounded_and_keeps_the_ends() {
        let long = "x\n".repeat(1_000_000) + "the end";
        let reports = vec![report(Verdict::Failed, &long); 5];
        let prompt = feedback_prompt(&Feedback::ChecksFailed(&reports));
        assert!(prompt.len() < OUTPUTS_MAX + 1_000);
        assert_eq!(prompt.matches("the end").count(), 5);
        let prompt = feedback_prompt(&Feedback::Failed(&long));
        assert!(prompt.len() < FAILURE_MAX + 1_000 && prompt.contains("the end"));
        assert!(feedback_prompt(&Feedback::Interrupted).contains("interrupted"));
    }
}
