//! The store within one process, on a real database.

use crate::store_sample::{
    NOON, PROJECT, admitted, append, begin, commands, dollars, ended, one_of_each, place,
    selection, settings, settled, started, task,
};
use autoissue::adapters::store::error::StoreError;
use autoissue::adapters::store::open::Store;
use autoissue::adapters::store::sessions::SessionState;
use autoissue::ports::{Journal, JournalError};
use autoissue::rules::classify::Domain;
use autoissue::rules::evaluate::background::Background;
use autoissue::rules::evaluate::judge::Judge;
use autoissue::rules::evaluate::score::Level;
use autoissue::rules::event::{Command, Event, Progress};
use autoissue::rules::ids::{AgentPlace, AttemptNumber, IssueNumber, SessionId};
use autoissue::rules::money::Usd;
use autoissue::rules::task::Ending;
use rusqlite::Connection;
use std::path::Path;
use tempfile::TempDir;

fn place_for_state() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn sql(state: &Path, statement: &str) {
    let db = Connection::open(state.join("autoissue.db")).unwrap();
    db.execute_batch(statement).unwrap();
}

#[tokio::test]
async fn every_kind_of_event_comes_back_as_it_was_and_every_prefix_loads() {
    let state = place_for_state();
    let store = Store::open(state.path()).unwrap();
    let id = SessionId::new("a");
    let journal = store
        .begin(id.clone(), PROJECT, &selection("ready"))
        .unwrap();
    let events = place(1, one_of_each(&id));
    for (stored, event) in events.iter().enumerate() {
        assert_eq!(journal.events().await.unwrap(), events[..stored]);
        journal.append(std::slice::from_ref(event)).await.unwrap();
    }
    drop((journal, store));
    let store = Store::open_read_only(state.path()).unwrap();
    assert_eq!(store.events(&id).unwrap(), events);
}

#[tokio::test]
async fn a_turn_is_stored_as_a_whole_or_not_at_all() {
    let state = place_for_state();
    let store = Store::open(state.path()).unwrap();
    let journal = begin(&store, "a", None).await;
    let mut turn = place(
        2,
        vec![admitted(7, 1, dollars(1)), admitted(8, 1, dollars(1))],
    );
    turn[1].seq = 4;
    let refused = journal.append(&turn).await.unwrap_err();
    assert!(
        refused.to_string().contains("event 3 comes next"),
        "{refused}"
    );
    assert_eq!(journal.events().await.unwrap().len(), 1);
    let other = begin(&store, "b", None).await;
    assert_eq!(
        other.spent_elsewhere(NOON.day()).await.unwrap(),
        Usd::ZERO,
        "nothing was granted"
    );
    turn[1].seq = 3;
    journal.append(&turn).await.unwrap();
    assert_eq!(other.spent_elsewhere(NOON.day()).await.unwrap(), dollars(2));
    let twice = journal.append(&turn).await;
    assert!(twice.is_err(), "an event is stored once");
}

#[tokio::test]
async fn a_session_is_held_by_one_and_the_second_learns_by_whom() {
    let state = place_for_state();
    let store = Store::open(state.path()).unwrap();
    let journal = begin(&store, "a", None).await;
    let id = journal.session().clone();
    let me = format!("process {}", std::process::id());
    let Err(StoreError::Held { session, holder }) = store.journal(&id) else {
        panic!("two hold it");
    };
    assert_eq!((session, holder), (id.clone(), me.clone()));
    let again = Store::open(state.path()).unwrap();
    assert!(again.journal(&id).is_err());
    drop(journal);
    again.journal(&id).unwrap();

    let lock = store.lock_selection(PROJECT, &selection("ready")).unwrap();
    let Err(StoreError::SelectionHeld { holder, .. }) =
        again.lock_selection(PROJECT, &selection("ready"))
    else {
        panic!("two hold it");
    };
    assert_eq!(holder, me);
    again.lock_selection(PROJECT, &selection("bug")).unwrap();
    drop(lock);
    again.lock_selection(PROJECT, &selection("ready")).unwrap();
}

