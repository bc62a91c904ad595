//! The mirror, its worktrees and the remote.

use crate::rules::follow::shape::Landed;
use crate::rules::gate::change::Change;
use crate::rules::ids::{AttemptNumber, BranchName, CommitId, IssueNumber, SlotNumber, TreeId};
use crate::rules::offer::house::House;
use crate::rules::prompt::surroundings::{Surroundings, Wanted};
use crate::rules::rework::Seen;
use crate::rules::task::{Commit, CommitMessage, DiffStat};
use async_trait::async_trait;
use std::path::{Path, PathBuf};

/// Why the repository did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// Git said no.
    #[error("{action}: {detail}")]
    Git {
        /// What was tried.
        action: String,
        /// The end of what git printed, without secrets.
        detail: String,
    },
    /// The remote could not be reached, or did not accept us.
    #[error("{action}: {detail}")]
    Remote {
        /// What was tried.
        action: String,
        /// The end of what git printed, without secrets.
        detail: String,
        /// Were the credentials refused?
        auth: bool,
    },
    /// The branch stands at a commit that is not ours.
    #[error("push {branch}: the remote has {found}, which is not ours")]
    Foreign {
        /// The branch.
        branch: BranchName,
        /// What stands there.
        found: CommitId,
    },
    /// A rule of the remote, such as a protected branch, does not let the push in, however often it is sent.
    #[error("push {branch}: {reason}")]
    Declined {
        /// The branch.
        branch: BranchName,
        /// What was to be pushed.
        commit: CommitId,
        /// The remote's words, in one line.
        reason: String,
        /// What helps.
        hint: String,
    },
    /// The source cannot be used as it is.
    #[error("{problem}")]
    Unusable {
        /// What is wrong with it.
        problem: String,
        /// What helps.
        hint: String,
    },
    /// Another process holds it.
    #[error("{what} is in use by process {holder}")]
    Busy {
        /// The mirror, or a slot.
        what: String,
        /// Who.
        holder: String,
    },
    /// The file system said no.
    #[error("{action}")]
    Io {
        /// What was tried.
        action: String,
        /// Why it failed.
        #[source]
        cause: std::io::Error,
    },
}

/// A worktree with an attempt's files, outside the user's checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// The slot that it belongs to.
    pub slot: SlotNumber,
    /// Where the agent works; the same path for every attempt at the same issue.
    pub path: PathBuf,
    /// The commit of the base branch that the result will stand on.
    pub base: CommitId,
    /// The commit whose files were laid out: the base, or a snapshot.
    pub start: CommitId,
}

/// What to lay out for an attempt.
#[derive(Clone, Debug)]
pub struct WorkspaceOrder {
    /// The slot to use.
    pub slot: SlotNumber,
    /// The issue it is for.
    pub issue: IssueNumber,
    /// The branch that the agent will see itself on.
    pub branch: BranchName,
    /// The commit of the base branch that the result will stand on.
    pub base: CommitId,
    /// The commit whose files to lay out: the base, or a snapshot.
    pub start: CommitId,
}

/// An attempt's files, taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// A commit of ours over them, kept under `refs/autoissue/keep/`, whose parent is the workspace's base.
    pub snapshot: CommitId,
    /// Its tree.
    pub tree: TreeId,
    /// What it changes against the base.
    pub diff: DiffStat,
    /// Each path of that.
    pub changes: Vec<Change>,
    /// Why it must not be offered without a person, if so: changed nested repositories, LFS content that is no pointer.
    pub concern: Option<String>,
}

/// Several commits, joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Holds the work of all that fit together.
    pub base: CommitId,
    /// What does not fit onto that, each on its own.
    pub clashes: Vec<Clash>,
}

/// A commit that conflicts with what is joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// Which.
    pub commit: CommitId,
    /// Both together, with the markers of their conflicts; its parent is what is joined.
    pub start: CommitId,
    /// The paths that conflict.
    pub paths: Vec<String>,
}

/// What came of taking work back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reverted {
    /// This commit does it.
    By(CommitId),
    /// Later work stands in the way.
    InTheWay,
    /// It cannot be told which commits it brought.
    Untold,
}

