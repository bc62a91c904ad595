//! Which sandbox works here, found out by trying.

use super::shape::Isolation;
use crate::rules::printable::printable;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

/// So long a try may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a sandbox cannot be had here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotHere {
    /// The program is missing.
    #[error("bubblewrap is not installed (no program `bwrap` in PATH)")]
    NoBubblewrap,
    /// The system says no.
    #[error("{kind} does not work here: {detail}")]
    DoesNotWork {
        /// Which.
        kind: &'static str,
        /// What it said.
        detail: String,
    },
}

/// bubblewrap, as good as it is here.
pub fn bubblewrap(own_program: &Path) -> Result<Isolation, NotHere> {
    let program = in_path("bwrap").ok_or(NotHere::NoBubblewrap)?;
    // Older ones do not know it, and some systems do not allow it.
    for keeps_namespaces in [true, false] {
        let mut words = vec![
            "--unshare-user",
            "--unshare-pid",
            "--unshare-net",
            "--unshare-ipc",
        ];
        words.extend(keeps_namespaces.then_some("--disable-userns"));
        words.extend([
            "--ro-bind",
            "/",
            "/",
            "--proc",
            "/proc",
            "--dev",
            "/dev",
            "--",
        ]);
        let mut command = Command::new(&program);
        command.args(&words).arg(own_program).arg("__ready");
        match try_out(&mut command) {
            Ok(()) => {
                return Ok(Isolation::Bubblewrap {
                    program,
                    keeps_namespaces,
                });
            }
            Err(detail) if !keeps_namespaces => {
                let kind = "bubblewrap";
                return Err(NotHere::DoesNotWork { kind, detail });
            }
            Err(_) => {}
        }
    }
    unreachable!("the second try returns")
}

/// Landlock and seccomp, tried by this program on a copy of itself.
pub fn landlock(own_program: &Path) -> Result<Isolation, NotHere> {
    let everything = r#"{"read":["/"],"write":[],"ports":[1]}"#;
    let mut command = Command::new(own_program);
    command
        .args(["__confined", everything])
        .arg(own_program)
        .arg("__ready");
    try_out(&mut command)
        .map(|()| Isolation::Landlock)
        .map_err(|detail| NotHere::DoesNotWork {
            kind: "Landlock",
            detail,
        })
}

/// The sandbox of macOS.
pub fn seatbelt(own_program: &Path) -> Result<Isolation, NotHere> {
    let everything = "(version 1)(allow default)";
    let mut command = Command::new(super::seatbelt::PROGRAM);
    command
        .args(["-p", everything])
        .arg(own_program)
        .arg("__ready");
    try_out(&mut command)
        .map(|()| Isolation::Seatbelt)
        .map_err(|detail| NotHere::DoesNotWork {
            kind: "sandbox-exec",
            detail,
        })
}

/// The program of this name, as `PATH` finds it.
#[must_use]
pub fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let is_program = |path: &PathBuf| {
        path.metadata()
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&path)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(is_program)
}

/// Its first words of complaint where it does not end well.
fn try_out(command: &mut Command) -> Result<(), String> {
    let quietly = command
        .env_remove("LD_PRELOAD")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let child = quietly.spawn().map_err(|error| error.to_string())?;
    let pid = i32::try_from(child.id()).map_err(|error| error.to_string())?;
    let (tell, told) = channel();
    std::thread::spawn(move || tell.send(child.wait_with_output()));
    let Ok(ended) = told.recv_timeout(PATIENCE) else {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        return Err("it does not end".to_owned());
    };
    let output = ended.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().next().unwrap_or_default().trim();
    Err(if first.is_empty() {
        output.status.to_string()
    } else {
        printable(first)
    })
}
