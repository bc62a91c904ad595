//! What GraphQL tells of a page of issues. An answer that is not whole is none.

use crate::adapters::github::histories::{WireActor, WireTrouble};
use crate::adapters::github::reply::unknown;
use crate::adapters::github::wire::{WireLabel, WireMilestone, moment};
use crate::ports::ForgeError;
use crate::rules::ids::{IssueNumber, PullNumber};
use crate::rules::issue::{Issue, IssueState};
use serde::Deserialize;
use serde_json::Value;

/// Whom GitHub names where an account is gone.
const GHOST: &str = "ghost";

/// The answer. What it holds is read only where nothing is wrong with it.
#[derive(Debug, Deserialize)]
pub(super) struct WireListing {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    errors: Vec<WireTrouble>,
}

#[derive(Debug, Deserialize)]
struct WireData {
    repository: Option<WireRepositoryIssues>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRepositoryIssues {
    name_with_owner: String,
    has_issues_enabled: bool,
    issues: WireIssues,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireIssues {
    page_info: WirePageInfo,
    nodes: Vec<WireListed>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

/// A page, and where the next one begins.
#[derive(Debug)]
pub(super) struct WirePage {
    /// `owner/name`, as the repository is called today.
    pub(super) project: String,
    pub(super) issues: Vec<WireListed>,
    pub(super) next: Option<String>,
}

/// A list within an issue.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSome<T> {
    total_count: usize,
    nodes: Vec<T>,
}

/// An issue of the list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireListed {
    pub(super) number: u64,
    title: String,
    body: String,
    state: WireState,
    created_at: String,
    updated_at: String,
    url: String,
    author: Option<WireActor>,
    milestone: Option<WireMilestone>,
    labels: Option<WireSome<WireLabel>>,
    assignees: WireSome<WireLogin>,
    blocked_by: WireSome<WireOther>,
    sub_issues: WireSome<WireOther>,
    closed_by_pull_requests_references: Option<WireLinked>,
}

#[derive(Debug, Deserialize)]
struct WireLinked {
    nodes: Vec<WireOther>,
}

#[derive(Debug, Deserialize)]
struct WireLogin {
    login: String,
}

/// Another issue, or a pull; maybe of another repository.
#[derive(Debug, Deserialize)]
struct WireOther {
    number: u64,
    state: WireState,
    repository: WireHome,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireHome {
    name_with_owner: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum WireState {
    Open,
    Closed,
    Merged,
}

impl WireListing {
    /// The page; whatever is wrong with any part of it is wrong with all of it.
    pub(super) fn page(self, action: &str) -> Result<WirePage, ForgeError> {
        if !self.errors.is_empty() {
            let detail = WireTrouble::words(&self.errors);
            // GitHub's own failures, and questions that took it too long, have no type.
            return Err(if self.errors.iter().all(WireTrouble::stays) {
                ForgeError::Refused {
                    action: action.to_owned(),
                    detail,
                }
            } else {
                unknown(action, &detail)
            });
        }
        let data: WireData = serde_json::from_value(self.data)
            .map_err(|cause| unknown(action, &cause.to_string()))?;
        let repository = data
            .repository
            .ok_or_else(|| unknown(action, "no answer"))?;
        if !repository.has_issues_enabled {
            // The list is empty then; REST says why.
            let detail = "issues are switched off".to_owned();
            let action = action.to_owned();
            return Err(ForgeError::Refused { action, detail });
        }
        let WirePageInfo {
            has_next_page,
            end_cursor,
        } = repository.issues.page_info;
        let next = match (has_next_page, end_cursor) {
            (false, _) => None,
            (true, Some(cursor)) => Some(cursor),
            (true, None) => return Err(unknown(action, "its next page has no name")),
        };
        Ok(WirePage {
            project: repository.name_with_owner,
            issues: repository.issues.nodes,
            next,
        })
    }
}

impl<T> WireSome<T> {
    fn is_whole(&self) -> bool {
        self.nodes.len() >= self.total_count
    }
}

impl WireListed {
    /// Has it more labels or assignees than are listed?
    pub(super) fn has_more_about_it(&self) -> bool {
        !(self.labels.as_ref().is_none_or(WireSome::is_whole) && self.assignees.is_whole())
    }

    /// What blocks it, in this repository; nothing where that list goes on.
    pub(super) fn blockers(&self, project: &str) -> Option<Vec<IssueNumber>> {
        let own = || numbers(&self.blocked_by.nodes, project, |_| true);
        self.blocked_by
            .is_whole()
            .then(|| own().map(IssueNumber).collect())
    }

    /// Its open sub-issues in this repository; nothing where that list goes on.
    pub(super) fn open_parts(&self, project: &str) -> Option<Vec<IssueNumber>> {
        let own = || numbers(&self.sub_issues.nodes, project, is_open);
        self.sub_issues
            .is_whole()
            .then(|| own().map(IssueNumber).collect())
    }

    /// Open pulls of this repository that close it.
    pub(super) fn open_pulls(&self, project: &str) -> Vec<PullNumber> {
        let linked = self.closed_by_pull_requests_references.iter();
        let linked = linked.flat_map(|linked| numbers(&linked.nodes, project, is_open));
        linked.map(PullNumber).collect()
    }

    /// The issue, as the rest of the house knows it, without what it waits for.
    pub(super) fn issue(&self, project: &str) -> Issue {
        let labels = self.labels.iter().flat_map(|labels| &labels.nodes);
        let assignees = self.assignees.nodes.iter();
        let milestone = self.milestone.as_ref();
        let author = self.author.as_ref();
        Issue {
            number: IssueNumber(self.number),
            title: self.title.clone(),
            body: self.body.clone(),
            labels: labels.map(|label| label.name.clone()).collect(),
            state: if is_open(self.state) {
                IssueState::Open
            } else {
                IssueState::Closed
            },
            author: Some(author.map_or_else(|| GHOST.to_owned(), WireActor::account)),
            created_at: moment(Some(&self.created_at)),
            updated_at: moment(Some(&self.updated_at)),
            url: Some(self.url.clone()),
            depends_on: Vec::new(),
            assignees: assignees.map(|user| user.login.clone()).collect(),
            milestone: milestone.and_then(|milestone| milestone.title.clone()),
            parts: Vec::new(),
            pulls: self.open_pulls(project),
        }
    }
}

fn is_open(state: WireState) -> bool {
    match state {
        WireState::Open => true,
        WireState::Closed | WireState::Merged => false,
    }
}

/// Of these the numbers of those that belong to this repository and stand as wanted.
fn numbers<'a>(
    others: &'a [WireOther],
    project: &'a str,
    is_wanted: impl Fn(WireState) -> bool + 'a,
) -> impl Iterator<Item = u64> + 'a {
    let own = others.iter().filter(move |other| {
        other
            .repository
            .name_with_owner
            .eq_ignore_ascii_case(project)
            && is_wanted(other.state)
    });
    own.map(|other| other.number)
}
