//! The wall clock as it was at the start, moved on by tokio's clock: tests pause it, and a jump of the wall clock
//! during a run neither fires nor freezes a timer.

use crate::ports::Clock;
use crate::rules::ids::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// The clock of a running program.
#[derive(Debug)]
pub struct SteadyClock {
    wall: Timestamp,
    started: Instant,
}

impl SteadyClock {
    /// Starts at the wall clock's time.
    #[must_use]
    pub fn start() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let millis = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        Self::start_at(Timestamp(millis))
    }

    /// Starts at this time.
    #[must_use]
    pub fn start_at(wall: Timestamp) -> Self {
        Self {
            wall,
            started: Instant::now(),
        }
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let passed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.wall.plus_millis(passed)
    }
}
