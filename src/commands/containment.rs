//! What keeps agents, setup and checks apart from this machine: found by trying, or refused.

use crate::adapters::sandbox::find::{self, NotHere};
use crate::adapters::sandbox::shape::{Ceilings, Isolation, Network, Sandbox};
use crate::commands::place::whereabouts;
use crate::config::containing::{Isolation as Wanted, Network as Reached};
use crate::config::loaded::Loaded;
use crate::error::{Error, Kind};
use crate::rules::room::Room;
use std::path::{Path, PathBuf};

/// How to get the better sandbox.
pub const INSTALL: &str =
    "install bubblewrap, on Debian and Ubuntu with `sudo apt-get install bubblewrap`";

/// The sandbox as configured; nothing where it is configured that there is none.
pub fn isolation(wanted: Wanted, own_program: &Path) -> Result<Option<Isolation>, Error> {
    match wanted {
        Wanted::None => Ok(None),
        Wanted::Bwrap => find::bubblewrap(own_program)
            .map(Some)
            .map_err(|cause| refused(&[cause])),
        Wanted::Landlock => find::landlock(own_program)
            .map(Some)
            .map_err(|cause| refused(&[cause])),
        Wanted::Auto if cfg!(target_os = "macos") => find::seatbelt(own_program)
            .map(Some)
            .map_err(|cause| refused(&[cause])),
        Wanted::Auto => match find::bubblewrap(own_program) {
            Ok(isolation) => Ok(Some(isolation)),
            Err(first) => find::landlock(own_program)
                .map(Some)
                .map_err(|second| refused(&[first, second])),
        },
    }
}

fn refused(causes: &[NotHere]) -> Error {
    let causes: Vec<String> = causes.iter().map(ToString::to_string).collect();
    let windows = cfg!(windows).then_some("run it in WSL");
    let hints = windows.into_iter().chain([
        INSTALL,
        "`--isolation none` runs them as you, with all that you can reach: best on a machine that has nothing to lose",
    ]);
    Error::new(Kind::Project, "keep agents apart from this machine")
        .cause(causes.join("; "))
        .hints(hints)
}

/// All of the sandbox: what is found, and what the configuration says.
pub struct Around<'a> {
    /// The configuration in effect.
    pub loaded: &'a Loaded,
    /// Where the worktrees are.
    pub slots: PathBuf,
    /// Where git's objects are.
    pub objects: PathBuf,
    /// This program.
    pub own_program: PathBuf,
    /// The machine's memory.
    pub memory: Option<Room>,
}

impl Around<'_> {
    /// The sandbox of this project.
    #[must_use]
    pub fn sandbox(self, isolation: Isolation) -> Sandbox {
        let config = &self.loaded.config.sandbox;
        let home =
            std::env::var_os("HOME").map_or_else(|| PathBuf::from("/home/agent"), PathBuf::from);
        let named = |paths: &[PathBuf]| -> Vec<PathBuf> {
            let paths = paths.iter().map(|path| match path.strip_prefix("~") {
                Ok(rest) => home.join(rest),
                Err(_) => whereabouts(&self.loaded.resolve(path)),
            });
            paths.collect()
        };
        let memory = config.memory_mb.map_or_else(
            || self.memory.map_or(0, |room| room.total / 4 * 3),
            |megabytes| u64::from(megabytes.get()) << 20,
        );
        Sandbox {
            isolation,
            network: match config.network {
                Reached::Proxy => Network::Listed,
                Reached::Open => Network::Open,
            },
            slots: self.slots,
            readable: [named(&config.readable), vec![self.objects]].concat(),
            writable: named(&config.writable),
            hosts: config.hosts.clone(),
            ceilings: Ceilings {
                memory,
                processes: config.processes.get(),
            },
            home,
            own_program: self.own_program,
        }
    }
}
