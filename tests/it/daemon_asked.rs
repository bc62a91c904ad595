//! What a daemon is asked for and cannot do, and how it says that it is ready.

use crate::daemon::{pulls, tries};
use crate::daemon_rig::{Daemon, rig};
use crate::rig::wait_for;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[tokio::test]
async fn projects_that_are_none_are_refused_by_name() {
    let rig = rig(&json!({ "project": { "autoStart": false } }));
    let daemon = Daemon::start(&rig);
    let own = rig.checkout().display().to_string();
    rig.git(&["clone", "--quiet", &own, "../other"]);
    let path = rig.path("other").display().to_string();
    rig.write("other/deep/file", "");
    let deep = format!("{path}/deep");
    let above = rig.path("").display().to_string();
    let other = json!({ "name": "other", "path": path });
    let (status, _) = daemon.send(Method::POST, "/api/projects", &other).await;
    assert_eq!(status, StatusCode::CREATED);
    let (post, none) = (Method::POST, Value::Null);
    let made = |name: &str, path: &str| json!({ "name": name, "path": path });
    // The same checkout by the same name may be said anew.
    let again = json!({ "path": path, "weight": 2 });
    let (status, _) = daemon
        .send(Method::PUT, "/api/projects/other", &again)
        .await;
    assert_eq!(status, StatusCode::OK);
    let heavy = json!({ "path": path, "weight": 0 });
    let unknown = json!({ "path": path, "token": "t" });
    for (method, at, body, expect) in [
        (&post, "", other, 409),
        (&post, "", made("OTHER", &path), 409),
        (&post, "", made("x", &path), 409),
        (&post, "", made("x", &deep), 409),
        (&post, "", made("x", &own), 409),
        (&post, "", made("x", &above), 422),
        (&post, "", made("a/b", &path), 422),
        (&post, "", made("x", "relative"), 422),
        (&post, "", made("x", "/no/such/place"), 422),
        (&post, "", heavy, 422),
        (&post, "", unknown, 422),
        (&Method::PUT, "/checkout", made("checkout", &path), 409),
        (&Method::DELETE, "/checkout", none.clone(), 409),
        (&Method::DELETE, "/nobody", none.clone(), 404),
        (&post, "/nobody/sync", none.clone(), 404),
        (&post, "/other/issues/0/start", none, 404),
    ] {
        let at = format!("/api/projects{at}");
        let (status, told) = daemon.send(method.clone(), &at, &body).await;
        assert_eq!(status.as_u16(), expect, "{method} {at} {body}: {told}");
        assert!(
            told["title"].is_string(),
            "a problem is told as one: {told}"
        );
    }
    let form = format!("do=put&project=x&label=go&weight=1&path={above}");
    let request = daemon.ask(Method::POST, "/projects");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let refused = request.body(form).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let words = refused.text().await.unwrap();
    assert!(words.contains("is not in a git repository"), "{words}");
    let known = daemon.json("/api/projects").await;
    assert_eq!(known.as_array().unwrap().len(), 2, "{known}");
    daemon.end();
}

#[tokio::test]
async fn an_issue_that_is_not_there_is_not_begun_and_that_is_said() {
    // It is asked once, so that it may be otherwise later.
    let rig = rig(&json!({ "project": { "autoStart": false, "autoSync": false } }));
    for number in 1..=2 {
        rig.issue(number, "A thing", "Write it.");
    }
    let bare = "---\ntitle: Without a label\n---\nWrite it.\n";
    rig.write("checkout/.autoissue/issues/3.md", bare);
    let daemon = Daemon::start(&rig);
    while daemon.project().await["issues"]["waiting"] != 2 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let start = |issue: u64| format!("/api/projects/checkout/issues/{issue}/start");
    let (status, told) = daemon
        .send(Method::POST, &start(99_999), &Value::Null)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{told}");
    assert_eq!(told["detail"], "checkout has no open issue #99999");
    // The control: one that is there is begun, also where the forge did not list it for want of the label.
    let started = daemon.post(&start(3)).await;
    assert_eq!(started.status(), StatusCode::ACCEPTED);
    wait_for(|| pulls(&rig).len() == 1);
    // One that was there when the forge was asked, and is gone now.
    std::fs::remove_file(rig.path("checkout/.autoissue/issues/1.md")).unwrap();
    let started = daemon.post(&start(1)).await;
    assert_eq!(started.status(), StatusCode::ACCEPTED);
    let trouble = async || daemon.project().await["trouble"].clone();
    while !trouble().await.is_string() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let trouble = trouble().await.to_string();
    assert!(trouble.contains("#1 was not worked on"), "{trouble}");
    daemon.end();
    assert_eq!(tries(&rig), BTreeMap::from([(3, 1)]));
}

