//! Approvals by comment: asked once on the issue with what would be done, answered there by those who may write.

use crate::fake_github::{Fault, Logged};
use crate::rig::{Ran, Rig};
use crate::stage::Stage;
use serde_json::{Value, json};

const AGENT: &str = r#"#!/bin/sh
cat > PLACE/told
echo x > file-1.txt
echo '{"cost_usd": 0.25, "summary": "did it"}'
"#;
const DAY: i64 = 86_400_000;

/// All issues are supervised.
fn supervised(approvals: &Value) -> Value {
    json!({
        "routing": { "mode": "enforce", "rules": [], "decisions": [{ "route": "supervised" }] },
        "approvals": approvals,
    })
}

fn stage(approvals: &Value) -> Stage {
    let mut stage = Stage::new(AGENT, None);
    stage.configure(&supervised(approvals));
    stage.issue(1, &["go"]);
    stage
}

/// What our account said on the issue.
fn asked(stage: &Stage) -> Vec<String> {
    let comments = stage.fake.comments(1).into_iter();
    let ours = comments.filter(|comment| comment.author == "octo-bot");
    ours.map(|comment| comment.body).collect()
}

fn told(stage: &Stage) -> String {
    std::fs::read_to_string(stage.rig.path("told")).unwrap_or_default()
}

#[test]
fn it_is_asked_once_and_only_those_who_may_write_answer() {
    let stage = stage(&json!({}));
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    let [request] = &asked(&stage)[..] else {
        panic!("{:?}", asked(&stage));
    };
    for part in [
        "This waits for somebody who may write here",
        "Type ",
        "`autoissue/1-",
        "no attempt may cost more than $",
        "- `/approve`, or",
        "kind=approval -->",
    ] {
        assert!(request.contains(part), "{part}: {request}");
    }
    stage.fake.add_comment(1, "an-outsider", "/approve");
    stage
        .fake
        .add_comment(1, "a-maintainer", "I would say /approve, but not yet");
    let marked = "/approve\n\n<!-- autoissue:v1 session=x issue=1 kind=y -->";
    stage.fake.add_comment(1, "octo-bot", marked);
    assert_eq!(stage.resume().code, Some(5), "none of these is an answer");
    stage
        .fake
        .add_comment(1, "a-maintainer", "/modify keep the old flag\nand its test");
    stage.fake.add_comment(1, "a-maintainer", "/reject");
    let ran = stage.resume();
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
    assert!(told(&stage).contains("keep the old flag\nand its test"));
    let requests = asked(&stage).into_iter();
    let requests = requests.filter(|text| text.contains("kind=approval -->"));
    assert_eq!(requests.count(), 1);
    let audit = stage.rig.run(&["audit", "--json"]).stdout;
    assert!(
        audit.contains("a-maintainer") && audit.contains("a comment on the issue"),
        "{audit}"
    );
    stage.assert_lawful();
}

#[test]
fn a_person_may_answer_with_the_account_that_we_use() {
    let stage = stage(&json!({}));
    assert_eq!(stage.exec("go", &[]).code, Some(5));
    stage
        .fake
        .add_comment(1, "octo-bot", "/reject not this year");
    let ran = stage.resume();
    assert_eq!(ran.task(1)["outcome"], "skipped", "{ran:?}");
    assert_eq!(ran.task(1)["reason"], "a person rejected it: not this year");
    assert_eq!(told(&stage), "", "no agent ran");
}

#[test]
fn without_comments_nothing_is_asked_there_and_nothing_heard() {
    let stage = stage(&json!({ "comment": false }));
    assert_eq!(stage.exec("go", &[]).code, Some(5));
    assert_eq!(asked(&stage), [""; 0]);
    stage.fake.add_comment(1, "a-maintainer", "/approve");
    assert_eq!(stage.resume().code, Some(5));
    assert_eq!(stage.rig.run(&["approve", "1"]).code, Some(0));
    assert_eq!(stage.resume().count("completed"), 1, "the control");
}

/// All that happened so far, happened a day earlier.
fn a_day_passes(rig: &Rig) {
    let db = rusqlite::Connection::open(rig.path("state/autoissue.db")).unwrap();
    // What the product never does.
    db.execute_batch("DROP TRIGGER IF EXISTS events_are_never_changed")
        .unwrap();
    let moved = db.execute("UPDATE events SET at = at - ?1", [DAY]);
    assert!(moved.unwrap() > 0);
}

