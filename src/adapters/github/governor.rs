//! When may the next request go out? One pause, one write queue and one set of budgets for all that we send.
//!
//! The rules are GitHub's: "Rate limits for the REST API" and "Best practices for using the REST API".

use crate::adapters::github::limits::{Errand, Kind, Limits};
use crate::adapters::github::pressure::State;
use crate::adapters::github::queue::{Pass, Queue};
use crate::adapters::github::verdict::{Rate, Verdict, judge, until};
use crate::rules::quota::Allowance;
use http::HeaderMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

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
    writes: Queue,
    reads: Queue,
}

impl Governor {
    /// One that has sent nothing yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: Mutex::new(State::new(&limits)),
            writes: Queue::new(1),
            reads: Queue::new(limits.reads_at_once),
        }
    }

    /// A request's way out. It stands in no queue before it is made ready.
    pub fn turn(&self, errand: Errand) -> Turn<'_> {
        Turn {
            governor: self,
            errand,
            refusals: 0,
            sent: false,
            pass: None,
        }
    }

    /// What the forge last said about the primary limit of REST.
    pub fn rate(&self) -> Option<Rate> {
        self.state().rate()
    }

    /// What the forge last said about its primary limits.
    pub fn allowances(&self) -> Vec<Allowance> {
        self.state().allowances()
    }

    /// How many requests went out and have not been heard of yet.
    pub fn on_their_way(&self) -> u32 {
        self.state().on_their_way()
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
    errand: Errand,
    refusals: u32,
    /// It went out, and nothing was heard of it yet.
    sent: bool,
    pass: Option<Pass>,
}

/// What stands before a request.
enum Before {
    /// Little is left until then; it stands in nobody's way meanwhile.
    Spared(Instant),
    /// Others of its kind.
    Others,
    /// A pause, or a budget.
    Pause(Instant),
    Nothing,
}

impl Turn<'_> {
    /// Waits until the request may go out, and books it.
    pub async fn ready(&mut self) -> Result<(), Held> {
        loop {
            let until = match self.before() {
                Before::Nothing => return Ok(()),
                Before::Others => {
                    let queue = match self.errand.kind {
                        Kind::Read => &self.governor.reads,
                        Kind::Change | Kind::Creation => &self.governor.writes,
                    };
                    self.pass = Some(queue.pass(self.errand.urgency).await);
                    continue;
                }
                Before::Spared(until) => {
                    self.pass = None;
                    until
                }
                Before::Pause(until) => until,
            };
            if until > Instant::now() + self.patience() {
                return Err(Held { until });
            }
            sleep_until(until).await;
        }
    }

    fn before(&mut self) -> Before {
        let now = Instant::now();
        let mut state = self.governor.state();
        if let Some(until) = state.spared_until(self.errand, now) {
            return Before::Spared(until);
        }
        if self.pass.is_none() {
            return Before::Others;
        }
        let until = state.earliest(self.errand, now);
        if until > now {
            return Before::Pause(until);
        }
        state.book(self.errand.kind, now);
        self.sent = true;
        Before::Nothing
    }

    fn patience(&self) -> Duration {
        self.errand.patience.min(self.governor.limits.patience)
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
        let governor = self.governor;
        let mut state = governor.state();
        self.end(&mut state);
        if let Some(rate) = verdict.rate() {
            let full = now + until(rate.reset, headers);
            state.read(self.errand.api, rate, full);
        }
        let until = match verdict {
            Verdict::Fine { exhausted, .. } => {
                state.calm(now);
                if let Some(wait) = exhausted {
                    state.exhausted(self.errand.api, now + wait);
                }
                return Ok(Heard::Answer);
            }
            Verdict::Limited { wait, .. } => state.limited(self.errand.api, now, wait),
        };
        self.refusals += 1;
        if self.refusals >= governor.limits.refusals || until > now + self.patience() {
            return Err(Held { until });
        }
        Ok(Heard::Again)
    }
}

