//! A pull is merged: what is left of it is cleaned up. Each step is looked at first, so that doing it again changes
//! nothing.

use crate::engine::looking::LookError;
use crate::ports::{Forge, Pulls, Repository};
use crate::rules::follow::shape::{Fate, Seen};
use crate::rules::ids::{BranchName, PullNumber};
use crate::rules::issue::IssueState;
use crate::rules::names;
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
    /// Pulls of ours that stood on it are for its base from here on; its issue is closed where the work has arrived; its
    /// branch and the labels that are no longer true go. `seen` are all pulls. Says whether that is all: work that was merged
    /// into another pull's branch arrives with that.
    pub async fn run(&self, merged: &Seen, seen: &[Seen]) -> Result<bool, LookError> {
        if !self.has_arrived(merged, seen).await? {
            return Ok(false);
        }
        let own: Vec<PullNumber> = seen.iter().map(|seen| seen.pull.number).collect();
        let mut others = false;
        for number in self.pulls.open_for(&merged.pull.head).await? {
            if own.contains(&number) {
                self.pulls.retarget(number, &merged.pull.base).await?;
            } else {
                others = true;
            }
        }
        self.close_issue(merged).await?;
        // Without its branch a pull would be closed, and those of others are not ours to move.
        let branch = BranchName::new(&merged.pull.head);
        let stands = self.repository.remote_head(&branch).await?;
        if !others && stands.as_ref() == Some(&merged.head) {
            self.repository.delete(&branch, &merged.head).await?;
        }
        Ok(true)
    }

    /// Is its work where work is done, or was what it stood on merged there?
    async fn has_arrived(&self, merged: &Seen, seen: &[Seen]) -> Result<bool, LookError> {
        let below = seen
            .iter()
            .find(|other| other.pull.head == merged.pull.base);
        if merged.pull.base == self.base || below.is_some_and(|below| below.fate == Fate::Merged) {
            return Ok(true);
        }
        let base = BranchName::new(&merged.pull.base);
        if names::issue_of_branch(&merged.pull.base).is_none() {
            return Ok(true);
        }
        Ok(self.repository.remote_head(&base).await?.is_none())
    }

    async fn close_issue(&self, merged: &Seen) -> Result<(), LookError> {
        let Some(issue) = self.forge.issue(merged.issue).await? else {
            return Ok(());
        };
        // Where GitHub closes it by the pull's own words, one that is open was opened again by a person.
        let says_so = merged
            .pull
            .body
            .contains(&format!("Closes #{}", merged.issue.0));
        if issue.state == IssueState::Open && !says_so {
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
