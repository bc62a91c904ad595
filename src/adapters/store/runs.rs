//! What `serve` began: written down before it begins, so that a kill loses nothing and nothing is begun twice.

use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::open::{Store, now};
use crate::adapters::store::turn::execute;
use crate::rules::due::Begun;
use crate::rules::errand::Errand;
use crate::rules::ids::{ByIssue, IssueNumber, Timestamp};
use rusqlite::{Params, Row};
use std::collections::{BTreeMap, HashSet};

/// One errand, as it was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub id: i64,
    /// The project.
    pub project: String,
    /// What for.
    pub errand: Errand,
    /// When.
    pub begun: Timestamp,
    /// When it ended; nothing while it runs, and after a kill.
    pub ended: Option<Timestamp>,
    /// What it ended with; nothing where a signal ended it.
    pub exit: Option<u8>,
    /// What went wrong, in the program's words.
    pub words: Option<String>,
}

const RUN: &str = "SELECT id, project, wanted, begun, ended, exit, words FROM runs";

impl Store {
    /// Writes down that an errand begins, and as what each of its issues does.
    pub fn begin_run(
        &self,
        project: &str,
        errand: &Errand,
        meanings: Vec<(IssueNumber, String)>,
    ) -> Result<i64, StoreError> {
        let (project, errand) = (project.to_owned(), errand.clone());
        self.write(move |db| {
            let wanted = serde_json::to_string(&errand).expect("an errand is JSON");
            execute(
                db,
                "INSERT INTO runs (project, wanted, begun) VALUES (?, ?, ?)",
                (&project, wanted, now().0),
            )?;
            let run = db.last_insert_rowid();
            for (issue, meaning) in meanings {
                execute(
                    db,
                    "INSERT OR REPLACE INTO begun (project, issue, meaning, run) VALUES (?, ?, ?, ?)",
                    (&project, issue.0.cast_signed(), meaning, run),
                )?;
            }
            Ok(run)
        })
    }

    /// Writes down how it ended; these of its issues were not reached, and count as not begun.
    pub fn end_run(
        &self,
        run: i64,
        (exit, words): (Option<u8>, Option<String>),
        unreached: Vec<IssueNumber>,
    ) -> Result<(), StoreError> {
        self.write(move |db| {
            execute(
                db,
                "UPDATE runs SET ended = ?, exit = ?, words = ? WHERE id = ?",
                (now().0, exit, words, run),
            )?;
            for issue in unreached {
                execute(
                    db,
                    "DELETE FROM begun WHERE run = ? AND issue = ?",
                    (run, issue.0.cast_signed()),
                )?;
            }
            Ok(())
        })
    }

    /// Issues of a project, by the forge's name for it, that sessions since then have brought to an end; those that the
    /// money did not reach are none of them.
    pub fn reached(&self, key: &str, since: Timestamp) -> Result<HashSet<IssueNumber>, StoreError> {
        const ACTION: &str = "read what came of it";
        self.read(|db| {
            let mut statement = db
                .prepare_cached(
                    "SELECT issue FROM tasks JOIN sessions ON sessions.key = tasks.session
                     WHERE project = ? AND started >= ? AND ending IS NOT NULL AND ending <> 'budget'",
                )
                .tried(ACTION)?;
            let rows = statement
                .query_map((key, since.0), |row| {
                    let issue: i64 = row.get(0)?;
                    Ok(IssueNumber(issue.cast_unsigned()))
                })
                .tried(ACTION)?;
            rows.collect::<rusqlite::Result<_>>().tried(ACTION)
        })
    }

    /// Those that did not end: they run, or were killed.
    pub fn unfinished_runs(&self) -> Result<Vec<Run>, StoreError> {
        self.runs(&format!("{RUN} WHERE ended IS NULL ORDER BY id"), ())
    }

