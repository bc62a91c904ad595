//! Commands that ask a running daemon: by its socket in the state directory, or at an address that is named.

use crate::rig::{Ran, Rig, wait_for};
use crate::serve::{Served, rig, supervised};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

const TOKEN: &str = "a token for this test";

/// One issue that waits for a person, in a session that nobody works on.
fn waiting() -> Rig {
    let rig = rig(&json!({ "routing": supervised() }));
    rig.issue(
        1,
        "A watched thing",
        "It should be so, and everybody can see that it is.",
    );
    let ran = rig.run(&["exec", "--issue", "1", "--format", "json"]);
    assert_eq!(ran.code, Some(5), "it waits for a person: {ran:?}");
    rig
}

/// Who said yes, and through what.
fn approval(rig: &Rig) -> Value {
    let resumed = rig.run(&["resume", "--format", "json"]);
    assert_eq!(resumed.count("completed"), 1, "{resumed:?}");
    let audit = rig.run(&["audit", "--json"]).stdout;
    let mut lines = audit
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found =
        lines.find(|line| line["what"] == "approved" || line.to_string().contains("approve"));
    found.unwrap_or_else(|| panic!("{audit}"))
}

/// From another state directory, with this token.
fn elsewhere(rig: &Rig, token: Option<&str>, args: &[&str]) -> Ran {
    let mut command = rig.autoissue(args);
    command.env("AUTOISSUE_STATE_DIR", rig.path("elsewhere"));
    command.envs(token.map(|token| ("AUTOISSUE_DASHBOARD_TOKEN", token)));
    command.output().unwrap().into()
}

#[tokio::test]
async fn a_daemon_that_runs_here_is_asked_and_says_the_same_words() {
    let rig = waiting();
    let asked: [&[&str]; 7] = [
        &["status"],
        &["status", "--issue", "1", "--format", "json"],
        &["status", "--issue", "9"],
        &["status", "nosuch"],
        &["approve", "9"],
        &["retry", "1", "--format", "json"],
        &["breaker", "status"],
    ];
    let all = || asked.map(|args| rig.run(args));
    let alone = all();
    let served = Served::serve(&rig, Some(TOKEN));
    let together = all();
    for (args, (alone, together)) in asked.iter().zip(alone.iter().zip(&together)) {
        assert_eq!(plain(alone), plain(together), "{args:?}");
    }
    let ran = rig.run(&["approve", "1"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("#1: session "), "{ran:?}");
    served.end();
    let said = approval(&rig).to_string();
    assert!(said.contains("the API"), "{said}");
}

/// Control: without one the command line itself stands in the record.
#[test]
fn without_a_daemon_a_wish_is_left_in_the_directory() {
    let rig = waiting();
    assert_eq!(rig.run(&["approve", "1"]).code, Some(0));
    let said = approval(&rig).to_string();
    assert!(said.contains("autoissue approve 1"), "{said}");
}

/// How long ago something was changes meanwhile.
fn plain(ran: &Ran) -> (Option<i32>, String) {
    let said = ran.said();
    let lines = said.lines().map(|line| match line.find(" ago") {
        Some(at) => line[..at].trim_end_matches(|char: char| char != ' '),
        None => line,
    });
    let lines: Vec<&str> = lines.map(str::trim_end).collect();
    (ran.code, lines.join("\n"))
}

#[tokio::test]
async fn a_daemon_elsewhere_is_asked_by_its_address() {
    let rig = waiting();
    let served = Served::serve(&rig, Some(TOKEN));
    let url = served.url.clone();
    let ask = |args: &[&str]| elsewhere(&rig, Some(TOKEN), &[args, &["--server", &url]].concat());
    let status = ask(&["status"]);
    assert_eq!(status.code, Some(0), "{status:?}");
    assert!(status.stdout.contains("waits for you"), "{status:?}");
    let one = ask(&["status", "--issue", "1", "--format", "json"]);
    assert_eq!(one.event("task_status")["issue"], 1, "{one:?}");
    let missing = ask(&["approve", "9"]);
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert!(missing.stderr.contains("no session has it"), "{missing:?}");
    let wrong = ask(&["status", "nosuch"]);
    assert_eq!(wrong.code, Some(2), "as without a server: {wrong:?}");
    let yes = ask(&["modify", "1", "keep", "the old flag"]);
    assert_eq!(yes.code, Some(0), "{yes:?}");
    let again = ask(&["reject", "1"]);
    assert!(
        again.stderr.contains("it was answered already: modify"),
        "{again:?}"
    );
    let breaker = ask(&["breaker", "reset", "--format", "json"]);
    assert_eq!(breaker.event("breakers_reset")["closed"], 0, "{breaker:?}");
    served.end();
    assert!(!rig.path("elsewhere").exists(), "nothing was touched there");
    let resumed = rig.run(&["resume", "--format", "json"]);
    assert_eq!(resumed.count("completed"), 1, "{resumed:?}");
    let told = std::fs::read_to_string(rig.path("told-1")).unwrap();
    assert!(told.contains("keep the old flag"), "{told}");
    let gone = ask(&["status"]);
    assert_eq!(gone.code, Some(1), "no other is asked: {gone:?}");
    assert!(gone.stderr.contains("it cannot be reached"), "{gone:?}");
}

#[tokio::test]
async fn whoever_has_not_the_token_is_told_what_helps() {
    let rig = waiting();
    let served = Served::serve(&rig, Some(TOKEN));
    let args = ["approve", "1", "--server", &served.url];
    for token in [None, Some("another")] {
        let ran = elsewhere(&rig, token, &args);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let words = "its token goes into AUTOISSUE_DASHBOARD_TOKEN";
        assert!(ran.stderr.contains(words), "{ran:?}");
    }
    // Control.
    assert_eq!(elsewhere(&rig, Some(TOKEN), &args).code, Some(0));
    served.end();
}

#[test]
fn an_address_that_cannot_be_meant_is_refused_and_no_secret_leaves() {
    let rig = rig(&json!({}));
    let refused = |address: &str, why: &str| {
        let ran = elsewhere(&rig, Some(TOKEN), &["status", "--server", address]);
        assert_eq!(ran.code, Some(2), "{address}: {ran:?}");
        assert!(ran.stderr.contains(why), "{address}: {ran:?}");
        assert!(
            !ran.stderr.contains("hunter2") && !ran.stderr.contains(TOKEN),
            "{ran:?}"
        );
    };
    refused("localhost:3030", "begins with http://");
    refused("build.example", "it cannot be asked");
    refused("http://build.example", "reads the credentials");
    refused("https://ann:hunter2@build.example", "a password is seen");
}

/// Somebody else's server: its words are not taken for an answer, and steer no terminal.
#[test]
fn a_server_that_is_none_of_ours_is_named() {
    let rig = rig(&json!({}));
    let answers = [
        ("text/html", "<h1>welcome</h1>"),
        ("text/plain", "fine\u{1b}]0;taken\u{7}\u{1b}[31m"),
    ];
    for (kind, body) in answers {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 4096];
            let read = stream.read(&mut asked).unwrap();
            let long = body.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {long}\r\nconnection: close\r\n\r\n"
            );
            stream.write_all((head + body).as_bytes()).unwrap();
            String::from_utf8_lossy(&asked[..read]).into_owned()
        });
        let ran = elsewhere(&rig, None, &["status", "--server", &url]);
        let asked = answering.join().unwrap();
        assert!(asked.starts_with("GET /api/status?"), "{asked}");
        assert!(!ran.said().contains('\u{1b}'), "{ran:?}");
        let is_told = ran.stderr.contains("is no daemon of autoissue");
        assert_eq!(
            (ran.code, is_told),
            if kind == "text/html" {
                (Some(1), true)
            } else {
                (Some(0), false)
            },
            "{ran:?}"
        );
    }
}

