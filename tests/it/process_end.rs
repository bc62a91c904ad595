//! How programs end: by themselves, by limits, by us, and when we are killed. Nothing of them is ever left.

use crate::processes::{
    Asking, Ear, Watcher, alive, left_after, processes, python, stubborn, support, token,
};
use autoissue::adapters::process::identity;
use autoissue::adapters::process::spec::{Cause, ProcessEnd, ProcessSpec};
use autoissue::ports::Stop;
use autoissue::rules::event::ProcessIdentity;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Invariant 18.
const LONGEST_END: Duration = Duration::from_secs(12);

async fn run_until_ready(spec: &ProcessSpec, asking: Asking) -> (ProcessEnd, Vec<String>) {
    let stop = Stop::new();
    let mut ear = Ear {
        on_ready: Some((stop.clone(), asking)),
        ..Ear::default()
    };
    let end = processes()
        .run(spec, &mut ear, &Watcher::default(), &stop)
        .await;
    (end, ear.lines)
}

#[tokio::test]
async fn however_stubborn_nothing_is_left_after_a_stop() {
    for how in ["deaf", "session", "orphan", "closes", "restless"] {
        let token = token();
        let began = Instant::now();
        let (end, _) = run_until_ready(&stubborn(how, &token), Asking::Gently).await;
        assert_eq!(alive(&token), [0; 0], "{how}");
        assert!(
            began.elapsed() < LONGEST_END,
            "{how} took {:?}",
            began.elapsed()
        );
        if how != "restless" {
            assert_eq!(end.cause, Cause::Stopped, "{how}");
        }
    }
}

#[tokio::test]
async fn what_a_program_leaves_behind_does_not_outlive_it() {
    let token = token();
    let mut ear = Ear::default();
    let end = processes()
        .run(
            &stubborn("late", &token),
            &mut ear,
            &Watcher::default(),
            &Stop::new(),
        )
        .await;
    assert_eq!((end.cause, end.code), (Cause::Itself, Some(0)));
    assert_eq!(alive(&token), [0; 0]);
}

#[tokio::test]
async fn a_gentle_stop_lets_a_program_put_things_in_order() {
    let (end, lines) = run_until_ready(&stubborn("polite", &token()), Asking::Gently).await;
    assert_eq!((end.cause, end.code), (Cause::Stopped, Some(3)));
    assert_eq!(lines, ["ready", "bye"]);
    let (end, lines) = run_until_ready(&stubborn("polite", &token()), Asking::Hard).await;
    assert_eq!((end.cause, end.code), (Cause::Stopped, Some(137)));
    assert_eq!(lines, ["ready"]);
}

#[tokio::test]
async fn limits_end_what_takes_too_long_or_says_too_little() {
    let check = async |spec: ProcessSpec, noise: bool, cause: Cause| {
        let mut ear = Ear {
            noise,
            ..Ear::default()
        };
        let end = processes()
            .run(&spec, &mut ear, &Watcher::default(), &Stop::new())
            .await;
        assert_eq!(end.cause, cause, "{:?}", spec.argv);
    };
    let busy = "import time\nwhile True: print('tick', flush=True); time.sleep(0.02)";
    let short = Duration::from_millis(400);
    check(
        ProcessSpec {
            wall: short,
            ..python(busy)
        },
        false,
        Cause::Wall,
    )
    .await;
    check(
        ProcessSpec {
            idle: short,
            ..python("import time; time.sleep(60)")
        },
        false,
        Cause::Idle,
    )
    .await;
    check(
        ProcessSpec {
            idle: short,
            ..python(busy)
        },
        true,
        Cause::Idle,
    )
    .await;
    // The control: the same output, where it counts as life, reaches the wall.
    check(
        ProcessSpec {
            idle: short,
            wall: 4 * short,
            ..python(busy)
        },
        false,
        Cause::Wall,
    )
    .await;
}

#[tokio::test]
async fn a_run_that_is_dropped_is_stopped() {
    let token = token();
    let spec = stubborn("session", &token);
    let processes = processes();
    let mut ear = Ear {
        on_ready: None,
        ..Ear::default()
    };
    let (watcher, stop) = (Watcher::default(), Stop::new());
    let run = processes.run(&spec, &mut ear, &watcher, &stop);
    assert!(
        tokio::time::timeout(Duration::from_millis(700), run)
            .await
            .is_err()
    );
    assert_eq!(processes.live(), []);
    assert_eq!(left_after(&token, LONGEST_END).await, [0; 0]);
}

