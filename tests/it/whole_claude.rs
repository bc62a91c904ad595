//! The whole of `exec` with the real Claude Code: its model on loopback, its forge the fake GitHub.

use crate::mock::{Mock, claude};
use crate::rig::Ran;
use crate::stage::Stage;
use autoissue::rules::money::Usd;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// In our environment, and nowhere else.
const CANARIES: [(&str, &str); 3] = [
    ("AWS_SECRET_ACCESS_KEY", "canary-aws-0123456789abcdef"),
    ("SSH_AUTH_SOCK", "/canary/agent.sock"),
    ("NPM_TOKEN", "npm_canary0123456789abcdefghijklmnopqrst"),
];
/// The agent's own, which it may see and nobody else.
const KEY: &str = "sk-ant-api03-canary-0123456789abcdefghijklmnopqrstuvwxyz-AA";

/// Fails where the second file of a test says that it is bad.
const CHECK: &str =
    "#!/bin/sh\nif grep -q bad tests/case.txt 2>/dev/null; then echo case.txt is bad; exit 1; fi\n";

/// Scenario, title, what the body adds, and the file that comes of it with its content.
const BACKLOG: [[&str; 5]; 10] = [
    [
        "backend",
        "[Backend] Serve the list",
        "",
        "src/api.txt",
        "backend",
    ],
    [
        "frontend",
        "[Frontend] Show the list",
        "depends on #1",
        "web/page.txt",
        "frontend",
    ],
    [
        "database",
        "[Database] Store the list",
        "",
        "db/schema.txt",
        "database",
    ],
    [
        "first",
        "One half of sharing",
        "Edit `src/shared.txt`.",
        "src/shared.txt",
        "first",
    ],
    [
        "second",
        "The other half of sharing",
        "Edit `src/shared.txt`.",
        "src/shared.txt",
        "second",
    ],
    [
        "mended",
        "[Testing] Cover the list",
        "",
        "tests/case.txt",
        "good",
    ],
    [
        "patient",
        "[Infrastructure] Deploy the list",
        "",
        "ops/deploy.txt",
        "infrastructure",
    ],
    [
        "overloaded",
        "[Security] Audit the list",
        "",
        "ops/audit.txt",
        "security",
    ],
    [
        "curious",
        "[Docs] Explain the list",
        "",
        "docs/guide.txt",
        "documentation",
    ],
    [
        "unknown",
        "Do something about it",
        "",
        "anything.txt",
        "unknown",
    ],
];

/// A stage whose agent is the real one.
struct Scene {
    stage: Stage,
    mock: Mock,
}

impl Scene {
    fn new(check: Option<&str>) -> Self {
        let mut stage = Stage::new("", check);
        let program = claude();
        stage.configure(&json!({ "scheduling": { "dependencies": "stacked", "rework": false }, "agent": {
            "kind": "claude", "command": [program.to_str().unwrap()], "yolo": true, "model": "sonnet",
        } }));
        let mock = Mock::start(&stage.rig.path(""));
        Self { stage, mock }
    }

    fn exec(&self, key: (&str, &str)) -> Ran {
        let args = ["exec", "go", "--isolation", "bwrap", "--format", "json"];
        let mut command: Command = self.stage.command(&args);
        command
            .env("ANTHROPIC_BASE_URL", self.mock.url())
            .env(key.0, key.1)
            .envs(CANARIES);
        command.output().unwrap().into()
    }
}

fn events(ran: &Ran, name: &str) -> Vec<Value> {
    let lines = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["event"] == name).collect()
}

fn of_issue(events: &[Value], issue: u64) -> Vec<&Value> {
    events
        .iter()
        .filter(|event| event["issue"] == issue)
        .collect()
}

#[test]
fn ten_issues_become_ten_pulls_and_the_bill_is_right() {
    let scene = Scene::new(Some(CHECK));
    for [scenario, title, more, ..] in BACKLOG {
        let body = format!("[[mock:whole-{scenario}]] Please.\n\n{more}");
        scene.stage.fake.add_issue(title, &body, &["go"]);
    }
    let ran = scene.exec(("ANTHROPIC_API_KEY", KEY));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let summary = ran.last_json()["summary"].clone();
    assert_eq!(summary["completed"], 10, "{summary}");
    check_pulls(&scene, &ran);
    check_bill(&scene, &ran, &summary);
    check_order(&ran);
    check_secrets(&scene, &ran);
    scene.stage.assert_lawful();
}

