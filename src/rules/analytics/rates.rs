//! Figures over some rows: every rate with its numerator and denominator, and what is not known beside it.

use crate::rules::analytics::rows::{Bill, Done, Offered, PullEnd};
use crate::rules::ids::IssueNumber;
use crate::rules::money::Usd;
use crate::rules::task::Ending;
use std::collections::HashSet;
use std::sync::Arc;

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many.
    pub part: u64,
    /// Of how many.
    pub all: u64,
}

impl Share {
    /// In a hundred, rounded down, so that 100 means all; nothing where there are none.
    #[must_use]
    pub fn percent(self) -> Option<u64> {
        (self.part * 100).checked_div(self.all)
    }

    fn count(&mut self, is_part: bool) {
        self.all += 1;
        self.part += u64::from(is_part);
    }
}

/// Figures of some time, of all or of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Issues that were processed: each once, however many sessions worked on it.
    pub issues: u64,
    /// Fix rate: tasks that were completed, of those that were tried.
    pub fixed: Share,
    /// First-attempt success: tasks that were completed by one attempt, of those that were tried.
    pub first: Share,
    /// Automation rate: tasks that were completed while nobody approved, answered or asked for another try, of those that
    /// were processed, also those that were left to people.
    pub automated: Share,
    /// Verification pass rate: times that checks held no commit back, of the times that they ran.
    pub checks: Share,
    /// Merge rate: pulls that were merged, of those that were merged or closed.
    pub merged: Share,
    /// Pulls that were opened, and of which no end was seen. `watch` sees it.
    pub waiting: u64,
    /// Merged without changes: pulls that were merged at the commit that the session left, of the merged ones of which both
    /// are known.
    pub unchanged: Share,
    /// Time to fix: from when the first attempt was let in to the end, waiting included, of completed tasks; the median, in
    /// milliseconds.
    pub median: Option<u64>,
    /// The same of the slowest tenth: nine in ten took no longer.
    pub slow: Option<u64>,
    /// Rounds with open pulls; they count in no rate of issues.
    pub rounds: u64,
    /// All bills, those of rounds, planners and failures included.
    pub cost: Usd,
}

impl Rates {
    /// All bills over the pulls that were merged, rounded up; nothing where none was.
    #[must_use]
    pub fn cost_per_merge(&self) -> Option<Usd> {
        let merged = self.merged.part;
        (merged > 0).then(|| Usd::from_micros(self.cost.micros().div_ceil(merged)))
    }

    /// Did nothing happen at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Rates as they are added up.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    rates: Rates,
    issues: HashSet<(Arc<str>, IssueNumber)>,
    times: Vec<u64>,
}

impl Sums {
    /// One more task that has ended.
    pub fn done(&mut self, done: &Done) {
        self.rates.checks.all += u64::from(done.checked);
        self.rates.checks.part += u64::from(done.passed.min(done.checked));
        if done.is_round {
            self.rates.rounds += 1;
            return;
        }
        if !is_processed(done.ending) {
            return;
        }
        let issue = (Arc::clone(&done.traits.project), done.issue);
        self.issues.insert(issue);
        let is_fixed = done.ending == Ending::Completed;
        self.rates.automated.count(is_fixed && done.helped == 0);
        if done.attempts == 0 {
            return;
        }
        self.rates.fixed.count(is_fixed);
        self.rates.first.count(is_fixed && done.attempts == 1);
        if let Some(began) = done.began.filter(|_| is_fixed) {
            self.times.push(done.ended.millis_since(began));
        }
    }

    /// One more pull.
    pub fn offered(&mut self, offered: &Offered) {
        match offered.end {
            None => self.rates.waiting += 1,
            Some(PullEnd::Rejected { .. }) => self.rates.merged.count(false),
            Some(PullEnd::Merged { unchanged, .. }) => {
                self.rates.merged.count(true);
                if let Some(unchanged) = unchanged {
                    self.rates.unchanged.count(unchanged);
                }
            }
        }
    }

