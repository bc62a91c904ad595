//! How pulls stand to GitHub's merge queue: where they are in it, and which it threw out.

use crate::adapters::github::forge::GitHub;
use crate::adapters::github::histories::WireTrouble;
use crate::adapters::github::reply::unknown;
use crate::ports::ForgeError;
use crate::rules::follow::shape::ByForge;
use crate::rules::ids::PullNumber;
use crate::rules::printable::{clip, printable};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

/// Pulls in one question.
const AT_ONCE: usize = 50;
/// Of a reason so many bytes are told.
const REASON_MAX: usize = 200;
/// What is asked of each. Whatever GitHub did with a pull in its queue counts until something else is pushed.
const FIELDS: &str = "{ number mergeQueueEntry { position state } timelineItems(last: 1, itemTypes: \
     [ADDED_TO_MERGE_QUEUE_EVENT, REMOVED_FROM_MERGE_QUEUE_EVENT, PULL_REQUEST_COMMIT, HEAD_REF_FORCE_PUSHED_EVENT]) \
     { nodes { __typename ... on RemovedFromMergeQueueEvent { reason } } } }";

/// The answer.
#[derive(Debug, Deserialize)]
struct WireQueue {
    #[serde(default)]
    data: Option<WireData>,
    #[serde(default)]
    errors: Vec<WireTrouble>,
}

#[derive(Debug, Deserialize)]
struct WireData {
    #[serde(default)]
    repository: Option<HashMap<String, Option<WireQueued>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireQueued {
    number: u64,
    #[serde(default)]
    merge_queue_entry: Option<WireEntry>,
    timeline_items: WireSteps,
}

#[derive(Debug, Deserialize)]
struct WireEntry {
    position: u32,
    state: String,
}

#[derive(Debug, Deserialize)]
struct WireSteps {
    nodes: Vec<Option<WireStep>>,
}

#[derive(Debug, Deserialize)]
struct WireStep {
    #[serde(rename = "__typename")]
    kind: String,
    #[serde(default)]
    reason: Option<String>,
}

impl GitHub {
    pub(super) async fn read_queue(
        &self,
        pulls: &[PullNumber],
    ) -> Result<BTreeMap<PullNumber, ByForge>, ForgeError> {
        let action = format!("read the merge queue of {}", self.project);
        let mut all = BTreeMap::new();
        for batch in pulls.chunks(AT_ONCE) {
            let question = question(&self.repository().await?.full_name, batch);
            let answer: WireQueue = self.client.query(&action, &question, &Value::Null).await?;
            let Some(queued) = answer.data.and_then(|data| data.repository) else {
                let detail = WireTrouble::words(&answer.errors);
                if !answer.errors.is_empty() && answer.errors.iter().all(WireTrouble::stays) {
                    tracing::info!(%detail, "this server tells of no merge queue");
                    return Ok(BTreeMap::new());
                }
                return Err(unknown(&action, &detail));
            };
            all.extend(queued.into_values().flatten().filter_map(stands));
        }
        Ok(all)
    }
}

fn stands(wire: WireQueued) -> Option<(PullNumber, ByForge)> {
    let by_forge = match wire.merge_queue_entry {
        Some(entry) if entry.state == "UNMERGEABLE" => ByForge::Unmergeable,
        Some(entry) => ByForge::Queued {
            position: entry.position,
        },
        None => {
            let last = wire.timeline_items.nodes.into_iter().flatten().next_back();
            let last = last.filter(|step| step.kind == "RemovedFromMergeQueueEvent")?;
            let told = |reason: String| clip(&printable(&reason).replace('_', " "), REASON_MAX);
            ByForge::ThrownOut {
                reason: last.reason.filter(|it| !it.is_empty()).map(told),
            }
        }
    };
    Some((PullNumber(wire.number), by_forge))
}

/// Names of repositories and numbers need no escape: see `check_project`.
fn question(project: &str, pulls: &[PullNumber]) -> String {
    let (owner, name) = project.split_once('/').unwrap_or_default();
    let mut text = format!("{{ repository(owner: {owner:?}, name: {name:?}) {{");
    for pull in pulls {
        let number = pull.0;
        let _ = write!(text, " p{number}: pullRequest(number: {number}) {FIELDS}");
    }
    text + " } }"
}
