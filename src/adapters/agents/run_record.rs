//! What every agent's run shares: the line that it begins with in its transcript, and the ends that are our doing.

use crate::adapters::process::lines::{Line, Lines};
use crate::adapters::process::spec::{Cause, ProcessEnd};
use crate::adapters::process::transcript::Keep;
use crate::ports::{AgentEnd, AgentOrder, Conversation};
use crate::rules::money::{Usage, Usd};
use crate::rules::task::{ErrorClass, Failure};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How much of an agent's last words is kept, in bytes.
pub(super) const SUMMARY: usize = 4_000;
/// How much of an answer by a schema is kept, in bytes.
pub(super) const ANSWER: usize = 1 << 20;

/// What a transcript has to say about a run for its evidence to be read.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename = "autoissue_run")]
pub struct RunRecord {
    /// Does it go on with a conversation that was paid for before?
    pub resumed: bool,
    /// The most that it was to spend.
    pub cap: Usd,
    /// Where it works.
    pub directory: PathBuf,
    /// The model that it was asked to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How long the program's own record of the conversation was.
    #[serde(default)]
    pub recorded: u64,
    /// What the conversation had used, where the program goes on counting; nothing where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Usage>,
}

impl RunRecord {
    /// Of a run that is about to start.
    pub(super) fn of(order: &AgentOrder) -> Self {
        Self {
            resumed: matches!(order.conversation, Conversation::Resumed(_)),
            cap: order.cap,
            directory: order.directory.clone(),
            model: order.model.clone(),
            recorded: 0,
            before: None,
        }
    }

    /// Where its output is kept, behind this record.
    pub(super) fn keep(&self, order: &AgentOrder) -> Keep {
        let header =
            serde_json::to_string(self).expect("a flag, a number and a path can be written");
        Keep {
            path: order.transcript.clone(),
            header,
        }
    }
}

/// Reads the last run in a transcript: its record, and what listening to its lines came to.
pub(super) fn last_run<L>(
    transcript: &Path,
    begin: impl Fn(&RunRecord) -> L,
    hear: impl Fn(&mut L, Line<'_>),
) -> Option<(RunRecord, L)> {
    let mut file = File::open(transcript).ok()?;
    let mut last = None;
    let mut take = |line: Line<'_>| match serde_json::from_slice::<RunRecord>(line.text) {
        Ok(record) => last = Some((begin(&record), record)),
        Err(_) => {
            if let Some((listener, _)) = &mut last {
                hear(listener, line);
            }
        }
    };
    let mut lines = Lines::default();
    let mut chunk = vec![0; 64 << 10];
    while let count @ 1.. = file.read(&mut chunk).ok()? {
        lines.feed(&chunk[..count], &mut take);
    }
    lines.finish(&mut take);
    last.map(|(listener, record)| (record, listener))
}

/// The end of a run where that was our doing; nothing where it was its own.
pub(super) fn end_by_us(end: &ProcessEnd) -> Option<AgentEnd> {
    let failed = |class, message| Some(AgentEnd::Failed(Failure::new(class, message)));
    match end.cause {
        Cause::Stopped | Cause::Refused => Some(AgentEnd::Stopped),
        Cause::Wall => failed(
            ErrorClass::Timeout,
            format!("stopped after {}: it took too long", time(end.took)),
        ),
        Cause::Idle => failed(
            ErrorClass::Stalled,
            format!(
                "stopped after {}: it was silent for too long",
                time(end.took)
            ),
        ),
        Cause::Itself | Cause::Sink | Cause::Lost | Cause::NotStarted { .. } => None,
    }
}

fn time(took: Duration) -> String {
    match took.as_secs() {
        seconds @ ..60 => format!("{seconds}s"),
        seconds => format!("{}m {}s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ports::AgentTask;
    use crate::rules::ids::ConversationId;

    /// An order as the tests of command lines have it.
    pub(in crate::adapters::agents) fn order(model: &str) -> AgentOrder {
        AgentOrder {
            prompt: "secret plans".to_owned(),
            directory: "/w".into(),
            conversation: Conversation::New(ConversationId::new("c-1")),
            model: Some(model.to_owned()),
            cap: Usd::from_micros(2_500_000),
            max_turns: Some(60),
            max_tokens: None,
            wall: Duration::from_secs(1),
            idle: Duration::from_secs(1),
            transcript: "/t".into(),
            env: vec![
                ("AUTOISSUE_ISSUE".to_owned(), "7".to_owned()),
                ("GH_TOKEN".to_owned(), "canary".to_owned()),
            ],
            task: AgentTask::Work,
        }
    }
}
