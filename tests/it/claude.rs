//! The real Claude Code against a model API on loopback.

use crate::agents::{CAP, class, new_conversation, order, run};
use crate::mock::{Mock, agent, claude, with};
use crate::processes::{Asking, Watcher, alive, processes, token};
use autoissue::adapters::agents::claude::ClaudeAgent;
use autoissue::adapters::agents::claude_command::ClaudeSettings;
use autoissue::ports::{
    Activity, Agent, AgentEnd, AgentOrder, Conversation, Interrupted, Stop, Watch,
};
use autoissue::rules::event::ProcessIdentity;
use autoissue::rules::ids::Timestamp;
use autoissue::rules::money::{Basis, Usd};
use autoissue::rules::task::ErrorClass;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

struct Scene {
    place: TempDir,
    mock: Mock,
}

impl Scene {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let mock = Mock::start(place.path());
        Self { place, mock }
    }

    fn settings(&self) -> ClaudeSettings {
        self.mock.claude(self.place.path())
    }

    /// A directory to work in, a repository as Claude Code expects one.
    fn work(&self, name: &str) -> std::path::PathBuf {
        let work = self.place.path().join(name);
        std::fs::create_dir(&work).unwrap();
        let git = |words: &[&str]| {
            let status = std::process::Command::new("git")
                .args(words)
                .current_dir(&work)
                .status();
            assert!(status.unwrap().success());
        };
        git(&["init", "-q"]);
        git(&["config", "user.name", "Test"]);
        git(&["config", "user.email", "test@example.com"]);
        work
    }

    fn order(&self, name: &str, scenario: &str) -> AgentOrder {
        let order = order(
            &self.work(name),
            &format!("[[mock:{scenario}]] Fix issue #42"),
        );
        let transcript = self.place.path().join(format!("{name}.jsonl"));
        AgentOrder {
            model: Some("opus".to_owned()),
            transcript,
            ..order
        }
    }
}

#[tokio::test]
async fn a_task_is_done_and_paid_for() {
    let scene = Scene::new();
    let order = scene.order("work", "happy");
    let watcher = Watcher::default();
    let agent = agent(scene.settings());
    let report = agent.run(&order, &watcher, &Stop::new()).await;
    assert_eq!(report.end, AgentEnd::Done);
    assert_eq!(report.summary, "Done: added hello.txt and committed it.");
    assert_eq!(
        (report.charge.cost, report.charge.basis),
        (Usd::from_micros(111_700), Basis::Reported)
    );
    assert_eq!(report.dearest, Usd::from_micros(94_000));
    assert_eq!(
        report
            .conversation
            .as_ref()
            .map(|id| Conversation::New(id.clone())),
        Some(order.conversation.clone())
    );
    assert_eq!(report.denied, [""; 0]);
    let made = std::fs::read_to_string(order.directory.join("hello.txt")).unwrap();
    assert_eq!(made, "hello from mock 42\n");
    assert_eq!(agent.evidence(&order.transcript), Some(report));
    let last = watcher.activities.lock().unwrap().last().unwrap().clone();
    assert_eq!(
        last.cost,
        Usd::from_micros(111_700),
        "the live cost, at our prices"
    );
    assert_eq!(
        scene.mock.requests().len(),
        3,
        "one a turn, and nothing else"
    );
}

#[tokio::test]
async fn a_resumed_conversation_is_not_paid_for_twice() {
    let scene = Scene::new();
    let agent = agent(scene.settings());
    let first = scene.order("work", "text");
    let told = run(&agent, &first).await;
    assert_eq!(
        (told.end, told.charge.cost),
        (AgentEnd::Done, Usd::from_micros(6_000))
    );
    let conversation = Conversation::Resumed(told.conversation.unwrap());
    let second = AgentOrder {
        conversation,
        prompt: "[[mock:happy]] go on #9".to_owned(),
        ..first
    };
    let told = run(&agent, &second).await;
    assert_eq!(
        (&told.end, told.charge.cost),
        (&AgentEnd::Done, Usd::from_micros(111_700))
    );
    assert_eq!(agent.evidence(&second.transcript), Some(told));
    let transcript = std::fs::read_to_string(&second.transcript).unwrap();
    assert!(
        transcript.contains("\"total_cost_usd\":0.1177"),
        "the control: its own sum holds both runs"
    );
}

#[tokio::test]
async fn the_budget_and_the_turns_are_limits() {
    let scene = Scene::new();
    let agent = agent(scene.settings());
    let cap = Usd::from_micros(300_000);
    let report = run(
        &agent,
        &AgentOrder {
            cap,
            ..scene.order("a", "loop")
        },
    )
    .await;
    assert_eq!(class(&report), Some(ErrorClass::Budget), "{report:?}");
    assert_eq!(report.charge.cost, cap);
    let report = run(
        &agent,
        &AgentOrder {
            max_turns: Some(3),
            ..scene.order("b", "loop")
        },
    )
    .await;
    assert_eq!(class(&report), Some(ErrorClass::TurnLimit), "{report:?}");
    // One response beyond all bounds: whoever stops it first, it is the budget, and it is on the bill.
    let report = run(&agent, &scene.order("c", "dear")).await;
    assert_eq!(class(&report), Some(ErrorClass::Budget), "{report:?}");
    assert!(
        report.charge.cost >= Usd::from_micros(8_400_000),
        "{report:?}"
    );
}

