//! One line for each event that matters, for pipes, logs of CI and `--headless`.

use crate::ports::Reporter;
use crate::reporters::end::end_report;
use crate::reporters::lines::line;
use crate::reporters::out::{Plain, Queue, Stream};
use crate::reporters::paint::{Colour, Paint};
use crate::rules::event::{Progress, Recorded};
use crate::rules::tally::Tally;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A reader who takes nothing for so long at the end is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Says on one stream what happens, and on the other what came of it.
pub struct PlainReporter {
    tally: Mutex<Tally>,
    lines: &'static Queue,
    end: End,
    paint: Paint,
}

/// Where the end of a session is written, and how.
pub struct End {
    queue: Queue,
    width: usize,
    colour: Colour,
}

impl End {
    /// On standard output.
    #[must_use]
    pub fn stdout(colour: Colour) -> Self {
        Self::new(std::io::stdout(), Stream::Out.width(), colour)
    }

    /// On this.
    pub fn new(writer: impl Write + Send + 'static, width: usize, colour: Colour) -> Self {
        Self {
            queue: Queue::start(Box::new(Plain(writer))),
            width,
            colour,
        }
    }

    /// Writes the last words, unless nothing ever began.
    pub fn write(&self, tally: &Tally) {
        if tally.session.is_some() {
            self.queue.last(end_report(tally, self.width, self.colour));
            self.queue.flush(PATIENCE);
        }
    }
}

impl PlainReporter {
    /// Lines go to this queue, the end to that.
    #[must_use]
    pub fn new(lines: &'static Queue, paint: Paint, end: End) -> Self {
        Self {
            tally: Mutex::default(),
            lines,
            end,
            paint,
        }
    }
}

impl Reporter for PlainReporter {
    fn event(&self, recorded: &Recorded) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.apply(recorded);
        if let Some(line) = line(&tally, recorded) {
            self.lines.line(line.shown(self.paint));
        }
    }

    fn progress(&self, _: &Progress) {}

    fn finish(&self) {
        self.lines.flush(PATIENCE);
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        self.end.write(&tally);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::script;
    use std::io::{self, Read};

    fn leaked(writer: impl Write + Send + 'static) -> &'static Queue {
        Box::leak(Box::new(Queue::start(Box::new(Plain(writer)))))
    }

    #[test]
    fn lines_and_the_end_go_different_ways() {
        let (_unread, lines) = io::pipe().unwrap();
        let (mut table, end) = io::pipe().unwrap();
        let end = End::new(end, 80, Colour::Never);
        let reporter = PlainReporter::new(leaked(lines), Paint::NONE, end);
        for recorded in &script::every_ending().events {
            reporter.event(recorded);
        }
        reporter.finish();
        drop(reporter);
        let mut text = String::new();
        table.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("issue "), "{text}");
        assert!(!text.contains("admitted"), "{text}");
    }

    #[test]
    fn nobody_reading_is_no_trouble() {
        let (lines_gone, lines) = io::pipe().unwrap();
        let (end_gone, end) = io::pipe().unwrap();
        drop((lines_gone, end_gone));
        let end = End::new(end, 80, Colour::Never);
        let reporter = PlainReporter::new(leaked(lines), Paint::NONE, end);
        for recorded in &script::every_ending().events {
            reporter.event(recorded);
        }
        reporter.finish();
    }
}
