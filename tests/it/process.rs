//! Running programs: what goes in, what comes out, what they may see.

use crate::processes::{Ear, Watcher, processes, python, spec};
use autoissue::adapters::process::commands::CommandRunner;
use autoissue::adapters::process::lines::Line;
use autoissue::adapters::process::spec::{Cause, Heard, LineSink, ProcessEnd, ProcessSpec};
use autoissue::adapters::process::transcript::Keep;
use autoissue::ports::{CommandEnd, CommandOrder, CommandReport, Commands, Probe, Stop};
use std::time::Duration;

async fn run(spec: &ProcessSpec) -> (ProcessEnd, Vec<String>) {
    let mut ear = Ear::default();
    let end = processes()
        .run(spec, &mut ear, &Watcher::default(), &Stop::new())
        .await;
    (end, ear.lines)
}

async fn command(argv: &[&str]) -> CommandReport {
    let order = CommandOrder {
        argv: argv.iter().map(ToString::to_string).collect(),
        directory: "/".into(),
        wall: Duration::from_secs(60),
        env: vec![
            ("GH_TOKEN".to_owned(), "canary".to_owned()),
            ("OF_THE_ORDER".to_owned(), "1".to_owned()),
        ],
        probe: None,
    };
    CommandRunner::new(processes())
        .run(&order, &Watcher::default(), &Stop::new())
        .await
}

#[tokio::test]
async fn a_command_ends_with_its_code_and_both_its_outputs_in_order() {
    let code = "import sys; print('a', flush=True); print('b', file=sys.stderr, flush=True); print('c'); sys.exit(7)";
    let report = command(&["python3", "-c", code]).await;
    assert_eq!(
        (report.end, report.output.as_str()),
        (CommandEnd::Exited(7), "a\nb\nc")
    );
}

/// A server in Python after this preamble, as a smoke check.
async fn served(preamble: &str, port: u16, seconds: u64, stop: &Stop) -> CommandReport {
    let code = format!(
        "import http.server as h, signal, time\n{preamble}\nprint('up', flush=True)\n\
         h.test(HandlerClass=h.SimpleHTTPRequestHandler, port={port}, bind='127.0.0.1')"
    );
    let order = CommandOrder {
        argv: ["python3", "-c", &code].map(str::to_owned).to_vec(),
        directory: "/proc/self".into(),
        wall: Duration::from_secs(60),
        env: Vec::new(),
        probe: Some(Probe {
            url: format!("http://127.0.0.1:{port}/no-such-page"),
            within: Duration::from_secs(seconds),
        }),
    };
    let runner = CommandRunner::new(processes());
    runner.run(&order, &Watcher::default(), stop).await
}

#[tokio::test]
async fn a_server_that_answers_is_stopped_and_has_passed() {
    let report = served("", 21_690, 30, &Stop::new()).await;
    assert_eq!(report.end, CommandEnd::Exited(0), "{report:?}");
    assert!(report.output.starts_with("up\n"), "{report:?}");
    assert!(
        report.output.contains("\nanswered 404 after "),
        "{report:?}"
    );
    assert!(report.output.ends_with(" ms, and stopped"), "{report:?}");
}

#[tokio::test]
async fn a_server_that_does_not_listen_or_does_not_stop_has_failed() {
    let stop = Stop::new();
    let (slow, deaf) = tokio::join!(
        served("time.sleep(60)", 21_691, 1, &stop),
        served(
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
            21_692,
            30,
            &stop
        ),
    );
    assert_eq!(slow.end, CommandEnd::Exited(1), "{slow:?}");
    assert!(
        slow.output.contains("within 1 s: nobody listens there"),
        "{slow:?}"
    );
    assert_eq!(deaf.end, CommandEnd::Exited(1), "{deaf:?}");
    assert!(
        deaf.output
            .contains("it answered, and did not stop within 10 s"),
        "{deaf:?}"
    );

    // Whoever stops the session has not judged it.
    stop.ask();
    let report = served("", 21_693, 30, &stop).await;
    assert_eq!(report.end, CommandEnd::Stopped);
}

#[tokio::test]
async fn what_never_ran_is_told_apart_from_what_failed() {
    assert_eq!(
        command(&["python3", "-c", "exit(127)"]).await.end,
        CommandEnd::Exited(127)
    );
    let missing = command(&["no-such-program-anywhere"]).await;
    assert_eq!(missing.end, CommandEnd::NotStarted);
    assert!(
        missing.output.contains("No such file"),
        "{}",
        missing.output
    );
    let (end, _) = run(&ProcessSpec {
        directory: "/no/such/place".into(),
        ..spec(&["true"])
    })
    .await;
    let Cause::NotStarted {
        missing: false,
        detail,
    } = end.cause
    else {
        panic!("{end:?}")
    };
    assert_eq!(detail, "/no/such/place is no directory");
    assert_eq!(
        command(&["python3", "-c", "import os; os.kill(os.getpid(), 9)"])
            .await
            .end,
        CommandEnd::Exited(137)
    );
}

