//! What is known of an open pull of ours, and of the work that follows from it.

use crate::rules::ids::{CommitId, ConversationId, IssueNumber, PullNumber, Timestamp};
use crate::rules::task::Pull;
use serde::{Deserialize, Serialize};

/// Where something was said; its number counts among its like only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A comment on lines of the change.
    Line,
    /// The words of a review that asks for changes.
    Review,
    /// A comment below the pull.
    Comment,
    /// A check of the forge that failed.
    Check,
}

impl Source {
    /// One word for it, which markers use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Review => "review",
            Self::Comment => "comment",
            Self::Check => "check",
        }
    }

    /// Does a person wait for an answer?
    #[must_use]
    pub fn wants_answer(self) -> bool {
        match self {
            Self::Line | Self::Review | Self::Comment => true,
            Self::Check => false,
        }
    }
}

/// What names something that was said, on one forge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SaidId {
    /// Where.
    pub source: Source,
    /// Which.
    pub number: u64,
}

/// Something that a person or a check said of a pull.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// What names it.
    pub id: SaidId,
    /// The comment that its thread began with, where it answers one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<u64>,
    /// Who: an account, or a check's name.
    pub by: String,
    /// `path:line`, where it is about lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What: Markdown of a person, or the end of a check's log.
    pub text: String,
}

/// Work that was merged: as what it was offered, and as what it is in the base branch by now. The two are one where it
/// was merged as it stood; where it was squashed or rebased nothing in git tells that they are the same work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landed {
    /// Where the pull's branch stood.
    pub head: CommitId,
    /// The commit that its merge made.
    pub merged_as: CommitId,
}

/// What a task goes on with: an open pull, and what was said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUp {
    /// The pull.
    pub pull: Pull,
    /// Where its branch stood when it was looked at.
    pub head: CommitId,
    /// Counted from 1 for each pull: the rounds that an agent was paid for.
    pub round: u32,
    /// The conversation that the work came from, where we still know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// May an agent be paid for it?
    #[serde(default)]
    pub may_pay: bool,
    /// What is answered; nothing where only the base branch has moved on.
    pub said: Vec<Said>,
    /// What does not merge with the base branch any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<String>,
    /// Work of ours that was merged, for it may stand on some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub landed: Vec<Landed>,
}

impl FollowUp {
    /// Does an agent have to work? Otherwise the base branch is merged in, and checked.
    #[must_use]
    pub fn is_paid(&self) -> bool {
        !self.said.is_empty() || !self.conflicts.is_empty()
    }
}

/// What became of a pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Still open.
    Open,
    /// Its work is in its base.
    Merged,
    /// Closed without that.
    Rejected,
}

impl Fate {
    /// One word for it, the one that is stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Merged => "merged",
            Self::Rejected => "rejected",
        }
    }
}

/// The forge's own checks of a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// Names of those that have not ended.
    pub pending: Vec<String>,
    /// Those that failed, with the ends of their logs.
    pub failed: Vec<Said>,
    /// How many passed.
    pub passed: usize,
    /// Names of those that fail, and fail on the base branch as well.
    pub old: Vec<String>,
}

impl Checks {
    /// Has none reported?
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.pending.is_empty() && self.failed.is_empty() && self.passed == 0
    }
}

/// How a pull's branch stands to its base branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Footing {
    /// It holds all of the base branch.
    Current,
    /// The base branch has moved on, and merges.
    Behind,
    /// It conflicts with the base branch in these files.
    Conflicts(Vec<String>),
}

/// What the forge does by itself about merging a pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ByForge {
    /// It merges it once nothing is missing any more.
    Armed,
    /// The pull stands in its merge queue.
    Queued {
        /// Where, counted from 1.
        position: u32,
    },
    /// The pull stands there, and cannot be merged as it is.
    Unmergeable,
    /// It took the pull out of its merge queue, and nothing was pushed since.
    ThrownOut {
        /// Why, in its own words.
        reason: Option<String>,
    },
}

impl ByForge {
    /// Will it merge the pull, if nothing comes between?
    #[must_use]
    pub fn will_merge(&self) -> bool {
        match self {
            Self::Armed | Self::Queued { .. } => true,
            Self::Unmergeable | Self::ThrownOut { .. } => false,
        }
    }
}

/// A pull of ours as it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The pull.
    pub pull: Pull,
    /// Its issue.
    pub issue: IssueNumber,
    /// Where its branch stands, or stood when it ended.
    pub head: CommitId,
    /// What became of it.
    pub fate: Fate,
    /// Is it marked as not ready?
    pub is_draft: bool,
    /// What the forge's checks say of it; those that fail on the base branch as well are left out.
    pub checks: Checks,
    /// What people whose word counts said of it, and was not answered.
    pub said: Vec<Said>,
    /// Who asks for changes still.
    pub objections: Vec<String>,
    /// Has somebody whose word counts approved it as it stands?
    pub is_approved: bool,
    /// How it stands to its base.
    pub footing: Footing,
    /// The open pull whose branch it is for, where it is stacked.
    pub below: Option<PullNumber>,
    /// What the forge does by itself about merging it.
    pub by_forge: Option<ByForge>,
    /// What we pushed last, where its branch was rewritten and holds that no longer.
    pub lost: Option<CommitId>,
    /// When anything about it changed last.
    pub updated: Timestamp,
    /// The commit that its merge made.
    pub merged_as: Option<CommitId>,
}

impl Seen {
    /// As what it was merged, where it was.
    #[must_use]
    pub fn landed(&self) -> Option<Landed> {
        let merged_as = self.merged_as.clone();
        merged_as
            .filter(|_| self.fate == Fate::Merged)
            .map(|merged_as| Landed {
                head: self.head.clone(),
                merged_as,
            })
    }
}
