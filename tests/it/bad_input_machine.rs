//! A machine with too little of something: disk, rights, terminal, home, patience.

use crate::fake_github::{FakeGitHub, FakeOptions, Fault, Gate};
use crate::rig::{Ran, Rig, config_for, leftovers};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const WORKS: &str = "echo work > \"work-$AUTOISSUE_ISSUE.txt\"; echo '{\"cost_usd\": 0.01}'";

fn shop(issues: u64) -> Rig {
    let rig = Rig::local(WORKS, &json!({}));
    for number in 1..=issues {
        rig.issue(number, &format!("Number {number}"), "do it");
    }
    rig
}

/// May this test mount something of its own?
fn may_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["--mount", "--map-root-user", "true"])
        .output();
    tried.is_ok_and(|tried| tried.status.success())
}

/// Runs a script of the shell with mounts of its own, `$STATE` the state directory and `$AUTOISSUE` the binary.
fn with_mounts(rig: &Rig, script: &str) -> Ran {
    let model = rig.autoissue(&[]);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-ec", script]);
    command.env_clear().current_dir(rig.checkout());
    command.envs(
        model
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command
        .env("STATE", rig.path("state"))
        .env("AUTOISSUE", model.get_program());
    Ran::from(command.output().unwrap())
}

#[test]
fn a_full_disk_ends_the_run_and_costs_nothing_twice() {
    if !may_mount() {
        // The journal's part of it, with a bound on its pages, is a test of `store::writer`, and runs everywhere.
        return;
    }
    // The first to work fills the disk once what it cost is on it, so that all that follows meets the full disk.
    let rig = Rig::local(
        "set -e; bin=$(dirname \"$0\"); echo run >> \"$bin/runs\"; echo work >> \"work-$AUTOISSUE_ISSUE.txt\"\n\
         echo '{\"cost_usd\": 0.2}'; [ ! -e \"$bin/stop\" ] || exit 0; : > \"$bin/stop\"\n\
         until grep -rqs '^{\"cost_usd' \"$STATE/sessions\"; do :; done; cat /dev/zero > \"$STATE/ballast\" || :",
        &json!({}),
    );
    rig.config(
        &json!({ "executor": { "maxParallel": 1 }, "agent": {
            "kind": "command", "command": [rig.path("bin/agent")], "env": { "STATE": rig.path("state") },
        } }),
    );
    rig.issue(1, "One", "do it");
    rig.issue(2, "Two", "do it");
    std::fs::create_dir(rig.path("state")).unwrap();
    let ran = with_mounts(
        &rig,
        "mount -t tmpfs -o size=40m none \"$STATE\"
         code=0; \"$AUTOISSUE\" exec go 2>&1 || code=$?; echo \"exit $code\"
         code=0; \"$AUTOISSUE\" resume 2>&1 || code=$?; echo \"exit $code\"
         rm \"$STATE/ballast\"
         \"$AUTOISSUE\" resume --format json",
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let state = rig.path("state").display().to_string();
    let full = format!(
        "error: could not write the journal: write to {state}: the disk is full\nhint: free space in the state directory, then `autoissue resume`; nothing recorded is lost\nexit 1\n"
    );
    assert!(ran.stdout.contains(&full), "{}", ran.stdout);
    let still = format!(
        "error: could not write to {state}/reserve: the disk is full\nhint: free some space on the disk of {state}/reserve, then run `autoissue resume`\nexit 1\n"
    );
    assert!(ran.stdout.contains(&still), "{}", ran.stdout);
    for number in [1, 2] {
        assert_eq!(
            (
                ran.task(number)["outcome"].as_str(),
                ran.task(number)["cost_usd"].as_str()
            ),
            (Some("completed"), Some("0.20"))
        );
    }
    let runs = std::fs::read_to_string(rig.path("bin/runs")).unwrap();
    assert_eq!(runs.lines().count(), 2, "the agent was paid once for each");
    assert_eq!(rig.file("autoissue/1-one", "work-1.txt"), "work");
}

#[test]
fn a_state_directory_that_takes_no_changes_is_named() {
    if !may_mount() {
        // With modes in place of mounts, which root passes by, it is a test of the store.
        return;
    }
    let rig = shop(1);
    std::fs::create_dir(rig.path("state")).unwrap();
    let ran = with_mounts(
        &rig,
        "mount -t tmpfs -o ro none \"$STATE\"
         code=0; \"$AUTOISSUE\" exec go 2>&1 || code=$?; echo \"exit $code\"
         code=0; \"$AUTOISSUE\" resume 2>&1 || code=$?; echo \"exit $code\"
         \"$AUTOISSUE\" exec go --dry-run > /dev/null",
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let told = format!(
        "error: could not write to {}/open: it is read-only for this user\nhint: choose another directory with --state-dir\nexit 1\n",
        rig.path("state").display()
    );
    assert_eq!(ran.stdout, told.repeat(2));
}

#[test]
fn a_second_process_leaves_at_once_and_names_the_first() {
    let rig = Rig::local(
        "while [ ! -e \"$(dirname \"$0\")/go\" ]; do sleep 0.05; done; echo x > x.txt",
        &json!({}),
    );
    rig.issue(1, "One", "do it");
    let mut first = rig
        .autoissue(&["exec", "go"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the session is there", || {
        rig.path("state/sessions").exists()
    });
    let second = rig.run(&["exec", "go"]);
    let resumed = rig.run(&["resume"]);
    let json = rig.go();
    rig.script("go", "");
    assert_eq!(first.wait().unwrap().code(), Some(0));
    let holder = format!("process {} works on it\n", first.id());
    for ran in [&second, &resumed] {
        assert_eq!(ran.code, Some(6), "{ran:?}");
        assert!(
            ran.stderr.contains(&holder)
                && ran
                    .stderr
                    .contains("\nhint: watch it with `autoissue status"),
            "{ran:?}"
        );
    }
    assert_eq!(
        (json.code, &json.last_json()["kind"]),
        (Some(6), &json!("busy"))
    );
}

#[test]
fn a_reader_of_one_line_does_not_cost_the_session() {
    for format in ["text", "json"] {
        let rig = shop(2);
        let mut command = rig.autoissue(&["exec", "go", "--format", format]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        drop(child.stderr.take());
        let code = child.wait().unwrap().code();
        assert_eq!(code, Some(0), "{format}");
        assert_eq!(rig.file("autoissue/2-number-2", "work-2.txt"), "work");
    }
}

#[test]
fn without_home_and_with_a_poor_terminal_it_works_all_the_same() {
    let rig = shop(1);
    let mut poor = rig.autoissue(&["exec", "go"]);
    poor.env_remove("HOME")
        .env_remove("XDG_CONFIG_HOME")
        .env("TERM", "dumb")
        .env("COLUMNS", "1");
    let ran = Ran::from(poor.output().unwrap());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.stdout.contains("1 of 1 task completed.") && !ran.stdout.contains('\u{1b}'),
        "{}",
        ran.stdout
    );
    for columns in ["0", "-3", "99999999999999999999", "wide"] {
        let again = Ran::from(
            rig.autoissue(&["exec", "go"])
                .env("COLUMNS", columns)
                .output()
                .unwrap(),
        );
        assert_eq!(again.code, Some(0), "{again:?}");
        assert!(
            again.stdout.contains("pull #2 is open for it already"),
            "{}",
            again.stdout
        );
    }
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// Interrupts a run while GitHub holds the answer to such a request back; then it goes its way.
fn interrupted_at(what: &str, is_it: fn(&crate::fake_github::Logged) -> bool) {
    let fake = FakeGitHub::start(&FakeOptions::default());
    fake.add_issue("One", "x", &["go"]);
    let rig = Rig::new();
    let agent = rig.script("agent", &format!("#!/bin/sh\ncat > /dev/null\n{WORKS}\n"));
    rig.config(&config_for(&fake.api_url(), &fake.git_url(), &agent, None));
    let gate = Gate::closed();
    fake.fail_when(is_it, Fault::Held(gate.clone()), 1);
    let run = |json: bool| {
        let mut command = rig.autoissue(&["exec", "go", "--isolation", "none"]);
        command.env("GITHUB_TOKEN", fake.token());
        command.args(if json { &["--format", "json"][..] } else { &[] });
        command
    };
    let child = run(false)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until(what, || {
        fake.requests()
            .iter()
            .any(|request| request.fault.is_some())
    });
    let asked = Instant::now();
    kill(
        Pid::from_raw(i32::try_from(child.id()).unwrap()),
        Signal::SIGINT,
    )
    .unwrap();
    let ended = Ran::from(child.wait_with_output().unwrap());
    assert!(asked.elapsed() < Duration::from_secs(5), "{what}");
    assert_eq!(ended.code, Some(5), "{what}: {ended:?}");
    assert_eq!(
        ended.stderr,
        "error: could not begin the session\n  because it was interrupted before anything was started\nhint: run the same command again\n"
    );
    let mirrors = rig.path("state/mirrors").display().to_string();
    until("git is gone", || leftovers(&mirrors).is_empty());
    gate.open();
    let ran = Ran::from(run(true).output().unwrap());
    assert_eq!(ran.code, Some(0), "{what}: {ran:?}");
    assert_eq!(ran.task(1)["outcome"], "completed", "{what}");
    assert_eq!(fake.pulls().len(), 1, "{what}");
}

#[test]
fn an_interrupt_before_the_session_leaves_nothing_behind() {
    interrupted_at("issues are read", |request| {
        !request.git && request.path.ends_with("/issues")
    });
    interrupted_at("the remote is looked at", |request| {
        request.git && request.path.ends_with("/info/refs")
    });
    interrupted_at("the mirror is cloned", |request| {
        request.git && request.path.ends_with("/git-upload-pack")
    });
    interrupted_at("pulls are read", |request| {
        !request.git && request.path.ends_with("/pulls")
    });
}
