//! Values of flags: read once, valid from then on.

use crate::config::work::AgentKind;
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::money::Usd;
use chrono::{DateTime, NaiveDate, NaiveTime};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::net::SocketAddr;

/// An amount of dollars above nothing.
pub fn budget(text: &str) -> Result<Usd, &'static str> {
    Usd::parse(text)
        .filter(|usd| *usd > Usd::ZERO)
        .ok_or("a budget is an amount above 0 and up to 1000000, such as 25 or 12.50")
}

/// The number of an issue, with or without `#`.
pub fn issue_number(text: &str) -> Result<IssueNumber, &'static str> {
    text.strip_prefix('#')
        .unwrap_or(text)
        .parse()
        .ok()
        .filter(|number| *number > 0)
        .map(IssueNumber)
        .ok_or("an issue has a whole number above 0")
}

/// A label; one without a character is a variable that was not set.
pub fn label(text: &str) -> Result<String, &'static str> {
    let is_blank = text.trim().is_empty();
    (!is_blank)
        .then(|| text.to_owned())
        .ok_or("a label has at least one character")
}

/// An address or a name of this machine, with a port.
pub fn place_to_listen(text: &str) -> Result<String, &'static str> {
    let is_named = text.rsplit_once(':').is_some_and(|(name, port)| {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        !name.is_empty() && name.chars().all(is_name) && port.parse::<u16>().is_ok()
    });
    let is_one = is_named || text.parse::<SocketAddr>().is_ok();
    is_one
        .then(|| text.to_owned())
        .ok_or("it is an address or a name with a port, such as 127.0.0.1:3030, [::1]:3030 or localhost:3030")
}

/// From when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// So many milliseconds ago.
    Ago(i64),
    /// From this moment.
    At(Timestamp),
}

impl Since {
    /// The moment that is meant now.
    #[must_use]
    pub fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(millis) => Timestamp(now.0.saturating_sub(millis)),
            Self::At(moment) => moment,
        }
    }

    /// A short name for the time from then on: `24h`, `7d`; a day or a moment as it stands in a calendar.
    #[must_use]
    pub fn name(self) -> String {
        const UNITS: [(i64, &str); 3] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m")];
        match self {
            // A day is so many hours to those who ask for the last of them.
            Self::Ago(86_400_000) => "24h".to_owned(),
            Self::Ago(millis) => {
                let unit = UNITS.iter().find(|(unit, _)| millis % unit == 0);
                let (unit, word) = unit.unwrap_or(&(60_000, "m"));
                format!("{}{word}", millis / unit)
            }
            Self::At(moment) => {
                let time = DateTime::from_timestamp_millis(moment.0).unwrap_or_default();
                let is_day = time.time() == NaiveTime::MIN;
                let shape = if is_day {
                    "%Y-%m-%d"
                } else {
                    "%Y-%m-%dT%H:%M:%SZ"
                };
                time.format(shape).to_string()
            }
        }
    }
}

/// A time back (`90m`, `24h`, `7d`, `2w`), the first moment of a day (`2026-11-01`, UTC), or a moment (RFC 3339).
pub fn since(text: &str) -> Result<Since, &'static str> {
    const WRONG: &str =
        "it is a time back, such as 90m, 24h or 7d, or a day, such as 2026-11-01 (UTC)";
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        let moment = day.and_time(NaiveTime::MIN).and_utc();
        return Ok(Since::At(Timestamp(moment.timestamp_millis())));
    }
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(Since::At(Timestamp(moment.timestamp_millis())));
    }
    let unit: i64 = match text.chars().last() {
        Some('m') => 60_000,
        Some('h') => 3_600_000,
        Some('d') => 86_400_000,
        Some('w') => 7 * 86_400_000,
        Some(_) | None => return Err(WRONG),
    };
    // More than a century is a slip.
    let count: i64 = text[..text.len() - 1].parse().map_err(|_| WRONG)?;
    let is_sensible = (1..=100 * 366 * 86_400_000 / unit).contains(&count);
    is_sensible.then(|| Since::Ago(count * unit)).ok_or(WRONG)
}

/// The kinds of agents.
pub fn agent_kind() -> impl TypedValueParser<Value = AgentKind> {
    PossibleValuesParser::new(AgentKind::ALL.map(AgentKind::name)).map(|name| {
        AgentKind::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .expect("only names of kinds are possible")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_more_than_nothing() {
        assert_eq!(budget("12.50").map(Usd::micros), Ok(12_500_000));
        for text in ["0", "0.0", "-1", "NaN", "inf", "1e9", "five", ""] {
            assert!(budget(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_is_a_time_back_or_a_day() {
        assert_eq!(since("90m"), Ok(Since::Ago(5_400_000)));
        assert_eq!(since("7d"), Ok(Since::Ago(604_800_000)));
        let noon = Timestamp(1_795_176_000_000);
        let day = since("2026-11-20").map(|since| since.before(noon).0);
        assert_eq!(day, Ok(noon.0 - 43_200_000));
        assert_eq!(since("2026-11-20T13:00:00+01:00"), Ok(Since::At(noon)));
        for name in [
            "90m",
            "24h",
            "7d",
            "5h",
            "2026-11-20",
            "2026-11-20T12:00:00Z",
        ] {
            assert_eq!(since(name).unwrap().name(), name);
        }
        assert_eq!(since("1d").unwrap().name(), "24h");
        assert_eq!(since("2w").unwrap().name(), "14d");
        for text in [
            "",
            "d",
            "0d",
            "-1d",
            "1.5h",
            "yesterday",
            "7",
            "2026-13-01",
            "2026-11-31",
            "9999999999999d",
            "7 d",
            "7é",
        ] {
            assert!(since(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_label_is_not_blank() {
        assert_eq!(label("good first issue").unwrap(), "good first issue");
        for text in ["", " ", "\t"] {
            assert!(label(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_issue_has_a_positive_number() {
        assert_eq!(issue_number("12"), Ok(IssueNumber(12)));
        assert_eq!(issue_number("#12"), Ok(IssueNumber(12)));
        for text in ["0", "-1", "1.5", "##1", "x", "", "99999999999999999999"] {
            assert!(issue_number(text).is_err(), "{text}");
        }
    }
}
