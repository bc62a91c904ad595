//! Where an issue stands on its forge at this moment, apart from its words.

use crate::rules::issue::{Issue, IssueState};

/// What was seen of an issue in one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Is it there, and open?
    pub whereabouts: Whereabouts,
    /// Its labels.
    pub labels: Vec<String>,
    /// Those who are assigned to it.
    pub assignees: Vec<String>,
    /// The number of its milestone.
    pub milestone: Option<u64>,
}

/// Is an issue there, and open?
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Whereabouts {
    /// Both.
    #[default]
    Open,
    /// It was closed.
    Closed,
    /// It is in another repository now, or one of its own name elsewhere.
    Moved {
        /// Its page there, where that is known.
        to: Option<String>,
    },
    /// It was deleted, or is hidden from us.
    Gone,
}

impl Standing {
    /// What an issue says of itself; `None` stands for one that is not there.
    #[must_use]
    pub fn of(issue: Option<&Issue>) -> Self {
        let Some(issue) = issue else {
            return Self::nowhere(Whereabouts::Gone);
        };
        Self {
            whereabouts: match issue.state {
                IssueState::Open => Whereabouts::Open,
                IssueState::Closed => Whereabouts::Closed,
            },
            labels: issue.labels.clone(),
            ..Self::default()
        }
    }

    /// An issue of which nothing else is known.
    #[must_use]
    pub fn nowhere(whereabouts: Whereabouts) -> Self {
        Self {
            whereabouts,
            ..Self::default()
        }
    }
}
