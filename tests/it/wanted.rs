//! Issues that change while a session runs, and pulls that wait for people: the real binary before the fake GitHub.

use crate::stage::{AGENT, Stage};
use serde_json::json;

/// Behind the gate an agent waits for a file: a word through the gate is lost where a process that is being born still holds
/// a copy of its other end.
const WAITS: &str = "while [ ! -e PLACE/go ]; do sleep 0.02; done";

/// What somebody does on the forge.
type Change = fn(&Stage);

/// What the end of a task says.
fn reason(ran: &crate::rig::Ran, issue: u64) -> String {
    let task = ran.task(issue);
    assert_eq!(task["outcome"], "skipped", "{task}");
    task["reason"].as_str().unwrap().to_owned()
}

/// Two issues one after the other, of which the second is changed while the first is worked on.
fn with_a_change_beside(change: impl Fn(&Stage)) -> (Stage, crate::rig::Ran) {
    let mut stage = Stage::new(&AGENT.replace("sleep 600; exit 1", WAITS), None);
    stage.configure(&json!({ "executor": { "maxParallel": 1 } }));
    stage.issue(1, &["go"]);
    stage.issue(2, &["go"]);
    stage.close_gate();
    let running = stage.start("go", &[]);
    assert_eq!(stage.at_gate(), 1);
    change(&stage);
    stage.rig.write("go", "");
    stage.open_gate();
    let ran = running.end();
    (stage, ran)
}

#[test]
fn nothing_is_paid_for_an_issue_that_was_closed_moved_deleted_or_unlabelled_meanwhile() {
    let changes: [(Change, &str); 4] = [
        (
            |stage| stage.fake.close_issue(2),
            "its issue was closed meanwhile",
        ),
        (
            |stage| stage.fake.move_issue(2, 77),
            "its issue was moved to ",
        ),
        (
            |stage| stage.fake.delete_issue(2),
            "its issue was deleted, or is hidden from us",
        ),
        (
            |stage| stage.fake.take_label_off(2, "go"),
            "its label `go` was taken off",
        ),
    ];
    for (change, expect) in changes {
        let (stage, ran) = with_a_change_beside(change);
        let said = reason(&ran, 2);
        assert!(said.starts_with(expect), "{said}");
        assert_eq!(stage.runs(), [1], "{expect}");
        assert_eq!(stage.heads(), ["autoissue/1-thing-1"]);
    }
}

/// One issue, of which something is changed while its agent works.
fn with_a_change_under_way(change: impl Fn(&Stage)) -> (Stage, crate::rig::Ran) {
    let stage = Stage::new(&AGENT.replace("sleep 600; exit 1", WAITS), None);
    stage.issue(1, &["go"]);
    stage.close_gate();
    let running = stage.start("go", &[]);
    assert_eq!(stage.at_gate(), 1);
    change(&stage);
    stage.rig.write("go", "");
    let ran = running.end();
    (stage, ran)
}

#[test]
fn what_was_done_for_an_issue_that_is_gone_by_then_is_kept_and_not_offered() {
    let changes: [(Change, &str); 3] = [
        (
            |stage| stage.fake.close_issue(1),
            "its issue was closed meanwhile",
        ),
        (
            |stage| stage.fake.move_issue(1, 77),
            "its issue was moved to ",
        ),
        (
            |stage| stage.fake.delete_issue(1),
            "its issue was deleted, or is hidden from us",
        ),
    ];
    for (change, expect) in changes {
        let (stage, ran) = with_a_change_under_way(|stage| {
            // Where it was moved to there is something to see.
            stage.fake.add_issue("Another", "", &[]);
            change(stage);
        });
        let said = reason(&ran, 1);
        assert!(said.starts_with(expect), "{said}");
        let (_, commit) = said
            .split_once("; what was done is kept in the mirror as ")
            .unwrap_or_else(|| panic!("{said}"));
        assert_eq!(stage.heads(), [""; 0]);
        let branches = stage.fake.branches();
        assert!(
            !branches
                .keys()
                .any(|branch| branch.starts_with("autoissue/"))
        );
        assert_eq!(kept_file(&stage, commit), "1");
        stage.assert_lawful();
    }
}

