//! What is commented on an issue.

use crate::rules::evaluate::clarity::Doubt;
use crate::rules::ids::{BranchName, SessionId};
use crate::rules::money::Usd;
use crate::rules::names::{comment_marker, question_marker};
use crate::rules::offer::sections::{counted, quoted};
use crate::rules::task::{Ending, Pull, Task};

/// The most of a reason, in bytes.
const REASON_MAX: usize = 4_000;

/// How a task ended, for the comment that tells it.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// The task.
    pub task: &'a Task,
    /// The session it belongs to.
    pub session: &'a SessionId,
    /// How it ended.
    pub ending: Ending,
    /// The pull, if there is one.
    pub pull: Option<&'a Pull>,
    /// The branch that holds the work.
    pub branch: &'a BranchName,
    /// Why, already redacted.
    pub reason: Option<&'a str>,
    /// All bills.
    pub cost: Usd,
    /// All attempts.
    pub attempts: u32,
}

/// The kind of the one comment on an issue that tells how a session's work on it goes; it is changed in place.
pub const STATUS: &str = "status";

/// Where the work on an issue stands, in that comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// It goes on; people have answered so many questions by now.
    Working {
        /// Questions.
        answers: u32,
    },
    /// It waits for a person's approval.
    Unapproved,
    /// It waits for the answer to this question, counted from 1.
    Asking {
        /// The question.
        times: u32,
    },
    /// It has ended.
    Ended,
}

impl Stand {
    /// One word for it, never the same for two.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Working { answers: 0 } => "working".to_owned(),
            Self::Working { answers } => format!("working-{answers}"),
            Self::Unapproved => "unapproved".to_owned(),
            Self::Asking { times } => format!("asking-{times}"),
            Self::Ended => "ended".to_owned(),
        }
    }
}

/// The comment while the work goes on, with its marker.
#[must_use]
pub fn working_comment(task: &Task, session: &SessionId, branch: &BranchName) -> String {
    let what = format!("An agent works on this, on the branch `{branch}`.");
    let next =
        "How it ends is told here, in this comment. A question would be a comment of its own.";
    told(&[&what, next], session, task)
}

/// The comment while a question waits for its answer, with its marker.
#[must_use]
pub fn asking_comment(task: &Task, session: &SessionId) -> String {
    let what = "The work on this waits for an answer to the question below.";
    let next = format!(
        "Answer in a comment, or with `autoissue answer {} \"...\"`.",
        task.number().0
    );
    told(&[what, &next], session, task)
}

/// The comment once another session works on the issue, with its marker.
#[must_use]
pub fn taken_over_comment(task: &Task, session: &SessionId) -> String {
    let what = "Another session has taken this over, and this one works on it no more.";
    told(&[what], session, task)
}

fn told(sections: &[&str], session: &SessionId, task: &Task) -> String {
    let marker = comment_marker(session, task.number(), STATUS);
    sections.join("\n\n") + "\n\n" + &marker + "\n"
}

/// The comment once the work has ended, with its marker.
#[must_use]
pub fn end_comment(end: &End<'_>) -> String {
    let End {
        task,
        session,
        ending,
        pull,
        branch,
        reason,
        cost,
        attempts,
    } = *end;
    let issue = task.number();
    let what = match (ending, pull) {
        (Ending::Completed, Some(pull)) => format!("This is done in {}.", pull.number),
        (Ending::Completed, None) => {
            format!("This is done on the branch `{branch}`; no pull request was wanted.")
        }
        (Ending::NoChange, _) => "Nothing had to be changed for this.".to_owned(),
        (Ending::Failed, _) => "This could not be done.".to_owned(),
        (Ending::Blocked, _) => {
            "This could not be started: something it needs is missing.".to_owned()
        }
        (Ending::Skipped, _) => "This was left out.".to_owned(),
        (Ending::NeedsHuman, _) => {
            "A person has to look at this before it can be offered.".to_owned()
        }
        (Ending::Budget, _) => "This was not finished: the budget does not reach.".to_owned(),
    };
    let next = match ending {
        Ending::Failed | Ending::NeedsHuman | Ending::Budget => Some(format!(
            "Try it again with `autoissue exec --issue {}`.",
            issue.0
        )),
        Ending::Completed | Ending::NoChange | Ending::Blocked | Ending::Skipped => None,
    };
    let effort =
        (attempts > 0).then(|| format!("{}, {cost}.", counted(attempts.into(), "attempt")));
    let reason = reason.map(|reason| quoted(reason, REASON_MAX));
    let marker = comment_marker(session, issue, STATUS);
    let sections = [Some(what), reason, next, effort, Some(marker)];
    sections
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("\n\n")
        + "\n"
}

