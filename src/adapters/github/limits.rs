//! How hard GitHub may be pressed, and what presses it.

use crate::rules::quota::{Api, SPARED, Urgency};
use std::time::Duration;

/// A second becomes 5 ms, and the hour of the creations 18 s.
pub const LOOPBACK_SPEED: u32 = 200;

/// How hard we may press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Between the end of one write and the start of the next.
    pub write_spacing: Duration,
    /// How many times as fast as ours the clock runs that all of these are measured by: 1 with GitHub itself, and never 0.
    pub speed: u32,
    /// Requests that create something, in any minute.
    pub creations_per_minute: u32,
    /// Requests that create something, in any hour.
    pub creations_per_hour: u32,
    /// Points in any minute: a read is 1, a write 5.
    pub points_per_minute: u32,
    /// Reads on their way at the same time.
    pub reads_at_once: u32,
    /// A call that would have to wait longer than this at one time gives up.
    pub patience: Duration,
    /// A call that was told to wait this many times gives up.
    pub refusals: u32,
    /// With fewer requests left than this, only finished work is saved until there are more.
    pub spared: u64,
}

impl Limits {
    /// What GitHub asks of its clients.
    #[must_use]
    pub fn published() -> Self {
        Self {
            write_spacing: Duration::from_secs(1),
            speed: 1,
            creations_per_minute: 80,
            creations_per_hour: 500,
            points_per_minute: 900,
            reads_at_once: 8,
            // One whole window of the primary limit, and a little.
            patience: Duration::from_secs(70 * 60),
            refusals: 5,
            spared: SPARED,
        }
    }

    /// For a server on this machine, which has no limits of its own unless it says so: the same on a faster clock, so
    /// that what is tried there goes out in the order and in the bounds in which it would go out to GitHub.
    #[must_use]
    pub fn loopback() -> Self {
        Self {
            speed: LOOPBACK_SPEED,
            ..Self::published()
        }
    }

    /// A span of the clock that they are measured by, on ours.
    #[must_use]
    pub fn span(&self, of: Duration) -> Duration {
        of / self.speed.max(1)
    }
}

/// A request, as far as limits go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errand {
    /// What it does to the other side.
    pub kind: Kind,
    /// Whose limit it counts for.
    pub api: Api,
    /// How much it matters.
    pub urgency: Urgency,
    /// It gives up where it would have to wait longer than this; no longer than [`Limits::patience`].
    pub patience: Duration,
}

impl Errand {
    /// One that is patient.
    #[must_use]
    pub fn new(kind: Kind, api: Api, urgency: Urgency) -> Self {
        Self {
            kind,
            api,
            urgency,
            patience: Duration::MAX,
        }
    }
}

/// What a request does to the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Read,
    /// Changes or removes something.
    Change,
    /// Creates something that people are told of.
    Creation,
}

impl Kind {
    /// What it costs of the points of a minute.
    #[must_use]
    pub fn points(self) -> u32 {
        match self {
            Self::Read => 1,
            Self::Change | Self::Creation => 5,
        }
    }
}
