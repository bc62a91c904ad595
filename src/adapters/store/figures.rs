//! Figures over all sessions of a state directory, old and new.

use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::open::Store;
use crate::adapters::store::worked::{Worked, worked};
use crate::rules::ids::{IssueNumber, SessionId};
use crate::rules::money::{Usage, Usd};
use crate::rules::summary::Group;
use rusqlite::{Connection, Row};

/// What all sessions came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// How many sessions.
    pub sessions: u64,
    /// Their tasks by how they ended, as `Ending::word` has it; `unfinished` for those that did not. The most frequent first.
    pub endings: Vec<(String, u64)>,
    /// All bills.
    pub spent: Usd,
    /// Grants without a bill yet.
    pub granted: Usd,
    /// What completed tasks changed.
    pub code: Code,
    /// Tasks, attempts and bills by domain, the dearest first.
    pub domains: Vec<Group>,
    /// The same by model.
    pub models: Vec<Group>,
    /// What each agent did with each model, the dearest first.
    pub agents: Vec<Worked>,
}

/// How much of the code completed tasks changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// Pulls opened.
    pub pulls: u64,
    /// Files changed; one that two tasks changed counts twice.
    pub files: u64,
    /// Lines added.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
}

/// A session's work on an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkedOn {
    /// The session.
    pub session: SessionId,
    /// Its repository.
    pub project: String,
    /// Is the session finished?
    pub finished: bool,
    /// Were its events and transcripts removed, because it is old?
    pub pruned: bool,
    /// How the task ended, as `Ending::word` has it; nothing where it has not.
    pub ending: Option<String>,
}

impl Store {
    /// What all sessions came to.
    pub fn figures(&self) -> Result<Figures, StoreError> {
        self.read(|db| {
            let (spent, granted) = one(
                db,
                "SELECT sum(spent), sum(granted) FILTER (WHERE settled IS NULL) FROM ledger",
                |row| Ok((Usd::from_micros(count(row, 0)?), Usd::from_micros(count(row, 1)?))),
            )?;
            Ok(Figures {
                sessions: one(
                    db,
                    "SELECT count(*) FROM sessions WHERE status <> 'new'",
                    |row| count(row, 0),
                )?,
                endings: all(
                    db,
                    "SELECT coalesce(ending, 'unfinished'), count(*) FROM tasks
                     GROUP BY 1 ORDER BY 2 DESC, 1",
                    |row| Ok((row.get(0)?, count(row, 1)?)),
                )?,
                spent,
                granted,
                code: code(db)?,
                domains: with_planner(db, groups(
                    db,
                    "WITH paid AS (
                         SELECT session, issue, sum(spent) AS cost, sum(input) AS input,
                                sum(cached_input) AS cached_input, sum(cache_write) AS cache_write,
                                sum(output) AS output
                         FROM ledger GROUP BY session, issue)
                     SELECT domain, count(*), count(*) FILTER (WHERE ending = 'completed'), sum(attempts),
                            sum(cost), sum(input), sum(cached_input), sum(cache_write), sum(output)
                     FROM tasks LEFT JOIN paid USING (session, issue)
                     GROUP BY domain ORDER BY 5 DESC, domain",
                )?)?,
                models: groups(
                    db,
                    "WITH paid AS (
                         SELECT session, issue, coalesce(model, 'unknown') AS model, count(*) AS attempts,
                                sum(spent) AS cost, sum(input) AS input,
                                sum(cached_input) AS cached_input, sum(cache_write) AS cache_write,
                                sum(output) AS output
                         FROM ledger WHERE spent > 0 GROUP BY session, issue, 3)
                     SELECT model, count(tasks.issue), count(*) FILTER (WHERE ending = 'completed'), sum(paid.attempts),
                            sum(cost), sum(input), sum(cached_input), sum(cache_write), sum(output)
                     FROM paid LEFT JOIN tasks USING (session, issue)
                     GROUP BY model ORDER BY 5 DESC, model",
                )?,
                agents: worked(db)?,
            })
        })
    }

    /// The sessions that worked on the issue, the newest first.
    pub fn worked_on(&self, issue: IssueNumber) -> Result<Vec<WorkedOn>, StoreError> {
        self.read(|db| {
            let mut statement = db
                .prepare_cached(
                    "SELECT id, project, status = 'finished', pruned, ending
                     FROM tasks JOIN sessions ON key = session WHERE issue = ? ORDER BY key DESC",
                )
                .tried("find the issue")?;
            let rows = statement
                .query_map([issue.0.cast_signed()], |row| {
                    Ok(WorkedOn {
                        session: SessionId::new(row.get::<_, String>(0)?),
                        project: row.get(1)?,
                        finished: row.get(2)?,
                        pruned: row.get(3)?,
                        ending: row.get(4)?,
                    })
                })
                .tried("find the issue")?;
            rows.collect::<rusqlite::Result<_>>()
                .tried("find the issue")
        })
    }
}

fn code(db: &Connection) -> Result<Code, StoreError> {
    one(
        db,
        "SELECT count(pull), sum(files), sum(added), sum(removed)
         FROM tasks WHERE ending = 'completed'",
        |row| {
            Ok(Code {
                pulls: count(row, 0)?,
                files: count(row, 1)?,
                added: count(row, 2)?,
                removed: count(row, 3)?,
            })
        },
    )
}

/// The planner beside the domains, where one was paid.
fn with_planner(db: &Connection, mut domains: Vec<Group>) -> Result<Vec<Group>, StoreError> {
    let planner = groups(
        db,
        "SELECT 'planner', 0, 0, count(*), sum(spent), sum(input), sum(cached_input), sum(cache_write), sum(output)
         FROM ledger WHERE issue = 0",
    )?;
    domains.extend(planner.into_iter().filter(|planner| planner.attempts > 0));
    Ok(domains)
}

fn groups(db: &Connection, sql: &str) -> Result<Vec<Group>, StoreError> {
    all(db, sql, |row| {
        Ok(Group {
            name: row.get(0)?,
            tasks: count(row, 1)?,
            completed: count(row, 2)?,
            attempts: count(row, 3)?,
            cost: Usd::from_micros(count(row, 4)?),
            usage: Usage {
                input: count(row, 5)?,
                cached_input: count(row, 6)?,
                cache_write: count(row, 7)?,
                output: count(row, 8)?,
            },
        })
    })
}

/// A sum over nothing is nothing.
fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let count: Option<i64> = row.get(column)?;
    Ok(count.unwrap_or(0).cast_unsigned())
}

fn one<T>(
    db: &Connection,
    sql: &str,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<T, StoreError> {
    db.query_row(sql, [], read).tried("add the figures up")
}

fn all<T>(
    db: &Connection,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = db.prepare(sql).tried("add the figures up")?;
    let rows = statement.query_map([], read).tried("add the figures up")?;
    rows.collect::<rusqlite::Result<_>>()
        .tried("add the figures up")
}
