//! Looks at what stands where worktrees are, and says of each whether it is sound: nothing is changed, no link is followed,
//! and git is not called.

use super::clean::bytes_below;
use super::index::read;
use super::nofollow::{content, look, step_into};
use super::slot::{Pool, Work};
use super::source::Place;
use super::sweep::{is_directory, open_root};
use crate::rules::ids::{BranchName, IssueNumber};
use nix::dir::Dir;
use std::ffi::{CString, OsStr};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// A path that is longer is none of ours.
const PATH_BYTES: u64 = 8 << 10;

/// What something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A worktree for an issue: an attempt's, or what a killed one left.
    Issue,
    /// A worktree that waits for an attempt, or for checks.
    Spare,
    /// What an issue's agents had for their home.
    Home,
    /// Moved out of the way, because nobody knew what it holds.
    PutBy,
    /// A note of a worktree that is not there.
    Missing,
    /// Whatever else lies there.
    Foreign,
}

/// What is wrong with a worktree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is a link, or no directory.
    NoDirectory,
    /// No note of ours says what it is for.
    Unregistered,
    /// It was never laid out to its end.
    Unfinished,
    /// The agent's git directory is not there, or is a link or a file that leads elsewhere.
    NoGit,
    /// The agent's git directory looks for its objects elsewhere than in our mirror.
    OtherObjects,
    /// Our index over it is not there or cannot be read.
    NoIndex,
}

/// One thing that lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// The issue that it is for.
    pub issue: Option<IssueNumber>,
    /// The branch that its work goes to.
    pub branch: Option<BranchName>,
    /// Does a living process hold it?
    pub held: bool,
    /// How many files of the commit were changed or removed; nothing where nobody can tell.
    pub changed: Option<usize>,
    /// What its files take on the disk.
    pub bytes: u64,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
}

/// Everything, in the order of names. Nothing where there never was a worktree.
pub fn inspect(place: &Place) -> io::Result<Vec<Found>> {
    let own = place.mirror.join("autoissue");
    let pool = Pool::new(own.join("slots"), place.slots.clone(), "free");
    let checks = Pool::new(own.join("checks"), place.slots.clone(), "check");
    let listing = match fs::read_dir(&place.slots) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing?,
    };
    let mut all = Vec::new();
    for entry in listing {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        match name.split_once('-') {
            Some(("issue", number)) => all.push(issue(place, &pool, path, number)?),
            Some(("free", number)) => all.push(spare(&pool, path, number)?),
            Some(("check", number)) => all.push(spare(&checks, path, number)?),
            Some(("home", tree)) => {
                let number = tree.strip_prefix("issue-").and_then(|it| it.parse().ok());
                all.push(plain(path, Kind::Home, number));
            }
            Some(("kept", rest)) => {
                let number = rest.split('-').next().and_then(|it| it.parse().ok());
                all.push(plain(path, Kind::PutBy, number));
            }
            // Whoever set it aside deletes it.
            Some(("trash", _)) => {}
            Some(_) | None => all.push(plain(path, Kind::Foreign, None)),
        }
    }
    all.extend(missing(&pool)?);
    all.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(all)
}

fn plain(path: PathBuf, kind: Kind, issue: Option<u64>) -> Found {
    Found {
        bytes: bytes_below(&path),
        path,
        kind,
        issue: issue.map(IssueNumber),
        branch: None,
        held: false,
        changed: None,
        faults: Vec::new(),
    }
}

/// A worktree at an issue's path.
fn issue(place: &Place, pool: &Pool, path: PathBuf, number: &str) -> io::Result<Found> {
    let mut found = plain(path, Kind::Issue, number.parse().ok());
    if !is_directory(&found.path) {
        found.faults.push(Fault::NoDirectory);
        return Ok(found);
    }
    let slot = found.issue.map(|issue| pool.find(issue)).transpose()?;
    let Some(slot) = slot.flatten() else {
        found.faults.push(Fault::Unregistered);
        return Ok(found);
    };
    found.held = pool.is_held(slot)?;
    let Some(work) = pool.work(slot) else {
        found.faults.push(Fault::Unregistered);
        return Ok(found);
    };
    found.branch = Some(work.branch.clone());
    if !work.ready {
        // An attempt that begins is not there yet; one that was killed then has changed nothing.
        found
            .faults
            .extend((!found.held).then_some(Fault::Unfinished));
        return Ok(found);
    }
    found.faults.extend(git_fault(place, &found.path));
    match changed(pool, slot, &found.path, &work) {
        Ok(count) => found.changed = Some(count),
        Err(_) => found.faults.push(Fault::NoIndex),
    }
    Ok(found)
}

