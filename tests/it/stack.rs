//! Dependents: they stand on the verified work of what they need, or wait for its merge.

use crate::fake_github::{Fault, Logged};
use crate::rig::{Ran, leftovers_in_the_end};
use crate::stage::Stage;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Adds a line to a common file, and a file of its own.
const AGENT: &str = r#"#!/bin/sh
cat > /dev/null
echo "$AUTOISSUE_ISSUE" >> PLACE/runs
echo "line $AUTOISSUE_ISSUE" >> common.txt
echo "$AUTOISSUE_ISSUE" > "own-$AUTOISSUE_ISSUE.txt"
echo '{"cost_usd": 0.25, "summary": "did it"}'
"#;

/// The lines of the common file have to be in order.
const CHECK: &str = "#!/bin/sh\nsort -c common.txt\n";

fn stage(dependencies: &str) -> Stage {
    let mut stage = Stage::new(AGENT, Some(CHECK));
    stage.configure(&json!({ "scheduling": { "dependencies": dependencies, "rework": false } }));
    stage
}

/// Three issues, each needs the one before.
fn chain(dependencies: &str) -> Stage {
    let stage = stage(dependencies);
    for (title, body) in [
        ("[Backend] One", "x"),
        ("[Frontend] Two", "depends on #1"),
        ("[Docs] Three", "depends on #2"),
    ] {
        stage.fake.add_issue(title, body, &["go"]);
    }
    stage
}

/// The pull of each issue: its base, and what it changes against that.
fn pulls(stage: &Stage) -> BTreeMap<u64, (String, Vec<String>)> {
    let pulls = stage.fake.pulls().into_iter();
    pulls
        .map(|pull| {
            let part = pull.pull.unwrap();
            let issue = part.head["autoissue/".len()..].split('-').next().unwrap();
            let changed = stage.fake.changed(&part.base, &part.head);
            (issue.parse().unwrap(), (part.base, changed))
        })
        .collect()
}

fn names(paths: &[&str]) -> Vec<String> {
    paths.iter().map(ToString::to_string).collect()
}

#[test]
fn a_stacked_chain_of_three_ends_in_three_pulls_that_hold_only_their_own_work() {
    let stage = chain("stacked");
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let expect = BTreeMap::from([
        (1, ("main".to_owned(), names(&["common.txt", "own-1.txt"]))),
        (
            2,
            (
                "autoissue/1-backend-one".to_owned(),
                names(&["common.txt", "own-2.txt"]),
            ),
        ),
        (
            3,
            (
                "autoissue/2-frontend-two".to_owned(),
                names(&["common.txt", "own-3.txt"]),
            ),
        ),
    ]);
    assert_eq!(pulls(&stage), expect);
    let top = stage.fake.file("autoissue/3-docs-three", "common.txt");
    assert_eq!(top.as_deref(), Some("line 1\nline 2\nline 3"));
    let body = stage.pull_body("autoissue/2-frontend-two");
    assert!(body.contains("stands on pull #4 for #1"), "{body}");
    stage.assert_lawful();
}

/// The control: the same chain where nothing is stacked, merged by hand in between.
#[test]
fn where_merges_are_waited_for_each_run_goes_one_further() {
    let stage = chain("merged");
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(
        ran.task(2)["reason"],
        "waits for the merge of pull #4 for #1"
    );
    assert_eq!(ran.task(3)["reason"], "needs #2, which ended as blocked");
    assert_eq!(stage.runs(), [1], "nothing else was paid");
    let again = stage.exec("go", &[]);
    let reason = again.task(2)["reason"].clone();
    assert_eq!(
        reason,
        "needs #1, which ended as skipped: pull #4 is open for it already"
    );
    stage.fake.merge(4).unwrap();
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.task(2)["outcome"], "completed", "{ran:?}");
    let pulls = pulls(&stage);
    assert_eq!(
        pulls[&2],
        ("main".to_owned(), names(&["common.txt", "own-2.txt"]))
    );
    assert_eq!(stage.runs(), [1, 2]);
    stage.assert_lawful();
}

