//! Opens and reads what an agent may change meanwhile: below a directory that we hold, and through no link.

use super::index::mode_of;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, fstat, fstatat};
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStringExt;

/// What there is of this name, a link itself included.
pub(super) fn look(dir: &Dir, name: &CStr) -> nix::Result<FileStat> {
    fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW)
}

/// Opens a directory below another one as it is: its mode is the agent's.
pub(super) fn step_into(dir: &Dir, name: &[u8]) -> io::Result<Dir> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let name = CString::new(name).map_err(io::Error::other)?;
    Ok(Dir::openat(dir, name.as_c_str(), flags, Mode::empty())?)
}

/// The whole content of a file, or where a link leads; none where it cannot be read or changes meanwhile.
pub(super) fn content(dir: &Dir, name: &CStr, mode: u32, most: u64) -> Option<Vec<u8>> {
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
    (&file).take(most + 1).read_to_end(&mut content).ok()?;
    let after = fstat(&file).ok()?;
    let times = |stat: &FileStat| (stat.st_mtime, stat.st_mtime_nsec, stat.st_size);
    let is_whole = i64::try_from(content.len()).is_ok_and(|length| length == after.st_size);
    (is_whole && times(&before) == times(&after)).then_some(content)
}

/// Is there no directory of this name any more?
pub(super) fn is_gone(cause: &io::Error) -> bool {
    let gone = [Errno::ENOENT, Errno::ENOTDIR, Errno::ELOOP];
    gone.iter()
        .any(|errno| cause.raw_os_error() == Some(*errno as i32))
}
