//! The configuration: what `autoissue.config.json` may say, and what holds where it says nothing.

use crate::config::approving::Approvals;
use crate::config::assigning::Github;
use crate::config::checking::{Check, Verify};
use crate::config::claims::Claims;
use crate::config::containing::Sandbox;
use crate::config::filters::Filters;
use crate::config::names::{BaseBranch, Endpoint, GitSource, RepoName};
use crate::config::notifying::Notify;
use crate::config::offering::{Commit, Pull};
use crate::config::serving::{Served, Serving, usual_label};
use crate::config::telling::{Author, Dashboard, Labels, Log};
use crate::config::trees::{Retention, Worktree};
use crate::config::values::{Dollars, Whole};
use crate::config::watching::{Merge, Watch};
use crate::config::work::{Agent, Breaker, Executor, Planner, Scheduling, Security};
use crate::rules::evaluate::routing::Routing;
use crate::rules::own::Classification;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
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
    /// What only GitHub has.
    pub github: Github,
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
    /// Where `checks` is empty: are those used that the files of the base branch speak for?
    pub detect_checks: bool,
    /// How work is verified, besides its checks.
    pub verify: Verify,
    /// The directories that agents work in.
    pub worktree: Worktree,
    /// How long what is finished stays.
    pub retention: Retention,
    /// Whose word counts, and what needs a person's.
    pub security: Security,
    /// What agents, setup and checks can reach of this machine and the network.
    pub sandbox: Sandbox,
    /// Pauses dispatch when the agent's provider fails again and again.
    pub breaker: Breaker,
    /// What may run together.
    pub scheduling: Scheduling,
    /// Keeps sessions from working on one issue.
    pub claims: Claims,
    /// How people are asked whether a task may run.
    pub approvals: Approvals,
    /// Which issues of a label are taken.
    pub filter: Filters,
    /// A file with a template of the words for the agent, in place of the built-in one; relative to this file.
    pub prompt: Option<PathBuf>,
    /// What a pull says and carries.
    pub pull: Pull,
    /// What a commit says.
    pub commit: Commit,
    /// How work comes into its base branch.
    pub merge: Merge,
    /// How open pulls are watched.
    pub watch: Watch,
    /// Labels that show on an issue where it stands; an empty one is not used.
    pub labels: Labels,
    /// Who is told of a session without watching it.
    pub notify: Notify,
    /// Who signs the commits; the user's git identity where it is left out.
    pub author: Option<Author>,
    /// The log of the program itself.
    pub log: Log,
    /// The web page that shows a session.
    pub dashboard: Dashboard,
    /// How `serve` watches projects and starts their issues.
    pub serve: Serving,
    /// The projects that `serve` watches; this one alone where there is none.
    pub projects: Vec<Served>,
    /// Which issues and files belong to which domain, besides what is built in.
    pub classification: Classification,
    /// How issues are evaluated, and what that decides.
    pub routing: Box<Routing>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            schema: None,
            version: Whole::of(VERSION),
            project: Project::default(),
            forge: Forge::default(),
            github: Github::default(),
            executor: Executor::default(),
            agent: Agent::default(),
            max_total_budget_usd: Dollars::of_cents(50_00),
            max_daily_budget_usd: None,
            planner: Planner::default(),
            checks: Vec::new(),
            detect_checks: true,
            verify: Verify::default(),
            worktree: Worktree::default(),
            retention: Retention::default(),
            security: Security::default(),
            sandbox: Sandbox::default(),
            breaker: Breaker::default(),
            scheduling: Scheduling::default(),
            claims: Claims::default(),
            approvals: Approvals::default(),
            filter: Filters::default(),
            prompt: None,
            pull: Pull::default(),
            commit: Commit::default(),
            merge: Merge::default(),
            watch: Watch::default(),
            labels: Labels::default(),
            notify: Notify::default(),
            author: None,
            log: Log::default(),
            dashboard: Dashboard::default(),
            serve: Serving::default(),
            projects: Vec::new(),
            classification: Classification::default(),
            routing: Box::default(),
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
    /// The label that lets an issue run, for `serve`.
    pub label: String,
    /// Does `serve` ask the forge for new issues?
    pub auto_sync: bool,
    /// Does `serve` start issues with that label without being told to?
    pub auto_start: bool,
}

impl Default for Project {
    fn default() -> Self {
        Self {
            repo: None,
            path: PathBuf::from("."),
            base_branch: None,
            label: usual_label(),
            auto_sync: true,
            auto_start: false,
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
    /// The GitHub App that autoissue acts as, in place of a token.
    pub app: Option<App>,
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
            app: None,
            issues_dir: PathBuf::from(".autoissue/issues"),
        }
    }
}

/// A GitHub App: autoissue makes tokens for itself with its key, and new ones before they end.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `id`")]
pub struct App {
    /// The app's number, as its settings on GitHub show it ("App ID").
    pub id: Whole<1, { u32::MAX }>,
    /// Its private key (PEM); relative to this file. Where it is left out, the key is the variable `AUTOISSUE_APP_KEY`.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// The number of its installation; asked of GitHub by the repository where it is left out.
    #[serde(default)]
    pub installation: Option<Whole<1, { u32::MAX }>>,
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
