//! A whole session planned and run on a virtual clock: 1,000, 10,000 and 100,000 tasks.

#[path = "../tests/support/tasks.rs"]
mod tasks;

use autoissue::rules::schedule::forecast::{as_expected, forecast};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tasks::{Dice, instance, settings};

fn sessions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("schedule");
    group.sample_size(10);
    for count in [1_000_u64, 10_000, 100_000] {
        let tasks = instance(count, count, &mut Dice::new(42));
        group.bench_function(format!("{count} tasks"), |bencher| {
            bencher.iter_batched(
                || tasks.clone(),
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
    group.finish();
}

criterion_group!(benches, sessions);
criterion_main!(benches);
