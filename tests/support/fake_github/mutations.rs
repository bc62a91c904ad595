//! What is changed by GraphQL: auto-merge, and the merge queue.

use super::answer::{Answer, Ask};
use super::state::State;
use serde_json::{Value, json};
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

/// Does it; what is wrong is told as GitHub does, with status 200.
pub(crate) fn answer(state: &mut State, text: &str) -> Answer {
    let done = if text.contains("enablePullRequestAutoMerge(") {
        enable(state, text, "Auto merge is not allowed for this repository")
    } else if text.contains("enqueuePullRequest(") {
        enable(
            state,
            text,
            "The merge queue is not enabled for this branch",
        )
    } else {
        Err("the fake does not know this mutation".to_owned())
    };
    let body = match done {
        Ok(()) => json!({ "data": {} }),
        Err(message) => json!({ "data": null, "errors": [{ "message": message }] }),
    };
    Answer {
        status: 200,
        body,
        ..Answer::default()
    }
}

fn enable(state: &mut State, text: &str, refusal: &str) -> Result<(), String> {
    let quoted = |name: &str| {
        let (_, rest) = text.split_once(&format!("{name}: \""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let id = quoted("pullRequestId").ok_or("pullRequestId is required")?;
    let mut items = state.items.values();
    let item = items.find(|item| format!("I_{}", item.id) == id);
    let item = item.ok_or(format!(
        "Could not resolve to a node with the global id of '{id}'"
    ))?;
    let (number, pull) = (
        item.number,
        item.pull.as_ref().ok_or("it is no pull request")?,
    );
    if quoted("expectedHeadOid").is_some_and(|head| head != pull.head_sha) {
        return Err("Head sha didn't match expected".to_owned());
    }
    if !state.merging.auto_merge {
        return Err(refusal.to_owned());
    }
    if !state.merging.protected.contains(&pull.base) && text.contains("AutoMerge") {
        return Err("Pull request Pull request is in clean status".to_owned());
    }
    state.merging.queued.insert(number);
    Ok(())
}

/// Is it a change?
pub(crate) fn is_mutation(ask: &Ask<'_>) -> Option<String> {
    let text = ask.body["query"].as_str()?;
    text.trim_start()
        .starts_with("mutation")
        .then(|| text.to_owned())
}

/// What a pull shows of it.
pub(crate) fn shown(state: &State, number: u64, user: &Value) -> Value {
    if !state.merging.queued.contains(&number) {
        return Value::Null;
    }
    json!({ "enabled_by": user, "merge_method": "merge", "commit_title": "", "commit_message": "" })
}
