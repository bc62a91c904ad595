//! The record of who did what: read from the events where they are, and kept when they go.
//!
//! The tables refuse changes: an event is never altered, and goes only with its whole session, once the session's deeds
//! were kept; a kept deed never goes. Whoever can write the file can still replace it: where that matters, take the lines of
//! `autoissue audit --json` elsewhere.

use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::journal::event;
use crate::adapters::store::open::Store;
use crate::adapters::store::turn::execute;
use crate::rules::audit::{Deed, Entry, KINDS, deeds};
use crate::rules::event::Recorded;
use crate::rules::ids::{IssueNumber, SessionId, Timestamp};
use rusqlite::Connection;

const ACTION: &str = "read who did what";

/// One deed, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// The project.
    pub project: String,
    /// The session; nothing where it was seen on the forge.
    pub session: Option<SessionId>,
    /// What was done.
    pub entry: Entry,
}

impl Store {
    /// Everything that was done from this moment on, in the order of time: by the sessions of this state directory, and what
    /// was seen to become of their pulls.
    pub fn audit(&self, since: Timestamp) -> Result<Vec<Audited>, StoreError> {
        let mut all = self.read(|db| {
            let mut all = fates(db)?;
            for (key, id, project) in sessions(db)? {
                let mut entries = kept(db, key)?;
                if entries.is_empty() {
                    entries = deeds(&accountable(db, key)?);
                }
                all.extend(entries.into_iter().map(|entry| Audited {
                    project: project.clone(),
                    session: Some(id.clone()),
                    entry,
                }));
            }
            Ok(all)
        })?;
        all.retain(|audited| audited.entry.at >= since);
        all.sort_by(|a, b| {
            let key = |of: &Audited| (of.entry.at, of.session.clone(), of.entry.seq);
            key(a).cmp(&key(b))
        });
        Ok(all)
    }
}

/// Keeps a session's deeds, before its events go.
pub(super) fn keep(db: &Connection, session: i64) -> Result<(), StoreError> {
    if !kept(db, session)?.is_empty() {
        return Ok(());
    }
    for entry in deeds(&accountable(db, session)?) {
        execute(
            db,
            "INSERT INTO audit (session, seq, entry) VALUES (?, ?, ?)",
            (
                session,
                entry.seq.cast_signed(),
                serde_json::to_string(&entry).expect("an entry is JSON"),
            ),
        )?;
    }
    Ok(())
}

fn sessions(db: &Connection) -> Result<Vec<(i64, SessionId, String)>, StoreError> {
    let mut statement = db
        .prepare_cached("SELECT key, id, project FROM sessions WHERE status <> 'new' ORDER BY key")
        .tried(ACTION)?;
    let rows = statement
        .query_map([], |row| {
            Ok((
                row.get(0)?,
                SessionId::new(row.get::<_, String>(1)?),
                row.get(2)?,
            ))
        })
        .tried(ACTION)?;
    rows.collect::<rusqlite::Result<_>>().tried(ACTION)
}

fn kept(db: &Connection, session: i64) -> Result<Vec<Entry>, StoreError> {
    let mut statement = db
        .prepare_cached("SELECT entry FROM audit WHERE session = ? ORDER BY seq")
        .tried(ACTION)?;
    let rows = statement
        .query_map([session], |row| row.get::<_, String>(0))
        .tried(ACTION)?;
    let mut entries = Vec::new();
    for row in rows {
        let text = row.tried(ACTION)?;
        entries.push(
            serde_json::from_str(&text).map_err(|error| StoreError::Event {
                seq: entries.len() as u64,
                kind: "audit".into(),
                detail: error.to_string(),
            })?,
        );
    }
    Ok(entries)
}

/// The session's events that can hold a deed: the long ones cannot.
fn accountable(db: &Connection, session: i64) -> Result<Vec<Recorded>, StoreError> {
    let kinds = KINDS.map(|kind| format!("'{kind}'")).join(", ");
    let mut statement = db
        .prepare_cached(&format!(
            "SELECT seq, at, version, kind, payload FROM events
             WHERE session = ? AND kind IN ({kinds})
               AND (kind <> 'fact' OR payload LIKE '%\"fact\":\"did\"%')
             ORDER BY seq"
        ))
        .tried(ACTION)?;
    let mut rows = statement.query([session]).tried(ACTION)?;
    let mut events = Vec::new();
    while let Some(row) = rows.next().tried(ACTION)? {
        events.push(event(row)?);
    }
    Ok(events)
}

/// What became of pulls, as it was seen on the forge.
fn fates(db: &Connection) -> Result<Vec<Audited>, StoreError> {
    let mut statement = db
        .prepare_cached("SELECT rowid, project, number, issue, fate, at FROM fates ORDER BY rowid")
        .tried(ACTION)?;
    let rows = statement
        .query_map([], |row| {
            let (number, issue, fate): (i64, i64, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
            let deed = match fate.as_str() {
                "merged" => Deed::Merged,
                "rejected" => Deed::Closed,
                _ => Deed::Opened,
            };
            Ok(Audited {
                project: row.get(1)?,
                session: None,
                entry: Entry {
                    seq: row.get::<_, i64>(0)?.cast_unsigned(),
                    at: Timestamp(row.get(5)?),
                    who: None,
                    deed,
                    detail: format!("pull #{number}, as seen on the forge"),
                    issue: Some(IssueNumber(issue.cast_unsigned())),
                    amount: None,
                },
            })
        })
        .tried(ACTION)?;
    rows.collect::<rusqlite::Result<_>>().tried(ACTION)
}
