//! Few requests are left: finished work is saved, all else waits for the reset, and people see it.

use crate::stage::{AGENT, Stage};
use autoissue::adapters::github::governor::{Governor, Heard};
use autoissue::adapters::github::limits::{Errand, Kind, Limits};
use autoissue::rules::issue::Priority;
use autoissue::rules::quota::{Api, Urgency};
use futures::future::join_all;
use http::{HeaderMap, HeaderName};
use serde_json::json;
use std::time::{Duration, Instant};

/// Until the limit is reset.
const SECONDS: u64 = 12;

/// A run of two issues one after the other; so many requests are left once the first one's agent works.
fn run_with_left(left: u64) -> (Stage, crate::stage::Running, Instant) {
    let mut stage = Stage::new(
        &AGENT.replace("sleep 600; exit 1", "cat PLACE/gate > /dev/null"),
        None,
    );
    stage.configure(&json!({ "executor": { "maxParallel": 1 } }));
    stage.issue(1, &["go"]);
    stage.issue(2, &["go"]);
    stage.close_gate();
    let running = stage.start("go", &[]);
    assert_eq!(stage.at_gate(), 1);
    let reset = Instant::now() + Duration::from_secs(SECONDS);
    stage.fake.set_rate(left, i64::try_from(SECONDS).unwrap());
    std::fs::write(stage.rig.path("gate"), "go\n").unwrap();
    stage.open_gate();
    (stage, running, reset)
}

/// When the first request came that is about an issue, since its agent was let go.
fn asked(stage: &Stage, since: Instant, part: &str) -> Option<Instant> {
    let requests = stage.fake.requests();
    let mut found = requests
        .iter()
        .filter(|it| it.at > since && it.path.contains(part));
    found.next().map(|it| it.at)
}

