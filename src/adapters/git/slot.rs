//! Slots: numbered places for worktrees, shared with other processes, each with an index of our own.

use super::lfs::Larges;
use super::lock::{Lock, busy};
use super::mirror::Mirror;
use super::refs::{remove_file, write_whole};
use super::run::{Call, failed};
use super::sparse::Scope;
use crate::ports::RepositoryError;
use crate::rules::footprint::is_lock_file;
use crate::rules::ids::{BranchName, CommitId, IssueNumber};
use crate::rules::task::DiffStat;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long gits of a killed process may still hold its slot.
const PATIENCE: Duration = Duration::from_secs(5);

/// More slots than any machine has.
const MOST: u32 = 4096;

/// All slots of one kind.
#[derive(Clone)]
pub(super) struct Pool {
    /// Where locks, indexes and notes are kept: `<records>/<number>/`.
    records: PathBuf,
    /// Where the worktrees are.
    slots: PathBuf,
    /// What the worktrees are called while nobody uses them.
    name: &'static str,
    /// Which directories are laid out in them.
    scope: Scope,
}

/// A slot that is ours.
pub(super) struct Slot {
    /// Its number.
    pub(super) number: u32,
    /// Kept as long as the slot is ours; git inherits it.
    pub(super) lock: Lock,
    /// Which directories are laid out in its worktree.
    pub(super) scope: Scope,
    record: PathBuf,
}

/// What is remembered of an attempt's worktree, so that another process can go on with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Work {
    /// The issue that it is for.
    pub(super) issue: IssueNumber,
    /// The branch that the agent sees itself on.
    pub(super) branch: BranchName,
    /// What the result stands on.
    pub(super) base: CommitId,
    /// What was laid out.
    pub(super) start: CommitId,
    /// Was it handed out, so that it may hold work?
    pub(super) ready: bool,
    /// Paths of nested repositories, with what lay below each when setup ended.
    pub(super) nested: BTreeMap<String, u64>,
    /// Files that git takes for changed right after it wrote them (their line ends, say), as they were then.
    pub(super) odd: BTreeMap<String, u64>,
    /// Files of Git LFS that lie there with their content.
    #[serde(default)]
    pub(super) larges: Larges,
}

impl Pool {
    /// Slots whose records are kept in the one directory, and whose worktrees are in the other.
    pub(super) fn new(records: PathBuf, slots: PathBuf, name: &'static str) -> Self {
        Self {
            records,
            slots,
            name,
            scope: Scope::default(),
        }
    }

    /// The same, with worktrees of this scope.
    pub(super) fn scoped(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// Where a slot's worktree is while no issue has it.
    pub(super) fn free(&self, number: u32) -> PathBuf {
        self.slots.join(format!("{}-{number}", self.name))
    }

    /// Where an issue's worktree is, whichever slot it has.
    pub(super) fn path(&self, issue: IssueNumber) -> PathBuf {
        self.slots.join(format!("issue-{}", issue.0))
    }

    /// Takes a slot that nobody holds and that holds no work: `wanted`, or else the next.
    pub(super) fn take(&self, wanted: u32, what: &str) -> Result<Slot, RepositoryError> {
        for number in (wanted..MOST).chain(0..wanted.min(MOST)) {
            let slot = self
                .take_this(number)
                .map_err(|cause| failed(what, cause))?;
            if let Some(slot) = slot {
                return Ok(slot);
            }
        }
        Err(busy(&self.lock_path(wanted), what))
    }

    fn take_this(&self, number: u32) -> io::Result<Option<Slot>> {
        let Some(slot) = self.lock(number)? else {
            return Ok(None);
        };
        if let Some(work) = slot.work()
            && self.is_at(number, work.issue)
        {
            return Ok(None);
        }
        slot.forget()?;
        Ok(Some(slot))
    }

    /// Is the slot's worktree at the issue's path? A process that was killed may have noted that, and not done it.
    fn is_at(&self, number: u32, issue: IssueNumber) -> bool {
        let is_there = |path: &Path| path.symlink_metadata().is_ok();
        !is_there(&self.free(number)) && is_there(&self.path(issue))
    }

    /// The slot whose worktree is at the issue's path, whoever holds it.
    pub(super) fn find(&self, issue: IssueNumber) -> io::Result<Option<u32>> {
        if self.path(issue).symlink_metadata().is_err() {
            return Ok(None);
        }
        let notes = self.notes()?.into_iter();
        let mut its =
            notes.filter(|(number, work)| work.issue == issue && self.is_at(*number, issue));
        Ok(its.next().map(|(number, _)| number))
    }

    /// Does a living process hold the slot? It is taken for a moment to find out.
    pub(super) fn is_held(&self, number: u32) -> io::Result<bool> {
        Ok(self.is_known(number) && self.lock(number)?.is_none())
    }

    /// Was the slot ever used?
    pub(super) fn is_known(&self, number: u32) -> bool {
        self.record(number).is_dir()
    }

    /// What is remembered of a slot's worktree, whoever holds it.
    pub(super) fn work(&self, number: u32) -> Option<Work> {
        read_note(&self.record(number))
    }

    /// Our index over a slot's worktree.
    pub(super) fn index(&self, number: u32) -> PathBuf {
        self.record(number).join("index")
    }

    /// What is remembered of every worktree.
    pub(super) fn notes(&self) -> io::Result<Vec<(u32, Work)>> {
        let mut found = Vec::new();
        let listing = match fs::read_dir(&self.records) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(found),
            listing => listing?,
        };
        for entry in listing {
            let entry = entry?;
            let number = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if let Some(number) = number
                && let Some(work) = read_note(&entry.path())
            {
                found.push((number, work));
            }
        }
        Ok(found)
    }

