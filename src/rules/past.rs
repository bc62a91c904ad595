//! What past attempts took, by domain and complexity: the ground for estimates and simulations.

use crate::rules::classify::Domain;
use crate::rules::evaluate::score::Level;
use crate::rules::money::Usd;
use crate::rules::task::Task;
use std::collections::BTreeMap;

/// One paid attempt of the past whose bill is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// The domain of its task.
    pub domain: Domain,
    /// How hard its task was judged to be; nothing where it was not evaluated.
    pub complexity: Option<Level>,
    /// How long it ran.
    pub millis: u64,
    /// What it cost.
    pub cost: Usd,
}

/// What an attempt takes in the middle of the cases, and in nine of ten at most (P50 and P90 by nearest rank).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Likely {
    /// Whole minutes, rounded up.
    pub minutes: (u32, u32),
    /// Costs.
    pub cost: (Usd, Usd),
}

/// Fewer attempts say nothing.
pub const ENOUGH: usize = 5;
/// Without history P90 is so many percent of P50: what a lognormal distribution with sigma 0.6 has.
const USUAL_SPREAD: u64 = 216;

/// Which attempts: those of a domain, of a complexity, of both, or all.
type Kind = (Option<Domain>, Option<Level>);

/// What attempts took, of each kind with enough of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record(BTreeMap<Kind, Likely>);

impl Record {
    /// From past attempts.
    #[must_use]
    pub fn of(past: &[Past]) -> Self {
        let mut kinds: BTreeMap<Kind, Vec<Past>> = BTreeMap::new();
        for attempt in past {
            for kind in kinds_of(attempt.domain, attempt.complexity) {
                kinds.entry(kind).or_default().push(*attempt);
            }
        }
        let known = kinds.into_iter();
        Self(
            known
                .filter_map(|(kind, past)| Some((kind, likely(&past)?)))
                .collect(),
        )
    }

    /// By the attempts of this domain and complexity, else by those of this complexity, of this domain, or by all: the
    /// first of them that are [`ENOUGH`]. Nothing where not even all are.
    #[must_use]
    pub fn likely(&self, domain: Domain, complexity: Option<Level>) -> Option<Likely> {
        kinds_of(domain, complexity).find_map(|kind| self.0.get(&kind).copied())
    }

    /// What the task will likely take: by the record, else by its estimate and the usual spread.
    #[must_use]
    pub fn of_task(&self, task: &Task) -> Likely {
        self.known_of(task).unwrap_or_else(|| {
            let (minutes, cost) = (task.estimate.minutes, task.estimate.cost);
            let spread = u64::from(minutes) * USUAL_SPREAD / 100;
            Likely {
                minutes: (minutes, u32::try_from(spread).unwrap_or(u32::MAX)),
                cost: (Usd::from_micros(cost.micros() * 100 / USUAL_SPREAD), cost),
            }
        })
    }

    /// Sets the estimates of the tasks, as far as the record says anything: the median time, and the P90 of the costs.
    pub fn estimate(&self, tasks: &mut [Task]) {
        for task in tasks {
            if let Some(likely) = self.known_of(task) {
                (task.estimate.minutes, task.estimate.cost) = (likely.minutes.0, likely.cost.1);
            }
        }
    }

    /// Is anything known?
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.0.is_empty()
    }

    fn known_of(&self, task: &Task) -> Option<Likely> {
        self.likely(task.domain.domain, task.complexity())
    }
}

/// The kinds of attempts that speak for such a task, the closest first.
fn kinds_of(domain: Domain, complexity: Option<Level>) -> impl Iterator<Item = Kind> {
    let by_complexity = complexity.map(|level| [(Some(domain), Some(level)), (None, Some(level))]);
    let by_complexity = by_complexity.into_iter().flatten();
    by_complexity.chain([(Some(domain), None), (None, None)])
}

fn likely(past: &[Past]) -> Option<Likely> {
    let minutes = |percent| {
        let millis = percentile(past.iter().map(|attempt| attempt.millis), percent)?;
        Some(u32::try_from(millis.div_ceil(60_000).max(1)).unwrap_or(u32::MAX))
    };
    let cost = |percent| percentile(past.iter().map(|attempt| attempt.cost), percent);
    Some(Likely {
        minutes: (minutes(50)?, minutes(90)?),
        cost: (cost(50)?, cost(90)?),
    })
}

