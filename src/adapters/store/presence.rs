//! Who has the database open: this process, once or several times, and other processes.

use crate::adapters::store::database::{has_log, path, refuse_newer};
use crate::adapters::store::error::StoreError;
use crate::adapters::store::files::{self, tried};
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How often this process has each database open, by device and inode of its directory.
static OPEN: Mutex<BTreeMap<Place, usize>> = Mutex::new(BTreeMap::new());

type Place = (u64, u64);

/// What the database is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It must be there.
    Read,
    /// It is made where nothing is.
    Write,
}

/// This process has the database open; to be dropped after the last connection.
#[derive(Debug)]
pub(super) struct Opened(Place);

impl Drop for Opened {
    fn drop(&mut self) {
        let mut open = open();
        if let Some(count) = open.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.0);
            }
        }
    }
}

/// Looks the file over before SQLite does, whose opening changes files: a newer or damaged one is left as it is.
///
/// Closing a file takes from its process all POSIX locks on it, SQLite's too (<https://sqlite.org/howtocorrupt.html>,
/// 2.2): while this process has the database open, it is not touched by hand.
pub(super) fn enter(state: &Path, purpose: Purpose) -> Result<Opened, StoreError> {
    let path = path(state);
    let place = match std::fs::metadata(state) {
        Ok(directory) => (directory.dev(), directory.ino()),
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            return Err(StoreError::Absent { path });
        }
        Err(cause) => return Err(tried(state, "read", cause)),
    };
    let mut open = open();
    if !open.contains_key(&place) {
        match (look(&path)?, purpose) {
            (Contents::Database, _) => {}
            (Contents::Nothing, Purpose::Read) => return Err(StoreError::Absent { path }),
            (Contents::Nothing, Purpose::Write) => make(state, &path)?,
        }
    }
    *open.entry(place).or_default() += 1;
    Ok(Opened(place))
}

fn open() -> MutexGuard<'static, BTreeMap<Place, usize>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn make(state: &Path, path: &Path) -> Result<(), StoreError> {
    if has_sessions(state) {
        return Err(StoreError::Damaged {
            path: path.into(),
            detail: "it is empty or gone, though there are sessions beside it".into(),
        });
    }
    files::open(path).map(drop)
}

fn has_sessions(state: &Path) -> bool {
    std::fs::read_dir(state.join("sessions"))
        .is_ok_and(|mut sessions| sessions.any(|entry| entry.is_ok()))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contents {
    Nothing,
    Database,
}

/// Reads the file's header by hand, since SQLite changes files by opening them.
fn look(path: &Path) -> Result<Contents, StoreError> {
    let mut header = [0u8; 100];
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Contents::Nothing),
        Err(cause) => return Err(tried(path, "open", cause)),
    };
    let size = file
        .metadata()
        .map_err(|cause| tried(path, "read", cause))?
        .len();
    if size == 0 {
        return Ok(Contents::Nothing);
    }
    let read = file.read_exact(&mut header);
    if read.is_err() || !header.starts_with(b"SQLite format 3\0") {
        return Err(StoreError::Damaged {
            path: path.into(),
            detail: "it is no SQLite database".into(),
        });
    }
    let number =
        |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().expect("four bytes are four"));
    refuse_newer(number(60), path)?;
    let page = u64::from(u16::from_be_bytes([header[16], header[17]]));
    // 1 stands for 65,536, which does not fit.
    let page = if page == 1 { 1 << 16 } else { page };
    if size < page * u64::from(number(28)) && !has_log(path) {
        return Err(StoreError::Damaged {
            path: path.into(),
            detail: format!(
                "it was cut off: {size} of {} bytes",
                page * u64::from(number(28))
            ),
        });
    }
    Ok(Contents::Database)
}

/// Is this process the only one that has the store open for writing?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Company {
    /// Nobody else has.
    Alone,
    /// Others have.
    Shared,
}

/// Shows that this process writes here. The first one stays alone until it calls `welcome`.
pub(super) fn announce(presence: &File, state: &Path) -> Result<Company, StoreError> {
    match presence.try_lock() {
        Ok(()) => Ok(Company::Alone),
        Err(TryLockError::WouldBlock) => welcome(presence, state).map(|()| Company::Shared),
        Err(TryLockError::Error(cause)) => Err(tried(state, "lock", cause)),
    }
}

/// The database was looked over: from here on others may come in.
pub(super) fn welcome(presence: &File, state: &Path) -> Result<(), StoreError> {
    presence
        .lock_shared()
        .map_err(|cause| tried(state, "lock", cause))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::store::database::{open_for_reading, open_for_writing};

    /// The POSIX locks that some process holds on the file.
    #[cfg(target_os = "linux")]
    fn locks(file: &Path) -> usize {
        let inode = format!(":{} ", std::fs::metadata(file).unwrap().ino());
        let all = std::fs::read_to_string("/proc/locks").unwrap();
        let of_file = |line: &&str| line.contains("POSIX") && line.contains(&inode);
        all.lines().filter(of_file).count()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_that_looks_again_keeps_its_locks() {
        let state = tempfile::tempdir().unwrap();
        let first = enter(state.path(), Purpose::Write).unwrap();
        let db = open_for_writing(state.path(), Company::Alone).unwrap();
        let file = path(state.path());
        assert_eq!(locks(&file), 1);
        let second = enter(state.path(), Purpose::Read).unwrap();
        drop(open_for_reading(state.path()).unwrap());
        drop(second);
        assert_eq!(locks(&file), 1);
        drop(File::open(&file).unwrap());
        assert_eq!(locks(&file), 0, "the control: one look by hand loses them");
        drop((db, first));
    }
}
