//! The real Codex, Gemini CLI and opencode against model APIs on loopback: what is promised of an agent, of each of them.

use crate::agents::{CAP, class, new_conversation, run};
use crate::processes::{Asking, Watcher, alive, processes, token};
use crate::vendors_rig::{Scene, Vendor, is_bill, prices};
use autoissue::adapters::agents::codex_command::CodexSettings;
use autoissue::adapters::agents::native::Native;
use autoissue::ports::{AgentEnd, AgentOrder, Conversation, Stop};
use autoissue::rules::ids::Timestamp;
use autoissue::rules::money::{Basis, Usd};
use autoissue::rules::prices::Prices;
use autoissue::rules::task::ErrorClass;
use futures::future::join_all;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Each vendor's scene, all at a time.
async fn each<F: Future<Output = ()>>(what: impl Fn(Scene) -> F) {
    join_all(Vendor::ALL.map(|vendor| what(Scene::new(vendor)))).await;
}

fn basis(vendor: Vendor) -> Basis {
    match vendor {
        Vendor::Codex | Vendor::Gemini => Basis::Table,
        Vendor::Opencode => Basis::Reported,
    }
}

#[tokio::test]
async fn a_task_is_done_and_paid_for() {
    each(async |scene| {
        let vendor = scene.vendor;
        let order = scene.order("work", "happy");
        let (watcher, agent) = (Watcher::default(), scene.agent());
        let report = agent.run(&order, &watcher, &Stop::new()).await;
        assert_eq!(report.end, AgentEnd::Done, "{vendor:?}");
        let summary = "Done: added hello.txt and committed it.";
        assert_eq!(report.summary, summary, "{vendor:?}");
        let made = fs::read_to_string(order.directory.join("hello.txt")).unwrap();
        assert_eq!(made, "hello from mock 42\n", "{vendor:?}");
        let billed = scene.mock.billed_at(&prices());
        assert!(billed > Usd::ZERO);
        let charge = report.charge;
        assert!(
            is_bill(charge.cost, billed),
            "{vendor:?}: {charge:?}, {billed}"
        );
        assert_eq!(charge.basis, basis(vendor), "{vendor:?}");
        assert!(report.dearest > Usd::ZERO && report.dearest < billed);
        assert_eq!(report.model.as_deref(), Some(vendor.model()));
        assert_eq!(report.denied, [""; 0]);
        assert_eq!(
            agent.evidence(&order.transcript),
            Some(report),
            "{vendor:?}"
        );
        let last = watcher.activities.lock().unwrap().last().unwrap().clone();
        assert!(is_bill(last.cost, billed), "{vendor:?}: the live cost");
    })
    .await;
}

