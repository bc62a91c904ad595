//! Reads an answer's rate-limit headers: was it a limit, and how long must we wait?

use crate::rules::ids::Timestamp;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use std::time::Duration;

/// However long a server wants us to wait, it is no more than a day.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What the forge last said about the primary limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests, or points, in an hour; 0 where it does not tell.
    pub limit: u64,
    /// Those that are left.
    pub remaining: u64,
    /// When they are full again.
    pub reset: Timestamp,
}

/// What an answer says about limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The request was taken.
    Fine {
        /// The primary limit, where the headers tell it.
        rate: Option<Rate>,
        /// It was the last one of its window: wait this long before the next.
        exhausted: Option<Duration>,
    },
    /// The request was not taken.
    Limited {
        /// The primary limit, where the headers tell it.
        rate: Option<Rate>,
        /// For how long.
        wait: Wait,
    },
}

impl Verdict {
    /// The primary limit, where the headers tell it.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        match self {
            Self::Fine { rate, .. } | Self::Limited { rate, .. } => *rate,
        }
    }

    /// How long a limit lasts, where it was one.
    #[must_use]
    pub fn wait(&self) -> Option<Wait> {
        match self {
            Self::Fine { .. } => None,
            Self::Limited { wait, .. } => Some(*wait),
        }
    }
}

/// How long a limit lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// This long, it said.
    For(Duration),
    /// Until the primary limit of this way in is reset.
    Reset(Duration),
    /// It did not say: a minute at least, longer each time.
    Unsaid,
}

/// Reads status and headers, and the body's message where they do not settle it.
/// The order is that of GitHub's documentation: `retry-after`, else the reset of an exhausted limit, else a minute or more.
#[must_use]
pub fn judge(status: u16, headers: &HeaderMap, message: &str) -> Verdict {
    let rate = rate(headers);
    let until_reset = rate
        .filter(|rate| rate.remaining == 0)
        .map(|rate| until(rate.reset, headers));
    if !is_limit(status, headers, until_reset.is_some(), message) {
        return Verdict::Fine {
            rate,
            exhausted: until_reset,
        };
    }
    let wait = match headers.get("retry-after") {
        // Words that we cannot read are no permission to go on at once.
        Some(value) => value
            .to_str()
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .map_or(Wait::Unsaid, |seconds| Wait::For(bounded(seconds))),
        None => until_reset.map_or(Wait::Unsaid, Wait::Reset),
    };
    Verdict::Limited { rate, wait }
}

/// GitHub answers 403 both to limits and to missing rights.
fn is_limit(status: u16, headers: &HeaderMap, exhausted: bool, message: &str) -> bool {
    match status {
        429 => true,
        // GraphQL says it so.
        200 => message.to_ascii_lowercase().contains("rate limit"),
        403 => {
            let message = message.to_ascii_lowercase();
            exhausted
                || headers.contains_key("retry-after")
                || message.contains("rate limit")
                || message.contains("abuse detection")
        }
        _ => false,
    }
}

fn rate(headers: &HeaderMap) -> Option<Rate> {
    let reset: i64 = number(headers, "x-ratelimit-reset")?;
    Some(Rate {
        limit: number(headers, "x-ratelimit-limit").unwrap_or(0),
        remaining: number(headers, "x-ratelimit-remaining")?,
        reset: Timestamp(reset.saturating_mul(1000)),
    })
}

fn number<T: std::str::FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// From the server's own clock where it tells it, so that ours may be wrong.
pub(super) fn until(reset: Timestamp, headers: &HeaderMap) -> Duration {
    let now = clock(headers).timestamp_millis();
    let seconds = reset.millis_since(Timestamp(now)).div_ceil(1000);
    // Both are whole seconds, cut off: one more is on the safe side.
    bounded(seconds.saturating_add(1))
}

/// The server's own clock, in whole seconds; ours where it does not tell.
#[must_use]
pub fn clock(headers: &HeaderMap) -> DateTime<Utc> {
    headers
        .get("date")
        .and_then(|date| DateTime::parse_from_rfc2822(date.to_str().ok()?).ok())
        .map_or_else(Utc::now, Into::into)
}

fn bounded(seconds: u64) -> Duration {
    Duration::from_secs(seconds.max(1)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    value.parse().expect("a value"),
                )
            })
            .collect()
    }

    const DATE: (&str, &str) = ("date", "Tue, 15 Nov 1994 08:12:31 GMT");
    const SPENT: [(&str, &str); 4] = [
        DATE,
        ("x-ratelimit-limit", "5000"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "784887211"),
    ];

    fn wait(status: u16, pairs: &[(&'static str, &str)], message: &str) -> Option<Wait> {
        match judge(status, &headers(pairs), message) {
            Verdict::Fine { .. } => None,
            Verdict::Limited { wait, .. } => Some(wait),
        }
    }

    #[test]
    fn a_limit_lasts_as_long_as_it_says() {
        let check = |status, pairs: &[(&'static str, &str)], message, expect| {
            assert_eq!(
                wait(status, pairs, message),
                expect,
                "{status} {pairs:?} {message}"
            );
        };
        let seconds = |seconds| Some(Wait::For(Duration::from_secs(seconds)));
        check(429, &[("retry-after", "30")], "", seconds(30));
        check(403, &[("retry-after", "30")], "", seconds(30));
        check(403, &[("retry-after", "0")], "", seconds(1));
        check(403, &[("retry-after", "99999999")], "", seconds(86_400));
        let reset = Some(Wait::Reset(Duration::from_secs(60 + 1)));
        check(403, &SPENT, "", reset);
        check(429, &SPENT, "", reset);
        check(200, &SPENT, "API rate limit exceeded for user ID 1.", reset);
        check(429, &[], "", Some(Wait::Unsaid));
        check(429, &[("retry-after", "soon")], "", Some(Wait::Unsaid));
        let secondary = "You have exceeded a secondary rate limit. Please wait a few minutes.";
        check(403, &[], secondary, Some(Wait::Unsaid));
        check(
            403,
            &[],
            "Resource not accessible by personal access token",
            None,
        );
        check(200, &[("retry-after", "30")], "", None);
        check(502, &[], "rate limit", None);
    }

    #[test]
    fn the_last_request_of_a_window_holds_back_the_next() {
        let verdict = judge(200, &headers(&SPENT), "");
        let Verdict::Fine {
            rate: Some(rate),
            exhausted,
        } = verdict
        else {
            panic!("{verdict:?}");
        };
        assert_eq!(exhausted, Some(Duration::from_secs(61)));
        assert_eq!((rate.limit, rate.remaining), (5000, 0));
        assert_eq!(rate.reset, Timestamp(784_887_211_000));
    }
}
