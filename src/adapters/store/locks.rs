//! Locks between processes: files under `flock`, with their holder written in them.
//!
//! A lock ends with its holder, however that ends. Rust opens files close-on-exec, so that no child keeps one alive.

use crate::adapters::store::error::StoreError;
use crate::adapters::store::files::{self, tried};
use crate::rules::ids::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// Who holds a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// Since when.
    pub since: Timestamp,
}

/// A lock that this process holds until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    _alive: File,
}

/// Takes the lock at once, or says in words who has it.
pub(super) fn take(directory: &Path, now: Timestamp) -> Result<Result<Lock, String>, StoreError> {
    files::directory(directory)?;
    let path = directory.join("lock");
    let mut file = files::open(&path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = read(&mut file).map_or("another process".into(), |holder| {
                format!("process {}", holder.pid)
            });
            return Ok(Err(holder));
        }
        Err(TryLockError::Error(cause)) => return Err(tried(&path, "lock", cause)),
    }
    let holder = Holder {
        pid: std::process::id(),
        since: now,
    };
    let text = serde_json::to_string(&holder).expect("a number and a time are JSON");
    file.set_len(0)
        .and_then(|()| file.write_all(text.as_bytes()))
        .map_err(|cause| tried(&path, "write", cause))?;
    // Those who only look never touch the lock itself, and hold this one for an instant at most.
    let path = directory.join("alive");
    let alive = files::open(&path)?;
    alive.lock().map_err(|cause| tried(&path, "lock", cause))?;
    Ok(Ok(Lock {
        _file: file,
        _alive: alive,
    }))
}

/// Who holds it now, if anybody; looking never gets into a taker's way.
pub(super) fn holder(directory: &Path) -> Option<Holder> {
    let alive = File::open(directory.join("alive")).ok()?;
    match alive.try_lock_shared() {
        Err(TryLockError::WouldBlock) => read(&mut File::open(directory.join("lock")).ok()?),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(200).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_by_one_and_names_its_holder() {
        let directory = tempfile::tempdir().unwrap();
        let now = Timestamp(7);
        assert_eq!(holder(directory.path()), None);
        let lock = take(directory.path(), now).unwrap().unwrap();
        let pid = std::process::id();
        assert_eq!(holder(directory.path()), Some(Holder { pid, since: now }));
        let refusal = take(directory.path(), now).unwrap().unwrap_err();
        assert_eq!(refusal, format!("process {pid}"));
        drop(lock);
        assert_eq!(holder(directory.path()), None);
        assert!(take(directory.path(), now).unwrap().is_ok());
    }

    #[test]
    fn a_lock_whose_holder_is_not_written_yet_is_still_held() {
        let directory = tempfile::tempdir().unwrap();
        let file = files::open(&directory.path().join("lock")).unwrap();
        file.lock().unwrap();
        let refusal = take(directory.path(), Timestamp(0)).unwrap().unwrap_err();
        assert_eq!(refusal, "another process");
    }
}
