//! Makes an agent's files safe for git to read: our own walk, which follows no link, before any git call.

use super::trash::Trash;
use crate::rules::gate::spelled::is_left_out;
use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{FchmodatFlags, Mode, SFlag, fchmod, fchmodat, fstat, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::ffi::{CStr, CString};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Directories nested deeper than this are left out: each level holds a file descriptor during the walk.
const DEEPEST: u32 = 100;

/// What becomes of a `.git` right below the root.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RootGit {
    /// The agent still needs its private git directory; we never read it.
    Keep,
    /// It goes like the nested ones.
    Remove,
}

/// What a walk found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Swept {
    /// Is there any `.gitattributes`?
    pub(super) attributes: bool,
    /// Were directories left out because they are nested too deep?
    pub(super) too_deep: bool,
}

/// Removes every nested git directory (whatever its spelling or kind) and everything that is neither file, link nor
/// directory, and makes all directories accessible to us.
pub(super) fn sweep(root: &Path, root_git: RootGit, slots: &Path) -> io::Result<Swept> {
    let mut walk = Walk {
        swept: Swept::default(),
        root_git,
        trash: Trash::new(slots),
    };
    let mut dir = open_above(root)?;
    walk.visit(&mut dir, 0)?;
    walk.trash.burn()?;
    Ok(walk.swept)
}

/// Is there a directory, and no link to one?
pub(super) fn is_directory(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// Opens a directory that must not be a link.
pub(super) fn open_root(path: &Path) -> io::Result<Dir> {
    Ok(Dir::open(path, directory_flags(), Mode::empty())?)
}

/// Opens a directory below another one that must not be a link, whatever its mode.
pub(super) fn open_below(parent: &Dir, name: &CStr) -> io::Result<Dir> {
    let open = || Dir::openat(parent, name, directory_flags(), Mode::empty());
    let dir = match open() {
        Err(Errno::EACCES) => {
            let mode = Mode::S_IRWXU;
            fchmodat(parent, name, mode, FchmodatFlags::NoFollowSymlink)?;
            open()?
        }
        opened => opened?,
    };
    make_accessible(&dir)?;
    Ok(dir)
}

/// The names in a directory, with their types, `.` and `..` left out.
pub(super) fn entries(dir: &mut Dir) -> io::Result<Vec<(CString, Type)>> {
    let mut unknown = Vec::new();
    let mut found = Vec::new();
    for entry in dir.iter() {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        match entry.file_type() {
            Some(kind) => found.push((name.to_owned(), kind)),
            None => unknown.push(name.to_owned()),
        }
    }
    for name in unknown {
        if let Some(kind) = look(dir, &name)? {
            found.push((name, kind));
        }
    }
    Ok(found)
}

/// A number that changes when anything below the directory does: names, kinds, sizes, times. 0 if nothing is there.
pub(super) fn fingerprint(root: &Path) -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    let mut count = 0_u64;
    let mut stack = vec![root.to_owned()];
    while let Some(path) = stack.pop() {
        let found = match path.symlink_metadata() {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
            found => found?,
        };
        if path != root || !found.is_dir() {
            count += 1;
            path.hash(&mut hasher);
            found.mode().hash(&mut hasher);
        }
        if found.is_dir() {
            let mut names = fs::read_dir(&path)?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<io::Result<Vec<_>>>()?;
            names.sort();
            stack.extend(names);
        } else {
            let times = [
                found.mtime(),
                found.mtime_nsec(),
                found.ctime(),
                found.ctime_nsec(),
            ];
            (found.len(), times).hash(&mut hasher);
        }
    }
    Ok(if count == 0 { 0 } else { hasher.finish() })
}

/// Would any file system or any git take this name for `.git`?
pub(super) fn is_git_name(name: &[u8]) -> bool {
    name.split(|byte| *byte == b'\\').any(|part| {
        let text = String::from_utf8_lossy(part);
        // HFS+ ignores these characters; NTFS ignores trailing dots and blanks and what follows a colon.
        let plain: String = text
            .chars()
            .filter(|c| !is_left_out(*c))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let base = plain.split(':').next().unwrap_or_default();
        matches!(base.trim_end_matches(['.', ' ']), ".git" | "git~1")
    })
}

