//! The part of the configuration about the work: executor, agent, planner, breaker, scheduling.

use crate::config::values::{Argv, Dollars, Minutes, Secret, Whole};
use crate::rules::classify::Domain;
use crate::rules::evaluate::pattern::PathPattern;
use crate::rules::gate::guarded::Guarded;
use crate::rules::models::Models;
use crate::rules::money::Usd;
use crate::rules::prices::Price;
use crate::rules::room::Reserve;
use crate::rules::settings::{Billing, Policy};
use crate::rules::stack::Dependents;
use crate::rules::trust::Trust;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

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

/// Whose word counts, and what needs a person's.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Security {
    /// Whose labels let an issue run: those of people who may write to the repository, or everybody's?
    pub trust: Trust,
    /// Kinds of changes that are offered like any other, where a person would have to look otherwise.
    pub allow: Vec<Guarded>,
    /// Where changes may be, as patterns such as `src/**`; anywhere where it is empty. Work that leaves it goes to a person.
    pub scope: Vec<PathPattern>,
}

/// The coding agent.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Agent {
    /// Which coding agent: one of four that are known, or any command that takes the prompt on its standard input.
    pub kind: AgentKind,
    /// The command of kind `command`; for the others, the program in place of the usual one.
    pub command: Option<Argv>,
    /// Variables for the agent on top of the few that it gets; never shown.
    pub env: BTreeMap<String, Secret>,
    /// The model, by the agent's own name for it; `sonnet` for `claude`, `gpt-5.5` for `codex` and the agent's own choice for the others, where it is left out.
    pub model: Option<String>,
    /// Models by how complex an issue is, before `model`.
    pub models: ModelsByComplexity,
    /// Models by an issue's domain, before those by complexity.
    pub models_by_domain: BTreeMap<Domain, String>,
    /// Models by a label of an issue, before all others.
    pub models_by_label: BTreeMap<String, String>,
    /// Who pays: `metered` is by tokens, within `maxBudgetUsd`; a `subscription` is limited by its window and not by dollars.
    #[schemars(with = "BillingName")]
    pub billing: Billing,
    /// Agents that take over, in this order, where the one before cannot go on: it met a long limit, has no credentials or money, or failed at an issue too often.
    pub fallback: Vec<Fallback>,
    /// A directory for the agent's own settings, login and conversations, in place of the user's; relative to this file.
    pub config_dir: Option<PathBuf>,
    /// The most that one attempt may spend, in dollars.
    pub max_budget_usd: Dollars,
    /// Skip the agent's own permission prompts? Where not, edits are accepted and of commands only the configured checks.
    pub yolo: bool,
    /// Turns of one run at most; no limit of ours where it is left out.
    pub max_turns: Option<Whole<1, 10_000>>,
    /// Tokens of one run at most, where the price of its model is not known and `maxBudgetUsd` cannot be kept.
    pub max_tokens: Whole<1_000, 1_000_000_000>,
    /// What models cost, in dollars for a million tokens; before the built-in list.
    pub prices: BTreeMap<String, Price>,
    /// An agent that says nothing for so long is ended.
    pub idle_minutes: Minutes,
    /// The first words for an agent at most, in tokens of four bytes; what is least useful is left out.
    pub max_prompt_tokens: Whole<1_000, 200_000>,
}

impl Default for Agent {
    fn default() -> Self {
        Self {
            kind: AgentKind::Claude,
            command: None,
            env: BTreeMap::new(),
            model: None,
            models: ModelsByComplexity::default(),
            models_by_domain: BTreeMap::new(),
            models_by_label: BTreeMap::new(),
            billing: Billing::Metered,
            fallback: Vec::new(),
            config_dir: None,
            max_budget_usd: Dollars::of_cents(5_00),
            yolo: false,
            max_turns: None,
            max_tokens: Whole::of(2_000_000),
            prices: BTreeMap::new(),
            idle_minutes: Whole::of(10),
            max_prompt_tokens: Whole::of(16_000),
        }
    }
}

impl Agent {
    /// The model that is asked for where nothing else decides.
    #[must_use]
    pub fn usual_model(&self) -> Option<String> {
        let usual = || self.kind.usual_model().map(str::to_owned);
        self.model.clone().or_else(usual)
    }

    /// It and those that take over from it, in this order.
    #[must_use]
    pub fn chain(&self) -> Vec<Self> {
        let others = self.fallback.iter().map(|other| other.beside(self));
        std::iter::once(self.clone()).chain(others).collect()
    }

    /// The most that one attempt may spend: a subscription is not paid by what is used of it.
    #[must_use]
    pub fn cap(&self) -> Usd {
        match self.billing {
            Billing::Metered => self.max_budget_usd.usd(),
            Billing::Subscription => Usd::ZERO,
        }
    }

    /// Which model works on which task.
    #[must_use]
    pub fn choice(&self) -> Models {
        Models {
            simple: self.models.simple.clone(),
            medium: self.models.medium.clone(),
            complex: self.models.complex.clone(),
            domains: self.models_by_domain.clone(),
            labels: self.models_by_label.clone(),
        }
    }
}

/// An agent that takes over; what is not said here is as for the first one.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Fallback {
    /// Which coding agent.
    pub kind: AgentKind,
    /// The command of kind `command`; for the others, the program in place of the usual one.
    #[serde(default)]
    pub command: Option<Argv>,
    /// Variables for it on top of the few that it gets; never shown.
    #[serde(default)]
    pub env: BTreeMap<String, Secret>,
    /// The model, by its own name for it; its usual one where it is left out.
    #[serde(default)]
    pub model: Option<String>,
    /// Who pays.
    #[serde(default)]
    #[schemars(with = "BillingName")]
    pub billing: Billing,
    /// A directory for its own settings, login and conversations, in place of the user's; relative to this file.
    #[serde(default)]
    pub config_dir: Option<PathBuf>,
}

