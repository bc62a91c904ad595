//! When a source of work is asked again: soon where things happen, seldom where nothing does, later and later where it
//! fails, and after five failures in a row hardly at all.

use crate::rules::ids::Timestamp;

/// Failures in a row that disable a source.
pub const PATIENCE: u32 = 5;
/// A source where nothing happens is asked that many intervals apart at most.
const SLOWEST: u64 = 5;
/// A failing source is asked that many intervals apart at most.
const FURTHEST: u64 = 16;
/// A source that fails for so long is away, in milliseconds: a forge that restarts, or a line that drops, is back by then.
pub const AWAY: u64 = 120_000;
/// A disabled source is asked that often whether it is there again, in milliseconds.
const HOUR: u64 = 3_600_000;

/// What an answer, or a failure, changes for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is disabled from here on.
    Disabled,
    /// It answers again, after so many failures.
    Recovered(u32),
}

/// One source, as it has answered so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    interval: u64,
    next: Timestamp,
    /// Until then it wants to be left alone, whoever asks.
    rests: Timestamp,
    quiet: u32,
    failures: u32,
    /// Since when it does nothing but fail.
    failing: Option<Timestamp>,
    reason: Option<String>,
    answered: Option<Timestamp>,
}

impl Source {
    /// One that is asked at once, and then every `interval` milliseconds.
    #[must_use]
    pub fn new(interval: u64, now: Timestamp) -> Self {
        Self {
            interval: interval.max(1),
            next: now,
            rests: now,
            quiet: 0,
            failures: 0,
            failing: None,
            reason: None,
            answered: None,
        }
    }

