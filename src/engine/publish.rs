//! Changes of the outside, each exactly once: intent, look, do, result.
//!
//! The intent is durable before anything is sent. Then the effect is looked for under a key that only it can have;
//! only what is not there is sent, and a reply that got lost means looking again, twice, before sending again.

use crate::engine::link::Link;
use crate::engine::orders::Orders;
use crate::ports::{ForgeError, Interrupted, Ports, RepositoryError};
use crate::rules::approvals::{REMINDER, REQUEST};
use crate::rules::event::{Effect, Fact};
use crate::rules::ids::{BranchName, CommitId, SessionId};
use crate::rules::names;
use crate::rules::offer::comment::{self, Stand};
use crate::rules::offer::pull::{Offer, pull_draft};
use crate::rules::schedule::finish::{announcements, is_elsewhere};
use crate::rules::schedule::record::Kept;
use crate::rules::schedule::table::Entry;
use crate::rules::settings::Settings;
use crate::rules::task::{Ending, Pull, PullDraft};

/// Why something could not be published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The forge said no.
    #[error(transparent)]
    Forge(#[from] ForgeError),
    /// The remote said no.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The session is stopping.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// How often something whose reply got lost is sent in all.
pub(super) const MOST_SENDS: u32 = 3;

/// Publishes for one task.
pub struct Publisher<'a> {
    /// The world.
    pub ports: &'a Ports,
    /// How.
    pub orders: &'a Orders,
    /// The session's settings.
    pub settings: &'a Settings,
    /// Whose marker the effects carry.
    pub session: &'a SessionId,
    /// The way to the loop.
    pub link: &'a Link,
    /// What was intended and done before.
    pub record: Kept,
}

