//! What is made of issues, by the real binary: every factor shown, and the rules of the configuration obeyed.

use crate::rig::{Ran, Rig};
use serde_json::{Value, json};

fn evaluated(rig: &Rig, number: &str) -> Value {
    let ran = rig.run(&["evaluate", number, "--format", "json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.event("evaluation")["evaluation"].clone()
}

#[test]
fn an_evaluation_shows_every_factor_and_the_rule_that_decided() {
    let rig = Rig::local("true", &json!({}));
    rig.issue(
        1,
        "Fix the login \u{1b}[31mtimeout",
        "Sessions should end after an hour: `src/auth/session.rs`.",
    );
    let ran = rig.run(&["evaluate", "1"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.stdout.contains('\u{1b}'), "{}", ran.stdout);
    for line in [
        "#1  Fix the login timeout",
        "route       manual: low suitability",
        "type        bug (\"fix*\" in the title)",
        "priority    high (high risk)",
        "sensitive paths          src/auth/session.rs",
        "suitability low: the rule security decided",
        "rule        security says low, and no rule after it: security has to be",
        "agent       Find the cause before you change anything.",
        "reviewer    A person has to review and approve it.",
        "here        it would run: routing.mode is advise",
    ] {
        assert!(ran.stdout.contains(line), "{line} in\n{}", ran.stdout);
    }
    let json = evaluated(&rig, "1");
    for (score, factors) in [("complexity", 4), ("confidence", 4), ("risk", 6)] {
        assert_eq!(
            json[score]["factors"].as_array().unwrap().len(),
            factors,
            "{json}"
        );
    }
    assert_eq!(
        json["steps"][0],
        "Find the cause before you change anything."
    );
    assert_eq!(json["care"], json!(["security", "sensitive paths"]));
    assert!(!rig.path("state").exists(), "nothing was written");
}

#[test]
fn an_evaluation_fits_the_screen_and_leaves_nothing_out() {
    let rig = Rig::local("true", &json!({}));
    let body = "In `src/auth/one.rs`, `src/auth/two.rs`, `src/auth/three.rs` and `src/billing/four.rs`. Why? How?";
    rig.issue(1, "Fix the login timeout", body);
    for columns in ["60", "80", "140"] {
        let mut command = rig.autoissue(&["evaluate", "1"]);
        let ran = Ran::from(command.env("COLUMNS", columns).output().unwrap());
        let width: usize = columns.parse().unwrap();
        let widest = ran.stdout.lines().map(|line| line.chars().count()).max();
        assert!(
            widest.unwrap() <= width.max(76),
            "{columns}: {}",
            ran.stdout
        );
        assert!(!ran.stdout.contains('…'), "{columns}: {}", ran.stdout);
        for path in [
            "src/auth/one.rs",
            "src/auth/two.rs",
            "src/auth/three.rs",
            "src/billing/four.rs",
        ] {
            assert!(
                ran.stdout.contains(path),
                "{columns}: {path} in {}",
                ran.stdout
            );
        }
    }
}

#[test]
fn rules_and_weights_of_the_configuration_decide() {
    let rule = json!({ "name": "ours", "when": { "text": ["tea*"] }, "suitability": "medium", "final": true });
    let row = json!({ "suitability": "medium", "route": "autonomous" });
    let weights = json!({ "text": 0, "technicalDepth": 0, "scope": 1, "dependencies": 0 });
    let routing =
        json!({ "rules": [rule], "decisions": [row], "complexity": { "weights": weights } });
    let rig = Rig::local("true", &json!({ "routing": routing }));
    rig.issue(1, "Sell teapots", "In `src/a.rs` and `src/b.rs`.");
    let json = evaluated(&rig, "1");
    assert_eq!(
        (&json["route"], &json["decided_by"]),
        (&json!("autonomous"), &json!("ours"))
    );
    assert_eq!(json["complexity"]["score"], json!(0.2));
}

#[test]
fn a_rule_that_makes_no_sense_is_refused_by_its_key() {
    let check = |routing: Value, expect: &str| {
        let rig = Rig::local("true", &json!({ "routing": routing }));
        let ran = rig.run(&["evaluate", "1"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains(expect), "{expect} in\n{}", ran.stderr);
    };
    check(
        json!({ "rules": [{ "name": "x", "suitability": "perfect" }] }),
        "routing.rules[0].suitability",
    );
    check(
        json!({ "complexity": { "weights": { "text": 2 } } }),
        "routing.complexity.weights.text: 2 is not from 0 to 1",
    );
    check(json!({ "mode": "strict" }), "routing.mode");
    check(
        json!({ "confidence": { "patterns": [{ "name": "x", "confidence": 1, "words": ["a.b"] }] } }),
        "routing.confidence.patterns[0].words[0]",
    );
}

#[test]
fn an_issue_that_is_not_there_is_named() {
    let rig = Rig::local("true", &json!({}));
    rig.issue(1, "Sell teapots", "");
    let ran = rig.run(&["evaluate", "7"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr.contains("could not evaluate #7"),
        "{}",
        ran.stderr
    );
}

fn commit(rig: &Rig, message: &str, path: &str) {
    rig.write(&format!("checkout/{path}"), message);
    rig.git(&["add", "--", path]);
    rig.git(&["commit", "--quiet", "--message", message]);
}

/// What a factor of a score is by, and what for.
fn factor(evaluation: &Value, score: &str, name: &str) -> (f64, String) {
    let factors = evaluation[score]["factors"].as_array().unwrap();
    let found = factors.iter().find(|factor| factor["name"] == name);
    let found = found.unwrap_or_else(|| panic!("no {name}: {evaluation}"));
    (
        found["value"].as_f64().unwrap(),
        found["because"].to_string(),
    )
}

#[test]
fn closed_issues_speak_for_one_like_them_without_any_index() {
    let rig = Rig::local("true", &json!({}));
    let similar = |rig: &Rig| {
        factor(
            &evaluated(rig, "9"),
            "confidence",
            "similar resolved issues",
        )
    };
    for (number, state) in [(7, "closed"), (8, "open")] {
        let text =
            format!("---\ntitle: Water the plants of the hall\nstate: {state}\n---\nDo it.\n");
        rig.write(&format!("checkout/.autoissue/issues/{number}.md"), &text);
    }
    rig.issue(9, "Water plants in the hall", "It should be so.");
    let (value, because) = similar(&rig);
    assert!(
        because.contains("1 of 1 ended well") && because.contains("closest #7"),
        "{because}"
    );
    assert!(value >= 0.9, "{value}");
    std::fs::remove_file(rig.path("checkout/.autoissue/issues/7.md")).unwrap();
    assert!(
        similar(&rig).1.contains("none in this"),
        "an open one says nothing"
    );
}

#[test]
fn the_history_and_the_own_record_speak_for_an_issue() {
    let agent =
        "case $AUTOISSUE_ISSUE in 31) exit 1;; esac\necho done > \"file-$AUTOISSUE_ISSUE.txt\"";
    let rig = Rig::local(agent, &json!({ "executor": { "maxRetries": 0 } }));
    for (number, word) in (11..).zip(["lamps", "chairs", "tables", "doors", "windows", "carpets"]) {
        let message = format!("Keep {word} in stock after a refund (#{number})");
        commit(&rig, &message, &format!("stock/{word}.txt"));
    }
    for number in 0..6 {
        commit(
            &rig,
            &format!("Paint wall {number}"),
            &format!("walls/{number}.txt"),
        );
    }
    commit(&rig, "Own the walls", "CODEOWNERS");
    rig.write(
        "checkout/CODEOWNERS",
        "file-* @ada\n/stock/lamps.txt @ada\n/CODEOWNERS @ada\n",
    );
    rig.git(&["commit", "--quiet", "--all", "--message", "Own the lamps"]);
    rig.issue(30, "Keep the stock after a refund", "");
    rig.issue(31, "Print the delivery label twice", "");
    let alone = evaluated(&rig, "30");
    let similar = |json: &Value| factor(json, "confidence", "similar resolved issues");
    assert!(
        similar(&alone).1.contains("none in this repository's"),
        "{alone}"
    );
    assert_eq!(rig.go().code, Some(3));
    let (value, because) = similar(&evaluated(&rig, "30"));
    assert!(value >= 0.6, "six like it went well: {value} {because}");
    assert!(because.contains("6 of 6 ended well"), "{because}");
    rig.issue(
        32,
        "Print the delivery label",
        "In `stock/lamps.txt` and `stock/doors.txt`.",
    );
    let json = evaluated(&rig, "32");
    let (value, because) = similar(&json);
    assert_eq!(
        (value, because.contains("0 of 1 ended well")),
        (0.0, true),
        "{json}"
    );
    assert!(because.contains("closest #31"), "{because}");
    let (_, unowned) = factor(&json, "risk", "unowned files");
    assert_eq!(unowned, "[\"stock/doors.txt\"]");
    let dry = rig.run(&["exec", "--issue", "32", "--dry-run", "--format", "json"]);
    let dry = dry.last_json()["tasks"][0]["evaluation"].clone();
    assert_eq!(similar(&dry), similar(&json), "a dry run knows the same");
}

#[test]
fn rules_of_the_project_tell_domains_and_files() {
    let rules = json!([{ "domain": "database", "labels": ["go"], "keywords": ["ledger*"], "paths": ["money/**"] }]);
    let config = json!({ "classification": { "rules": rules } });
    let agent = "echo done > \"file-$AUTOISSUE_ISSUE.txt\"";
    let rig = Rig::local(agent, &config);
    commit(&rig, "Count", "money/count.rs");
    commit(&rig, "Greet", "hall/greet.rs");
    rig.issue(1, "Something", "It should be so.");
    let dry = rig.run(&["exec", "go", "--dry-run", "--format", "json"]);
    let task = dry.last_json()["tasks"][0].clone();
    assert_eq!(
        (&task["domain"], &task["reasons"]),
        (&json!("database"), &json!(["label \"go\""]))
    );
    assert_eq!(rig.go().code, Some(0));
    rig.issue(2, "Count and greet", "It should be so.");
    let shown = rig
        .run(&["footprint", "show", "2", "--format", "json"])
        .last_json();
    let files = shown["files"].as_array().unwrap();
    let kinds = |path: &str| {
        let file = files.iter().find(|file| file["path"] == path);
        file.map_or_else(String::new, |file| file["evidence"].to_string())
    };
    assert!(kinds("money/count.rs").contains("area"), "{shown}");
    assert!(!kinds("hall/greet.rs").contains("area"), "{shown}");
    let refused = Rig::local(
        "true",
        &json!({ "classification": { "rules": [{ "domain": "backend" }] } }),
    );
    let ran = refused.run(&["config", "check"]);
    let words = "classification.rules[0]: has no labels, keywords or paths";
    assert!(ran.said().contains(words), "{ran:?}");
}
