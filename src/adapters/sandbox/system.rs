//! What everybody may read of the system: programs, libraries, and the few files of `/etc` that programs look for.

use std::fs;
use std::path::{Path, PathBuf};

/// Where programs and libraries are; never written in the sandbox.
const PROGRAMS: [&str; 11] = [
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix", "/gnu", "/snap",
];
/// Of `/etc`: nothing that holds a secret, and no configuration that runs something as us.
const SETTINGS: [&str; 34] = [
    "alternatives",
    "bash.bashrc",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "debian_version",
    "fonts",
    "group",
    "hosts",
    "inputrc",
    "java",
    "java-17-openjdk",
    "java-21-openjdk",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "locale.alias",
    "locale.conf",
    "magic",
    "maven",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "pki",
    "profile",
    "protocols",
    "python3",
    "resolv.conf",
    "services",
    "ssl",
    "static",
    "timezone",
];

/// One piece of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// This directory or file, with all below it.
    Shown(PathBuf),
    /// A link at this path, to there.
    Link(PathBuf, PathBuf),
}

/// All that is there on this machine.
#[must_use]
pub fn pieces() -> Vec<Piece> {
    let programs = PROGRAMS.iter().map(PathBuf::from);
    let settings = SETTINGS.iter().map(|name| Path::new("/etc").join(name));
    programs
        .filter_map(piece)
        // A link out of /etc would be a link to nothing.
        .chain(settings.filter(|path| path.exists()).map(Piece::Shown))
        .collect()
}

fn piece(path: PathBuf) -> Option<Piece> {
    let found = fs::symlink_metadata(&path).ok()?;
    if found.is_symlink() {
        let to = fs::read_link(&path).ok()?;
        return Some(Piece::Link(path, to));
    }
    found.is_dir().then_some(Piece::Shown(path))
}

/// Is it shown to everybody anyway?
#[must_use]
pub fn has(path: &Path) -> bool {
    PROGRAMS.iter().any(|shown| path.starts_with(shown))
}