#[test]
fn a_merge_in_the_middle_of_a_session_is_seen_when_it_goes_on() {
    let mut stage = chain("merged");
    stage.configure(&json!({ "executor": { "maxParallel": 1 } }));
    stage.fake.add_issue("[Security] Four", "x", &["go"]);
    let args = ["exec", "go", "--isolation", "none", "--format", "json"];
    let whole = chain("merged");
    whole.fake.add_issue("[Security] Four", "x", &["go"]);
    // Killed as the second task is let in: the first has its pull by then.
    let ran = whole.exec("go", &["--max-parallel", "1"]);
    let admitted = moments(&ran)
        .into_iter()
        .filter(|(_, name)| name == "attempt_admitted");
    let place = admitted.map(|(place, _)| place + 1).nth(1).unwrap();
    let mut first = stage.command(&args);
    first.env("AUTOISSUE_CRASH_AT", format!("{place}:after"));
    assert_eq!(first.output().unwrap().status.code(), None);
    stage.fake.merge(stage.fake.pulls()[0].number).unwrap();
    let ran = stage.resume();
    assert_eq!(ran.task(2)["outcome"], "completed", "{ran:?}");
    let reason = ran.task(3)["reason"].as_str().unwrap().to_owned();
    assert!(
        reason.starts_with("waits for the merge of pull #") && reason.ends_with(" for #2"),
        "{reason}"
    );
}

#[test]
fn work_on_two_others_starts_from_both() {
    let stage = stage("stacked");
    let fake = &stage.fake;
    fake.add_issue("[Backend] One", "x", &["go"]);
    fake.add_issue("[Frontend] Two", "x", &["go"]);
    fake.add_issue("[Docs] Three", "depends on #1 and #2", &["go"]);
    fake.commit("main", &[("common.txt", "line 0\n")]);
    stage.rig.script(
        "agent",
        "#!/bin/sh\ncat > /dev/null\nls > \"own-$AUTOISSUE_ISSUE.txt\"\necho '{\"cost_usd\": 0.25}'\n",
    );
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let (base, changed) = &pulls(&stage)[&3];
    assert_eq!((base.as_str(), changed.len()), ("main", 3), "{changed:?}");
    let seen = stage
        .fake
        .file("autoissue/3-docs-three", "own-3.txt")
        .unwrap();
    assert!(
        seen.contains("own-1.txt") && seen.contains("own-2.txt"),
        "{seen}"
    );
    let body = stage.pull_body("autoissue/3-docs-three");
    assert!(
        body.contains(" for #1, pull #") && body.contains(" for #2. Their"),
        "{body}"
    );
}

/// Leaves what it is told to resolve as it is the first time, and resolves it the second.
const RESOLVES: &str = r#"#!/bin/sh
cat > PLACE/prompt
echo "$AUTOISSUE_ISSUE" >> PLACE/runs
case $AUTOISSUE_ISSUE in
  3) if [ -e tried.txt ]; then printf 'line 1\nline 2\n' > common.txt; else echo once > tried.txt; fi
     cp PLACE/prompt PLACE/prompt-3 ;;
  *) echo "line $AUTOISSUE_ISSUE" > common.txt ;;
esac
echo '{"cost_usd": 0.25, "summary": "did it"}'
"#;

