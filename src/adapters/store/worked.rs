//! How each agent did with each of its models: success, cost and time.

use crate::adapters::store::error::{StoreError, Tried};
use crate::rules::money::Usd;
use rusqlite::Connection;

/// What one agent did with one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worked {
    /// Its kind.
    pub agent: String,
    /// The model, as the agent names it; `unknown` where it did not say.
    pub model: String,
    /// Tasks that it worked on.
    pub tasks: u64,
    /// Those of them that were completed, and by its attempt.
    pub completed: u64,
    /// Its attempts that have ended.
    pub attempts: u64,
    /// Their bills.
    pub cost: Usd,
    /// How long they took together, in milliseconds, checks and publishing included.
    pub millis: u64,
}

impl Worked {
    /// Completed tasks in a hundred that it worked on, rounded down; nothing where there are none.
    #[must_use]
    pub fn success_percent(&self) -> Option<u64> {
        (self.completed * 100).checked_div(self.tasks)
    }
}

/// All of them, the dearest first. Attempts that only published what an earlier one made are nobody's.
pub(super) fn worked(db: &Connection) -> Result<Vec<Worked>, StoreError> {
    let mut statement = db
        .prepare(
            "WITH tried AS (
                 SELECT session, issue, coalesce(agent, 'unknown') AS agent, coalesce(model, 'unknown') AS model,
                        max(id) AS last, count(*) AS attempts, sum(spent) AS cost, sum(settled - admitted) AS millis
                 FROM ledger
                 WHERE settled IS NOT NULL AND issue > 0
                   AND (granted > 0 OR spent > 0 OR input + cached_input + cache_write + output > 0)
                 GROUP BY session, issue, 3, 4),
             deciding AS (SELECT session, issue, max(last) AS last FROM tried GROUP BY session, issue)
             SELECT agent, model, count(*),
                    count(*) FILTER (WHERE ending = 'completed' AND tried.last = deciding.last),
                    sum(tried.attempts), sum(cost), sum(millis)
             FROM tried JOIN deciding USING (session, issue) LEFT JOIN tasks USING (session, issue)
             GROUP BY agent, model ORDER BY 6 DESC, 1, 2",
        )
        .tried("add up what agents did")?;
    let rows = statement
        .query_map([], |row| {
            let count = |column: usize| -> rusqlite::Result<u64> {
                let count: Option<i64> = row.get(column)?;
                Ok(count.unwrap_or(0).max(0).cast_unsigned())
            };
            Ok(Worked {
                agent: row.get(0)?,
                model: row.get(1)?,
                tasks: count(2)?,
                completed: count(3)?,
                attempts: count(4)?,
                cost: Usd::from_micros(count(5)?),
                millis: count(6)?,
            })
        })
        .tried("add up what agents did")?;
    rows.collect::<rusqlite::Result<_>>()
        .tried("add up what agents did")
}
