//! How long does it take to read one issue's text?

use autoissue::rules::classify::classify;
use autoissue::rules::footprint::named_in_text;
use autoissue::rules::ids::{IssueNumber, Timestamp};
use autoissue::rules::issue::{Issue, IssueState, needs_in_text};
use autoissue::rules::own::Classification;
use autoissue::rules::redact::Redactor;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

const PARAGRAPH: &str = "When a user opens the settings page, the endpoint answers with an error, and the list stays \
    empty. It depends on #12. The cause seems to be in `src/api/settings.rs:120`, where the query is built; see also \
    web/components/List.tsx and https://example.com/docs/settings.html. Version 1.2.3 worked, e.g. with node.js.\n\n\
    - [ ] the list is filled again\n- [ ] a test shows it\n\n```\nthread 'main' panicked at src/main.rs:7:3\n```\n";

fn issue(bytes: usize) -> Issue {
    Issue {
        number: IssueNumber(1),
        title: "The list of settings stays empty".to_owned(),
        body: PARAGRAPH.repeat(bytes / PARAGRAPH.len() + 1)[..bytes].to_owned(),
        labels: vec!["bug".to_owned()],
        state: IssueState::Open,
        author: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        url: None,
        depends_on: Vec::new(),
        assignees: Vec::new(),
        milestone: None,
        parts: Vec::new(),
        pulls: Vec::new(),
    }
}

fn read(criterion: &mut Criterion) {
    let redactor = Redactor::new(["a-secret-value-1".to_owned(), "another/secret+2".to_owned()]);
    let mut group = criterion.benchmark_group("read");
    for bytes in [1 << 10, 1 << 16] {
        let (issue, own) = (issue(bytes), Classification::default());
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_with_input(
            BenchmarkId::new("classify", bytes),
            &issue,
            |bench, issue| {
                bench.iter(|| classify(black_box(issue), &own));
            },
        );
        group.bench_with_input(BenchmarkId::new("files", bytes), &issue, |bench, issue| {
            bench.iter(|| named_in_text(black_box(issue)));
        });
        group.bench_with_input(BenchmarkId::new("needs", bytes), &issue, |bench, issue| {
            bench.iter(|| needs_in_text(black_box(&issue.body)));
        });
        group.bench_with_input(BenchmarkId::new("redact", bytes), &issue, |bench, issue| {
            bench.iter(|| redactor.clean(black_box(&issue.body)).len());
        });
    }
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
