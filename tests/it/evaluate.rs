//! What is made of issues, by the real binary: every factor shown, and the rules of the configuration obeyed.

use crate::rig::Rig;
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
        "recommended analyze-cause, fix, regression-test",
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
    assert_eq!(json["care"], json!(["security", "sensitive paths"]));
    assert!(!rig.path("state").exists(), "nothing was written");
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
