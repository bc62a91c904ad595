//! The real binary in an environment of its own: nothing of the machine's user reaches it.

use autoissue::rules::money::Usd;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

pub(crate) struct Rig {
    root: tempfile::TempDir,
}

impl Rig {
    /// An environment with a checkout of one commit.
    pub(crate) fn new() -> Self {
        let rig = Self {
            root: tempfile::tempdir().unwrap(),
        };
        for name in ["home", "checkout", "bin"] {
            std::fs::create_dir(rig.path(name)).unwrap();
        }
        rig.git(&["init", "--quiet", "--initial-branch", "main"]);
        rig.write("checkout/README.md", "# Widgets\n");
        rig.git(&["add", "."]);
        rig.git(&["commit", "--quiet", "--message", "begin"]);
        rig
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn checkout(&self) -> PathBuf {
        self.path("checkout")
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// An executable script.
    pub(crate) fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.write(&format!("bin/{name}"), text);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Writes the configuration. Unless it says otherwise the number of slots does not depend on this machine's memory
    /// and disk.
    pub(crate) fn config(&self, config: &Value) {
        let mut config = config.clone();
        let parts = config.as_object_mut().unwrap();
        let scheduling = parts.entry("scheduling").or_insert_with(|| json!({}));
        let keys = scheduling.as_object_mut().unwrap();
        keys.entry("adaptive").or_insert_with(|| json!(false));
        self.write("checkout/autoissue.config.json", &config.to_string());
    }

    /// A project with local issues, and an agent of these lines; `more` goes into the configuration.
    pub(crate) fn local(agent: &str, more: &Value) -> Self {
        let rig = Self::new();
        let agent = rig.script("agent", &format!("#!/bin/sh\ncat > /dev/null\n{agent}\n"));
        let mut config = json!({ "agent": { "kind": "command", "command": [agent] } });
        let parts = more.as_object().unwrap().clone();
        config.as_object_mut().unwrap().extend(parts);
        rig.config(&config);
        rig
    }

    /// A local issue with the label `go`.
    pub(crate) fn issue(&self, number: u64, title: &str, body: &str) {
        // A string of JSON is one of YAML.
        let title = json!(title);
        let text = format!("---\ntitle: {title}\nlabels: [go]\n---\n{body}\n");
        self.write(&format!("checkout/.autoissue/issues/{number}.md"), &text);
    }

    /// How the binary ends with these arguments.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::from(self.autoissue(args).output().unwrap())
    }

    /// Works on the issues labelled `go`.
    pub(crate) fn go(&self) -> Ran {
        self.run(&["exec", "go", "--format", "json"])
    }

    /// What a branch holds at a path.
    pub(crate) fn file(&self, branch: &str, path: &str) -> String {
        self.git(&["show", &format!("{branch}:{path}")])
    }

    /// Stands in the environment of every program that belongs to this rig alone.
    pub(crate) fn marker(&self) -> String {
        self.path("state").display().to_string()
    }

    /// Git as a person would use it in the checkout.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let output = self.clean(Command::new("git")).args(args).output().unwrap();
        assert!(
            output.status.success(),
            "git {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The binary, in the checkout.
    pub(crate) fn autoissue(&self, args: &[&str]) -> Command {
        let mut command = self.clean(Command::new(env!("CARGO_BIN_EXE_autoissue")));
        command
            .args(args)
            .env("AUTOISSUE_STATE_DIR", self.path("state"))
            // Agents of these tests keep books beside the project; those that run contained say so.
            .env("AUTOISSUE_ISOLATION", "none");
        command
    }

    fn clean(&self, mut command: Command) -> Command {
        let (home, path) = (self.path("home"), std::env::var("PATH").unwrap());
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", home.join(".config"));
        command
            .env("GIT_AUTHOR_NAME", "A Person")
            .env("GIT_AUTHOR_EMAIL", "person@example.com");
        command
            .env("GIT_COMMITTER_NAME", "A Person")
            .env("GIT_COMMITTER_EMAIL", "person@example.com");
        command.current_dir(self.checkout());
        command
    }
}

/// How a run of the binary ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// All that it said, wherever.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// How each issue ended, by the last line on stdout.
    pub(crate) fn outcomes(&self) -> Vec<(u64, String)> {
        let last = self.last_json();
        let tasks = last["summary"]["tasks"].as_array().unwrap();
        let outcome = |task: &Value| {
            let word = task["outcome"].as_str().unwrap_or("none");
            (task["issue"].as_u64().unwrap(), word.to_owned())
        };
        let mut outcomes: Vec<_> = tasks.iter().map(outcome).collect();
        outcomes.sort();
        outcomes
    }

    /// How many issues ended like this.
    pub(crate) fn count(&self, outcome: &str) -> usize {
        let outcomes = self.outcomes();
        outcomes.iter().filter(|(_, it)| it == outcome).count()
    }

    /// What the session cost, by the last line on stdout.
    pub(crate) fn cost(&self) -> Usd {
        Usd::parse(self.last_json()["summary"]["cost_usd"].as_str().unwrap()).unwrap()
    }

    /// All lines of JSON on stdout.
    pub(crate) fn events(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The first event of this name.
    pub(crate) fn event(&self, name: &str) -> Value {
        let events = self.events();
        let found = events.into_iter().find(|event| event["event"] == name);
        found.unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }

    /// How an issue ended, by the summary.
    pub(crate) fn task(&self, issue: u64) -> Value {
        let summary = self.last_json()["summary"].clone();
        let tasks = summary["tasks"].as_array().unwrap().clone();
        let found = tasks.into_iter().find(|task| task["issue"] == issue);
        found.unwrap_or_else(|| panic!("no #{issue}: {self:?}"))
    }

    /// The last line of JSON on stdout.
    pub(crate) fn last_json(&self) -> Value {
        let line = self
            .stdout
            .lines()
            .last()
            .unwrap_or_else(|| panic!("nothing on stdout: {self:?}"));
        serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{error}: {line}\n{}", self.stderr))
    }
}

/// A configuration for a forge on loopback and an agent of our own.
pub(crate) fn config_for(api: &str, git: &str, agent: &Path, check: Option<&Path>) -> Value {
    let checks: Vec<Value> = check
        .iter()
        .map(|check| json!({ "name": "test", "run": [check.to_str().unwrap()] }))
        .collect();
    json!({
        "project": { "repo": "octo/widgets" },
        "forge": { "kind": "github", "apiUrl": api, "gitUrl": git },
        "agent": { "kind": "command", "command": [agent.to_str().unwrap()] },
        "checks": checks,
    })
}

/// Processes that carry this text in their environment, as `pid command`.
pub(crate) fn leftovers(marker: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let environ = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if String::from_utf8_lossy(&environ).contains(marker) {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.push(format!(
                "{} {}",
                entry.file_name().display(),
                String::from_utf8_lossy(&line).replace('\0', " ")
            ));
        }
    }
    found
}

/// The same, once they had the time that they may take to end.
pub(crate) fn leftovers_in_the_end(marker: &str) -> Vec<String> {
    let end = Instant::now() + Duration::from_secs(12);
    while !leftovers(marker).is_empty() && Instant::now() < end {
        std::thread::park_timeout(Duration::from_millis(5));
    }
    leftovers(marker)
}

/// Waits for what another process does, up to a minute.
pub(crate) fn wait_for(is_so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < until, "it never came");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Says a figure past the test harness, which keeps what passing tests print to itself.
pub(crate) fn aloud(figure: &str) {
    use std::io::Write as _;
    // Nobody's test fails for want of an audience.
    drop(writeln!(std::io::stderr(), "figure: {figure}"));
}
