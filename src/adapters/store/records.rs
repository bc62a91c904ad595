//! What was foreseen for finished tasks, and what they touched.

use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::open::Store;
use crate::rules::footprint::Footprint;
use crate::rules::footprint::record::Record;
use std::collections::BTreeSet;

/// So many of the newest finished tasks count.
const NEWEST: u32 = 2000;

impl Store {
    /// The record of completed tasks, of one project or of all, the newest first; at most 2000.
    pub fn records(&self, project: Option<&str>) -> Result<Vec<Record>, StoreError> {
        let action = "read what was foreseen";
        self.read(|db| {
            let mut statement = db
                .prepare_cached(&format!(
                    "SELECT foreseen, touched FROM tasks JOIN sessions ON key = session
                     WHERE ending = 'completed' AND touched IS NOT NULL AND foreseen IS NOT NULL
                       AND (?1 IS NULL OR project = ?1)
                     ORDER BY key DESC, issue LIMIT {NEWEST}"
                ))
                .tried(action)?;
            let rows = statement
                .query_map([project], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
                })
                .tried(action)?;
            let rows = rows.collect::<rusqlite::Result<Vec<_>>>().tried(action)?;
            // What another version wrote in another shape is no record of ours.
            Ok(rows
                .iter()
                .filter_map(|(foreseen, touched)| record(foreseen, touched))
                .collect())
        })
    }
}

fn record(foreseen: &str, touched: &str) -> Option<Record> {
    let foreseen: Footprint = serde_json::from_str(foreseen).ok()?;
    let touched: BTreeSet<String> = serde_json::from_str(touched).ok()?;
    Some(Record { foreseen, touched })
}
