//! What is shown on standard error while a plan is made and its issues are opened.

use crate::ports::Reporter;
use crate::reporters::out::{self, Queue, Stream};
use crate::reporters::paint::{Colour, Paint};
use crate::reporters::plan_lines;
use crate::reporters::words::{brief, fit};
use crate::rules::event::{Event, Progress, Recorded};
use crate::rules::ids::Timestamp;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Between two lines about what the planner does.
const EVERY_MILLIS: u64 = 5_000;
const PATIENCE: Duration = Duration::from_secs(5);

/// A line for each step, and one now and then for what the planner does.
pub struct PlanReporter {
    lines: Option<&'static Queue>,
    paint: Paint,
    last: Mutex<Timestamp>,
}

impl PlanReporter {
    /// Writes to standard error.
    #[must_use]
    pub fn start(colour: Colour) -> Self {
        Self {
            lines: Some(out::stderr()),
            paint: colour.paint(Stream::Err),
            last: Mutex::default(),
        }
    }

    /// Says nothing at all.
    #[must_use]
    pub fn silent() -> Self {
        Self {
            lines: None,
            paint: Colour::Never.paint(Stream::Err),
            last: Mutex::default(),
        }
    }
}

impl Reporter for PlanReporter {
    fn event(&self, recorded: &Recorded) {
        if let (Some(lines), Event::Planning { fact }) = (self.lines, &recorded.event)
            && let Some(line) = plan_lines::line(fact)
        {
            lines.line(line.shown(self.paint));
        }
    }

    fn progress(&self, progress: &Progress) {
        let Some(lines) = self.lines else {
            return;
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if progress.activity.is_empty() || progress.at.millis_since(*last) < EVERY_MILLIS {
            return;
        }
        *last = progress.at;
        let line = format!(
            "planner {} so far: {}",
            progress.cost,
            brief(&progress.activity)
        );
        lines.line(fit(&line, Stream::Err.width()));
    }

    fn finish(&self) {
        if let Some(lines) = self.lines {
            lines.flush(PATIENCE);
        }
    }
}
