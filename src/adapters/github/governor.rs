//! When may the next request go out? One pause, one write queue and one set of budgets for all that we send.
//!
//! The rules are GitHub's: "Rate limits for the REST API" and "Best practices for using the REST API".

use crate::adapters::github::limit::{Rate, Verdict, Wait, judge};
use http::HeaderMap;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{MutexGuard, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// How hard we may press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Between the end of one write and the start of the next.
    pub write_spacing: Duration,
    /// Requests that create something, in any minute.
    pub creations_per_minute: u32,
    /// Requests that create something, in any hour.
    pub creations_per_hour: u32,
    /// Points in any minute: a read is 1, a write 5.
    pub points_per_minute: u32,
    /// Reads on their way at the same time.
    pub reads_at_once: u32,
    /// A call that would have to wait longer than this in all gives up.
    pub patience: Duration,
    /// A call that was told to wait this many times gives up.
    pub refusals: u32,
}

impl Limits {
    /// What GitHub asks of its clients.
    #[must_use]
    pub fn published() -> Self {
        Self {
            write_spacing: Duration::from_secs(1),
            creations_per_minute: 80,
            creations_per_hour: 500,
            points_per_minute: 900,
            reads_at_once: 8,
            // One whole window of the primary limit, and a little.
            patience: Duration::from_secs(70 * 60),
            refusals: 5,
        }
    }

    /// For a server on this machine, which has no limits of its own unless it says so.
    #[must_use]
    pub fn loopback() -> Self {
        Self {
            write_spacing: Duration::ZERO,
            creations_per_minute: u32::MAX,
            creations_per_hour: u32::MAX,
            points_per_minute: u32::MAX,
            ..Self::published()
        }
    }
}

/// What a request does to the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Read,
    /// Changes or removes something.
    Change,
    /// Creates something that people are told of.
    Creation,
}

impl Kind {
    fn points(self) -> u32 {
        match self {
            Self::Read => 1,
            Self::Change | Self::Creation => 5,
        }
    }
}

/// The wait would be too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Nothing goes out before.
    pub until: Instant,
}

/// What an answer means for the request that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It was taken; the answer is the answer.
    Answer,
    /// It was not taken: a limit. Send it again once the turn is ready.
    Again,
}

/// Holds back all that we send to one forge with one token.
#[derive(Debug)]
pub struct Governor {
    limits: Limits,
    state: Mutex<State>,
    writes: tokio::sync::Mutex<()>,
    reads: Semaphore,
}

impl Governor {
    /// One that has sent nothing yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let reads = usize::try_from(limits.reads_at_once).unwrap_or(usize::MAX);
        Self {
            limits,
            state: Mutex::new(State::new(&limits)),
            writes: tokio::sync::Mutex::new(()),
            reads: Semaphore::new(reads.clamp(1, Semaphore::MAX_PERMITS)),
        }
    }

    /// Queues up: writes behind all other writes, reads behind the reads that are on their way.
    pub async fn turn(&self, kind: Kind) -> Turn<'_> {
        let deadline = Instant::now() + self.limits.patience;
        let place = match kind {
            Kind::Read => Place::Read(self.reads.acquire().await.ok()),
            Kind::Change | Kind::Creation => Place::Write(self.writes.lock().await),
        };
        Turn {
            governor: self,
            kind,
            deadline,
            refusals: 0,
            place,
        }
    }

    /// What the forge last said about the primary limit.
    pub fn rate(&self) -> Option<Rate> {
        self.state().rate
    }

    /// Until when nothing goes out, if so.
    pub fn pause(&self) -> Option<Instant> {
        self.state().pause.filter(|until| *until > Instant::now())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // What it holds is whole after every statement, so a panic elsewhere leaves nothing half-done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request's place in the queue, kept until its answer is known.
#[derive(Debug)]
pub struct Turn<'a> {
    governor: &'a Governor,
    kind: Kind,
    deadline: Instant,
    refusals: u32,
    place: Place<'a>,
}