#[tokio::test]
async fn a_resumed_conversation_is_not_paid_for_twice() {
    each(async |scene| {
        let (vendor, agent) = (scene.vendor, scene.agent());
        let first = scene.order("work", "text");
        let told = run(&*agent, &first).await;
        let paid = scene.mock.billed_at(&prices());
        assert_eq!(told.end, AgentEnd::Done, "{vendor:?}");
        assert!(is_bill(told.charge.cost, paid), "{vendor:?}");
        let conversation = Conversation::Resumed(told.conversation.clone().unwrap());
        let second = AgentOrder {
            conversation,
            prompt: "[[mock:happy]] go on #9".to_owned(),
            transcript: scene.place.path().join("second.jsonl"),
            ..first
        };
        let again = run(&*agent, &second).await;
        assert_eq!(again.end, AgentEnd::Done, "{vendor:?}");
        let new = scene.mock.billed_at(&prices()).minus(paid);
        assert!(is_bill(again.charge.cost, new), "{vendor:?}: {new}");
        assert_eq!(again.conversation, told.conversation, "{vendor:?}");
        assert_eq!(
            agent.evidence(&second.transcript),
            Some(again),
            "{vendor:?}"
        );
        if vendor == Vendor::Codex {
            let transcript = fs::read_to_string(&second.transcript).unwrap();
            let sum = "\"input_tokens\":38400";
            assert!(
                transcript.contains(sum),
                "the control: its own sum holds both"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn money_and_turns_are_limits_for_those_that_have_none() {
    each(async |scene| {
        let (vendor, agent) = (scene.vendor, scene.agent());
        let cap = Usd::from_micros(60_000);
        let order = AgentOrder {
            cap,
            ..scene.order("a", "loop")
        };
        let report = run(&*agent, &order).await;
        assert_eq!(
            class(&report),
            Some(ErrorClass::Budget),
            "{vendor:?}: {report:?}"
        );
        let billed = scene.mock.billed_at(&prices());
        assert!(
            report.charge.cost > cap && report.charge.cost >= billed,
            "{vendor:?}"
        );
        let order = AgentOrder {
            max_turns: Some(2),
            ..scene.order("b", "loop")
        };
        let report = run(&*agent, &order).await;
        assert_eq!(
            class(&report),
            Some(ErrorClass::TurnLimit),
            "{vendor:?}: {report:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_model_without_a_price_has_its_tokens_limited_and_is_charged_in_full() {
    each(async |scene| {
        let vendor = scene.vendor;
        let model = match vendor {
            Vendor::Codex => "gpt-0.1",
            Vendor::Gemini => "gemini-0.1",
            Vendor::Opencode => "mock/free",
        };
        let agent = vendor.agent(scene.env(), true, Prices::default());
        let order = AgentOrder {
            model: Some(model.to_owned()),
            max_tokens: Some(60_000),
            ..scene.order("a", "loop")
        };
        let report = run(&*agent, &order).await;
        assert_eq!(
            class(&report),
            Some(ErrorClass::Budget),
            "{vendor:?}: {report:?}"
        );
        assert_eq!(
            (report.charge.cost, report.charge.basis),
            (CAP, Basis::Assumed),
            "{vendor:?}"
        );
        assert!(report.charge.usage.total() > 60_000, "{vendor:?}");
    })
    .await;
}

#[tokio::test]
async fn faults_of_the_provider_have_their_class() {
    use ErrorClass as E;
    each(async |scene| {
        let (vendor, agent) = (scene.vendor, scene.agent());
        let faults = [
            ("wrong-key", E::Auth),
            ("no-model", E::ModelNotFound),
            ("too-long", E::ContextTooLong),
            ("limited", E::RateLimit),
            ("overloaded", E::Overloaded),
        ];
        let orders = faults.map(|(name, _)| scene.order(name, name));
        // One by one: opencode's first runs at the same time are at odds over its database.
        for ((name, expect), order) in faults.iter().zip(&orders) {
            let report = run(&*agent, order).await;
            assert_eq!(
                class(&report),
                Some(*expect),
                "{vendor:?} {name}: {:?}",
                report.end
            );
            assert!(
                report.charge.cost < Usd::from_micros(10_000),
                "{vendor:?} {name}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn codex_says_until_when_its_window_is_used_up() {
    let scene = Scene::new(Vendor::Codex);
    let report = run(&*scene.agent(), &scene.order("work", "usagelimit")).await;
    let AgentEnd::Failed(failure) = report.end else {
        panic!("{report:?}")
    };
    // It tells whole minutes, and the window opens within that one.
    assert_eq!(
        (failure.class, failure.until),
        (ErrorClass::UsageLimit, Some(Timestamp(1_795_200_060_000)))
    );
    assert_eq!(report.charge.cost, Usd::ZERO);
}

#[tokio::test]
async fn a_provider_that_hangs_is_left() {
    each(async |scene| {
        let idle = Duration::from_secs(15);
        let order = AgentOrder {
            idle,
            ..scene.order("work", "hang")
        };
        let report = run(&*scene.agent(), &order).await;
        assert_eq!(
            class(&report),
            Some(ErrorClass::Stalled),
            "{:?}",
            scene.vendor
        );
        assert!(report.charge.cost > Usd::ZERO && report.charge.cost < CAP);
        assert_eq!(report.charge.basis, Basis::Table);
    })
    .await;
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_left_although_codex_waits_for_ever() {
    let scene = Scene::new(Vendor::Codex);
    let env = scene
        .vendor
        .env(scene.place.path(), "http://127.0.0.1:9", "x");
    let order = AgentOrder {
        wall: Duration::from_secs(8),
        ..scene.order("work", "text")
    };
    let report = run(&*scene.vendor.agent(env, true, prices()), &order).await;
    assert_eq!(class(&report), Some(ErrorClass::Timeout));
    let transcript = fs::read_to_string(&order.transcript).unwrap();
    assert!(transcript.contains("waiting for network"), "{transcript}");
}

#[tokio::test]
async fn a_stop_leaves_nothing_of_it_and_of_its_tools() {
    for how in [Asking::Gently, Asking::Hard] {
        each(async |scene| {
            let token = token();
            let order = scene.order(&token, "sleep");
            let (stop, watcher) = (Stop::new(), Watcher::default());
            let agent = scene.agent();
            let gate = order.directory.with_file_name("gate");
            nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
            let running = agent.run(&order, &watcher, &stop);
            let stopping = stopped(&gate, &stop, how);
            let report = async {
                let report = running.await;
                // Where it ended before its tool began, nobody waits for that tool any longer.
                let mut gate = fs::File::options()
                    .read(true)
                    .write(true)
                    .open(&gate)
                    .unwrap();
                std::io::Write::write_all(&mut gate, b"ended").unwrap();
                report
            };
            let (report, ()) = futures::future::join(report, stopping).await;
            assert_eq!(report.end, AgentEnd::Stopped, "{:?}", scene.vendor);
            assert!(report.charge.cost > Usd::ZERO && report.charge.cost <= CAP);
            assert_eq!(running_in(&order.directory), [0; 0], "{:?}", scene.vendor);
            assert_eq!(alive(&token), [0; 0], "{:?}", scene.vendor);
        })
        .await;
    }
}

/// Stops a run once its tool says at the gate that it sleeps: some tell of a tool only when it has ended.
async fn stopped(gate: &Path, stop: &Stop, how: Asking) {
    let gate = gate.to_owned();
    let heard = tokio::task::spawn_blocking(|| fs::read(gate));
    heard.await.unwrap().unwrap();
    match how {
        Asking::Gently => stop.ask(),
        Asking::Hard => stop.insist(),
    }
}

/// Who works in this directory.
fn running_in(directory: &Path) -> Vec<i32> {
    let listing = fs::read_dir("/proc").unwrap();
    let numbers = listing.filter_map(|item| item.ok()?.file_name().to_str()?.parse::<i32>().ok());
    numbers
        .filter(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == directory))
        .collect()
}

#[tokio::test]
async fn without_yolo_files_are_written_and_no_command_is_run_that_was_not_allowed() {
    each(async |scene| {
        let vendor = scene.vendor;
        let agent = vendor.agent(scene.env(), false, prices());
        let order = scene.order("work", "whole");
        let report = run(&*agent, &order).await;
        assert_eq!(report.end, AgentEnd::Done, "{vendor:?}");
        let made = fs::read_to_string(order.directory.join("src/thing.txt")).unwrap();
        assert_eq!(made.trim(), vendor.kind());
        let order = scene.order("other", "env");
        let report = run(&*agent, &order).await;
        // Codex runs commands, in a sandbox of its own; the others do not.
        let has_run = order.directory.join("names").exists();
        assert_eq!(has_run, vendor == Vendor::Codex, "{vendor:?}: {report:?}");
    })
    .await;
}

#[tokio::test]
async fn its_environment_is_the_list_and_its_arguments_hold_no_secret() {
    each(async |scene| {
        let vendor = scene.vendor;
        let order = scene.order("work", "env");
        let env = vec![
            ("GITHUB_TOKEN".to_owned(), "canary".to_owned()),
            ("AUTOISSUE_ISSUE".to_owned(), "42".to_owned()),
        ];
        let order = AgentOrder { env, ..order };
        let report = run(&*scene.agent(), &order).await;
        assert_eq!(report.end, AgentEnd::Done, "{vendor:?}");
        let names = fs::read_to_string(order.directory.join("names")).unwrap();
        let has = |name: &str| names.lines().any(|line| line == name);
        assert!(has("PATH"), "{vendor:?}: {names}");
        for never in [
            "GITHUB_TOKEN",
            "CARGO_MANIFEST_DIR",
            "AUTOISSUE_TEST_CODEX",
            "SSH_AUTH_SOCK",
        ] {
            assert!(!has(never), "{vendor:?}: {never} in {names}");
        }
        let argv = fs::read_to_string(order.directory.join("argv")).unwrap_or_default();
        assert!(!argv.contains(&scene.key), "{vendor:?}");
    })
    .await;
}

#[tokio::test]
async fn a_conversation_that_is_gone_is_told_apart() {
    each(async |scene| {
        let id = match scene.vendor {
            Vendor::Codex | Vendor::Gemini => new_conversation(),
            Vendor::Opencode => {
                autoissue::rules::ids::ConversationId::new("ses_dd7f898f2ffePN062DMRAL5P6A")
            }
        };
        let order = AgentOrder {
            conversation: Conversation::Resumed(id),
            ..scene.order("a", "text")
        };
        let report = run(&*scene.agent(), &order).await;
        assert_eq!(
            (class(&report), report.charge.cost),
            (Some(ErrorClass::ConversationLost), Usd::ZERO),
            "{:?}: {report:?}",
            scene.vendor
        );
    })
    .await;
}

#[tokio::test]
async fn the_pinned_versions_are_those_that_run() {
    for vendor in Vendor::ALL {
        let output = std::process::Command::new(vendor.program())
            .arg("--version")
            .output()
            .unwrap();
        let version = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(version.contains(vendor.version()), "{version}");
    }
}

#[tokio::test]
async fn a_missing_program_is_named_with_its_remedy() {
    let settings = CodexSettings {
        program: "no-such-codex".into(),
        ..CodexSettings::default()
    };
    let failure = Native::new(settings, processes())
        .version()
        .await
        .unwrap_err();
    let message = "no-such-codex is not installed; install it with `npm install -g @openai/codex`";
    assert_eq!(failure.message, message);
}