/// The mirror, its pooled worktrees and the remote. The user's own checkout is never touched.
#[async_trait]
pub trait Repository: Send + Sync {
    /// Brings the mirror up to date with the remote's branches, and says where this one stands.
    async fn fetch(&self, branch: &str) -> Result<CommitId, RepositoryError>;
    /// What the base branch's files and commits say of a task, as the mirror was fetched last. Agents' work that is not
    /// merged is no part of that.
    async fn surroundings(
        &self,
        branch: &str,
        wanted: &Wanted,
    ) -> Result<Surroundings, RepositoryError>;
    /// What the base branch says of pulls, as the mirror was fetched last; nothing where it says nothing.
    async fn house(&self, _branch: &str) -> Result<House, RepositoryError> {
        Ok(House::default())
    }
    /// The remote's branches under `autoissue/`.
    async fn remote_branches(&self) -> Result<Vec<(BranchName, CommitId)>, RepositoryError>;
    /// Lays out a worktree, with files copied in and a private git directory for the agent, ready for setup.
    async fn prepare(&self, order: &WorkspaceOrder) -> Result<Workspace, RepositoryError>;
    /// Setup has ended: what is untracked now is never committed.
    async fn seal(&self, workspace: &Workspace) -> Result<(), RepositoryError>;
    /// Takes the files in as a snapshot. May be called again: later rounds change the files further.
    async fn capture(
        &self,
        workspace: &Workspace,
        issue: IssueNumber,
        attempt: AttemptNumber,
    ) -> Result<Capture, RepositoryError>;
    /// A worktree that a killed process left behind for this issue, ready to be captured; `None` where there is none.
    async fn leftover(&self, issue: IssueNumber) -> Result<Option<Workspace>, RepositoryError>;
    /// Reads a snapshot as a capture again: tree, difference to the base, concerns.
    async fn reopen(
        &self,
        snapshot: &CommitId,
        base: &CommitId,
    ) -> Result<Capture, RepositoryError>;
    /// Makes the commit that will be offered. The first of its parents is its base, the others are commits whose work
    /// is in the files already.
    async fn commit(
        &self,
        capture: &Capture,
        parents: &[CommitId],
        message: &CommitMessage,
    ) -> Result<Commit, RepositoryError>;
    /// Is the commit in the remote's branch, as that stands now?
    async fn holds(&self, branch: &str, commit: &CommitId) -> Result<bool, RepositoryError>;
    /// Joins commits into one that holds the work of all; asked again, it is the same one.
    async fn join(&self, commits: &[CommitId]) -> Result<Joined, RepositoryError>;
    /// Brings a branch onto its base branch as that stands now, like `join` of the two. Where the branch stands on work
    /// that has `landed` as another commit, what counts is what it adds to that work.
    async fn update(
        &self,
        base: &CommitId,
        head: &CommitId,
        landed: &[Landed],
    ) -> Result<Joined, RepositoryError>;
    /// Merges pairs of commits for a trial, many in one process: for each the paths that conflict.
    async fn test_merges(
        &self,
        pairs: &[(CommitId, CommitId)],
    ) -> Result<Vec<Vec<String>>, RepositoryError>;
    /// Looks at what agents that still work have changed so far. Nothing of theirs is run, no link of theirs followed, and
    /// no attempt waits for it: work that cannot be looked at now is left out.
    async fn look(&self, issues: &[IssueNumber]) -> Result<Box<dyn Look>, RepositoryError>;
    /// The base with these paths as they are in the other commit, as a commit that nobody offers.
    async fn overlay(
        &self,
        base: &CommitId,
        from: &CommitId,
        paths: &[String],
    ) -> Result<CommitId, RepositoryError>;
    /// Those of the paths that hold markers of a conflict in this tree.
    async fn marked(&self, tree: &TreeId, paths: &[String])
    -> Result<Vec<String>, RepositoryError>;
    /// Lays out a commit in a clean worktree without any git directory, for checks; it goes when dropped.
    async fn checkout(&self, commit: &CommitId) -> Result<Box<dyn Checkout>, RepositoryError>;
    /// Gives the slot back. The files must have been captured.
    async fn release(&self, workspace: Workspace) -> Result<(), RepositoryError>;
    /// Stops using the slot and leaves its files where they are, as a kill would: whoever works on the issue next, here
    /// or in another process, finds them by `leftover`, or has them kept by `prepare`.
    async fn leave(&self, workspace: Workspace);
    /// Where the branch stands on the remote.
    async fn remote_head(&self, branch: &BranchName) -> Result<Option<CommitId>, RepositoryError>;
    /// Moves the branch on the remote from `expected` (or from nothing) to the commit; never over anything else.
    async fn push(
        &self,
        branch: &BranchName,
        commit: &CommitId,
        expected: Option<&CommitId>,
    ) -> Result<(), RepositoryError>;
    /// A commit that takes back all that merged work brought, of which so many commits were offered.
    async fn revert(
        &self,
        tip: &CommitId,
        undone: (&Landed, u64),
        message: &str,
    ) -> Result<Reverted, RepositoryError>;
    /// Deletes the branch on the remote, as long as it stands at this commit; one that is gone is fine.
    async fn delete(&self, branch: &BranchName, expected: &CommitId)
    -> Result<(), RepositoryError>;
}

/// Running work as it was at one moment; what was read for it goes when dropped.
#[async_trait]
pub trait Look: Send + Sync {
    /// What was seen; work that is as it was laid out changes nothing.
    fn seen(&self) -> &[Seen];
    /// The same as [`Repository::test_merges`], also for what was seen.
    async fn test_merges(
        &self,
        pairs: &[(CommitId, CommitId)],
    ) -> Result<Vec<Vec<String>>, RepositoryError>;
}

/// A clean worktree of one commit.
pub trait Checkout: Send + Sync {
    /// Where it is.
    fn path(&self) -> &Path;
}
