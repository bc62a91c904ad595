//! GitHub as a forge: what it is told once, and which room does what.

use crate::adapters::github::address::{api_base, is_loopback};
use crate::adapters::github::client::{Client, ClientSettings};
use crate::adapters::github::governor::Governor;
use crate::adapters::github::limits::Limits;
use crate::adapters::github::today::RepositorySeen;
use crate::adapters::github::tokens::Tokens;
use crate::adapters::github::transport::Manners;
use crate::adapters::github::verdict::Rate;
use crate::adapters::retry::Repeats;
use crate::ports::{Forge, ForgeError, OwnComment, Tie, Tied, Tracker};
use crate::rules::follow::shape::Said;
use crate::rules::ids::{BranchName, IssueNumber, PullNumber};
use crate::rules::issue::{Issue, IssueDraft, Selection};
use crate::rules::offer::offering::Details;
use crate::rules::offer::reviewers::{Reviewers, Reviewing};
use crate::rules::prompt::first::Comment;
use crate::rules::quota::{Allowance, Api};
use crate::rules::room::Quota;
use crate::rules::standing::Standing;
use crate::rules::task::{Pull, PullDraft};
use crate::rules::trust::{Provenance, Trust};
use async_trait::async_trait;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::OnceCell;

/// Where GitHub's own API is.
pub const PUBLIC_API: &str = "https://api.github.com";

/// What GitHub is told once.
#[derive(Clone)]
pub struct GitHubSettings {
    /// `owner/name`.
    pub project: String,
    /// The API's address: `https://api.github.com`, `https://host/api/v3`; plain `http` only to this machine.
    pub api: String,
    /// Gives the token before each request.
    pub tokens: Tokens,
    /// How hard it may be pressed.
    pub limits: Limits,
    /// How often a read that failed in passing is repeated.
    pub repeats: Repeats,
    /// Until an answer begins, and again until it ends.
    pub timeout: Duration,
    /// Bytes of an answer at most.
    pub largest_answer: usize,
    /// What we call ourselves.
    pub user_agent: String,
}

impl GitHubSettings {
    /// The usual ones. A server on this machine is pressed harder.
    #[must_use]
    pub fn new(project: &str, api: &str, tokens: Tokens) -> Self {
        let host = api.parse::<http::Uri>().ok();
        let is_local = host
            .as_ref()
            .and_then(http::Uri::host)
            .is_some_and(is_loopback);
        let manners = Manners::default();
        Self {
            project: project.to_owned(),
            api: api.to_owned(),
            tokens,
            limits: if is_local {
                Limits::loopback()
            } else {
                Limits::published()
            },
            repeats: Repeats::default(),
            timeout: manners.timeout,
            largest_answer: manners.largest_answer,
            user_agent: manners.user_agent,
        }
    }
}

impl fmt::Debug for GitHubSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHubSettings")
            .field("project", &self.project)
            .field("api", &self.api)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// One repository on GitHub, seen with one token.
#[derive(Debug)]
pub struct GitHub {
    pub(super) client: Client,
    pub(super) project: String,
    /// What our own comments are signed with.
    pub(super) login: OnceCell<String>,
    pub(super) repository: RepositorySeen,
    /// Labels that the repository is known to have, in lower case.
    pub(super) labels: Mutex<HashSet<String>>,
    /// Logs of failed jobs, by their numbers: they do not change.
    pub(super) logs: Mutex<HashMap<u64, String>>,
    /// Accounts that were asked about: may they write?
    pub(super) writers: Mutex<HashMap<String, bool>>,
    /// GraphQL was refused: it is not asked again for what REST tells as well.
    pub(super) without_graphql: AtomicBool,
}

impl GitHub {
    /// Sends nothing yet. Needs a running tokio runtime.
    pub fn new(settings: GitHubSettings) -> Result<Self, ForgeError> {
        let refused = |detail: String| ForgeError::Refused {
            action: "use GitHub".into(),
            detail,
        };
        check_project(&settings.project).map_err(refused)?;
        let client = ClientSettings {
            api: api_base(&settings.api).map_err(refused)?,
            tokens: settings.tokens,
            manners: Manners {
                user_agent: settings.user_agent,
                timeout: settings.timeout,
                largest_answer: settings.largest_answer,
            },
            repeats: settings.repeats,
        };
        Ok(Self {
            client: Client::new(client, Governor::new(settings.limits))?,
            project: settings.project,
            login: OnceCell::new(),
            repository: RepositorySeen::default(),
            labels: Mutex::default(),
            logs: Mutex::default(),
            writers: Mutex::default(),
            without_graphql: AtomicBool::new(false),
        })
    }

    /// What GitHub last said about the primary limit.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        self.client.governor().rate()
    }

    /// How many requests went out and have not been heard of yet.
    #[must_use]
    pub fn on_their_way(&self) -> u32 {
        self.client.governor().on_their_way()
    }

    /// A path below the repository's.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/repos/{}{rest}", self.project)
    }
}

#[async_trait]
impl Forge for GitHub {
    fn project(&self) -> &str {
        &self.project
    }

    fn quota(&self) -> Option<Quota> {
        let allowances = self.allowances();
        let rest = allowances.iter().find(|found| found.api == Api::Rest);
        rest.map(Allowance::quota)
    }

    fn allowances(&self) -> Vec<Allowance> {
        self.client.governor().allowances()
    }

    async fn open_issues(&self, selection: &Selection) -> Result<Vec<Issue>, ForgeError> {
        self.read_open_issues(selection).await
    }

    async fn closed_issues(&self) -> Result<Vec<Issue>, ForgeError> {
        self.read_closed_issues().await
    }

