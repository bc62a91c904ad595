//! The part of the configuration about open pulls: who merges them, and how often they are looked at.

use crate::config::values::Whole;
use crate::rules::follow::next::{MergeMethod, MergePolicy, Policy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How work comes into its base branch.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Merge {
    /// Who merges: people, `watch` as soon as nothing stands against it, or GitHub's merge queue.
    pub policy: MergePolicy,
    /// By a merge commit, as one commit, or commit by commit.
    pub method: MergeMethod,
    /// While so many of our pulls wait for people, no further issue is begun; no limit where it is left out.
    pub max_open_pulls: Option<Whole<1, 1_000>>,
}

/// How open pulls are watched.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Watch {
    /// How often they are looked at.
    pub seconds: Whole<1, 86_400>,
    /// Rounds that an agent is paid for, for one pull, at most.
    pub max_rounds: Whole<0, 100>,
    /// A base branch that has moved on and merges is merged in as often at most.
    pub update_minutes: Whole<0, 10_080>,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            seconds: Whole::of(60),
            max_rounds: Whole::of(5),
            update_minutes: Whole::of(60),
        }
    }
}

impl Watch {
    /// What is decided by.
    #[must_use]
    pub fn policy(&self, merge: MergePolicy) -> Policy {
        Policy {
            merge,
            max_rounds: self.max_rounds.get(),
            update_every_millis: u64::from(self.update_minutes.get()) * 60_000,
        }
    }
}
