//! The repository port: the mirror, its worktrees and the remote, joined.

use super::archive::Archive;
use super::capture::{Taking, reopen};
use super::clean::{Cleaned, clean, forget};
use super::difference::compare;
use super::fetch::{self, OURS, fetch, look_at};
use super::homes;
use super::house::Houses;
use super::join::{has, is_ancestor, join, marked};
use super::layout::{Layout, Leftovers};
use super::leases::{GitLeases, Holder};
use super::lfs::Lfs;
use super::lock::Lock;
use super::look::look;
use super::merge::{Moved, footing, onto};
use super::mirror::Mirror;
use super::nearby::Which;
use super::objects::write_commit;
use super::overlay::overlay;
use super::push::{self, push};
use super::refs::keep;
use super::remote::Remote;
use super::revert::revert;
use super::run::{Git, blocking, check_version, failed};
use super::seal::seal;
use super::slot::{Pool, Slot, Work};
use super::source::{Habits, Identity, Place, Source};
use super::sparse::Scope;
use super::submodules::Submodules;
use super::surroundings::surroundings;
use super::sweep::is_directory;
use super::tidy::enter;
use super::trial::test_merges;
use super::update::update;
use super::worktrees::Worktrees;
use crate::ports::{
    Capture, Checkout, Joined, Look, Repository, RepositoryError, Reverted, Workspace,
    WorkspaceOrder,
};
use crate::rules::follow::shape::Landed;
use crate::rules::ids::{AttemptNumber, BranchName, CommitId, IssueNumber, TreeId};
use crate::rules::offer::house::House;
use crate::rules::prompt::surroundings::{Surroundings, Wanted};
use crate::rules::task::{Commit, CommitMessage};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A git repository, worked on in a mirror and worktrees of our own. The user's checkout is never written to.
pub struct GitRepository {
    mirror: Arc<Mirror>,
    worktrees: Worktrees,
    submodules: Option<Arc<Submodules>>,
    lfs: Option<Arc<Lfs>>,
    checks: Pool,
    houses: Houses,
    /// Shared with other processes; whoever tidies up needs it alone.
    _open: Lock,
}

/// Opens the repository; clones the mirror first where there is none yet.
pub async fn open(
    place: Place,
    source: Source,
    habits: Habits,
) -> Result<GitRepository, RepositoryError> {
    let action = "open the repository";
    let io = |cause| failed(action, cause);
    let path = std::path::absolute(&place.mirror).map_err(io)?;
    let slots = std::path::absolute(&place.slots).map_err(io)?;
    if source
        .checkout
        .as_ref()
        .is_some_and(|checkout| slots.starts_with(checkout))
    {
        return Err(RepositoryError::Unusable {
            problem: format!("`{}` lies in the checkout", slots.display()),
            hint: "set worktree.root to a directory outside of it".to_owned(),
        });
    }
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let home = path.with_file_name(format!("{name}.home"));
    make(&home, "--state-dir")?;
    make(&slots, "worktree.root")?;
    let git = Git::find(&home)?.trusting(owner(&source.url));
    check_version(&git, &home).await?;
    let (remote, theirs) = Remote::new(&source).await?;
    let identity = identity(habits.author.as_ref(), theirs);
    let submodules = habits.submodules.then(|| {
        Arc::new(Submodules {
            place: path.with_file_name(format!("{name}.modules")),
            git: git.clone(),
            identity: identity.clone(),
            source: source.clone(),
            known: tokio::sync::Mutex::default(),
        })
    });
    let larges = path.with_file_name(format!("{name}.lfs"));
    let lfs = habits.lfs.then(|| Lfs::at(larges));
    let mirror = Mirror::open(&path, git, remote, identity, habits.secrets.clone()).await?;
    let checks = Pool::new(mirror.own().join("checks"), slots.clone(), "check");
    let pool = Pool::new(mirror.own().join("slots"), slots.clone(), "free");
    let open = enter(&mirror, &slots, [&pool, &checks], habits.retention).await?;
    Ok(GitRepository {
        _open: open,
        houses: Houses::default(),
        checks,
        worktrees: Worktrees::new(
            slots,
            pool.scoped(Scope::new(&habits.sparse)),
            habits,
            source.checkout,
            submodules.clone(),
            lfs.clone(),
        ),
        submodules,
        lfs,
        mirror: Arc::new(mirror),
    })
}

