//! Notifications: the real binary tells Slack, Telegram and a webhook of its sessions, and none of them holds it up.

use crate::fake_chats::{BOT, CHAT, FakeChats, SLACK_PATH, Trouble};
use crate::rig::Ran;
use crate::stage::{AGENT, Stage};
use aws_lc_rs::hmac;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const SECRET: &str = "a secret for signing";
const HOSTILE: &str =
    "<img src=x onerror=alert(1)> <!channel> @channel & *you* \u{1b}[31mred\u{202e}";

/// A stage whose configuration tells the fakes.
fn stage(chats: &FakeChats, more: &Value) -> Stage {
    let mut stage = Stage::new(AGENT, None);
    stage.configure(&json!({ "notify": {
        "slack": { "webhook": chats.url(SLACK_PATH) },
        "telegram": { "botToken": "${BOT_TOKEN}", "chatId": CHAT, "api": chats.url("") },
        "webhook": chats.url("/hook"),
        "webhookSecret": "${HOOK_SECRET}",
    }}));
    stage.configure(&json!({ "notify": more }));
    stage
}

fn run(stage: &Stage, args: &[&str]) -> Ran {
    let mut command = stage.command(args);
    command.env("BOT_TOKEN", BOT).env("HOOK_SECRET", SECRET);
    command.output().unwrap().into()
}

fn exec(stage: &Stage) -> Ran {
    run(
        stage,
        &["exec", "go", "--isolation", "none", "--format", "json"],
    )
}

fn bot_path() -> String {
    format!("/bot{BOT}/sendMessage")
}

