//! A program's own record of a conversation, read as it grows: some tell there what they do not print.

use crate::adapters::process::lines::Lines;
use nix::fcntl::OFlag;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// How often a record is looked for that is not there.
const LOOKS: u32 = 50;
/// How many entries of directories are looked at each time.
const ENTRIES: u32 = 20_000;
/// How much is read at a time, in bytes; the rest comes with the next look.
const MOST: u64 = 64 << 20;

/// One record, found by the end of its name.
#[derive(Debug, Default)]
pub(super) struct Recording {
    root: PathBuf,
    path: Option<PathBuf>,
    at: u64,
    looks: u32,
    lines: Lines,
}

impl Recording {
    /// One below this directory; what stands before this position is no news.
    pub(super) fn below(root: PathBuf, at: u64) -> Self {
        Self {
            root,
            at,
            ..Self::default()
        }
    }

    /// Was it found?
    pub(super) fn is_found(&self) -> bool {
        self.path.is_some()
    }

    /// Reads what is new. A record that is not there, or is no plain file, has nothing new.
    pub(super) fn read(&mut self, name: &str, mut each: impl FnMut(&[u8])) {
        if self.path.is_none() && self.looks < LOOKS {
            self.looks += 1;
            self.path = find(&self.root, name);
        }
        let Some(path) = &self.path else { return };
        let Some(mut file) = open(path) else { return };
        if file.seek(SeekFrom::Start(self.at)).is_err() {
            return;
        }
        let mut chunk = vec![0; 64 << 10];
        let mut file = file.take(MOST);
        while let Ok(count @ 1..) = file.read(&mut chunk) {
            self.at += count as u64;
            self.lines.feed(&chunk[..count], |line| each(line.text));
        }
    }
}

/// How long it is, as of now.
pub(super) fn length(root: &Path, name: &str) -> u64 {
    let path = find(root, name);
    path.and_then(|path| open(&path)?.metadata().ok())
        .map_or(0, |metadata| metadata.len())
}

/// The last file below this directory, by its name, whose name ends like that.
fn find(root: &Path, name: &str) -> Option<PathBuf> {
    let (mut found, mut left) = (None::<PathBuf>, ENTRIES);
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        let Ok(listing) = fs::read_dir(&directory) else {
            continue;
        };
        for item in listing.flatten() {
            left = left.checked_sub(1)?;
            let Ok(kind) = item.file_type() else { continue };
            let path = item.path();
            if kind.is_dir() {
                waiting.push(path);
            } else if kind.is_file()
                && item.file_name().to_string_lossy().ends_with(name)
                && found
                    .as_ref()
                    .is_none_or(|best| best.file_name() < path.file_name())
            {
                found = Some(path);
            }
        }
    }
    found
}

// What the agent may have put in its place is not followed, and not waited for.
fn open(path: &Path) -> Option<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = File::options()
        .read(true)
        .custom_flags(flags.bits())
        .open(path)
        .ok()?;
    file.metadata().ok()?.is_file().then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn heard(recording: &mut Recording) -> Vec<String> {
        let mut heard = Vec::new();
        recording.read("-id.jsonl", |line| {
            heard.push(String::from_utf8_lossy(line).into_owned());
        });
        heard
    }

    #[test]
    fn what_is_new_is_read_once_and_half_a_line_waits() {
        let place = tempfile::tempdir().unwrap();
        let mut recording = Recording::below(place.path().to_owned(), 0);
        assert_eq!(heard(&mut recording), [""; 0]);
        let deep = place.path().join("2026/11");
        fs::create_dir_all(&deep).unwrap();
        let mut file = File::create(deep.join("a-id.jsonl")).unwrap();
        file.write_all(b"one\ntw").unwrap();
        assert_eq!(heard(&mut recording), ["one"]);
        file.write_all(b"o\n").unwrap();
        assert_eq!(heard(&mut recording), ["two"]);
        assert_eq!(length(place.path(), "-id.jsonl"), 8);
        let mut later = Recording::below(place.path().to_owned(), 4);
        assert_eq!(heard(&mut later), ["two"]);
    }

    #[test]
    fn no_link_is_followed_and_no_pipe_waited_for() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("secret"), "canary\n").unwrap();
        let link = place.path().join("b-id.jsonl");
        std::os::unix::fs::symlink(place.path().join("secret"), link).unwrap();
        let pipe = place.path().join("c-id.jsonl");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut recording = Recording::below(place.path().to_owned(), 0);
        assert_eq!(heard(&mut recording), [""; 0]);
    }
}
