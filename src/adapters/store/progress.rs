//! What attempts do at this moment: overwritten rows for other processes to see, written aside and lossy.

use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::open::Store;
use crate::rules::event::Progress;
use crate::rules::ids::{IssueNumber, SessionId};
use rusqlite::Connection;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

type Notes = HashMap<(i64, IssueNumber), Progress>;

/// The last progress of each task that is not written yet.
#[derive(Debug, Default)]
pub(super) struct Pad(Mutex<Notes>);

impl Pad {
    /// At most one write in this time.
    pub(super) const PACE: Duration = Duration::from_secs(1);

    /// Puts one down; true if the pad was empty.
    pub(super) fn note(&self, session: i64, progress: &Progress) -> bool {
        let mut notes = self.notes();
        let first = notes.is_empty();
        notes.insert((session, progress.issue), progress.clone());
        first
    }

    /// Is nothing left to write?
    pub(super) fn is_empty(&self) -> bool {
        self.notes().is_empty()
    }

    /// Writes and forgets what is on it.
    pub(super) fn write(&self, db: &mut Connection) -> rusqlite::Result<()> {
        let notes = std::mem::take(&mut *self.notes());
        if notes.is_empty() {
            return Ok(());
        }
        let transaction = db.transaction()?;
        for ((session, issue), progress) in notes {
            let payload = serde_json::to_string(&progress).expect("progress is JSON");
            transaction
                .prepare_cached("INSERT OR REPLACE INTO progress VALUES (?, ?, ?)")?
                .execute((session, issue.0.cast_signed(), payload))?;
        }
        transaction.commit()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// What the session's tasks were last seen doing, by issue.
    pub fn progress(&self, session: &SessionId) -> Result<Vec<Progress>, StoreError> {
        self.read(|db| {
            let mut statement = db
                .prepare_cached(
                    "SELECT payload FROM progress
                     WHERE session = (SELECT key FROM sessions WHERE id = ?) ORDER BY issue",
                )
                .tried("read progress")?;
            let rows = statement
                .query_map([session.as_str()], |row| row.get::<_, String>(0))
                .tried("read progress")?;
            let mut progress = Vec::new();
            for payload in rows {
                // One that a newer program wrote is merely not shown.
                progress.extend(serde_json::from_str(&payload.tried("read progress")?));
            }
            Ok(progress)
        })
    }
}
