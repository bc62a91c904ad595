//! Seeded backlogs of three kinds, and how long they take beside the best that could be, for tests and benches.

use crate::tasks::{Dice, settings, task};
use autoissue::rules::classify::Domain;
use autoissue::rules::ids::{ByIssue, IssueNumber};
use autoissue::rules::schedule::bound::Bound;
use autoissue::rules::schedule::forecast::{as_expected, play};
use autoissue::rules::schedule::order::Backlog;
use autoissue::rules::schedule::predict::predict;
use autoissue::rules::settings::Policy;
use autoissue::rules::task::Task;

/// What the tasks of a backlog have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Hardly anything: files of their own, from a large pool.
    Independent,
    /// Four of ten need one or two of those shortly before them.
    Chained,
    /// Three of ten touch one of a few hot files, the first of them most of all.
    HotFiles,
}

pub(crate) const KINDS: [Kind; 3] = [Kind::Independent, Kind::Chained, Kind::HotFiles];

/// Of how many twentieths which domain is.
const DOMAINS: [(Domain, u64); 8] = [
    (Domain::Backend, 7),
    (Domain::Frontend, 4),
    (Domain::Database, 2),
    (Domain::Infrastructure, 2),
    (Domain::Testing, 2),
    (Domain::Security, 1),
    (Domain::Documentation, 1),
    (Domain::Unknown, 1),
];

/// How long tasks take: lognormal around 12 minutes.
const MEDIAN_MINUTES: f64 = 12.0;
const SIGMA: f64 = 0.6;

/// A backlog of this kind.
pub(crate) fn backlog(kind: Kind, count: u64, dice: &mut Dice) -> Vec<Task> {
    (1..=count)
        .map(|number| {
            let pool = 4 * count;
            let mut files: Vec<String> = (0..=dice.below(3))
                .map(|_| format!("src/f{}.rs", dice.below(pool)))
                .collect();
            if kind == Kind::HotFiles && dice.below(10) < 3 {
                let hot = (count / 20).max(3);
                // The smaller of two is a small one more often.
                let which = dice.below(hot).min(dice.below(hot));
                files.push(format!("src/hot{which}.rs"));
            }
            let mut needs = Vec::new();
            if kind == Kind::Chained && number > 1 && dice.below(10) < 4 {
                let window = (count / 4).max(2).min(number - 1);
                needs.extend((0..=dice.below(2)).map(|_| number - 1 - dice.below(window)));
            }
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            let mut task = task(number, domain(dice), &files, &needs);
            task.estimate.minutes = minutes(MEDIAN_MINUTES, dice);
            task
        })
        .collect()
}

fn domain(dice: &mut Dice) -> Domain {
    let mut left = dice.below(20);
    for (domain, share) in DOMAINS {
        if left < share {
            return domain;
        }
        left -= share;
    }
    Domain::Unknown
}

/// About so many minutes: lognormal, at least 1, at most ten times as many.
fn minutes(median: f64, dice: &mut Dice) -> u32 {
    let minutes = median * (SIGMA * normal(dice)).exp();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 1 and 10 times the median"
    )]
    let minutes = minutes.round().clamp(1.0, median * 10.0) as u32;
    minutes
}

/// About normally distributed around 0 with deviation 1 (the sum of twelve uniform ones: Irwin and Hall 1927).
fn normal(dice: &mut Dice) -> f64 {
    let uniform = |number: u64| f64::from(u32::try_from(number).unwrap_or(0)) / 65_536.0;
    (0..12).map(|_| uniform(dice.below(65_536))).sum::<f64>() - 6.0
}

/// How a backlog is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) slots: u32,
    pub(crate) policy: Policy,
    /// Do tasks take as long as was expected, or about as long?
    pub(crate) wrong: bool,
}

/// The makespan over its bound by the true durations, the one that files, needs and slots allow.
pub(crate) fn ratio(kind: Kind, count: u64, seed: u64, run: Run) -> f64 {
    let mut dice = Dice::new(seed);
    let tasks = backlog(kind, count, &mut dice);
    let mut settings = settings(run.slots);
    let by_files = Backlog::read(tasks.clone(), &settings).expect("acyclic");
    settings.policy = run.policy;
    let (prediction, _) = predict(tasks.clone(), &settings).expect("acyclic");
    let truth: ByIssue<u32> = tasks
        .iter()
        .map(|task| {
            let expected = task.estimate.minutes;
            let wrong = minutes(f64::from(expected), &mut dice);
            (task.number(), if run.wrong { wrong } else { expected })
        })
        .collect();
    let minutes = |issue: IssueNumber| u64::from(truth[&issue]);
    let weights: Vec<u64> = tasks.iter().map(|task| minutes(task.number())).collect();
    let bound = Bound::of(&by_files, run.slots, &weights).most();
    let backlog = Backlog::read(tasks, &settings).expect("acyclic");
    let order = backlog.order_of(&prediction.order).expect("it is whole");
    let played = play(
        backlog.ranked(&order),
        &settings,
        |task| minutes(task.number()),
        |task, _| as_expected(task),
    );
    #[expect(clippy::cast_precision_loss, reason = "minutes of a session")]
    let ratio = played.makespan_millis as f64 / bound as f64;
    ratio
}

/// What several groups of runs came to; a group has one kind, one size and several seeds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ratios {
    pub(crate) mean: f64,
    pub(crate) worst: f64,
}

/// Of every kind and size.
pub(crate) fn ratios(counts: &[u64], seeds: u64, run: Run) -> Ratios {
    let groups = KINDS
        .into_iter()
        .flat_map(|kind| counts.iter().map(move |count| (kind, *count)));
    let mean = |ratios: &[f64]| {
        let sum: f64 = ratios.iter().sum();
        sum / f64::from(u32::try_from(ratios.len()).unwrap_or(1))
    };
    let groups: Vec<f64> = groups
        .map(|(kind, count)| {
            let ratios: Vec<f64> = (1..=seeds)
                .map(|seed| ratio(kind, count, seed * 1_000 + count, run))
                .collect();
            mean(&ratios)
        })
        .collect();
    Ratios {
        mean: mean(&groups),
        worst: groups.iter().copied().fold(0.0, f64::max),
    }
}
