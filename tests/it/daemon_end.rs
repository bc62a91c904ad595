//! A daemon that is told to end: what runs is seen to its end, or stopped, and gone on with after the next start.

use crate::daemon::{open_gate, pulls, tries};
use crate::daemon_rig::{Daemon, rig};
use crate::rig::{leftovers_in_the_end, wait_for};
use serde_json::json;
use std::collections::BTreeMap;

#[tokio::test]
async fn asked_to_end_it_stops_sessions_in_good_order_and_a_restart_goes_on() {
    let rig = rig(&json!({}));
    rig.write("gate", "");
    rig.issue(1, "A thing", "Write it.");
    let daemon = Daemon::start(&rig);
    wait_for(|| tries(&rig).len() == 1);
    daemon.running.interrupt();
    daemon.says("once more ends them at once");
    daemon.running.interrupt();
    let ended = daemon.running.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(leftovers_in_the_end(&rig.marker()), [""; 0]);
    assert!(pulls(&rig).is_empty());
    open_gate(&rig);
    let daemon = Daemon::start(&rig);
    daemon.says("checkout: done");
    assert_eq!(pulls(&rig).len(), 1);
    daemon.end();
    let sessions = rig.run(&["status", "--format", "json"]);
    assert_eq!(
        sessions.stdout.matches("\"finished\"").count(),
        1,
        "it is the same session: {sessions:?}"
    );
}

#[tokio::test]
async fn asked_to_end_it_lets_attempts_end_and_begins_no_more() {
    let rig = rig(&json!({ "executor": { "maxParallel": 1, "maxRetries": 0 } }));
    rig.write("gate", "");
    for number in 1..=2 {
        rig.issue(number, "A thing", "Write it.");
    }
    let daemon = Daemon::start(&rig);
    wait_for(|| tries(&rig).len() == 1);
    daemon.running.interrupt();
    daemon.says("once more ends them at once");
    open_gate(&rig);
    let ended = daemon.running.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.said().contains("checkout: stopped with work left"),
        "{ended:?}"
    );
    assert_eq!(pulls(&rig).len(), 1, "what was paid for is offered");
    assert_eq!(tries(&rig).len(), 1, "and nothing more is begun");
    let daemon = Daemon::start(&rig);
    daemon.says("checkout: done");
    daemon.end();
    assert_eq!(tries(&rig), BTreeMap::from([(1, 1), (2, 1)]));
    assert_eq!(pulls(&rig).len(), 2);
}

#[tokio::test]
async fn attempts_that_do_not_end_within_the_limit_are_stopped_and_gone_on_with() {
    let rig = rig(&json!({ "serve": { "drainSeconds": 1 } }));
    rig.write("gate", "");
    rig.issue(1, "A thing", "Write it.");
    let daemon = Daemon::start(&rig);
    wait_for(|| tries(&rig).len() == 1);
    daemon.running.interrupt();
    let ended = daemon.running.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.said().contains("stopping 1 running sessions now"),
        "{ended:?}"
    );
    assert_eq!(leftovers_in_the_end(&rig.marker()), [""; 0]);
    assert!(pulls(&rig).is_empty());
    open_gate(&rig);
    let daemon = Daemon::start(&rig);
    daemon.says("checkout: done");
    daemon.end();
    assert_eq!(pulls(&rig).len(), 1);
}

#[tokio::test]
async fn what_goes_on_after_a_restart_keeps_to_the_lower_ceiling_of_its_project() {
    let other = rig(&json!({ "maxDailyBudgetUsd": 20 }));
    other.write("gate", "");
    other.issue(1, "A thing", "Write it.");
    let project = json!({ "path": other.checkout(), "label": "go", "autoStart": true });
    let rig = rig(&json!({ "maxDailyBudgetUsd": 40, "projects": [project] }));
    let daemon = Daemon::start(&rig);
    wait_for(|| tries(&other).len() == 1);
    daemon.running.interrupt();
    daemon.says("once more ends them at once");
    daemon.running.interrupt();
    assert_eq!(daemon.running.end().code, Some(0));
    open_gate(&other);
    let daemon = Daemon::start(&rig);
    daemon.says("checkout: done");
    daemon.end();
    let audit = rig.run(&["audit", "--json"]).stdout;
    let given = |dollars: &str| {
        audit
            .matches(&format!("maxDailyBudgetUsd = {dollars}"))
            .count()
    };
    assert_eq!((given("20"), given("40")), (2, 0), "{audit}");
}