#[tokio::test]
async fn unfinished_sessions_are_found_until_they_are_finished() {
    let state = place_for_state();
    let store = Store::open(state.path()).unwrap();
    let unborn = store
        .begin(SessionId::new("u"), PROJECT, &selection("ready"))
        .unwrap();
    assert_eq!(store.newest_unfinished().unwrap(), None, "it has no event");
    assert!(store.sessions(9).unwrap().is_empty());
    drop(unborn);

    let journal = begin(&store, "a", None).await;
    let id = journal.session().clone();
    let state_of = || store.sessions(9).unwrap()[0].state;
    assert!(
        matches!(state_of(), SessionState::Running(holder) if holder.pid == std::process::id())
    );
    let name = selection("ready").name();
    let unfinished = || store.unfinished(PROJECT, &name).unwrap();
    assert_eq!(unfinished(), Some(id.clone()));
    assert_eq!(store.unfinished("owner/other", &name).unwrap(), None);
    assert_eq!(store.unfinished(PROJECT, "label other").unwrap(), None);

    append(&journal, 2, vec![Event::SessionInterrupted])
        .await
        .unwrap();
    drop(journal);
    assert_eq!(state_of(), SessionState::Interrupted);
    assert_eq!(unfinished(), Some(id.clone()));

    let journal = store.journal(&id).unwrap();
    let settings = settings(None);
    append(&journal, 3, vec![Event::SessionResumed { settings }])
        .await
        .unwrap();
    assert!(matches!(state_of(), SessionState::Running(_)));
    append(&journal, 4, vec![Event::SessionFinished])
        .await
        .unwrap();
    assert_eq!(state_of(), SessionState::Finished);
    assert_eq!(unfinished(), None);
    assert!(matches!(
        store.journal(&SessionId::new("zz")),
        Err(StoreError::Unknown { .. })
    ));
}

#[tokio::test]
async fn a_grant_that_passes_the_daily_ceiling_is_refused_with_its_turn() {
    let state = place_for_state();
    let store = Store::open(state.path()).unwrap();
    let first = begin(&store, "a", Some(dollars(10))).await;
    let second = begin(&store, "b", Some(dollars(10))).await;
    append(&first, 2, vec![admitted(1, 1, dollars(6))])
        .await
        .unwrap();
    let turn = || {
        vec![
            Event::Due {
                issue: IssueNumber(2),
            },
            admitted(2, 1, dollars(5)),
        ]
    };
    let refused = append(&second, 2, turn()).await.unwrap_err();
    assert!(
        matches!(refused, JournalError::DailyCeiling { elsewhere } if elsewhere == dollars(6)),
        "{refused}"
    );
    assert_eq!(
        second.events().await.unwrap().len(),
        1,
        "nothing is written"
    );
    // The control: what is set aside and not spent is free again.
    append(&first, 3, vec![settled(1, 1, dollars(6), dollars(5))])
        .await
        .unwrap();
    append(&second, 2, turn()).await.unwrap();
    assert!(
        append(&first, 4, vec![admitted(3, 1, Usd::from_micros(1))])
            .await
            .is_err()
    );
    // A bill is booked whatever it is.
    append(&second, 4, vec![settled(2, 1, dollars(5), dollars(9))])
        .await
        .unwrap();
    assert_eq!(first.spent_elsewhere(NOON.day()).await.unwrap(), dollars(9));
    assert_eq!(
        first.spent_elsewhere(NOON.day() + 1).await.unwrap(),
        Usd::ZERO
    );
}

