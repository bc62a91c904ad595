//! One issue's leftovers: what `doctor --worktrees` says of them, and what `clean --issue` takes away.

use crate::repos::names;
use crate::rig::{Ran, Rig};
use autoissue::adapters::store::open::Store;
use autoissue::rules::follow::shape::Fate;
use autoissue::rules::ids::{IssueNumber, PullNumber};
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const AGENT: &str = "echo more >> README.md";

/// Where the project's worktrees are.
fn slots(rig: &Rig) -> PathBuf {
    let all = fs::read_dir(rig.path("state/worktrees")).unwrap();
    all.flatten().next().unwrap().path()
}

/// A session that was killed while its agent's work lay in the worktree.
fn killed() -> Rig {
    for event in 6..20 {
        let rig = Rig::local(AGENT, &json!({}));
        rig.issue(1, "One", "Say more in `README.md`.");
        let mut exec = rig.autoissue(&["exec", "go"]);
        exec.env("AUTOISSUE_CRASH_AT", format!("{event}:after"));
        drop(exec.output().unwrap());
        let text = rig
            .path("state/worktrees")
            .exists()
            .then(|| fs::read_to_string(slots(&rig).join("issue-1/README.md")).unwrap_or_default());
        if text.is_some_and(|text| text.ends_with("more\n")) {
            return rig;
        }
    }
    panic!("no crash leaves work");
}

fn doctor(rig: &Rig) -> Ran {
    rig.run(&["doctor", "--worktrees", "--issue", "1"])
}

fn clean(rig: &Rig, more: &[&str]) -> String {
    let ran = rig.run(&[&["clean", "--issue", "1"], more].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.stdout
}

/// The snapshots that the mirror keeps of the issue.
fn snapshots(rig: &Rig) -> usize {
    let mirrors = fs::read_dir(rig.path("state/mirrors")).unwrap().flatten();
    let mirror = mirrors
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|end| end == "git"))
        .unwrap();
    let kept = mirror.join("refs/autoissue/keep");
    let kept = names(&kept).into_iter();
    kept.filter(|name| name.starts_with("1-")).count()
}

