//! Live lines on a terminal: one per running task, a total, what waits for what; ended tasks scroll up and stay.

use crate::ports::Reporter;
use crate::reporters::bars::{Doing, View};
use crate::reporters::line::Weight;
use crate::reporters::lines::line;
use crate::reporters::live::{BAR, Frame, Live, Scene};
use crate::reporters::out::{Queue, plain_stderr};
use crate::reporters::paint::Paint;
use crate::reporters::plain::End;
use crate::rules::event::{Progress, Recorded};
use crate::rules::ids::Timestamp;
use crate::rules::tally::{Standing, Tally};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A terminal that takes nothing for so long (somebody pressed Ctrl-S) is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// A narrower screen gets no bar.
const WIDE_ENOUGH: usize = 60;

/// Shows a session live on standard error, and its end where results go.
pub struct TerminalReporter {
    screen: Arc<Mutex<Screen>>,
    lines: &'static Queue,
    paint: Paint,
    end: End,
}

/// What is known, and when it was heard.
struct Screen {
    tally: Tally,
    doing: Doing,
    at: Timestamp,
    heard: Instant,
}

impl TerminalReporter {
    /// Takes the queue's stream over until `finish`: lines of others scroll up above the live ones.
    #[must_use]
    pub fn start(lines: &'static Queue, paint: Paint, end: End) -> Self {
        let screen = Arc::new(Mutex::new(Screen {
            tally: Tally::default(),
            doing: Doing::new(),
            at: Timestamp::default(),
            heard: Instant::now(),
        }));
        let scene = Drawn {
            screen: Arc::clone(&screen),
            paint,
        };
        lines.hand_over(Box::new(Live::new(Arc::new(scene))));
        Self {
            screen,
            lines,
            paint,
            end,
        }
    }

    fn screen(&self) -> MutexGuard<'_, Screen> {
        locked(&self.screen)
    }
}

impl Reporter for TerminalReporter {
    fn event(&self, recorded: &Recorded) {
        let mut screen = self.screen();
        screen.tally.apply(recorded);
        screen.hear(recorded.at);
        screen.forget_the_idle();
        let news = line(&screen.tally, recorded).filter(|line| line.weight == Weight::News);
        if let Some(news) = news {
            self.lines.line(news.shown(self.paint));
        }
    }

    fn progress(&self, progress: &Progress) {
        let mut screen = self.screen();
        screen.hear(progress.at);
        if screen.runs(progress) {
            screen.doing.insert(progress.issue, progress.clone());
        }
    }

    fn finish(&self) {
        self.lines.hand_over(plain_stderr());
        self.lines.line(String::new());
        self.lines.flush(PATIENCE);
        self.end.write(&self.screen().tally);
    }
}

impl Screen {
    fn hear(&mut self, at: Timestamp) {
        self.at = self.at.max(at);
        self.heard = Instant::now();
    }

    /// The session's time, moved on by our own clock since it was last heard.
    fn now(&self) -> Timestamp {
        let passed = u64::try_from(self.heard.elapsed().as_millis());
        self.at.plus_millis(passed.unwrap_or(u64::MAX))
    }

    fn runs(&self, progress: &Progress) -> bool {
        let task = self.tally.tasks.get(&progress.issue);
        task.is_some_and(|task| {
            matches!(task.standing, Standing::Running { attempt, .. } if attempt == progress.attempt)
        })
    }

    /// The bill of an attempt that is over is in the tally; what it last did is of no interest any more.
    fn forget_the_idle(&mut self) {
        let tasks = &self.tally.tasks;
        self.doing.retain(|issue, _| {
            let task = tasks.get(issue);
            task.is_some_and(|task| matches!(task.standing, Standing::Running { .. }))
        });
    }
}

/// The screen as it is drawn.
struct Drawn {
    screen: Arc<Mutex<Screen>>,
    paint: Paint,
}

impl Scene for Drawn {
    fn frame(&self, width: usize) -> Option<Frame> {
        let screen = locked(&self.screen);
        screen.tally.session.as_ref()?;
        let counts = screen.tally.counts;
        let view = View {
            tally: &screen.tally,
            doing: &screen.doing,
            now: screen.now(),
            width,
            paint: self.paint,
        };
        let count = format!(" {}/{}  ", counts.ended(), counts.all());
        // Of nothing a bar would be full.
        let beside = if width < WIDE_ENOUGH || counts.all() == 0 {
            0
        } else {
            BAR + count.len()
        };
        let mut lines = vec![view.total(width - beside)];
        lines.extend(view.slots());
        lines.extend(view.waits());
        Some(Frame {
            done: (beside > 0).then(|| (counts.ended(), counts.all())),
            lines,
        })
    }
}

fn locked(screen: &Mutex<Screen>) -> MutexGuard<'_, Screen> {
    screen.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporters::out::Plain;
    use crate::reporters::paint::Colour;
    use crate::rules::ids::{AttemptNumber, IssueNumber};
    use crate::rules::money::Usd;
    use crate::rules::script::{self, Script};
    use std::io::{self, Read};

    fn started() -> (TerminalReporter, io::PipeReader) {
        let lines = Box::leak(Box::new(Queue::start(Box::new(Plain(io::sink())))));
        let (reader, writer) = io::pipe().unwrap();
        let end = End::new(writer, || 80, Colour::Never);
        (TerminalReporter::start(lines, Paint::NONE, end), reader)
    }

    fn progress(issue: u64, attempt: u32) -> Progress {
        Progress {
            issue: IssueNumber(issue),
            attempt: AttemptNumber(attempt),
            at: Timestamp(0),
            activity: "Edit".to_owned(),
            pid: None,
            messages: 1,
            cost: Usd::from_micros(10),
            tokens: 1,
        }
    }

    #[test]
    fn the_end_is_written_after_the_live_lines() {
        let (reporter, mut reader) = started();
        for recorded in &script::every_ending().events {
            reporter.event(recorded);
        }
        reporter.finish();
        drop(reporter);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("issue "), "{text}");
    }

    #[test]
    fn only_attempts_that_run_are_doing_something() {
        let (reporter, _reader) = started();
        let mut script = Script::begun(&[script::task(12, "backend", &[])]);
        script.admit(12, 2, 0);
        for recorded in &script.events {
            reporter.event(recorded);
        }
        reporter.progress(&progress(12, 1));
        reporter.progress(&progress(99, 1));
        assert!(reporter.screen().doing.is_empty(), "late or unknown");
        reporter.progress(&progress(12, 2));
        assert_eq!(reporter.screen().doing.len(), 1);
        script.fail(12, 2, 10, crate::rules::task::ErrorClass::Crash);
        reporter.event(script.events.last().unwrap());
        assert!(
            reporter.screen().doing.is_empty(),
            "its bill is in the tally"
        );
    }
}