#[test]
fn who_is_not_answered_in_time_is_left_out() {
    let stage = stage(&json!({ "timeoutHours": 24 }));
    assert_eq!(stage.exec("go", &[]).code, Some(5));
    assert!(asked(&stage)[0].contains("Without an answer within 24 h it is left out."));
    assert_eq!(
        stage.resume().code,
        Some(5),
        "the control: it is not time yet"
    );
    a_day_passes(&stage.rig);
    let ran = stage.resume();
    assert_eq!(ran.task(1)["outcome"], "skipped", "{ran:?}");
    assert_eq!(ran.task(1)["reason"], "nobody approved it within 24 h");
}

#[test]
fn an_answer_that_came_in_time_counts_though_it_is_read_late() {
    let stage = stage(&json!({ "timeoutHours": 24 }));
    assert_eq!(stage.exec("go", &[]).code, Some(5));
    stage.fake.add_comment(1, "a-maintainer", "/approve");
    a_day_passes(&stage.rig);
    let ran = stage.resume();
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
}

#[test]
fn where_nobody_could_look_nothing_is_too_late() {
    let stage = stage(&json!({ "timeoutHours": 24 }));
    assert_eq!(stage.exec("go", &[]).code, Some(5));
    stage.fake.add_comment(1, "a-maintainer", "/approve");
    a_day_passes(&stage.rig);
    let is_look =
        |asked: &Logged| asked.method == "GET" && asked.path.contains("/issues/1/comments");
    stage
        .fake
        .fail_when(is_look, Fault::Forbidden("not now"), 1);
    let ran = stage.resume();
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(stage.resume().count("completed"), 1);
}

#[test]
fn others_are_asked_as_well_once_and_it_waits_on() {
    let more = json!({ "timeoutHours": 24, "then": "escalate", "escalateTo": ["lead", "acme/maintainers"] });
    let stage = stage(&more);
    assert_eq!(stage.exec("go", &[]).code, Some(5));
    a_day_passes(&stage.rig);
    let ran = stage.resume();
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(ran.event("approval_overdue")["hours"], 24);
    let reminders = || {
        let all = asked(&stage).into_iter();
        let late = all.filter(|text| text.contains("kind=approval-overdue -->"));
        late.collect::<Vec<_>>()
    };
    assert!(reminders()[0].starts_with("@lead @acme/maintainers: nobody has answered for 24 h"));
    a_day_passes(&stage.rig);
    assert_eq!(stage.resume().code, Some(5));
    assert_eq!(reminders().len(), 1, "once");
    stage.fake.add_comment(1, "a-maintainer", "/approve");
    assert_eq!(stage.resume().count("completed"), 1);
    stage.assert_lawful();
}

#[test]
fn below_a_local_issue_it_is_the_same() {
    let rig = Rig::new();
    let place = rig.path("").display().to_string();
    let agent = AGENT.replace("PLACE", place.trim_end_matches('/'));
    let agent = rig.script("agent", &agent);
    let mut config = supervised(&json!({}));
    config["agent"] = json!({ "kind": "command", "command": [agent] });
    rig.config(&config);
    rig.issue(
        1,
        "One",
        "It should be so, and everybody can see that it is.",
    );
    assert_eq!(rig.go().code, Some(5));
    let path = "checkout/.autoissue/issues/1.md";
    let text = std::fs::read_to_string(rig.path(path)).unwrap();
    assert!(text.contains("kind=approval -->"), "{text}");
    let resume = || -> Ran { rig.run(&["resume", "--format", "json"]) };
    assert_eq!(resume().code, Some(5));
    assert_eq!(std::fs::read_to_string(rig.path(path)).unwrap(), text);
    rig.write(path, &format!("{text}\nIs it safe?\n\n/approve\n"));
    assert_eq!(resume().count("completed"), 1);
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    for (approvals, key) in [
        (json!({ "timeoutHours": 0 }), "approvals.timeoutHours"),
        (json!({ "then": "shrug" }), "approvals.then"),
        (
            json!({ "timeoutHours": 1, "then": "escalate", "escalateTo": ["two words"] }),
            "approvals.escalateTo[0]",
        ),
        (json!({ "then": "escalate" }), "approvals.then"),
        (json!({ "escalateTo": ["lead"] }), "approvals.escalateTo"),
    ] {
        let mut stage = Stage::new(AGENT, None);
        stage.configure(&supervised(&approvals));
        let ran = stage.rig.run(&["config", "show"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains(key), "{key}: {ran:?}");
    }
}
