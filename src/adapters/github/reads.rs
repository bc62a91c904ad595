//! What GitHub is asked.

use crate::adapters::github::address::percent;
use crate::adapters::github::client::parse;
use crate::adapters::github::forge::GitHub;
use crate::adapters::github::wire::{
    WaitsFor, WireComment, WireIssue, WirePull, WireUser, WireViewer,
};
use crate::ports::{ForgeError, OwnComment};
use crate::rules::ids::{BranchName, IssueNumber};
use crate::rules::issue::{Issue, Selection};
use crate::rules::names::issue_of_branch;
use crate::rules::references::closed_by_text;
use crate::rules::task::Pull;
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Single issues on their way at the same time; the governor has the last word.
pub(super) const AT_ONCE: usize = 8;

/// An app's account is called as the app is, with this behind it.
const BOT: &str = "[bot]";

/// A login, scopes, and permissions.
type Who = (
    String,
    Option<Vec<String>>,
    Option<BTreeMap<String, String>>,
);

/// Who we are there, and what we may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account that the token belongs to.
    pub login: String,
    /// The scopes of a classic token; `None` for tokens that have permissions instead.
    pub scopes: Option<Vec<String>>,
    /// What the tokens of our app may do; `None` where we are no app, for GitHub does not tell it then.
    pub permissions: Option<BTreeMap<String, String>>,
    /// May it push to the repository? `None` where GitHub does not say.
    pub may_push: Option<bool>,
    /// May only some people see the repository?
    pub is_private: bool,
}

impl GitHub {
    /// Who we are there, and what we may do. Asks anew each time.
    pub async fn account(&self) -> Result<Account, ForgeError> {
        let (login, scopes, permissions) = self.who().await?;
        let repository = self.repository().await?;
        let rights = repository.permissions.as_ref();
        Ok(Account {
            login,
            scopes,
            permissions,
            may_push: rights.map(|rights| rights.push),
            is_private: repository.private,
        })
    }

    async fn who(&self) -> Result<Who, ForgeError> {
        if let Some(app) = self.client.tokens().installed().await? {
            return Ok((app.slug + BOT, None, Some(app.permissions)));
        }
        let action = "see whose token it is";
        match self.client.get_fresh(action, "/user").await {
            Ok(reply) => {
                let user: WireUser = parse(action, &reply.body)?;
                Ok((user.login, reply.scopes(), None))
            }
            // The tokens of apps, and of workflows, may not ask that.
            Err(ForgeError::Auth { detail, .. }) if detail.contains("by integration") => {
                Ok((self.app_login(action).await?, None, None))
            }
            Err(cause) => Err(cause),
        }
    }

    /// The branch that closing keywords work on.
    pub async fn default_branch(&self) -> Result<String, ForgeError> {
        Ok(self.repository().await?.default_branch.clone())
    }

    pub(super) async fn read_open_issues(
        &self,
        selection: &Selection,
    ) -> Result<Vec<Issue>, ForgeError> {
        let issues = if selection.numbers.is_empty() {
            self.list_issues(selection.label.as_deref()).await?
        } else {
            self.each_issue(&selection.numbers).await?
        };
        // By number, and once: a list that changes while it is read shows the same issue on two pages.
        let issues: BTreeMap<_, _> = issues
            .into_iter()
            .filter(|issue| selection.takes(issue))
            .map(|issue| (issue.number, issue))
            .collect();
        Ok(issues.into_values().collect())
    }

    /// One page: of the last hundred that were closed, those that are no pulls and were not dropped.
    pub(super) async fn read_closed_issues(&self) -> Result<Vec<Issue>, ForgeError> {
        let action = format!("list the closed issues of {}", self.project);
        let path = self.path("/issues?state=closed&sort=updated&direction=desc&per_page=100");
        let wires: Vec<WireIssue> = self.client.get(&action, &path).await?;
        let done = wires
            .into_iter()
            .filter(|wire| !wire.is_pull() && wire.is_done());
        Ok(done
            .map(|wire| wire.into_issue(WaitsFor::default()))
            .collect())
    }

    pub(super) async fn read_issue(
        &self,
        number: IssueNumber,
    ) -> Result<Option<Issue>, ForgeError> {
        let action = format!("read issue {number} of {}", self.project);
        let path = self.path(&format!("/issues/{}", number.0));
        let wire: WireIssue = match self.client.get(&action, &path).await {
            Ok(wire) => wire,
            Err(ForgeError::NotFound { .. }) => {
                // A repository that is hidden from us has no issues either; that is another matter.
                self.repository().await?;
                return Ok(None);
            }
            Err(ForgeError::Refused { detail, .. }) if detail.contains("deleted") => {
                return Ok(None);
            }
            Err(cause) => return Err(cause),
        };
        // The redirect of an issue that was moved leads to another repository's.
        let is_ours = wire.number == number.0 && self.is_ours(&wire).await?;
        if wire.is_pull() || !is_ours {
            return Ok(None);
        }
        self.with_what_it_waits_for(wire).await.map(Some)
    }

    pub(super) async fn read_open_pulls(&self) -> Result<Vec<Pull>, ForgeError> {
        let action = format!("list the open pull requests of {}", self.project);
        let path = self.path("/pulls?state=open");
        let pulls: Vec<WirePull> = self.client.list(&action, &path).await?;
        Ok(newest_first(pulls))
    }

