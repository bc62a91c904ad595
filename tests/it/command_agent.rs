//! Any command as an agent.

use crate::agents::{CAP, class, order, run};
use crate::processes::{Watcher, processes};
use autoissue::adapters::agents::command::{CommandAgent, CommandSettings};
use autoissue::ports::{Agent, AgentEnd, AgentOrder, AgentReport, Stop};
use autoissue::rules::money::{Basis, Usd};
use autoissue::rules::task::ErrorClass;
use std::time::Duration;

fn agent(code: &str, costs_unknown_is_zero: bool) -> CommandAgent {
    let argv = ["python3", "-c", code].map(str::to_owned).to_vec();
    CommandAgent::new(
        CommandSettings {
            argv,
            env: Vec::new(),
            costs_unknown_is_zero,
        },
        processes(),
    )
}

async fn report(code: &str) -> AgentReport {
    let place = tempfile::tempdir().unwrap();
    run(&agent(code, false), &order(place.path(), "do it")).await
}

#[tokio::test]
async fn a_command_gets_its_prompt_and_its_place_and_says_what_it_did() {
    let code = "import os, sys, json; text = sys.stdin.read(); open('made', 'w').write(text); print('working'); print(); \
        print(json.dumps({'cost_usd': 0.25, 'summary': text + os.environ['AUTOISSUE_ISSUE'] + os.environ['AUTOISSUE_CAP_USD'], \
        'input_tokens': 10, 'output_tokens': 5, 'conversation': 'c-9'}))";
    let place = tempfile::tempdir().unwrap();
    let env = vec![("AUTOISSUE_ISSUE".to_owned(), "7".to_owned())];
    let report = run(
        &agent(code, false),
        &AgentOrder {
            env,
            ..order(place.path(), "do it")
        },
    )
    .await;
    assert_eq!(
        (&report.end, report.summary.as_str()),
        (&AgentEnd::Done, "do it75.00")
    );
    assert_eq!(
        (report.charge.cost, report.charge.basis),
        (Usd::from_micros(250_000), Basis::Reported)
    );
    assert_eq!((report.charge.usage.total(), report.messages), (15, 2));
    assert_eq!(report.conversation.unwrap().as_str(), "c-9");
    assert_eq!(
        std::fs::read_to_string(place.path().join("made")).unwrap(),
        "do it"
    );
}

#[tokio::test]
async fn what_is_not_said_is_charged_in_full() {
    let said = [
        "",
        "print('done')",
        "print('{\"summary\": \"x\"}')",
        "print('{\"cost_usd\": null}')",
    ];
    let nonsense = ["-1", "NaN", "1e308", "\"0\"", "[]", "1e400"]
        .map(|cost| format!("print('{{\"cost_usd\": {cost}, \"summary\": \"x\"}}')"));
    let place = tempfile::tempdir().unwrap();
    for code in said.into_iter().map(str::to_owned).chain(nonsense.clone()) {
        let report = run(&agent(&code, false), &order(place.path(), "")).await;
        assert_eq!(
            (report.end, report.charge.cost, report.charge.basis),
            (AgentEnd::Done, CAP, Basis::Assumed),
            "{code}"
        );
    }
    // Where the configuration says that it is free, silence is; a wrong number is not.
    for code in said {
        let report = run(&agent(code, true), &order(place.path(), "")).await;
        assert_eq!(
            (report.charge.cost, report.charge.basis),
            (Usd::ZERO, Basis::Reported),
            "{code}"
        );
    }
    for code in nonsense {
        let report = run(&agent(&code, true), &order(place.path(), "")).await;
        assert_eq!(report.charge.cost, CAP, "{code}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_hide_no_cost() {
    let code =
        "import sys; sys.stdout.buffer.write(b'{\"cost_usd\": 0.5, \"summary\": \"caf\\xe9\"}')";
    let place = tempfile::tempdir().unwrap();
    let report = run(&agent(code, true), &order(place.path(), "")).await;
    assert_eq!(report.charge.cost, Usd::from_micros(500_000));
    assert_eq!(report.summary, "caf\u{fffd}");
}

#[tokio::test]
async fn a_report_without_a_summary_is_none() {
    let report = report("print('{\"cost_usd\": 0.5}')").await;
    assert_eq!(report.summary, "");
}

#[tokio::test]
async fn failures_have_their_class_and_their_words() {
    let failed =
        report("import sys; print('{\"cost_usd\": 0.5}'); sys.exit('no \\x1b[31mluck')").await;
    let AgentEnd::Failed(failure) = &failed.end else {
        panic!("{failed:?}")
    };
    assert_eq!(failure.class, ErrorClass::Crash);
    assert_eq!(failure.message, "python3 ended with exit code 1: no luck");
    assert_eq!(failed.charge.cost, Usd::from_micros(500_000));
    let place = tempfile::tempdir().unwrap();
    let settings = CommandSettings {
        argv: vec!["no-such-agent".to_owned()],
        ..CommandSettings::default()
    };
    let missing = run(
        &CommandAgent::new(settings, processes()),
        &order(place.path(), ""),
    )
    .await;
    assert_eq!(
        (class(&missing), missing.charge.cost),
        (Some(ErrorClass::Setup), Usd::ZERO)
    );
    let wall = Duration::from_millis(300);
    let slow = run(
        &agent("import time; time.sleep(60)", false),
        &AgentOrder {
            wall,
            ..order(place.path(), "")
        },
    )
    .await;
    assert_eq!(
        (class(&slow), slow.charge.cost),
        (Some(ErrorClass::Timeout), CAP)
    );
}

#[tokio::test]
async fn a_refused_run_costs_nothing() {
    let place = tempfile::tempdir().unwrap();
    let watcher = Watcher {
        refuses: true,
        ..Watcher::default()
    };
    let report = agent("print(1)", false)
        .run(&order(place.path(), ""), &watcher, &Stop::new())
        .await;
    assert_eq!(
        (report.end, report.charge.cost),
        (AgentEnd::Stopped, Usd::ZERO)
    );
}

#[tokio::test]
async fn a_transcript_proves_what_was_said_last() {
    let place = tempfile::tempdir().unwrap();
    let order = order(place.path(), "");
    let agent = agent(
        "print('{\"cost_usd\": 0.5, \"summary\": \"all done\"}')",
        false,
    );
    let told = run(&agent, &order).await;
    assert_eq!(agent.evidence(&order.transcript), Some(told));
    run(&self::agent("print('half')", false), &order).await;
    assert_eq!(agent.evidence(&order.transcript), None);
}
