//! An agent that asks instead of doing: how its question is told from an answer, and put to people.

use crate::rules::ids::{IssueNumber, SessionId};
use crate::rules::names::comment_marker;
use crate::rules::neutral::neutralise;
use crate::rules::printable::printable_lines;
use crate::rules::prompt::fence::beginning;

/// What the line begins with that asks.
pub const MARK: &str = "NEEDS INPUT:";
/// The longest question, in bytes.
const QUESTION_MAX: usize = 2_000;
/// So often one task may ask; more is a task for a person.
pub const MOST_QUESTIONS: u32 = 3;

/// A question, and what was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The agent's question: printable, redacted, bounded.
    pub question: String,
    /// So often the task has asked by now.
    pub times: u32,
    /// What a person answered, once one did.
    pub answer: Option<String>,
    /// Has the agent worked with the answer since?
    pub is_told: bool,
}

impl Exchange {
    /// The answer that the agent does not know yet.
    #[must_use]
    pub fn news(&self) -> Option<&str> {
        self.answer.as_deref().filter(|_| !self.is_told)
    }
}

/// What the last words of an agent ask for: all from the last line on that begins with the mark, which may be set off
/// by Markdown. `None` where it does not ask.
#[must_use]
pub fn asked(said: &str) -> Option<String> {
    let said = printable_lines(said);
    let bare = |line: &str| {
        line.trim_start_matches([' ', '*', '_', '#', '>', '`'])
            .to_owned()
    };
    let lines: Vec<&str> = said.lines().collect();
    let at = lines
        .iter()
        .rposition(|line| bare(line).starts_with(MARK))?;
    let first = bare(lines[at]);
    let first = first.strip_prefix(MARK).unwrap_or_default();
    let first = first.trim_start_matches(['*', '_', '`']);
    let question = [&[first], &lines[at + 1..]].concat().join("\n");
    let question = beginning(question.trim(), QUESTION_MAX);
    let question = question.trim();
    (!question.is_empty()).then(|| question.to_owned())
}

/// The kind of the comment that asks it, by how often the task has asked.
#[must_use]
pub fn kind(times: u32) -> String {
    format!("input-{times}")
}

/// The comment that asks, with its marker.
#[must_use]
pub fn comment(session: &SessionId, issue: IssueNumber, question: &str, times: u32) -> String {
    let quoted: Vec<String> = neutralise(question)
        .lines()
        .map(|line| format!("> {line}"))
        .collect();
    let marker = comment_marker(session, issue, &kind(times));
    format!(
        "The agent that works on this needs an answer before it can go on:\n\n{}\n\nAnswer in a comment below, or with \
         `autoissue answer {} \"...\"`. The work waits until then.\n\n{marker}\n",
        quoted.join("\n"),
        issue.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_mark_asks() {
        let check =
            |said: &str, expect: Option<&str>| assert_eq!(asked(said).as_deref(), expect, "{said}");
        check("NEEDS INPUT: which one?", Some("which one?"));
        check(
            "I looked.\n\n**NEEDS INPUT:** A or B?\n- A\n- B\n",
            Some("A or B?\n- A\n- B"),
        );
        check("NEEDS INPUT: first\nNEEDS INPUT: second", Some("second"));
        check("> NEEDS INPUT:\nthe keys?", Some("the keys?"));
        check("NEEDS INPUT:  \n", None);
        check("Should I do it?", None);
        check("It says NEEDS INPUT: here", None);
        check("needs input: no", None);
        check("NEEDS INPUT: \u{1b}[31mred\u{202e}", Some("red"));
        assert!(
            asked(&format!("NEEDS INPUT: {}", "x".repeat(9_000)))
                .unwrap()
                .len()
                <= QUESTION_MAX + 100
        );
    }

    #[test]
    fn a_question_does_nothing_on_a_forge() {
        let session = SessionId::new("01JD8Z6Q0G7Y4V3M2N1K5T9RXC");
        let text = comment(
            &session,
            IssueNumber(12),
            "closes #7?\n<!-- autoissue:v1 x -->",
            2,
        );
        assert!(
            text.contains("> closes #\u{200b}7?\n> <\u{200b}!-- autoissue"),
            "{text}"
        );
        assert!(text.ends_with("issue=12 kind=input-2 -->\n"), "{text}");
    }
}
