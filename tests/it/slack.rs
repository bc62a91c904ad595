//! Slack as a bot: messages with buttons, and clicks that are answers where Slack signed them and somebody whose word counts
//! clicked.

use crate::daemon_rig::Daemon;
use crate::fake_chats::{FakeChats, Heard, Trouble};
use crate::fake_slack::{ACTIONS, ROOM, SLACK_BOT};
use crate::rig::{Ran, wait_for};
use crate::stage::{AGENT, Stage};
use autoissue::rules::signature::slack_signature;
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use serde_json::{Value, json};

pub(crate) const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
pub(crate) const ANN: &str = "U012AB3CD";
const STRANGER: &str = "U0STRANGE";
const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const POST: &str = "/api/chat.postMessage";

/// A bot whose messages have buttons, for these people.
pub(crate) fn bot(chats: &FakeChats, approvers: &[&str]) -> Value {
    json!({
        "botToken": "${SLACK_BOT_TOKEN}", "channel": ROOM, "api": chats.url("/api"),
        "signingSecret": "${SLACK_SIGNING_SECRET}", "approvers": approvers,
        "events": ["needsPerson", "completed"],
    })
}

/// A stage in which every issue waits for a person, and this is told.
pub(crate) fn stage(slack: &Value) -> Stage {
    let mut stage = Stage::new(AGENT, None);
    stage.configure(&json!({
        "project": { "label": "go", "autoStart": true },
        "routing": { "mode": "enforce", "rules": [], "decisions": [{ "route": "supervised" }] },
        "notify": { "slack": slack },
        "serve": { "pollSeconds": 5, "maxMemoryPercent": 100, "minFreeDiskMb": 0 },
    }));
    stage
}

fn command(stage: &Stage, args: &[&str]) -> std::process::Command {
    let mut command = stage.command(args);
    command
        .env("SLACK_BOT_TOKEN", SLACK_BOT)
        .env("SLACK_SIGNING_SECRET", SECRET);
    command
}

pub(crate) fn run(stage: &Stage, args: &[&str]) -> Ran {
    command(stage, args).output().unwrap().into()
}

fn serve(stage: &Stage) -> Daemon {
    Daemon::of(
        &stage.rig,
        command(stage, &["serve", "--listen", "127.0.0.1:0"]),
    )
}

fn issue(stage: &Stage, title: &str) -> u64 {
    let body = "The page says \"Helo\". It should say \"Hello\", and everybody can see that it does, in `file-1.txt`.";
    stage.fake.add_issue(title, body, &["go"])
}

/// The message that waits for an answer, once it is there.
pub(crate) fn waiting(chats: &FakeChats) -> Value {
    let with_buttons = || {
        chats
            .posted()
            .into_iter()
            .find(|message| message["blocks"].is_array())
    };
    wait_for(|| with_buttons().is_some());
    with_buttons().unwrap()
}

/// What Slack sends as somebody clicks on a button of this message.
pub(crate) fn click(message: &Value, button: &str, user: &str, reply_to: &str) -> Value {
    let buttons = message["blocks"][1]["elements"].as_array().unwrap();
    let button = buttons
        .iter()
        .find(|one| one["action_id"] == button)
        .unwrap();
    let mut action = button.clone();
    action.as_object_mut().unwrap().remove("confirm");
    json!({
        "type": "block_actions", "api_app_id": "A0FAKE", "token": "deprecated",
        "team": { "id": "T0001", "domain": "acme" },
        "user": { "id": user, "username": "somebody", "name": "somebody", "team_id": "T0001" },
        "container": { "type": "message", "message_ts": "1503435956.000247", "channel_id": ROOM },
        "trigger_id": "13345224609.738474920.8088930838d88f008e0",
        "channel": { "id": ROOM, "name": "builds" },
        "message": { "type": "message", "text": message["text"], "blocks": message["blocks"] },
        "state": { "values": {} }, "response_url": reply_to, "actions": [action],
    })
}

