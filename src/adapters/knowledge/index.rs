//! What is known of a repository: its files, what past work touched, and which names its files hold.

use crate::adapters::knowledge::past::without_trailers;
use crate::adapters::knowledge::schema;
use crate::rules::evaluate::resolves::resolved_by;
use crate::rules::footprint::past::{PastChange, PastCommit};
use crate::rules::footprint::path_words::PathWords;
use crate::rules::footprint::tree::Tree;
use crate::rules::footprint::words::terms;
use crate::rules::footprint::{friction, names};
use crate::rules::ids::CommitId;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::path::Path;

/// After so many commits a change counts half.
pub(super) const HALF_LIFE: f64 = 200.0;

/// The index of one repository.
pub(super) struct Index {
    pub(super) db: Connection,
    pub(super) tree: Tree,
    pub(super) words: PathWords,
    /// How many commits that are no merges were learned.
    pub(super) turn: i64,
}

/// What opening or using the index failed with.
pub(super) type Outcome<T> = rusqlite::Result<T>;

impl Index {
    /// Opens the index for writing; an empty one where there is none that can be used.
    pub(super) fn open(path: &Path) -> Outcome<Self> {
        Self::load(schema::open(path)?)
    }

    /// Opens it for looking only.
    pub(super) fn open_to_look(path: &Path) -> Outcome<Self> {
        Self::load(schema::open_to_look(path)?)
    }

    /// An empty one in memory.
    pub(super) fn in_memory() -> Outcome<Self> {
        Self::load(schema::in_memory()?)
    }

    fn load(db: Connection) -> Outcome<Self> {
        let mut index = Self {
            db,
            tree: Tree::default(),
            words: PathWords::default(),
            turn: 0,
        };
        index.reload()?;
        Ok(index)
    }

    /// Reads files and counts anew from the tables.
    pub(super) fn reload(&mut self) -> Outcome<()> {
        (self.tree, self.words) = (Tree::default(), PathWords::default());
        self.turn = self
            .db
            .query_row("SELECT coalesce(max(turn), 0) FROM works", [], |row| {
                row.get(0)
            })?;
        let paths: Vec<String> = {
            let mut statement = self.db.prepare("SELECT path FROM files WHERE present")?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect::<Outcome<_>>()?
        };
        for path in paths {
            self.tree.insert(&path);
            self.words.insert(&path);
        }
        Ok(())
    }

    /// The commit that it stands at.
    pub(super) fn head(&self) -> Outcome<Option<CommitId>> {
        let head: Option<String> = self.about("head")?;
        Ok(head.map(CommitId::new))
    }

    /// A note about the whole.
    pub(super) fn about(&self, key: &str) -> Outcome<Option<String>> {
        self.db
            .prepare_cached("SELECT value FROM about WHERE key = ?")?
            .query_row([key], |row| row.get(0))
            .optional()
    }

    /// Writes a note about the whole.
    pub(super) fn note(&self, key: &str, value: &str) -> Outcome<()> {
        let mut statement = self
            .db
            .prepare_cached("INSERT OR REPLACE INTO about VALUES (?, ?)")?;
        statement.execute([key, value]).map(drop)
    }

    /// Forgets everything.
    pub(super) fn forget(&mut self) -> Outcome<()> {
        self.db.execute_batch(
            "DELETE FROM about; DELETE FROM files; DELETE FROM works; DELETE FROM touches; DELETE FROM contents; DELETE FROM meetings;
             INSERT INTO messages (messages) VALUES ('delete-all');
             INSERT INTO names (names) VALUES ('delete-all');",
        )?;
        self.reload()
    }

    /// Learns a commit: what its words are, what it touched, which files there are now.
    pub(super) fn learn(&mut self, commit: &PastCommit) -> Outcome<()> {
        let mut touched = Vec::with_capacity(commit.changes.len());
        for change in &commit.changes {
            touched.push(self.change(change)?);
        }
        if !commit.is_merge {
            self.turn += 1;
        }
        if !commit.is_work() {
            return Ok(());
        }
        touched.sort_unstable();
        touched.dedup();
        let resolved = resolved_by(&commit.message);
        self.db
            .prepare_cached(
                "INSERT INTO works (turn, is_merge, size, issue, title) VALUES (?, ?, ?, ?, ?)",
            )?
            .execute(params![
                self.turn,
                commit.is_merge,
                limit(touched.len()),
                resolved.as_ref().map(|work| work.issue.0.cast_signed()),
                resolved.as_ref().map(|work| work.title.as_str()),
            ])?;
        let work = self.db.last_insert_rowid();
        for file in &touched {
            self.db
                .prepare_cached("INSERT OR IGNORE INTO touches VALUES (?, ?)")?
                .execute([file, &work])?;
            if !commit.is_merge {
                self.heat(*file)?;
            }
        }
        self.db
            .prepare_cached("INSERT INTO messages (rowid, terms) VALUES (?, ?)")?
            .execute(params![
                work,
                terms(&without_trailers(&commit.message)).join(" ")
            ])?;
        Ok(())
    }

    fn change(&mut self, change: &PastChange) -> Outcome<i64> {
        match change {
            PastChange::Added { path, blob } | PastChange::Changed { path, blob } => {
                self.put(path, blob)
            }
            PastChange::Moved { from, to, blob } => {
                self.move_file(from, to)?;
                self.put(to, blob)
            }
            PastChange::Removed { path } => {
                let id = self.id(path)?;
                self.remove(path)?;
                Ok(id)
            }
        }
    }

