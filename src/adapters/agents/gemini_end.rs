//! How a run of Gemini CLI ended: its words, and its exit code, which is an HTTP status cut to eight bits.

use crate::adapters::agents::provider;
use crate::adapters::process::words;
use crate::rules::task::{ErrorClass, Failure};

/// How much of a message is kept, in bytes.
const MESSAGE: usize = 2_000;

/// What its error message comes to.
#[must_use]
pub fn failure(message: &str, code: Option<i32>) -> Failure {
    let class = provider::by_words(message)
        .or_else(|| code.and_then(by_code))
        .or_else(|| is_cut(message).then_some(ErrorClass::Network));
    Failure::new(
        class.unwrap_or(ErrorClass::Crash),
        words::beginning(message, MESSAGE),
    )
}

/// It refused to start, or died.
#[must_use]
pub fn without_result(complaints: &[u8], code: Option<i32>) -> Failure {
    let said = words::end(complaints, MESSAGE);
    let class = if said.contains("Invalid session identifier")
        || said.contains("No previous sessions found")
        || said.contains("already exists")
    {
        Some(ErrorClass::ConversationLost)
    } else {
        code.and_then(by_code)
    };
    let class = class.or_else(|| provider::by_words(&said));
    let code = code.map_or_else(
        || "with its supervisor".to_owned(),
        |code| format!("with exit code {code}"),
    );
    let message = format!("gemini ended {code} and without a result");
    Failure::new(
        class.unwrap_or(ErrorClass::Crash),
        if said.is_empty() {
            message
        } else {
            format!("{message}: {said}")
        },
    )
}

fn is_cut(message: &str) -> bool {
    ["terminated", "socket hang up", "ECONN"]
        .iter()
        .any(|word| message.contains(word))
}

fn by_code(code: i32) -> Option<ErrorClass> {
    match code {
        41 => Some(ErrorClass::Auth),
        52 | 55 => Some(ErrorClass::Setup),
        53 => Some(ErrorClass::TurnLimit),
        // 128 and a signal look like a status as well; only statuses that come up are taken for one.
        144 | 145 | 147 | 148 | 157 | 173 | 244..=248 => {
            let status = if code >= 244 { code + 256 } else { code };
            let status = if status < 256 { status + 256 } else { status };
            provider::by_status(u64::try_from(status).ok()?)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_code_is_a_status_where_it_can_be_one() {
        let check = |code, expect| assert_eq!(by_code(code), expect, "{code}");
        check(144, Some(ErrorClass::Validation));
        check(145, Some(ErrorClass::Auth));
        check(148, Some(ErrorClass::ModelNotFound));
        check(173, Some(ErrorClass::RateLimit));
        check(244, Some(ErrorClass::Overloaded));
        check(247, Some(ErrorClass::Overloaded));
        check(143, None);
        check(137, None);
        check(41, Some(ErrorClass::Auth));
        check(1, None);
    }
}
