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

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Held { .. }
            | StoreError::SelectionHeld { .. }
            | StoreError::Busy { .. } => Kind::Busy,
            StoreError::DailyCeiling { .. } => Kind::Budget,
            _ => Kind::Journal,
        };
        let hint = error.hint();
        Self::from_source(kind, &error).hints(hint)
    }
}