#[tokio::test]
async fn a_grant_and_its_bill_count_on_the_day_of_the_grant() {
    let state = place_for_state();
    let store = Store::open(state.path()).unwrap();
    let journal = begin(&store, "a", Some(dollars(10))).await;
    let other = begin(&store, "b", None).await;
    append(&journal, 2, vec![admitted(1, 1, dollars(6))])
        .await
        .unwrap();
    let mut tomorrow = place(
        3,
        vec![
            settled(1, 1, dollars(6), dollars(7)),
            admitted(2, 1, dollars(10)),
        ],
    );
    for recorded in &mut tomorrow {
        recorded.at = recorded.at.plus_millis(86_400_000);
    }
    journal.append(&tomorrow).await.unwrap();
    let day = NOON.day();
    assert_eq!(other.spent_elsewhere(day).await.unwrap(), dollars(7));
    assert_eq!(other.spent_elsewhere(day + 1).await.unwrap(), dollars(10));
}

#[tokio::test]
async fn many_sessions_share_the_writer_and_none_loses_an_event() {
    const EACH: u64 = 50;
    let state = place_for_state();
    let store = Store::open(state.path()).unwrap();
    let mut sessions = tokio::task::JoinSet::new();
    for id in ["a", "b", "c", "d"] {
        let journal = begin(&store, id, None).await;
        sessions.spawn(async move {
            for seq in 2..=EACH {
                append(&journal, seq, vec![Event::StopRequested])
                    .await
                    .unwrap();
            }
            journal
        });
    }
    for journal in sessions.join_all().await {
        assert_eq!(journal.events().await.unwrap().len() as u64, EACH);
    }
}

#[tokio::test]
async fn an_issue_is_claimed_by_one_unfinished_session() {
    let state = place_for_state();
    let store = Store::open(state.path()).unwrap();
    let first = begin(&store, "a", None).await;
    let second = begin(&store, "b", None).await;
    let claim = |issues: &[u64], journal: &dyn Journal| {
        let issues: Vec<_> = issues.iter().copied().map(IssueNumber).collect();
        let held = store.claim(PROJECT, &issues, journal.session()).unwrap();
        held.into_iter()
            .map(|(issue, holder)| (issue.0, holder.to_string()))
            .collect::<Vec<_>>()
    };
    assert_eq!(claim(&[1, 2], &first), []);
    assert_eq!(claim(&[1, 2], &first), [], "twice is once");
    assert_eq!(claim(&[2, 3], &second), [(2, "a".into())]);
    let claimed = store.claimed(PROJECT).unwrap();
    assert_eq!(claimed[&IssueNumber(3)], *second.session());
    assert!(store.claimed("owner/other").unwrap().is_empty());

    append(&first, 2, vec![Event::SessionInterrupted])
        .await
        .unwrap();
    assert_eq!(
        claim(&[2], &second),
        [(2, "a".into())],
        "it will be resumed"
    );
    append(&first, 3, vec![Event::SessionFinished])
        .await
        .unwrap();
    assert_eq!(claim(&[1, 2], &second), []);

    let unborn = store
        .begin(SessionId::new("u"), PROJECT, &selection("ready"))
        .unwrap();
    assert_eq!(claim(&[4], &unborn), []);
    assert_eq!(claim(&[4], &second), [(4, "u".into())], "it is alive");
    drop(unborn);
    assert_eq!(claim(&[4], &second), [], "it died before its first event");
}

#[tokio::test]
async fn a_command_is_taken_once_and_by_whom_it_was_sent_to() {
    let state = place_for_state();
    let store = Store::open(state.path()).unwrap();
    let first = begin(&store, "a", None).await;
    let second = begin(&store, "b", None).await;
    let skip = Command::Skip {
        issue: IssueNumber(7),
    };
    store.send(PROJECT, None, &Command::ResetBreaker).unwrap();
    store.send(PROJECT, Some(first.session()), &skip).unwrap();
    store.send(PROJECT, Some(first.session()), &skip).unwrap();
    store.send("owner/other", None, &skip).unwrap();
    let all = [Command::ResetBreaker, skip.clone(), skip.clone()];
    assert_eq!(commands(&first).await, all);
    assert_eq!(commands(&second).await, all[..1]);

    let command = Command::ResetBreaker;
    append(&second, 2, vec![Event::CommandTaken { command, by: None }])
        .await
        .unwrap();
    assert!(commands(&second).await.is_empty());
    let command = skip.clone();
    append(&first, 2, vec![Event::CommandTaken { command, by: None }])
        .await
        .unwrap();
    assert_eq!(commands(&first).await, [skip]);
    sql(
        state.path(),
        "UPDATE control SET command = '{\"command\":\"of_tomorrow\"}'",
    );
    assert!(commands(&first).await.is_empty());
}

