//! An attempt that goes on with an open pull: its branch only grows.

use crate::engine::attempt::Attempt;
use crate::engine::halt::{Halt, check_failure, unpublished};
use crate::engine::publish::{PublishError, Publisher};
use crate::rules::event::{Effect, Fact};
use crate::rules::follow::shape::FollowUp;
use crate::rules::ids::{BranchName, CommitId};
use crate::rules::task::{CheckReport, Commit, ErrorClass, Failure, Stage};

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
        self.holds_what_was_seen().await?;
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
            self.holds_what_was_seen().await?;
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

    /// What people push is built upon; where they rewrote the branch, only they know what of our work is still wanted.
    async fn holds_what_was_seen(&self) -> Result<(), Halt> {
        let Some(follow) = self.follow_up() else {
            return Ok(());
        };
        let (branch, head) = (self.branch(), &follow.head);
        if self.ports.repository.holds(branch.as_str(), head).await? {
            return Ok(());
        }
        Err(Halt::NeedsHuman(format!(
            "somebody rewrote the branch {branch} by force, which holds {head} no longer"
        )))
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
}
