//! Removes worktrees that are not needed, and says what stays.

use super::homes;
use super::slot::Pool;
use super::trash::{delete, set_aside};
use crate::rules::ids::IssueNumber;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What became of one worktree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned {
    /// Where it is, or was.
    pub path: PathBuf,
    /// Why it stays; none if it was removed.
    pub kept: Option<String>,
}

/// Looks at everything below `slots`.
pub(super) fn clean(slots: &Path, pool: &Pool, checks: &Pool) -> io::Result<Vec<Cleaned>> {
    let mut names = fs::read_dir(slots)?
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    let mut all = Vec::new();
    for name in names {
        let path = slots.join(&name);
        let kept = match name.split_once('-') {
            Some(("free", number)) => remove(&path, number, pool, slots)?,
            Some(("check", number)) => remove(&path, number, checks, slots)?,
            // Whoever set it aside deletes it.
            Some(("trash", _)) => continue,
            Some(("issue", number)) => Some(why_kept(number, pool)?),
            Some(("home", tree)) if tree.starts_with("issue-") => {
                Some("its agent's conversation may go on".to_owned())
            }
            Some(("home", tree)) => {
                homes::forget(&slots.join(tree), slots)?;
                None
            }
            Some(("kept", _)) => Some("nobody knows what it holds".to_owned()),
            Some(_) | None => Some("it is not ours".to_owned()),
        };
        all.push(Cleaned { path, kept });
    }
    Ok(all)
}

/// Removes worktrees that nobody uses, those first that were used longest ago, until all together take no more bytes.
pub(super) fn trim(slots: &Path, [pool, checks]: [&Pool; 2], most: u64) -> io::Result<()> {
    let mut taken = 0;
    let mut free = Vec::new();
    for entry in fs::read_dir(slots)? {
        let entry = entry?;
        let (name, path) = (
            entry.file_name().to_string_lossy().into_owned(),
            entry.path(),
        );
        let size = bytes_below(&path);
        taken += size;
        let its_pool = match name.split_once('-') {
            Some(("free", number)) => Some((pool, number)),
            Some(("check", number)) => Some((checks, number)),
            Some(_) | None => None,
        };
        if let Some((pool, number)) = its_pool {
            let used = entry.metadata().and_then(|found| found.modified())?;
            free.push((used, size, path, pool, number.to_owned()));
        }
    }
    free.sort_by_key(|(used, ..)| *used);
    for (_, size, path, pool, number) in free {
        if taken <= most {
            return Ok(());
        }
        if remove(&path, &number, pool, slots)?.is_none() {
            taken -= size;
        }
    }
    if taken > most {
        let megabytes = taken >> 20;
        tracing::warn!(
            megabytes,
            "worktrees that hold work take more than worktree.maxDiskMb"
        );
    }
    Ok(())
}

/// Removes what an issue's attempts left beside its worktree: their home, and what was put by.
pub(super) fn forget(path: &Path, slots: &Path) -> io::Result<()> {
    match set_aside(path, slots)? {
        Some(aside) => delete(&aside),
        None => Ok(()),
    }
}

/// What the files of a directory take on the disk; no link is followed.
pub(super) fn bytes_below(root: &Path) -> u64 {
    let mut bytes = 0;
    let mut stack = vec![root.to_owned()];
    while let Some(directory) = stack.pop() {
        // Somebody else may delete it at this moment, or has made it so that nobody reads it.
        let Ok(found) = fs::read_dir(&directory) else {
            continue;
        };
        for entry in found.flatten() {
            match entry.metadata() {
                Ok(found) if found.is_dir() => stack.push(entry.path()),
                Ok(found) => bytes += found.blocks() * 512,
                Err(_) => {}
            }
        }
    }
    bytes
}

/// Removes a worktree whose slot is free; else says why not.
fn remove(path: &Path, number: &str, pool: &Pool, slots: &Path) -> io::Result<Option<String>> {
    let Ok(number) = number.parse() else {
        return Ok(Some("it is not ours".to_owned()));
    };
    let Some(slot) = pool.lock(number)? else {
        return Ok(Some("it is in use".to_owned()));
    };
    slot.start_over()?;
    if let Some(aside) = set_aside(path, slots)? {
        delete(&aside)?;
    }
    Ok(None)
}

fn why_kept(number: &str, pool: &Pool) -> io::Result<String> {
    let its = match number.parse() {
        Ok(number) => pool.find(IssueNumber(number))?,
        Err(_) => None,
    };
    let why = match its.map(|slot| pool.lock(slot)).transpose()? {
        None => "nobody knows what it holds",
        Some(None) => "it is in use",
        Some(Some(_)) => "it may hold work of a session that was killed: resume the session",
    };
    Ok(why.to_owned())
}
