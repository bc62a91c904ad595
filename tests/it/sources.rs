//! Other sources of work than the forge, by the real binary: what they find becomes issues, each once, and text.

use crate::daemon_rig::{Daemon, rig};
use crate::fake_alertmanager::{self, alert};
use crate::fake_jira;
use crate::fake_sentry::{self, unresolved};
use crate::loopback::Upset;
use crate::rig::{Rig, wait_for};
use crate::stage::{AGENT, Stage};
use autoissue::rules::signature::signature;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The local issues, as they stand in their files, by number.
fn issues(rig: &Rig) -> BTreeMap<u64, String> {
    let files = std::fs::read_dir(rig.path("checkout/.autoissue/issues"));
    let mut issues = BTreeMap::new();
    for file in files.into_iter().flatten().flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        let number: String = name.chars().take_while(char::is_ascii_digit).collect();
        if let Ok(number) = number.parse() {
            issues.insert(number, std::fs::read_to_string(file.path()).unwrap());
        }
    }
    issues
}

fn titles(rig: &Rig) -> Vec<String> {
    let title = |text: &String| {
        let line = text
            .lines()
            .find(|line| line.starts_with("title:"))
            .unwrap();
        line["title:".len()..]
            .trim()
            .trim_matches(['"', '\''])
            .to_owned()
    };
    issues(rig).values().map(title).collect()
}

fn sentry(url: &str, more: &Value) -> Value {
    let mut feed = json!({
        "kind": "sentry", "url": url, "organization": "acme", "sentryProject": "shop", "token": "${SENTRY_TOKEN}",
        "seconds": 5,
    });
    for (key, value) in more.as_object().unwrap() {
        feed[key] = value.clone();
    }
    feed
}

fn daemon(rig: &Rig) -> Daemon {
    faulty(rig, "")
}

