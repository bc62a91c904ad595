//! What a command answers, for a person and for a program.

use crate::commands::output::Output;
use crate::error::Error;
use serde_json::Value;

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
