//! Commands that read the store: figures, conversations, wishes, breakers, cleaning.

use crate::store_sample::{
    NOON, PROJECT, admitted, append, begin, commands, committed, dollars, ended, opened, selection,
    settled, started, task,
};
use autoissue::adapters::store::open::Store;
use autoissue::adapters::store::retention::{Kept, Verdict};
use autoissue::cli::args::Format;
use autoissue::commands::clean::{Item, Mode, clean};
use autoissue::commands::history::History;
use autoissue::commands::metrics::metrics;
use autoissue::commands::{breaker, retry};
use autoissue::config::trees::Retention;
use autoissue::error::{Color, Error};
use autoissue::ports::Journal;
use autoissue::rules::classify::Domain;
use autoissue::rules::event::{Command, Event, Recorded};
use autoissue::rules::ids::{AgentPlace, IssueNumber, SessionId, Timestamp};
use autoissue::rules::money::Usd;
use autoissue::rules::task::Ending;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;

const ISSUE: IssueNumber = IssueNumber(7);

/// A session with #7 completed, #8 failed after a retry, and #9 not ended.
async fn worked(store: &Store, id: &str) -> impl Journal + use<> {
    let journal = begin(store, id, None).await;
    let turn = vec![
        Event::tasks_read(vec![
            task(7, Domain::Frontend),
            task(8, Domain::Backend),
            task(9, Domain::Backend),
        ]),
        admitted(7, 1, dollars(5)),
        committed(7, 9),
        committed(7, 3),
        opened(7, 70),
        settled(7, 1, dollars(5), dollars(2)),
        ended(7, Ending::Completed),
        admitted(8, 1, dollars(5)),
        committed(8, 50),
        settled(8, 1, dollars(5), dollars(1)),
        admitted(8, 2, dollars(5)),
        settled(8, 2, dollars(5), Usd::from_micros(250_000)),
        ended(8, Ending::Failed),
        admitted(9, 1, dollars(4)),
    ];
    append(&journal, 2, turn).await.unwrap();
    journal
}

