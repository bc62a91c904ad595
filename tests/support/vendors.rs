//! The real Codex, Gemini CLI and opencode, each set up to talk to a model API on loopback: one rig for all three.

use crate::agents::order;
use crate::mock::Mock;
use crate::processes::processes;
use autoissue::adapters::agents::codex_command::CodexSettings;
use autoissue::adapters::agents::gemini_command::GeminiSettings;
use autoissue::adapters::agents::native::Native;
use autoissue::adapters::agents::opencode_command::OpencodeSettings;
use autoissue::ports::{Agent, AgentOrder};
use autoissue::rules::money::Usd;
use autoissue::rules::prices::Prices;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// Whose agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vendor {
    Codex,
    Gemini,
    Opencode,
}

impl Vendor {
    pub(crate) const ALL: [Self; 3] = [Self::Codex, Self::Gemini, Self::Opencode];

    /// Its kind in the configuration.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::Opencode => "opencode",
        }
    }

    /// The pinned program.
    pub(crate) fn program(self) -> PathBuf {
        let variable = format!("AUTOISSUE_TEST_{}", self.kind().to_uppercase());
        let path = std::env::var_os(&variable).map(PathBuf::from);
        path.unwrap_or_else(|| {
            panic!("{variable} names no program: run the tests by `tests/run`, which installs it")
        })
    }

    /// The version that is pinned.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::Codex => "0.169.0",
            Self::Gemini => "0.61.0",
            Self::Opencode => "1.18.33",
        }
    }

    /// A model that it knows here.
    pub(crate) fn model(self) -> &'static str {
        match self {
            Self::Codex => "gpt-5.5",
            Self::Gemini => "gemini-3.8-flash",
            Self::Opencode => "mock/mock-1",
        }
    }

    /// Starts the API that it talks to.
    pub(crate) fn mock(self, place: &Path) -> Mock {
        let program = match self {
            Self::Codex | Self::Opencode => "mock_openai.py",
            Self::Gemini => "mock_gemini.py",
        };
        Mock::serving(place, program, self.kind())
    }

    /// What its environment has to say, for it to find that and nothing of the user's; files go below this place.
    pub(crate) fn env(self, place: &Path, url: &str, key: &str) -> Vec<(String, String)> {
        let home = place.join("home");
        fs::create_dir_all(&home).unwrap();
        let path = |path: PathBuf| path.to_string_lossy().into_owned();
        let mut env = vec![("HOME", path(home))];
        match self {
            Self::Codex => {
                let codex = place.join("codex");
                fs::create_dir_all(&codex).unwrap();
                fs::write(codex.join("config.toml"), codex_config(url)).unwrap();
                env.push(("CODEX_HOME", path(codex)));
                env.push(("MOCK_KEY", key.to_owned()));
            }
            Self::Gemini => {
                // It heeds no defaults of ours below a directory that others may write to, as tests may be.
                let own = place.join("home/.gemini");
                fs::create_dir_all(&own).unwrap();
                let settings = json!({
                    "security": { "auth": { "selectedType": "gemini-api-key" } },
                    "general": { "maxAttempts": 2, "disableAutoUpdate": true },
                    "privacy": { "usageStatisticsEnabled": false },
                });
                fs::write(own.join("settings.json"), settings.to_string()).unwrap();
                env.push(("GEMINI_API_KEY", key.to_owned()));
                env.push(("GOOGLE_GEMINI_BASE_URL", url.to_owned()));
            }
            Self::Opencode => {
                env.push(("OPENCODE_CONFIG_CONTENT", opencode_config(url)));
                env.push(("OPENCODE_DISABLE_MODELS_FETCH", "1".to_owned()));
                env.push(("MOCK_KEY", key.to_owned()));
            }
        }
        env.into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// The agent with these prices.
    pub(crate) fn agent(
        self,
        env: Vec<(String, String)>,
        yolo: bool,
        prices: Prices,
    ) -> Arc<dyn Agent> {
        let (program, config_dir, processes) = (self.program(), None, processes());
        match self {
            Self::Codex => Arc::new(Native::new(
                CodexSettings {
                    program,
                    config_dir,
                    home: None,
                    yolo,
                    env,
                    prices,
                },
                processes,
            )),
            Self::Gemini => Arc::new(Native::new(
                GeminiSettings {
                    program,
                    config_dir,
                    home: None,
                    yolo,
                    env,
                    prices,
                },
                processes,
            )),
            Self::Opencode => Arc::new(Native::new(
                OpencodeSettings {
                    program,
                    config_dir,
                    home: None,
                    yolo,
                    allowed_commands: Vec::new(),
                    env,
                    prices,
                },
                processes,
            )),
        }
    }
}

