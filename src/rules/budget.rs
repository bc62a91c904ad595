//! May this attempt have money? Granted before it starts, settled after it ended.

use crate::rules::ids::Timestamp;
use crate::rules::money::Usd;

/// What a session may spend, has spent and has set aside.
///
/// Holds `spent + granted <= ceiling` as long as no bill passes its grant; a bill that does is recorded as overshoot
/// and counts at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    ceiling: Usd,
    daily_ceiling: Option<Usd>,
    spent: Usd,
    granted: Usd,
    overshoot: Usd,
    dearest: Usd,
    day: i64,
    spent_today: Usd,
    elsewhere_today: Usd,
}

/// Why there is no money for an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Something is still set aside, and may come back.
    Waits {
        /// So much is missing now.
        short_by: Usd,
    },
    /// It will never reach.
    Exhausted {
        /// So much is missing.
        short_by: Usd,
        /// Is it the day's ceiling that is too low, and not the session's?
        daily: bool,
    },
}

/// The estimate of all tasks together passes what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Cannot afford {tasks} {}: estimated {estimated} exceeds budget {budget}", if *tasks == 1 { "task" } else { "tasks" })]
pub struct CannotAfford {
    /// How many tasks.
    pub tasks: usize,
    /// What they will likely cost.
    pub estimated: Usd,
    /// What there is.
    pub budget: Usd,
}

impl Budget {
    /// A budget of which nothing is spent.
    #[must_use]
    pub fn new(ceiling: Usd, daily_ceiling: Option<Usd>) -> Self {
        Self {
            ceiling,
            daily_ceiling,
            ..Self::default()
        }
    }

    /// Other ceilings from here on; what is spent stays spent.
    pub fn set_ceilings(&mut self, ceiling: Usd, daily_ceiling: Option<Usd>) {
        self.ceiling = ceiling;
        self.daily_ceiling = daily_ceiling;
    }

    /// Money for an attempt that wants `want` and cannot do with less than `least`.
    ///
    /// # Errors
    /// Where even `least` is not left: whether waiting may help.
    pub fn reserve(&self, want: Usd, least: Usd, now: Timestamp) -> Result<Usd, Refusal> {
        let session = self.ceiling.minus(self.spent + self.granted);
        let today = self.left_today(now);
        let left = today.map_or(session, |today| today.min(session));
        if left >= least && left > Usd::ZERO {
            return Ok(want.min(left));
        }
        let short_by = least.minus(left).max(Usd::from_micros(1));
        if self.granted > Usd::ZERO {
            return Err(Refusal::Waits { short_by });
        }
        Err(Refusal::Exhausted {
            short_by,
            daily: today.is_some_and(|today| today < session),
        })
    }

    /// Do these estimates fit into what is left? Asked before anything runs.
    ///
    /// # Errors
    /// Where they do not, with the two sums.
    pub fn precheck(
        &self,
        costs: impl Iterator<Item = Usd>,
        now: Timestamp,
    ) -> Result<(), CannotAfford> {
        let (tasks, estimated) =
            costs.fold((0, Usd::ZERO), |(count, sum), one| (count + 1, sum + one));
        let session = self.ceiling.minus(self.spent + self.granted);
        let budget = self
            .left_today(now)
            .map_or(session, |today| today.min(session));
        if estimated > budget {
            Err(CannotAfford {
                tasks,
                estimated,
                budget,
            })
        } else {
            Ok(())
        }
    }

    /// A grant was given.
    pub fn grant(&mut self, grant: Usd) {
        self.granted += grant;
    }

    /// A grant comes back, and so much of it was spent.
    pub fn settle(&mut self, grant: Usd, cost: Usd, dearest: Usd, at: Timestamp) {
        self.granted = self.granted.minus(grant);
        self.spent += cost;
        self.overshoot += cost.minus(grant);
        self.dearest = self.dearest.max(dearest);
        if at.day() != self.day {
            (self.day, self.spent_today, self.elsewhere_today) = (at.day(), Usd::ZERO, Usd::ZERO);
        }
        self.spent_today += cost;
    }

    /// What other sessions have spent or set aside on this day.
    pub fn elsewhere(&mut self, today: Usd, at: Timestamp) {
        if at.day() != self.day {
            (self.day, self.spent_today) = (at.day(), Usd::ZERO);
        }
        self.elsewhere_today = today;
    }

