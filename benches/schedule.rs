//! A whole session planned and run on a virtual clock: 1,000, 10,000 and 100,000 tasks of three kinds.

#[path = "../tests/support/instances.rs"]
mod instances;
#[path = "../tests/support/tasks.rs"]
mod tasks;

use autoissue::rules::classify::Domain;
use autoissue::rules::schedule::forecast::{as_expected, forecast};
use autoissue::rules::task::Task;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use instances::instance;
use std::sync::Arc;
use tasks::{Dice, settings, task};

const HOT_FILES: u64 = 10;

/// Nothing is known of any: each runs alone.
fn unknown(count: u64) -> Vec<Task> {
    (1..=count)
        .map(|number| task(number, Domain::Unknown, &[], &[]))
        .collect()
}

/// Each touches a file of its own, and one of a few that all fight for.
fn hot(count: u64, dice: &mut Dice) -> Vec<Task> {
    (1..=count)
        .map(|number| {
            let (shared, own) = (
                format!("src/hot{}.rs", dice.below(HOT_FILES)),
                format!("src/own{number}.rs"),
            );
            let mut task = task(number, Domain::Backend, &[&shared, &own], &[]);
            task.estimate.minutes = 5 + u32::try_from(dice.below(30)).unwrap_or(0);
            task
        })
        .collect()
}

fn sessions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("schedule");
    group.sample_size(10);
    for count in [1_000_u64, 10_000, 100_000] {
        for (name, tasks) in [
            ("mixed", instance(count, count, &mut Dice::new(42))),
            ("unknown", unknown(count)),
            ("hot files", hot(count, &mut Dice::new(7))),
        ] {
            group.bench_function(format!("{count} tasks, {name}"), |bencher| {
                bencher.iter_batched(
                    || tasks.iter().cloned().map(Arc::new).collect::<Vec<_>>(),
                    |tasks| {
                        forecast(
                            tasks,
                            &settings(8),
                            |task| u64::from(task.estimate.minutes) * 60_000,
                            |task, _| as_expected(task),
                        )
                    },
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

criterion_group!(benches, sessions);
criterion_main!(benches);
