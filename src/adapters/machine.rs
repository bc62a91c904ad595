//! What is left of this machine: memory by the kernel's own estimate and by the limits of our cgroup, disk by the file
//! system. Linux tells the memory; elsewhere nobody knows.

use crate::ports::Resources;
use crate::rules::room::Room;
use async_trait::async_trait;
use nix::sys::statvfs::statvfs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A file system that does not answer for so long (a server that is gone) tells nothing.
const PATIENCE: Duration = Duration::from_secs(1);
const MEMORY: &str = "/proc/meminfo";
const OWN_CGROUP: &str = "/proc/self/cgroup";
const CGROUPS: &str = "/sys/fs/cgroup";

/// This machine.
#[derive(Clone, Debug)]
pub struct Machine {
    places: Vec<PathBuf>,
}

impl Machine {
    /// Files are written at these places; they need not exist yet.
    #[must_use]
    pub fn new(places: Vec<PathBuf>) -> Self {
        Self { places }
    }
}

#[async_trait]
impl Resources for Machine {
    async fn memory(&self) -> Option<Room> {
        look(|| {
            let own = std::fs::read_to_string(OWN_CGROUP).unwrap_or_default();
            let all = std::fs::read_to_string(MEMORY).ok();
            let all = all.as_deref().and_then(of_the_machine);
            let limited = within_limits(Path::new(CGROUPS), &own);
            tightest([all, limited].into_iter().flatten())
        })
        .await
    }

    async fn disk(&self) -> Option<Room> {
        let places = self.places.clone();
        look(move || tightest(places.iter().filter_map(|place| of_the_disk(place)))).await
    }
}

/// Asks beside the loop, which nothing may hold up.
async fn look(ask: impl FnOnce() -> Option<Room> + Send + 'static) -> Option<Room> {
    let asked = tokio::task::spawn_blocking(ask);
    tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()?
}

fn tightest(rooms: impl Iterator<Item = Room>) -> Option<Room> {
    rooms.min_by_key(|room| room.free)
}

/// `MemAvailable` is what programs can get without swapping, the caches that can be dropped included (proc(5)).
fn of_the_machine(meminfo: &str) -> Option<Room> {
    let kilobytes = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        let number: u64 = line.split_whitespace().next()?.parse().ok()?;
        number.checked_mul(1024)
    };
    Some(Room {
        free: kilobytes("MemAvailable:")?,
        total: kilobytes("MemTotal:")?,
    })
}

/// The tightest limit of our own cgroup and of those around it, where version 2 is in use.
fn within_limits(top: &Path, own: &str) -> Option<Room> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    // Within a container the path may be one of the host's, which is not there: what is around it is.
    let around = Path::new(path).ancestors();
    tightest(around.filter_map(|path| of_the_cgroup(&top.join(path))))
}

/// Files that were not used for long are dropped before anybody goes without, and do not count as used; so the kubelet
/// reckons its working set.
fn of_the_cgroup(group: &Path) -> Option<Room> {
    let read = |name: &str| std::fs::read_to_string(group.join(name)).ok();
    let number = |name: &str| read(name)?.trim().parse::<u64>().ok();
    let total = number("memory.max")
        .into_iter()
        .chain(number("memory.high"))
        .min()?;
    let stat = read("memory.stat").unwrap_or_default();
    let dropped = stat
        .lines()
        .find_map(|line| line.strip_prefix("inactive_file "))
        .and_then(|number| number.trim().parse().ok())
        .unwrap_or(0);
    let used = number("memory.current")?.saturating_sub(dropped);
    let free = total.saturating_sub(used);
    Some(Room { free, total })
}

fn of_the_disk(place: &Path) -> Option<Room> {
    let disk = place.ancestors().find_map(|path| statvfs(path).ok())?;
    let block = wide(disk.fragment_size());
    Some(Room {
        free: wide(disk.blocks_available()).saturating_mul(block),
        total: wide(disk.blocks()).saturating_mul(block),
    })
}

/// These counts have another width on other systems.
fn wide(count: impl Into<u64>) -> u64 {
    count.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn the_kernel_s_estimate_is_read() {
        let check = |text: &str, expect| assert_eq!(of_the_machine(text), expect, "{text:?}");
        let text = "MemTotal:        4096 kB\nMemFree:  12 kB\nMemAvailable:    1024 kB\n";
        let (free, total) = (MIB, 4 * MIB);
        check(text, Some(Room { free, total }));
        check("MemTotal: 4096 kB\n", None);
        check("MemTotal: 4096 kB\nMemAvailable: much\n", None);
        check("", None);
    }

    #[test]
    fn the_tightest_limit_around_us_counts_and_old_files_are_no_use_of_memory() {
        let top = tempfile::tempdir().unwrap();
        let inner = top.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        let write = |path: &str, bytes: u64| {
            std::fs::write(top.path().join(path), format!("{bytes}\n")).unwrap();
        };
        let limits = |own: &str| within_limits(top.path(), own);
        assert_eq!(limits("0::/a/b\n"), None, "no limit is set");
        std::fs::write(inner.join("memory.max"), "max\n").unwrap();
        write("a/b/memory.current", 7 * MIB);
        assert_eq!(limits("0::/a/b\n"), None, "this one is none");

        write("a/memory.max", 100 * MIB);
        write("a/memory.current", 90 * MIB);
        let room = |free, total| Some(Room { free, total });
        assert_eq!(limits("0::/a/b\n"), room(10 * MIB, 100 * MIB));
        std::fs::write(
            top.path().join("a/memory.stat"),
            format!("anon 1\ninactive_file {}\n", 30 * MIB),
        )
        .unwrap();
        assert_eq!(limits("0::/a/b\n"), room(40 * MIB, 100 * MIB));
        write("a/memory.high", 80 * MIB);
        assert_eq!(limits("0::/a/b\n"), room(20 * MIB, 80 * MIB));

        // The control: where the limit is not ours, or version 1 is in use.
        assert_eq!(limits("0::/other\n"), None);
        assert_eq!(limits("4:memory:/a/b\n"), None);
        assert_eq!(
            limits("1:cpu:/\n0::/a/gone\n"),
            room(20 * MIB, 80 * MIB),
            "one that is not there is looked around"
        );
    }

    #[tokio::test]
    async fn this_machine_tells_what_is_left() {
        let here = tempfile::tempdir().unwrap();
        let machine = Machine::new(vec![here.path().join("not/there/yet")]);
        let disk = machine.disk().await.expect("a disk has a size");
        assert!(disk.free <= disk.total && disk.total > 0, "{disk:?}");
        if cfg!(target_os = "linux") {
            let memory = machine.memory().await.expect("Linux tells it");
            assert!(memory.total > 16 * MIB, "{memory:?}");
            assert!(0 < memory.free && memory.free <= memory.total, "{memory:?}");
        }
    }
}
