//! What is charged to an agent: neither what failed before nor what comes and goes.

use crate::rig::{Ran, Rig};
use serde_json::{Value, json};

/// A project with this check, and an agent that writes this into `file-1.txt`.
fn project(check: &str, writes: &str) -> Rig {
    let place = Rig::new();
    let told = place.path("told").display().to_string();
    let agent = format!("#!/bin/sh\ncat >> {told}\necho {writes} > file-1.txt\n");
    let agent = place.script("agent", &agent);
    let check = check.replace(
        "PLACE",
        place.path("").to_str().unwrap().trim_end_matches('/'),
    );
    place.config(&json!({
        "agent": { "kind": "command", "command": [agent] },
        "executor": { "maxRetries": 0 },
        "scheduling": { "certificate": false },
        "checks": [{ "name": "all", "kind": "test", "run": ["sh", "-c", check] }],
    }));
    place.issue(1, "One", "In `file-1.txt`.");
    place
}

/// Each round's check, as `verdict`.
fn rounds(ran: &Ran) -> Vec<String> {
    let events = ran.events().into_iter();
    let checked = events.filter(|event| event["event"] == "checked");
    let verdict = |event: Value| event["checks"][0]["verdict"].as_str().unwrap().to_owned();
    checked.map(verdict).collect()
}

/// The first pull.
fn pull(rig: &Rig) -> String {
    let pulls = std::fs::read_dir(rig.path("checkout/.autoissue/pulls")).unwrap();
    let mut paths: Vec<_> = pulls.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    std::fs::read_to_string(&paths[0]).unwrap()
}

#[test]
fn what_failed_before_is_never_charged_to_the_agent() {
    let rig = project("printf 'the %s one\\n' old; exit 1", "right");
    let ran = rig.go();
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
    assert_eq!(rounds(&ran), ["failed_before"]);
    let pull = pull(&rig);
    assert!(
        pull.contains("| `all` | test | fails on the base branch as well |")
            && pull.contains("the old one"),
        "{pull}"
    );
    let told = std::fs::read_to_string(rig.path("told")).unwrap();
    assert!(!told.contains("the old one"), "{told}");

    // The control: where the base is not asked, the agent is charged with it.
    let rig = project("printf 'the %s one\\n' old; exit 1", "right");
    let mut command = rig.autoissue(&["exec", "go", "--format", "json"]);
    let ran: Ran = command
        .env("AUTOISSUE_FAULT", "no-base")
        .output()
        .unwrap()
        .into();
    assert_eq!(ran.count("failed"), 1, "{ran:?}");
    assert_eq!(rounds(&ran), ["failed"; 3]);
    let told = std::fs::read_to_string(rig.path("told")).unwrap();
    assert!(told.contains("the old one"), "{told}");
}

#[test]
fn what_the_work_breaks_is_charged_to_it() {
    let rig = project("! grep -q wrong file-1.txt", "wrong");
    let ran = rig.go();
    assert_eq!(ran.count("failed"), 1, "{ran:?}");
    assert_eq!(rounds(&ran), ["failed"; 3]);
}

#[test]
fn what_comes_and_goes_is_named_and_stops_nothing() {
    // It fails on the work once, and never again; what it leaves behind helps nobody, for the worktree is a new one.
    let flaky = "[ -e file-1.txt ] || exit 0; [ -e mark ] && exit 3; touch mark; \
        [ -e PLACE/seen ] || { touch PLACE/seen; echo a race; exit 1; }";
    let rig = project(flaky, "right");
    let ran = rig.go();
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
    assert_eq!(rounds(&ran), ["flaky"]);
    let pull = pull(&rig);
    assert!(
        pull.contains("flaky: failed, then passed on the same commit") && pull.contains("a race"),
        "{pull}"
    );
    let status = rig.run(&["status", "--issue", "1"]);
    assert!(status.stdout.contains("all flaky ("), "{status:?}");

    // A check that only reads the files is not run again.
    let mut config: Value = serde_json::from_str(
        &std::fs::read_to_string(rig.path("checkout/autoissue.config.json")).unwrap(),
    )
    .unwrap();
    config["checks"][0]["kind"] = json!("lint");
    rig.config(&config);
    std::fs::remove_file(rig.path("seen")).unwrap();
    rig.issue(2, "Two", "In `file-1.txt`.");
    let ran = rig.run(&["exec", "--issue", "2", "--format", "json"]);
    assert_eq!(rounds(&ran), ["failed", "passed"], "{ran:?}");
}

#[test]
fn a_base_that_comes_and_goes_excuses_nothing() {
    // On the base it fails the first time only.
    let check =
        "if [ -e file-1.txt ]; then exit 1; fi; [ -e PLACE/seen ] || { touch PLACE/seen; exit 1; }";
    let ran = project(check, "wrong").go();
    assert_eq!(rounds(&ran), ["failed"; 3], "{ran:?}");
}

#[test]
fn the_first_errors_and_the_end_go_back_to_the_agent() {
    let noise = "i=0; while [ $i -lt 3000 ]; do echo noise line $i; i=$((i+1)); done";
    let check = format!(
        "[ -e file-1.txt ] || exit 0; echo 'error: it is broken here'; {noise}; echo the end; exit 1"
    );
    let rig = project(&check, "wrong");
    let ran = rig.go();
    assert_eq!(ran.count("failed"), 1, "{ran:?}");
    let told = std::fs::read_to_string(rig.path("told")).unwrap();
    assert!(
        told.contains("error: it is broken here\nnoise line 0\n"),
        "{told}"
    );
    assert!(told.contains(" lines left out]\n") && told.contains("noise line 2999\nthe end\n"));
    assert!(!told.contains("noise line 1000\n"));
}
