//! Lines at the bottom of a terminal that are drawn over once a second; all other lines scroll up above them.

use crate::reporters::out::{Sink, Stream};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the lines are drawn anew while nothing happens.
const TICK: Duration = Duration::from_secs(1);
/// Lines that come faster than this share a drawing.
const PACE: Duration = Duration::from_millis(100);
/// Columns of the bar.
pub(super) const BAR: usize = 16;

/// What is drawn.
pub(super) trait Scene: Send + Sync {
    /// What it looks like now in so many columns; `None` while there is nothing to see.
    fn frame(&self, width: usize) -> Option<Frame>;
}

/// One drawing.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// How much of how much is done, drawn as a bar before the first line.
    pub(super) done: Option<(u64, u64)>,
    /// The lines.
    pub(super) lines: Vec<String>,
}

/// Draws a scene on standard error; belongs to the queue's thread.
pub(super) struct Live {
    multi: MultiProgress,
    bar: ProgressBar,
    scene: Arc<dyn Scene>,
    drawn: Option<Instant>,
}

impl Live {
    pub(super) fn new(scene: Arc<dyn Scene>) -> Self {
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        // One bar holds all lines, so that a turn draws once, however many there are.
        let bar = multi.add(ProgressBar::new(0));
        Self {
            multi,
            bar,
            scene,
            drawn: None,
        }
    }

    fn draw(&mut self) {
        self.drawn = Some(Instant::now());
        let width = Stream::Err.width().saturating_sub(1);
        let Some(frame) = self.scene.frame(width) else {
            return;
        };
        self.bar.set_style(style(frame.done.is_some()));
        if let Some((done, all)) = frame.done {
            self.bar.set_length(all);
            self.bar.set_position(done);
        }
        self.bar.set_message(frame.lines.join("\n"));
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