#[test]
fn a_test_message_arrives_by_every_channel() {
    let chats = FakeChats::start();
    let stage = stage(&chats, &json!({}));
    let ran = run(&stage, &["notify", "test"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    insta::assert_snapshot!(ran.stdout, @"
    slack: ok
    telegram: ok
    webhook: ok
    ");
    for path in [SLACK_PATH, &bot_path(), "/hook"] {
        let told = chats.texts(path);
        assert_eq!(
            told,
            ["octo/widgets: this is a test, notifications of autoissue arrive here"]
        );
    }
    let one = run(&stage, &["notify", "test", "--channel", "slack"]);
    assert_eq!((one.code, one.stdout.as_str()), (Some(0), "slack: ok\n"));
    assert_eq!(chats.heard(&bot_path()).len(), 1);
}

#[test]
fn what_does_not_arrive_is_said_with_what_helps_and_without_a_secret() {
    let chats = FakeChats::start();
    let wrong = json!({
        "slack": { "webhook": chats.url("/services/T0001/B0001/revoked0revoked0") },
        "telegram": { "botToken": "1:wrong-token", "chatId": 5, "api": chats.url("") },
        "webhook": chats.url("/nowhere/0123456789abcdef0"),
    });
    let stage = stage(&chats, &wrong);
    let ran = run(&stage, &["notify", "test"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    insta::assert_snapshot!(ran.stdout, @r#"
    slack: failed: it answers 404 Not Found: no_service
      hint: notify.slack.webhook is no webhook (any more): copy it anew from "Incoming Webhooks" of your Slack app
    telegram: failed: it answers 401 Unauthorized: Unauthorized
      hint: notify.telegram.botToken is none that Telegram knows: ask @BotFather for it
    webhook: failed: it answers 404 Not Found: no_service
      hint: nothing is there: look at notify.webhook
    "#);
    for secret in ["revoked0", "wrong-token", "0123456789abcdef0", SECRET] {
        assert!(!ran.said().contains(secret), "{ran:?}");
    }
    chats.trouble("/services", Trouble::Hangs);
    let ran = run(
        &stage,
        &["notify", "test", "--channel", "slack", "--format", "json"],
    );
    assert_eq!(ran.code, Some(1), "{ran:?}");
    insta::assert_snapshot!(ran.stdout, @r#"{"v":1,"event":"notify_test","channel":"slack","ok":false,"problem":"it does not answer in time","hint":"look at the address, and whether this machine gets there"}"#);
    let ran = run(&stage, &["notify", "test", "--channel", "email"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    insta::assert_snapshot!(ran.stderr, @"
    error: could not send a test message
      because notify.email is not configured
    hint: add `notify.email` to autoissue.config.json; the README shows how
    ");
}

#[test]
fn a_session_is_told_and_a_hostile_title_is_text() {
    let chats = FakeChats::start();
    let stage = stage(&chats, &json!({}));
    stage
        .fake
        .add_issue(HOSTILE, "Write `file-1.txt`.", &["go"]);
    // Slack wants a pause, and gets it.
    chats.trouble(SLACK_PATH, Trouble::Limited(1));
    chats.trouble(&bot_path(), Trouble::Limited(1));
    chats.trouble("/hook", Trouble::Broken);
    let ran = exec(&stage);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let title = "img src=x onerror=alert(1)";
    let slack = chats.texts(SLACK_PATH).join("\n");
    for part in [
        "session started: 1 task, budget $",
        "octo/widgets#1 is completed: ",
        "session finished: 1 of 1 task",
    ] {
        assert!(slack.contains(part), "{part}: {slack}");
    }
    assert!(
        slack.contains(&format!(
            "&lt;{title}&gt; &lt;!channel&gt; @\u{200b}channel &amp; *you* red"
        )),
        "{slack}"
    );
    let telegram = chats.texts(&bot_path()).join("\n");
    assert!(
        telegram.contains(&format!(
            "<{title}> <!channel> @\u{200b}channel & *you* red"
        )),
        "{telegram}"
    );
    for path in [SLACK_PATH, &bot_path()] {
        let heard = chats.heard(path);
        assert_eq!(heard[0].status, 429);
        assert!(
            heard[1].at - heard[0].at >= Duration::from_secs(1),
            "{path}"
        );
        assert!(
            heard[1..].iter().all(|heard| heard.status == 200),
            "{heard:?}"
        );
    }
    // A webhook is told of what it always was, and every word is signed.
    let hooked = chats.heard("/hook");
    assert_eq!((hooked.len(), hooked[0].status), (2, 500), "{hooked:?}");
    assert_eq!(hooked[0].raw, hooked[1].raw, "the same again");
    assert_eq!(hooked[0].json()["event"], "session_finished");
    let key = |secret: &str| hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hooked[0].header("x-autoissue-signature-256").unwrap();
    let tag = unhex(signature.strip_prefix("sha256=").unwrap());
    assert!(hmac::verify(&key(SECRET), &hooked[0].raw, &tag).is_ok());
    assert!(
        hmac::verify(&key("another"), &hooked[0].raw, &tag).is_err(),
        "the control"
    );
    for secret in [BOT, SECRET, SLACK_PATH] {
        assert!(!ran.said().contains(secret), "{ran:?}");
        assert!(!logs(&stage).contains(secret));
    }
}

#[test]
fn each_channel_is_told_of_its_events_alone() {
    let chats = FakeChats::start();
    let events = json!({
        "slack": { "webhook": chats.url(SLACK_PATH), "events": ["completed"] },
        "telegram": { "botToken": BOT, "chatId": CHAT, "api": chats.url(""), "events": ["needsPerson", "failed"] },
        "webhookEvents": ["started", "completed", "summary"],
    });
    let stage = stage(&chats, &events);
    stage.issue(1, &["go"]);
    let ran = exec(&stage);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let slack = chats.texts(SLACK_PATH);
    assert_eq!(slack.len(), 1, "{slack:?}");
    assert!(
        slack[0].starts_with("octo/widgets#1 is completed: Thing 1\ncost: $0.25\nhttp"),
        "{slack:?}"
    );
    assert_eq!(chats.heard("/bot").len(), 0);
    let hooked = chats.heard("/hook").into_iter();
    let hooked: Vec<Value> = hooked.map(|heard| heard.json()["event"].clone()).collect();
    assert_eq!(
        hooked,
        ["session_started", "task_completed", "session_finished"]
    );
}

#[test]
fn what_is_no_hurry_comes_as_one_message_with_the_end() {
    let chats = FakeChats::start();
    let events =
        json!({ "webhookEvents": ["started", "completed", "summary"], "digestMinutes": 60 });
    let stage = stage(&chats, &events);
    stage.issue(1, &["go"]);
    let ran = exec(&stage);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let hooked = chats.heard("/hook");
    // The control is the test above: without the key each of them comes by itself.
    assert_eq!(hooked.len(), 1, "{hooked:?}");
    let digest = hooked[0].json();
    assert_eq!(digest["event"], "digest");
    let notices = digest["notices"].as_array().unwrap().iter();
    let events: Vec<&Value> = notices.map(|notice| &notice["event"]).collect();
    assert_eq!(
        events,
        ["session_started", "task_completed", "session_finished"]
    );
    let slack = chats.texts(SLACK_PATH);
    assert_eq!(slack.len(), 1, "{slack:?}");
    assert!(slack[0].starts_with("3 notices:\n- "), "{slack:?}");
}

#[test]
fn a_template_of_ones_own_has_the_word_and_a_title_in_it_is_text() {
    let chats = FakeChats::start();
    // It is well for a short title; three loops over a long one never end.
    let endless = "{% for a in project %}{% for b in line %}{% for c in line %}{{ a }}{% endfor %}{% endfor %}{% endfor %}";
    let words = json!({
        "webhookEvents": ["started", "completed", "summary"],
        "templates": {
            "started": endless,
            "completed": "{{ event }} <{{ issue }}> {{ title }}{% if reason %} {{ reason }}{% endif %} {{ cost }}",
        },
    });
    let stage = stage(&chats, &words);
    stage
        .fake
        .add_issue(HOSTILE, "Write `file-1.txt`.", &["go"]);
    let ran = exec(&stage);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let texts = chats.texts("/hook");
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert!(
        texts[0].starts_with("octo/widgets session started: 1 task"),
        "its template never ends: {texts:?}"
    );
    assert_eq!(
        texts[1],
        "task_completed &lt;1&gt; &lt;img src=x onerror=alert(1)&gt; &lt;!channel&gt; @channel &amp; *you* red $0.25"
    );
    assert!(
        texts[2].starts_with("octo/widgets session finished"),
        "the control: {texts:?}"
    );
    let slack = chats.texts(SLACK_PATH).join("\n");
    assert!(
        slack.contains("@\u{200b}channel &amp; *you* red $0.25"),
        "{slack}"
    );
    let told = "a template of notify.templates made nothing of a notice";
    assert_eq!(logs(&stage).matches(told).count(), 1, "{}", logs(&stage));
    let tested = run(&stage, &["notify", "test", "--channel", "webhook"]);
    assert_eq!(tested.stdout, "webhook: ok\n", "{tested:?}");
}

#[test]
fn a_template_that_is_none_is_refused_before_anything_runs() {
    let chats = FakeChats::start();
    let words = json!({ "templates": { "completed": "{{ title }}\n{{ reasons }}" } });
    let stage = stage(&chats, &words);
    stage.issue(1, &["go"]);
    let ran = run(&stage, &["exec", "go", "--isolation", "none"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for part in [
        "notify.templates.completed: is no template: line 2: there is no `reasons`",
        "hint: it may use event, kind, project, session, issue, title, reason, cost, link, line",
    ] {
        assert!(ran.stderr.contains(part), "{ran:?}");
    }
    assert!(stage.runs().is_empty() && chats.heard("/").is_empty());
}

#[test]
fn channels_that_hang_hold_no_run_up_and_the_log_has_what_was_not_told() {
    let chats = FakeChats::start();
    let stage = stage(&chats, &json!({}));
    stage.issue(1, &["go"]);
    for _ in 0..20 {
        for path in [SLACK_PATH, "/bot", "/hook"] {
            chats.trouble(path, Trouble::Hangs);
        }
    }
    let begun = Instant::now();
    let ran = exec(&stage);
    let took = begun.elapsed();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    // All channels together wait ten seconds at the end; the run itself takes a few.
    assert!(took < Duration::from_secs(40), "{took:?}");
    assert!(
        chats.texts(SLACK_PATH).is_empty(),
        "the control: nothing got through"
    );
    assert!(
        !chats.heard(SLACK_PATH).is_empty(),
        "the control: it was tried"
    );
    let logs = logs(&stage);
    assert!(
        logs.contains("it did not take all notices in time"),
        "{logs}"
    );
}

#[test]
fn what_is_refused_for_good_is_in_the_log() {
    let chats = FakeChats::start();
    let wrong = json!({ "telegram": { "botToken": "1:wrong-token", "chatId": CHAT, "api": chats.url("") } });
    let stage = stage(&chats, &wrong);
    stage.issue(1, &["go"]);
    assert_eq!(exec(&stage).code, Some(0));
    let logs = logs(&stage);
    assert!(
        logs.contains("it answers 401 Unauthorized: Unauthorized"),
        "{logs}"
    );
    assert!(
        logs.contains("octo/widgets#1 is completed: Thing 1"),
        "{logs}"
    );
    assert!(!logs.contains("wrong-token"), "{logs}");
}

#[test]
fn the_bell_rings_at_a_terminal_where_it_is_wanted() {
    let rings = |bell: bool| {
        let mut stage = Stage::with_issues(1);
        stage.configure(&json!({ "notify": { "bell": bell } }));
        let exec = stage.command(&["exec", "go", "--isolation", "none"]);
        // Python's pty is the terminal.
        let mut command = std::process::Command::new("python3");
        command.args(["-c", "import pty, sys; pty.spawn(sys.argv[1:])"]);
        command.arg(exec.get_program()).args(exec.get_args());
        command
            .env_clear()
            .current_dir(exec.get_current_dir().unwrap());
        command.envs(
            exec.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        let output = command.env("TERM", "xterm").output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(shown.contains("completed"), "{shown}");
        shown.contains('\u{7}')
    };
    assert!(rings(true));
    assert!(!rings(false), "the control");
}

/// All that stands in the log files.
fn logs(stage: &Stage) -> String {
    let files = std::fs::read_dir(stage.rig.path("state/logs")).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    texts.collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}
