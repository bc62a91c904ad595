//! What the remote does not let in: a token without a scope, a protected branch, a token that is not good any more.

use crate::fake_github::TokenIs;
use crate::rig::Ran;
use crate::stage::{AGENT, Stage};
use serde_json::json;
use std::fs;
use std::process::Command;

const WORKFLOW: &str = r#"#!/bin/sh
cat > /dev/null
echo "$AUTOISSUE_ISSUE" >> PLACE/runs
mkdir -p .github/workflows
echo "on: push" > .github/workflows/ci.yml
echo '{"cost_usd": 0.25, "summary": "did it"}'
"#;

/// Of a run whose only issue went to a person: why. The work is in the mirror, and was paid for once.
fn for_a_person(stage: &Stage, ran: &Ran, file: &str) -> String {
    let task = ran.task(1);
    assert_eq!(task["outcome"], "needs_human", "{ran:?}");
    let runs = stage.runs().into_iter().filter(|issue| *issue == 1);
    assert_eq!(runs.count(), 1, "paid once");
    let is_offered = |head: &String| head.starts_with("autoissue/1-");
    assert!(!stage.heads().iter().any(is_offered));
    let reason = task["reason"].as_str().unwrap().to_owned();
    let (_, rest) = reason.split_once("as commit ").unwrap();
    let (commit, _) = rest.split_once('.').unwrap();
    let mirrors = fs::read_dir(stage.rig.path("state/mirrors")).unwrap();
    let mut mirrors = mirrors.flatten().map(|entry| entry.path());
    let mirror = mirrors.find(|path| path.extension().is_some_and(|end| end == "git"));
    let mirror = mirror.unwrap().display().to_string();
    stage
        .rig
        .git(&["-C", &mirror, "show", &format!("{commit}:{file}")]);
    reason.replace(commit, "COMMIT")
}

#[test]
fn a_token_that_may_not_change_workflows_leaves_the_work_to_a_person() {
    let mut stage = Stage::new(WORKFLOW, None);
    stage.configure(&json!({ "security": { "allow": ["workflows"] } }));
    stage.issue(1, &["go"]);
    stage.fake.decline_workflows();
    let ran = stage.exec("go", &[]);
    let reason = for_a_person(&stage, &ran, ".github/workflows/ci.yml");
    insta::assert_snapshot!(reason, @"
    the remote declined the push of autoissue/1-thing-1: refusing to allow a Personal Access Token to create or update workflow `.github/workflows/ci.yml` without `workflow` scope. The work is kept in the mirror, as commit COMMIT. To go on: give the token the `workflow` scope (an app, or a fine-grained token: Workflows, read and write), or push it yourself.
    ");
    let comments = stage.fake.comments(1);
    let said = &comments.last().unwrap().body;
    assert!(said.contains("without `workflow` scope"), "{said}");
    // The control: a token that may.
    stage.fake.decline_nothing();
    stage.fake.take_label_off(1, "autoissue:failed");
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
    stage.assert_lawful();
}

#[test]
fn a_protected_branch_leaves_the_work_to_a_person_and_stops_nobody_else() {
    let stage = Stage::with_issues(2);
    stage.fake.decline_branch("autoissue/1-*");
    let ran = stage.exec("go", &[]);
    let reason = for_a_person(&stage, &ran, "file-1.txt");
    assert_eq!(stage.heads(), ["autoissue/2-thing-2"]);
    insta::assert_snapshot!(reason, @"
    the remote declined the push of autoissue/1-thing-1: GH006: Protected branch update failed for refs/heads/autoissue/1-thing-1. hook declined to update refs/heads/autoissue/1-thing-1. The work is kept in the mirror, as commit COMMIT. To go on: let whoever the token belongs to push to `autoissue/*` in the settings of protected branches, or push it yourself.
    ");
    stage.assert_lawful();
}

#[test]
fn a_token_that_ends_in_the_middle_stops_the_run_and_loses_nothing() {
    let stage = Stage::with_issues(1);
    stage.close_gate();
    let agent = AGENT.replace("sleep 600; exit 1", "read -r word < PLACE/on");
    let place = stage.rig.path("").display().to_string();
    stage.rig.script(
        "agent",
        &agent.replace("PLACE", place.trim_end_matches('/')),
    );
    let on = stage.rig.path("on");
    assert!(Command::new("mkfifo").arg(&on).status().unwrap().success());
    let running = stage.start("go", &[]);
    stage.at_gate();
    stage.fake.set_token(TokenIs::TakenBack);
    fs::write(on, "on\n").unwrap();
    let ran = running.end();
    assert_eq!(ran.code, Some(5), "{ran:?}");
    let why = "authentication: look at the remote's branches: bad credentials (is the token right, and not expired?)";
    assert!(ran.said().contains(why), "{ran:?}");
    assert_eq!(stage.heads(), [""; 0]);
    stage.fake.set_token(TokenIs::Good);
    let resumed = stage.resume();
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert_eq!(stage.heads(), ["autoissue/1-thing-1"]);
    assert_eq!(stage.runs(), [1], "paid once");
    stage.assert_lawful();
}
