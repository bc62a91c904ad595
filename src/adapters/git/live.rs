//! Reads what an agent that still works has changed: through directories only, no link followed, no program run, and
//! whatever changes meanwhile is left for the next time.

use super::index::{Known, mode_of};
use super::sweep::{entries, is_git_name, open_root};
use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, fstat, fstatat};
use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString, OsStr};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// A file that is larger is named and not read.
const FILE_BYTES: u64 = 4 << 20;
/// So much of one worktree is read at most.
const ALL_BYTES: u64 = 32 << 20;
/// So many changed files of one worktree are read at most.
const FILES: usize = 1_000;
/// So many names are looked at in one worktree at most.
const NAMES: usize = 300_000;
/// An ignore file that is larger is not obeyed.
const IGNORES_BYTES: u64 = 256 << 10;
/// Directories nested deeper than this are not looked into: each level holds a file descriptor.
const DEEPEST: usize = 100;

/// A file that was changed, and its copy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Copied {
    /// Below the root.
    pub(super) path: Vec<u8>,
    /// As git writes it.
    pub(super) mode: u32,
    /// Has it line ends that git might write otherwise?
    pub(super) has_crlf: bool,
}

/// A name that the index does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct New {
    /// Below the root.
    pub(super) path: Vec<u8>,
    /// Is it a directory?
    pub(super) is_dir: bool,
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Changed and read: the copy of the n-th is the file `n` in the place for copies.
    pub(super) copied: Vec<Copied>,
    /// Not there any more.
    pub(super) removed: Vec<Vec<u8>>,
    /// Changed, but too large, or changing while it was read.
    pub(super) unread: Vec<Vec<u8>>,
    /// Is there any `.gitattributes`?
    pub(super) attributes: bool,
}

impl Changes {
    /// Was nothing changed at all?
    pub(super) fn is_none(&self) -> bool {
        self.copied.is_empty() && self.removed.is_empty() && self.unread.is_empty()
    }

    /// Would git take the file in byte by byte? Where there are attributes, they may have it write other line ends.
    pub(super) fn is_as_git_writes(&self, copied: &Copied) -> bool {
        !(self.attributes && copied.has_crlf)
    }

    /// Changed files of whose content nothing is known.
    pub(super) fn unread(&self) -> impl Iterator<Item = &[u8]> {
        let odd = self
            .copied
            .iter()
            .filter(|copied| !self.is_as_git_writes(copied));
        self.unread
            .iter()
            .chain(odd.map(|copied| &copied.path))
            .map(Vec::as_slice)
    }
}

/// Reads one worktree.
pub(super) struct Reading {
    root: Dir,
    copies: PathBuf,
    ignores: PathBuf,
    skipped: HashSet<Vec<u8>>,
    names: usize,
    bytes: u64,
    /// What was found.
    pub(super) changes: Changes,
}

/// The files of the index by their directories.
#[derive(Default)]
struct Level<'a> {
    files: HashMap<&'a [u8], &'a Known>,
    directories: HashSet<&'a [u8]>,
}

impl Reading {
    /// Begins with the worktree's root. Copies of files go to one directory; copies of its ignore files to their
    /// places below another one. What is `skipped` counts as not there, and as unknown.
    pub(super) fn begin(
        tree: &Path,
        copies: PathBuf,
        ignores: PathBuf,
        skipped: HashSet<Vec<u8>>,
    ) -> io::Result<Self> {
        fs::create_dir_all(&copies)?;
        fs::create_dir_all(&ignores)?;
        Ok(Self {
            root: open_root(tree)?,
            copies,
            ignores,
            skipped,
            names: 0,
            bytes: 0,
            changes: Changes::default(),
        })
    }

    /// Compares the files that the index knows; returns the names beside them that it does not know.
    pub(super) fn tracked(&mut self, index: &[Known]) -> io::Result<Vec<New>> {
        let mut levels: HashMap<&[u8], Level<'_>> = HashMap::new();
        for known in index {
            let (mut above, mut name) = split(&known.path);
            levels.entry(above).or_default().files.insert(name, known);
            while !above.is_empty() {
                (above, name) = split(above);
                if !levels.entry(above).or_default().directories.insert(name) {
                    break;
                }
            }
        }
        let mut walk = Walk {
            reading: self,
            levels: &levels,
            met: HashSet::new(),
            new: Vec::new(),
        };
        let mut root = walk.reading.root()?;
        walk.visit(&mut root, &[], 0)?;
        let Walk { met, new, .. } = walk;
        let gone = index.iter().filter(|known| {
            !met.contains(&known.path[..])
                && !known.is_nested()
                && !self.skipped.contains(&known.path)
        });
        let gone: Vec<Vec<u8>> = gone.map(|known| known.path.clone()).collect();
        self.changes.removed = gone;
        Ok(new)
    }

