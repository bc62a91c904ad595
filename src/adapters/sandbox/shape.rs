//! What keeps programs apart from this machine, and what one of them may reach all the same.

use crate::rules::host::HostPattern;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// What keeps programs apart, as it was found by trying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// bubblewrap: a root of its own with what is on a list, its own processes, no network but through our proxy.
    Bubblewrap {
        /// The program.
        program: PathBuf,
        /// Does it keep programs from making further user namespaces?
        keeps_namespaces: bool,
    },
    /// Landlock and seccomp: files and ports by list, over the machine's own root and processes.
    Landlock,
    /// `sandbox-exec` of macOS: files and ports by list, as Landlock does it.
    Seatbelt,
}

impl Isolation {
    /// By the word of the configuration.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Bubblewrap { .. } => "bwrap",
            Self::Landlock => "landlock",
            Self::Seatbelt => "seatbelt",
        }
    }
}

/// How the sandbox reaches the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Through our proxy, to hosts on the list.
    Listed,
    /// As this machine does.
    Open,
}

/// The sandbox of a project: the same for all that runs in it, but for what each program needs besides.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// What keeps programs apart.
    pub isolation: Isolation,
    /// How the network is reached.
    pub network: Network,
    /// Where the worktrees are. Nothing runs in the sandbox but in one of them.
    pub slots: PathBuf,
    /// What may be read besides the system and the toolchains: objects of the mirrors, what the configuration names.
    pub readable: Vec<PathBuf>,
    /// What may be written besides the worktree.
    pub writable: Vec<PathBuf>,
    /// Hosts that every program may reach.
    pub hosts: Vec<HostPattern>,
    /// What is taken at most.
    pub ceilings: Ceilings,
    /// The home directory that programs believe in: the user's, as a path.
    pub home: PathBuf,
    /// This program, which plays the bridge inside.
    pub own_program: PathBuf,
}

/// What everything that runs in one sandbox may take together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ceilings {
    /// Resident memory in bytes; no limit where it is 0.
    pub memory: u64,
    /// Processes and threads; no limit where it is 0.
    pub processes: u32,
}

/// What one program may reach besides what its sandbox gives to all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Hosts.
    pub hosts: Vec<HostPattern>,
    /// Files of the user's that it may read, such as a login: where they are, and where in its home they are expected.
    pub logins: Vec<(PathBuf, PathBuf)>,
    /// Files of ours that it may read where they are.
    pub files: Vec<PathBuf>,
    /// A port on which something in the sandbox answers us.
    pub answers: Option<u16>,
}

/// Where one program works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workplace {
    /// The worktree: the top of what it may write.
    pub worktree: PathBuf,
    /// What stands for its home.
    pub home: PathBuf,
    /// What stands for `/tmp`.
    pub temporary: PathBuf,
}

impl Workplace {
    /// Of a program that runs in this directory; nothing where that is in no worktree.
    #[must_use]
    pub fn of(slots: &Path, directory: &Path) -> Option<Self> {
        let name = directory.strip_prefix(slots).ok()?.components().next()?;
        let name = name.as_os_str();
        let mut beside = std::ffi::OsString::from("home-");
        beside.push(name);
        let beside = slots.join(beside);
        Some(Self {
            worktree: slots.join(name),
            home: beside.join("home"),
            temporary: beside.join("tmp"),
        })
    }

    /// Makes what is not there yet, for this user alone, and notes that it is in use.
    pub fn make(&self) -> io::Result<()> {
        let beside = self.home.parent().unwrap_or(&self.home);
        let private = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
        private(beside)?;
        private(&self.home)?;
        private(&self.temporary)?;
        // The time of a directory is that of its last new entry.
        let stamp = beside.join("used");
        let _ = fs::remove_file(&stamp);
        fs::write(stamp, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_works_in_the_worktree_that_its_directory_is_in() {
        let slots = Path::new("/s/p");
        let place = Workplace::of(slots, Path::new("/s/p/issue-7/crates/a")).unwrap();
        assert_eq!(place.worktree, Path::new("/s/p/issue-7"));
        assert_eq!(place.home, Path::new("/s/p/home-issue-7/home"));
        assert_eq!(Workplace::of(slots, slots), None);
        assert_eq!(Workplace::of(slots, Path::new("/s/q/x")), None);
    }
}
