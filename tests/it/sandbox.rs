//! What a program in the sandbox can reach of the machine around it: nothing that is not on a list.

use crate::boxes::{Outside, landlock, sandbox};
use crate::processes::{Ear, Watcher, processes, spec, support};
use autoissue::adapters::process::run::Processes;
use autoissue::adapters::process::spec::{Cause, ProcessSpec};
use autoissue::adapters::sandbox::shape::{Ceilings, Network, Reach, Sandbox};
use autoissue::ports::Stop;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What each try of `escape.py` came to: what it got, or nothing.
type Tries = BTreeMap<String, Option<String>>;

async fn tries(processes: &Processes, outside: &Outside, careful: bool) -> Tries {
    let targets = outside.targets(careful).to_string();
    let spec = ProcessSpec {
        directory: outside.worktree(),
        reach: Some(Reach::default()),
        ..spec(&["python3", &support("escape.py"), &targets])
    };
    let mut ear = Ear::default();
    let end = processes
        .run(&spec, &mut ear, &Watcher::default(), &Stop::new())
        .await;
    let complaints = String::from_utf8_lossy(&end.complaints).into_owned();
    assert_eq!(
        (end.cause, end.code),
        (Cause::Itself, Some(0)),
        "{complaints}"
    );
    serde_json::from_str(ear.lines.last().unwrap()).unwrap()
}

fn escaped(tries: &Tries) -> Vec<&str> {
    let all = tries.iter();
    all.filter_map(|(name, got)| got.as_ref().map(|_| name.as_str()))
        .collect()
}

#[tokio::test]
async fn no_try_to_escape_succeeds() {
    let exposed = Outside::new();
    let control = tries(&processes(), &exposed, true).await;
    let without = escaped(&control).len() + exposed.changed().len();
    assert!(
        without >= 30,
        "{without} of the tries succeed without: {control:#?}"
    );
    let outside = Outside::new();
    for sandbox in [sandbox(&outside), landlock(&outside)] {
        let kind = sandbox.isolation.word();
        let contained = processes().contained(Arc::new(sandbox));
        let found = tries(&contained, &outside, false).await;
        assert!(found.len() >= 60, "{} tries", found.len());
        assert_eq!(escaped(&found), [""; 0], "{kind}: {found:#?}");
    }
    assert_eq!(outside.changed(), [""; 0]);
}

/// Runs a small shell program in the sandbox, and returns its exit code and its lines.
async fn run(
    sandbox: &Sandbox,
    outside: &Outside,
    reach: Reach,
    script: &str,
) -> (Option<i32>, Vec<String>) {
    let contained = processes().contained(Arc::new(sandbox.clone()));
    let spec = ProcessSpec {
        directory: outside.worktree(),
        reach: Some(reach),
        ..spec(&["sh", "-c", script])
    };
    let mut ear = Ear::default();
    let end = contained
        .run(&spec, &mut ear, &Watcher::default(), &Stop::new())
        .await;
    ear.lines
        .push(String::from_utf8_lossy(&end.complaints).into_owned());
    (end.code, ear.lines)
}

#[tokio::test]
async fn what_a_program_needs_is_there() {
    let outside = Outside::new();
    let script = "set -e
        echo work > file && cat file
        echo home > ~/own && cat ~/own
        echo temporary > $TMPDIR/own && cat $TMPDIR/own
        test -r $0 || test -x /bin/sh
        git init -q repo && cd repo && git -c user.name=a -c user.email=a@b.c commit -q --allow-empty -m x
        git rev-list --count HEAD
        head -c 3 /dev/zero | wc -c
        python3 -c 'import os, tempfile; print(tempfile.gettempdir() == os.environ[\"TMPDIR\"])'";
    for sandbox in [sandbox(&outside), landlock(&outside)] {
        let (code, lines) = run(&sandbox, &outside, Reach::default(), script).await;
        let said = lines.join(" ");
        assert_eq!(code, Some(0), "{lines:?}");
        assert!(said.starts_with("work home temporary 1 3 True"), "{said}");
        assert!(outside.worktree().join("file").exists());
        std::fs::remove_dir_all(outside.worktree().join("repo")).unwrap();
    }
}

