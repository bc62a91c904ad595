//! An attempt that goes on with an open pull: its branch only grows, and whoever spoke of it gets an answer.

use crate::engine::attempt::Attempt;
use crate::engine::halt::{Halt, check_failure, unpublished};
use crate::engine::publish::{PublishError, Publisher};
use crate::ports::ForgeError;
use crate::rules::event::{Effect, Fact};
use crate::rules::follow::shape::{FollowUp, Said};
use crate::rules::follow::words::{Answer, answer, answer_marker};
use crate::rules::ids::{BranchName, CommitId, IssueNumber};
use crate::rules::schedule::table::Entry;
use crate::rules::task::{CheckReport, Commit, Ending, ErrorClass, Failure, Stage};

/// So often may others push to the branch while what they pushed is merged in.
const MOST_PUSHES: u32 = 3;

impl Attempt<'_> {
    pub(super) fn follow_up(&self) -> Option<&FollowUp> {
        self.task().follow_up.as_deref()
    }

    /// The pull's branch as it was looked at, and its base as it stands now, in one commit; what conflicts is the agent's
    /// task. What people push meanwhile comes in when the branch grows: an attempt that goes on stands on the same.
    pub(super) async fn join_pull(&mut self) -> Result<CommitId, Halt> {
        self.check_is_open().await?;
        let Some(head) = self.follow_up().map(|follow| follow.head.clone()) else {
            return Err(Halt::NeedsHuman("it goes on with no pull".to_owned()));
        };
        let tip = self.fetch_tip().await?;
        self.pull_head().await?;
        let landed = self.follow_up().map_or(&[][..], |follow| &follow.landed);
        let joined = self.ports.repository.update(&tip, &head, landed).await?;
        self.clash = joined.clashes.into_iter().next();
        Ok(joined.base)
    }

    /// The base branch has moved on and merges: that is checked, and nothing is paid.
    pub(super) async fn with_base_merged_in(&mut self) -> Result<(Commit, Vec<CheckReport>), Halt> {
        let joined = self.join_pull().await?;
        if let Some(clash) = &self.clash {
            let message = format!("the base branch conflicts in {}", clash.paths.join(", "));
            return Err(Halt::Failed(Failure::new(ErrorClass::Conflict, message)));
        }
        let is_there = self.follow_up().map(|follow| &follow.head) == Some(&joined);
        if is_there {
            let words = "it holds its base branch already";
            return Err(Halt::Unchanged(words.to_owned()));
        }
        // Where a check fails, an agent goes on from here.
        let (commit, base) = (joined.clone(), joined.clone());
        self.link.report(Fact::Snapshot { commit, base }).await?;
        let commit = self.as_commit(joined).await?;
        let reports = self.check(&commit).await?;
        match check_failure(&reports) {
            Some(failure) => Err(Halt::Failed(failure)),
            None => Ok((commit, reports)),
        }
    }

    /// Moves the pull's branch on to the commit. What others pushed meanwhile is merged in first, and checked again.
    pub(super) async fn grow(&mut self, commit: &Commit) -> Result<(), Halt> {
        let mut commit = commit.clone();
        for _ in 0..MOST_PUSHES {
            self.check_is_open().await?;
            self.fetch_tip().await?;
            let there = self.pull_head().await?;
            let both = [commit.id.clone(), there.clone()];
            let joined = self.ports.repository.join(&both).await?;
            if let Some(clash) = joined.clashes.first() {
                return Err(Halt::NeedsHuman(format!(
                    "somebody pushed to {} meanwhile, and the work conflicts with that in {}",
                    self.branch(),
                    clash.paths.join(", ")
                )));
            }
            if joined.base == commit.id {
                let branch = self.branch().clone();
                let mut publisher = self.publisher();
                let grown = publisher.grow(&branch, &commit.id, &there).await;
                return grown.map_err(|error| unpublished(&error));
            }
            commit = self.as_commit(joined.base).await?;
            let reports = self.check(&commit).await?;
            if let Some(failure) = check_failure(&reports) {
                return Err(Halt::Failed(failure));
            }
        }
        let failure = format!("somebody pushes to {} all the time", self.branch());
        Err(Halt::Failed(Failure::new(ErrorClass::Publish, failure)))
    }

    /// The commit as it is judged: a pull's by all that it changes against its base branch, so that what only its earlier
    /// work breaks is its own as well.
    pub(super) async fn as_judged(&self, commit: &Commit) -> Result<Commit, Halt> {
        match &self.tip {
            Some(tip) if *tip != commit.base => {
                let capture = self.ports.repository.reopen(&commit.id, tip).await?;
                Ok(Commit {
                    base: tip.clone(),
                    diff: capture.diff,
                    ..commit.clone()
                })
            }
            Some(_) | None => Ok(commit.clone()),
        }
    }

    /// A person may have merged or closed the pull while this waited.
    async fn check_is_open(&self) -> Result<(), Halt> {
        let pulls = self.ports.forge.pulls_from(self.branch()).await;
        let pulls = pulls.map_err(|error| unpublished(&PublishError::Forge(error)))?;
        let number = self.follow_up().map(|follow| follow.pull.number);
        let is_open = pulls
            .iter()
            .any(|pull| pull.open && Some(pull.number) == number);
        if is_open {
            return Ok(());
        }
        let words = "its pull request is not open any more";
        Err(Halt::Unchanged(words.to_owned()))
    }

    /// A commit that is there already, as one that is to be checked and offered.
    async fn as_commit(&mut self, id: CommitId) -> Result<Commit, Halt> {
        self.link
            .report(Fact::Entered {
                stage: Stage::Commit,
            })
            .await?;
        let base = match &self.tip {
            Some(tip) => tip.clone(),
            None => self.fetch_tip().await?,
        };
        let capture = self.ports.repository.reopen(&id, &base).await?;
        let (tree, diff) = (capture.tree, capture.diff);
        let commit = Commit {
            id,
            tree,
            base,
            diff,
        };
        self.link
            .report(Fact::Committed {
                commit: commit.clone(),
            })
            .await?;
        Ok(commit)
    }

    /// Where the pull's base branch stands now.
    async fn fetch_tip(&mut self) -> Result<CommitId, Halt> {
        let tip = self.ports.repository.fetch(&self.pull_base()).await?;
        self.tip = Some(tip.clone());
        Ok(tip)
    }

    /// Where the pull's branch stands now; the mirror has all that it holds.
    async fn pull_head(&self) -> Result<CommitId, Halt> {
        let (repository, branch) = (&self.ports.repository, self.branch());
        if repository.remote_head(branch).await?.is_none() {
            return Err(Halt::NeedsHuman(format!("the branch {branch} is gone")));
        }
        Ok(repository.fetch(branch.as_str()).await?)
    }

    fn pull_base(&self) -> String {
        let follow = self.follow_up();
        let base = follow.map_or(&self.work.settings.base_branch, |follow| &follow.pull.base);
        base.clone()
    }
}

impl Publisher<'_> {
    /// Moves a branch on from where it stands to a commit that holds that.
    async fn grow(
        &mut self,
        branch: &BranchName,
        commit: &CommitId,
        there: &CommitId,
    ) -> Result<(), PublishError> {
        let effect = Effect::Push {
            branch: branch.clone(),
            commit: commit.clone(),
        };
        self.intend(&effect).await?;
        if there != commit {
            self.ports
                .repository
                .push(branch, commit, Some(there))
                .await?;
        }
        self.did(effect, None).await
    }

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
            match forge.answer(follow.pull.number, said, body).await {
                Ok(()) => break,
                // The comment that its thread began with was deleted.
                Err(ForgeError::NotFound { .. }) => {
                    forge
                        .comment(IssueNumber(follow.pull.number.0), body)
                        .await?;
                    break;
                }
                Err(ForgeError::Unknown { .. }) if sends < super::publish::MOST_SENDS => {
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
