//! The message of a commit that we make.

use crate::rules::neutral::neutralise;
use crate::rules::offer::templates::{Named, render};
use crate::rules::offer::title::title;
use crate::rules::printable::{clip, printable_block, printable_lines};
use crate::rules::task::{CommitMessage, Task};

/// Widths of a commit's message, as git's own documentation advises.
const SUBJECT_MAX: usize = 72;
const LINE_MAX: usize = 72;
/// The most of an agent's words, in bytes.
const MESSAGE_MAX: usize = 4_000;

/// The message of the commit for this task; `summary` is what the agent said at the end, already redacted. A template
/// that fails after all gives way to the usual words.
#[must_use]
pub fn commit_message(task: &Task, summary: &str, template: Option<&str>) -> CommitMessage {
    let said = neutralise(&printable_block(summary, MESSAGE_MAX));
    let said: Vec<String> = said.trim().lines().map(wrapped).collect();
    let said = said.join("\n");
    let own = template.and_then(|template| {
        let named = Named::of(task, task.branch.as_str(), said.clone());
        render(template, &named).ok().as_deref().and_then(parted)
    });
    let (subject, body) = own.unwrap_or_else(|| (title(task, SUBJECT_MAX), said));
    CommitMessage {
        subject,
        body,
        issue: task.number(),
    }
}

/// The first line and the rest; nothing where that says nothing.
fn parted(message: &str) -> Option<(String, String)> {
    let message = printable_lines(message);
    let message = message.trim();
    let (subject, body) = message.split_once('\n').unwrap_or((message, ""));
    let subject = clip(subject, SUBJECT_MAX);
    (!subject.is_empty()).then(|| (subject, body.trim().to_owned()))
}

/// The line, broken at spaces where it is longer than a commit's should be; a longer word stays whole.
fn wrapped(line: &str) -> String {
    let indent = &line[..line.len() - line.trim_start().len()];
    let mut wrapped = String::with_capacity(line.len() + 8);
    let mut width = 0;
    for word in line.split_whitespace() {
        let length = word.chars().count();
        if width == 0 {
            wrapped.push_str(indent);
            width = indent.len() + length;
        } else if width + 1 + length <= LINE_MAX {
            wrapped.push(' ');
            width += 1 + length;
        } else {
            wrapped.push('\n');
            wrapped.push_str(indent);
            width = indent.len() + length;
        }
        wrapped.push_str(word);
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ids::IssueNumber;
    use crate::rules::offer::title::tests::titled;
    use proptest::prelude::*;

    #[test]
    fn a_commit_says_what_was_done() {
        let message = commit_message(
            &titled("[Backend] Fix\nlogin"),
            "One.\n\n- two words\n",
            None,
        );
        assert_eq!(message.subject, "[Backend] Fix login");
        assert_eq!(message.body, "One.\n\n- two words");
        assert_eq!(message.issue, IssueNumber(12));
    }

    #[test]
    fn a_commit_closes_no_other_issue_and_skips_no_ci() {
        let message = commit_message(&titled("fixes #7 [skip ci]"), "closes #8, @octocat", None);
        assert_eq!(message.subject, "fixes #\u{200b}7 [\u{200b}skip ci]");
        assert_eq!(message.body, "closes #\u{200b}8, @\u{200b}octocat");
        assert_eq!(
            commit_message(&titled(" \u{202e} "), "", None).subject,
            "Issue 12"
        );
    }

    #[test]
    fn long_lines_of_a_commit_are_wrapped() {
        let said = format!("First:\n  {}{}", "word ".repeat(40), "x".repeat(100));
        let body = commit_message(&titled(""), &said, None).body;
        let lines: Vec<_> = body.lines().collect();
        let (last, others) = lines.split_last().unwrap();
        assert!(others.iter().all(|line| line.len() <= 72), "{body}");
        assert!(
            lines[1..].iter().all(|line| line.starts_with("  ")),
            "{body}"
        );
        assert_eq!(last.len(), 102, "a long word stays whole");
    }

    #[test]
    fn a_template_makes_the_message_and_one_that_fails_does_not_lose_the_work() {
        let made = |template: &str| {
            let message = commit_message(&titled("Fix it"), "Did it.", Some(template));
            (message.subject, message.body)
        };
        let usual = ("Fix it".to_owned(), "Did it.".to_owned());
        assert_eq!(
            made("fix({{ domain }}): {{ issue.title }}\n\n{{ summary }}\nIssue {{ issue.number }}"),
            (
                "fix(backend): Fix it".to_owned(),
                "Did it.\nIssue 12".to_owned()
            )
        );
        assert_eq!(made("{{ nothing }}"), usual);
        assert_eq!(made("\n \n"), usual);
        assert_eq!(made(&"x".repeat(100)).0.chars().count(), 72);
    }

    proptest! {
        #[test]
        fn any_title_makes_a_short_subject(title in any::<String>()) {
            let subject = commit_message(&titled(&title), "", None).subject;
            prop_assert!((1..=72).contains(&subject.chars().count()));
            prop_assert!(!subject.contains(char::is_control));
        }
    }
}
