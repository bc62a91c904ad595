//! The whole of `exec` and `resume`: the real binary, an agent that is a script, and the fake GitHub.

use crate::fake_github::Logged;
use crate::rig::{leftovers, leftovers_in_the_end};
use crate::stage::{AGENT, Stage};
use serde_json::json;

#[test]
fn all_pages_are_read_and_a_second_run_writes_nothing() {
    let stage = Stage::with_issues(250);
    let labelled = stage.fake.add_pull("Carries the label", "main", "main");
    stage.fake.add_label_to(labelled, "go");
    let plan = stage.exec("go", &["--dry-run"]).last_json();
    let tasks = plan["tasks"].as_array().unwrap();
    let numbers: Vec<u64> = tasks
        .iter()
        .filter_map(|task| task["issue"].as_u64())
        .collect();
    assert_eq!(
        numbers,
        (1..=250).collect::<Vec<u64>>(),
        "and not the pull {labelled}"
    );
    let requests = stage.fake.requests();
    let is_listing = |body: &str| body.contains("subIssues") && body.contains("blockedBy");
    let listed = requests
        .iter()
        .filter(|request| request.path == "/graphql" && is_listing(&request.body.to_string()));
    let compared = requests.iter().filter(|request| {
        request.path.ends_with("/issues") && request.query.contains("state=closed")
    });
    assert_eq!(
        (listed.count(), compared.count()),
        (3, 1),
        "all that are open, and one page of what was closed, to compare with"
    );
    // All but two have a pull already.
    let (token, url) = (stage.fake.token(), stage.fake.git_url());
    let url = url.replace("http://", &format!("http://x-access-token:{token}@"));
    let targets: Vec<String> = (3..=250)
        .map(|number| format!("HEAD:refs/heads/autoissue/{number}-thing-{number}"))
        .collect();
    let mut push = vec!["push", "--quiet", &url];
    push.extend(targets.iter().map(String::as_str));
    stage.rig.git(&push);
    for number in 3..=250 {
        stage.fake.add_pull(
            "Earlier",
            &format!("autoissue/{number}-thing-{number}"),
            "main",
        );
    }
    let ran = stage.exec("go", &["--fit"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!((ran.count("completed"), ran.count("skipped")), (2, 248));
    stage.fake.forget_requests();
    let again = stage.exec("go", &[]);
    assert_eq!((again.code, again.count("skipped")), (Some(0), 250));
    let writes: Vec<Logged> = stage
        .fake
        .requests()
        .into_iter()
        .filter(|request| request.writes() || request.path.ends_with("git-receive-pack"))
        .collect();
    assert!(writes.is_empty(), "{writes:?}");
    let mut runs = stage.runs();
    runs.sort_unstable();
    assert_eq!(runs, [1, 2]);
    stage.assert_lawful();
}

#[test]
fn an_unknown_label_is_nothing_to_do() {
    let ran = Stage::with_issues(1).exec("no-such-label", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.last_json()["summary"]["completed"], 0);
}

#[test]
fn a_second_run_of_a_label_leaves_at_once_and_an_interrupted_one_goes_on() {
    let stage = Stage::with_issues(3);
    stage.close_gate();
    let first = stage.start("go", &[]);
    stage.at_gate();
    let second = stage.exec("go", &[]);
    assert_eq!(second.code, Some(6), "{second:?}");
    let holder = format!("process {} works on it", first.pid());
    assert!(second.said().contains(&holder), "{second:?}");
    first.interrupt();
    let ran = first.end();
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert_eq!(ran.last_json()["event"], "session_interrupted");
    assert_eq!(leftovers_in_the_end(&stage.marker()), [""; 0]);
    assert_eq!(stage.heads(), [""; 0]);
    stage.open_gate();
    let resumed = stage.resume();
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    let undisturbed = Stage::with_issues(3);
    assert_eq!(undisturbed.exec("go", &[]).code, Some(0));
    assert_eq!(stage.essence(), undisturbed.essence());
    assert_eq!(stage.heads().len(), 3);
    // Resuming what is finished writes nothing anywhere.
    stage.fake.forget_requests();
    assert_eq!(stage.resume().code, Some(0));
    assert!(!stage.fake.requests().iter().any(Logged::writes));
    stage.assert_lawful();
}

#[test]
fn a_kill_in_the_middle_of_an_agents_work_leaves_nobody_behind() {
    let stage = Stage::with_issues(2);
    stage.close_gate();
    let mut first = stage.start("go", &[]);
    stage.at_gate();
    assert!(
        !leftovers(&stage.marker()).is_empty(),
        "the control: there is somebody"
    );
    first.kill();
    assert_eq!(leftovers_in_the_end(&stage.marker()), [""; 0]);
    assert_eq!(first.end().code, None);
    stage.open_gate();
    let resumed = stage.resume();
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert_eq!(stage.heads().len(), 2);
    stage.assert_lawful();
}

#[test]
fn runs_of_different_labels_share_the_mirror() {
    let stage = Stage::new(AGENT, None);
    let labels = ["a", "b", "c"];
    stage.fake.expect_writers(labels.len());
    for number in 1..=6 {
        stage.issue(number, &[labels[number % 3]]);
    }
    let running: Vec<_> = labels.iter().map(|label| stage.start(label, &[])).collect();
    for run in running {
        let ran = run.end();
        assert_eq!(
            (ran.code, ran.count("completed")),
            (Some(0), 2),
            "{}",
            ran.stderr
        );
    }
    assert_eq!(stage.heads().len(), 6);
    let mirrors = std::fs::read_dir(stage.rig.path("state/mirrors")).unwrap();
    let mirrors =
        mirrors.filter(|item| item.as_ref().unwrap().path().extension() == Some("git".as_ref()));
    assert_eq!(mirrors.count(), 1);
    stage.assert_lawful();
}

#[test]
fn after_a_closed_pull_the_branch_is_a_new_one() {
    let stage = Stage::with_issues(1);
    assert_eq!(stage.exec("go", &[]).code, Some(0));
    let pull = stage.fake.pulls()[0].number;
    stage.fake.close_pull(pull);
    assert_eq!(stage.exec("go", &[]).code, Some(0));
    stage.fake.close_pull(stage.fake.pulls()[1].number);
    // Also where the branch is gone and only the closed pull tells of it.
    stage.fake.delete_branch("autoissue/1-thing-1-2");
    assert_eq!(stage.exec("go", &[]).code, Some(0));
    let heads = stage
        .fake
        .pulls()
        .into_iter()
        .map(|pull| pull.pull.unwrap().head);
    assert_eq!(
        heads.collect::<Vec<_>>(),
        [
            "autoissue/1-thing-1",
            "autoissue/1-thing-1-2",
            "autoissue/1-thing-1-3"
        ]
    );
    stage.assert_lawful();
}

#[test]
fn without_pulls_it_stays_at_branches() {
    let stage = Stage::with_issues(1);
    let ran = stage.exec("go", &["--no-pr"]);
    assert_eq!((ran.code, ran.count("completed")), (Some(0), 1), "{ran:?}");
    assert_eq!(stage.fake.pulls().len(), 0);
    let file = stage.fake.file("autoissue/1-thing-1", "file-1.txt");
    assert_eq!(file.as_deref(), Some("1"));
    let comments = stage.fake.comments(1);
    assert!(
        comments[0].body.contains("autoissue/1-thing-1"),
        "{comments:?}"
    );
    stage.assert_lawful();
}

#[test]
fn drafts_labels_and_triggers_are_as_configured() {
    let mut stage = Stage::new(AGENT, Some("#!/bin/sh\n! [ -e file-2.txt ]\n"));
    for number in 1..=3 {
        stage.issue(number, &["go", "stays"]);
    }
    stage.fake.block(3, 2);
    stage.configure(&json!({
        "labels": { "working": "busy", "completed": "made", "failed": "broken", "blocked": "stuck", "removeTrigger": true },
        "executor": { "maxRetries": 0 },
    }));
    let ran = stage.exec("go", &["--draft"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let expect = [(1, "completed"), (2, "failed"), (3, "blocked")];
    assert_eq!(
        ran.outcomes(),
        expect.map(|(issue, word)| (issue, word.to_owned()))
    );
    assert!(stage.fake.pulls()[0].pull.as_ref().unwrap().draft);
    assert_eq!(stage.fake.labels(1), ["stays", "made"]);
    assert_eq!(stage.fake.labels(2), ["go", "stays", "broken"]);
    assert_eq!(stage.fake.labels(3), ["go", "stays", "stuck"]);
    let busy = stage
        .fake
        .requests()
        .into_iter()
        .filter(|request| request.body["labels"] == json!(["busy"]));
    assert_eq!(busy.count(), 2, "both that were begun showed it");
    stage.assert_lawful();
}

#[test]
fn a_check_that_fails_on_the_base_too_is_not_the_agents_fault() {
    let stage = Stage::new(AGENT, Some("#!/bin/sh\necho old trouble; exit 1\n"));
    stage.issue(1, &["go"]);
    let ran = stage.exec("go", &[]);
    assert_eq!((ran.code, ran.count("completed")), (Some(0), 1), "{ran:?}");
    assert_eq!(stage.runs(), [1], "no second round for it");
    let body = stage.pull_body("autoissue/1-thing-1");
    assert!(
        body.contains("| `test` | custom | fails on the base branch as well |"),
        "{body}"
    );
    assert!(body.contains("old trouble"), "{body}");
    stage.assert_lawful();
}

#[test]
fn a_pull_without_checks_says_so() {
    let stage = Stage::with_issues(1);
    assert_eq!(stage.exec("go", &[]).code, Some(0));
    let body = stage.pull_body("autoissue/1-thing-1");
    assert!(
        body.contains("No checks are configured, so nothing has tried this."),
        "{body}"
    );
    stage.assert_lawful();
}

/// What git says of a checkout: HEAD, branch, changes, and the index byte by byte.
fn state_of(stage: &Stage) -> (Vec<String>, Vec<u8>) {
    let words = [
        vec!["rev-parse", "HEAD"],
        vec!["branch", "--show-current"],
        vec!["stash", "list"],
        vec!["diff"],
        vec!["diff", "--cached"],
        // Looks without writing the index anew.
        vec![
            "--no-optional-locks",
            "status",
            "--porcelain",
            "--untracked-files=all",
            "--",
            ".",
            ":!.autoissue",
        ],
    ];
    let said = words.iter().map(|words| stage.rig.git(words)).collect();
    (
        said,
        std::fs::read(stage.rig.checkout().join(".git/index")).unwrap(),
    )
}

#[test]
fn a_local_run_leaves_a_dirty_or_detached_checkout_alone() {
    for detached in [false, true] {
        let mut stage = Stage::new(AGENT, None);
        stage.configure(&json!({ "forge": { "kind": "local" } }));
        stage.rig.write("checkout/tracked.txt", "first\n");
        stage.rig.git(&["add", "tracked.txt"]);
        stage
            .rig
            .git(&["commit", "--quiet", "--message", "tracked"]);
        if detached {
            stage.rig.git(&["checkout", "--quiet", "--detach", "HEAD^"]);
        }
        stage.rig.write("checkout/README.md", "# Changed\n");
        stage.rig.write("checkout/staged.txt", "staged\n");
        stage.rig.git(&["add", "staged.txt"]);
        stage.rig.write("checkout/untracked.txt", "untracked\n");
        let issue = "---\ntitle: A thing\nlabels: [go]\n---\nWrite `file-1.txt`.\n";
        stage
            .rig
            .write("checkout/.autoissue/issues/1-a-thing.md", issue);
        let before = state_of(&stage);
        let ran = stage.exec("go", &[]);
        assert_eq!((ran.code, ran.count("completed")), (Some(0), 1), "{ran:?}");
        assert_eq!(state_of(&stage), before, "detached: {detached}");
        let made = stage.rig.git(&["show", "autoissue/1-a-thing:file-1.txt"]);
        assert_eq!(made, "1");
        let based = stage.rig.git(&["show", "autoissue/1-a-thing:tracked.txt"]);
        assert_eq!(based, "first", "it stands on main");
        assert!(stage.rig.checkout().join(".autoissue/pulls").is_dir());
    }
}
