//! Lays a commit's files out in a directory that was used before, and proves that nothing else is left in it.

use super::mirror::Mirror;
use super::run::{blocking, failed};
use super::slot::Slot;
use super::sweep::{RootGit, sweep};
use super::trash::{delete, set_aside};
use crate::ports::RepositoryError;
use std::fs;
use std::io;
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

impl Layout<'_> {
    /// Lays the commit out. A directory that is not provably clean afterwards is replaced by a new one. Returns the
    /// paths of nested repositories, whose directories are empty.
    pub(super) async fn lay_out(&self, commit: &str) -> Result<Vec<PathBuf>, RepositoryError> {
        let there = self
            .tree
            .symlink_metadata()
            .is_ok_and(|found| found.is_dir());
        let used = there && self.slot.index().exists();
        if used && let Ok(Some(nested)) = self.reset(commit).await {
            return Ok(nested);
        }
        self.start_over().await?;
        self.reset(commit)
            .await?
            .ok_or_else(|| RepositoryError::Git {
                action: format!("lay out {commit}"),
                detail: "the files are not what the commit holds".to_owned(),
            })
    }

    async fn start_over(&self) -> Result<(), RepositoryError> {
        let (tree, slots) = (self.tree.to_owned(), self.slots.to_owned());
        let action = "make a new worktree";
        self.slot
            .start_over()
            .map_err(|cause| failed(action, cause))?;
        let aside = blocking(action, move || {
            let aside = set_aside(&tree, &slots)?;
            fs::create_dir(&tree)?;
            Ok(aside)
        })
        .await?;
        if let Some(aside) = aside {
            delete_later(aside);
        }
        Ok(())
    }

    /// `None` if something is left that must not be there.
    async fn reset(&self, commit: &str) -> Result<Option<Vec<PathBuf>>, RepositoryError> {
        let (tree, slots) = (self.tree.to_owned(), self.slots.to_owned());
        blocking("sweep the worktree", move || {
            sweep(&tree, RootGit::Remove, &slots)
        })
        .await?;
        let action = format!("lay out {commit}");
        let index = self.slot.index();
        let inherit = |cause| failed("lock the slot", cause);
        self.mirror
            .call_over(self.tree, &index, "read-tree")?
            .args(["-u", "--reset", commit])
            .holding(&self.slot.lock)
            .map_err(inherit)?
            .run(&action)
            .await?;
        let nested = self.mirror.nested(commit).await?;
        let (tree, slots, paths) = (self.tree.to_owned(), self.slots.to_owned(), nested.clone());
        blocking("empty nested repositories", move || {
            empty(&tree, &paths, &slots)
        })
        .await?;
        let ignored = match self.leftovers {
            Leftovers::None => Some("-x"),
            Leftovers::Ignored => None,
        };
        self.mirror
            .call_over(self.tree, &index, "clean")?
            .args(["-ffdq"])
            .args(ignored)
            .holding(&self.slot.lock)
            .map_err(inherit)?
            .run("clean the worktree")
            .await?;
        Ok(self.is_clean(&index).await?.then_some(nested))
    }

    async fn is_clean(&self, index: &Path) -> Result<bool, RepositoryError> {
        let ignored = match self.leftovers {
            Leftovers::None => None,
            Leftovers::Ignored => Some("--exclude-standard"),
        };
        let said = self
            .mirror
            .call_over(self.tree, index, "ls-files")?
            .args(["-z", "--others", "--modified", "--deleted"])
            .args(ignored)
            .run("look over the worktree")
            .await?;
        Ok(said.out.is_empty())
    }
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
