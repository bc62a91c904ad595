//! What webhooks brought: each delivery, and each thing that happened, once.

use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::open::{Store, now};
use crate::adapters::store::turn::execute;
use crate::rules::delivery::Delivery;
use rusqlite::Row;

/// Arrivals that are taken at a time.
const TAKEN_AT_A_TIME: usize = 500;
/// What was taken stays so long, to know it again when it comes once more: GitHub delivers again for three days.
const KEPT_MILLIS: i64 = 30 * 86_400_000;

/// A delivery that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its number here.
    pub id: i64,
    /// What it says.
    pub delivery: Delivery,
}

impl Store {
    /// Keeps a delivery, by the forge's name for it. `false` where it, or another that says the same, was here before.
    pub fn arrived(&self, name: &str, delivery: &Delivery) -> Result<bool, StoreError> {
        let (name, delivery) = (name.to_owned(), delivery.clone());
        self.write(move |db| {
            let facts = serde_json::to_string(&delivery).expect("a delivery is JSON");
            execute(
                db,
                "INSERT OR IGNORE INTO arrivals (delivery, meaning, repo, facts, received) VALUES (?, ?, ?, ?, ?)",
                (name, &delivery.meaning, delivery.repo.as_deref().unwrap_or_default(), facts, now().0),
            )?;
            Ok(db.changes() > 0)
        })
    }

    /// Deliveries that nobody took yet, the oldest first.
    pub fn arrivals(&self) -> Result<Vec<Arrival>, StoreError> {
        const ACTION: &str = "read what webhooks brought";
        self.read(|db| {
            let mut statement = db
                .prepare_cached(
                    "SELECT id, facts FROM arrivals WHERE taken IS NULL ORDER BY id LIMIT ?",
                )
                .tried(ACTION)?;
            let rows = statement
                .query_map([TAKEN_AT_A_TIME.cast_signed() as i64], arrival)
                .tried(ACTION)?;
            rows.collect::<rusqlite::Result<_>>().tried(ACTION)
        })
    }

    /// These were acted upon.
    pub fn take_arrivals(&self, ids: Vec<i64>) -> Result<(), StoreError> {
        self.write(move |db| {
            for id in ids {
                execute(
                    db,
                    "UPDATE arrivals SET taken = ? WHERE id = ?",
                    (now().0, id),
                )?;
            }
            Ok(())
        })
    }

    /// What was taken long ago is forgotten.
    pub fn forget_arrivals(&self) -> Result<(), StoreError> {
        self.write(|db| {
            let old = now().0 - KEPT_MILLIS;
            execute(db, "DELETE FROM arrivals WHERE taken < ?", [old])
        })
    }
}

fn arrival(row: &Row<'_>) -> rusqlite::Result<Arrival> {
    let facts: String = row.get(1)?;
    let delivery = serde_json::from_str(&facts).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok(Arrival {
        id: row.get(0)?,
        delivery,
    })
}
