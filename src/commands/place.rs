//! Where a command runs: working directory, environment, global flags.

use crate::cli::args::Globals;
use crate::commands::checkout::{self, Checkout};
use crate::commands::output::Output;
use crate::config::load::{file_of, load};
use crate::config::loaded::{Loaded, Overrides};
use crate::error::{Error, Kind};
use crate::reporters::console::Live;
use crate::reporters::log::{self, LogGuard};
use crate::reporters::next::Calling;
use etcetera::BaseStrategy as _;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

/// What a command needs to know of its surroundings.
#[derive(Clone, Debug)]
pub struct Place {
    /// The working directory.
    pub cwd: PathBuf,
    /// The global flags.
    pub globals: Globals,
    /// Where results go.
    pub output: Output,
    /// The log of this process, once it was opened; nothing in it where it cannot be written.
    pub log: Arc<OnceLock<Option<LogGuard>>>,
    /// Has a session begun, which hears signals itself?
    pub has_begun: Arc<AtomicBool>,
}

impl Place {
    /// Here and now.
    pub fn here(globals: Globals) -> Result<Self, Error> {
        let cwd = std::env::current_dir().map_err(|cause| {
            Error::new(Kind::Files, "find the working directory").because(&cause)
        })?;
        let output = Output::new(&globals);
        Ok(Self {
            cwd,
            globals,
            output,
            log: Arc::default(),
            has_begun: Arc::default(),
        })
    }

    /// The configuration in effect.
    pub fn load(&self, flags: &Overrides) -> Result<Loaded, Error> {
        Ok(load(
            &self.cwd,
            self.globals.config.as_deref(),
            flags,
            &variable,
        )?)
    }

    /// The file that it is read from, as things stand.
    #[must_use]
    pub fn config_file(&self) -> Option<PathBuf> {
        file_of(&self.cwd, self.globals.config.as_deref())
    }

    /// The user's checkout.
    pub fn checkout(&self, loaded: &Loaded) -> Result<Checkout, Error> {
        Ok(checkout::look(&loaded.project(&self.cwd))?)
    }

    /// The log of this process, opened where it was not. One that cannot be written stops nobody.
    pub fn open_log(&self, loaded: &Loaded, state: &Path) -> Option<&LogGuard> {
        let keep = usize::try_from(loaded.config.log.keep_days.get()).unwrap_or(usize::MAX);
        let open = || match log::start(&state.join("logs"), keep, self.globals.verbose) {
            Ok(guard) => Some(guard),
            Err(error) => {
                let told = self.output.error(&Error::from_source(Kind::Files, &error));
                drop(told);
                None
            }
        };
        self.log.get_or_init(open).as_ref()
    }

    /// May lines on the screen be drawn over?
    #[must_use]
    pub fn live(&self) -> Live {
        if self.globals.headless {
            Live::Headless
        } else {
            Live::Auto
        }
    }

    /// How this program is called again from here, with the state directory of this call.
    #[must_use]
    pub fn calling(&self) -> Calling {
        let named = self.globals.state_dir.as_ref();
        let usual = std::env::var_os("AUTOISSUE_STATE_DIR").map(PathBuf::from);
        let named = named.filter(|directory| Some(*directory) != usual.as_ref());
        let quoted = |path: &Path| shell_words::quote(&path.to_string_lossy()).into_owned();
        Calling {
            program: program().map_or("autoissue".to_owned(), |path| quoted(&path)),
            flags: named.map_or_else(String::new, |directory| {
                format!(" --state-dir {}", quoted(directory))
            }),
        }
    }

    /// Where journals, logs and worktrees are kept; it need not exist yet.
    pub fn state_dir(&self) -> Result<PathBuf, Error> {
        let named = self.globals.state_dir.as_ref();
        if let Some(directory) = named.filter(|directory| !directory.as_os_str().is_empty()) {
            return Ok(whereabouts(&self.cwd.join(directory)));
        }
        let strategy = etcetera::base_strategy::Xdg::new().map_err(|cause| {
            Error::new(Kind::Files, "find the state directory")
                .because(&cause)
                .hints(["set HOME, or name one with --state-dir"])
        })?;
        let state = strategy
            .state_dir()
            .expect("the XDG strategy always has a state directory");
        Ok(state.join("autoissue"))
    }
}

/// This program's file, where its name alone would not find it.
fn program() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let is_own =
        |directory: PathBuf| directory.join("autoissue").canonicalize().ok().as_ref() == Some(&own);
    if std::env::split_paths(&paths).any(is_own) {
        return None;
    }
    let cwd = std::env::current_dir().ok()?;
    Some(own.strip_prefix(cwd).map(Path::to_path_buf).unwrap_or(own))
}

/// Where a path leads, by the links and directories that are there; what is not there yet is taken as it is written.
#[must_use]
pub fn whereabouts(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(found.pop()),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) | Component::Normal(_) => found.push(part),
        }
        if let Ok(real) = found.canonicalize() {
            found = real;
        }
    }
    found
}

/// An environment variable. One that is no text is not dropped, so that its key's own check refuses it.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    Some(value.to_string_lossy().into_owned())
}

/// Paths as text.
#[must_use]
pub fn names(paths: &[PathBuf]) -> Vec<String> {
    let names = paths.iter().map(|path| path.display().to_string());
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_where_its_links_lead() {
        let top = tempfile::tempdir().unwrap();
        let top = top.path().canonicalize().unwrap();
        std::fs::create_dir_all(top.join("deep/er")).unwrap();
        std::os::unix::fs::symlink(top.join("deep/er"), top.join("link")).unwrap();
        let check = |path: &str, expect: &str| {
            assert_eq!(whereabouts(&top.join(path)), top.join(expect), "{path}");
        };
        check("deep/../new/./er", "new/er");
        check("link/../new", "deep/new");
        check("nowhere/../x", "x");
        check("link", "deep/er");
    }
}
