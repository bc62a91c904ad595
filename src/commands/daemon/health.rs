//! How this machine is: whether something may be begun on it, and what people are told where not.

use crate::adapters::store::open::Store;
use crate::config::serving::Serving;
use crate::ports::Resources;
use crate::rules::room::Room;
use std::sync::Arc;

const MIB: u64 = 1 << 20;

/// Why nothing is begun at the moment; nothing where all is well.
pub(super) async fn problems(
    machine: Arc<dyn Resources>,
    store: Store,
    limits: Serving,
) -> Vec<String> {
    let (memory, disk) = tokio::join!(machine.memory(), machine.disk());
    let mut problems = short(memory, disk, &limits);
    // What cannot be written down is not begun.
    let written = tokio::task::spawn_blocking(move || {
        store.forget_findings()?;
        store.forget_arrivals()
    })
    .await;
    if let Ok(Err(error)) = written {
        problems.push(format!("the store cannot be written to: {error}"));
    }
    problems
}

/// What the machine is short of. Where nobody knows, nothing is.
fn short(memory: Option<Room>, disk: Option<Room>, limits: &Serving) -> Vec<String> {
    let mut problems = Vec::new();
    let most = u64::from(limits.max_memory_percent.get());
    let used = memory.map(|room| 100 - room.free.saturating_mul(100) / room.total.max(1));
    if let Some(used) = used.filter(|used| *used >= most) {
        problems.push(format!(
            "{used} % of the memory is in use, {most} % is the limit"
        ));
    }
    let least = u64::from(limits.min_free_disk_mb.get());
    let free = disk.map(|room| room.free / MIB);
    if let Some(free) = free.filter(|free| *free < least) {
        problems.push(format!(
            "{free} MiB of disk are free, {least} are kept free"
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_memory_or_disk_is_told() {
        let limits = Serving::default();
        let room = |free: u64, total: u64| {
            Some(Room {
                free: free * MIB,
                total: total * MIB,
            })
        };
        let count = |memory, disk| short(memory, disk, &limits).len();
        assert_eq!(count(room(300, 1_000), room(2_000, 9_000)), 0);
        assert_eq!(count(room(200, 1_000), room(2_000, 9_000)), 1);
        assert_eq!(count(room(300, 1_000), room(1_023, 9_000)), 1);
        assert_eq!(count(None, None), 0);
    }
}
