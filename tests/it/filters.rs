//! Which issues of a label are taken: by labels, assignee, milestone and author, as the configuration or flags say.

use crate::rig::Rig;
use crate::stage::{AGENT, Stage};
use serde_json::{Value, json};

/// Six issues that differ in one thing each.
fn stage() -> Stage {
    let stage = Stage::new(AGENT, None);
    for number in 1..=5 {
        let labels: &[&str] = match number {
            4 => &["go", "wip"],
            5 => &["go", "bug"],
            _ => &["go"],
        };
        stage.issue(number, labels);
    }
    stage.fake.assign(2, "ada", 7);
    stage
}

/// The issues that a dry run lists.
fn taken(stage: &Stage, more: &[&str]) -> Vec<u64> {
    let mut args = vec!["exec", "go", "--dry-run", "--format", "json"];
    args.extend(more);
    let output = stage.command(&args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let found: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    numbers(&found)
}

fn numbers(found: &Value) -> Vec<u64> {
    let tasks = found["tasks"]
        .as_array()
        .or(found["summary"]["tasks"].as_array());
    let tasks = tasks.unwrap_or_else(|| panic!("{found}"));
    let mut numbers: Vec<u64> = tasks
        .iter()
        .map(|task| task["issue"].as_u64().unwrap())
        .collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn flags_narrow_one_run_and_the_configuration_all_of_them() {
    let mut stage = stage();
    let check = |stage: &Stage, more: &[&str], expect: &[u64]| {
        assert_eq!(taken(stage, more), expect, "{more:?}");
    };
    check(&stage, &[], &[1, 2, 3, 4, 5]);
    check(&stage, &["--also", "bug"], &[5]);
    check(&stage, &["--exclude-label", "wip"], &[1, 2, 3, 5]);
    check(&stage, &["--assignee", "ada"], &[2]);
    check(&stage, &["--assignee", "none"], &[1, 3, 4, 5]);
    check(&stage, &["--milestone", "v7"], &[2]);
    check(&stage, &["--author", "a-person"], &[1, 2, 3, 4, 5]);
    check(&stage, &["--author", "somebody-else"], &[]);
    stage.configure(&json!({ "filter": { "excludeLabels": ["wip"], "assignee": "none" } }));
    check(&stage, &[], &[1, 3, 5]);
    check(&stage, &["--assignee", "ada"], &[2]);
    stage.assert_lawful();
}

#[test]
fn another_selection_is_another_session_and_what_is_left_out_says_why() {
    let stage = stage();
    let ran = stage.exec("go", &["--assignee", "ada"]);
    assert_eq!((ran.code, ran.count("completed")), (Some(0), 1), "{ran:?}");
    let started = ran.event("session_started");
    assert_eq!(started["selection"]["filter"]["assignee"], "ada");
    let args = [
        "exec",
        "--issue",
        "1",
        "--assignee",
        "ada",
        "--isolation",
        "none",
    ];
    let output = stage.command(&args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("#1 is left out: it is not assigned to ada"),
        "{said}"
    );
    stage.assert_lawful();
}

#[test]
fn local_issues_are_filtered_as_well() {
    let rig = Rig::local("echo x > x.txt", &json!({}));
    let issue = |number: u64, more: &str| {
        let text = format!("---\ntitle: Issue {number}\nlabels: [go]\n{more}---\nDo it.\n");
        rig.write(&format!("checkout/.autoissue/issues/{number}.md"), &text);
    };
    issue(1, "assignees: [ada]\nmilestone: one\n");
    issue(2, "");
    let ran = rig.run(&["exec", "go", "--milestone", "one", "--format", "json"]);
    assert_eq!(ran.outcomes(), [(1, "completed".to_owned())], "{ran:?}");
}
