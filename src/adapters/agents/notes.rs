//! What a program has told of itself so far, whatever its dialect.

use crate::adapters::agents::claude_stream::cut;
use crate::adapters::agents::native::Life;
use crate::adapters::agents::run_record::{ANSWER, SUMMARY};
use crate::adapters::agents::token_bill::TokenBill;
use crate::adapters::agents::values;
use crate::adapters::process::words;
use crate::ports::{Activity, AgentEnd, AgentReport};
use crate::rules::ids::ConversationId;
use crate::rules::money::Charge;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// How many lines about waiting for the provider count as life; some programs write them for ever.
const WAITS_THAT_COUNT: u32 = 20;
/// How many denied tools are remembered; one more says nothing new.
const DENIALS: usize = 20;
const LINE: usize = 120;
/// What names the object of a tool's use, in the order in which it is looked for.
const OBJECTS: [&str; 9] = [
    "file_path",
    "filePath",
    "absolute_path",
    "path",
    "command",
    "pattern",
    "url",
    "query",
    "description",
];

/// All that matters of what was told.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// The conversation, as the program names it.
    pub(super) conversation: Option<ConversationId>,
    /// The model that it works with.
    pub(super) model: Option<String>,
    /// Tools that it was not allowed to use.
    pub(super) denied: Vec<String>,
    /// Messages from it, and answers of its tools.
    pub(super) messages: u64,
    /// Turns begun.
    pub(super) turns: u32,
    /// Has it written anything at all?
    pub(super) has_spoken: bool,
    said: String,
    does: String,
    waits: u32,
    in_turn: bool,
    directory: PathBuf,
}

impl Notes {
    /// Of a run in this directory.
    pub(super) fn new(directory: &Path, model: Option<String>) -> Self {
        Self {
            directory: directory.to_owned(),
            model,
            ..Self::default()
        }
    }

    /// A line as JSON, where it is that.
    pub(super) fn read(&mut self, line: &[u8]) -> Option<Value> {
        self.has_spoken |= !line.trim_ascii().is_empty();
        values::read(line)
    }

    /// It goes by this name.
    pub(super) fn named(&mut self, id: &Value) {
        if let Some(id) = id.as_str().filter(|id| !id.is_empty()) {
            self.conversation = Some(ConversationId::new(words::line(id, LINE)));
        }
    }

    /// It says something.
    pub(super) fn says(&mut self, text: &str) {
        self.begins();
        self.messages += 1;
        cut(text, ANSWER).clone_into(&mut self.said);
        self.does = words::line(text, LINE);
    }

    /// It goes on saying it, or begins to.
    pub(super) fn adds(&mut self, text: &str) {
        if !self.in_turn {
            self.says(text);
        } else if self.said.len() < ANSWER {
            let room = ANSWER - self.said.len();
            self.said.push_str(&cut(text, room));
            self.does = words::line(&self.said, LINE);
        }
    }

    /// It thinks.
    pub(super) fn thinks(&mut self) {
        self.begins();
        "thinks".clone_into(&mut self.does);
    }

    /// It uses a tool.
    pub(super) fn uses(&mut self, tool: &Value, input: &Value) {
        self.begins();
        self.does = self.tool(tool, input);
    }

    /// A tool has answered; what comes next is another turn.
    pub(super) fn answered(&mut self) {
        self.messages += 1;
        self.in_turn = false;
    }

    /// It waits for its provider.
    pub(super) fn waits(&mut self, why: &str) -> Life {
        self.waits += 1;
        self.does = words::line(&format!("waits for the provider: {why}"), LINE);
        if self.waits > WAITS_THAT_COUNT {
            Life::Doubtful
        } else {
            Life::Shown
        }
    }

    /// What it says next is another turn.
    pub(super) fn ends(&mut self) {
        self.in_turn = false;
    }

    /// It was not allowed to use a tool.
    pub(super) fn deny(&mut self, tool: &Value, input: &Value) {
        let what = self.tool(tool, input);
        if self.denied.len() < DENIALS && !self.denied.contains(&what) {
            self.denied.push(what);
        }
    }

    /// What it does at this moment.
    pub(super) fn activity(&self, bill: &TokenBill) -> Activity {
        Activity {
            line: self.does.clone(),
            messages: self.messages,
            cost: bill.so_far(),
            tokens: bill.tokens().total(),
        }
    }

    /// All together.
    pub(super) fn report(self, bill: &TokenBill, end: AgentEnd, charge: Charge) -> AgentReport {
        AgentReport {
            end,
            summary: words::beginning(&self.said, SUMMARY),
            answer: self.said,
            charge,
            dearest: bill.dearest(),
            conversation: self.conversation,
            model: self.model,
            denied: self.denied,
            messages: self.messages,
        }
    }

    fn begins(&mut self) {
        if !self.in_turn {
            self.in_turn = true;
            self.turns = self.turns.saturating_add(1);
        }
    }

    /// `write src/a.rs`, `bash cargo test`.
    fn tool(&self, name: &Value, input: &Value) -> String {
        let name = name.as_str().unwrap_or("a tool");
        let object = OBJECTS
            .iter()
            .find_map(|key| input[key].as_str())
            .unwrap_or_default();
        let object = Path::new(object)
            .strip_prefix(&self.directory)
            .map_or(object.into(), Path::to_string_lossy);
        words::line(&format!("{name} {object}"), LINE)
    }
}
