//! What the daemon says of itself, to people who do not watch: tried again, gathered, and by the channels of now.

use crate::daemon_rig::{Daemon, configure, rig};
use crate::fake_chats::{FakeChats, Trouble};
use crate::rig::wait_for;
use serde_json::{Value, json};

/// More than any machine has.
const MUCH: u64 = 100_000_000;

/// A webhook that is told of it, as `more` says.
fn hook(chats: &FakeChats, more: &Value) -> Value {
    let mut notify = json!({ "webhook": chats.url("/hook"), "webhookEvents": ["service"] });
    for (key, value) in more.as_object().unwrap() {
        notify[key] = value.clone();
    }
    notify
}

fn unwell(notify: &Value) -> Value {
    json!({ "serve": { "minFreeDiskMb": MUCH }, "notify": notify })
}

fn told(chats: &FakeChats) -> Vec<(u16, String)> {
    let heard = chats.heard("/hook").into_iter();
    let told = heard.map(|heard| {
        let event = heard.json()["event"].as_str().unwrap().to_owned();
        (heard.status, event)
    });
    told.collect()
}

#[test]
fn what_a_channel_does_not_take_at_once_is_sent_again() {
    let chats = FakeChats::start();
    chats.trouble("/hook", Trouble::Broken);
    let rig = rig(&unwell(&hook(&chats, &json!({}))));
    let daemon = Daemon::start(&rig);
    daemon.says("nothing is begun");
    wait_for(|| told(&chats).len() == 2);
    let paused = || "admission_paused".to_owned();
    assert_eq!(told(&chats), [(500, paused()), (200, paused())]);
    daemon.end();
    assert_eq!(told(&chats).len(), 2, "it was told");
}

/// Control: without `digestMinutes` it is told at once, as above.
#[test]
fn what_is_gathered_is_told_at_the_latest_when_it_ends() {
    let chats = FakeChats::start();
    let notify = hook(&chats, &json!({ "digestMinutes": 60 }));
    let rig = rig(&unwell(&notify));
    let daemon = Daemon::start(&rig);
    daemon.says("nothing is begun");
    std::thread::park_timeout(std::time::Duration::from_millis(700));
    assert_eq!(told(&chats), [], "it waits for others");
    daemon.end();
    assert_eq!(told(&chats), [(200, "admission_paused".to_owned())]);
}

#[test]
fn after_a_reload_those_of_the_new_configuration_are_told() {
    let [before, after] = [(), ()].map(|()| FakeChats::start());
    let rig = rig(&json!({ "notify": hook(&before, &json!({})) }));
    let daemon = Daemon::start(&rig);
    daemon.says("Dashboard");
    configure(
        &rig,
        &json!({
            "projects": [{ "path": "../other", "label": "go" }],
            "notify": hook(&after, &json!({})),
        }),
    );
    daemon.says("the configuration was read anew");
    let sync = || async {
        daemon.post("/api/projects/other/sync").await;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for _ in 0..100 {
        if !told(&after).is_empty() {
            break;
        }
        runtime.block_on(sync());
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    }
    assert_eq!(told(&after), [(200, "source_disabled".to_owned())]);
    assert_eq!(told(&before), []);
    daemon.end();
}
