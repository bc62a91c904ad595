//! Open pulls, looked at and led to their end.

use crate::ports::forge::ForgeError;
use crate::rules::follow::next::{MergeMethod, MergePolicy};
use crate::rules::follow::shape::{ByForge, Checks, Fate, Said};
use crate::rules::ids::{CommitId, IssueNumber, PullNumber, Timestamp};
use crate::rules::task::Pull;
use crate::rules::trust::Trust;
use async_trait::async_trait;
use std::collections::BTreeMap;

/// How a pull stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The pull.
    pub pull: Pull,
    /// Where its branch stands, or stood when it ended.
    pub head: CommitId,
    /// What became of it.
    pub fate: Fate,
    /// Is it marked as not ready?
    pub is_draft: bool,
    /// Was it handed to the forge, to be merged once nothing is missing any more?
    pub is_armed: bool,
    /// When anything about it changed last.
    pub updated: Timestamp,
    /// The commit that its merge made, or the last of them.
    pub merged_as: Option<CommitId>,
    /// How many commits it offers.
    pub commits: u64,
}

/// What people said of a pull.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feedback {
    /// What people whose word counts said, and was not answered, the oldest first.
    pub said: Vec<Said>,
    /// Those of them who ask for changes still.
    pub objections: Vec<String>,
    /// Has one of them approved it, and nobody objects?
    pub is_approved: bool,
}

/// What came of trying to merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merging {
    /// It is merged.
    Done,
    /// The forge will merge it.
    Queued,
    /// Not now, and why.
    NotYet(String),
}

/// Pulls of ours. Reads may repeat themselves; each write is the same when it is sent twice.
#[async_trait]
pub trait Pulls: Send + Sync {
    /// Open pulls that we opened from branches of ours in this repository, by number.
    async fn own_open(&self) -> Result<Vec<PullNumber>, ForgeError>;
    /// How one stands; `None` where there is none.
    async fn standing(&self, number: PullNumber) -> Result<Option<Standing>, ForgeError>;
    /// How these stand to the forge's merge queue; those that never stood in it, or where there is none, are left out.
    async fn queue(
        &self,
        pulls: &[PullNumber],
    ) -> Result<BTreeMap<PullNumber, ByForge>, ForgeError>;
    /// What the forge's checks say of a commit.
    async fn checks(&self, commit: &CommitId) -> Result<Checks, ForgeError>;
    /// What people said of it. Our own words, what has our answer, and what people call resolved is left out.
    async fn feedback(&self, number: PullNumber, trust: Trust) -> Result<Feedback, ForgeError>;
    /// Merges it as it stands at this commit, or hands it to the forge to be merged.
    async fn merge(
        &self,
        number: PullNumber,
        head: &CommitId,
        how: (MergePolicy, MergeMethod),
    ) -> Result<Merging, ForgeError>;
    /// Open pulls for this base branch, whoever opened them.
    async fn open_for(&self, base: &str) -> Result<Vec<PullNumber>, ForgeError>;
    /// Takes back that the forge is to merge it by itself.
    async fn disarm(&self, number: PullNumber) -> Result<(), ForgeError>;
    /// Makes it one for another base branch.
    async fn retarget(&self, number: PullNumber, base: &str) -> Result<(), ForgeError>;
    /// Closes it without merging.
    async fn close(&self, number: PullNumber) -> Result<(), ForgeError>;
    /// Closes an issue as done.
    async fn close_issue(&self, issue: IssueNumber) -> Result<(), ForgeError>;
}