impl Fallback {
    /// The same agent with all that it has in common with the first one.
    #[must_use]
    pub fn beside(&self, first: &Agent) -> Agent {
        Agent {
            kind: self.kind,
            command: self.command.clone(),
            env: self.env.clone(),
            model: self.model.clone(),
            models: ModelsByComplexity::default(),
            models_by_domain: BTreeMap::new(),
            models_by_label: BTreeMap::new(),
            billing: self.billing,
            config_dir: self.config_dir.clone(),
            fallback: Vec::new(),
            ..first.clone()
        }
    }
}

/// Models by how complex an issue is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct ModelsByComplexity {
    /// For issues of low complexity.
    pub simple: Option<String>,
    /// For issues of medium complexity.
    pub medium: Option<String>,
    /// For issues of high complexity.
    pub complex: Option<String>,
}

/// Who pays the agent.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[expect(
    dead_code,
    reason = "the schema of `Billing`, which lives below this crate"
)]
enum BillingName {
    /// By its tokens.
    Metered,
    /// By the month, within the limits of a window.
    Subscription,
}

/// Which agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AgentKind {
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
    /// Gemini CLI.
    Gemini,
    /// opencode.
    Opencode,
    /// Any command; success is exit code 0 and a changed tree.
    Command,
}

impl AgentKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Claude,
        Self::Codex,
        Self::Gemini,
        Self::Opencode,
        Self::Command,
    ];

    /// The kind as the configuration writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::Opencode => "opencode",
            Self::Command => "command",
        }
    }

    /// The npm package that it comes in, where it is one that is known.
    #[must_use]
    pub const fn package(self) -> Option<&'static str> {
        match self {
            Self::Claude => Some("@anthropic-ai/claude-code"),
            Self::Codex => Some("@openai/codex"),
            Self::Gemini => Some("@google/gemini-cli"),
            Self::Opencode => Some("opencode-ai"),
            Self::Command => None,
        }
    }

    /// The model that it is asked to use where none is configured; nothing where the choice is left to it.
    #[must_use]
    pub const fn usual_model(self) -> Option<&'static str> {
        match self {
            Self::Claude => Some("sonnet"),
            Self::Codex => Some("gpt-5.5"),
            Self::Gemini | Self::Opencode | Self::Command => None,
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
    /// Its model; the agent's usual one where it is left out.
    pub model: Option<String>,
    /// The most that one plan may cost, in dollars.
    pub max_budget_usd: Dollars,
}

impl Default for Planner {
    fn default() -> Self {
        Self {
            enabled: true,
            model: None,
            max_budget_usd: Dollars::of_cents(2_00),
        }
    }
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
    /// When does a task start that needs the work of others?
    #[schemars(with = "DependentsName")]
    pub dependencies: Dependents,
    /// Is the work of a session merged and checked as a whole at its end?
    pub certificate: bool,
    /// Does work that conflicts with earlier work of the session get one more attempt, on top of that?
    pub rework: bool,
    /// How often what agents have changed so far is tried with the work of others, in seconds; 0 is never.
    pub look_seconds: Whole<0, 86_400>,
    /// Do fewer attempts run at a time while memory or disk is short, or a limit is near?
    pub adaptive: bool,
    /// MiB of memory that are kept free.
    pub min_free_memory_mb: Whole<0, 1_048_576>,
    /// MiB of memory that one more attempt is taken to need: its agent, and what that runs.
    pub memory_per_attempt_mb: Whole<1, 1_048_576>,
    /// MiB of disk that are kept free: below that, one attempt runs at a time.
    pub min_free_disk_mb: Whole<0, 16_777_216>,
}

/// Requests to the forge that one attempt needs, with its pull, comments and labels: about fifteen, and some to spare.
const REQUESTS_EACH: u64 = 25;
/// How long there has to be room before one more attempt is let in: what started last has grown to its size by then.
const CALM_MILLIS: u64 = 60_000;

impl Scheduling {
    /// What is kept free; nothing where the number of slots stays as it is.
    #[must_use]
    pub fn reserve(&self) -> Option<Reserve> {
        let bytes = |megabytes: u32| u64::from(megabytes) << 20;
        self.adaptive.then(|| Reserve {
            memory: bytes(self.min_free_memory_mb.get()),
            memory_each: bytes(self.memory_per_attempt_mb.get()),
            disk: bytes(self.min_free_disk_mb.get()),
            requests_each: REQUESTS_EACH,
            calm_millis: CALM_MILLIS,
        })
    }
}

impl Default for Scheduling {
    fn default() -> Self {
        Self {
            policy: Policy::Footprint,
            dependencies: Dependents::Merged,
            certificate: true,
            rework: true,
            look_seconds: Whole::of(60),
            adaptive: true,
            min_free_memory_mb: Whole::of(1024),
            memory_per_attempt_mb: Whole::of(600),
            min_free_disk_mb: Whole::of(1024),
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

/// When those start that need the work of others.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[expect(
    dead_code,
    reason = "the schema of `Dependents`, which lives below this crate"
)]
enum DependentsName {
    /// Once that work is merged into the base branch.
    Merged,
    /// At once, from their verified commits.
    Stacked,
}