fn check_pulls(scene: &Scene, ran: &Ran) {
    let (fake, pulls) = (&scene.stage.fake, scene.stage.fake.pulls());
    assert_eq!(pulls.len(), 10);
    let committed = events(ran, "committed");
    for (issue, [.., path, content]) in (1..).zip(BACKLOG) {
        let prefix = format!("autoissue/{issue}-");
        let is_its = |head: &str| head.starts_with(&prefix);
        let pull = pulls
            .iter()
            .find(|pull| is_its(&pull.pull.as_ref().unwrap().head))
            .unwrap_or_else(|| panic!("no pull for #{issue}"));
        let part = pull.pull.as_ref().unwrap();
        let body = pull.body.as_ref().unwrap();
        assert!(
            body.lines().any(|line| line == format!("Closes #{issue}")),
            "{body}"
        );
        // What it needs, or what is at work on the same file, may be below it.
        let may_be_below = match issue {
            2 => "autoissue/1-",
            4 => "autoissue/5-",
            5 => "autoissue/4-",
            _ => "main",
        };
        let is_at_home = part.base.starts_with(may_be_below) || (issue != 2 && part.base == "main");
        assert!(is_at_home && !part.draft, "#{issue}: {}", part.base);
        assert_eq!(
            fake.file(&part.head, path).as_deref(),
            Some(content),
            "#{issue}"
        );
        let last = of_issue(&committed, issue).last().unwrap()["commit"].clone();
        assert_eq!(
            last,
            part.head_sha.as_str(),
            "#{issue}: the head is the commit that passed"
        );
        assert_eq!(fake.labels(issue), ["go", "autoissue:completed"]);
        let comments = fake.comments(issue);
        assert_eq!(comments.len(), 1, "#{issue}: {comments:?}");
        assert!(
            comments[0].body.contains(&format!("#{}", pull.number)),
            "{comments:?}"
        );
    }
}

/// What the summary says was spent is what was billed, rounds and attempts over one conversation included.
fn check_bill(scene: &Scene, ran: &Ran, summary: &Value) {
    let money = |value: &Value| Usd::parse(value.as_str().unwrap()).unwrap();
    assert_eq!(money(&summary["cost_usd"]), scene.mock.billed());
    let tasks = summary["tasks"].as_array().unwrap();
    let parts: Usd = tasks.iter().map(|task| money(&task["cost_usd"])).sum();
    assert_eq!(parts, scene.mock.billed());
    let attempts = |issue: u64| {
        let task = tasks.iter().find(|task| task["issue"] == issue);
        task.unwrap()["attempts"].as_u64().unwrap()
    };
    assert_eq!(attempts(6), 1, "a second round is no second attempt");
    assert_eq!(of_issue(&events(ran, "agent_done"), 6).len(), 2);
    assert_eq!(
        attempts(7),
        1,
        "the client's own patience is enough for one 529"
    );
    assert_eq!(attempts(8), 2, "and not for three");
    let faults = scene
        .mock
        .requests()
        .into_iter()
        .filter(|request| request["fault"] == "http");
    assert_eq!(faults.count(), 4);
}

/// The dependent waits for what it needs, and two on one file are never at work together.
fn check_order(ran: &Ran) {
    let lines: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let at = |name: &str, issue: u64| {
        let is_it = |line: &&Value| line["event"] == name && line["issue"] == issue;
        lines.iter().position(|line| is_it(&line)).unwrap()
    };
    assert!(at("attempt_admitted", 2) > at("task_ended", 1));
    let (first, second) = (at("attempt_admitted", 4), at("attempt_admitted", 5));
    let apart = if first < second {
        second > at("attempt_settled", 4)
    } else {
        first > at("attempt_settled", 5)
    };
    assert!(apart, "both edit src/shared.txt");
}

/// What was written into a file of this name, in any home of the sandbox.
fn written_below(worktrees: &Path, file: &str) -> Option<String> {
    let projects = std::fs::read_dir(worktrees).unwrap().flatten();
    let homes = projects.flat_map(|project| std::fs::read_dir(project.path()).unwrap().flatten());
    homes
        .filter(|home| home.file_name().to_string_lossy().starts_with("home-"))
        .find_map(|home| std::fs::read_to_string(home.path().join(file)).ok())
}