#[async_trait]
impl Repository for GitRepository {
    async fn fetch(&self, branch: &str) -> Result<CommitId, RepositoryError> {
        fetch(&self.mirror, branch).await
    }

    async fn surroundings(
        &self,
        branch: &str,
        wanted: &Wanted,
    ) -> Result<Surroundings, RepositoryError> {
        let name = format!("refs/remotes/origin/{branch}");
        surroundings(&self.mirror.archive()?, &name, wanted).await
    }

    async fn house(&self, branch: &str) -> Result<House, RepositoryError> {
        let name = format!("refs/remotes/origin/{branch}");
        self.houses.of(&self.mirror.archive()?, &name).await
    }

    async fn remote_branches(&self) -> Result<Vec<(BranchName, CommitId)>, RepositoryError> {
        let heads = fetch::look(&self.mirror).await?;
        let ours = heads.iter().filter(|(name, _)| name.starts_with(OURS));
        Ok(ours
            .map(|(name, commit)| (BranchName::new(name), commit.clone()))
            .collect())
    }

    async fn prepare(&self, order: &WorkspaceOrder) -> Result<Workspace, RepositoryError> {
        let path = self.worktrees.pool.path(order.issue);
        if path.symlink_metadata().is_ok() {
            self.worktrees.make_way(&self.mirror, order.issue).await?;
        }
        let (base, start) = footing(&self.mirror, order.issue, &order.base, &order.start).await?;
        let work = Work {
            issue: order.issue,
            branch: order.branch.clone(),
            base,
            start,
            ready: false,
            nested: BTreeMap::new(),
            odd: BTreeMap::new(),
            larges: BTreeMap::new(),
        };
        let slot = self.worktrees.pool.take(order.slot.0, "a slot")?;
        self.worktrees.hand_out(&self.mirror, slot, work).await
    }

    async fn seal(&self, workspace: &Workspace) -> Result<(), RepositoryError> {
        let held = self.worktrees.find(workspace)?;
        let mut work = held.work.lock().await;
        let scope = &held.slot.scope;
        let nested = self
            .mirror
            .listing(work.start.as_str(), scope)
            .await?
            .paths();
        let (path, slots) = (&workspace.path, &self.worktrees.slots);
        work.nested = seal(&self.mirror, &held.slot, path, slots, nested).await?;
        held.slot
            .note(&work)
            .map_err(|cause| failed("seal the worktree", cause))
    }

    async fn capture(
        &self,
        workspace: &Workspace,
        issue: IssueNumber,
        attempt: AttemptNumber,
    ) -> Result<Capture, RepositoryError> {
        let held = self.worktrees.find(workspace)?;
        let work = held.work.lock().await;
        let taking = Taking {
            mirror: &self.mirror,
            slot: &held.slot,
            work: &work,
            tree: &workspace.path,
            slots: &self.worktrees.slots,
        };
        held.note_taken();
        let capture = taking.take(issue, attempt).await?;
        held.slot
            .note_taken(&capture.diff)
            .map_err(|cause| failed("note what caches are for", cause))?;
        Ok(capture)
    }

    async fn leftover(&self, issue: IssueNumber) -> Result<Option<Workspace>, RepositoryError> {
        if self.worktrees.holds(issue) {
            return Ok(None);
        }
        let Some((slot, work)) = self.worktrees.abandoned(issue).await? else {
            return Ok(None);
        };
        let is_there = is_directory(&self.worktrees.pool.path(issue));
        if work.ready && is_there {
            return Ok(Some(self.worktrees.hold(slot, work)));
        }
        self.worktrees.rescue(&self.mirror, &slot, &work).await?;
        Ok(None)
    }

    async fn reopen(
        &self,
        snapshot: &CommitId,
        base: &CommitId,
    ) -> Result<Capture, RepositoryError> {
        reopen(&self.mirror, snapshot, base).await
    }

