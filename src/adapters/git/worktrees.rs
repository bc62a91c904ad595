//! Worktrees of attempts: handed out, found again after a kill, and given back; files that nobody took in are kept.

use super::capture::Taking;
use super::copy::copy;
use super::layout::{Laid, Layout, Leftovers, delete_later};
use super::lfs::Lfs;
use super::lock::busy;
use super::mirror::Mirror;
use super::private;
use super::refs::keep;
use super::run::{blocking, failed};
use super::seal::{below, seal, seal_copied};
use super::slot::{Pool, Slot, Work};
use super::source::Habits;
use super::submodules::Submodules;
use super::sweep::is_directory;
use super::trash::set_aside;
use crate::ports::{RepositoryError, Workspace};
use crate::rules::ids::{AttemptNumber, IssueNumber, SlotNumber};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// All worktrees of attempts.
pub(super) struct Worktrees {
    /// Where they are.
    pub(super) slots: PathBuf,
    /// Their slots.
    pub(super) pool: Pool,
    habits: Habits,
    checkout: Option<PathBuf>,
    submodules: Option<Arc<Submodules>>,
    lfs: Option<Arc<Lfs>>,
    held: Mutex<HashMap<PathBuf, Arc<Held>>>,
}

/// A worktree that is in use.
pub(super) struct Held {
    /// Its slot.
    pub(super) slot: Slot,
    /// What is remembered of it; locked while its files are taken in.
    pub(super) work: tokio::sync::Mutex<Work>,
    taken: AtomicBool,
}

impl Held {
    /// Its files are taken in, so that its index tells of them from now on.
    pub(super) fn note_taken(&self) {
        self.taken.store(true, Ordering::Relaxed);
    }