#[tokio::test]
async fn a_forge_that_fails_again_and_again_is_told_of_and_found_again() {
    let rig = rig(&json!({ "projects": [{ "path": "../other", "label": "go" }] }));
    let daemon = Daemon::start(&rig);
    let failures = async || {
        daemon.project().await["source"]["failures"]
            .as_u64()
            .unwrap()
    };
    for wanted in 1..=5 {
        while failures().await < wanted {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        daemon.post("/api/projects/other/sync").await;
    }
    daemon.says("failed five times in a row");
    let ready = daemon.ask(Method::GET, "/ready").send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(daemon.json("/api/health").await["status"], "ok");
    let checkout = rig.checkout().display().to_string();
    rig.git(&["clone", "--quiet", &checkout, "../other"]);
    daemon.post("/api/projects/other/sync").await;
    daemon.says("the forge answers again, after");
    assert_eq!(daemon.project().await["source"]["disabled"], false);
    daemon.end();
}

#[tokio::test]
async fn who_asks_whether_it_is_ready_learns_whose_forge_is_away() {
    let rig = rig(&json!({ "projects": [
        { "path": "../other", "label": "go" }, { "path": ".", "label": "go", "name": "checkout" },
    ] }));
    let aside = rig.path("aside");
    std::fs::rename(rig.path("checkout/.git"), &aside).unwrap();
    let daemon = Daemon::start(&rig);
    let ready = async || {
        let answer = daemon.ask(Method::GET, "/ready").send().await.unwrap();
        let status = answer.status().as_u16();
        let told: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        (
            status,
            told["detail"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let none = (503, "no forge has answered yet".to_owned());
    assert_eq!(ready().await, none, "nobody has answered");
    std::fs::rename(&aside, rig.path("checkout/.git")).unwrap();
    let other = async || daemon.json("/api/projects/other").await["source"]["failures"].as_u64();
    daemon.post("/api/projects/checkout/sync").await;
    while ready().await.0 != 200 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for wanted in 1..=5 {
        while other().await < Some(wanted) {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        daemon.post("/api/projects/other/sync").await;
    }
    daemon.says("other: the forge failed five times in a row");
    let (status, why) = ready().await;
    assert_eq!(status, 503, "{why}");
    assert!(why.contains("other: the forge does not answer"), "{why}");
    assert!(!why.contains("checkout: "), "the other one answers: {why}");
    assert_eq!(daemon.json("/api/health").await["status"], "ok");
    daemon.end();
}

/// What an agent put into its worktree would be configured to run as we do.
#[tokio::test]
async fn what_lies_where_agents_write_becomes_no_project() {
    let rig = rig(&json!({ "project": { "autoStart": false } }));
    let daemon = Daemon::start(&rig);
    let own = rig.checkout().display().to_string();
    let [inner, outer] = ["../state/slots/0", "../outer"];
    for place in [inner, outer] {
        rig.git(&["clone", "--quiet", &own, place]);
    }
    std::os::unix::fs::symlink(rig.path("state/slots/0"), rig.path("link")).unwrap();
    let put = async |name: &str| {
        let path = rig.path(name).display().to_string();
        let body = json!({ "name": "x", "path": path });
        daemon.send(Method::POST, "/api/projects", &body).await
    };
    for name in ["state/slots/0", "link", "outer/../state/slots/0"] {
        let (status, told) = put(name).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {told}");
        assert!(
            told["detail"].to_string().contains("where agents write"),
            "{told}"
        );
    }
    let (status, told) = put("outer").await;
    assert_eq!(status, StatusCode::CREATED, "the control: {told}");
    daemon.end();
}
