//! What everything below one supervisor may take together, looked at several times a second.

use crate::adapters::process::tree::{self, Entry};
use crate::adapters::sandbox::shape::Ceilings;
use nix::unistd::{SysconfVar, sysconf};
use std::fs;
use std::time::Duration;

/// Between two looks.
pub(super) const LOOK: Duration = Duration::from_millis(200);

/// What was exceeded, in words; nothing where all is within bounds, or nothing is bounded.
pub(super) fn exceeded(ceilings: Ceilings, supervisor: i32) -> Option<String> {
    if ceilings == Ceilings::default() {
        return None;
    }
    let below = tree::descendants(supervisor, &tree::snapshot());
    let count = below.len();
    if ceilings.processes > 0 && count > ceilings.processes as usize {
        return Some(format!(
            "it ran {count} processes, and sandbox.processes allows {}",
            ceilings.processes
        ));
    }
    if ceilings.memory == 0 {
        return None;
    }
    let memory: u64 = below.iter().map(memory).sum();
    (memory > ceilings.memory).then(|| {
        format!(
            "it took {} MiB of memory, and sandbox.memoryMb allows {}",
            memory >> 20,
            ceilings.memory >> 20
        )
    })
}

/// Its own memory in bytes, without what it shares.
fn memory(entry: &Entry) -> u64 {
    let read = || {
        let text = fs::read_to_string(format!("/proc/{}/statm", entry.pid)).ok()?;
        let mut fields = text.split(' ').skip(1);
        let (resident, shared): (u64, u64) =
            (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten()?;
        Some(resident.saturating_sub(shared) * u64::try_from(page).ok()?)
    };
    read().unwrap_or(0)
}
