//! Reads Claude Code's `stream-json` output: pure, lenient, one line at a time. What it does not know, it lets pass.

use crate::adapters::agents::claude_bill::{Bill, Past};
use crate::adapters::agents::claude_end::{ResultLine, Trouble};
use crate::adapters::agents::native::Life;
use crate::adapters::agents::run_record::ANSWER;
use crate::adapters::agents::values;
use crate::adapters::process::words;
use crate::ports::Activity;
use crate::rules::ids::{ConversationId, Timestamp};
use crate::rules::prices::Prices;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// How many lines about waiting for the provider count as life; some clients write them for ever.
const RETRIES_THAT_COUNT: u32 = 20;
/// How many denied tools are remembered; one more says nothing new.
const DENIALS: usize = 20;
const LINE: usize = 120;

/// All that a run's output has told so far.
#[derive(Debug)]
pub struct ClaudeStream {
    /// What it costs.
    pub bill: Bill,
    /// How it ended, once it did.
    pub result: Option<ResultLine>,
    /// What went wrong on the way.
    pub trouble: Trouble,
    /// The conversation, as it names it.
    pub conversation: Option<ConversationId>,
    /// The model that it works with.
    pub model: Option<String>,
    /// Tools that it was not allowed to use, each with what for.
    pub denied: Vec<String>,
    /// Messages from it, and answers of its tools.
    pub messages: u64,
    /// Has it written anything at all?
    pub has_spoken: bool,
    past: Past,
    directory: PathBuf,
    message: String,
    said: String,
    does: String,
    retries: u32,
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
}

impl ClaudeStream {
    /// A run in this directory that nothing is known of.
    #[must_use]
    pub fn new(directory: &Path, past: Past, prices: Prices) -> Self {
        Self {
            bill: Bill::at(prices),
            result: None,
            trouble: Trouble::default(),
            conversation: None,
            model: None,
            denied: Vec::new(),
            messages: 0,
            has_spoken: false,
            past,
            directory: directory.to_owned(),
            message: String::new(),
            said: String::new(),
            does: String::new(),
            retries: 0,
        }
    }

    /// Takes one line.
    pub fn hear(&mut self, line: &[u8]) -> Life {
        let text = values::text(line);
        self.has_spoken |= !line.trim_ascii().is_empty();
        let Ok(Kind { kind }) = serde_json::from_str(&text) else {
            return Life::Shown;
        };
        match &*kind {
            // A tool's answer can hold whole files, and nothing of it matters here.
            "user" => {
                self.messages += 1;
                self.bill.requested();
            }
            "system" | "assistant" | "stream_event" | "rate_limit_event" | "result" => {
                if let Some(value) = values::read(line) {
                    return self.take(&kind, &value);
                }
            }
            _ => {}
        }
        Life::Shown
    }

    /// What it does at this moment.
    #[must_use]
    pub fn doing(&self) -> Activity {
        Activity {
            line: self.does.clone(),
            messages: self.messages,
            cost: self.bill.so_far(),
            tokens: self.bill.tokens().total(),
        }
    }

    /// What it said last, printable, at most so many bytes.
    #[must_use]
    pub fn summary(&self, most: usize) -> String {
        let last = match &self.result {
            Some(result) if !result.text.is_empty() => &result.text,
            Some(_) | None => &self.said,
        };
        words::beginning(last, most)
    }

    /// What it answered: by its schema where it did, else in its own words, at most so many bytes.
    #[must_use]
    pub fn answer(&self, most: usize) -> String {
        let structured = self.result.as_ref().map(|result| &result.structured);
        match structured.filter(|answer| !answer.is_empty()) {
            Some(answer) => cut(answer, most),
            None => match &self.result {
                Some(result) if !result.text.is_empty() => cut(&result.text, most),
                Some(_) | None => cut(&self.said, most),
            },
        }
    }

    fn take(&mut self, kind: &str, value: &Value) -> Life {
        if let Some(id) = value["session_id"].as_str() {
            self.conversation = Some(ConversationId::new(id));
        }
        match kind {
            "system" => return self.system(value),
            "assistant" => self.assistant(value),
            "stream_event" => self.event(value),
            "rate_limit_event" => self.limit(&value["rate_limit_info"]),
            _ => self.result(value),
        }
        Life::Shown
    }

