//! Agents that say or do what no agent should: nothing is lost, nothing leaks, and no bill gets smaller.

use crate::rig::{Ran, Rig, leftovers_in_the_end};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// One try at issue 1 by an agent of these lines.
fn attempt(agent: &str) -> (Rig, Ran) {
    attempt_with(&json!({}), agent)
}

/// The same, where this stands under `security`.
fn attempt_with(security: &serde_json::Value, agent: &str) -> (Rig, Ran) {
    let more = json!({ "executor": { "maxRetries": 0 }, "security": security });
    let rig = Rig::local(agent, &more);
    rig.issue(1, "One", "do it");
    let ran = rig.go();
    assert_eq!(leftovers_in_the_end(&rig.marker()), Vec::<String>::new());
    (rig, ran)
}

#[test]
fn garbage_does_no_harm() {
    let (rig, ran) = attempt(
        "head -c 300000 /dev/urandom; printf '\\033[2J\\033]0;x\\007\\377\\n'; head -c 9000 /dev/urandom >&2; echo g > g.txt",
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(rig.file("autoissue/1-one", "g.txt"), "g");
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'));
    let pulls = std::fs::read_dir(rig.path("checkout/.autoissue/pulls")).unwrap();
    for pull in pulls {
        let text = std::fs::read(pull.unwrap().path()).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(
            !text.contains(|c: char| c.is_control() && c != '\n'),
            "{text}"
        );
    }
}

#[test]
fn a_cost_that_cannot_be_is_charged_in_full() {
    for cost in [
        "-3",
        "NaN",
        "\"NaN\"",
        "-Infinity",
        "1e300",
        "1e999",
        "[]",
        "0.5, \"x\": \"\\377",
    ] {
        let (_rig, ran) = attempt(&format!(
            "echo g > g.txt; printf '{{\"cost_usd\": {cost}}}\\n'"
        ));
        let settled = ran.event("attempt_settled");
        assert_eq!(
            (settled["basis"].as_str(), settled["cost_usd"].as_str()),
            (Some("assumed"), Some("5.50")),
            "{cost}: {settled}"
        );
        assert_eq!(ran.last_json()["summary"]["cost_usd"], "5.50", "{cost}");
    }
    // The control: a cost that can be is taken as it is, whatever the bytes beside it.
    let (_rig, ran) =
        attempt("echo g > g.txt; printf '{\"cost_usd\": 0.5, \"summary\": \"\\377\"}\\n'");
    assert_eq!(ran.last_json()["summary"]["cost_usd"], "0.50");
}

#[test]
fn an_agent_that_changes_nothing_has_not_done_it() {
    let (_rig, ran) = attempt("echo '{\"cost_usd\": 0.2, \"summary\": \"I see nothing to do\"}'");
    assert_eq!(ran.code, Some(3));
    let task = ran.task(1);
    assert_eq!(
        (task["outcome"].as_str(), task["reason"].as_str()),
        (Some("no_change"), Some("I see nothing to do"))
    );
    assert_eq!(task["cost_usd"], "0.20");
}

#[test]
fn a_gigabyte_on_one_line_takes_little_memory() {
    let rig = Rig::local(
        "head -c 1000000000 /dev/zero | tr '\\0' x; echo; echo g > g.txt; echo '{\"cost_usd\": 0.2}'",
        &json!({}),
    );
    rig.issue(1, "One", "do it");
    let mut child = start(&rig, &["exec", "go", "--format", "json"]);
    let (code, peak) = wait_and_measure(&mut child);
    assert_eq!(code, Some(0));
    assert!(peak < 200 << 10, "{peak} kB");
    println!("peak memory {peak} kB");
    let transcripts: u64 = files(&rig.path("state/sessions"))
        .iter()
        .map(|path| path.metadata().unwrap().len())
        .sum();
    assert!(transcripts < 300 << 20, "{transcripts}");
}

fn files(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn start(rig: &Rig, args: &[&str]) -> Child {
    let mut command: Command = rig.autoissue(args);
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Its exit code, and the most memory that it ever had, in kB, as the kernel counted until shortly before its end.
fn wait_and_measure(child: &mut Child) -> (Option<i32>, u64) {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        if let Some(ended) = child.try_wait().unwrap() {
            return (ended.code(), peak);
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let measured = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(measured.unwrap_or(0));
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Works for ever, hears no signal, and writes all the time.
const STUBBORN: &str = "trap '' TERM INT HUP\necho paid >> g.txt\n[ -e $0.done ] && { echo '{\"cost_usd\": 0.2}'; exit; }\n: > $0.done\n: > $0.works\nyes \"$(head -c 1000 /dev/zero | tr '\\0' y)\"";

fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

fn interrupted(times: u32) -> (Rig, Duration) {
    let rig = Rig::local(STUBBORN, &json!({}));
    rig.issue(1, "One", "do it");
    let mut child = start(&rig, &["exec", "go"]);
    until("it works", || rig.path("bin/agent.works").exists());
    let asked = Instant::now();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    for _ in 0..times {
        kill(pid, Signal::SIGINT).unwrap();
        // Two signals at once are one.
        std::thread::park_timeout(Duration::from_millis(300));
    }
    let status = child.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(5), None));
    assert_eq!(leftovers_in_the_end(&rig.marker()), Vec::<String>::new());
    (rig, asked.elapsed())
}

/// What was written before the stop was paid for, and comes back.
fn goes_on(rig: &Rig) {
    let ran = rig.run(&["resume", "--format", "json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(rig.file("autoissue/1-one", "g.txt"), "paid\npaid");
}

#[test]
fn an_agent_that_hears_nothing_is_ended_and_its_files_stay() {
    let (rig, took) = interrupted(1);
    assert!(
        took > Duration::from_secs(9) && took < Duration::from_secs(20),
        "{took:?}"
    );
    goes_on(&rig);
}

#[test]
fn a_second_signal_ends_it_at_once_and_its_files_stay() {
    let (rig, took) = interrupted(2);
    assert!(took < Duration::from_secs(8), "{took:?}");
    goes_on(&rig);
}

#[test]
fn children_that_an_agent_leaves_do_not_outlive_it() {
    let (_rig, ran) = attempt(
        "setsid sleep 9871 &\n(trap '' TERM HUP; sleep 9871) &\nnohup sleep 9871 > /dev/null 2>&1 &\necho g > g.txt; echo '{\"cost_usd\": 0.2}'",
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn an_agent_that_deletes_its_workspace_is_charged_and_told() {
    let (rig, ran) = attempt("here=$(pwd); cd /; rm -rf \"$here\"; echo '{\"cost_usd\": 0.2}'");
    let task = ran.task(1);
    assert_eq!(
        (
            ran.code,
            task["outcome"].as_str(),
            task["cost_usd"].as_str()
        ),
        (Some(3), Some("failed"), Some("0.20"))
    );
    assert_eq!(
        task["reason"],
        "workspace: take in the files of #1: the worktree was removed or replaced"
    );
    rig.script(
        "agent",
        "#!/bin/sh\ncat > /dev/null; echo g > g.txt; echo '{\"cost_usd\": 0.1}'\n",
    );
    assert_eq!(rig.go().task(1)["outcome"], "completed");
}

#[test]
fn a_link_to_a_secret_is_a_link() {
    let (rig, ran) = attempt_with(
        &json!({ "allow": ["links"] }),
        "echo 'machine h password hunter2' > ~/.netrc; rm README.md; ln -s ~/.netrc README.md; ln -s ~/.netrc stolen.txt; ln -s ~ home; echo '{\"cost_usd\": 0.2}'",
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let listed = rig.git(&["ls-tree", "-r", "autoissue/1-one"]);
    for line in listed.lines() {
        assert!(line.starts_with("120000 "), "{listed}");
    }
    assert_eq!(listed.lines().count(), 3);
    let all = rig.git(&["log", "--patch", "--all"]);
    assert!(!all.contains("hunter2"), "{all}");
    assert!(!ran.stdout.contains("hunter2"));
}

#[test]
fn an_agent_that_makes_its_own_repository_loses_nothing() {
    let (rig, ran) = attempt(
        "rm -rf .git; git init -q; git -c user.name=x -c user.email=x@x commit -q --allow-empty -m x; echo g > g.txt; echo '{\"cost_usd\": 0.2}'",
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(rig.file("autoissue/1-one", "g.txt"), "g");
    assert_eq!(
        rig.git(&["log", "--format=%s", "autoissue/1-one"]),
        "One\nbegin"
    );
}

#[test]
fn an_agent_that_stands_in_for_us_in_the_repository_reaches_nothing() {
    // A newcomer's agent is told to "just push": there is nothing to push to and no token to push with.
    let (rig, ran) = attempt(
        "env > env.txt; git remote -v > remotes.txt; git push origin HEAD:main > push.txt 2>&1; echo '{\"cost_usd\": 0.2}'",
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(rig.file("autoissue/1-one", "remotes.txt"), "");
    assert!(!rig.file("autoissue/1-one", "env.txt").contains("TOKEN"));
    assert_eq!(rig.git(&["rev-list", "--count", "main"]), "1");
}
