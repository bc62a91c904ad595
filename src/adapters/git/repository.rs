//! The repository port: the mirror, its worktrees and the remote, joined.

use super::capture::{Taking, commit_tree, reopen};
use super::copy::copy;
use super::layout::{Layout, Leftovers, delete_later};
use super::lock::{Lock, busy};
use super::merge::{Moved, footing, onto};
use super::mirror::Mirror;
use super::private;
use super::push;
use super::refs::keep;
use super::run::{Git, blocking, check_version, failed};
use super::seal::{seal, seal_copied};
use super::slot::{Pool, Slot, Work};
use super::source::{Habits, Identity, Place, Remote, Source};
use super::trash::{PREFIX, set_aside};
use crate::ports::{Capture, Checkout, Repository, RepositoryError, Workspace, WorkspaceOrder};
use crate::rules::ids::{AttemptNumber, BranchName, CommitId, IssueNumber, SlotNumber};
use crate::rules::task::{Commit, CommitMessage};
use async_trait::async_trait;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long another process may tidy up the mirror.
const ANOTHER_TIDIES: Duration = Duration::from_secs(600);

/// A git repository, worked on in a mirror and worktrees of our own. The user's checkout is never written to.
pub struct GitRepository {
    mirror: Mirror,
    slots: PathBuf,
    habits: Habits,
    checkout: Option<PathBuf>,
    pool: Pool,
    checks: Pool,
    held: Mutex<HashMap<PathBuf, Arc<Held>>>,
    /// Shared with other processes; whoever tidies up needs it alone.
    _open: Lock,
}

/// A worktree that is in use.
struct Held {
    slot: Slot,
    /// Locked while the files are taken in.
    work: tokio::sync::Mutex<Work>,
}

/// Opens the repository; clones the mirror first where there is none yet.
pub async fn open(
    place: Place,
    source: Source,
    habits: Habits,
) -> Result<GitRepository, RepositoryError> {
    let action = "open the repository";
    let io = |cause| failed(action, cause);
    let path = private::absolute(&place.mirror)?;
    let slots = private::absolute(&place.slots)?;
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
    fs::create_dir_all(&home).map_err(io)?;
    fs::create_dir_all(&slots).map_err(io)?;
    let git = Git::new(&home);
    check_version(&git, &home).await?;
    let (remote, theirs) = Remote::new(&source).await?;
    let identity = identity(habits.author.as_ref(), theirs);
    let mirror = Mirror::open(&path, git, remote, identity).await?;
    let open = enter(&mirror, &slots).await?;
    Ok(GitRepository {
        _open: open,
        pool: Pool::new(mirror.own().join("slots")),
        checks: Pool::new(mirror.own().join("checks")),
        held: Mutex::new(HashMap::new()),
        checkout: source.checkout,
        mirror,
        slots,
        habits,
    })
}

#[async_trait]
impl Repository for GitRepository {
    async fn fetch(&self, branch: &str) -> Result<CommitId, RepositoryError> {
        if branch.starts_with("autoissue/") {
            return self.mirror.fetch_own(&BranchName::new(branch)).await;
        }
        self.mirror.fetch().await?.find(branch)
    }

    async fn remote_branches(&self) -> Result<Vec<(BranchName, CommitId)>, RepositoryError> {
        push::heads(&self.mirror).await
    }

    async fn prepare(&self, order: &WorkspaceOrder) -> Result<Workspace, RepositoryError> {
        let path = self.path(order.issue);
        if path.symlink_metadata().is_ok() {
            self.make_way(order.issue).await?;
        }
        let (base, start) = footing(&self.mirror, order.issue, &order.base, &order.start).await?;
        let work = Work {
            issue: order.issue,
            branch: order.branch.clone(),
            base,
            start,
            ready: false,
            nested: std::collections::BTreeMap::new(),
        };
        let slot = self.pool.take(order.slot.0, "a slot")?;
        self.lay_out(&slot, work, &path).await?;
        let work = slot.work().ok_or_else(lost)?;
        Ok(self.hold(slot, work))
    }

    async fn seal(&self, workspace: &Workspace) -> Result<(), RepositoryError> {
        let held = self.find(workspace)?;
        let mut work = held.work.lock().await;
        let nested = self.mirror.nested(work.start.as_str()).await?;
        work.nested = seal(
            &self.mirror,
            &held.slot,
            &workspace.path,
            &self.slots,
            nested,
        )
        .await?;
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
        let held = self.find(workspace)?;
        let work = held.work.lock().await;
        let taking = Taking {
            mirror: &self.mirror,
            slot: &held.slot,
            work: &work,
            tree: &workspace.path,
            slots: &self.slots,
        };
        taking.take(issue, attempt).await
    }

