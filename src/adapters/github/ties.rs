//! Issues of a plan on GitHub: opened, found again, and tied by its dependencies and sub-issues.

use crate::adapters::github::address::percent;
use crate::adapters::github::client::parse;
use crate::adapters::github::forge::GitHub;
use crate::adapters::github::limits::Kind;
use crate::adapters::github::told::{AddBlocker, AddPart, ChangeIssue, OpenIssue};
use crate::adapters::github::wire::{WaitsFor, WireIssue};
use crate::ports::{ForgeError, Tie, Tied};
use crate::rules::ids::IssueNumber;
use crate::rules::issue::{Issue, IssueDraft};
use http::Method;
use serde::Serialize;

impl GitHub {
    /// The list itself, by the label: the search index knows a new issue only after a while.
    pub(super) async fn read_labelled(&self, label: &str) -> Result<Vec<Issue>, ForgeError> {
        let action = format!("list the issues with the label {label:?}");
        let filter = percent(label);
        let path = self.path(&format!(
            "/issues?state=all&sort=created&direction=asc&labels={filter}"
        ));
        let wires: Vec<WireIssue> = self.client.list(&action, &path).await?;
        let issues = wires.into_iter().filter(|wire| !wire.is_pull());
        Ok(issues
            .map(|wire| wire.into_issue(WaitsFor::default()))
            .collect())
    }

    pub(super) async fn write_issue(&self, draft: &IssueDraft) -> Result<IssueNumber, ForgeError> {
        let action = format!("open the issue {:?}", draft.title);
        let body = OpenIssue::from(draft);
        let path = self.path("/issues");
        let reply = self
            .client
            .write(&action, Kind::Creation, Method::POST, &path, Some(&body))
            .await?;
        parse::<WireIssue>(&action, &reply.body).map(|wire| IssueNumber(wire.number))
    }

    pub(super) async fn write_text(
        &self,
        issue: IssueNumber,
        body: &str,
    ) -> Result<(), ForgeError> {
        let action = format!("change the text of {issue}");
        let path = self.path(&format!("/issues/{}", issue.0));
        let body = ChangeIssue { body };
        self.client
            .write(&action, Kind::Change, Method::PATCH, &path, Some(&body))
            .await
            .map(drop)
    }

    /// Looks for the tie, makes it where it is missing, and looks again where it is not sure what became of that.
    pub(super) async fn write_tie(&self, tie: Tie) -> Result<Tied, ForgeError> {
        let (owner, other, rest) = match tie {
            Tie::Blocks { first, then } => (then, first, "dependencies/blocked_by"),
            Tie::PartOf { parent, child } => (parent, child, "sub_issues"),
        };
        let path = self.path(&format!("/issues/{}/{rest}", owner.0));
        match self.is_tied(&path, owner, other).await {
            Ok(true) => return Ok(Tied::Natively),
            Ok(false) => {}
            // A server that does not know the path answers like one that has no such issue.
            Err(ForgeError::NotFound { .. }) => return Ok(Tied::InTextOnly),
            Err(cause) => return Err(cause),
        }
        let id = self.database_id(other).await?;
        let both = (owner, other);
        let sent = match tie {
            Tie::Blocks { .. } => {
                let blocker = AddBlocker { issue_id: id };
                self.send_tie(&path, both, &blocker).await
            }
            Tie::PartOf { .. } => {
                let part = AddPart { sub_issue_id: id };
                self.send_tie(&path, both, &part).await
            }
        };
        self.tied(sent, &path, both).await
    }

    async fn tied(
        &self,
        sent: Result<(), ForgeError>,
        path: &str,
        (owner, other): (IssueNumber, IssueNumber),
    ) -> Result<Tied, ForgeError> {
        match sent {
            Ok(()) => Ok(Tied::Natively),
            Err(ForgeError::NotFound { .. }) => Ok(Tied::InTextOnly),
            Err(cause @ (ForgeError::Refused { .. } | ForgeError::Unknown { .. })) => {
                if self.is_tied(path, owner, other).await? {
                    Ok(Tied::Natively)
                } else {
                    Err(cause)
                }
            }
            Err(
                cause @ (ForgeError::Auth { .. }
                | ForgeError::App { .. }
                | ForgeError::Limited { .. }
                | ForgeError::Io { .. }),
            ) => Err(cause),
        }
    }

    async fn is_tied(
        &self,
        path: &str,
        owner: IssueNumber,
        other: IssueNumber,
    ) -> Result<bool, ForgeError> {
        let action = format!("list what {owner} is tied to");
        let ties: Vec<WireIssue> = self.client.list(&action, path).await?;
        Ok(ties
            .iter()
            .any(|wire| wire.number == other.0 && wire.belongs_to(&self.project)))
    }

    async fn send_tie<T: Serialize + Sync>(
        &self,
        path: &str,
        (owner, other): (IssueNumber, IssueNumber),
        body: &T,
    ) -> Result<(), ForgeError> {
        let action = format!("tie {owner} to {other}");
        self.client
            .write(&action, Kind::Creation, Method::POST, path, Some(body))
            .await
            .map(drop)
    }

    async fn database_id(&self, issue: IssueNumber) -> Result<u64, ForgeError> {
        let action = format!("read issue {issue} of {}", self.project);
        let path = self.path(&format!("/issues/{}", issue.0));
        let wire: WireIssue = self.client.get(&action, &path).await?;
        Ok(wire.id)
    }
}
