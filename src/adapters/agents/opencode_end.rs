//! How a run of opencode ended: it tells statuses, and nothing where a permission was refused.

use crate::adapters::agents::provider;
use crate::adapters::process::words;
use crate::rules::task::{ErrorClass, Failure};
use serde_json::Value;

/// How much of a message is kept, in bytes.
const MESSAGE: usize = 2_000;

/// What its error comes to.
#[must_use]
pub fn failure(error: &Value) -> Failure {
    let data = &error["data"];
    let name = error["name"].as_str().unwrap_or("an error");
    let message = data["message"].as_str().unwrap_or(name);
    let class = by_name(name)
        .or_else(|| provider::by_words(message))
        .or_else(|| provider::by_words(data["responseBody"].as_str().unwrap_or_default()))
        .or_else(|| data["statusCode"].as_u64().and_then(provider::by_status));
    let class = class.unwrap_or(if data["isRetryable"] == true {
        ErrorClass::Network
    } else {
        ErrorClass::Crash
    });
    Failure::new(class, words::beginning(message, MESSAGE))
}

/// It ended before its work did, refused to start, or died.
#[must_use]
pub fn without_result(denied: &[String], complaints: &[u8], code: Option<i32>) -> Failure {
    if code == Some(0) && !denied.is_empty() {
        let message = format!("the agent was not allowed to use: {}", denied.join(", "));
        return Failure::new(ErrorClass::PermissionDenied, message);
    }
    let said = words::end(complaints, MESSAGE);
    let class = if said.contains("Session not found") || said.contains("NotFoundError") {
        ErrorClass::ConversationLost
    } else {
        provider::by_words(&said).unwrap_or(ErrorClass::Crash)
    };
    let code = code.map_or_else(
        || "with its supervisor".to_owned(),
        |code| format!("with exit code {code}"),
    );
    let message = format!("opencode ended {code} before it was done");
    Failure::new(
        class,
        if said.is_empty() {
            message
        } else {
            format!("{message}: {said}")
        },
    )
}

fn by_name(name: &str) -> Option<ErrorClass> {
    match name {
        "ProviderAuthError" => Some(ErrorClass::Auth),
        "ContextOverflowError" | "MessageOutputLengthError" => Some(ErrorClass::ContextTooLong),
        "ProviderModelNotFoundError" => Some(ErrorClass::ModelNotFound),
        "ContentFilterError" => Some(ErrorClass::Refusal),
        _ => None,
    }
}
