//! Rows for figures over time: what ended, what was offered, what was paid.

use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::open::Store;
use crate::rules::analytics::rows::{Bill, Done, Offered, PullEnd, Rows, Traits};
use crate::rules::follow::shape::Fate;
use crate::rules::ids::{IssueNumber, PullNumber, SessionId, Timestamp};
use crate::rules::money::Usd;
use crate::rules::task::Ending;
use rusqlite::{Connection, Row};
use std::collections::HashSet;
use std::sync::Arc;

const ACTION: &str = "read what figures are made of";

/// The last paid attempt at each task, and what all of them came to.
const WORK: &str = "
    WITH last AS (
        SELECT session, issue, agent, model, max(id) FROM ledger
        WHERE issue > 0 AND settled IS NOT NULL
          AND (granted > 0 OR spent > 0 OR input + cached_input + cache_write + output > 0)
        GROUP BY session, issue),
    paid AS (
        SELECT session, issue, min(admitted) AS began, sum(spent) AS cost FROM ledger GROUP BY session, issue)
    SELECT project, domain, coalesce(kind, 'unknown'), coalesce(last.agent, sessions.agent, 'unknown'),
        coalesce(model, 'unknown'), id, tasks.issue, title, tasks.ending, reason, began, measures.ended, attempts, helped,
        checked, passed, cost, tasks.pull, url, follow_ups.pull IS NOT NULL
    FROM measures JOIN tasks USING (session, issue) JOIN sessions ON key = measures.session
    LEFT JOIN last USING (session, issue) LEFT JOIN paid USING (session, issue)
    LEFT JOIN follow_ups USING (session, issue)
    WHERE measures.ended >= ?1 AND tasks.ending IS NOT NULL
    ORDER BY measures.ended, key, tasks.issue";

/// Pulls by those who opened them, the first of whom counts.
const PULLS: &str = "
    WITH last AS (
        SELECT session, issue, agent, model, max(id) FROM ledger
        WHERE issue > 0 AND settled IS NOT NULL
          AND (granted > 0 OR spent > 0 OR input + cached_input + cache_write + output > 0)
        GROUP BY session, issue)
    SELECT sessions.project, domain, coalesce(kind, 'unknown'), coalesce(last.agent, sessions.agent, 'unknown'),
        coalesce(model, 'unknown'), tasks.pull, coalesce(measures.ended, sessions.started), fate, at, head, pushed
    FROM tasks JOIN sessions ON key = tasks.session JOIN measures USING (session, issue)
    LEFT JOIN last USING (session, issue) LEFT JOIN follow_ups USING (session, issue)
    LEFT JOIN pulls ON pulls.project = sessions.project AND pulls.number = tasks.pull
    WHERE tasks.pull IS NOT NULL AND follow_ups.pull IS NULL
      AND (measures.ended IS NULL OR measures.ended >= ?1 OR (at >= ?1 AND fate <> 'open'))
    ORDER BY key, tasks.issue";

/// The planner's bills stand under the number that no issue has.
const BILLS: &str = "
    SELECT project, coalesce(domain, 'planner'), CASE WHEN ledger.issue = 0 THEN 'planner' ELSE coalesce(kind, 'unknown') END,
        coalesce(ledger.agent, sessions.agent, 'unknown'), coalesce(model, 'unknown'), settled, spent
    FROM ledger JOIN sessions ON key = ledger.session
    LEFT JOIN tasks USING (session, issue) LEFT JOIN measures USING (session, issue)
    WHERE settled >= ?1 AND spent > 0 ORDER BY settled";

impl Store {
    /// What ended, came to an end, or was paid from this moment on.
    pub fn rows(&self, since: Timestamp) -> Result<Rows, StoreError> {
        self.read(|db| {
            let mut words = Words::default();
            Ok(Rows {
                done: done(db, since, &mut words)?,
                offered: offered(db, since, &mut words)?,
                bills: bills(db, since, &mut words)?,
            })
        })
    }
}

/// Words that many rows have, each kept once.
#[derive(Default)]
struct Words(HashSet<Arc<str>>);

impl Words {
    fn one(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let word: Arc<str> = text.into();
        self.0.insert(Arc::clone(&word));
        word
    }