    async fn provenance(
        &self,
        issues: &[IssueNumber],
        label: &str,
    ) -> Result<Vec<Provenance>, ForgeError> {
        self.read_provenance(issues, label).await
    }

    async fn comments(&self, issue: IssueNumber, trust: Trust) -> Result<Vec<Comment>, ForgeError> {
        self.read_comments(issue, trust).await
    }

    async fn issue(&self, number: IssueNumber) -> Result<Option<Issue>, ForgeError> {
        self.read_issue(number).await
    }

    async fn issue_standing(&self, number: IssueNumber) -> Result<Standing, ForgeError> {
        self.read_standing(number).await
    }

    async fn default_branch(&self) -> Result<Option<String>, ForgeError> {
        Ok(Some(self.repository().await?.default_branch.clone()))
    }

    async fn details(&self, pull: PullNumber) -> Result<Details, ForgeError> {
        self.read_details(pull).await
    }

    async fn set_details(&self, pull: PullNumber, details: &Details) -> Result<(), ForgeError> {
        self.write_details(pull, details).await
    }

    async fn reviewing(&self, pull: PullNumber) -> Result<Reviewing, ForgeError> {
        self.read_reviewing(pull).await
    }

    async fn ask_review(&self, pull: PullNumber, reviewers: &Reviewers) -> Result<(), ForgeError> {
        self.write_review_request(pull, reviewers).await
    }

    async fn open_pulls(&self) -> Result<Vec<Pull>, ForgeError> {
        self.read_open_pulls().await
    }

    async fn pulls_from(&self, head: &BranchName) -> Result<Vec<Pull>, ForgeError> {
        self.read_pulls_from(head).await
    }

    async fn open_pull(&self, draft: &PullDraft) -> Result<Pull, ForgeError> {
        self.write_pull(draft).await
    }

    async fn correct_pull(&self, number: PullNumber, draft: &PullDraft) -> Result<(), ForgeError> {
        self.write_correction(number, draft).await
    }

    async fn describe_pull(&self, number: PullNumber, body: &str) -> Result<(), ForgeError> {
        self.write_description(number, body).await
    }

    async fn replies(
        &self,
        issue: IssueNumber,
        marker: &str,
        trust: Trust,
    ) -> Result<Vec<Comment>, ForgeError> {
        self.read_replies(issue, marker, trust).await
    }

    async fn own_comment(
        &self,
        issue: IssueNumber,
        marker: &str,
    ) -> Result<Option<OwnComment>, ForgeError> {
        self.read_own_comment(issue, marker).await
    }

    async fn comment(&self, issue: IssueNumber, body: &str) -> Result<(), ForgeError> {
        self.write_comment(issue, body).await
    }

    async fn edit_comment(
        &self,
        issue: IssueNumber,
        comment: &OwnComment,
        body: &str,
    ) -> Result<(), ForgeError> {
        self.write_comment_anew(issue, comment.id, body).await
    }

    async fn has_answer(
        &self,
        pull: PullNumber,
        said: &Said,
        _marker: &str,
    ) -> Result<bool, ForgeError> {
        self.read_has_answer(pull, said).await
    }

    async fn answer(&self, pull: PullNumber, said: &Said, body: &str) -> Result<(), ForgeError> {
        self.write_answer(pull, said, body).await
    }

    async fn add_label(&self, issue: IssueNumber, label: &str) -> Result<(), ForgeError> {
        self.write_label(issue, label).await
    }

    async fn remove_label(&self, issue: IssueNumber, label: &str) -> Result<(), ForgeError> {
        self.erase_label(issue, label).await
    }
}

#[async_trait]
impl Tracker for GitHub {
    async fn ensure_label(&self, label: &str) -> Result<(), ForgeError> {
        self.write_missing_label(label).await
    }

    async fn labelled(&self, label: &str) -> Result<Vec<Issue>, ForgeError> {
        self.read_labelled(label).await
    }

    async fn open_issue(&self, draft: &IssueDraft) -> Result<IssueNumber, ForgeError> {
        self.write_issue(draft).await
    }

    async fn rewrite(&self, issue: IssueNumber, body: &str) -> Result<(), ForgeError> {
        self.write_text(issue, body).await
    }

    async fn tie(&self, tie: Tie) -> Result<Tied, ForgeError> {
        self.write_tie(tie).await
    }
}

/// GitHub's own rules for the names of accounts and repositories, which also keep a name from being a path.
fn check_project(project: &str) -> Result<(), String> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.len() <= 100
            && name != "."
            && name != ".."
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    match project.split_once('/') {
        Some((owner, name)) if is_name(owner) && is_name(name) => Ok(()),
        _ => Err(format!(
            "{project:?} is no repository: it is written owner/name"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_an_owner_and_a_name() {
        let check = |project: &str, expect: bool| {
            assert_eq!(check_project(project).is_ok(), expect, "{project}");
        };
        check("octo-org/hello.world_2", true);
        check("octo", false);
        check("octo/", false);
        check("/hello", false);
        check("octo/hello/more", false);
        check("octo/..", false);
        check("octo/he llo", false);
        check("octo/hello?x=", false);
    }

    #[test]
    fn only_a_server_on_this_machine_is_pressed_without_limits() {
        let limits = |api: &str| {
            GitHubSettings::new("o/r", api, Tokens::fixed("t".to_owned().into())).limits
        };
        assert_eq!(limits("http://127.0.0.1:4000"), Limits::loopback());
        assert_eq!(limits(PUBLIC_API), Limits::published());
        assert_eq!(limits("nonsense"), Limits::published());
    }
}