#[tokio::test]
async fn without_yolo_only_what_is_allowed_is_done() {
    let scene = Scene::new();
    let settings = ClaudeSettings {
        yolo: false,
        ..scene.settings()
    };
    let report = run(&agent(settings.clone()), &scene.order("a", "happy")).await;
    assert_eq!(report.end, AgentEnd::Done, "by its own account");
    assert!(
        report.denied[0].starts_with("Bash git add hello.txt"),
        "{:?}",
        report.denied
    );
    assert!(
        scene.place.path().join("a/hello.txt").exists(),
        "edits are accepted"
    );
    let allowed_commands = ["git add", "git commit", "git log"]
        .map(str::to_owned)
        .to_vec();
    let settings = ClaudeSettings {
        allowed_commands,
        ..settings
    };
    let report = run(&agent(settings), &scene.order("b", "happy")).await;
    assert_eq!(report.denied, [""; 0]);
}

#[tokio::test]
async fn faults_of_the_provider_have_their_class() {
    let scene = Scene::new();
    let agent = agent(scene.settings());
    let faults = [
        ("e401", ErrorClass::Auth),
        ("e429", ErrorClass::RateLimit),
        ("e429ra", ErrorClass::RateLimit),
        ("e529", ErrorClass::Overloaded),
        ("truncate", ErrorClass::Network),
        ("reset", ErrorClass::Network),
        ("ecredit", ErrorClass::Billing),
        ("eprompt", ErrorClass::ContextTooLong),
        ("e404", ErrorClass::ModelNotFound),
        ("refusal", ErrorClass::Refusal),
        ("maxtok", ErrorClass::ContextTooLong),
    ];
    let runs = faults.map(|(name, _)| scene.order(name, name));
    let reports = futures::future::join_all(runs.iter().map(|order| run(&agent, order))).await;
    for ((name, expect), report) in faults.iter().zip(reports) {
        assert_eq!(class(&report), Some(*expect), "{name}: {:?}", report.end);
        assert_eq!(report.charge.basis, Basis::Reported, "{name}");
    }
}

#[tokio::test]
async fn a_used_up_subscription_says_until_when() {
    let scene = Scene::new();
    let settings = scene.mock.claude_without_key(scene.place.path());
    let agent = agent(with(
        settings,
        "CLAUDE_CODE_OAUTH_TOKEN",
        "sk-ant-oat01-dummy",
    ));
    let report = run(&agent, &scene.order("work", "e429ra")).await;
    let AgentEnd::Failed(failure) = report.end else {
        panic!("{report:?}")
    };
    assert_eq!(
        (failure.class, failure.until),
        (ErrorClass::UsageLimit, Some(Timestamp(1_795_200_000_000)))
    );
}

#[tokio::test]
async fn a_provider_that_hangs_is_left() {
    let scene = Scene::new();
    let idle = Duration::from_secs(4);
    let report = run(
        &agent(scene.settings()),
        &AgentOrder {
            idle,
            ..scene.order("work", "hang")
        },
    )
    .await;
    assert_eq!(class(&report), Some(ErrorClass::Stalled));
    assert_eq!(
        report.charge.basis,
        Basis::Table,
        "what may have been spent on the answer that never came"
    );
    assert!(report.charge.cost > Usd::ZERO && report.charge.cost < CAP);
}

/// Stops the run once it is heard to sleep.
struct Stopper {
    stop: Stop,
    how: Asking,
}

#[async_trait::async_trait]
impl Watch for Stopper {
    async fn spawned(&self, _: ProcessIdentity) -> Result<(), Interrupted> {
        Ok(())
    }

    fn activity(&self, activity: Activity) {
        if activity.line.starts_with("Bash python3") {
            match self.how {
                Asking::Gently => self.stop.ask(),
                Asking::Hard => self.stop.insist(),
            }
        }
    }
}

#[tokio::test]
async fn a_stop_leaves_nothing_of_it_and_of_its_tools() {
    for how in [Asking::Gently, Asking::Hard] {
        let scene = Scene::new();
        let token = token();
        let order = scene.order(&token, "sleep");
        let stopper = Stopper {
            stop: Stop::new(),
            how,
        };
        let report = agent(scene.settings())
            .run(&order, &stopper, &stopper.stop)
            .await;
        assert_eq!(report.end, AgentEnd::Stopped);
        assert!(
            report.charge.cost > Usd::ZERO && report.charge.cost < CAP,
            "{:?}",
            report.charge
        );
        assert_eq!(running_in(&order.directory), [0; 0]);
        assert_eq!(alive(&token), [0; 0]);
    }
}

