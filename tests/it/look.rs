//! What agents change while they work is looked at: conflicts are told while both go on, and who waits is held by what was
//! really changed.

use crate::rig::{Ran, leftovers_in_the_end};
use crate::stage::Stage;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// How long anything that is waited for may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Writes what its issue really needs, waits before its gate, and keeps the lines of both where git left markers.
const AGENT: &str = r#"#!/bin/sh
cat > /dev/null
echo "$AUTOISSUE_ISSUE" >> PLACE/runs
if grep -q '^<<<<<<<' shared.txt 2>/dev/null; then
  grep -v '^[<=>]' shared.txt | sort > solved; mv solved shared.txt
else
  WORK
  if [ -e "PLACE/gate-$AUTOISSUE_ISSUE" ]; then read -r go < "PLACE/gate-$AUTOISSUE_ISSUE"; fi
fi
echo '{"cost_usd": 0.25, "summary": "did it"}'
"#;

fn stage(work: &str, issues: &[(&str, &str)], look_seconds: u32) -> Stage {
    let mut stage = Stage::new(&AGENT.replace("WORK", work), None);
    stage.configure(&json!({
        "executor": { "maxParallel": 2 },
        "scheduling": { "lookSeconds": look_seconds },
    }));
    for (title, body) in issues {
        stage.fake.add_issue(title, body, &["go"]);
    }
    stage
}

fn close_gates(stage: &Stage, issues: &[u64]) {
    for issue in issues {
        let gate = stage.rig.path(&format!("gate-{issue}"));
        assert!(Command::new("mkfifo").arg(gate).status().unwrap().success());
    }
}

/// Lets the agent go on that stands before its gate, and whoever comes later.
fn open_gate(stage: &Stage, issue: u64) {
    let gate = stage.rig.path(&format!("gate-{issue}"));
    fs::write(&gate, "go\n").unwrap();
    fs::remove_file(gate).unwrap();
}

/// A session whose events are read while it runs.
struct Watched {
    child: Child,
    events: Receiver<Value>,
    seen: Vec<Value>,
}

impl Watched {
    fn start(stage: &Stage) -> Self {
        let args = ["exec", "go", "--isolation", "none", "--format", "json"];
        let mut command = stage.command(&args);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, events) = mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(serde_json::from_str(&line).unwrap()).is_err() {
                    return;
                }
            }
        });
        let seen = Vec::new();
        Self {
            child,
            events,
            seen,
        }
    }

    /// The next event that fits.
    fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let Ok(event) = self.events.recv_timeout(PATIENCE) else {
                panic!("no {what} in {:#?}", self.seen);
            };
            self.seen.push(event.clone());
            if fits(&event) {
                return event;
            }
        }
    }

    fn has_seen(&self, name: &str) -> bool {
        self.seen.iter().any(|event| event["event"] == name)
    }

    fn end(mut self) -> Ran {
        self.seen.extend(self.events.iter());
        let code = self.child.wait().unwrap().code();
        let mut stderr = String::new();
        let mut pipe = self.child.stderr.take().unwrap();
        pipe.read_to_string(&mut stderr).unwrap();
        let lines: Vec<String> = self.seen.iter().map(ToString::to_string).collect();
        let stdout = lines.join("\n");
        Ran {
            code,
            stdout,
            stderr,
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // It may have ended: then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_conflict_is_told_while_both_still_work_and_the_later_is_reworked() {
    let work = r#"echo "line $AUTOISSUE_ISSUE" > shared.txt"#;
    let issues = [("[Backend] Thing 1", "x"), ("[Frontend] Thing 2", "x")];
    let stage = stage(work, &issues, 1);
    close_gates(&stage, &[1, 2]);
    let mut session = Watched::start(&stage);
    let conflict = json!([{ "issue": 2, "with": 1, "paths": ["shared.txt"] }]);
    session.until("conflict", |event| {
        event["event"] == "looked" && event["conflicts"] == conflict
    });
    assert!(
        !session.has_seen("agent_done") && !session.has_seen("attempt_settled"),
        "both still work: {:#?}",
        session.seen
    );
    let status = stage.command(&["status", "--format", "json"]).output();
    let status = String::from_utf8(status.unwrap().stdout).unwrap();
    let status: Value = serde_json::from_str(status.lines().last().unwrap()).unwrap();
    let told = json!([{ "issue": 2, "with": 1, "paths": ["shared.txt"], "running": true }]);
    assert_eq!(status["conflicts"], told, "{status:#}");
    let status = stage.command(&["status"]).output().unwrap();
    let status = String::from_utf8(status.stdout).unwrap();
    let told = "#1 and #2 both change shared.txt and do not merge; the later will be reworked";
    assert!(status.contains(told), "{status}");
    let why = stage.command(&["why", "1"]).output().unwrap();
    let why = String::from_utf8(why.stdout).unwrap();
    let told = "Its work does not merge with #2 over shared.txt.";
    assert!(why.contains(told), "{why}");
    open_gate(&stage, 1);
    session.until("end of the first", |event| event["event"] == "task_ended");
    open_gate(&stage, 2);
    let ran = session.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.event("rework_offered")["issue"], 2);
    let runs = stage.runs();
    assert_eq!((runs.len(), runs[2]), (3, 2), "nobody was stopped for it");
    let shared = stage
        .fake
        .file("autoissue/2-frontend-thing-2", "shared.txt");
    assert_eq!(shared.as_deref(), Some("line 1\nline 2"));
    assert_eq!(ran.last_json()["summary"]["conflicts"], json!([]));
    stage.assert_lawful();
}

