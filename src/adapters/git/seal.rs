//! Which files of a worktree are never committed: those copied in, and those untracked when setup ended.

use super::mirror::Mirror;
use super::refs::{remove_file, write_whole};
use super::run::{blocking, failed};
use super::slot::Slot;
use super::sweep::{RootGit, fingerprint, sweep};
use crate::ports::RepositoryError;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Seals the files that were copied in, before anything else runs.
pub(super) fn seal_copied(slot: &Slot, copied: &[PathBuf]) -> io::Result<()> {
    if copied.is_empty() {
        return remove_file(&slot.sealed());
    }
    let names = copied.iter().map(|path| path.as_os_str().as_bytes());
    write_whole(&slot.sealed(), &names.collect::<Vec<_>>().join(&0))
}

/// Seals every untracked file as well, ignored or not, because what is ignored may change later. Returns what lies
/// below the paths of nested repositories.
pub(super) async fn seal(
    mirror: &Mirror,
    slot: &Slot,
    tree: &Path,
    slots: &Path,
    nested: Vec<PathBuf>,
) -> Result<BTreeMap<String, u64>, RepositoryError> {
    let (root, bin) = (tree.to_owned(), slots.to_owned());
    blocking("sweep the worktree", move || {
        sweep(&root, RootGit::Keep, &bin)
    })
    .await?;
    let mut said = slot
        .call(mirror, tree, "ls-files")?
        .args(["-z", "--others"])
        .run("list what setup made")
        .await?;
    let sealed = slot.sealed();
    let root = tree.to_owned();
    blocking("seal the worktree", move || {
        if !said.out.is_empty() {
            let mut all = read_list(&sealed)?;
            all.append(&mut said.out);
            write_whole(&sealed, &all)?;
        }
        below(&root, &nested)
    })
    .await
}

/// The sealed files.
pub(super) fn sealed(slot: &Slot) -> Result<HashSet<Vec<u8>>, RepositoryError> {
    let list = read_list(&slot.sealed()).map_err(|cause| failed("read the sealed files", cause))?;
    Ok(list.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect())
}

/// What lies below the paths of nested repositories, as one number each.
pub(super) fn below(tree: &Path, nested: &[PathBuf]) -> io::Result<BTreeMap<String, u64>> {
    nested
        .iter()
        .map(|path| {
            let number = fingerprint(&tree.join(path))?;
            Ok((path.to_string_lossy().into_owned(), number))
        })
        .collect()
}

fn read_list(path: &Path) -> io::Result<Vec<u8>> {
    let mut list = match fs::read(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        list => list?,
    };
    if list.last().is_some_and(|byte| *byte != 0) {
        list.push(0);
    }
    Ok(list)
}