#[tokio::test]
async fn an_open_breaker_outlives_its_session() {
    let state = place_for_state();
    let store = Store::open(state.path()).unwrap();
    let journal = begin(&store, "a", None).await;
    let opened = Event::BreakerOpened {
        agent: AgentPlace::default(),
        until: NOON,
        failures: 5,
        reason: "overloaded".into(),
    };
    append(&journal, 2, vec![opened.clone(), Event::SessionFinished])
        .await
        .unwrap();
    drop((journal, store));
    let store = Store::open(state.path()).unwrap();
    let breaker = &store.breakers().unwrap()["claude"];
    assert_eq!((breaker.until, breaker.failures), (NOON, 5));
    let journal = begin(&store, "b", None).await;
    append(
        &journal,
        2,
        vec![Event::BreakerClosed {
            agent: AgentPlace::default(),
        }],
    )
    .await
    .unwrap();
    assert!(store.breakers().unwrap().is_empty());
    append(&journal, 3, vec![opened]).await.unwrap();
    store.forget_breakers(Some("codex")).unwrap();
    assert_eq!(store.breakers().unwrap().len(), 1);
    store.forget_breakers(None).unwrap();
    assert!(store.breakers().unwrap().is_empty());
}

#[tokio::test]
async fn the_last_progress_of_a_task_can_be_seen_from_outside() {
    let state = place_for_state();
    let store = Store::open(state.path()).unwrap();
    let journal = begin(&store, "a", None).await;
    let progress = |messages| Progress {
        issue: IssueNumber(7),
        attempt: AttemptNumber(1),
        at: NOON,
        activity: "edits src/page.rs".into(),
        pid: Some(4),
        messages,
        cost: dollars(1),
        tokens: 12,
    };
    for messages in 1..=1000 {
        journal.progress(&progress(messages));
    }
    let id = journal.session().clone();
    drop((journal, store));
    let outside = Store::open_read_only(state.path()).unwrap();
    assert_eq!(outside.progress(&id).unwrap(), [progress(1000)]);
}

#[tokio::test]
async fn additions_of_a_newer_program_are_tolerated_and_what_it_must_know_is_refused() {
    let state = place_for_state();
    let store = Store::open(state.path()).unwrap();
    let journal = begin(&store, "a", None).await;
    append(&journal, 2, vec![ended(7, Ending::Failed)])
        .await
        .unwrap();
    sql(state.path(), "DROP TRIGGER events_are_never_changed");
    let alter = |change: &str| {
        sql(
            state.path(),
            &format!("UPDATE events SET {change} WHERE seq = 2"),
        );
    };
    alter("payload = json_set(payload, '$.colour', 'red')");
    let events = journal.events().await.unwrap();
    assert_eq!(events[1].event, ended(7, Ending::Failed));

    alter("payload = '{\"event\":\"dreamt\"}', kind = 'dreamt'");
    let refused = journal.events().await.unwrap_err().to_string();
    assert!(refused.contains("read event 2 (`dreamt`)"), "{refused}");

    alter("version = 2");
    let refused = journal.events().await.unwrap_err();
    assert!(
        matches!(refused, JournalError::Newer { found: 2, known: 1 }),
        "{refused}"
    );

    sql(state.path(), "UPDATE events SET seq = 3 WHERE seq = 2");
    alter("version = 1");
    sql(
        state.path(),
        "UPDATE events SET version = 1, payload = '{\"event\":\"breaker_closed\"}'",
    );
    let refused = journal.events().await.unwrap_err().to_string();
    assert!(refused.contains("event 3 stands in its place"), "{refused}");
}

