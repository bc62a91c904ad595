//! Who is assigned to issues.

use crate::adapters::github::address::percent;
use crate::adapters::github::forge::GitHub;
use crate::adapters::github::limits::Kind;
use crate::ports::ForgeError;
use crate::rules::ids::IssueNumber;
use http::Method;
use serde::Serialize;

/// The most that GitHub assigns to one issue.
const MOST: usize = 10;

/// Puts people on an issue, or takes them off.
#[derive(Debug, Serialize)]
struct Assignees<'a> {
    assignees: &'a [String],
}

impl GitHub {
    /// GitHub leaves those out without a word who cannot be assigned, so whoever wants to know asks.
    pub(super) async fn read_assignable(&self, login: &str) -> Result<bool, ForgeError> {
        let action = format!("see whether {login} can be assigned");
        let path = self.path(&format!("/assignees/{}", percent(login)));
        match self.client.get_fresh(&action, &path).await {
            Ok(_) => Ok(true),
            Err(ForgeError::NotFound { .. }) => Ok(false),
            Err(cause) => Err(cause),
        }
    }

    /// By POST they are put on, by DELETE taken off.
    pub(super) async fn write_assignees(
        &self,
        issue: IssueNumber,
        who: &[String],
        method: Method,
    ) -> Result<(), ForgeError> {
        let (action, kind) = if method == Method::POST {
            (format!("assign {issue}"), Kind::Creation)
        } else {
            (format!("take {issue} from its assignees"), Kind::Change)
        };
        let path = self.path(&format!("/issues/{}/assignees", issue.0));
        let assignees = &who[..who.len().min(MOST)];
        let body = Assignees { assignees };
        self.client
            .write(&action, kind, method, &path, Some(&body))
            .await
            .map(drop)
    }
}
