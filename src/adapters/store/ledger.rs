//! The money ledger: one row for each grant, in the transaction that admits, settled in the one that ends the attempt.

use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::open::Store;
use crate::adapters::store::turn::{Key, execute};
use crate::rules::ids::{AgentPlace, AttemptNumber, IssueNumber, SessionId, Timestamp};
use crate::rules::money::{Basis, Charge, Usd};
use crate::rules::task::Outcome;
use rusqlite::{Connection, OptionalExtension};

/// More than anybody owns, and small enough that sums of it fit the database's integers.
const MOST: u64 = 1_000_000_000_000_000;

/// The amount as the database holds it: micro-dollars.
pub(super) fn micros(amount: Usd) -> i64 {
    amount.micros().min(MOST).cast_signed()
}

/// A count of tokens as the database holds it, bounded for the sake of sums as well.
fn tokens(count: u64) -> i64 {
    count.min(MOST).cast_signed()
}

/// The database's number as an amount.
pub(super) fn usd(micros: i64) -> Usd {
    Usd::from_micros(u64::try_from(micros).unwrap_or(0))
}

impl Store {
    /// What a session spent or set aside.
    pub fn spent_by(&self, session: &SessionId) -> Result<Usd, StoreError> {
        self.read(|db| {
            let sum: i64 = db
                .prepare_cached(
                    "SELECT coalesce(sum(amount), 0) FROM spending JOIN sessions ON key = session WHERE id = ?",
                )
                .and_then(|mut statement| {
                    statement.query_row([session.as_str()], |row| row.get(0))
                })
                .tried("sum up what was spent")?;
            Ok(usd(sum))
        })
    }

    /// What all sessions together spent or set aside on a UTC day.
    pub fn spent_on(&self, day: i64) -> Result<Usd, StoreError> {
        self.read(|db| {
            let sum: i64 = db
                .prepare_cached("SELECT coalesce(sum(amount), 0) FROM spending WHERE day = ?")
                .and_then(|mut statement| statement.query_row([day], |row| row.get(0)))
                .tried("sum up what was spent")?;
            Ok(usd(sum))
        })
    }
}

/// Sets money aside for an attempt, unless the daily ceiling forbids it.
pub(super) fn grant(
    db: &Connection,
    session: &Key,
    (issue, attempt, agent): (IssueNumber, AttemptNumber, AgentPlace),
    grant: Usd,
    at: Timestamp,
) -> Result<(), StoreError> {
    execute(
        db,
        "INSERT INTO ledger (agent, session, issue, attempt, day, granted, admitted)
         SELECT json_extract(agents, '$[' || ? || ']'), key, ?, ?, ?, ?, ? FROM sessions WHERE key = ?",
        (
            agent.0,
            issue.0.cast_signed(),
            attempt.0,
            at.day(),
            micros(grant),
            at.0,
            session.row,
        ),
    )?;
    book(db, session, at.day(), micros(grant))?;
    if grant == Usd::ZERO {
        return Ok(());
    }
    refuse_over_ceiling(db, session, at.day())
}

/// Books what the attempt cost in the place of its grant, on the day of the grant.
pub(super) fn settle(
    db: &Connection,
    session: &Key,
    (issue, attempt): (IssueNumber, AttemptNumber),
    outcome: &Outcome,
    at: Timestamp,
) -> Result<(), StoreError> {
    let open = db
        .prepare_cached(
            "SELECT id, day, granted FROM ledger
             WHERE session = ? AND issue = ? AND attempt = ? AND settled IS NULL
             ORDER BY id DESC LIMIT 1",
        )
        .and_then(|mut statement| {
            statement
                .query_row((session.row, issue.0.cast_signed(), attempt.0), |row| {
                    Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get::<_, i64>(2)?))
                })
                .optional()
        })
        .tried("find a grant")?;
    // A bill without a grant must not get lost.
    let Some((row, day, granted)) = open else {
        let whose = (issue, attempt, AgentPlace::default());
        grant(db, session, whose, Usd::ZERO, at)?;
        return settle(db, session, (issue, attempt), outcome, at);
    };
    let Charge { cost, usage, basis } = outcome.charge;
    let spent = micros(cost);
    execute(
        db,
        "UPDATE ledger SET spent = ?, settled = ?, model = ?, assumed = ?,
             input = ?, cached_input = ?, cache_write = ?, output = ?
         WHERE id = ?",
        (
            spent,
            at.0,
            &outcome.model,
            basis == Basis::Assumed,
            tokens(usage.input),
            tokens(usage.cached_input),
            tokens(usage.cache_write),
            tokens(usage.output),
            row,
        ),
    )?;
    book(db, session, day, spent - granted)
}

fn book(db: &Connection, session: &Key, day: i64, change: i64) -> Result<(), StoreError> {
    if change == 0 {
        return Ok(());
    }
    execute(
        db,
        "INSERT INTO spending (day, session, amount) VALUES (?, ?, ?)
         ON CONFLICT (day, session) DO UPDATE SET amount = amount + excluded.amount",
        (day, session.row, change),
    )
}

/// What other sessions have spent or set aside on this day.
pub(super) fn elsewhere(db: &Connection, session: &Key, day: i64) -> Result<Usd, StoreError> {
    sum(
        db,
        "SELECT coalesce(sum(amount), 0) FROM spending WHERE day = ? AND session <> ?",
        (day, session.row),
    )
    .map(usd)
}

fn sum(db: &Connection, sql: &str, values: (i64, i64)) -> Result<i64, StoreError> {
    db.prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(values, |row| row.get(0)))
        .tried("add up the day's money")
}

/// Refuses what was just granted if the day's sum passes the daily ceiling by it.
fn refuse_over_ceiling(db: &Connection, session: &Key, day: i64) -> Result<(), StoreError> {
    let ceiling: Option<i64> = db
        .prepare_cached("SELECT daily_ceiling FROM sessions WHERE key = ?")
        .and_then(|mut statement| statement.query_row([session.row], |row| row.get(0)))
        .tried("find the daily ceiling")?;
    let Some(ceiling) = ceiling else {
        return Ok(());
    };
    let own = sum(
        db,
        "SELECT coalesce(sum(amount), 0) FROM spending WHERE day = ? AND session = ?",
        (day, session.row),
    )?;
    let elsewhere = elsewhere(db, session, day)?;
    if micros(elsewhere) + own <= ceiling {
        return Ok(());
    }
    Err(StoreError::DailyCeiling { elsewhere })
}
