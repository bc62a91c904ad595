//! The part of the configuration about what agents, setup and checks can reach.

use crate::config::values::Whole;
use crate::rules::host::HostPattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What agents, setup and checks can reach of this machine and the network. All of them run code that an agent wrote.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Sandbox {
    /// What keeps them apart. `auto` takes bubblewrap, else Landlock, else refuses to run.
    pub isolation: Isolation,
    /// How they reach the network: by `proxy` the model's provider (agents alone) and `hosts`, or `open` as you do.
    pub network: Network,
    /// Hosts that all of them may reach besides, such as package registries: `packages.example.com`, `*.example.com`, `localhost:5432`.
    pub hosts: Vec<HostPattern>,
    /// Files and directories that may be read besides the system, toolchains and the worktree; relative to this file, `~` is your home.
    pub readable: Vec<PathBuf>,
    /// The same for writing. What is written there can reach whoever uses it later.
    pub writable: Vec<PathBuf>,
    /// MiB of memory that one attempt, setup or check may take; three quarters of the machine's where it is left out.
    pub memory_mb: Option<Whole<64, 1_073_741_824>>,
    /// Processes and threads that one of them may have.
    pub processes: Whole<16, 1_000_000>,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self {
            isolation: Isolation::Auto,
            network: Network::Proxy,
            hosts: Vec::new(),
            readable: Vec::new(),
            writable: Vec::new(),
            memory_mb: None,
            processes: Whole::of(4096),
        }
    }
}

/// What keeps agents apart from this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// The best that works here; where nothing does, nothing runs.
    Auto,
    /// bubblewrap: a root, processes and a network of their own.
    Bwrap,
    /// Landlock and seccomp: lists of files and ports.
    Landlock,
    /// Nothing: they can do what you can do.
    None,
}

/// How programs in the sandbox reach the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Through a proxy of ours, to hosts on a list.
    Proxy,
    /// As this machine does.
    Open,
}
