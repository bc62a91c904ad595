//! Gemini CLI's command line, environment and settings, as measured with version 0.61.0.

use crate::adapters::agents::reached::Vendor;
use crate::adapters::process::environment::{self, Variables};
use crate::adapters::sandbox::shape::Reach;
use crate::ports::{AgentOrder, AgentTask, Conversation};
use crate::rules::prices::Prices;
use serde_json::json;
use std::io;
use std::path::{Path, PathBuf};

/// What Gemini CLI itself needs of our environment: its keys, and where to send them.
const ITS_OWN: &[&str] = &[
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_LOCATION",
    "GOOGLE_GENAI_USE_VERTEXAI",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_GEMINI_BASE_URL",
    "GEMINI_CLI_HOME",
];
/// One process instead of two, of which the first is deaf to signals.
const CALM: &[(&str, &str)] = &[
    ("GEMINI_CLI_NO_RELAUNCH", "true"),
    ("GEMINI_CLI_TRUST_WORKSPACE", "true"),
];
/// Its own tries of a request; it says nothing between them.
const TRIES: u32 = 3;

/// What is known of it where it runs in the sandbox.
const VENDOR: Vendor = Vendor {
    urls: &["GOOGLE_GEMINI_BASE_URL"],
    hosts: &[
        "generativelanguage.googleapis.com",
        "cloudcode-pa.googleapis.com",
        "oauth2.googleapis.com",
        "aiplatform.googleapis.com",
    ],
    keys: &[("GEMINI_API_KEY", ""), ("GOOGLE_API_KEY", "")],
    variable: "",
    directory: ".gemini",
    logins: &["oauth_creds.json", "google_accounts.json"],
};

/// How Gemini CLI is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GeminiSettings {
    /// The program: a name to look up, or a path.
    pub program: PathBuf,
    /// A home of our own, apart from the user's settings and login; nothing for the user's.
    pub config_dir: Option<PathBuf>,
    /// What stands for its home in a sandbox of ours, where it has nothing of the user's settings.
    pub home: Option<PathBuf>,
    /// Skip its permission prompts? Else it may edit files, and runs no command.
    pub yolo: bool,
    /// Variables from the configuration, over those that it gets anyway.
    pub env: Vec<(String, String)>,
    /// What tokens cost.
    pub prices: Prices,
}

/// Program and arguments of one run; the prompt goes in by stdin.
#[must_use]
pub fn argv(settings: &GeminiSettings, order: &AgentOrder) -> Vec<String> {
    let mut argv = vec![settings.program.to_string_lossy().into_owned()];
    let mut add = |words: &[&str]| argv.extend(words.iter().map(ToString::to_string));
    add(&["-o", "stream-json", "--skip-trust"]);
    match &order.conversation {
        Conversation::New(id) => add(&["--session-id", id.as_str()]),
        Conversation::Resumed(id) => add(&["--resume", id.as_str()]),
    }
    if let Some(model) = &order.model {
        add(&["-m", model]);
    }
    let mode = match (&order.task, settings.yolo) {
        (AgentTask::Answer { .. }, _) => "plan",
        (AgentTask::Work, true) => "yolo",
        (AgentTask::Work, false) => "auto_edit",
    };
    add(&["--approval-mode", mode]);
    argv
}

/// All of its environment.
#[must_use]
pub fn environment(settings: &GeminiSettings, order: &AgentOrder) -> Variables {
    let mut variables = own(settings);
    let defaults = defaults_path(order).to_string_lossy().into_owned();
    variables
        .entry("GEMINI_CLI_SYSTEM_DEFAULTS_PATH".to_owned())
        .or_insert(defaults);
    environment::add(&mut variables, &order.env);
    variables
}