fn form(payload: &str) -> String {
    let mut url = Url::parse("http://localhost/").unwrap();
    url.query_pairs_mut().append_pair("payload", payload);
    url.query().unwrap().to_owned()
}

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

fn unsigned(daemon: &Daemon, body: &str) -> RequestBuilder {
    let request = daemon.client.post(format!("{}/webhook/slack", daemon.url));
    request.header("content-type", FORM).body(body.to_owned())
}

fn signed_at(daemon: &Daemon, body: &str, at: &str) -> RequestBuilder {
    signed_with(daemon, (SECRET, at), body)
}

fn signed_with(daemon: &Daemon, (secret, at): (&str, &str), body: &str) -> RequestBuilder {
    let signature = slack_signature(secret.as_bytes(), at, body.as_bytes());
    unsigned(daemon, body)
        .header("x-slack-request-timestamp", at)
        .header("x-slack-signature", signature)
}

/// As the app with this secret sends it.
pub(crate) fn sent_by(daemon: &Daemon, secret: &str, payload: &Value) -> RequestBuilder {
    let (at, body) = (now().to_string(), form(&payload.to_string()));
    signed_with(daemon, (secret, &at), &body)
}

fn signed(daemon: &Daemon, payload: &Value) -> RequestBuilder {
    signed_at(daemon, &form(&payload.to_string()), &now().to_string())
}

/// A body that nobody reads may fail to be sent before the answer is there: then it is sent again.
async fn status(request: RequestBuilder) -> u16 {
    for _ in 0..20 {
        if let Ok(answer) = request.try_clone().unwrap().send().await {
            return answer.status().as_u16();
        }
    }
    panic!("no answer ever came");
}

/// Slack's own answer is empty.
pub(crate) async fn taken(request: RequestBuilder) {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.text().await.unwrap(), "");
}

/// What was answered there, once so much was.
pub(crate) fn answers(chats: &FakeChats, path: &str, count: usize) -> Vec<Value> {
    wait_for(|| chats.heard(path).len() >= count);
    let heard = chats.heard(path);
    assert!(heard.iter().all(|heard| heard.status == 200), "{heard:?}");
    heard.iter().map(Heard::json).collect()
}

/// Who answered what, as the record says.
fn audited(stage: &Stage) -> Vec<String> {
    let ran = run(stage, &["audit", "--format", "json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let lines = lines.map(|line: Value| {
        (
            word(&line["who"]),
            word(&line["what"]),
            word(&line["through"]),
        )
    });
    let lines = lines.filter(|(_, what, _)| what.contains("approve") || what.contains("reject"));
    lines
        .map(|(who, what, through)| format!("{who} {what} {through}"))
        .collect()
}

fn logs(stage: &Stage) -> String {
    let files = std::fs::read_dir(stage.rig.path("state/logs")).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    texts.collect()
}

