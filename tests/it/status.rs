//! `status`, through the real binary, while another process works and afterwards.

use crate::rig::{Ran, Rig};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

/// Says on a pipe that it started, and waits for a word on another.
const AGENT: &str = r#"#!/bin/sh
cat > /dev/null
echo started > "PIPES/started.$AUTOISSUE_ISSUE"
read -r _ < "PIPES/go.$AUTOISSUE_ISSUE"
echo done > "done-$AUTOISSUE_ISSUE.txt"
echo '{"cost_usd": 0.25, "summary": "did it"}'
"#;

/// A session of two issues that does nothing on its own; the second waits for the first.
struct Scene {
    rig: Rig,
    exec: Child,
}

impl Scene {
    /// The first issue's agent has started.
    fn new() -> Self {
        let rig = Rig::new();
        let pipes = rig.path("").display().to_string();
        let agent = rig.script(
            "agent",
            &AGENT.replace("PIPES", pipes.trim_end_matches('/')),
        );
        for (number, needs) in [(1, "[]"), (2, "[1]")] {
            rig.write(
                &format!("checkout/.autoissue/issues/{number}-x.md"),
                &format!(
                    "---\ntitle: Issue {number}\nlabels: [go]\ndepends_on: {needs}\n---\nDo it.\n"
                ),
            );
            let pipes = ["started", "go"].map(|name| rig.path(&format!("{name}.{number}")));
            assert!(
                Command::new("mkfifo")
                    .args(&pipes)
                    .status()
                    .unwrap()
                    .success()
            );
        }
        rig.config(&json!({
            "scheduling": { "dependencies": "stacked" },
            "forge": { "kind": "local" },
            "agent": { "kind": "command", "command": [agent.to_str().unwrap()] },
            "scheduling": { "dependencies": "stacked" },
        }));
        let mut exec = rig.autoissue(&["exec", "go", "--format", "json"]);
        let exec = exec.stdout(Stdio::null()).spawn().unwrap();
        let scene = Self { rig, exec };
        scene.wait_for(1);
        scene
    }

    fn wait_for(&self, issue: u32) {
        let mut word = String::new();
        let mut pipe = std::fs::File::open(self.rig.path(&format!("started.{issue}"))).unwrap();
        pipe.read_to_string(&mut word).unwrap();
        assert_eq!(word, "started\n");
    }

    fn let_go(&self, issue: u32) {
        std::fs::write(self.rig.path(&format!("go.{issue}")), "go\n").unwrap();
    }

    fn finish(&mut self) {
        self.let_go(1);
        self.wait_for(2);
        self.let_go(2);
        assert!(self.exec.wait().unwrap().success());
    }

    /// Not yet started; from a directory that is no checkout.
    fn status(&self, args: &[&str]) -> Command {
        let mut command = self.rig.autoissue(&[&["status"], args].concat());
        command.current_dir(self.rig.path("home"));
        command
    }

    fn shown(&self, args: &[&str]) -> Ran {
        self.status(args).output().unwrap().into()
    }

    fn json(&self, args: &[&str]) -> Value {
        self.shown(&[args, &["--format", "json"]].concat())
            .last_json()
    }