    /// The file is there, and holds this.
    fn put(&mut self, path: &str, blob: &str) -> Outcome<i64> {
        if !self.tree.contains(path) {
            self.tree.insert(path);
            self.words.insert(path);
        }
        let id = self.id(path)?;
        self.db
            .prepare_cached("UPDATE files SET present = 1, blob = ?1 WHERE id = ?2 AND (blob IS NOT ?1 OR NOT present)")?
            .execute(params![blob, id])?;
        Ok(id)
    }

    /// Its past moves with it. Whatever had that place before has none any more.
    fn move_file(&mut self, from: &str, to: &str) -> Outcome<()> {
        if from == to || !self.tree.contains(from) {
            return Ok(());
        }
        self.remove(to)?;
        self.forget_path(from);
        self.db
            .prepare_cached("UPDATE files SET path = NULL WHERE path = ?")?
            .execute([to])?;
        self.db
            .prepare_cached("UPDATE files SET path = ? WHERE path = ?")?
            .execute([to, from])?;
        self.tree.insert(to);
        self.words.insert(to);
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &str) -> Outcome<()> {
        if !self.tree.contains(path) {
            return Ok(());
        }
        self.forget_path(path);
        let id = self.id(path)?;
        self.db
            .prepare_cached("UPDATE files SET present = 0, blob = NULL WHERE id = ?")?
            .execute([id])?;
        self.db
            .prepare_cached("DELETE FROM names WHERE rowid = ?")?
            .execute([id])?;
        Ok(())
    }

    fn forget_path(&mut self, path: &str) {
        if self.tree.contains(path) {
            self.tree.remove(path);
            self.words.remove(path);
        }
    }

    /// The number of the file at this path; a new one where there is none.
    fn id(&self, path: &str) -> Outcome<i64> {
        let known = self
            .db
            .prepare_cached("SELECT id FROM files WHERE path = ?")?
            .query_row([path], |row| row.get(0))
            .optional()?;
        if let Some(id) = known {
            return Ok(id);
        }
        self.db
            .prepare_cached("INSERT INTO files (path, present) VALUES (?, 0)")?
            .execute([path])?;
        Ok(self.db.last_insert_rowid())
    }

    /// One more change of the file, now.
    fn heat(&self, file: i64) -> Outcome<()> {
        let before: Option<f64> = self
            .db
            .prepare_cached("SELECT heat FROM files WHERE id = ?")?
            .query_row([file], |row| row.get(0))?;
        let now = turns(self.turn) / HALF_LIFE;
        let changes = before.map_or(0.0, |heat| (heat - now).exp2()) + 1.0;
        self.db
            .prepare_cached("UPDATE files SET heat = ?, changes = changes + 1 WHERE id = ?")?
            .execute(params![changes.log2() + now, file])?;
        Ok(())
    }

    /// Learns which names the file at this path holds.
    pub(super) fn learn_names(&self, path: &str, content: &[u8]) -> Outcome<()> {
        let id = self.id(path)?;
        self.db
            .prepare_cached("DELETE FROM names WHERE rowid = ?")?
            .execute([id])?;
        // Whoever is written by tools or holds a list of everything says nothing by its names.
        if friction(path) < 1.0 {
            return Ok(());
        }
        let names = names::names_in_file(content);
        if names.defined.is_empty() && names.used.is_empty() {
            return Ok(());
        }
        self.db
            .prepare_cached("INSERT INTO names (rowid, defined, used) VALUES (?, ?, ?)")?
            .execute(params![id, names.defined, names.used])?;
        Ok(())
    }

    /// Learns how it went that both sides of a merge had changed this file.
    pub(super) fn learn_meeting(&self, path: &str, conflicted: bool) -> Outcome<()> {
        self.db
            .prepare_cached(
                "INSERT INTO meetings SELECT id, 1, ?1 FROM files WHERE path = ?2
                 ON CONFLICT DO UPDATE SET both = both + 1, conflicts = conflicts + ?1",
            )?
            .execute(params![conflicted, path])
            .map(drop)
    }

    /// Makes the files those of this list, of paths and blobs, and returns the places in it whose content is new.
    pub(super) fn settle(&mut self, files: &[(String, String)]) -> Outcome<Vec<usize>> {
        let wanted: std::collections::HashSet<&str> =
            files.iter().map(|(path, _)| path.as_str()).collect();
        let gone: Vec<String> = self
            .tree
            .paths()
            .filter(|path| !wanted.contains(&***path))
            .map(ToString::to_string)
            .collect();
        for path in gone {
            self.remove(&path)?;
        }
        let mut unread = Vec::new();
        for (place, (path, blob)) in files.iter().enumerate() {
            let id = self.put(path, blob)?;
            let read: Option<String> = self.read_blob(id)?;
            if read.as_deref() != Some(blob) {
                unread.push(place);
            }
        }
        Ok(unread)
    }

    fn read_blob(&self, file: i64) -> Outcome<Option<String>> {
        self.db
            .prepare_cached("SELECT blob FROM contents WHERE file = ?")?
            .query_row([file], |row| row.get(0))
            .optional()
    }

    /// The names of the file's content of this name were read.
    pub(super) fn note_read(&self, path: &str, blob: &str) -> Outcome<()> {
        self.db
            .prepare_cached(
                "INSERT OR REPLACE INTO contents SELECT id, ? FROM files WHERE path = ?",
            )?
            .execute([blob, path])
            .map(drop)
    }
}

/// A count as a number to reckon with.
pub(super) fn turns(count: i64) -> f64 {
    i32::try_from(count).map_or(f64::from(i32::MAX), f64::from)
}

/// A count as SQLite takes it.
pub(super) fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count as SQLite gives it.
pub(super) fn counted(row: &rusqlite::Row<'_>, column: usize) -> Outcome<usize> {
    let count: i64 = row.get(column)?;
    Ok(usize::try_from(count).unwrap_or(0))
}
