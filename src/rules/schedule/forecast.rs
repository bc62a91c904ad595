//! A whole session on a virtual clock, by the real scheduler: what a dry run prints and benches measure.

use crate::rules::event::{Event, Input};
use crate::rules::graph::Cycle;
use crate::rules::ids::{AttemptNumber, IssueNumber, SessionId, SlotNumber, Timestamp};
use crate::rules::issue::Selection;
use crate::rules::schedule::order::{Backlog, Ranked};
use crate::rules::schedule::places::Places;
use crate::rules::schedule::session::{Phase, Session};
use crate::rules::settings::Settings;
use crate::rules::task::{Attempted, Outcome, Task};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// How a session would go.
#[derive(Clone, Debug, Default)]
pub struct Forecast {
    /// When the last attempt ends, in milliseconds from the start.
    pub makespan_millis: u64,
    /// Attempts in the order in which they start.
    pub attempts: Vec<Placed>,
    /// The last state of the session.
    pub session: Session,
}

/// One attempt's place in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The task.
    pub issue: IssueNumber,
    /// Where it runs.
    pub slot: SlotNumber,
    /// Milliseconds from the start.
    pub from: u64,
    /// Milliseconds from the start.
    pub to: u64,
}

/// Plays a session: each task takes as long as `duration` says (in milliseconds) and ends as `outcome` says.
///
/// # Errors
/// The cycle, where tasks wait for each other.
pub fn forecast<T: Into<Arc<Task>>>(
    tasks: Vec<T>,
    settings: &Settings,
    duration: impl Fn(&Task) -> u64,
    outcome: impl Fn(&Task, AttemptNumber) -> Outcome,
) -> Result<Forecast, Cycle> {
    let backlog = Backlog::read(tasks, settings)?;
    let ranked = backlog.ranked(&backlog.order());
    Ok(play(ranked, settings, duration, outcome))
}

/// The same for tasks whose order stands.
pub fn play(
    ranked: Ranked,
    settings: &Settings,
    duration: impl Fn(&Task) -> u64,
    outcome: impl Fn(&Task, AttemptNumber) -> Outcome,
) -> Forecast {
    let mut play = begin(ranked, settings, &duration);
    play.go_on(&duration, &outcome);
    play.forecast
}

/// The session as it is once those have begun that can begin at once.
pub(super) fn opened(ranked: Ranked, settings: &Settings) -> Session {
    begin(ranked, settings, &|_| 0).forecast.session
}

/// Lets in whoever can begin at once.
fn begin(ranked: Ranked, settings: &Settings, duration: &impl Fn(&Task) -> u64) -> Play {
    let mut play = Play {
        forecast: Forecast::default(),
        now: Timestamp(0),
        ends: BinaryHeap::new(),
        events: Vec::new(),
    };
    let session = SessionId::new("forecast");
    let (project, selection, settings) = (
        String::new(),
        Selection::default(),
        Box::new(settings.clone()),
    );
    play.put(
        &Input::Start {
            session,
            project,
            selection,
            settings,
        },
        duration,
    );
    // As `Event::TasksRead` would, without its copy of all tasks.
    play.forecast.session.seq += 1;
    play.forecast.session.begin(ranked);
    // How long people take to answer nobody knows: it is played as if they had.
    play.forecast.session.unasked = Places::default();
    play.put(&Input::Tick, duration);
    play
}

struct Play {
    forecast: Forecast,
    now: Timestamp,
    ends: BinaryHeap<Reverse<(Timestamp, IssueNumber, AttemptNumber)>>,
    /// Empty between two turns, and never given back.
    events: Vec<Event>,
}

impl Play {
    fn go_on(
        &mut self,
        duration: &impl Fn(&Task) -> u64,
        outcome: &impl Fn(&Task, AttemptNumber) -> Outcome,
    ) {
        while self.forecast.session.phase == Phase::Running {
            let Some((issue, attempt)) = self.wait() else {
                return;
            };
            let ended = issue.map(|issue| {
                let entry = (self.forecast.session.entry(issue))
                    .expect("only tasks of the session are admitted");
                let outcome = outcome(&entry.task, attempt);
                Input::Finished {
                    issue,
                    attempt,
                    outcome,
                    dice: 0,
                }
            });
            self.put(&ended.unwrap_or(Input::Tick), duration);
        }
    }

    /// Moves the clock to whatever comes next: an attempt's end, or a moment that the session waits for.
    fn wait(&mut self) -> Option<(Option<IssueNumber>, AttemptNumber)> {
        let wake = self.forecast.session.next_wake(self.now);
        match self.ends.peek() {
            Some(Reverse((end, _, _))) if wake.is_none_or(|wake| *end <= wake) => {
                let Reverse((end, issue, attempt)) = self.ends.pop()?;
                self.now = end;
                Some((Some(issue), attempt))
            }
            Some(_) | None => {
                self.now = wake?;
                Some((None, AttemptNumber(0)))
            }
        }
    }

    fn put(&mut self, input: &Input, duration: &impl Fn(&Task) -> u64) {
        let mut events = std::mem::take(&mut self.events);
        self.forecast
            .session
            .step_into(input, self.now, &mut events);
        loop {
            if events.is_empty() {
                self.forecast
                    .session
                    .step_into(&Input::Tick, self.now, &mut events);
            }
            if events.is_empty() {
                self.events = events;
                return;
            }
            for event in &events {
                let session = &mut self.forecast.session;
                session.apply_as(session.seq + 1, self.now, event);
                self.follow(event, duration);
            }
            events.clear();
            if let Some(issue) = self.forecast.session.unannounced().next() {
                let entry = self.forecast.session.entry(issue);
                let announced = Input::Announced {
                    issue,
                    ended: entry.is_some_and(|entry| entry.ending().is_some()),
                    trouble: None,
                };
                self.forecast
                    .session
                    .step_into(&announced, self.now, &mut events);
            }
        }
    }

    fn follow(&mut self, event: &Event, duration: &impl Fn(&Task) -> u64) {
        if let Event::Admitted {
            issue,
            attempt,
            slot,
            ..
        } = event
            && let Some(entry) = self.forecast.session.entry(*issue)
        {
            let end = self.now.plus_millis(duration(&entry.task));
            let (from, to) = (
                self.now.millis_since(Timestamp(0)),
                end.millis_since(Timestamp(0)),
            );
            self.forecast.makespan_millis = self.forecast.makespan_millis.max(to);
            self.forecast.attempts.push(Placed {
                issue: *issue,
                slot: *slot,
                from,
                to,
            });
            self.ends.push(Reverse((end, *issue, *attempt)));
        }
    }
}

/// An outcome for forecasts: the work is offered, and cost what was expected.
#[must_use]
pub fn as_expected(task: &Task) -> Outcome {
    let mut outcome = Outcome::free(Attempted::Published);
    outcome.charge.cost = task.estimate.cost;
    outcome
}
