//! What was learned in a project, kept for later sessions.

use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::journal::key;
use crate::adapters::store::open::{Store, now};
use crate::adapters::store::turn::execute;
use crate::rules::classify::Domain;
use crate::rules::ids::{IssueNumber, SessionId};
use crate::rules::lesson::{Lesson, LessonSource};
use rusqlite::Row;

/// A lesson with the number that people call it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownLesson {
    /// The number.
    pub id: u64,
    /// The lesson.
    pub lesson: Lesson,
}

impl Store {
    /// Keeps what a session taught; told again, it is known already. What a person dropped stays dropped.
    pub fn learn(
        &self,
        project: &str,
        session: &SessionId,
        lessons: &[(IssueNumber, Lesson)],
    ) -> Result<(), StoreError> {
        if lessons.is_empty() {
            return Ok(());
        }
        let (project, session, lessons) = (project.to_owned(), session.clone(), lessons.to_vec());
        self.write(move |db| {
            let session = key(db, &session)?;
            for (issue, lesson) in &lessons {
                let domain = lesson.domain.word();
                let paths = serde_json::to_string(&lesson.paths).expect("a list of texts is JSON");
                execute(
                    db,
                    "INSERT OR IGNORE INTO lessons (project, origin, domain, text, source, paths, created)
                     VALUES (?1, ?2, ?3, ?2, ?4, ?5, ?6)",
                    (&project, &lesson.text, domain, lesson.source.word(), paths, now().0),
                )?;
                execute(
                    db,
                    "INSERT OR IGNORE INTO taught (lesson, session, issue)
                     SELECT id, ?, ? FROM lessons WHERE project = ? AND origin = ? AND domain = ?",
                    (session.row, issue.0.cast_signed(), &project, &lesson.text, domain),
                )?;
            }
            Ok(())
        })
    }

    /// The lessons of a project, the newest first.
    pub fn lessons(&self, project: &str) -> Result<Vec<KnownLesson>, StoreError> {
        const ACTION: &str = "read the lessons";
        self.read(|db| {
            let mut statement = db
                .prepare_cached(
                    "SELECT id, text, source, domain, paths,
                        (SELECT count(*) FROM taught WHERE lesson = lessons.id)
                     FROM lessons WHERE project = ? AND dropped = 0 ORDER BY id DESC",
                )
                .tried(ACTION)?;
            let rows = statement.query_map([project], known).tried(ACTION)?;
            rows.collect::<rusqlite::Result<_>>().tried(ACTION)
        })
    }

    /// Gives a lesson other words; `false` where there is none of this number.
    pub fn edit_lesson(&self, project: &str, id: u64, text: &str) -> Result<bool, StoreError> {
        self.change_lesson(project, id, "text = ?3", text)
    }

    /// Drops a lesson for good; `false` where there is none of this number.
    pub fn drop_lesson(&self, project: &str, id: u64) -> Result<bool, StoreError> {
        self.change_lesson(project, id, "dropped = (?3 IS NOT NULL)", "")
    }

    fn change_lesson(
        &self,
        project: &str,
        id: u64,
        change: &'static str,
        text: &str,
    ) -> Result<bool, StoreError> {
        if !self.lessons(project)?.iter().any(|known| known.id == id) {
            return Ok(false);
        }
        let (project, text) = (project.to_owned(), text.to_owned());
        self.write(move |db| {
            let change = format!("UPDATE lessons SET {change} WHERE id = ?1 AND project = ?2");
            execute(db, &change, (id.cast_signed(), project, text))
        })?;
        Ok(true)
    }
}

fn known(row: &Row<'_>) -> rusqlite::Result<KnownLesson> {
    let word: String = row.get(3)?;
    let domain = Domain::ALL.into_iter().find(|each| each.word() == word);
    let source: String = row.get(2)?;
    let review = source == LessonSource::Review.word();
    let paths: String = row.get(4)?;
    Ok(KnownLesson {
        id: row.get::<_, i64>(0)?.cast_unsigned(),
        lesson: Lesson {
            text: row.get(1)?,
            source: if review {
                LessonSource::Review
            } else {
                LessonSource::Overcome
            },
            domain: domain.unwrap_or_default(),
            paths: serde_json::from_str(&paths).unwrap_or_default(),
            times: row.get(5)?,
        },
    })
}
