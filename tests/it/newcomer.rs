//! The README's own path: `serve` in a checkout, a label, a message, an approval on the page, a pull.

use crate::browsers::{Browser, DESK};
use crate::daemon_rig::{AGENT, Daemon};
use crate::fake_chats::{FakeChats, SLACK_PATH};
use crate::rig::wait_for;
use crate::stage::Stage;
use serde_json::json;

#[tokio::test]
async fn an_issue_gets_a_label_a_person_a_message_and_after_an_approval_there_is_a_pull() {
    let chats = FakeChats::start();
    let mut stage = Stage::new(AGENT, None);
    let decisions = json!([{ "route": "supervised" }]);
    stage.configure(&json!({
        "project": { "label": "go", "autoStart": true },
        "routing": { "mode": "enforce", "rules": [], "decisions": decisions },
        "notify": { "slack": { "webhook": chats.url(SLACK_PATH), "events": ["needsPerson", "completed"] } },
        "serve": { "pollSeconds": 5, "maxMemoryPercent": 100, "minFreeDiskMb": 0 },
    }));
    let daemon = Daemon::of(
        &stage.rig,
        stage.command(&["serve", "--listen", "127.0.0.1:0"]),
    );
    let body = "The page says \"Helo\". It should say \"Hello\", and everybody can see that it does, in `file-1.txt`.";
    stage.fake.add_issue("Mend the greeting", body, &["go"]);
    wait_for(|| !chats.texts(SLACK_PATH).is_empty());
    let message = chats.texts(SLACK_PATH).join("\n");
    assert!(
        message.contains("Mend the greeting") && message.contains("approv"),
        "{message}"
    );
    daemon.says("waits for a person");
    assert_eq!(stage.heads(), [""; 0], "the control: nobody has approved");
    let browser = Browser::start(DESK).await;
    browser.open(&daemon.url).await;
    browser.click("//a[text()='Answer']").await;
    browser.click("//button[text()='Approve']").await;
    browser.leave("#answer").await;
    wait_for(|| stage.heads().len() == 1);
    daemon.says("checkout: done");
    wait_for(|| chats.texts(SLACK_PATH).len() >= 2);
    // While one waits for a person, others are worked on.
    let said = daemon.end();
    assert_eq!(said.matches("checkout: works on").count(), 2, "{said}");
}

#[tokio::test]
async fn whoever_reads_the_issue_approves_it_there() {
    let mut stage = Stage::new(AGENT, None);
    stage.configure(&json!({
        "project": { "label": "go", "autoStart": true },
        "routing": { "mode": "enforce", "rules": [], "decisions": [{ "route": "supervised" }] },
        "serve": { "pollSeconds": 5, "maxMemoryPercent": 100, "minFreeDiskMb": 0 },
    }));
    let daemon = Daemon::of(
        &stage.rig,
        stage.command(&["serve", "--listen", "127.0.0.1:0"]),
    );
    let body =
        "The page says \"Helo\". It should say \"Hello\", and everybody can see that it does.";
    let issue = stage.fake.add_issue("Mend the greeting", body, &["go"]);
    daemon.says("waits for a person");
    let comments = stage.fake.comments(issue);
    let request = &comments[0].body;
    assert!(request.contains("- `/approve`, or"), "{request}");
    stage.fake.add_comment(issue, "an-outsider", "/approve");
    stage.fake.add_comment(issue, "a-maintainer", "/approve");
    wait_for(|| stage.heads().len() == 1);
    daemon.end();
    let audit = stage.rig.run(&["audit", "--json"]).stdout;
    assert!(audit.contains("a-maintainer"), "{audit}");
}
