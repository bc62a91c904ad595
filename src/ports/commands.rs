//! Setup scripts and checks.

use crate::ports::agent::Watch;
use crate::ports::session::Stop;
use crate::rules::event::ProcessIdentity;
use async_trait::async_trait;
use std::path::PathBuf;
use std::time::Duration;

/// A command of the configuration: a check, a setup script.
#[derive(Clone, Debug)]
pub struct CommandOrder {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Where it runs.
    pub directory: PathBuf,
    /// Ended when it runs longer.
    pub wall: Duration,
    /// Variables on top of the adapter's allow-list.
    pub env: Vec<(String, String)>,
    /// For a server: where it has to answer. Then it is stopped, and has passed.
    pub probe: Option<Probe>,
}

/// Where a server that was started has to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// `http://` on this machine.
    pub url: String,
    /// It has failed when it does not answer for longer.
    pub within: Duration,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandEnd {
    /// By itself, with this exit code.
    Exited(i32),
    /// It took too long.
    TimedOut,
    /// It could not be started.
    NotStarted,
    /// We stopped it.
    Stopped,
}

/// What a command brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandReport {
    /// How it ended.
    pub end: CommandEnd,
    /// What matters of what it printed on both streams: the first errors, and the end; printable, bounded.
    pub output: String,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

/// Runs commands of the configuration, without any token in reach.
#[async_trait]
pub trait Commands: Send + Sync {
    /// Runs one to its end.
    async fn run(&self, order: &CommandOrder, watch: &dyn Watch, stop: &Stop) -> CommandReport;
    /// Ends a process that an earlier process of ours left behind, with all its descendants; a process that merely
    /// has the same number is left alone. Returns once nothing of it runs any more.
    async fn end_leftover(&self, process: &ProcessIdentity);
}
