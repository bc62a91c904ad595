//! How hard GitHub may be pressed, and what presses it.

use std::time::Duration;

/// How hard we may press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Between the end of one write and the start of the next.
    pub write_spacing: Duration,
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
}

impl Limits {
    /// What GitHub asks of its clients.
    #[must_use]
    pub fn published() -> Self {
        Self {
            write_spacing: Duration::from_secs(1),
            creations_per_minute: 80,
            creations_per_hour: 500,
            points_per_minute: 900,
            reads_at_once: 8,
            // One whole window of the primary limit, and a little.
            patience: Duration::from_secs(70 * 60),
            refusals: 5,
        }
    }

    /// For a server on this machine, which has no limits of its own unless it says so.
    #[must_use]
    pub fn loopback() -> Self {
        Self {
            write_spacing: Duration::ZERO,
            creations_per_minute: u32::MAX,
            creations_per_hour: u32::MAX,
            points_per_minute: u32::MAX,
            ..Self::published()
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
