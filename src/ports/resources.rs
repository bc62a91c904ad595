//! What is left of the machine.

use crate::rules::room::Room;
use async_trait::async_trait;

/// Looks at the machine; changes nothing, and takes no longer than a moment.
#[async_trait]
pub trait Resources: Send + Sync {
    /// Memory that programs can still get, within the limits that hold for this process; `None` where nobody knows.
    async fn memory(&self) -> Option<Room>;
    /// The disk of the state directory, or that of the worktrees where it has less left; `None` where nobody knows.
    async fn disk(&self) -> Option<Room>;
}
