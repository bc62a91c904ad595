//! Who did what: told of real runs, kept when old sessions go, and not to be changed.

use crate::rig::Rig;
use crate::store_sample::{
    PROJECT, admitted, append, begin, dollars, ended, opened, pushed, settled, task,
};
use autoissue::adapters::store::audit::Audited;
use autoissue::adapters::store::open::Store;
use autoissue::ports::Journal as _;
use autoissue::rules::classify::Domain;
use autoissue::rules::event::{Command, Event};
use autoissue::rules::follow::shape::Fate;
use autoissue::rules::ids::{IssueNumber, PullNumber, SessionId, Timestamp};
use autoissue::rules::sender::Sender;
use autoissue::rules::task::Ending;
use serde_json::{Value, json};
use std::path::Path;

/// Asks first, and does it once it was answered.
const AGENT: &str = r#"#!/bin/sh
if grep -q "A person of the repository answered"; then echo x > file-1.txt
else echo '{"cost_usd": 0.25, "summary": "NEEDS INPUT: red or blue?"}'; exit 0; fi
echo '{"cost_usd": 0.25, "summary": "did it"}'
"#;

const SECRET: &str = "tok-4f7a9c0b1d2e3f4a";

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What was done, and through what, without times.
fn deeds(lines: &[Value]) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    lines
        .iter()
        .map(|line| {
            let through = word(&line["through"]);
            let command = through.split(' ').take(2).collect::<Vec<_>>().join(" ");
            format!(
                "{} {} {} by {command}",
                word(&line["what"]),
                line["issue"],
                word(&line["amount_usd"])
            )
        })
        .collect()
}

