//! The dashboard in a real browser: signed in to, watched, clicked on, on a phone and on a desk, with and without scripts.

use crate::browsers::{Browser, DESK, PHONE, Window};
use crate::daemon_rig::{self, Daemon};
use crate::fake_sentry;
use crate::rig::{Rig, wait_for};
use crate::stage::Running;
use serde_json::{Value, json};
use std::path::Path;

/// Waits at its issue's gate where there is one, and fails at what is hopeless until somebody mends it.
const AGENT: &str = "#!/bin/sh\ncat > PLACE/told-$AUTOISSUE_ISSUE\nwhile [ -e PLACE/gate-$AUTOISSUE_ISSUE ]; do sleep 0.05; done\n\
    if [ ! -e PLACE/mended ] && grep -q 'a lost cause' PLACE/told-$AUTOISSUE_ISSUE; then echo no >&2; exit 1; fi\n\
    echo done > \"file-$AUTOISSUE_ISSUE.txt\"\necho '{\"cost_usd\": 0.25, \"summary\": \"did it\"}'\n";

const KEY: &str = "correct-horse";

/// A rig whose first failure opens the breaker for good, with an issue that waits for a yes, one that fails, and one that
/// takes until its gate opens.
fn rig() -> Rig {
    let rig = Rig::new();
    let place = rig.path("").display().to_string();
    let agent = AGENT.replace("PLACE", place.trim_end_matches('/'));
    let agent = rig.script("agent", &agent);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    rig.config(&json!({
        "agent": { "kind": "command", "command": [agent] },
        "executor": { "maxRetries": 0 },
        "breaker": { "failures": 1, "cooldownSeconds": 3600 },
        "dashboard": {
            "port": port.local_addr().unwrap().port(),
            "auth": { "enabled": true, "type": "basic", "username": "me", "password": KEY },
        },
        "routing": {
            "mode": "enforce",
            "rules": [
                { "name": "watched", "when": { "title": ["watched"] }, "suitability": "medium", "final": true, "because": "we said so" },
                { "name": "others", "when": { "title": ["thing"] }, "suitability": "high", "final": true, "because": "we said so" },
            ],
            "decisions": [{ "suitability": "medium", "route": "supervised" }, { "suitability": "high", "route": "autonomous" }],
        },
    }));
    rig.issue(1, "A long thing", "Write `file-1.txt`.");
    rig.issue(2, "A watched thing", "Write `file-2.txt`, and see to it.");
    rig.issue(
        3,
        "A hopeless thing",
        "Write `file-3.txt`. It is a lost cause.",
    );
    rig.write("gate-1", "");
    rig
}

/// Where the dashboard of this run or server is, without credentials and with them.
fn address(running: &Running, key: &str) -> (String, String) {
    let url = || {
        let said = running.said();
        let (_, rest) = said.split_once("Dashboard: http://")?;
        let (host, _) = rest.split_once("/\n")?;
        Some(host.to_owned())
    };
    wait_for(|| url().is_some() || running.said().contains("error:"));
    let host = url().unwrap_or_else(|| panic!("{}", running.said()));
    (format!("http://{host}"), format!("http://me:{key}@{host}"))
}

/// The row of an issue that stands like this.
fn row(title: &str, state: &str) -> String {
    format!("//tr[contains(th, '{title}')][contains(td/span, '{state}')]")
}

async fn sign_in(browser: &Browser, running: &Running) -> String {
    let (url, wrong) = address(running, "wrong-horse");
    for refused in [&url, &wrong] {
        browser.open(refused).await;
        let text = browser.text().await;
        assert!(!text.contains("Overview"), "{text}");
    }
    let (_, right) = address(running, KEY);
    browser.open(&right).await;
    browser.see("//h1").await;
    let refusals = browser.complaints().await;
    assert!(
        refusals.iter().any(|line| line.contains("401")),
        "{refusals:?}"
    );
    url
}

