//! `plan` with the real Claude Code: its model on loopback, its forge the fake GitHub.

use crate::mock::{Mock, claude};
use crate::rig::{Ran, leftovers_in_the_end};
use crate::stage::Stage;
use serde_json::{Value, json};

/// Each item with what it needs.
const SEVEN: [(&str, &[&str]); 7] = [
    ("schema", &[]),
    ("model", &["schema"]),
    ("session", &["schema"]),
    ("login", &["model", "session"]),
    ("styles", &[]),
    ("page", &["styles"]),
    ("manual", &["login", "page"]),
];
const SECRET: &str = "canary-in-the-home-directory";

fn item(key: &str, needs: &[&str]) -> Value {
    json!({
        "key": key, "title": format!("Add the {key}"), "body": format!("Add it. [[mock:item-{key}]]"),
        "acceptance": ["It is there."], "domain": "backend", "labels": [], "complexity": "simple",
        "files": [format!("parts/{key}.txt")], "depends_on": needs, "estimate_minutes": 5,
    })
}

/// What the model does: it looks around, tries what it may not, and answers; then it works on the items.
fn scenarios(home: &str, answer: &Value) -> Value {
    let tool = |name: &str, input: Value| json!({ "name": name, "input": input });
    let planner = json!({ "name": "plan-seven", "turns": [
        { "text": "I look around.", "tools": [tool("Glob", json!({ "pattern": "**/*" })), tool("Read", json!({ "file_path": "${cwd}/README.md" }))],
          "usage": { "input": 9000, "output": 200 } },
        { "text": "I look further.", "tools": [tool("Read", json!({ "file_path": format!("{home}/secret.txt") }))] },
        { "text": "I try to write.", "tools": [tool("Write", json!({ "file_path": "${cwd}/evil.txt", "content": "evil" })),
          tool("Bash", json!({ "command": format!("touch {home}/evil.txt"), "description": "touch" }))] },
        { "text": "This is the plan.", "tools": [tool("StructuredOutput", answer.clone())], "usage": { "input": 400, "output": 900 } },
        { "text": "Planned." },
    ] });
    let worker = |key: &str| {
        json!({ "name": format!("item-{key}"), "turns": [
            { "text": "I add it.", "tools": [tool("Write", json!({ "file_path": format!("${{cwd}}/parts/{key}.txt"), "content": format!("{key}\n") }))] },
            { "text": format!("Added the {key}.") },
        ] })
    };
    let mut all = vec![planner];
    all.extend(SEVEN.map(|(key, _)| worker(key)));
    Value::from(all)
}

struct Scene {
    stage: Stage,
    mock: Mock,
}

impl Scene {
    fn new(answer: &Value) -> Self {
        let mut stage = Stage::new("", None);
        stage.rig.write("home/secret.txt", SECRET);
        let home = stage.rig.path("home").display().to_string();
        let text = scenarios(&home, answer).to_string();
        stage.rig.write("scenarios/plan.json", &text);
        let program = claude();
        stage.configure(&json!({ "agent": {
            "kind": "claude", "command": [program.to_str().unwrap()], "yolo": true, "model": "sonnet",
        } }));
        let mock = Mock::start(&stage.rig.path(""));
        Self { stage, mock }
    }

    fn plan(&self, env: &[(&str, &str)]) -> Ran {
        let args = [
            "plan",
            "Add accounts [[mock:plan-seven]]",
            "--yes",
            "--isolation",
            "bwrap",
            "--format",
            "json",
        ];
        self.run(&args, env)
    }

    fn run(&self, args: &[&str], env: &[(&str, &str)]) -> Ran {
        let mut command = self.stage.command(args);
        command
            .env("ANTHROPIC_BASE_URL", self.mock.url())
            .env("ANTHROPIC_API_KEY", "sk-ant-dummy")
            .envs(env.iter().copied());
        command.output().unwrap().into()
    }
}

fn seven() -> Value {
    let items: Vec<Value> = SEVEN.iter().map(|(key, needs)| item(key, needs)).collect();
    json!({ "version": 1, "directive": "Add accounts", "items": items })
}

