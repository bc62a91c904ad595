//! What is changed by GraphQL: auto-merge, and the merge queue.

use super::grammar::{Question, argument};
use super::state::State;
use graphql_tools::static_graphql::query::Selection;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What merging needs, and what GitHub will merge by itself.
#[derive(Debug, Default)]
pub(crate) struct Merging {
    /// Branches that take no merge without an approval.
    pub(crate) protected: BTreeSet<String>,
    /// Are auto-merge and the merge queue on?
    pub(crate) auto_merge: bool,
    /// Pulls that GitHub will merge once nothing is missing any more.
    pub(crate) armed: BTreeSet<u64>,
    /// The merge queue, the first first, and how each stands in it.
    pub(crate) queue: Vec<(u64, &'static str)>,
    /// What happened to pulls that matters to it, the oldest first.
    pub(crate) steps: Vec<(u64, Step)>,
}

/// Something that stands in a pull's timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Put into the merge queue.
    Added,
    /// Taken out of it, and why.
    Removed(&'static str),
    /// Its branch stands elsewhere.
    Pushed,
}

impl Merging {
    /// Will GitHub merge it by itself?
    pub(crate) fn has(&self, number: u64) -> bool {
        self.armed.contains(&number) || self.queue.iter().any(|(pull, _)| *pull == number)
    }

    /// Takes a pull out of the queue.
    pub(crate) fn throw_out(&mut self, number: u64, reason: &'static str) {
        self.queue.retain(|(pull, _)| *pull != number);
        self.steps.push((number, Step::Removed(reason)));
    }

    /// Its branch stands elsewhere: what was tried in the queue is not what it holds.
    pub(crate) fn pushed(&mut self, number: u64) {
        if self.queue.iter().any(|(pull, _)| *pull == number) {
            self.throw_out(number, "invalidated");
        }
        self.steps.push((number, Step::Pushed));
    }

    /// Where a pull stands in the queue.
    pub(crate) fn entry(&self, number: u64) -> Value {
        let mut places = self.queue.iter().enumerate();
        let found = places.find(|(_, (pull, _))| *pull == number);
        found.map_or(Value::Null, |(place, (_, state))| {
            json!({ "__typename": "MergeQueueEntry", "position": place + 1, "state": state })
        })
    }

    /// A pull's timeline, as far as it is known here; its first commit is always there.
    pub(crate) fn timeline(&self, number: u64, kinds: &Value) -> Vec<Value> {
        let own = self.steps.iter().filter(|(pull, _)| *pull == number);
        let steps = std::iter::once(Step::Pushed).chain(own.map(|(_, step)| *step));
        let shown = steps.map(|step| match step {
            Step::Added => (
                "ADDED_TO_MERGE_QUEUE_EVENT",
                json!({ "__typename": "AddedToMergeQueueEvent" }),
            ),
            Step::Removed(reason) => (
                "REMOVED_FROM_MERGE_QUEUE_EVENT",
                json!({ "__typename": "RemovedFromMergeQueueEvent", "reason": reason }),
            ),
            Step::Pushed => (
                "PULL_REQUEST_COMMIT",
                json!({ "__typename": "PullRequestCommit" }),
            ),
        });
        let is_asked = |kind: &str| {
            kinds
                .as_array()
                .is_none_or(|all| all.contains(&kind.into()))
        };
        let shown = shown.filter(|(kind, _)| is_asked(kind));
        shown.map(|(_, step)| step).collect()
    }
}

/// Does it, and gives the answer's body.
pub(crate) fn answer(state: &mut State, question: &Question) -> Value {
    let mut data = Map::new();
    for selection in &question.selection().items {
        let Selection::Field(field) = selection else {
            continue;
        };
        let input = argument(&field.arguments, "input", &question.variables).unwrap_or_default();
        let done = match field.name.as_str() {
            "enablePullRequestAutoMerge" => enable(state, &input, Way::AutoMerge),
            "disablePullRequestAutoMerge" => disable(state, &input),
            "enqueuePullRequest" => enable(state, &input, Way::Queue),
            name => Err(format!("the fake does not know {name}")),
        };
        if let Err(message) = done {
            return json!({ "data": null, "errors": [{ "message": message }] });
        }
        let alias = field.alias.as_ref().unwrap_or(&field.name);
        data.insert(alias.clone(), json!({ "clientMutationId": null }));
    }
    json!({ "data": data })
}

/// How GitHub merges by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    AutoMerge,
    Queue,
}

fn disable(state: &mut State, input: &Value) -> Result<(), String> {
    let number = pull(state, input)?;
    state.merging.armed.remove(&number);
    Ok(())
}

fn enable(state: &mut State, input: &Value, way: Way) -> Result<(), String> {
    let number = pull(state, input)?;
    let pull = state.items[&number].pull.as_ref().expect("it is a pull");
    let expected = input["expectedHeadOid"].as_str();
    if expected.is_some_and(|head| head != pull.head_sha) {
        return Err("Head sha didn't match expected".to_owned());
    }
    if !state.merging.auto_merge {
        let refusal = match way {
            Way::AutoMerge => "Auto merge is not allowed for this repository",
            Way::Queue => "The merge queue is not enabled for this branch",
        };
        return Err(refusal.to_owned());
    }
    if way == Way::AutoMerge && !state.merging.protected.contains(&pull.base) {
        return Err("Pull request Pull request is in clean status".to_owned());
    }
    match way {
        Way::AutoMerge => drop(state.merging.armed.insert(number)),
        Way::Queue if state.merging.queue.iter().any(|(pull, _)| *pull == number) => {
            return Err("Pull request is already in the queue".to_owned());
        }
        Way::Queue => {
            state.merging.queue.push((number, "QUEUED"));
            state.merging.steps.push((number, Step::Added));
        }
    }
    Ok(())
}

/// The number of the pull that is meant.
fn pull(state: &State, input: &Value) -> Result<u64, String> {
    let id = input["pullRequestId"].as_str().unwrap_or_default();
    let mut items = state.items.values();
    let item = items.find(|item| item.pull.is_some() && format!("I_{}", item.id) == id);
    let item = item.ok_or(format!(
        "Could not resolve to a node with the global id of '{id}'"
    ))?;
    Ok(item.number)
}

/// What a pull shows of it.
pub(crate) fn shown(state: &State, number: u64, user: &Value) -> Value {
    if !state.merging.armed.contains(&number) {
        return Value::Null;
    }
    json!({ "enabled_by": user, "merge_method": "merge", "commit_title": "", "commit_message": "" })
}
