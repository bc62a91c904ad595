//! Mail: to a real SMTP server, over TLS that is proven, or not at all.

use crate::rig::Ran;
use crate::stage::{AGENT, Stage};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const PASSWORD: &str = "correct-horse-battery";
const HOSTILE: &str = "Mend it\r\nBcc: everybody@example.com\r\n\r\n<img src=x onerror=alert(1)> \u{1b}[31mред 日本語";

/// A real server with a certificate of its own authority.
struct Smtp {
    server: Child,
    port: u16,
    mails: Receiver<Value>,
    home: tempfile::TempDir,
}

impl Smtp {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        certify(home.path());
        let python_path = std::env::var_os("AUTOISSUE_TEST_SMTPD");
        let python_path = python_path.expect("AUTOISSUE_TEST_SMTPD names no aiosmtpd: run the tests by `tests/run`, which installs it");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/smtpd.py");
        let mut server = Command::new("python3")
            .arg(script)
            .arg(home.path().join("leaf.pem"))
            .arg(home.path().join("leaf.key"))
            .arg(PASSWORD)
            .env("PYTHONPATH", python_path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let port = lines
            .next()
            .expect("it says its port")
            .unwrap()
            .parse()
            .unwrap();
        let (sender, mails) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        });
        Self {
            server,
            port,
            mails,
            home,
        }
    }

    fn ca(&self) -> PathBuf {
        self.home.path().join("ca.pem")
    }

    fn mail(&self) -> Value {
        self.mails.recv_timeout(Duration::from_secs(20)).unwrap()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// An authority, and a certificate for 127.0.0.1 that it signed.
pub(crate) fn certify(home: &Path) {
    let openssl = |args: &str| {
        let made = Command::new("openssl")
            .args(args.split(' '))
            .current_dir(home)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
    };
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=Authority",
    );
    openssl("req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=127.0.0.1");
    let extensions = "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n";
    std::fs::write(home.join("ext"), extensions).unwrap();
    openssl(
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out leaf.pem -days 2 -extfile ext",
    );
}

fn stage(smtp: &Smtp, change: &Value) -> Stage {
    let mut stage = Stage::new(AGENT, None);
    stage.configure(&json!({ "notify": { "email": {
        "server": "127.0.0.1", "port": smtp.port, "caFile": smtp.ca(),
        "user": "me", "password": "${SMTP_PASSWORD}",
        "from": "autoissue@example.com", "to": ["one@example.com", "two@example.com"],
    }}}));
    stage.configure(&json!({ "notify": { "email": change } }));
    stage
}

fn run(stage: &Stage, password: &str, args: &[&str]) -> Ran {
    let mut command = stage.command(args);
    command.env("SMTP_PASSWORD", password);
    command.output().unwrap().into()
}

fn tested(stage: &Stage, password: &str) -> Ran {
    run(stage, password, &["notify", "test"])
}

#[test]
fn mail_arrives_over_tls_and_a_hostile_title_is_text_in_it() {
    let smtp = Smtp::start();
    let stage = stage(&smtp, &json!({ "events": ["completed"] }));
    let ran = tested(&stage, PASSWORD);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "email: ok\n"),
        "{ran:?}"
    );
    let mail = smtp.mail();
    assert_eq!(mail["to"], json!(["one@example.com", "two@example.com"]));
    assert_eq!(mail["from"], "autoissue@example.com");
    assert_eq!(mail["tls"], true);
    stage
        .fake
        .add_issue(HOSTILE, "Write `file-1.txt`.", &["go"]);
    let ran = run(
        &stage,
        PASSWORD,
        &["exec", "go", "--isolation", "none", "--format", "json"],
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let mail = smtp.mail();
    let text = mail["text"].as_str().unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let names: Vec<&str> = head
        .lines()
        .filter_map(|line| Some(line.split_once(": ")?.0))
        .collect();
    assert!(!names.contains(&"Bcc"), "{head}");
    for name in ["From", "To", "Subject", "Auto-Submitted", "Date"] {
        assert_eq!(
            names.iter().filter(|own| **own == name).count(),
            1,
            "{name}: {head}"
        );
    }
    assert!(head.contains("text/plain; charset=utf-8"), "{head}");
    assert_eq!(
        mail["to"],
        json!(["one@example.com", "two@example.com"]),
        "nobody else got it"
    );
    assert!(!body.contains('\u{1b}') && !ran.said().contains(PASSWORD));
}

#[test]
fn without_a_proven_certificate_or_the_password_nothing_is_sent() {
    let smtp = Smtp::start();
    let refused = |change: Value, password: &str| {
        let ran = tested(&stage(&smtp, &change), password);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(!ran.said().contains(password), "{ran:?}");
        ran.stdout
    };
    let unknown = refused(json!({ "caFile": null }), PASSWORD);
    insta::assert_snapshot!(unknown, @"
    email: failed: invalid peer certificate: UnknownIssuer
      hint: look at notify.email.tls and port; a certificate of your own goes into notify.email.caFile
    ");
    let wrong = refused(json!({}), "wrong-password");
    insta::assert_snapshot!(wrong, @"
    email: failed: 535: 5.7.8 Authentication credentials invalid
      hint: look at notify.email.user and password; many servers want a password made for programs
    ");
    let bad_file = refused(json!({ "caFile": "../config" }), PASSWORD);
    assert!(bad_file.contains("notify.email.caFile"), "{bad_file}");
    assert!(smtp.mails.try_recv().is_err(), "nothing was sent");
    assert_eq!(
        tested(&stage(&smtp, &json!({})), PASSWORD).code,
        Some(0),
        "the control"
    );
}

#[test]
fn a_server_without_tls_gets_nothing_and_one_that_hangs_is_left() {
    let smtp = Smtp::start();
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, greeted) = (plain.local_addr().unwrap().port(), without_tls(plain));
    let ran = tested(&stage(&smtp, &json!({ "port": port })), PASSWORD);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    insta::assert_snapshot!(ran.stdout, @"
    email: failed: STARTTLS is not supported on this server
      hint: look at notify.email.tls and port; a certificate of your own goes into notify.email.caFile
    ");
    let said = greeted.join().unwrap();
    assert!(said.starts_with("EHLO "), "{said}");
    assert!(!said.contains("MAIL") && !said.contains("AUTH"), "{said}");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let begun = Instant::now();
    let ran = tested(&stage(&smtp, &json!({ "port": port })), PASSWORD);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(begun.elapsed() < Duration::from_secs(30));
    insta::assert_snapshot!(ran.stdout, @"
    email: failed: it does not answer in time
      hint: look at notify.email.server, port and tls: with `implicit` the port is 465, with `starttls` 587
    ");
}

/// A server that knows no TLS; gives all that it heard.
fn without_tls(listener: TcpListener) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 plain ESMTP\r\n").unwrap();
        let mut said = String::new();
        for line in BufReader::new(stream.try_clone().unwrap())
            .lines()
            .map_while(Result::ok)
        {
            said.extend([&line, "\n"]);
            let answer = if line.starts_with("QUIT") {
                "221 bye\r\n"
            } else {
                "250 plain\r\n"
            };
            if stream.write_all(answer.as_bytes()).is_err() {
                break;
            }
        }
        said
    })
}
