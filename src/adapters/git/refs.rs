//! Refs of our own in the mirror: what they keep is never collected.

use super::mirror::Mirror;
use super::run::failed;
use crate::ports::RepositoryError;
use crate::rules::ids::CommitId;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where the refs live that keep commits.
const KEEP: &str = "refs/autoissue/keep";

/// Keeps a commit of the mirror under `<prefix>-<start of its id>`: the same commit twice is one ref, and no ref is
/// ever moved. Written without a process: a new ref of git's is a new file.
pub(super) fn keep(
    mirror: &Mirror,
    prefix: &str,
    commit: &CommitId,
) -> Result<(), RepositoryError> {
    let id = commit.as_str();
    let short = id.get(..16).unwrap_or(id);
    let directory = mirror.path.join(KEEP);
    let write = || {
        fs::create_dir_all(&directory)?;
        let path = directory.join(format!("{prefix}-{short}"));
        if path.exists() {
            return Ok(());
        }
        write_durably(&path, format!("{id}\n").as_bytes())
    };
    write().map_err(|cause| failed(&format!("keep {short}"), cause))
}

/// Removes a file that may be gone already.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes a file so that it is there whole, or as it was before, whenever we are killed.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_aside(path, bytes, |_| Ok(()))
}

/// The same, and also when the machine is.
fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_aside(path, bytes, File::sync_data)
}

fn write_aside(
    path: &Path,
    bytes: &[u8],
    settle: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    // Git takes no file with this ending for a ref.
    name.push(format!(".{}-{count}.lock", std::process::id()));
    let aside = path.with_file_name(name);
    let mut file = File::create(&aside)?;
    file.write_all(bytes)?;
    settle(&file)?;
    drop(file);
    fs::rename(&aside, path)
}
