//! The webhook's receiver of the real binary: who is let in, what is kept, and what follows.

use crate::daemon_rig::{Daemon, rig};
use crate::notify_email::certify;
use crate::rig::{Rig, wait_for};
use crate::stage::Stage;
use autoissue::rules::signature::signature;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const SECRET: &str = "It's a Secret to Everybody";

fn daemon(rig: &Rig) -> Daemon {
    let mut command = rig.autoissue(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("GITHUB_WEBHOOK_SECRET", SECRET);
    Daemon::of(rig, command)
}

fn labeled(at: u64) -> Value {
    json!({
        "action": "labeled", "repository": { "full_name": "octo/widgets" }, "label": { "name": "go" },
        "issue": { "number": 1, "updated_at": format!("2026-01-01T00:00:00.{at:05}Z") },
    })
}

fn unsigned(daemon: &Daemon, event: &str, name: &str, body: &[u8]) -> RequestBuilder {
    let request = daemon.client.post(format!("{}/webhook/github", daemon.url));
    request
        .header("content-type", "application/json")
        .header("x-github-event", event)
        .header("x-github-delivery", name)
        .body(body.to_vec())
}

fn signed(daemon: &Daemon, event: &str, name: &str, body: &[u8]) -> RequestBuilder {
    let signature = signature(SECRET.as_bytes(), body);
    unsigned(daemon, event, name, body).header("x-hub-signature-256", signature)
}

async fn told(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

async fn word(request: RequestBuilder) -> String {
    let (status, told) = told(request).await;
    format!("{status} {}", told["status"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn what_is_not_signed_is_refused_and_what_is_comes_in_once() {
    let rig = rig(&json!({}));
    let daemon = daemon(&rig);
    let body = labeled(1).to_string();
    let body = body.as_bytes();
    let good = signature(SECRET.as_bytes(), body);
    let digits = good.strip_prefix("sha256=").unwrap();
    let wrong = [
        String::new(),
        "sha256=".to_owned(),
        format!("sha1={digits}"),
        format!("sha256={}", digits.to_uppercase()),
        format!("sha256={}", &digits[2..]),
        signature(b"another secret", body),
        signature(SECRET.as_bytes(), b"another body"),
    ];
    let (status, _) = told(unsigned(&daemon, "issues", "a", body)).await;
    assert_eq!(status, 401);
    for given in wrong {
        let request = unsigned(&daemon, "issues", "a", body).header("x-hub-signature-256", &given);
        assert_eq!(told(request).await.0, 401, "{given}");
    }
    assert_eq!(
        word(signed(&daemon, "issues", "a", body)).await,
        "202 accepted"
    );
    assert_eq!(
        word(signed(&daemon, "issues", "a", body)).await,
        "202 known",
        "a replay"
    );
    assert_eq!(
        word(signed(&daemon, "issues", "b", body)).await,
        "202 known",
        "the same meaning"
    );
    let other = labeled(2).to_string();
    assert_eq!(
        word(signed(&daemon, "issues", "c", other.as_bytes())).await,
        "202 accepted"
    );
    assert_eq!(word(signed(&daemon, "ping", "d", b"{}")).await, "200 pong");
    daemon.end();
}

#[tokio::test]
async fn bodies_that_are_none_are_named() {
    let rig = rig(&json!({}));
    let daemon = daemon(&rig);
    for (event, body) in [
        ("issues", &b"[]"[..]),
        ("issues", b"{"),
        ("issues", b""),
        ("push", b"\xef\xbb\xbf{}"),
    ] {
        let (status, told) = told(signed(&daemon, event, "a", body)).await;
        assert_eq!(status, 400, "{told}");
    }
    let form = signed(&daemon, "issues", "a", b"payload=%7B%7D")
        .header("content-type", "application/x-www-form-urlencoded");
    let (status, told) = told(form).await;
    // Two headers of one name: neither is a form's alone.
    assert!(matches!(status, 400 | 415), "{told}");
    let nameless = signed(&daemon, "issues", "", b"{}");
    assert_eq!(self::told(nameless).await.0, 400);
    let long = signed(&daemon, "issues", &"x".repeat(101), b"{}");
    assert_eq!(self::told(long).await.0, 400);
    // What nobody knows is an event as well.
    assert_eq!(
        word(signed(&daemon, "no_such_event", "e", b"{}")).await,
        "202 accepted"
    );
    let large = vec![b' '; (25 << 20) + 1];
    let refused = signed(&daemon, "issues", "f", &large).send().await;
    assert!(refused.is_err() || refused.unwrap().status() == StatusCode::PAYLOAD_TOO_LARGE);
    let mut largest = vec![b' '; 25 << 20];
    largest[0] = b'{';
    largest[(25 << 20) - 1] = b'}';
    assert_eq!(
        word(signed(&daemon, "issues", "g", &largest)).await,
        "202 accepted"
    );
    daemon.end();
}

#[tokio::test]
async fn without_a_secret_none_is_taken_and_only_configured_addresses_may_send() {
    let rig = rig(
        &json!({ "serve": { "allowFrom": ["192.0.2.0/24"], "trustedProxies": ["127.0.0.1"] } }),
    );
    let without = Daemon::start(&rig);
    let from = |request: RequestBuilder, address: &str| request.header("x-forwarded-for", address);
    let request = from(signed(&without, "issues", "a", b"{}"), "192.0.2.7");
    assert_eq!(told(request).await.0, 503);
    without.end();
    let daemon = daemon(&rig);
    let check = async |address: &str| {
        told(from(signed(&daemon, "issues", "a", b"{}"), address))
            .await
            .0
    };
    assert_eq!(check("192.0.2.7").await, 202);
    assert_eq!(check("198.51.100.1").await, 403);
    assert_eq!(
        check("192.0.2.7, 198.51.100.1").await,
        403,
        "what stands before it anybody could write"
    );
    assert_eq!(told(signed(&daemon, "issues", "a", b"{}")).await.0, 403);
    daemon.end();
}

#[tokio::test]
async fn who_is_slow_is_left_and_holds_nobody_up() {
    let rig = rig(&json!({}));
    let daemon = daemon(&rig);
    let address = daemon.url.strip_prefix("http://").unwrap().to_owned();
    let mut slow = Vec::new();
    for _ in 0..64 {
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "POST /webhook/github HTTP/1.1\r\nHost: {address}\r\nX-Hub-Signature-256: sha256={}\r\nContent-Length: 26214400\r\n\r\n{{",
            "a".repeat(64)
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let asked = Instant::now();
    assert_eq!(
        word(signed(&daemon, "issues", "a", b"{}")).await,
        "202 accepted"
    );
    assert!(asked.elapsed() < Duration::from_secs(5));
    let mut answer = String::new();
    let read = slow[0].read_to_string(&mut answer);
    // It is told why, and its connection is closed.
    let _ = tokio::time::timeout(Duration::from_secs(15), read).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    daemon.end();
}

#[tokio::test]
async fn a_delivery_wakes_the_daemon_long_before_it_would_ask() {
    let mut stage = Stage::new(
        "#!/bin/sh\ncat > /dev/null\necho done > file.txt\necho '{\"cost_usd\": 0.25, \"summary\": \"did it\"}'\n",
        None,
    );
    stage.configure(&json!({
        "project": { "label": "go", "autoStart": true },
        "serve": { "pollSeconds": 3600, "maxMemoryPercent": 100, "minFreeDiskMb": 0 },
    }));
    let mut command = stage.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("GITHUB_WEBHOOK_SECRET", SECRET);
    let daemon = Daemon::of(&stage.rig, command);
    loop {
        let project = daemon.project().await;
        if project["source"]["synced"].is_string() {
            assert_eq!(project["repo"], "octo/widgets");
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stage.issue(1, &["go"]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.heads(), [""; 0], "the control: nobody told it");
    let body = labeled(1).to_string();
    assert_eq!(
        word(signed(&daemon, "issues", "a", body.as_bytes())).await,
        "202 accepted"
    );
    wait_for(|| stage.heads().len() == 1);
    daemon.says("checkout: done");
    let said = daemon.end();
    assert_eq!(said.matches("works on #1").count(), 1, "{said}");
}

#[tokio::test]
async fn a_push_to_the_base_branch_has_pulls_and_ci_looked_at() {
    let mut stage = Stage::new(
        "#!/bin/sh\ncat > /dev/null\necho done > file.txt\necho '{\"cost_usd\": 0.25, \"summary\": \"did it\"}'\n",
        None,
    );
    stage.configure(&json!({
        "project": { "label": "go", "autoStart": true },
        "serve": {
            "pollSeconds": 3600, "maxMemoryPercent": 100, "minFreeDiskMb": 0,
            "sources": [{ "kind": "ci", "seconds": 3600 }],
        },
    }));
    stage.issue(1, &["go"]);
    let mut command = stage.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("GITHUB_WEBHOOK_SECRET", SECRET);
    let daemon = Daemon::of(&stage.rig, command);
    daemon.says("checkout: done");
    let asked = async || daemon.project().await["sources"][0]["asked"].clone();
    let before = asked().await;
    let push = async |branch: &str| {
        let body = json!({
            "ref": format!("refs/heads/{branch}"), "after": branch, "repository": { "full_name": "octo/widgets" },
        });
        let body = body.to_string();
        let taken = word(signed(&daemon, "push", branch, body.as_bytes())).await;
        assert_eq!(taken, "202 accepted");
    };
    push("another").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let looks = "looks after its open pulls";
    assert!(!daemon.running.said().contains(looks), "the control");
    assert_eq!(asked().await, before, "the control");
    push("main").await;
    daemon.says(looks);
    while asked().await == before {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    daemon.end();
}

/// GitHub's own examples, as `@octokit/webhooks-examples` publishes them.
fn examples() -> Vec<(String, Value)> {
    let file = std::env::var("AUTOISSUE_TEST_WEBHOOKS").expect(
        "AUTOISSUE_TEST_WEBHOOKS names no file: run the tests by `tests/run`, which fetches it",
    );
    let text = std::fs::read_to_string(file).unwrap();
    let events: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut examples = Vec::new();
    for event in &events {
        let name = event["name"].as_str().unwrap();
        for example in event["examples"].as_array().unwrap() {
            examples.push((name.to_owned(), example.clone()));
        }
    }
    examples
}

#[tokio::test]
async fn all_published_examples_are_taken() {
    let rig = rig(&json!({}));
    let daemon = daemon(&rig);
    let examples = examples();
    assert_eq!(examples.len(), 329);
    let (mut accepted, mut pongs) = (0, 0);
    for (at, (event, body)) in examples.iter().enumerate() {
        let body = body.to_string();
        let request = signed(&daemon, event, &format!("delivery-{at}"), body.as_bytes());
        match word(request).await.as_str() {
            "202 accepted" => accepted += 1,
            "200 pong" => pongs += 1,
            // Some stand there twice.
            "202 known" => {}
            other => panic!("{event}: {other}"),
        }
    }
    assert_eq!(pongs, 4);
    assert!(accepted > 250, "{accepted}");
    daemon.end();
}

#[tokio::test]
async fn with_a_certificate_of_its_own_it_serves_https_and_nothing_else() {
    let rig = rig(&json!({ "serve": { "tls": { "cert": "../leaf.pem", "key": "../leaf.key" } } }));
    let refused = rig.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("leaf.pem"), "{refused:?}");
    certify(&rig.path(""));
    let mut daemon = daemon(&rig);
    let body = b"{}";
    let plain = daemon
        .client
        .get(format!("http://{}/health", &daemon.url["https://".len()..]));
    assert!(
        !plain
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
    );
    let stranger = daemon
        .client
        .get(format!("{}/health", daemon.url))
        .send()
        .await;
    assert!(
        stranger.is_err(),
        "the control: a client that does not know who signed it"
    );
    let authority = std::fs::read(rig.path("ca.pem")).unwrap();
    let authority = reqwest::Certificate::from_pem(&authority).unwrap();
    daemon.client = reqwest::Client::builder()
        .tls_certs_merge([authority])
        .build()
        .unwrap();
    assert_eq!(
        word(signed(&daemon, "issues", "a", body)).await,
        "202 accepted"
    );
    assert_eq!(daemon.json("/api/health").await["status"], "ok");
    daemon.end();
}
