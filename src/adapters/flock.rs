//! Files under `flock` between processes, and what is left of the locks of those who have died.

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use std::fs::File;
use std::ops::{Deref, DerefMut};

/// A file that we have locked; given back when dropped.
///
/// A child that is just being started holds a copy of every open file until its program begins. Closing ours would
/// leave the lock with that child for a moment, so it is given back by name.
#[derive(Debug)]
pub(super) struct Locked(pub(super) File);

impl Drop for Locked {
    fn drop(&mut self) {
        // Not locked, or on a file system without locks: closing it is all there is.
        let _ = self.0.unlock();
    }
}

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut File {
        &mut self.0
    }
}

/// Has this process ended? One of another user has not, as far as can be told.
#[must_use]
pub(super) fn is_dead(pid: u32) -> bool {
    let pid = i32::try_from(pid).map(Pid::from_raw);
    pid.is_ok_and(|pid| kill(pid, None) == Err(Errno::ESRCH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_lock_is_given_back_even_while_a_child_holds_a_copy_of_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let take = || {
            let file = File::create(&path).unwrap();
            file.try_lock().map(|()| file)
        };
        let held = Locked(take().unwrap());
        let copy = held.try_clone().unwrap();
        drop(held);
        let closed = take().expect("the copy keeps nothing");
        drop(copy);
        // The control: a file that is only closed stays locked by its copy.
        let copy = closed.try_clone().unwrap();
        drop(closed);
        assert!(take().is_err());
        drop(copy);
        assert!(take().is_ok());
    }

    #[test]
    fn the_dead_are_told_from_the_living() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(!is_dead(child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(is_dead(child.id()));
        assert!(!is_dead(std::process::id()));
    }
}
