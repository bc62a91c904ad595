//! What past attempts took, for estimates.

use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::ledger::usd;
use crate::adapters::store::open::Store;
use crate::rules::classify::Domain;
use crate::rules::evaluate::score::Level;
use crate::rules::evaluate::similar::Resolved;
use crate::rules::ids::IssueNumber;
use crate::rules::money::Usd;
use crate::rules::past::Past;

/// So many of the newest attempts count.
const NEWEST: u32 = 200;
/// So many where they are told apart by domain and complexity.
const PAST: u32 = 1000;
/// So many of the issues worked on last are compared with a new one.
const RESOLVED: u32 = 500;
/// Fewer attempts say nothing.
const ENOUGH: usize = 5;

impl Store {
    /// What an attempt in this project costs at most in nine of ten cases (P90 by nearest rank over the newest 200 bills
    /// that are known); nothing below five of them.
    pub fn typical_cost(&self, project: &str) -> Result<Option<Usd>, StoreError> {
        Ok(percentile(self.bills(project)?, 90).map(usd))
    }

    /// The newest attempts in this project that were paid for, and whose bill is known, the newest first.
    pub fn past(&self, project: &str) -> Result<Vec<Past>, StoreError> {
        const ACTION: &str = "read what past attempts took";
        self.read(|db| {
            let mut statement = db
                .prepare_cached(&format!(
                    "SELECT domain, complexity, max(settled - admitted, 0), spent
                     FROM ledger JOIN sessions ON key = ledger.session
                     JOIN tasks ON tasks.session = ledger.session AND tasks.issue = ledger.issue
                     WHERE project = ? AND spent > 0 AND assumed = 0
                     ORDER BY ledger.id DESC LIMIT {PAST}"
                ))
                .tried(ACTION)?;
            let rows = statement
                .query_map([project], |row| {
                    let word: String = row.get(0)?;
                    let domain = Domain::ALL.into_iter().find(|each| each.word() == word);
                    let word: Option<String> = row.get(1)?;
                    let complexity = Level::ALL
                        .into_iter()
                        .find(|each| Some(each.word()) == word.as_deref());
                    Ok(Past {
                        domain: domain.unwrap_or_default(),
                        complexity,
                        millis: row.get::<_, i64>(2)?.cast_unsigned(),
                        cost: usd(row.get(3)?),
                    })
                })
                .tried(ACTION)?;
            rows.collect::<rusqlite::Result<_>>().tried(ACTION)
        })
    }

    /// The newest issues of this project that an agent worked on, each as it ended last.
    pub fn resolved(&self, project: &str) -> Result<Vec<Resolved>, StoreError> {
        const ACTION: &str = "read what was resolved before";
        self.read(|db| {
            let mut statement = db
                .prepare_cached(&format!(
                    "SELECT issue, title, ending = 'completed', max(session)
                     FROM tasks JOIN sessions ON key = session
                     WHERE project = ? AND attempts > 0
                       AND ending IN ('completed', 'failed', 'no_change', 'needs_human')
                     GROUP BY issue ORDER BY max(session) DESC, issue DESC LIMIT {RESOLVED}"
                ))
                .tried(ACTION)?;
            let rows = statement
                .query_map([project], |row| {
                    Ok(Resolved {
                        issue: IssueNumber(row.get::<_, i64>(0)?.cast_unsigned()),
                        title: row.get(1)?,
                        succeeded: row.get(2)?,
                    })
                })
                .tried(ACTION)?;
            rows.collect::<rusqlite::Result<_>>().tried(ACTION)
        })
    }

    /// The newest bills of attempts that were paid for, as far as they are known.
    fn bills(&self, project: &str) -> Result<Vec<i64>, StoreError> {
        const ACTION: &str = "read the costs of past attempts";
        self.read(|db| {
            let mut statement = db
                .prepare_cached(&format!(
                    "SELECT max(spent, 0) FROM ledger JOIN sessions ON key = session
                     WHERE project = ? AND spent > 0 AND assumed = 0 AND issue > 0
                     ORDER BY ledger.id DESC LIMIT {NEWEST}"
                ))
                .tried(ACTION)?;
            let rows = statement
                .query_map([project], |row| row.get(0))
                .tried(ACTION)?;
            rows.collect::<rusqlite::Result<_>>().tried(ACTION)
        })
    }
}

/// The nearest-rank percentile, if there is enough to tell.
fn percentile(mut figures: Vec<i64>, percent: usize) -> Option<i64> {
    if figures.len() < ENOUGH {
        return None;
    }
    figures.sort_unstable();
    let rank = (figures.len() * percent).div_ceil(100);
    Some(figures[rank - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_figure_that_was_seen() {
        let check = |figures: &[i64], percent, expect| {
            assert_eq!(percentile(figures.to_vec(), percent), expect, "{figures:?}");
        };
        check(&[1, 2, 3, 4], 90, None);
        check(&[5, 4, 3, 2, 1], 90, Some(5));
        check(&[5, 4, 3, 2, 1], 50, Some(3));
        check(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 100], 90, Some(9));
    }
}
