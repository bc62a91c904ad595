//! The way into a running `serve`: over TLS by a real browser, and what of it is taken up while it runs.

use crate::browsers::{Browser, DESK};
use crate::daemon_rig::{Daemon, configure, rig};
use crate::notify_email::certify;
use crate::rig::{Ran, Rig};
use reqwest::{Certificate, Client, RequestBuilder};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn over_tls() -> (Rig, Daemon) {
    let rig = rig(&json!({ "serve": { "tls": { "cert": "../leaf.pem", "key": "../leaf.key" } } }));
    certify(&rig.path(""));
    let daemon = Daemon::start(&rig);
    (rig, daemon)
}

/// One that knows who signs certificates here by now, and whose connections are its own.
fn acquainted(rig: &Rig) -> Client {
    let authority = std::fs::read(rig.path("ca.pem")).unwrap();
    let authority = Certificate::from_pem(&authority).unwrap();
    let client = Client::builder().tls_certs_merge([authority]);
    client.timeout(Duration::from_secs(20)).build().unwrap()
}

#[tokio::test]
async fn a_browser_comes_in_over_http_2_and_acts_by_its_forms() {
    let (_rig, daemon) = over_tls();
    let browser = Browser::start(DESK).await;
    browser.open(&format!("{}/projects", daemon.url)).await;
    browser.see("//h1[text()='Projects']").await;
    let spoken = "return performance.getEntriesByType('navigation')[0].nextHopProtocol";
    assert_eq!(browser.execute(spoken).await, "h2");
    browser
        .click("//button[starts-with(normalize-space(), 'Pause')]")
        .await;
    browser
        .see("//button[starts-with(normalize-space(), 'Start by itself')]")
        .await;
    daemon.end();
}

#[tokio::test]
async fn a_certificate_that_is_written_anew_is_taken_up() {
    let (rig, daemon) = over_tls();
    let health = format!("{}/health", daemon.url);
    let before = std::fs::read(rig.path("ca.pem")).unwrap();
    let known = acquainted(&rig).get(&health).send().await.unwrap();
    assert!(known.status().is_success(), "the control");
    certify(&rig.path(""));
    assert_ne!(std::fs::read(rig.path("ca.pem")).unwrap(), before);
    let until = Instant::now() + Duration::from_secs(60);
    while acquainted(&rig).get(&health).send().await.is_err() {
        assert!(Instant::now() < until, "{}", daemon.running.said());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    rig.write("ca.pem", std::str::from_utf8(&before).unwrap());
    let late = acquainted(&rig).get(&health).send().await;
    assert!(late.is_err(), "who knows the old one alone");
    // What is no certificate takes the place of none.
    let sound = std::fs::read_to_string(rig.path("leaf.pem")).unwrap();
    rig.write("leaf.pem", "no certificate");
    daemon.says("stays as it was");
    let blind = Client::builder().tls_danger_accept_invalid_certs(true);
    let blind = blind.build().unwrap();
    let answer = blind.get(&health).send().await.unwrap();
    assert!(answer.status().is_success());
    rig.write("leaf.pem", &sound);
    daemon.end();
}

fn locked(token: &str, hosts: &[&str]) -> Value {
    json!({ "dashboard": {
        "hosts": hosts, "auth": { "enabled": true, "type": "token", "token": token },
    } })
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

/// What comes of this token, and of this name.
async fn asked(daemon: &Daemon, token: &str, host: Option<&str>) -> u16 {
    let mut request = daemon.client.get(format!("{}/api/projects", daemon.url));
    if let Some(host) = host {
        request = request.header("host", host);
    }
    status(request.bearer_auth(token)).await
}

#[tokio::test]
async fn credentials_and_names_are_taken_up_and_open_doors_are_not() {
    let rig = rig(&locked("the-first-of-ours", &[]));
    let mut command = rig.autoissue(&["serve", "--listen", "0.0.0.0:0"]);
    command.env_remove("AUTOISSUE_DASHBOARD_TOKEN");
    let daemon = Daemon::of(&rig, command);
    let named = Some("house.example");
    assert_eq!(asked(&daemon, "the-first-of-ours", None).await, 200);
    assert_eq!(asked(&daemon, "the-first-of-ours", named).await, 421);
    configure(&rig, &locked("the-second-of-ours", &["house.example"]));
    daemon.says("read anew");
    assert_eq!(asked(&daemon, "the-first-of-ours", None).await, 401);
    assert_eq!(asked(&daemon, "the-second-of-ours", None).await, 200);
    assert_eq!(asked(&daemon, "the-second-of-ours", named).await, 200);
    // Others can reach it: without credentials nothing of the new one counts.
    configure(
        &rig,
        &json!({ "dashboard": { "hosts": ["barn.example"] }, "serve": { "maxSessions": 7 } }),
    );
    daemon.says("stays as it was");
    assert!(
        daemon.running.said().contains("no credentials"),
        "{}",
        daemon.running.said()
    );
    assert_eq!(asked(&daemon, "anything", None).await, 401);
    assert_eq!(asked(&daemon, "the-second-of-ours", named).await, 200);
    let barn = Some("barn.example");
    assert_eq!(asked(&daemon, "the-second-of-ours", barn).await, 421);
    let settings = daemon.client.get(format!("{}/settings", daemon.url));
    let settings = settings.bearer_auth("the-second-of-ours").send().await;
    let settings = settings.unwrap().text().await.unwrap();
    assert!(settings.contains("no credentials"), "{settings}");
    daemon.end();
}

#[tokio::test]
async fn on_this_machine_alone_credentials_may_go() {
    let rig = rig(&locked("the-first-of-ours", &[]));
    let daemon = Daemon::start(&rig);
    assert_eq!(asked(&daemon, "anything", None).await, 401);
    configure(&rig, &json!({}));
    daemon.says("read anew");
    assert_eq!(asked(&daemon, "anything", None).await, 200);
    daemon.end();
}

/// What runs in a box with our network reaches every port of this machine, and would answer for us.
#[tokio::test]
async fn where_agents_reach_it_it_asks_for_credentials() {
    let rig = rig(&json!({ "sandbox": { "network": "open" } }));
    let serve = |isolation: &str| {
        let mut command = rig.autoissue(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("AUTOISSUE_ISOLATION", isolation);
        command
    };
    let refused: Ran = serve("auto").output().unwrap().into();
    assert_eq!(refused.code, Some(1), "{refused:?}");
    for words in ["agents can reach it there", "dashboard.auth"] {
        assert!(refused.stderr.contains(words), "{refused:?}");
    }
    let mut locked = serve("auto");
    locked.env("AUTOISSUE_DASHBOARD_TOKEN", "a token for this test");
    Daemon::of(&rig, locked).end();
    // Controls: without a box there is nothing to keep closed, and by the proxy nobody reaches it.
    Daemon::of(&rig, serve("none")).end();
    configure(&rig, &json!({}));
    Daemon::of(&rig, serve("auto")).end();
}
