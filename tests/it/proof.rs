//! A test that fails without the change and passes with it: asked for, verified, demanded.

use crate::rig::{Ran, Rig};
use serde_json::json;

/// Runs every test of the repository.
const CHECK: &str = "for t in tests/*.sh; do [ ! -e $t ] || sh $t || exit 1; done";
const PROVES: &str = "echo right > src.sh; mkdir -p tests; echo '[ -e src.sh ]' > tests/a.sh";
const PROVES_NOTHING: &str = "echo right > src.sh; mkdir -p tests; echo 'true' > tests/a.sh";
const NO_TEST: &str = "echo right > src.sh";

fn go(mode: &str, does: &str) -> (Rig, Ran) {
    let rig = Rig::new();
    let told = rig.path("told").display().to_string();
    let agent = rig.script("agent", &format!("#!/bin/sh\ncat >> {told}\n{does}\n"));
    rig.config(&json!({
        "agent": { "kind": "command", "command": [agent] },
        "executor": { "maxRetries": 0 },
        "scheduling": { "certificate": false },
        "checks": [{ "name": "all", "kind": "test", "run": ["sh", "-c", CHECK] }],
        "verify": { "failingTest": mode },
    }));
    rig.issue(1, "One", "In `src.sh`.");
    let ran = rig.go();
    (rig, ran)
}

/// Each round's checks, as `name verdict`.
fn rounds(ran: &Ran) -> Vec<Vec<String>> {
    let events = ran.events().into_iter();
    let checked = events.filter(|event| event["event"] == "checked");
    let said = |event: serde_json::Value| {
        let checks = event["checks"].as_array().unwrap().iter();
        let word = |check: &serde_json::Value, key: &str| check[key].as_str().unwrap().to_owned();
        checks
            .map(|check| format!("{} {}", word(check, "name"), word(check, "verdict")))
            .collect()
    };
    checked.map(said).collect()
}

fn told(rig: &Rig) -> String {
    std::fs::read_to_string(rig.path("told")).unwrap()
}

#[test]
fn a_test_that_fails_without_the_change_proves_it() {
    for mode in ["ask", "require"] {
        let (rig, ran) = go(mode, PROVES);
        assert_eq!(ran.count("completed"), 1, "{ran:?}");
        assert_eq!(
            rounds(&ran),
            [["all passed", "fails without the change passed"]]
        );
        assert!(told(&rig).contains("Add a test, in a file of tests"));
        // What was laid over the base is no part of what is offered.
        assert_eq!(rig.file("autoissue/1-one", "src.sh"), "right");
    }
}

#[test]
fn one_that_passes_anyway_proves_nothing_and_stops_only_where_it_is_demanded() {
    for does in [PROVES_NOTHING, NO_TEST] {
        let (_, ran) = go("ask", does);
        assert_eq!(ran.count("completed"), 1, "{ran:?}");
        assert_eq!(
            rounds(&ran),
            [["all passed", "fails without the change unproven"]]
        );
        let (rig, ran) = go("require", does);
        assert_eq!(ran.count("failed"), 1, "{ran:?}");
        assert_eq!(rounds(&ran).len(), 3);
        let why = if does == NO_TEST {
            "no file of tests was changed"
        } else {
            "pass on the code as it was as well: tests/a.sh"
        };
        assert!(told(&rig).contains(why), "{}", told(&rig));
    }
}

#[test]
fn nobody_is_asked_where_it_is_off_or_where_there_is_nothing_to_prove() {
    let (rig, ran) = go("off", NO_TEST);
    assert_eq!(rounds(&ran), [["all passed"]], "{ran:?}");
    assert!(!told(&rig).contains("Add a test, in a file of tests"));
    let (_, ran) = go("require", "echo more >> README.md");
    assert_eq!(rounds(&ran), [["all passed"]], "{ran:?}");
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
}

#[test]
fn work_that_no_test_tried_says_so_in_its_pull() {
    let pull = |kind: &str| {
        let rig = Rig::local(
            "echo x > src.sh",
            &json!({
                "checks": [{ "name": "one", "kind": kind, "run": "true" }],
            }),
        );
        rig.issue(1, "One", "do it");
        assert_eq!(rig.go().count("completed"), 1);
        let mut pulls = std::fs::read_dir(rig.path("checkout/.autoissue/pulls")).unwrap();
        std::fs::read_to_string(pulls.next().unwrap().unwrap().path()).unwrap()
    };
    let words = "No test that passes has tried this. **Please review it by hand.**";
    assert!(pull("lint").contains(words));
    assert!(pull("build").contains(words));
    assert!(!pull("test").contains(words));
}