#[tokio::test]
async fn nothing_runs_that_was_not_journaled() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("it-ran");
    let spec = spec(&["touch", file.to_str().unwrap()]);
    let refusing = Watcher {
        refuses: true,
        ..Watcher::default()
    };
    let processes = processes();
    let end = processes
        .run(&spec, &mut Ear::default(), &refusing, &Stop::new())
        .await;
    assert_eq!((end.cause, end.code), (Cause::Refused, None));
    assert!(!file.exists());
    assert_eq!(processes.live(), []);
    // The control: the same, and nobody refuses.
    let (end, _) = run(&spec).await;
    assert_eq!((end.cause, end.code), (Cause::Itself, Some(0)));
    assert!(file.exists());
}

#[tokio::test]
async fn nothing_of_our_environment_leaks() {
    let canary = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it for tests");
    let look = "import os; \
        show = lambda pid: print(*sorted(v.split('=')[0] for v in open(f'/proc/{pid}/environ').read().split('\\0') if v)); \
        show(os.getpid()); show(os.getppid()); print(open(f'/proc/{os.getppid()}/cmdline').read())";
    let report = command(&["python3", "-c", look]).await;
    let lines: Vec<&str> = report.output.lines().collect();
    assert!(
        lines[0].contains("PATH")
            && lines[0].contains("OF_THE_ORDER")
            && lines[0].contains("AUTOISSUE_EXEC")
    );
    for never in [
        "GH_TOKEN",
        "GITHUB_TOKEN",
        "CARGO_MANIFEST_DIR",
        "CARGO_PKG_NAME",
    ] {
        assert!(
            !lines[0].split(' ').any(|name| name == never),
            "{never} in {}",
            lines[0]
        );
    }
    assert_eq!(lines[1], "", "the supervisor's environment");
    assert!(!report.output.contains(&canary) || env!("CARGO_BIN_EXE_autoissue").contains(&canary));
    assert!(!report.output.contains("canary"));
}

#[tokio::test]
async fn input_arrives_whole_and_need_not_be_read() {
    let count = "import sys; print(len(sys.stdin.buffer.read()))";
    let (_, lines) = run(&ProcessSpec {
        input: vec![b'x'; 3 << 20],
        ..python(count)
    })
    .await;
    assert_eq!(lines, ["3145728"]);
    let (end, _) = run(&ProcessSpec {
        input: vec![b'x'; 3 << 20],
        ..spec(&["true"])
    })
    .await;
    assert_eq!(end.code, Some(0));
    let (_, lines) = run(&python(count)).await;
    assert_eq!(lines, ["0"], "no input is an empty one, not an open one");
}

#[tokio::test]
async fn bytes_that_are_no_text_pass() {
    let code =
        r"import os; os.write(1, b'a\xff\xfeb\n\x1b[31mred\x00'); os.write(2, b'\xff' * 100000)";
    let (end, lines) = run(&python(code)).await;
    assert_eq!(lines, ["a\u{fffd}\u{fffd}b", "\u{1b}[31mred\0"]);
    assert_eq!(end.complaints.len(), 64 << 10);
    let report = command(&["python3", "-c", code]).await;
    assert!(!report.output.contains('\u{1b}') && report.output.len() < 64 << 10);
}

/// Hears a monster without keeping it.
#[derive(Default)]
struct Measure {
    lines: u64,
    heard: u64,
    cut: u64,
}

impl LineSink for Measure {
    fn line(&mut self, line: Line<'_>) -> Heard {
        self.lines += 1;
        self.heard += line.text.len() as u64;
        self.cut += line.cut;
        Heard::Life
    }
}

fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_ascii_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        << 10
}

#[tokio::test]
async fn a_gigabyte_on_one_line_stays_in_bounds() {
    let before = peak_memory();
    let code = "import os\nblock = b'x' * (1 << 20)\nfor _ in range(1024):\n  left = block\n  while left: left = left[os.write(1, left):]";
    let mut measure = Measure::default();
    let end = processes()
        .run(
            &python(code),
            &mut measure,
            &Watcher::default(),
            &Stop::new(),
        )
        .await;
    assert_eq!((end.cause, end.code), (Cause::Itself, Some(0)));
    assert_eq!((measure.lines, measure.heard), (1, 16 << 20));
    assert_eq!(measure.heard + measure.cut, 1 << 30);
    let grown = peak_memory() - before;
    assert!(grown < 200 << 20, "grew by {} MiB", grown >> 20);
}

#[tokio::test]
async fn a_transcript_keeps_every_run_behind_its_header() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("deep/run.jsonl");
    let keep = |header: &str| {
        Some(Keep {
            path: path.clone(),
            header: header.to_owned(),
        })
    };
    run(&ProcessSpec {
        keep: keep("{1}"),
        ..python("import os; os.write(1, b'one\\ntw\\xff')")
    })
    .await;
    run(&ProcessSpec {
        keep: keep("{2}"),
        ..python("print('three')")
    })
    .await;
    assert_eq!(
        std::fs::read(&path).unwrap(),
        b"{1}\none\ntw\xff\n{2}\nthree\n"
    );
}
