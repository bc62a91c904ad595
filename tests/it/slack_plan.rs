//! A plan that waits, answered by a button in Slack or by the API: once, by who may, and told whose answer it was.

use crate::daemon_rig::{Daemon, rig};
use crate::fake_chats::FakeChats;
use crate::fake_slack::{ACTIONS, SLACK_BOT};
use crate::plan::{item, plan};
use crate::rig::{Rig, wait_for};
use crate::slack::{ANN, SECRET, answers, bot, click, sent_by, taken, waiting};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::process::Command;

fn command(rig: &Rig, args: &[&str]) -> Command {
    let mut command = rig.autoissue(args);
    command
        .env("SLACK_BOT_TOKEN", SLACK_BOT)
        .env("SLACK_SIGNING_SECRET", SECRET);
    command
}

/// A plan of two issues that waits, and who is told of it.
fn left(chats: &FakeChats) -> (Rig, String) {
    left_with(chats, &json!({}))
}

fn left_with(chats: &FakeChats, approvals: &Value) -> (Rig, String) {
    let notify = json!({ "slack": bot(chats, &[ANN]) });
    let rig = rig(&json!({ "notify": notify, "approvals": approvals }));
    let written = plan(&[item("a", &[]), item("b", &["a"])]);
    let file = rig.write("plan.json", &written.to_string());
    let args = ["plan", "--later", "--format", "json", "--from"];
    let args = [&args[..], &[file.to_str().unwrap()]].concat();
    let ran = crate::rig::Ran::from(command(&rig, &args).output().unwrap());
    assert_eq!(ran.code, Some(5), "{ran:?}");
    let session = ran.event("plan_left")["session"]
        .as_str()
        .unwrap()
        .to_owned();
    (rig, session)
}

/// A daemon whose project has answered.
async fn daemon(rig: &Rig) -> Daemon {
    let daemon = Daemon::of(rig, command(rig, &["serve", "--listen", "127.0.0.1:0"]));
    while daemon.project().await["source"]["synced"].is_null() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    daemon
}

fn issues(rig: &Rig) -> usize {
    let folder = rig.path("checkout/.autoissue/issues");
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

/// Who said yes to it, or no.
fn said(rig: &Rig, what: &str) -> Vec<Value> {
    let audit = rig.run(&["audit", "--json"]).stdout;
    let lines = audit
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["what"] == what).collect()
}

#[tokio::test]
async fn a_click_carries_it_out_and_the_record_says_whose_it_was() {
    let chats = FakeChats::start();
    let (rig, session) = left(&chats);
    let message = waiting(&chats);
    let buttons = message["blocks"][1]["elements"].as_array().unwrap();
    assert_eq!(buttons[0]["text"]["text"], "Carry it out");
    assert_eq!(buttons[0]["value"], session.as_str());
    let daemon = daemon(&rig).await;
    let urls = ["stranger", "ann", "again"].map(|name| format!("{ACTIONS}{name}"));
    let stranger = click(
        &message,
        "autoissue_approve",
        "U0STRANGE",
        &chats.url(&urls[0]),
    );
    taken(sent_by(&daemon, SECRET, &stranger)).await;
    let told = answers(&chats, &urls[0], 1)[0].to_string();
    assert!(told.contains("may answer here"), "{told}");
    assert_eq!(
        issues(&rig),
        0,
        "the control: nothing was opened for a stranger"
    );
    let yes = click(&message, "autoissue_approve", ANN, &chats.url(&urls[1]));
    taken(sent_by(&daemon, SECRET, &yes)).await;
    let told = answers(&chats, &urls[1], 1)[0].to_string();
    assert!(
        told.contains(&format!("Carried out for <@{ANN}>")),
        "{told}"
    );
    wait_for(|| daemon.running.said().contains("checkout: done"));
    assert_eq!(issues(&rig), 3, "the plan's own, and two");
    let no = click(&message, "autoissue_reject", ANN, &chats.url(&urls[2]));
    taken(sent_by(&daemon, SECRET, &no)).await;
    let told = answers(&chats, &urls[2], 1)[0].to_string();
    assert!(told.contains("answered already"), "{told}");
    daemon.end();
    let approved = said(&rig, "approved");
    assert_eq!(approved.len(), 1, "{approved:?}");
    assert_eq!(approved[0]["for"], format!("@{ANN}"), "{approved:?}");
}

