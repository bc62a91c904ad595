//! What a pull carries besides its words: labels, people, a milestone. Each once, and a refusal of it is told.

use crate::engine::publish::{PublishError, Publisher};
use crate::ports::{ForgeError, Interrupted};
use crate::rules::checks::proof::is_untested;
use crate::rules::event::Effect;
use crate::rules::footprint::area::Owners;
use crate::rules::ids::BranchName;
use crate::rules::offer::offering::{Copied, Details};
use crate::rules::offer::reviewers::{Reviewers, Reviewing};
use crate::rules::schedule::table::Entry;
use crate::rules::tags::label_domain;
use crate::rules::task::Pull;

impl Publisher<'_> {
    /// Gives the task's pull all that it should carry; what could not be done is told.
    pub(super) async fn furnish(&mut self, entry: &Entry) -> Result<Vec<String>, Interrupted> {
        let Some(pull) = self.record.pull.as_deref().cloned() else {
            return Ok(Vec::new());
        };
        let mut troubles = Vec::new();
        let detailed = self.detail(&pull, entry).await.map(|()| None);
        let asked = self.ask_reviewers(&pull, entry).await;
        for done in [detailed, asked] {
            match done {
                Ok(trouble) => troubles.extend(trouble),
                Err(PublishError::Interrupted(interrupted)) => return Err(interrupted),
                Err(PublishError::Forge(error)) => troubles.push(error.to_string()),
                Err(PublishError::Repository(error)) => troubles.push(error.to_string()),
            }
        }
        Ok(troubles)
    }

    /// Labels, those who are assigned, and the milestone, in one change.
    async fn detail(&mut self, pull: &Pull, entry: &Entry) -> Result<(), PublishError> {
        let effect = Effect::Detail {
            branch: BranchName::new(&pull.head),
        };
        if self.is_done(&effect) {
            return Ok(());
        }
        let wanted = self.wanted(entry).await?;
        if wanted.is_empty() {
            return Ok(());
        }
        self.intend(&effect).await?;
        let forge = &self.ports.forge;
        // People and other programs label pulls, too: what stands there stays.
        let there = forge.details(pull.number).await?;
        let all = there.clone().with(&wanted);
        if all != there {
            forge.set_details(pull.number, &all).await?;
        }
        self.did(effect, None).await
    }

    async fn wanted(&self, entry: &Entry) -> Result<Details, PublishError> {
        let offering = &self.orders.offering;
        let copies = |what| offering.copied.contains(&what);
        let mut wanted = Details {
            labels: offering.labels.clone(),
            ..Details::default()
        };
        let review = &self.settings.labels.review;
        if !review.is_empty() && is_untested(&entry.record.reports) {
            wanted.labels.push(review.clone());
        }
        if copies(Copied::Domains) {
            let is_domain = |label: &&String| {
                label_domain(label).is_some() || offering.own.of_label(label).is_some()
            };
            let labels = entry.task.issue.labels.iter().filter(is_domain);
            wanted.labels.extend(labels.cloned());
        }
        if copies(Copied::Assignees) || copies(Copied::Milestone) {
            let issue = self.ports.forge.issue_standing(self.link.issue).await?;
            if copies(Copied::Assignees) {
                wanted.assignees = issue.assignees;
            }
            wanted.milestone = issue.milestone.filter(|_| copies(Copied::Milestone));
        }
        Ok(wanted)
    }

    /// Nobody is asked to review a draft.
    async fn ask_reviewers(
        &mut self,
        pull: &Pull,
        entry: &Entry,
    ) -> Result<Option<String>, PublishError> {
        let effect = Effect::AskReview {
            branch: BranchName::new(&pull.head),
        };
        let Some(commit) = &entry.record.commit else {
            return Ok(None);
        };
        let offering = &self.orders.offering;
        let is_draft = self.settings.draft || offering.limit.is_passed_by(&commit.diff);
        if is_draft || self.is_done(&effect) {
            return Ok(None);
        }
        let owning = self.owning(&commit.diff.paths).await?;
        if owning.is_empty() && offering.reviewers.is_empty() {
            return Ok(None);
        }
        let wanted = offering.reviewers.clone();
        self.intend(&effect).await?;
        // GitHub asks the owners itself where it can.
        let known = if self.orders.look_first {
            self.ports.forge.reviewing(pull.number).await?
        } else {
            Reviewing::default()
        };
        let rest = wanted.and(owning, &known);
        let refused = self.ask(pull, &rest).await?;
        self.did(effect, None).await?;
        Ok(refused)
    }

    async fn owning(&self, paths: &[String]) -> Result<Reviewers, PublishError> {
        if !self.orders.offering.asks_owners {
            return Ok(Reviewers::default());
        }
        let house = self.ports.repository.house(&self.settings.base_branch);
        let Some(owners) = house.await?.owners else {
            return Ok(Reviewers::default());
        };
        let project = self.ports.forge.project();
        let organization = project.split('/').next().unwrap_or_default();
        Ok(Reviewers::owning(
            paths,
            &Owners::read(&owners),
            organization,
        ))
    }

    /// All at once; where that is refused, one by one, so that one who cannot be asked keeps nobody else from it.
    async fn ask(
        &self,
        pull: &Pull,
        reviewers: &Reviewers,
    ) -> Result<Option<String>, PublishError> {
        if reviewers.is_empty() {
            return Ok(None);
        }
        let forge = &self.ports.forge;
        match forge.ask_review(pull.number, reviewers).await {
            Err(ForgeError::Refused { .. }) => {}
            done => return Ok(done.map(|()| None)?),
        }
        let mut refused = Vec::new();
        for one in reviewers.apart() {
            match forge.ask_review(pull.number, &one).await {
                Ok(()) => {}
                Err(ForgeError::Refused { .. }) => refused.push(one.words()),
                Err(error) => return Err(error.into()),
            }
        }
        let told = || {
            format!(
                "not asked to review {}: {}",
                pull.number,
                refused.join(", ")
            )
        };
        Ok((!refused.is_empty()).then(told))
    }
}
