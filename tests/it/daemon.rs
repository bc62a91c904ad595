//! The daemon: issues that are labelled are begun by themselves, each once, whatever happens to it.

use crate::daemon_rig::{Daemon, configure, rig};
use crate::rig::{Rig, leftovers_in_the_end, wait_for};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How often an agent was begun for each issue.
fn tries(rig: &Rig) -> BTreeMap<u64, usize> {
    let mut tries = BTreeMap::new();
    for file in std::fs::read_dir(rig.path("")).unwrap().flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        let Some(issue) = name.strip_prefix("tries-") else {
            continue;
        };
        let times = std::fs::read_to_string(file.path())
            .unwrap()
            .lines()
            .count();
        tries.insert(issue.parse().unwrap(), times);
    }
    tries
}

/// The issues that pulls were opened for.
fn pulls(rig: &Rig) -> Vec<String> {
    let pulls = std::fs::read_dir(rig.path("checkout/.autoissue/pulls"));
    let names = pulls.into_iter().flatten().flatten();
    let mut names: Vec<String> = names
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("-autoissue-"))
        .collect();
    names.sort();
    names
}

fn open_gate(rig: &Rig) {
    std::fs::remove_file(rig.path("gate")).unwrap();
}

#[tokio::test]
async fn labelled_issues_are_begun_by_themselves_and_each_once() {
    let rig = rig(&json!({}));
    rig.issue(1, "First", "Write it.");
    rig.issue(2, "Hopeless", "It is a lost cause.");
    let daemon = Daemon::start(&rig);
    wait_for(|| pulls(&rig).len() == 1);
    daemon.says("needs a person");
    rig.issue(3, "Third", "Write it as well.");
    daemon.post("/api/projects/checkout/sync").await;
    wait_for(|| pulls(&rig).len() == 2);
    daemon.says("works on #3\n");
    // What failed is a person's, until somebody changes it.
    rig.issue(2, "Hopeless no more", "It can be done.");
    daemon.post("/api/projects/checkout/sync").await;
    wait_for(|| pulls(&rig).len() == 3);
    let said = daemon.end();
    assert_eq!(
        tries(&rig),
        BTreeMap::from([(1, 1), (2, 2), (3, 1)]),
        "{said}"
    );
}

#[tokio::test]
async fn nothing_is_begun_by_itself_unless_somebody_says_so() {
    let rig = rig(&json!({ "project": { "autoStart": false } }));
    for number in 1..=3 {
        rig.issue(number, "A thing", "Write it.");
    }
    let daemon = Daemon::start(&rig);
    let listed = async || {
        let issues = daemon.json("/api/projects/checkout/issues").await;
        issues.as_array().unwrap().len()
    };
    while listed().await < 3 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    daemon.post("/api/projects/checkout/sync").await;
    assert!(tries(&rig).is_empty(), "the control: it only looks");
    let started = daemon.post("/api/projects/checkout/issues/2/start").await;
    assert_eq!(started.status(), StatusCode::ACCEPTED);
    wait_for(|| pulls(&rig).len() == 1);
    assert_eq!(tries(&rig), BTreeMap::from([(2, 1)]));
    let on = daemon.post("/api/projects/checkout/automation/start").await;
    assert_eq!(on.status(), StatusCode::OK);
    wait_for(|| pulls(&rig).len() == 3);
    let off = daemon.post("/api/projects/checkout/automation/stop").await;
    assert_eq!(off.status(), StatusCode::OK);
    let status = daemon
        .json("/api/projects/checkout/automation/status")
        .await;
    assert_eq!(
        (&status["running"], &status["waiting"]),
        (&json!(false), &json!(0))
    );
    daemon.end();
}

#[tokio::test]
async fn a_kill_loses_nothing_and_begins_nothing_twice() {
    let rig = rig(&json!({}));
    rig.write("gate", "");
    for number in 1..=2 {
        rig.issue(number, "A thing", "Write it.");
    }
    let mut daemon = Daemon::start(&rig);
    wait_for(|| tries(&rig).len() == 2);
    daemon.running.kill();
    drop(daemon);
    // What it began goes on without it; the next one finds it running, and waits for it.
    let daemon = Daemon::start(&rig);
    daemon.says("works on it");
    open_gate(&rig);
    wait_for(|| pulls(&rig).len() == 2);
    daemon.post("/api/projects/checkout/sync").await;
    daemon.end();
    assert_eq!(tries(&rig), BTreeMap::from([(1, 1), (2, 1)]));
    assert_eq!(pulls(&rig).len(), 2);
    assert_eq!(leftovers_in_the_end(&rig.marker()), [""; 0]);
}

