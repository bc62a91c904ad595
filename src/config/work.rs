//! The part of the configuration about the work: executor, agent, planner, breaker, scheduling.

use crate::config::values::{Argv, Dollars, Minutes, Secret, Whole};
use crate::rules::evaluate::pattern::PathPattern;
use crate::rules::gate::guarded::Guarded;
use crate::rules::room::Reserve;
use crate::rules::settings::Policy;
use crate::rules::stack::Dependents;
use crate::rules::trust::Trust;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// The first words for an agent at most, in tokens of four bytes; what is least useful is left out.
    pub max_prompt_tokens: Whole<1_000, 200_000>,
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
            max_prompt_tokens: Whole::of(16_000),
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
