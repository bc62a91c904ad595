//! Projects and plans in a real browser: started, added, changed and removed, carried out.

use crate::browser::keep;
use crate::browsers::{Browser, DESK, PHONE, Window};
use crate::daemon_rig::{Daemon, rig};
use crate::plan::{item, plan};
use crate::rig::{Rig, wait_for};
use serde_json::json;

fn pulls(rig: &Rig) -> usize {
    let folder = rig.path("checkout/.autoissue/pulls");
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

/// A rig with one issue that nobody starts, and a plan that nobody has said yes to.
fn waiting() -> (Rig, String) {
    let rig = rig(&json!({ "project": { "autoStart": false } }));
    rig.issue(
        1,
        "Mend the roof",
        "It should be so, and everybody can see that it is.",
    );
    let file = rig.write("plan.json", &plan(&[item("a", &[])]).to_string());
    let args = ["plan", "--later", "--format", "json", "--from"];
    let ran = rig.run(&[&args[..], &[file.to_str().unwrap()]].concat());
    let session = ran.event("plan_left")["session"]
        .as_str()
        .unwrap()
        .to_owned();
    (rig, session)
}

async fn fit_for_everybody(browser: &Browser, url: &str) {
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        browser.open(url).await;
        browser.text().await;
        assert_eq!(browser.faults().await, [""; 0], "{url} {scheme}");
        assert_eq!(browser.sticks_out().await, 0, "{url} {scheme}");
    }
}

async fn fill(browser: &Browser, name: &str, value: &str) {
    let script = format!(
        "document.querySelector('.answer input[name={name}]:not([type=hidden])').value = {}",
        json!(value)
    );
    browser.execute(&script).await;
}

async fn a_person_looks_after_projects(window: Window) {
    let (rig, session) = waiting();
    let daemon = Daemon::start(&rig);
    let browser = Browser::start(window).await;
    let url = &daemon.url;
    let of_the_plan = format!("{url}/sessions/{session}");
    while daemon.project().await["source"]["synced"].is_null() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    fit_for_everybody(&browser, &of_the_plan).await;
    browser.see("//h2[text()='A plan waits for you']").await;
    keep(&format!("plan-{}", window.0), &browser.picture().await);
    assert_eq!(pulls(&rig), 0, "the control: nothing runs unasked");
    browser.click("//button[text()='Carry it out']").await;
    browser.see("//td/span[text()='completed']").await;
    wait_for(|| pulls(&rig) == 1);

    let page = format!("{url}/projects/checkout");
    fit_for_everybody(&browser, &page).await;
    browser
        .click("//tr[contains(th, 'Mend the roof')]//button[@value='start']")
        .await;
    wait_for(|| pulls(&rig) == 2);
    browser.open(&page).await;
    browser
        .see("//tr[contains(th, 'Mend the roof')][contains(td, 'over')]")
        .await;
    browser.click("//button[text()='Start by itself']").await;
    browser.see("//button[text()='Pause']").await;

    and_adds_another(&browser, &rig, &format!("{url}/projects")).await;
    let complaints = browser.complaints().await;
    // The one that was refused is answered with 409.
    let other = complaints
        .iter()
        .filter(|line| !line.contains("409") && !line.contains("404"));
    assert_eq!(other.count(), 0, "{complaints:?}");
    daemon.end();
}

/// Adds a project, changes and removes it.
async fn and_adds_another(browser: &Browser, rig: &Rig, list: &str) {
    browser.open(list).await;
    fill(browser, "path", "/no/such/place").await;
    browser.click("//button[text()='Add']").await;
    browser
        .see("//p[contains(., '/no/such/place is no directory')]")
        .await;
    browser.open(list).await;
    let own = rig.checkout().display().to_string();
    rig.git(&["clone", "--quiet", &own, "../another"]);
    fill(browser, "path", rig.path("another").to_str().unwrap()).await;
    fill(browser, "project", "another").await;
    browser.click("//button[text()='Add']").await;
    browser.see("//h2/a[text()='another']").await;
    fit_for_everybody(browser, list).await;
    browser.open(&format!("{list}/another")).await;
    fill(browser, "label", "urgent").await;
    browser
        .click("//label[contains(., 'Ask the forge')]/input")
        .await;
    browser.click("//button[text()='Save']").await;
    browser.see("//p/code[text()='urgent']").await;
    let page = format!("{list}/another");
    fit_for_everybody(browser, &page).await;
    // What was not touched stays as it was.
    fill(browser, "weight", "3").await;
    browser.click("//button[text()='Save']").await;
    browser
        .see("//p[contains(., 'weight 3; asked only by Sync')]")
        .await;
    browser.click("//button[text()='Remove']").await;
    browser.see("//h1[text()='Projects']").await;
    browser.see("//h2/a[text()='checkout']").await;
    assert!(!browser.text().await.contains("another"));
}

#[tokio::test]
async fn many_issues_of_a_project_are_read_page_by_page() {
    let rig = rig(&json!({ "project": { "autoStart": false } }));
    for number in 1..=405 {
        rig.issue(number, &format!("Thing {number}."), "Write it.");
    }
    let daemon = Daemon::start(&rig);
    let browser = Browser::start(DESK).await;
    while daemon.project().await["issues"]["waiting"] != 405 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let page = format!("{}/projects/checkout?state=waiting&page=2", daemon.url);
    fit_for_everybody(&browser, &page).await;
    browser.see("//nav/span[text()='2 of 3']").await;
    let rows = "return document.querySelectorAll('tbody tr').length";
    assert_eq!(browser.execute(rows).await, 200);
    browser.click("//nav/a[text()='On']").await;
    browser.see("//nav/span[text()='3 of 3']").await;
    assert_eq!(browser.execute(rows).await, 5);
    browser.see("//tr[contains(th, 'Thing 405.')]").await;
    browser.see("//option[@selected][text()='waiting']").await;
    browser.click("//nav/a[text()='Back']").await;
    browser.see("//nav/span[text()='2 of 3']").await;
    // Whoever asks for one that is not there sees the last.
    let last = format!("{}/projects/checkout?page=99", daemon.url);
    browser.open(&last).await;
    browser.see("//nav/span[text()='3 of 3']").await;
    daemon.end();
}

#[tokio::test]
async fn projects_are_looked_after_on_a_desk() {
    a_person_looks_after_projects(DESK).await;
}

#[tokio::test]
async fn projects_are_looked_after_on_a_phone() {
    a_person_looks_after_projects(PHONE).await;
}
