//! opencode's command line, environment and configuration, as measured with version 1.18.33.

use crate::adapters::agents::reached::{Vendor, base_urls};
use crate::adapters::process::environment::{self, Variables};
use crate::adapters::sandbox::shape::Reach;
use crate::ports::{AgentOrder, AgentTask, Conversation};
use crate::rules::prices::Prices;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Its configuration as a text, over that of its files.
const CONFIG: &str = "OPENCODE_CONFIG_CONTENT";
/// What opencode itself needs of our environment: keys of providers, and its own settings.
const ITS_OWN: &[&str] = &[
    "ANTHROPIC_API_KEY",
    "OPENAI_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_GENERATIVE_AI_API_KEY",
    "OPENROUTER_API_KEY",
    "OPENCODE_API_KEY",
    "OPENCODE_AUTH_CONTENT",
    "OPENCODE_CONFIG",
    "OPENCODE_CONFIG_DIR",
    CONFIG,
];
/// What the repository configures would run without a question.
const CALM: &[(&str, &str)] = &[
    ("OPENCODE_DISABLE_PROJECT_CONFIG", "1"),
    ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
    ("OPENCODE_DISABLE_SHARE", "1"),
    ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
];

/// What is known of it where it runs in the sandbox.
const VENDOR: Vendor = Vendor {
    urls: &[],
    hosts: &[],
    keys: &[
        ("ANTHROPIC_API_KEY", "api.anthropic.com"),
        ("OPENAI_API_KEY", "api.openai.com"),
        ("GEMINI_API_KEY", "generativelanguage.googleapis.com"),
        (
            "GOOGLE_GENERATIVE_AI_API_KEY",
            "generativelanguage.googleapis.com",
        ),
        ("OPENROUTER_API_KEY", "openrouter.ai"),
        ("OPENCODE_API_KEY", "opencode.ai"),
        ("OPENCODE_AUTH_CONTENT", ""),
    ],
    variable: "",
    directory: ".local/share/opencode",
    logins: &["auth.json"],
};

/// How opencode is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpencodeSettings {
    /// The program: a name to look up, or a path.
    pub program: PathBuf,
    /// A home of our own, apart from the user's settings and login; nothing for the user's.
    pub config_dir: Option<PathBuf>,
    /// What stands for its home in a sandbox of ours, where it has nothing of the user's settings.
    pub home: Option<PathBuf>,
    /// Allow everything? Else it may edit files, and run the allowed commands only.
    pub yolo: bool,
    /// Commands that it may run where not everything is allowed: the configured checks, as one line each.
    pub allowed_commands: Vec<String>,
    /// Variables from the configuration, over those that it gets anyway.
    pub env: Vec<(String, String)>,
    /// What tokens cost, where it does not say so itself.
    pub prices: Prices,
}

/// Program and arguments of one run; the prompt goes in by stdin.
#[must_use]
pub fn argv(settings: &OpencodeSettings, order: &AgentOrder) -> Vec<String> {
    let mut argv = vec![settings.program.to_string_lossy().into_owned()];
    let mut add = |words: &[&str]| argv.extend(words.iter().map(ToString::to_string));
    add(&["run", "--format", "json"]);
    if let Conversation::Resumed(id) = &order.conversation {
        add(&["-s", id.as_str()]);
    }
    if let Some(model) = &order.model {
        add(&["-m", model]);
    }
    argv
}

/// All of its environment.
#[must_use]
pub fn environment(settings: &OpencodeSettings, order: &AgentOrder) -> Variables {
    let mut variables = environment::inherited_with_proxies(ITS_OWN);
    for (name, value) in CALM {
        variables.insert((*name).to_owned(), (*value).to_owned());
    }
    if let (Some(directory), None) = (&settings.config_dir, &settings.home) {
        for (name, folder) in [
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_STATE_HOME", "state"),
        ] {
            let path = directory.join(folder).to_string_lossy().into_owned();
            variables.insert(name.to_owned(), path);
        }
    }
    environment::add(&mut variables, &settings.env);
    environment::add(&mut variables, &order.env);
    let told = variables.get(CONFIG).map(String::as_str);
    let config = config(settings, order, told).to_string();
    variables.insert(CONFIG.to_owned(), config);
    variables
}

/// What it reaches in the sandbox: the addresses of its configuration too.
#[must_use]
pub fn reach(settings: &OpencodeSettings, variables: &Variables) -> Reach {
    let own = settings.config_dir.as_ref();
    let own = own.map(|directory| directory.join("data/opencode"));
    let mut reach = VENDOR.reach(variables, own.as_deref());
    let config = variables
        .get(CONFIG)
        .and_then(|text| serde_json::from_str(text).ok());
    reach.hosts.extend(config.iter().flat_map(base_urls));
    reach
}

/// What was configured already, with what we have to say over it.
fn config(settings: &OpencodeSettings, order: &AgentOrder, told: Option<&str>) -> Value {
    let told = told.and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
    let mut config = told.unwrap_or_default();
    config.insert("autoupdate".to_owned(), json!(false));
    config.insert("share".to_owned(), json!("disabled"));
    config.insert("permission".to_owned(), permission(settings, order));
    Value::Object(config)
}

// What it would ask about ends its run, as nobody is there; what is denied, it is told.
fn permission(settings: &OpencodeSettings, order: &AgentOrder) -> Value {
    match (&order.task, settings.yolo) {
        (AgentTask::Answer { .. }, _) => json!({
            "*": "deny", "read": "allow", "list": "allow", "glob": "allow", "grep": "allow",
        }),
        (AgentTask::Work, true) => json!({ "*": "allow" }),
        (AgentTask::Work, false) => {
            let mut commands = Map::new();
            commands.insert("*".to_owned(), json!("deny"));
            for command in &settings.allowed_commands {
                let command = command.trim();
                commands.insert(command.to_owned(), json!("allow"));
                commands.insert(format!("{command} *"), json!("allow"));
            }
            json!({
                "*": "allow", "bash": commands, "webfetch": "deny", "websearch": "deny",
                "external_directory": "deny", "question": "deny",
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::agents::run_record::tests::order;
    use crate::rules::ids::ConversationId;

    #[test]
    fn the_command_line_is_as_measured() {
        let settings = OpencodeSettings {
            program: "opencode".into(),
            ..OpencodeSettings::default()
        };
        let mut order = order("openai/gpt-5.5");
        let line = argv(&settings, &order).join(" ");
        assert_eq!(line, "opencode run --format json -m openai/gpt-5.5");
        order.conversation = Conversation::Resumed(ConversationId::new("ses_1"));
        order.model = None;
        let line = argv(&settings, &order).join(" ");
        assert_eq!(line, "opencode run --format json -s ses_1");
    }

    #[test]
    fn what_was_configured_stays_and_what_may_be_done_is_ours_to_say() {
        let told = r#"{ "model": "mock/m", "permission": { "*": "allow" } }"#;
        let settings = OpencodeSettings {
            allowed_commands: vec!["cargo test".to_owned()],
            ..OpencodeSettings::default()
        };
        let config = config(&settings, &order("x"), Some(told));
        assert_eq!(config["model"], "mock/m");
        assert_eq!(
            config["permission"]["bash"],
            json!({ "*": "deny", "cargo test": "allow", "cargo test *": "allow" })
        );
        let mut order = order("x");
        let schema = "{}".to_owned();
        order.task = AgentTask::Answer { schema };
        assert_eq!(permission(&settings, &order)["*"], "deny");
    }
}