/// What the agent wrote, as the mirror keeps it.
fn kept_file(stage: &Stage, commit: &str) -> String {
    let mirrors = std::fs::read_dir(stage.rig.path("state/mirrors")).unwrap();
    let mirrors = mirrors.flatten().map(|entry| entry.path());
    let is_git = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "git");
    let mirror = mirrors.filter(is_git).last().unwrap();
    let at = format!("--git-dir={}", mirror.display());
    stage
        .rig
        .git(&[&at, "show", &format!("{commit}:file-1.txt")])
}

#[test]
fn work_on_a_locked_issue_is_offered_and_what_cannot_be_said_there_is_told() {
    let (stage, ran) = with_a_change_under_way(|stage| {
        // What said that it is worked on is gone, and has to be said anew.
        stage.fake.delete_comments(1);
        stage.fake.lock(1);
        stage.fake.lose_write();
    });
    assert_eq!((ran.code, ran.count("completed")), (Some(0), 1), "{ran:?}");
    assert_eq!(stage.heads(), ["autoissue/1-thing-1"]);
    assert!(
        ran.said()
            .contains("Unable to create comment because issue is locked."),
        "{ran:?}"
    );
    let words = |stage: &Stage| stage.fake.comments(1).len();
    let locked = words(&stage);
    // The control: those who may write comment on a locked issue, too.
    let (stage, _) = with_a_change_under_way(|stage| {
        stage.fake.delete_comments(1);
        stage.fake.lock(1);
    });
    assert!(words(&stage) > locked);
    stage.assert_lawful();
}

/// What `status` says, for people and for programs.
fn statuses(stage: &Stage, more: &[&str]) -> (String, serde_json::Value) {
    let say = |args: &[&str]| {
        let output = stage.command(&[args, more].concat()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let text = say(&["status"]);
    let status = say(&["status", "--format", "json"]);
    (text, serde_json::from_str(&status).unwrap())
}

#[test]
fn status_says_how_many_pulls_wait_for_people_and_who_waits_for_that() {
    let mut stage = Stage::with_issues(1);
    stage.configure(&json!({ "merge": { "maxOpenPulls": 2 }, "executor": { "maxParallel": 3 } }));
    assert_eq!(stage.exec("go", &[]).code, Some(0));
    for number in 3..=5 {
        stage.issue(number, &["more"]);
    }
    stage.close_gate();
    let running = stage.start("more", &[]);
    stage.at_gate();
    let (text, status) = statuses(&stage, &[]);
    let told = "1 of 2 pull requests waits for people, and 1 more will: 2 tasks wait until some are merged";
    assert!(text.contains(told), "{text}");
    assert!(text.contains("2 for people to merge"), "{text}");
    let expect = json!({ "open": 1, "coming": 1, "most": 2, "tasks_waiting": 2 });
    assert_eq!(status["open_pulls"], expect, "{status}");
    running.interrupt();
    running.interrupt();
    running.end();
}

#[test]
fn while_too_many_pulls_wait_no_issue_is_begun_and_resume_goes_on() {
    let mut stage = Stage::with_issues(4);
    stage.configure(&json!({ "merge": { "maxOpenPulls": 2 }, "executor": { "maxParallel": 3 } }));
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(
        stage.heads().len(),
        2,
        "never more than two, also at a time"
    );
    let stopped = ran.event("dispatch_stopped");
    let told = "2 of 2 pull requests wait for people (`merge.maxOpenPulls`)";
    assert_eq!(stopped["reason"], told);
    let why = stage.command(&["why", "4"]).output().unwrap();
    let why = String::from_utf8_lossy(&why.stdout).into_owned();
    assert!(
        why.contains("2 of 2 pull requests wait for people"),
        "{why}"
    );
    let (text, status) = statuses(&stage, &["--issue", "4"]);
    assert!(text.contains("for merges"), "{text}");
    let expect = (&json!("pulls"), &json!(2), &json!(2));
    assert_eq!((&status["for"], &status["open"], &status["most"]), expect);
    // Nothing was merged: nothing is begun.
    let again = stage.resume();
    assert_eq!((again.code, stage.runs().len()), (Some(5), 2), "{again:?}");
    for pull in stage.fake.pulls() {
        stage.fake.merge(pull.number).unwrap();
    }
    let last = stage.resume();
    assert_eq!(last.code, Some(0), "{last:?}");
    assert_eq!(stage.runs().len(), 4);
    assert_eq!(stage.heads().len(), 2);
    stage.assert_lawful();
}
