//! Codex's command line and environment, as measured with version 0.169.0.

use crate::adapters::agents::reached::Vendor;
use crate::adapters::process::environment::{self, Variables};
use crate::adapters::sandbox::shape::Reach;
use crate::ports::{AgentOrder, AgentTask, Conversation};
use crate::rules::prices::Prices;
use std::path::{Path, PathBuf};

/// What Codex itself needs of our environment: its keys, and where to send them.
const ITS_OWN: &[&str] = &[
    "OPENAI_API_KEY",
    "CODEX_API_KEY",
    "OPENAI_BASE_URL",
    "CODEX_HOME",
];

/// What is known of it where it runs in the sandbox.
const VENDOR: Vendor = Vendor {
    urls: &["OPENAI_BASE_URL"],
    hosts: &["api.openai.com", "chatgpt.com", "auth.openai.com"],
    keys: &[("OPENAI_API_KEY", ""), ("CODEX_API_KEY", "")],
    variable: "CODEX_HOME",
    directory: ".codex",
    logins: &["auth.json"],
};

/// How Codex is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodexSettings {
    /// The program: a name to look up, or a path.
    pub program: PathBuf,
    /// A `CODEX_HOME` of our own, apart from the user's settings and login; nothing for the user's.
    pub config_dir: Option<PathBuf>,
    /// What stands for its home in a sandbox of ours, where it has nothing of the user's settings.
    pub home: Option<PathBuf>,
    /// Run commands without its sandbox? Else they write below the working directory alone, and reach no network.
    pub yolo: bool,
    /// Variables from the configuration, over those that it gets anyway.
    pub env: Vec<(String, String)>,
    /// What tokens cost.
    pub prices: Prices,
}

/// Program and arguments of one run; the prompt goes in by stdin.
#[must_use]
pub fn argv(settings: &CodexSettings, order: &AgentOrder) -> Vec<String> {
    let mut argv = vec![settings.program.to_string_lossy().into_owned()];
    let mut add = |words: &[&str]| argv.extend(words.iter().map(ToString::to_string));
    add(&["exec"]);
    if let Conversation::Resumed(_) = &order.conversation {
        add(&["resume"]);
    }
    // Our worktree's git directory is not where it looks for one.
    add(&["--json", "--skip-git-repo-check"]);
    if let Some(model) = &order.model {
        add(&["-m", model]);
    }
    // To resume, it takes no sandbox by a flag of its own.
    match (&order.task, settings.yolo) {
        (AgentTask::Answer { .. }, _) => add(&["-c", "sandbox_mode=\"read-only\""]),
        // Its own sandbox would have to work within ours.
        (AgentTask::Work, _) if settings.home.is_some() => {
            add(&["--dangerously-bypass-approvals-and-sandbox"]);
        }
        (AgentTask::Work, true) => add(&["--dangerously-bypass-approvals-and-sandbox"]),
        (AgentTask::Work, false) => add(&["-c", "sandbox_mode=\"workspace-write\""]),
    }
    if let Conversation::Resumed(id) = &order.conversation {
        add(&[id.as_str()]);
    }
    add(&["-"]);
    argv
}

/// All of its environment.
#[must_use]
pub fn environment(settings: &CodexSettings, order: &AgentOrder) -> Variables {
    let mut variables = own(settings);
    environment::add(&mut variables, &order.env);
    variables
}

/// What it reaches in the sandbox.
#[must_use]
pub fn reach(settings: &CodexSettings, variables: &Variables) -> Reach {
    VENDOR.reach(variables, settings.config_dir.as_deref())
}

/// Where it keeps its conversations.
#[must_use]
pub fn sessions(settings: &CodexSettings) -> PathBuf {
    if let Some(home) = &settings.home {
        return home.join(VENDOR.directory).join("sessions");
    }
    let variables = own(settings);
    let home = variables.get("CODEX_HOME").map(PathBuf::from);
    let usual = || Path::new(variables.get("HOME").map_or("", String::as_str)).join(".codex");
    home.unwrap_or_else(usual).join("sessions")
}

fn own(settings: &CodexSettings) -> Variables {
    let mut variables = environment::inherited_with_proxies(ITS_OWN);
    if let (Some(directory), None) = (&settings.config_dir, &settings.home) {
        let directory = directory.to_string_lossy().into_owned();
        variables.insert("CODEX_HOME".to_owned(), directory);
    }
    environment::add(&mut variables, &settings.env);
    variables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::agents::run_record::tests::order;
    use crate::rules::ids::ConversationId;

    fn line(yolo: bool, change: impl Fn(&mut AgentOrder)) -> String {
        let settings = CodexSettings {
            program: "codex".into(),
            yolo,
            ..CodexSettings::default()
        };
        let mut order = order("gpt-5.5");
        change(&mut order);
        argv(&settings, &order).join(" ")
    }

    #[test]
    fn the_command_line_is_as_measured() {
        let begin = "codex exec --json --skip-git-repo-check -m gpt-5.5";
        assert_eq!(
            line(true, |_| {}),
            format!("{begin} --dangerously-bypass-approvals-and-sandbox -")
        );
        assert_eq!(
            line(false, |_| {}),
            format!("{begin} -c sandbox_mode=\"workspace-write\" -")
        );
        let resumed = line(true, |order| {
            order.conversation = Conversation::Resumed(ConversationId::new("t-1"));
            order.model = None;
        });
        let expect = "codex exec resume --json --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox t-1 -";
        assert_eq!(resumed, expect);
    }

    #[test]
    fn who_is_to_answer_can_only_read() {
        let line = line(true, |order| {
            let schema = "{}".to_owned();
            order.task = AgentTask::Answer { schema };
        });
        assert!(line.ends_with("-c sandbox_mode=\"read-only\" -"), "{line}");
    }

    #[test]
    fn a_home_of_its_own_holds_its_conversations() {
        let settings = CodexSettings {
            config_dir: Some("/c".into()),
            ..CodexSettings::default()
        };
        assert_eq!(sessions(&settings), Path::new("/c/sessions"));
        assert_eq!(environment(&settings, &order("x"))["CODEX_HOME"], "/c");
    }
}