#[tokio::test]
async fn a_click_of_an_approver_lets_an_issue_go_once_and_the_message_says_who() {
    let chats = FakeChats::start();
    let stage = stage(&bot(&chats, &[ANN]));
    let daemon = serve(&stage);
    issue(&stage, "Mend <!channel> *it* & <b> @here");
    let message = waiting(&chats);
    let text = "octo/widgets#1 waits for approval: Mend &lt;!channel&gt; *it* &amp; &lt;b&gt; @\u{200b}here";
    let shown = message["blocks"][0]["text"]["text"].as_str().unwrap();
    assert!(shown.starts_with(text), "{shown}");
    daemon.says("waits for a person");
    assert_eq!(stage.heads(), [""; 0], "the control: nobody has approved");
    let first = format!("{ACTIONS}first");
    let approve = click(&message, "autoissue_approve", ANN, &chats.url(&first));
    let body = form(&approve.to_string());
    let at = now().to_string();
    taken(signed_at(&daemon, &body, &at)).await;
    taken(signed_at(&daemon, &body, &at)).await;
    let told = answers(&chats, &first, 1);
    assert_eq!(told[0]["text"], format!("Approved by <@{ANN}>"));
    assert_eq!(told[0]["replace_original"], true);
    assert_eq!(told[0]["blocks"][0]["text"]["text"], shown, "what it said");
    assert!(!told[0].to_string().contains("button"), "{told:?}");
    wait_for(|| stage.heads().len() == 1);
    daemon.says("checkout: done");
    // Who comes later is told who was first.
    let late = format!("{ACTIONS}late");
    taken(signed(
        &daemon,
        &click(&message, "autoissue_reject", ANN, &chats.url(&late)),
    ))
    .await;
    let told = answers(&chats, &late, 1);
    assert_eq!(told[0]["text"], format!("Approved by <@{ANN}>"));
    assert_eq!(told[0]["replace_original"], true);
    assert_eq!(chats.heard(&first).len(), 1, "heard twice, answered once");
    let settings = daemon.page("/settings").await;
    assert!(settings.contains("notify.slack.signingSecret"));
    daemon.end();
    assert_eq!(audited(&stage), [format!("@{ANN} approved Slack")]);
    let said = logs(&stage) + &settings;
    for secret in [SECRET, SLACK_BOT] {
        assert!(!said.contains(secret));
    }
}

#[tokio::test]
async fn a_rejected_issue_is_left_out_and_no_answer_goes_elsewhere_than_to_slack() {
    let (chats, elsewhere) = (FakeChats::start(), FakeChats::start());
    let stage = stage(&bot(&chats, &["U0SOMEBODY", ANN]));
    let daemon = serve(&stage);
    issue(&stage, "Mend the greeting");
    let message = waiting(&chats);
    let reject = click(&message, "autoissue_reject", ANN, &elsewhere.url("/hook"));
    taken(signed(&daemon, &reject)).await;
    daemon.says("checkout: done");
    let here = format!("{ACTIONS}here");
    taken(signed(
        &daemon,
        &click(&message, "autoissue_approve", ANN, &chats.url(&here)),
    ))
    .await;
    let told = answers(&chats, &here, 1);
    assert_eq!(told[0]["text"], format!("Rejected by <@{ANN}>"));
    assert_eq!(elsewhere.heard("/").len(), 0, "{:?}", elsewhere.heard("/"));
    let sessions = daemon.json("/api/issue-sessions").await;
    assert!(sessions.to_string().contains("skipped"), "{sessions}");
    daemon.end();
    assert_eq!(stage.heads(), [""; 0]);
    assert_eq!(audited(&stage), [format!("@{ANN} rejected Slack")]);
}

#[tokio::test]
async fn a_click_of_somebody_else_or_of_nobody_does_nothing() {
    let chats = FakeChats::start();
    let stage = stage(&bot(&chats, &[ANN, "W0BOSS"]));
    let daemon = serve(&stage);
    issue(&stage, "Mend the greeting");
    let message = waiting(&chats);
    daemon.says("waits for a person");
    let strange = format!("{ACTIONS}strange");
    let stranger = click(
        &message,
        "autoissue_approve",
        STRANGER,
        &chats.url(&strange),
    );
    taken(signed(&daemon, &stranger)).await;
    let told = answers(&chats, &strange, 1);
    assert_eq!(told[0]["response_type"], "ephemeral");
    assert_eq!(told[0]["replace_original"], false);
    assert_eq!(
        told[0]["text"],
        format!("Nothing was done: only <@{ANN}>, <@W0BOSS> may answer here.")
    );
    let nowhere = format!("{ACTIONS}nowhere");
    let good = click(&message, "autoissue_approve", ANN, &chats.url(&nowhere));
    unlawful(&daemon, &good).await;
    no_clicks(&daemon, &good).await;
    for value in ["01K5SHOP000000000000000000#1", "#1", "", "1#1#1"] {
        let mut other = good.clone();
        other["actions"][0]["value"] = json!(value);
        let expect = if value.starts_with("01") { 200 } else { 400 };
        assert_eq!(status(signed(&daemon, &other)).await, expect, "{value}");
    }
    let told = answers(&chats, &nowhere, 1);
    assert_eq!(
        told[0]["text"],
        "Nothing was done: that session is not known here."
    );
    let open = click(&message, "autoissue_open", ANN, &chats.url(&nowhere));
    taken(signed(&daemon, &open)).await;
    assert_eq!(audited(&stage), [""; 0]);
    assert_eq!(stage.heads(), [""; 0]);
    let fine = format!("{ACTIONS}fine");
    let control = click(&message, "autoissue_approve", ANN, &chats.url(&fine));
    taken(signed(&daemon, &control)).await;
    assert_eq!(
        answers(&chats, &fine, 1)[0]["text"],
        format!("Approved by <@{ANN}>")
    );
    wait_for(|| stage.heads().len() == 1);
    daemon.says("checkout: done");
    daemon.end();
    assert_eq!(
        audited(&stage),
        [format!("@{ANN} approved Slack")],
        "the control"
    );
}

