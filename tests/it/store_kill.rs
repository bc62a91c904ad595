//! The store under killed and competing processes: this binary runs itself as them.

use crate::store_sample::{
    PROJECT, admitted, append, begin, dollars, ended, selection, settled, started, task,
};
use autoissue::adapters::store::error::StoreError;
use autoissue::adapters::store::open::Store;
use autoissue::ports::{Journal, JournalError};
use autoissue::rules::classify::Domain;
use autoissue::rules::event::{Event, Fact};
use autoissue::rules::ids::{AgentPlace, SessionId};
use autoissue::rules::money::Usd;
use autoissue::rules::task::{Ending, Stage};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ROLE: &str = "STORE_TEST_ROLE";
const STATE: &str = "STORE_TEST_STATE";
const SESSION: &str = "STORE_TEST_SESSION";

/// This test in a process of its own, with a role to play.
fn actor(role: &str, state: &Path, session: &str) -> Command {
    let mut actor = Command::new(std::env::current_exe().unwrap());
    actor
        .args([
            "--exact",
            "store_kill::a_process_plays_its_role",
            "--nocapture",
        ])
        .env(ROLE, role)
        .env(STATE, state)
        .env(SESSION, session)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    actor
}

fn say(word: &str, number: u64) {
    let line = format!("\n{word} {number}\n");
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}

/// What an actor said: its numbers behind this word.
fn said(output: &[u8], word: &str) -> Vec<u64> {
    String::from_utf8_lossy(output)
        .lines()
        .filter_map(|line| line.strip_prefix(word)?.trim().parse().ok())
        .collect()
}

#[tokio::test]
async fn a_process_plays_its_role() {
    let variable = |name| std::env::var(name).ok();
    let own = tempfile::tempdir().unwrap();
    let state = variable(STATE).map_or(own.path().into(), std::path::PathBuf::from);
    let session = variable(SESSION).unwrap_or("a".into());
    let role = variable(ROLE).unwrap_or("script".into());
    match role.split_once(' ').unwrap_or((&role, "")) {
        ("append", _) => append_for_ever(&state, &session).await,
        ("spend", ceiling) => spend(&state, &session, Usd::parse(ceiling)).await,
        ("script", crash) => play_script(&state, &session, crash).await,
        ("hold", heir) => hold_and_die(&state, &session, heir).await,
        other => panic!("no such role: {other:?}"),
    }
}

async fn append_for_ever(state: &Path, session: &str) {
    let store = Store::open(state).unwrap();
    let journal = store.journal(&SessionId::new(session)).unwrap();
    let mut seq = journal.events().await.unwrap().len() as u64;
    loop {
        let turn = vec![
            Event::StopRequested,
            Event::BreakerClosed {
                agent: AgentPlace::default(),
            },
        ];
        append(&journal, seq + 1, turn).await.unwrap();
        seq += 2;
        say("acknowledged", seq);
    }
}

