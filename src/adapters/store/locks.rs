//! Locks between processes: files under `flock`, with their holder written in them.
//!
//! A lock ends with its holder, however that ends. Rust opens files close-on-exec, so that no child keeps one alive, but
//! for the moment between its birth and its program: a dead holder's lock is waited for.

use crate::adapters::flock::{Locked, is_dead};
use crate::adapters::store::error::StoreError;
use crate::adapters::store::files::{self, tried};
use crate::rules::ids::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

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
    _file: Locked,
    _alive: Locked,
}

/// How long a child that was just born may keep its dead parent's lock.
const BIRTH: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Takes the lock at once, or says in words who has it.
pub(super) fn take(directory: &Path, now: Timestamp) -> Result<Result<Lock, String>, StoreError> {
    files::directory(directory)?;
    let path = directory.join("lock");
    let mut file = files::open(&path)?;
    if let Some(holder) = lock(&mut file).map_err(|cause| tried(&path, "lock", cause))? {
        return Ok(Err(holder));
    }
    let mut file = Locked(file);
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
        _alive: Locked(alive),
    }))
}

/// Locks the file, or says in words who has it: at once where that is a living process.
fn lock(file: &mut File) -> std::io::Result<Option<String>> {
    let end = Instant::now() + BIRTH;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(None),
            Err(TryLockError::Error(cause)) => return Err(cause),
            Err(TryLockError::WouldBlock) => {}
        }
        let holder = read(file);
        if !holder.is_some_and(|holder| is_dead(holder.pid)) || Instant::now() > end {
            let words = holder.map(|holder| format!("process {}", holder.pid));
            return Ok(Some(words.unwrap_or_else(|| "another process".into())));
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
}

/// Who holds it now, if anybody; looking never gets into a taker's way.
pub(super) fn holder(directory: &Path) -> Option<Holder> {
    let alive = File::open(directory.join("alive")).ok()?;
    match alive.try_lock_shared() {
        Err(TryLockError::WouldBlock) => read(&mut File::open(directory.join("lock")).ok()?),
        Err(TryLockError::Error(_)) => None,
        Ok(()) => {
            drop(Locked(alive));
            None
        }
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

    #[test]
    fn what_a_dead_holder_leaves_locked_for_a_moment_is_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let (pid, since) = (child.id(), Timestamp(0));
        child.wait().unwrap();
        let mut file = files::open(&directory.path().join("lock")).unwrap();
        file.lock().unwrap();
        let text = serde_json::to_string(&Holder { pid, since }).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let newborn = std::thread::spawn(move || {
            let _ = ended.recv_timeout(Duration::from_millis(200));
            drop(file);
        });
        assert!(take(directory.path(), since).unwrap().is_ok());
        newborn.join().unwrap();
        drop(end);
    }
}