#[tokio::test]
async fn a_port_of_this_machine_is_reached_where_it_is_on_the_list() {
    let outside = Outside::new();
    let port = outside.tcp();
    let script = format!(
        "python3 -c 'import socket; print(socket.create_connection((\"127.0.0.1\", {port})).recv(9).decode())'"
    );
    for sandbox in [sandbox(&outside), landlock(&outside)] {
        let reach = Reach {
            hosts: vec![
                format!("localhost:{port}").parse().unwrap(),
                format!("127.0.0.1:{port}").parse().unwrap(),
            ],
            ..Reach::default()
        };
        let (code, lines) = run(&sandbox, &outside, reach, &script).await;
        assert_eq!((code, &*lines[0]), (Some(0), "welcome"), "{lines:?}");
        let (code, _) = run(&sandbox, &outside, Reach::default(), &script).await;
        assert_eq!(code, Some(1));
    }
}

#[tokio::test]
async fn hosts_that_were_refused_are_told() {
    let outside = Outside::new();
    let contained = processes().contained(Arc::new(sandbox(&outside)));
    let ask = "import os, urllib.request as u\ntry: u.urlopen('https://telemetry.example.com/x')\nexcept Exception as e: print(e)";
    let spec = ProcessSpec {
        directory: outside.worktree(),
        reach: Some(Reach::default()),
        ..spec(&["python3", "-c", ask])
    };
    let mut ear = Ear::default();
    let end = contained
        .run(&spec, &mut ear, &Watcher::default(), &Stop::new())
        .await;
    assert!(ear.lines[0].contains("403"), "{:?}", ear.lines);
    let expect = ("telemetry.example.com:443".to_owned(), 1);
    assert_eq!(end.refused.into_iter().collect::<Vec<_>>(), [expect]);
}

#[tokio::test]
async fn memory_and_processes_have_ceilings() {
    let outside = Outside::new();
    let check = async |ceilings: Ceilings, script: &str, expect: &str| {
        let bounded = Sandbox {
            ceilings,
            ..sandbox(&outside)
        };
        let (code, lines) = run(&bounded, &outside, Reach::default(), script).await;
        assert_eq!(code, Some(137), "{lines:?}");
        assert!(lines.join(" ").contains(expect), "{lines:?}");
        // The control: without the ceiling it ends by itself.
        let (code, lines) = run(&sandbox(&outside), &outside, Reach::default(), script).await;
        assert_eq!(code, Some(0), "{lines:?}");
    };
    let memory = Ceilings {
        memory: 64 << 20,
        processes: 0,
    };
    let hungry = "python3 -c 'import time; x = bytearray(200 << 20); time.sleep(2)'";
    check(memory, hungry, "sandbox.memoryMb allows 64").await;
    let processes = Ceilings {
        memory: 0,
        processes: 30,
    };
    let many = "for n in $(seq 60); do sleep 2 & done; wait";
    check(processes, many, "sandbox.processes allows 30").await;
}

#[tokio::test]
async fn an_open_network_is_open_and_nothing_else_is() {
    let outside = Outside::new();
    let open = Sandbox {
        network: Network::Open,
        ..sandbox(&outside)
    };
    let found = tries(&processes().contained(Arc::new(open)), &outside, false).await;
    let expect = [
        "connect_to_a_server",
        "connect_to_an_abstract_socket",
        "send_a_datagram",
    ];
    let reached: Vec<&str> = escaped(&found);
    for name in ["connect_to_a_server", "send_a_datagram"] {
        assert!(reached.contains(&name), "{found:#?}");
    }
    let more: Vec<_> = reached
        .iter()
        .filter(|name| !expect.contains(name) && !["connect_by_another_address"].contains(name))
        .collect();
    assert!(more.is_empty(), "{more:?}");
    assert_eq!(outside.changed(), [""; 0]);
}

#[tokio::test]
async fn nothing_runs_in_the_sandbox_elsewhere_than_in_a_worktree() {
    let outside = Outside::new();
    let contained = processes().contained(Arc::new(sandbox(&outside)));
    let spec = ProcessSpec {
        wall: Duration::from_secs(5),
        reach: Some(Reach::default()),
        ..spec(&["true"])
    };
    let end = contained
        .run(
            &spec,
            &mut Ear::default(),
            &Watcher::default(),
            &Stop::new(),
        )
        .await;
    let Cause::NotStarted { detail, .. } = end.cause else {
        panic!("{end:?}");
    };
    assert!(detail.contains("/ is no worktree"), "{detail}");
}
