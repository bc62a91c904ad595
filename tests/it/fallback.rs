//! An agent that cannot go on, and the next one that takes over in its files: with scripts, and with the real Claude Code
//! and Codex in the sandbox.

use crate::mock::{Mock, claude};
use crate::rig::Ran;
use crate::stage::Stage;
use crate::vendors_rig::Vendor;
use autoissue::rules::money::Usd;
use serde_json::{Map, Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Does half of it, and fails.
const FIRST: &str =
    "#!/bin/sh\ncat > PLACE/first-told\necho half > half.txt\necho broken >&2\nexit 3\n";
/// Does the other half, and tells what it was told.
const SECOND: &str = "#!/bin/sh\ncat > PLACE/second-told\ncat half.txt > whole.txt\necho whole >> whole.txt\n\
    echo '{\"cost_usd\": 0.25, \"summary\": \"did the rest\"}'\n";

fn events(ran: &Ran, name: &str) -> Vec<Value> {
    let lines = ran.stdout.lines();
    let events = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["event"] == name).collect()
}

fn scripted(fallback: bool) -> (Stage, Ran) {
    let mut stage = Stage::new(FIRST, None);
    let place = stage.rig.path("").display().to_string();
    let second = SECOND.replace("PLACE", place.trim_end_matches('/'));
    let second = stage.rig.script("second", &second);
    let fallback = fallback.then(|| json!({ "kind": "command", "command": [second] }));
    stage.configure(&json!({
        "agent": { "fallback": fallback.into_iter().collect::<Vec<_>>() }, "executor": { "maxRetries": 0 },
    }));
    stage.fake.add_issue("Do it", "Please.", &["go"]);
    let ran = stage.exec("go", &[]);
    (stage, ran)
}

#[test]
fn what_the_first_agent_could_not_do_the_next_one_finishes_in_its_files() {
    let (stage, ran) = scripted(true);
    assert_eq!((ran.code, ran.count("completed")), (Some(0), 1), "{ran:?}");
    let head = "autoissue/1-do-it";
    let file = |name| stage.fake.file(head, name);
    assert_eq!(file("whole.txt").as_deref(), Some("half\nwhole"));
    assert_eq!(file("half.txt").as_deref(), Some("half"));
    let told = std::fs::read_to_string(stage.rig.path("second-told")).unwrap();
    assert!(
        told.contains("An earlier attempt at this issue") && told.contains("broken"),
        "{told}"
    );
    assert!(told.contains("Do it"), "it is told the task as well");
    let admitted = events(&ran, "attempt_admitted");
    assert_eq!(admitted.len(), 2);
    assert_eq!(ran.cost(), Usd::from_micros(250_000));
    let text = stage.rig.autoissue(&["metrics"]).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("command, unknown"), "{text}");
    stage.assert_lawful();
    // The control.
    let (stage, ran) = scripted(false);
    assert_eq!((ran.code, ran.count("failed")), (Some(3), 1), "{ran:?}");
    assert_eq!(stage.heads(), [""; 0]);
}

fn seconds_from_now(seconds: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    (now + Duration::from_secs(seconds)).as_secs()
}

/// A refusal because a subscription's window is used up until then.
fn used_up(reset: u64) -> Value {
    json!({ "kind": "http", "status": 429, "message": "rate limit", "times": 1, "headers": {
        "retry-after": "3600", "anthropic-ratelimit-unified-status": "rejected",
        "anthropic-ratelimit-unified-reset": reset.to_string(),
        "anthropic-ratelimit-unified-representative-claim": "five_hour" } })
}

fn write(path: &str) -> Value {
    json!({ "name": "Write", "input": { "file_path": format!("${{cwd}}/{path}"), "content": "claude\n" } })
}

/// The real Claude Code, as the agent of a subscription.
fn with_claude(stage: &mut Stage, mock: &Mock) {
    let host = mock.url().trim_start_matches("http://");
    stage.configure(&json!({ "sandbox": { "hosts": [host] }, "agent": {
        "kind": "claude", "command": [claude().to_str().unwrap()], "yolo": true, "model": "sonnet",
        "env": { "ANTHROPIC_BASE_URL": mock.url(), "CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-dummy" },
    } }));
}

fn contained(stage: &Stage) -> Ran {
    let args = ["exec", "go", "--isolation", "bwrap", "--format", "json"];
    stage.command(&args).output().unwrap().into()
}

