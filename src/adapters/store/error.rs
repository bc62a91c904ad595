//! Why the store did not do what it was asked, and what helps.

use crate::ports::JournalError;
use crate::rules::ids::SessionId;
use crate::rules::money::Usd;
use rusqlite::ErrorCode;
use std::path::PathBuf;

/// Why the store did not do what it was asked. Each text completes "could not ...".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process works on the session.
    #[error("take session {session}: {holder} works on it")]
    Held {
        /// The session.
        session: SessionId,
        /// Who holds it.
        holder: String,
    },
    /// Another process is starting or running a session over the same issues.
    #[error("take {selection} of {project}: {holder} works on it")]
    SelectionHeld {
        /// The repository.
        project: String,
        /// The selection's name.
        selection: String,
        /// Who holds it.
        holder: String,
    },
    /// A newer program wrote it; it was left as it is.
    #[error("open {path}: it has format {found}, this program knows up to {known}")]
    Newer {
        /// The database.
        path: PathBuf,
        /// What stands there.
        found: u32,
        /// What this program knows.
        known: u32,
    },
    /// An older program wrote it, and it may not be changed here.
    #[error("read {path}: it has the older format {found}, and may not be brought up to date here")]
    Older {
        /// The database.
        path: PathBuf,
        /// What stands there.
        found: u32,
    },
    /// Nothing was ever stored here.
    #[error("read {path}: there is nothing yet")]
    Absent {
        /// The database.
        path: PathBuf,
    },
    /// Another process watches the projects.
    #[error("watch the projects: {holder} does it already")]
    ServingHeld {
        /// Which.
        holder: String,
    },
    /// There is no such session.
    #[error("find session {session}")]
    Unknown {
        /// The session.
        session: SessionId,
    },
    /// The directory takes no changes.
    #[error("write to {path}: it is read-only for this user")]
    ReadOnly {
        /// The directory.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("write to {path}: the disk is full")]
    Full {
        /// The directory.
        path: PathBuf,
    },
    /// The database is not what it was written as.
    #[error("read {path}: {detail}")]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// Other processes kept the database busy for too long.
    #[error("{action}: other processes keep the database busy")]
    Busy {
        /// What was tried.
        action: &'static str,
    },
    /// A write failed earlier, so that nothing more is written.
    #[error("write after an earlier failure: {detail}")]
    Broken {
        /// What failed then.
        detail: String,
    },
    /// A grant would pass the daily ceiling.
    #[error("grant money: other sessions have spent or set aside {elsewhere} today")]
    DailyCeiling {
        /// Their sum.
        elsewhere: Usd,
    },
    /// The events do not follow what is stored.
    #[error("append event {found} to session {session}: event {expected} comes next")]
    Gap {
        /// The session.
        session: SessionId,
        /// What was to come.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// A stored event cannot be read.
    #[error("read event {seq} (`{kind}`): {detail}")]
    Event {
        /// Its place.
        seq: u64,
        /// Its kind.
        kind: String,
        /// Why not.
        detail: String,
    },
    /// A stored event has a newer format.
    #[error("read event {seq} (`{kind}`): it has format {found}, this program knows up to {known}")]
    NewerEvent {
        /// Its place.
        seq: u64,
        /// Its kind.
        kind: String,
        /// Its format.
        found: u32,
        /// What this program knows.
        known: u32,
    },
    /// The file system said no.
    #[error("{action}")]
    Io {
        /// What was tried.
        action: String,
        /// Why it failed.
        #[source]
        cause: std::io::Error,
    },
    /// The database said no.
    #[error("{action}")]
    Sql {
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        #[source]
        cause: rusqlite::Error,
    },
}

impl StoreError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Held { session, .. } => {
                format!("watch it with `autoissue status {session}`, or end that process first")
            }
            Self::SelectionHeld { .. } => "watch it with `autoissue status`".into(),
            Self::ServingHeld { .. } => {
                "end that one first, or give this one another --state-dir".into()
            }
            Self::Newer { .. } | Self::NewerEvent { .. } => {
                "use the newer autoissue that wrote it, or another --state-dir".into()
            }
            Self::Older { .. } => "run autoissue once where it may write".into(),
            Self::Absent { .. } => "start with `autoissue exec <label>`".into(),
            Self::Unknown { .. } => "`autoissue status` lists the sessions".into(),
            Self::ReadOnly { .. } | Self::Io { .. } => {
                "choose another directory with --state-dir".into()
            }
            Self::Full { path } => format!(
                "free some space on the disk of {}, then run `autoissue resume`",
                path.display()
            ),
            Self::Damaged { path, .. } => format!(
                "restore {} from a backup, or move its directory away to start anew; branches and pulls are safe",
                path.display()
            ),
            Self::Busy { .. } => "try again in a moment".into(),
            Self::Event { .. } => "use the autoissue that wrote it".into(),
            // SQLite takes no path above 512 bytes.
            Self::Sql { .. } if self.code() == Some(ErrorCode::CannotOpen) => {
                "choose another directory, or one with a shorter path, with --state-dir".into()
            }
            Self::Broken { .. }
            | Self::DailyCeiling { .. }
            | Self::Gap { .. }
            | Self::Sql { .. } => return None,
        })
    }

    /// Does it mean that the disk, or its quota, is full?
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. })
            || self.code() == Some(ErrorCode::DiskFull)
            || self.is_without_index()
    }

    /// Was there no room for the log's index? SQLite calls that an I/O error, though nothing was written yet.
    fn is_without_index(&self) -> bool {
        matches!(
            self,
            Self::Sql { cause: rusqlite::Error::SqliteFailure(failure, _), .. }
                if failure.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
        )
    }

    /// Does it leave the transaction in doubt? After a failed write or fsync nobody knows what is on the disk.
    pub(super) fn is_fatal(&self) -> bool {
        matches!(
            self.code(),
            Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        )
    }

    fn code(&self) -> Option<ErrorCode> {
        if let Self::Sql { cause, .. } = self {
            cause.sqlite_error_code()
        } else {
            None
        }
    }

    /// The error and its causes in one line.
    pub(super) fn line(&self) -> String {
        let mut line = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(inner) = cause {
            line = format!("{line}: {inner}");
            cause = inner.source();
        }
        line
    }
}

/// Does this error of the file system mean that the disk, or its quota, is full?
pub(super) fn is_full(cause: &std::io::Error) -> bool {
    matches!(
        cause.kind(),
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
    )
}

/// Says what was tried when the database failed.
pub(super) trait Tried<T> {
    /// Completes "could not ...".
    fn tried(self, action: &'static str) -> Result<T, StoreError>;
}

impl<T> Tried<T> for Result<T, rusqlite::Error> {
    fn tried(self, action: &'static str) -> Result<T, StoreError> {
        self.map_err(|cause| match cause.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                StoreError::Busy { action }
            }
            _ => StoreError::Sql { action, cause },
        })
    }
}

/// How an error looks to the engine while it reads.
pub(super) fn while_reading(error: &StoreError) -> JournalError {
    if let StoreError::NewerEvent { found, known, .. } = error {
        return JournalError::Newer {
            found: *found,
            known: *known,
        };
    }
    let detail = error.line();
    JournalError::Read { detail }
}

/// How an error looks to the engine while it writes.
pub(super) fn while_writing(error: &StoreError) -> JournalError {
    if let StoreError::DailyCeiling { elsewhere } = error {
        return JournalError::DailyCeiling {
            elsewhere: *elsewhere,
        };
    }
    let detail = error.line();
    JournalError::Write { detail }
}
