//! What a durable turn costs, beside a synced append-only file in the same run, and how fast a big session is read.

use autoissue::adapters::store::journal::SqliteJournal;
use autoissue::adapters::store::open::Store;
use autoissue::ports::Journal;
use autoissue::rules::event::{Event, Fact, Recorded};
use autoissue::rules::ids::{
    AgentPlace, AttemptNumber, BranchName, IssueNumber, SessionId, SlotNumber, Timestamp,
};
use autoissue::rules::issue::Selection;
use autoissue::rules::money::Usd;
use autoissue::rules::task::{Attempted, Ending, Outcome, Stage, Start};
use criterion::{Criterion, criterion_group, criterion_main};
use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

const TASKS: u64 = 10_000;
const ROUNDS: u64 = 200;

/// What a task's attempt tells on its way, without its tail of pull and comments.
fn events_of(issue: u64) -> [Event; 10] {
    let (issue, attempt) = (IssueNumber(issue), AttemptNumber(1));
    let fact = |fact| Event::Fact {
        issue,
        attempt,
        fact,
    };
    let entered = |stage| fact(Fact::Entered { stage });
    [
        Event::Admitted {
            agent: AgentPlace::default(),
            issue,
            attempt,
            slot: SlotNumber(3),
            grant: Usd::from_micros(5_500_000),
            probe: false,
            branch: BranchName::new(format!("autoissue/{}-make-the-page-red", issue.0)),
            start: Start::Base,
            below: Vec::new(),
        },
        entered(Stage::Prepare),
        entered(Stage::Agent),
        entered(Stage::Commit),
        entered(Stage::Check),
        fact(Fact::Verified),
        entered(Stage::Publish),
        Event::Settled {
            issue,
            attempt,
            grant: Usd::from_micros(5_500_000),
            outcome: Outcome::free(Attempted::Published),
        },
        Event::TaskEnded {
            issue,
            ending: Ending::Completed,
            reason: None,
        },
        Event::Announced {
            issue,
            trouble: None,
        },
    ]
}

struct Place {
    journal: SqliteJournal,
    file: File,
    last: u64,
    runtime: Runtime,
    _state: TempDir,
}

impl Place {
    fn new() -> Self {
        let state = tempfile::tempdir().expect("a temporary directory");
        Self {
            journal: journal(state.path()),
            file: File::create(state.path().join("events.jsonl")).expect("a file"),
            last: 0,
            runtime: Builder::new_current_thread().build().expect("a runtime"),
            _state: state,
        }
    }

    fn turn(&mut self, events: usize) -> Vec<Recorded> {
        let turn = events_of(self.last).into_iter().take(events);
        turn.map(|event| {
            self.last += 1;
            Recorded {
                seq: self.last,
                at: Timestamp(0),
                event,
            }
        })
        .collect()
    }

    fn append(&mut self, events: usize) -> Duration {
        let turn = self.turn(events);
        let start = Instant::now();
        let appended = self.runtime.block_on(self.journal.append(&turn));
        appended.expect("it is stored");
        start.elapsed()
    }

    fn write(&mut self, events: usize) -> Duration {
        let turn: Vec<_> = events_of(1).into_iter().take(events).collect();
        let start = Instant::now();
        let mut lines = Vec::new();
        for event in &turn {
            serde_json::to_writer(&mut lines, event).expect("an event is JSON");
            lines.push(b'\n');
        }
        let written = self.file.write_all(&lines);
        written
            .and_then(|()| self.file.sync_data())
            .expect("it is written");
        start.elapsed()
    }
}

fn journal(state: &Path) -> SqliteJournal {
    let store = Store::open(state).expect("a store");
    store
        .begin(SessionId::new("bench"), "owner/name", &Selection::default())
        .expect("a session")
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Both ways by turns, so that a slow moment of the disk is shared.
fn compare(out: &mut impl Write) -> std::io::Result<()> {
    for events in [1, 10] {
        let mut place = Place::new();
        let (mut journal, mut file) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            journal.push(place.append(events));
            file.push(place.write(events));
        }
        let (journal, file) = (median(journal), median(file));
        writeln!(
            out,
            "turn of {events}: journal {journal:?}, synced file {file:?}, ratio {:.2}",
            journal.as_secs_f64() / file.as_secs_f64()
        )?;
    }
    Ok(())
}

fn appends(criterion: &mut Criterion) {
    compare(&mut std::io::stdout()).expect("a place to print to");
    for events in [1, 10] {
        let mut place = Place::new();
        criterion.bench_function(&format!("append a turn of {events}"), |bencher| {
            bencher.iter_custom(|turns| (0..turns).map(|_| place.append(events)).sum());
        });
    }
}

fn recovery(criterion: &mut Criterion) {
    let mut place = Place::new();
    for _ in 0..TASKS / 100 {
        let turn: Vec<_> = (0..100).flat_map(|_| place.turn(10)).collect();
        let appended = place.runtime.block_on(place.journal.append(&turn));
        appended.expect("it is stored");
    }
    criterion.bench_function("read a session of 10,000 tasks", |bencher| {
        bencher.iter(|| {
            let events = place.runtime.block_on(place.journal.events());
            black_box(events.expect("they are read").len())
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3));
    targets = appends, recovery
}
criterion_main!(benches);