/// The forge's token is ours alone, the model's key is the agent's, and neither is written down where others read.
fn check_secrets(scene: &Scene, ran: &Ran) {
    let stage = &scene.stage;
    assert!(
        !stage.rig.path("home/seen-env").exists(),
        "it has a home of its own"
    );
    let homes = stage.rig.path("state/worktrees");
    let seen = written_below(&homes, "home/seen-env").unwrap();
    let names: Vec<&str> = seen
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0))
        .collect();
    assert!(
        names.contains(&"AUTOISSUE_ISSUE") && names.contains(&"AUTOISSUE_WORKTREE"),
        "{seen}"
    );
    assert!(seen.contains(KEY), "the control: what it may see is there");
    let token = stage.fake.token();
    let mut ours: Vec<&str> = CANARIES.map(|(_, value)| value).to_vec();
    ours.push(&token);
    for secret in &ours {
        assert!(
            !seen.contains(secret),
            "{secret} in the agent's environment"
        );
    }
    for name in ["GITHUB_TOKEN", "GH_TOKEN", "CANARY"] {
        assert!(!names.contains(&name), "{name} in the agent's environment");
    }
    let mut told = ran.said();
    for item in stage.fake.pulls().iter().chain(&stage.fake.issues()) {
        told.push_str(&item.title);
        told.push_str(item.body.as_deref().unwrap_or_default());
        stage
            .fake
            .comments(item.number)
            .iter()
            .for_each(|comment| told.push_str(&comment.body));
    }
    for secret in ours.iter().chain(&[KEY]) {
        assert!(!told.contains(secret), "{secret} was told");
    }
    let kept = files(&stage.rig.path("state"));
    assert!(
        kept.iter().any(|(path, _)| path.contains("transcripts"))
            && kept.iter().any(|(path, _)| path.contains("logs"))
    );
    for (path, bytes) in &kept {
        for secret in &ours {
            assert!(!has(bytes, secret), "{secret} in {path}");
        }
        // What the agent itself prints stays as it is, in its own transcript and in the home that it had.
        assert!(
            path.contains("transcripts") || path.contains("/home-issue-9/") || !has(bytes, KEY),
            "the key in {path}"
        );
    }
    let curious = kept
        .iter()
        .find(|(path, _)| path.ends_with("9-1.jsonl"))
        .unwrap();
    assert!(has(&curious.1, "The key is"), "the control: it was said");
}

fn has(bytes: &[u8], secret: &str) -> bool {
    bytes
        .windows(secret.len())
        .any(|window| window == secret.as_bytes())
}

/// Every file below, with its content.
fn files(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(root).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(files(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path.display().to_string(), bytes));
        }
    }
    found
}

#[test]
fn without_yolo_it_edits_and_runs_the_checks_alone() {
    let mut scene = Scene::new(None);
    scene.stage.configure(&json!({
        "agent": { "yolo": false },
        "checks": [{ "name": "test", "run": "sh check.sh" }],
    }));
    scene.stage.fake.commit(
        "main",
        &[(
            "check.sh",
            "test -e careful.txt || { echo nothing; exit 1; }; echo careful enough\n",
        )],
    );
    scene
        .stage
        .fake
        .add_issue("Be careful", "[[mock:whole-careful]]", &["go"]);
    let ran = scene.exec(("ANTHROPIC_API_KEY", KEY));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let file = scene
        .stage
        .fake
        .file("autoissue/1-be-careful", "careful.txt");
    assert_eq!(file.as_deref(), Some("careful"));
    let transcript = files(&scene.stage.rig.path("state"));
    let transcript = transcript
        .iter()
        .find(|(path, _)| path.ends_with("1-1.jsonl"))
        .unwrap();
    assert!(
        has(&transcript.1, "careful enough"),
        "the check was allowed"
    );
    assert!(has(&transcript.1, "requires approval"), "nothing else was");
    scene.stage.assert_lawful();
}

#[test]
fn a_used_up_subscription_is_waited_for() {
    let scene = Scene::new(None);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let reset = Duration::from_secs(now.as_secs() + 15);
    let scenario = json!({ "name": "used-up", "turns": [
        { "text": "I add it.",
          "tools": [{ "name": "Write", "input": { "file_path": "${cwd}/late.txt", "content": "late\n" } }],
          "faults": [{ "kind": "http", "status": 429, "message": "rate limit", "times": 1, "headers": {
              "retry-after": "3600", "anthropic-ratelimit-unified-status": "rejected",
              "anthropic-ratelimit-unified-reset": reset.as_secs().to_string(),
              "anthropic-ratelimit-unified-representative-claim": "five_hour" } }] },
        { "text": "Added it." },
    ] });
    scene
        .stage
        .rig
        .write("scenarios/used-up.json", &scenario.to_string());
    scene
        .stage
        .fake
        .add_issue("Late", "[[mock:used-up]]", &["go"]);
    let ran = scene.exec(("CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-dummy"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(events(&ran, "task_parked").len(), 1, "{}", ran.stdout);
    assert_eq!(
        ran.last_json()["summary"]["tasks"][0]["outcome"],
        "completed"
    );
    let requests = scene.mock.requests();
    let refused = requests
        .iter()
        .position(|request| request["fault"] == "http")
        .unwrap();
    for request in &requests[refused + 1..] {
        let at = Duration::from_secs_f64(request["t"].as_f64().unwrap());
        assert!(at >= reset, "{at:?} is before {reset:?}");
    }
    scene.stage.assert_lawful();
}