#[test]
fn codex_finishes_what_claude_code_began_before_its_window_was_used_up() {
    let mut stage = Stage::new("", None);
    let mock = Mock::start(&stage.rig.path(""));
    with_claude(&mut stage, &mock);
    let place = stage.rig.path("codex-place/");
    std::fs::create_dir_all(&place).unwrap();
    let other = Vendor::Codex.mock(&place);
    let env = Vendor::Codex.env(&place, other.url(), "sk-codex-canary");
    let config_dir = place.join("codex");
    let env: Map<String, Value> = env
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    let hosts = [&mock, &other].map(|mock| mock.url().trim_start_matches("http://").to_owned());
    stage.configure(
        &json!({ "sandbox": { "hosts": hosts }, "agent": { "fallback": [{
        "kind": "codex", "command": [Vendor::Codex.program().to_str().unwrap()],
        "model": Vendor::Codex.model(), "env": env, "configDir": config_dir,
    }] } }),
    );
    let begun = json!({ "name": "taken-over", "turns": [
        { "text": "I begin.", "tools": [write("src/begun.txt")] },
        { "text": "And on.", "tools": [write("src/never.txt")], "faults": [used_up(seconds_from_now(7200))] },
    ] });
    stage
        .rig
        .write("scenarios/taken-over.json", &begun.to_string());
    let go_on = "test -e src/begun.txt && echo codex > src/ended.txt";
    let ended = json!({ "name": "taken-over", "shared": true, "turns": [
        { "text": "I go on.", "tools": [{ "name": "exec_command", "input": { "cmd": go_on } }] },
        { "text": "Done." },
    ] });
    stage
        .rig
        .write("codex-place/scenarios/taken-over.json", &ended.to_string());
    stage
        .fake
        .add_issue("Add the thing", "[[mock:taken-over]] Please.", &["go"]);
    let ran = contained(&stage);
    assert_eq!((ran.code, ran.count("completed")), (Some(0), 1), "{ran:?}");
    let file = |name| stage.fake.file("autoissue/1-add-the-thing", name);
    assert_eq!(file("src/begun.txt").as_deref(), Some("claude"));
    assert_eq!(file("src/ended.txt").as_deref(), Some("codex"));
    assert_eq!(file("src/never.txt"), None);
    let agents: Vec<Value> = events(&ran, "attempt_admitted")
        .iter()
        .map(|event| event["agent"].clone())
        .collect();
    assert_eq!(agents, ["claude", "codex"]);
    assert_eq!(events(&ran, "task_parked").len(), 0);
    assert_eq!(
        events(&ran, "retry_scheduled").len(),
        0,
        "no failure is counted"
    );
    let body = stage.pull_body("autoissue/1-add-the-thing");
    assert!(
        body.contains("2 attempts, the last one by `codex`"),
        "{body}"
    );
    stage.assert_lawful();
}

/// So long that all three that run meet the limit before it, and the whole is done soon after.
const WINDOW: u64 = 40;

#[test]
fn a_used_up_window_in_the_middle_of_eight_tasks_parks_them_and_all_go_on_without_a_failure() {
    let mut stage = Stage::new("", None);
    let mock = Mock::start(&stage.rig.path(""));
    with_claude(&mut stage, &mock);
    stage.configure(&json!({ "executor": { "maxRetries": 0 } }));
    let reset = seconds_from_now(WINDOW);
    for number in 1..=8_u64 {
        // The first two are done before; those beside and after them meet it in their second turn.
        let faults: Vec<Value> = (3..=5)
            .contains(&number)
            .then(|| used_up(reset))
            .into_iter()
            .collect();
        let path = format!("src/thing-{number}.txt");
        let scenario = json!({ "name": format!("eight-{number}"), "turns": [
            { "text": "I begin.", "tools": [write(&format!("src/begun-{number}.txt"))] },
            { "text": "I add it.", "tools": [write(&path)], "faults": faults },
            { "text": "Added it." },
        ] });
        stage.rig.write(
            &format!("scenarios/eight-{number}.json"),
            &scenario.to_string(),
        );
        let body = format!("[[mock:eight-{number}]] Write `{path}`.");
        stage
            .fake
            .add_issue(&format!("Thing {number}"), &body, &["go"]);
    }
    let ran = contained(&stage);
    assert_eq!((ran.code, ran.count("completed")), (Some(0), 8), "{ran:?}");
    let parked = events(&ran, "task_parked");
    assert!((1..=3).contains(&parked.len()), "{}", ran.stdout);
    assert_eq!(
        events(&ran, "retry_scheduled").len(),
        0,
        "no failure is counted"
    );
    assert_eq!(events(&ran, "breaker_opened").len(), 0);
    let until = parked[0]["until"].as_str().unwrap().to_owned();
    let late = events(&ran, "attempt_admitted").into_iter();
    let parked_at = parked.last().unwrap()["at"].as_str().unwrap().to_owned();
    let late: Vec<String> = late
        .map(|event| event["at"].as_str().unwrap().to_owned())
        .filter(|at| *at > parked_at)
        .collect();
    assert!(
        !late.is_empty() && late.iter().all(|at| *at >= until),
        "{until}: {late:?}"
    );
    for number in 1..=8 {
        let head = format!("autoissue/{number}-thing-{number}");
        for path in ["begun", "thing"] {
            let file = stage.fake.file(&head, &format!("src/{path}-{number}.txt"));
            assert_eq!(file.as_deref(), Some("claude"), "#{number}: {path}");
        }
    }
    stage.assert_lawful();
}
