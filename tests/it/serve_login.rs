//! Who comes in at the dashboard: hashes of passwords, credentials of the environment, and what is said of a plain one.

use crate::rig::{Ran, Rig};
use crate::serve::{Served, rig};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::Stdio;

const PASSWORD: &str = "correct horse battery";
const ARGS: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

/// The hash as the command makes it, of what it is given on stdin.
fn hash(rig: &Rig, password: &str) -> (Option<i32>, String) {
    let mut command = rig.autoissue(&["config", "hash-password"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(password.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = if output.status.success() {
        output.stdout
    } else {
        output.stderr
    };
    (output.status.code(), String::from_utf8(said).unwrap())
}

fn locked(auth: &Value) -> Rig {
    rig(&json!({ "dashboard": { "auth": auth } }))
}

async fn status(served: &Served, name: &str, password: &str) -> StatusCode {
    let asked = served.get("/").basic_auth(name, Some(password));
    asked.send().await.unwrap().status()
}

#[tokio::test]
async fn a_password_opens_by_its_hash_alone_and_only_the_first_time_costs() {
    let (code, made) = hash(&rig(&json!({})), &format!("{PASSWORD}\n"));
    assert_eq!(code, Some(0), "{made}");
    assert!(made.starts_with("$argon2id$v=19$"), "{made}");
    assert!(!made.contains("correct"), "{made}");
    let auth =
        json!({ "enabled": true, "type": "basic", "username": "me", "passwordHash": made.trim() });
    let rig = locked(&auth);
    let shown = rig.run(&["config", "show"]).said();
    assert!(!shown.contains("argon2id"), "{shown}");
    let served = Served::start_with(&rig, &ARGS, &[]);
    assert!(!served.running.said().contains("as itself"));
    for (name, password) in [
        ("me", "wrong"),
        ("you", PASSWORD),
        ("me", made.trim()),
        ("me", ""),
    ] {
        assert_eq!(
            status(&served, name, password).await,
            StatusCode::UNAUTHORIZED,
            "{name} {password}"
        );
    }
    for _ in 0..30 {
        assert_eq!(status(&served, "me", PASSWORD).await, StatusCode::OK);
    }
    // Guesses at once are bounded as well; the control is what came before.
    let guesses = (0..40).map(|_| status(&served, "me", "guess"));
    let answers = futures::future::join_all(guesses).await;
    let unheard = answers
        .iter()
        .filter(|it| **it == StatusCode::TOO_MANY_REQUESTS);
    assert!(unheard.count() >= 29, "{answers:?}");
    assert_eq!(
        status(&served, "me", PASSWORD).await,
        StatusCode::TOO_MANY_REQUESTS
    );
    served.end();
}

#[tokio::test]
async fn credentials_of_the_environment_count_by_themselves_and_before_the_file() {
    // A type that asks for a token, and the token is in the environment alone.
    let rig = locked(&json!({ "enabled": true, "type": "token" }));
    let served = Served::start_with(
        &rig,
        &ARGS,
        &[("AUTOISSUE_DASHBOARD_TOKEN", "of-the-environment")],
    );
    assert_eq!(
        served.get("/").send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    let known = served.get("/").bearer_auth("of-the-environment");
    assert_eq!(known.send().await.unwrap().status(), StatusCode::OK);
    // A browser asks for a name and a password.
    let asked = served.get("/").send().await.unwrap();
    let challenge = asked.headers()["www-authenticate"].to_str().unwrap();
    assert!(
        challenge.starts_with("Basic ") && challenge.contains("token"),
        "{challenge}"
    );
    assert_eq!(
        status(&served, "anybody", "of-the-environment").await,
        StatusCode::OK
    );
    assert_eq!(
        status(&served, "of-the-environment", "").await,
        StatusCode::UNAUTHORIZED
    );
    served.end();
    // A password of the environment goes before the hash of the file, and locks also where nothing is configured.
    let variable = [("AUTOISSUE_DASHBOARD_PASSWORD", "of-the-environment")];
    let (_, made) = hash(&rig, PASSWORD);
    let hashed =
        json!({ "enabled": true, "type": "basic", "username": "me", "passwordHash": made.trim() });
    for (auth, name) in [(hashed, "me"), (json!({}), "autoissue")] {
        let rig = locked(&auth);
        let served = Served::start_with(&rig, &ARGS, &variable);
        assert_eq!(
            status(&served, name, PASSWORD).await,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(
            status(&served, name, "of-the-environment").await,
            StatusCode::OK
        );
        served.end();
    }
    let refused = rig.run(&ARGS);
    assert_eq!(refused.code, Some(1), "the control: {refused:?}");
    assert!(
        refused.said().contains("dashboard.auth.token"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_password_that_stands_in_the_file_is_taken_with_a_warning() {
    let auth = |password: &str| json!({ "enabled": true, "type": "basic", "username": "me", "password": password });
    let rig = locked(&auth(PASSWORD));
    let served = Served::start_with(&rig, &ARGS, &[]);
    let said = served.running.said();
    assert_eq!(said.matches("hash-password").count(), 1, "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
    assert_eq!(status(&served, "me", PASSWORD).await, StatusCode::OK);
    served.end();
    let rig = locked(&auth("${OWN}"));
    let served = Served::start_with(&rig, &ARGS, &[("OWN", PASSWORD)]);
    assert!(
        !served.running.said().contains("hash-password"),
        "the control"
    );
    assert_eq!(status(&served, "me", PASSWORD).await, StatusCode::OK);
    served.end();
}

#[test]
fn what_is_no_password_or_no_hash_is_refused() {
    let rig = rig(&json!({}));
    for (odd, why) in [
        ("", "none"),
        ("short", "8 characters"),
        (&*"x".repeat(2000), "1024"),
    ] {
        let (code, said) = hash(&rig, odd);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(why), "{said}");
    }
    let auth = json!({ "enabled": true, "username": "me", "passwordHash": "hunter2" });
    let refused = locked(&auth).run(&ARGS);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let said = refused.said();
    assert!(
        said.contains("dashboard.auth.passwordHash") && !said.contains("hunter2"),
        "{said}"
    );
}

#[tokio::test]
async fn blanks_are_no_credentials() {
    let rig = rig(&json!({}));
    let blank = ("AUTOISSUE_DASHBOARD_TOKEN", " \t");
    let mut open = rig.autoissue(&["serve", "--listen", "0.0.0.0:0"]);
    let refused: Ran = open.env(blank.0, blank.1).output().unwrap().into();
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let said = refused.said();
    assert!(
        said.contains("no credentials") && said.contains("AUTOISSUE_DASHBOARD_TOKEN is blank"),
        "{said}"
    );
    let served = Served::start_with(&rig, &ARGS, &[blank]);
    assert!(served.running.said().contains("is blank"));
    let asked = served.get("/").send().await.unwrap();
    assert_eq!(asked.status(), StatusCode::OK);
    served.end();
    // It does not take the place of what the file says either.
    let auth = |token: &str| json!({ "enabled": true, "type": "token", "token": token });
    let rig = locked(&auth("of-the-file"));
    let served = Served::start_with(&rig, &ARGS, &[blank]);
    let asked = async |token| {
        let asked = served.get("/").bearer_auth(token).send().await;
        asked.unwrap().status()
    };
    assert_eq!(asked("of-the-file").await, StatusCode::OK);
    assert_eq!(asked(" ").await, StatusCode::UNAUTHORIZED);
    served.end();
    let refused = locked(&auth("  ")).run(&ARGS);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.said().contains("dashboard.auth.token"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_name_is_listened_on_by_its_addresses_and_a_mapped_one_is_this_machine() {
    let rig = rig(&json!({}));
    for place in ["localhost:0", "[::ffff:127.0.0.1]:0"] {
        let served = Served::start_with(&rig, &["serve", "--listen", place], &[]);
        let asked = served.get("/health").send().await.unwrap();
        assert_eq!(asked.status(), StatusCode::OK, "{place}");
        served.end();
    }
    for (place, why) in [
        ("nobody.invalid:0", "nobody.invalid:0"),
        ("[::ffff:192.0.2.1]:0", "no credentials"),
    ] {
        let refused = rig.run(&["serve", "--listen", place]);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.said().contains(why), "{refused:?}");
    }
}
