//! What figures are made of: tasks that ended, pulls, and bills, each with what they can be grouped by.

use crate::rules::ids::{IssueNumber, PullNumber, SessionId, Timestamp};
use crate::rules::money::Usd;
use crate::rules::task::Ending;
use std::sync::Arc;

/// What rows are grouped by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traits {
    /// The repository.
    pub project: Arc<str>,
    /// The domain; `planner` where it is the planner's.
    pub domain: Arc<str>,
    /// What the issue asks for (`bug`, `feature`, ...); `unknown` where it was not evaluated.
    pub kind: Arc<str>,
    /// The agent that worked on it last.
    pub agent: Arc<str>,
    /// Its model, as the agent names it; `unknown` where it did not say.
    pub model: Arc<str>,
}

/// A task that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What it is grouped by.
    pub traits: Traits,
    /// The session.
    pub session: SessionId,
    /// The issue.
    pub issue: IssueNumber,
    /// The issue's title; the forge's words.
    pub title: String,
    /// How it ended.
    pub ending: Ending,
    /// Why, for a person; nothing where there is nothing to add, or it was ended by a version that did not keep it.
    pub reason: Option<String>,
    /// When its first attempt was let in; nothing where none was.
    pub began: Option<Timestamp>,
    /// When it ended.
    pub ended: Timestamp,
    /// How many attempts it took.
    pub attempts: u32,
    /// How often a person approved, answered, or said that it should be tried again.
    pub helped: u32,
    /// How often checks ran on a commit of its.
    pub checked: u32,
    /// How often none of them kept the commit from being offered.
    pub passed: u32,
    /// What it cost.
    pub cost: Usd,
    /// The pull's number and address, where one was opened.
    pub pull: Option<(PullNumber, Option<String>)>,
    /// Does it go on with an open pull?
    pub is_round: bool,
}

/// A pull of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// What it is grouped by: as the task that opened it.
    pub traits: Traits,
    /// When that task ended.
    pub at: Timestamp,
    /// What became of it, as far as anybody looked.
    pub end: Option<PullEnd>,
}

/// What became of a pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullEnd {
    /// Merged, and that was seen then.
    Merged {
        /// When it was seen.
        at: Timestamp,
        /// At the very commit that the session left? Nothing where either is not known.
        unchanged: Option<bool>,
    },
    /// Closed without that, and that was seen then.
    Rejected {
        /// When it was seen.
        at: Timestamp,
    },
}

impl PullEnd {
    /// When it was seen.
    #[must_use]
    pub fn at(self) -> Timestamp {
        match self {
            Self::Merged { at, .. } | Self::Rejected { at } => at,
        }
    }
}

/// A bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// What it is grouped by; agent and model are those that were paid.
    pub traits: Traits,
    /// When it was settled.
    pub at: Timestamp,
    /// The amount.
    pub cost: Usd,
}

/// All of them, of some time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Tasks by when they ended.
    pub done: Vec<Done>,
    /// Pulls by what became of them last.
    pub offered: Vec<Offered>,
    /// Bills by when they were settled.
    pub bills: Vec<Bill>,
}