impl Turn<'_> {
    /// Nothing of it is on its way any more.
    fn end(&mut self, state: &mut State) {
        if std::mem::take(&mut self.sent) {
            state.ended(self.errand.kind, Instant::now());
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let governor = self.governor;
        if self.sent {
            self.end(&mut governor.state());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::github::limits::LOOPBACK_SPEED;
    use crate::adapters::github::pressure::{HOUR, MINUTE};
    use crate::rules::quota::{Api, Urgency};
    use futures::future::join_all;
    use std::sync::Arc;
    use tokio::time::{advance, sleep};

    const SECOND: Duration = Duration::from_secs(1);

    fn errand(kind: Kind) -> Errand {
        Errand::new(kind, Api::Rest, Urgency::Looking)
    }

    /// Sends `count` requests of a kind at once, each on its way for `each`; tells when each went out.
    async fn send(governor: &Governor, kind: Kind, count: usize, each: Duration) -> Vec<Duration> {
        let start = Instant::now();
        let requests = (0..count).map(|_| async {
            let mut turn = governor.turn(errand(kind));
            turn.ready().await.expect("it is patient");
            let sent = start.elapsed();
            sleep(each).await;
            let heard = turn.heard(201, &HeaderMap::new(), "");
            assert_eq!(heard, Ok(Heard::Answer));
            sent
        });
        let mut sent = join_all(requests).await;
        sent.sort();
        sent
    }

    fn closest(sent: &[Duration]) -> Duration {
        let gaps = sent.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
        gaps.min().expect("there are two")
    }

    fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
        let mut limits = Limits {
            refusals: 9,
            ..careless()
        };
        change(&mut limits);
        limits
    }

    /// Without any bounds that are known beforehand.
    fn careless() -> Limits {
        Limits {
            write_spacing: Duration::ZERO,
            creations_per_minute: u32::MAX,
            creations_per_hour: u32::MAX,
            points_per_minute: u32::MAX,
            ..Limits::published()
        }
    }

    fn retry_after(seconds: &str) -> HeaderMap {
        let value = seconds.parse().expect("a value");
        HeaderMap::from_iter([(http::header::RETRY_AFTER, value)])
    }

    #[tokio::test(start_paused = true)]
    async fn writes_go_out_one_by_one_and_apart() {
        let each = Duration::from_millis(300);
        let careful = Governor::new(Limits::published());
        let sent = send(&careful, Kind::Change, 10, each).await;
        assert_eq!(closest(&sent), SECOND + each);
        // The control: without the spacing they follow at once, and still one by one.
        let careless = Governor::new(careless());
        let sent = send(&careless, Kind::Change, 10, each).await;
        assert_eq!(closest(&sent), each);
        // On a faster clock it is the same, and shorter.
        let nearby = Governor::new(Limits::loopback());
        let sent = send(&nearby, Kind::Change, 10, each).await;
        assert_eq!(closest(&sent), SECOND / LOOPBACK_SPEED + each);
    }

    #[tokio::test(start_paused = true)]
    async fn reads_go_out_together_but_not_all_at_once() {
        let governor = Governor::new(Limits::published());
        let sent = send(&governor, Kind::Read, 20, SECOND).await;
        let at_once = sent.iter().filter(|sent| sent.is_zero()).count();
        assert_eq!(at_once, 8);
        assert!(sent[19] < SECOND * 3);
    }

    #[tokio::test(start_paused = true)]
    async fn budgets_hold_in_every_window() {
        let check = |limits: Limits, kind, count: usize, most: usize, span: Duration| async move {
            let sent = send(&Governor::new(limits), kind, count, Duration::ZERO).await;
            let fullest = sent
                .iter()
                .map(|from| {
                    sent.iter()
                        .filter(|at| *at >= from && **at < *from + span)
                        .count()
                })
                .max();
            assert_eq!(fullest, Some(most), "{kind:?} {limits:?}");
        };
        let per_minute = limits(|limits| limits.creations_per_minute = 80);
        check(per_minute, Kind::Creation, 200, 80, MINUTE).await;
        let per_hour = limits(|limits| limits.creations_per_hour = 500);
        check(per_hour, Kind::Creation, 1100, 500, HOUR).await;
        let points = limits(|limits| limits.points_per_minute = 900);
        check(points, Kind::Change, 400, 180, MINUTE).await;
        check(points, Kind::Read, 1000, 900, MINUTE).await;
        // The control: without a budget all go at once.
        check(careless(), Kind::Creation, 200, 200, MINUTE).await;
        // On a faster clock the spans are shorter, and hold as much.
        let nearby = limits(|limits| {
            (limits.speed, limits.creations_per_hour) = (LOOPBACK_SPEED, 500);
        });
        check(nearby, Kind::Creation, 1100, 500, HOUR / LOOPBACK_SPEED).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_created_counts_from_its_answer() {
        // The first may reach the server just before its answer leaves it.
        let governor = Governor::new(limits(|limits| limits.creations_per_minute = 2));
        let slow = send(&governor, Kind::Creation, 1, SECOND * 30).await;
        let then = send(&governor, Kind::Creation, 2, Duration::ZERO).await;
        assert_eq!(
            (slow[0], then[0], then[1]),
            (Duration::ZERO, Duration::ZERO, MINUTE)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn one_limit_holds_everything_back() {
        let governor = Arc::new(Governor::new(Limits::published()));
        let mut limited = governor.turn(errand(Kind::Change));
        limited.ready().await.expect("nothing holds it");
        let heard = limited.heard(403, &retry_after("90"), "");
        assert_eq!(heard, Ok(Heard::Again));

        let (reads, writes, again) = tokio::join!(
            send(&governor, Kind::Read, 30, SECOND),
            send(&governor, Kind::Creation, 3, SECOND),
            async {
                let start = Instant::now();
                limited.ready().await.expect("it is patient");
                let sent = start.elapsed();
                drop(limited);
                sent
            }
        );
        let all = reads.into_iter().chain(writes).chain([again]);
        assert_eq!(all.min(), Some(SECOND * 90));
        assert_eq!(governor.on_their_way(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_without_a_time_doubles_once_for_each_wait() {
        let governor = Governor::new(limits(|_| ()));
        let mut turns = Vec::new();
        for _ in 0..5 {
            turns.push(governor.turn(errand(Kind::Read)));
        }
        let mut waits = Vec::new();
        for _ in 0..6 {
            let start = Instant::now();
            for turn in &mut turns {
                turn.ready().await.expect("it is patient");
            }
            waits.push(start.elapsed().as_secs());
            // All five were on their way when the limit began: one limit, not five.
            for turn in &mut turns {
                assert_eq!(turn.heard(429, &HeaderMap::new(), ""), Ok(Heard::Again));
            }
        }
        assert_eq!(waits, [0, 60, 120, 240, 480, 960]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_after_a_limit_forgets_it() {
        let governor = Governor::new(limits(|_| ()));
        let mut turn = governor.turn(errand(Kind::Read));
        for _ in 0..3 {
            let start = Instant::now();
            let heard = turn.heard(429, &HeaderMap::new(), "");
            assert_eq!(heard, Ok(Heard::Again));
            turn.ready().await.expect("it is patient");
            assert_eq!(start.elapsed(), MINUTE);
            assert_eq!(turn.heard(200, &HeaderMap::new(), ""), Ok(Heard::Answer));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends() {
        let governor = Governor::new(Limits::published());
        let mut turn = governor.turn(errand(Kind::Change));
        let until = Instant::now() + HOUR * 2;
        assert_eq!(
            turn.heard(429, &retry_after("7200"), ""),
            Err(Held { until })
        );
        drop(turn);
        let mut turn = governor.turn(errand(Kind::Read));
        assert_eq!(turn.ready().await, Err(Held { until }));

        let stubborn = Governor::new(Limits::published());
        let mut turn = stubborn.turn(errand(Kind::Read));
        for _ in 1..Limits::published().refusals {
            assert_eq!(turn.heard(429, &retry_after("1"), ""), Ok(Heard::Again));
        }
        assert!(turn.heard(429, &retry_after("1"), "").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_given_up_leaves_the_queue() {
        let governor = Governor::new(Limits::published());
        let mut turn = governor.turn(errand(Kind::Change));
        turn.ready().await.expect("nothing holds it");
        assert_eq!(governor.on_their_way(), 1);
        drop(turn);
        assert_eq!(governor.on_their_way(), 0);
        advance(SECOND / 2).await;
        let sent = send(&governor, Kind::Change, 1, SECOND).await;
        assert_eq!(
            sent,
            [SECOND / 2],
            "it may have been sent, so the next one keeps its distance"
        );
    }
}
