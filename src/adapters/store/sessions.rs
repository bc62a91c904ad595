//! Sessions: begun, taken up again, found and listed; each held by one process at a time.

use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::files::Reserve;
use crate::adapters::store::journal::{SqliteJournal, key};
use crate::adapters::store::ledger::usd;
use crate::adapters::store::locks::{self, Holder, Lock};
use crate::adapters::store::open::{Store, now};
use crate::adapters::store::turn::{Key, execute};
use crate::rules::ids::{SessionId, Timestamp};
use crate::rules::issue::Selection;
use crate::rules::money::Usd;
use rusqlite::{Connection, OptionalExtension, Params, Row};
use sha2::{Digest, Sha256};

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// A process works on it.
    Running(Holder),
    /// Nobody does, and work is left.
    Interrupted,
    /// Every task has ended.
    Finished,
}

/// A session in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Its name.
    pub id: SessionId,
    /// The repository.
    pub project: String,
    /// The selection's name.
    pub selection: String,
    /// Where it stands.
    pub state: SessionState,
    /// When it started.
    pub started: Timestamp,
    /// When it was interrupted or finished; nothing where it was killed, or runs.
    pub ended: Option<Timestamp>,
    /// How many tasks it has.
    pub tasks: u64,
    /// How many of them are completed.
    pub completed: u64,
    /// What was spent, and set aside where that is not settled.
    pub cost: Usd,
    /// Were its events removed, because it is old?
    pub pruned: bool,
}

/// Keeps other processes from starting over the same issues until it is dropped.
#[derive(Debug)]
pub struct SelectionLock {
    _lock: Lock,
}

impl Store {
    /// Begins a session, held until the journal is dropped.
    pub fn begin(
        &self,
        session: SessionId,
        project: &str,
        selection: &Selection,
    ) -> Result<SqliteJournal, StoreError> {
        let lock = self.hold(&session)?;
        let (id, project) = (session.clone(), project.to_owned());
        let (name, label) = (selection.name(), selection.label.clone());
        let row = self.write(move |db| {
            execute(
                db,
                "INSERT INTO sessions (id, project, selection, label, started)
                 VALUES (?, ?, ?, ?, ?)",
                (id.as_str(), project, name, label, now().0),
            )?;
            Ok(db.last_insert_rowid())
        })?;
        Ok(SqliteJournal::new(self, Key { row, id: session }, lock))
    }

    /// Takes a session up again, held until the journal is dropped.
    pub fn journal(&self, session: &SessionId) -> Result<SqliteJournal, StoreError> {
        let key = self.read(|db| key(db, session))?;
        let lock = self.hold(session)?;
        Ok(SqliteJournal::new(self, key, lock))
    }

    /// Sees to it that of all processes only this one starts a session over this selection.
    pub fn lock_selection(
        &self,
        project: &str,
        selection: &Selection,
    ) -> Result<SelectionLock, StoreError> {
        let name = selection.name();
        let digest = Sha256::digest(format!("{project}\n{name}"));
        let bytes = digest[..16].try_into().expect("sixteen bytes are sixteen");
        let file = format!("{:032x}", u128::from_be_bytes(bytes));
        match locks::take(&self.directory().join("locks").join(file), now())? {
            Ok(lock) => Ok(SelectionLock { _lock: lock }),
            Err(holder) => Err(StoreError::SelectionHeld {
                project: project.into(),
                selection: name,
                holder,
            }),
        }
    }

    /// Sees to it that of all processes only this one watches the projects of this state directory.
    pub fn lock_serving(&self) -> Result<SelectionLock, StoreError> {
        match locks::take(&self.directory().join("locks").join("serve"), now())? {
            Ok(lock) => Ok(SelectionLock { _lock: lock }),
            Err(holder) => Err(StoreError::ServingHeld { holder }),
        }
    }

