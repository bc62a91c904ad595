//! Live lines on a terminal: one per running task, a total, what waits for what; ended tasks scroll up and stay.

use crate::ports::Reporter;
use crate::reporters::bars::{Doing, View};
use crate::reporters::line::Weight;
use crate::reporters::lines::line;
use crate::reporters::out::{Queue, Sink, Stream, plain_stderr};
use crate::reporters::paint::Paint;
use crate::reporters::plain::End;
use crate::rules::event::{Progress, Recorded};
use crate::rules::ids::Timestamp;
use crate::rules::tally::{Standing, Tally};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often the lines are drawn anew while nothing happens.
const TICK: Duration = Duration::from_secs(1);
/// Lines that come faster than this share a drawing.
const PACE: Duration = Duration::from_millis(100);
/// A terminal that takes nothing for so long (somebody pressed Ctrl-S) is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Columns of the bar, and of the count beside it.
const BAR: usize = 16;
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
        lines.hand_over(Box::new(Live::new(Arc::clone(&screen), paint)));
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

/// Draws on the terminal; belongs to the queue's thread.
struct Live {
    multi: MultiProgress,
    bar: ProgressBar,
    screen: Arc<Mutex<Screen>>,
    paint: Paint,
    drawn: Option<Instant>,
}

impl Live {
    fn new(screen: Arc<Mutex<Screen>>, paint: Paint) -> Self {
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        // One bar holds all lines, so that a turn draws once, however many slots there are.
        let bar = multi.add(ProgressBar::new(0));
        Self {
            multi,
            bar,
            screen,
            paint,
            drawn: None,
        }
    }

    fn draw(&mut self) {
        self.drawn = Some(Instant::now());
        let width = Stream::Err.width().saturating_sub(1);
        let screen = locked(&self.screen);
        if screen.tally.session.is_none() {
            return;
        }
        let counts = screen.tally.counts;
        let view = View {
            tally: &screen.tally,
            doing: &screen.doing,
            now: screen.now(),
            width,
            paint: self.paint,
        };
        let count = format!(" {}/{}  ", counts.ended(), counts.all());
        let beside = if width < WIDE_ENOUGH {
            0
        } else {
            BAR + count.len()
        };
        let mut lines = vec![view.total(width - beside)];
        lines.extend(view.slots());
        lines.extend(view.waits());
        drop(screen);
        self.bar.set_style(style(beside > 0));
        self.bar.set_length(counts.all());
        self.bar.set_position(counts.ended());
        self.bar.set_message(lines.join("\n"));
    }
}

impl Sink for Live {
    fn line(&mut self, text: &str) -> io::Result<()> {
        self.multi.println(text)?;
        if self.drawn.is_none_or(|drawn| drawn.elapsed() >= PACE) {
            self.draw();
        }
        Ok(())
    }

    fn every(&self) -> Option<Duration> {
        Some(TICK)
    }

    fn tick(&mut self) {
        self.draw();
    }

    fn end(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(bar: bool) -> ProgressStyle {
    let template = if bar {
        "{bar:16} {pos}/{len}  {msg}"
    } else {
        "{msg}"
    };
    ProgressStyle::with_template(template)
        .expect("the template is right")
        .progress_chars("█▌░")
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
    use std::io::Read;

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
