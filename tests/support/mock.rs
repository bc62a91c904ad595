//! The model API on loopback, and the real Claude Code that talks to it.

use crate::processes::processes;
use autoissue::adapters::agents::claude::ClaudeAgent;
use autoissue::adapters::agents::claude_command::ClaudeSettings;
use autoissue::rules::money::{Usage, Usd};
use autoissue::rules::prices::Prices;
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
    /// Starts one that writes its log into this place, and takes scenarios from its folder `scenarios`, too.
    pub(crate) fn start(place: &Path) -> Self {
        Self::serving(place, "mock_anthropic.py", "scenarios")
    }

    /// Starts another company's, with the scenarios of this folder besides.
    pub(crate) fn serving(place: &Path, program: &str, scenarios: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mock");
        let (log, own) = (place.join("requests.jsonl"), place.join("scenarios"));
        std::fs::create_dir_all(&own).unwrap();
        let mut process = Command::new("python3")
            .arg(folder.join(program))
            .args(["--port", "0", "--scenarios"])
            .args([folder.join(scenarios), own])
            .arg("--log")
            .arg(&log)
            .arg("--dump")
            .arg(place.join("dumps"))
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

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// All that it billed, at list prices.
    pub(crate) fn billed(&self) -> Usd {
        self.billed_at(&Prices::default())
    }

    /// The same at these prices.
    pub(crate) fn billed_at(&self, prices: &Prices) -> Usd {
        let requests = self.requests();
        let bills = requests
            .iter()
            .filter(|request| request["usage"].is_object());
        bills.map(|request| bill(request, prices)).sum()
    }

    /// What it was asked for, one record a request.
    pub(crate) fn requests(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Every message that it was sent, as JSON.
    pub(crate) fn messages(&self) -> Vec<String> {
        let dumps = std::fs::read_dir(self.log.with_file_name("dumps")).unwrap();
        let texts = dumps.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        texts.collect()
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

fn bill(request: &Value, prices: &Prices) -> Usd {
    let count = |kind: &str| request["usage"][kind].as_u64().unwrap();
    let usage = Usage {
        input: count("input"),
        cached_input: count("cache_read"),
        cache_write: count("cache_write"),
        output: count("output") + request["usage"]["reasoning"].as_u64().unwrap_or(0),
    };
    prices
        .cost(request["model"].as_str().unwrap(), usage)
        .unwrap()
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
