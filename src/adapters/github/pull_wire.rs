//! What GitHub tells of pulls, their reviews and their checks, in its own shapes.

use crate::adapters::github::wire::{WireUser, instant};
use crate::ports::Standing;
use crate::rules::follow::shape::Fate;
use crate::rules::ids::{CommitId, PullNumber};
use crate::rules::task::Pull;
use serde::Deserialize;
use serde_json::Value;

/// A pull, as it shows itself.
#[derive(Debug, Deserialize)]
pub(super) struct WireWholePull {
    number: u64,
    pub(super) node_id: String,
    #[serde(default)]
    html_url: String,
    head: WireHead,
    base: WireHead,
    state: String,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    merged: bool,
    #[serde(default)]
    merge_commit_sha: Option<String>,
    #[serde(default)]
    commits: u64,
    #[serde(default)]
    auto_merge: Option<Value>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
}

#[derive(Debug, Deserialize)]
struct WireHead {
    #[serde(rename = "ref")]
    name: String,
    sha: String,
}

impl From<WireWholePull> for Standing {
    fn from(wire: WireWholePull) -> Self {
        let is_open = wire.state == "open";
        let fate = match (wire.merged, is_open) {
            (true, _) => Fate::Merged,
            (false, true) => Fate::Open,
            (false, false) => Fate::Rejected,
        };
        let merged_as = wire.merge_commit_sha.filter(|_| wire.merged);
        Self {
            head: CommitId::new(wire.head.sha),
            fate,
            is_draft: wire.draft,
            is_armed: wire.auto_merge.is_some(),
            updated: wire
                .updated_at
                .as_deref()
                .and_then(instant)
                .unwrap_or_default(),
            merged_as: merged_as.map(CommitId::new),
            commits: wire.commits,
            pull: Pull {
                number: PullNumber(wire.number),
                url: wire.html_url,
                head: wire.head.name,
                base: wire.base.name,
                open: is_open,
                body: wire.body.unwrap_or_default(),
            },
        }
    }
}

/// A pull in a list, as far as it tells whose it is.
#[derive(Debug, Deserialize)]
pub(super) struct WireListedPull {
    pub(super) number: u64,
    #[serde(default)]
    pub(super) user: Option<WireUser>,
    pub(super) head: WireOwnedBranch,
    pub(super) base: WireOwnedBranch,
}

/// A branch, and the repository that it is in.
#[derive(Debug, Deserialize)]
pub(super) struct WireOwnedBranch {
    #[serde(rename = "ref")]
    pub(super) name: String,
    #[serde(default)]
    pub(super) repo: Option<WireId>,
}

/// What the database calls something.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct WireId {
    pub(super) id: u64,
}

/// A comment: below a pull, or on lines of it.
#[derive(Debug, Deserialize)]
pub(super) struct WireRemark {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) user: Option<WireUser>,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) path: Option<String>,
    #[serde(default)]
    pub(super) line: Option<u64>,
    #[serde(default)]
    pub(super) original_line: Option<u64>,
    #[serde(default)]
    pub(super) in_reply_to_id: Option<u64>,
}

/// A review.
#[derive(Debug, Deserialize)]
pub(super) struct WireReview {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) user: Option<WireUser>,
    #[serde(default)]
    pub(super) body: Option<String>,
    pub(super) state: String,
}

/// A page of check runs.
#[derive(Debug, Deserialize)]
pub(super) struct WireCheckRuns {
    pub(super) total_count: usize,
    pub(super) check_runs: Vec<WireCheckRun>,
}

/// The check suites of a commit.
#[derive(Debug, Deserialize)]
pub(super) struct WireCheckSuites {
    pub(super) check_suites: Vec<WireCheckSuite>,
}

/// All check runs of one app.
#[derive(Debug, Deserialize)]
pub(super) struct WireCheckSuite {
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) latest_check_runs_count: u64,
    #[serde(default)]
    pub(super) app: Option<WireApp>,
}

/// A check run.
#[derive(Debug, Deserialize)]
pub(super) struct WireCheckRun {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) conclusion: Option<String>,
    #[serde(default)]
    pub(super) output: Option<WireOutput>,
    #[serde(default)]
    pub(super) app: Option<WireApp>,
}

/// What a check run wrote.
#[derive(Debug, Default, Deserialize)]
pub(super) struct WireOutput {
    #[serde(default)]
    pub(super) title: Option<String>,
    #[serde(default)]
    pub(super) summary: Option<String>,
    #[serde(default)]
    pub(super) text: Option<String>,
}

/// Who made a check run.
#[derive(Debug, Deserialize)]
pub(super) struct WireApp {
    #[serde(default)]
    pub(super) slug: Option<String>,
}

/// What other services say of a commit.
#[derive(Debug, Deserialize)]
pub(super) struct WireCombined {
    pub(super) sha: String,
    pub(super) statuses: Vec<WireStatus>,
}

/// What one of them says.
#[derive(Debug, Deserialize)]
pub(super) struct WireStatus {
    pub(super) id: u64,
    pub(super) context: String,
    pub(super) state: String,
    #[serde(default)]
    pub(super) description: Option<String>,
}