    /// What lies in a directory that the index knows nothing of.
    pub(super) fn inside(&mut self, path: &[u8]) -> io::Result<Vec<New>> {
        let Ok(mut dir) = self.open(path) else {
            return Ok(Vec::new());
        };
        let mut new = Vec::new();
        for (name, kind) in entries(&mut dir)? {
            self.count()?;
            let whole = join(path, name.to_bytes());
            if is_git_name(name.to_bytes()) || self.skipped.contains(&whole) {
                continue;
            }
            self.note_rules(&dir, &name, path);
            new.extend(as_new(whole, kind));
        }
        Ok(new)
    }

    /// Takes in a file that the index does not know.
    pub(super) fn take_new(&mut self, path: &[u8]) -> io::Result<()> {
        let (above, name) = split(path);
        let Ok(dir) = self.open(above) else {
            return Ok(());
        };
        let name = CString::new(name).map_err(io::Error::other)?;
        if let Ok(stat) = look(&dir, &name) {
            self.take(&dir, &name, path, &stat)?;
        }
        Ok(())
    }

    /// Copies a changed file, or notes that it was changed; `false` where there is neither file nor link.
    fn take(&mut self, dir: &Dir, name: &CStr, path: &[u8], stat: &FileStat) -> io::Result<bool> {
        let Some(mode) = mode_of(stat) else {
            return Ok(false);
        };
        let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
        let is_much = size > FILE_BYTES
            || self.bytes.saturating_add(size) > ALL_BYTES
            || self.changes.copied.len() >= FILES;
        let content = if is_much {
            None
        } else {
            content(dir, name, mode)
        };
        let Some(content) = content else {
            self.changes.unread.push(path.to_vec());
            return Ok(true);
        };
        self.bytes += content.len() as u64;
        let copy = self.copies.join(self.changes.copied.len().to_string());
        fs::write(copy, &content)?;
        self.changes.copied.push(Copied {
            path: path.to_vec(),
            mode,
            has_crlf: content.windows(2).any(|two| two == b"\r\n"),
        });
        Ok(true)
    }

    /// Notes what decides how git takes files in: attributes, and which it ignores.
    fn note_rules(&mut self, dir: &Dir, name: &CStr, above: &[u8]) {
        if name.to_bytes() == b".gitattributes" {
            self.changes.attributes = true;
        }
        if name.to_bytes() != b".gitignore" {
            return;
        }
        let Ok(stat) = look(dir, name) else {
            return;
        };
        let is_small = u64::try_from(stat.st_size).is_ok_and(|size| size <= IGNORES_BYTES);
        // Git obeys no ignore file that is a link.
        let mode = mode_of(&stat).filter(|mode| is_small && *mode != 0o120_000);
        if let Some(content) = mode.and_then(|mode| content(dir, name, mode)) {
            let place = self.ignores.join(OsStr::from_bytes(above));
            let written = fs::create_dir_all(&place)
                .and_then(|()| fs::write(place.join(".gitignore"), content));
            if let Err(cause) = written {
                tracing::debug!(%cause, "an ignore file could not be copied");
            }
        }
    }

    /// A directory that is reached through directories only.
    fn open(&self, path: &[u8]) -> io::Result<Dir> {
        let mut dir = self.root()?;
        for name in path
            .split(|byte| *byte == b'/')
            .filter(|name| !name.is_empty())
        {
            dir = step_into(&dir, name)?;
        }
        Ok(dir)
    }

    fn root(&self) -> io::Result<Dir> {
        step_into(&self.root, b".")
    }

    fn count(&mut self) -> io::Result<()> {
        self.names += 1;
        if self.names > NAMES {
            return Err(io::Error::other(format!("more than {NAMES} names")));
        }
        Ok(())
    }
}

/// The walk through directories that the index knows.
struct Walk<'a, 'b> {
    reading: &'b mut Reading,
    levels: &'b HashMap<&'a [u8], Level<'a>>,
    met: HashSet<&'a [u8]>,
    new: Vec<New>,
}

