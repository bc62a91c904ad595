//! Open issues with all that belongs to them: by GraphQL in one request for a hundred, by REST where that is refused.

use crate::adapters::github::address::percent;
use crate::adapters::github::forge::GitHub;
use crate::adapters::github::listed::{WireListed, WireListing, WirePage};
use crate::adapters::github::reads::AT_ONCE;
use crate::adapters::github::reply::{is_bad_token, unknown};
use crate::adapters::github::wire::{WaitsFor, WireIssue};
use crate::ports::ForgeError;
use crate::rules::issue::Issue;
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A hundred thousand issues.
const MOST_PAGES: usize = 1000;
/// REST has a limit of its own: where GraphQL's is used up, nobody waits for it.
const PATIENCE: Duration = Duration::from_secs(120);
/// What is asked. Lists in it that go on are completed by REST; GitHub counts lists, not what is in them, so their
/// lengths cost nothing.
const QUESTION: &str = "query($owner: String!, $name: String!, $labels: [String!], $after: String) { \
     repository(owner: $owner, name: $name) { nameWithOwner hasIssuesEnabled \
     issues(first: 100, after: $after, states: [OPEN], labels: $labels, orderBy: { field: CREATED_AT, direction: ASC }) { \
     pageInfo { hasNextPage endCursor } nodes { number title body state createdAt updatedAt url \
     author { __typename login } milestone { title } \
     labels(first: 30) { totalCount nodes { name } } \
     assignees(first: 20) { totalCount nodes { login } } \
     blockedBy(first: 50) { totalCount nodes { number state repository { nameWithOwner } } } \
     subIssues(first: 50) { totalCount nodes { number state repository { nameWithOwner } } } \
     closedByPullRequestsReferences(first: 10) { nodes { number state repository { nameWithOwner } } } } } } }";

impl GitHub {
    /// Open issues, pulls left out; with this label, or all. A list that is not whole is an error, never a short list.
    pub(super) async fn list_issues(&self, label: Option<&str>) -> Result<Vec<Issue>, ForgeError> {
        if !self.without_graphql.load(Ordering::Relaxed) {
            match self.list_at_once(label).await {
                Ok(issues) => return Ok(issues),
                Err(error) if is_bad_token(&error) => return Err(error),
                Err(error) => self.fall_back(&error),
            }
        }
        self.list_by_rest(label).await
    }

    /// What is refused once is not asked again; what failed in passing is.
    fn fall_back(&self, error: &ForgeError) {
        tracing::warn!(%error, "could not list issues by GraphQL; REST is asked instead");
        let stays = match error {
            ForgeError::Auth { .. } | ForgeError::NotFound { .. } | ForgeError::Refused { .. } => {
                true
            }
            ForgeError::App { .. }
            | ForgeError::Limited { .. }
            | ForgeError::Unknown { .. }
            | ForgeError::Io { .. } => false,
        };
        self.without_graphql.fetch_or(stays, Ordering::Relaxed);
    }

    async fn list_at_once(&self, label: Option<&str>) -> Result<Vec<Issue>, ForgeError> {
        let action = format!("list the open issues of {}", self.project);
        let mut issues = Vec::new();
        let mut after: Option<String> = None;
        let mut seen = HashSet::new();
        loop {
            let page = self.page_after(&action, label, after.as_deref()).await?;
            let project = page.project;
            let whole = page
                .issues
                .into_iter()
                .map(|listed| self.whole(listed, &project));
            let whole: Vec<Issue> = stream::iter(whole).buffered(AT_ONCE).try_collect().await?;
            issues.extend(whole);
            let Some(next) = page.next else {
                return Ok(issues);
            };
            if seen.len() == MOST_PAGES || !seen.insert(next.clone()) {
                return Err(unknown(&action, "its pages have no end"));
            }
            after = Some(next);
        }
    }

    async fn page_after(
        &self,
        action: &str,
        label: Option<&str>,
        after: Option<&str>,
    ) -> Result<WirePage, ForgeError> {
        let (owner, name) = self.project.split_once('/').unwrap_or_default();
        let mut variables = json!({ "owner": owner, "name": name, "after": after });
        if let Some(label) = label {
            variables["labels"] = json!([label]);
        }
        let listing: WireListing = self
            .client
            .query_within(action, QUESTION, &variables, PATIENCE)
            .await?;
        listing.page(action)
    }

    /// An issue of the list, its own lists completed where they go on.
    async fn whole(&self, listed: WireListed, project: &str) -> Result<Issue, ForgeError> {
        let number = listed.number;
        let mut issue = if listed.has_more_about_it() {
            // The issue itself tells all of its labels and assignees.
            let action = format!("read issue #{number} of {}", self.project);
            let wire: WireIssue = self
                .client
                .get(&action, &self.path(&format!("/issues/{number}")))
                .await?;
            Issue {
                pulls: listed.open_pulls(project),
                ..wire.into_issue(WaitsFor::default())
            }
        } else {
            listed.issue(project)
        };
        issue.depends_on = match listed.blockers(project) {
            Some(blockers) => blockers,
            None => self.read_blockers(number).await?,
        };
        issue.parts = match listed.open_parts(project) {
            Some(parts) => parts,
            None => self.read_open_parts(number).await?,
        };
        Ok(issue)
    }

    async fn list_by_rest(&self, label: Option<&str>) -> Result<Vec<Issue>, ForgeError> {
        let action = format!("list the open issues of {}", self.project);
        // A comma separates labels there; one that holds a comma is looked for here.
        let filter = label
            .filter(|label| !label.contains(','))
            .map(|label| format!("&labels={}", percent(label)))
            .unwrap_or_default();
        let path = self.path(&format!(
            "/issues?state=open&sort=created&direction=asc{filter}"
        ));
        let wires: Vec<WireIssue> = self.client.list(&action, &path).await?;
        let issues = wires.into_iter().filter(|wire| !wire.is_pull());
        let issues: Vec<Issue> = stream::iter(issues.map(|wire| self.with_what_it_waits_for(wire)))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        self.with_closing_pulls(issues).await
    }
}
