//! Who put a label on issues, and who changed their words last.
//!
//! One GraphQL question for many issues: REST does not tell that a text was edited. Whether an account may write is
//! asked once for each.

use crate::adapters::github::address::percent;
use crate::adapters::github::forge::GitHub;
use crate::adapters::github::histories::{
    WireActor, WireHistories, WireHistory, WireMark, WirePermission,
};
use crate::adapters::github::wire::instant;
use crate::ports::ForgeError;
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::trust::{Deed, Provenance};
use serde_json::Value;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{MutexGuard, PoisonError};

/// Issues in one question.
const AT_ONCE: usize = 50;
const FIRST: Timestamp = Timestamp(i64::MIN);
const LAST: Timestamp = Timestamp(i64::MAX);
/// What is asked of each issue. Its labels and titles change seldom: of those events the last hundred are all of them.
const FIELDS: &str = "{ author { __typename login } editor { __typename login } lastEditedAt \
     timelineItems(last: 100, itemTypes: [LABELED_EVENT, RENAMED_TITLE_EVENT]) { nodes { __typename \
     ... on LabeledEvent { createdAt actor { __typename login } label { name } } \
     ... on RenamedTitleEvent { createdAt actor { __typename login } } } } }";

/// What somebody did, before it is known who may write.
struct Act<'a> {
    by: Option<&'a WireActor>,
    at: &'a str,
}

impl GitHub {
    pub(super) async fn read_provenance(
        &self,
        issues: &[IssueNumber],
        label: &str,
    ) -> Result<Vec<Provenance>, ForgeError> {
        let action = format!("see who put {label:?} on the issues of {}", self.project);
        let mut all = Vec::with_capacity(issues.len());
        for batch in issues.chunks(AT_ONCE) {
            let question = question(&self.repository().await?.full_name, batch);
            let answer: WireHistories = self.client.query(&action, &question, &Value::Null).await?;
            let histories = answer.histories().map_err(|detail| ForgeError::Refused {
                action: action.clone(),
                detail,
            })?;
            for issue in batch {
                let history = histories.get(&alias(*issue)).and_then(Option::as_ref);
                all.push(self.provenance_of(*issue, history, label).await?);
            }
        }
        Ok(all)
    }

    async fn provenance_of(
        &self,
        issue: IssueNumber,
        history: Option<&WireHistory>,
        label: &str,
    ) -> Result<Provenance, ForgeError> {
        let (mut labelled, mut edited) = (None, None);
        if let Some(history) = history {
            // What has no time was first, or last: neither makes more of a label.
            labelled = self.deed(last_label(history, label), FIRST).await?;
            edited = self.deed(self.last_edit(history).await?, LAST).await?;
        }
        Ok(Provenance {
            issue,
            labelled,
            edited,
        })
    }

    /// The last change of the words; our own changes of what we wrote ourselves are none.
    async fn last_edit<'a>(&self, history: &'a WireHistory) -> Result<Option<Act<'a>>, ForgeError> {
        let text = history.last_edited_at.as_deref().map(|at| Act {
            by: history.editor.as_ref(),
            at,
        });
        let is_rename = |mark: &&WireMark| mark.kind == "RenamedTitleEvent";
        let titles = history.marks().filter(is_rename).map(act);
        let is_own = self.is_own(history.author.as_ref()).await?;
        let mut last: Option<Act<'_>> = None;
        for edit in text.into_iter().chain(titles) {
            let is_ours = is_own && self.is_own(edit.by).await?;
            let is_later = last.as_ref().is_none_or(|last| last.at <= edit.at);
            if is_later && !is_ours {
                last = Some(edit);
            }
        }
        Ok(last)
    }

    async fn deed(
        &self,
        act: Option<Act<'_>>,
        without_time: Timestamp,
    ) -> Result<Option<Deed>, ForgeError> {
        let Some(Act { by, at }) = act else {
            return Ok(None);
        };
        Ok(Some(Deed {
            by: by.map(|actor| actor.login.clone()),
            may_write: self.may_write(by).await?,
            at: instant(at).unwrap_or(without_time),
        }))
    }

    pub(super) async fn is_own(&self, actor: Option<&WireActor>) -> Result<bool, ForgeError> {
        let Some(actor) = actor else {
            return Ok(false);
        };
        Ok(actor.account().eq_ignore_ascii_case(self.login().await?))
    }

    /// An app is not known by its name, which an account may have as well: only our own is trusted.
    pub(super) async fn may_write(&self, actor: Option<&WireActor>) -> Result<bool, ForgeError> {
        let Some(actor) = actor else {
            return Ok(false);
        };
        if self.is_own(Some(actor)).await? {
            return Ok(true);
        }
        if actor.kind != "User" {
            return Ok(false);
        }
        if let Some(known) = self.known_writers().get(&actor.login) {
            return Ok(*known);
        }
        let action = format!("see what {} may do in {}", actor.login, self.project);
        let path = self.path(&format!(
            "/collaborators/{}/permission",
            percent(&actor.login)
        ));
        let answer = self.client.get::<WirePermission>(&action, &path).await;
        let may_write = match answer {
            Ok(permission) => permission.may_write(),
            Err(ForgeError::NotFound { .. }) => false,
            Err(cause) => return Err(cause),
        };
        self.known_writers().insert(actor.login.clone(), may_write);
        Ok(may_write)
    }

    pub(super) fn forget_writers(&self) {
        self.known_writers().clear();
    }

    fn known_writers(&self) -> MutexGuard<'_, HashMap<String, bool>> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn act(mark: &WireMark) -> Act<'_> {
    Act {
        by: mark.actor.as_ref(),
        at: mark.created_at.as_deref().unwrap_or_default(),
    }
}

fn last_label<'a>(history: &'a WireHistory, label: &str) -> Option<Act<'a>> {
    let is_it = |mark: &&WireMark| {
        let name = mark.label.as_ref().map(|label| label.name.to_lowercase());
        mark.kind == "LabeledEvent" && name == Some(label.to_lowercase())
    };
    history.marks().filter(is_it).last().map(act)
}

fn alias(issue: IssueNumber) -> String {
    format!("i{}", issue.0)
}

/// Names of repositories and numbers need no escape: see `check_project`.
fn question(project: &str, issues: &[IssueNumber]) -> String {
    let (owner, name) = project.split_once('/').unwrap_or_default();
    let mut text = format!("{{ repository(owner: {owner:?}, name: {name:?}) {{");
    for issue in issues {
        let _ = write!(
            text,
            " {}: issue(number: {}) {FIELDS}",
            alias(*issue),
            issue.0
        );
    }
    text + " } }"
}
