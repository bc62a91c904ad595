//! Where a token is kept between runs: in the system's keyring, else in a file that only its owner can read.

use crate::adapters::vault::file;
use crate::adapters::vault::keyring::Keyring;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::path::PathBuf;

/// Why a token cannot be kept or used. Each text completes "could not ...".
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The file system said no.
    #[error("{action} {path}: {cause}")]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// Others can read or change the file.
    #[error("use the token in {path}: others than you may use the file (mode {mode:o})")]
    Loose {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is no file, or another account's.
    #[error("use the token in {path}: it is not a file of yours")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

/// Where a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In the system's keyring.
    Keyring,
    /// In this file.
    File(PathBuf),
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyring => f.write_str("the system's keyring"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// Tokens by host.
pub struct Vault {
    /// Where files are; nothing where there is no home.
    pub directory: PathBuf,
    /// The system's keyring, where there is one.
    pub keyring: Option<Keyring>,
}

impl Vault {
    /// The token for a host, and where it is.
    pub fn find(&self, host: &str) -> Result<Option<(SecretString, Kept)>, VaultError> {
        let kept = self.keyring.and_then(|keyring| keyring.read(host));
        if let Some(token) = kept {
            return Ok(Some((token, Kept::Keyring)));
        }
        let path = file::path(&self.directory, host);
        let token = file::read(&path)?;
        Ok(token.map(|token| (token, Kept::File(path))))
    }

    /// Keeps it in one place, and in no other any more. A keyring that does not give it back is not relied on.
    pub fn keep(&self, host: &str, token: &SecretString) -> Result<Kept, VaultError> {
        let path = file::path(&self.directory, host);
        if let Some(keyring) = self.keyring
            && keyring.write(host, token)
            && keyring
                .read(host)
                .is_some_and(|read| read.expose_secret() == token.expose_secret())
        {
            file::remove(&path)?;
            return Ok(Kept::Keyring);
        }
        file::write(&path, token)?;
        Ok(Kept::File(path))
    }

    /// Forgets it everywhere; says where it was.
    pub fn forget(&self, host: &str) -> Result<Vec<Kept>, VaultError> {
        let mut was = Vec::new();
        if let Some(keyring) = self.keyring
            && keyring.read(host).is_some()
        {
            keyring.remove(host);
            was.push(Kept::Keyring);
        }
        let path = file::path(&self.directory, host);
        if file::remove(&path)? {
            was.push(Kept::File(path));
        }
        Ok(was)
    }
}
