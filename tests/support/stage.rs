//! The real binary before the fake GitHub, with an agent and a check that are scripts: issues in, pulls out.

use crate::fake_github::{FakeGitHub, FakeOptions};
use crate::rig::{Ran, Rig, config_for};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Writes a file named after its issue, and notes that it ran. Where a gate is closed it stands before it for good.
pub(crate) const AGENT: &str = r#"#!/bin/sh
cat > /dev/null
echo "$AUTOISSUE_ISSUE" >> PLACE/runs
if [ -e PLACE/gate ]; then echo "$AUTOISSUE_ISSUE" > PLACE/gate; sleep 600; exit 1; fi
echo "$AUTOISSUE_ISSUE" > "file-$AUTOISSUE_ISSUE.txt"
echo '{"cost_usd": 0.25, "summary": "did it"}'
"#;

/// How long anything that is waited for may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A fake GitHub, a checkout and its configuration.
pub(crate) struct Stage {
    pub(crate) fake: FakeGitHub,
    pub(crate) rig: Rig,
    config: Value,
}

impl Stage {
    /// `PLACE` in the scripts stands for a directory outside of all worktrees.
    pub(crate) fn new(agent: &str, check: Option<&str>) -> Self {
        let (fake, rig) = (FakeGitHub::start(&FakeOptions::default()), Rig::new());
        let place = rig.path("").display().to_string();
        let place = place.trim_end_matches('/');
        let script = |name, text: &str| rig.script(name, &text.replace("PLACE", place));
        let (agent, check) = (
            script("agent", agent),
            check.map(|text| script("check", text)),
        );
        let config = config_for(&fake.api_url(), &fake.git_url(), &agent, check.as_deref());
        let mut stage = Self { fake, rig, config };
        stage.configure(&json!({}));
        stage
    }

    /// The stage with the usual agent, and issues labelled `go`.
    pub(crate) fn with_issues(count: usize) -> Self {
        let stage = Self::new(AGENT, None);
        for number in 1..=count {
            stage.issue(number, &["go"]);
        }
        stage
    }

    /// Opens an issue that names the file that the usual agent writes for it.
    pub(crate) fn issue(&self, number: usize, labels: &[&str]) {
        let body = format!("Write `file-{number}.txt`.");
        let got = self
            .fake
            .add_issue(&format!("Thing {number}"), &body, labels);
        assert_eq!(got, number as u64, "numbers are given in order");
    }

    /// Changes the configuration: what is an object is merged, anything else replaced.
    pub(crate) fn configure(&mut self, change: &Value) {
        merge(&mut self.config, change);
        self.rig.config(&self.config);
    }

