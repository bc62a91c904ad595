//! An issue from its label to its merged pull with the real Claude Code, unattended: through a red check, a review comment
//! and a base that moved, each handled once.

use crate::mock::{Mock, claude};
use crate::rig::Ran;
use crate::stage::{Running, Stage};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Does what its last words ask for. Every round writes a line, and conflicts keep the lines of both.
const WORK: &str = "if [ -e shared.txt ]; then grep -v '^[<=>]' shared.txt > both; mv both shared.txt; fi; \
     echo \"line $(wc -l < shared.txt 2>/dev/null || echo 0)\" >> shared.txt; cat shared.txt";
const HEAD: &str = "autoissue/1-backend-share-a-line";
const PULL: u64 = 2;
const PATIENCE: Duration = Duration::from_secs(90);

struct Scene {
    stage: Stage,
    mock: Mock,
}

impl Scene {
    fn new() -> Self {
        let mut stage = Stage::new("", Some("#!/bin/sh\n! grep -q '^<' shared.txt\n"));
        let program = claude();
        stage.configure(&json!({
            "agent": { "kind": "claude", "command": [program.to_str().unwrap()], "yolo": true, "model": "sonnet" },
            "merge": { "policy": "auto" },
            "watch": { "seconds": 1, "updateMinutes": 0 },
        }));
        let tool = json!({ "name": "Bash", "input": { "command": WORK, "description": "share" } });
        let turns = [
            json!({ "text": "I write a line.", "tools": [tool], "usage": { "input": 900, "output": 40 } }),
            json!({ "text": "The line is written.", "usage": { "input": 100, "output": 10, "cache_read": 900 } }),
        ];
        let turns: Vec<Value> = turns.iter().cycle().take(8).cloned().collect();
        let scenario = json!({ "name": "share", "turns": turns });
        stage
            .rig
            .write("scenarios/share.json", &scenario.to_string());
        let body = "[[mock:share]] Please.";
        stage
            .fake
            .add_issue("[Backend] Share a line", body, &["go"]);
        let mock = Mock::start(&stage.rig.path(""));
        Self { stage, mock }
    }

    fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.stage.command(args);
        command.env("ANTHROPIC_BASE_URL", self.mock.url()).env(
            "ANTHROPIC_API_KEY",
            "sk-ant-api03-watch-0123456789abcdefghij",
        );
        command
    }

    fn head(&self) -> String {
        self.stage.fake.branch_head(HEAD).unwrap()
    }

    /// Waits until the branch has moved on from here.
    fn moved(&self, from: &str) -> String {
        let start = Instant::now();
        loop {
            match self.stage.fake.branch_head(HEAD) {
                Some(head) if head != from => return head,
                _ => assert!(start.elapsed() < PATIENCE, "the branch stays at {from}"),
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}

#[test]
fn an_issue_goes_from_its_label_to_merged_and_closed_through_all_that_is_said_of_it() {
    let scene = Scene::new();
    let fake = &scene.stage.fake;
    let args = ["exec", "go", "--isolation", "bwrap", "--format", "json"];
    let ran: Ran = scene.command(&args).output().unwrap().into();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let opened = scene.head();
    // Green checks come with every commit from here on, so that nothing is merged before the last word.
    fake.check_run(
        HEAD,
        "test",
        Some("failure"),
        "##[error]line 1 is too short\n",
    );
    fake.check_run(HEAD, "gate", None, "");
    let args = ["watch", "--isolation", "bwrap", "--format", "json"];
    let watching = Running::start(&scene.stage.rig, scene.command(&args));

    // A red check.
    fake.check_run(HEAD, "gate", Some("success"), "");
    let mended = scene.moved(&opened);
    fake.check_run(HEAD, "gate", None, "");
    // A review comment.
    let comment = fake.remark(
        PULL,
        "a-maintainer",
        ("shared.txt", 1),
        "One more line, please.",
    );
    let answered = scene.moved(&mended);
    fake.check_run(HEAD, "gate", None, "");
    // A base that moved, in the same lines.
    fake.commit("main", &[("shared.txt", "theirs\n")]);
    scene.moved(&answered);
    fake.check_run(HEAD, "gate", Some("success"), "");

    let ran = watching.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let pull = &fake.pulls()[0];
    assert!(pull.pull.as_ref().unwrap().merged.is_some(), "{ran:?}");
    assert!(
        !fake.issues()[0].open && fake.branch_head(HEAD).is_none(),
        "{ran:?}"
    );
    let merged = fake.file("main", "shared.txt").unwrap();
    assert!(
        merged.contains("theirs") && !merged.contains("<<<"),
        "{merged}"
    );
    let answers = fake
        .remarks()
        .into_iter()
        .filter(|it| it.reply_to == Some(comment));
    assert_eq!(answers.count(), 1, "the comment is answered once");
    check_rounds(&scene, &ran);
    scene.stage.assert_lawful();
}

/// Three more times the agent was asked, each time in the conversation that began the work.
fn check_rounds(scene: &Scene, ran: &Ran) {
    let count = |name: &str| {
        let lines = ran.stdout.lines();
        let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["event"] == name).count()
    };
    assert_eq!(count("agent_done"), 3, "{ran:?}");
    let told = scene.mock.messages();
    let has = |words: &str| told.iter().any(|text| text.contains(words));
    assert!(
        has("line 1 is too short"),
        "the check's log reached the agent"
    );
    assert!(
        has("One more line, please."),
        "the comment reached the agent"
    );
    let asked = scene.mock.requests();
    let sessions: BTreeSet<String> = asked
        .iter()
        .filter(|request| request["scenario"] == "share")
        .map(|request| request["session"].to_string())
        .collect();
    assert_eq!(sessions.len(), 1, "all in one conversation: {sessions:?}");
}
