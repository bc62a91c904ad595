//! Is the issue still there, open and wanted? Looked at before an attempt is paid, and before its work is offered.

use crate::engine::attempt::Attempt;
use crate::engine::halt::Halt;
use crate::rules::event::Effect;
use crate::rules::task::Commit;

impl Attempt<'_> {
    /// Before anything is paid. A label that was taken off wishes for no further attempt.
    pub(super) async fn is_still_wanted(&self) -> Result<(), Halt> {
        if self.follow_up().is_some() {
            return Ok(());
        }
        let label = self.work.settings.labels.selected_by.as_deref();
        // It may wait an hour for the forge's limit; given up, it has changed nothing.
        let withdrawn = tokio::select! {
            withdrawn = self.withdrawn(label) => withdrawn,
            () = self.stop.asked() => return Err(Halt::Stopped),
        };
        match withdrawn {
            Some(reason) => Err(Halt::Withdrawn(reason)),
            None => Ok(()),
        }
    }

    /// Before anything is offered: what is done is not lost, and whoever took the label off gets it all the same. Whatever
    /// was offered before is finished.
    pub(super) async fn may_still_be_offered(&self, commit: &Commit) -> Result<(), Halt> {
        let record = &self.work.entry.record;
        let is_begun = |effect: &Effect| matches!(effect, Effect::OpenPull { .. });
        if record.pull.is_some() || record.effects.keys().any(is_begun) {
            return Ok(());
        }
        match self.withdrawn(None).await {
            Some(reason) => Err(Halt::Withdrawn(format!(
                "{reason}; what was done is kept in the mirror as {}",
                commit.id
            ))),
            None => Ok(()),
        }
    }

    /// A forge that cannot be asked withdraws nothing.
    async fn withdrawn(&self, label: Option<&str>) -> Option<String> {
        match self.ports.forge.issue_standing(self.link.issue).await {
            Ok(standing) => standing.withdrawn(label),
            Err(error) => {
                tracing::warn!(issue = %self.link.issue, %error, "could not see how the issue stands");
                None
            }
        }
    }
}