#[tokio::test]
async fn a_daemon_that_hangs_or_was_killed_holds_nobody_up() {
    let rig = waiting();
    let mut served = Served::serve(&rig, None);
    let pid = nix::unistd::Pid::from_raw(served.running.pid().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
    let ran = rig.run(&["status", "--issue", "1"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("does not answer"), "{ran:?}");
    served.running.kill();
    let socket = rig.path("state/locks/serve/socket");
    assert!(socket.exists(), "nobody took it away");
    wait_for(|| std::os::unix::net::UnixStream::connect(&socket).is_err());
    let ran = rig.run(&["approve", "1"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    let next = Served::serve(&rig, None);
    let ran = rig.run(&["status"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    next.end();
}

/// What was asked and not answered may be taken up yet: it is not left in the directory as well.
#[tokio::test]
async fn a_wish_that_a_slow_daemon_may_take_is_sent_once() {
    let rig = waiting();
    let served = Served::serve(&rig, None);
    let signal = |signal| {
        let pid = nix::unistd::Pid::from_raw(served.running.pid().cast_signed());
        nix::sys::signal::kill(pid, signal).unwrap();
    };
    signal(nix::sys::signal::Signal::SIGSTOP);
    let ran = rig.run(&["approve", "1"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("does not answer in time"), "{ran:?}");
    signal(nix::sys::signal::Signal::SIGCONT);
    wait_for(|| {
        rig.run(&["approve", "1"])
            .stderr
            .contains("it was answered already")
    });
    served.end();
    let said = approval(&rig).to_string();
    assert!(said.contains("the API"), "{said}");
    let audit = rig.run(&["audit"]).stdout;
    assert_eq!(audit.matches("approved").count(), 1, "{audit}");
}

#[tokio::test]
async fn a_run_elsewhere_is_watched_until_it_ends() {
    let rig = rig(&json!({}));
    rig.issue(1, "A thing", "Write `file-1.txt`.");
    let gate = rig.path("gate");
    std::fs::write(&gate, "").unwrap();
    let served = Served::serve(&rig, None);
    let run = crate::stage::Running::start(&rig, rig.autoissue(&["exec", "--issue", "1"]));
    wait_for(|| rig.path("told-1").exists());
    let mut command = rig.autoissue(&[
        "status",
        "--watch",
        "--format",
        "json",
        "--server",
        &served.url,
    ]);
    command.env("AUTOISSUE_STATE_DIR", rig.path("elsewhere"));
    let watching = crate::stage::Running::start(&rig, command);
    wait_for(|| watching.said().contains("session_status"));
    std::fs::remove_file(&gate).unwrap();
    assert_eq!(run.end().code, Some(0));
    let ran = watching.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let last = ran.last_json();
    assert_eq!(last["event"], "session_status", "{ran:?}");
    assert_eq!(last["counts"]["completed"], 1, "{ran:?}");
    served.end();
}