#[derive(Debug)]
enum Place<'a> {
    Read(#[expect(dead_code, reason = "held for its drop")] Option<SemaphorePermit<'a>>),
    Write(#[expect(dead_code, reason = "held for its drop")] MutexGuard<'a, ()>),
}

impl Turn<'_> {
    /// Waits until the request may go out, and books it.
    pub async fn ready(&self) -> Result<(), Held> {
        loop {
            let now = Instant::now();
            let until = {
                let mut state = self.governor.state();
                let until = state.earliest(self.kind, now, self.governor.limits.write_spacing);
                if until <= now {
                    state.book(self.kind, now);
                    return Ok(());
                }
                until
            };
            if until > self.deadline {
                return Err(Held { until });
            }
            sleep_until(until).await;
        }
    }

    /// Takes in an answer: its limits hold back everything, not only this request.
    /// `message` is what the answer's body says.
    pub fn heard(
        &mut self,
        status: u16,
        headers: &HeaderMap,
        message: &str,
    ) -> Result<Heard, Held> {
        let now = Instant::now();
        let verdict = judge(status, headers, message);
        let mut state = self.governor.state();
        if let Some(rate) = verdict.rate() {
            state.rate = Some(rate);
        }
        let until = match verdict {
            Verdict::Fine { exhausted, .. } => {
                state.calm(now);
                if let Some(wait) = exhausted {
                    state.hold(now + wait);
                }
                return Ok(Heard::Answer);
            }
            Verdict::Limited { wait, .. } => state.limited(now, wait),
        };
        self.refusals += 1;
        if self.refusals >= self.governor.limits.refusals || until > self.deadline {
            return Err(Held { until });
        }
        Ok(Heard::Again)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        match self.place {
            // Counted from here, two writes reach the server at least this far apart however slow the network is.
            Place::Write(_) => self.governor.state().last_write = Some(Instant::now()),
            Place::Read(_) => {}
        }
    }
}

#[derive(Debug)]
struct State {
    pause: Option<Instant>,
    /// How many limits in a row came without a time.
    strikes: u32,
    last_write: Option<Instant>,
    per_minute: Window,
    per_hour: Window,
    points: Window,
    rate: Option<Rate>,
}

impl State {
    fn new(limits: &Limits) -> Self {
        Self {
            pause: None,
            strikes: 0,
            last_write: None,
            per_minute: Window::new(MINUTE, limits.creations_per_minute),
            per_hour: Window::new(HOUR, limits.creations_per_hour),
            points: Window::new(MINUTE, limits.points_per_minute),
            rate: None,
        }
    }

    /// When a request of this kind may go out, if nothing else happens.
    fn earliest(&mut self, kind: Kind, now: Instant, spacing: Duration) -> Instant {
        let mut until = now
            .max(self.pause.unwrap_or(now))
            .max(self.points.free_at(now, kind.points()));
        if kind != Kind::Read {
            until = until.max(self.last_write.map_or(now, |last| last + spacing));
        }
        if kind == Kind::Creation {
            until = until
                .max(self.per_minute.free_at(now, 1))
                .max(self.per_hour.free_at(now, 1));
        }
        until
    }

    fn book(&mut self, kind: Kind, now: Instant) {
        self.points.spend(now, kind.points());
        if kind == Kind::Creation {
            self.per_minute.spend(now, 1);
            self.per_hour.spend(now, 1);
        }
    }

    fn hold(&mut self, until: Instant) {
        self.pause = Some(self.pause.map_or(until, |pause| pause.max(until)));
    }

    /// A limit was hit: until when everything waits.
    fn limited(&mut self, now: Instant, wait: Wait) -> Instant {
        let pausing = self.pause.is_some_and(|until| until > now);
        match wait {
            Wait::For(wait) => self.hold(now + wait),
            // Answers to what was on its way when the pause began tell nothing new.
            Wait::Unsaid if pausing => {}
            Wait::Unsaid => {
                self.hold(now + MINUTE * 2_u32.pow(self.strikes.min(4)));
                self.strikes += 1;
            }
        }
        self.pause.unwrap_or(now)
    }

    /// Something was taken, and nothing pauses: the limits are behind us.
    fn calm(&mut self, now: Instant) {
        if self.pause.is_none_or(|until| until <= now) {
            self.strikes = 0;
        }
    }
}

/// At most so much in any span of time.
#[derive(Debug)]
struct Window {
    span: Duration,
    limit: u32,
    spent: VecDeque<(Instant, u32)>,
    sum: u32,
}

impl Window {
    fn new(span: Duration, limit: u32) -> Self {
        Self {
            span,
            limit,
            spent: VecDeque::new(),
            sum: 0,
        }
    }

    /// When `cost` more fits in.
    fn free_at(&mut self, now: Instant, cost: u32) -> Instant {
        while let Some((at, cost)) = self.spent.front().copied()
            && at + self.span <= now
        {
            self.spent.pop_front();
            self.sum -= cost;
        }
        let mut over = (self.sum.saturating_add(cost)).saturating_sub(self.limit);
        let mut until = now;
        for (at, cost) in &self.spent {
            if over == 0 {
                break;
            }
            over = over.saturating_sub(*cost);
            until = *at + self.span;
        }
        until
    }

    fn spend(&mut self, now: Instant, cost: u32) {
        // Without a limit nothing needs to be remembered.
        if self.limit < u32::MAX {
            self.spent.push_back((now, cost));
            self.sum += cost;
        }
    }
}
