//! What a session's decisions rest on: the part of the configuration that stands in its journal.

use crate::rules::approvals::Approvals;
use crate::rules::assigning::Assign;
use crate::rules::ids::AgentPlace;
use crate::rules::models::Models;
use crate::rules::money::Usd;
use crate::rules::room::Reserve;
use crate::rules::sender::Starter;
use crate::rules::stack::{Dependents, Together};
use crate::rules::task::Task;
use serde::{Deserialize, Serialize};

/// The settings of one session, fixed when it starts or resumes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How many attempts may run at a time; at least 1.
    pub slots: u32,
    /// What is kept free, where fewer run while something is short.
    #[serde(default)]
    pub adaptive: Option<Reserve>,
    /// The most that the session may spend.
    pub ceiling: Usd,
    /// The most that all sessions of this state directory together may spend in one UTC day.
    pub daily_ceiling: Option<Usd>,
    /// The most that one attempt may spend.
    pub cap: Usd,
    /// P90 of what an attempt cost in this repository; nothing without history.
    pub typical: Option<Usd>,
    /// Does priority come before the critical path? So it is where the money may not reach for all.
    pub priority_first: bool,
    /// Further attempts after a failed one.
    pub max_retries: u32,
    /// Times that a failed check's output goes back to the agent within one attempt.
    pub check_rounds: u32,
    /// Failures in a row that open the breaker.
    pub breaker_failures: u32,
    /// How long it stays open, in milliseconds.
    pub breaker_cooldown_millis: u64,
    /// Do footprints decide what may run together, or domains alone?
    pub policy: Policy,
    /// So often may others that rank after a task get ahead of it over what it claims; from then on its claims are kept
    /// for it, so that no task waits without end.
    #[serde(default = "patience")]
    pub patience: u32,
    /// When those start that need the work of others.
    #[serde(default)]
    pub dependents: Dependents,
    /// What is done so that the work goes together.
    #[serde(default)]
    pub together: Together,
    /// The agent's kind.
    pub agent: String,
    /// The model it is asked to use.
    pub model: Option<String>,
    /// Models for tasks of a certain kind, before that.
    #[serde(default)]
    pub models: Models,
    /// Who pays for them.
    #[serde(default)]
    pub billing: Billing,
    /// Agents that take over, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallback: Vec<Backup>,
    /// The branch that pulls are for.
    pub base_branch: String,
    /// Open pulls, or leave it at branches?
    pub create_pr: bool,
    /// Open them as drafts?
    pub draft: bool,
    /// While so many of our pulls wait for people, no further issue is begun.
    #[serde(default)]
    pub max_open_pulls: Option<u32>,
    /// So many did when the session began, or went on.
    #[serde(default)]
    pub open_pulls: u32,
    /// Who is assigned to an issue that is worked on.
    #[serde(default)]
    pub assign: Assign,
    /// How people are asked whether a task may run, and for how long.
    #[serde(default)]
    pub approvals: Approvals,
    /// The labels that show where an issue stands.
    pub labels: StateLabels,
    /// Who let it run; decides nothing, and is there for the record.
    #[serde(default)]
    pub starter: Option<Box<Starter>>,
}

/// How often others may get ahead of a task.
pub const PATIENCE: u32 = 6;

fn patience() -> u32 {
    PATIENCE
}

/// What decides whether two tasks may run together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Files decide; the domain stands in where none is known.
    #[default]
    Footprint,
    /// Different domains together, the same domain in turn, unknown alone.
    Domain,
}

/// An agent that takes over where those before it cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// Its kind.
    pub agent: String,
    /// The model it is asked to use.
    pub model: Option<String>,
    /// Who pays for it.
    pub billing: Billing,
    /// The most that one of its attempts may spend.
    pub cap: Usd,
}

/// Who pays an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Billing {
    /// By its tokens: dollars limit it.
    #[default]
    Metered,
    /// By the month: the limits of its window do.
    Subscription,
}

/// Labels that show on the forge where an issue stands; an empty one is not used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateLabels {
    /// While we work on it.
    pub working: String,
    /// When its pull is open.
    pub completed: String,
    /// When all attempts failed, or a person has to look.
    pub failed: String,
    /// When something it needs is missing.
    pub blocked: String,
    /// On a pull that no passing test has tried.
    #[serde(default)]
    pub review: String,
    /// The label that selected it.
    #[serde(default)]
    pub selected_by: Option<String>,
    /// The same, where it is to be taken off in the end.
    pub remove_trigger: Option<String>,
}

impl Settings {
    /// The model that an agent is asked to use for this task. Which one suits which task is said of the first alone.
    #[must_use]
    pub fn model_for(&self, task: &Task, agent: AgentPlace) -> Option<String> {
        if let Some(backup) = self.backup(agent) {
            return backup.model.clone();
        }
        let chosen = self.models.of(task).map(str::to_owned);
        chosen.or_else(|| self.model.clone())
    }

    /// The slack on top of a cap: agents overshoot by one response; 10 % of the cap, at least the dearest response seen.
    #[must_use]
    pub fn slack(&self, dearest: Usd) -> Usd {
        self.slack_of(AgentPlace::default(), dearest)
    }

    /// The same of this agent.
    #[must_use]
    pub fn slack_of(&self, agent: AgentPlace, dearest: Usd) -> Usd {
        self.cap_of(agent).percent(10).max(dearest)
    }

    /// The most that one attempt of this agent may spend.
    #[must_use]
    pub fn cap_of(&self, agent: AgentPlace) -> Usd {
        self.backup(agent).map_or(self.cap, |backup| backup.cap)
    }

    /// Who pays this agent.
    #[must_use]
    pub fn billing_of(&self, agent: AgentPlace) -> Billing {
        let backup = self.backup(agent);
        backup.map_or(self.billing, |backup| backup.billing)
    }

    /// This agent's kind.
    #[must_use]
    pub fn agent_at(&self, agent: AgentPlace) -> &str {
        self.backup(agent)
            .map_or(&self.agent, |backup| &backup.agent)
    }

    /// The agents' kinds, in the order in which they take over.
    pub fn agents(&self) -> impl Iterator<Item = &str> {
        let backups = self.fallback.iter().map(|backup| backup.agent.as_str());
        std::iter::once(self.agent.as_str()).chain(backups)
    }

    fn backup(&self, agent: AgentPlace) -> Option<&Backup> {
        let before = usize::from(agent.0).checked_sub(1)?;
        self.fallback.get(before)
    }
}