#[test]
fn a_kill_after_a_look_changes_nothing_in_the_end() {
    let work = r#"echo "line $AUTOISSUE_ISSUE" > shared.txt"#;
    let issues = [("[Backend] Thing 1", "x"), ("[Frontend] Thing 2", "x")];
    let stage = stage(work, &issues, 1);
    close_gates(&stage, &[1, 2]);
    let mut session = Watched::start(&stage);
    session.until("conflict", |event| {
        event["event"] == "looked" && event["conflicts"] != json!([])
    });
    session.child.kill().unwrap();
    drop(session);
    assert_eq!(leftovers_in_the_end(&stage.marker()), [""; 0]);
    for gate in ["gate-1", "gate-2"] {
        fs::remove_file(stage.rig.path(gate)).unwrap();
    }
    let ran = stage.resume();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.count("completed"), 2);
    // Whichever was done first: the other stands on it, with the lines of both.
    let both = [
        "autoissue/1-backend-thing-1",
        "autoissue/2-frontend-thing-2",
    ]
    .map(|head| stage.fake.file(head, "shared.txt").unwrap());
    assert!(both.contains(&"line 1\nline 2".to_owned()), "{both:?}");
    assert_eq!(stage.fake.pulls().len(), 2);
    assert_eq!([1, 2].map(|issue| stage.fake.comments(issue).len()), [1, 1]);
    stage.assert_lawful();
}

/// Two that work, and a third whose files neither was expected to touch; the first really changes the third one's.
fn busy(look_seconds: u32) -> Stage {
    let work = r#"if [ "$AUTOISSUE_ISSUE" = 1 ]; then echo 1 > c.txt; else echo "$AUTOISSUE_ISSUE" > "own-$AUTOISSUE_ISSUE.txt"; fi"#;
    let issues = [
        ("[Backend] One", "Edit `a.txt`."),
        ("[Backend] Two", "Edit `b.txt`."),
        ("[Backend] Three", "Edit `c.txt`."),
    ];
    let stage = stage(work, &issues, look_seconds);
    close_gates(&stage, &[1, 2]);
    stage
}

fn is_admitted(issue: u64) -> impl Fn(&Value) -> bool {
    move |event| event["event"] == "attempt_admitted" && event["issue"] == issue
}

#[test]
fn who_waits_is_held_by_what_a_running_one_really_changed() {
    let stage = busy(1);
    let mut session = Watched::start(&stage);
    session.until("look", |event| {
        let mut touched = event["touched"].as_array().into_iter().flatten();
        touched.any(|touched| touched["issue"] == 1 && touched["paths"] == json!(["c.txt"]))
    });
    open_gate(&stage, 2);
    let held = session.until("hold", |event| event["event"] == "task_held");
    assert_eq!(
        (&held["issue"], &held["by"], &held["over"]),
        (&json!(3), &json!(1), &json!("c.txt"))
    );
    let why = stage.command(&["why", "3"]).output().unwrap();
    let why = String::from_utf8(why.stdout).unwrap();
    assert!(
        why.contains("waits for #1, which runs and has changed c.txt already"),
        "{why}"
    );
    open_gate(&stage, 1);
    session.until("end of the first", |event| {
        event["event"] == "attempt_settled" && event["issue"] == 1
    });
    session.until("start of the third", is_admitted(3));
    let ran = session.end();
    assert_eq!(ran.count("completed"), 3, "{ran:?}");
}

#[test]
fn where_nobody_looks_it_starts_at_once() {
    let stage = busy(0);
    let mut session = Watched::start(&stage);
    open_gate(&stage, 2);
    session.until("start of the third", is_admitted(3));
    let first_is_done = session
        .seen
        .iter()
        .any(|event| event["event"] == "attempt_settled" && event["issue"] == 1);
    assert!(!first_is_done && !session.has_seen("looked"));
    open_gate(&stage, 1);
    assert_eq!(session.end().code, Some(0));
}

