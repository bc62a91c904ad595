//! How a run of Claude Code ended: its words for it, and ours.

use crate::adapters::agents::claude_stream::cut;
use crate::adapters::agents::run_record::ANSWER;
use crate::adapters::process::words;
use crate::rules::ids::Timestamp;
use crate::rules::task::{ErrorClass, Failure};
use serde_json::Value;

/// How much of a message is kept, in bytes.
const MESSAGE: usize = 2_000;

/// What the result line says about the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResultLine {
    /// Nothing went wrong, by its own account.
    pub is_success: bool,
    /// Its last words, or what went wrong.
    pub text: String,
    /// Its answer by the schema that it was given, as JSON; nothing where it gave none.
    pub structured: String,
    subtype: String,
    terminal_reason: String,
    api_error: String,
    stop_reason: String,
    status: Option<u64>,
}

/// What the stream said about failures before its result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// The error of the last message that had one.
    pub error: String,
    /// When the limit that rejected a request ends.
    pub limit_ends: Option<Timestamp>,
}

impl ResultLine {
    /// Reads a result line, whatever is missing or odd in it.
    #[must_use]
    pub fn read(line: &Value) -> Self {
        let text = |key: &str| cut(line[key].as_str().unwrap_or_default(), ANSWER);
        let errors: Vec<&str> = line["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        Self {
            // API errors say `success` as well.
            is_success: line["is_error"] == false && line["subtype"] == "success",
            text: if errors.is_empty() {
                text("result")
            } else {
                cut(&errors.join("; "), ANSWER)
            },
            structured: match &line["structured_output"] {
                Value::Null => String::new(),
                answer => cut(&answer.to_string(), ANSWER),
            },
            subtype: text("subtype"),
            terminal_reason: text("terminal_reason"),
            api_error: text("api_error"),
            stop_reason: text("stop_reason"),
            status: line["api_error_status"].as_u64(),
        }
    }

    /// Why it failed, in our words.
    #[must_use]
    pub fn failure(&self, trouble: &Trouble) -> Failure {
        let class = self
            .by_subtype()
            .or_else(|| self.by_reason())
            .or_else(|| by_error(&trouble.error));
        let class = class
            .or_else(|| self.status.and_then(by_status))
            .unwrap_or(ErrorClass::Crash);
        let is_limit = matches!(class, ErrorClass::UsageLimit | ErrorClass::RateLimit);
        let until = trouble.limit_ends.filter(|_| is_limit);
        let message = words::beginning(&self.text, MESSAGE);
        let message = if message.is_empty() {
            format!("ended with {}", self.subtype)
        } else {
            message
        };
        Failure {
            class,
            message,
            until,
        }
    }

    fn by_subtype(&self) -> Option<ErrorClass> {
        match self.subtype.as_str() {
            "error_max_turns" => Some(ErrorClass::TurnLimit),
            "error_max_budget_usd" => Some(ErrorClass::Budget),
            "error_max_structured_output_retries" => Some(ErrorClass::Validation),
            _ if self.text.starts_with("No conversation found") => {
                Some(ErrorClass::ConversationLost)
            }
            _ => None,
        }
    }

    fn by_reason(&self) -> Option<ErrorClass> {
        match (
            self.terminal_reason.as_str(),
            self.api_error.as_str(),
            self.stop_reason.as_str(),
        ) {
            ("max_turns", _, _) => Some(ErrorClass::TurnLimit),
            ("budget_exhausted", _, _) => Some(ErrorClass::Budget),
            ("prompt_too_long", _, _) | (_, "max_output_tokens", _) => {
                Some(ErrorClass::ContextTooLong)
            }
            (_, "usage_limit_reached", _) => Some(ErrorClass::UsageLimit),
            (_, "connection_failed", _) => Some(ErrorClass::Network),
            (_, _, "refusal") => Some(ErrorClass::Refusal),
            _ => None,
        }
    }
}

fn by_error(error: &str) -> Option<ErrorClass> {
    match error {
        "authentication_failed"
        | "oauth_org_not_allowed"
        | "account_on_hold"
        | "verification_required"
        | "cloud_credential_error" => Some(ErrorClass::Auth),
        "billing_error" => Some(ErrorClass::Billing),
        "rate_limit" => Some(ErrorClass::RateLimit),
        "overloaded" | "server_error" => Some(ErrorClass::Overloaded),
        "model_not_found" => Some(ErrorClass::ModelNotFound),
        "invalid_request" => Some(ErrorClass::Validation),
        "max_output_tokens" => Some(ErrorClass::ContextTooLong),
        _ => None,
    }
}

fn by_status(status: u64) -> Option<ErrorClass> {
    match status {
        401 | 403 => Some(ErrorClass::Auth),
        402 => Some(ErrorClass::Billing),
        404 => Some(ErrorClass::ModelNotFound),
        413 => Some(ErrorClass::ContextTooLong),
        429 => Some(ErrorClass::RateLimit),
        400..=499 => Some(ErrorClass::Validation),
        500..=599 => Some(ErrorClass::Overloaded),
        _ => None,
    }
}

/// What it wrote to stderr where it wrote no result line: it refused to start, or died.
#[must_use]
pub fn without_result(complaints: &[u8], code: Option<i32>) -> Failure {
    let said = words::end(complaints, MESSAGE);
    let class = if said.contains("is already in use") || said.contains("No conversation found") {
        ErrorClass::ConversationLost
    } else {
        ErrorClass::Crash
    };
    let code = code.map_or_else(
        || "with its supervisor".to_owned(),
        |code| format!("with exit code {code}"),
    );
    let message = format!("claude ended {code} and without a result");
    Failure::new(
        class,
        if said.is_empty() {
            message
        } else {
            format!("{message}: {said}")
        },
    )
}