/// None of these is what Slack signs now.
async fn unlawful(daemon: &Daemon, good: &Value) {
    let body = form(&good.to_string());
    let at = now().to_string();
    let right = slack_signature(SECRET.as_bytes(), &at, body.as_bytes());
    let digits = right.strip_prefix("v0=").unwrap();
    let wrong = [
        String::new(),
        digits.to_owned(),
        format!("v1={digits}"),
        format!("v0={}", digits.to_uppercase()),
        format!("v0={}", &digits[2..]),
        slack_signature(b"another secret", &at, body.as_bytes()),
        slack_signature(SECRET.as_bytes(), &at, b"another body"),
        slack_signature(SECRET.as_bytes(), "1", body.as_bytes()),
    ];
    assert_eq!(status(unsigned(daemon, &body)).await, 401);
    for given in wrong {
        let request = unsigned(daemon, &body).header("x-slack-request-timestamp", &at);
        let request = request.header("x-slack-signature", &given);
        assert_eq!(status(request).await, 401, "{given}");
    }
    let untimed = unsigned(daemon, &body).header("x-slack-signature", &right);
    assert_eq!(status(untimed).await, 401);
    for far in [-400, 400] {
        let at = (now() + far).to_string();
        assert_eq!(status(signed_at(daemon, &body, &at)).await, 401, "{far}");
    }
    for at in ["", "-1", "now", "99999999999999999999"] {
        assert_eq!(status(signed_at(daemon, &body, at)).await, 401, "{at}");
    }
}

/// These are signed, and no clicks all the same.
async fn no_clicks(daemon: &Daemon, good: &Value) {
    let body = form(&good.to_string());
    let at = now().to_string();
    let raw = good.to_string();
    let json = signed_at(daemon, &raw, &now().to_string());
    assert_eq!(status(json).await, 400, "no form, whatever it says it is");
    let signature = slack_signature(SECRET.as_bytes(), &at, raw.as_bytes());
    let json = daemon.client.post(format!("{}/webhook/slack", daemon.url));
    let json = json.header("content-type", "application/json").body(raw);
    let json = json.header("x-slack-request-timestamp", &at);
    assert_eq!(
        status(json.header("x-slack-signature", signature)).await,
        415
    );
    for garbage in ["", "{", "[]", "null", "{\"type\":\"block_actions\"}"] {
        let body = form(garbage);
        let request = signed_at(daemon, &body, &now().to_string());
        assert_eq!(status(request).await, 400, "{garbage}");
    }
    let twice = format!("{body}&{body}");
    let request = signed_at(daemon, &twice, &now().to_string());
    assert_eq!(status(request).await, 400, "two payloads");
    let large = format!("{body}&x={}", "x".repeat(1 << 20));
    let sent = signed_at(daemon, &large, &now().to_string()).send().await;
    assert!(sent.is_err() || sent.unwrap().status() == StatusCode::PAYLOAD_TOO_LARGE);
    let largest = format!("{body}&x={}", "x".repeat((1 << 20) - body.len() - 3));
    let other = largest.replace("autoissue_approve", "nobody_s_button");
    assert_ne!(other, largest, "it is no answer");
    let request = signed_at(daemon, &other, &now().to_string());
    assert_eq!(
        status(request).await,
        200,
        "the control: as large as one may be"
    );
}