fn codex_config(url: &str) -> String {
    format!(
        "model_provider = \"mock\"\n[model_providers.mock]\nname = \"mock\"\nbase_url = \"{url}/v1\"\n\
         env_key = \"MOCK_KEY\"\nwire_api = \"responses\"\nrequest_max_retries = 1\nstream_max_retries = 1\n"
    )
}

fn opencode_config(url: &str) -> String {
    json!({
        "model": "mock/mock-1", "small_model": "mock/mock-1",
        "provider": { "mock": {
            "npm": "@ai-sdk/openai-compatible", "name": "Mock",
            "options": { "baseURL": format!("{url}/v1"), "apiKey": "{env:MOCK_KEY}" },
            "models": {
                "mock-1": { "tool_call": true, "cost": { "input": 1, "output": 5, "cache_read": 0.1 },
                            "limit": { "context": 200_000, "output": 8192 } },
                "free": { "tool_call": true, "limit": { "context": 200_000, "output": 8192 } },
            },
        } },
    })
    .to_string()
}

/// The prices of what the mocks serve.
pub(crate) fn prices() -> Prices {
    let own = json!({ "mock-1": { "input": 1, "output": 5, "cachedInput": 0.1 } });
    Prices::with(serde_json::from_value(own).unwrap())
}

/// Where `tests/run` keeps its things. Not below the system's directory for temporary files: Codex makes no sandbox there, and
/// Gemini CLI heeds no defaults of ours.
fn cache() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache");
    let cache = cache.unwrap_or_else(home).join("autoissue-tests");
    fs::create_dir_all(&cache).unwrap();
    cache
}

/// One vendor's agent, its API, and a place for both.
pub(crate) struct Scene {
    pub(crate) vendor: Vendor,
    pub(crate) place: TempDir,
    pub(crate) mock: Mock,
    pub(crate) key: String,
}

impl Scene {
    pub(crate) fn new(vendor: Vendor) -> Self {
        let place = tempfile::tempdir_in(cache()).unwrap();
        let mock = vendor.mock(place.path());
        Self {
            vendor,
            mock,
            place,
            key: format!("sk-dummy-{}", uuid::Uuid::new_v4()),
        }
    }

    pub(crate) fn env(&self) -> Vec<(String, String)> {
        self.vendor
            .env(self.place.path(), self.mock.url(), &self.key)
    }

    pub(crate) fn agent(&self) -> Arc<dyn Agent> {
        self.vendor.agent(self.env(), true, prices())
    }

    /// A directory to work in, a repository of its own.
    pub(crate) fn work(&self, name: &str) -> PathBuf {
        let work = self.place.path().join(name);
        fs::create_dir(&work).unwrap();
        let git = |words: &[&str]| {
            let mut git = std::process::Command::new("git");
            assert!(
                git.args(words)
                    .current_dir(&work)
                    .status()
                    .unwrap()
                    .success()
            );
        };
        git(&["init", "-q"]);
        git(&["config", "user.name", "Test"]);
        git(&["config", "user.email", "test@example.com"]);
        work
    }

    pub(crate) fn order(&self, name: &str, scenario: &str) -> AgentOrder {
        let prompt = format!("[[mock:{scenario}]] Fix issue #42");
        AgentOrder {
            model: Some(self.vendor.model().to_owned()),
            transcript: self.place.path().join(format!("{name}.jsonl")),
            ..order(&self.work(name), &prompt)
        }
    }
}

/// Is this what was billed? Each response is rounded up to a micro-dollar, and Gemini CLI's own sum may hold several that nobody saw before: together they are rounded once.
pub(crate) fn is_bill(charged: Usd, billed: Usd) -> bool {
    charged <= billed && billed.minus(charged) < Usd::from_micros(10)
}