#[test]
fn with_few_requests_left_finished_work_is_saved_and_all_else_waits_for_the_reset() {
    let (stage, running, reset) = run_with_left(60);
    let begun = reset.checked_sub(Duration::from_secs(SECONDS)).unwrap();
    let output_of = |args: &[&str]| {
        let output = stage.command(args).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    // It is seen while it waits.
    let mut text = String::new();
    while !text.contains("all but finished work waits") {
        assert!(Instant::now() < reset, "{text}");
        std::thread::yield_now();
        text = output_of(&["status"]);
    }
    assert!(text.contains("REST: "), "{text}");
    let printed = output_of(&["status", "--format", "json"]);
    let shown: serde_json::Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
    let limit = &shown["quota"][0];
    assert_eq!(
        (&limit["api"], &limit["limit"], &limit["short"]),
        (&json!("rest"), &json!(5000), &json!(true)),
        "{printed}"
    );
    assert!(limit["left"].as_u64().unwrap() < 60, "{printed}");
    while Instant::now() < reset {
        output_of(&["status"]);
    }
    stage.fake.set_rate(5000, 3600);
    let ran = running.end();
    assert_eq!((ran.code, ran.count("completed")), (Some(0), 2), "{ran:?}");
    let pull = asked(&stage, begun, "/pulls").unwrap();
    assert!(pull < reset, "the first one's pull is opened at once");
    let second = asked(&stage, begun, "/issues/2").unwrap();
    assert!(
        second >= reset,
        "the second is looked at {:?} early",
        reset - second
    );
    let events = ran.events();
    let quota = events
        .iter()
        .filter(|event| event["event"] == "quota_heard");
    let turns: Vec<bool> = quota
        .map(|event| event["quota"][0]["short"] == true)
        .collect();
    // A run that ends soon after has no more to tell.
    let ends = [&[false, true][..], &[false, true, false]];
    assert!(
        ends.contains(&&turns[..]),
        "told when it turns, and not all the time: {turns:?}"
    );
    assert!(
        ran.stderr.contains("GitHub takes few more REST requests"),
        "{}",
        ran.stderr
    );
    stage.assert_lawful();
}

#[test]
fn with_enough_requests_left_nothing_waits() {
    let (stage, running, reset) = run_with_left(400);
    let ran = running.end();
    assert_eq!((ran.code, ran.count("completed")), (Some(0), 2), "{ran:?}");
    assert!(Instant::now() < reset, "the control: nobody waited");
    assert!(!ran.stderr.contains("few more"), "{}", ran.stderr);
    stage.assert_lawful();
}

fn errand(kind: Kind) -> Errand {
    Errand::new(kind, Api::Rest, Urgency::Looking)
}

/// Sends so many requests at once, and tells when the first went out.
async fn first_of(governor: &Governor, kind: Kind, count: usize) -> Duration {
    let start = tokio::time::Instant::now();
    let requests = (0..count).map(|_| async {
        let mut turn = governor.turn(errand(kind));
        turn.ready().await.unwrap();
        let sent = start.elapsed();
        assert_eq!(turn.heard(200, &HeaderMap::new(), ""), Ok(Heard::Answer));
        sent
    });
    join_all(requests).await.into_iter().min().unwrap()
}

/// So many requests are left for ten minutes.
fn left(remaining: u64) -> HeaderMap {
    let reset = chrono::Utc::now().timestamp() + 600;
    let pairs = [
        ("x-ratelimit-limit", 5000),
        ("x-ratelimit-remaining", i64::try_from(remaining).unwrap()),
        ("x-ratelimit-reset", reset),
    ];
    let header = |(name, value): (&'static str, i64)| (HeaderName::from_static(name), value.into());
    pairs.into_iter().map(header).collect()
}

/// One that has heard how many requests are left.
async fn with_left(limits: Limits, remaining: u64) -> Governor {
    let governor = Governor::new(limits);
    let mut turn = governor.turn(errand(Kind::Read));
    turn.ready().await.unwrap();
    assert_eq!(turn.heard(200, &left(remaining), ""), Ok(Heard::Answer));
    drop(turn);
    governor
}

async fn seconds_until_ready(governor: &Governor, errand: Errand) -> u64 {
    let start = tokio::time::Instant::now();
    let mut turn = governor.turn(errand);
    turn.ready().await.unwrap();
    start.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn what_is_left_is_for_those_that_save_work() {
    let saving = Urgency::Saving(Priority::Low);
    let urgencies = [
        Urgency::Looking,
        Urgency::Working(Priority::Critical),
        saving,
    ];
    let check = async |spared: u64, remaining: u64, expect: [bool; 3]| {
        for (urgency, waits) in urgencies.into_iter().zip(expect) {
            let governor = with_left(
                Limits {
                    spared,
                    ..Limits::published()
                },
                remaining,
            )
            .await;
            let waited =
                seconds_until_ready(&governor, Errand::new(Kind::Change, Api::Rest, urgency)).await;
            assert_eq!(
                waited >= 599,
                waits,
                "{urgency:?} with {remaining}: {waited} s"
            );
            assert_eq!(
                waited > 0,
                waits,
                "{urgency:?} with {remaining}: {waited} s"
            );
        }
    };
    check(100, 99, [true, true, false]).await;
    check(100, 100, [false; 3]).await;
    // The control: where nothing is spared nobody waits.
    check(0, 99, [false; 3]).await;
    // Nothing at all is left to nobody.
    check(100, 0, [true; 3]).await;
}

#[tokio::test(start_paused = true)]
async fn one_way_in_that_is_used_up_does_not_close_the_other() {
    let governor = with_left(Limits::published(), 0).await;
    let graphql = Errand::new(Kind::Read, Api::Graphql, Urgency::Looking);
    assert_eq!(seconds_until_ready(&governor, graphql).await, 0);
    assert!(seconds_until_ready(&governor, errand(Kind::Read)).await >= 599);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_the_rest_to_others_stands_in_nobodys_way() {
    let governor = with_left(Limits::published(), 50).await;
    let saving = |kind| Errand::new(kind, Api::Rest, Urgency::Saving(Priority::Medium));
    let kinds = [Kind::Read, Kind::Change, Kind::Creation];
    let waiting = kinds.map(|kind| first_of(&governor, kind, 20));
    let saved = async {
        tokio::task::yield_now().await;
        let read = seconds_until_ready(&governor, saving(Kind::Read)).await;
        (
            read,
            seconds_until_ready(&governor, saving(Kind::Creation)).await,
        )
    };
    let (sent, saved) = tokio::join!(join_all(waiting), saved);
    assert_eq!(saved, (0, 0));
    assert!(sent.iter().all(|first| first.as_secs() >= 599), "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn writes_that_save_urgent_work_go_before_those_that_came_earlier() {
    let governor = Governor::new(Limits::published());
    let order = std::sync::Mutex::new(Vec::new());
    let write = async |urgency: Urgency| {
        let mut turn = governor.turn(Errand::new(Kind::Creation, Api::Rest, urgency));
        turn.ready().await.unwrap();
        order.lock().unwrap().push(urgency);
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(turn.heard(201, &HeaderMap::new(), ""), Ok(Heard::Answer));
    };
    let saving = Urgency::Saving;
    let came = [
        Urgency::Looking,
        Urgency::Working(Priority::Critical),
        saving(Priority::Medium),
        saving(Priority::Critical),
        Urgency::Looking,
        saving(Priority::Medium),
    ];
    join_all(came.map(write)).await;
    // The first was on its way before anybody else came.
    let expect = [
        Urgency::Looking,
        saving(Priority::Critical),
        saving(Priority::Medium),
        saving(Priority::Medium),
        Urgency::Working(Priority::Critical),
        Urgency::Looking,
    ];
    assert_eq!(*order.lock().unwrap(), expect);
}
