//! A plan that waits for a person: left behind, seen on the dashboard, carried out or dropped there or by `resume`.

use crate::daemon_rig::{Daemon, configure, rig};
use crate::plan::{item, plan};
use crate::rig::{Ran, Rig, wait_for};
use reqwest::{Method, StatusCode};
use serde_json::json;

fn left() -> (Rig, String) {
    let rig = rig(&json!({}));
    let mut first = item("a", &[]);
    first["title"] = json!("Write <img src=x onerror=alert(1)>");
    let written = plan(&[first, item("b", &["a"])]);
    let file = rig.write("plan.json", &written.to_string());
    let args = ["plan", "--later", "--format", "json", "--from"];
    let ran = rig.run(&[&args[..], &[file.to_str().unwrap()]].concat());
    assert_eq!(ran.code, Some(5), "{ran:?}");
    let session = ran.event("plan_left")["session"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(issues(&rig), 0, "nobody has said yes");
    let status = rig.run(&["status"]).stdout;
    assert!(status.contains("waits for you"), "{status}");
    assert!(status.contains("`autoissue resume --yes`"), "{status}");
    let status = rig.run(&["status", "--format", "json"]).event("sessions");
    assert_eq!(status["sessions"][0]["waits_for"], "plan", "{status}");
    (rig, session)
}

fn entries(rig: &Rig, folder: &str) -> usize {
    let folder = rig.path(&format!("checkout/.autoissue/{folder}"));
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

fn issues(rig: &Rig) -> usize {
    entries(rig, "issues")
}

/// Waits until the project has answered.
async fn answered(daemon: &Daemon) {
    while daemon.project().await["source"]["synced"].is_null() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn says(daemon: &Daemon, session: &str, wish: &str) -> StatusCode {
    let act = daemon
        .ask(Method::POST, "/act")
        .header("content-type", "application/x-www-form-urlencoded");
    let form = format!("do={wish}&session={session}&back=%2F");
    act.body(form).send().await.unwrap().status()
}

#[tokio::test]
async fn a_person_carries_it_out_on_the_dashboard() {
    let (rig, session) = left();
    let daemon = Daemon::start(&rig);
    let page = daemon.page(&format!("/sessions/{session}")).await;
    for part in [
        "A plan waits for you",
        "Build it",
        "Write the part b",
        "2 issues, about 20 minutes of work; no attempt may cost more than $5.00",
        "Carry it out",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<img"), "titles are text");
    answered(&daemon).await;
    assert_eq!(
        says(&daemon, &session, "carry-out").await,
        StatusCode::SEE_OTHER
    );
    wait_for(|| entries(&rig, "pulls") == 2);
    wait_for(|| daemon.running.said().contains("checkout: done"));
    assert_eq!(issues(&rig), 3, "the plan's own, and two");
    let page = daemon.page(&format!("/sessions/{session}")).await;
    assert!(!page.contains("A plan waits"), "{page}");
    daemon.end();
}

#[tokio::test]
async fn a_person_drops_it_on_the_dashboard() {
    let (rig, session) = left();
    let daemon = Daemon::start(&rig);
    answered(&daemon).await;
    assert_eq!(says(&daemon, &session, "drop").await, StatusCode::SEE_OTHER);
    wait_for(|| daemon.running.said().contains("checkout: done"));
    let page = daemon.page(&format!("/sessions/{session}")).await;
    assert!(
        page.contains("finished") && !page.contains("A plan waits"),
        "{page}"
    );
    assert_eq!(
        says(&daemon, &session, "carry-out").await,
        StatusCode::CONFLICT
    );
    assert_eq!(issues(&rig), 0);
    daemon.end();
}

#[test]
fn resume_asks_for_a_word_and_takes_either() {
    let (rig, session) = left();
    let resume = |more: &[&str]| -> Ran { rig.run(&[&["resume", &session], more].concat()) };
    let unasked = resume(&[]);
    assert_eq!(unasked.code, Some(2), "{unasked:?}");
    assert!(unasked.stderr.contains("--no to drop it"), "{unasked:?}");
    let both = resume(&["--yes", "--no"]);
    assert_eq!(both.code, Some(2), "{both:?}");
    let dropped = resume(&["--no"]);
    assert_eq!((dropped.code, issues(&rig)), (Some(0), 0), "{dropped:?}");
    assert!(
        dropped.stdout.contains("No issues were opened."),
        "{dropped:?}"
    );
    let over = resume(&["--yes"]);
    assert!(over.stdout.contains("nothing is left to do"), "{over:?}");
    assert_eq!(issues(&rig), 0, "what was dropped stays so");

    // What waits with something else is not gone on with by mistake.
    let (rig, _) = left();
    let decisions = json!([{ "route": "supervised" }]);
    let routing = json!({ "mode": "enforce", "rules": [], "decisions": decisions });
    configure(&rig, &json!({ "routing": routing }));
    rig.issue(
        9,
        "Mend the roof",
        "It should be so, and everybody can see that it is.",
    );
    let ran = rig.go();
    assert_eq!(ran.code, Some(5), "{ran:?}");
    let none = rig.run(&["resume", "--no"]);
    assert_eq!(none.code, Some(2), "{none:?}");
    assert!(none.stderr.contains("it waits with none"), "{none:?}");

    let (rig, session) = left();
    let carried = rig.run(&["resume", &session, "--yes"]);
    assert_eq!((carried.code, issues(&rig)), (Some(0), 3), "{carried:?}");
    let late = rig.run(&["resume", &session, "--no"]);
    assert!(late.stdout.contains("nothing is left to do"), "{late:?}");
}
