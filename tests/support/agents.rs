//! What tests of agents share: an order, and an agent that replays what a real one printed.

use crate::processes::{Watcher, processes, support};
use autoissue::adapters::agents::claude::ClaudeAgent;
use autoissue::adapters::agents::claude_command::ClaudeSettings;
use autoissue::ports::{Agent, AgentEnd, AgentOrder, AgentReport, AgentTask, Conversation, Stop};
use autoissue::rules::ids::ConversationId;
use autoissue::rules::money::Usd;
use autoissue::rules::task::ErrorClass;
use std::path::Path;
use std::time::Duration;

/// The most that a run of these tests may spend.
pub(crate) const CAP: Usd = Usd::from_micros(5_000_000);

pub(crate) fn order(place: &Path, prompt: &str) -> AgentOrder {
    AgentOrder {
        prompt: prompt.to_owned(),
        directory: place.to_owned(),
        conversation: Conversation::New(new_conversation()),
        model: None,
        cap: CAP,
        max_turns: None,
        max_tokens: None,
        wall: Duration::from_secs(120),
        idle: Duration::from_secs(120),
        transcript: place.join("transcript.jsonl"),
        env: Vec::new(),
        task: AgentTask::Work,
    }
}

pub(crate) fn new_conversation() -> ConversationId {
    ConversationId::new(uuid::Uuid::new_v4().to_string())
}

/// Claude Code, played by a file of its output.
pub(crate) fn replayed(output: &Path, end: &str) -> ClaudeAgent {
    let mut env = vec![
        ("REPLAY".to_owned(), output.to_string_lossy().into_owned()),
        ("REPLAY_END".to_owned(), end.to_owned()),
    ];
    let complaints = output.with_extension("stderr");
    if complaints.exists() {
        env.push((
            "REPLAY_STDERR".to_owned(),
            complaints.to_string_lossy().into_owned(),
        ));
    }
    let settings = ClaudeSettings {
        program: support("replay.py").into(),
        env,
        ..ClaudeSettings::default()
    };
    ClaudeAgent::new(settings, processes())
}

pub(crate) async fn run(agent: &dyn Agent, order: &AgentOrder) -> AgentReport {
    agent.run(order, &Watcher::default(), &Stop::new()).await
}

/// The class of a failure; nothing for another end.
pub(crate) fn class(report: &AgentReport) -> Option<ErrorClass> {
    match &report.end {
        AgentEnd::Failed(failure) => Some(failure.class),
        AgentEnd::Done | AgentEnd::Stopped => None,
    }
}