/// Opens the root from the directory above, which is ours, so that its own mode is no obstacle.
fn open_above(root: &Path) -> io::Result<Dir> {
    let (Some(above), Some(name)) = (root.parent(), root.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    open_below(&open_root(above)?, &CString::new(name.as_bytes())?)
}

struct Walk<'a> {
    swept: Swept,
    root_git: RootGit,
    trash: Trash<'a>,
}

impl Walk<'_> {
    fn visit(&mut self, dir: &mut Dir, depth: u32) -> io::Result<()> {
        for (name, kind) in entries(dir)? {
            match self.look_at(dir, &name, kind, depth) {
                // Gone meanwhile: by an interrupted walk of ours, say, that is just ending.
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                done => done?,
            }
        }
        Ok(())
    }

    fn look_at(&mut self, dir: &Dir, name: &CStr, kind: Type, depth: u32) -> io::Result<()> {
        if is_git_name(name.to_bytes()) {
            let keep = depth == 0 && self.root_git == RootGit::Keep;
            if keep && name.to_bytes() == b".git" {
                return Ok(());
            }
            return self.trash.take(dir, name);
        }
        match kind {
            Type::File => self.swept.attributes |= name.to_bytes() == b".gitattributes",
            Type::Symlink => {}
            Type::Directory if depth == DEEPEST => {
                self.swept.too_deep = true;
                self.trash.take(dir, name)?;
            }
            Type::Directory => self.visit(&mut open_below(dir, name)?, depth + 1)?,
            Type::Fifo | Type::CharacterDevice | Type::BlockDevice | Type::Socket => {
                unlinkat(dir, name, UnlinkatFlags::NoRemoveDir)?;
            }
        }
        Ok(())
    }
}

fn directory_flags() -> OFlag {
    OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC
}

fn make_accessible(dir: impl AsFd) -> io::Result<()> {
    let mode = Mode::from_bits_truncate(fstat(dir.as_fd())?.st_mode);
    if !mode.contains(Mode::S_IRWXU) {
        fchmod(dir.as_fd(), mode | Mode::S_IRWXU)?;
    }
    Ok(())
}

