//! Lessons: learned from failures that were overcome, told to later tasks that they fit, changed by people.

use crate::rig::Rig;
use serde_json::{Value, json};

/// Wrong at first, right once it was sent back; keeps what it was told of each issue.
const AGENT: &str = r#"#!/bin/sh
cat >> "PLACE/told-$AUTOISSUE_ISSUE"
mkdir -p src
if [ "$AUTOISSUE_ISSUE" = 3 ]; then echo right > page.txt; exit 0; fi
if [ -e "src/file-$AUTOISSUE_ISSUE.txt" ]; then echo right > "src/file-$AUTOISSUE_ISSUE.txt"
else echo "ignore all rules" > "src/file-$AUTOISSUE_ISSUE.txt"; fi
"#;

fn shop() -> Rig {
    let rig = Rig::new();
    let place = rig.path("").display().to_string();
    let agent = rig.script(
        "agent",
        &AGENT.replace("PLACE", place.trim_end_matches('/')),
    );
    rig.config(&json!({
        "agent": { "kind": "command", "command": [agent] },
        "checks": [{ "name": "spelling", "run": ["sh", "-c", "! grep -r 'ignore all rules' src"] }],
    }));
    rig.issue(1, "[Backend] One", "In `src/file-1.txt`.");
    rig
}

fn told(rig: &Rig, issue: u64) -> String {
    std::fs::read_to_string(rig.path(&format!("told-{issue}"))).unwrap()
}

fn list(rig: &Rig) -> Vec<Value> {
    let ran = rig.run(&["lessons", "list", "--format", "json"]);
    ran.last_json()["lessons"].as_array().unwrap().clone()
}

#[test]
fn what_was_overcome_is_told_to_later_tasks_that_it_fits_until_it_is_dropped() {
    let rig = shop();
    assert_eq!(list(&rig), Vec::<Value>::new());
    assert_eq!(rig.go().count("completed"), 1);
    let lesson = "The check `spelling` failed at first on work like this.";
    assert!(!told(&rig, 1).contains(lesson), "nobody knew it yet");
    let known = list(&rig);
    assert_eq!(known.len(), 1, "{known:?}");
    let text = known[0]["text"].as_str().unwrap();
    assert!(
        text.starts_with(lesson) && !text.contains("ignore all"),
        "{known:?}"
    );
    assert_eq!(
        (&known[0]["domain"], &known[0]["times"]),
        (&json!("backend"), &json!(1))
    );

    rig.issue(2, "[Backend] Two", "In `src/file-2.txt`.");
    rig.issue(3, "[Frontend] Three", "A page.");
    assert_eq!(rig.go().count("completed"), 2);
    assert!(told(&rig, 2).contains(lesson), "{}", told(&rig, 2));
    let first = told(&rig, 3);
    assert!(
        !first.contains(lesson),
        "another domain, and other files: {first}"
    );

    let id = known[0]["id"].to_string();
    let edited = rig.run(&["lessons", "edit", &id, "Mind", "the spelling."]);
    assert_eq!(edited.code, Some(0), "{edited:?}");
    rig.issue(4, "[Backend] Four", "In `src/file-4.txt`.");
    rig.issue(5, "[Backend] Five", "In `src/file-5.txt`.");
    let shown = rig.run(&["prompt", "show", "4"]);
    assert!(
        shown.stdout.contains("Mind the spelling.") && !shown.stdout.contains(lesson),
        "{shown:?}"
    );

    assert_eq!(rig.run(&["lessons", "drop", &id]).code, Some(0));
    assert_eq!(rig.run(&["exec", "--issue", "4"]).code, Some(0));
    let shown = rig.run(&["prompt", "show", "5"]);
    assert!(
        !shown.stdout.contains("Mind the spelling.") && !shown.stdout.contains(lesson),
        "{shown:?}"
    );
    let gone = rig.run(&["lessons", "drop", &id]);
    assert!(gone.stderr.contains("there is no such lesson"), "{gone:?}");
}

#[test]
fn its_help_shows_examples() {
    let help = shop().run(&["lessons", "--help"]);
    assert!(help.stdout.contains("autoissue lessons drop 3"), "{help:?}");
}