    async fn commit(
        &self,
        capture: &Capture,
        parents: &[CommitId],
        message: &CommitMessage,
    ) -> Result<Commit, RepositoryError> {
        let action = "make the commit";
        let base = parents.first().ok_or_else(|| RepositoryError::Git {
            action: action.to_owned(),
            detail: "it has no base".to_owned(),
        })?;
        let (tree, diff) = match onto(&self.mirror, &capture.snapshot, base).await? {
            Moved::Already => (capture.tree.clone(), capture.diff.clone()),
            Moved::Onto(tree) => {
                let difference = compare(&self.mirror, base, &tree).await?;
                (tree, difference.stat)
            }
            Moved::Conflict { stands_on } => {
                return Err(RepositoryError::Git {
                    action: format!("commit onto {base}"),
                    detail: format!("the files were made on {stands_on}, and conflict"),
                });
            }
        };
        let id = write_commit(&self.mirror, &tree, parents, &words(message)).await?;
        keep(&self.mirror, &format!("{}-commit", message.issue.0), &id)?;
        Ok(Commit {
            id,
            tree,
            base: base.clone(),
            diff,
        })
    }

    async fn holds(&self, branch: &str, commit: &CommitId) -> Result<bool, RepositoryError> {
        let head = fetch(&self.mirror, branch).await?;
        match is_ancestor(&self.mirror, commit, &head).await {
            // What the mirror does not have after that is in no branch of the remote.
            Err(_) if !has(&self.mirror, commit).await? => Ok(false),
            answer => answer,
        }
    }

    async fn update(
        &self,
        base: &CommitId,
        head: &CommitId,
        landed: &[Landed],
    ) -> Result<Joined, RepositoryError> {
        update(&self.mirror, base, head, landed).await
    }

    async fn join(&self, commits: &[CommitId]) -> Result<Joined, RepositoryError> {
        join(&self.mirror, commits).await
    }

    async fn test_merges(
        &self,
        pairs: &[(CommitId, CommitId)],
    ) -> Result<Vec<Vec<String>>, RepositoryError> {
        test_merges(self.mirror.call("merge-tree")?, pairs).await
    }

    async fn look(&self, issues: &[IssueNumber]) -> Result<Box<dyn Look>, RepositoryError> {
        Ok(Box::new(look(&self.mirror, &self.worktrees, issues).await?))
    }

    async fn marked(
        &self,
        tree: &TreeId,
        paths: &[String],
    ) -> Result<Vec<String>, RepositoryError> {
        marked(&self.mirror, tree, paths).await
    }

    async fn overlay(
        &self,
        base: &CommitId,
        from: &CommitId,
        paths: &[String],
    ) -> Result<CommitId, RepositoryError> {
        overlay(&self.mirror, base, from, paths).await
    }

    async fn checkout(&self, commit: &CommitId) -> Result<Box<dyn Checkout>, RepositoryError> {
        let slot = self.checks.take(0, "a place for checks")?;
        let path = self.checks.free(slot.number);
        let layout = Layout {
            mirror: &self.mirror,
            slot: &slot,
            tree: &path,
            slots: &self.worktrees.slots,
            leftovers: Leftovers::None,
        };
        layout.lay_out(commit.as_str()).await?;
        // What another commit's checks left there could make these pass.
        let (tree, slots) = (path.clone(), self.worktrees.slots.clone());
        blocking("make a new home for checks", move || {
            homes::forget(&tree, &slots)
        })
        .await?;
        if let Some(submodules) = &self.submodules {
            let fill = submodules.lay_out(&self.mirror, commit.as_str(), &path, &slot.scope);
            fill.await?;
        }
        if let Some(lfs) = &self.lfs {
            lfs.lay_out(&self.mirror, &slot, &path).await?;
        }
        Ok(Box::new(CleanTree { path, _slot: slot }))
    }

    async fn release(&self, workspace: Workspace) -> Result<(), RepositoryError> {
        let Some(held) = self.worktrees.let_go(&workspace) else {
            return Ok(());
        };
        // Whoever still takes the files in goes first.
        let work = held.work.lock().await;
        self.worktrees.put_back(&held.slot, work.issue)
    }

    async fn leave(&self, workspace: Workspace) {
        drop(self.worktrees.let_go(&workspace));
    }

