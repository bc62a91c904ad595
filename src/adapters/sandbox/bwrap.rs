//! The command line of bubblewrap: a root with what is on a list, and nothing else.

use super::bridge::{PROGRAM, Plan, SOCKETS};
use super::shape::{Network, Reach, Sandbox, Workplace};
use super::system::{Piece, pieces};
use super::toolchains;
use crate::rules::host::HostPattern;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What whoever runs as root could change for the whole machine: the owner of these files is root outside as well.
const KERNELS_OWN: [&str; 4] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"];
/// What tells of the machine's memory, or makes it do something.
const KERNELS_SECRETS: [&str; 5] = [
    "/proc/kcore",
    "/proc/keys",
    "/proc/kmsg",
    "/proc/sysrq-trigger",
    "/proc/timer_list",
];

/// One run in the sandbox.
#[derive(Debug)]
pub struct Run<'a> {
    /// Program and arguments.
    pub argv: &'a [String],
    /// Its environment, as it will be inside.
    pub env: &'a BTreeMap<String, String>,
    /// Where it runs.
    pub directory: &'a Path,
    /// Its worktree, home and temporary files.
    pub workplace: &'a Workplace,
    /// What it may reach besides.
    pub reach: &'a Reach,
    /// Where the sockets are; nothing where the network is open.
    pub sockets: Option<&'a Path>,
}

/// What is seen at a path inside.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mount {
    Read(PathBuf),
    Write(PathBuf),
    Link(PathBuf),
}

/// The whole command line.
#[must_use]
pub fn argv(
    program: &Path,
    keeps_namespaces: bool,
    sandbox: &Sandbox,
    run: &Run<'_>,
) -> Vec<String> {
    let mut words = vec![text(program)];
    let mut add = |more: &[&str]| words.extend(more.iter().map(ToString::to_string));
    add(&[
        "--unshare-user",
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
    ]);
    if sandbox.network == Network::Listed {
        add(&["--unshare-net"]);
    }
    if keeps_namespaces {
        add(&["--disable-userns"]);
    }
    add(&[
        "--cap-drop",
        "ALL",
        "--die-with-parent",
        "--new-session",
        "--hostname",
        "sandbox",
    ]);
    add(&[
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/run",
        "--dir",
        "/var",
        "--symlink",
        "../tmp",
        "/var/tmp",
    ]);
    for (at, mount) in mounts(sandbox, run) {
        let at = text(&at);
        match mount {
            Mount::Read(from) => add(&["--ro-bind-try", &text(&from), &at]),
            Mount::Write(from) => add(&["--bind", &text(&from), &at]),
            Mount::Link(to) => add(&["--symlink", &text(&to), &at]),
        }
    }
    // What is none of these is a root in memory, which nobody needs to write to.
    add(&["--remount-ro", "/", "--chdir", &text(run.directory), "--"]);
    let is_listed = run.sockets.is_some();
    let plan = Plan {
        proxy: is_listed,
        ports: if is_listed {
            ports(sandbox, run.reach)
        } else {
            Vec::new()
        },
        answers: run.reach.answers.filter(|_| is_listed),
    };
    let plan = serde_json::to_string(&plan).expect("numbers are JSON");
    add(&[PROGRAM, "__inside", &plan]);
    words.extend(run.argv.iter().cloned());
    words
}

/// Ports of this machine that the list names: they are reached inside by the same number.
#[must_use]
pub fn ports(sandbox: &Sandbox, reach: &Reach) -> Vec<u16> {
    let hosts = sandbox.hosts.iter().chain(&reach.hosts);
    let ports: BTreeSet<u16> = hosts.filter_map(HostPattern::own_port).collect();
    ports.into_iter().collect()
}

/// All that is seen inside, those above before those below; whoever comes later at one path counts.
fn mounts(sandbox: &Sandbox, run: &Run<'_>) -> Vec<(PathBuf, Mount)> {
    let mut all = BTreeMap::new();
    for piece in pieces() {
        match piece {
            Piece::Shown(path) => all.insert(path.clone(), Mount::Read(path)),
            Piece::Link(at, to) => all.insert(at, Mount::Link(to)),
        };
    }
    let place = run.workplace;
    all.insert(PathBuf::from("/tmp"), Mount::Write(place.temporary.clone()));
    all.insert(sandbox.home.clone(), Mount::Write(place.home.clone()));
    let named = run.argv.iter().map(PathBuf::from);
    let named = named.filter(|path| path.is_absolute() && path.is_file());
    let around = named.flat_map(|path| toolchains::around(&path, &sandbox.home));
    let shown = toolchains::shown(run.env, &sandbox.home).into_iter();
    for path in shown.chain(around).chain(sandbox.readable.iter().cloned()) {
        all.insert(path.clone(), Mount::Read(path));
    }
    for path in &run.reach.files {
        all.insert(path.clone(), Mount::Read(path.clone()));
    }
    for (from, at) in &run.reach.logins {
        all.insert(sandbox.home.join(at), Mount::Read(from.clone()));
    }
    for path in [&place.worktree].into_iter().chain(&sandbox.writable) {
        all.insert(path.clone(), Mount::Write(path.clone()));
    }
    if let Some(sockets) = run.sockets {
        all.insert(PathBuf::from(SOCKETS), Mount::Read(sockets.to_owned()));
    }
    all.insert(
        PathBuf::from(PROGRAM),
        Mount::Read(sandbox.own_program.clone()),
    );
    // Not every kernel has them all, and nothing can be put where there is nothing.
    let there = |path: &&str| Path::new(path).exists();
    for path in KERNELS_OWN.into_iter().filter(there) {
        all.insert(path.into(), Mount::Read(path.into()));
    }
    for path in KERNELS_SECRETS.into_iter().filter(there) {
        all.insert(path.into(), Mount::Read("/dev/null".into()));
    }
    let mut all: Vec<(PathBuf, Mount)> = all.into_iter().collect();
    all.sort_by_key(|(at, _)| at.components().count());
    all
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
