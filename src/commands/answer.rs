//! What a command answers, for a person and for a program; and the store that it is read from.

use crate::adapters::store::error::StoreError;
use crate::adapters::store::open::Store;
use crate::commands::output::Output;
use crate::error::Error;
use serde_json::Value;
use std::path::Path;

/// An answer in both forms.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Lines for a person, each ended; printable.
    pub text: String,
    /// One object for a program.
    pub event: Value,
}

impl Answer {
    /// Prints the form that is asked for.
    pub fn print(&self, output: &Output) -> Result<(), Error> {
        output.result(&self.text, &self.event)
    }
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
