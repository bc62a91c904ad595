//! A session's journal: the port's implementation over the shared store.

use crate::adapters::store::control;
use crate::adapters::store::crash::{CrashPoint, Side};
use crate::adapters::store::error::{StoreError, Tried, while_reading, while_writing};
use crate::adapters::store::ledger;
use crate::adapters::store::locks::Lock;
use crate::adapters::store::open::{Inner, Store};
use crate::adapters::store::turn::{self, Key};
use crate::ports::{Journal, JournalError};
use crate::rules::event::{Event, Progress, Recorded, VERSION, Wish};
use crate::rules::ids::{IssueNumber, SessionId, Timestamp};
use crate::rules::money::Usd;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row};
use std::sync::Arc;

/// One session's journal, held by this process until it is dropped.
pub struct SqliteJournal {
    store: Arc<Inner>,
    crash: Option<CrashPoint>,
    key: Key,
    _lock: Lock,
}

impl SqliteJournal {
    pub(super) fn new(store: &Store, key: Key, lock: Lock) -> Self {
        Self {
            store: Arc::clone(&store.inner),
            crash: store.crash,
            key,
            _lock: lock,
        }
    }

    async fn write(
        &self,
        events: Vec<Recorded>,
        turn: fn(&Connection, &Key, &[Recorded]) -> Result<(), StoreError>,
    ) -> Result<(), JournalError> {
        let key = self.key.clone();
        let writer = self.store.writer().map_err(|error| while_writing(&error))?;
        writer
            .write(move |db| turn(db, &key, &events))
            .await
            .map_err(|error| while_writing(&error))
    }

    /// Each event in a transaction of its own, so that there is a point to crash at on both sides of each.
    async fn write_singly(
        &self,
        events: &[Recorded],
        crash: CrashPoint,
    ) -> Result<(), JournalError> {
        self.write(events.to_vec(), turn::rehearse).await?;
        for recorded in events {
            crash.reached(recorded.seq, Side::Before);
            self.write(vec![recorded.clone()], turn::write).await?;
            crash.reached(recorded.seq, Side::After);
        }
        Ok(())
    }

    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection, &Key) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let (store, key) = (Arc::clone(&self.store), self.key.clone());
        tokio::task::spawn_blocking(move || store.read(|db| look(db, &key)))
            .await
            .map_err(|error| JournalError::Read {
                detail: error.to_string(),
            })?
            .map_err(|error| while_reading(&error))
    }
}

#[async_trait]
impl Journal for SqliteJournal {
    fn session(&self) -> &SessionId {
        &self.key.id
    }

    async fn append(&self, events: &[Recorded]) -> Result<(), JournalError> {
        match self.crash {
            None if events.is_empty() => Ok(()),
            None => self.write(events.to_vec(), turn::write).await,
            Some(crash) => self.write_singly(events, crash).await,
        }
    }

    async fn events(&self) -> Result<Vec<Recorded>, JournalError> {
        self.read(|db, key| events(db, key.row, 0)).await
    }

    async fn spent_elsewhere(&self, day: i64) -> Result<Usd, JournalError> {
        self.read(move |db, key| ledger::elsewhere(db, key, day))
            .await
    }

    async fn commands(&self) -> Result<Vec<Wish>, JournalError> {
        self.read(control::waiting).await
    }

    fn progress(&self, progress: &Progress) {
        if let Ok(writer) = self.store.writer() {
            writer.note(self.key.row, progress);
        }
    }
}

impl Store {
    /// A session's events, without its lock: another process may be writing more.
    pub fn events(&self, session: &SessionId) -> Result<Vec<Recorded>, StoreError> {
        self.events_after(session, 0)
    }

    /// Those of a session's events that come after this one, without its lock.
    pub fn events_after(&self, session: &SessionId, seq: u64) -> Result<Vec<Recorded>, StoreError> {
        self.read(|db| events(db, key(db, session)?.row, seq))
    }

    /// Those of a session's events that are about this issue, without its lock; no other one is so much as parsed.
    pub fn events_about(
        &self,
        session: &SessionId,
        issue: IssueNumber,
    ) -> Result<Vec<Recorded>, StoreError> {
        const ACTION: &str = "read an issue's events";
        self.read(|db| {
            let mut statement = db
                .prepare_cached(
                    "SELECT seq, at, version, kind, payload FROM events
                     WHERE session = ? AND issue = ? ORDER BY seq",
                )
                .tried(ACTION)?;
            let mut rows = statement
                .query((key(db, session)?.row, issue.0.cast_signed()))
                .tried(ACTION)?;
            let mut events = Vec::new();
            while let Some(row) = rows.next().tried(ACTION)? {
                events.push(event(row)?);
            }
            Ok(events)
        })
    }
}

/// The session's row.
pub(super) fn key(db: &Connection, session: &SessionId) -> Result<Key, StoreError> {
    let row = db
        .prepare_cached("SELECT key FROM sessions WHERE id = ?")
        .and_then(|mut statement| {
            statement
                .query_row([session.as_str()], |row| row.get(0))
                .optional()
        })
        .tried("find the session")?;
    match row {
        Some(row) => Ok(Key {
            row,
            id: session.clone(),
        }),
        None => Err(StoreError::Unknown {
            session: session.clone(),
        }),
    }
}

fn events(db: &Connection, session: i64, after: u64) -> Result<Vec<Recorded>, StoreError> {
    const ACTION: &str = "read the session's events";
    let mut statement = db
        .prepare_cached(
            "SELECT seq, at, version, kind, payload FROM events
             WHERE session = ? AND seq > ? ORDER BY seq",
        )
        .tried(ACTION)?;
    let mut rows = statement
        .query((session, after.cast_signed()))
        .tried(ACTION)?;
    let mut events = Vec::new();
    while let Some(row) = rows.next().tried(ACTION)? {
        let recorded = event(row)?;
        let expected = after + events.len() as u64 + 1;
        if recorded.seq != expected {
            return Err(StoreError::Event {
                seq: expected,
                kind: "missing".into(),
                detail: format!("event {} stands in its place", recorded.seq),
            });
        }
        events.push(recorded);
    }
    Ok(events)
}

pub(super) fn event(row: &Row<'_>) -> Result<Recorded, StoreError> {
    let read =
        || -> rusqlite::Result<(i64, i64, u32)> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
    let (seq, at, found) = read().tried("read an event")?;
    let seq = seq.cast_unsigned();
    let text = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    let kind = || text(3).unwrap_or("unknown").to_owned();
    if found > VERSION {
        return Err(StoreError::NewerEvent {
            seq,
            kind: kind(),
            found,
            known: VERSION,
        });
    }
    let payload = text(4).tried("read an event")?;
    let event = Event::from_json(payload).map_err(|error| StoreError::Event {
        seq,
        kind: kind(),
        detail: error.to_string(),
    })?;
    Ok(Recorded {
        seq,
        at: Timestamp(at),
        event,
    })
}