/// A number that differs from round to round, and is the same in every run.
fn dice(round: u64) -> u64 {
    (round + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40
}

fn acknowledged(line: std::io::Result<String>) -> Option<u64> {
    line.unwrap().strip_prefix("acknowledged ")?.parse().ok()
}

#[tokio::test]
async fn a_kill_at_any_moment_loses_no_acknowledged_event_and_leaves_no_gap() {
    const ROUNDS: u64 = 30;
    let state = tempfile::tempdir().unwrap();
    drop(begin(&Store::open(state.path()).unwrap(), "a", None).await);
    let mut stored = 1;
    for round in 0..ROUNDS {
        let mut actor = actor("append", state.path(), "a").spawn().unwrap();
        let lines = BufReader::new(actor.stdout.take().unwrap()).lines();
        let mut heard = lines.filter_map(acknowledged);
        let mut last = heard.nth((dice(round) % 40) as usize).unwrap();
        let moment = Instant::now() + Duration::from_micros(dice(round + 100) % 3000);
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        actor.kill().unwrap();
        actor.wait().unwrap();
        last = heard.last().unwrap_or(last);

        let store = Store::open(state.path()).unwrap();
        let events = store.events(&SessionId::new("a")).unwrap().len() as u64;
        assert!(
            events >= last,
            "round {round}: {last} told, {events} stored"
        );
        assert!(
            events % 2 == 1,
            "round {round}: a turn is stored as a whole"
        );
        assert!(events > stored, "round {round}: nothing happened");
        stored = events;
    }
}

async fn spend(state: &Path, session: &str, ceiling: Option<Usd>) {
    let store = Store::open(state).unwrap();
    let journal = begin(&store, session, ceiling).await;
    let mut granted = 0;
    while granted < 80 {
        let attempt = u32::try_from(granted).unwrap() + 1;
        match append(
            &journal,
            granted + 2,
            vec![admitted(1, attempt, dollars(1))],
        )
        .await
        {
            Ok(()) => granted += 1,
            Err(JournalError::DailyCeiling { .. }) => break,
            Err(other) => panic!("{other}"),
        }
    }
    say("granted", granted);
}

fn spent_by_two(ceiling: &str) -> u64 {
    let state = tempfile::tempdir().unwrap();
    let role = format!("spend {ceiling}");
    let start = |session| actor(&role, state.path(), session).spawn().unwrap();
    let granted = |actor: Child| {
        let output = actor.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        said(&output.stdout, "granted")[0]
    };
    let both = [start("a"), start("b")].map(granted);
    let store = Store::open(state.path()).unwrap();
    let cost = store.sessions(2).unwrap().iter().map(|row| row.cost).sum();
    let total = both.iter().sum();
    assert_eq!(dollars(total), cost);
    total
}

#[test]
fn two_processes_keep_to_the_daily_ceiling_together() {
    assert_eq!(spent_by_two("100"), 100);
    assert_eq!(
        spent_by_two("none"),
        160,
        "the control: nothing else stops them"
    );
}

fn script(session: &SessionId) -> Vec<Vec<Event>> {
    let entered = crate::store_sample::fact(
        7,
        Fact::Entered {
            stage: Stage::Agent,
        },
    );
    vec![
        vec![
            started(session, Some(dollars(5))),
            Event::tasks_read(vec![task(7, Domain::Backend)]),
        ],
        vec![admitted(7, 1, dollars(5)), entered],
        vec![
            settled(7, 1, dollars(5), dollars(2)),
            ended(7, Ending::Completed),
            Event::SessionFinished,
        ],
    ]
}

async fn play_script(state: &Path, session: &str, crash: &str) {
    let store = Store::open(state)
        .unwrap()
        .with_crash_point(crash.parse().ok());
    let id = SessionId::new(session);
    let journal = store
        .begin(id.clone(), PROJECT, &selection("ready"))
        .unwrap();
    let mut seq = 1;
    for turn in script(&id) {
        let next = seq + turn.len() as u64;
        append(&journal, seq, turn).await.unwrap();
        seq = next;
    }
    assert_eq!(journal.events().await.unwrap().len() as u64, seq - 1);
}

#[test]
fn a_crash_point_ends_the_process_on_its_side_of_its_event() {
    const SIGABRT: i32 = 6;
    let events = script(&SessionId::new("a")).concat().len() as u64;
    for event in 1..=events {
        for (side, stored) in [("before", event - 1), ("after", event)] {
            let state = tempfile::tempdir().unwrap();
            let role = format!("script {event}:{side}");
            let status = actor(&role, state.path(), "a").status().unwrap();
            assert_eq!(status.signal(), Some(SIGABRT), "{role}");
            let store = Store::open(state.path()).unwrap();
            let found = store.events(&SessionId::new("a")).unwrap().len() as u64;
            assert_eq!(found, stored, "{role}");
        }
    }
    let state = tempfile::tempdir().unwrap();
    let beyond = actor(&format!("script {}", events + 1), state.path(), "a").status();
    assert!(beyond.unwrap().success(), "a point that never comes");
}

#[tokio::test]
async fn a_crash_point_changes_nothing_about_what_is_refused() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path())
        .unwrap()
        .with_crash_point("99".parse().ok());
    let journal = begin(&store, "a", Some(dollars(5))).await;
    let turn = vec![admitted(1, 1, dollars(3)), admitted(2, 1, dollars(3))];
    let refused = append(&journal, 2, turn).await.unwrap_err();
    assert!(matches!(refused, JournalError::DailyCeiling { .. }));
    assert_eq!(journal.events().await.unwrap().len(), 1);
}

/// Leaves a process behind and dies without a word. The control hands that process the lock.
async fn hold_and_die(state: &Path, session: &str, heir: &str) {
    let store = Store::open(state).unwrap();
    let journal = begin(&store, session, None).await;
    let stdin = if heir == "with heir" {
        drop(journal);
        let lock = File::open(state.join("sessions").join(session).join("lock")).unwrap();
        lock.lock().unwrap();
        Stdio::from(lock)
    } else {
        std::mem::forget(journal);
        Stdio::null()
    };
    let left = Command::new("sleep")
        .arg("60")
        .stdin(stdin)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    say("left", u64::from(left.id()));
    std::process::abort();
}

/// Can the session be taken after its holder died with a child left behind?
fn is_free_after_death(role: &str) -> bool {
    let state = tempfile::tempdir().unwrap();
    let actor = actor(role, state.path(), "a").output().unwrap();
    assert!(!actor.status.success());
    let left = said(&actor.stdout, "left")[0].to_string();
    let store = Store::open(state.path()).unwrap();
    let taken = store.journal(&SessionId::new("a"));
    let killed = Command::new("kill").arg(&left).status().unwrap();
    assert!(killed.success(), "the child lived on");
    match taken {
        Ok(_) => true,
        Err(StoreError::Held { .. }) => false,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_lock_dies_with_its_process_even_if_children_live_on() {
    assert!(is_free_after_death("hold"));
    assert!(
        !is_free_after_death("hold with heir"),
        "the control: a child that inherits the file keeps the lock"
    );
}

#[tokio::test]
async fn a_second_process_is_refused_at_once_and_told_who_holds_the_session() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    drop(begin(&store, "a", None).await);
    let mut actor = actor("append", state.path(), "a").spawn().unwrap();
    let mut lines = BufReader::new(actor.stdout.take().unwrap()).lines();
    lines.find_map(acknowledged).unwrap();
    let asked = Instant::now();
    let Err(StoreError::Held { holder, .. }) = store.journal(&SessionId::new("a")) else {
        panic!("two hold it");
    };
    assert!(asked.elapsed() < Duration::from_secs(1));
    assert_eq!(holder, format!("process {}", actor.id()));
    actor.kill().unwrap();
    actor.wait().unwrap();
    store.journal(&SessionId::new("a")).unwrap();
}