    async fn remote_head(&self, branch: &BranchName) -> Result<Option<CommitId>, RepositoryError> {
        let which = Which::One(branch.to_string());
        let there = look_at(&self.mirror, which).await?;
        Ok(there.get(branch.as_str()).cloned())
    }

    async fn push(
        &self,
        branch: &BranchName,
        commit: &CommitId,
        expected: Option<&CommitId>,
    ) -> Result<(), RepositoryError> {
        push(&self.mirror, branch, commit, expected).await
    }

    async fn revert(
        &self,
        tip: &CommitId,
        undone: (&Landed, u64),
        message: &str,
    ) -> Result<Reverted, RepositoryError> {
        revert(&self.mirror, tip, undone, message).await
    }

    async fn delete(
        &self,
        branch: &BranchName,
        expected: &CommitId,
    ) -> Result<(), RepositoryError> {
        push::delete(&self.mirror, branch, expected).await
    }
}

/// A worktree for checks; the next to use it cleans it.
struct CleanTree {
    path: PathBuf,
    _slot: Slot,
}

impl Checkout for CleanTree {
    fn path(&self) -> &Path {
        &self.path
    }
}

/// Whose repository on this machine it is.
fn owner(url: &str) -> Option<u32> {
    let path = Path::new(url);
    let found = path.is_absolute().then(|| fs::metadata(path).ok());
    found.flatten().map(|found| found.uid())
}

fn make(directory: &Path, setting: &str) -> Result<(), RepositoryError> {
    fs::create_dir_all(directory).map_err(|cause| RepositoryError::Unusable {
        problem: format!("`{}` cannot be made: {cause}", directory.display()),
        hint: format!("set {setting} to a directory that can be written"),
    })
}

fn identity(wanted: Option<&(String, String)>, theirs: Option<Identity>) -> Identity {
    wanted
        .and_then(|(name, email)| Identity::new(name, email))
        .or(theirs)
        .unwrap_or_else(|| Identity {
            name: "autoissue".to_owned(),
            email: "autoissue@localhost".to_owned(),
        })
}

/// The message of a commit as git takes it: a subject, a body, and the reference as the last line.
fn words(message: &CommitMessage) -> String {
    let clean = |text: &str| text.replace(['\0', '\r'], "").trim().to_owned();
    let subject = clean(&message.subject)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let subject = match subject.as_str() {
        "" => format!("Work on {}", message.issue),
        _ => subject,
    };
    let body = match clean(&message.body) {
        body if body.is_empty() => body,
        body => format!("{body}\n\n"),
    };
    format!("{subject}\n\n{body}Refs {}\n", message.issue)
}

impl GitRepository {
    /// Leases of this holder on the remote; it has none yet.
    #[must_use]
    pub fn leases(&self, holder: Holder) -> GitLeases {
        GitLeases::new(Arc::clone(&self.mirror), holder)
    }

    /// The mirror's history and files, to be read.
    pub fn archive(&self) -> Result<Archive, RepositoryError> {
        self.mirror.archive()
    }

    /// Removes one thing that an issue's attempts left, by its name where worktrees are. Files of a worktree that nobody took
    /// in are kept first, as a snapshot in the mirror. What a living process holds is refused.
    pub async fn forget(&self, issue: IssueNumber, path: &Path) -> Result<(), RepositoryError> {
        let slots = self.worktrees.slots.clone();
        let is_worktree = path == self.worktrees.pool.path(issue);
        if is_worktree && is_directory(path) {
            self.worktrees.make_way(&self.mirror, issue).await?;
            return Ok(());
        }
        let path = path.to_owned();
        blocking("remove what attempts left", move || {
            if path.parent() == Some(&slots) {
                return forget(&path, &slots);
            }
            Ok(())
        })
        .await
    }

    /// Removes the worktrees that nobody uses and that hold no work, and says of the others why they stay. The next
    /// attempts make new ones.
    pub async fn clean(&self) -> Result<Vec<Cleaned>, RepositoryError> {
        let (slots, pool, checks) = (
            self.worktrees.slots.clone(),
            self.worktrees.pool.clone(),
            self.checks.clone(),
        );
        blocking("clean up the worktrees", move || {
            clean(&slots, &pool, &checks)
        })
        .await
    }
}