    fn system(&mut self, value: &Value) -> Life {
        match value["subtype"].as_str().unwrap_or_default() {
            "init" => {
                self.model = value["model"].as_str().map(str::to_owned);
                self.bill.requested();
            }
            "permission_denied" => self.deny(&value["tool_name"], &value["message"]),
            "api_retry" => {
                self.retries += 1;
                let error = value["error"].as_str().unwrap_or("unknown");
                self.does = words::line(&format!("waits for the provider: {error}"), LINE);
                if self.retries > RETRIES_THAT_COUNT {
                    return Life::Doubtful;
                }
            }
            _ => {}
        }
        Life::Shown
    }

    fn assistant(&mut self, value: &Value) {
        if let Some(error) = value["error"].as_str() {
            self.trouble.error = cut(error, ANSWER);
        }
        let message = &value["message"];
        let part = value["parent_tool_use_id"].as_str().unwrap_or_default();
        self.bill.heard(part, message);
        let id = message["id"].as_str().unwrap_or_default();
        // One message comes as several lines, a line for each of its parts.
        if id.is_empty() || id != self.message {
            self.messages += 1;
            id.clone_into(&mut self.message);
        }
        for part in message["content"].as_array().into_iter().flatten() {
            match part["type"].as_str().unwrap_or_default() {
                "text" => {
                    self.said = cut(part["text"].as_str().unwrap_or_default(), ANSWER);
                    self.does = words::line(&self.said, LINE);
                }
                "tool_use" => self.does = self.tool(&part["name"], &part["input"]),
                "thinking" => "thinks".clone_into(&mut self.does),
                _ => {}
            }
        }
    }

    fn event(&mut self, value: &Value) {
        let part = value["parent_tool_use_id"].as_str().unwrap_or_default();
        let event = &value["event"];
        match event["type"].as_str().unwrap_or_default() {
            "message_start" => self.bill.opened(part, &event["message"]),
            "message_delta" => self.bill.grew(part, &event["usage"]),
            "message_stop" => self.bill.closed(part),
            _ => {}
        }
    }

    fn limit(&mut self, info: &Value) {
        if info["status"] == "rejected" {
            let seconds = info["resetsAt"]
                .as_i64()
                .filter(|seconds| (0..1 << 40).contains(seconds));
            self.trouble.limit_ends = seconds.map(|seconds| Timestamp(seconds * 1_000));
        }
    }

    fn result(&mut self, value: &Value) {
        for denial in value["permission_denials"].as_array().into_iter().flatten() {
            let what = self.tool(&denial["tool_name"], &denial["tool_input"]);
            self.remember_denial(what);
        }
        self.bill.report(value, self.past);
        self.result = Some(ResultLine::read(value));
    }

    // Told twice: at once without the tool's input, and in the result with it.
    fn deny(&mut self, tool: &Value, message: &Value) {
        let tool = tool.as_str().unwrap_or("a tool");
        let message = message.as_str().unwrap_or_default();
        self.does = words::line(&format!("{tool} was denied: {message}"), LINE);
    }

    fn remember_denial(&mut self, what: String) {
        if self.denied.len() < DENIALS && !self.denied.contains(&what) {
            self.denied.push(what);
        }
    }

    /// `Edit src/a.rs`, `Bash cargo test`.
    fn tool(&self, name: &Value, input: &Value) -> String {
        let name = name.as_str().unwrap_or("a tool");
        let keys = [
            "file_path",
            "notebook_path",
            "path",
            "command",
            "pattern",
            "url",
            "query",
            "description",
        ];
        let object = keys
            .iter()
            .find_map(|key| input[key].as_str())
            .unwrap_or_default();
        let object = Path::new(object)
            .strip_prefix(&self.directory)
            .map_or(object.into(), Path::to_string_lossy);
        words::line(&format!("{name} {object}"), LINE)
    }
}

pub(super) fn cut(text: &str, most: usize) -> String {
    let mut ends = (0..=most.min(text.len())).rev();
    let end = ends.find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text[..end].to_owned()
}
