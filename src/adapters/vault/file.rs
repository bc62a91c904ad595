//! Tokens in files of the user's configuration directory, one a host, that nobody else can read.

use crate::adapters::vault::keep::VaultError;
use nix::fcntl::OFlag;
use nix::unistd::geteuid;
use secrecy::{ExposeSecret, SecretString};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// No token is near as long.
pub(super) const LARGEST: u64 = 4096;
/// Who besides the owner may do anything with a file.
const OTHERS: u32 = 0o077;

/// The file for a host; no name of a host leaves the directory.
#[must_use]
pub(super) fn path(directory: &Path, host: &str) -> PathBuf {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let name: String = host
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    directory.join(format!("token-{name}"))
}

/// Reads the token; nothing where there is no file. No link is followed, nothing is waited for, and a file that others
/// can read or that another account owns is refused.
pub(super) fn read(path: &Path) -> Result<Option<SecretString>, VaultError> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(path);
    let file = match opened {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(failed("read", path, cause)),
        Ok(file) => file,
    };
    check(&file, path)?;
    let mut text = String::new();
    file.take(LARGEST)
        .read_to_string(&mut text)
        .map_err(|cause| failed("read", path, cause))?;
    let token = text.trim();
    Ok((!token.is_empty()).then(|| SecretString::from(token.to_owned())))
}

fn check(file: &File, path: &Path) -> Result<(), VaultError> {
    let found = file
        .metadata()
        .map_err(|cause| failed("read", path, cause))?;
    let mode = found.mode() & 0o777;
    let path = path.to_owned();
    if !found.is_file() || found.uid() != geteuid().as_raw() {
        return Err(VaultError::Foreign { path });
    }
    if mode & OTHERS != 0 {
        return Err(VaultError::Loose { path, mode });
    }
    Ok(())
}

/// Writes the token: the file is there whole or as it was, and never readable for others.
pub(super) fn write(path: &Path, token: &SecretString) -> Result<(), VaultError> {
    let io = |cause| failed("write", path, cause);
    let directory = path.parent().unwrap_or(path);
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory);
    made.map_err(io)?;
    let aside = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)
        .map_err(io)?;
    let written = file
        .write_all(token.expose_secret().as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&aside, path));
    written.map_err(|cause| {
        // The token is not left under a name that nobody knows.
        let _ = fs::remove_file(&aside);
        io(cause)
    })
}

/// Removes it; false where there was none.
pub(super) fn remove(path: &Path) -> Result<bool, VaultError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(false),
        Err(cause) => Err(failed("remove", path, cause)),
        Ok(()) => Ok(true),
    }
}

fn failed(action: &'static str, path: &Path, cause: io::Error) -> VaultError {
    VaultError::File {
        action,
        path: path.to_owned(),
        cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn told(path: &Path) -> Result<Option<String>, String> {
        let token = read(path).map_err(|error| error.to_string())?;
        Ok(token.map(|token| token.expose_secret().to_owned()))
    }

    #[test]
    fn a_token_is_kept_for_its_owner_alone_and_replaced_whole() {
        let top = tempfile::tempdir().unwrap();
        let path = path(&top.path().join("autoissue"), "github.com");
        assert_eq!(told(&path), Ok(None));
        for token in ["first-token", "second"] {
            write(&path, &SecretString::from(token.to_owned())).unwrap();
            assert_eq!(told(&path), Ok(Some(token.to_owned())));
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert!(remove(&path).unwrap() && !remove(&path).unwrap());
    }

    #[test]
    fn one_that_others_can_read_or_that_leads_elsewhere_is_refused() {
        let top = tempfile::tempdir().unwrap();
        let path = path(top.path(), "github.com");
        write(&path, &SecretString::from("secret".to_owned())).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let refused = told(&path).unwrap_err();
            assert!(refused.contains(&format!("mode {mode:o}")), "{refused}");
            assert!(!refused.contains("secret"));
        }
        // The control: it is the mode alone that kept it from being read.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert_eq!(told(&path), Ok(Some("secret".to_owned())));
        let link = top.path().join("token-linked");
        symlink(&path, &link).unwrap();
        assert!(told(&link).is_err());
        // Writing over a link replaces the link, and not what it leads to.
        write(&link, &SecretString::from("other".to_owned())).unwrap();
        assert_eq!(told(&path), Ok(Some("secret".to_owned())));
    }

    #[test]
    fn no_host_leaves_the_directory() {
        for host in ["../../etc/passwd", "a/b", "127.0.0.1:3000", ".."] {
            let path = path(Path::new("/c"), host);
            assert_eq!(path.parent(), Some(Path::new("/c")), "{host}");
        }
    }
}