    /// The first five columns.
    fn traits(&mut self, row: &Row<'_>) -> rusqlite::Result<Traits> {
        let mut word = |column: usize| -> rusqlite::Result<Arc<str>> {
            let text = row.get_ref(column)?;
            Ok(self.one(text.as_str()?))
        };
        Ok(Traits {
            project: word(0)?,
            domain: word(1)?,
            kind: word(2)?,
            agent: word(3)?,
            model: word(4)?,
        })
    }
}

fn done(db: &Connection, since: Timestamp, words: &mut Words) -> Result<Vec<Done>, StoreError> {
    let read = |row: &Row<'_>| {
        let word: String = row.get(8)?;
        let Some(ending) = ENDINGS.into_iter().find(|ending| ending.word() == word) else {
            // Another version's.
            return Ok(None);
        };
        let pull: Option<i64> = row.get(17)?;
        let url: Option<String> = row.get(18)?;
        Ok(Some(Done {
            traits: words.traits(row)?,
            session: SessionId::new(row.get::<_, String>(5)?),
            issue: IssueNumber(row.get::<_, i64>(6)?.cast_unsigned()),
            title: row.get(7)?,
            ending,
            reason: row.get(9)?,
            began: row.get::<_, Option<i64>>(10)?.map(Timestamp),
            ended: Timestamp(row.get(11)?),
            attempts: row.get(12)?,
            helped: row.get(13)?,
            checked: row.get(14)?,
            passed: row.get(15)?,
            cost: usd(row, 16)?,
            pull: pull.map(|number| (PullNumber(number.cast_unsigned()), url)),
            is_round: row.get(19)?,
        }))
    };
    let rows: Vec<Option<Done>> = all(db, WORK, since, read)?;
    Ok(rows.into_iter().flatten().collect())
}

fn offered(
    db: &Connection,
    since: Timestamp,
    words: &mut Words,
) -> Result<Vec<Offered>, StoreError> {
    let mut known = HashSet::new();
    let read = |row: &Row<'_>| {
        let traits = words.traits(row)?;
        let number: i64 = row.get(5)?;
        if !known.insert((Arc::clone(&traits.project), number)) {
            return Ok(None);
        }
        Ok(Some(Offered {
            traits,
            at: Timestamp(row.get(6)?),
            end: pull_end(row)?,
        }))
    };
    let rows: Vec<Option<Offered>> = all(db, PULLS, since, read)?;
    Ok(rows.into_iter().flatten().collect())
}

fn pull_end(row: &Row<'_>) -> rusqlite::Result<Option<PullEnd>> {
    let fate: Option<String> = row.get(7)?;
    let at = row
        .get::<_, Option<i64>>(8)?
        .map_or(Timestamp(0), Timestamp);
    let head: Option<String> = row.get(9)?;
    let pushed: Option<String> = row.get(10)?;
    let is = |wanted: Fate| fate.as_deref() == Some(wanted.word());
    if is(Fate::Merged) {
        let unchanged = head.zip(pushed).map(|(head, pushed)| head == pushed);
        return Ok(Some(PullEnd::Merged { at, unchanged }));
    }
    Ok(is(Fate::Rejected).then_some(PullEnd::Rejected { at }))
}

fn bills(db: &Connection, since: Timestamp, words: &mut Words) -> Result<Vec<Bill>, StoreError> {
    all(db, BILLS, since, |row| {
        Ok(Bill {
            traits: words.traits(row)?,
            at: Timestamp(row.get(5)?),
            cost: usd(row, 6)?,
        })
    })
}

/// A sum over nothing is nothing.
fn usd(row: &Row<'_>, column: usize) -> rusqlite::Result<Usd> {
    let micros: Option<i64> = row.get(column)?;
    let micros = u64::try_from(micros.unwrap_or(0)).unwrap_or(0);
    Ok(Usd::from_micros(micros))
}

const ENDINGS: [Ending; 7] = [
    Ending::Completed,
    Ending::NoChange,
    Ending::Failed,
    Ending::Blocked,
    Ending::Skipped,
    Ending::NeedsHuman,
    Ending::Budget,
];

fn all<T>(
    db: &Connection,
    sql: &str,
    since: Timestamp,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = db.prepare_cached(sql).tried(ACTION)?;
    let rows = statement.query_map([since.0], read).tried(ACTION)?;
    rows.collect::<rusqlite::Result<_>>().tried(ACTION)
}
