//! The index in whole runs of the binary: learned before the work, scored after it, and never in the way.

use crate::rig::{Ran, Rig};
use serde_json::{Value, json};

const AGENT: &str = r#"echo "$AUTOISSUE_ISSUE" > "file-$AUTOISSUE_ISSUE.txt"
echo '{"cost_usd": 0.25, "summary": "did it"}'"#;

fn rig() -> Rig {
    let rig = Rig::local(AGENT, &json!({}));
    let commit = |message: &str, file: &str, text: &str| {
        rig.write(&format!("checkout/{file}"), text);
        rig.git(&["add", "."]);
        rig.git(&["commit", "--quiet", "--message", message]);
    };
    // Two commits would prove nothing.
    for count in 1..=20 {
        commit(
            &format!("another letter, no {count}"),
            "letters.txt",
            &format!("{count}"),
        );
    }
    commit("keep a parcel's weight in its file", "file-1.txt", "before");
    rig.issue(
        1,
        "The weight of a parcel is lost",
        "It is in `file-1.txt`.",
    );
    rig.issue(2, "A second parcel", "Write `file-2.txt`.");
    rig
}

fn json_of(ran: &Ran) -> Value {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.last_json()
}

fn file<'a>(files: &'a Value, path: &str) -> &'a Value {
    let files = files.as_array().unwrap();
    files
        .iter()
        .find(|file| file["path"] == path)
        .unwrap_or(&Value::Null)
}

#[test]
fn a_run_learns_first_and_its_predictions_are_scored() {
    let rig = rig();
    let before = json_of(&rig.run(&["footprint", "show", "1", "--format", "json"]));
    assert_eq!(before["index"], false);
    assert!(!rig.path("state/index").exists(), "looking makes nothing");
    assert_eq!(rig.go().count("completed"), 2);
    let after = json_of(&rig.run(&["footprint", "show", "1", "--format", "json"]));
    assert_eq!(after["index"], true);
    let known = file(&after["files"], "file-1.txt");
    let kinds: Vec<&str> = known["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["kind"].as_str().unwrap())
        .collect();
    assert!(
        kinds.contains(&"named_in_text") && kinds.contains(&"similar_work"),
        "{after}"
    );
    assert!(known["probability"].as_f64().unwrap() >= 0.9, "{after}");
    let shown = rig.run(&["footprint", "show", "1"]);
    assert!(
        shown.stdout.contains("named in the text 0.90"),
        "{}",
        shown.stdout
    );
    let metrics = json_of(&rig.run(&["metrics", "--format", "json"]));
    let footprints = &metrics["footprints"];
    assert_eq!(footprints["tasks"], 2);
    assert_eq!(
        footprints["recall"][2], 1.0,
        "both named files are among the first ten"
    );
    assert_eq!(footprints["evidence"][0]["kind"], "named_in_text");
    rig.issue(3, "The weight of a parcel is wrong", "");
    let plan = json_of(&rig.run(&["exec", "go", "--dry-run", "--format", "json"]));
    let task = plan["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|task| task["issue"] == 3)
        .unwrap();
    assert_eq!(
        file(&task["likely_files"], "file-1.txt")["path"],
        "file-1.txt",
        "{plan}"
    );
}

#[test]
fn an_index_that_cannot_be_made_stops_no_run() {
    let rig = rig();
    rig.write("state/index", "this is a file");
    let ran = rig.go();
    assert_eq!(ran.count("completed"), 2, "{ran:?}");
    let note = ran
        .stdout
        .lines()
        .find(|line| line.contains("\"about\":\"index\""));
    assert!(
        note.is_some_and(|note| note.contains("open the index")),
        "{ran:?}"
    );
}

#[test]
fn an_issue_that_is_not_there_has_no_footprint() {
    let ran = rig().run(&["footprint", "show", "99"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("there is no such issue"), "{ran:?}");
}

#[test]
fn a_history_can_be_replayed_where_nothing_is_configured() {
    let rig = Rig::new();
    for round in 0..4 {
        rig.write("checkout/README.md", &format!("# Widgets {round}\n"));
        rig.git(&[
            "commit",
            "--quiet",
            "--all",
            "--message",
            "say more of widgets",
        ]);
    }
    let ran = rig.run(&["footprint", "backtest"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.stdout.contains("5 commits up to") && ran.stdout.contains("4 predicted"),
        "{}",
        ran.stdout
    );
    let replayed =
        json_of(&rig.run(&["footprint", "backtest", "--limit", "2", "--format", "json"]));
    assert_eq!(
        (&replayed["predicted"], &replayed["only_learned"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(replayed["model"]["recall"], json!([1.0, 1.0, 1.0]));
    let empty = rig.run(&["footprint", "backtest", "--until", "HEAD~4"]);
    assert!(
        empty.stdout.contains("No commit could be replayed"),
        "{empty:?}"
    );
}
