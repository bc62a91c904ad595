//! Pulls of ours on GitHub, led to their end.

use crate::adapters::github::address::percent;
use crate::adapters::github::forge::GitHub;
use crate::adapters::github::histories::{WireActor, WireTrouble};
use crate::adapters::github::limits::Kind;
use crate::adapters::github::pull_wire::{WireListedPull, WireWholePull};
use crate::ports::{Feedback, ForgeError, Merging, Pulls, Standing};
use crate::rules::follow::next::{MergeMethod, MergePolicy};
use crate::rules::follow::shape::{ByForge, Checks};
use crate::rules::ids::{CommitId, IssueNumber, PullNumber};
use crate::rules::names;
use crate::rules::trust::Trust;
use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[async_trait]
impl Pulls for GitHub {
    async fn own_open(&self) -> Result<Vec<PullNumber>, ForgeError> {
        // Whose word counts may have changed since the last look.
        self.forget_writers();
        let action = format!("list the open pull requests of {}", self.project);
        let path = self.path("/pulls?state=open&sort=created&direction=asc");
        let pulls: Vec<WireListedPull> = self.client.list(&action, &path).await?;
        let mut own = Vec::new();
        for pull in pulls {
            let is_from_here = pull.head.repo.is_some() && pull.head.repo == pull.base.repo;
            let author = pull.user.as_ref().map(WireActor::of);
            if is_from_here
                && names::issue_of_branch(&pull.head.name).is_some()
                && self.is_own(author.as_ref()).await?
            {
                own.push(PullNumber(pull.number));
            }
        }
        own.sort_unstable();
        own.dedup();
        Ok(own)
    }

