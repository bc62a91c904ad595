//! Reads opencode's JSON lines. It has no last line: it is done where its last step was not for a tool.

use crate::adapters::agents::native::Life;
use crate::adapters::agents::notes::Notes;
use crate::adapters::agents::run_record::RunRecord;
use crate::adapters::agents::token_bill::{TokenBill, count};
use crate::rules::money::{Usage, Usd};
use crate::rules::prices::Prices;
use serde_json::Value;

/// All that a run's output has told so far.
#[derive(Debug)]
pub struct OpencodeStream {
    pub(super) notes: Notes,
    pub(super) bill: TokenBill,
    /// Its last step asked for no tool.
    pub(super) is_done: bool,
    /// What went wrong.
    pub(super) error: Option<Value>,
}

impl OpencodeStream {
    /// A run that nothing is known of but what it was to do.
    #[must_use]
    pub fn new(record: &RunRecord, prices: Prices) -> Self {
        Self {
            notes: Notes::new(&record.directory, record.model.clone()),
            bill: TokenBill::at(prices),
            is_done: false,
            error: None,
        }
    }

    /// Takes one line.
    pub fn hear(&mut self, line: &[u8]) -> Life {
        let Some(value) = self.notes.read(line) else {
            return Life::Shown;
        };
        self.notes.named(&value["sessionID"]);
        let part = &value["part"];
        match value["type"].as_str().unwrap_or_default() {
            "step_start" => self.is_done = false,
            "text" => self.notes.says(part["text"].as_str().unwrap_or_default()),
            "reasoning" => self.notes.thinks(),
            "tool_use" => self.tool(part),
            "step_finish" => self.step(part),
            "error" => self.error = Some(value["error"].clone()),
            _ => {}
        }
        Life::Shown
    }

    fn tool(&mut self, part: &Value) {
        let state = &part["state"];
        self.notes.uses(&part["tool"], &state["input"]);
        let said = state["error"].as_str().unwrap_or_default();
        if state["status"] == "error" && said.contains("permission") {
            self.notes.deny(&part["tool"], &state["input"]);
        }
        self.notes.answered();
    }

    fn step(&mut self, part: &Value) {
        let tokens = &part["tokens"];
        let usage = Usage {
            input: count(&tokens["input"]),
            cached_input: count(&tokens["cache"]["read"]),
            cache_write: count(&tokens["cache"]["write"]),
            output: count(&tokens["output"]) + count(&tokens["reasoning"]),
        };
        let model = self.notes.model.clone().unwrap_or_default();
        let cost = part["cost"].as_f64().and_then(Usd::from_dollars);
        // Of a model that it has no price for it says that it costs nothing.
        match cost.filter(|cost| *cost > Usd::ZERO) {
            Some(cost) => self.bill.priced(&model, usage, cost),
            None => self.bill.response(&model, usage),
        }
        let reason = part["reason"].as_str().unwrap_or_default();
        self.is_done = reason == "stop";
        if reason != "tool-calls" {
            self.notes.ends();
        }
    }
}
