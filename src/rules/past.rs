//! What past attempts took, by domain: the ground for estimates and simulations.

use crate::rules::classify::Domain;
use crate::rules::money::Usd;
use crate::rules::task::Task;

/// One paid attempt of the past whose bill is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// The domain of its task.
    pub domain: Domain,
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
const ENOUGH: usize = 5;
/// Without history P90 is so many percent of P50: what a lognormal distribution with sigma 0.6 has.
const USUAL_SPREAD: u64 = 216;

/// What attempts took, of each domain with enough of them, and of all together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    domains: Vec<(Domain, Likely)>,
    all: Option<Likely>,
}

impl Record {
    /// From past attempts.
    #[must_use]
    pub fn of(past: &[Past]) -> Self {
        let mut domains: Vec<(Domain, Likely)> = Vec::new();
        for attempt in past {
            let domain = attempt.domain;
            if domains.iter().any(|(known, _)| *known == domain) {
                continue;
            }
            let own = past.iter().filter(|other| other.domain == domain);
            let own: Vec<Past> = own.copied().collect();
            domains.extend(likely(&own).map(|likely| (domain, likely)));
        }
        Self {
            domains,
            all: likely(past),
        }
    }

    /// Of a domain, else of all; nothing where there is too little of both.
    #[must_use]
    pub fn likely(&self, domain: Domain) -> Option<Likely> {
        let own = self.domains.iter().find(|(known, _)| *known == domain);
        own.map(|(_, likely)| *likely).or(self.all)
    }

    /// What the task will likely take: by its domain's record, else by its estimate and the usual spread.
    #[must_use]
    pub fn of_task(&self, task: &Task) -> Likely {
        self.likely(task.domain.domain).unwrap_or_else(|| {
            let (minutes, cost) = (task.estimate.minutes, task.estimate.cost);
            let spread = u64::from(minutes) * USUAL_SPREAD / 100;
            Likely {
                minutes: (minutes, u32::try_from(spread).unwrap_or(u32::MAX)),
                cost: (Usd::from_micros(cost.micros() * 100 / USUAL_SPREAD), cost),
            }
        })
    }

    /// Sets the estimates of those tasks of whose domain enough is known: its median time, and its P90 of the costs.
    pub fn estimate(&self, tasks: &mut [Task]) {
        for task in tasks {
            let own = self.domains.iter();
            let own = own.clone().find(|(known, _)| *known == task.domain.domain);
            if let Some((_, likely)) = own {
                (task.estimate.minutes, task.estimate.cost) = (likely.minutes.0, likely.cost.1);
            }
        }
    }
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

    fn past(domain: Domain, minutes: u64) -> Past {
        Past {
            domain,
            millis: minutes * 60_000,
            cost: Usd::from_micros(minutes * 1_000),
        }
    }

    #[test]
    fn a_domain_with_enough_attempts_has_figures_of_its_own() {
        let mut attempts: Vec<Past> = (1..=10).map(|n| past(Domain::Backend, n)).collect();
        attempts.extend((1..=3).map(|n| past(Domain::Frontend, n * 100)));
        let record = Record::of(&attempts);
        let own = record.likely(Domain::Backend).map(|likely| likely.minutes);
        assert_eq!(own, Some((5, 9)));
        let all = record.likely(Domain::Frontend).map(|likely| likely.minutes);
        assert_eq!(all, Some((7, 200)), "three of its own are too few");
        assert_eq!(Record::of(&attempts[..4]).likely(Domain::Backend), None);
        let mut tasks = [task(Domain::Backend, &[]), task(Domain::Frontend, &[])];
        record.estimate(&mut tasks);
        assert_eq!(tasks.map(|task| task.estimate.minutes), [5, 1]);
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
