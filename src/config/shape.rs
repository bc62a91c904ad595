//! The configuration: what `autoissue.config.json` may say, and what holds where it says nothing.

use crate::config::names::{BaseBranch, Endpoint, GitSource, RepoName};
use crate::config::values::{Argv, Dollars, Minutes, Secret, Whole};
use crate::rules::settings::Policy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The format that this program writes and reads.
pub const VERSION: u32 = 1;
/// The name that the file is looked for under.
pub const FILE_NAME: &str = "autoissue.config.json";

/// Configuration of autoissue. Everything may be left out; `${NAME}` in a text stands for an environment variable, `$${` for itself.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
#[schemars(title = "autoissue configuration")]
pub struct Config {
    /// Where the JSON Schema is, for editors.
    #[serde(rename = "$schema", skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The format of this file.
    pub version: Whole<1, VERSION>,
    /// The repository to work for.
    pub project: Project,
    /// Where issues and pulls live.
    pub forge: Forge,
    /// How tasks are run.
    pub executor: Executor,
    /// The coding agent.
    pub agent: Agent,
    /// The most that one session may spend, in dollars.
    pub max_total_budget_usd: Dollars,
    /// The most that all sessions together may spend in one UTC day, in dollars; no limit where it is left out.
    pub max_daily_budget_usd: Option<Dollars>,
    /// Breaks a directive down into issues.
    pub planner: Planner,
    /// Commands that judge every commit before it is offered, in this order.
    pub checks: Vec<Check>,
    /// The directories that agents work in.
    pub worktree: Worktree,
    /// Pauses dispatch when the agent's provider fails again and again.
    pub breaker: Breaker,
    /// What may run together.
    pub scheduling: Scheduling,
    /// A file with a template of the words for the agent, in place of the built-in one; relative to this file.
    pub prompt: Option<PathBuf>,
    /// Labels that show on an issue where it stands; an empty one is not used.
    pub labels: Labels,
    /// Who is told.
    pub notify: Notify,
    /// Who signs the commits; the user's git identity where it is left out.
    pub author: Option<Author>,
    /// The log of the program itself.
    pub log: Log,
    /// The web page that shows a session.
    pub dashboard: Dashboard,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            schema: None,
            version: Whole::of(VERSION),
            project: Project::default(),
            forge: Forge::default(),
            executor: Executor::default(),
            agent: Agent::default(),
            max_total_budget_usd: Dollars::of_cents(50_00),
            max_daily_budget_usd: None,
            planner: Planner::default(),
            checks: Vec::new(),
            worktree: Worktree::default(),
            breaker: Breaker::default(),
            scheduling: Scheduling::default(),
            prompt: None,
            labels: Labels::default(),
            notify: Notify::default(),
            author: None,
            log: Log::default(),
            dashboard: Dashboard::default(),
        }
    }
}

/// The repository to work for.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Project {
    /// The repository as `owner/name`; read from the remote `origin` where it is left out.
    pub repo: Option<RepoName>,
    /// A directory of the checkout; relative to this file.
    pub path: PathBuf,
    /// The branch that pulls are for; `main`, else the remote's own, where it is left out.
    pub base_branch: Option<BaseBranch>,
}

impl Default for Project {
    fn default() -> Self {
        Self {
            repo: None,
            path: PathBuf::from("."),
            base_branch: None,
        }
    }
}

/// Where issues and pulls live.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Forge {
    /// `auto` is GitHub where `origin` points there and a token exists, else local.
    pub kind: ForgeKind,
    /// The root of GitHub's REST interface; plain http for this machine only.
    pub api_url: Option<Endpoint>,
    /// GitHub's GraphQL interface; plain http for this machine only.
    pub graphql_url: Option<Endpoint>,
    /// Where git fetches from and pushes to, without credentials.
    pub git_url: Option<GitSource>,
    /// The local forge's issues, in the checkout.
    pub issues_dir: PathBuf,
}

impl Default for Forge {
    fn default() -> Self {
        Self {
            kind: ForgeKind::Auto,
            api_url: None,
            graphql_url: None,
            git_url: None,
            issues_dir: PathBuf::from(".autoissue/issues"),
        }
    }
}

/// Which forge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ForgeKind {
    /// GitHub where `origin` points there and a token exists, else local.
    Auto,
    /// GitHub, or one that speaks its interface.
    Github,
    /// Markdown files in the checkout.
    Local,
}

/// How tasks are run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Executor {
    /// Attempts that run at a time.
    pub max_parallel: Whole<1, 64>,
    /// An attempt's agent is ended when it runs longer.
    pub timeout_minutes: Minutes,
    /// Open a pull for every finished task, or leave it at branches?
    pub create_pr: bool,
    /// Open pulls as drafts?
    pub pr_draft: bool,
    /// Further attempts after a failed one.
    pub max_retries: Whole<0, 10>,
}

impl Default for Executor {
    fn default() -> Self {
        Self {
            max_parallel: Whole::of(3),
            timeout_minutes: Whole::of(30),
            create_pr: true,
            pr_draft: false,
            max_retries: Whole::of(2),
        }
    }
}

/// The coding agent.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Agent {
    /// Claude Code, or any command that takes the prompt on its standard input.
    pub kind: AgentKind,
    /// The command of kind `command`; for `claude`, the program in place of `claude`.
    pub command: Option<Argv>,
    /// Variables for the agent on top of the few that it gets; never shown.
    pub env: BTreeMap<String, Secret>,
    /// The model, by the agent's own name for it.
    pub model: String,
    /// The most that one attempt may spend, in dollars.
    pub max_budget_usd: Dollars,
    /// Skip the agent's own permission prompts? Where not, edits are accepted and of commands only the configured checks.
    pub yolo: bool,
    /// Turns of one run at most; no limit of ours where it is left out.
    pub max_turns: Option<Whole<1, 10_000>>,
    /// An agent that says nothing for so long is ended.
    pub idle_minutes: Minutes,
}