    /// All bills so far.
    #[must_use]
    pub fn spent(&self) -> Usd {
        self.spent
    }

    /// What is set aside for attempts that run.
    #[must_use]
    pub fn granted(&self) -> Usd {
        self.granted
    }

    /// What bills have passed their grants by, in all.
    #[must_use]
    pub fn overshoot(&self) -> Usd {
        self.overshoot
    }

    /// The dearest single response that any attempt reported.
    #[must_use]
    pub fn dearest(&self) -> Usd {
        self.dearest
    }

    /// What other sessions had spent or set aside on this day when we last looked.
    #[must_use]
    pub fn spent_elsewhere(&self) -> Usd {
        self.elsewhere_today
    }

    /// The session's ceiling.
    #[must_use]
    pub fn ceiling(&self) -> Usd {
        self.ceiling
    }

    fn left_today(&self, now: Timestamp) -> Option<Usd> {
        let ceiling = self.daily_ceiling?;
        let used = if now.day() == self.day {
            self.spent_today + self.elsewhere_today
        } else {
            Usd::ZERO
        };
        Some(ceiling.minus(used + self.granted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(0);

    fn usd(dollars: u64) -> Usd {
        Usd::from_micros(dollars * 1_000_000)
    }

    #[test]
    fn an_attempt_gets_what_it_wants_or_what_is_left_above_its_least() {
        let mut budget = Budget::new(usd(10), None);
        assert_eq!(budget.reserve(usd(6), usd(2), NOW), Ok(usd(6)));
        budget.grant(usd(6));
        assert_eq!(budget.reserve(usd(6), usd(2), NOW), Ok(usd(4)));
        assert_eq!(
            budget.reserve(usd(6), usd(5), NOW),
            Err(Refusal::Waits { short_by: usd(1) })
        );
        budget.settle(usd(6), usd(9), Usd::ZERO, NOW);
        assert_eq!(budget.overshoot(), usd(3));
        let refusal = budget.reserve(usd(6), usd(5), NOW);
        assert_eq!(
            refusal,
            Err(Refusal::Exhausted {
                short_by: usd(4),
                daily: false
            })
        );
    }

    #[test]
    fn nothing_is_granted_from_nothing() {
        let refusal = Budget::new(Usd::ZERO, None).reserve(usd(1), Usd::ZERO, NOW);
        assert!(
            matches!(refusal, Err(Refusal::Exhausted { .. })),
            "{refusal:?}"
        );
    }

    #[test]
    fn the_day_has_a_ceiling_of_its_own_and_ends_at_midnight() {
        let mut budget = Budget::new(usd(100), Some(usd(10)));
        budget.elsewhere(usd(8), NOW);
        assert_eq!(budget.reserve(usd(5), usd(2), NOW), Ok(usd(2)));
        assert_eq!(
            budget.reserve(usd(5), usd(3), NOW),
            Err(Refusal::Exhausted {
                short_by: usd(1),
                daily: true
            })
        );
        assert_eq!(
            budget.reserve(usd(5), usd(3), Timestamp(86_400_000)),
            Ok(usd(5))
        );
    }

    #[test]
    fn the_precheck_names_both_sums() {
        let refusal = Budget::new(usd(25), None)
            .precheck(std::iter::repeat_n(usd(6), 10), NOW)
            .unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "Cannot afford 10 tasks: estimated $60.00 exceeds budget $25.00"
        );
        assert_eq!(
            Budget::new(usd(60), None).precheck(std::iter::repeat_n(usd(6), 10), NOW),
            Ok(())
        );
    }

    proptest! {
        #[test]
        fn spent_and_granted_never_pass_the_ceiling(
            ceiling in 0_u64..50,
            moves in proptest::collection::vec((0_u64..12, 0_u64..12, any::<bool>()), 1..200),
        ) {
            let mut budget = Budget::new(usd(ceiling), None);
            let mut open = Vec::new();
            for (want, least, settle) in moves {
                if settle && let Some(grant) = open.pop() {
                    budget.settle(grant, grant.min(usd(least)), Usd::ZERO, NOW);
                } else if let Ok(grant) = budget.reserve(usd(want), usd(least.min(want)), NOW) {
                    budget.grant(grant);
                    open.push(grant);
                }
                prop_assert!(budget.spent() + budget.granted() <= usd(ceiling));
            }
        }
    }
}
