//! Where a repository comes from, where we keep ours, and how worktrees and commits are made.

use crate::ports::RepositoryError;
use crate::rules::redact::Redactor;
use futures::future::BoxFuture;
use secrecy::SecretString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// Where autoissue keeps its own files of one repository.
#[derive(Clone, Debug)]
pub struct Place {
    /// The bare mirror; made by `open` where it is missing.
    pub mirror: PathBuf,
    /// The directory that holds the worktrees; outside the user's checkout.
    pub slots: PathBuf,
}

/// A user and a password or token, as HTTP's Basic scheme wants them.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The user; GitHub takes any, `x-access-token` by custom.
    pub user: String,
    /// The password or token.
    pub secret: SecretString,
}

/// Asked before each call over the network, because tokens are renewed; once more with the one that was refused, to be
/// given another. None where there is none, or no other.
pub type Credentials = Arc<dyn Fn(Option<Credential>) -> BoxFuture<'static, Shown> + Send + Sync>;

/// What we show the remote.
pub type Shown = Result<Option<Credential>, RepositoryError>;

/// Nothing is ever shown.
#[must_use]
pub fn nobody() -> Credentials {
    Arc::new(|_| Box::pin(async { Ok(None) }))
}

/// Where the repository comes from.
#[derive(Clone)]
pub struct Source {
    /// `https://...`, `http://` on loopback, `file://...` or a local path.
    pub url: String,
    /// Sent to that URL only, in a header, never as an argument.
    pub credential: Credentials,
    /// The user's checkout: the files named in `Habits::copy` and a few settings are read from it, nothing else.
    pub checkout: Option<PathBuf>,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Retention {
    /// Work of attempts from before goes, for no session and no open pull needs it; none where all stays.
    pub before: Option<SystemTime>,
    /// Bytes that worktrees may take together. What is not in use goes where they take more.
    pub ceiling: Option<u64>,
}

/// How worktrees and commits are made.
#[derive(Clone, Debug, Default)]
pub struct Habits {
    /// Name and e-mail address of our commits; else the user's `user.name` and `user.email`; else
    /// `autoissue <autoissue@localhost>`.
    pub author: Option<(String, String)>,
    /// Files of the checkout that every worktree gets and no commit holds: relative paths, `*` and `?` within a name.
    pub copy: Vec<String>,
    /// Directories that are laid out, relative to the top; empty for all there are. Files of the directories above are too.
    pub sparse: Vec<String>,
    /// Are the files of submodules laid out?
    pub submodules: bool,
    /// Is the content of large files (Git LFS) fetched and laid out in place of their pointers?
    pub lfs: bool,
    /// How much is kept.
    pub retention: Retention,
    /// Knows the secrets that no change may bring.
    pub secrets: Redactor,
    /// Leave ignored files, such as build caches, in a worktree that is used again for the same lock files?
    pub keep_ignored: bool,
}

/// Who our commits are by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// Never empty.
    pub(super) name: String,
    /// Never empty.
    pub(super) email: String,
}

impl Identity {
    /// Leaves out what git does not take; none if nothing is left of either.
    pub(super) fn new(name: &str, email: &str) -> Option<Self> {
        let clean = |text: &str| {
            let kept: String = text
                .chars()
                .filter(|c| !c.is_control() && !matches!(c, '<' | '>'))
                .collect();
            let kept = kept.trim_matches([' ', '.', ',', ':', ';', '"', '\\', '\'']);
            Some(kept.to_owned()).filter(|kept| !kept.is_empty())
        };
        Some(Self {
            name: clean(name)?,
            email: clean(email)?,
        })
    }
}
