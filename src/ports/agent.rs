//! The coding agent, and whoever watches what it does.

use crate::ports::session::Stop;
use crate::rules::event::ProcessIdentity;
use crate::rules::ids::{AgentPlace, ConversationId};
use crate::rules::money::{Charge, Usd};
use crate::rules::task::Failure;
use async_trait::async_trait;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What an agent's command line can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a table of independent abilities, read by name"
)]
pub struct Capabilities {
    /// Can go on with an earlier conversation.
    pub resumes: bool,
    /// Takes a budget of its own.
    pub has_budget: bool,
    /// Takes a limit of turns of its own; else they are counted for it.
    pub has_turn_limit: bool,
    /// Answers by a schema that it is given.
    pub answers_by_schema: bool,
    /// Says what it cost.
    pub reports_cost: bool,
    /// Lets us choose the conversation's name.
    pub names_conversation: bool,
    /// Goes on counting usage over a conversation that it goes on with.
    pub counts_on: bool,
}

/// Which conversation an agent is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conversation {
    /// A new one, under this name where the agent lets us choose.
    New(ConversationId),
    /// This one, continued.
    Resumed(ConversationId),
}

impl Conversation {
    /// Its name, as far as that is known before the agent runs: some choose it themselves.
    #[must_use]
    pub fn known(&self, agent: Capabilities) -> Option<ConversationId> {
        match self {
            Self::New(id) => agent.names_conversation.then(|| id.clone()),
            Self::Resumed(id) => Some(id.clone()),
        }
    }
}

/// What a run of an agent is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AgentTask {
    /// To change files.
    #[default]
    Work,
    /// To read files, change none, and answer by this JSON Schema.
    Answer {
        /// The schema.
        schema: String,
    },
}

/// One run of an agent.
#[derive(Clone, Debug)]
pub struct AgentOrder {
    /// All that it is told; goes in by stdin.
    pub prompt: String,
    /// Where it works.
    pub directory: PathBuf,
    /// Which conversation it has.
    pub conversation: Conversation,
    /// The model, by the agent's own name for it.
    pub model: Option<String>,
    /// The most that this run may spend by its own reckoning; our slack is on top.
    pub cap: Usd,
    /// Turns at most, where it is limited.
    pub max_turns: Option<u32>,
    /// Tokens at most where the price of its model is not known, and a cap in dollars says nothing.
    pub max_tokens: Option<u64>,
    /// Ended when it runs longer.
    pub wall: Duration,
    /// Ended when it is silent for longer.
    pub idle: Duration,
    /// Where its raw output is kept; an earlier run's is appended to.
    pub transcript: PathBuf,
    /// Variables on top of the adapter's allow-list.
    pub env: Vec<(String, String)>,
    /// What it is for.
    pub task: AgentTask,
}

/// How one run of an agent ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentEnd {
    /// It said that it is done, and nothing contradicts it. Whether it did anything, the files tell.
    Done,
    /// It failed.
    Failed(Failure),
    /// We stopped it.
    Stopped,
}

/// What one run of an agent brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentReport {
    /// How it ended.
    pub end: AgentEnd,
    /// What it said last: printable, redacted, at most a few thousand characters.
    pub summary: String,
    /// What it answered, as it said it: by the schema where it was given one, else its last words; at most a megabyte.
    pub answer: String,
    /// What this run cost, without what earlier runs of the conversation did.
    pub charge: Charge,
    /// The dearest single response.
    pub dearest: Usd,
    /// The conversation, for a later run.
    pub conversation: Option<ConversationId>,
    /// The model, as the agent names it.
    pub model: Option<String>,
    /// Tools that it was not allowed to use.
    pub denied: Vec<String>,
    /// Messages heard from it.
    pub messages: u64,
}

/// Told what a running process does.
#[async_trait]
pub trait Watch: Send + Sync {
    /// It exists, and does nothing before this returns; an error ends it unheard.
    async fn spawned(&self, process: ProcessIdentity) -> Result<(), Interrupted>;
    /// It has ended, and was kept from these hosts (`name:port`), as it named them: hostile text.
    async fn kept_from(&self, _hosts: Vec<String>) {}
    /// What it does, as often as it likes.
    fn activity(&self, activity: Activity);
}

/// The session is stopping and takes nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session is stopping")]
pub struct Interrupted;

/// What a running agent does at this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// One printable line.
    pub line: String,
    /// Messages heard so far.
    pub messages: u64,
    /// What this run has cost so far.
    pub cost: Usd,
    /// Its tokens so far.
    pub tokens: u64,
}

/// The agents of a session, in the order in which they take over.
#[derive(Clone)]
pub struct Agents {
    first: Arc<dyn Agent>,
    others: Arc<[Arc<dyn Agent>]>,
}

impl Agents {
    /// This one, and those that take over from it.
    #[must_use]
    pub fn new(first: Arc<dyn Agent>, others: Vec<Arc<dyn Agent>>) -> Self {
        Self {
            first,
            others: others.into(),
        }
    }

    /// The one that was configured as such.
    #[must_use]
    pub fn first(&self) -> &Arc<dyn Agent> {
        &self.first
    }

    /// The one at this place; the first where there are not so many.
    #[must_use]
    pub fn at(&self, place: AgentPlace) -> &Arc<dyn Agent> {
        let other = usize::from(place.0).checked_sub(1);
        let other = other.and_then(|other| self.others.get(other));
        other.unwrap_or(&self.first)
    }
}

impl From<Arc<dyn Agent>> for Agents {
    fn from(only: Arc<dyn Agent>) -> Self {
        Self::new(only, Vec::new())
    }
}

/// A coding agent's command line.
#[async_trait]
pub trait Agent: Send + Sync {
    /// Its kind in the configuration: `claude`, `command`.
    fn kind(&self) -> &'static str;
    /// What it can do.
    fn capabilities(&self) -> Capabilities;
    /// Runs it to its end. Never fails as such: whatever goes wrong is in the report.
    async fn run(&self, order: &AgentOrder, watch: &dyn Watch, stop: &Stop) -> AgentReport;
    /// What its captured output proves of a run whose end nobody saw; `None` where it proves nothing.
    /// `runs` is how many runs had been started into the transcript.
    fn evidence(&self, transcript: &Path) -> Option<AgentReport>;
}