/// Its events are of so many hours ago.
fn hours_later(rig: &Rig, hours: i64) {
    let db = rusqlite::Connection::open(rig.path("state/autoissue.db")).unwrap();
    // What the product never does.
    db.execute_batch("DROP TRIGGER IF EXISTS events_are_never_changed")
        .unwrap();
    let moved = db.execute("UPDATE events SET at = at - ?1", [hours * 3_600_000]);
    assert!(moved.unwrap() > 0);
}

#[tokio::test]
async fn one_that_nobody_answers_in_time_is_dropped() {
    for (hours, rejected) in [(23, 0), (25, 1)] {
        let chats = FakeChats::start();
        let (rig, _) = left_with(&chats, &json!({ "timeoutHours": 24 }));
        hours_later(&rig, hours);
        let daemon = daemon(&rig).await;
        if rejected > 0 {
            wait_for(|| daemon.running.said().contains("checkout: done"));
        }
        daemon.end();
        let said = said(&rig, "rejected");
        assert_eq!(
            said.len(),
            rejected,
            "the control is an hour before: {said:?}"
        );
        assert!(
            said.iter().all(|line| line["for"] == "nobody within 24 h"),
            "{said:?}"
        );
        assert_eq!(issues(&rig), 0);
    }
}

#[tokio::test]
async fn of_one_that_waits_too_long_others_are_told_once_and_it_waits_on() {
    let chats = FakeChats::start();
    let approvals = json!({ "timeoutHours": 24, "then": "escalate", "escalateTo": ["lead"] });
    let (rig, session) = left_with(&chats, &approvals);
    hours_later(&rig, 25);
    let daemon = daemon(&rig).await;
    let told = || {
        let texts = chats
            .posted()
            .into_iter()
            .map(|posted| posted["text"].to_string());
        texts
            .filter(|text| text.contains("still waits"))
            .collect::<Vec<String>>()
    };
    wait_for(|| !told().is_empty());
    assert!(told()[0].contains("of lead after 24 h"), "{:?}", told());
    assert_eq!(
        daemon.json("/api/approvals").await[0]["id"],
        session.as_str()
    );
    daemon.end();
    assert_eq!(told().len(), 1);
}

#[tokio::test]
async fn programs_find_it_among_what_waits_and_drop_it() {
    let chats = FakeChats::start();
    let (rig, session) = left(&chats);
    let daemon = daemon(&rig).await;
    let listed = daemon.json("/api/approvals").await;
    assert_eq!(listed[0]["needs"], "plan", "{listed}");
    assert_eq!(listed[0]["id"], session.as_str(), "{listed}");
    assert_eq!(listed[0]["issue"], Value::Null, "{listed}");
    let path = |what: &str| format!("/api/approvals/{session}/{what}");
    let answer = json!({ "instructions": "other ones" });
    let (status, _) = daemon.send(Method::POST, &path("modify"), &answer).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "a plan is taken as it is");
    let (status, told) = daemon.send(Method::POST, &path("reject"), &json!({})).await;
    assert_eq!((status, &told["answer"]), (StatusCode::OK, &json!("drop")));
    wait_for(|| daemon.running.said().contains("checkout: done"));
    assert_eq!(daemon.json("/api/approvals").await, json!([]));
    let (status, _) = daemon
        .send(Method::POST, &path("approve"), &json!({}))
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "it waits no more");
    assert_eq!(issues(&rig), 0);
    daemon.end();
    assert_eq!(said(&rig, "rejected").len(), 1);
}
