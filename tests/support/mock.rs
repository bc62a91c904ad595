//! The model API on loopback, and the real Claude Code that talks to it.

use crate::processes::processes;
use autoissue::adapters::agents::claude::ClaudeAgent;
use autoissue::adapters::agents::claude_command::ClaudeSettings;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A mock of the model API; ends with the test.
pub(crate) struct Mock {
    process: Child,
    url: String,
    log: PathBuf,
}

impl Mock {
    /// Starts one that writes its log into this place.
    pub(crate) fn start(place: &Path) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mock");
        let log = place.join("requests.jsonl");
        let mut process = Command::new("python3")
            .arg(folder.join("mock_anthropic.py"))
            .args(["--port", "0", "--scenarios"])
            .arg(folder.join("scenarios"))
            .arg("--log")
            .arg(&log)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line.trim().rsplit(' ').next().unwrap().to_owned();
        Self { process, url, log }
    }

    /// What it was asked for, one record a request.
    pub(crate) fn requests(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The real Claude Code, set up to talk to this mock with a key.
    pub(crate) fn claude(&self, place: &Path) -> ClaudeSettings {
        let settings = self.claude_without_key(place);
        with(settings, "ANTHROPIC_API_KEY", "sk-ant-dummy")
    }

    /// The same, without any credentials.
    pub(crate) fn claude_without_key(&self, place: &Path) -> ClaudeSettings {
        let settings = ClaudeSettings {
            program: claude(),
            config_dir: Some(place.join("config")),
            yolo: true,
            ..ClaudeSettings::default()
        };
        // The user's own shell profile runs before every command of its Bash tool.
        let home = place.join("home");
        std::fs::create_dir_all(&home).unwrap();
        let settings = with(settings, "HOME", &home.to_string_lossy());
        with(settings, "ANTHROPIC_BASE_URL", &self.url)
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn with(mut settings: ClaudeSettings, name: &str, value: &str) -> ClaudeSettings {
    settings.env.push((name.to_owned(), value.to_owned()));
    settings
}

pub(crate) fn agent(settings: ClaudeSettings) -> ClaudeAgent {
    ClaudeAgent::new(settings, processes())
}

/// The pinned Claude Code.
pub(crate) fn claude() -> PathBuf {
    let path = std::env::var_os("AUTOISSUE_TEST_CLAUDE");
    path.map(PathBuf::from).expect("AUTOISSUE_TEST_CLAUDE names no Claude Code: run the tests by `tests/run`, which installs it")
}
