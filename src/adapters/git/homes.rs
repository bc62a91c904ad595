//! What programs in a worktree took for their home and for `/tmp`: kept beside the worktree, as `home-<its name>`.

use super::trash::{delete, set_aside};
use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// How their directories begin.
pub(super) const PREFIX: &str = "home-";

/// The next program in this worktree finds a new one.
pub(super) fn forget(tree: &Path, slots: &Path) -> io::Result<()> {
    let Some(name) = tree.file_name() else {
        return Ok(());
    };
    let mut home = std::ffi::OsString::from(PREFIX);
    home.push(name);
    match set_aside(&slots.join(home), slots)? {
        Some(aside) => delete(&aside),
        None => Ok(()),
    }
}

/// Lets go of those that nobody used since, and whose worktree is not there. Conversations of agents are in them: those
/// that a pull may go on with.
pub(super) fn forget_old(slots: &Path, before: SystemTime) -> io::Result<()> {
    for entry in fs::read_dir(slots)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(tree) = name.strip_prefix(PREFIX).map(|tree| slots.join(tree)) else {
            continue;
        };
        let used = entry.metadata().and_then(|found| found.modified());
        if !tree.exists() && used.is_ok_and(|used| used < before) {
            forget(&tree, slots)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn old_homes_go_and_those_of_worktrees_stay() {
        let slots = tempfile::tempdir().unwrap();
        let slots = slots.path();
        for name in ["home-issue-1/home", "home-issue-2/home", "issue-2"] {
            fs::create_dir_all(slots.join(name)).unwrap();
        }
        let now = SystemTime::now();
        forget_old(slots, now - Duration::from_secs(60)).unwrap();
        assert!(slots.join("home-issue-1").exists());
        forget_old(slots, now + Duration::from_secs(60)).unwrap();
        assert!(!slots.join("home-issue-1").exists());
        assert!(slots.join("home-issue-2").exists());
    }
}