fn look(dir: &Dir, name: &CStr) -> io::Result<Option<Type>> {
    let stat = match fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Err(Errno::ENOENT) => return Ok(None),
        stat => stat?,
    };
    let kind = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
    Ok(Some(match kind {
        SFlag::S_IFDIR => Type::Directory,
        SFlag::S_IFLNK => Type::Symlink,
        SFlag::S_IFREG => Type::File,
        SFlag::S_IFIFO => Type::Fifo,
        SFlag::S_IFCHR => Type::CharacterDevice,
        SFlag::S_IFBLK => Type::BlockDevice,
        _ => Type::Socket,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::mkdirat;
    use nix::unistd::mkfifo;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    struct Place {
        _dir: tempfile::TempDir,
        slots: std::path::PathBuf,
        root: std::path::PathBuf,
    }

    fn place() -> Place {
        let dir = tempfile::tempdir().unwrap();
        let slots = dir.path().join("slots");
        let root = slots.join("tree");
        fs::create_dir_all(&root).unwrap();
        Place {
            _dir: dir,
            slots,
            root,
        }
    }

    fn names(root: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(root)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn names_that_any_system_takes_for_git_are_known() {
        let check = |name: &str, expect: bool| {
            assert_eq!(is_git_name(name.as_bytes()), expect, "{name:?}");
        };
        for name in [
            ".git",
            ".GIT",
            ".Git",
            "git~1",
            "GIT~1",
            ".git.",
            ".git ",
            ".git . .",
            ".git::$INDEX_ALLOCATION",
            ".g\u{200c}it",
            "\u{feff}.git",
            "a\\.git",
            ".git\\config",
        ] {
            check(name, true);
        }
        for name in [
            ".gitignore",
            ".github",
            "git",
            ".gi",
            "x.git",
            "git~2",
            "..git",
        ] {
            check(name, false);
        }
    }

    #[test]
    fn nested_git_directories_go_and_the_rest_stays() {
        let place = place();
        let root = &place.root;
        for path in [".git/hooks", "a/.git/refs", "a/b/.GIT", "c/git~1"] {
            fs::create_dir_all(root.join(path)).unwrap();
        }
        fs::create_dir(root.join("d")).unwrap();
        fs::write(root.join("d/.git"), "gitdir: /elsewhere").unwrap();
        fs::create_dir(root.join("e")).unwrap();
        symlink("/elsewhere", root.join("e/.git")).unwrap();
        fs::write(root.join("a/b/.gitattributes"), "* filter=x").unwrap();
        let swept = sweep(root, RootGit::Keep, &place.slots).unwrap();
        assert_eq!((swept.attributes, swept.too_deep), (true, false));
        assert_eq!(names(root), [".git", "a", "c", "d", "e"]);
        assert_eq!(names(&root.join("a")), ["b"]);
        assert_eq!(names(&root.join("a/b")), [".gitattributes"]);
        for emptied in ["c", "d", "e"] {
            assert!(names(&root.join(emptied)).is_empty(), "{emptied}");
        }
        sweep(root, RootGit::Remove, &place.slots).unwrap();
        assert_eq!(names(root), ["a", "c", "d", "e"]);
        assert_eq!(names(&place.slots), ["tree"], "the trash is empty");
    }

    #[test]
    fn no_link_is_followed() {
        let place = place();
        let outside = place.slots.join("../outside");
        fs::create_dir_all(outside.join(".git")).unwrap();
        symlink(&outside, place.root.join("link")).unwrap();
        sweep(&place.root, RootGit::Remove, &place.slots).unwrap();
        assert!(outside.join(".git").exists());
        assert!(
            place.root.join("link/.git").exists(),
            "a walk that follows would find it"
        );

        let root = place.slots.join("root-link");
        symlink(&outside, &root).unwrap();
        assert!(sweep(&root, RootGit::Remove, &place.slots).is_err());
        assert!(outside.join(".git").exists());
    }

    #[test]
    fn what_is_neither_file_nor_link_nor_directory_goes() {
        let place = place();
        mkfifo(&place.root.join("fifo"), Mode::S_IRWXU).unwrap();
        let _socket = UnixListener::bind(place.root.join("socket")).unwrap();
        fs::write(place.root.join("file"), "").unwrap();
        sweep(&place.root, RootGit::Remove, &place.slots).unwrap();
        assert_eq!(names(&place.root), ["file"]);
    }

    #[test]
    fn closed_directories_are_opened() {
        let place = place();
        let closed = place.root.join("closed");
        fs::create_dir_all(closed.join("below/.git")).unwrap();
        for path in [&closed, &place.root] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
        }
        sweep(&place.root, RootGit::Remove, &place.slots).unwrap();
        for path in [&closed, &place.root] {
            assert_eq!(
                fs::metadata(path).unwrap().permissions().mode() & 0o777,
                0o700
            );
        }
        assert!(names(&closed.join("below")).is_empty());
    }

    #[test]
    fn directories_deeper_than_any_path_can_name_are_left_out_and_deleted() {
        let place = place();
        let mut dir = open_root(&place.root).unwrap();
        for _ in 0..2200 {
            mkdirat(&dir, "d", Mode::S_IRWXU).unwrap();
            dir = Dir::openat(&dir, "d", directory_flags(), Mode::empty()).unwrap();
        }
        mkdirat(&dir, ".git", Mode::S_IRWXU).unwrap();
        let swept = sweep(&place.root, RootGit::Remove, &place.slots).unwrap();
        assert!(swept.too_deep);
        assert_eq!(names(&place.slots), ["tree"], "the trash is empty");
        let again = sweep(&place.root, RootGit::Remove, &place.slots).unwrap();
        assert!(!again.too_deep);
    }

    #[test]
    fn a_fingerprint_changes_with_what_lies_below() {
        let place = place();
        assert_eq!(fingerprint(&place.root).unwrap(), 0);
        assert_eq!(fingerprint(&place.root.join("none")).unwrap(), 0);
        fs::create_dir(place.root.join("a")).unwrap();
        let one = fingerprint(&place.root).unwrap();
        fs::write(place.root.join("a/b"), "x").unwrap();
        let two = fingerprint(&place.root).unwrap();
        fs::write(place.root.join("a/b"), "xy").unwrap();
        let three = fingerprint(&place.root).unwrap();
        assert!(
            one != 0 && one != two && two != three,
            "{one} {two} {three}"
        );
        assert_eq!(fingerprint(&place.root).unwrap(), three);
    }
}
