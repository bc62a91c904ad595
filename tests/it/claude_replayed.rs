//! What we make of Claude Code's output: recorded runs, and runs that went strangely.

use crate::agents::{CAP, class, order, replayed, run};
use crate::processes::Watcher;
use autoissue::ports::{Agent, AgentEnd, AgentOrder, AgentReport, Conversation, Stop};
use autoissue::rules::ids::{ConversationId, Timestamp};
use autoissue::rules::money::{Basis, Usd};
use autoissue::rules::task::ErrorClass;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/captures/claude-{name}.jsonl"))
}

async fn replay(name: &str, end: &str, past: Conversation) -> AgentReport {
    let place = tempfile::tempdir().unwrap();
    let order = AgentOrder {
        conversation: past,
        ..order(place.path(), "go")
    };
    run(&replayed(&capture(name), end), &order).await
}

fn new() -> Conversation {
    Conversation::New(ConversationId::new("c"))
}

#[tokio::test]
async fn every_recorded_run_is_understood() {
    use ErrorClass as E;
    let runs: [(&str, &str, Option<E>, u64); 21] = [
        ("bare", "0", None, 6_000),
        ("budget", "1", Some(E::Budget), 300_000),
        ("deny", "0", None, 111_700),
        ("fault-e401", "1", Some(E::Auth), 0),
        ("fault-e429", "1", Some(E::RateLimit), 0),
        ("fault-e429ra", "1", Some(E::RateLimit), 0),
        ("fault-e500", "1", Some(E::Overloaded), 0),
        ("fault-eprompt", "1", Some(E::ContextTooLong), 0),
        ("fault-refused", "1", Some(E::Network), 0),
        ("happy", "0", None, 111_700),
        ("maxturns", "1", Some(E::TurnLimit), 300_000),
        ("oauth-e429ra", "1", Some(E::UsageLimit), 0),
        ("partial", "0", None, 6_000),
        ("resume-bad", "1", Some(E::ConversationLost), 0),
        ("resume1", "0", None, 6_000),
        ("resume2", "0", None, 111_700),
        ("schema-ok", "0", None, 5_000),
        ("schema-retry", "0", None, 10_000),
        ("sigint-sleep", "0", Some(E::Crash), 5_000),
        ("sigterm-sleep", "143", Some(E::Crash), 164_020),
        ("streamin", "0", None, 117_700),
    ];
    for (name, end, expect, micros) in runs {
        let past = if name.starts_with("resume-") || name == "resume2" {
            Conversation::Resumed(ConversationId::new("c"))
        } else {
            new()
        };
        let report = replay(name, end, past).await;
        assert_eq!(class(&report), expect, "{name}: {:?}", report.end);
        assert_eq!(report.charge.cost, Usd::from_micros(micros), "{name}");
        let basis = if name == "sigterm-sleep" {
            Basis::Table
        } else {
            Basis::Reported
        };
        assert_eq!(report.charge.basis, basis, "{name}");
        assert_eq!(report.denied.len(), usize::from(name == "deny"), "{name}");
        assert_eq!(
            report.conversation.map_or(0, |id| id.as_str().len()),
            36,
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_happy_run_brings_back_everything() {
    let report = replay("happy", "0", new()).await;
    assert_eq!(report.end, AgentEnd::Done);
    assert_eq!(report.summary, "Done: added hello.txt and committed it.");
    assert_eq!(report.model.as_deref(), Some("claude-opus-5-5"));
    assert_eq!((report.messages, report.charge.usage.total()), (5, 62_000));
    let denied = replay("deny", "0", new()).await.denied;
    assert!(
        denied[0].starts_with("Bash git add hello.txt && git commit"),
        "{denied:?}"
    );
}

#[tokio::test]
async fn a_used_up_window_says_when_it_opens_again() {
    let report = replay("oauth-e429ra", "1", new()).await;
    let AgentEnd::Failed(failure) = report.end else {
        panic!("{report:?}")
    };
    assert_eq!(failure.until, Some(Timestamp(1_795_200_000_000)));
    assert_eq!(
        failure.message,
        "You've hit your 5-hour limit · resets 6:40pm (UTC)"
    );
}

#[tokio::test]
async fn a_result_is_no_success_without_the_exit_code() {
    let report = replay("happy", "3", new()).await;
    assert_eq!(class(&report), Some(ErrorClass::Crash));
    assert_eq!(
        report.charge.cost,
        Usd::from_micros(111_700),
        "and is paid for all the same"
    );
    // The control: nothing else is wrong with it.
    assert_eq!(class(&replay("happy", "0", new()).await), None);
}

/// Replays these lines, and then ends as told.
async fn replay_text(text: &[u8], end: &str) -> AgentReport {
    let place = tempfile::tempdir().unwrap();
    let output = place.path().join("output");
    std::fs::write(&output, text).unwrap();
    let order = AgentOrder {
        idle: Duration::from_secs(2),
        ..order(place.path(), "go")
    };
    run(&replayed(&output, end), &order).await
}

fn happy() -> String {
    std::fs::read_to_string(capture("happy")).unwrap()
}

#[tokio::test]
async fn nonsense_never_lowers_the_bill() {
    let result = happy().lines().last().unwrap().to_owned();
    let cost = "\"costUSD\":0.1117";
    assert!(result.contains(cost));
    for nonsense in ["-1", "1e308", "\"0\"", "null", "NaN", "[]"] {
        let line = result.replace(cost, &format!("\"costUSD\":{nonsense}"));
        let report = replay_text(line.as_bytes(), "0").await;
        assert_eq!(
            (report.charge.cost, report.charge.basis),
            (CAP, Basis::Assumed),
            "{nonsense}"
        );
        // Where the responses were seen, they are what is charged.
        let report = replay_text(
            happy()
                .replace(cost, &format!("\"costUSD\":{nonsense}"))
                .as_bytes(),
            "0",
        )
        .await;
        assert_eq!(report.charge.basis, Basis::Table, "{nonsense}");
        assert!(report.charge.cost > Usd::from_micros(90_000), "{nonsense}");
    }
    // The control: the same line as it was.
    let report = replay_text(result.as_bytes(), "0").await;
    assert_eq!(
        (report.charge.cost, report.charge.basis),
        (Usd::from_micros(111_700), Basis::Reported)
    );
}

#[tokio::test]
async fn garbage_is_no_success_and_is_charged_in_full() {
    let garbage: [&[u8]; 5] = [
        b"hello\n",
        b"\xff\xfe{\n",
        b"{\"type\":[]}\n",
        b"[1,2]\nnull\n7",
        b"{\"type\":\"result\"}\n",
    ];
    for text in garbage {
        let report = replay_text(text, "0").await;
        assert_eq!(class(&report), Some(ErrorClass::Crash), "{text:?}");
        assert_eq!(
            (report.charge.cost, report.charge.basis),
            (CAP, Basis::Assumed),
            "{text:?}"
        );
    }
    let silent = replay_text(b"", "1").await;
    assert_eq!(
        (class(&silent), silent.charge.cost),
        (Some(ErrorClass::Crash), Usd::ZERO)
    );
}

#[tokio::test]
async fn a_happy_run_among_garbage_is_a_happy_run() {
    let mut text = b"\xff\xff not json\n{\"type\":\"brand_new\",\"x\":1}\n".to_vec();
    text.extend(vec![b'x'; 17 << 20]);
    text.extend(b"\n");
    text.extend(happy().replace("hello from mock", "h\u{fffd}llo").bytes());
    let report = replay_text(&text, "0").await;
    assert_eq!(
        (report.end, report.charge.cost),
        (AgentEnd::Done, Usd::from_micros(111_700))
    );
}

#[tokio::test]
async fn silence_is_ended() {
    let lines: Vec<String> = happy().lines().map(str::to_owned).collect();
    let text = format!("{}\n", lines[..lines.len() - 1].join("\n"));
    let report = replay_text(text.as_bytes(), "hang").await;
    assert_eq!(class(&report), Some(ErrorClass::Stalled));
    assert_eq!(report.charge.basis, Basis::Table);
}

#[tokio::test]
async fn waiting_for_the_provider_counts_as_life_only_so_often() {
    let retry =
        "{\"type\":\"system\",\"subtype\":\"api_retry\",\"attempt\":1,\"error\":\"rate_limit\"}";
    let place = tempfile::tempdir().unwrap();
    let code =
        format!("import time\nwhile True: print('''{retry}''', flush=True); time.sleep(0.02)");
    let program = place.path().join("retries");
    std::fs::write(&program, format!("#!/usr/bin/env python3\n{code}\n")).unwrap();
    std::fs::set_permissions(
        &program,
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let settings = autoissue::adapters::agents::claude_command::ClaudeSettings {
        program,
        ..Default::default()
    };
    let agent = autoissue::adapters::agents::claude::ClaudeAgent::new(
        settings,
        crate::processes::processes(),
    );
    let order = AgentOrder {
        idle: Duration::from_millis(700),
        ..order(place.path(), "go")
    };
    assert_eq!(class(&run(&agent, &order).await), Some(ErrorClass::Stalled));
}

fn streamed(responses: usize) -> String {
    let start = r#"{"type":"stream_event","event":{"type":"message_start","message":{"id":"m","model":"claude-opus-5-5","usage":{"input_tokens":100000,"output_tokens":1}}}}"#;
    let delta = r#"{"type":"stream_event","event":{"type":"message_delta","usage":{"output_tokens":5000}}}"#;
    let stop = r#"{"type":"stream_event","event":{"type":"message_stop"}}"#;
    let init = r#"{"type":"system","subtype":"init","session_id":"s","model":"claude-opus-5-5"}"#;
    let responses = (0..responses)
        .map(|n| format!("{start}\n{delta}\n{stop}\n").replace("\"m\"", &format!("\"m{n}\"")));
    format!("{init}\n{}", responses.collect::<String>())
}

#[tokio::test]
async fn a_run_that_passes_its_cap_is_stopped_and_costs_what_was_seen() {
    // Half a dollar each, with 5.00 to spend and a tenth of slack.
    let report = replay_text(streamed(13).as_bytes(), "hang").await;
    assert_eq!(class(&report), Some(ErrorClass::Budget), "{:?}", report.end);
    assert_eq!(
        (report.charge.cost, report.charge.basis),
        (Usd::from_micros(6_500_000), Basis::Table)
    );
    assert_eq!(report.dearest, Usd::from_micros(500_000));
    // The control: one that stays below is merely silent.
    let report = replay_text(streamed(11).as_bytes(), "hang").await;
    assert_eq!(class(&report), Some(ErrorClass::Stalled));
}

#[tokio::test]
async fn a_response_that_was_cut_off_is_charged_as_the_dearest() {
    let asked = "{\"type\":\"user\"}\n";
    let report = replay_text(format!("{}{asked}", streamed(2)).as_bytes(), "hang").await;
    assert_eq!(report.charge.cost, Usd::from_micros(1_500_000));
    let report = replay_text(streamed(2).as_bytes(), "hang").await;
    assert_eq!(
        report.charge.cost,
        Usd::from_micros(1_000_000),
        "the control: nothing was on its way"
    );
}

#[tokio::test]
async fn activities_say_what_is_done_and_what_it_costs() {
    let place = tempfile::tempdir().unwrap();
    let watcher = Watcher::default();
    let agent = replayed(&capture("happy"), "0");
    agent
        .run(&order(place.path(), "go"), &watcher, &Stop::new())
        .await;
    let last = watcher.activities.lock().unwrap().last().unwrap().clone();
    assert_eq!(
        (last.line.as_str(), last.messages),
        ("Done: added hello.txt and committed it.", 5)
    );
    assert!(last.cost > Usd::ZERO && last.tokens > 0);
}

#[tokio::test]
async fn a_transcript_is_evidence_only_of_its_last_run() {
    let place = tempfile::tempdir().unwrap();
    let order = order(place.path(), "go");
    let agent = replayed(&capture("happy"), "0");
    assert_eq!(agent.evidence(&order.transcript), None, "there is none yet");
    let report = run(&agent, &order).await;
    assert_eq!(
        agent.evidence(&order.transcript),
        Some(report),
        "and a whole one proves the whole report"
    );
    let resumed = AgentOrder {
        conversation: Conversation::Resumed(ConversationId::new("c")),
        ..order.clone()
    };
    run(&replayed(&capture("sigterm-sleep"), "143"), &resumed).await;
    assert_eq!(
        agent.evidence(&order.transcript),
        None,
        "nobody knows how the second one ended"
    );
    let report = run(&replayed(&capture("resume2"), "0"), &resumed).await;
    assert_eq!(report.charge.cost, Usd::from_micros(111_700));
    assert_eq!(agent.evidence(&order.transcript), Some(report));
}

#[tokio::test]
async fn evidence_of_a_failure_is_a_failure() {
    let place = tempfile::tempdir().unwrap();
    let order = order(place.path(), "go");
    let agent = replayed(&capture("budget"), "1");
    let report = run(&agent, &order).await;
    assert_eq!(agent.evidence(&order.transcript), Some(report));
}