    async fn leftover(&self, issue: IssueNumber) -> Result<Option<Workspace>, RepositoryError> {
        if self.holds(issue) {
            return Ok(None);
        }
        let Some((slot, work)) = self.abandoned(issue).await? else {
            return Ok(None);
        };
        if work.ready && self.path(issue).is_dir() {
            return Ok(Some(self.hold(slot, work)));
        }
        self.rescue(&slot, &work).await?;
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
        base: &CommitId,
        message: &CommitMessage,
    ) -> Result<Commit, RepositoryError> {
        let (tree, diff) = match onto(&self.mirror, &capture.snapshot, base).await? {
            Moved::Already => (capture.tree.clone(), capture.diff.clone()),
            Moved::Onto(tree) => {
                let difference =
                    super::difference::compare(&self.mirror, base.as_str(), tree.as_str()).await?;
                (tree, difference.stat)
            }
            Moved::Conflict { stands_on } => {
                return Err(RepositoryError::Git {
                    action: format!("commit onto {base}"),
                    detail: format!("the files were made on {stands_on}, and conflict"),
                });
            }
        };
        let id = commit_tree(&self.mirror, &tree, base, words(message)).await?;
        keep(&self.mirror, &format!("{}-commit", message.issue.0), &id)?;
        Ok(Commit {
            id,
            tree,
            base: base.clone(),
            diff,
        })
    }

    async fn checkout(&self, commit: &CommitId) -> Result<Box<dyn Checkout>, RepositoryError> {
        let slot = self.checks.take(0, "a place for checks")?;
        let path = self.slots.join(format!("check-{}", slot.number));
        let layout = Layout {
            mirror: &self.mirror,
            slot: &slot,
            tree: &path,
            slots: &self.slots,
            leftovers: Leftovers::None,
        };
        layout.lay_out(commit.as_str()).await?;
        Ok(Box::new(CleanTree { path, _slot: slot }))
    }

    async fn release(&self, workspace: Workspace) -> Result<(), RepositoryError> {
        let held = self.held().remove(&workspace.path);
        let Some(held) = held else {
            return Ok(());
        };
        // Whoever still takes the files in goes first.
        let work = held.work.lock().await;
        self.put_back(&held.slot, work.issue)
    }

    async fn remote_head(&self, branch: &BranchName) -> Result<Option<CommitId>, RepositoryError> {
        push::head(&self.mirror, branch).await
    }