/// Who works in this directory: tools of Claude Code have no mark of ours on their command line.
fn running_in(directory: &Path) -> Vec<i32> {
    let listing = std::fs::read_dir("/proc").unwrap();
    let numbers = listing.filter_map(|item| item.ok()?.file_name().to_str()?.parse::<i32>().ok());
    numbers
        .filter(|pid| {
            std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == directory)
        })
        .collect()
}

#[tokio::test]
async fn eight_at_once_share_one_configuration() {
    let scene = Scene::new();
    let agent = agent(scene.settings());
    let orders: Vec<AgentOrder> = (0..8)
        .map(|number| scene.order(&format!("w{number}"), "happy"))
        .collect();
    let reports = futures::future::join_all(orders.iter().map(|order| run(&agent, order))).await;
    for (order, report) in orders.iter().zip(reports) {
        assert_eq!(
            (report.end, report.charge.cost),
            (AgentEnd::Done, Usd::from_micros(111_700))
        );
        assert!(order.directory.join("hello.txt").exists());
    }
}

#[tokio::test]
async fn our_prices_are_those_that_it_reports() {
    let scene = Scene::new();
    let agent = agent(scene.settings());
    let models = [
        "opus",
        "sonnet",
        "haiku",
        "fable",
        "opusplan",
        "claude-opus-4-5",
        "claude-sonnet-4-5",
        "claude-haiku-4-5",
    ];
    for (number, model) in models.into_iter().enumerate() {
        for scenario in ["prices", "prices-long"] {
            let order = scene.order(&format!("{number}-{scenario}"), scenario);
            let watcher = Watcher::default();
            let order = AgentOrder {
                model: Some(model.to_owned()),
                ..order
            };
            let report = agent.run(&order, &watcher, &Stop::new()).await;
            let live = watcher.activities.lock().unwrap().last().unwrap().cost;
            assert_eq!(
                (report.charge.cost, report.charge.basis),
                (live, Basis::Reported),
                "{model} {scenario}"
            );
        }
    }
}

#[tokio::test]
async fn its_environment_is_the_list_and_its_arguments_hold_no_secret() {
    let scene = Scene::new();
    let order = scene.order("work", "env");
    let env = vec![
        ("GITHUB_TOKEN".to_owned(), "canary".to_owned()),
        ("AUTOISSUE_ISSUE".to_owned(), "42".to_owned()),
    ];
    let report = run(
        &agent(scene.settings()),
        &AgentOrder {
            env,
            ..order.clone()
        },
    )
    .await;
    assert_eq!(report.end, AgentEnd::Done);
    let names = std::fs::read_to_string(order.directory.join("names")).unwrap();
    let has = |name: &str| names.lines().any(|line| line == name);
    assert!(has("AUTOISSUE_ISSUE") && has("PATH"), "{names}");
    for never in [
        "GITHUB_TOKEN",
        "CARGO_MANIFEST_DIR",
        "AUTOISSUE_TEST_CLAUDE",
        "SSH_AUTH_SOCK",
    ] {
        assert!(!has(never), "{never} in {names}");
    }
    let argv = std::fs::read_to_string(order.directory.join("argv")).unwrap();
    assert!(
        argv.contains("--output-format") && !argv.contains("sk-ant") && !argv.contains("Fix issue"),
        "{argv}"
    );
}

#[tokio::test]
async fn a_conversation_that_is_gone_is_told_apart() {
    let scene = Scene::new();
    let agent = agent(scene.settings());
    let conversation = Conversation::Resumed(new_conversation());
    let report = run(
        &agent,
        &AgentOrder {
            conversation,
            ..scene.order("a", "text")
        },
    )
    .await;
    assert_eq!(
        (class(&report), report.charge.cost),
        (Some(ErrorClass::ConversationLost), Usd::ZERO)
    );
    let order = scene.order("b", "text");
    assert_eq!(run(&agent, &order).await.end, AgentEnd::Done);
    let report = run(&agent, &order).await;
    assert_eq!(
        (class(&report), report.charge.cost),
        (Some(ErrorClass::ConversationLost), Usd::ZERO),
        "its name is taken"
    );
}

#[tokio::test]
async fn the_pinned_version_is_the_one_that_runs() {
    let settings = ClaudeSettings {
        program: claude(),
        ..ClaudeSettings::default()
    };
    let version = ClaudeAgent::new(settings, processes())
        .version()
        .await
        .unwrap();
    assert!(version.starts_with("2.1.328"), "{version}");
}

#[tokio::test]
async fn a_missing_program_is_named_with_its_remedy() {
    let settings = ClaudeSettings {
        program: "no-such-claude".into(),
        ..ClaudeSettings::default()
    };
    let agent = ClaudeAgent::new(settings, processes());
    let message = "no-such-claude is not installed; install it with `npm install -g @anthropic-ai/claude-code`";
    let failure = agent.version().await.unwrap_err();
    assert_eq!(
        (failure.class, failure.message.as_str()),
        (ErrorClass::Setup, message)
    );
    let place = tempfile::tempdir().unwrap();
    let report = run(&agent, &order(place.path(), "go")).await;
    assert_eq!(
        (report.end, report.charge.cost),
        (AgentEnd::Failed(failure), Usd::ZERO)
    );
}
