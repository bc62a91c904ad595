//! Whoever spoke of a pull gets an answer, once: from the session that took it up, or later from whoever looks next.

use crate::engine::publish::{MOST_SENDS, PublishError, Publisher};
use crate::ports::{Forge, ForgeError};
use crate::rules::event::{Effect, Recorded};
use crate::rules::follow::shape::{FollowUp, Said, SaidId};
use crate::rules::follow::words::{Answer, answer, answer_marker};
use crate::rules::ids::IssueNumber;
use crate::rules::redact::Redactor;
use crate::rules::schedule::finish::announcements;
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::Entry;
use crate::rules::task::Ending;

/// An answer that a session wanted to give, and could not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    follow: FollowUp,
    said: Said,
    body: String,
}

impl Owed {
    /// What the session of these events owes to what was said; nothing where it answered, or wanted to answer nothing.
    #[must_use]
    pub fn by(
        events: &[Recorded],
        issue: IssueNumber,
        said: SaidId,
        redactor: &Redactor,
    ) -> Option<Self> {
        let session = Session::fold(events);
        let entry = session.entry(issue)?;
        let follow = entry.task.follow_up.as_deref()?;
        let effect = Effect::Answer {
            pull: follow.pull.number,
            said,
        };
        let is_done = entry.record.effects.get(&effect).copied().unwrap_or(false);
        if is_done || !announcements(entry, session.settings()).contains(&effect) {
            return None;
        }
        let said = follow.said.iter().find(|one| one.id == said)?;
        let words = answer(follow, said, &ended(entry));
        Some(Self {
            follow: follow.clone(),
            said: said.clone(),
            body: redactor.clean(&words).into_owned(),
        })
    }

    /// Gives it, unless it is there by now: a reply that got lost the last time left it there. Sent once; the next look
    /// tells whether it arrived.
    pub async fn give(&self, forge: &dyn Forge) -> Result<(), ForgeError> {
        let (pull, said) = (self.follow.pull.number, &self.said);
        let marker = answer_marker(&self.follow, said);
        if forge.has_answer(pull, said, &marker).await? {
            return Ok(());
        }
        put(forge, (&self.follow, said), &self.body).await
    }
}

impl Publisher<'_> {
    /// Answers what was said of the pull.
    pub(super) async fn answer(
        &mut self,
        effect: &Effect,
        entry: &Entry,
    ) -> Result<(), PublishError> {
        let Effect::Answer { said, .. } = effect else {
            return Ok(());
        };
        let follow = entry.task.follow_up.as_deref();
        let found = follow.and_then(|follow| {
            let found = follow.said.iter().find(|one| one.id == *said);
            found.map(|said| (follow, said))
        });
        let Some((follow, said)) = found.filter(|_| !self.is_done(effect)) else {
            return Ok(());
        };
        let words = answer(follow, said, &ended(entry));
        let body = self.orders.redactor.clean(&words).into_owned();
        self.intend(effect).await?;
        self.send_answer((follow, said), &body).await?;
        self.did(effect.clone(), None).await
    }

    /// Looked for before each time that it is sent; a reply that got lost means looking again.
    async fn send_answer(
        &self,
        (follow, said): (&FollowUp, &Said),
        body: &str,
    ) -> Result<(), PublishError> {
        let forge = &self.ports.forge;
        let marker = answer_marker(follow, said);
        let look = || forge.has_answer(follow.pull.number, said, &marker);
        let mut sends = 0;
        while !(self.orders.look_first && look().await?) {
            sends += 1;
            match put(forge.as_ref(), (follow, said), body).await {
                Ok(()) => break,
                Err(ForgeError::Unknown { .. }) if sends < MOST_SENDS => {
                    if self.look_twice(look).await? {
                        break;
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Puts an answer where its question stands, or below the pull where the comment that its thread began with was deleted.
async fn put(
    forge: &dyn Forge,
    (follow, said): (&FollowUp, &Said),
    body: &str,
) -> Result<(), ForgeError> {
    let pull = follow.pull.number;
    match forge.answer(pull, said, body).await {
        Err(ForgeError::NotFound { .. }) => forge.comment(IssueNumber(pull.0), body).await,
        answered => answered,
    }
}

fn ended(entry: &Entry) -> Answer<'_> {
    let record = &entry.record;
    let commit = record.commit.as_deref().filter(|_| record.verified);
    Answer {
        ending: entry.ending().unwrap_or(Ending::Failed),
        commit: commit.map(|commit| &commit.id),
        summary: &record.summary,
        reason: entry.reason(),
    }
}