#[tokio::test]
async fn a_session_that_is_killed_is_taken_up_again() {
    let rig = rig(&json!({}));
    rig.write("gate", "");
    rig.issue(1, "A thing", "Write it.");
    let daemon = Daemon::start(&rig);
    wait_for(|| tries(&rig).len() == 1);
    let session = daemon.json("/api/session").await;
    let process = i32::try_from(session["pid"].as_i64().unwrap_or_default()).unwrap();
    assert!(process > 0, "{session}");
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(process),
        nix::sys::signal::Signal::SIGKILL,
    )
    .unwrap();
    daemon.says("it was killed; it goes on later");
    open_gate(&rig);
    daemon.end();
    let daemon = Daemon::start(&rig);
    daemon.says("checkout: done");
    assert_eq!(pulls(&rig).len(), 1);
    let sessions = rig.run(&["status", "--format", "json"]);
    assert!(sessions.stdout.contains("finished"), "{sessions:?}");
    daemon.end();
}

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
async fn of_two_on_one_state_the_second_ends() {
    let rig = rig(&json!({}));
    let daemon = Daemon::start(&rig);
    let second = rig.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, Some(6), "{second:?}");
    assert!(second.stderr.contains("does it already") && second.stderr.contains("--state-dir"));
    daemon.end();
}

#[tokio::test]
async fn the_configuration_is_read_anew_and_nonsense_changes_nothing() {
    let rig = rig(&json!({ "project": { "autoStart": false } }));
    rig.issue(1, "A thing", "Write it.");
    let daemon = Daemon::start(&rig);
    let starts = |page: &str, word: &str| {
        let key = "<code>project.autoStart</code></th><td><code>";
        page.contains(&format!("{key}{word}</code>"))
    };
    let refused = "the new one makes no sense. line 1, column";
    let page = daemon.page("/settings").await;
    assert!(starts(&page, "false") && !page.contains(refused), "{page}");
    rig.write(
        "checkout/autoissue.config.json",
        "{ \"project\": { \"autoStart\": yes } }",
    );
    daemon.says("the configuration stays as it was");
    assert_eq!(daemon.project().await["running"], false);
    let page = daemon.page("/settings").await;
    assert!(starts(&page, "false") && page.contains(refused), "{page}");
    configure(&rig, &json!({}));
    daemon.says("the configuration was read anew");
    let page = daemon.page("/settings").await;
    assert!(starts(&page, "true") && !page.contains(refused), "{page}");
    assert!(page.contains("Read anew at 2"), "{page}");
    wait_for(|| pulls(&rig).len() == 1);
    daemon.end();
}

#[tokio::test]
async fn a_configuration_that_is_gone_for_a_moment_is_no_reason_for_the_defaults() {
    let rig = rig(&json!({ "project": { "autoStart": false } }));
    rig.issue(1, "A thing", "Write it.");
    let daemon = Daemon::start(&rig);
    let label = async || daemon.project().await["label"].clone();
    assert_eq!(label().await, "go");
    let (file, aside) = (
        rig.path("checkout/autoissue.config.json"),
        rig.path("aside.json"),
    );
    std::fs::rename(&file, &aside).unwrap();
    daemon.says("autoissue.config.json is gone");
    assert_eq!(label().await, "go", "the default is another one");
    // What is wished meanwhile is not begun by the defaults, whose agent is another one.
    daemon.post("/api/projects/checkout/issues/1/start").await;
    daemon.says("checkout: could not go on");
    let page = daemon.page("/settings").await;
    assert!(page.contains("is gone"), "{page}");
    // As it was, with the time at which it was written.
    std::fs::rename(&aside, &file).unwrap();
    daemon.says("the configuration was read anew");
    configure(&rig, &json!({ "project": { "autoStart": true } }));
    wait_for(|| pulls(&rig).len() == 1);
    let said = daemon.end();
    assert_eq!(said.matches("is gone").count(), 1, "{said}");
}

#[tokio::test]
async fn a_configuration_that_is_made_later_counts_as_well() {
    let rig = rig(&json!({}));
    std::fs::remove_file(rig.path("checkout/autoissue.config.json")).unwrap();
    rig.issue(1, "A thing", "Write it.");
    let daemon = Daemon::start(&rig);
    assert_eq!(daemon.project().await["label"], "autoissue");
    configure(&rig, &json!({}));
    daemon.says("the configuration was read anew");
    wait_for(|| pulls(&rig).len() == 1);
    daemon.end();
}