    /// Takes this very slot, which gits of a killed process may still hold for a moment.
    pub(super) async fn wait(&self, number: u32, what: &str) -> Result<Slot, RepositoryError> {
        let lock = Lock::wait(&self.lock_path(number), what, PATIENCE).await?;
        Ok(self.locked(number, lock))
    }

    /// Takes this very slot; `None` if somebody holds it.
    pub(super) fn lock(&self, number: u32) -> io::Result<Option<Slot>> {
        fs::create_dir_all(self.record(number))?;
        let lock = Lock::take(&self.lock_path(number))?;
        Ok(lock.map(|lock| self.locked(number, lock)))
    }

    fn locked(&self, number: u32, lock: Lock) -> Slot {
        Slot {
            number,
            lock,
            scope: self.scope.clone(),
            record: self.record(number),
        }
    }

    /// The file that is locked while the slot is held.
    pub(super) fn lock_path(&self, number: u32) -> PathBuf {
        self.record(number).join("lock")
    }

    fn record(&self, number: u32) -> PathBuf {
        self.records.join(number.to_string())
    }
}

impl Slot {
    /// Our index over its worktree.
    pub(super) fn index(&self) -> PathBuf {
        self.record.join("index")
    }

    /// A call on the mirror over files in its worktree, which must have been swept, with its index.
    pub(super) fn call(
        &self,
        mirror: &Mirror,
        tree: &Path,
        subcommand: &str,
    ) -> Result<Call, RepositoryError> {
        let call = mirror.call_over(tree, &self.index(), subcommand)?;
        Ok(call.settings(self.scope.settings()))
    }

    /// The file that says by what scope its worktree is laid out.
    pub(super) fn scope_path(&self) -> PathBuf {
        self.record.join("scope")
    }

    /// The list of files that are never committed.
    pub(super) fn sealed(&self) -> PathBuf {
        self.record.join("sealed")
    }

    /// What is remembered of it.
    pub(super) fn work(&self) -> Option<Work> {
        read_note(&self.record)
    }

    /// Remembers what its worktree is for.
    pub(super) fn note(&self, work: &Work) -> io::Result<()> {
        let json = serde_json::to_vec(work).map_err(io::Error::other)?;
        write_whole(&self.note_path(), &json)
    }

    /// Forgets what its worktree was for.
    pub(super) fn forget(&self) -> io::Result<()> {
        remove_file(&self.sealed())?;
        remove_file(&self.note_path())
    }

    /// Were the caches in its worktree made for the same lock files?
    pub(super) fn is_warm_for(&self, locked: &str) -> bool {
        fs::read_to_string(self.caches_path()).is_ok_and(|noted| noted == locked)
    }

    /// Notes for which lock files the caches in its worktree are.
    pub(super) fn note_caches(&self, locked: &str) -> io::Result<()> {
        write_whole(&self.caches_path(), locked.as_bytes())
    }

    /// Caches belong to nobody's lock files once an agent has changed one.
    pub(super) fn note_taken(&self, diff: &DiffStat) -> io::Result<()> {
        let is_whole = diff.files == diff.paths.len() as u64;
        if is_whole && !diff.paths.iter().any(|path| is_lock_file(path)) {
            return Ok(());
        }
        remove_file(&self.caches_path())
    }

    fn caches_path(&self) -> PathBuf {
        self.record.join("caches")
    }

    /// Its worktree is gone, and with it what the index knew.
    pub(super) fn start_over(&self) -> io::Result<()> {
        remove_file(&self.caches_path())?;
        remove_file(&self.index())?;
        remove_file(&self.scope_path())
    }

    fn note_path(&self) -> PathBuf {
        self.record.join("work.json")
    }
}

fn read_note(record: &Path) -> Option<Work> {
    serde_json::from_slice(&fs::read(record.join("work.json")).ok()?).ok()
}
