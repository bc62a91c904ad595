//! What GitHub is told. Each is sent once; whoever calls looks first.

use crate::adapters::github::address::percent;
use crate::adapters::github::client::parse;
use crate::adapters::github::forge::GitHub;
use crate::adapters::github::limits::Kind;
use crate::adapters::github::told::{
    AddComment, AddLabels, CorrectPull, CreateLabel, DescribePull, OpenPull,
};
use crate::adapters::github::wire::{WireLabel, WirePull};
use crate::ports::ForgeError;
use crate::rules::ids::{IssueNumber, PullNumber};
use crate::rules::task::{Pull, PullDraft};
use http::Method;
use std::sync::PoisonError;

/// A label that a repository should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelSpec {
    /// Its name, at most 50 characters.
    pub name: String,
    /// Six hexadecimal digits, without `#`.
    pub color: String,
    /// What it means, at most 100 characters.
    pub description: String,
}

impl LabelSpec {
    /// A label of ours that nobody described.
    fn plain(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            color: "5319e7".into(),
            description: String::new(),
        }
    }
}

impl GitHub {
    /// Creates those labels that the repository does not have, and names them.
    pub async fn ensure_labels(&self, labels: &[LabelSpec]) -> Result<Vec<String>, ForgeError> {
        let action = format!("list the labels of {}", self.project);
        let there: Vec<WireLabel> = self.client.list(&action, &self.path("/labels")).await?;
        self.remember(there.iter().map(|label| label.name.as_str()));
        let mut created = Vec::new();
        for label in labels {
            if !self.remembers(&label.name) {
                self.create_label(label).await?;
                created.push(label.name.clone());
            }
        }
        Ok(created)
    }

    pub(super) async fn write_pull(&self, draft: &PullDraft) -> Result<Pull, ForgeError> {
        let action = format!("open a pull request from {}", draft.head);
        let body = OpenPull::from(draft);
        let reply = self
            .client
            .write(
                &action,
                Kind::Creation,
                Method::POST,
                &self.path("/pulls"),
                Some(&body),
            )
            .await?;
        parse::<WirePull>(&action, &reply.body).map(Pull::from)
    }

    pub(super) async fn write_correction(
        &self,
        number: PullNumber,
        draft: &PullDraft,
    ) -> Result<(), ForgeError> {
        let action = format!("correct pull request {number}");
        let path = self.path(&format!("/pulls/{}", number.0));
        let body = CorrectPull::from(draft);
        self.client
            .write(&action, Kind::Change, Method::PATCH, &path, Some(&body))
            .await
            .map(drop)
    }

    pub(super) async fn write_description(
        &self,
        number: PullNumber,
        body: &str,
    ) -> Result<(), ForgeError> {
        let action = format!("describe pull request {number}");
        let path = self.path(&format!("/pulls/{}", number.0));
        let body = DescribePull { body };
        self.client
            .write(&action, Kind::Change, Method::PATCH, &path, Some(&body))
            .await
            .map(drop)
    }

    pub(super) async fn write_comment(
        &self,
        issue: IssueNumber,
        body: &str,
    ) -> Result<(), ForgeError> {
        let action = format!("comment on {issue}");
        let path = self.path(&format!("/issues/{}/comments", issue.0));
        let body = AddComment { body };
        self.client
            .write(&action, Kind::Creation, Method::POST, &path, Some(&body))
            .await
            .map(drop)
    }

    pub(super) async fn write_comment_anew(
        &self,
        issue: IssueNumber,
        comment: u64,
        body: &str,
    ) -> Result<(), ForgeError> {
        let action = format!("change our comment on {issue}");
        let path = self.path(&format!("/issues/comments/{comment}"));
        let body = AddComment { body };
        self.client
            .write(&action, Kind::Change, Method::PATCH, &path, Some(&body))
            .await
            .map(drop)
    }

    pub(super) async fn write_label(
        &self,
        issue: IssueNumber,
        label: &str,
    ) -> Result<(), ForgeError> {
        self.write_missing_label(label).await?;
        let action = format!("put the label {label:?} on {issue}");
        let path = self.path(&format!("/issues/{}/labels", issue.0));
        let body = AddLabels { labels: [label] };
        self.client
            .write(&action, Kind::Change, Method::POST, &path, Some(&body))
            .await
            .map(drop)
    }

    pub(super) async fn erase_label(
        &self,
        issue: IssueNumber,
        label: &str,
    ) -> Result<(), ForgeError> {
        let action = format!("take the label {label:?} off {issue}");
        let path = self.path(&format!("/issues/{}/labels/{}", issue.0, percent(label)));
        match self
            .client
            .write(&action, Kind::Change, Method::DELETE, &path, None::<&()>)
            .await
        {
            Ok(_) | Err(ForgeError::NotFound { .. }) => Ok(()),
            Err(cause) => Err(cause),
        }
    }

    /// GitHub would create a missing label by itself, in grey and with no word about it.
    pub(super) async fn write_missing_label(&self, name: &str) -> Result<(), ForgeError> {
        if self.remembers(name) {
            return Ok(());
        }
        let action = format!("look for the label {name:?}");
        let path = self.path(&format!("/labels/{}", percent(name)));
        match self.client.get::<WireLabel>(&action, &path).await {
            Ok(_) => {
                self.remember([name]);
                Ok(())
            }
            Err(ForgeError::NotFound { .. }) => self.create_label(&LabelSpec::plain(name)).await,
            Err(cause) => Err(cause),
        }
    }

    async fn create_label(&self, label: &LabelSpec) -> Result<(), ForgeError> {
        let action = format!("create the label {:?}", label.name);
        let body = CreateLabel {
            name: &label.name,
            color: &label.color,
            description: &label.description,
        };
        let path = self.path("/labels");
        match self
            .client
            .write(&action, Kind::Creation, Method::POST, &path, Some(&body))
            .await
        {
            Ok(_) => {}
            // Somebody was faster: all that we wanted.
            Err(ForgeError::Refused { detail, .. }) if detail.contains("already_exists") => {}
            Err(cause) => return Err(cause),
        }
        self.remember([label.name.as_str()]);
        Ok(())
    }

    fn remembers(&self, label: &str) -> bool {
        let labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        labels.contains(&label.to_lowercase())
    }

    fn remember<'a>(&self, labels: impl IntoIterator<Item = &'a str>) {
        let mut known = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(labels.into_iter().map(str::to_lowercase));
    }
}
