//! The daemon: issues that are labelled are begun by themselves, each once, whatever happens to it.

use crate::daemon_rig::{Daemon, configure, rig};
use crate::rig::{Rig, leftovers_in_the_end, wait_for};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::collections::BTreeMap;

/// How often an agent was begun for each issue.
pub(crate) fn tries(rig: &Rig) -> BTreeMap<u64, usize> {
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
pub(crate) fn pulls(rig: &Rig) -> Vec<String> {
    let pulls = std::fs::read_dir(rig.path("checkout/.autoissue/pulls"));
    let names = pulls.into_iter().flatten().flatten();
    let mut names: Vec<String> = names
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("-autoissue-"))
        .collect();
    names.sort();
    names
}

pub(crate) fn open_gate(rig: &Rig) {
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
