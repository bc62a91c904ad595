//! How long a session takes beside the best that could be: on a virtual clock, over seeded backlogs.

use crate::backlogs::{KINDS, Kind, Ratios, Run, backlog, ratio, ratios};
use crate::instances::instance;
use crate::tasks::{Dice, settings, task};
use autoissue::rules::classify::Domain;
use autoissue::rules::ids::IssueNumber;
use autoissue::rules::schedule::predict::predict;
use autoissue::rules::settings::Policy;
use autoissue::rules::task::Task;
use proptest::prelude::*;

fn run(slots: u32) -> Run {
    Run {
        slots,
        policy: Policy::Footprint,
        wrong: false,
    }
}

#[test]
fn a_hundred_tasks_take_hardly_longer_than_the_best_that_could_be() {
    for slots in [3, 8, 16, 32] {
        let Ratios { mean, worst } = ratios(&[100, 300], 2, run(slots));
        assert!(mean <= 1.02, "{slots} slots: {mean:.3} on average");
        assert!(worst <= 1.06, "{slots} slots: {worst:.3} for one kind");
    }
}

#[test]
fn files_beat_domains_by_two_and_a_half_times_at_eight_slots() {
    for kind in KINDS {
        let by = |policy| {
            let run = Run { policy, ..run(8) };
            ratio(kind, 200, 7, run)
        };
        let (domains, files) = (by(Policy::Domain), by(Policy::Footprint));
        assert!(
            domains >= 2.5 * files,
            "{kind:?}: {domains:.2} against {files:.2}"
        );
    }
}

#[test]
fn wrong_estimates_cost_little_in_three_slots_and_some_in_many() {
    let wrong = |slots| Run {
        wrong: true,
        ..run(slots)
    };
    let few = ratios(&[200], 3, wrong(3));
    assert!(few.mean <= 1.02, "{few:?}");
    let many = ratios(&[200], 3, wrong(16));
    assert!(many.mean <= 1.12, "{many:?}");
}

#[test]
fn of_few_tasks_several_orders_are_played_and_a_better_one_is_found() {
    let found = (1..=20).filter(|seed| {
        let tasks = backlog(Kind::Chained, 60, &mut Dice::new(*seed));
        let settings = settings(8);
        let (best, _) = predict(tasks.clone(), &settings).expect("acyclic");
        let plain = autoissue::rules::schedule::forecast::forecast(
            tasks,
            &settings,
            |task| u64::from(task.estimate.minutes) * 60_000,
            |task, _| autoissue::rules::schedule::forecast::as_expected(task),
        )
        .expect("acyclic");
        let plain = plain.makespan_millis / 60_000;
        assert!(best.makespan_minutes <= plain);
        best.makespan_minutes < plain
    });
    assert!(found.count() >= 3);
}

#[test]
fn ten_issues_of_which_nothing_is_known_no_longer_run_one_by_one() {
    let unknown = || (1..=10).map(|number| task(number, Domain::Unknown, &[], &[]));
    let mut settings = settings(5);
    let (by_files, _) = predict(unknown().collect(), &settings).expect("acyclic");
    assert_eq!(
        by_files.makespan_minutes, 20,
        "ten of ten minutes in five slots"
    );
    settings.policy = Policy::Domain;
    let (strict, _) = predict(unknown().collect(), &settings).expect("acyclic");
    assert_eq!(strict.makespan_minutes, 100, "the founding rule");
    assert_eq!(strict.lower_bound_minutes, 100);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_prediction_never_beats_its_bound_and_is_the_same_twice(
        seed in any::<u64>(), count in 1_u64..40, pool in 1_u64..30, slots in 1_u32..10, domain in any::<bool>(),
    ) {
        let tasks = || instance(count, pool, &mut Dice::new(seed));
        let mut settings = settings(slots);
        settings.policy = if domain { Policy::Domain } else { Policy::Footprint };
        let (prediction, _) = predict(tasks(), &settings).expect("acyclic");
        prop_assert!(prediction.makespan_minutes >= prediction.lower_bound_minutes, "{:?}", prediction);
        prop_assert!(prediction.lower_bound_minutes > 0);
        let (again, _) = predict(tasks(), &settings).expect("acyclic");
        prop_assert_eq!(&again, &prediction);
        let mut order = prediction.order;
        order.sort_unstable();
        let all: Vec<IssueNumber> = tasks().iter().map(Task::number).collect();
        prop_assert_eq!(order, all);
    }
}