#[test]
fn what_conflicts_below_is_part_of_the_task_and_is_not_offered_unsolved() {
    let mut stage = Stage::new(RESOLVES, None);
    stage.configure(
        &json!({ "scheduling": { "dependencies": "stacked", "rework": false }, "executor": { "maxParallel": 1 } }),
    );
    let fake = &stage.fake;
    fake.add_issue("[Backend] One", "x", &["go"]);
    fake.add_issue("[Frontend] Two", "x", &["go"]);
    fake.add_issue("[Docs] Three", "depends on #1 and #2", &["go"]);
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.task(3)["outcome"], "completed", "{ran:?}");
    let solved = stage.fake.file("autoissue/3-docs-three", "common.txt");
    assert_eq!(solved.as_deref(), Some("line 1\nline 2"));
    let runs = stage.runs().iter().filter(|issue| **issue == 3).count();
    assert_eq!(runs, 2, "the markers that were left went back to the agent");
    let prompt = std::fs::read_to_string(stage.rig.path("prompt-3")).unwrap();
    assert!(
        prompt.contains("markers of conflicts are left in common.txt"),
        "{prompt}"
    );
    // All of both is in its history, so that it merges after them without a person.
    for below in ["autoissue/1-backend-one", "autoissue/2-frontend-two"] {
        let ahead = stage.fake.changed("autoissue/3-docs-three", below);
        assert_eq!(ahead, [""; 0], "{below}");
    }
}

#[test]
fn a_failed_task_blocks_those_on_it_and_nobody_else() {
    let mut stage = stage("stacked");
    stage.configure(&json!({ "executor": { "maxRetries": 0 } }));
    let fake = &stage.fake;
    fake.add_issue("[Backend] One", "x", &["go"]);
    fake.add_issue("[Frontend] Two", "depends on #1", &["go"]);
    fake.add_issue("[Docs] Three", "x", &["go"]);
    stage.rig.script(
        "agent",
        "#!/bin/sh\ncat > /dev/null\n[ $AUTOISSUE_ISSUE = 1 ] && { echo '{\"error\": \"no\"}'; exit 3; }\necho x > own.txt\necho '{\"cost_usd\": 0.1}'\n",
    );
    let ran = stage.exec("go", &[]);
    let outcomes: Vec<String> = ran.outcomes().into_iter().map(|(_, how)| how).collect();
    assert_eq!(outcomes, ["failed", "blocked", "completed"], "{ran:?}");
    assert_eq!(ran.task(2)["reason"], "needs #1, which ended as failed");
}

/// What happened, by name, with its place among the events.
fn moments(ran: &Ran) -> Vec<(usize, String)> {
    let name = |event: &Value| event["event"].as_str().unwrap().to_owned();
    ran.events().iter().map(name).enumerate().collect()
}

#[test]
fn a_stack_that_is_killed_goes_on_where_it_was() {
    let whole = chain("stacked");
    let ran = whole.exec("go", &[]);
    let (expected, expected_pulls) = (whole.essence(), pulls(&whole));
    let telling = [
        "attempt_admitted",
        "snapshot_taken",
        "verified",
        "effect_intended",
        "task_ended",
    ];
    let places: Vec<usize> = moments(&ran)
        .into_iter()
        .filter(|(_, name)| telling.contains(&name.as_str()))
        .map(|(place, _)| place + 1)
        .collect();
    for place in places.into_iter().step_by(3) {
        let stage = chain("stacked");
        let args = ["exec", "go", "--isolation", "none", "--format", "json"];
        let mut first = stage.command(&args);
        first.env("AUTOISSUE_CRASH_AT", format!("{place}:after"));
        assert_eq!(first.output().unwrap().status.code(), None, "at {place}");
        let ran = stage.exec("go", &[]);
        assert_eq!(ran.code, Some(0), "at {place}: {ran:?}");
        assert_eq!(
            (stage.essence(), pulls(&stage)),
            (expected.clone(), expected_pulls.clone()),
            "at {place}"
        );
        assert_eq!(leftovers_in_the_end(&stage.marker()), [""; 0]);
        stage.assert_lawful();
    }
}

#[test]
fn a_lost_reply_in_a_stack_makes_no_second_pull() {
    let stage = chain("stacked");
    let opens = |request: &Logged| request.method == "POST" && request.path.ends_with("/pulls");
    stage.fake.fail_when(opens, Fault::DroppedReply, 2);
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(pulls(&stage).len(), 3);
    assert_eq!(stage.fake.pulls().len(), 3);
}