fn spare(pool: &Pool, path: PathBuf, number: &str) -> io::Result<Found> {
    let mut found = plain(path, Kind::Spare, None);
    if !is_directory(&found.path) {
        found.faults.push(Fault::NoDirectory);
    }
    match number.parse() {
        Ok(number) if pool.is_known(number) => found.held = pool.is_held(number)?,
        Ok(_) | Err(_) => found.faults.push(Fault::Unregistered),
    }
    Ok(found)
}

/// Notes of worktrees that lie nowhere.
fn missing(pool: &Pool) -> io::Result<Vec<Found>> {
    let gone = |(number, work): (u32, Work)| {
        let path = pool.path(work.issue);
        let is_there = |path: &Path| path.symlink_metadata().is_ok();
        (!is_there(&path) && !is_there(&pool.free(number))).then(|| Found {
            branch: Some(work.branch),
            ..plain(path, Kind::Missing, Some(work.issue.0))
        })
    };
    Ok(pool.notes()?.into_iter().filter_map(gone).collect())
}

/// What is wrong with the agent's own git directory, as far as that matters: whoever goes on in there would find no
/// history. We never read anything else of it.
fn git_fault(place: &Place, tree: &Path) -> Option<Fault> {
    let info = || {
        let git = step_into(&open_root(tree)?, b".git")?;
        step_into(&step_into(&git, b"objects")?, b"info")
    };
    let Ok(info) = info() else {
        return Some(Fault::NoGit);
    };
    let told = content(&info, c"alternates", 0o100_644, PATH_BYTES);
    let objects = told.as_deref().map(<[u8]>::trim_ascii_end);
    let is_ours = |told: &[u8]| {
        let (told, ours) = (
            Path::new(OsStr::from_bytes(told)),
            place.mirror.join("objects"),
        );
        told == ours || told.canonicalize().ok() == ours.canonicalize().ok()
    };
    (!objects.is_some_and(is_ours)).then_some(Fault::OtherObjects)
}

/// How many files of the commit are not as they were laid out, by our index alone; those that git would write otherwise, and
/// large files over their pointers, are as they should be.
fn changed(pool: &Pool, slot: u32, tree: &Path, work: &Work) -> io::Result<usize> {
    let bytes = fs::read(pool.index(slot))?;
    let index = read(&bytes, work.start.as_str().len() > 40)?;
    let root = open_root(tree)?;
    let mut above: (&[u8], Option<Dir>) = (b"", Some(step_into(&root, b".")?));
    let mut count = 0;
    for known in &index {
        let text = String::from_utf8_lossy(&known.path);
        let is_odd = work.odd.contains_key(&*text) || work.larges.contains_key(&*text);
        if known.is_nested() || known.is_left_out || is_odd {
            continue;
        }
        let at = known.path.iter().rposition(|byte| *byte == b'/');
        let (parent, name) = at.map_or((&b""[..], &known.path[..]), |at| {
            (&known.path[..at], &known.path[at + 1..])
        });
        if above.0 != parent {
            above = (parent, open(&root, parent).ok());
        }
        let name = CString::new(name).map_err(io::Error::other)?;
        let stat = above.1.as_ref().and_then(|dir| look(dir, &name).ok());
        count += usize::from(!stat.is_some_and(|stat| known.is_untouched(&stat)));
    }
    Ok(count)
}

fn open(root: &Dir, path: &[u8]) -> io::Result<Dir> {
    let mut names = path.split(|byte| *byte == b'/');
    let first = step_into(root, names.next().unwrap_or_default())?;
    names.try_fold(first, |dir, name| step_into(&dir, name))
}