    /// One that watches, once it has shown how things stand.
    fn watch(&self, args: &[&str]) -> (Child, Lines) {
        let mut command = self.status(&[&["--watch"], args].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        lines.next().unwrap().unwrap();
        (child, lines)
    }
}

type Lines = std::io::Lines<BufReader<std::process::ChildStdout>>;

fn rest(lines: Lines) -> Vec<String> {
    lines.map(Result::unwrap).collect()
}

#[test]
fn what_another_process_does_is_seen_from_anywhere() {
    let mut scene = Scene::new();
    let session = scene.json(&[]);
    assert_eq!(session["event"], "session_status");
    assert_eq!(session["phase"], "running");
    assert_eq!(session["pid"], scene.exec.id());
    let [first, second] = session["tasks"].as_array().unwrap().as_slice() else {
        panic!("{session}");
    };
    assert_eq!(
        (&first["state"], &first["stage"]),
        (&json!("running"), &json!("agent"))
    );
    assert!(first["pid"].as_u64().is_some(), "{first}");
    assert_eq!(
        (&second["state"], &second["for"]),
        (&json!("waiting"), &json!("needs"))
    );

    let shown = scene.shown(&[]);
    assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""));
    for part in [
        "Issue 1 ",
        " agent ",
        " after #1 ",
        "waiting: #2 after #1",
        "set aside",
    ] {
        assert!(shown.stdout.contains(part), "{part:?} in {}", shown.stdout);
    }
    let task = scene.shown(&["--issue", "1"]).stdout;
    for part in [
        "#1 Issue 1\n",
        "  state     agent, attempt 1 in slot 0\n",
        "  process   ",
    ] {
        assert!(task.contains(part), "{part:?} in {task}");
    }
    assert_eq!(scene.json(&["--issue", "2"])["state"], "waiting");

    scene.finish();
}

#[test]
fn where_nothing_runs_the_latest_sessions_are_listed() {
    let mut scene = Scene::new();
    scene.finish();
    let list = scene.json(&[]);
    assert_eq!(list["event"], "sessions");
    let row = &list["sessions"][0];
    assert_eq!(
        (&row["state"], &row["completed"]),
        (&json!("finished"), &json!(2))
    );
    assert_eq!(row["cost_usd"], "0.50");
    let name = row["session"].as_str().unwrap();
    assert_eq!(
        scene.json(&[&name[..8].to_lowercase()])["phase"],
        "finished"
    );
    assert!(
        scene
            .shown(&[name])
            .stdout
            .contains("2 of 2 tasks completed.")
    );
    let unknown = scene.shown(&["nothing"]);
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown.stderr.contains("there is none of that name"),
        "{unknown:?}"
    );
}

#[test]
fn a_watch_tells_each_change_and_ends_with_its_session() {
    let mut scene = Scene::new();
    let (mut people, lines) = scene.watch(&[]);
    let (mut program, objects) = scene.watch(&["--format", "json"]);
    scene.finish();
    let said = rest(lines).join("\n");
    for part in [
        "\n#1 completed: ",
        "\n#2 admitted, ",
        "2 of 2 tasks completed.",
    ] {
        assert!(said.contains(part), "{part:?} in {said}");
    }
    let objects: Vec<Value> = rest(objects)
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let last = objects.last().unwrap();
    assert_eq!(last["phase"], "finished");
    assert_eq!(last["counts"]["completed"], 2);
    assert!(people.wait().unwrap().success() && program.wait().unwrap().success());
}

#[test]
fn ctrl_c_ends_a_watch_and_nothing_else() {
    let mut scene = Scene::new();
    let (mut watch, lines) = scene.watch(&["--issue", "1"]);
    let pid = watch.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert!(watch.wait().unwrap().success());
    drop(lines);
    assert_eq!(scene.json(&[])["phase"], "running");
    scene.finish();
}

#[test]
fn a_session_whose_process_was_killed_shows_as_interrupted() {
    let mut scene = Scene::new();
    let (mut watch, lines) = scene.watch(&[]);
    scene.exec.kill().unwrap();
    scene.exec.wait().unwrap();
    let said = rest(lines).join("\n");
    assert!(said.contains("was interrupted after"), "{said}");
    assert!(said.contains("autoissue resume "), "{said}");
    assert!(watch.wait().unwrap().success());
    let list = scene.shown(&[]).stdout;
    assert!(list.contains(" interrupted "), "{list}");
    assert!(list.contains("`autoissue resume` goes on"), "{list}");
    assert_eq!(scene.json(&["--issue", "1"])["phase"], "interrupted");
}

#[test]
fn where_nothing_ever_ran_there_is_nothing_to_show() {
    let rig = Rig::new();
    let ran = rig.run(&["status"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.stdout,
        "No session yet: `autoissue exec <label>` starts one.\n"
    );
    assert!(!rig.path("state").exists(), "looking makes nothing");
    let ran = rig.run(&["status", "--issue", "3"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
}
