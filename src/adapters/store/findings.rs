//! What other sources than the forge found: each once, with the issue that was opened for it.

use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::open::{Store, now};
use crate::adapters::store::turn::execute;
use crate::rules::finding::Finding;
use crate::rules::ids::{IssueNumber, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row};

/// What is gone stays known so long, in milliseconds.
const KEPT_MILLIS: i64 = 90 * 86_400_000;

/// Whose findings: the project, and what the feed is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Whose {
    /// The project, as it is called here.
    pub project: String,
    /// The feed.
    pub feed: String,
}

/// How a listing goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goes {
    /// From this place, by the next look.
    On(String),
    /// It is at its end.
    Over,
    /// It begins anew, and is not whole.
    Anew,
}

/// One that an issue is to be opened for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What was found.
    pub finding: Finding,
    /// How often it came anew.
    pub episode: u32,
    /// The issue of the time before, where it went away and came back.
    pub before: Option<IssueNumber>,
}

const UPSERT: &str = "
    INSERT INTO findings (project, feed, fingerprint, level, facts, count, found, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)
    ON CONFLICT (project, feed, fingerprint) DO UPDATE SET level = ?4, facts = ?5, count = ?6, seen = ?7,
        state = CASE state WHEN 'gone' THEN CASE WHEN issue IS NULL THEN 'waiting' ELSE 'back' END ELSE state END";

impl Store {
    /// Where the listing of this feed goes on; nothing where it begins.
    pub fn cursor(&self, whose: &Whose) -> Result<Option<String>, StoreError> {
        const ACTION: &str = "read what was found";
        self.read(|db| {
            let sql = "SELECT cursor FROM feeds WHERE project = ? AND feed = ?";
            let mut statement = db.prepare_cached(sql).tried(ACTION)?;
            let found = statement.query_row((&whose.project, &whose.feed), |row| row.get(0));
            Ok(found.optional().tried(ACTION)?.flatten())
        })
    }

    /// Keeps a part of a listing that was asked for at `at`, and how it goes on. What two whole listings in a row do not
    /// have any more is gone: one alone may have missed what moved from page to page. Tells whether anything is new.
    pub fn listed(
        &self,
        whose: &Whose,
        findings: Vec<Finding>,
        goes: Goes,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let whose = whose.clone();
        self.write(move |db| {
            execute(
                db,
                "INSERT INTO feeds (project, feed, began) VALUES (?1, ?2, ?3)
                 ON CONFLICT (project, feed) DO UPDATE SET began = coalesce(began, ?3)",
                (&whose.project, &whose.feed, at.0),
            )?;
            let is_new = keep(db, &whose, &findings, at)?;
            match goes {
                Goes::On(cursor) => execute(
                    db,
                    "UPDATE feeds SET cursor = ? WHERE project = ? AND feed = ?",
                    (cursor, &whose.project, &whose.feed),
                )?,
                Goes::Anew => execute(
                    db,
                    "UPDATE feeds SET cursor = NULL, began = NULL WHERE project = ? AND feed = ?",
                    (&whose.project, &whose.feed),
                )?,
                Goes::Over => {
                    execute(
                        db,
                        "UPDATE findings SET state = 'gone' WHERE project = ?1 AND feed = ?2 AND state <> 'gone'
                         AND seen < (SELECT before FROM feeds WHERE project = ?1 AND feed = ?2)",
                        (&whose.project, &whose.feed),
                    )?;
                    execute(
                        db,
                        "UPDATE feeds SET before = began, began = NULL, cursor = NULL WHERE project = ? AND feed = ?",
                        (&whose.project, &whose.feed),
                    )?;
                }
            }
            Ok(is_new)
        })
    }

    /// Keeps what the feed itself sent: what was found, and what is over.
    pub fn sent(
        &self,
        whose: &Whose,
        findings: Vec<Finding>,
        over: Vec<String>,
    ) -> Result<(), StoreError> {
        let whose = whose.clone();
        self.write(move |db| {
            keep(db, &whose, &findings, now())?;
            for fingerprint in over {
                execute(
                    db,
                    "UPDATE findings SET state = 'gone' WHERE project = ? AND feed = ? AND fingerprint = ?",
                    (&whose.project, &whose.feed, fingerprint),
                )?;
            }
            Ok(())
        })
    }

