//! What GitHub sends, and only what we read of it. A field that is missing is no error where we can do without.

use crate::rules::ids::{IssueNumber, PullNumber, Timestamp};
use crate::rules::issue::{Issue, IssueState};
use crate::rules::task::Pull;
use chrono::DateTime;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Somebody.
#[derive(Debug, Deserialize)]
pub struct WireUser {
    /// The account's name.
    pub login: String,
    /// `User`, `Bot`, and others.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
}

/// Who asks, by GraphQL.
#[derive(Debug, Deserialize)]
pub struct WireViewer {
    /// The answer.
    pub data: WireViewerData,
}

/// What [`WireViewer`] holds.
#[derive(Debug, Deserialize)]
pub struct WireViewerData {
    /// The account that the token belongs to.
    pub viewer: WireUser,
}

/// An issue, or a pull request in a list of issues.
#[derive(Debug, Deserialize)]
pub struct WireIssue {
    /// Its number; not its `id`.
    pub number: u64,
    /// What the database calls it, which is what ties are made of.
    #[serde(default)]
    pub id: u64,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    labels: Vec<WireLabelRef>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    state_reason: Option<String>,
    #[serde(default)]
    user: Option<WireUser>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
    #[serde(default)]
    repository_url: Option<String>,
    #[serde(default)]
    pull_request: Option<IgnoredAny>,
    #[serde(default)]
    issue_dependencies_summary: Option<WireDependencies>,
    #[serde(default)]
    sub_issues_summary: Option<WireParts>,
    #[serde(default)]
    assignees: Option<Vec<WireUser>>,
    #[serde(default)]
    milestone: Option<WireMilestone>,
}

/// What an issue waits for, as GitHub itself records it.
#[derive(Debug, Default)]
pub struct WaitsFor {
    /// What blocks it.
    pub blockers: Vec<IssueNumber>,
    /// Its sub-issues that are still open.
    pub parts: Vec<IssueNumber>,
}

/// The milestone of an issue.
#[derive(Debug, Deserialize)]
pub(super) struct WireMilestone {
    #[serde(default)]
    pub(super) title: Option<String>,
}

/// How many issues an issue waits for.
#[derive(Debug, Default, Deserialize)]
struct WireDependencies {
    #[serde(default)]
    total_blocked_by: u64,
}

/// How many sub-issues an issue has.
#[derive(Debug, Default, Deserialize)]
struct WireParts {
    #[serde(default)]
    total: u64,
    #[serde(default)]
    completed: u64,
}

/// A label on an issue: GitHub's description allows its bare name as well.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum WireLabelRef {
    Name(String),
    Whole(WireLabel),
}

/// A label of the repository.
#[derive(Debug, Deserialize)]
pub struct WireLabel {
    /// Its name, as it was first written.
    #[serde(default)]
    pub name: String,
}

impl WireIssue {
    /// Is it a pull request?
    #[must_use]
    pub fn is_pull(&self) -> bool {
        self.pull_request.is_some()
    }

    /// Was it closed as done, rather than dropped or closed for another that says the same?
    #[must_use]
    pub fn is_done(&self) -> bool {
        let is_closed = self.state.as_deref() == Some("closed");
        let is_dropped = matches!(
            self.state_reason.as_deref(),
            Some("not_planned" | "duplicate")
        );
        is_closed && !is_dropped
    }

    /// Does it wait for others, as GitHub itself records it?
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.issue_dependencies_summary
            .as_ref()
            .is_some_and(|summary| summary.total_blocked_by > 0)
    }

    /// Has it sub-issues that are still open?
    #[must_use]
    pub fn has_open_parts(&self) -> bool {
        self.sub_issues_summary
            .as_ref()
            .is_some_and(|summary| summary.completed < summary.total)
    }

    /// Is it still to be done?
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state.as_deref() != Some("closed")
    }

    /// Does it belong to this repository (`owner/name`)? One that was moved elsewhere does not.
    #[must_use]
    pub fn belongs_to(&self, project: &str) -> bool {
        self.repository_url.as_ref().is_none_or(|url| {
            let mut parts = url.rsplit('/');
            let name = parts.next().unwrap_or_default();
            let owner = parts.next().unwrap_or_default();
            format!("{owner}/{name}").eq_ignore_ascii_case(project)
        })
    }

    /// The issue, as the rest of the house knows it.
    #[must_use]
    pub fn into_issue(self, waits_for: WaitsFor) -> Issue {
        let is_open = self.is_open();
        Issue {
            number: IssueNumber(self.number),
            title: self.title.unwrap_or_default(),
            body: self.body.unwrap_or_default(),
            labels: self
                .labels
                .into_iter()
                .map(WireLabelRef::into_name)
                .collect(),
            state: if is_open {
                IssueState::Open
            } else {
                IssueState::Closed
            },
            author: self.user.map(|user| user.login),
            created_at: moment(self.created_at.as_deref()),
            updated_at: moment(self.updated_at.as_deref()),
            url: self.html_url,
            depends_on: waits_for.blockers,
            assignees: self
                .assignees
                .unwrap_or_default()
                .into_iter()
                .map(|user| user.login)
                .collect(),
            milestone: self.milestone.and_then(|milestone| milestone.title),
            parts: waits_for.parts,
            pulls: Vec::new(),
        }
    }
}

impl WireLabelRef {
    fn into_name(self) -> String {
        match self {
            Self::Name(name) => name,
            Self::Whole(label) => label.name,
        }
    }
}