/// All of what a person does about a run: looks on, says yes, closes the breaker, has a failure tried again.
async fn a_person_steers_a_run(window: Window) {
    let rig = rig();
    let running = Running::start(&rig, rig.autoissue(&["exec", "go", "--dashboard"]));
    let browser = Browser::start(window).await;
    let url = sign_in(&browser, &running).await;
    browser.open(&url).await;
    browser.see(&row("A long thing", "agent")).await;
    browser.see(&row("A hopeless thing", "failed")).await;
    // The page stays the same one: what changes on it comes by itself.
    browser.execute("window.kept = true").await;
    browser.see("//*[@id='live'][text()='live']").await;
    browser
        .see("//p[contains(., 'circuit breaker is open')]")
        .await;
    browser
        .click(&format!(
            "{}//a[text()='Answer']",
            row("A watched thing", "approval")
        ))
        .await;
    browser.click("//button[text()='Approve']").await;
    browser.leave("#answer").await;
    browser.see("//li[contains(., '#2 approved')]").await;
    browser.open(&url).await;
    browser.execute("window.kept = true").await;
    browser.click("//button[text()='Close the breaker']").await;
    browser.see(&row("A watched thing", "completed")).await;
    rig.write("mended", "");
    browser
        .click(&format!(
            "{}//button[text()='Retry']",
            row("A hopeless thing", "failed")
        ))
        .await;
    browser.see(&row("A hopeless thing", "completed")).await;
    browser.execute("window.kept = true").await;
    std::fs::remove_file(rig.path("gate-1")).unwrap();
    browser.see(&row("A long thing", "completed")).await;
    assert_eq!(
        browser.execute("return window.kept").await,
        true,
        "nobody loaded it anew"
    );
    let complaints = browser.complaints().await;
    let ended = |line: &&String| line.contains("/live") || line.contains("ERR_CONNECTION_REFUSED");
    let other: Vec<_> = complaints.iter().filter(|line| !ended(line)).collect();
    assert!(other.is_empty(), "{other:?}");
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let audit = rig.run(&["audit", "--json"]).said();
    let by_hand = audit.lines().filter(|line| line.contains("the dashboard"));
    assert_eq!(
        by_hand.count(),
        3,
        "a yes, the breaker, another try: {audit}"
    );
}

#[tokio::test]
async fn a_run_is_watched_and_steered_on_a_desk() {
    a_person_steers_a_run(DESK).await;
}

#[tokio::test]
async fn a_run_is_watched_and_steered_on_a_phone() {
    a_person_steers_a_run(PHONE).await;
}