    /// Those that an issue is to be opened for, the worst and then the oldest first.
    pub fn findings_due(&self, whose: &Whose) -> Result<Vec<Due>, StoreError> {
        const ACTION: &str = "read what was found";
        self.read(|db| {
            let mut statement = db
                .prepare_cached(
                    "SELECT facts, episode, issue FROM findings
                     WHERE project = ? AND feed = ? AND state IN ('waiting', 'back')
                     ORDER BY level, found, fingerprint LIMIT 1000",
                )
                .tried(ACTION)?;
            let rows = statement
                .query_map((&whose.project, &whose.feed), due)
                .tried(ACTION)?;
            rows.collect::<rusqlite::Result<_>>().tried(ACTION)
        })
    }

    /// How many issues were opened for the feed since then.
    pub fn opened_since(&self, whose: &Whose, since: Timestamp) -> Result<u32, StoreError> {
        const ACTION: &str = "read what was found";
        self.read(|db| {
            let sql =
                "SELECT count(*) FROM findings WHERE project = ? AND feed = ? AND opened >= ?";
            let mut statement = db.prepare_cached(sql).tried(ACTION)?;
            let count =
                statement.query_row((&whose.project, &whose.feed, since.0), |row| row.get(0));
            count.tried(ACTION)
        })
    }

    /// An issue is about to be opened for it: from here on it is looked for first.
    pub fn intend_finding(
        &self,
        whose: &Whose,
        fingerprint: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.settle(
            whose,
            fingerprint,
            "intended = ?1, state = 'waiting'",
            Some(at.0),
        )
    }

    /// This issue stands for it.
    pub fn finding_opened(
        &self,
        whose: &Whose,
        fingerprint: &str,
        issue: IssueNumber,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.settle(whose, fingerprint, "opened = ?1", Some(at.0))?;
        let issue = issue.0.cast_signed();
        self.settle(
            whose,
            fingerprint,
            "issue = ?1, state = 'opened'",
            Some(issue),
        )
    }

    /// It is back, and its issue is still open: nothing is opened.
    pub fn finding_known(&self, whose: &Whose, fingerprint: &str) -> Result<(), StoreError> {
        self.settle(
            whose,
            fingerprint,
            "state = coalesce(?1, 'opened')",
            None::<i64>,
        )
    }

    /// It is back, and its issue was closed: it is another one from here on.
    pub fn finding_anew(&self, whose: &Whose, fingerprint: &str) -> Result<(), StoreError> {
        self.settle(
            whose,
            fingerprint,
            "state = 'waiting', episode = episode + 1, issue = ?1, intended = NULL",
            None::<i64>,
        )
    }

    /// What is gone for long is forgotten.
    pub fn forget_findings(&self) -> Result<(), StoreError> {
        self.write(|db| {
            let old = now().0 - KEPT_MILLIS;
            let sql = "DELETE FROM findings WHERE state = 'gone' AND seen < ?";
            execute(db, sql, [old])
        })
    }

    fn settle(
        &self,
        whose: &Whose,
        fingerprint: &str,
        what: &str,
        value: Option<i64>,
    ) -> Result<(), StoreError> {
        let (whose, fingerprint) = (whose.clone(), fingerprint.to_owned());
        let sql = format!(
            "UPDATE findings SET {what} WHERE project = ?2 AND feed = ?3 AND fingerprint = ?4"
        );
        self.write(move |db| execute(db, &sql, (value, whose.project, whose.feed, fingerprint)))
    }
}

fn keep(
    db: &Connection,
    whose: &Whose,
    findings: &[Finding],
    at: Timestamp,
) -> Result<bool, StoreError> {
    const ACTION: &str = "keep what was found";
    let waiting = || {
        let sql = "SELECT count(*) FROM findings WHERE project = ? AND feed = ? AND state IN ('waiting', 'back')";
        let mut statement = db.prepare_cached(sql).tried(ACTION)?;
        let count = statement.query_row((&whose.project, &whose.feed), |row| row.get::<_, i64>(0));
        count.tried(ACTION)
    };
    let before = waiting()?;
    for finding in findings {
        let facts = serde_json::to_string(finding).expect("a finding is JSON");
        execute(
            db,
            UPSERT,
            (
                &whose.project,
                &whose.feed,
                &finding.fingerprint,
                finding.level as u8,
                facts,
                finding
                    .count
                    .map(|count| count.min(i64::MAX as u64).cast_signed()),
                at.0,
            ),
        )?;
    }
    Ok(waiting()? > before)
}

fn due(row: &Row<'_>) -> rusqlite::Result<Due> {
    let facts: String = row.get(0)?;
    let finding = serde_json::from_str(&facts).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })?;
    let before: Option<i64> = row.get(2)?;
    Ok(Due {
        finding,
        episode: row.get(1)?,
        before: before.map(|issue| IssueNumber(issue.cast_unsigned())),
    })
}
