//! Reads Gemini CLI's JSON lines, and its own record of the conversation, which has each response's tokens as they come.

use crate::adapters::agents::native::Life;
use crate::adapters::agents::notes::Notes;
use crate::adapters::agents::recording::Recording;
use crate::adapters::agents::run_record::RunRecord;
use crate::adapters::agents::token_bill::{Ended, TokenBill, count, disjoint};
use crate::adapters::agents::values;
use crate::rules::money::{Charge, Usage, Usd};
use crate::rules::prices::Prices;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// How much of a conversation's name stands in that of its record.
const SHORT: usize = 8;

/// All that a run's output has told so far.
#[derive(Debug)]
pub struct GeminiStream {
    pub(super) notes: Notes,
    pub(super) bill: TokenBill,
    /// How it ended, once it did.
    pub(super) result: Option<Result<(), String>>,
    recording: Recording,
    /// When it began; what its record has from before was paid for before.
    began: String,
    /// Responses that were counted; each stands in the record again with what its tools said.
    counted: BTreeSet<String>,
}

impl GeminiStream {
    /// A run that nothing is known of but what it was to do.
    #[must_use]
    pub fn new(record: &RunRecord, chats: PathBuf, prices: Prices) -> Self {
        Self {
            notes: Notes::new(&record.directory, record.model.clone()),
            bill: TokenBill::at(prices),
            result: None,
            recording: Recording::below(chats, 0),
            began: String::new(),
            counted: BTreeSet::new(),
        }
    }

    /// Takes one line.
    pub fn hear(&mut self, line: &[u8]) -> Life {
        let Some(value) = self.notes.read(line) else {
            return Life::Shown;
        };
        match value["type"].as_str().unwrap_or_default() {
            "init" => self.begin(&value),
            "message" if value["role"] == "assistant" => {
                self.notes
                    .adds(value["content"].as_str().unwrap_or_default());
            }
            "tool_use" => self.notes.uses(&value["tool_name"], &value["parameters"]),
            "tool_result" => self.answered(&value),
            "error" => {
                return self
                    .notes
                    .waits(value["message"].as_str().unwrap_or("error"));
            }
            "result" => {
                self.look();
                self.end(&value);
            }
            _ => {}
        }
        self.look();
        Life::Shown
    }

    /// Takes what its own record still has.
    pub fn settle(&mut self) {
        self.look();
    }

    /// What the run is charged.
    pub(super) fn bill(&self, cap: Usd, ended: Ended) -> Charge {
        if !self.notes.has_spoken {
            return Charge::default();
        }
        let is_unseen = self.result.is_none() && self.bill.tokens().total() == 0;
        if is_unseen && self.notes.messages > 0 {
            return Charge::assumed(cap);
        }
        self.bill.charge(cap, self.notes.model.as_deref(), ended)
    }

    fn begin(&mut self, value: &Value) {
        self.notes.named(&value["session_id"]);
        let began = value["timestamp"].as_str().unwrap_or_default();
        began.clone_into(&mut self.began);
        if let Some(model) = value["model"].as_str().filter(|model| *model != "auto") {
            self.notes.model = Some(model.to_owned());
        }
    }

    fn answered(&mut self, value: &Value) {
        let kind = value["error"]["type"].as_str().unwrap_or_default();
        if value["status"] == "error" && ["tool_not_registered", "policy_violation"].contains(&kind)
        {
            self.notes.deny(&value["error"]["message"], &Value::Null);
        }
        self.notes.answered();
    }

    fn end(&mut self, value: &Value) {
        let models = value["stats"]["models"].as_object();
        for (model, stats) in models.into_iter().flatten() {
            // What it thought is in the total alone.
            let (total, input) = (count(&stats["total_tokens"]), count(&stats["input_tokens"]));
            let output = total
                .saturating_sub(input)
                .max(count(&stats["output_tokens"]));
            let sum = disjoint(input, count(&stats["cached"]), 0, output);
            self.bill.total(model, sum);
        }
        let message = value["error"]["message"].as_str();
        self.result = Some(if value["status"] == "success" {
            Ok(())
        } else {
            Err(message.unwrap_or("it failed").to_owned())
        });
    }

    fn look(&mut self) {
        // Once it has said its sums there is nothing to add to them.
        let Some(conversation) = self.notes.conversation.as_ref() else {
            return;
        };
        if self.result.is_some() {
            return;
        }
        let short: String = conversation.as_str().chars().take(SHORT).collect();
        let (notes, bill) = (&mut self.notes, &mut self.bill);
        let (began, counted) = (&self.began, &mut self.counted);
        self.recording.read(&format!("-{short}.jsonl"), |line| {
            let Some((id, model, usage)) = response(line, began) else {
                return;
            };
            if counted.insert(id) {
                notes.model.get_or_insert_with(|| model.clone());
                bill.response(&model, usage);
            }
        });
    }
}

/// A line of its record that tells the tokens of a response: its name, its model, and those.
fn response(line: &[u8], began: &str) -> Option<(String, String, Usage)> {
    let value = values::read(line)?;
    let text = |key: &str| value[key].as_str().map(str::to_owned);
    if value["type"] != "gemini" || text("timestamp")?.as_str() < began {
        return None;
    }
    let tokens = &value["tokens"];
    let output = count(&tokens["output"]) + count(&tokens["thoughts"]);
    let input = count(&tokens["input"]) + count(&tokens["tool"]);
    let usage = disjoint(input, count(&tokens["cached"]), 0, output);
    tokens
        .is_object()
        .then_some((text("id")?, text("model")?, usage))
}
