//! Opens the store for a command, and says what a person can do where that fails.

use crate::adapters::store::crash::CrashPoint;
use crate::adapters::store::error::StoreError;
use crate::adapters::store::open::Store;
use crate::adapters::store::sessions::SessionRow;
use crate::commands::place::variable;
use crate::error::{Error, Kind};
use std::path::Path;

/// The store of this state directory, made where it is missing.
pub fn open(state: &Path) -> Result<Store, Error> {
    let point = match variable("AUTOISSUE_CRASH_AT") {
        None => None,
        Some(text) => {
            let refuse = |error| Error::new(Kind::Usage, "use AUTOISSUE_CRASH_AT").because(&error);
            Some(text.parse::<CrashPoint>().map_err(refuse)?)
        }
    };
    Ok(Store::open(state)?.with_crash_point(point))
}

/// The store, for looking only; `None` where nothing was ever stored.
pub fn look(state: &Path) -> Result<Option<Store>, StoreError> {
    match Store::open_read_only(state) {
        Err(StoreError::Absent { .. }) => Ok(None),
        // Opening it for writing brings it up to date.
        Err(StoreError::Older { .. }) => Store::open(state).map(Some),
        store => store.map(Some),
    }
}

/// The one session of this name, or whose name begins like this.
pub fn find(store: &Store, name: &str) -> Result<SessionRow, Error> {
    let wanted = name.to_ascii_uppercase();
    let mut rows = store.sessions(usize::MAX)?;
    rows.retain(|row| row.id.as_str().starts_with(&wanted));
    let refuse = |cause: &str, hint: &str| {
        Err(Error::new(Kind::Usage, format!("find session {name}"))
            .cause(cause)
            .hints([hint]))
    };
    match rows.len() {
        0 => refuse(
            "there is none of that name",
            "`autoissue status` lists the sessions",
        ),
        1 => Ok(rows.remove(0)),
        _ => refuse(
            "several begin like that",
            "give more of its name; `autoissue status` lists the sessions",
        ),
    }
}
