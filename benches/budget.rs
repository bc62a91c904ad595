//! The budget: the precheck of 10,000 tasks, and one grant with its settlement.

use autoissue::rules::budget::Budget;
use autoissue::rules::ids::Timestamp;
use autoissue::rules::money::Usd;
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

fn budget(criterion: &mut Criterion) {
    let ceiling = Usd::from_micros(100_000_000_000);
    let one = Usd::from_micros(5_000_000);
    criterion.bench_function("budget/precheck of 10000 tasks", |bencher| {
        let budget = Budget::new(ceiling, None);
        bencher.iter(|| budget.precheck(black_box(std::iter::repeat_n(one, 10_000)), Timestamp(0)));
    });
    criterion.bench_function("budget/grant and settle", |bencher| {
        let mut budget = Budget::new(ceiling, Some(ceiling));
        bencher.iter(|| {
            if let Ok(grant) = budget.reserve(black_box(one), one, Timestamp(0)) {
                budget.grant(grant);
                budget.settle(grant, Usd::ZERO, one, Timestamp(0));
            }
        });
    });
}

criterion_group!(benches, budget);
criterion_main!(benches);