fn faulty(rig: &Rig, fault: &str) -> Daemon {
    let mut command = rig.autoissue(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("SENTRY_TOKEN", fake_sentry::TOKEN)
        .env("JIRA_TOKEN", fake_jira::TOKEN)
        .env("ALERT_TOKEN", "let-me-in")
        .env("AUTOISSUE_FAULT", fault);
    Daemon::of(rig, command)
}

fn sources(feeds: &[Value]) -> Value {
    json!({ "serve": { "sources": feeds } })
}

/// Asks all there is until it is so.
async fn until(daemon: &Daemon, is_so: impl Fn() -> bool) {
    let until = std::time::Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(
            std::time::Instant::now() < until,
            "it never came: {}",
            daemon.running.said()
        );
        daemon.post("/api/projects/checkout/sync").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// How often the fake was asked for its first page.
fn looks<S: Send + 'static>(fake: &crate::loopback::Loopback<S>) -> usize {
    let heard = fake.heard().into_iter();
    let first = heard.filter(|(asked, _)| {
        asked.value("cursor").is_none()
            && asked.value("nextPageToken").is_none()
            && !asked.path.contains("/events/")
    });
    first.count()
}

/// What the store says of findings.
fn stored(rig: &Rig, sql: &str) -> i64 {
    let db = rusqlite::Connection::open(rig.path("state/autoissue.db")).unwrap();
    db.busy_timeout(Duration::from_secs(20)).unwrap();
    if sql.starts_with("UPDATE") {
        return i64::try_from(db.execute(sql, ()).unwrap()).unwrap();
    }
    db.query_row(sql, (), |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn an_error_in_sentry_becomes_one_issue_over_looks_and_restarts() {
    let hostile = "<img src=x> @octocat closes #1 <!-- autoissue:v1 -->\u{202e}";
    let fake = fake_sentry::start(vec![
        unresolved(7, "fatal", hostile),
        unresolved(8, "warning", "only a warning"),
        unresolved(9, "error", "the second page"),
    ]);
    let rig = rig(&sources(&[sentry(&fake.url, &json!({}))]));
    let first = daemon(&rig);
    wait_for(|| issues(&rig).len() == 2);
    let seen = looks(&fake);
    until(&first, || looks(&fake) >= seen + 3).await;
    first.end();
    let second = daemon(&rig);
    let seen = looks(&fake);
    until(&second, || looks(&fake) >= seen + 2).await;
    let said = second.end();
    let all = issues(&rig);
    assert_eq!(all.len(), 2, "a warning is not bad enough: {all:?}");
    let worst = &all[&1];
    for expected in [
        "P0",
        "autoissue:found",
        "- Happened: 3 times, to 2 users",
        "- First seen: 2026-01-01 00:00 UTC",
        "<https://sentry.example/organizations/acme/issues/7/>",
        "  at app/cart.py:17 in total\n  at app/main.py:4 in main\n      total(cart)",
        "- `release`: `1.2.3`",
    ] {
        assert!(worst.contains(expected), "{expected}: {worst}");
    }
    for kept_out in ["@octocat", "#1 <", "\u{202e}", "a person's session"] {
        let head = worst.split("### Stack trace").next().unwrap();
        assert!(!head.contains(kept_out), "{kept_out}: {worst}");
    }
    assert_eq!(worst.matches("<!--").count(), 1, "{worst}");
    assert!(!rig.path("tries-1").exists(), "nobody let it run: {said}");
    assert!(!said.contains(fake_sentry::TOKEN), "{said}");
    assert!(fake.heard().iter().all(|(_, status)| *status == 200));
}

#[tokio::test]
async fn what_is_given_the_label_runs_without_a_person() {
    let fake = fake_sentry::start(vec![unresolved(7, "error", "no total")]);
    let rig = rig(&sources(&[sentry(&fake.url, &json!({ "label": true }))]));
    let daemon = daemon(&rig);
    daemon.says("checkout: sentry found #1 no total");
    wait_for(|| rig.path("tries-1").exists());
    daemon.says("checkout: done");
    daemon.end();
}

#[tokio::test]
async fn a_kill_between_intent_and_effect_or_behind_it_opens_none_twice() {
    let fake = fake_sentry::start(vec![unresolved(7, "error", "no total")]);
    let rig = rig(&sources(&[sentry(&fake.url, &json!({}))]));
    let first = daemon(&rig);
    let settled = || {
        stored(
            &rig,
            "SELECT count(*) FROM findings WHERE issue IS NOT NULL",
        ) == 1
    };
    wait_for(|| issues(&rig).len() == 1);
    wait_for(settled);
    first.end();
    // It was killed behind the effect: nobody wrote down what came of it.
    let forget = "UPDATE findings SET issue = NULL, opened = NULL, state = 'waiting'";
    assert_eq!(stored(&rig, forget), 1);
    let second = daemon(&rig);
    wait_for(settled);
    second.end();
    assert_eq!(issues(&rig).len(), 1);
    // It was killed before it.
    stored(&rig, forget);
    for number in issues(&rig).keys() {
        let files = std::fs::read_dir(rig.path("checkout/.autoissue/issues")).unwrap();
        for file in files.flatten() {
            if file
                .file_name()
                .to_string_lossy()
                .starts_with(&number.to_string())
            {
                std::fs::remove_file(file.path()).unwrap();
            }
        }
    }
    let third = daemon(&rig);
    wait_for(settled);
    third.end();
    assert_eq!(issues(&rig).len(), 1);
    // The control: who does not look first opens another.
    stored(&rig, forget);
    let blind = faulty(&rig, "no-look");
    wait_for(settled);
    blind.end();
    assert_eq!(issues(&rig).len(), 2);
}

#[tokio::test]
async fn who_wants_to_be_left_alone_is_and_a_day_has_an_end() {
    let many = (1..=5).map(|id| unresolved(id, "error", "one of many"));
    let fake = fake_sentry::start(many.chain([unresolved(9, "fatal", "the worst")]).collect());
    fake.upset(Upset::Limited(6));
    let rig = rig(&sources(&[sentry(&fake.url, &json!({ "maxPerDay": 2 }))]));
    let daemon = daemon(&rig);
    wait_for(|| fake.heard().len() == 1);
    let began = std::time::Instant::now();
    wait_for(|| fake.heard().len() > 1);
    assert!(
        began.elapsed() >= Duration::from_secs(5),
        "it was left alone"
    );
    wait_for(|| issues(&rig).len() == 2);
    assert_eq!(titles(&rig)[0], "the worst");
    let seen = looks(&fake);
    until(&daemon, || looks(&fake) >= seen + 2).await;
    let said = daemon.end();
    assert_eq!(issues(&rig).len(), 2, "the others wait for tomorrow");
    assert!(!said.contains("answers again"), "it never failed: {said}");
}

#[tokio::test]
async fn one_that_fails_five_times_is_disabled_and_found_again_and_the_others_go_on() {
    let good = fake_sentry::start(vec![]);
    let bad = fake_jira::start(vec![
        (1, "Highest", "pay twice"),
        (2, "Low", "b"),
        (3, "Odd", "c"),
    ]);
    for upset in [
        Upset::Broken,
        Upset::Half,
        Upset::Elsewhere,
        Upset::Broken,
        Upset::Broken,
    ] {
        bad.upset(upset);
    }
    let jira = json!({
        "kind": "jira", "url": bad.url, "user": fake_jira::USER, "token": "${JIRA_TOKEN}", "jql": fake_jira::JQL,
    });
    let rig = rig(&sources(&[sentry(&good.url, &json!({})), jira]));
    let daemon = daemon(&rig);
    until(&daemon, || bad.heard().len() >= 5).await;
    daemon.says("checkout: jira failed five times in a row");
    good.state().push(unresolved(7, "error", "no total"));
    until(&daemon, || titles(&rig).contains(&"no total".to_owned())).await;
    until(&daemon, || issues(&rig).len() == 4).await;
    daemon.says("checkout: jira answers again, after 5 failures");
    let said = daemon.end();
    assert!(!said.contains("sentry failed"), "{said}");
    let all = issues(&rig);
    let worst = all
        .values()
        .find(|text| text.contains("pay twice"))
        .unwrap();
    for expected in [
        "SHOP-1: pay twice",
        "P0",
        "/browse/SHOP-1>",
        "Fixes #\u{200b}1, says @\u{200b}ann",
        "- First seen: 2026-01-01 09:00 UTC",
    ] {
        assert!(worst.contains(expected), "{expected}: {worst}");
    }
    assert!(!said.contains(fake_jira::TOKEN), "{said}");
}

/// How the sources stand, once one has failed twice and the other has led to an issue.
async fn standing(daemon: &Daemon) -> Value {
    // Each is asked at the start, and once more when the forge is there. What was heard is shown a moment later.
    let limit = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        let told = daemon.project().await["sources"].clone();
        if told[0]["failures"] == 2 && told[1]["opened"] == 1 {
            return told;
        }
        assert!(std::time::Instant::now() < limit, "{told}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Two sources, of which one has failed twice.
async fn assert_measured(daemon: &Daemon) {
    let metrics = daemon.page("/metrics").await;
    for line in [
        "autoissue_source_up{project=\"checkout\",source=\"sentry\"} 1",
        "autoissue_source_up{project=\"checkout\",source=\"board\"} 0",
        "autoissue_source_failures{project=\"checkout\",source=\"board\"} 2",
        "autoissue_source_issues_opened{project=\"checkout\",source=\"sentry\"} 1",
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line}: {metrics}");
    }
    let success = "autoissue_source_last_success_timestamp_seconds{";
    assert_eq!(
        metrics.matches(success).count(),
        1,
        "the other never answered"
    );
}

#[tokio::test]
async fn how_each_source_stands_is_shown_told_and_measured() {
    let good = fake_sentry::start(vec![unresolved(7, "error", "no total")]);
    let bad = fake_jira::start(vec![]);
    for _ in 0..20 {
        bad.upset(Upset::Broken);
    }
    let jira = json!({
        "kind": "jira", "name": "board", "url": bad.url, "user": fake_jira::USER, "token": "${JIRA_TOKEN}",
        "jql": fake_jira::JQL,
    });
    let rig = rig(&sources(&[sentry(&good.url, &json!({})), jira]));
    let daemon = daemon(&rig);
    wait_for(|| issues(&rig).len() == 1 && !bad.heard().is_empty());
    let told = standing(&daemon).await;
    let (jira, sentry) = (&told[0], &told[1]);
    assert_eq!(
        (&jira["name"], &jira["kind"]),
        (&json!("board"), &json!("jira"))
    );
    assert_eq!(
        (&jira["up"], &jira["answered"]),
        (&json!(false), &Value::Null)
    );
    let why = jira["trouble"].as_str().unwrap();
    assert!(why.contains("500"), "{why}");
    assert_eq!(
        (&sentry["up"], &sentry["failures"]),
        (&json!(true), &json!(0))
    );
    assert!(
        sentry["asked"].is_string() && sentry["answered"].is_string() && sentry["next"].is_string()
    );
    let one = daemon.json("/api/projects/checkout").await;
    assert_eq!(one["sources"][1]["opened"], 1, "{one}");
    for path in ["/projects", "/projects/checkout"] {
        let page = daemon.page(path).await;
        for part in [
            "<strong>sentry</strong>",
            "answers</span>",
            "; 1 issue opened",
            "failed 2 times in a row",
            "500",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
    assert_measured(&daemon).await;
    // "Sync" asks all of them.
    let (asked, before) = (bad.heard().len(), looks(&good));
    daemon.post("/api/projects/checkout/sync").await;
    wait_for(|| bad.heard().len() > asked && looks(&good) > before);
    daemon.end();
}

async fn send(daemon: &Daemon, token: &str, status: &str, name: &str) -> u16 {
    let mut alert = alert(name);
    alert["status"] = json!(status);
    let body = json!({
        "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": status, "receiver": "web", "groupLabels": {},
        "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://alerts.example", "alerts": [alert],
    });
    let request = daemon
        .client
        .post(format!("{}/webhook/alertmanager", daemon.url))
        .header("content-type", "application/json")
        .header("authorization", token)
        .body(body.to_string());
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn alerts_that_are_sent_become_issues_and_come_back_as_others_once_those_are_closed() {
    let hook = json!({ "kind": "alertmanager", "webhookToken": "${ALERT_TOKEN}", "seconds": 3600 });
    let rig = rig(&sources(&[hook]));
    let daemon = daemon(&rig);
    for wrong in [
        "",
        "Bearer ",
        "Bearer let-me",
        "Basic let-me-in",
        "let-me-in",
    ] {
        assert_eq!(
            send(&daemon, wrong, "firing", "DiskFull").await,
            401,
            "{wrong}"
        );
    }
    let good = "Bearer let-me-in";
    for _ in 0..3 {
        assert_eq!(send(&daemon, good, "firing", "DiskFull").await, 202);
    }
    wait_for(|| issues(&rig).len() == 1);
    let shown = issues(&rig)[&1].clone();
    assert!(
        shown.contains("DiskFull: DiskFull on db-1") && shown.contains("@\u{200b}everyone"),
        "{shown}"
    );
    // It comes back while its issue is open: that is known.
    send(&daemon, good, "resolved", "DiskFull").await;
    send(&daemon, good, "firing", "DiskFull").await;
    wait_for(|| stored(&rig, "SELECT count(*) FROM findings WHERE state = 'opened'") == 1);
    assert_eq!(issues(&rig).len(), 1);
    // It comes back after its issue was closed: that is another one.
    send(&daemon, good, "resolved", "DiskFull").await;
    let file = std::fs::read_dir(rig.path("checkout/.autoissue/issues")).unwrap();
    let file = file.flatten().next().unwrap().path();
    let closed = shown
        .replacen("---\n", "---\nstate: closed\n", 1)
        .replace("state: open\n", "");
    std::fs::write(file, closed).unwrap();
    send(&daemon, good, "firing", "DiskFull").await;
    wait_for(|| issues(&rig).len() == 2);
    daemon.end();
}

#[tokio::test]
async fn alerts_that_are_asked_for_are_those_that_nobody_silenced() {
    let fake = fake_alertmanager::start(vec!["DiskFull", "quietOne"]);
    let feed = json!({ "kind": "alertmanager", "url": fake.url, "seconds": 5 });
    let rig = rig(&sources(&[feed]));
    let daemon = daemon(&rig);
    wait_for(|| issues(&rig).len() == 1);
    // Without its webhook's token none is taken from anybody.
    assert_eq!(send(&daemon, "Bearer x", "firing", "Other").await, 503);
    fake.state().clear();
    let gone = || stored(&rig, "SELECT count(*) FROM findings WHERE state = 'gone'") == 1;
    until(&daemon, gone).await;
    daemon.end();
    assert_eq!(titles(&rig), ["DiskFull: DiskFull on db-1"]);
}

const SECRET: &str = "It's a Secret to Everybody";

fn ended(branch: &str, run: u64) -> Value {
    json!({
        "action": "completed", "repository": { "full_name": "octo/widgets" },
        "workflow_run": {
            "id": run, "run_attempt": 1, "name": "CI", "status": "completed", "conclusion": "failure",
            "head_branch": branch, "head_sha": "a".repeat(40), "html_url": "https://forge.example/runs/7", "pull_requests": [],
        },
    })
}

/// GitHub's webhook tells that a run of a branch failed.
async fn tell_of(daemon: &Daemon, branch: &str, run: u64) {
    let body = ended(branch, run).to_string();
    let sent = daemon
        .client
        .post(format!("{}/webhook/github", daemon.url))
        .header("content-type", "application/json")
        .header("x-github-event", "workflow_run")
        .header("x-github-delivery", format!("delivery-{run}"))
        .header(
            "x-hub-signature-256",
            signature(SECRET.as_bytes(), body.as_bytes()),
        )
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 202);
}

#[tokio::test]
async fn a_red_base_branch_becomes_one_issue_with_the_log_as_soon_as_a_webhook_tells() {
    let mut stage = Stage::new(AGENT, None);
    stage.configure(&json!({
        "project": { "label": "go", "autoStart": true },
        "serve": {
            "pollSeconds": 3600, "maxMemoryPercent": 100, "minFreeDiskMb": 0,
            "sources": [{ "kind": "ci", "seconds": 3600 }],
        },
    }));
    let mut command = stage.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("GITHUB_WEBHOOK_SECRET", SECRET);
    let daemon = Daemon::of(&stage.rig, command);
    let looked = || {
        let heard = stage.fake.requests();
        let whole = heard.iter().filter(|asked| {
            // The last question of a look at what has no checks.
            asked.path.ends_with("/status")
                && !asked.path.contains("heads")
                && asked.status.is_some()
        });
        whole.count()
    };
    wait_for(|| looked() == 1);
    stage.fake.check_run(
        "main",
        "test",
        Some("failure"),
        "2026-01-01T00:00:00.0000000Z error: total is wrong\n",
    );
    stage.fake.check_run("main", "lint", Some("success"), "");
    let send = async |branch: &str, run: u64| tell_of(&daemon, branch, run).await;
    // The control: another branch is nobody's business.
    send("feature", 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((looked(), stage.fake.issues().len()), (1, 0));
    send("main", 2).await;
    wait_for(|| stage.fake.issues().len() == 1);
    let issue = stage.fake.issues().remove(0);
    assert_eq!(issue.title, "CI fails on main: test");
    let body = issue.body.unwrap();
    assert!(body.contains("== test ==\nerror: total is wrong"), "{body}");
    assert!(!stage.fake.labels(issue.number).contains(&"go".to_owned()));
    // It stays red, and another check is red as well: it is the same red branch.
    stage
        .fake
        .check_run("main", "lint", Some("failure"), "error: ugly\n");
    let seen = looked();
    send("main", 3).await;
    wait_for(|| looked() > seen);
    daemon.end();
    assert_eq!(stage.fake.issues().len(), 1);
    assert!(stage.runs().is_empty(), "nobody let it run");
    stage.assert_lawful();
}

/// Twelve errors are found while the daemon is killed again and again; tells how many issues they came to.
fn killed_while_finding(fault: &str) -> usize {
    const FOUND: u64 = 12;
    let errors = (1..=FOUND).map(|id| unresolved(id, "error", &format!("error {id}")));
    let fake = fake_sentry::start(errors.collect());
    let rig = rig(&sources(&[sentry(&fake.url, &json!({ "maxPerDay": 100 }))]));
    let opened = || {
        stored(
            &rig,
            "SELECT COUNT(*) FROM findings WHERE issue IS NOT NULL",
        )
    };
    for deaths in 1..=FOUND {
        let mut daemon = faulty(&rig, fault);
        // Wherever it is then: between the intent, the issue and the record.
        wait_for(|| issues(&rig).len() as u64 >= deaths || opened() >= FOUND.cast_signed());
        daemon.running.kill();
    }
    let daemon = faulty(&rig, fault);
    wait_for(|| opened() == FOUND.cast_signed());
    daemon.end();
    let titles = titles(&rig);
    for id in 1..=FOUND {
        let of = titles
            .iter()
            .filter(|title| title.ends_with(&format!("error {id}")));
        assert!(of.count() >= 1, "error {id} was lost: {titles:?}");
    }
    titles.len()
}

#[test]
fn what_is_found_becomes_one_issue_each_however_often_the_daemon_is_killed() {
    assert_eq!(killed_while_finding(""), 12);
}

/// The control: without looking first, a death between the issue and its record opens another one.
#[test]
fn without_a_look_some_are_opened_twice() {
    let twice = (0..5).any(|_| killed_while_finding("no-look") > 12);
    assert!(twice, "no death came between an issue and its record");
}
