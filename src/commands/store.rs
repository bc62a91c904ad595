//! Opens the store for a command, and says what a person can do where that fails.

use crate::adapters::store::crash::CrashPoint;
use crate::adapters::store::error::StoreError;
use crate::adapters::store::open::Store;
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