#[test]
fn what_a_killed_session_left_stays_until_a_person_is_sure_and_is_kept_even_then() {
    let rig = killed();
    let told = doctor(&rig);
    assert_eq!(told.code, Some(0), "{told:?}");
    for part in [
        "issue-1: ",
        "branch autoissue/1-one, 1 file of the commit changed; session ",
        " has left it",
        "goes on with it",
    ] {
        assert!(told.stdout.contains(part), "{part}: {told:?}");
    }
    let kept = clean(&rig, &[]);
    assert!(
        kept.contains("kept worktree ") && kept.contains("may go on with it"),
        "{kept}"
    );
    let work = slots(&rig).join("issue-1/README.md");
    assert!(work.exists());
    let would = clean(&rig, &["--force", "--dry-run"]);
    assert!(would.contains("would remove worktree"), "{would}");
    assert!(work.exists());
    let before = snapshots(&rig);
    let gone = clean(&rig, &["--force"]);
    assert!(gone.contains("removed worktree"), "{gone}");
    assert!(!work.exists());
    assert_eq!(snapshots(&rig), before + 1, "its files are kept");
    // The session goes on all the same.
    let resumed = rig.run(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
}

#[test]
fn what_is_worked_on_stays_also_by_force() {
    let rig = Rig::new();
    let place = rig.path("").display().to_string();
    let agent = rig.script(
        "agent",
        &format!(
            "#!/bin/sh\ncat > /dev/null\necho x > file.txt\ntouch {place}/begun\n\
             until [ -e {place}/go ]; do sleep 0.05; done\n"
        ),
    );
    rig.config(&json!({ "agent": { "kind": "command", "command": [agent] } }));
    rig.issue(1, "One", "Write `file.txt`.");
    let mut running = rig.autoissue(&["exec", "go", "--headless"]);
    let running = running
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let mut running = running.spawn().unwrap();
    let start = Instant::now();
    while !rig.path("begun").exists() && start.elapsed() < Duration::from_secs(60) {
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let told = doctor(&rig);
    let kept = clean(&rig, &["--force"]);
    let is_there = slots(&rig).join("issue-1/file.txt").exists();
    rig.write("go", "");
    assert!(running.wait().unwrap().success());
    assert!(told.stdout.contains("works in it"), "{told:?}");
    assert!(
        kept.contains("kept worktree") && kept.contains("a process uses it"),
        "{kept}"
    );
    assert!(is_there);
}

#[test]
fn a_branch_goes_once_its_pull_was_merged_or_closed() {
    let rig = Rig::local(AGENT, &json!({}));
    rig.issue(1, "One", "Say more in `README.md`.");
    assert_eq!(rig.go().code, Some(0));
    let branch = || rig.git(&["branch", "--list", "autoissue/1-*"]);
    let kept = clean(&rig, &[]);
    assert!(
        kept.contains("kept branch autoissue/1-one at ") && kept.contains("is open"),
        "{kept}"
    );
    let kept = clean(&rig, &["--force"]);
    assert!(
        kept.contains("kept branch"),
        "an open pull is people's: {kept}"
    );
    assert!(!branch().is_empty());
    let store = Store::open(&rig.path("state")).unwrap();
    let project = store.sessions(1).unwrap().remove(0).project;
    let issue = IssueNumber(1);
    let pull: PullNumber = store.pulls_for(&project, issue).unwrap().remove(0);
    store
        .note_fate(&project, (pull, issue), Fate::Merged)
        .unwrap();
    drop(store);
    let gone = clean(&rig, &[]);
    assert!(gone.contains("removed branch autoissue/1-one"), "{gone}");
    assert_eq!(branch(), "");
    assert_eq!(clean(&rig, &[]), "removed 0 items, kept 0\n");
}

#[test]
fn broken_ones_are_named_and_nothing_of_theirs_is_run_or_followed() {
    let rig = killed();
    let tree = slots(&rig).join("issue-1");
    let evil = rig.script(
        "evil",
        &format!("#!/bin/sh\ntouch {}/ran\n", rig.path("").display()),
    );
    let config = format!(
        "[core]\n\tfsmonitor = {0}\n\tsshCommand = {0}\n",
        evil.display()
    );
    fs::write(tree.join(".git/config"), config).unwrap();
    let told = |expect: &str| {
        let ran = doctor(&rig);
        assert!(ran.stdout.contains(expect), "{expect}: {ran:?}");
        assert_eq!(ran.code, Some(1));
        assert!(ran.stdout.contains("hint: "), "{ran:?}");
    };
    fs::write(tree.join(".git/objects/info/alternates"), "/etc\n").unwrap();
    told("looks for its objects elsewhere than in the mirror");
    fs::rename(tree.join(".git"), rig.path("elsewhere")).unwrap();
    symlink(rig.path("elsewhere"), tree.join(".git")).unwrap();
    told("git directory is gone, or leads elsewhere");
    // A worktree that is a link is not looked into, and only the link goes.
    fs::rename(&tree, rig.path("taken")).unwrap();
    symlink(rig.path("taken"), &tree).unwrap();
    told("it is a link or no directory");
    let kept = clean(&rig, &[]);
    assert!(kept.contains("nobody knows what it holds"), "{kept}");
    clean(&rig, &["--force"]);
    assert!(tree.symlink_metadata().is_err());
    assert!(rig.path("taken/README.md").exists());
    // Nor does one go that no note of ours speaks of.
    fs::create_dir(slots(&rig).join("issue-9")).unwrap();
    let nine = rig.run(&["doctor", "--worktrees", "--issue", "9"]);
    assert!(
        nine.stdout.contains("no note says what it holds"),
        "{nine:?}"
    );
    let kept = rig.run(&["clean", "--issue", "9"]);
    assert!(kept.stdout.contains("kept worktree"), "{kept:?}");
    rig.run(&["clean", "--issue", "9", "--force"]);
    assert!(names(&slots(&rig)).iter().all(|name| !name.contains("-9")));
    assert!(!rig.path("ran").exists());
    // The control: a git that is called in there runs it.
    drop(
        std::process::Command::new("git")
            .args(["--git-dir"])
            .arg(rig.path("elsewhere"))
            .args(["--work-tree"])
            .arg(rig.path("taken"))
            .arg("status")
            .output(),
    );
    assert!(rig.path("ran").exists());
}