impl<'a> Walk<'a, '_> {
    fn visit(&mut self, dir: &mut Dir, above: &[u8], depth: usize) -> io::Result<()> {
        let Some(level) = self.levels.get(above) else {
            return Ok(());
        };
        for (name, kind) in entries(dir)? {
            self.reading.count()?;
            if is_git_name(name.to_bytes()) {
                continue;
            }
            self.reading.note_rules(dir, &name, above);
            let path = join(above, name.to_bytes());
            if let Some(known) = level.files.get(name.to_bytes()) {
                self.compare(dir, &name, known)?;
            } else if kind == Type::Directory && level.directories.contains(name.to_bytes()) {
                self.descend(dir, &name, &path, depth)?;
            } else if !self.reading.skipped.contains(&path) {
                self.new.extend(as_new(path, kind));
            }
        }
        Ok(())
    }

    fn compare(&mut self, dir: &Dir, name: &CStr, known: &'a Known) -> io::Result<()> {
        if known.is_nested() || self.reading.skipped.contains(&known.path) {
            return Ok(());
        }
        let is_there = match look(dir, name) {
            Ok(stat) if known.is_untouched(&stat) => true,
            Ok(stat) => self.reading.take(dir, name, &known.path, &stat)?,
            Err(Errno::ENOENT) => false,
            Err(_) => true,
        };
        if is_there {
            self.met.insert(&known.path);
        }
        Ok(())
    }

    /// What is gone is gone; of what cannot be opened nothing is known, so all below it counts as it was.
    fn descend(&mut self, dir: &Dir, name: &CStr, path: &[u8], depth: usize) -> io::Result<()> {
        let opened = if depth < DEEPEST {
            step_into(dir, name.to_bytes())
        } else {
            Err(io::ErrorKind::PermissionDenied.into())
        };
        match opened {
            Ok(mut below) => self.visit(&mut below, path, depth + 1),
            Err(cause) if is_gone(&cause) => Ok(()),
            Err(_) => {
                self.keep(path);
                Ok(())
            }
        }
    }

    fn keep(&mut self, above: &[u8]) {
        let Some(level) = self.levels.get(above) else {
            return;
        };
        self.met
            .extend(level.files.values().map(|known| &known.path[..]));
        for name in &level.directories {
            self.keep(&join(above, name));
        }
    }
}

/// Is there no directory of this name any more?
fn is_gone(cause: &io::Error) -> bool {
    let gone = [Errno::ENOENT, Errno::ENOTDIR, Errno::ELOOP];
    gone.iter()
        .any(|errno| cause.raw_os_error() == Some(*errno as i32))
}

/// The whole content of a file, or where a link leads; none where it cannot be read or changes meanwhile.
fn content(dir: &Dir, name: &CStr, mode: u32) -> Option<Vec<u8>> {
    if mode == 0o120_000 {
        return readlinkat(dir, name).ok().map(OsStringExt::into_vec);
    }
    // Whatever stands there by now: no link is followed, and no pipe is waited for.
    let flags = OFlag::O_RDONLY
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_NOCTTY
        | OFlag::O_CLOEXEC;
    let file = File::from(openat(dir, name, flags, Mode::empty()).ok()?);
    let before = fstat(&file)
        .ok()
        .filter(|stat| mode_of(stat) == Some(mode))?;
    let mut content = Vec::new();
    (&file)
        .take(FILE_BYTES + 1)
        .read_to_end(&mut content)
        .ok()?;
    let after = fstat(&file).ok()?;
    let times = |stat: &FileStat| (stat.st_mtime, stat.st_mtime_nsec, stat.st_size);
    let is_whole = i64::try_from(content.len()).is_ok_and(|length| length == after.st_size);
    (is_whole && times(&before) == times(&after)).then_some(content)
}

fn look(dir: &Dir, name: &CStr) -> nix::Result<FileStat> {
    fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW)
}

/// Opens a directory below another one as it is: its mode is the agent's.
fn step_into(dir: &Dir, name: &[u8]) -> io::Result<Dir> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let name = CString::new(name).map_err(io::Error::other)?;
    Ok(Dir::openat(dir, name.as_c_str(), flags, Mode::empty())?)
}

fn as_new(path: Vec<u8>, kind: Type) -> Option<New> {
    let is_dir = match kind {
        Type::Directory => true,
        Type::File | Type::Symlink => false,
        Type::Fifo | Type::CharacterDevice | Type::BlockDevice | Type::Socket => return None,
    };
    Some(New { path, is_dir })
}

/// The directory, and the name in it.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&[], path),
    }
}

fn join(above: &[u8], name: &[u8]) -> Vec<u8> {
    if above.is_empty() {
        return name.to_vec();
    }
    [above, b"/", name].concat()
}
