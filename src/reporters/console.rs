//! Chooses what a session shows on the standard streams.

use crate::ports::Reporter;
use crate::reporters::json::JsonReporter;
use crate::reporters::next::Calling;
use crate::reporters::out::{self, Stream};
use crate::reporters::paint::Colour;
use crate::reporters::plain::{End, PlainReporter};
use crate::reporters::terminal::TerminalReporter;
use std::sync::Arc;

/// For whom standard output is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people: progress on standard error, a table at the end on standard output.
    #[default]
    Text,
    /// For programs: one event a line on standard output.
    Json,
}

/// May lines on the screen be drawn over?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Live {
    /// Where standard error is a terminal that can.
    #[default]
    Auto,
    /// No: one line after the other.
    Headless,
}

/// What a session shows; give it every event, and call `finish` at the end.
#[must_use]
pub fn console(format: Format, live: Live, colour: Colour, calling: Calling) -> Arc<dyn Reporter> {
    let paint = colour.paint(Stream::Err);
    match format {
        Format::Json => Arc::new(JsonReporter::stdout()),
        Format::Text => {
            let end = End::stdout(colour, calling);
            if live == Live::Auto && Stream::Err.can_redraw() {
                Arc::new(TerminalReporter::start(out::stderr(), paint, end))
            } else {
                Arc::new(PlainReporter::new(out::stderr(), paint, end))
            }
        }
    }
}
