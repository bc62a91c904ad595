//! How long pages of a session of 10,000 tasks take, asked of the server by a client; the goal is 200 ms a page.

#[path = "../tests/support/tasks.rs"]
#[expect(dead_code, reason = "other tests and benches use the rest")]
mod tasks;

use autoissue::adapters::store::journal::SqliteJournal;
use autoissue::adapters::store::open::Store;
use autoissue::ports::Journal;
use autoissue::rules::classify::Domain;
use autoissue::rules::event::{Event, Fact, Recorded};
use autoissue::rules::ids::{
    AgentPlace, AttemptNumber, IssueNumber, SessionId, SlotNumber, Timestamp,
};
use autoissue::rules::issue::Selection;
use autoissue::rules::money::Usd;
use autoissue::rules::task::{Attempted, Ending, Outcome, Stage, Start, Task};
use autoissue::serve::door::Door;
use autoissue::serve::doorway::Doorway;
use autoissue::serve::server::{House, run};
use autoissue::serve::watched::Watched;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

const TASKS: u64 = 10_000;
/// Of them so many have ended.
const DONE: u64 = 6_000;
const SLOTS: u64 = 8;
const ROUNDS: usize = 9;
const GOAL: Duration = Duration::from_millis(200);

fn backlog() -> Vec<Task> {
    let one = |number: u64| {
        let (own, hot) = (
            format!("src/f{number}.rs"),
            format!("src/hot{}.rs", number % 97),
        );
        let files: &[&str] = if number.is_multiple_of(5) {
            &[&own, &hot]
        } else {
            &[&own]
        };
        let needs: &[u64] = if number.is_multiple_of(3) {
            &[number - 1]
        } else {
            &[]
        };
        tasks::task(number, Domain::Backend, files, needs)
    };
    (1..=TASKS).map(one).collect()
}

/// What is told of a task; of one that is not done, until its agent runs.
fn events_of(task: &Task) -> Vec<Event> {
    let (issue, attempt) = (task.number(), AttemptNumber(1));
    let (grant, cost) = (Usd::from_micros(2_000_000), Usd::from_micros(250_000));
    let entered = |stage| Event::Fact {
        issue,
        attempt,
        fact: Fact::Entered { stage },
    };
    let mut outcome = Outcome::free(Attempted::Published);
    outcome.charge.cost = cost;
    let mut events = vec![
        Event::Admitted {
            agent: AgentPlace::default(),
            issue,
            attempt,
            slot: SlotNumber(u32::try_from(issue.0 % SLOTS).unwrap_or(0)),
            grant,
            probe: false,
            branch: task.branch.clone(),
            start: Start::Base,
            below: Vec::new(),
        },
        entered(Stage::Prepare),
        entered(Stage::Agent),
    ];
    if issue <= IssueNumber(DONE) {
        events.extend([
            entered(Stage::Commit),
            entered(Stage::Check),
            entered(Stage::Publish),
            Event::Settled {
                issue,
                attempt,
                grant,
                outcome,
            },
            Event::TaskEnded {
                issue,
                ending: Ending::Completed,
                reason: None,
            },
        ]);
    }
    events
}

/// A session that runs: its journal is held as long as this is kept.
async fn stage(store: &Store, id: &SessionId) -> SqliteJournal {
    let journal = store.begin(id.clone(), "owner/name", &Selection::default());
    let journal = journal.expect("a session");
    let backlog = backlog();
    let begun = Event::SessionStarted {
        session: id.clone(),
        project: "owner/name".to_owned(),
        selection: Selection::default(),
        settings: Box::new(tasks::settings(u32::try_from(SLOTS).unwrap_or(1))),
    };
    let mut events = vec![begun, Event::tasks_read(backlog.clone())];
    let worked = usize::try_from(DONE + SLOTS).unwrap_or(0);
    events.extend(backlog.iter().take(worked).flat_map(events_of));
    let record = |(event, seq): (Event, u64)| Recorded {
        seq,
        at: Timestamp(i64::try_from(seq).unwrap_or(0) * 1_000),
        event,
    };
    let recorded: Vec<Recorded> = events.into_iter().zip(1..).map(record).collect();
    for turn in recorded.chunks(1_000) {
        journal.append(turn).await.expect("it is stored");
    }
    journal
}

#[tokio::main]
async fn main() {
    let state = tempfile::tempdir().expect("a temporary directory");
    let store = Store::open(state.path()).expect("a store");
    let id = SessionId::new("bench");
    let _held = stage(&store, &id).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let house = House::new(Arc::new(Watched::new(store)));
    let doorway = Doorway::new(Door::new(None, Vec::new()));
    tokio::spawn(run(
        (listener, None),
        house,
        doorway,
        std::future::pending(),
    ));
    let pages = [
        "/",
        "/sessions/bench?page=70",
        "/sessions/bench?state=waiting&q=issue 9",
        "/sessions/bench/issues/77",
        "/timeline",
        "/graph",
        "/budget",
        "/figures",
    ];
    let client = reqwest::Client::new();
    let mut out = std::io::stdout();
    for path in pages {
        let mut times = Vec::new();
        let mut bytes = 0;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let answer = client.get(format!("{url}{path}")).send().await;
            let answer = answer.and_then(reqwest::Response::error_for_status);
            let text = answer.expect("a page").text().await.expect("all of it");
            times.push(start.elapsed());
            bytes = text.len();
        }
        let first = times[0];
        times.sort_unstable();
        let (median, most) = (times[ROUNDS / 2], times[ROUNDS - 1]);
        let verdict = if median < GOAL { "met" } else { "MISSED" };
        writeln!(
            out,
            "{path:42} first {first:>8.1?}, median {median:>8.1?}, most {most:>8.1?}, {bytes:>7} bytes: goal {verdict}"
        )
        .expect("a place to print to");
    }
}
