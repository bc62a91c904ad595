//! The part of the configuration about worktrees.

use crate::config::values::{Argv, Whole};
use crate::rules::port_blocks::PortBlocks;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The directories that agents work in.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Worktree {
    /// Where they are made, outside of any checkout; in the state directory where it is left out.
    pub root: Option<PathBuf>,
    /// A command that makes a fresh worktree ready; `setup.sh` of the repository, if it has one, where it is left out.
    pub setup: Option<Argv>,
    /// Files of the checkout that are copied into every worktree and never committed, such as `.env`.
    pub copy: Vec<PathBuf>,
    /// Directories that are laid out, for large repositories; files of the directories above them are, too. All where it is empty.
    pub sparse: Vec<PathBuf>,
    /// Are the files of submodules fetched and laid out? Where not, their directories are empty.
    pub submodules: bool,
    /// Large files of Git LFS: pointers stay pointers, or their content is fetched. Changed content goes to a person either way.
    pub lfs: Lfs,
    /// Keep what git ignores from one attempt to the next, as long as lock files stay the same: warm caches, less isolation.
    pub keep_ignored: bool,
    /// MiB that all worktrees of a project may take together; those that nobody uses go where they take more. No limit where it is left out.
    pub max_disk_mb: Option<Whole<1, 1_073_741_824>>,
    /// Ports that each slot has for itself, so that servers of several agents do not meet.
    pub ports: Ports,
}

impl Default for Worktree {
    fn default() -> Self {
        Self {
            root: None,
            setup: None,
            copy: Vec::new(),
            sparse: Vec::new(),
            submodules: true,
            lfs: Lfs::Pointers,
            keep_ignored: false,
            max_disk_mb: None,
            ports: Ports::default(),
        }
    }
}

/// What lies in place of a large file of Git LFS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Lfs {
    /// The pointer that is committed.
    #[default]
    Pointers,
    /// The content that the pointer stands for.
    Fetch,
}

/// Blocks of ports, one for each slot.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Ports {
    /// The first port of the first slot.
    pub first: Whole<1024, 65_535>,
    /// Ports that each slot has; 0 for none.
    pub each: Whole<0, 1000>,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            first: Whole::of(20_000),
            each: Whole::of(10),
        }
    }
}

impl Ports {
    /// The same for the rules.
    #[must_use]
    pub fn blocks(&self) -> PortBlocks {
        PortBlocks {
            first: u16::try_from(self.first.get()).unwrap_or(u16::MAX),
            each: u16::try_from(self.each.get()).unwrap_or(u16::MAX),
        }
    }
}

/// How long what is finished stays.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Retention {
    /// Events, transcripts and commits of finished sessions go after so many days. What has an open pull or can be resumed stays.
    pub days: Whole<1, 3650>,
    /// Events and transcripts of so many last sessions stay however old they are.
    pub sessions: Whole<0, 100_000>,
}

impl Retention {
    /// The days, and the sessions.
    #[must_use]
    pub fn limits(&self) -> (u32, usize) {
        let sessions = usize::try_from(self.sessions.get()).unwrap_or(usize::MAX);
        (self.days.get(), sessions)
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            days: Whole::of(30),
            sessions: Whole::of(20),
        }
    }
}
