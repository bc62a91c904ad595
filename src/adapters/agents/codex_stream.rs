//! Reads Codex's JSON lines, and its own record of the conversation, which has each response's tokens as they come.

use crate::adapters::agents::native::Life;
use crate::adapters::agents::notes::Notes;
use crate::adapters::agents::recording::{self, Recording};
use crate::adapters::agents::run_record::RunRecord;
use crate::adapters::agents::token_bill::{Ended, TokenBill, count, disjoint, minus};
use crate::adapters::agents::values;
use crate::rules::money::{Charge, Usage, Usd};
use crate::rules::prices::Prices;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// All that a run's output has told so far.
#[derive(Debug)]
pub struct CodexStream {
    pub(super) notes: Notes,
    pub(super) bill: TokenBill,
    /// It said that its turn is complete.
    pub(super) is_complete: bool,
    /// Why it failed, in its words.
    pub(super) failed: Option<String>,
    /// The last thing that went wrong without ending it.
    pub(super) complaint: String,
    recording: Recording,
    resumed: bool,
    before: Option<Usage>,
    /// Is nothing known of what it cost?
    is_unknown: bool,
}

impl CodexStream {
    /// A run that nothing is known of but what it was to do.
    #[must_use]
    pub fn new(record: &RunRecord, sessions: PathBuf, prices: Prices) -> Self {
        Self {
            notes: Notes::new(&record.directory, record.model.clone()),
            bill: TokenBill::at(prices),
            is_complete: false,
            failed: None,
            complaint: String::new(),
            recording: Recording::below(sessions, record.recorded),
            resumed: record.resumed,
            before: record.before,
            is_unknown: false,
        }
    }

    /// Takes one line.
    pub fn hear(&mut self, line: &[u8]) -> Life {
        let Some(value) = self.notes.read(line) else {
            return Life::Shown;
        };
        let shown = self.take(&value);
        self.look();
        shown
    }

    /// Takes what its own record still has.
    pub fn settle(&mut self) {
        self.look();
    }

    /// What the run is charged.
    pub(super) fn bill(&self, cap: Usd, ended: Ended) -> Charge {
        let heard = self.notes.messages > 0 || self.is_complete;
        if !self.notes.has_spoken {
            return Charge::default();
        }
        if self.is_unknown || (heard && self.bill.tokens().total() == 0) {
            return Charge::assumed(cap);
        }
        self.bill.charge(cap, self.notes.model.as_deref(), ended)
    }

    fn take(&mut self, value: &Value) -> Life {
        match value["type"].as_str().unwrap_or_default() {
            "thread.started" => self.notes.named(&value["thread_id"]),
            "item.started" => self.started(&value["item"]),
            "item.completed" => self.completed(&value["item"]),
            "error" => return self.trouble(&value["message"]),
            "turn.completed" => {
                self.sum(usage(&value["usage"]));
                self.is_complete = true;
            }
            "turn.failed" => {
                let message = value["error"]["message"].as_str().unwrap_or("it failed");
                self.failed = Some(message.to_owned());
            }
            _ => {}
        }
        Life::Shown
    }

    fn started(&mut self, item: &Value) {
        match item["type"].as_str().unwrap_or_default() {
            "command_execution" => self.notes.uses(&json!("runs"), item),
            "file_change" => self.notes.uses(&json!("edits"), &item["changes"][0]),
            "mcp_tool_call" => self.notes.uses(&item["tool"], item),
            "web_search" => self.notes.uses(&json!("searches"), item),
            _ => {}
        }
    }

    fn completed(&mut self, item: &Value) {
        match item["type"].as_str().unwrap_or_default() {
            "agent_message" => self.notes.says(item["text"].as_str().unwrap_or_default()),
            "reasoning" => self.notes.thinks(),
            "command_execution" | "file_change" | "mcp_tool_call" | "web_search" => {
                self.started(item);
                self.notes.answered();
            }
            // It warns by items of this kind, too.
            "error" => item["message"]
                .as_str()
                .unwrap_or_default()
                .clone_into(&mut self.complaint),
            _ => {}
        }
    }

    fn trouble(&mut self, message: &Value) -> Life {
        let message = message.as_str().unwrap_or_default();
        message.clone_into(&mut self.complaint);
        if message.starts_with("Reconnecting") {
            self.notes.waits(message)
        } else {
            Life::Shown
        }
    }

    /// The sum at the end of a turn, over the whole conversation.
    fn sum(&mut self, sum: Usage) {
        self.look();
        let new = match (self.resumed, self.before) {
            (false, _) => sum,
            (true, Some(before)) => minus(sum, before),
            // What was paid for before cannot be told from what is new.
            (true, None) => {
                self.is_unknown = !self.recording.is_found();
                return;
            }
        };
        let model = self.notes.model.clone().unwrap_or_default();
        self.bill.total(&model, new);
    }

    fn look(&mut self) {
        let Some(conversation) = &self.notes.conversation else {
            return;
        };
        // Once it has said its sum there is nothing to add to that.
        if self.is_complete {
            return;
        }
        let name = name(conversation.as_str());
        let (notes, bill) = (&mut self.notes, &mut self.bill);
        self.recording.read(&name, |line| {
            let Some(value) = event(line) else { return };
            if let Some(model) = value["payload"]["model"].as_str() {
                notes.model.get_or_insert_with(|| model.to_owned());
            }
            let last = &value["payload"]["info"]["last_token_usage"];
            if last.is_object() {
                let model = notes.model.clone().unwrap_or_default();
                bill.response(&model, usage(last));
            }
        });
    }
}

/// How long the record of a conversation is, and what it had used by then.
#[must_use]
pub fn past(sessions: &Path, conversation: &str) -> (u64, Option<Usage>) {
    let name = name(conversation);
    let length = recording::length(sessions, &name);
    let mut last = None;
    Recording::below(sessions.to_owned(), 0).read(&name, |line| {
        let sum = event(line).map(|value| value["payload"]["info"]["total_token_usage"].clone());
        last = sum.filter(Value::is_object).map(|sum| usage(&sum)).or(last);
    });
    // One that has no record of any response has used nothing.
    let is_there = length > 0;
    (length, last.or(is_there.then(Usage::default)))
}

fn name(conversation: &str) -> String {
    format!("-{conversation}.jsonl")
}

/// A line of its record that tells the model or the tokens.
fn event(line: &[u8]) -> Option<Value> {
    let has = |word: &[u8]| line.windows(word.len()).any(|window| window == word);
    let matters = has(b"\"token_count\"") || has(b"\"turn_context\"");
    matters
        .then(|| values::read(line))
        .flatten()
        .filter(|value| {
            value["type"] == "turn_context" || value["payload"]["type"] == "token_count"
        })
}

fn usage(usage: &Value) -> Usage {
    disjoint(
        count(&usage["input_tokens"]),
        count(&usage["cached_input_tokens"]),
        count(&usage["cache_write_input_tokens"]),
        count(&usage["output_tokens"]),
    )
}
