//! `why`: what keeps an issue waiting, as a person and as a program are told.

use crate::rig::Rig;
use serde_json::json;

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