#[test]
fn claude_plans_seven_items_that_are_opened_tied_and_worked_on() {
    let scene = Scene::new(&seven());
    let ran = scene.plan(&[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    scene.stage.assert_lawful();
    assert_eq!(ran.count("completed"), 7, "{ran:?}");
    let issues = scene.stage.fake.issues();
    assert_eq!(issues.len(), 8);
    let number = |key: &str| {
        let found = issues
            .iter()
            .find(|issue| issue.title == format!("Add the {key}"));
        found.unwrap_or_else(|| panic!("{key}")).number
    };
    assert_eq!(issues[0].parts.len(), 7);
    for (key, needs) in SEVEN {
        let issue = issues
            .iter()
            .find(|issue| issue.number == number(key))
            .unwrap();
        let mut expected: Vec<u64> = needs.iter().map(|need| number(need)).collect();
        expected.sort_unstable();
        let mut found = issue.blocked_by.clone();
        found.sort_unstable();
        assert_eq!(found, expected, "{key}");
        let head = scene
            .stage
            .heads()
            .into_iter()
            .find(|head| head.starts_with(&format!("autoissue/{}-", issue.number)));
        let head = head.unwrap_or_else(|| panic!("no pull for {key}"));
        let file = scene.stage.fake.file(&head, &format!("parts/{key}.txt"));
        assert_eq!(file.as_deref().map(str::trim_end), Some(key));
    }
    only_read(&scene, &ran);
    // Every dollar of the model's is in the bill, the planner's among it.
    assert_eq!(ran.cost(), scene.mock.billed());
    let planner = ran.event("planner_settled");
    assert_eq!(planner["basis"], "reported");
    assert!(
        planner["model"].as_str().unwrap().contains("sonnet"),
        "{planner}"
    );
}

/// Who plans can read, and nothing else; and not beyond the files that it was given.
fn only_read(scene: &Scene, ran: &Ran) {
    let requests = scene.mock.requests();
    let planning = requests
        .iter()
        .filter(|request| request["scenario"] == "plan-seven");
    let mut seen = 0;
    for request in planning {
        seen += 1;
        let tools = request["tools"].to_string();
        assert!(
            tools.contains("StructuredOutput") && tools.contains("Read"),
            "{tools}"
        );
        for tool in ["Bash", "Write", "Edit", "WebFetch", "Task", "NotebookEdit"] {
            assert!(!tools.contains(&format!("\"{tool}\"")), "{tool} in {tools}");
        }
    }
    assert!(seen >= 4, "{seen} requests");
    assert!(!scene.stage.rig.path("home/evil.txt").exists());
    let id = ran.event("session_started")["session"]
        .as_str()
        .unwrap()
        .to_owned();
    let transcript = scene
        .stage
        .rig
        .path(&format!("state/sessions/{id}/transcripts/plan-1.jsonl"));
    let transcript = std::fs::read_to_string(transcript).unwrap();
    assert!(
        transcript.contains("Widgets") && !transcript.contains(SECRET),
        "{transcript}"
    );
}

#[test]
fn a_planner_that_was_killed_after_its_answer_is_not_paid_twice() {
    let scene = Scene::new(&seven());
    // The fourth event is the plan; whoever dies before it has the answer in the transcript.
    let events = [3, 4].map(|at| format!("{at}:before"));
    for point in &events {
        let scene = if point == &events[0] {
            &scene
        } else {
            &Scene::new(&seven())
        };
        let first = scene.plan(&[("AUTOISSUE_CRASH_AT", point)]);
        assert_eq!(first.code, None, "{point}: {first:?}");
        let asked = |scene: &Scene| {
            let requests = scene.mock.requests();
            requests
                .iter()
                .filter(|request| request["scenario"] == "plan-seven")
                .count()
        };
        let before = asked(scene);
        let second = scene.run(&["resume", "--isolation", "bwrap", "--format", "json"], &[]);
        assert_eq!(second.code, Some(0), "{point}: {second:?}");
        assert_eq!(second.count("completed"), 7);
        if before >= 4 {
            assert_eq!(asked(scene), before, "{point}: the answer was there");
            assert_eq!(second.cost(), scene.mock.billed(), "{point}");
        }
        assert_eq!(scene.stage.fake.issues().len(), 8, "{point}");
        assert_eq!(leftovers_in_the_end(&scene.stage.marker()), [""; 0]);
    }
}