/// A parent of a stubborn program, to be killed with `kill -9`.
struct Parent {
    process: Child,
    child: u32,
}

fn parent(supervisor: &str, token: &str) -> Parent {
    let mut process = Command::new("python3")
        .args([
            &support("parent.py"),
            supervisor,
            "python3",
            &support("stubborn.py"),
            "session",
            token,
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    Parent {
        process,
        child: line.trim().parse().unwrap(),
    }
}

/// Until both the program and its child in another session are there.
async fn until_both_live(token: &str) {
    while alive(token).iter().filter(|pid| !is_parent(**pid)).count() < 2 {
        tokio::task::yield_now().await;
    }
}

fn is_parent(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|line| line.contains("parent.py"))
}

fn kill_minus_nine(mut parent: Parent) {
    parent.process.kill().unwrap();
    parent.process.wait().unwrap();
}

const SUPERVISOR: &str = env!("CARGO_BIN_EXE_autoissue");

#[tokio::test]
async fn kill_minus_nine_leaves_nothing() {
    let (supervised, plain) = (token(), token());
    let parents = [parent(SUPERVISOR, &supervised), parent("-", &plain)];
    until_both_live(&supervised).await;
    until_both_live(&plain).await;
    parents.into_iter().for_each(kill_minus_nine);
    assert_eq!(left_after(&supervised, LONGEST_END).await, [0; 0]);
    // The control: without a supervisor both go on.
    let left = alive(&plain);
    assert_eq!(left.len(), 2);
    for pid in left {
        let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
    }
}

#[tokio::test]
async fn a_leftover_is_ended_with_all_that_descends_from_it() {
    let token = token();
    let parent = parent(SUPERVISOR, &token);
    until_both_live(&token).await;
    let supervisor = identity::identify(parent.child).unwrap();
    kill_minus_nine(parent);
    processes().end_leftover(&supervisor).await;
    assert_eq!(alive(&token), [0; 0]);
    assert!(!identity::is_running(&supervisor));
}

#[tokio::test]
async fn orphans_of_a_killed_supervisor_are_known_by_their_mark() {
    let token = token();
    let parent = parent(SUPERVISOR, &token);
    until_both_live(&token).await;
    let supervisor = identity::identify(parent.child).unwrap();
    assert!(
        Command::new("kill")
            .args(["-9", &parent.child.to_string()])
            .status()
            .unwrap()
            .success()
    );
    kill_minus_nine(parent);
    assert_eq!(alive(&token).len(), 2, "nobody is left to end them");
    processes().end_leftover(&supervisor).await;
    assert_eq!(alive(&token), [0; 0]);
}

#[tokio::test]
async fn a_run_whose_supervisor_is_killed_ends_as_lost_with_nothing_left() {
    let token = token();
    let watcher = Watcher::default();
    let (processes, stop) = (processes(), Stop::new());
    let spec = stubborn("session", &token);
    let mut ear = Ear::default();
    let kill = async {
        until_both_live(&token).await;
        let supervisor = watcher.supervisor().pid.to_string();
        assert!(
            Command::new("kill")
                .args(["-9", &supervisor])
                .status()
                .unwrap()
                .success()
        );
    };
    let (end, ()) = tokio::join!(processes.run(&spec, &mut ear, &watcher, &stop), kill);
    assert_eq!((end.cause, end.code), (Cause::Lost, None));
    assert_eq!(alive(&token), [0; 0]);
}

#[tokio::test]
async fn a_number_that_was_given_to_another_process_is_left_alone() {
    let mut bystander = Command::new("sleep").arg("600").spawn().unwrap();
    let now = identity::identify(bystander.id()).unwrap();
    let before = ProcessIdentity {
        started: now.started - 1,
        ..now.clone()
    };
    let rebooted = ProcessIdentity {
        boot: "another".to_owned(),
        ..now.clone()
    };
    for other in [before, rebooted] {
        processes().end_leftover(&other).await;
        assert!(bystander.try_wait().unwrap().is_none(), "{other:?}");
    }
    // The control: named rightly, it is ended.
    processes().end_leftover(&now).await;
    assert!(bystander.try_wait().unwrap().is_some());
}