impl Publisher<'_> {
    /// Pushes the commit and opens its pull, whatever of it is not done yet.
    pub async fn offer(&mut self, offer: &Offer<'_>) -> Result<Option<Pull>, PublishError> {
        let mut branch = offer.branch.clone();
        if !self.was_pushed(&branch) {
            branch = self.free_branch(offer, branch).await?;
        }
        self.push(&branch, &offer.commit.id).await?;
        if !self.settings.create_pr {
            return Ok(None);
        }
        let draft = self.redacted(pull_draft(&Offer {
            branch: &branch,
            ..*offer
        }));
        self.open_pull(&draft).await.map(Some)
    }

    /// Gives the open pull base, title and description anew: its work stands elsewhere now.
    pub async fn correct(&mut self, offer: &Offer<'_>) -> Result<(), PublishError> {
        let Some(mut pull) = self.record.pull.as_deref().cloned() else {
            return Ok(());
        };
        let branch = BranchName::new(&pull.head);
        let effect = Effect::Describe {
            branch: branch.clone(),
            kind: format!("work {}", offer.commit.id),
        };
        if self.is_done(&effect) {
            return Ok(());
        }
        let draft = self.redacted(pull_draft(&Offer {
            branch: &branch,
            ..*offer
        }));
        self.intend(&effect).await?;
        self.ports.forge.correct_pull(pull.number, &draft).await?;
        (pull.base, pull.body) = (draft.base, draft.body);
        self.did(effect, Some(pull)).await
    }

    /// Shows on the forge how the task ended; what cannot be shown is told, not fatal.
    pub async fn announce(&mut self, entry: &Entry) -> Result<Option<String>, Interrupted> {
        let mut troubles: Vec<String> = Vec::new();
        let mut effects = announcements(entry, self.settings);
        // Who is assigned where another session works on it is that one's to say.
        if entry.task.follow_up.is_none() && !is_elsewhere(entry) {
            let state = stand(entry).word();
            effects.push(Effect::Assign { state });
        }
        for effect in effects {
            match self.show(&effect, entry).await {
                Ok(()) => {}
                Err(PublishError::Interrupted(interrupted)) => return Err(interrupted),
                Err(PublishError::Forge(error)) => troubles.push(error.to_string()),
                Err(PublishError::Repository(error)) => troubles.push(error.to_string()),
            }
        }
        if entry.ending() == Some(Ending::Completed) {
            troubles.extend(self.furnish(entry).await?);
        }
        Ok((!troubles.is_empty()).then(|| troubles.join("; ")))
    }

    /// Edits the description of the task's open pull, if there is one; what cannot be done is told, not fatal.
    pub async fn describe(
        &mut self,
        kind: &str,
        edit: impl Fn(&str) -> String,
    ) -> Result<Option<String>, Interrupted> {
        match self.put_into_pull(kind, edit).await {
            Ok(()) => Ok(None),
            Err(PublishError::Interrupted(interrupted)) => Err(interrupted),
            Err(PublishError::Forge(error)) => Ok(Some(error.to_string())),
            Err(PublishError::Repository(error)) => Ok(Some(error.to_string())),
        }
    }

    async fn put_into_pull(
        &mut self,
        kind: &str,
        edit: impl Fn(&str) -> String,
    ) -> Result<(), PublishError> {
        let Some(known) = self.record.pull.as_deref() else {
            return Ok(());
        };
        let branch = BranchName::new(&known.head);
        let effect = Effect::Describe {
            branch: branch.clone(),
            kind: kind.to_owned(),
        };
        if self.is_done(&effect) {
            return Ok(());
        }
        let number = known.number;
        self.intend(&effect).await?;
        // People write there too: what they wrote stays.
        let pulls = self.ports.forge.pulls_from(&branch).await?;
        let is_it = |pull: &&Pull| pull.number == number && pull.open;
        if let Some(pull) = pulls.iter().find(is_it) {
            let body = self.orders.redactor.clean(&edit(&pull.body)).into_owned();
            if body != pull.body {
                self.ports.forge.describe_pull(number, &body).await?;
            }
        }
        self.did(effect, None).await
    }

    /// Puts a label on the issue.
    pub async fn label(&mut self, label: &str) -> Result<(), PublishError> {
        let effect = Effect::AddLabel {
            label: label.to_owned(),
        };
        if self.is_done(&effect) {
            return Ok(());
        }
        self.intend(&effect).await?;
        self.ports.forge.add_label(self.link.issue, label).await?;
        self.did(effect, None).await
    }

    async fn show(&mut self, effect: &Effect, entry: &Entry) -> Result<(), PublishError> {
        match effect {
            Effect::AddLabel { label } => self.label(label).await,
            Effect::RemoveLabel { label } => {
                if self.is_done(effect) {
                    return Ok(());
                }
                self.intend(effect).await?;
                self.ports
                    .forge
                    .remove_label(self.link.issue, label)
                    .await?;
                self.did(effect.clone(), None).await
            }
            Effect::Status { .. } => self.end_status(entry).await,
            Effect::Assign { .. } => self.assign(entry, stand(entry)).await,
            Effect::Comment { kind } if [REQUEST, REMINDER].contains(&kind.as_str()) => {
                self.put_request(kind, entry).await
            }
            Effect::Comment { .. } => self.put_doubt(effect, entry).await,
            Effect::Answer { .. } => self.answer(effect, entry).await,
            Effect::Push { .. }
            | Effect::OpenPull { .. }
            | Effect::Describe { .. }
            | Effect::Detail { .. }
            | Effect::AskReview { .. } => Ok(()),
        }
    }

    /// Asks what has to be clear before anybody can begin.
    async fn put_doubt(&mut self, effect: &Effect, entry: &Entry) -> Result<(), PublishError> {
        let marker = names::question_marker(self.link.issue);
        let words = comment::question_comment(&entry.task);
        self.say(effect, &marker, &words).await
    }

    /// Comments on the issue, once: by the marker in it.
    pub(super) async fn say(
        &mut self,
        effect: &Effect,
        marker: &str,
        words: &str,
    ) -> Result<(), PublishError> {
        if self.is_done(effect) {
            return Ok(());
        }
        let body = self.orders.redactor.clean(words).into_owned();
        self.intend(effect).await?;
        let mut sends = 0;
        while !(self.orders.look_first
            && self
                .ports
                .forge
                .has_comment(self.link.issue, marker)
                .await?)
        {
            sends += 1;
            match self.ports.forge.comment(self.link.issue, &body).await {
                Ok(()) => break,
                Err(ForgeError::Unknown { .. }) if sends < MOST_SENDS => {
                    if self
                        .look_twice(|| self.ports.forge.has_comment(self.link.issue, marker))
                        .await?
                    {
                        break;
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.did(effect.clone(), None).await
    }

    /// A branch of the task that no earlier work stands in the way of: neither a commit that is not this session's,
    /// nor a pull that somebody closed.
    async fn free_branch(
        &mut self,
        offer: &Offer<'_>,
        first: BranchName,
    ) -> Result<BranchName, PublishError> {
        let (issue, title) = (offer.task.number(), &offer.task.issue.title);
        let mut branch = first.clone();
        let mut suffix = names::branch_suffix(first.as_str(), issue, title).unwrap_or(1);
        while !self.may_use(&branch, &offer.commit.id).await? {
            suffix += 1;
            branch = names::branch(issue, title, suffix);
        }
        if branch != first {
            self.link
                .report(Fact::BranchChosen {
                    branch: branch.clone(),
                })
                .await?;
        }
        Ok(branch)
    }

    async fn may_use(&self, branch: &BranchName, commit: &CommitId) -> Result<bool, PublishError> {
        if !self.orders.look_first {
            return Ok(true);
        }
        match self.ports.repository.remote_head(branch).await? {
            Some(head) if head == *commit => return Ok(true),
            Some(_) => return Ok(false),
            None => {}
        }
        let pulls = self.ports.forge.pulls_from(branch).await?;
        Ok(pulls.iter().all(|pull| pull.open || self.is_ours(pull)))
    }

    async fn push(&mut self, branch: &BranchName, commit: &CommitId) -> Result<(), PublishError> {
        let effect = Effect::Push {
            branch: branch.clone(),
            commit: commit.clone(),
        };
        if self.is_done(&effect) {
            return Ok(());
        }
        self.intend(&effect).await?;
        let before = self.ports.repository.remote_head(branch).await?;
        if before.as_ref() != Some(commit) {
            if let Some(found) = before.as_ref().filter(|found| !self.pushed(branch, found)) {
                let (branch, found) = (branch.clone(), found.clone());
                return Err(RepositoryError::Foreign { branch, found }.into());
            }
            self.ports
                .repository
                .push(branch, commit, before.as_ref())
                .await?;
        }
        self.did(effect, None).await
    }

    async fn open_pull(&mut self, draft: &PullDraft) -> Result<Pull, PublishError> {
        let effect = Effect::OpenPull {
            branch: draft.head.clone(),
        };
        if let (true, Some(pull)) = (self.is_done(&effect), &self.record.pull) {
            return Ok(Pull::clone(pull));
        }
        self.intend(&effect).await?;
        let mut sends = 0;
        let pull = loop {
            if self.orders.look_first
                && let Some(pull) = self.adopt(draft).await?
            {
                break pull;
            }
            sends += 1;
            match self.ports.forge.open_pull(draft).await {
                Ok(pull) => break pull,
                Err(ForgeError::Unknown { .. }) if sends < MOST_SENDS => {
                    tokio::time::sleep(self.orders.reply_wait).await;
                    if let Some(pull) = self.adopt(draft).await? {
                        break pull;
                    }
                    tokio::time::sleep(self.orders.reply_wait).await;
                }
                Err(error) => match self.adopt(draft).await? {
                    Some(pull) => break pull,
                    None => return Err(error.into()),
                },
            }
        };
        self.record.pull = Some(Box::new(pull.clone()));
        self.did(effect, Some(pull.clone())).await?;
        Ok(pull)
    }

    /// The pull that is there already: open ones are corrected where they differ, one that somebody closed stays so.
    async fn adopt(&self, draft: &PullDraft) -> Result<Option<Pull>, PublishError> {
        let pulls = self.ports.forge.pulls_from(&draft.head).await?;
        let Some(mut pull) = pulls
            .into_iter()
            .find(|pull| pull.open || self.is_ours(pull))
        else {
            return Ok(None);
        };
        if pull.open && (pull.base != draft.base || !self.is_ours(&pull)) {
            self.ports.forge.correct_pull(pull.number, draft).await?;
            (pull.base, pull.body) = (draft.base.clone(), draft.body.clone());
        }
        Ok(Some(pull))
    }

    fn is_ours(&self, pull: &Pull) -> bool {
        names::marker_session(&pull.body).as_ref() == Some(self.session)
    }

    pub(super) async fn look_twice<F>(&self, look: impl Fn() -> F) -> Result<bool, PublishError>
    where
        F: Future<Output = Result<bool, ForgeError>>,
    {
        for _ in 0..2 {
            tokio::time::sleep(self.orders.reply_wait).await;
            if look().await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn is_done(&self, effect: &Effect) -> bool {
        self.record.effects.get(effect).copied().unwrap_or(false)
    }

    fn was_pushed(&self, branch: &BranchName) -> bool {
        self.record
            .effects
            .keys()
            .any(|effect| matches!(effect, Effect::Push { branch: other, .. } if other == branch))
    }

    fn pushed(&self, branch: &BranchName, commit: &CommitId) -> bool {
        let effect = Effect::Push {
            branch: branch.clone(),
            commit: commit.clone(),
        };
        self.record.effects.contains_key(&effect)
    }

    pub(super) async fn intend(&mut self, effect: &Effect) -> Result<(), PublishError> {
        self.link
            .report(Fact::Intends {
                effect: effect.clone(),
            })
            .await?;
        self.record.effects.entry(effect.clone()).or_insert(false);
        Ok(())
    }

    pub(super) async fn did(
        &mut self,
        effect: Effect,
        pull: Option<Pull>,
    ) -> Result<(), PublishError> {
        self.record.effects.insert(effect.clone(), true);
        self.link.report(Fact::Did { effect, pull }).await?;
        Ok(())
    }

    fn redacted(&self, draft: PullDraft) -> PullDraft {
        let title = self.orders.redactor.clean(&draft.title).into_owned();
        let body = self.orders.redactor.clean(&draft.body).into_owned();
        PullDraft {
            title,
            body,
            ..draft
        }
    }
}

/// Where an issue stands of which something is announced.
fn stand(entry: &Entry) -> Stand {
    match entry.ending() {
        Some(_) => Stand::Ended,
        None => Stand::Unapproved,
    }
}