/// Writes settings that hold where the user has none: few tries, no news, and the key where there is one.
pub fn lay_out(settings: &GeminiSettings, order: &AgentOrder) -> io::Result<()> {
    if let Some(directory) = &settings.config_dir {
        std::fs::create_dir_all(directory)?;
    }
    let mut defaults = json!({
        "general": { "maxAttempts": TRIES, "disableAutoUpdate": true, "disableUpdateNag": true },
        "privacy": { "usageStatisticsEnabled": false },
    });
    if own(settings).contains_key("GEMINI_API_KEY") {
        defaults["security"] = json!({ "auth": { "selectedType": "gemini-api-key" } });
    }
    let path = defaults_path(order);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(path, defaults.to_string())
}

/// What it reaches in the sandbox.
#[must_use]
pub fn reach(settings: &GeminiSettings, variables: &Variables, order: &AgentOrder) -> Reach {
    let own = settings.config_dir.as_ref();
    let own = own.map(|directory| directory.join(VENDOR.directory));
    Reach {
        files: vec![defaults_path(order)],
        ..VENDOR.reach(variables, own.as_deref())
    }
}

/// Where it keeps its conversations.
#[must_use]
pub fn chats(settings: &GeminiSettings) -> PathBuf {
    if let Some(home) = &settings.home {
        return home.join(".gemini/tmp");
    }
    let variables = own(settings);
    let home = variables
        .get("GEMINI_CLI_HOME")
        .or_else(|| variables.get("HOME"));
    Path::new(home.map_or("", String::as_str)).join(".gemini/tmp")
}

fn own(settings: &GeminiSettings) -> Variables {
    let mut variables = environment::inherited_with_proxies(ITS_OWN);
    let mut set = |name: &str, value: &str| variables.insert(name.to_owned(), value.to_owned());
    for (name, value) in CALM {
        set(name, value);
    }
    if let (Some(directory), None) = (&settings.config_dir, &settings.home) {
        set("GEMINI_CLI_HOME", &directory.to_string_lossy());
    }
    environment::add(&mut variables, &settings.env);
    variables
}

fn defaults_path(order: &AgentOrder) -> PathBuf {
    order.transcript.with_extension("settings.json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::agents::run_record::tests::order;
    use crate::rules::ids::ConversationId;

    fn line(yolo: bool, change: impl Fn(&mut AgentOrder)) -> String {
        let settings = GeminiSettings {
            program: "gemini".into(),
            yolo,
            ..GeminiSettings::default()
        };
        let mut order = order("gemini-3.8-flash");
        change(&mut order);
        argv(&settings, &order).join(" ")
    }

    #[test]
    fn the_command_line_is_as_measured() {
        let begin = "gemini -o stream-json --skip-trust";
        assert_eq!(
            line(true, |_| {}),
            format!("{begin} --session-id c-1 -m gemini-3.8-flash --approval-mode yolo")
        );
        let resumed = line(false, |order| {
            order.conversation = Conversation::Resumed(ConversationId::new("c-1"));
            order.model = None;
        });
        assert_eq!(
            resumed,
            format!("{begin} --resume c-1 --approval-mode auto_edit")
        );
        let answers = line(true, |order| {
            let schema = "{}".to_owned();
            order.task = AgentTask::Answer { schema };
        });
        assert!(answers.ends_with("--approval-mode plan"), "{answers}");
    }

    #[test]
    fn its_settings_hold_where_the_user_has_none() {
        let settings = GeminiSettings {
            config_dir: Some("/c".into()),
            ..GeminiSettings::default()
        };
        assert_eq!(chats(&settings), Path::new("/c/.gemini/tmp"));
        let variables = environment(&settings, &order("x"));
        let path = &variables["GEMINI_CLI_SYSTEM_DEFAULTS_PATH"];
        assert_eq!(path, "/t.settings.json");
        let env = [("GEMINI_CLI_SYSTEM_DEFAULTS_PATH", "/mine")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
        let settings = GeminiSettings { env, ..settings };
        let path = &environment(&settings, &order("x"))["GEMINI_CLI_SYSTEM_DEFAULTS_PATH"];
        assert_eq!(path, "/mine");
    }
}
