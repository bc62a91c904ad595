//! How people are asked whether a task may run, what they answer in a comment, and what comes of no answer.

use crate::rules::event::Command;
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::printable::printable_block;
use crate::rules::prompt::first::INSTRUCTIONS_MAX;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of the comment that asks.
pub const REQUEST: &str = "approval";
/// The kind of the comment that asks others as well.
pub const REMINDER: &str = "approval-overdue";

const HOUR: u64 = 3_600_000;

/// How people are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// Is it asked in a comment on the issue?
    pub comment: bool,
    /// How long an answer is waited for; without end where there is none.
    pub patience: Option<Patience>,
}

impl Default for Approvals {
    fn default() -> Self {
        Self {
            comment: true,
            patience: None,
        }
    }
}

/// How long an answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patience {
    /// Hours; at least 1.
    pub hours: u32,
    /// What comes then.
    pub then: Late,
}

impl Patience {
    /// Until when somebody who was asked then may answer.
    #[must_use]
    pub fn until(self, asked: Timestamp) -> Timestamp {
        asked.plus_millis(u64::from(self.hours) * HOUR)
    }
}

/// What comes where nobody answers in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Late {
    /// The task is left out.
    #[default]
    Expire,
    /// Others are asked as well, once, and it waits on.
    Escalate,
}

/// What a comment wants done, where its first words are one of ours: `/approve`, `/reject` with or without a reason, or
/// `/modify` with what the agent is told besides.
#[must_use]
pub fn answer(issue: IssueNumber, comment: &str) -> Option<Command> {
    let said = comment.trim().strip_prefix('/')?;
    let (word, rest) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
    let rest = printable_block(rest, INSTRUCTIONS_MAX);
    let rest = Some(rest.trim()).filter(|rest| !rest.is_empty());
    match word.to_ascii_lowercase().as_str() {
        "approve" => Some(Command::Approve { issue }),
        "reject" => Some(Command::Reject {
            issue,
            reason: rest.map(str::to_owned),
        }),
        "modify" => Some(Command::Modify {
            issue,
            instructions: rest?.to_owned(),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_says_what_is_wanted() {
        let issue = IssueNumber(12);
        let check = |comment: &str, expect: Option<Command>| {
            assert_eq!(answer(issue, comment), expect, "{comment:?}");
        };
        let rejected = |reason: Option<&str>| {
            let reason = reason.map(str::to_owned);
            Some(Command::Reject { issue, reason })
        };
        check("/approve", Some(Command::Approve { issue }));
        check(
            "\n  /Approve looks fine\n",
            Some(Command::Approve { issue }),
        );
        check("/reject", rejected(None));
        check("/reject too\trisky\u{202e}", rejected(Some("too    risky")));
        check("/reject\nnot\nnow", rejected(Some("not\nnow")));
        let instructions = "keep the old flag\nand test it".to_owned();
        check(
            "/modify keep the old flag\nand test it",
            Some(Command::Modify {
                issue,
                instructions,
            }),
        );
        for none in [
            "",
            "/",
            "/modify",
            "/modify  \n",
            "/approved",
            "approve",
            "please /approve",
            "> /approve",
            "`/approve`",
            "/ approve",
            "/\u{200b}approve",
        ] {
            check(none, None);
        }
    }

    #[test]
    fn patience_is_counted_from_the_asking() {
        let then = Late::Expire;
        let patience = Patience { hours: 48, then };
        assert_eq!(patience.until(Timestamp(5)), Timestamp(172_800_005));
    }
}
