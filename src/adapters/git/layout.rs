//! Lays a commit's files out in a directory that was used before, and proves that nothing else is left in it.

use super::mirror::Mirror;
use super::run::{blocking, failed};
use super::slot::Slot;
use super::sweep::{RootGit, is_directory, sweep};
use super::trash::{delete, set_aside};
use crate::ports::RepositoryError;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What may stay in a directory that is used again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leftovers {
    /// Nothing.
    None,
    /// Ignored files, such as build caches.
    Ignored,
}

/// A directory that is to hold exactly the files of one commit.
pub(super) struct Layout<'a> {
    /// Has the objects.
    pub(super) mirror: &'a Mirror,
    /// Has the index.
    pub(super) slot: &'a Slot,
    /// The directory.
    pub(super) tree: &'a Path,
    /// The directory that it is in; what cannot be cleaned is thrown away here.
    pub(super) slots: &'a Path,
    /// What may stay.
    pub(super) leftovers: Leftovers,
}

/// What was laid out.
pub(super) struct Laid {
    /// Paths of nested repositories; their directories are empty.
    pub(super) nested: Vec<PathBuf>,
    /// Files that git takes for changed as soon as it has written them, because it would not write them so itself.
    pub(super) odd: Vec<PathBuf>,
}

impl Layout<'_> {
    /// Lays the commit out. A directory that is not provably clean afterwards is replaced by a new one.
    pub(super) async fn lay_out(&self, commit: &str) -> Result<Laid, RepositoryError> {
        let scope = &self.slot.scope;
        if is_directory(self.tree) && self.slot.index().exists() && scope.is_of(self.slot) {
            match self.reset(commit).await {
                Ok(Laid { nested, odd }) if odd.is_empty() => return Ok(Laid { nested, odd }),
                Ok(Laid { odd, .. }) => tracing::debug!(?odd, "a used worktree is not clean"),
                Err(cause) => tracing::debug!(%cause, "a used worktree cannot be used"),
            }
        }
        self.start_over()?;
        scope.seed(self.mirror, self.slot, commit).await?;
        self.reset(commit).await
    }

    fn start_over(&self) -> Result<(), RepositoryError> {
        let action = "make a new worktree";
        self.slot
            .start_over()
            .map_err(|cause| failed(action, cause))?;
        // Two quick steps without a pause between: on another thread they would go on after this call was dropped, into
        // the way of the one that is made in its place.
        let aside = set_aside(self.tree, self.slots)
            .and_then(|aside| fs::create_dir(self.tree).map(|()| aside))
            .map_err(|cause| failed(action, cause))?;
        if let Some(aside) = aside {
            delete_later(aside);
        }
        Ok(())
    }

    async fn reset(&self, commit: &str) -> Result<Laid, RepositoryError> {
        let (tree, slots) = (self.tree.to_owned(), self.slots.to_owned());
        blocking("sweep the worktree", move || {
            sweep(&tree, RootGit::Remove, &slots)
        })
        .await?;
        let action = format!("lay out {commit}");
        let inherit = |cause| failed("lock the slot", cause);
        let scope = &self.slot.scope;
        (scope.tell(self.mirror).and_then(|()| scope.note(self.slot)))
            .map_err(|cause| failed(&action, cause))?;
        self.slot
            .call(self.mirror, self.tree, "read-tree")?
            .args(["-u", "--reset", commit])
            .holding(&self.slot.lock)
            .map_err(inherit)?
            .run(&action)
            .await?;
        let nested = self.mirror.listing(commit, scope).await?.paths();
        let (tree, slots, paths) = (self.tree.to_owned(), self.slots.to_owned(), nested.clone());
        blocking("empty nested repositories", move || {
            empty(&tree, &paths, &slots)
        })
        .await?;
        let mut left = self.left().await?;
        if !left.is_empty() {
            let ignored = match self.leftovers {
                Leftovers::None => Some("-x"),
                Leftovers::Ignored => None,
            };
            self.slot
                .call(self.mirror, self.tree, "clean")?
                .args(["-ffdq"])
                .args(ignored)
                .holding(&self.slot.lock)
                .map_err(inherit)?
                .run("clean the worktree")
                .await?;
            left = self.left().await?;
        }
        let odd = odd(&left).ok_or_else(|| RepositoryError::Git {
            action,
            detail: "files are left that the commit does not hold".to_owned(),
        })?;
        Ok(Laid { nested, odd })
    }

    /// All that is there and should not be, even empty directories, and all that is not as it should be.
    async fn left(&self) -> Result<Vec<u8>, RepositoryError> {
        let ignored = match self.leftovers {
            Leftovers::None => None,
            Leftovers::Ignored => Some("--exclude-standard"),
        };
        let said = self
            .slot
            .call(self.mirror, self.tree, "ls-files")?
            .args([
                // Directories outside of the scope stay the one entry that they are.
                "--sparse",
                "-z",
                "-t",
                "--others",
                "--directory",
                "--modified",
                "--deleted",
            ])
            .args(ignored)
            .run("look over the worktree")
            .await?;
        Ok(said.out)
    }
}

/// The files that are there and differ, each marked `C`; none if that is not all.
fn odd(left: &[u8]) -> Option<Vec<PathBuf>> {
    left.split(|byte| *byte == 0)
        .filter(|entry| !entry.is_empty())
        .map(|entry| Some(PathBuf::from(OsStr::from_bytes(entry.strip_prefix(b"C ")?))))
        .collect()
}

/// Git cleans nothing below a nested repository's path.
fn empty(tree: &Path, nested: &[PathBuf], slots: &Path) -> io::Result<()> {
    for path in nested {
        let path = tree.join(path);
        if fs::read_dir(&path)?.next().is_some() {
            if let Some(aside) = set_aside(&path, slots)? {
                delete(&aside)?;
            }
            fs::create_dir(&path)?;
        }
    }
    Ok(())
}

/// Deletes in the background: nothing waits for it, and what a kill leaves is found by its name.
pub(super) fn delete_later(path: PathBuf) {
    tokio::task::spawn_blocking(move || {
        if let Err(cause) = delete(&path) {
            tracing::warn!(path = %path.display(), %cause, "could not delete");
        }
    });
}
