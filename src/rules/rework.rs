//! Conflicts between the work of tasks, found by merging it before a person does, and what is done about them.

use crate::rules::ids::{AttemptNumber, CommitId, IssueNumber};
use crate::rules::task::{CheckReport, Commit, DiffStat};
use serde::{Deserialize, Serialize};

/// Two tasks whose work really conflicts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The later of the two.
    pub issue: IssueNumber,
    /// The earlier one.
    pub with: IssueNumber,
    /// The files.
    pub paths: Vec<String>,
}

impl Conflict {
    /// In words that follow the later one's number.
    #[must_use]
    pub fn words(&self) -> String {
        words_of(&self.with.to_string(), &self.paths)
    }

    /// The other of the two, if the task is one of them.
    #[must_use]
    pub fn of(&self, issue: IssueNumber) -> Option<IssueNumber> {
        if self.issue == issue {
            return Some(self.with);
        }
        (self.with == issue).then_some(self.issue)
    }

    /// Are they the same two tasks, in any order?
    #[must_use]
    pub fn is_between(&self, other: &Self) -> bool {
        (self.issue, self.with) == (other.issue, other.with)
            || (self.issue, self.with) == (other.with, other.issue)
    }
}

/// Work that does not merge with the base branch any more, which has moved on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outdated {
    /// Whose.
    pub issue: IssueNumber,
    /// The files.
    pub paths: Vec<String>,
}

impl Outdated {
    /// In words that follow the task's number.
    #[must_use]
    pub fn words(&self) -> String {
        words_of("the base branch, which has moved on,", &self.paths)
    }
}

/// `conflicts with #1 over a and 2 more`
fn words_of(with: &str, paths: &[String]) -> String {
    let more = match paths.len() {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let first = paths.first().map_or("?", String::as_str);
    format!("conflicts with {with} over {first}{more}")
}

/// What an agent that still works has changed so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// The task.
    pub issue: IssueNumber,
    /// The attempt.
    pub attempt: AttemptNumber,
    /// The files; of very many, the first.
    pub paths: Vec<String>,
}

/// Work as a commit that can be merged for a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whose.
    pub issue: IssueNumber,
    /// The commit; of running work it lasts as long as the look.
    pub commit: CommitId,
    /// What it changes; of running work no lines are counted.
    pub diff: DiffStat,
}

/// One more attempt at work that conflicts, on top of what it conflicts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rework {
    /// The work as it is offered; it stays that where nothing better comes of it.
    pub own: Box<Commit>,
    /// What the checks said of it.
    pub reports: Vec<CheckReport>,
    /// Those that it conflicts with; none where it is the base branch alone.
    pub with: Vec<IssueNumber>,
    /// Is the attempt still to be made, or running?
    pub is_open: bool,
}

/// Commits to be merged for a trial, and whose they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// One task, and its work.
    pub one: (IssueNumber, CommitId),
    /// The other.
    pub other: (IssueNumber, CommitId),
}
