//! The second best sandbox: a process limits itself by Landlock and seccomp, and becomes the program.
//!
//! It is `autoissue __confined <confinement> <program> ...`. Files, ports and signals are kept to a list; that other
//! files and processes are there, it can see, and a port on the list is open to any host.

use super::enter::Wish;
use super::shape::{Network, Sandbox, Workplace};
use super::system::{Piece, pieces};
use super::toolchains;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What programs exit with where the sandbox is not ready.
const NOT_READY: u8 = 125;
/// Toolchains that are found below the home unless a variable says otherwise.
const BELOW_HOME: [(&str, &str); 4] = [
    ("RUSTUP_HOME", ".rustup"),
    ("CARGO_HOME", ".cargo"),
    ("GOPATH", "go"),
    ("PYENV_ROOT", ".pyenv"),
];

/// What a process limits itself to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Paths that may be read, with all below.
    pub read: BTreeSet<PathBuf>,
    /// Paths that may be written, with all below.
    pub write: BTreeSet<PathBuf>,
    /// Ports that may be connected to; all where nothing is said.
    pub ports: Option<Vec<u16>>,
}

impl Confinement {
    /// Of one program. Logins are linked from its home to where they are.
    #[must_use]
    pub fn of(
        sandbox: &Sandbox,
        wish: Wish<'_>,
        place: &Workplace,
        ports: Option<Vec<u16>>,
    ) -> Self {
        let named = wish.argv.iter().map(PathBuf::from);
        let named = named.filter(|path| path.is_absolute() && path.is_file());
        let around = named.flat_map(|path| toolchains::around(&path, &sandbox.home));
        let system = pieces().into_iter().filter_map(|piece| match piece {
            Piece::Shown(path) => Some(path),
            Piece::Link(_, _) => None,
        });
        let logins = wish.reach.logins.iter().map(|(from, at)| {
            link(&place.home, at, from);
            from.clone()
        });
        let own = [
            place.worktree.clone(),
            place.home.clone(),
            place.temporary.clone(),
        ];
        let write = own.into_iter().chain(sandbox.writable.iter().cloned());
        Self {
            read: system
                .chain([PathBuf::from("/proc")])
                .chain(toolchains::shown(wish.env, &sandbox.home))
                .chain(around)
                .chain(sandbox.readable.iter().cloned())
                .chain(logins)
                .chain(wish.reach.files.iter().cloned())
                .chain([sandbox.own_program.clone()])
                .filter(|path| path.exists())
                .collect(),
            write: write.collect(),
            ports: ports.filter(|_| sandbox.network == Network::Listed),
        }
    }

    /// The command line by which this program limits itself, and becomes that one.
    #[must_use]
    pub fn argv(&self, program: &Path, argv: &[String]) -> Vec<String> {
        let limits = serde_json::to_string(self).expect("paths and numbers are JSON");
        let before = [
            program.to_string_lossy().into_owned(),
            "__confined".to_owned(),
            limits,
        ];
        before.into_iter().chain(argv.iter().cloned()).collect()
    }
}

/// Links to a file from a place in its home. An earlier program may have put a link to somewhere else on the way there:
/// through that nothing is made.
fn link(home: &Path, at: &Path, from: &Path) {
    let mut directory = home.to_owned();
    for part in at.parent().into_iter().flat_map(Path::components) {
        directory.push(part);
        let _ = std::fs::create_dir(&directory);
        if !std::fs::symlink_metadata(&directory).is_ok_and(|found| found.is_dir()) {
            return;
        }
    }
    let at = home.join(at);
    if std::fs::symlink_metadata(&at).is_ok_and(|found| !found.is_dir()) {
        let _ = std::fs::remove_file(&at);
    }
    let _ = symlink(from, at);
}

/// With another home, toolchains have to be told where they are.
pub fn point_at_toolchains(env: &mut BTreeMap<String, String>, home: &Path) {
    for (variable, usual) in BELOW_HOME {
        let path = home.join(usual);
        if path.exists() {
            env.entry(variable.to_owned())
                .or_insert_with(|| path.to_string_lossy().into_owned());
        }
    }
}

/// What `autoissue __confined` does; returns only where it could not, with an exit code.
pub fn run(arguments: &[String]) -> u8 {
    let Err(error) = start(arguments) else {
        return NOT_READY;
    };
    let _ = writeln!(io::stderr(), "autoissue: the sandbox is not ready: {error}");
    NOT_READY
}

fn start(arguments: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let [limits, program, rest @ ..] = arguments else {
        return Err("no program is named".into());
    };
    let limits: Confinement = serde_json::from_str(limits)?;
    apply(&limits)?;
    let error = Command::new(program).args(rest).exec();
    if error.kind() == io::ErrorKind::NotFound {
        return Err(format!("there is no program {program} in the sandbox").into());
    }
    Err(error.into())
}

/// Limits this thread, and all that it starts, for good.
#[cfg(target_os = "linux")]
fn apply(limits: &Confinement) -> Result<(), Box<dyn std::error::Error>> {
    use super::seccomp;
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, NetPort, Ruleset,
        RulesetAttr as _, RulesetCreatedAttr as _, Scope, path_beneath_rules,
    };
    use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
    // Linux 6.12: what is older cannot keep signals and abstract sockets in.
    let abi = ABI::V6;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(abi))?
        .scope(Scope::from_all(abi))?;
    if limits.ports.is_some() {
        rules = rules.handle_access(AccessNet::ConnectTcp)?;
    }
    let devices =
        ["null", "zero", "full", "random", "urandom", "tty"].map(|name| format!("/dev/{name}"));
    let mut rules = rules
        .create()?
        .add_rules(path_beneath_rules(&limits.read, AccessFs::from_read(abi)))?
        .add_rules(path_beneath_rules(&limits.write, AccessFs::from_all(abi)))?
        .add_rules(path_beneath_rules(devices, AccessFs::from_all(abi)))?;
    for port in limits.ports.iter().flatten() {
        rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
    }
    rules.restrict_self()?;
    // Landlock lets whoever may trace anybody read other processes' memory.
    let nothing = CapabilitySet::empty();
    set_capabilities(
        None,
        CapabilitySets {
            effective: nothing,
            permitted: nothing,
            inheritable: nothing,
        },
    )?;
    seccomp::apply(seccomp::Sockets::over_shared_network(
        limits.ports.is_some(),
    ))?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn apply(_: &Confinement) -> Result<(), Box<dyn std::error::Error>> {
    Err("Landlock is a part of Linux".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_login_is_linked_and_never_through_a_link() {
        let top = tempfile::tempdir().unwrap();
        let at = |path: &str| top.path().join(path);
        fs::create_dir_all(at("home")).unwrap();
        fs::create_dir_all(at("private")).unwrap();
        fs::write(at("login"), "key").unwrap();
        let place = Path::new(".agent/login");
        for _ in 0..2 {
            link(&at("home"), place, &at("login"));
            assert_eq!(fs::read_to_string(at("home/.agent/login")).unwrap(), "key");
        }
        fs::remove_dir_all(at("home/.agent")).unwrap();
        symlink(at("private"), at("home/.agent")).unwrap();
        link(&at("home"), place, &at("login"));
        assert_eq!(fs::read_dir(at("private")).unwrap().count(), 0);
    }
}
