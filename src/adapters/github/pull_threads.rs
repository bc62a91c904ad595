//! Which conversations about lines of a pull are resolved: REST does not tell.

use crate::adapters::github::forge::GitHub;
use crate::adapters::github::histories::WireTrouble;
use crate::adapters::github::reply::unknown;
use crate::ports::ForgeError;
use crate::rules::ids::PullNumber;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Pages at most: more conversations than a pull can have.
const PAGES: usize = 50;
/// A conversation is known by its first comment. Numbers of comments are too large for `databaseId` by now.
const QUESTION: &str = "query($owner: String!, $name: String!, $number: Int!, $after: String) { \
     repository(owner: $owner, name: $name) { pullRequest(number: $number) { \
     reviewThreads(first: 100, after: $after) { pageInfo { hasNextPage endCursor } \
     nodes { isResolved comments(first: 1) { nodes { fullDatabaseId } } } } } } }";

/// The answer. What it holds is read only where nothing is wrong with it.
#[derive(Debug, Deserialize)]
struct WireThreads {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    errors: Vec<WireTrouble>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePage {
    page_info: WirePageInfo,
    nodes: Vec<WireThread>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireThread {
    is_resolved: bool,
    comments: WireComments,
}

#[derive(Debug, Deserialize)]
struct WireComments {
    nodes: Vec<WireFirst>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireFirst {
    /// GraphQL writes large numbers as text.
    full_database_id: Option<String>,
}

impl GitHub {
    /// The first comments of those that are resolved.
    pub(super) async fn read_resolved(
        &self,
        pull: PullNumber,
    ) -> Result<BTreeSet<u64>, ForgeError> {
        let action = format!("see which conversations about {pull} are resolved");
        let project = self.repository().await?.full_name.clone();
        let (owner, name) = project.split_once('/').unwrap_or_default();
        let mut resolved = BTreeSet::new();
        let mut after = None;
        for _ in 0..PAGES {
            let asked = json!({ "owner": owner, "name": name, "number": pull.0, "after": after });
            let answer: WireThreads = self.client.query(&action, QUESTION, &asked).await?;
            let page = page(&answer).map_err(|detail| unknown(&action, &detail))?;
            let threads = page.nodes.into_iter().filter(|thread| thread.is_resolved);
            let firsts = threads.filter_map(|thread| thread.comments.nodes.into_iter().next());
            let ids = firsts.filter_map(|first| first.full_database_id?.parse::<u64>().ok());
            resolved.extend(ids);
            after = page.page_info.end_cursor;
            if !page.page_info.has_next_page {
                return Ok(resolved);
            }
        }
        Err(unknown(&action, "its pages have no end"))
    }
}

fn page(answer: &WireThreads) -> Result<WirePage, String> {
    if !answer.errors.is_empty() {
        return Err(WireTrouble::words(&answer.errors));
    }
    let threads = answer
        .data
        .pointer("/repository/pullRequest/reviewThreads")
        .cloned();
    let threads = threads.ok_or_else(|| "no answer".to_owned())?;
    serde_json::from_value(threads).map_err(|cause| cause.to_string())
}
