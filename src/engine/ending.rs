//! A pull is merged: what is left of it is cleaned up. Each step is looked at first, so that doing it again changes
//! nothing.

use crate::engine::looking::LookError;
use crate::ports::{Forge, Pulls, Repository};
use crate::rules::follow::shape::{Fate, Seen};
use crate::rules::ids::BranchName;
use crate::rules::issue::IssueState;
use crate::rules::settings::StateLabels;

/// Cleans up after pulls that were merged.
pub struct CleanUp<'a> {
    /// Issues and their labels.
    pub forge: &'a dyn Forge,
    /// Pulls.
    pub pulls: &'a dyn Pulls,
    /// Branches.
    pub repository: &'a dyn Repository,
    /// The labels that show where an issue stands.
    pub labels: &'a StateLabels,
    /// The branch where work is done once it is in it.
    pub base: &'a str,
}

impl CleanUp<'_> {
    /// Pulls that stood on it are for its base from here on; its issue is closed where the work has arrived; its branch and
    /// the labels that are no longer true go. `seen` are all pulls.
    pub async fn run(&self, merged: &Seen, seen: &[Seen]) -> Result<(), LookError> {
        let stands_on_it = |other: &&Seen| {
            other.fate == Fate::Open
                && other.pull.base == merged.pull.head
                && other.pull.number != merged.pull.number
        };
        for other in seen.iter().filter(stands_on_it) {
            let number = other.pull.number;
            self.pulls.retarget(number, &merged.pull.base).await?;
        }
        if merged.pull.base == self.base {
            self.close_issue(merged).await?;
        }
        let branch = BranchName::new(&merged.pull.head);
        if self.repository.remote_head(&branch).await?.as_ref() == Some(&merged.head) {
            self.repository.delete(&branch, &merged.head).await?;
        }
        Ok(())
    }

    async fn close_issue(&self, merged: &Seen) -> Result<(), LookError> {
        let Some(issue) = self.forge.issue(merged.issue).await? else {
            return Ok(());
        };
        if issue.state == IssueState::Open {
            self.pulls.close_issue(issue.number).await?;
        }
        let untrue = [
            &self.labels.working,
            &self.labels.failed,
            &self.labels.blocked,
        ];
        for label in untrue.into_iter().filter(|label| issue.has_label(label)) {
            self.forge.remove_label(issue.number, label).await?;
        }
        Ok(())
    }
}
