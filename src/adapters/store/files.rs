//! The store's own files: private to the user, with errors that say what helps.

use crate::adapters::store::error::{StoreError, is_full};
use nix::errno::Errno;
use nix::fcntl::FallocateFlags;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Kept free for the words of a stop when the disk is full.
const RESERVE_BYTES: u64 = 16 << 20;
/// Beside it this much has to be free: a session that could not write its first results down had paid for nothing.
const ROOM_BYTES: u64 = 4 << 20;

/// Makes the directory, and those above it, for this user alone; one that exists stays as it is.
pub(super) fn directory(path: &Path) -> Result<(), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|cause| tried(path, "create", cause))
}

/// Opens the file for reading and writing, creating it for this user alone.
pub(super) fn open(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|cause| tried(path, "open", cause))
}

/// What went wrong with this path, in the store's words.
pub(super) fn tried(path: &Path, action: &str, cause: std::io::Error) -> StoreError {
    if is_full(&cause) {
        return StoreError::Full { path: path.into() };
    }
    match cause.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly { path: path.into() }
        }
        _ => StoreError::Io {
            action: format!("{action} {}", path.display()),
            cause,
        },
    }
}

/// Space that is given back when the disk is full, so that the stop can still be written down.
#[derive(Clone, Debug)]
pub(super) struct Reserve {
    path: PathBuf,
}

impl Reserve {
    /// The reserve of this state directory.
    pub(super) fn of(state: &Path) -> Self {
        Self {
            path: state.join("reserve"),
        }
    }

    /// Sees to it that the space is taken, and that there is some beside it; without it no session begins.
    pub(super) fn fill(&self) -> Result<(), StoreError> {
        let mut file = open(&self.path)?;
        let filled = take_space(&mut file, RESERVE_BYTES + ROOM_BYTES)
            .and_then(|()| file.set_len(RESERVE_BYTES));
        filled.map_err(|cause| {
            self.release();
            tried(&self.path, "write", cause)
        })
    }

    /// Gives the space back; true if there was any.
    pub(super) fn release(&self) -> bool {
        std::fs::remove_file(&self.path).is_ok()
    }
}

/// Takes the space of a file this long for good: a hole reserves nothing.
fn take_space(file: &mut File, bytes: u64) -> std::io::Result<()> {
    let length = i64::try_from(bytes).expect("a few megabytes");
    match nix::fcntl::fallocate(&*file, FallocateFlags::empty(), 0, length) {
        Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => write_space(file, bytes),
        Err(cause) => Err(cause.into()),
        Ok(()) => Ok(()),
    }
}

/// The same where the file system cannot do it in one step.
fn write_space(file: &mut File, bytes: u64) -> std::io::Result<()> {
    let held = file.seek(SeekFrom::End(0))?;
    let missing = usize::try_from(bytes.saturating_sub(held)).expect("a few megabytes");
    file.write_all(&vec![0; missing])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    #[test]
    fn what_the_store_makes_is_for_its_user_alone() {
        let parent = tempfile::tempdir().unwrap();
        let state = parent.path().join("a/b");
        directory(&state).unwrap();
        open(&state.join("file")).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&state), 0o700);
        assert_eq!(mode(&state.join("file")), 0o600);
    }

    #[test]
    fn a_reserve_takes_real_space_until_it_is_released() {
        let state = tempfile::tempdir().unwrap();
        let reserve = Reserve::of(state.path());
        reserve.fill().unwrap();
        let taken = |path: &Path| std::fs::metadata(path).unwrap().blocks() * 512;
        let written = state.path().join("written");
        write_space(&mut open(&written).unwrap(), RESERVE_BYTES).unwrap();
        assert!(taken(&written) >= RESERVE_BYTES);
        let file = state.path().join("reserve");
        assert!(taken(&file) >= RESERVE_BYTES);
        reserve.fill().unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().len(), RESERVE_BYTES);
        assert!(reserve.release());
        assert!(!reserve.release());
        assert!(!file.exists());
    }
}
