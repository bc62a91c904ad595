//! Reads an index of ours: which files git knows, and how they lay there when it last looked.
//!
//! Format: `gitformat-index`, versions 2 and 3, which are what git writes where nobody asks for another one.

use nix::sys::stat::{FileStat, SFlag};
use std::io;

/// A file that the index knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// Below the root, with `/`.
    pub(super) path: Vec<u8>,
    /// As git writes it: `0o100644`, `0o100755`, `0o120000` for a link, `0o160000` for a nested repository.
    pub(super) mode: u32,
    /// Is it outside of what is laid out?
    pub(super) is_left_out: bool,
    stamp: Stamp,
}

/// The mode of an entry that stands for a whole directory.
const SPARSE_DIRECTORY: u32 = 0o040_000;
/// In the second half of the flags: the file is not laid out.
const SKIP_WORKTREE: u8 = 0x40;

/// What the file system said of a file. Git keeps no more of any number than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    changed: (u32, u32),
    modified: (u32, u32),
    inode: u32,
    size: u32,
}

impl Known {
    /// Is it a nested repository?
    pub(super) fn is_nested(&self) -> bool {
        self.mode == 0o160_000
    }

    /// Does the file lie there as it did?
    pub(super) fn is_untouched(&self, stat: &FileStat) -> bool {
        mode_of(stat) == Some(self.mode) && Stamp::of(stat) == self.stamp
    }
}

impl Stamp {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "git keeps the low 32 bits of each"
    )]
    fn of(stat: &FileStat) -> Self {
        Self {
            changed: (stat.st_ctime as u32, stat.st_ctime_nsec as u32),
            modified: (stat.st_mtime as u32, stat.st_mtime_nsec as u32),
            inode: stat.st_ino as u32,
            size: stat.st_size as u32,
        }
    }
}

/// The mode that git would write for it; none for what is neither file nor link.
pub(super) fn mode_of(stat: &FileStat) -> Option<u32> {
    match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG if stat.st_mode & 0o100 != 0 => Some(0o100_755),
        SFlag::S_IFREG => Some(0o100_644),
        SFlag::S_IFLNK => Some(0o120_000),
        _ => None,
    }
}

/// All files that an index knows, by their paths. Whole directories that are not laid out are no files.
pub(super) fn read(bytes: &[u8], is_sha256: bool) -> io::Result<Vec<Known>> {
    let mut rest = Bytes(bytes);
    let version = match (rest.take(4)?, rest.number()?) {
        (b"DIRC", version @ (2 | 3)) => version,
        (_, version) => {
            let what = format!("an index of version {version} cannot be read");
            return Err(io::Error::other(what));
        }
    };
    let count = rest.number()?;
    let mut all = Vec::new();
    for _ in 0..count {
        let known = rest.known(version, if is_sha256 { 32 } else { 20 })?;
        if known.mode != SPARSE_DIRECTORY {
            all.push(known);
        }
    }
    Ok(all)
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> io::Result<&'a [u8]> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> io::Result<u32> {
        let bytes = self.take(4)?;
        Ok(bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }

    /// Ten numbers, the object's name, flags, the path, and one to eight zeros up to a multiple of eight.
    fn known(&mut self, version: u32, name_bytes: usize) -> io::Result<Known> {
        let before = self.0.len();
        let changed = (self.number()?, self.number()?);
        let modified = (self.number()?, self.number()?);
        let (_device, inode) = (self.number()?, self.number()?);
        let (mode, _user) = (self.number()?, self.number()?);
        let (_group, size) = (self.number()?, self.number()?);
        self.take(name_bytes)?;
        let is_extended = version == 3 && self.take(2)?[0] & 0x40 != 0;
        if version == 2 {
            self.take(2)?;
        }
        let is_left_out = is_extended && self.take(2)?[0] & SKIP_WORKTREE != 0;
        let end = self.0.iter().position(|byte| *byte == 0);
        let path = self
            .take(end.ok_or(io::ErrorKind::UnexpectedEof)?)?
            .to_vec();
        let used = before - self.0.len();
        self.take(8 - used % 8)?;
        let stamp = Stamp {
            changed,
            modified,
            inode,
            size,
        };
        Ok(Known {
            path,
            mode,
            is_left_out,
            stamp,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::lstat;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;
    use std::process::Command;

    fn git(directory: &Path, args: &[&str]) {
        let ran = Command::new("git")
            .args(args)
            .current_dir(directory)
            .output();
        assert!(ran.unwrap().status.success(), "git {args:?}");
    }

    #[test]
    fn an_index_of_gits_is_read_and_what_was_touched_is_known() {
        for format in ["sha1", "sha256"] {
            let dir = tempfile::tempdir().unwrap();
            let root = dir.path();
            git(root, &["init", "--quiet", "--object-format", format]);
            fs::create_dir(root.join("deep")).unwrap();
            for (name, mode) in [
                ("a", 0o644),
                ("deep/run.sh", 0o755),
                ("deep/longer name", 0o644),
            ] {
                fs::write(root.join(name), name).unwrap();
                fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).unwrap();
            }
            symlink("a", root.join("link")).unwrap();
            git(root, &["add", "."]);
            // An entry that is intended to be added makes it an index of version 3.
            fs::write(root.join("zz"), "new").unwrap();
            git(root, &["add", "--intent-to-add", "zz"]);
            let known = read(
                &fs::read(root.join(".git/index")).unwrap(),
                format == "sha256",
            )
            .unwrap();
            let told: Vec<(String, u32)> = known
                .iter()
                .map(|known| {
                    (
                        String::from_utf8_lossy(&known.path).into_owned(),
                        known.mode,
                    )
                })
                .collect();
            let expect = [
                ("a", 0o100_644),
                ("deep/longer name", 0o100_644),
                ("deep/run.sh", 0o100_755),
                ("link", 0o120_000),
                ("zz", 0o100_644),
            ];
            assert_eq!(told, expect.map(|(path, mode)| (path.to_owned(), mode)));
            let is_untouched = |at: usize| {
                let known = &known[at];
                let path = root.join(String::from_utf8_lossy(&known.path).as_ref());
                known.is_untouched(&lstat(&path).unwrap())
            };
            assert!((0..4).all(is_untouched));
            fs::write(root.join("a"), "b").unwrap();
            fs::set_permissions(root.join("deep/run.sh"), fs::Permissions::from_mode(0o644))
                .unwrap();
            assert_eq!([0, 1, 2, 3].map(is_untouched), [false, true, false, true]);
        }
    }

    #[test]
    fn what_is_cut_short_or_of_another_version_is_refused() {
        assert!(read(b"DIRC\0\0\0\x02\0\0\0\x01short", false).is_err());
        assert!(read(b"DIRC\0\0\0\x04\0\0\0\0", false).is_err());
        assert!(read(b"", false).is_err());
        assert_eq!(read(b"DIRC\0\0\0\x02\0\0\0\0", false).unwrap(), []);
    }
}