    pub(super) async fn read_pulls_from(&self, head: &BranchName) -> Result<Vec<Pull>, ForgeError> {
        let action = format!("list the pull requests from {head}");
        // Without the owner, or with one that is called otherwise today, GitHub ignores the filter or finds nothing.
        let repository = self.repository().await?;
        let owner = repository.full_name.split('/').next().unwrap_or_default();
        let filter = percent(&format!("{owner}:{head}"));
        let path = self.path(&format!(
            "/pulls?head={filter}&state=all&sort=created&direction=desc"
        ));
        let mut pulls: Vec<WirePull> = self.client.list(&action, &path).await?;
        pulls.retain(|pull| pull.offers(head.as_str()));
        Ok(newest_first(pulls))
    }

    pub(super) async fn read_own_comment(
        &self,
        issue: IssueNumber,
        marker: &str,
    ) -> Result<Option<OwnComment>, ForgeError> {
        let action = format!("list the comments on {issue}");
        let login = self.login().await?;
        let path = self.path(&format!("/issues/{}/comments", issue.0));
        let comments: Vec<WireComment> = self.client.list(&action, &path).await?;
        // Anybody can paste our marker; only our own account can sign it.
        let is_own = |user: &Option<WireUser>| {
            let user = user.as_ref();
            user.is_some_and(|user| user.login.eq_ignore_ascii_case(login))
        };
        let own = comments.into_iter().filter(|comment| is_own(&comment.user));
        let mut own = own.filter_map(|comment| Some((comment.id, comment.body?)));
        let found = own.find(|(_, body)| body.contains(marker));
        Ok(found.map(|(id, body)| OwnComment {
            id,
            marker: marker.to_owned(),
            body,
        }))
    }

    pub(super) async fn login(&self) -> Result<&String, ForgeError> {
        self.login
            .get_or_try_init(|| async { Ok(self.who().await?.0) })
            .await
    }

    /// An app's account, as its comments show it.
    async fn app_login(&self, action: &str) -> Result<String, ForgeError> {
        let viewer: WireViewer = self
            .client
            .query(action, "{ viewer { login } }", &Value::Null)
            .await?;
        let login = viewer.data.viewer.login;
        Ok(if login.ends_with(BOT) {
            login
        } else {
            login + BOT
        })
    }

    async fn each_issue(&self, numbers: &[IssueNumber]) -> Result<Vec<Issue>, ForgeError> {
        let numbers: BTreeSet<_> = numbers.iter().copied().collect();
        let issues: Vec<Option<Issue>> =
            stream::iter(numbers.into_iter().map(|number| self.read_issue(number)))
                .buffered(AT_ONCE)
                .try_collect()
                .await?;
        let issues = issues.into_iter().flatten().collect();
        self.with_closing_pulls(issues).await
    }

    /// The issues with the open pulls whose descriptions close them, our own left out: those are known by their branches.
    /// GitHub obeys such words where a pull is for the default branch; what was tied by hand only GraphQL tells.
    pub(super) async fn with_closing_pulls(
        &self,
        mut issues: Vec<Issue>,
    ) -> Result<Vec<Issue>, ForgeError> {
        if issues.is_empty() {
            return Ok(issues);
        }
        let pulls = self.read_open_pulls().await?.into_iter().rev();
        let others = pulls.filter(|pull| issue_of_branch(&pull.head).is_none());
        let closing = others.map(|pull| (closed_by_text(&pull.body), pull));
        for (closed, pull) in closing.filter(|(closed, _)| !closed.is_empty()) {
            if pull.base != self.default_branch().await? {
                continue;
            }
            let its = issues
                .iter_mut()
                .filter(|issue| closed.contains(&issue.number));
            its.for_each(|issue| issue.pulls.push(pull.number));
        }
        Ok(issues)
    }

    /// Asks what an issue waits for only where GitHub says that it does.
    pub(super) async fn with_what_it_waits_for(
        &self,
        wire: WireIssue,
    ) -> Result<Issue, ForgeError> {
        let mut waits_for = WaitsFor::default();
        if wire.is_blocked() {
            waits_for.blockers = self.read_blockers(wire.number).await?;
        }
        if wire.has_open_parts() {
            waits_for.parts = self.read_open_parts(wire.number).await?;
        }
        Ok(wire.into_issue(waits_for))
    }

    /// What blocks an issue, open or closed.
    pub(super) async fn read_blockers(&self, number: u64) -> Result<Vec<IssueNumber>, ForgeError> {
        let action = format!("list what issue #{number} waits for");
        let path = self.path(&format!("/issues/{number}/dependencies/blocked_by"));
        let blockers: Vec<WireIssue> = self.client.list(&action, &path).await?;
        self.own(blockers).await
    }

    /// The sub-issues of an issue that are still open.
    pub(super) async fn read_open_parts(
        &self,
        number: u64,
    ) -> Result<Vec<IssueNumber>, ForgeError> {
        let action = format!("list the sub-issues of #{number}");
        let path = self.path(&format!("/issues/{number}/sub_issues"));
        let mut parts: Vec<WireIssue> = self.client.list(&action, &path).await?;
        parts.retain(WireIssue::is_open);
        self.own(parts).await
    }

    /// Those of this repository.
    async fn own(&self, issues: Vec<WireIssue>) -> Result<Vec<IssueNumber>, ForgeError> {
        let repository = self.repository().await?;
        let project = &repository.full_name;
        let own = issues.iter().filter(|issue| issue.belongs_to(project));
        Ok(own.map(|issue| IssueNumber(issue.number)).collect())
    }

    async fn is_ours(&self, wire: &WireIssue) -> Result<bool, ForgeError> {
        self.is_own_name(|project| wire.belongs_to(project)).await
    }
}

/// Each once, whatever the pages repeated.
fn newest_first(pulls: Vec<WirePull>) -> Vec<Pull> {
    let pulls: BTreeMap<_, _> = pulls
        .into_iter()
        .map(Pull::from)
        .map(|pull| (pull.number, pull))
        .collect();
    pulls.into_values().rev().collect()
}
