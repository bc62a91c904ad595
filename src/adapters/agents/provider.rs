//! What went wrong at a model's provider: statuses and words, as our classes.

use crate::rules::ids::Timestamp;
use crate::rules::task::ErrorClass;
use chrono::{DateTime, Local, NaiveDateTime, NaiveTime};

/// Words that vendors use, in the order in which they are looked for; what is more particular stands first.
const WORDS: [(&str, ErrorClass); 37] = [
    ("usage limit", ErrorClass::UsageLimit),
    ("per day", ErrorClass::UsageLimit),
    ("daily quota", ErrorClass::UsageLimit),
    ("insufficient_quota", ErrorClass::Billing),
    ("quota exceeded. check your plan", ErrorClass::Billing),
    (
        "exceeded your current quota, please check",
        ErrorClass::Billing,
    ),
    ("credit balance", ErrorClass::Billing),
    ("payment required", ErrorClass::Billing),
    ("ran out of room", ErrorClass::ContextTooLong),
    ("context window", ErrorClass::ContextTooLong),
    ("context length", ErrorClass::ContextTooLong),
    ("context_length_exceeded", ErrorClass::ContextTooLong),
    ("token count exceeds", ErrorClass::ContextTooLong),
    ("prompt is too long", ErrorClass::ContextTooLong),
    ("missing environment variable", ErrorClass::Auth),
    ("api key not valid", ErrorClass::Auth),
    ("incorrect api key", ErrorClass::Auth),
    ("invalid api key", ErrorClass::Auth),
    ("api key is missing", ErrorClass::Auth),
    ("not logged in", ErrorClass::Auth),
    ("invalid auth method", ErrorClass::Auth),
    ("you must specify the gemini_api_key", ErrorClass::Auth),
    ("model not found", ErrorClass::ModelNotFound),
    ("model_not_found", ErrorClass::ModelNotFound),
    ("providermodelnotfound", ErrorClass::ModelNotFound),
    ("too many requests", ErrorClass::RateLimit),
    ("rate limit", ErrorClass::RateLimit),
    ("exceeded your current quota", ErrorClass::RateLimit),
    ("at capacity", ErrorClass::Overloaded),
    ("high demand", ErrorClass::Overloaded),
    ("overloaded", ErrorClass::Overloaded),
    ("content policy", ErrorClass::Refusal),
    ("stream disconnected", ErrorClass::Network),
    ("error sending request", ErrorClass::Network),
    ("idle timeout", ErrorClass::Network),
    ("unable to connect", ErrorClass::Network),
    ("fetch failed", ErrorClass::Network),
];

const MINUTE: u64 = 60_000;

/// The class of an HTTP status.
pub(super) fn by_status(status: u64) -> Option<ErrorClass> {
    match status {
        401 | 403 => Some(ErrorClass::Auth),
        402 => Some(ErrorClass::Billing),
        404 => Some(ErrorClass::ModelNotFound),
        408 => Some(ErrorClass::Network),
        413 => Some(ErrorClass::ContextTooLong),
        429 => Some(ErrorClass::RateLimit),
        400..=499 => Some(ErrorClass::Validation),
        500..=599 => Some(ErrorClass::Overloaded),
        _ => None,
    }
}

/// The class that a message's words tell.
pub(super) fn by_words(message: &str) -> Option<ErrorClass> {
    let message = message.to_lowercase();
    let told = WORDS.iter().find(|(words, _)| message.contains(words));
    told.map(|(_, class)| *class)
        .or_else(|| status(&message).and_then(by_status))
}

/// `unexpected status 502 Bad Gateway`, `"code":503`.
fn status(message: &str) -> Option<u64> {
    let rest = ["status ", "status: ", "\"code\":", "\"code\": "]
        .iter()
        .find_map(|before| Some(message.split_once(before)?.1))?;
    rest.get(..3)?.parse().ok()
}

/// When a limit ends for sure, where a message says `try again at 6:40 PM`, or with a date before it: it ends within that
/// minute.
pub(super) fn limit_ends(message: &str, now: DateTime<Local>) -> Option<Timestamp> {
    let said = message.split_once("try again at ")?.1;
    let said: String = said.chars().take(60).collect();
    let said = said.trim_end_matches(['.', ' ']);
    let stamp = |time: NaiveDateTime| time.and_local_timezone(now.timezone()).earliest();
    let ends = if let Ok(time) = NaiveTime::parse_from_str(said, "%I:%M %p") {
        // A day that is not today is named.
        stamp(now.date_naive().and_time(time))?
    } else {
        let plain = ["st,", "nd,", "rd,", "th,"]
            .iter()
            .fold(said.to_owned(), |said, end| said.replacen(end, ",", 1));
        stamp(NaiveDateTime::parse_from_str(&plain, "%b %d, %Y %I:%M %p").ok()?)?
    };
    Some(Timestamp(ends.timestamp_millis()).plus_millis(MINUTE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn words_and_statuses_have_their_class() {
        let check = |message: &str, expect: Option<ErrorClass>| {
            assert_eq!(by_words(message), expect, "{message}");
        };
        check(
            "You’ve hit your usage limit. Upgrade to Pro",
            Some(ErrorClass::UsageLimit),
        );
        check(
            "Quota exceeded. Check your plan and billing details.",
            Some(ErrorClass::Billing),
        );
        check(
            "exceeded retry limit, last status: 429 Too Many Requests",
            Some(ErrorClass::RateLimit),
        );
        check(
            "unexpected status 401 Unauthorized: x",
            Some(ErrorClass::Auth),
        );
        check(
            "unexpected status 502 Bad Gateway: <html>",
            Some(ErrorClass::Overloaded),
        );
        check(
            "{\"error\":{\"code\":400,\"message\":\"no\"}}",
            Some(ErrorClass::Validation),
        );
        check("something else", None);
        check("status 5", None);
        check("status é12", None);
    }

    #[test]
    fn a_limit_says_when_it_ends() {
        let now = Local.with_ymd_and_hms(2026, 11, 20, 15, 0, 0).unwrap();
        let check = |message: &str, expect: Option<(u32, u32, u32)>| {
            let expect = expect.map(|(day, hour, minute)| {
                let at = Local
                    .with_ymd_and_hms(2026, 11, day, hour, minute, 0)
                    .unwrap();
                Timestamp(at.timestamp_millis()).plus_millis(MINUTE)
            });
            assert_eq!(limit_ends(message, now), expect, "{message}");
        };
        check("or try again at 6:40 PM.", Some((20, 18, 40)));
        check("or try again at 9:05 AM.", Some((20, 9, 5)));
        check(
            "or try again at Nov 22nd, 2026 6:40 PM.",
            Some((22, 18, 40)),
        );
        check("or try again at some time.", None);
        check("or try again later.", None);
    }
}
