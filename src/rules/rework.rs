//! Conflicts between the work of tasks, found by merging it before a person does, and what is done about them.

use crate::rules::ids::{CommitId, IssueNumber};
use crate::rules::task::{CheckReport, Commit};
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
        let more = match self.paths.len() {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let first = self.paths.first().map_or("?", String::as_str);
        format!("conflicts with {} over {first}{more}", self.with)
    }
}

/// One more attempt at work that conflicts, on top of what it conflicts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rework {
    /// The work as it is offered; it stays that where nothing better comes of it.
    pub own: Box<Commit>,
    /// What the checks said of it.
    pub reports: Vec<CheckReport>,
    /// Those that it conflicts with.
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
