//! How a run of Codex ended: it has no codes, so its words decide.

use crate::adapters::agents::provider;
use crate::adapters::process::words;
use crate::rules::task::{ErrorClass, Failure};
use chrono::Local;

/// How much of a message is kept, in bytes.
const MESSAGE: usize = 2_000;

/// What its last message comes to.
#[must_use]
pub fn failure(message: &str) -> Failure {
    let class = provider::by_words(message).unwrap_or(ErrorClass::Crash);
    let is_limit = matches!(class, ErrorClass::UsageLimit | ErrorClass::RateLimit);
    Failure {
        class,
        message: words::beginning(message, MESSAGE),
        until: is_limit
            .then(|| provider::limit_ends(message, Local::now()))
            .flatten(),
    }
}

/// It refused to start, or died.
#[must_use]
pub fn without_result(complaints: &[u8], complaint: &str, code: Option<i32>) -> Failure {
    let said = words::end(complaints, MESSAGE);
    let class = if said.contains("no rollout found") {
        ErrorClass::ConversationLost
    } else {
        provider::by_words(complaint).unwrap_or(ErrorClass::Crash)
    };
    let code = code.map_or_else(
        || "with its supervisor".to_owned(),
        |code| format!("with exit code {code}"),
    );
    let said = if complaint.is_empty() {
        said
    } else {
        words::beginning(complaint, MESSAGE)
    };
    let message = format!("codex ended {code} and without a result");
    Failure::new(
        class,
        if said.is_empty() {
            message
        } else {
            format!("{message}: {said}")
        },
    )
}
