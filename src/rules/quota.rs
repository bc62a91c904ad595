//! What a forge still takes: told where it changes much, and kept for what matters most where it is short.

use crate::rules::ids::Timestamp;
use crate::rules::issue::Priority;
use crate::rules::room::Quota;
use serde::{Deserialize, Serialize};

/// With fewer requests left than this, only finished work is saved until there are more.
pub const SPARED: u64 = 100;
/// Of a small limit this part is spared.
const PART: u64 = 10;

/// One of a forge's ways in, each with a limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// One address for each thing.
    Rest,
    /// One address for questions about many.
    Graphql,
}

impl Api {
    /// As people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rest => "REST",
            Self::Graphql => "GraphQL",
        }
    }
}

/// A limit, as it was heard last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// Of what.
    pub api: Api,
    /// Requests (REST) or points (GraphQL) that are left.
    pub left: u64,
    /// All of them; 0 where that was not told.
    pub limit: u64,
    /// From then on all of them again.
    pub until: Timestamp,
}

impl Allowance {
    /// So many are spared of this limit.
    #[must_use]
    pub fn spared(&self, spared: u64) -> u64 {
        match self.limit {
            0 => spared,
            limit => spared.min(limit / PART),
        }
    }

    /// Is so little left that only finished work is saved?
    #[must_use]
    pub fn is_short(&self, now: Timestamp) -> bool {
        self.was_short() && now < self.until
    }

    /// Was so little left when it was told?
    #[must_use]
    pub fn was_short(&self) -> bool {
        self.left < self.spared(SPARED)
    }

    /// What is left for ordinary work.
    #[must_use]
    pub fn quota(&self) -> Quota {
        Quota {
            left: self.left.saturating_sub(self.spared(SPARED)),
            until: self.until,
        }
    }
}

/// How much a request matters, the most first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// It saves work that is finished: a push's pull, its words, its labels. Of a task of this priority.
    Saving(Priority),
    /// It belongs to work that goes on.
    Working(Priority),
    /// It looks for work, or at what others did.
    #[default]
    Looking,
}

impl Urgency {
    /// Does it wait where little is left?
    #[must_use]
    pub fn waits(self) -> bool {
        match self {
            Self::Saving(_) => false,
            Self::Working(_) | Self::Looking => true,
        }
    }
}

/// Is what was heard worth telling, after what was told last? A limit that was not known, one that became short or is not
/// any more, and a tenth of it that is gone. What was reset since it was heard is not known.
#[must_use]
pub fn is_news(told: &[Allowance], heard: &[Allowance], now: Timestamp) -> bool {
    let mut fresh = heard.iter().filter(|new| now < new.until);
    fresh.any(|new| {
        let Some(old) = told.iter().find(|old| old.api == new.api) else {
            return true;
        };
        let is_other = old.was_short() != new.is_short(now);
        is_other
            || old.limit != new.limit
            || old.left.abs_diff(new.left) >= (new.limit / PART).max(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp(43_200_000);

    fn allowance(left: u64, limit: u64) -> Allowance {
        Allowance {
            api: Api::Rest,
            left,
            limit,
            until: NOON,
        }
    }

    #[test]
    fn what_is_short_is_spared_until_it_is_reset() {
        let check = |left: u64, limit: u64, now: i64, expect: bool| {
            let now = Timestamp(NOON.0 + now);
            assert_eq!(
                allowance(left, limit).is_short(now),
                expect,
                "{left} of {limit} at {now:?}"
            );
        };
        check(99, 5000, -1, true);
        check(100, 5000, -1, false);
        check(99, 5000, 0, false);
        check(0, 0, -1, true);
        // A tenth of a small limit.
        check(6, 60, -1, false);
        check(5, 60, -1, true);
        assert_eq!(allowance(190, 5000).quota().left, 90);
        assert_eq!(allowance(50, 5000).quota().left, 0);
    }

    #[test]
    fn what_saves_work_goes_first_and_never_waits() {
        let mut all = [
            Urgency::Looking,
            Urgency::Working(Priority::Critical),
            Urgency::Saving(Priority::Low),
            Urgency::Working(Priority::Low),
            Urgency::Saving(Priority::High),
        ];
        all.sort();
        let expect = [
            Urgency::Saving(Priority::High),
            Urgency::Saving(Priority::Low),
            Urgency::Working(Priority::Critical),
            Urgency::Working(Priority::Low),
            Urgency::Looking,
        ];
        assert_eq!(all, expect);
        assert_eq!(all.map(Urgency::waits), [false, false, true, true, true]);
    }

    #[test]
    fn little_is_told_and_nothing_that_matters_is_left_out() {
        let check = |told: &[Allowance], heard: Allowance, expect: bool| {
            assert_eq!(
                is_news(told, &[heard], Timestamp(0)),
                expect,
                "{told:?} {heard:?}"
            );
        };
        check(&[], allowance(5000, 5000), true);
        check(&[allowance(5000, 5000)], allowance(4501, 5000), false);
        check(&[allowance(5000, 5000)], allowance(4500, 5000), true);
        check(&[allowance(101, 5000)], allowance(100, 5000), false);
        check(&[allowance(100, 5000)], allowance(99, 5000), true);
        check(&[allowance(5, 5000)], allowance(5000, 5000), true);
        let other = Allowance {
            api: Api::Graphql,
            ..allowance(5000, 5000)
        };
        check(&[allowance(5000, 5000)], other, true);
        assert!(!is_news(&[allowance(1, 5000)], &[], Timestamp(0)));
        // What was reset meanwhile is told once it is heard of again.
        assert!(!is_news(&[allowance(1, 5000)], &[allowance(1, 5000)], NOON));
    }
}
