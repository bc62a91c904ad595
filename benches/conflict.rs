//! How long does it take to tell whether two tasks collide?

use autoissue::rules::conflict::collision;
use autoissue::rules::footprint::{Evidence, Footprint, LikelyFile};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::hint::black_box;

/// So many files in a tree of directories, of which every `step`th is shared with the footprint of step 1.
fn footprint(files: usize, step: usize) -> Footprint {
    let mut files: Vec<_> = (0..files)
        .map(|number| {
            let path = format!("src/room{:02}/file{:05}.rs", number % 20, number * step);
            LikelyFile::new(path, 0.9, Evidence::NamedInText)
        })
        .collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Footprint { files }
}

fn collide(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("collision");
    for files in [5, 50, 500] {
        let one = footprint(files, 1);
        for (name, other) in [
            ("some shared", footprint(files, 3)),
            ("all shared", one.clone()),
        ] {
            group.bench_with_input(BenchmarkId::new(name, files), &other, |bench, other| {
                bench.iter(|| collision(black_box(&one), black_box(other)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, collide);
criterion_main!(benches);