/// By nearest rank, if there is enough to tell.
fn percentile<T: Ord + Copy>(figures: impl Iterator<Item = T>, percent: usize) -> Option<T> {
    let mut figures: Vec<T> = figures.collect();
    if figures.len() < ENOUGH {
        return None;
    }
    figures.sort_unstable();
    Some(figures[(figures.len() * percent).div_ceil(100) - 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::conflict::tests::task;

    use crate::rules::evaluate::background::Background;
    use crate::rules::evaluate::judge::Judge;

    fn past(domain: Domain, complexity: Option<Level>, minutes: u64) -> Past {
        Past {
            domain,
            complexity,
            millis: minutes * 60_000,
            cost: Usd::from_micros(minutes * 1_000),
        }
    }

    /// So many attempts of this many minutes each.
    fn so_many(count: usize, domain: Domain, complexity: Level, minutes: u64) -> Vec<Past> {
        vec![past(domain, Some(complexity), minutes); count]
    }

    #[test]
    fn the_closest_kind_of_which_there_are_enough_counts() {
        let mut attempts = so_many(5, Domain::Backend, Level::Low, 10);
        attempts.extend(so_many(4, Domain::Backend, Level::High, 90));
        attempts.extend(so_many(3, Domain::Frontend, Level::High, 70));
        attempts.extend(vec![past(Domain::Testing, None, 30); 6]);
        let record = Record::of(&attempts);
        let check = |domain, complexity, expect| {
            let likely = record.likely(domain, complexity);
            assert_eq!(
                likely.map(|likely| likely.minutes.0),
                Some(expect),
                "{domain:?} {complexity:?}"
            );
        };
        check(Domain::Backend, Some(Level::Low), 10);
        check(Domain::Backend, Some(Level::High), 90);
        check(Domain::Frontend, Some(Level::High), 90);
        check(Domain::Frontend, Some(Level::Low), 10);
        check(Domain::Testing, Some(Level::Medium), 30);
        check(Domain::Backend, None, 10);
        check(Domain::Security, Some(Level::Medium), 30);
        check(Domain::Security, None, 30);
        assert!(!Record::of(&attempts[..4]).is_known(), "four are too few");
    }

    #[test]
    fn a_domain_with_enough_attempts_has_figures_of_its_own() {
        let mut attempts: Vec<Past> = (1..=10).map(|n| past(Domain::Backend, None, n)).collect();
        attempts.extend((1..=3).map(|n| past(Domain::Frontend, None, n * 100)));
        let record = Record::of(&attempts);
        let minutes = |domain| record.likely(domain, None).map(|likely| likely.minutes);
        assert_eq!(minutes(Domain::Backend), Some((5, 9)));
        assert_eq!(
            minutes(Domain::Frontend),
            Some((7, 200)),
            "three of its own are too few"
        );
        let mut tasks = [task(Domain::Backend, &[]), task(Domain::Frontend, &[])];
        record.estimate(&mut tasks);
        assert_eq!(tasks.map(|task| task.estimate.minutes), [5, 7]);
    }

    #[test]
    fn a_task_is_estimated_by_its_own_complexity() {
        let mut attempts = so_many(5, Domain::Backend, Level::Low, 10);
        attempts.extend(so_many(6, Domain::Backend, Level::High, 90));
        let record = Record::of(&attempts);
        let mut tasks = [task(Domain::Backend, &[]), task(Domain::Backend, &[])];
        tasks[1].issue.title = "Fix a typo".to_owned();
        let (judge, nothing) = (Judge::default(), Background::default());
        judge.weigh(&mut tasks[1], &nothing);
        assert_eq!(tasks[1].complexity(), Some(Level::Low));
        record.estimate(&mut tasks);
        let minutes = tasks.map(|task| task.estimate.minutes);
        assert_eq!(
            minutes,
            [90, 10],
            "the first was not evaluated: all of its domain"
        );
    }

    #[test]
    fn without_history_the_usual_spread_stands_in() {
        let mut task = task(Domain::Backend, &[]);
        (task.estimate.minutes, task.estimate.cost) = (100, Usd::from_micros(216));
        let likely = Record::default().of_task(&task);
        assert_eq!(likely.minutes, (100, 216));
        assert_eq!(likely.cost, (Usd::from_micros(100), Usd::from_micros(216)));
    }
}