#[tokio::test]
async fn without_scripts_the_same_can_be_done() {
    let rig = rig();
    let running = Running::start(&rig, rig.autoissue(&["exec", "go", "--dashboard"]));
    let browser = Browser::start(DESK).await;
    browser.without_scripts().await;
    let url = sign_in(&browser, &running).await;
    browser.open(&url).await;
    browser.see(&row("A hopeless thing", "failed")).await;
    browser
        .click(&format!(
            "{}//a[text()='Answer']",
            row("A watched thing", "approval")
        ))
        .await;
    browser.click("//button[text()='Approve']").await;
    browser.leave("#answer").await;
    browser.open(&url).await;
    browser.click("//button[text()='Close the breaker']").await;
    browser.see(&row("A watched thing", "completed")).await;
    rig.write("mended", "");
    browser
        .click(&format!(
            "{}//button[text()='Retry']",
            row("A hopeless thing", "failed")
        ))
        .await;
    // Nobody asks for it again: the page does.
    browser.see(&row("A hopeless thing", "completed")).await;
    browser.see(&row("A watched thing", "completed")).await;
    std::fs::remove_file(rig.path("gate-1")).unwrap();
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[tokio::test]
async fn every_page_is_fit_for_everybody_in_light_and_dark_on_a_phone_and_on_a_desk() {
    let (rig, served) = shop();
    let (url, _) = address(&served, "");
    let browser = Browser::start(DESK).await;
    let pages = pages(&rig);
    for (window, scheme) in [
        (DESK, "light"),
        (DESK, "dark"),
        (PHONE, "light"),
        (PHONE, "dark"),
    ] {
        browser.resize(window).await;
        browser.prefer(scheme).await;
        for path in &pages {
            browser.open(&format!("{url}{path}")).await;
            let place = format!("{path} {scheme} {window:?}");
            browser.text().await;
            assert_eq!(browser.faults().await, [""; 0], "{place}");
            assert_eq!(browser.sticks_out().await, 0, "{place}");
            let complaints = browser.complaints().await;
            let other = complaints.iter().filter(|line| !line.contains("404"));
            assert_eq!(other.count(), 0, "{place} {complaints:?}");
        }
    }
    // The controls: what is planted is found.
    let plant = "const main = document.querySelector('main'); main.innerHTML += '<img src=\"data:,\">'; main.style.minWidth = '3000px'; console.error('planted')";
    browser.execute(plant).await;
    let faults = browser.faults().await;
    assert!(
        faults.iter().any(|line| line.contains("image-alt")),
        "{faults:?}"
    );
    assert!(browser.sticks_out().await > 1000);
    let complaints = browser.complaints().await;
    assert!(
        complaints.iter().any(|line| line.contains("planted")),
        "{complaints:?}"
    );
    served.interrupt();
    assert_eq!(served.end().code, Some(0));
}

#[tokio::test]
async fn how_sources_of_work_stand_is_fit_for_everybody_on_a_phone_and_on_a_desk() {
    let fake = fake_sentry::start(vec![]);
    let jira = json!({
        "kind": "jira", "name": "a-board-with-quite-a-long-name-of-its-own", "url": "http://127.0.0.1:9",
        "user": "me@example.com", "token": "${JIRA_TOKEN}", "jql": "project = SHOP",
    });
    let sentry = json!({
        "kind": "sentry", "url": fake.url, "organization": "acme", "sentryProject": "shop", "token": "${SENTRY_TOKEN}",
    });
    let rig = daemon_rig::rig(&json!({ "serve": { "sources": [jira, sentry] } }));
    let mut serve = rig.autoissue(&["serve", "--listen", "127.0.0.1:0"]);
    serve
        .env("JIRA_TOKEN", "x")
        .env("SENTRY_TOKEN", fake_sentry::TOKEN);
    let daemon = Daemon::of(&rig, serve);
    let browser = Browser::start(DESK).await;
    browser.open(&format!("{}/projects", daemon.url)).await;
    browser.see("//li/span[contains(text(),'in a row')]").await;
    browser.see("//li/span[text()='answers']").await;
    for (window, scheme) in [(DESK, "light"), (PHONE, "light"), (PHONE, "dark")] {
        browser.resize(window).await;
        browser.prefer(scheme).await;
        for path in ["/projects", "/projects/checkout"] {
            browser.open(&format!("{}{path}", daemon.url)).await;
            let place = format!("{path} {scheme} {window:?}");
            assert!(browser.text().await.contains("Other sources"), "{place}");
            assert_eq!(browser.faults().await, [""; 0], "{place}");
            assert_eq!(browser.sticks_out().await, 0, "{place}");
        }
    }
    browser.open(&format!("{}/projects", daemon.url)).await;
    keep("sources-phone", &browser.picture().await);
    daemon.end();
}

/// Kept below `target/`; with `AUTOISSUE_WRITE_SCREENSHOTS=1` they become those that the README shows.
#[tokio::test]
async fn pictures_are_taken_of_a_run_and_of_what_it_came_to() {
    let rig = Rig::new();
    let demo = Running::start(&rig, rig.autoissue(&["demo", "--dir", "shop"]));
    wait_for(|| demo.said().contains("#3 "));
    let served = serve_shop(&rig);
    let (url, _) = address(&served, "");
    let browser = Browser::start((1300, 760)).await;
    browser.prefer("light").await;
    browser.open(&url).await;
    browser.see("//td/span[text()='completed']").await;
    keep("overview-light", &browser.picture().await);
    browser.open(&format!("{url}/graph")).await;
    keep("graph", &browser.picture().await);
    browser.prefer("dark").await;
    browser.open(&url).await;
    keep("overview-dark", &browser.picture().await);
    assert_eq!(demo.end().code, Some(0));
    browser.prefer("light").await;
    for name in ["timeline", "budget"] {
        browser.open(&format!("{url}/{name}")).await;
        keep(name, &browser.picture().await);
    }
    browser.resize(PHONE).await;
    browser.open(&url).await;
    keep("phone", &browser.picture().await);
}

pub(crate) fn keep(name: &str, picture: &[u8]) {
    assert!(picture.starts_with(b"\x89PNG"), "{name}");
    let kilobytes = picture.len() / 1_000;
    assert!((10..150).contains(&kilobytes), "{name} has {kilobytes} kB");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut places = vec![Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard")];
    if std::env::var_os("AUTOISSUE_WRITE_SCREENSHOTS").is_some() {
        places.push(root.join("examples/dashboard"));
    }
    for place in places {
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join(format!("{name}.png")), picture).unwrap();
    }
}

/// The demo's tea shop, once its agents are done, and a server that shows it.
fn shop() -> (Rig, Running) {
    let rig = Rig::new();
    let demo = rig.run(&["demo", "--dir", "shop"]);
    assert_eq!(demo.code, Some(0), "{demo:?}");
    let served = serve_shop(&rig);
    (rig, served)
}

fn serve_shop(rig: &Rig) -> Running {
    let mut serve = rig.autoissue(&["serve", "--listen", "127.0.0.1:0"]);
    serve.env("AUTOISSUE_STATE_DIR", rig.checkout().join("shop/state"));
    Running::start(rig, serve)
}

fn pages(rig: &Rig) -> Vec<String> {
    let mut status = rig.autoissue(&["status", "--format", "json"]);
    status.env("AUTOISSUE_STATE_DIR", rig.checkout().join("shop/state"));
    let status = status.output().unwrap();
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    let session = status["sessions"][0]["session"].as_str().unwrap();
    let session = format!("/sessions/{session}");
    [
        "/",
        &session,
        &format!("{session}?state=failed&q=x"),
        &format!("{session}/issues/4"),
        &format!("{session}/issues/11"),
        "/timeline",
        "/graph",
        "/budget",
        "/settings",
        "/figures",
        "/api/docs",
        "/nothing",
    ]
    .iter()
    .map(|page| (*page).to_owned())
    .collect()
}
