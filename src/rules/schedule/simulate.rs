//! Many virtual runs of one backlog: how long, how dear and how full of conflicts it likely gets with each setting.

use crate::rules::conflict::chance;
use crate::rules::graph::Cycle;
use crate::rules::ids::{ByIssue, IssueNumber};
use crate::rules::money::Usd;
use crate::rules::past::{Likely, Record};
use crate::rules::schedule::forecast::{Forecast, play};
use crate::rules::schedule::order::Backlog;
use crate::rules::schedule::predict::{Dice, predict};
use crate::rules::schedule::table::Entry;
use crate::rules::settings::Settings;
use crate::rules::task::{Attempted, Ending, Outcome, Task};
use std::sync::Arc;

/// The middle of the runs, and what nine of ten do not pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread<T> {
    /// P50 by nearest rank.
    pub p50: T,
    /// P90.
    pub p90: T,
}

/// What the runs with one setting came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Simulated {
    /// How many slots.
    pub slots: u32,
    /// Minutes until the last attempt ends.
    pub minutes: Spread<u64>,
    /// All bills together.
    pub cost: Spread<Usd>,
    /// Pairs that ran side by side and got in each other's way.
    pub conflicts: Spread<u64>,
    /// Tasks that the money reached for, in the middle of the runs.
    pub done: u64,
}

const MINUTE: u64 = 60_000;

/// Plays the backlog so many times with each number of slots. In one run a task takes the same time and money with
/// every setting: drawn from a lognormal distribution through its P50 and P90, by a seed that is always the same.
///
/// # Errors
/// The cycle, where tasks wait for each other.
pub fn simulate(
    tasks: &[Arc<Task>],
    settings: &Settings,
    slots: &[u32],
    record: &Record,
    runs: u32,
) -> Result<Vec<Simulated>, Cycle> {
    let draws: Vec<ByIssue<Draw>> = (1..=runs)
        .map(|run| {
            let draw = |task: &Arc<Task>| (task.number(), Draw::of(task, record, run));
            tasks.iter().map(draw).collect()
        })
        .collect();
    let with = |slots: &u32| {
        let settings = Settings {
            slots: *slots,
            ..settings.clone()
        };
        let (prediction, _) = predict(tasks.to_vec(), &settings)?;
        let backlog = Backlog::read(tasks.to_vec(), &settings)?;
        let order = backlog.order_of(&prediction.order);
        let order = order.unwrap_or_else(|| backlog.order());
        let runs: Vec<Run> = draws
            .iter()
            .zip(1..)
            .map(|(draws, run)| Run::of(&backlog, &order, &settings, draws, run))
            .collect();
        Ok(Simulated {
            slots: *slots,
            minutes: spread(runs.iter().map(|run| run.minutes)),
            cost: spread(runs.iter().map(|run| run.cost)),
            conflicts: spread(runs.iter().map(|run| run.conflicts)),
            done: spread(runs.iter().map(|run| run.done)).p50,
        })
    };
    slots.iter().map(with).collect()
}

/// What a task takes in one run.
#[derive(Clone, Copy, Debug)]
struct Draw {
    millis: u64,
    cost: Usd,
}

impl Draw {
    fn of(task: &Task, record: &Record, run: u32) -> Self {
        let Likely { minutes, cost } = record.of_task(task);
        let mut dice = Dice::new(task.number().0 ^ (u64::from(run) << 40));
        let (time, money) = (dice.normal(), dice.normal());
        let (p50, p90) = (u64::from(minutes.0) * MINUTE, u64::from(minutes.1) * MINUTE);
        Self {
            millis: lognormal(p50, p90, time),
            // What takes longer mostly costs more.
            cost: Usd::from_micros(lognormal(
                cost.0.micros(),
                cost.1.micros(),
                0.8 * time + 0.6 * money,
            )),
        }
    }
}

/// The normal distribution's P90.
const Z90: f64 = 1.281_551_565_5;

/// A lognormal figure with this P50 and P90, at a normal one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a positive figure that is drawn"
)]
fn lognormal(p50: u64, p90: u64, normal: f64) -> u64 {
    if p50 == 0 {
        return 0;
    }
    let sigma = (p90.max(p50) as f64 / p50 as f64).ln() / Z90;
    (p50 as f64 * (sigma * normal).exp()).round() as u64
}

