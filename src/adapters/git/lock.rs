//! Locks between processes: `flock` on a file that names its holder.

use super::run::failed;
use crate::adapters::flock::{Locked, is_dead};
use crate::ports::RepositoryError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// How often a waiting process looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How long what a dead process was just starting may keep its lock.
const BIRTH: Duration = Duration::from_secs(30);

/// A lock; given back when dropped, and by the kernel once we and all who inherited it have ended.
#[derive(Debug)]
pub(super) struct Lock {
    file: Locked,
}

impl Lock {
    /// Takes the lock for ourselves alone; `None` if somebody has it.
    pub(super) fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => named(file).map(Some),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(cause)) => Err(cause),
        }
    }

    /// Takes the lock together with others who share it; `None` if somebody has it alone.
    fn share(path: &Path) -> io::Result<Option<Self>> {
        let file = open(path)?;
        match file.try_lock_shared() {
            Ok(()) => named(file).map(Some),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(cause)) => Err(cause),
        }
    }

    /// Waits for the lock for ourselves alone, for `patience` at most.
    pub(super) async fn wait(
        path: &Path,
        what: &str,
        patience: Duration,
    ) -> Result<Self, RepositoryError> {
        patiently(path, what, patience, Self::take).await
    }

    /// Waits for the lock together with others who share it, for `patience` at most.
    pub(super) async fn wait_shared(
        path: &Path,
        what: &str,
        patience: Duration,
    ) -> Result<Self, RepositoryError> {
        patiently(path, what, patience, Self::share).await
    }

    /// The lock as a child's standard input: it stays locked until that child has ended as well.
    pub(super) fn inherited(&self) -> io::Result<Stdio> {
        Ok(Stdio::from(self.shared()?))
    }

    /// The same lock once more.
    pub(super) fn shared(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}

async fn patiently(
    path: &Path,
    what: &str,
    patience: Duration,
    attempt: fn(&Path) -> io::Result<Option<Lock>>,
) -> Result<Lock, RepositoryError> {
    let mut waited = Duration::ZERO;
    loop {
        if let Some(lock) = attempt(path).map_err(|cause| failed(&format!("lock {what}"), cause))? {
            return Ok(lock);
        }
        if waited >= patience && (waited >= BIRTH || !holder(path).is_some_and(is_dead)) {
            return Err(busy(path, what));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        waited += LOOK_AGAIN;
    }
}

/// The error that names the holder of a lock.
pub(super) fn busy(path: &Path, what: &str) -> RepositoryError {
    RepositoryError::Busy {
        what: what.to_owned(),
        holder: holder(path).map_or_else(|| "unknown".to_owned(), |pid| pid.to_string()),
    }
}

/// The process that took the lock last.
fn holder(path: &Path) -> Option<u32> {
    let mut holder = String::new();
    let file = File::open(path).ok()?;
    file.take(64).read_to_string(&mut holder).ok()?;
    holder.trim().parse().ok()
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn named(file: File) -> io::Result<Lock> {
    let mut file = Locked(file);
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())?;
    Ok(Lock { file })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_lock_excludes_until_it_is_dropped_and_names_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = Lock::take(&path).unwrap().unwrap();
        assert!(Lock::take(&path).unwrap().is_none());
        assert!(Lock::share(&path).unwrap().is_none());
        let told = busy(&path, "slot 0").to_string();
        assert_eq!(
            told,
            format!("slot 0 is in use by process {}", std::process::id())
        );
        drop(held);
        let shared = Lock::share(&path).unwrap().unwrap();
        assert!(Lock::share(&path).unwrap().is_some());
        assert!(Lock::take(&path).unwrap().is_none());
        drop(shared);
        assert!(Lock::take(&path).unwrap().is_some());
    }

    /// What happens to a lock when we are killed: closed, but not given back.
    fn die_with(mut lock: Lock) {
        let null = File::open("/dev/null").unwrap();
        drop(std::mem::replace(&mut lock.file.0, null));
    }

    #[tokio::test]
    async fn a_child_keeps_a_lock_only_where_it_inherits_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = Lock::take(&path).unwrap().unwrap();
        let mut heir = Command::new("sleep")
            .arg("60")
            .stdin(held.inherited().unwrap())
            .spawn()
            .unwrap();
        die_with(held);
        assert!(Lock::take(&path).unwrap().is_none());
        heir.kill().unwrap();
        heir.wait().unwrap();

        let held = Lock::take(&path).unwrap().unwrap();
        let mut stranger = Command::new("sleep").arg("60").spawn().unwrap();
        die_with(held);
        assert!(
            Lock::wait(&path, "it", Duration::from_secs(5))
                .await
                .is_ok()
        );
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}
