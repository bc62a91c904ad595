//! Retention: what old sessions leave behind is removed; their sums stay, for estimates and figures.

use crate::adapters::store::audit;
use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::files::tried;
use crate::adapters::store::journal::key;
use crate::adapters::store::locks;
use crate::adapters::store::open::{Store, now};
use crate::adapters::store::sessions::{SessionRow, SessionState};
use crate::adapters::store::turn::execute;
use crate::rules::ids::{SessionId, Timestamp};
use rusqlite::Connection;
use std::io::ErrorKind;

const DAY: i64 = 86_400_000;

/// Why a session is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is not finished.
    Unfinished,
    /// It ended not long enough ago.
    Young,
    /// It is one of the last ones.
    Recent,
    /// A pull of its is open still, and may have to be gone on with.
    Open,
}

/// What becomes of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its events and transcripts go.
    Goes(SessionRow),
    /// It stays as it is.
    Stays(SessionRow, Kept),
}

impl Store {
    /// What would become of each session whose events are still there, the newest first: finished ones go that ended
    /// so many days ago, but never the last `keep_last` of all.
    pub fn retention(
        &self,
        older_than_days: u32,
        keep_last: usize,
    ) -> Result<Vec<Verdict>, StoreError> {
        let ended_before = Timestamp(now().0 - i64::from(older_than_days) * DAY);
        let open = self.with_open_pulls()?;
        let judge = |(place, row): (usize, SessionRow)| match (row.state, row.ended) {
            (SessionState::Running(_) | SessionState::Interrupted, _) => {
                Verdict::Stays(row, Kept::Unfinished)
            }
            (SessionState::Finished, _) if open.contains(&row.id) => {
                Verdict::Stays(row, Kept::Open)
            }
            (SessionState::Finished, _) if place < keep_last => Verdict::Stays(row, Kept::Recent),
            (SessionState::Finished, Some(ended)) if ended > ended_before => {
                Verdict::Stays(row, Kept::Young)
            }
            (SessionState::Finished, _) => Verdict::Goes(row),
        };
        let sessions = self.sessions(usize::MAX)?.into_iter().enumerate();
        Ok(sessions
            .filter(|(_, row)| self.has_more_than_sums(row))
            .map(judge)
            .collect())
    }

    /// Removes the events, transcripts and other traces of old sessions; says which sessions' they were. Also forgets
    /// sessions that died before their first event.
    pub fn prune(
        &self,
        older_than_days: u32,
        keep_last: usize,
    ) -> Result<Vec<SessionId>, StoreError> {
        let pruned = self.strip_old(older_than_days, keep_last)?;
        for unborn in self.unborn()? {
            self.forget(&unborn)?;
        }
        self.write(shrink)?;
        Ok(pruned)
    }

    /// The same, but sessions that died before their first event stay known: whoever finds what they hold elsewhere, such
    /// as a lease, has to see that they are dead.
    pub fn strip_old(
        &self,
        older_than_days: u32,
        keep_last: usize,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut pruned = Vec::new();
        for verdict in self.retention(older_than_days, keep_last)? {
            if let Verdict::Goes(row) = verdict
                && self.strip(&row.id)?
            {
                pruned.push(row.id);
            }
        }
        Ok(pruned)
    }

    /// What was made before this time no session needs: older ones are finished, and their pulls are not open.
    pub fn needless_before(&self, older_than_days: u32) -> Result<Timestamp, StoreError> {
        let mut before = Timestamp(now().0 - i64::from(older_than_days) * DAY);
        for verdict in self.retention(older_than_days, 0)? {
            match verdict {
                Verdict::Stays(row, Kept::Unfinished | Kept::Open) => {
                    before = before.min(row.started);
                }
                Verdict::Goes(_) | Verdict::Stays(_, Kept::Young | Kept::Recent) => {}
            }
        }
        Ok(before)
    }

    fn has_more_than_sums(&self, row: &SessionRow) -> bool {
        !row.pruned || self.session_directory(&row.id).exists()
    }

    /// False where somebody has it open at this moment.
    fn strip(&self, session: &SessionId) -> Result<bool, StoreError> {
        let directory = self.session_directory(session);
        let Ok(_lock) = locks::take(&directory, now())? else {
            return Ok(false);
        };
        let id = session.clone();
        self.write(move |db| {
            let row = key(db, &id)?.row;
            // The mark first: what is marked is removed in the end, even if the process dies in between.
            execute(db, "UPDATE sessions SET pruned = 1 WHERE key = ?", [row])?;
            remove_rows(db, row)
        })?;
        match std::fs::remove_dir_all(&directory) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                Err(tried(&directory, "remove", cause))
            }
            Ok(()) | Err(_) => Ok(true),
        }
    }

    fn unborn(&self) -> Result<Vec<SessionId>, StoreError> {
        self.read(|db| {
            let mut statement = db
                .prepare_cached("SELECT id FROM sessions WHERE status = 'new'")
                .tried("list the sessions")?;
            let rows = statement
                .query_map([], |row| row.get::<_, String>(0).map(SessionId::new))
                .tried("list the sessions")?;
            rows.collect::<rusqlite::Result<_>>()
                .tried("list the sessions")
        })
    }

    fn forget(&self, session: &SessionId) -> Result<(), StoreError> {
        if !self.strip(session)? {
            return Ok(());
        }
        let id = session.clone();
        self.write(move |db| {
            let row = key(db, &id)?.row;
            execute(db, "DELETE FROM claims WHERE session = ?", [row])?;
            execute(db, "DELETE FROM sessions WHERE key = ?", [row])
        })
    }
}

fn shrink(db: &Connection) -> Result<(), StoreError> {
    // It frees one page for each row that is asked for.
    let free = || {
        let mut statement = db.prepare("PRAGMA incremental_vacuum")?;
        let mut pages = statement.query([])?;
        while pages.next()?.is_some() {}
        Ok(())
    };
    free().tried("shrink the database")
}

fn remove_rows(db: &Connection, session: i64) -> Result<(), StoreError> {
    audit::keep(db, session)?;
    execute(db, "DELETE FROM events WHERE session = ?", [session])?;
    execute(db, "DELETE FROM progress WHERE session = ?", [session])?;
    execute(db, "DELETE FROM control WHERE session = ?", [session])
}