    /// One more bill.
    pub fn bill(&mut self, bill: &Bill) {
        self.rates.cost += bill.cost;
    }

    /// What they come to.
    #[must_use]
    pub fn rates(mut self) -> Rates {
        self.times.sort_unstable();
        self.rates.issues = self.issues.len() as u64;
        self.rates.median = rank(&self.times, 50);
        self.rates.slow = rank(&self.times, 90);
        self.rates
    }
}

/// Was the issue dealt with? Who was left out, blocked or without money was not.
fn is_processed(ending: Ending) -> bool {
    match ending {
        Ending::Completed | Ending::NoChange | Ending::Failed | Ending::NeedsHuman => true,
        Ending::Blocked | Ending::Skipped | Ending::Budget => false,
    }
}

/// The value that so many in a hundred do not pass: the nearest rank.
fn rank(sorted: &[u64], percent: usize) -> Option<u64> {
    let at = (sorted.len() * percent).div_ceil(100);
    sorted.get(at.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::analytics::sample::{bill, done, offered};
    use crate::rules::ids::Timestamp;

    #[test]
    fn a_worked_example() {
        let mut sums = Sums::default();
        // Four issues: one at once, one with help at the second attempt, one failed, one left to a person untried.
        sums.done(&done(1, Ending::Completed));
        let mut second = done(2, Ending::Completed);
        (second.attempts, second.helped) = (2, 1);
        second.ended = second.began.unwrap().plus_millis(180_000);
        sums.done(&second);
        sums.done(&done(3, Ending::Failed));
        let mut left = done(4, Ending::NeedsHuman);
        (left.attempts, left.began) = (0, None);
        sums.done(&left);
        // Whoever was blocked was not dealt with; the same issue again is the same issue.
        sums.done(&done(5, Ending::Blocked));
        sums.done(&done(3, Ending::Failed));
        // A round counts in its checks alone.
        let mut round = done(1, Ending::Completed);
        (round.is_round, round.checked, round.passed) = (true, 3, 1);
        sums.done(&round);
        let merged = |unchanged| PullEnd::Merged {
            at: Timestamp(9),
            unchanged,
        };
        for end in [
            Some(merged(Some(true))),
            Some(merged(Some(false))),
            Some(merged(None)),
            Some(PullEnd::Rejected { at: Timestamp(9) }),
            None,
        ] {
            sums.offered(&offered(end));
        }
        sums.bill(&bill(1_000_000));
        sums.bill(&bill(1));
        let rates = sums.rates();
        let share = |part, all| Share { part, all };
        let expect = Rates {
            issues: 4,
            fixed: share(2, 4),
            first: share(1, 4),
            automated: share(1, 5),
            checks: share(1, 3),
            merged: share(3, 4),
            waiting: 1,
            unchanged: share(1, 2),
            median: Some(60_000),
            slow: Some(180_000),
            rounds: 1,
            cost: Usd::from_micros(1_000_001),
        };
        assert_eq!(rates, expect);
        assert_eq!(rates.cost_per_merge(), Some(Usd::from_micros(333_334)));
    }

    #[test]
    fn of_nothing_there_is_no_rate() {
        let rates = Sums::default().rates();
        assert!(rates.is_empty());
        assert_eq!((rates.fixed.percent(), rates.median), (None, None));
        assert_eq!(rates.cost_per_merge(), None);
        assert_eq!(
            Share {
                part: 199,
                all: 200
            }
            .percent(),
            Some(99)
        );
    }

    #[test]
    fn a_rank_is_one_of_the_values() {
        let check = |values: &[u64], percent, expect| {
            assert_eq!(rank(values, percent), expect, "{values:?} {percent}");
        };
        check(&[], 50, None);
        check(&[7], 90, Some(7));
        check(&[1, 2], 50, Some(1));
        check(&[1, 2, 3], 50, Some(2));
        check(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 90, Some(9));
    }
}