#[tokio::test]
async fn typical_figures_come_from_known_bills_of_the_same_project() {
    let state = place_for_state();
    let store = Store::open(state.path()).unwrap();
    let journal = begin(&store, "a", None).await;
    let mut seq = 2;
    for cost in 1..=10 {
        assert_eq!(store.typical_cost(PROJECT).unwrap().is_some(), cost > 5);
        let turn = vec![
            Event::tasks_read(vec![task(cost, Domain::Unknown)]),
            admitted(cost, 1, dollars(20)),
            settled(cost, 1, dollars(20), dollars(cost)),
            admitted(cost, 2, Usd::ZERO),
            settled(cost, 2, Usd::ZERO, Usd::ZERO),
        ];
        append(&journal, seq, turn).await.unwrap();
        seq += 5;
    }
    assert_eq!(store.typical_cost(PROJECT).unwrap(), Some(dollars(9)));
    assert_eq!(store.typical_cost("owner/other").unwrap(), None);
}

#[tokio::test]
async fn past_attempts_come_back_with_domain_complexity_time_and_cost() {
    let state = place_for_state();
    let store = Store::open(state.path()).unwrap();
    let journal = begin(&store, "a", None).await;
    let mut hard = task(7, Domain::Backend);
    hard.issue.title = "Refactor the architecture of the database".into();
    hard.issue.labels = vec!["breaking-change".into(), "architecture".into()];
    let mut typo = task(8, Domain::Documentation);
    typo.issue.title = "Fix a typo".into();
    let (judge, nothing) = (Judge::default(), Background::default());
    judge.weigh(&mut hard, &nothing);
    judge.weigh(&mut typo, &nothing);
    let levels = [hard.complexity(), typo.complexity()];
    assert_eq!(levels, [Some(Level::Medium), Some(Level::Low)]);
    let turns = vec![
        Event::tasks_read(vec![hard, typo, task(9, Domain::Testing)]),
        admitted(7, 1, dollars(5)),
        admitted(8, 1, dollars(5)),
        settled(7, 1, dollars(5), dollars(4)),
        settled(8, 1, dollars(5), dollars(1)),
        admitted(7, 2, dollars(5)),
        settled(7, 2, dollars(5), dollars(3)),
        admitted(9, 1, dollars(5)),
        settled(9, 1, dollars(5), Usd::ZERO),
    ];
    append(&journal, 2, turns).await.unwrap();
    let past: Vec<_> = store.past(PROJECT).unwrap();
    let told: Vec<_> = past
        .iter()
        .map(|it| (it.domain, it.complexity, it.cost))
        .collect();
    let expect = [
        (Domain::Backend, Some(Level::Medium), dollars(3)),
        (Domain::Documentation, Some(Level::Low), dollars(1)),
        (Domain::Backend, Some(Level::Medium), dollars(4)),
    ];
    assert_eq!(told, expect, "the newest first; what was free is left out");
    assert_eq!(store.past("owner/other").unwrap(), []);
    sql(state.path(), "UPDATE tasks SET complexity = NULL");
    let unknown = store.past(PROJECT).unwrap();
    assert!(
        unknown.iter().all(|it| it.complexity.is_none()),
        "as of before: {unknown:?}"
    );
}

#[tokio::test]
async fn a_bill_without_a_grant_is_not_lost() {
    let state = place_for_state();
    let store = Store::open(state.path()).unwrap();
    let journal = begin(&store, "a", None).await;
    let other = begin(&store, "b", None).await;
    append(&journal, 2, vec![settled(1, 1, dollars(5), dollars(3))])
        .await
        .unwrap();
    let elsewhere = || other.spent_elsewhere(NOON.day());
    assert_eq!(elsewhere().await.unwrap(), dollars(3));
    append(&journal, 3, vec![started(journal.session(), None)])
        .await
        .unwrap();
    assert_eq!(elsewhere().await.unwrap(), dollars(3));
}
