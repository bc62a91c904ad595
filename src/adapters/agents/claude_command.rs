//! Claude Code's command line and environment, as measured with version 2.1.328.

use crate::adapters::agents::reached::Vendor;
use crate::adapters::process::environment::{self, Variables};
use crate::adapters::sandbox::shape::Reach;
use crate::ports::{AgentOrder, AgentTask, Conversation};
use crate::rules::money::Usd;
use crate::rules::prices::Prices;
use std::path::PathBuf;

/// What Claude Code itself needs of our environment: its keys, and where to send them.
const ITS_OWN: &[&str] = &[
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CONFIG_DIR",
];
/// Its own retries take minutes, even for a wrong key; ours know what they cost.
const CALM: &[(&str, &str)] = &[
    ("CLAUDE_CODE_MAX_RETRIES", "2"),
    ("API_TIMEOUT_MS", "120000"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
];

/// What is known of it where it runs in the sandbox.
const VENDOR: Vendor = Vendor {
    urls: &["ANTHROPIC_BASE_URL"],
    hosts: &["api.anthropic.com"],
    keys: &[
        ("ANTHROPIC_API_KEY", ""),
        ("ANTHROPIC_AUTH_TOKEN", ""),
        ("CLAUDE_CODE_OAUTH_TOKEN", ""),
    ],
    variable: "CLAUDE_CONFIG_DIR",
    directory: ".claude",
    logins: &[".credentials.json"],
};

/// Tools that read files below the working directory.
const READING: &str = "Read,Glob,Grep";

/// How Claude Code is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaudeSettings {
    /// The program: a name to look up, or a path.
    pub program: PathBuf,
    /// A configuration directory of our own, apart from the user's settings and login; nothing for the user's.
    pub config_dir: Option<PathBuf>,
    /// What stands for its home in a sandbox of ours, where it has nothing of the user's settings.
    pub home: Option<PathBuf>,
    /// Skip its permission prompts? Else it may edit files, and run the allowed commands only.
    pub yolo: bool,
    /// Commands that it may run where it does not skip them: the configured checks, as one line each.
    pub allowed_commands: Vec<String>,
    /// Variables from the configuration, over those that it gets anyway.
    pub env: Vec<(String, String)>,
    /// What tokens cost.
    pub prices: Prices,
}

/// Program and arguments of one run; the prompt goes in by stdin.
#[must_use]
pub fn argv(settings: &ClaudeSettings, order: &AgentOrder) -> Vec<String> {
    let mut argv = vec![settings.program.to_string_lossy().into_owned()];
    let mut add = |words: &[&str]| argv.extend(words.iter().map(ToString::to_string));
    add(&[
        "-p",
        "--output-format",
        "stream-json",
        "--verbose",
        "--include-partial-messages",
    ]);
    // Hooks and servers that the repository brings along would run without a question.
    add(&["--setting-sources", "user", "--strict-mcp-config"]);
    match &order.conversation {
        Conversation::New(id) => add(&["--session-id", id.as_str()]),
        Conversation::Resumed(id) => add(&["--resume", id.as_str()]),
    }
    if let Some(model) = &order.model {
        add(&["--model", model]);
    }
    if let Some(turns) = order.max_turns {
        add(&["--max-turns", &turns.to_string()]);
    }
    if order.cap != Usd::UNLIMITED {
        add(&["--max-budget-usd", &order.cap.decimal()]);
    }
    if let AgentTask::Answer { schema } = &order.task {
        // Nothing that changes a file, runs a command or fetches a page is even offered to the model.
        add(&["--tools", READING, "--permission-mode", "dontAsk"]);
        add(&["--json-schema", schema]);
    } else if settings.yolo {
        add(&["--dangerously-skip-permissions"]);
    } else {
        add(&["--permission-mode", "acceptEdits"]);
        let rules = rules(&settings.allowed_commands);
        if !rules.is_empty() {
            add(&["--allowedTools"]);
            argv.extend(rules);
        }
    }
    argv
}