    /// The last ones of a project, the newest first.
    pub fn last_runs(&self, project: &str, limit: u32) -> Result<Vec<Run>, StoreError> {
        let sql = format!("{RUN} WHERE project = ? ORDER BY id DESC LIMIT ?");
        self.runs(&sql, (project, limit))
    }

    fn runs(&self, sql: &str, values: impl Params) -> Result<Vec<Run>, StoreError> {
        const ACTION: &str = "read what was begun";
        self.read(|db| {
            let mut statement = db.prepare_cached(sql).tried(ACTION)?;
            let rows = statement.query_map(values, run).tried(ACTION)?;
            let rows = rows.collect::<rusqlite::Result<Vec<_>>>().tried(ACTION)?;
            // One that a later version wrote is that version's to go on with.
            Ok(rows.into_iter().flatten().collect())
        })
    }

    /// As what each issue of a project was last begun, and when.
    pub fn begun(&self, project: &str) -> Result<ByIssue<Begun>, StoreError> {
        const ACTION: &str = "read what was begun";
        self.read(|db| {
            let mut statement = db
                .prepare_cached(
                    "SELECT issue, meaning, runs.begun FROM begun JOIN runs ON runs.id = begun.run
                     WHERE begun.project = ?",
                )
                .tried(ACTION)?;
            let rows = statement
                .query_map([project], |row| {
                    let issue: i64 = row.get(0)?;
                    let begun = Begun {
                        meaning: row.get(1)?,
                        at: Timestamp(row.get(2)?),
                    };
                    Ok((IssueNumber(issue.cast_unsigned()), begun))
                })
                .tried(ACTION)?;
            rows.collect::<rusqlite::Result<_>>().tried(ACTION)
        })
    }

    /// Projects that were added while it served, as JSON by name.
    pub fn added_projects(&self) -> Result<BTreeMap<String, String>, StoreError> {
        self.pairs("SELECT name, settings FROM projects")
    }

    /// Adds a project, or changes one that was added.
    pub fn put_project(&self, name: &str, settings: String) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |db| {
            execute(
                db,
                "INSERT INTO projects (name, settings, created) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO UPDATE SET settings = ?2",
                (name, settings, now().0),
            )
        })
    }

    /// Takes out a project that was added; `false` where there is none.
    pub fn drop_project(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.write(move |db| {
            execute(db, "DELETE FROM automation WHERE project = ?", [&name])?;
            execute(db, "DELETE FROM projects WHERE name = ?", [&name])?;
            Ok(db.changes() > 0)
        })
    }

    /// Whose automation a person switched on or off.
    pub fn automation(&self) -> Result<BTreeMap<String, bool>, StoreError> {
        self.pairs("SELECT project, is_on FROM automation")
    }

    /// Switches it.
    pub fn set_automation(&self, project: &str, is_on: bool) -> Result<(), StoreError> {
        let project = project.to_owned();
        self.write(move |db| {
            execute(
                db,
                "INSERT OR REPLACE INTO automation (project, is_on) VALUES (?, ?)",
                (project, is_on),
            )
        })
    }

    fn pairs<T: rusqlite::types::FromSql>(
        &self,
        sql: &str,
    ) -> Result<BTreeMap<String, T>, StoreError> {
        const ACTION: &str = "read the projects";
        self.read(|db| {
            let mut statement = db.prepare_cached(sql).tried(ACTION)?;
            let rows = statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
                .tried(ACTION)?;
            rows.collect::<rusqlite::Result<_>>().tried(ACTION)
        })
    }
}

fn run(row: &Row<'_>) -> rusqlite::Result<Option<Run>> {
    let wanted: String = row.get(2)?;
    let Ok(errand) = serde_json::from_str(&wanted) else {
        return Ok(None);
    };
    Ok(Some(Run {
        id: row.get(0)?,
        project: row.get(1)?,
        errand,
        begun: Timestamp(row.get(3)?),
        ended: row.get::<_, Option<i64>>(4)?.map(Timestamp),
        exit: row.get(5)?,
        words: row.get(6)?,
    }))
}