/// The first is done, and the second works on before its gate; then somebody changes on `main` what the first changed.
fn overtaken(scheduling: &Value) -> (Stage, Watched) {
    let work = r#"if [ "$AUTOISSUE_ISSUE" = 1 ]; then echo "line 1" > shared.txt; else echo 2 > own.txt; fi"#;
    let issues = [("[Backend] One", "x"), ("[Frontend] Two", "x")];
    let mut stage = stage(work, &issues, 1);
    stage.configure(&json!({ "scheduling": scheduling }));
    close_gates(&stage, &[2]);
    let mut session = Watched::start(&stage);
    session.until("end of the first", |event| {
        event["event"] == "task_announced" && event["issue"] == 1
    });
    (stage, session)
}

fn runs_of(stage: &Stage, issue: u64) -> usize {
    stage.runs().iter().filter(|run| **run == issue).count()
}

const FIRST: &str = "autoissue/1-backend-one";

#[test]
fn work_that_the_base_has_moved_away_from_is_brought_onto_it_once() {
    let (stage, mut session) = overtaken(&json!({}));
    stage.fake.commit("main", &[("shared.txt", "line 0\n")]);
    let tried = session.until("look at the base", |event| {
        event["event"] == "tried_on_base" && event["outdated"] != json!([])
    });
    let outdated = json!([{ "issue": 1, "paths": ["shared.txt"] }]);
    assert_eq!(
        (&tried["issues"], &tried["outdated"]),
        (&json!([1]), &outdated)
    );
    session.until("second end of the first", |event| {
        event["event"] == "task_announced" && event["issue"] == 1
    });
    open_gate(&stage, 2);
    let ran = session.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(runs_of(&stage, 1), 2);
    let shared = stage.fake.file(FIRST, "shared.txt");
    assert_eq!(shared.as_deref(), Some("line 0\nline 1"));
    assert_eq!(stage.fake.changed("main", FIRST), ["shared.txt"]);
    let pull = stage.fake.pulls().into_iter().next().unwrap();
    assert_eq!(pull.pull.unwrap().base, "main");
    stage.fake.merge(pull.number).unwrap();
    assert_eq!(ran.last_json()["summary"]["conflicts"], json!([]));
    stage.assert_lawful();
}

#[test]
fn without_rework_the_moved_base_is_told_in_summary_and_pull() {
    for certificate in [true, false] {
        let off = json!({ "rework": false, "certificate": certificate });
        let (stage, mut session) = overtaken(&off);
        stage.fake.commit("main", &[("shared.txt", "line 0\n")]);
        session.until("look at the base", |event| {
            event["event"] == "tried_on_base"
        });
        open_gate(&stage, 2);
        let ran = session.end();
        assert_eq!(runs_of(&stage, 1), 1);
        let told = json!([{ "issue": 1, "with": null, "paths": ["shared.txt"] }]);
        assert_eq!(ran.last_json()["summary"]["conflicts"], told, "{ran:?}");
        let body = stage.pull_body(FIRST);
        let told = "conflicts with the base branch, which has moved on, over `shared.txt`";
        assert!(body.contains(told), "{certificate}: {body}");
        assert!(
            body.contains("Merge `main` into this branch"),
            "{certificate}: {body}"
        );
        stage.assert_lawful();
    }
}

#[test]
fn what_a_person_has_turned_down_is_brought_onto_nothing() {
    let (stage, mut session) = overtaken(&json!({}));
    let pull = stage.fake.pulls().into_iter().next().unwrap();
    stage.fake.close_pull(pull.number);
    stage.fake.commit("main", &[("shared.txt", "line 0\n")]);
    let moved = stage.fake.branch_head("main").unwrap();
    let tried = session.until("look at the base", |event| {
        event["event"] == "tried_on_base" && event["base"] == json!(moved)
    });
    assert_eq!(tried["outdated"], json!([]));
    open_gate(&stage, 2);
    assert_eq!(session.end().code, Some(0));
    assert_eq!(runs_of(&stage, 1), 1, "nothing is paid for it");
}

#[test]
fn what_a_person_has_merged_meanwhile_conflicts_with_nothing() {
    let (stage, mut session) = overtaken(&json!({}));
    // Squashed, and gone on with: nothing of it is the commit that was offered.
    stage.fake.close_issue(1);
    stage
        .fake
        .commit("main", &[("shared.txt", "line 1, and more\n")]);
    session.until("merge", |event| event["event"] == "task_merged");
    open_gate(&stage, 2);
    let ran = session.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(runs_of(&stage, 1), 1, "nothing is paid for it");
    assert_eq!(ran.last_json()["summary"]["conflicts"], json!([]));
}
