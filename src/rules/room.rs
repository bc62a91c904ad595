//! What is left of the machine and of limits, what is kept free of it, and what is short.

use crate::rules::ids::Timestamp;
use crate::rules::settings::Settings;
use serde::{Deserialize, Serialize};

/// What is left at one moment; nothing where that cannot be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Memory.
    pub memory: Option<Room>,
    /// The disk that is worked on; the fuller one where there are two.
    pub disk: Option<Room>,
    /// Requests to the forge.
    pub quota: Option<Quota>,
}

/// So much is left of something, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// What can still be had without taking it from anybody.
    pub free: u64,
    /// All of it.
    pub total: u64,
}

/// The forge takes so many more requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// So many.
    pub left: u64,
    /// Until then; from then on all of them again.
    pub until: Timestamp,
}

/// What is kept free, and what one more attempt is taken to need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserve {
    /// Bytes of memory that are kept free.
    pub memory: u64,
    /// Bytes of memory that an attempt is taken to need.
    pub memory_each: u64,
    /// Bytes of disk that are kept free.
    pub disk: u64,
    /// Requests to the forge that an attempt is taken to need.
    pub requests_each: u64,
    /// There has to be room for so many milliseconds before one more slot is used.
    pub calm_millis: u64,
}

/// What is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortage {
    /// Memory.
    Memory(Room),
    /// Disk.
    Disk(Room),
    /// Requests to the forge.
    Requests(Quota),
    /// The agent's provider set a limit.
    AgentLimit {
        /// Nobody is let in before.
        until: Timestamp,
    },
}

/// Why the number of slots changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlotsReason {
    /// Something is short.
    Short(Shortage),
    /// There has been room for one more for a while.
    Room,
}

/// Fewer slots are used than are configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lessened {
    /// So many; at least 1.
    pub slots: u32,
    /// What was short last.
    pub shortage: Shortage,
    /// Is there room again, so that they come back one by one?
    pub recovers: bool,
}

impl Lessened {
    /// What a change makes of how it was; nothing where all that are configured are used.
    #[must_use]
    pub fn after(
        before: Option<Self>,
        slots: u32,
        reason: SlotsReason,
        configured: u32,
    ) -> Option<Self> {
        let (shortage, recovers) = match reason {
            SlotsReason::Short(shortage) => (shortage, false),
            SlotsReason::Room => (before?.shortage, true),
        };
        (slots < configured).then_some(Self {
            slots,
            shortage,
            recovers,
        })
    }

    /// What of it holds in a new process, which begins now: a limit that is not over. All else is looked at anew.
    #[must_use]
    pub fn resumed(self, settings: &Settings, now: Timestamp) -> Option<Self> {
        let lasts = match self.shortage {
            Shortage::AgentLimit { until } => until > now,
            Shortage::Memory(_) | Shortage::Disk(_) | Shortage::Requests(_) => false,
        };
        (lasts && settings.adaptive.is_some() && self.slots < settings.slots).then_some(self)
    }
}