struct Run {
    minutes: u64,
    cost: Usd,
    conflicts: u64,
    done: u64,
}

impl Run {
    fn of(
        backlog: &Backlog,
        order: &[usize],
        settings: &Settings,
        draws: &ByIssue<Draw>,
        run: u32,
    ) -> Self {
        let draw = |issue: IssueNumber| draws[&issue];
        let forecast = play(
            backlog.ranked(order),
            settings,
            |task| draw(task.number()).millis,
            |task, _| {
                let mut outcome = Outcome::free(Attempted::Published);
                outcome.charge.cost = draw(task.number()).cost;
                outcome
            },
        );
        let entries = forecast.session.table.entries().iter();
        let done = entries.filter(|entry| entry.ending() == Some(Ending::Completed));
        Self {
            minutes: forecast.makespan_millis.div_ceil(MINUTE),
            cost: forecast.session.budget.spent(),
            done: done.count() as u64,
            conflicts: conflicts(&forecast, run),
        }
    }
}

/// Pairs that ran side by side and, by their chance, got in each other's way.
fn conflicts(forecast: &Forecast, run: u32) -> u64 {
    let mut dice = Dice::new(u64::from(run));
    let task = |issue| {
        forecast
            .session
            .entry(issue)
            .map(|entry: &Entry| &entry.task)
    };
    let mut open: Vec<usize> = Vec::new();
    let mut found = 0;
    for (at, placed) in forecast.attempts.iter().enumerate() {
        open.retain(|other| forecast.attempts[*other].to > placed.from);
        for other in &open {
            let other = task(forecast.attempts[*other].issue);
            if let (Some(own), Some(other)) = (task(placed.issue), other) {
                found += u64::from(dice.share() < chance(own, other));
            }
        }
        open.push(at);
    }
    found
}

fn spread<T: Ord + Copy + Default>(figures: impl Iterator<Item = T>) -> Spread<T> {
    let mut figures: Vec<T> = figures.collect();
    figures.sort_unstable();
    let at = |percent: usize| {
        let rank = (figures.len() * percent).div_ceil(100).max(1);
        figures.get(rank - 1).copied().unwrap_or_default()
    };
    Spread {
        p50: at(50),
        p90: at(90),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::classify::Domain;
    use crate::rules::conflict::tests::task;
    use crate::rules::script::settings;

    fn tasks(count: u64) -> Vec<Arc<Task>> {
        let numbered = |number| {
            let mut task = task(Domain::Unknown, &[]);
            task.issue.number = IssueNumber(number);
            (task.estimate.minutes, task.estimate.cost) = (10, Usd::from_micros(1_000_000));
            Arc::new(task)
        };
        (1..=count).map(numbered).collect()
    }

    #[test]
    fn more_slots_take_less_time_at_the_same_cost_with_more_conflicts() {
        let run = || simulate(&tasks(40), &settings(), &[1, 4, 8], &Record::default(), 50);
        let found = run().expect("acyclic");
        let [one, four, eight] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert!(one.minutes.p50 > 3 * four.minutes.p50);
        assert!(four.minutes.p50 > eight.minutes.p50);
        assert!(four.minutes.p50 < four.minutes.p90);
        assert_eq!((one.cost, one.done), (eight.cost, 40));
        assert_eq!(one.conflicts.p90, 0, "nobody runs beside anybody");
        assert!(four.conflicts.p50 < eight.conflicts.p50);
        assert_eq!(run().expect("acyclic"), found, "the same twice");
    }

    #[test]
    fn draws_have_the_middle_and_the_ninth_tenth_that_were_asked_for() {
        let mut dice = Dice::new(7);
        let drawn = (0..2_000).map(|_| lognormal(1_000, 3_000, dice.normal()));
        let Spread { p50, p90 } = spread(drawn);
        assert!((900..1_100).contains(&p50), "{p50}");
        assert!((2_700..3_300).contains(&p90), "{p90}");
    }

    #[test]
    fn where_money_is_short_less_is_done() {
        let mut settings = settings();
        settings.ceiling = Usd::from_micros(12_000_000);
        settings.cap = Usd::from_micros(2_000_000);
        let found = simulate(&tasks(40), &settings, &[4], &Record::default(), 20).expect("acyclic");
        assert!((1..40).contains(&found[0].done), "{found:?}");
        assert!(found[0].cost.p90 <= settings.ceiling);
    }
}
