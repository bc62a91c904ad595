//! Who takes a connection and says little: how long `serve` waits, and that everybody else is answered.

use crate::daemon_rig::{Daemon, rig};
use crate::notify_email::certify;
use reqwest::Client;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// As many as it has places.
const PLACES: usize = 256;

/// Takes all places, says this on every second one, and waits until others are answered.
async fn besieged(daemon: &Daemon, client: &Client, said: &[u8]) {
    let (_, address) = daemon.url.split_once("://").unwrap();
    let health = format!("{}/health", daemon.url);
    let mut idle = Vec::new();
    for at in 0..PLACES {
        let mut stream = TcpStream::connect(address).await.unwrap();
        if at % 2 == 0 {
            stream.write_all(said).await.unwrap();
        }
        idle.push(stream);
    }
    let asked = client.get(&health).timeout(Duration::from_secs(2)).send();
    assert!(
        asked.await.is_err(),
        "the control: there is a place for nobody else"
    );
    let asked = client.get(&health).timeout(Duration::from_secs(40)).send();
    assert!(asked.await.unwrap().status().is_success());
    for mut stream in idle {
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        // Closed in whatever way.
        let _ = timeout(Duration::from_secs(20), ended).await.expect("left");
    }
}

#[tokio::test]
async fn who_says_nothing_or_half_of_it_holds_nobody_up() {
    let rig = rig(&json!({}));
    let daemon = Daemon::start(&rig);
    let half = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-";
    besieged(&daemon, &Client::new(), half).await;
    daemon.end();
}

#[tokio::test]
async fn over_tls_who_says_nothing_or_half_of_it_holds_nobody_up() {
    let rig = rig(&json!({ "serve": { "tls": { "cert": "../leaf.pem", "key": "../leaf.key" } } }));
    certify(&rig.path(""));
    let daemon = Daemon::start(&rig);
    let client = Client::builder().tls_danger_accept_invalid_certs(true);
    // The beginning of a handshake.
    besieged(&daemon, &client.build().unwrap(), &[22, 3, 1, 1, 0]).await;
    daemon.end();
}

#[tokio::test]
async fn a_slow_body_is_cut_off_and_a_stream_goes_on() {
    let rig = rig(&json!({}));
    let daemon = Daemon::start(&rig);
    let stream = daemon.client.get(format!("{}/api/events", daemon.url));
    let stream = stream.timeout(Duration::from_secs(60)).send();
    let mut stream = stream.await.unwrap();
    let address = daemon.url.strip_prefix("http://").unwrap().to_owned();
    let send = async |body: &str| {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "POST /api/projects HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nConnection: close\r\n\
             Content-Length: 2\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        let _ = timeout(Duration::from_secs(30), read).await;
        answer
    };
    let whole = send("{}").await;
    assert!(whole.starts_with("HTTP/1.1 422"), "the control: {whole}");
    let slow = send("{").await;
    assert!(slow.starts_with("HTTP/1.1 408"), "{slow}");
    // Longer than a head may take it says nothing; then that it is still there.
    let said = timeout(Duration::from_secs(30), stream.chunk()).await;
    assert!(said.unwrap().unwrap().is_some());
    daemon.end();
}
