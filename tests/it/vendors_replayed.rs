//! What we make of the output of Codex, Gemini CLI and opencode: recorded runs, strange runs, and bytes of any kind.

use crate::agents::{CAP, class, order, run};
use crate::processes::{processes, support};
use autoissue::adapters::agents::claude_bill::Past;
use autoissue::adapters::agents::claude_stream::ClaudeStream;
use autoissue::adapters::agents::codex_command::CodexSettings;
use autoissue::adapters::agents::codex_stream::CodexStream;
use autoissue::adapters::agents::gemini_command::GeminiSettings;
use autoissue::adapters::agents::gemini_stream::GeminiStream;
use autoissue::adapters::agents::native::{Native, Stream};
use autoissue::adapters::agents::opencode_command::OpencodeSettings;
use autoissue::adapters::agents::opencode_stream::OpencodeStream;
use autoissue::adapters::agents::run_record::RunRecord;
use autoissue::adapters::agents::token_bill::Ended;
use autoissue::ports::{Agent, AgentEnd, AgentOrder, AgentReport, Conversation};
use autoissue::rules::ids::ConversationId;
use autoissue::rules::money::{Basis, Usd};
use autoissue::rules::prices::Prices;
use autoissue::rules::task::ErrorClass;
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/captures/{name}.jsonl"))
}

/// The agent of this kind, played by a file of its output; whatever it kept of its conversations is not there.
fn played(kind: &str, output: &Path, end: &str, place: &Path) -> Arc<dyn Agent> {
    let mut env = vec![
        ("REPLAY".to_owned(), output.to_string_lossy().into_owned()),
        ("REPLAY_END".to_owned(), end.to_owned()),
        ("HOME".to_owned(), place.to_string_lossy().into_owned()),
        (
            "CODEX_HOME".to_owned(),
            place.to_string_lossy().into_owned(),
        ),
    ];
    let complaints = output.with_extension("stderr");
    if complaints.exists() {
        env.push((
            "REPLAY_STDERR".to_owned(),
            complaints.to_string_lossy().into_owned(),
        ));
    }
    let program: PathBuf = support("replay.py").into();
    match kind {
        "codex" => Arc::new(Native::new(
            CodexSettings {
                program,
                env,
                ..CodexSettings::default()
            },
            processes(),
        )),
        "gemini" => Arc::new(Native::new(
            GeminiSettings {
                program,
                env,
                ..GeminiSettings::default()
            },
            processes(),
        )),
        _ => Arc::new(Native::new(
            OpencodeSettings {
                program,
                env,
                ..OpencodeSettings::default()
            },
            processes(),
        )),
    }
}

async fn replay(name: &str, end: &str) -> AgentReport {
    let place = tempfile::tempdir().unwrap();
    let (kind, rest) = name.split_once('-').unwrap();
    let is_resumed = rest == "resume" && kind == "codex";
    let id = ConversationId::new("c");
    let order = AgentOrder {
        conversation: if is_resumed {
            Conversation::Resumed(id)
        } else {
            Conversation::New(id)
        },
        model: (kind == "codex").then(|| "gpt-5.5".to_owned()),
        ..order(place.path(), "go")
    };
    run(&*played(kind, &capture(name), end, place.path()), &order).await
}

