//! Slack as a bot: tried by `notify test`, what its configuration shows, and whose it is among several projects.

use crate::daemon_rig::{Daemon, rig};
use crate::fake_chats::{FakeChats, Trouble};
use crate::fake_slack::{ACTIONS, ROOM, SCOPELESS, SLACK_BOT};
use crate::slack::{ANN, POST, SECRET, answers, bot, click, run, sent_by, stage, taken, waiting};
use reqwest::StatusCode;
use serde_json::{Value, json};

#[test]
fn a_bot_is_tried_and_what_goes_wrong_is_said_with_what_helps() {
    let chats = FakeChats::start();
    let mut stage = stage(&bot(&chats, &[ANN]));
    let ran = run(&stage, &["notify", "test"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "slack: ok\n"),
        "{ran:?}"
    );
    let posted = &chats.posted()[0];
    assert_eq!(posted["channel"], ROOM);
    assert!(posted["text"].as_str().unwrap().contains("this is a test"));
    assert!(posted["blocks"].is_null(), "nothing waits");
    let mut said = String::new();
    let mut check = |key: &str, value: &str| {
        stage.configure(&json!({ "notify": { "slack": bot(&chats, &[ANN]) } }));
        stage.configure(&json!({ "notify": { "slack": { key: value } } }));
        let ran = run(&stage, &["notify", "test"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(!ran.said().contains(value) || key != "botToken", "{ran:?}");
        said += &ran.stdout;
    };
    check("botToken", "xoxb-wrong");
    check("botToken", "xoxb-revoked");
    check("botToken", SCOPELESS);
    check("channel", "C0NOWHERE");
    check("channel", "C0ELSEWHERE");
    check("channel", "C0ARCHIVED");
    check("api", &chats.url("/hook/of/somebody"));
    insta::assert_snapshot!(said, @r#"
    slack: failed: it answers invalid_auth
      hint: notify.slack.botToken is none that Slack takes (any more): copy the Bot User OAuth Token anew from "OAuth & Permissions" of your Slack app
    slack: failed: it answers token_revoked
      hint: notify.slack.botToken is none that Slack takes (any more): copy the Bot User OAuth Token anew from "OAuth & Permissions" of your Slack app
    slack: failed: it answers missing_scope
      hint: add the scope chat:write under "OAuth & Permissions" of your Slack app, and install it again
    slack: failed: it answers channel_not_found
      hint: look at notify.slack.channel, best as an id such as C0123ABCD; the bot sees a private channel once it is invited there: /invite @its-name
    slack: failed: it answers not_in_channel
      hint: invite the bot into the channel: /invite @its-name
    slack: failed: it answers is_archived
      hint: the channel is archived: bring it back, or name another one in notify.slack.channel
    slack: failed: it answers 404 Not Found
      hint: look at notify.slack.api: usually it is left out
    "#);
    chats.trouble(POST, Trouble::Limited(1));
    stage.configure(&json!({ "notify": { "slack": bot(&chats, &[ANN]) } }));
    let ran = run(&stage, &["notify", "test"]);
    insta::assert_snapshot!(ran.stdout, @"
    slack: failed: it answers 429 Too Many Requests: ratelimited
      hint: it was told too much; try again in a minute
    ");
}

#[test]
fn no_secret_of_the_bot_is_shown_or_stands_in_a_tracked_file() {
    let chats = FakeChats::start();
    let mut stage = stage(&bot(&chats, &[ANN]));
    let shown = run(&stage, &["config", "show"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for part in ["notify.slack.botToken", "notify.slack.signingSecret", ANN] {
        assert!(shown.stdout.contains(part), "{part}: {}", shown.stdout);
    }
    for secret in [SECRET, SLACK_BOT] {
        assert!(!shown.said().contains(secret));
    }
    stage.configure(&json!({ "notify": { "slack": { "signingSecret": SECRET } } }));
    stage.rig.git(&["add", "-A"]);
    let refused = run(&stage, &["config", "show"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("notify.slack.signingSecret"),
        "{refused:?}"
    );
    assert!(!refused.said().contains(SECRET));
}

const BOB: &str = "U0BOB";
const OTHER_SECRET: &str = "0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn a_click_answers_for_the_project_of_its_own_app_alone() {
    let (chats, others) = (FakeChats::start(), FakeChats::start());
    let project = |slack: Value| {
        let supervised = json!([{ "route": "supervised" }]);
        let routing = json!({ "mode": "enforce", "rules": [], "decisions": supervised });
        rig(&json!({ "routing": routing, "notify": { "slack": slack } }))
    };
    let mut other = bot(&others, &[BOB]);
    other["signingSecret"] = json!("${OTHER_SECRET}");
    let (one, two) = (project(bot(&chats, &[ANN])), project(other));
    for rig in [&one, &two] {
        let body = "The page says \"Helo\". It should say \"Hello\", and everybody can see that it does, in `file-1.txt`.";
        rig.issue(1, "Mend the greeting", body);
    }
    let served = [("one", &one), ("two", &two)].map(|(name, rig)| {
        json!({ "path": rig.checkout(), "name": name, "label": "go", "autoStart": true })
    });
    let serving = rig(&json!({ "projects": served }));
    let mut command = serving.autoissue(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("SLACK_BOT_TOKEN", SLACK_BOT)
        .env("SLACK_SIGNING_SECRET", SECRET)
        .env("OTHER_SECRET", OTHER_SECRET);
    let daemon = Daemon::of(&serving, command);
    let message = waiting(&chats);
    waiting(&others);
    for (user, secret, chats, words) in [
        (
            BOB,
            OTHER_SECRET,
            &others,
            "that session is not known here.",
        ),
        (
            ANN,
            OTHER_SECRET,
            &others,
            "that session is not known here.",
        ),
        (BOB, SECRET, &chats, "only <@U012AB3CD> may answer here."),
    ] {
        let here = format!("{ACTIONS}{user}-{}", secret.len() + words.len());
        let payload = click(&message, "autoissue_approve", user, &chats.url(&here));
        taken(sent_by(&daemon, secret, &payload)).await;
        let told = answers(chats, &here, 1);
        assert_eq!(told[0]["text"], format!("Nothing was done: {words}"));
    }
    let here = format!("{ACTIONS}control");
    let payload = click(&message, "autoissue_approve", ANN, &chats.url(&here));
    taken(sent_by(&daemon, SECRET, &payload)).await;
    assert_eq!(
        answers(&chats, &here, 1)[0]["text"],
        "Approved by <@U012AB3CD>"
    );
    daemon.says("one: done");
    daemon.end();
    let audit = serving.run(&["audit", "--format", "json"]).stdout;
    assert!(
        audit.contains("@U012AB3CD") && !audit.contains(BOB),
        "{audit}"
    );
}

#[tokio::test]
async fn a_project_that_is_found_later_takes_clicks_from_then_on() {
    let chats = FakeChats::start();
    let rig = rig(&json!({ "projects": [{ "path": "../other", "label": "go" }] }));
    let mut command = rig.autoissue(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("SLACK_BOT_TOKEN", SLACK_BOT)
        .env("SLACK_SIGNING_SECRET", SECRET);
    let daemon = Daemon::of(&rig, command);
    let status = async || {
        let asked = sent_by(&daemon, SECRET, &json!({ "type": "block_actions" }));
        asked.send().await.unwrap().status()
    };
    assert_eq!(
        status().await,
        StatusCode::SERVICE_UNAVAILABLE,
        "the control"
    );
    let checkout = rig.checkout().display().to_string();
    rig.git(&["clone", "--quiet", &checkout, "../draft"]);
    let config = json!({ "notify": { "slack": bot(&chats, &[ANN]) } });
    rig.write("draft/autoissue.config.json", &config.to_string());
    std::fs::rename(rig.path("draft"), rig.path("other")).unwrap();
    daemon.post("/api/projects/other/sync").await;
    while daemon.project().await["source"]["synced"].is_null() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(
        status().await,
        StatusCode::BAD_REQUEST,
        "it is read, and is none"
    );
    daemon.end();
}
