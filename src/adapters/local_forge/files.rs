//! Small text files that people and processes share: read without following links, replaced in one step.

use crate::adapters::flock::Locked;
use crate::rules::ids::Timestamp;
use nix::fcntl::OFlag;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The largest file that is read or written, in bytes.
pub const CAP: u64 = 1024 * 1024;
/// How long another process may keep us waiting: it holds the lock for milliseconds, unless it is stuck.
const PATIENCE: Duration = Duration::from_secs(20);
/// Hidden, and always the same: there is one writer at a time, and what a killed one left goes first.
const DRAFT: &str = ".autoissue-draft";

/// What a file held when it was read.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Its text.
    pub text: String,
    /// When it was last written.
    pub modified: Timestamp,
    stamp: Stamp,
}

/// Tells whether a file is still the one that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    seconds: i64,
    nanos: i64,
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            size: metadata.size(),
            seconds: metadata.mtime(),
            nanos: metadata.mtime_nsec(),
        }
    }
}

/// Reads a regular file of at most `CAP` bytes of UTF-8; links, pipes and devices are refused.
pub fn read(path: &Path) -> io::Result<Snapshot> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits())
        .open(path)
        .map_err(|error| name_link(path, error))?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(invalid("is not a regular file"));
    }
    let mut bytes = Vec::new();
    (&file).take(CAP + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > CAP {
        return Err(invalid("is larger than 1 MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|&byte| byte == b'\n').count();
        invalid(&format!("line {line}: is not UTF-8 text"))
    })?;
    let stamp = Stamp::of(&metadata);
    Ok(Snapshot {
        text,
        modified: Timestamp(stamp.seconds * 1000 + stamp.nanos / 1_000_000),
        stamp,
    })
}

/// Creates a file, durably and in one step. The caller holds the lock, and no such file may exist.
pub fn create(path: &Path, text: &str) -> io::Result<()> {
    let draft = write_draft(path, text, None)?;
    // A link, unlike a rename, never takes the place of a file that a person just made.
    match fs::hard_link(&draft, path) {
        Ok(()) => fs::remove_file(&draft)?,
        Err(error) if path.exists() => {
            fs::remove_file(&draft)?;
            return Err(error);
        }
        // A file system without links.
        Err(_) => fs::rename(&draft, path)?,
    }
    sync_directory(path)
}

/// Replaces a file, durably and in one step, if it still is what was read; says whether it was. The caller holds the
/// lock, which keeps processes apart; the comparison is for people and their editors.
pub fn replace(path: &Path, read: &Snapshot, text: &str) -> io::Result<bool> {
    let now = fs::symlink_metadata(path)?;
    let draft = write_draft(path, text, Some(now.permissions()))?;
    if Stamp::of(&fs::symlink_metadata(path)?) != read.stamp {
        fs::remove_file(&draft)?;
        return Ok(false);
    }
    fs::rename(&draft, path)?;
    sync_directory(path)?;
    Ok(true)
}

/// Takes the lock that this file stands for, alone, and holds it as long as the file is open. Cancel-safe.
pub(super) async fn lock(path: &Path) -> io::Result<Locked> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(path)
        .map_err(|error| name_link(path, error))?;
    let taken = tokio::time::timeout(PATIENCE, async {
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    });
    match taken.await {
        Ok(taken) => taken.map(|()| Locked(file)),
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("another process holds {}", path.display()),
        )),
    }
}

fn write_draft(path: &Path, text: &str, mode: Option<Permissions>) -> io::Result<PathBuf> {
    if text.len() as u64 > CAP {
        return Err(invalid("would become larger than 1 MiB"));
    }
    let draft = path.with_file_name(DRAFT);
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = File::create_new(&draft)?;
    if let Some(mode) = mode {
        file.set_permissions(mode)?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(draft)
}

fn sync_directory(of: &Path) -> io::Result<()> {
    of.parent()
        .map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

fn name_link(path: &Path, error: io::Error) -> io::Error {
    if path.is_symlink() {
        invalid("is a symbolic link")
    } else {
        error
    }
}

fn invalid(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_saved_meanwhile_is_not_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1.md");
        create(&path, "old").unwrap();
        let seen = read(&path).unwrap();
        fs::write(&path, "saved by hand").unwrap();
        assert!(!replace(&path, &seen, "ours").unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "saved by hand");
        // The control: what was read last may be replaced.
        let seen = read(&path).unwrap();
        assert!(replace(&path, &seen, "ours").unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "ours");
    }

    #[test]
    fn a_new_file_takes_nobodys_place() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1.md");
        fs::write(&path, "made by hand").unwrap();
        let error = create(&path, "ours").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "made by hand");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_writer_left_is_in_nobodys_way() {
        let directory = tempfile::tempdir().unwrap();
        let secret = directory.path().join("secret");
        fs::write(&secret, "untouched").unwrap();
        std::os::unix::fs::symlink(&secret, directory.path().join(DRAFT)).unwrap();
        create(&directory.path().join("1.md"), "new").unwrap();
        assert_eq!(fs::read_to_string(&secret).unwrap(), "untouched");
    }

    #[test]
    fn only_small_regular_text_files_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(at("secret"), at("link")).unwrap();
        nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        fs::write(at("large"), "x".repeat(1024 * 1024 + 1)).unwrap();
        fs::write(at("full"), "x".repeat(1024 * 1024)).unwrap();
        fs::write(at("latin"), b"a\nb\nc\xe9").unwrap();
        let check = |name: &str, problem: &str| {
            assert_eq!(read(&at(name)).unwrap_err().to_string(), problem, "{name}");
        };
        check("link", "is a symbolic link");
        check("pipe", "is not a regular file");
        check("large", "is larger than 1 MiB");
        check("latin", "line 3: is not UTF-8 text");
        assert_eq!(read(&at("full")).unwrap().text.len(), 1024 * 1024);
        // The control: without the flag the link would have been followed.
        assert_eq!(fs::read_to_string(at("link")).unwrap(), "secret");
    }
}
