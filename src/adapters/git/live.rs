//! Reads what an agent that still works has changed: through directories only, no link followed, no program run, and
//! whatever changes meanwhile is left for the next time.

use super::changes::{Changes, Copied, New};
use super::index::{Known, mode_of};
use super::nofollow::{content, is_gone, look, step_into};
use super::sweep::{entries, is_git_name, open_root};
use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::sys::stat::FileStat;
use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString, OsStr};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
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
                && !known.is_left_out
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
            content(dir, name, mode, FILE_BYTES)
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
        if let Some(content) = mode.and_then(|mode| content(dir, name, mode, FILE_BYTES)) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;
    use std::os::unix::fs::{PermissionsExt, symlink};

    struct Scene {
        dir: tempfile::TempDir,
    }

    impl Scene {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir(dir.path().join("tree")).unwrap();
            Self { dir }
        }

        fn tree(&self) -> PathBuf {
            self.dir.path().join("tree")
        }

        fn reading(&self) -> Reading {
            let place = |name: &str| self.dir.path().join(name);
            let skipped = HashSet::from([b"sealed".to_vec()]);
            Reading::begin(&self.tree(), place("copies"), place("ignores"), skipped).unwrap()
        }
    }

    fn stat_of(dir: &Dir, name: &CStr) -> FileStat {
        look(dir, name).unwrap()
    }

    #[test]
    fn a_file_that_becomes_a_link_or_a_pipe_before_it_is_read_is_not_read() {
        let scene = Scene::new();
        let (file, outside) = (scene.tree().join("file"), scene.dir.path().join("outside"));
        fs::write(&file, "one\n").unwrap();
        fs::write(&outside, "the secret\n").unwrap();
        let mut reading = scene.reading();
        let dir = reading.root().unwrap();
        let stat = stat_of(&dir, c"file");
        fs::remove_file(&file).unwrap();
        symlink(&outside, &file).unwrap();
        assert!(reading.take(&dir, c"file", b"file", &stat).unwrap());
        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            "the secret\n",
            "the control"
        );
        fs::remove_file(&file).unwrap();
        nix::unistd::mkfifo(&file, Mode::S_IRWXU).unwrap();
        assert!(reading.take(&dir, c"file", b"file", &stat).unwrap());
        fs::remove_file(&file).unwrap();
        assert!(reading.take(&dir, c"file", b"file", &stat).unwrap());
        assert_eq!(reading.changes.unread, [b"file", b"file", b"file"]);
        assert_eq!(reading.changes.copied, []);
    }

    #[test]
    fn a_directory_that_becomes_a_link_is_not_looked_into() {
        let scene = Scene::new();
        let outside = scene.dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("secret"), "the secret\n").unwrap();
        symlink(&outside, scene.tree().join("away")).unwrap();
        let mut reading = scene.reading();
        assert_eq!(reading.inside(b"away").unwrap(), []);
        reading.take_new(b"away/secret").unwrap();
        assert!(reading.changes.is_none());
        assert!(scene.tree().join("away/secret").exists(), "the control");
    }

    #[test]
    fn what_is_large_is_named_and_not_read() {
        let scene = Scene::new();
        let file = fs::File::create(scene.tree().join("huge")).unwrap();
        file.set_len(FILE_BYTES + 1).unwrap();
        for number in 0..9 {
            let file = fs::File::create(scene.tree().join(format!("large-{number}"))).unwrap();
            file.set_len(FILE_BYTES).unwrap();
        }
        fs::write(scene.tree().join("sealed"), "by setup\n").unwrap();
        let mut reading = scene.reading();
        let mut new = reading.inside(b"").unwrap();
        new.sort_by(|one, next| one.path.cmp(&next.path));
        assert_eq!(new.len(), 10, "what is sealed is left out");
        for name in new {
            reading.take_new(&name.path).unwrap();
        }
        assert_eq!(reading.changes.unread, [&b"huge"[..], b"large-8"]);
        assert_eq!(reading.bytes, ALL_BYTES);
    }

    #[test]
    fn a_mode_that_was_changed_is_seen_and_line_ends_are_noted() {
        let scene = Scene::new();
        let file = scene.tree().join("run");
        fs::write(&file, "one\r\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        let mut reading = scene.reading();
        reading.take_new(b"run").unwrap();
        let changes = &mut reading.changes;
        let copied = |changes: &Changes| (changes.copied[0].mode, changes.unread().count());
        assert_eq!(copied(changes), (0o100_755, 0));
        changes.attributes = true;
        assert_eq!(
            copied(changes),
            (0o100_755, 1),
            "git may write it otherwise"
        );
    }
}
