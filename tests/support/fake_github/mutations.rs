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
    /// Pulls that GitHub will merge.
    pub(crate) queued: BTreeSet<u64>,
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
    state.merging.queued.remove(&number);
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
    state.merging.queued.insert(number);
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
    if !state.merging.queued.contains(&number) {
        return Value::Null;
    }
    json!({ "enabled_by": user, "merge_method": "merge", "commit_title": "", "commit_message": "" })
}