#[tokio::test]
async fn every_recorded_run_is_understood() {
    use ErrorClass as E;
    let runs: [(&str, &str, Option<E>, Option<u64>); 25] = [
        ("codex-bashfail", "0", None, Some(13_000)),
        ("codex-fault-e401", "1", Some(E::Auth), Some(0)),
        ("codex-fault-e429", "1", Some(E::RateLimit), Some(0)),
        ("codex-fault-refused", "137", Some(E::Network), Some(0)),
        ("codex-fault-truncate", "1", Some(E::Network), Some(0)),
        ("codex-fault-usagelimit", "1", Some(E::UsageLimit), Some(0)),
        ("codex-happy", "0", None, Some(60_670)),
        ("codex-nokey", "1", Some(E::Auth), Some(0)),
        ("codex-patch55", "0", None, Some(13_000)),
        // What it had used before is not known here.
        ("codex-resume", "0", None, None),
        ("codex-sandbox-default", "0", None, Some(60_670)),
        ("codex-schema", "0", None, Some(6_500)),
        ("codex-sigterm-sleep", "143", Some(E::Crash), None),
        ("gemini-e503", "247", Some(E::Overloaded), Some(16)),
        ("gemini-hang-term", "0", Some(E::Crash), Some(0)),
        ("gemini-happy", "0", None, Some(8_566)),
        ("gemini-nokey", "41", Some(E::Auth), Some(0)),
        ("gemini-resume", "0", None, Some(1_141)),
        ("gemini-truncate", "1", Some(E::Network), Some(16)),
        ("opencode-ask", "0", Some(E::PermissionDenied), None),
        ("opencode-e400", "1", Some(E::Validation), Some(0)),
        ("opencode-e429", "1", Some(E::RateLimit), Some(0)),
        ("opencode-happy", "0", None, Some(11_150)),
        ("opencode-resume", "0", None, Some(11_150)),
        ("opencode-text", "0", None, Some(1_500)),
    ];
    for (name, end, expect, micros) in runs {
        let report = replay(name, end).await;
        assert_eq!(class(&report), expect, "{name}: {:?}", report.end);
        let (cost, basis) = (report.charge.cost, report.charge.basis);
        match micros {
            Some(micros) => assert_eq!(cost, Usd::from_micros(micros), "{name}"),
            None => assert_eq!((cost, basis), (CAP, Basis::Assumed), "{name}"),
        }
        if name != "gemini-nokey" {
            assert!(report.conversation.is_some(), "{name}");
        }
    }
}

#[tokio::test]
async fn a_good_end_is_no_success_without_the_exit_code() {
    for name in ["codex-happy", "gemini-happy", "opencode-happy"] {
        let report = replay(name, "3").await;
        assert_eq!(class(&report), Some(ErrorClass::Crash), "{name}");
        assert!(
            report.charge.cost > Usd::ZERO,
            "{name}: and is paid for all the same"
        );
        // The control: nothing else is wrong with it.
        let report = replay(name, "0").await;
        assert_eq!(report.end, AgentEnd::Done, "{name}");
        let summary = "Done: added hello.txt and committed it.";
        assert_eq!(report.summary, summary, "{name}");
    }
}

#[tokio::test]
async fn an_exit_code_of_0_is_no_success_without_a_good_end() {
    let place = tempfile::tempdir().unwrap();
    for name in ["codex-happy", "gemini-happy", "opencode-happy"] {
        let whole = std::fs::read_to_string(capture(name)).unwrap();
        let lines: Vec<&str> = whole.lines().collect();
        let output = place.path().join(name);
        std::fs::write(&output, lines[..lines.len() - 1].join("\n")).unwrap();
        let kind = name.split('-').next().unwrap();
        let agent = played(kind, &output, "0", place.path());
        let report = run(&*agent, &order(place.path(), "go")).await;
        assert_eq!(class(&report), Some(ErrorClass::Crash), "{name}");
    }
}

#[tokio::test]
async fn waiting_for_the_network_counts_as_life_only_so_often() {
    let line = r#"{"type":"error","message":"Reconnecting... waiting for network (refused)"}"#;
    let place = tempfile::tempdir().unwrap();
    let code =
        format!("import time\nwhile True: print('''{line}''', flush=True); time.sleep(0.02)");
    let program = place.path().join("waits");
    std::fs::write(&program, format!("#!/usr/bin/env python3\n{code}\n")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, mode).unwrap();
    let settings = CodexSettings {
        program,
        ..CodexSettings::default()
    };
    let order = AgentOrder {
        idle: Duration::from_millis(700),
        ..order(place.path(), "go")
    };
    let report = run(&Native::new(settings, processes()), &order).await;
    assert_eq!(class(&report), Some(ErrorClass::Stalled));
}

/// Hears these lines with every parser, and asks all that is asked of one.
fn hear_all(lines: &[&[u8]]) {
    for vendor in VENDORS {
        hear_as(vendor, lines);
    }
}

