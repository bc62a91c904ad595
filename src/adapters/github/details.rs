//! What a pull carries besides its words, and where an issue stands.

use crate::adapters::github::forge::GitHub;
use crate::adapters::github::limits::Kind;
use crate::adapters::github::wire::WireUser;
use crate::ports::ForgeError;
use crate::rules::ids::{IssueNumber, PullNumber};
use crate::rules::offer::offering::Details;
use crate::rules::offer::reviewers::{Reviewers, Reviewing};
use crate::rules::standing::{Standing, Whereabouts};
use http::Method;
use serde::{Deserialize, Serialize};

/// An issue or a pull, as far as neither title nor text is wanted.
#[derive(Debug, Deserialize)]
struct WireState {
    number: u64,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
    #[serde(default)]
    repository_url: Option<String>,
    #[serde(default)]
    labels: Vec<WireName>,
    #[serde(default)]
    assignees: Option<Vec<WireUser>>,
    #[serde(default)]
    milestone: Option<WireMilestone>,
}

/// A label: GitHub's description allows its bare name as well.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum WireName {
    Plain(String),
    Whole {
        #[serde(default)]
        name: Option<String>,
    },
}

#[derive(Debug, Deserialize)]
struct WireMilestone {
    number: u64,
}

#[derive(Debug, Deserialize)]
struct WireReviewing {
    #[serde(default)]
    user: Option<WireUser>,
    #[serde(default)]
    requested_reviewers: Option<Vec<WireUser>>,
    #[serde(default)]
    requested_teams: Option<Vec<WireTeam>>,
}

#[derive(Debug, Deserialize)]
struct WireTeam {
    slug: String,
}

/// Gives a pull its labels, people and milestone. What is empty is left as it is.
#[derive(Debug, Serialize)]
struct SetDetails<'a> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    labels: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    assignees: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    milestone: Option<u64>,
}

#[derive(Debug, Serialize)]
struct AskReview<'a> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    reviewers: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    team_reviewers: &'a [String],
}

impl GitHub {
    /// One read, which costs nothing where nothing has changed since the last.
    pub(super) async fn read_standing(&self, number: IssueNumber) -> Result<Standing, ForgeError> {
        let action = format!("look at issue {number} of {}", self.project);
        let path = self.path(&format!("/issues/{}", number.0));
        let wire: WireState = match self.client.get(&action, &path).await {
            Ok(wire) => wire,
            Err(ForgeError::NotFound { .. }) => {
                // A repository that is hidden from us has no issues either; that is another matter.
                self.repository().await?;
                return Ok(Standing::nowhere(Whereabouts::Gone));
            }
            Err(ForgeError::Refused { detail, .. }) if detail.contains("deleted") => {
                return Ok(Standing::nowhere(Whereabouts::Gone));
            }
            Err(cause) => return Err(cause),
        };
        if wire.number != number.0 || !self.is_here(&wire).await? {
            let to = wire.html_url;
            return Ok(Standing::nowhere(Whereabouts::Moved { to }));
        }
        let is_closed = wire.state.as_deref() == Some("closed");
        let details = wire.details();
        Ok(Standing {
            whereabouts: if is_closed {
                Whereabouts::Closed
            } else {
                Whereabouts::Open
            },
            labels: details.labels,
            assignees: details.assignees,
            milestone: details.milestone,
        })
    }

    async fn is_here(&self, wire: &WireState) -> Result<bool, ForgeError> {
        let Some(url) = &wire.repository_url else {
            return Ok(true);
        };
        let url = url.to_lowercase();
        self.is_own_name(|project| url.ends_with(&format!("/{}", project.to_lowercase())))
            .await
    }

    pub(super) async fn read_details(&self, pull: PullNumber) -> Result<Details, ForgeError> {
        let action = format!("look at pull request {pull}");
        let path = self.path(&format!("/issues/{}", pull.0));
        let wire: WireState = self.client.get(&action, &path).await?;
        Ok(wire.details())
    }

    pub(super) async fn write_details(
        &self,
        pull: PullNumber,
        details: &Details,
    ) -> Result<(), ForgeError> {
        for label in &details.labels {
            self.write_missing_label(label).await?;
        }
        let action = format!("label and assign pull request {pull}");
        let path = self.path(&format!("/issues/{}", pull.0));
        let body = SetDetails {
            labels: &details.labels,
            assignees: &details.assignees,
            milestone: details.milestone,
        };
        self.client
            .write(&action, Kind::Change, Method::PATCH, &path, Some(&body))
            .await
            .map(drop)
    }

    pub(super) async fn read_reviewing(&self, pull: PullNumber) -> Result<Reviewing, ForgeError> {
        let action = format!("see who reviews pull request {pull}");
        let path = self.path(&format!("/pulls/{}", pull.0));
        let wire: WireReviewing = self.client.get(&action, &path).await?;
        let users = wire.requested_reviewers.unwrap_or_default();
        let teams = wire.requested_teams.unwrap_or_default();
        Ok(Reviewing {
            author: wire.user.map(|user| user.login),
            asked: Reviewers {
                users: users.into_iter().map(|user| user.login).collect(),
                teams: teams.into_iter().map(|team| team.slug).collect(),
            },
        })
    }

    pub(super) async fn write_review_request(
        &self,
        pull: PullNumber,
        reviewers: &Reviewers,
    ) -> Result<(), ForgeError> {
        let action = format!("ask for reviews of pull request {pull}");
        let path = self.path(&format!("/pulls/{}/requested_reviewers", pull.0));
        let body = AskReview {
            reviewers: &reviewers.users,
            team_reviewers: &reviewers.teams,
        };
        self.client
            .write(&action, Kind::Creation, Method::POST, &path, Some(&body))
            .await
            .map(drop)
    }
}

impl WireState {
    fn details(self) -> Details {
        let labels = self.labels.into_iter().filter_map(|label| match label {
            WireName::Plain(name) => Some(name),
            WireName::Whole { name } => name,
        });
        let assignees = self.assignees.unwrap_or_default().into_iter();
        Details {
            labels: labels.collect(),
            assignees: assignees.map(|user| user.login).collect(),
            milestone: self.milestone.map(|milestone| milestone.number),
        }
    }
}
