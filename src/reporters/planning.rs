//! What is shown on standard error while a plan is made and its issues are opened.

use crate::ports::Reporter;
use crate::reporters::console;
use crate::reporters::live::{Frame, Live, Scene};
use crate::reporters::out::{self, Queue, Stream, plain_stderr};
use crate::reporters::paint::{Colour, Paint, Tone};
use crate::reporters::plan_lines;
use crate::reporters::time::human;
use crate::reporters::words::{brief, fit};
use crate::rules::event::{Event, Progress, Recorded};
use crate::rules::ids::Timestamp;
use crate::rules::money::Usd;
use crate::rules::plan::progress::Planning;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Between two lines about what the planner does, where they cannot be drawn over.
const EVERY_MILLIS: u64 = 5_000;
const PATIENCE: Duration = Duration::from_secs(5);

/// A line for each step. What the planner does is drawn on a live line, or told now and then.
pub struct PlanReporter {
    /// `None` says nothing at all.
    lines: Option<&'static Queue>,
    paint: Paint,
    live: bool,
    run: Arc<Mutex<Option<Run>>>,
}

/// A planner that works.
struct Run {
    since: Instant,
    grant: Usd,
    cost: Usd,
    activity: String,
    /// When a line about it was written last.
    told: Timestamp,
}

/// How it is drawn.
struct Drawn {
    run: Arc<Mutex<Option<Run>>>,
    paint: Paint,
}

impl PlanReporter {
    /// Writes to standard error.
    #[must_use]
    pub fn start(live: console::Live, colour: Colour) -> Self {
        Self {
            lines: Some(out::stderr()),
            paint: colour.paint(Stream::Err),
            live: live == console::Live::Auto && Stream::Err.can_redraw(),
            run: Arc::default(),
        }
    }

    /// Says nothing at all.
    #[must_use]
    pub fn silent() -> Self {
        Self {
            lines: None,
            paint: Paint::NONE,
            live: false,
            run: Arc::default(),
        }
    }

    fn begin(&self, lines: &Queue, grant: Usd) {
        *locked(&self.run) = Some(Run {
            since: Instant::now(),
            grant,
            cost: Usd::ZERO,
            activity: String::new(),
            told: Timestamp::default(),
        });
        if self.live {
            let scene = Drawn {
                run: Arc::clone(&self.run),
                paint: self.paint,
            };
            lines.hand_over(Box::new(Live::new(Arc::new(scene))));
        }
    }

    /// A person may be asked something next: nothing is drawn under the question.
    fn end(&self, lines: &Queue) {
        if locked(&self.run).take().is_some() && self.live {
            lines.hand_over(plain_stderr());
        }
    }
}

impl Reporter for PlanReporter {
    fn event(&self, recorded: &Recorded) {
        let (Some(lines), Event::Planning { fact }) = (self.lines, &recorded.event) else {
            return;
        };
        if let Some(line) = plan_lines::line(fact) {
            lines.line(line.shown(self.paint));
        }
        match fact {
            Planning::Granted { grant, .. } => self.begin(lines, *grant),
            Planning::Settled { .. } | Planning::Declined { .. } => self.end(lines),
            Planning::Spawned { .. }
            | Planning::Refused { .. }
            | Planning::Checked { .. }
            | Planning::Approved
            | Planning::Intends { .. }
            | Planning::Did { .. } => {}
        }
    }

    fn progress(&self, progress: &Progress) {
        let mut run = locked(&self.run);
        let (Some(lines), Some(run)) = (self.lines, run.as_mut()) else {
            return;
        };
        run.cost = progress.cost;
        if progress.activity.is_empty() {
            return;
        }
        run.activity = brief(&progress.activity);
        if self.live || progress.at.millis_since(run.told) < EVERY_MILLIS {
            return;
        }
        run.told = progress.at;
        let line = format!("planner {} so far: {}", run.cost, run.activity);
        lines.line(fit(&line, Stream::Err.width()));
    }

    fn finish(&self) {
        if let Some(lines) = self.lines {
            self.end(lines);
            lines.flush(PATIENCE);
        }
    }
}

impl Scene for Drawn {
    fn frame(&self, width: usize) -> Option<Frame> {
        let run = locked(&self.run);
        let run = run.as_ref()?;
        let passed = u64::try_from(run.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let head = format!("planner  {}  {} of {}", human(passed), run.cost, run.grant);
        let room = width.saturating_sub(head.len() + 2);
        let activity = self.paint.tone(Tone::Faint, &fit(&run.activity, room));
        Some(Frame {
            done: None,
            lines: vec![format!("{}  {activity}", fit(&head, width))],
        })
    }
}

fn locked(run: &Mutex<Option<Run>>) -> MutexGuard<'_, Option<Run>> {
    run.lock().unwrap_or_else(PoisonError::into_inner)
}
