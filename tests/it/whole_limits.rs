//! The whole of `exec` at its limits: money, rates, tokens.

use crate::fake_github::{Fault, Logged};
use crate::rig::Ran;
use crate::stage::{AGENT, Stage};
use autoissue::rules::money::Usd;
use serde_json::json;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn is_pull_request(request: &Logged) -> bool {
    request.method == "POST" && request.path.ends_with("/pulls")
}

#[test]
fn what_the_budget_will_not_cover_is_refused_or_made_to_fit() {
    let mut stage = Stage::new(&AGENT.replace("0.25", "6.00"), None);
    for number in 1..=10 {
        let urgent = if number % 3 == 0 {
            "priority: high"
        } else {
            "other"
        };
        stage.issue(number, &["go", urgent]);
    }
    stage.configure(&json!({ "agent": { "maxBudgetUsd": 6 }, "executor": { "maxParallel": 2 } }));
    let ran = stage.exec("go", &["--budget", "25"]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    let sentence = "Cannot afford 10 tasks: estimated $60.00 exceeds budget $25.00";
    assert!(ran.said().contains(sentence), "{ran:?}");
    assert!(!stage.fake.requests().iter().any(Logged::writes));
    assert_eq!(stage.runs(), [0; 0]);
    let ran = stage.exec("go", &["--budget", "25", "--fit"]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    assert_eq!((ran.count("completed"), ran.count("budget")), (4, 6));
    let mut done: Vec<u64> = stage.runs();
    done.sort_unstable();
    assert_eq!(done, [1, 3, 6, 9], "the urgent ones, then the oldest");
    assert_eq!(ran.cost(), Usd::from_micros(24_000_000));
    stage.assert_lawful();
}

#[test]
fn two_processes_keep_to_the_daily_ceiling() {
    let mut stage = Stage::new(AGENT, None);
    for number in 1..=8 {
        stage.issue(number, &[if number <= 4 { "a" } else { "b" }]);
    }
    stage.configure(&json!({ "agent": { "maxBudgetUsd": 0.25 }, "maxDailyBudgetUsd": 1.3 }));
    stage.fake.expect_writers(2);
    let (first, second) = (stage.start("a", &[]), stage.start("b", &[]));
    let ran = [first.end(), second.end()];
    let completed: usize = ran.iter().map(|ran| ran.count("completed")).sum();
    let spent: Usd = ran.iter().map(Ran::cost).sum();
    assert!(
        spent <= Usd::from_micros(1_300_000) && completed == 5,
        "{spent} for {completed}: {ran:?}"
    );
    assert!(ran.iter().any(|ran| ran.code == Some(4)), "{ran:?}");
    assert_eq!(stage.runs().len(), completed);
    stage.assert_lawful();
}

#[test]
fn a_secondary_limit_is_waited_for() {
    for status in [403, 429] {
        let limit = Fault::Secondary {
            status,
            retry_after: Some(2),
        };
        is_waited_for(limit);
    }
}

/// Three tasks at a time, of which one is told to wait for two seconds: none of them sends anything within these.
fn is_waited_for(limit: Fault) {
    let mut stage = Stage::with_issues(3);
    stage.configure(&json!({ "executor": { "maxParallel": 3 } }));
    stage.fake.fail_when(is_pull_request, limit, 1);
    let ran = stage.exec("go", &[]);
    assert_eq!((ran.code, ran.count("completed")), (Some(0), 3), "{ran:?}");
    let requests = stage.fake.requests();
    let at = requests
        .iter()
        .position(|request| request.fault.is_some())
        .unwrap();
    // What was on its way already may come in; nothing is sent once the answer is known.
    let known = requests[at].at + Duration::from_millis(250);
    let end = requests[at].at + Duration::from_secs(2);
    let within: Vec<&Logged> = requests[at + 1..]
        .iter()
        .filter(|request| !request.git && request.at > known && request.at < end)
        .collect();
    assert!(within.is_empty(), "{within:?}");
    assert_eq!(stage.heads().len(), 3);
    stage.assert_lawful();
}

#[test]
fn an_expired_token_interrupts_and_nothing_is_paid_twice() {
    let stage = Stage::with_issues(2);
    let (expired, renewed) = (AtomicBool::new(false), Arc::new(AtomicBool::new(false)));
    let is_renewed = Arc::clone(&renewed);
    let refused = move |request: &Logged| {
        let has_expired = expired.fetch_or(is_pull_request(request), Ordering::Relaxed);
        (has_expired || is_pull_request(request)) && !is_renewed.load(Ordering::Relaxed)
    };
    stage
        .fake
        .fail_when(refused, Fault::Unauthorized, usize::MAX);
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.code, Some(5), "{ran:?}");
    let (paid, runs) = (ran.cost(), stage.runs());
    renewed.store(true, Ordering::Relaxed);
    let resumed = stage.resume();
    assert_eq!(
        (resumed.code, resumed.count("completed")),
        (Some(0), 2),
        "{resumed:?}"
    );
    assert_eq!(stage.heads().len(), 2);
    let mut after = stage.runs();
    after.sort_unstable();
    after.dedup();
    assert_eq!(
        (after.len(), stage.runs().len()),
        (2, 2),
        "each once; {runs:?} before"
    );
    assert!(paid > Usd::ZERO);
    assert_eq!(resumed.cost(), Usd::from_micros(500_000));
    stage.assert_lawful();
}

#[test]
fn a_missing_token_is_named_with_its_remedy() {
    let stage = Stage::with_issues(1);
    let mut command: Command = stage.command(&["exec", "go", "--isolation", "none"]);
    let output = command.env_remove("GITHUB_TOKEN").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("hint:") && said.contains("GITHUB_TOKEN"),
        "{said}"
    );
}