    /// The newest session over this selection that has work left.
    pub fn unfinished(
        &self,
        project: &str,
        selection: &str,
    ) -> Result<Option<SessionId>, StoreError> {
        self.first(
            "SELECT id FROM sessions
             WHERE project = ? AND selection = ? AND status IN ('running', 'interrupted')
             ORDER BY key DESC LIMIT 1",
            (project, selection),
        )
    }

    /// The newest session that has work left.
    pub fn newest_unfinished(&self) -> Result<Option<SessionId>, StoreError> {
        self.first(
            "SELECT id FROM sessions WHERE status IN ('running', 'interrupted')
             ORDER BY key DESC LIMIT 1",
            (),
        )
    }

    /// The newest sessions, at most so many.
    pub fn sessions(&self, limit: usize) -> Result<Vec<SessionRow>, StoreError> {
        self.read(|db| {
            let mut statement = db
                .prepare_cached(
                    "SELECT id, project, selection, status, started, ended, pruned,
                        (SELECT count(*) FROM tasks WHERE session = key),
                        (SELECT count(*) FROM tasks WHERE session = key AND ending = 'completed'),
                        (SELECT coalesce(sum(amount), 0) FROM spending WHERE session = key)
                     FROM sessions WHERE status <> 'new' ORDER BY key DESC LIMIT ?",
                )
                .tried("list the sessions")?;
            let rows = statement
                .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                    self.row(row)
                })
                .tried("list the sessions")?;
            rows.collect::<rusqlite::Result<_>>()
                .tried("list the sessions")
        })
    }

    /// Where a session stands.
    pub fn state_of(&self, session: &SessionId) -> Result<SessionState, StoreError> {
        let status: Option<String> = self.read(|db| {
            db.prepare_cached("SELECT status FROM sessions WHERE id = ?")
                .and_then(|mut statement| {
                    statement
                        .query_row([session.as_str()], |row| row.get(0))
                        .optional()
                })
                .tried("find the session")
        })?;
        match status {
            Some(status) => Ok(self.state(session, &status)),
            None => Err(StoreError::Unknown {
                session: session.clone(),
            }),
        }
    }

    fn state(&self, session: &SessionId, status: &str) -> SessionState {
        if status == "finished" {
            return SessionState::Finished;
        }
        let holder = locks::holder(&self.session_directory(session));
        holder.map_or(SessionState::Interrupted, SessionState::Running)
    }

    fn row(&self, row: &Row<'_>) -> rusqlite::Result<SessionRow> {
        let id = SessionId::new(row.get::<_, String>(0)?);
        let state = self.state(&id, &row.get::<_, String>(3)?);
        Ok(SessionRow {
            id,
            project: row.get(1)?,
            selection: row.get(2)?,
            state,
            started: Timestamp(row.get(4)?),
            ended: row.get::<_, Option<i64>>(5)?.map(Timestamp),
            pruned: row.get(6)?,
            tasks: row.get::<_, i64>(7)?.cast_unsigned(),
            completed: row.get::<_, i64>(8)?.cast_unsigned(),
            cost: usd(row.get(9)?),
        })
    }

    fn first(&self, sql: &str, values: impl Params) -> Result<Option<SessionId>, StoreError> {
        self.read(|db| first(db, sql, values))
    }

    fn hold(&self, session: &SessionId) -> Result<Lock, StoreError> {
        self.inner.writer()?;
        Reserve::of(self.directory()).fill()?;
        locks::take(&self.session_directory(session), now())?.map_err(|holder| StoreError::Held {
            session: session.clone(),
            holder,
        })
    }
}

fn first(db: &Connection, sql: &str, values: impl Params) -> Result<Option<SessionId>, StoreError> {
    db.prepare_cached(sql)
        .and_then(|mut statement| {
            statement
                .query_row(values, |row| row.get::<_, String>(0))
                .optional()
        })
        .map(|id| id.map(SessionId::new))
        .tried("find the session")
}
