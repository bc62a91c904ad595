//! Who descends from whom, as `/proc` tells it, and signals to all of them. Where there is no `/proc`, nobody is seen.

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, getpgrp};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// One process at the moment of looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub pid: i32,
    /// Its parent's number.
    pub parent: i32,
    /// Its group's number.
    pub group: i32,
    /// When it started, in clock ticks since boot.
    pub started: u64,
    /// Has it ended, and merely not been waited for?
    pub ended: bool,
}

/// The process with this number; `None` where there is none.
#[must_use]
pub fn entry(pid: i32) -> Option<Entry> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// All processes that can be seen.
#[must_use]
pub fn snapshot() -> Vec<Entry> {
    let Ok(listing) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    listing
        .filter_map(|item| item.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(entry)
        .collect()
}

/// Those that descend from this process, itself left out.
#[must_use]
pub fn descendants(of: i32, all: &[Entry]) -> Vec<Entry> {
    let mut children: BTreeMap<i32, Vec<&Entry>> = BTreeMap::new();
    for entry in all {
        children.entry(entry.parent).or_default().push(entry);
    }
    let mut found = Vec::new();
    let mut next = vec![of];
    while let Some(parent) = next.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            next.push(child.pid);
            found.push(*child);
        }
    }
    found
}

/// Signals them by their groups: a group cannot outrun a signal by forking, as a single process can.
/// Our own group is spared; who hides in it is signalled alone.
pub fn signal(entries: &[Entry], signal: Signal) {
    let own = getpgrp().as_raw();
    let groups: BTreeSet<i32> = entries.iter().map(|entry| entry.group).collect();
    // Errors mean that it is gone already, which is what was wanted.
    for group in groups
        .into_iter()
        .filter(|group| *group > 1 && *group != own)
    {
        let _ = killpg(Pid::from_raw(group), signal);
    }
    for entry in entries.iter().filter(|entry| entry.group == own) {
        let _ = kill(Pid::from_raw(entry.pid), signal);
    }
}

// The name stands in parentheses and may hold any byte, parentheses and spaces too: the fields begin after the last one.
fn parse(stat: &str) -> Option<Entry> {
    let (head, tail) = stat.rsplit_once(')')?;
    let pid = head.split_once(' ')?.0.parse().ok()?;
    let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
    Some(Entry {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
        ended: matches!(*fields.first()?, "Z" | "X"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, parent: i32) -> Entry {
        Entry {
            pid,
            parent,
            group: pid,
            started: 0,
            ended: false,
        }
    }

    #[test]
    fn a_name_full_of_parentheses_is_only_a_name() {
        let line = "42 (a) R 1 (b) S 7 41 40 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2";
        let found = parse(line).unwrap();
        assert_eq!((found.pid, found.parent, found.group), (42, 7, 41));
        assert_eq!((found.started, found.ended), (98_765, false));
        assert_eq!(parse("42 (a"), None);
    }

    #[test]
    fn descendants_are_found_at_any_depth() {
        let all = [
            process(5, 4),
            process(3, 2),
            process(4, 3),
            process(9, 1),
            process(2, 1),
        ];
        let mut found: Vec<i32> = descendants(2, &all).iter().map(|entry| entry.pid).collect();
        found.sort_unstable();
        assert_eq!(found, [3, 4, 5]);
    }

    #[test]
    fn a_circle_of_parents_does_not_hang() {
        assert_eq!(descendants(2, &[process(3, 2), process(2, 3)]).len(), 2);
    }
}