#[tokio::test]
async fn projects_are_added_changed_and_removed_and_share_what_there_is() {
    let rig = rig(&json!({}));
    let other = crate::daemon_rig::rig(&json!({}));
    let daemon = Daemon::start(&rig);
    let path = other.checkout().display().to_string();
    let (status, made) = daemon
        .send(
            Method::POST,
            "/api/projects",
            &json!({ "name": "other", "path": path, "label": "go", "weight": 3 }),
        )
        .await;
    assert_eq!(
        (status, &made["id"]),
        (StatusCode::CREATED, &json!("other"))
    );
    other.issue(1, "A thing", "Write it.");
    let change = json!({ "path": path, "label": "go", "autoStart": true });
    let (status, _) = daemon
        .send(Method::PUT, "/api/projects/other", &change)
        .await;
    assert_eq!(status, StatusCode::OK);
    daemon.says("other: done");
    assert_eq!(pulls(&other).len(), 1);
    let page = daemon.page("/projects/other").await;
    assert!(
        page.contains("A thing") && page.contains("Remove"),
        "{page}"
    );
    // It is kept over a restart.
    daemon.end();
    let daemon = Daemon::start(&rig);
    let known = daemon.json("/api/projects").await;
    assert_eq!(known.as_array().unwrap().len(), 2, "{known}");
    let gone = daemon
        .ask(Method::DELETE, "/api/projects/other")
        .send()
        .await
        .unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        daemon.json("/api/projects").await.as_array().unwrap().len(),
        1
    );
    daemon.end();
}

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
async fn a_page_of_projects_says_what_waits_and_its_forms_act() {
    let rig = rig(&json!({ "project": { "autoStart": false } }));
    rig.issue(1, "Mend <img src=x onerror=alert(1)>", "Write it.");
    let daemon = Daemon::start(&rig);
    let shown = async || daemon.page("/projects/checkout").await;
    while !shown().await.contains("onerror") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let page = shown().await;
    assert!(!page.contains("<img"), "a title is text: {page}");
    let form = "do=start&project=checkout&issue=1&back=%2Fprojects%2Fcheckout";
    let act = |body: &'static str| {
        let request = daemon.ask(Method::POST, "/projects");
        request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
    };
    let sent = act(form).await.unwrap();
    assert_eq!(
        (sent.status(), sent.headers()["location"].to_str().unwrap()),
        (StatusCode::SEE_OTHER, "/projects/checkout")
    );
    wait_for(|| pulls(&rig).len() == 1);
    let refused = act("do=drop&project=checkout").await.unwrap();
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let refused = act("do=explode&project=checkout").await.unwrap();
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    daemon.end();
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

#[tokio::test]
async fn what_a_person_stops_stays_so_until_a_person_lets_it_go_on() {
    let rig = rig(&json!({}));
    rig.write("gate", "");
    rig.issue(1, "A thing", "Write it.");
    let daemon = Daemon::start(&rig);
    wait_for(|| tries(&rig).len() == 1);
    let session = daemon.json("/api/session").await["session"]
        .as_str()
        .unwrap()
        .to_owned();
    let act = async |what: &str| {
        let body = format!("do={what}&session={session}&back=%2F");
        let request = daemon
            .ask(Method::POST, "/act")
            .header("content-type", "application/x-www-form-urlencoded");
        request.body(body).send().await.unwrap().status()
    };
    assert_eq!(act("resume").await, StatusCode::CONFLICT, "it runs");
    assert_eq!(act("stop").await, StatusCode::SEE_OTHER);
    // An attempt that runs is given time; asked again, it ends.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    act("stop").await;
    daemon.says("somebody stopped it");
    open_gate(&rig);
    daemon.post("/api/projects/checkout/sync").await;
    assert_eq!(
        act("stop").await,
        StatusCode::CONFLICT,
        "nobody works on it"
    );
    assert!(pulls(&rig).is_empty());
    let page = daemon.page(&format!("/sessions/{session}")).await;
    assert!(page.contains(">Go on</button>"), "{page}");
    assert_eq!(act("resume").await, StatusCode::SEE_OTHER);
    wait_for(|| pulls(&rig).len() == 1);
    daemon.says("goes on with session");
    daemon.end();
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
