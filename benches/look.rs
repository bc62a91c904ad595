//! What a look at running work costs: CPU of our own and of git's, over repositories of 10,000 files.

#[path = "../tests/support/tasks.rs"]
mod tasks;

use autoissue::adapters::git::repository::{GitRepository, open};
use autoissue::adapters::git::source::{Habits, Place, Source, nobody};
use autoissue::ports::{Repository, WorkspaceOrder};
use autoissue::rules::classify::Domain;
use autoissue::rules::event::{Event, Input, Recorded};
use autoissue::rules::ids::{
    AttemptNumber, BranchName, CommitId, IssueNumber, SessionId, SlotNumber, Timestamp,
};
use autoissue::rules::issue::Selection;
use autoissue::rules::rework::Touched;
use autoissue::rules::schedule::session::Session;
use nix::sys::resource::{UsageWho, getrusage};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tasks::{Dice, settings, task};

const FILES: u64 = 10_000;
const AGENTS: u32 = 3;
const ROUNDS: usize = 15;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut out = std::io::stdout();
    runtime.block_on(looks(&mut out));
    claims(&mut out);
}

async fn looks(out: &mut impl Write) {
    let root = tempfile::tempdir().expect("a temporary directory");
    let repository = repository(root.path()).await;
    let base = repository.fetch("main").await.expect("a base");
    let mut places = Vec::new();
    for number in 0..AGENTS {
        let order = order(number, &base);
        places.push(repository.prepare(&order).await.expect("a place").path);
    }
    tell(out, &repository, "untouched").await;
    for (number, place) in places.iter().enumerate() {
        for file in 0..10 {
            write(place, file, &format!("changed by {number}\n"));
        }
        fs::write(place.join("new.txt"), "new\n").expect("a new file");
    }
    tell(out, &repository, "each with 10 changed files and a new one").await;
}

/// The median over some rounds.
async fn tell(out: &mut impl Write, repository: &GitRepository, what: &str) {
    let issues: Vec<IssueNumber> = (1..=u64::from(AGENTS)).map(IssueNumber).collect();
    let (mut own, mut gits, mut walls) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let before = (
            cpu(UsageWho::RUSAGE_SELF),
            cpu(UsageWho::RUSAGE_CHILDREN),
            Instant::now(),
        );
        let look = repository.look(&issues).await.expect("a look");
        let commits: Vec<CommitId> = look.seen().iter().map(|seen| seen.commit.clone()).collect();
        let pairs: Vec<(CommitId, CommitId)> = commits
            .iter()
            .enumerate()
            .flat_map(|(at, one)| {
                commits[at + 1..]
                    .iter()
                    .map(|other| (one.clone(), other.clone()))
            })
            .filter(|(one, other)| one != other)
            .collect();
        if !pairs.is_empty() {
            let found = look.test_merges(&pairs).await.expect("a trial");
            assert!(found.iter().all(|paths| paths.len() == 10), "{found:?}");
        }
        own.push(cpu(UsageWho::RUSAGE_SELF).saturating_sub(before.0));
        gits.push(cpu(UsageWho::RUSAGE_CHILDREN).saturating_sub(before.1));
        walls.push(before.2.elapsed());
    }
    let (own, gits, wall) = (median(own), median(gits), median(walls));
    let told = writeln!(
        out,
        "a look at {AGENTS} agents in {FILES} files, {what}: {own:.1?} of our own, {gits:.1?} of git's, {wall:.1?} in all"
    );
    told.expect("a place to print to");
}

/// What a look costs the scheduler whose news concern those that wait: all claims are read anew.
fn claims(out: &mut impl Write) {
    let mut session = session();
    let running = session.table.running().next().expect("one runs");
    let issue = session.table.at(running).task.number();
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let touched = Touched {
            issue,
            attempt: AttemptNumber(1),
            paths: vec![format!("src/own{}.rs", 5_000 + round)],
        };
        let event = Event::Looked {
            touched: vec![touched],
            conflicts: Vec::new(),
            over: Vec::new(),
        };
        let begin = cpu(UsageWho::RUSAGE_SELF);
        put(&mut session, event);
        times.push(cpu(UsageWho::RUSAGE_SELF).saturating_sub(begin));
    }
    let told = writeln!(
        out,
        "news for one of {FILES} tasks: {:.1?} to read all claims anew",
        median(times)
    );
    told.expect("a place to print to");
}

/// One that runs what it can.
fn session() -> Session {
    let mut dice = Dice::new(1);
    let tasks = (1..=FILES).map(|number| {
        let (own, hot) = (
            format!("src/own{number}.rs"),
            format!("src/hot{}.rs", dice.below(500)),
        );
        Arc::new(task(number, Domain::Backend, &[&own, &hot], &[]))
    });
    let mut session = Session::default();
    let begin = Event::SessionStarted {
        session: SessionId::new("bench"),
        project: "bench".into(),
        selection: Selection::default(),
        settings: Box::new(settings(8)),
    };
    put(&mut session, begin);
    let read = Event::TasksRead {
        tasks: tasks.collect(),
        prediction: None,
    };
    put(&mut session, read);
    loop {
        let events = session.step(&Input::Tick, Timestamp(0));
        if events.is_empty() {
            return session;
        }
        for event in events {
            put(&mut session, event);
        }
    }
}

fn put(session: &mut Session, event: Event) {
    let recorded = Recorded {
        seq: session.seq + 1,
        at: Timestamp(0),
        event,
    };
    session.apply(&recorded);
}

async fn repository(root: &Path) -> GitRepository {
    let checkout = root.join("checkout");
    for number in 0..FILES {
        write(&checkout, number, &format!("{number}\n").repeat(20));
    }
    let setup = "git init -q -b main . && git add --all && git -c user.name=Bench -c user.email=bench@localhost commit -q -m begin";
    let made = Command::new("sh")
        .args(["-c", setup])
        .current_dir(&checkout)
        .status();
    assert!(made.expect("a shell").success());
    let place = Place {
        mirror: root.join("state/mirror.git"),
        slots: root.join("slots"),
    };
    let source = Source {
        url: checkout.display().to_string(),
        credential: nobody(),
        checkout: Some(checkout),
    };
    open(place, source, Habits::default())
        .await
        .expect("a repository")
}

fn order(number: u32, base: &CommitId) -> WorkspaceOrder {
    let issue = IssueNumber(u64::from(number) + 1);
    WorkspaceOrder {
        slot: SlotNumber(number),
        issue,
        branch: BranchName::new(format!("autoissue/{}-look", issue.0)),
        base: base.clone(),
        start: base.clone(),
    }
}

fn write(root: &Path, number: u64, text: &str) {
    let path: PathBuf = root.join(format!("room{}/file{number}.txt", number % 100));
    fs::create_dir_all(path.parent().expect("it has a parent")).expect("a directory");
    fs::write(path, text).expect("a file");
}

fn cpu(who: UsageWho) -> Duration {
    let usage = getrusage(who).expect("what was used");
    let parts = [usage.user_time(), usage.system_time()];
    let micros = parts.map(|part| part.tv_sec() * 1_000_000 + part.tv_usec());
    Duration::from_micros(micros.iter().sum::<i64>().unsigned_abs())
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}
