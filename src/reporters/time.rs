//! Moments and durations in words.

use crate::rules::ids::Timestamp;
use chrono::{DateTime, SecondsFormat, Utc};

const DAY: u64 = 86_400_000;

/// A duration the way people say it: `40ms`, `0.4s`, `45s`, `3m 12s`, `2h 05m`, `1d 3h`.
#[must_use]
pub fn human(millis: u64) -> String {
    let seconds = millis / 1_000;
    match seconds {
        0 if millis < 100 => format!("{millis}ms"),
        0 => format!("0.{}s", millis / 100),
        1..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
        86_400.. => format!("{}d {}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// A moment ahead, absolute and relative: `14:05 UTC (in 2h 03m)`.
#[must_use]
pub fn ahead(until: Timestamp, now: Timestamp) -> String {
    let wait = human(until.millis_since(now));
    match moment(until) {
        Some(moment) => format!("{} UTC (in {wait})", moment.format("%H:%M")),
        None => format!("in {wait}"),
    }
}

/// A moment gone by: `3m 12s ago`, and by its date where that is more than a day: `2026-09-21`.
#[must_use]
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let passed = now.millis_since(at);
    match moment(at) {
        Some(moment) if passed >= DAY => moment.format("%Y-%m-%d").to_string(),
        Some(_) | None => format!("{} ago", human(passed)),
    }
}

/// A moment as RFC 3339 has it, in UTC, to the millisecond.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    moment(at)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn moment(at: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(at.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_speech() {
        let check = |millis, expect: &str| assert_eq!(human(millis), expect);
        check(0, "0ms");
        check(99, "99ms");
        check(450, "0.4s");
        check(45_900, "45s");
        check(192_000, "3m 12s");
        check(7_500_000, "2h 05m");
        check(97_200_000, "1d 3h");
    }

    #[test]
    fn what_is_long_ago_has_a_date() {
        let now = Timestamp(1_790_000_000_000);
        let check = |before: i64, expect: &str| {
            assert_eq!(ago(Timestamp(now.0 - before), now), expect);
        };
        check(-5, "0ms ago");
        check(192_000, "3m 12s ago");
        check(86_399_000, "23h 59m ago");
        check(86_400_000, "2026-09-20");
    }

    #[test]
    fn moments_have_a_date_that_programs_read() {
        assert_eq!(rfc3339(Timestamp(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(Timestamp(i64::MAX)), "1970-01-01T00:00:00.000Z");
        let until = Timestamp(50_700_000);
        assert_eq!(ahead(until, Timestamp(43_320_000)), "14:05 UTC (in 2h 03m)");
    }
}