/// A pull request.
#[derive(Debug, Deserialize)]
pub struct WirePull {
    number: u64,
    #[serde(default)]
    html_url: String,
    head: WireBranch,
    base: WireBranch,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    body: Option<String>,
}

#[derive(Debug, Deserialize)]
struct WireBranch {
    #[serde(rename = "ref")]
    name: String,
    #[serde(default)]
    repo: Option<WireOrigin>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct WireOrigin {
    id: u64,
}

impl WirePull {
    /// Does it offer this branch of its own repository, and not one of the same name from a fork?
    #[must_use]
    pub fn offers(&self, branch: &str) -> bool {
        self.head.name == branch && self.head.repo.is_some() && self.head.repo == self.base.repo
    }
}

impl From<WirePull> for Pull {
    fn from(pull: WirePull) -> Self {
        Self {
            number: PullNumber(pull.number),
            url: pull.html_url,
            head: pull.head.name,
            base: pull.base.name,
            open: pull.state.as_deref() == Some("open"),
            body: pull.body.unwrap_or_default(),
        }
    }
}

/// A comment on an issue.
#[derive(Debug, Deserialize)]
pub struct WireComment {
    /// What the database calls it.
    #[serde(default)]
    pub id: u64,
    /// Who wrote it; nobody where the account is gone.
    #[serde(default)]
    pub user: Option<WireUser>,
    /// What it says.
    #[serde(default)]
    pub body: Option<String>,
}

/// The repository.
#[derive(Clone, Debug, Deserialize)]
pub struct WireRepository {
    /// `owner/name`, as it is called today.
    pub full_name: String,
    /// The branch that closing keywords work on.
    pub default_branch: String,
    /// May only some people see it?
    #[serde(default)]
    pub private: bool,
    /// What our token may do.
    #[serde(default)]
    pub permissions: Option<WirePermissions>,
}

/// What a token may do with a repository.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct WirePermissions {
    /// Push, label, close.
    #[serde(default)]
    pub push: bool,
}

/// A moment that GitHub wrote, or the epoch where it wrote none.
pub(super) fn moment(text: Option<&str>) -> Timestamp {
    text.and_then(instant).unwrap_or_default()
}

/// A moment that GitHub wrote, if it is one.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let moment = DateTime::parse_from_rfc3339(text).ok()?;
    Some(Timestamp(moment.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(json: &str) -> WireIssue {
        serde_json::from_str(json).expect("an issue")
    }

    #[test]
    fn what_was_dropped_is_not_done() {
        let check = |json: &str, expect| assert_eq!(issue(json).is_done(), expect, "{json}");
        check(
            r#"{"number": 7, "state": "closed", "state_reason": "completed"}"#,
            true,
        );
        check(
            r#"{"number": 7, "state": "closed", "state_reason": null}"#,
            true,
        );
        check(
            r#"{"number": 7, "state": "closed", "state_reason": "not_planned"}"#,
            false,
        );
        check(
            r#"{"number": 7, "state": "closed", "state_reason": "duplicate"}"#,
            false,
        );
        check(r#"{"number": 7, "state": "open"}"#, false);
    }

    #[test]
    fn an_issue_needs_no_more_than_its_number() {
        let bare = issue(r#"{"number": 7, "body": null, "user": null}"#);
        assert!(!bare.is_pull() && !bare.is_blocked() && bare.belongs_to("a/b"));
        let issue = bare.into_issue(WaitsFor::default());
        assert_eq!(
            (issue.number, issue.state),
            (IssueNumber(7), IssueState::Open)
        );
    }

    #[test]
    fn an_issue_keeps_what_its_author_wrote() {
        let issue = issue(
            r#"{"number": 7, "id": 99, "title": "a\n$(b)\u202e", "body": "c", "state": "closed",
                "labels": ["plain", {"name": "good first issue"}], "user": {"login": "ann"},
                "created_at": "2026-01-02T03:04:05Z", "html_url": "http://h/7"}"#,
        )
        .into_issue(WaitsFor {
            blockers: vec![IssueNumber(3)],
            parts: Vec::new(),
        });
        assert_eq!(issue.title, "a\n$(b)\u{202e}");
        assert_eq!(issue.labels, ["plain", "good first issue"]);
        assert_eq!(issue.state, IssueState::Closed);
        assert_eq!(issue.created_at, Timestamp(1_767_323_045_000));
        assert_eq!(issue.updated_at, Timestamp(0));
        assert_eq!(issue.depends_on, [IssueNumber(3)]);
    }

    #[test]
    fn an_issue_that_moved_away_is_not_ours() {
        let moved = issue(r#"{"number": 7, "repository_url": "http://h/repos/other/place"}"#);
        assert!(!moved.belongs_to("our/place"));
        assert!(moved.belongs_to("Other/Place"));
    }

    #[test]
    fn a_branch_of_the_same_name_in_a_fork_is_another_branch() {
        let check = |head: &str, expect| {
            let pull: WirePull = serde_json::from_str(&format!(
                r#"{{"number": 1, "head": {{"ref": "b", "repo": {head}}}, "base": {{"ref": "main", "repo": {{"id": 5}}}}}}"#
            ))
            .expect("a pull");
            assert_eq!(pull.offers("b"), expect, "{head}");
            assert!(!pull.offers("c"));
        };
        check(r#"{"id": 5}"#, true);
        check(r#"{"id": 6}"#, false);
        check("null", false);
    }
}