    /// The binary with a token, and a mark in its environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.rig.autoissue(args);
        command
            .env("GITHUB_TOKEN", self.fake.token())
            .env("CANARY", self.marker());
        command
    }

    /// `exec` of this label, to its end.
    pub(crate) fn exec(&self, label: &str, more: &[&str]) -> Ran {
        self.command(&exec_args(label, more))
            .output()
            .unwrap()
            .into()
    }

    /// `resume`, to its end.
    pub(crate) fn resume(&self) -> Ran {
        let args = ["resume", "--isolation", "none", "--format", "json"];
        self.command(&args).output().unwrap().into()
    }

    /// `exec` of this label, running.
    pub(crate) fn start(&self, label: &str, more: &[&str]) -> Running {
        Running::start(&self.rig, self.command(&exec_args(label, more)))
    }

    /// Closes the gate that the usual agent stands before; where there is one, it is emptied by `at_gate`.
    pub(crate) fn close_gate(&self) {
        let made = Command::new("mkfifo").arg(self.gate()).status().unwrap();
        assert!(made.success());
    }

    /// Waits until an agent stands before the gate, and tells which issue it works on.
    pub(crate) fn at_gate(&self) -> u64 {
        let (gate, (sender, receiver)) = (self.gate(), mpsc::channel());
        std::thread::spawn(move || sender.send(std::fs::read_to_string(gate)));
        let line = receiver
            .recv_timeout(PATIENCE)
            .expect("an agent comes")
            .unwrap();
        line.trim().lines().next().unwrap().parse().unwrap()
    }

    /// Lets agents through from now on; those who stand there stay.
    pub(crate) fn open_gate(&self) {
        std::fs::remove_file(self.gate()).unwrap();
    }

    fn gate(&self) -> PathBuf {
        self.rig.path("gate")
    }

    /// For which issues the agent ran, in order.
    pub(crate) fn runs(&self) -> Vec<u64> {
        let text = std::fs::read_to_string(self.rig.path("runs")).unwrap_or_default();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }

    /// Stands in the environment of every process that belongs to this stage alone.
    pub(crate) fn marker(&self) -> String {
        self.rig.path("state").display().to_string()
    }

    /// The heads of the open pulls, in the order of their numbers.
    pub(crate) fn heads(&self) -> Vec<String> {
        let pulls = self.fake.pulls().into_iter().filter(|pull| pull.open);
        pulls.map(|pull| pull.pull.unwrap().head).collect()
    }

    /// The description of the only pull from this branch.
    pub(crate) fn pull_body(&self, head: &str) -> String {
        let pulls = self.fake.pulls();
        let mut found = pulls
            .iter()
            .filter(|pull| pull.pull.as_ref().unwrap().head == head);
        let body = found.next().unwrap().body.clone().unwrap();
        assert!(found.next().is_none(), "two pulls from {head}");
        body
    }

    /// What a session leaves behind for people: two that went well are the same in this.
    pub(crate) fn essence(&self) -> BTreeMap<String, String> {
        let mut essence = BTreeMap::new();
        for pull in self.fake.pulls() {
            let part = pull.pull.as_ref().unwrap();
            let tree = self.fake.tree_of(&part.head);
            let (labels, asked) = (self.fake.labels(pull.number), &part.asked);
            let twin = essence.insert(
                format!("pull {}", part.head),
                format!("{} {} {tree:?} {labels:?} {asked:?}", pull.title, part.base),
            );
            assert_eq!(twin, None, "two pulls from {}", part.head);
        }
        for issue in self.fake.issues() {
            let mut labels = self.fake.labels(issue.number);
            labels.sort();
            let comments = self.fake.comments(issue.number).len();
            essence.insert(
                format!("issue {}", issue.number),
                format!("{labels:?} {:?} {comments} comments", issue.assignees),
            );
        }
        for branch in self.fake.branches().keys() {
            essence.insert(format!("branch {branch}"), String::new());
        }
        essence
    }

    /// Nothing was sent that GitHub would not take.
    pub(crate) fn assert_lawful(&self) {
        assert_eq!(self.fake.violations(), [""; 0]);
    }
}

fn exec_args<'a>(label: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["exec", label, "--isolation", "none", "--format", "json"];
    args.extend(more);
    args
}

/// As RFC 7396 merges, without its nulls.
fn merge(target: &mut Value, change: &Value) {
    match (target, change) {
        (Value::Object(target), Value::Object(change)) => {
            for (key, value) in change {
                merge(target.entry(key).or_insert(Value::Null), value);
            }
        }
        (target, change) => *target = change.clone(),
    }
}

/// A run of the binary that has not ended; it is killed if the test ends first.
pub(crate) struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Running {
    /// Runs this, of the rig's.
    pub(crate) fn start(rig: &Rig, mut command: Command) -> Self {
        let name = uuid::Uuid::new_v4();
        let (stdout, stderr) = (
            rig.path(&format!("{name}.out")),
            rig.path(&format!("{name}.err")),
        );
        let file = |path: &Path| Stdio::from(File::create(path).unwrap());
        let child = command
            .stdout(file(&stdout))
            .stderr(file(&stderr))
            .spawn()
            .unwrap();
        Self {
            child,
            stdout,
            stderr,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
        read(&self.stdout) + &read(&self.stderr)
    }

    pub(crate) fn interrupt(&self) {
        let pid = nix::unistd::Pid::from_raw(self.pid().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    pub(crate) fn end(mut self) -> Ran {
        let code = self.child.wait().unwrap().code();
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        Ran {
            code,
            stdout: read(&self.stdout),
            stderr: read(&self.stderr),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended: then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
