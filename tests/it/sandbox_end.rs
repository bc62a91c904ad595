//! How programs in the sandbox end: gently where they can, and for sure, whoever is killed.

use crate::boxes::{Outside, landlock, sandbox};
use crate::processes::{
    Asking, Ear, Watcher, alive, left_after, processes, stubborn, support, token,
};
use autoissue::adapters::process::run::Processes;
use autoissue::adapters::process::spec::{Cause, ProcessEnd, ProcessSpec};
use autoissue::adapters::sandbox::shape::{Reach, Sandbox};
use autoissue::ports::Stop;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Invariant 18.
const LONGEST_END: Duration = Duration::from_secs(12);

fn contained(sandbox: Sandbox) -> Processes {
    processes().contained(Arc::new(sandbox))
}

fn inside(outside: &Outside, how: &str, token: &str) -> ProcessSpec {
    ProcessSpec {
        directory: outside.worktree(),
        reach: Some(Reach::default()),
        ..stubborn(how, token)
    }
}

async fn run_until_ready(
    processes: &Processes,
    spec: &ProcessSpec,
    asking: Asking,
) -> (ProcessEnd, Vec<String>) {
    let stop = Stop::new();
    let mut ear = Ear {
        on_ready: Some((stop.clone(), asking)),
        ..Ear::default()
    };
    let end = processes
        .run(spec, &mut ear, &Watcher::default(), &stop)
        .await;
    (end, ear.lines)
}

#[tokio::test]
async fn however_stubborn_nothing_is_left_in_the_sandbox_after_a_stop() {
    let outside = Outside::new();
    for sandbox in [sandbox(&outside), landlock(&outside)] {
        let processes = contained(sandbox);
        for how in ["deaf", "session", "orphan", "closes", "restless", "late"] {
            let token = token();
            let began = Instant::now();
            let spec = inside(&outside, how, &token);
            run_until_ready(&processes, &spec, Asking::Gently).await;
            assert_eq!(alive(&token), [0; 0], "{how}");
            assert!(began.elapsed() < LONGEST_END, "{how}");
        }
    }
}

#[tokio::test]
async fn a_gentle_stop_reaches_the_program_inside_and_not_what_is_around_it() {
    let outside = Outside::new();
    for sandbox in [sandbox(&outside), landlock(&outside)] {
        let processes = contained(sandbox);
        let spec = inside(&outside, "polite", &token());
        let (end, lines) = run_until_ready(&processes, &spec, Asking::Gently).await;
        assert_eq!((end.cause, end.code), (Cause::Stopped, Some(3)));
        assert_eq!(lines, ["ready", "bye"]);
        let (end, lines) = run_until_ready(&processes, &spec, Asking::Hard).await;
        assert_eq!((end.cause, end.code), (Cause::Stopped, Some(137)));
        assert_eq!(lines, ["ready"]);
    }
}

async fn until_live(token: &str, count: usize) {
    while alive(token).len() < count {
        tokio::task::yield_now().await;
    }
}

/// Kills it without a chance to do anything.
fn kill(pid: u32) {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(status.unwrap().success());
}

#[tokio::test]
async fn kill_minus_nine_of_everything_of_ours_leaves_nothing_in_the_sandbox() {
    let outside = Outside::new();
    let (contained, open) = (token(), token());
    let mut parents = Vec::new();
    for (token, wrap) in [(&contained, true), (&open, false)] {
        let program = [
            "python3".to_owned(),
            support("stubborn.py"),
            "session".to_owned(),
            token.clone(),
        ];
        let argv = if wrap {
            outside.wrapped(&program)
        } else {
            program.to_vec()
        };
        let mut parent = Command::new("python3")
            .args([&support("parent.py"), env!("CARGO_BIN_EXE_autoissue")])
            .args(argv)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = std::io::BufReader::new(parent.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut said, &mut line).unwrap();
        parents.push((parent, line.trim().parse::<u32>().unwrap()));
    }
    until_live(&contained, 6).await;
    until_live(&open, 3).await;
    for (mut parent, supervisor) in parents {
        // First who would end the program as it loses us, then we.
        kill(supervisor);
        parent.kill().unwrap();
        parent.wait().unwrap();
    }
    assert_eq!(left_after(&contained, LONGEST_END).await, [0; 0]);
    // The control: without a sandbox both go on, until the next start ends them.
    let left = alive(&open);
    assert_eq!(left.len(), 2);
    for pid in left {
        kill(u32::try_from(pid).unwrap());
    }
}
