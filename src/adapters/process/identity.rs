//! Which process is which: a number alone may have been given to another one since.

use crate::adapters::process::tree::{self, Entry};
use crate::rules::event::ProcessIdentity;
use std::fs;
use std::sync::OnceLock;

/// The variable by which a program's descendants are known even when their supervisor is gone.
pub const MARK: &str = "AUTOISSUE_EXEC";

/// The identity of the process with this number; `None` where there is none.
/// Where there is no `/proc` to tell more than the number, it is one that nothing is ever found by.
#[must_use]
pub fn identify(pid: u32) -> Option<ProcessIdentity> {
    if cfg!(not(target_os = "linux")) {
        return Some(ProcessIdentity {
            pid,
            started: 0,
            boot: String::new(),
        });
    }
    let entry = tree::entry(i32::try_from(pid).ok()?)?;
    Some(ProcessIdentity {
        pid,
        started: entry.started,
        boot: boot()?.to_owned(),
    })
}

/// Is it this very process, and does it still run?
#[must_use]
pub fn is_running(process: &ProcessIdentity) -> bool {
    find(process).is_some_and(|entry| !entry.ended)
}

/// The process itself, if that number still means it.
#[must_use]
pub fn find(process: &ProcessIdentity) -> Option<Entry> {
    if boot() != Some(process.boot.as_str()) {
        return None;
    }
    tree::entry(i32::try_from(process.pid).ok()?).filter(|entry| entry.started == process.started)
}

/// What `MARK` is set to in everything that this supervisor runs.
#[must_use]
pub fn mark(supervisor: &ProcessIdentity) -> String {
    format!(
        "{}:{}:{}",
        supervisor.pid, supervisor.started, supervisor.boot
    )
}

/// Does this process carry the mark? Not, where its environment may not be read.
#[must_use]
pub fn carries(pid: i32, mark: &str) -> bool {
    let wanted = format!("{MARK}={mark}");
    fs::read(format!("/proc/{pid}/environ")).is_ok_and(|env| {
        env.split(|byte| *byte == 0)
            .any(|var| var == wanted.as_bytes())
    })
}

fn boot() -> Option<&'static str> {
    static BOOT: OnceLock<Option<String>> = OnceLock::new();
    BOOT.get_or_init(|| {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(id.trim().to_owned())
    })
    .as_deref()
}

/// Lets no other program of the same user look into this process: its environment may hold a token.
pub fn hide() {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_dumpable(false) {
        tracing::warn!(%error, "other programs of this user can read the environment");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_with_another_start_or_boot_is_another_process() {
        let me = identify(std::process::id()).unwrap();
        assert!(is_running(&me));
        let later = ProcessIdentity {
            started: me.started + 1,
            ..me.clone()
        };
        assert!(!is_running(&later));
        let rebooted = ProcessIdentity {
            boot: "another".to_owned(),
            ..me
        };
        assert!(!is_running(&rebooted));
    }

    #[test]
    fn no_process_has_no_identity() {
        assert_eq!(identify(u32::MAX), None);
    }
}