    async fn standing(&self, number: PullNumber) -> Result<Option<Standing>, ForgeError> {
        match self.whole_pull(number).await {
            Ok(wire) => Ok(Some(wire.into())),
            Err(ForgeError::NotFound { .. }) => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    async fn queue(
        &self,
        pulls: &[PullNumber],
    ) -> Result<BTreeMap<PullNumber, ByForge>, ForgeError> {
        self.read_queue(pulls).await
    }

    async fn checks(&self, commit: &CommitId) -> Result<Checks, ForgeError> {
        self.read_checks(commit).await
    }

    async fn feedback(&self, number: PullNumber, trust: Trust) -> Result<Feedback, ForgeError> {
        self.read_feedback(number, trust).await
    }

    async fn merge(
        &self,
        number: PullNumber,
        head: &CommitId,
        (policy, method): (MergePolicy, MergeMethod),
    ) -> Result<Merging, ForgeError> {
        match policy {
            MergePolicy::Never => Ok(Merging::NotYet("people merge here".to_owned())),
            MergePolicy::Queue => self.enqueue(number, head).await,
            MergePolicy::Auto => {
                let refused = match self.merge_now(number, head, method).await? {
                    Merging::NotYet(why) => why,
                    merging @ (Merging::Done | Merging::Queued) => return Ok(merging),
                };
                // What is missing may come: where auto-merge is on, GitHub waits for it.
                let later = self.merge_later(number, head, method).await?;
                Ok(if later {
                    Merging::Queued
                } else {
                    Merging::NotYet(refused)
                })
            }
        }
    }

    async fn open_for(&self, base: &str) -> Result<Vec<PullNumber>, ForgeError> {
        let action = format!("list the open pull requests for {base}");
        let path = self.path(&format!("/pulls?state=open&base={}", percent(base)));
        let pulls: Vec<WireListedPull> = self.client.list(&action, &path).await?;
        Ok(pulls
            .into_iter()
            .map(|pull| PullNumber(pull.number))
            .collect())
    }

    async fn disarm(&self, number: PullNumber) -> Result<(), ForgeError> {
        let id = self.node(number).await?;
        let mutation = format!(
            "mutation {{ disablePullRequestAutoMerge(input: {{ pullRequestId: \"{id}\" }}) {{ clientMutationId }} }}"
        );
        // One that waits no more is as it should be.
        self.mutate(&format!("keep GitHub from merging {number}"), &mutation)
            .await
            .map(drop)
    }

    async fn retarget(&self, number: PullNumber, base: &str) -> Result<(), ForgeError> {
        let action = format!("make {number} a pull request for {base}");
        self.change_pull(&action, number, &json!({ "base": base }))
            .await
    }

    async fn close(&self, number: PullNumber) -> Result<(), ForgeError> {
        let action = format!("close {number}");
        self.change_pull(&action, number, &json!({ "state": "closed" }))
            .await
    }

    async fn close_issue(&self, issue: IssueNumber) -> Result<(), ForgeError> {
        let action = format!("close {issue}");
        let path = self.path(&format!("/issues/{}", issue.0));
        let body = json!({ "state": "closed", "state_reason": "completed" });
        self.client
            .write(&action, Kind::Change, Method::PATCH, &path, Some(&body))
            .await
            .map(drop)
    }
}

impl GitHub {
    async fn whole_pull(&self, number: PullNumber) -> Result<WireWholePull, ForgeError> {
        let action = format!("read pull request {number}");
        let path = self.path(&format!("/pulls/{}", number.0));
        self.client.get(&action, &path).await
    }

    /// What GraphQL calls the pull.
    async fn node(&self, number: PullNumber) -> Result<String, ForgeError> {
        let id = self.whole_pull(number).await?.node_id;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-=".contains(&byte);
        if id.bytes().all(is_plain) {
            return Ok(id);
        }
        Err(ForgeError::Refused {
            action: format!("read pull request {number}"),
            detail: "its node id is none".to_owned(),
        })
    }

    async fn change_pull(
        &self,
        action: &str,
        number: PullNumber,
        body: &Value,
    ) -> Result<(), ForgeError> {
        let path = self.path(&format!("/pulls/{}", number.0));
        self.client
            .write(action, Kind::Change, Method::PATCH, &path, Some(body))
            .await
            .map(drop)
    }

    /// 405 where something stands against it, 409 where its branch has moved.
    async fn merge_now(
        &self,
        number: PullNumber,
        head: &CommitId,
        method: MergeMethod,
    ) -> Result<Merging, ForgeError> {
        let action = format!("merge {number}");
        let path = self.path(&format!("/pulls/{}/merge", number.0));
        let body = json!({ "sha": head, "merge_method": method });
        let written = self
            .client
            .write(&action, Kind::Change, Method::PUT, &path, Some(&body))
            .await;
        match written {
            Ok(_) => Ok(Merging::Done),
            Err(ForgeError::Refused { detail, .. }) => Ok(Merging::NotYet(detail)),
            Err(cause) => Err(cause),
        }
    }

    /// Auto-merge; `false` where the repository has none.
    async fn merge_later(
        &self,
        number: PullNumber,
        head: &CommitId,
        method: MergeMethod,
    ) -> Result<bool, ForgeError> {
        let id = self.node(number).await?;
        let method = match method {
            MergeMethod::Merge => "MERGE",
            MergeMethod::Squash => "SQUASH",
            MergeMethod::Rebase => "REBASE",
        };
        let mutation = format!(
            "mutation {{ enablePullRequestAutoMerge(input: {{ pullRequestId: \"{id}\", mergeMethod: {method}, \
             expectedHeadOid: \"{head}\" }}) {{ clientMutationId }} }}"
        );
        let told = self
            .mutate(&format!("let GitHub merge {number}"), &mutation)
            .await?;
        Ok(told.errors.is_empty())
    }

    async fn enqueue(&self, number: PullNumber, head: &CommitId) -> Result<Merging, ForgeError> {
        let id = self.node(number).await?;
        let mutation = format!(
            "mutation {{ enqueuePullRequest(input: {{ pullRequestId: \"{id}\", expectedHeadOid: \"{head}\" }}) \
             {{ clientMutationId }} }}"
        );
        let told = self
            .mutate(&format!("put {number} into the merge queue"), &mutation)
            .await?;
        Ok(match told.errors.into_iter().next() {
            None => Merging::Queued,
            // A second time is the same as once.
            Some(error) if error.message.contains("already") => Merging::Queued,
            Some(error) => Merging::NotYet(error.message),
        })
    }

    async fn mutate(&self, action: &str, mutation: &str) -> Result<WireMutated, ForgeError> {
        self.client.mutate(action, mutation).await
    }
}

/// What came of a mutation.
#[derive(Debug, Deserialize)]
struct WireMutated {
    #[serde(default)]
    errors: Vec<WireTrouble>,
}
