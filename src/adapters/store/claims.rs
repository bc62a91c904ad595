//! Claims: an issue is worked on by one unfinished session only.

use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::journal::key;
use crate::adapters::store::locks;
use crate::adapters::store::open::{Inner, Store};
use crate::adapters::store::turn::{Key, execute};
use crate::rules::ids::{IssueNumber, SessionId};
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeMap;
use std::path::Path;

impl Store {
    /// Which session has claimed which of the project's issues; one that died before its first event has none.
    pub fn claimed(&self, project: &str) -> Result<BTreeMap<IssueNumber, SessionId>, StoreError> {
        let mut claims = self.claims(project)?;
        claims.retain(|_, (session, unborn)| !(*unborn && self.is_dead(session)));
        Ok(claims
            .into_iter()
            .map(|(issue, (session, _))| (issue, session))
            .collect())
    }

    fn is_dead(&self, session: &SessionId) -> bool {
        locks::holder(&self.session_directory(session)).is_none()
    }

    /// Each claim, with its session, and whether that has no event yet.
    fn claims(
        &self,
        project: &str,
    ) -> Result<BTreeMap<IssueNumber, (SessionId, bool)>, StoreError> {
        self.read(|db| {
            let mut statement = db
                .prepare_cached(
                    "SELECT issue, id, status = 'new' FROM claims JOIN sessions ON key = session
                     WHERE claims.project = ?",
                )
                .tried("read the claims")?;
            let rows = statement
                .query_map([project], |row| {
                    Ok((
                        IssueNumber(row.get::<_, i64>(0)?.cast_unsigned()),
                        (SessionId::new(row.get::<_, String>(1)?), row.get(2)?),
                    ))
                })
                .tried("read the claims")?;
            rows.collect::<rusqlite::Result<_>>()
                .tried("read the claims")
        })
    }

    /// Is it a session of this directory that will never go on: finished, or dead before its first event?
    #[must_use]
    pub fn is_over(&self, session: &SessionId) -> bool {
        let status = self.read(|db| {
            db.prepare_cached("SELECT status FROM sessions WHERE id = ?")
                .and_then(|mut statement| {
                    let status = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
                    statement.query_row([session.as_str()], status).optional()
                })
                .tried("read a session")
        });
        match status.ok().flatten().as_deref() {
            Some("finished") => true,
            Some("new") => self.is_dead(session),
            Some(_) | None => false,
        }
    }

    /// Claims these issues for the session until it is finished. Those that another unfinished session holds are not
    /// claimed, and are returned with it.
    pub fn claim(
        &self,
        project: &str,
        issues: &[IssueNumber],
        session: &SessionId,
    ) -> Result<BTreeMap<IssueNumber, SessionId>, StoreError> {
        let (project, issues, session) = (project.to_owned(), issues.to_vec(), session.clone());
        let directory = self.directory().to_owned();
        self.write(move |db| {
            let session = key(db, &session)?;
            let mut held = BTreeMap::new();
            for issue in issues {
                if let Some(holder) = other(db, &directory, (&project, issue), &session)? {
                    held.insert(issue, holder);
                    continue;
                }
                execute(
                    db,
                    "INSERT OR REPLACE INTO claims (project, issue, session) VALUES (?, ?, ?)",
                    (&project, issue.0.cast_signed(), session.row),
                )?;
            }
            Ok(held)
        })
    }
}

/// The other session that holds the issue, unless it died before its first event.
fn other(
    db: &Connection,
    state: &Path,
    (project, issue): (&str, IssueNumber),
    session: &Key,
) -> Result<Option<SessionId>, StoreError> {
    let found: Option<(String, bool)> = db
        .prepare_cached(
            "SELECT id, status = 'new' FROM claims JOIN sessions ON key = session
             WHERE claims.project = ? AND issue = ? AND key <> ? AND status <> 'finished'",
        )
        .and_then(|mut statement| {
            statement
                .query_row((project, issue.0.cast_signed(), session.row), |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
        })
        .tried("read the claims")?;
    let Some((id, unborn)) = found else {
        return Ok(None);
    };
    let id = SessionId::new(id);
    let dead = unborn && locks::holder(&Inner::session_directory(state, &id)).is_none();
    Ok((!dead).then_some(id))
}
