//! The database file: how it is opened, checked and brought up to date.

use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::presence::Company;
use crate::adapters::store::schema::{KNOWN, MIGRATIONS};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long one process waits for another's transaction.
const BUSY: Duration = Duration::from_secs(10);
/// What the write-ahead log shrinks to, in bytes.
const LOG_LIMIT: i64 = 8 << 20;

/// The database of a state directory.
pub(super) fn path(state: &Path) -> PathBuf {
    state.join("autoissue.db")
}

/// Opens the database for writing, and brings it up to date. A newer one is left untouched.
pub(super) fn open_for_writing(state: &Path, company: Company) -> Result<Connection, StoreError> {
    let path = path(state);
    let mut db = Connection::open_with_flags(
        &path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .tried("open the database")?;
    db.busy_timeout(BUSY).tried("open the database")?;
    // Until its format is known, not even a leftover log is moved into the file.
    let leave_log = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    db.set_db_config(leave_log, true)
        .tried("open the database")?;
    let crashed = company == Company::Alone && has_log(&path);
    version(&db, &path)?;
    set_up(&db).map_err(|error| damage(&path, error))?;
    if crashed {
        check(&db, &path)?;
    }
    bring_up_to_date(&mut db, &path)?;
    db.set_db_config(leave_log, false)
        .tried("open the database")?;
    Ok(db)
}

/// Opens it once more, for rows that may be lost: no write waits for the disk.
pub(super) fn open_for_notes(state: &Path) -> Result<Connection, StoreError> {
    let db = Connection::open_with_flags(
        path(state),
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .tried("open the database")?;
    // What cannot be written at once is left for the next time.
    db.busy_timeout(Duration::ZERO)
        .and_then(|()| db.pragma_update(None, "synchronous", "NORMAL"))
        .tried("open the database")?;
    Ok(db)
}

/// Opens the database for reading only; works in a directory that takes no changes, too.
pub(super) fn open_for_reading(state: &Path) -> Result<Connection, StoreError> {
    let path = path(state);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(&path, flags).tried("open the database")?;
    db.busy_timeout(BUSY).tried("open the database")?;
    let (db, found) = match version(&db, &path) {
        // The log's index cannot be made in a read-only directory or on a full disk; without a log nobody needs one.
        Err(StoreError::Sql { .. } | StoreError::ReadOnly { .. } | StoreError::Full { .. })
            if !has_log(&path) =>
        {
            let flags = flags | OpenFlags::SQLITE_OPEN_URI;
            let db =
                Connection::open_with_flags(immutable(&path), flags).tried("open the database")?;
            let found = version(&db, &path)?;
            (db, found)
        }
        found => (db, found?),
    };
    if found < KNOWN {
        return Err(StoreError::Older { path, found });
    }
    Ok(db)
}

/// Its format, if this program knows it.
pub(super) fn refuse_newer(found: u32, path: &Path) -> Result<u32, StoreError> {
    if found <= KNOWN {
        return Ok(found);
    }
    Err(StoreError::Newer {
        path: path.into(),
        found,
        known: KNOWN,
    })
}

fn version(db: &Connection, path: &Path) -> Result<u32, StoreError> {
    let found = db
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .tried("read the database's format")
        .map_err(|error| damage(path, error))?;
    refuse_newer(found, path)
}

fn set_up(db: &Connection) -> Result<(), StoreError> {
    let set = || -> rusqlite::Result<String> {
        // Only a database without tables takes this, and only before the log is chosen.
        db.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "fullfsync", true)?;
        db.pragma_update(None, "foreign_keys", true)?;
        db.pragma_update_and_check(None, "journal_size_limit", LOG_LIMIT, |_| Ok(()))?;
        db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
    };
    let mode = set().tried("set the database up")?;
    if mode == "wal" {
        return Ok(());
    }
    Err(StoreError::Io {
        action: "set the database up".into(),
        cause: std::io::Error::other("this file system does not take a write-ahead log"),
    })
}

fn check(db: &Connection, path: &Path) -> Result<(), StoreError> {
    let answer: String = db
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .tried("check the database")
        .map_err(|error| damage(path, error))?;
    if answer == "ok" {
        return Ok(());
    }
    Err(StoreError::Damaged {
        path: path.into(),
        detail: answer,
    })
}

fn bring_up_to_date(db: &mut Connection, path: &Path) -> Result<(), StoreError> {
    MIGRATIONS.to_latest(db).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => damage(
            path,
            StoreError::Sql {
                action: "bring the database up to date",
                cause: err,
            },
        ),
        other => StoreError::Damaged {
            path: path.into(),
            detail: other.to_string(),
        },
    })
}

fn damage(path: &Path, error: StoreError) -> StoreError {
    if error.is_full() {
        return StoreError::Full { path: path.into() };
    }
    let StoreError::Sql { cause, .. } = &error else {
        return error;
    };
    match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged {
            path: path.into(),
            detail: cause.to_string(),
        },
        Some(ErrorCode::ReadOnly) => StoreError::ReadOnly { path: path.into() },
        _ => error,
    }
}

/// Is there a log with something in it: a process has the database open, or did not close it?
pub(super) fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// A URI that promises SQLite that nobody writes.
fn immutable(path: &Path) -> String {
    use std::fmt::Write;
    use std::os::unix::ffi::OsStrExt;
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                uri.push(char::from(*byte));
            }
            other => {
                write!(uri, "%{other:02X}").expect("a string takes text");
            }
        }
    }
    uri + "?immutable=1"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_anything_in_it_becomes_a_uri() {
        assert_eq!(
            immutable(Path::new("/a b/%?#.db")),
            "file:/a%20b/%25%3F%23.db?immutable=1"
        );
    }
}