    /// May its index know more than what was laid out?
    pub(super) fn was_taken(&self) -> bool {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Worktrees {
    /// None is in use yet.
    pub(super) fn new(
        slots: PathBuf,
        pool: Pool,
        habits: Habits,
        checkout: Option<PathBuf>,
        submodules: Option<Arc<Submodules>>,
        lfs: Option<Arc<Lfs>>,
    ) -> Self {
        Self {
            slots,
            pool,
            habits,
            checkout,
            submodules,
            lfs,
            held: Mutex::new(HashMap::new()),
        }
    }

    /// Does this process use the issue's worktree?
    pub(super) fn holds(&self, issue: IssueNumber) -> bool {
        self.held().contains_key(&self.pool.path(issue))
    }

    /// A worktree that this process uses.
    pub(super) fn find(&self, workspace: &Workspace) -> Result<Arc<Held>, RepositoryError> {
        let held = self.held().get(&workspace.path).cloned();
        held.ok_or_else(|| RepositoryError::Git {
            action: format!("use {}", workspace.path.display()),
            detail: "it was given back already".to_owned(),
        })
    }

    /// The issue's worktree, where this process uses it.
    pub(super) fn in_use(&self, issue: IssueNumber) -> Option<Arc<Held>> {
        self.held().get(&self.pool.path(issue)).cloned()
    }

    /// Forgets that this process uses it.
    pub(super) fn let_go(&self, workspace: &Workspace) -> Option<Arc<Held>> {
        self.held().remove(&workspace.path)
    }

    /// Remembers that this process uses it.
    pub(super) fn hold(&self, slot: Slot, work: Work) -> Workspace {
        let workspace = Workspace {
            slot: SlotNumber(slot.number),
            path: self.pool.path(work.issue),
            base: work.base.clone(),
            start: work.start.clone(),
        };
        let held = Arc::new(Held {
            slot,
            work: tokio::sync::Mutex::new(work),
            taken: AtomicBool::new(false),
        });
        self.held().insert(workspace.path.clone(), held);
        workspace
    }

    /// Lays the work's start out at its issue's path, with all that belongs to it, and hands it out.
    pub(super) async fn hand_out(
        &self,
        mirror: &Mirror,
        slot: Slot,
        work: Work,
    ) -> Result<Workspace, RepositoryError> {
        let issue = work.issue;
        match self.lay_out(mirror, &slot, work).await {
            Ok(work) => Ok(self.hold(slot, work)),
            Err(cause) => {
                if let Err(more) = self.put_back(&slot, issue) {
                    tracing::warn!(%issue, %more, "could not give the slot back");
                }
                Err(cause)
            }
        }
    }

    /// What a kill interrupts is not `ready`.
    async fn lay_out(
        &self,
        mirror: &Mirror,
        slot: &Slot,
        mut work: Work,
    ) -> Result<Work, RepositoryError> {
        let io = |cause| failed("prepare the worktree", cause);
        let path = self.pool.path(work.issue);
        keep(mirror, "base", &work.base)?;
        slot.note(&work).map_err(io)?;
        let free = self.pool.free(slot.number);
        let mut moved = fs::rename(&free, &path);
        let is_taken = |cause: &io::Error| cause.kind() == io::ErrorKind::DirectoryNotEmpty;
        if moved.as_ref().is_err_and(is_taken) {
            // What a call that was dropped had begun may still write there after its place was made free.
            self.put_by(work.issue)?;
            moved = fs::rename(&free, &path);
        }
        match moved {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(io(cause)),
            Ok(()) | Err(_) => {}
        }
        let listing = mirror.listing(work.start.as_str(), &slot.scope).await?;
        let is_warm = self.habits.keep_ignored && slot.is_warm_for(&listing.locked);
        let leftovers = if is_warm {
            Leftovers::Ignored
        } else {
            Leftovers::None
        };
        let layout = Layout {
            mirror,
            slot,
            tree: &path,
            slots: &self.slots,
            leftovers,
        };
        let Laid { nested, mut odd } = layout.lay_out(work.start.as_str()).await?;
        if let Some(submodules) = &self.submodules {
            let fill = submodules.lay_out(mirror, work.start.as_str(), &path, &slot.scope);
            fill.await?;
        }
        if let Some(lfs) = &self.lfs {
            work.larges = lfs.lay_out(mirror, slot, &path).await?;
            // Our index holds their pointers.
            odd.extend(work.larges.keys().map(PathBuf::from));
        }
        if self.habits.keep_ignored {
            slot.note_caches(&listing.locked).map_err(io)?;
        }
        let copied = self.copy_in(&path).await?;
        seal_copied(slot, &copied).map_err(io)?;
        work.nested = match leftovers {
            Leftovers::Ignored => seal(mirror, slot, &path, &self.slots, nested).await?,
            Leftovers::None => below(&path, &nested).map_err(io)?,
        };
        work.odd = below(&path, &odd).map_err(io)?;
        private::make(mirror, slot, &path, &work, &copied).await?;
        work.ready = true;
        slot.note(&work).map_err(io)?;
        Ok(work)
    }

    /// The slot of a worktree that nobody holds any more.
    pub(super) async fn abandoned(
        &self,
        issue: IssueNumber,
    ) -> Result<Option<(Slot, Work)>, RepositoryError> {
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
    pub(super) async fn make_way(
        &self,
        mirror: &Mirror,
        issue: IssueNumber,
    ) -> Result<(), RepositoryError> {
        let path = self.pool.path(issue);
        if let Some(held) = self.held().get(&path) {
            let lock = self.pool.lock_path(held.slot.number);
            return Err(busy(&lock, &format!("the worktree of {issue}")));
        }
        match self.abandoned(issue).await? {
            Some((slot, work)) => self.rescue(mirror, &slot, &work).await,
            None => self.put_by(issue),
        }
    }

    /// Takes in what a worktree holds that nobody asked for, and gives its slot back.
    pub(super) async fn rescue(
        &self,
        mirror: &Mirror,
        slot: &Slot,
        work: &Work,
    ) -> Result<(), RepositoryError> {
        let path = self.pool.path(work.issue);
        if work.ready && path.symlink_metadata().is_ok() {
            let taking = Taking {
                mirror,
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

    /// Makes an issue's worktree the free one of its slot.
    pub(super) fn put_back(&self, slot: &Slot, issue: IssueNumber) -> Result<(), RepositoryError> {
        let (path, free) = (self.pool.path(issue), self.pool.free(slot.number));
        let put_back = || {
            let is_worktree = is_directory(&path);
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

    /// Moves a worktree of unknown content to where nothing deletes it.
    fn put_by(&self, issue: IssueNumber) -> Result<(), RepositoryError> {
        let path = self.pool.path(issue);
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

    fn held(&self) -> MutexGuard<'_, HashMap<PathBuf, Arc<Held>>> {
        self.held.lock().expect("no panic under this lock")
    }
}
