//! Who an issue is assigned to, as the work on it goes: each change is looked at first, and may be made twice.

use crate::engine::publish::{MOST_SENDS, PublishError, Publisher};
use crate::ports::ForgeError;
use crate::rules::assigning::{Assign, Hands, Moves, Turn, moves, turn};
use crate::rules::event::Effect;
use crate::rules::offer::comment::Stand;
use crate::rules::schedule::table::Entry;

impl Publisher<'_> {
    /// Makes the issue theirs whose turn it is.
    pub(super) async fn assign(&mut self, entry: &Entry, stand: Stand) -> Result<(), PublishError> {
        let turn = turn(stand, entry.ending());
        if self.orders.assigning.assign == Assign::Never || turn == Turn::Done {
            return Ok(());
        }
        let effect = Effect::Assign {
            state: stand.word(),
        };
        if self.is_done(&effect) {
            return Ok(());
        }
        let Some(ours) = self.ports.forge.account().await? else {
            return Ok(());
        };
        let people = match stand {
            Stand::Working { answers: 0 } if !self.was_unapproved() => Vec::new(),
            Stand::Working { .. } | Stand::Unapproved | Stand::Asking { .. } | Stand::Ended => {
                self.people().await
            }
        };
        self.intend(&effect).await?;
        let mut sends = 0;
        loop {
            let now = self.ports.forge.issue_standing(self.link.issue).await?;
            let moves = moves(
                turn,
                &Hands {
                    ours: &ours,
                    people: &people,
                    before: &entry.task.issue.assignees,
                    now: &now.assignees,
                },
            );
            sends += 1;
            match self.send(&moves).await {
                Ok(()) => break,
                Err(ForgeError::Unknown { .. }) if sends < MOST_SENDS => {
                    tokio::time::sleep(self.orders.reply_wait).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.did(effect, None).await
    }

    /// Was the issue assigned to whoever had to approve it?
    fn was_unapproved(&self) -> bool {
        let state = Stand::Unapproved.word();
        let effects = &self.record.effects;
        effects.contains_key(&Effect::Assign { state })
    }

    async fn send(&self, moves: &Moves) -> Result<(), ForgeError> {
        let (forge, issue) = (&self.ports.forge, self.link.issue);
        if !moves.on.is_empty() {
            forge.assign(issue, &moves.on).await?;
        }
        if !moves.off.is_empty() {
            forge.unassign(issue, &moves.off).await?;
        }
        Ok(())
    }

    /// Whose it is when it is a person's: those of the configuration, or whoever let it run.
    async fn people(&self) -> Vec<String> {
        let named = &self.orders.assigning.people;
        let Some(label) = &self.settings.labels.selected_by else {
            return named.clone();
        };
        if !named.is_empty() {
            return named.clone();
        }
        let issue = self.link.issue;
        match self.ports.forge.provenance(&[issue], label).await {
            Ok(known) => {
                let labelled = known.into_iter().filter_map(|one| one.labelled?.by);
                labelled.collect()
            }
            Err(error) => {
                tracing::warn!(%issue, %error, "it is not known who put the label on");
                Vec::new()
            }
        }
    }
}