/// All of its environment. As root it refuses to skip permissions unless it is told that it is in a sandbox; whoever
/// asked for both, has answered for it.
#[must_use]
pub fn environment(settings: &ClaudeSettings, order: &AgentOrder) -> Variables {
    let mut variables = environment::inherited_with_proxies(ITS_OWN);
    let mut set = |name: &str, value: &str| variables.insert(name.to_owned(), value.to_owned());
    for (name, value) in CALM {
        set(name, value);
    }
    if settings.home.is_some() || (settings.yolo && environment::is_root()) {
        set("IS_SANDBOX", "1");
    }
    if let (Some(directory), None) = (&settings.config_dir, &settings.home) {
        set("CLAUDE_CONFIG_DIR", &directory.to_string_lossy());
    }
    environment::add(&mut variables, &settings.env);
    environment::add(&mut variables, &order.env);
    variables
}

/// What it reaches in the sandbox.
#[must_use]
pub fn reach(settings: &ClaudeSettings, variables: &Variables) -> Reach {
    VENDOR.reach(variables, settings.config_dir.as_deref())
}

/// The command alone, and with further arguments. One that its rules cannot express is left out, and denied.
fn rules(commands: &[String]) -> Vec<String> {
    let is_plain =
        |command: &&String| !command.trim().is_empty() && !command.contains(['(', ')', ',', '\n']);
    let rules = commands
        .iter()
        .filter(is_plain)
        .map(|command| command.trim());
    rules
        .flat_map(|command| [format!("Bash({command})"), format!("Bash({command}:*)")])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::agents::run_record;
    use crate::rules::ids::ConversationId;

    fn order() -> AgentOrder {
        run_record::tests::order("sonnet")
    }

    #[test]
    fn the_command_line_is_as_measured() {
        let settings = ClaudeSettings {
            program: "claude".into(),
            yolo: true,
            ..ClaudeSettings::default()
        };
        let expect = "claude -p --output-format stream-json --verbose --include-partial-messages \
            --setting-sources user --strict-mcp-config --session-id c-1 --model sonnet --max-turns 60 \
            --max-budget-usd 2.50 --dangerously-skip-permissions";
        assert_eq!(argv(&settings, &order()).join(" "), expect);
    }

    #[test]
    fn without_yolo_only_edits_and_the_checks_are_allowed() {
        let commands = ["cargo test", "", "sh -c (x)"].map(str::to_owned).to_vec();
        let settings = ClaudeSettings {
            program: "claude".into(),
            allowed_commands: commands,
            ..ClaudeSettings::default()
        };
        let order = AgentOrder {
            conversation: Conversation::Resumed(ConversationId::new("c-1")),
            max_turns: None,
            ..order()
        };
        let line = argv(&settings, &order).join(" ");
        assert!(
            line.contains("--resume c-1 --model sonnet --max-budget-usd"),
            "{line}"
        );
        assert!(
            line.ends_with(
                "--permission-mode acceptEdits --allowedTools Bash(cargo test) Bash(cargo test:*)"
            ),
            "{line}"
        );
    }

    #[test]
    fn who_is_to_answer_can_only_read() {
        let settings = ClaudeSettings {
            program: "claude".into(),
            yolo: true,
            allowed_commands: vec!["cargo test".to_owned()],
            ..ClaudeSettings::default()
        };
        let schema = r#"{"type":"object"}"#.to_owned();
        let order = AgentOrder {
            task: AgentTask::Answer { schema },
            ..order()
        };
        let line = argv(&settings, &order).join(" ");
        let expect =
            r#"--tools Read,Glob,Grep --permission-mode dontAsk --json-schema {"type":"object"}"#;
        assert!(line.ends_with(expect), "{line}");
        assert!(
            !line.contains("skip-permissions") && !line.contains("Bash"),
            "{line}"
        );
    }

    #[test]
    fn the_order_stands_over_the_settings_and_both_over_ours() {
        let env = [
            ("API_TIMEOUT_MS", "5000"),
            ("AUTOISSUE_ISSUE", "1"),
            ("GITHUB_TOKEN", "canary"),
        ];
        let env = env
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
        let settings = ClaudeSettings {
            env,
            config_dir: Some("/c".into()),
            ..ClaudeSettings::default()
        };
        let variables = environment(&settings, &order());
        let expect = [
            ("API_TIMEOUT_MS", "5000"),
            ("AUTOISSUE_ISSUE", "7"),
            ("CLAUDE_CODE_MAX_RETRIES", "2"),
            ("CLAUDE_CONFIG_DIR", "/c"),
        ];
        for (name, value) in expect {
            assert_eq!(variables[name], value, "{name}");
        }
        assert!(!variables.values().any(|value| value == "canary"));
        assert!(
            !variables.contains_key("IS_SANDBOX"),
            "only root without prompts needs it"
        );
    }
}