#[test]
fn a_run_is_told_with_who_started_answered_pushed_and_paid() {
    let rig = Rig::new();
    let agent = rig.script("agent", AGENT);
    rig.config(&json!({ "agent": { "kind": "command", "command": [agent] } }));
    rig.issue(1, "One", "Paint `file-1.txt`.");
    let nothing = rig.run(&["audit"]);
    assert_eq!(
        nothing.stdout,
        "Nothing was done yet. `autoissue exec <label>` starts a session.\n"
    );
    rig.run(&["exec", "go", "--budget", "25"]);
    let mut answer = rig.autoissue(&["answer", "1", "red\u{1b}[2J", SECRET]);
    let answered = answer
        .env("GITHUB_TOKEN", SECRET)
        .env("GITHUB_ACTOR", "octocat")
        .output()
        .unwrap();
    assert!(answered.status.success(), "{answered:?}");
    let resumed = rig.run(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");

    let mut audit = rig.autoissue(&["audit", "--json"]);
    let shown = audit.env("GITHUB_TOKEN", SECRET).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let lines = lines(&shown);
    insta::assert_snapshot!(deeds(&lines).join("\n"), @"
    started null - by autoissue exec
    spent 1 0.25 by autoissue exec
    interrupted null - by autoissue exec
    resumed null - by autoissue resume
    told 1 - by autoissue answer
    pushed 1 - by autoissue resume
    opened 1 - by autoissue resume
    spent 1 0.25 by autoissue resume
    finished null - by autoissue resume
    ");
    let started = &lines[0];
    let terms = started["detail"].as_str().unwrap();
    for part in [
        "label go of ",
        "isolation none, budget $25.00",
        "overridden: maxTotalBudgetUsd = 25.0, by --budget; ",
        "sandbox.isolation = none, by AUTOISSUE_ISOLATION",
    ] {
        assert!(terms.contains(part), "{part}: {terms}");
    }
    assert!(started["who"].as_str().unwrap().contains('@'), "{started}");
    let told = lines.iter().find(|line| line["what"] == "told").unwrap();
    assert_eq!(told["for"], "octocat");
    assert!(
        !shown.contains(SECRET) && !shown.contains('\u{1b}'),
        "{shown}"
    );
    // What is stored of the command line is clean already; the answer itself is for the agent, and cleaned when shown.
    assert!(!told["through"].to_string().contains(SECRET), "{told}");
    asked_since(&rig);
}

fn asked_since(rig: &Rig) {
    let table = rig.run(&["audit", "--since", "1h"]);
    assert!(table.stdout.starts_with("time (UTC)"), "{table:?}");
    assert!(table.stdout.contains("$0.50 spent"), "{table:?}");
    let none = rig.run(&["audit", "--since", "2100-01-01"]);
    assert_eq!(none.stdout, "Nothing was done since 2100-01-01 00:00:00.\n");
    let bad = rig.run(&["audit", "--since", "yesterday"]);
    assert_eq!(bad.code, Some(2));
    assert!(
        bad.stderr
            .contains("'yesterday' for '--since <WHEN>': it is a time back, such as 90m"),
        "{bad:?}"
    );
}

/// Two old sessions, with a wish, a push and a bill each; the second's pull was merged.
async fn worked(store: &Store, id: &str) {
    let journal = begin(store, id, None).await;
    let by = Sender {
        who: "ann@laptop".to_owned(),
        actor: None,
        through: "autoissue approve 7".to_owned(),
    };
    let command = Command::Approve {
        issue: IssueNumber(7),
    };
    let wish = (&command, Some(&by));
    store
        .send_as(PROJECT, Some(journal.session()), wish)
        .unwrap();
    let wishes = journal.commands().await.unwrap();
    assert_eq!(wishes[0].by.as_ref(), Some(&by));
    let turn = vec![
        Event::tasks_read(vec![task(7, Domain::Frontend)]),
        Event::CommandTaken {
            command,
            by: wishes[0].by.clone(),
        },
        admitted(7, 1, dollars(5)),
        pushed(7),
        opened(7, 70),
        settled(7, 1, dollars(5), dollars(2)),
        ended(7, Ending::Completed),
        Event::SessionFinished,
    ];
    append(&journal, 2, turn).await.unwrap();
}

fn told(store: &Store) -> Vec<Audited> {
    store.audit(Timestamp(0)).unwrap()
}

fn sql(state: &Path, statement: &str) -> Result<(), String> {
    let db = rusqlite::Connection::open(state.join("autoissue.db")).unwrap();
    db.execute_batch(statement)
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn the_record_outlives_old_sessions_word_for_word() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    worked(&store, "a").await;
    worked(&store, "b").await;
    let about = (PullNumber(70), IssueNumber(7));
    for fate in [Fate::Open, Fate::Merged, Fate::Merged] {
        store.note_fate(PROJECT, about, fate).unwrap();
    }
    let before = told(&store);
    let words: Vec<&str> = before.iter().map(|it| it.entry.deed.word()).collect();
    let merged = words.iter().filter(|word| **word == "merged").count();
    assert_eq!((merged, words.len()), (1, 13), "{words:?}");
    let gone = store.prune(0, 0).unwrap();
    assert_eq!(gone.len(), 2);
    assert!(store.events(&SessionId::new("a")).unwrap().is_empty());
    assert_eq!(told(&store), before);
    // Nothing is kept twice, whatever is cleaned again.
    store.prune(0, 0).unwrap();
    assert_eq!(told(&store), before);
}

#[tokio::test]
async fn what_was_done_cannot_be_changed_or_taken_out() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).unwrap();
    worked(&store, "a").await;
    worked(&store, "b").await;
    let about = (PullNumber(70), IssueNumber(7));
    store.note_fate(PROJECT, about, Fate::Merged).unwrap();
    let session = "(SELECT key FROM sessions WHERE id = 'a')";
    let on_events = [
        "UPDATE events SET payload = '{}' WHERE seq = 3".to_owned(),
        "DELETE FROM events WHERE seq = 3".to_owned(),
        format!(
            "INSERT OR REPLACE INTO events SELECT session, seq, at, version, kind, issue, '{{}}'
             FROM events WHERE seq = 3 AND session = {session}"
        ),
        // Not even of a session that is said to be old, as long as its deeds were not kept.
        "UPDATE sessions SET pruned = 1 WHERE id = 'b';
         DELETE FROM events WHERE session = (SELECT key FROM sessions WHERE id = 'b')"
            .to_owned(),
        "UPDATE fates SET fate = 'rejected'".to_owned(),
        "DELETE FROM fates".to_owned(),
    ];
    for statement in &on_events {
        let refused = sql(state.path(), statement).unwrap_err();
        assert!(
            refused.contains("never")
                || refused.contains("stays")
                || refused.contains("deeds are kept"),
            "{statement}: {refused}"
        );
    }
    sql(state.path(), "UPDATE sessions SET pruned = 0").unwrap();
    store.prune(0, 0).unwrap();
    let before = told(&store);
    for statement in [
        "UPDATE audit SET entry = '{}'",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT session, seq, '{}' FROM audit",
    ] {
        assert!(sql(state.path(), statement).is_err(), "{statement}");
    }
    assert_eq!(told(&store), before);
    // The control: without its triggers the same database takes it.
    sql(state.path(), "DROP TRIGGER deeds_stay; DELETE FROM audit").unwrap();
    assert_ne!(told(&store), before);
}
