//! Git in the user's own checkout: it is asked, and changes nothing.

use std::path::Path;
use std::process::{Command, Stdio};

/// Set by a hook or another git command of the user's, these would redirect us.
const REDIRECTIONS: [&str; 6] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_NAMESPACE",
    "GIT_COMMON_DIR",
];

/// A git command in this directory, without arguments yet; it speaks English, and takes no lock.
#[must_use]
pub fn git(directory: &Path) -> Command {
    let mut git = Command::new("git");
    for name in REDIRECTIONS {
        git.env_remove(name);
    }
    git.args(["-c", "core.fsmonitor=false"])
        .current_dir(directory)
        .env("LC_ALL", "C")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_LITERAL_PATHSPECS", "1")
        .stdin(Stdio::null());
    git
}
