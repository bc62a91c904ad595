//! The part of the configuration about who works on which issue.

use crate::config::values::Whole;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Keeps sessions from working on one issue.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Claims {
    /// Among which sessions an issue is worked on by one only.
    pub kind: ClaimsKind,
    /// After how long without a sign of life another machine may take an issue over.
    pub ttl_minutes: Whole<3, 1440>,
}

impl Default for Claims {
    fn default() -> Self {
        Self {
            kind: ClaimsKind::Remote,
            ttl_minutes: Whole::of(15),
        }
    }
}

impl Claims {
    /// How long a lease holds that is not renewed.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        Duration::from_secs(60 * u64::from(self.ttl_minutes.get()))
    }
}

/// Among which sessions an issue is worked on by one only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClaimsKind {
    /// All sessions on all machines, by refs below `refs/autoissue/leases` on the remote; a local forge has one machine.
    Remote,
    /// The sessions of one state directory on this machine.
    Machine,
}
