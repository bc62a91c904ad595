//! `why`: what keeps an issue waiting, as a person and as a program are told.

use crate::rig::{Rig, wait_for};
use serde_json::{Value, json};
use std::process::{Child, Stdio};

/// Two issues on one file, one on another, two of which nothing is known.
fn backlog() -> Rig {
    let rig = Rig::new();
    for (number, title, body) in [
        (1, "[Backend] Totals", "See `src/cart.rs`."),
        (2, "[Backend] Rounding", "See `src/cart.rs`."),
        (3, "[Backend] Names", "See `src/user.rs`."),
        (4, "Something", "It is odd."),
        (5, "Another thing", "It is odder."),
    ] {
        rig.write(
            &format!("checkout/.autoissue/issues/{number}-x.md"),
            &format!("---\ntitle: \"{title}\"\nlabels: [go]\n---\n{body}\n"),
        );
    }
    rig.config(&json!({
        "forge": { "kind": "local" },
        "executor": { "maxParallel": 5 },
        "agent": { "kind": "command", "command": ["true"] },
    }));
    rig
}

#[test]
fn one_of_two_on_a_file_waits_for_the_other_and_the_rest_run_beside_them() {
    let rig = backlog();
    let json = |issue: &str| {
        rig.run(&["why", issue, "go", "--format", "json"])
            .last_json()
    };
    let (first, second) = (json("1"), json("2"));
    assert_eq!(first["state"], "running");
    assert_eq!(second["state"], "waiting");
    let wait = &second["waits_for"][0];
    assert_eq!(
        (&wait["kind"], &wait["issue"]),
        (&json!("collision"), &json!(1))
    );
    assert_eq!(wait["files"][0]["path"], "src/cart.rs");
    assert_eq!(
        second["but_for"],
        json!([{ "without": [1], "starts_in_minutes": 0 }])
    );
    for issue in ["3", "4", "5"] {
        assert_eq!(json(issue)["state"], "running", "#{issue}");
    }
    assert_eq!(json("4")["files_known"], false);
    let text = rig.run(&["why", "2", "go"]).stdout;
    for part in [
        "#2 [Backend] Rounding",
        "waits for #1, which runs: they collide with a chance of 81 %",
        "src/cart.rs (81 %)",
        "It would start now without #1.",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}

#[test]
fn an_issue_that_nobody_has_is_told_with_the_way_out() {
    let rig = backlog();
    let ran = rig.run(&["why", "7", "go"]);
    assert!(
        ran.stderr
            .contains("no open issue labelled go has this number"),
        "{}",
        ran.stderr
    );
    let ran = rig.run(&["why", "1"]);
    assert!(
        ran.stderr.contains("autoissue why 1 LABEL"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_backlog_is_simulated_with_several_numbers_of_slots() {
    let rig = backlog();
    let args = [
        "simulate",
        "--label",
        "go",
        "--max-parallel",
        "1,4",
        "--runs",
        "40",
    ];
    let json = rig
        .run(&[&args[..], &["--format", "json"]].concat())
        .last_json();
    let settings = json["settings"].as_array().unwrap();
    let minutes = |at: usize| settings[at]["minutes"]["p50"].as_u64().unwrap();
    assert_eq!(settings.len(), 2);
    assert!(minutes(0) > minutes(1), "{json}");
    assert_eq!(settings[0]["done"], 5);
    assert_eq!(settings[0]["cost_usd"], settings[1]["cost_usd"]);
    let text = rig.run(&args).stdout;
    for part in [
        "conflicts",
        "█",
        "5 tasks, 40 runs for each number of slots",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    let ran = rig.run(&["simulate", "--label", "go", "--max-parallel", "0"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
}

#[test]
fn a_plan_is_simulated_before_any_issue_exists() {
    let rig = backlog();
    let plan = json!({
        "version": 1,
        "directive": "Build it",
        "items": [
            { "key": "one", "title": "Lay the ground", "body": "Make it ready.", "acceptance": ["It is there."],
              "domain": "backend", "labels": [], "complexity": "simple", "files": ["src/one.rs"],
              "depends_on": [], "estimate_minutes": 10 },
            { "key": "two", "title": "Build upon it", "body": "Use what is there.", "acceptance": ["It works."],
              "domain": "frontend", "labels": [], "complexity": "simple", "files": ["web/two.ts"],
              "depends_on": ["one"], "estimate_minutes": 20 },
        ],
    });
    rig.write("checkout/plan.json", &plan.to_string());
    let json = rig
        .run(&["simulate", "--from", "plan.json", "--format", "json"])
        .last_json();
    assert_eq!(json["settings"][0]["done"], 2, "{json}");
    let ran = rig.run(&["simulate", "--from", "absent.json"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("absent.json"), "{}", ran.stderr);
    let ran = rig.run(&["simulate", "--from", "plan.json", "--label", "go"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
}

/// Two slots; the agent keeps an issue while there is a gate for it.
fn gated(more: &Value) -> Rig {
    let rig = Rig::new();
    let place = rig.path("");
    let script = "#!/bin/sh
cat > /dev/null
echo \"$AUTOISSUE_ISSUE\" >> PLACE/runs
while [ -e PLACE/gate-$AUTOISSUE_ISSUE ]; do sleep 0.05; done
case $AUTOISSUE_ISSUE in 3) ;; *) echo done > \"file-$AUTOISSUE_ISSUE.txt\";; esac
";
    let script = script.replace("PLACE", place.display().to_string().trim_end_matches('/'));
    let agent = rig.script("agent", &script);
    let mut config = json!({
        "executor": { "maxParallel": 2 },
        "agent": { "kind": "command", "command": [agent] },
    });
    config
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    rig.config(&config);
    rig
}

fn why(rig: &Rig, issue: &str) -> Value {
    rig.run(&["why", issue, "--format", "json"]).last_json()
}

fn begin(rig: &Rig) -> Child {
    let mut exec = rig.autoissue(&["exec", "go", "--format", "json"]);
    exec.stdout(Stdio::null()).spawn().unwrap()
}

fn runs(rig: &Rig) -> usize {
    let text = std::fs::read_to_string(rig.path("runs")).unwrap_or_default();
    text.lines().count()
}

#[test]
fn a_running_session_is_asked_from_another_process() {
    let rig = gated(&json!({}));
    let issues = [
        (1, "[Backend] Totals", "See `src/cart.rs`."),
        (2, "[Backend] Rounding", "See `src/cart.rs`."),
        (3, "[Backend] Names", "See `src/user.rs`."),
        (
            4,
            "[Frontend] Colours",
            "See `web/page.css`. Depends on #1.",
        ),
        (5, "[Testing] Prices", "See `tests/prices.rs`."),
    ];
    for (number, title, body) in issues {
        rig.issue(number, title, body);
        rig.write(&format!("gate-{number}"), "");
    }
    let mut running = begin(&rig);
    wait_for(|| runs(&rig) == 2);
    let all: Vec<Value> = (1..=5).map(|issue| why(&rig, &issue.to_string())).collect();
    assert_eq!(all[0]["state"], "running", "others wait for it: {all:?}");
    let wait = &all[1]["waits_for"][0];
    assert_eq!(
        (&wait["kind"], &wait["issue"]),
        (&json!("collision"), &json!(1))
    );
    assert_eq!(
        all[1]["but_for"],
        json!([{ "without": [1], "starts_in_minutes": 0 }])
    );
    let text = rig.run(&["why", "2"]).stdout;
    let parts = [
        "waits for #1, which runs: they collide with a chance of 64 % (30 % keeps them apart) over src/cart.rs (64 %)\n",
        "It would start now without #1.",
    ];
    for part in parts {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    assert_eq!(
        all[3]["waits_for"],
        json!([{ "kind": "need", "issue": 1, "merge": true }])
    );
    // One of the two that are left has the second slot.
    let slotless = if all[2]["state"] == "running" { 5 } else { 3 };
    let other = &all[slotless - 1];
    assert_eq!(other["waits_for"][0]["kind"], "slot", "{all:?}");
    let but_for = other["but_for"].as_array().unwrap();
    let more = json!({ "slots": 3, "starts_in_minutes": 0 });
    assert!(but_for.contains(&more), "{other}");
    for issue in 1..=5 {
        std::fs::remove_file(rig.path(&format!("gate-{issue}"))).unwrap();
    }
    let code = running.wait().unwrap().code();
    assert_eq!(code, Some(3), "#4 waits for the merge of #1");
    let text = rig.run(&["why", "3"]).stdout;
    assert!(text.contains("\nIt ended as no change.\n"), "{text}");
    assert!(
        rig.run(&["why", "1"])
            .stdout
            .contains("\nIt ended as completed.\n")
    );
}

#[test]
fn a_session_whose_process_is_gone_is_told_as_it_stood() {
    let rig = gated(&json!({}));
    rig.issue(1, "[Backend] Totals", "See `src/cart.rs`.");
    rig.issue(2, "[Backend] Rounding", "See `src/cart.rs`.");
    rig.write("gate-1", "");
    let mut running = begin(&rig);
    wait_for(|| runs(&rig) == 1);
    running.kill().unwrap();
    running.wait().unwrap();
    let text = rig.run(&["why", "1"]).stdout;
    assert!(
        text.contains("It ran when the session was interrupted."),
        "{text}"
    );
    assert!(text.contains("autoissue resume"), "{text}");
    assert!(!text.contains("It runs"), "{text}");
    let text = rig.run(&["why", "2"]).stdout;
    assert!(text.contains("waits for #1"), "{text}");
    assert_eq!(why(&rig, "1")["state"], "interrupted");
    assert_eq!(why(&rig, "2")["session_state"], "interrupted");
}

#[test]
fn who_waits_for_a_person_is_told_so() {
    let rule = json!({ "name": "ours", "when": { "title": ["watched"] }, "suitability": "medium", "final": true, "because": "we said so" });
    let row = json!({ "suitability": "medium", "route": "supervised" });
    let routing = json!({ "mode": "enforce", "rules": [rule], "decisions": [row] });
    let rig = gated(&json!({ "routing": routing }));
    rig.issue(1, "watched: one", "It should be so, in `src/a.rs`.");
    assert_eq!(rig.go().code, Some(5));
    let json = why(&rig, "1");
    assert_eq!(json["waits_for"][0]["kind"], "approval", "{json}");
    assert_eq!(json["starts_in_minutes"], Value::Null);
    let text = rig.run(&["why", "1"]).stdout;
    let words = "waits for a person: `autoissue approve 1` (we said so";
    assert!(text.contains(words), "{text}");
}
