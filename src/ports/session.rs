//! All that a session may ask for, and how it is asked to stop.

use crate::ports::agent::Agents;
use crate::ports::commands::Commands;
use crate::ports::forge::Forge;
use crate::ports::journal::Journal;
use crate::ports::leases::Leases;
use crate::ports::repository::Repository;
use crate::ports::resources::Resources;
use crate::rules::event::{Event, Progress, Recorded};
use crate::rules::ids::Timestamp;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// All ports of one session.
#[derive(Clone)]
pub struct Ports {
    /// Issues and pulls.
    pub forge: Arc<dyn Forge>,
    /// The mirror and its worktrees.
    pub repository: Arc<dyn Repository>,
    /// The right to work on issues.
    pub leases: Arc<dyn Leases>,
    /// The coding agents.
    pub agents: Agents,
    /// Setup scripts and checks.
    pub commands: Arc<dyn Commands>,
    /// The session's events.
    pub journal: Arc<dyn Journal>,
    /// What is left of the machine.
    pub resources: Arc<dyn Resources>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Those who watch.
    pub reporters: Arc<[Arc<dyn Reporter>]>,
}

/// Asks whatever holds it to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    soft: CancellationToken,
    gentle: CancellationToken,
    hard: CancellationToken,
}

impl Stop {
    /// One that nobody has asked yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One that is asked when this one is, and can be asked alone.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            soft: self.soft.child_token(),
            gentle: self.gentle.child_token(),
            hard: self.hard.child_token(),
        }
    }

    /// Begin nothing more; what is paid for may be seen to its end.
    pub fn drain(&self) {
        self.soft.cancel();
    }

    /// Stop soon: finish nothing, but leave everything in order.
    pub fn ask(&self) {
        self.soft.cancel();
        self.gentle.cancel();
    }

    /// Stop now, without grace for what runs.
    pub fn insist(&self) {
        self.soft.cancel();
        self.gentle.cancel();
        self.hard.cancel();
    }

    /// Is nothing more to be begun?
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Waits until nothing more is to be begun; cancel-safe.
    pub async fn drained(&self) {
        self.soft.cancelled().await;
    }

    /// Has anybody asked?
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.gentle.is_cancelled()
    }

    /// Waits until somebody asks; cancel-safe.
    pub async fn asked(&self) {
        self.gentle.cancelled().await;
    }

    /// Waits until somebody insists; cancel-safe.
    pub async fn insisted(&self) {
        self.hard.cancelled().await;
    }
}

/// The time. Moves with tokio's, so that tests can pause it.
pub trait Clock: Send + Sync {
    /// Now, by the wall clock as it was at the start, moved on by the monotonic one.
    fn now(&self) -> Timestamp;
}

/// Watches a session. Never blocks, never fails the session.
pub trait Reporter: Send + Sync {
    /// An event, once it is durable.
    fn event(&self, recorded: &Recorded);
    /// What an attempt does at this moment.
    fn progress(&self, progress: &Progress);
    /// The session is over for this process: the last words.
    fn finish(&self) {}
}

/// Convenience for tests and adapters: an event that nobody has placed yet.
#[must_use]
pub fn recorded(seq: u64, at: Timestamp, event: Event) -> Recorded {
    Recorded { seq, at, event }
}
