//! The tables of the index. It can be built anew from the repository at any time, so an older or broken one is not
//! mended but replaced.

use rusqlite::Connection;
use std::path::Path;
use std::time::Duration;

/// Counted up whenever the tables, or what is written into them, change.
const FORMAT: u32 = 2;
/// How long one process waits for another to bring the index up to date.
const BUSY: Duration = Duration::from_secs(120);

const TABLES: &str = "
    CREATE TABLE about (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
    -- Every file there ever was; of one that is gone `present` is 0, and of one whose place another took the path is null.
    -- `heat`: log2 of its changes, each half as much after so many commits, moved on to the first commit of all.
    CREATE TABLE files (
        id INTEGER PRIMARY KEY, path TEXT UNIQUE, blob TEXT, present INTEGER NOT NULL, heat REAL,
        changes INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX hot ON files (heat) WHERE present;
    -- How often both sides of a merge had changed a file, and how often that conflicted.
    CREATE TABLE meetings (file INTEGER PRIMARY KEY, both INTEGER NOT NULL, conflicts INTEGER NOT NULL);
    -- Of which content the names of a file were read.
    CREATE TABLE contents (file INTEGER PRIMARY KEY, blob TEXT NOT NULL);
    -- Commits that touched few enough files; `turn` counts those that are no merges.
    -- `issue`: the issue or pull that one names as resolved; `title`: then what it says of that.
    CREATE TABLE works (
        id INTEGER PRIMARY KEY, turn INTEGER NOT NULL, is_merge INTEGER NOT NULL, size INTEGER NOT NULL, issue INTEGER,
        title TEXT);
    CREATE TABLE touches (file INTEGER NOT NULL, work INTEGER NOT NULL, PRIMARY KEY (file, work)) WITHOUT ROWID;
    CREATE INDEX touched ON touches (work, file);
    CREATE VIRTUAL TABLE messages USING fts5 (terms, content = '');
    CREATE VIRTUAL TABLE message_terms USING fts5vocab ('messages', 'row');
    CREATE VIRTUAL TABLE names USING fts5 (
        defined, used, content = '', contentless_delete = 1, detail = 'column', tokenize = \"unicode61 tokenchars '_$'\");
";

/// Opens the index for writing; makes it, or makes it anew where it is of another format or damaged.
pub(super) fn open(path: &Path) -> rusqlite::Result<Connection> {
    match try_open(path) {
        Ok(db) => Ok(db),
        Err(error) if is_broken(&error) => {
            for ending in ["", "-wal", "-shm"] {
                let mut name = path.as_os_str().to_owned();
                name.push(ending);
                // What cannot be removed is met again when it is opened.
                let _ = std::fs::remove_file(name);
            }
            try_open(path)
        }
        Err(error) => Err(error),
    }
}

/// Opens it for looking only; an error where there is none that this program understands.
pub(super) fn open_to_look(path: &Path) -> rusqlite::Result<Connection> {
    let flags =
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    if format(&db)? == FORMAT {
        return Ok(db);
    }
    Err(rusqlite::Error::QueryReturnedNoRows)
}

/// One in memory, for replays.
pub(super) fn in_memory() -> rusqlite::Result<Connection> {
    let db = Connection::open_in_memory()?;
    make(&db)?;
    Ok(db)
}

fn try_open(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(path)?;
    db.busy_timeout(BUSY)?;
    db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "NORMAL")?;
    // In KiB: what is in hand beside the file.
    db.pragma_update(None, "cache_size", -16_000)?;
    match format(&db)? {
        FORMAT => Ok(db),
        0 => {
            db.execute_batch("BEGIN IMMEDIATE")?;
            if format(&db)? == 0 {
                make(&db)?;
            }
            db.execute_batch("COMMIT")?;
            Ok(db)
        }
        _ => Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB),
            None,
        )),
    }
}

fn make(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(TABLES)?;
    db.pragma_update(None, "user_version", FORMAT)
}

fn format(db: &Connection) -> rusqlite::Result<u32> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn is_broken(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(
        error.sqlite_error_code(),
        Some(DatabaseCorrupt | NotADatabase)
    )
}