/// Whose output is read, as its recordings are called.
pub(crate) const VENDORS: [&str; 4] = ["claude", "codex", "gemini", "opencode"];

/// Hears these lines with the parser of this vendor.
pub(crate) fn hear_as(vendor: &str, lines: &[&[u8]]) {
    let record = RunRecord {
        resumed: false,
        cap: CAP,
        directory: "/w".into(),
        model: Some("gpt-5.5".to_owned()),
        recorded: 0,
        before: None,
    };
    let nowhere = PathBuf::from("/nonexistent");
    let prices = Prices::default;
    match vendor {
        "claude" => hear(
            ClaudeStream::new(Path::new("/w"), Past::None, prices()),
            lines,
        ),
        "codex" => hear(CodexStream::new(&record, nowhere, prices()), lines),
        "gemini" => hear(GeminiStream::new(&record, nowhere, prices()), lines),
        _ => hear(OpencodeStream::new(&record, prices()), lines),
    }
}

fn hear(mut stream: impl Stream, lines: &[&[u8]]) {
    let mut before = Usd::ZERO;
    for line in lines {
        stream.line(line);
        let now = stream.spent().cost;
        assert!(now >= before, "no line lowers what was spent");
        before = now;
    }
    stream.close();
    stream.activity();
    let (verdict, failure) = (
        stream.verdict(Some(0)),
        stream.without_verdict(lines[0], None),
    );
    assert!(!failure.message.is_empty(), "{verdict:?}");
    let charge = stream.charge(CAP, Ended::CutOff);
    let report = stream.report(AgentEnd::Stopped, charge);
    assert!(report.answer.len() <= 1 << 20 && report.denied.len() <= 20);
}

/// Lines as they were recorded of this vendor; of all of them for "".
pub(crate) fn recorded(vendor: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let files = std::fs::read_dir(folder).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let files = files.filter(|path| {
        path.file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with(vendor)
    });
    let texts = files.map(|path| std::fs::read(path).unwrap());
    let lines = texts.flat_map(|text| {
        let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
        lines.collect::<Vec<_>>()
    });
    let mut lines: Vec<Vec<u8>> = lines.filter(|line| !line.is_empty()).collect();
    lines.sort();
    lines.dedup();
    lines
}

/// A recorded line with a few bytes changed, taken out or put in, or a value of another kind in place of one of its own.
pub(crate) fn mutated(line: &[u8], at: usize, with: &[u8], how: u8) -> Vec<u8> {
    let at = at % (line.len() + 1);
    let end = (at + with.len()).min(line.len());
    match how % 4 {
        0 => [&line[..at], with, &line[end..]].concat(),
        1 => [&line[..at], with, &line[at..]].concat(),
        2 => line[..at].to_vec(),
        _ => {
            let text = String::from_utf8_lossy(line).into_owned();
            let values = [
                "null",
                "-1",
                "1e308",
                "[]",
                "{}",
                "\"x\"",
                "18446744073709551615",
            ];
            let value = values[with.first().copied().unwrap_or(0) as usize % values.len()];
            let before = String::from_utf8_lossy(&line[..at]).len().min(text.len());
            match text.get(..before).unwrap_or_default().rfind("\":") {
                None => text.into_bytes(),
                Some(colon) => {
                    let rest = &text[colon + 2..];
                    let end = rest.find([',', '}']).unwrap_or(rest.len());
                    format!("{}{value}{}", &text[..colon + 2], &rest[end..]).into_bytes()
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_break_a_parser(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..20)) {
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        hear_all(&lines);
    }

    #[test]
    fn no_change_of_what_was_recorded_breaks_a_parser(
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<usize>(), prop::collection::vec(any::<u8>(), 0..8), any::<u8>()), 1..20)
    ) {
        thread_local! { static RECORDED: Vec<Vec<u8>> = recorded(""); }
        RECORDED.with(|recorded| {
            let lines: Vec<Vec<u8>> = picks
                .iter()
                .map(|(pick, at, with, how)| mutated(&recorded[pick.index(recorded.len())], *at, with, *how))
                .collect();
            let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
            hear_all(&lines);
        });
    }
}
