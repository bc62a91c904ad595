//! The one comment on an issue that tells how a session's work on it goes: made once, and changed in place.

use crate::engine::attempt::Attempt;
use crate::engine::halt::Halt;
use crate::engine::publish::{MOST_SENDS, PublishError, Publisher};
use crate::ports::{ForgeError, OwnComment};
use crate::rules::event::Effect;
use crate::rules::names::comment_marker;
use crate::rules::offer::comment::{
    End, STATUS, Stand, asking_comment, end_comment, taken_over_comment, working_comment,
};
use crate::rules::schedule::finish::is_elsewhere;
use crate::rules::schedule::table::Entry;
use crate::rules::task::Ending;

impl Attempt<'_> {
    /// Shows on the forge that somebody works on it; a forge that cannot show it stops nobody.
    pub(super) async fn show_working(&self) -> Result<(), Halt> {
        if self.follow_up().is_some() {
            return Ok(());
        }
        let mut publisher = self.publisher();
        let label = &self.work.settings.labels.working;
        if !label.is_empty() {
            self.may_fail(publisher.label(label).await)?;
        }
        self.may_fail(publisher.tell_working(&self.work.entry).await)?;
        let answers = self.work.entry.exchange.as_ref();
        let answers = answers.map_or(0, |exchange| exchange.times);
        let stand = Stand::Working { answers };
        self.may_fail(publisher.assign(&self.work.entry, stand).await)
    }

    fn may_fail(&self, shown: Result<(), PublishError>) -> Result<(), Halt> {
        match shown {
            Ok(()) => Ok(()),
            Err(PublishError::Interrupted(_)) => Err(Halt::Stopped),
            Err(error) => {
                tracing::warn!(issue = %self.link.issue, %error, "it cannot be shown that somebody works on it");
                Ok(())
            }
        }
    }
}

/// What to do where the comment is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    /// Make it.
    Make,
    /// Nobody has to be told.
    Leave,
}

impl Publisher<'_> {
    /// Tells that the work goes on.
    pub(super) async fn tell_working(&mut self, entry: &Entry) -> Result<(), PublishError> {
        let answers = entry.exchange.as_ref().map_or(0, |exchange| exchange.times);
        let words = working_comment(&entry.task, self.session, &entry.branch);
        let stand = Stand::Working { answers };
        self.tell(stand, &words, Missing::Make).await
    }

    /// Tells that a question waits for its answer.
    pub(super) async fn tell_asking(
        &mut self,
        entry: &Entry,
        times: u32,
    ) -> Result<(), PublishError> {
        let words = asking_comment(&entry.task, self.session);
        self.tell(Stand::Asking { times }, &words, Missing::Make)
            .await
    }

    /// Tells how the work ended.
    pub(super) async fn end_status(&mut self, entry: &Entry) -> Result<(), PublishError> {
        let ending = entry.ending().unwrap_or(Ending::Failed);
        let words = if is_elsewhere(entry) {
            taken_over_comment(&entry.task, self.session)
        } else {
            end_comment(&End {
                task: &entry.task,
                session: self.session,
                ending,
                pull: entry.record.pull.as_deref(),
                branch: &entry.branch,
                reason: entry.reason(),
                cost: entry.spent.cost,
                attempts: entry.attempts,
            })
        };
        let missing = match ending {
            Ending::Completed | Ending::NoChange | Ending::Failed | Ending::NeedsHuman => {
                Missing::Make
            }
            // An issue that was moved or deleted has taken the comment with it.
            Ending::Blocked | Ending::Skipped | Ending::Budget => Missing::Leave,
        };
        self.tell(Stand::Ended, &words, missing).await
    }

    async fn tell(
        &mut self,
        stand: Stand,
        words: &str,
        missing: Missing,
    ) -> Result<(), PublishError> {
        let effect = Effect::Status {
            state: stand.word(),
        };
        if self.is_done(&effect) {
            return Ok(());
        }
        let body = self.orders.redactor.clean(words).into_owned();
        self.intend(&effect).await?;
        let mut sends = 0;
        while let Some(sent) = self.put(&body, missing).await? {
            sends += 1;
            match sent {
                Ok(()) => break,
                // Somebody deleted it meanwhile.
                Err(ForgeError::NotFound { .. }) if sends < MOST_SENDS => {}
                Err(ForgeError::Unknown { .. }) if sends < MOST_SENDS => {
                    tokio::time::sleep(self.orders.reply_wait).await;
                    // A reply may be lost long before what it answers is seen.
                    if self.status().await?.is_none() {
                        tokio::time::sleep(self.orders.reply_wait).await;
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.did(effect, None).await
    }

    /// Sends what is not there yet, once; `None` where nothing is to be sent.
    async fn put(
        &self,
        body: &str,
        missing: Missing,
    ) -> Result<Option<Result<(), ForgeError>>, PublishError> {
        let (forge, issue) = (&self.ports.forge, self.link.issue);
        let known = if self.orders.look_first || self.was_told() {
            self.status().await?
        } else {
            None
        };
        Ok(match (known, missing) {
            (Some(comment), _) if comment.body.trim() == body.trim() => None,
            (Some(comment), _) => Some(forge.edit_comment(issue, &comment, body).await),
            (None, Missing::Make) => Some(forge.comment(issue, body).await),
            (None, Missing::Leave) => None,
        })
    }

    async fn status(&self) -> Result<Option<OwnComment>, ForgeError> {
        let marker = comment_marker(self.session, self.link.issue, STATUS);
        self.ports.forge.own_comment(self.link.issue, &marker).await
    }

    /// Is the comment known to be there?
    fn was_told(&self) -> bool {
        let mut effects = self.record.effects.iter();
        effects.any(|(effect, done)| *done && matches!(effect, Effect::Status { .. }))
    }
}
