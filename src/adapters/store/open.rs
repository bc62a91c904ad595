//! The store of a state directory: every session's journal, the money ledger, claims, breakers and the control inbox.

use crate::adapters::flock::Locked;
use crate::adapters::store::crash::CrashPoint;
use crate::adapters::store::database;
use crate::adapters::store::error::StoreError;
use crate::adapters::store::files;
use crate::adapters::store::presence::{Opened, Purpose, announce, enter, welcome};
use crate::adapters::store::writer::Writer;
use crate::rules::ids::{SessionId, Timestamp};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// A state directory, opened. Clones share it; it is closed with the last of them and of their journals.
///
/// Its own functions block for a transaction's time at most; what a running session calls is asynchronous.
#[derive(Clone)]
pub struct Store {
    pub(super) inner: Arc<Inner>,
    pub(super) crash: Option<CrashPoint>,
}

// Closed in this order: the writer has to be the last, so that it leaves no log behind.
pub(super) struct Inner {
    reader: Mutex<Connection>,
    writer: Option<Writer>,
    _presence: Option<Locked>,
    _opened: Opened,
    pub(super) state: PathBuf,
}

impl Store {
    /// Opens the directory for writing, creating what is missing, bringing an older database up to date, and checking
    /// it where the last process that had it did not end well. A newer one is refused and left untouched.
    pub fn open(state: &Path) -> Result<Self, StoreError> {
        files::directory(state)?;
        let presence = Locked(files::open(&state.join("open"))?);
        let company = announce(&presence, state)?;
        let opened = enter(state, Purpose::Write)?;
        let db = database::open_for_writing(state, company)?;
        welcome(&presence, state)?;
        Ok(Self {
            inner: Arc::new(Inner {
                reader: Mutex::new(database::open_for_reading(state)?),
                writer: Some(Writer::start(db, database::open_for_notes(state)?, state)?),
                _presence: Some(presence),
                _opened: opened,
                state: state.into(),
            }),
            crash: None,
        })
    }

    /// Opens the directory for looking only; it may be read-only. `StoreError::Absent` where there is nothing yet.
    pub fn open_read_only(state: &Path) -> Result<Self, StoreError> {
        let opened = enter(state, Purpose::Read)?;
        Ok(Self {
            inner: Arc::new(Inner {
                reader: Mutex::new(database::open_for_reading(state)?),
                writer: None,
                _presence: None,
                _opened: opened,
                state: state.into(),
            }),
            crash: None,
        })
    }

    /// Journals that are opened from here on end the process at this point. For tests of recovery only.
    #[must_use]
    pub fn with_crash_point(mut self, point: Option<CrashPoint>) -> Self {
        self.crash = point;
        self
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.inner.state
    }

    /// The directory of a session's own files.
    pub fn session_directory(&self, session: &SessionId) -> PathBuf {
        Inner::session_directory(&self.inner.state, session)
    }

    pub(super) fn read<T>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.inner.read(look)
    }

    pub(super) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.writer()?.write_blocking(work)
    }
}

impl Inner {
    pub(super) fn writer(&self) -> Result<&Writer, StoreError> {
        self.writer.as_ref().ok_or_else(|| StoreError::ReadOnly {
            path: self.state.clone(),
        })
    }

    pub(super) fn read<T>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        look(&self.reader.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn session_directory(state: &Path, session: &SessionId) -> PathBuf {
        state.join("sessions").join(session.as_str())
    }
}

/// Now, by the wall clock.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