impl Default for Agent {
    fn default() -> Self {
        Self {
            kind: AgentKind::Claude,
            command: None,
            env: BTreeMap::new(),
            model: "sonnet".into(),
            max_budget_usd: Dollars::of_cents(5_00),
            yolo: false,
            max_turns: None,
            idle_minutes: Whole::of(10),
        }
    }
}

/// Which agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AgentKind {
    /// Claude Code.
    Claude,
    /// Any command; success is exit code 0 and a changed tree.
    Command,
}

impl AgentKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Claude, Self::Command];

    /// The kind as the configuration writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Command => "command",
        }
    }
}

/// Breaks a directive down into issues.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Planner {
    /// May it be used?
    pub enabled: bool,
    /// Its model.
    pub model: String,
    /// The most that one plan may cost, in dollars.
    pub max_budget_usd: Dollars,
}

impl Default for Planner {
    fn default() -> Self {
        Self {
            enabled: true,
            model: "sonnet".into(),
            max_budget_usd: Dollars::of_cents(2_00),
        }
    }
}

/// A command that judges a commit: exit code 0 is a pass.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `name` and `run`")]
pub struct Check {
    /// What it is called in reports; each its own.
    pub name: String,
    /// The command: an array of words, or a string of plain words and quotes. No shell is started.
    pub run: Argv,
    /// It is ended, and counts as failed, when it runs longer.
    #[serde(default = "ten_minutes")]
    pub timeout_minutes: Minutes,
}

const fn ten_minutes() -> Minutes {
    Whole::of(10)
}

/// The directories that agents work in.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Worktree {
    /// Where they are made, outside of any checkout; in the state directory where it is left out.
    pub root: Option<PathBuf>,
    /// A command that makes a fresh worktree ready; `setup.sh` of the repository, if it has one, where it is left out.
    pub setup: Option<Argv>,
    /// Files of the checkout that are copied into every worktree and never committed, such as `.env`.
    pub copy: Vec<PathBuf>,
    /// Keep what git ignores from one attempt to the next: warm caches, less isolation.
    pub keep_ignored: bool,
}

/// Pauses dispatch when the agent's provider fails again and again.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Breaker {
    /// Failures in a row that open it.
    pub failures: Whole<1, 1000>,
    /// How long it stays open before one probe, in seconds.
    pub cooldown_seconds: Whole<1, 86_400>,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            failures: Whole::of(5),
            cooldown_seconds: Whole::of(60),
        }
    }
}

/// What may run together.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Scheduling {
    /// Do files decide, or domains alone?
    #[schemars(with = "PolicyName")]
    pub policy: Policy,
}

impl Default for Scheduling {
    fn default() -> Self {
        Self {
            policy: Policy::Footprint,
        }
    }
}

/// What decides whether two tasks may run together.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[expect(
    dead_code,
    reason = "the schema of `Policy`, which lives below this crate"
)]
enum PolicyName {
    /// Files decide; the domain stands in where none is known.
    Footprint,
    /// Different domains together, the same domain in turn, unknown alone.
    Domain,
}

/// Labels that show on an issue where it stands; an empty one is not used.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Labels {
    /// While we work on it.
    pub working: String,
    /// When its pull is open.
    pub completed: String,
    /// When all attempts failed, or a person has to look.
    pub failed: String,
    /// When something it needs is missing.
    pub blocked: String,
    /// Take the label that selected it off in the end?
    pub remove_trigger: bool,
}

impl Default for Labels {
    fn default() -> Self {
        Self {
            working: "autoissue:working".into(),
            completed: "autoissue:completed".into(),
            failed: "autoissue:failed".into(),
            blocked: "autoissue:blocked".into(),
            remove_trigger: false,
        }
    }
}

/// Who is told.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Notify {
    /// Gets a JSON POST at the end of a session, and when a person is needed; never shown.
    pub webhook: Option<Secret>,
}

/// Who signs the commits.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `name` and `email`")]
pub struct Author {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
}

/// The log of the program itself.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Log {
    /// Days that log files are kept.
    pub keep_days: Whole<1, 3650>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            keep_days: Whole::of(14),
        }
    }
}

/// The web page that shows a session.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Dashboard {
    /// Serve it?
    pub enabled: bool,
    /// Its port on this machine.
    pub port: Whole<1, 65_535>,
    /// Who may see it.
    pub auth: DashboardAuth,
}

impl Default for Dashboard {
    fn default() -> Self {
        Self {
            enabled: false,
            port: Whole::of(3030),
            auth: DashboardAuth::default(),
        }
    }
}

/// Who may see the dashboard.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct DashboardAuth {
    /// Ask for credentials?
    pub enabled: bool,
    /// Which.
    #[serde(rename = "type")]
    pub kind: AuthKind,
    /// The user's name.
    pub username: Option<String>,
    /// The user's password; as `${NAME}`, never as itself in a file that git tracks.
    pub password: Option<Secret>,
    /// The bearer token; as `${NAME}`, never as itself in a file that git tracks.
    pub token: Option<Secret>,
}

impl Default for DashboardAuth {
    fn default() -> Self {
        Self {
            enabled: false,
            kind: AuthKind::Basic,
            username: None,
            password: None,
            token: None,
        }
    }
}

/// Which credentials the dashboard takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuthKind {
    /// A user's name and password.
    Basic,
    /// A bearer token.
    Token,
    /// Either.
    Both,
}
