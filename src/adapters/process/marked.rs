//! Everything that any autoissue of this user runs on this machine, known by the mark in its environment.

use crate::adapters::process::identity::{self, MARK};
use crate::adapters::process::{leftover, tree};
use crate::rules::event::ProcessIdentity;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Longer than a gentle stop takes.
const PATIENCE: Duration = Duration::from_secs(13);
const LOOK: Duration = Duration::from_millis(50);

/// What runs: supervisors, each with the process that started it where that still lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Running {
    /// One for each program that was started.
    pub supervisors: Vec<ProcessIdentity>,
    /// The processes that work on sessions.
    pub sessions: BTreeSet<u32>,
}

/// Looks through all processes.
#[must_use]
pub fn look() -> Running {
    let all = tree::snapshot();
    let mut found = BTreeMap::new();
    for entry in all.iter().filter(|entry| !entry.ended) {
        if let Some(supervisor) = supervisor_of(entry.pid) {
            found.insert(supervisor.pid, supervisor);
        }
    }
    let alive = |supervisor: &ProcessIdentity| identity::find(supervisor);
    let parents = found.values().filter_map(alive).map(|entry| entry.parent);
    let sessions = parents
        .filter_map(|pid| u32::try_from(pid).ok())
        // Whoever outlived its session was given to the first process.
        .filter(|pid| *pid > 1 && is_ours(*pid))
        .collect();
    Running {
        supervisors: found.into_values().collect(),
        sessions,
    }
}

/// Ends all of it: sessions are asked to stop, as by Ctrl-C, and what is left after their time is killed. Returns what
/// there was.
pub async fn end_all() -> Running {
    let before = look();
    for pid in before
        .sessions
        .iter()
        .filter_map(|pid| i32::try_from(*pid).ok())
    {
        let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
    }
    let end = Instant::now() + PATIENCE;
    let mut left = before.clone();
    while !left.supervisors.is_empty() && Instant::now() < end {
        // Nobody waits for those whose session is gone.
        if left.sessions.is_empty() {
            break;
        }
        sleep(LOOK).await;
        left = look();
    }
    for supervisor in &left.supervisors {
        leftover::kill(supervisor).await;
    }
    before
}

fn supervisor_of(pid: i32) -> Option<ProcessIdentity> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let prefix = format!("{MARK}=");
    let mark = environment
        .split(|byte| *byte == 0)
        .find_map(|variable| variable.strip_prefix(prefix.as_bytes()))?;
    read_mark(std::str::from_utf8(mark).ok()?)
}

/// The opposite of `identity::mark`.
fn read_mark(mark: &str) -> Option<ProcessIdentity> {
    let mut parts = mark.splitn(3, ':');
    let supervisor = ProcessIdentity {
        pid: parts.next()?.parse().ok()?,
        started: parts.next()?.parse().ok()?,
        boot: parts.next()?.to_owned(),
    };
    (!supervisor.boot.is_empty()).then_some(supervisor)
}

/// Is it a process of this very program? A mark can be put on by anybody.
fn is_ours(pid: u32) -> bool {
    let name = |pid: &str| {
        let link = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
        let name = link.file_name()?.to_string_lossy().into_owned();
        Some(name.trim_end_matches(" (deleted)").to_owned())
    };
    name(&pid.to_string()).is_some_and(|other| Some(other) == name("self"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_whose_it_is() {
        let supervisor = ProcessIdentity {
            pid: 7,
            started: 99,
            boot: "a-b:c".to_owned(),
        };
        assert_eq!(read_mark(&identity::mark(&supervisor)), Some(supervisor));
        for nonsense in ["", "7", "7:9", "7:9:", "x:9:b", "-7:9:b"] {
            assert_eq!(read_mark(nonsense), None, "{nonsense}");
        }
    }
}