    async fn push(
        &self,
        branch: &BranchName,
        commit: &CommitId,
        expected: Option<&CommitId>,
    ) -> Result<(), RepositoryError> {
        push::push(&self.mirror, branch, commit, expected).await
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

impl GitRepository {
    fn path(&self, issue: IssueNumber) -> PathBuf {
        self.slots.join(format!("issue-{}", issue.0))
    }

    fn free(&self, slot: &Slot) -> PathBuf {
        self.slots.join(format!("free-{}", slot.number))
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Arc<Held>>> {
        self.held.lock().expect("no panic under this lock")
    }

    fn holds(&self, issue: IssueNumber) -> bool {
        self.held().contains_key(&self.path(issue))
    }

    fn find(&self, workspace: &Workspace) -> Result<Arc<Held>, RepositoryError> {
        self.held().get(&workspace.path).cloned().ok_or_else(lost)
    }

    fn hold(&self, slot: Slot, work: Work) -> Workspace {
        let workspace = Workspace {
            slot: SlotNumber(slot.number),
            path: self.path(work.issue),
            base: work.base.clone(),
            start: work.start.clone(),
        };
        let held = Arc::new(Held {
            slot,
            work: tokio::sync::Mutex::new(work),
        });
        self.held().insert(workspace.path.clone(), held);
        workspace
    }

    /// Brings the files of `work` to `path`, with all that belongs to them. What a kill interrupts is not `ready`.
    async fn lay_out(
        &self,
        slot: &Slot,
        mut work: Work,
        path: &Path,
    ) -> Result<(), RepositoryError> {
        let io = |cause| failed("prepare the worktree", cause);
        slot.note(&work).map_err(io)?;
        if let Err(cause) = fs::rename(self.free(slot), path)
            && cause.kind() != io::ErrorKind::NotFound
        {
            return Err(io(cause));
        }
        let layout = Layout {
            mirror: &self.mirror,
            slot,
            tree: path,
            slots: &self.slots,
            leftovers: if self.habits.keep_ignored {
                Leftovers::Ignored
            } else {
                Leftovers::None
            },
        };
        layout.lay_out(work.start.as_str()).await?;
        let copied = self.copy_in(path).await?;
        seal_copied(slot, &copied).map_err(io)?;
        private::make(&self.mirror, slot, path, &work, &copied).await?;
        work.ready = true;
        slot.note(&work).map_err(io)
    }

    async fn copy_in(&self, path: &Path) -> Result<Vec<PathBuf>, RepositoryError> {
        let (Some(checkout), false) = (&self.checkout, self.habits.copy.is_empty()) else {
            return Ok(Vec::new());
        };
        let (checkout, tree) = (checkout.clone(), path.to_owned());
        let patterns = self.habits.copy.clone();
        blocking("copy files into the worktree", move || {
            copy(&checkout, &patterns, &tree)
        })
        .await
    }

    /// The slot of a worktree that nobody holds any more.
    async fn abandoned(&self, issue: IssueNumber) -> Result<Option<(Slot, Work)>, RepositoryError> {
        let io = |cause| failed("look for a worktree that was left behind", cause);
        let Some(number) = self.pool.find(issue).map_err(io)? else {
            return Ok(None);
        };
        let slot = self
            .pool
            .wait(number, &format!("the worktree of {issue}"))
            .await?;
        let work = slot.work().filter(|work| work.issue == issue);
        Ok(work.map(|work| (slot, work)))
    }

    /// Frees an issue's path; files that nobody took in are taken in first, or put where they are kept.
    async fn make_way(&self, issue: IssueNumber) -> Result<(), RepositoryError> {
        let path = self.path(issue);
        if let Some(held) = self.held().get(&path) {
            let lock = self.pool.lock_path(held.slot.number);
            return Err(busy(&lock, &format!("the worktree of {issue}")));
        }
        match self.abandoned(issue).await? {
            Some((slot, work)) => self.rescue(&slot, &work).await,
            None => self.put_by(issue),
        }
    }

    async fn rescue(&self, slot: &Slot, work: &Work) -> Result<(), RepositoryError> {
        let path = self.path(work.issue);
        if work.ready && path.symlink_metadata().is_ok() {
            let taking = Taking {
                mirror: &self.mirror,
                slot,
                work,
                tree: &path,
                slots: &self.slots,
            };
            match taking.take(work.issue, AttemptNumber(0)).await {
                Ok(capture) => {
                    tracing::info!(issue = %work.issue, snapshot = %capture.snapshot, "kept files that were left behind");
                }
                Err(cause) => {
                    tracing::warn!(issue = %work.issue, %cause, "could not take in files that were left behind");
                    self.put_by(work.issue)?;
                }
            }
        }
        self.put_back(slot, work.issue)
    }

    /// Moves a worktree of unknown content to where nothing deletes it.
    fn put_by(&self, issue: IssueNumber) -> Result<(), RepositoryError> {
        let path = self.path(issue);
        let mut count = 0_u64;
        loop {
            count += 1;
            let to = self.slots.join(format!("kept-{}-{count}", issue.0));
            if to.symlink_metadata().is_err() {
                tracing::warn!(%issue, path = %to.display(), "put by a worktree of unknown content");
                return fs::rename(&path, &to).map_err(|cause| failed("put by a worktree", cause));
            }
        }
    }

    /// Makes an issue's worktree the free one of its slot.
    fn put_back(&self, slot: &Slot, issue: IssueNumber) -> Result<(), RepositoryError> {
        let (path, free) = (self.path(issue), self.free(slot));
        let put_back = || {
            let is_worktree = path.symlink_metadata().is_ok_and(|found| found.is_dir());
            let stale = if is_worktree { &free } else { &path };
            if let Some(aside) = set_aside(stale, &self.slots)? {
                delete_later(aside);
            }
            if is_worktree {
                fs::rename(&path, &free)?;
            }
            slot.forget()
        };
        put_back().map_err(|cause| failed("give the slot back", cause))
    }
}

fn identity(wanted: Option<&(String, String)>, theirs: Option<Identity>) -> Identity {
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    wanted
        .and_then(|(name, email)| {
            Some(Identity {
                name: filled(name)?,
                email: filled(email)?,
            })
        })
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

fn lost() -> RepositoryError {
    RepositoryError::Git {
        action: "use the worktree".to_owned(),
        detail: "it was given back already".to_owned(),
    }
}

/// Joins those who use the mirror; the first tidies up.
async fn enter(mirror: &Mirror, slots: &Path) -> Result<Lock, RepositoryError> {
    let door = mirror.own().join("open");
    let io = |cause| failed("tidy up", cause);
    if let Some(alone) = Lock::take(&door).map_err(io)? {
        empty_trash(slots).map_err(io)?;
        if let Err(cause) = mirror.tidy().await {
            tracing::warn!(%cause, "could not tidy up");
        }
        drop(alone);
    }
    Lock::wait_shared(&door, "the mirror", ANOTHER_TIDIES).await
}

/// Deletes what earlier processes had set aside.
fn empty_trash(slots: &Path) -> io::Result<()> {
    for entry in fs::read_dir(slots)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            delete_later(entry.path());
        }
    }
    Ok(())
}