    /// Is it time to ask?
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next <= now
    }

    /// When it is asked next.
    #[must_use]
    pub const fn next(&self) -> Timestamp {
        self.next
    }

    /// Failures since it last answered.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Did it fail so often that it is hardly asked any more?
    #[must_use]
    pub const fn is_disabled(&self) -> bool {
        self.failures >= PATIENCE
    }

    /// Did it fail when it was last asked, and for longer than what passes by itself?
    #[must_use]
    pub fn is_away(&self, now: Timestamp) -> bool {
        let is_long = |since: Timestamp| now.millis_since(since) >= AWAY;
        self.is_disabled() || self.failing.is_some_and(is_long)
    }

    /// Why it failed last, where it did not answer since.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// When it last answered.
    #[must_use]
    pub const fn answered(&self) -> Option<Timestamp> {
        self.answered
    }

    /// Something happened there, or a person wants to know: it is asked at once.
    pub fn wake(&mut self, now: Timestamp) {
        self.next = self.next.min(now).max(self.rests);
        self.quiet = 0;
    }

    /// It is asked at another pace from here on.
    pub fn pace(&mut self, interval: u64, now: Timestamp) {
        self.interval = interval.max(1);
        let soon = now.plus_millis(self.interval);
        self.next = self.next.min(soon).max(self.rests);
    }

    /// It answered; was anything new?
    pub fn told(&mut self, is_new: bool, now: Timestamp) -> Option<Turn> {
        let before = std::mem::take(&mut self.failures);
        (self.failing, self.reason) = (None, None);
        self.answered = Some(now);
        self.quiet = if is_new {
            0
        } else {
            self.quiet.saturating_add(1)
        };
        // Half an interval more with each quiet answer.
        let halves = (2 + u64::from(self.quiet)).min(2 * SLOWEST);
        self.next = now.plus_millis(self.interval.saturating_mul(halves) / 2);
        (before > 0).then_some(Turn::Recovered(before))
    }

    /// It wants to be left alone so long, in milliseconds: that is no failure, and nobody wakes it. An hour at most is
    /// believed.
    pub fn rest(&mut self, millis: u64, now: Timestamp) {
        self.next = now.plus_millis(millis.clamp(self.interval, self.interval.max(HOUR)));
        self.rests = self.next;
    }

    /// It failed, and why. `dice` is any number: those that failed together are not asked again together.
    pub fn failed(&mut self, reason: String, dice: u32, now: Timestamp) -> Option<Turn> {
        self.failures = self.failures.saturating_add(1);
        self.failing.get_or_insert(now);
        self.reason = Some(reason);
        let wait = if self.is_disabled() {
            HOUR
        } else {
            self.interval << self.failures.min(FURTHEST.ilog2())
        };
        let jitter = wait / 4 * u64::from(dice % 1_000) / 1_000;
        self.next = now.plus_millis(wait + jitter);
        (self.failures == PATIENCE).then_some(Turn::Disabled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    fn waits(source: &Source, now: Timestamp) -> u64 {
        source.next().millis_since(now)
    }

    #[test]
    fn quiet_sources_are_asked_seldom_until_something_happens() {
        let mut now = Timestamp(0);
        let mut source = Source::new(MINUTE, now);
        assert!(source.is_due(now));
        let mut seen = vec![];
        for _ in 0..10 {
            assert_eq!(source.told(false, now), None);
            seen.push(waits(&source, now) / 1_000);
            now = source.next();
        }
        assert_eq!(seen, [90, 120, 150, 180, 210, 240, 270, 300, 300, 300]);
        source.told(true, now);
        assert_eq!(waits(&source, now), MINUTE);
        source.wake(now);
        assert!(source.is_due(now));
    }

    #[test]
    fn five_failures_in_a_row_disable_it_and_one_answer_brings_it_back() {
        let mut now = Timestamp(0);
        let mut source = Source::new(MINUTE, now);
        let mut seen = vec![];
        for failure in 1..=6 {
            let turn = source.failed("refused".to_owned(), 0, now);
            assert_eq!(turn, (failure == PATIENCE).then_some(Turn::Disabled));
            seen.push(waits(&source, now) / 1_000);
            now = source.next();
        }
        assert_eq!(seen, [120, 240, 480, 960, 3_600, 3_600]);
        assert!(source.is_disabled());
        assert_eq!(source.reason(), Some("refused"));
        assert_eq!(source.told(false, now), Some(Turn::Recovered(6)));
        assert!(!source.is_disabled() && source.reason().is_none());
    }

    #[test]
    fn it_is_away_once_it_failed_for_longer_than_what_passes() {
        let mut source = Source::new(MINUTE, Timestamp(0));
        let at = |millis| Timestamp(0).plus_millis(millis);
        assert!(!source.is_away(at(AWAY)), "nobody asked it yet");
        source.failed("refused".to_owned(), 0, at(10));
        assert!(!source.is_away(at(9 + AWAY)));
        source.failed("refused".to_owned(), 0, at(9 + AWAY));
        assert!(source.is_away(at(10 + AWAY)), "since the first of them");
        source.told(false, at(10 + AWAY));
        assert!(!source.is_away(at(3 * AWAY)));
        for _ in 0..PATIENCE {
            source.failed("refused".to_owned(), 0, at(3 * AWAY));
        }
        assert!(source.is_away(at(3 * AWAY)), "however soon it was asked");
    }

    #[test]
    fn who_wants_to_be_left_alone_has_not_failed() {
        let mut source = Source::new(MINUTE, Timestamp(0));
        source.failed(String::new(), 0, Timestamp(0));
        for (wanted, waited) in [(0, MINUTE), (5 * MINUTE, 5 * MINUTE), (u64::MAX, HOUR)] {
            source.rest(wanted, Timestamp(0));
            source.wake(Timestamp(1));
            assert_eq!(waits(&source, Timestamp(0)), waited);
        }
        assert_eq!(source.failures(), 1);
        let mut now = source.next();
        source.told(false, now);
        now = now.plus_millis(1);
        source.wake(now);
        assert!(source.is_due(now), "afterwards it is woken as before");
    }

    #[test]
    fn those_that_failed_together_are_asked_apart() {
        let wait = |dice| {
            let mut source = Source::new(MINUTE, Timestamp(0));
            source.failed(String::new(), dice, Timestamp(0));
            waits(&source, Timestamp(0))
        };
        assert!(wait(0) < wait(500) && wait(500) < wait(999));
        assert!(wait(999) < 2 * MINUTE * 5 / 4);
    }

    #[test]
    fn another_pace_counts_at_once() {
        let mut source = Source::new(60 * MINUTE, Timestamp(0));
        source.told(true, Timestamp(0));
        source.pace(MINUTE, Timestamp(0));
        assert_eq!(waits(&source, Timestamp(0)), MINUTE);
    }
}