#[tokio::test]
async fn each_of_several_that_wait_has_its_own_buttons_and_slack_gets_its_pause() {
    let chats = FakeChats::start();
    // While the first message has to wait, others gather behind it.
    chats.trouble(POST, Trouble::Limited(1));
    let mut slack = bot(&chats, &[ANN]);
    slack["events"] = json!(["started", "needsPerson"]);
    let stage = stage(&slack);
    issue(&stage, "Mend the greeting");
    issue(&stage, "Mend the farewell");
    let daemon = serve(&stage);
    let with_buttons = || {
        let posted = chats.posted().into_iter();
        posted
            .filter(|message| message["blocks"].is_array())
            .collect::<Vec<_>>()
    };
    wait_for(|| with_buttons().len() == 2);
    let values: Vec<String> = with_buttons()
        .iter()
        .map(|message| message["blocks"][1]["elements"][0]["value"].to_string())
        .collect();
    assert!(
        values[0].ends_with("#1\"") && values[1].ends_with("#2\""),
        "{values:?}"
    );
    assert_eq!(chats.heard(POST)[0].status, 429, "the control");
    let here = chats.url(&format!("{ACTIONS}here"));
    let second = click(&with_buttons()[1], "autoissue_approve", ANN, &here);
    taken(signed(&daemon, &second)).await;
    wait_for(|| stage.heads().len() == 1);
    assert!(stage.heads()[0].contains('2'), "{:?}", stage.heads());
    // The first answer wins, wherever it is given.
    let act = daemon
        .ask(Method::POST, "/act")
        .header("content-type", FORM);
    let act = act
        .body("do=approve&issue=1&back=%2F")
        .send()
        .await
        .unwrap();
    assert_eq!(act.status(), StatusCode::SEE_OTHER);
    let late = format!("{ACTIONS}late");
    let first = click(
        &with_buttons()[0],
        "autoissue_reject",
        ANN,
        &chats.url(&late),
    );
    taken(signed(&daemon, &first)).await;
    let told = answers(&chats, &late, 1)[0]["text"].to_string();
    assert!(
        told.contains("Approved by ") && !told.contains(ANN),
        "{told}"
    );
    wait_for(|| stage.heads().len() == 2);
    daemon.end();
    let by = audited(&stage);
    assert_eq!(by.len(), 2, "{by:?}");
    assert!(
        by.iter()
            .any(|line| line.ends_with("approved the dashboard")),
        "{by:?}"
    );
}

#[tokio::test]
async fn without_a_signing_secret_there_are_no_buttons_and_no_click_is_taken() {
    let chats = FakeChats::start();
    let mut slack = bot(&chats, &[]);
    slack.as_object_mut().unwrap().remove("signingSecret");
    let mut stage = stage(&slack);
    let daemon = serve(&stage);
    issue(&stage, "Mend the greeting");
    wait_for(|| !chats.posted().is_empty());
    let posted = chats.posted();
    assert!(
        posted[0]["text"]
            .as_str()
            .unwrap()
            .contains("waits for approval")
    );
    assert!(posted[0]["blocks"].is_null(), "{posted:?}");
    let other = json!({ "type": "block_actions" });
    assert_eq!(status(signed(&daemon, &other)).await, 503);
    // The control: once somebody's clicks count they are read, and this is none.
    let buttons = bot(&chats, &[ANN]);
    stage.configure(&json!({ "notify": { "slack": buttons } }));
    daemon.says("the configuration was read anew");
    assert_eq!(status(signed(&daemon, &other)).await, 400);
    daemon.end();
}
