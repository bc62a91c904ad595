//! Throws directories away: renamed at once, deleted piece by piece.

use super::sweep::{entries, open_below, open_root};
use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::renameat;
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::ffi::{CStr, CString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// How the directories that are to be deleted begin.
pub(super) const PREFIX: &str = "trash-";

/// Directories nested deeper than this are lifted to the top before they are deleted.
const LIFT_BELOW: u32 = 100;

/// A place below `slots` that things are moved to before they are deleted; made when first needed.
pub(super) struct Trash<'a> {
    slots: &'a Path,
    bin: Option<(PathBuf, Dir)>,
    taken: u64,
}

impl<'a> Trash<'a> {
    /// Nothing is thrown away yet.
    pub(super) fn new(slots: &'a Path) -> Self {
        Self {
            slots,
            bin: None,
            taken: 0,
        }
    }

    /// Throws away what has this name in the directory.
    pub(super) fn take(&mut self, dir: &Dir, name: &CStr) -> io::Result<()> {
        match unlinkat(dir, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => return Ok(()),
            // Linux says EISDIR of a directory, POSIX says EPERM.
            Err(Errno::EISDIR | Errno::EPERM) => {}
            Err(other) => return Err(other.into()),
        }
        // Moving a directory to another parent needs write permission on itself.
        drop(open_below(dir, name)?);
        self.taken += 1;
        let to = number_name(self.taken);
        let bin = match &mut self.bin {
            Some((_, bin)) => bin,
            empty => {
                let path = fresh(self.slots)?;
                let bin = open_root(&path)?;
                &mut empty.insert((path, bin)).1
            }
        };
        Ok(renameat(dir, name, &*bin, to.as_c_str())?)
    }

    /// Deletes all that was thrown away.
    pub(super) fn burn(self) -> io::Result<()> {
        match self.bin {
            Some((path, _)) => delete(&path),
            None => Ok(()),
        }
    }
}

/// Renames whatever is at `path` out of the way, to be deleted later; returns its new place, or none if there was
/// nothing.
pub(super) fn set_aside(path: &Path, slots: &Path) -> io::Result<Option<PathBuf>> {
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let bin = fresh(slots)?;
    std::fs::rename(path, bin.join("0"))?;
    Ok(Some(bin))
}

/// Deletes a directory with all below it, of any depth and any mode, following no link.
pub(super) fn delete(path: &Path) -> io::Result<()> {
    let mut top = open_root(path)?;
    let mut lifted = 0;
    loop {
        let found = entries(&mut top)?;
        if found.is_empty() {
            break;
        }
        for (name, kind) in found {
            remove(&top, &name, kind, &top, &mut lifted, 0)?;
        }
    }
    std::fs::remove_dir(path)
}

fn remove(
    dir: &Dir,
    name: &CStr,
    kind: Type,
    top: &Dir,
    lifted: &mut u64,
    depth: u32,
) -> io::Result<()> {
    if kind != Type::Directory {
        return gone(unlinkat(dir, name, UnlinkatFlags::NoRemoveDir));
    }
    let mut inner = match open_below(dir, name) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    if depth == LIFT_BELOW {
        *lifted += 1;
        let to = CString::new(format!("lifted-{lifted}")).expect("digits hold no NUL");
        return Ok(renameat(dir, name, top, to.as_c_str())?);
    }
    for (below, kind) in entries(&mut inner)? {
        remove(&inner, &below, kind, top, lifted, depth + 1)?;
    }
    gone(unlinkat(dir, name, UnlinkatFlags::RemoveDir))
}

fn gone(result: nix::Result<()>) -> io::Result<()> {
    match result {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

fn number_name(number: u64) -> CString {
    CString::new(number.to_string()).expect("digits hold no NUL")
}

fn fresh(slots: &Path) -> io::Result<PathBuf> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = slots.join(format!("{PREFIX}{}-{count}", std::process::id()));
        match std::fs::create_dir(&path) {
            Err(taken) if taken.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| path),
        }
    }
}