#[tokio::test]
async fn metrics_add_all_sessions_up() {
    let state = tempfile::tempdir().unwrap();
    let nothing = metrics(state.path(), NOON.plus_millis(3_600_000)).unwrap();
    assert_eq!(
        nothing.text,
        "No session yet. `autoissue exec <label>` starts one.\n"
    );
    assert_eq!(nothing.event["sessions"], 0);
    let store = Store::open(state.path()).unwrap();
    let _a = worked(&store, "a").await;
    let _b = worked(&store, "b").await;
    let answer = metrics(state.path(), NOON.plus_millis(3_600_000)).unwrap();
    let (totals, files) = answer.text.split_once("\nFiles foreseen for ").unwrap();
    assert!(
        files.starts_with("2 finished tasks: the first ten hold 100 % of what was touched,\nthe first one was touched in 100 %; Brier 0.050\n"),
        "{files}"
    );
    let kinds: Vec<Vec<&str>> = files
        .lines()
        .skip(4)
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(kinds[0].join(" "), "named in the text 2 100 % 100 % 0.010");
    assert_eq!(
        kinds[1].join(" "),
        "touched by similar work 2 0 % 0 % 0.090"
    );
    insta::assert_snapshot!(totals, @"
    Sessions  2
    Tasks     6: 2 completed, 2 failed, 2 unfinished
    Success   50 % of 4 tasks tried
    Cost      $6.50, $3.25 for each completed task; $8.00 set aside and not settled
    Code      2 pull requests, 6 files changed, 60 lines added, 6 removed

    domain / model  tasks  done  attempts   cost  tokens
    ────────────────────────────────────────────────────
    frontend            2     2         2  $4.00       -
    backend             4     0         6  $2.50       -

    sonnet              4     2         6  $6.50       -

    agent, model    tasks  done  success  attempts   cost  each took
    ────────────────────────────────────────────────────────────────
    claude, sonnet      4     2     50 %         6  $6.50         2s

    since                                 24h             7d            30d
    ───────────────────────────────────────────────────────────────────────
    Issues processed                        2              2              2
    Fix rate                    50 % (2 of 4)  50 % (2 of 4)  50 % (2 of 4)
    First-attempt success       50 % (2 of 4)  50 % (2 of 4)  50 % (2 of 4)
    Automation rate             50 % (2 of 4)  50 % (2 of 4)  50 % (2 of 4)
    Checks passed                           -              -              -
    Merge rate                              -              -              -
    Merged without changes                  -              -              -
    Pulls not seen to end                   1              1              1
    Time to fix, median                    5s             5s             5s
    Time to fix, slowest tenth             5s             5s             5s
    Rounds with pulls                       0              0              0
    Cost                                $6.50          $6.50          $6.50
    Cost per merged pull                    -              -              -

    1 pull request without an end that anybody saw: `autoissue watch` looks, and only then merges count.
    ");
    insta::assert_snapshot!(answer.event.to_string(), @r#"{"v":1,"event":"metrics","sessions":2,"tasks":{"completed":2,"failed":2,"unfinished":2},"success_percent":50,"cost_usd":"6.50","granted_usd":"8.00","code":{"pulls":2,"files":6,"added":60,"removed":6},"domains":[{"name":"frontend","tasks":2,"completed":2,"attempts":2,"cost_usd":"4.00","tokens":0},{"name":"backend","tasks":4,"completed":0,"attempts":6,"cost_usd":"2.50","tokens":0}],"models":[{"name":"sonnet","tasks":4,"completed":2,"attempts":6,"cost_usd":"6.50","tokens":0}],"agents":[{"agent":"claude","model":"sonnet","tasks":4,"completed":2,"success_percent":50,"attempts":6,"cost_usd":"6.50","attempt_millis":2333}],"footprints":{"tasks":2,"cuts":[1,5,10],"precision":[1.0,0.2,0.1],"recall":[1.0,1.0,1.0],"brier":0.05,"evidence":[{"kind":"named_in_text","files":2,"precision":1.0,"recall":1.0,"brier":0.01},{"kind":"similar_work","files":2,"precision":0.0,"recall":0.0,"brier":0.09}]},"windows":[{"window":"24h","since":"2026-11-19T13:00:00.000Z","issues":2,"tried":4,"completed":2,"fix_percent":50,"first_attempt":2,"first_attempt_percent":50,"processed":4,"automated":2,"automation_percent":50,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":1,"fix_millis_median":5000,"fix_millis_slow":5000,"rounds":0,"cost_usd":"6.50","cost_per_merge_usd":null,"by_project":[{"name":"owner/name","issues":2,"tried":4,"completed":2,"fix_percent":50,"first_attempt":2,"first_attempt_percent":50,"processed":4,"automated":2,"automation_percent":50,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":1,"fix_millis_median":5000,"fix_millis_slow":5000,"rounds":0,"cost_usd":"6.50","cost_per_merge_usd":null}],"by_domain":[{"name":"frontend","issues":1,"tried":2,"completed":2,"fix_percent":100,"first_attempt":2,"first_attempt_percent":100,"processed":2,"automated":2,"automation_percent":100,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":1,"fix_millis_median":5000,"fix_millis_slow":5000,"rounds":0,"cost_usd":"4.00","cost_per_merge_usd":null},{"name":"backend","issues":1,"tried":2,"completed":0,"fix_percent":0,"first_attempt":0,"first_attempt_percent":0,"processed":2,"automated":0,"automation_percent":0,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":0,"fix_millis_median":null,"fix_millis_slow":null,"rounds":0,"cost_usd":"2.50","cost_per_merge_usd":null}],"by_type":[{"name":"unknown","issues":2,"tried":4,"completed":2,"fix_percent":50,"first_attempt":2,"first_attempt_percent":50,"processed":4,"automated":2,"automation_percent":50,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":1,"fix_millis_median":5000,"fix_millis_slow":5000,"rounds":0,"cost_usd":"6.50","cost_per_merge_usd":null}],"by_agent":[{"name":"claude","issues":2,"tried":4,"completed":2,"fix_percent":50,"first_attempt":2,"first_attempt_percent":50,"processed":4,"automated":2,"automation_percent":50,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":1,"fix_millis_median":5000,"fix_millis_slow":5000,"rounds":0,"cost_usd":"6.50","cost_per_merge_usd":null}],"by_model":[{"name":"sonnet","issues":2,"tried":4,"completed":2,"fix_percent":50,"first_attempt":2,"first_attempt_percent":50,"processed":4,"automated":2,"automation_percent":50,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":1,"fix_millis_median":5000,"fix_millis_slow":5000,"rounds":0,"cost_usd":"6.50","cost_per_merge_usd":null}]},{"window":"7d","since":"2026-11-13T13:00:00.000Z","issues":2,"tried":4,"completed":2,"fix_percent":50,"first_attempt":2,"first_attempt_percent":50,"processed":4,"automated":2,"automation_percent":50,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":1,"fix_millis_median":5000,"fix_millis_slow":5000,"rounds":0,"cost_usd":"6.50","cost_per_merge_usd":null,"by_project":[{"name":"owner/name","issues":2,"tried":4,"completed":2,"fix_percent":50,"first_attempt":2,"first_attempt_percent":50,"processed":4,"automated":2,"automation_percent":50,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":1,"fix_millis_median":5000,"fix_millis_slow":5000,"rounds":0,"cost_usd":"6.50","cost_per_merge_usd":null}],"by_domain":[{"name":"frontend","issues":1,"tried":2,"completed":2,"fix_percent":100,"first_attempt":2,"first_attempt_percent":100,"processed":2,"automated":2,"automation_percent":100,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":1,"fix_millis_median":5000,"fix_millis_slow":5000,"rounds":0,"cost_usd":"4.00","cost_per_merge_usd":null},{"name":"backend","issues":1,"tried":2,"completed":0,"fix_percent":0,"first_attempt":0,"first_attempt_percent":0,"processed":2,"automated":0,"automation_percent":0,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":0,"fix_millis_median":null,"fix_millis_slow":null,"rounds":0,"cost_usd":"2.50","cost_per_merge_usd":null}],"by_type":[{"name":"unknown","issues":2,"tried":4,"completed":2,"fix_percent":50,"first_attempt":2,"first_attempt_percent":50,"processed":4,"automated":2,"automation_percent":50,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":1,"fix_millis_median":5000,"fix_millis_slow":5000,"rounds":0,"cost_usd":"6.50","cost_per_merge_usd":null}],"by_agent":[{"name":"claude","issues":2,"tried":4,"completed":2,"fix_percent":50,"first_attempt":2,"first_attempt_percent":50,"processed":4,"automated":2,"automation_percent":50,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":1,"fix_millis_median":5000,"fix_millis_slow":5000,"rounds":0,"cost_usd":"6.50","cost_per_merge_usd":null}],"by_model":[{"name":"sonnet","issues":2,"tried":4,"completed":2,"fix_percent":50,"first_attempt":2,"first_attempt_percent":50,"processed":4,"automated":2,"automation_percent":50,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":1,"fix_millis_median":5000,"fix_millis_slow":5000,"rounds":0,"cost_usd":"6.50","cost_per_merge_usd":null}]},{"window":"30d","since":"2026-10-21T13:00:00.000Z","issues":2,"tried":4,"completed":2,"fix_percent":50,"first_attempt":2,"first_attempt_percent":50,"processed":4,"automated":2,"automation_percent":50,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":1,"fix_millis_median":5000,"fix_millis_slow":5000,"rounds":0,"cost_usd":"6.50","cost_per_merge_usd":null,"by_project":[{"name":"owner/name","issues":2,"tried":4,"completed":2,"fix_percent":50,"first_attempt":2,"first_attempt_percent":50,"processed":4,"automated":2,"automation_percent":50,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":1,"fix_millis_median":5000,"fix_millis_slow":5000,"rounds":0,"cost_usd":"6.50","cost_per_merge_usd":null}],"by_domain":[{"name":"frontend","issues":1,"tried":2,"completed":2,"fix_percent":100,"first_attempt":2,"first_attempt_percent":100,"processed":2,"automated":2,"automation_percent":100,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":1,"fix_millis_median":5000,"fix_millis_slow":5000,"rounds":0,"cost_usd":"4.00","cost_per_merge_usd":null},{"name":"backend","issues":1,"tried":2,"completed":0,"fix_percent":0,"first_attempt":0,"first_attempt_percent":0,"processed":2,"automated":0,"automation_percent":0,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":0,"fix_millis_median":null,"fix_millis_slow":null,"rounds":0,"cost_usd":"2.50","cost_per_merge_usd":null}],"by_type":[{"name":"unknown","issues":2,"tried":4,"completed":2,"fix_percent":50,"first_attempt":2,"first_attempt_percent":50,"processed":4,"automated":2,"automation_percent":50,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":1,"fix_millis_median":5000,"fix_millis_slow":5000,"rounds":0,"cost_usd":"6.50","cost_per_merge_usd":null}],"by_agent":[{"name":"claude","issues":2,"tried":4,"completed":2,"fix_percent":50,"first_attempt":2,"first_attempt_percent":50,"processed":4,"automated":2,"automation_percent":50,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":1,"fix_millis_median":5000,"fix_millis_slow":5000,"rounds":0,"cost_usd":"6.50","cost_per_merge_usd":null}],"by_model":[{"name":"sonnet","issues":2,"tried":4,"completed":2,"fix_percent":50,"first_attempt":2,"first_attempt_percent":50,"processed":4,"automated":2,"automation_percent":50,"checked":0,"checks_passed":0,"checks_percent":null,"pulls_ended":0,"pulls_merged":0,"merge_percent":null,"merged_compared":0,"merged_unchanged":0,"unchanged_percent":null,"pulls_waiting":1,"fix_millis_median":5000,"fix_millis_slow":5000,"rounds":0,"cost_usd":"6.50","cost_per_merge_usd":null}]}]}"#);
}

async fn finish_at(store: &Store, id: &str, at: Timestamp) {
    let session = SessionId::new(id);
    let journal = store
        .begin(session.clone(), PROJECT, &selection("ready"))
        .unwrap();
    let turn: Vec<Recorded> = (1..)
        .zip([
            started(&session, None),
            Event::tasks_read(vec![task(7, Domain::Frontend)]),
            admitted(7, 1, dollars(5)),
            settled(7, 1, dollars(5), dollars(2)),
            ended(7, Ending::Completed),
            Event::SessionFinished,
        ])
        .map(|(seq, event)| Recorded { seq, at, event })
        .collect();
    journal.append(&turn).await.unwrap();
    transcript(store, id, 1, "said\n");
}

fn transcript(store: &Store, id: &str, attempt: u32, text: &str) {
    let directory = store
        .session_directory(&SessionId::new(id))
        .join("transcripts");
    fs::create_dir_all(&directory).unwrap();
    let mut file = fs::File::options()
        .create(true)
        .append(true)
        .open(directory.join(format!("7-{attempt}.jsonl")))
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn verdicts(store: &Store, days: u32, last: usize) -> Vec<(String, Option<Kept>)> {
    let verdicts = store.retention(days, last).unwrap();
    verdicts
        .into_iter()
        .map(|verdict| match verdict {
            Verdict::Goes(row) => (row.id.to_string(), None),
            Verdict::Stays(row, why) => (row.id.to_string(), Some(why)),
        })
        .collect()
}

#[tokio::test]
async fn old_sessions_lose_their_events_and_keep_their_sums() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let now = Timestamp(i64::try_from(now.as_millis()).unwrap());
    let long_ago = Timestamp(now.0 - 40 * 86_400_000);
    for (id, at) in [("a", long_ago), ("b", long_ago), ("c", now), ("d", now)] {
        finish_at(&store, id, at).await;
    }
    let file = rusqlite::Connection::open(state.path().join("autoissue.db")).unwrap();
    let pad = "DROP TRIGGER events_are_never_changed;
        UPDATE events SET payload = payload || printf('%*s', 100000, '') WHERE seq = 2";
    file.execute_batch(pad).unwrap();
    let open = begin(&store, "e", None).await;
    drop(open);
    let unborn = SessionId::new("u");
    drop(store.begin(unborn.clone(), PROJECT, &selection("ready")));
    let (a, b) = (SessionId::new("a"), SessionId::new("b"));
    assert_eq!(
        verdicts(&store, 30, 2),
        [
            ("e".into(), Some(Kept::Unfinished)),
            ("d".into(), Some(Kept::Recent)),
            ("c".into(), Some(Kept::Young)),
            ("b".into(), None),
            ("a".into(), None),
        ]
    );
    let before = store.figures().unwrap();
    let rows = store.rows(Timestamp(0)).unwrap();
    assert_eq!(rows.done.len(), 4);

    let held = store.journal(&b).unwrap();
    assert_eq!(store.prune(30, 2).unwrap(), std::slice::from_ref(&a));
    drop(held);
    assert_eq!(store.prune(30, 2).unwrap(), [b]);
    assert_eq!(store.prune(30, 2).unwrap(), []);
    let unused: i64 = file
        .query_row("PRAGMA freelist_count", [], |row| row.get(0))
        .unwrap();
    assert_eq!(unused, 0, "the space is given back");

    assert!(store.events(&a).unwrap().is_empty());
    assert!(!store.session_directory(&a).exists());
    assert_eq!(store.events(&SessionId::new("c")).unwrap().len(), 6);
    assert!(store.session_directory(&SessionId::new("c")).exists());
    assert!(store.events(&unborn).is_err(), "it never was");
    assert_eq!(store.figures().unwrap(), before);
    assert_eq!(store.rows(Timestamp(0)).unwrap(), rows);
    let rows = store.sessions(9).unwrap();
    let pruned: Vec<_> = rows.iter().map(|row| row.pruned).collect();
    assert_eq!(pruned, [false, false, false, true, true]);
}

#[tokio::test]
async fn clean_says_what_goes_and_touches_nothing_in_a_dry_run() {
    let keep = Retention::default();
    let (days, last) = keep.limits();
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    for number in 0..=last {
        finish_at(&store, &format!("{number:02}"), NOON.plus_millis(0)).await;
    }
    let old = SessionId::new("00");
    let age = format!(
        "UPDATE sessions SET ended = {}",
        NOON.0 - 86_400_000 * (i64::from(days) + 400)
    );
    let db = rusqlite::Connection::open(state.path().join("autoissue.db")).unwrap();
    db.execute_batch(&age).unwrap();
    let worktrees = async |mode| {
        let goes = Item {
            what: "worktree 3".into(),
            goes: false,
            why: format!("its work is nowhere else ({mode:?})"),
        };
        Ok(vec![goes])
    };
    let answer = clean(&store, &keep, Mode::DryRun, worktrees).await.unwrap();
    let lines: Vec<&str> = answer.text.lines().collect();
    assert_eq!(lines[0], "kept session 20: it is one of the last");
    assert_eq!(
        lines[last..],
        [
            "would remove session 00: it is old; its sums are kept",
            "kept worktree 3: its work is nowhere else (DryRun)",
            "would remove 1 item, kept 21",
        ]
    );
    assert_eq!(store.events(&old).unwrap().len(), 6);
    let answer = clean(&store, &keep, Mode::Remove, worktrees).await.unwrap();
    assert!(answer.text.contains("\nremoved session 00: "));
    assert_eq!(answer.event["items"][last]["goes"], true);
    assert!(store.events(&old).unwrap().is_empty());
}

#[tokio::test]
async fn a_wish_reaches_the_session_that_works_on_the_issue() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    let send = |command: fn(IssueNumber) -> Command, issue: u64| {
        let issue = IssueNumber(issue);
        let sent = retry::send(&store, Some(PROJECT), (&command(issue), None), issue);
        sent.map_or_else(|error| error.text(Color::Off), |answer| answer.text)
    };
    let retry: fn(IssueNumber) -> Command = |issue| Command::Retry { issue };
    let skip: fn(IssueNumber) -> Command = |issue| Command::Skip { issue };
    insta::assert_snapshot!(send(retry, 8), @"
    error: could not change #8
      because no session has it
    hint: `autoissue exec --issue 8` starts one
    ");
    let journal = worked(&store, "a").await;
    insta::assert_snapshot!(send(retry, 8), @"#8: session a takes it up within seconds");
    insta::assert_snapshot!(send(skip, 9), @"#9: session a takes it up within seconds");
    insta::assert_snapshot!(send(retry, 7), @"
    error: could not change #7
      because it is completed
    ");
    insta::assert_snapshot!(send(retry, 9), @"
    error: could not change #9
      because it has not ended yet
    ");
    insta::assert_snapshot!(send(skip, 8), @"
    error: could not change #8
      because it has ended: failed
    ");
    let expected = [retry(IssueNumber(8)), skip(IssueNumber(9))];
    assert_eq!(commands(&journal).await, expected);
    drop(journal);
    insta::assert_snapshot!(send(retry, 8), @"#8: session a takes it up with `autoissue resume a`");
    let journal = store.journal(&SessionId::new("a")).unwrap();
    let end = journal.events().await.unwrap().len() as u64 + 1;
    append(&journal, end, vec![Event::SessionFinished])
        .await
        .unwrap();
    insta::assert_snapshot!(send(retry, 8), @"
    error: could not change #8
      because session a has finished
    hint: `autoissue exec --issue 8` starts one
    ");
}

#[tokio::test]
async fn sessions_of_two_repositories_are_not_confused() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    let _journal = worked(&store, "a").await;
    let other = store
        .begin(SessionId::new("b"), "owner/other", &selection("ready"))
        .unwrap();
    let turn = vec![
        started(other.session(), None),
        Event::tasks_read(vec![task(9, Domain::Backend)]),
    ];
    append(&other, 1, turn).await.unwrap();
    let issue = IssueNumber(9);
    let skip = Command::Skip { issue };
    let refused = retry::send(&store, None, (&skip, None), issue).unwrap_err();
    assert!(
        refused.reason().contains("owner/other and of owner/name"),
        "{}",
        refused.reason()
    );
    retry::send(&store, Some(PROJECT), (&skip, None), issue).unwrap();
    assert!(commands(&other).await.is_empty());
}

#[tokio::test]
async fn a_breaker_is_shown_and_reset_everywhere() {
    let state = tempfile::tempdir().unwrap();
    let status = || breaker::status(state.path(), NOON).unwrap();
    assert_eq!(status().text, "closed: tasks start as usual\n");
    let store = Store::open(state.path()).unwrap();
    let journal = begin(&store, "a", None).await;
    let opened = Event::BreakerOpened {
        agent: AgentPlace::default(),
        until: NOON.plus_millis(60_000),
        failures: 5,
        reason: "overloaded\u{1b}[2J".into(),
    };
    append(&journal, 2, vec![opened]).await.unwrap();
    insta::assert_snapshot!(status().text, @"
    claude: open after 5 failures, until 12:01 UTC (in 1m 00s): overloaded
    hint: `autoissue breaker reset` closes it now
    ");
    assert_eq!(status().event["open"][0]["provider"], "claude");
    let later = breaker::status(state.path(), NOON.plus_millis(60_000)).unwrap();
    assert!(later.text.contains("the next task is its probe"));
    let answer = breaker::reset(&store, &autoissue::commands::sender::sender()).unwrap();
    assert_eq!(
        answer.text,
        "1 open breaker closed, 1 running session told\n"
    );
    assert_eq!(commands(&journal).await, [Command::ResetBreaker]);
    assert_eq!(status().text, "closed: tasks start as usual\n");
}

async fn told(state: &Path, format: Format) -> String {
    let store = Store::open_read_only(state).unwrap();
    let history = History::find(store, ISSUE, false).unwrap().unwrap();
    let mut text = String::new();
    let tell = history.tell(format, false, |piece| {
        text.push_str(piece);
        Ok(())
    });
    tell.await.unwrap();
    text
}

#[tokio::test]
async fn a_conversation_is_told_attempt_by_attempt() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    finish_at(&store, "old", NOON).await;
    let _journal = worked(&store, "a").await;
    let unknown = History::find(store.clone(), IssueNumber(99), false);
    assert!(unknown.unwrap().is_none());
    transcript(
        &store,
        "a",
        1,
        "{\"type\":\"autoissue_run\",\"resumed\":false,\"cap\":5000000,\"directory\":\"/x\"}\n\
         {\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"I look.\"}]}}\n",
    );
    transcript(&store, "a", 10, "plain \u{1b}]0;x\u{7}words\nwithout end");
    transcript(&store, "a", 2, "two\n");
    fs::write(
        store
            .session_directory(&SessionId::new("a"))
            .join("transcripts/77-1.jsonl"),
        "another issue's",
    )
    .unwrap();
    let text = told(state.path(), Format::Text).await;
    let (conversation, course) = text.split_once("== #7, session a ==\n").unwrap();
    insta::assert_snapshot!(conversation, @"
    == #7, attempt 1, session a ==
    -- the conversation begins, up to $5.00
    I look.
    == #7, attempt 2, session a ==
    two
    == #7, attempt 10, session a ==
    plain words
    without end
    ");
    assert!(
        course.lines().all(|line| line.starts_with("#7 ")),
        "{course}"
    );
    assert!(course.contains("completed"), "{course}");

    let text = told(state.path(), Format::Json).await;
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    insta::assert_snapshot!(events[1], @r#"{"v":1,"event":"said","session":"a","issue":7,"attempt":1,"who":"agent","text":"I look."}"#);
    assert_eq!(events[5]["event"], "attempt_admitted");
    assert!(events[5..].iter().all(|event| event["issue"] == 7));
}

#[tokio::test(start_paused = true)]
async fn a_conversation_is_followed_until_its_task_ends() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    let journal = begin(&store, "a", None).await;
    let tasks = vec![task(7, Domain::Frontend)];
    append(&journal, 2, vec![Event::tasks_read(tasks)])
        .await
        .unwrap();
    let reader = Store::open_read_only(state.path()).unwrap();
    let history = History::find(reader, ISSUE, true).unwrap().unwrap();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let follow = tokio::spawn(async move {
        let print = |piece: &str| -> Result<(), Error> {
            tell.send(piece.to_owned()).unwrap();
            Ok(())
        };
        history.tell(Format::Text, true, print).await
    });
    let mut hears = async |words: &[&str]| {
        for word in words {
            let heard = told.recv().await.unwrap();
            assert!(heard.starts_with(word), "{heard} instead of {word}");
        }
    };
    transcript(&store, "a", 1, "one\n");
    hears(&["== #7, attempt 1, session a ==\n", "one\n"]).await;
    transcript(&store, "a", 1, "two\nhalf");
    hears(&["two\n"]).await;
    transcript(&store, "a", 2, "three\n");
    hears(&["half\n", "== #7, attempt 2, session a ==\n", "three\n"]).await;
    assert!(!follow.is_finished());
    transcript(&store, "a", 2, "four");
    append(&journal, 3, vec![ended(7, Ending::Completed)])
        .await
        .unwrap();
    follow.await.unwrap().unwrap();
    hears(&["four\n", "== #7, session a ==\n#7 completed"]).await;
    assert_eq!(told.recv().await, None);
}