/// The comment that asks what is not clear about an issue, with its marker; one for each issue.
#[must_use]
pub fn question_comment(task: &Task) -> String {
    let evaluation = task.evaluation.as_deref();
    let doubt = evaluation.and_then(|evaluation| evaluation.doubts.first());
    let question = doubt.map(Doubt::question).unwrap_or_default();
    let sections = [question, question_marker(task.number())];
    let told: Vec<&str> = sections.iter().map(String::as_str).collect();
    let told = told.into_iter().filter(|section| !section.is_empty());
    told.collect::<Vec<_>>().join("\n\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ids::PullNumber;
    use crate::rules::offer::title::tests::{session, titled};

    fn end(ending: Ending, pull: Option<&Pull>, reason: Option<&str>, attempts: u32) -> String {
        let task = titled("Title");
        let cost = Usd::from_micros(500_000);
        end_comment(&End {
            task: &task,
            session: &session(),
            ending,
            pull,
            branch: &task.branch,
            reason,
            cost,
            attempts,
        })
    }

    #[test]
    fn a_comment_tells_the_end() {
        let pull = Pull {
            number: PullNumber(34),
            url: String::new(),
            head: String::new(),
            base: String::new(),
            open: true,
            body: String::new(),
        };
        let marker =
            "<!-- autoissue:v1 session=01JD8Z6Q0G7Y4V3M2N1K5T9RXC issue=12 kind=status -->";
        assert_eq!(
            end(Ending::Completed, Some(&pull), None, 1),
            format!("This is done in #34.\n\n1 attempt, $0.50.\n\n{marker}\n")
        );
        assert_eq!(
            end(
                Ending::Failed,
                None,
                Some("tests failed\n/approve @octocat"),
                3
            ),
            format!(
                "This could not be done.\n\n> tests failed\n> /\u{200b}approve @\u{200b}octocat\n\n\
                 Try it again with `autoissue exec --issue 12`.\n\n3 attempts, $0.50.\n\n{marker}\n"
            )
        );
        assert!(end(Ending::Completed, None, None, 1).contains("`autoissue/12-title`"));
        assert!(!end(Ending::Blocked, None, Some("needs #3"), 0).contains("attempt"));
    }

    #[test]
    fn one_marker_is_in_all_that_it_says_on_the_way() {
        let (task, session) = (titled("Title"), session());
        let marker =
            "<!-- autoissue:v1 session=01JD8Z6Q0G7Y4V3M2N1K5T9RXC issue=12 kind=status -->";
        let working = working_comment(&task, &session, &task.branch);
        assert!(
            working.starts_with("An agent works on this, on the branch `autoissue/12-title`.\n\n")
        );
        let asking = asking_comment(&task, &session);
        assert!(asking.contains("`autoissue answer 12 \"...\"`"), "{asking}");
        let ended = end(Ending::NoChange, None, None, 1);
        let taken_over = taken_over_comment(&task, &session);
        for text in [working, asking, ended, taken_over] {
            assert!(text.ends_with(&format!("\n\n{marker}\n")), "{text}");
        }
        let words = [0, 1, 2].map(|answers| Stand::Working { answers }.word());
        assert_eq!(words, ["working", "working-1", "working-2"]);
    }
}
