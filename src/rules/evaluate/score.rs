//! Numbers from 0 to 1 in whole hundredths, so that what is shown is what decided, and the levels they fall into.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// A number from 0 to 1, in hundredths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Score(u8);

impl Score {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// All.
    pub const ONE: Self = Self(100);

    /// So many hundredths; more than a hundred are all.
    #[must_use]
    pub const fn hundredths(hundredths: u8) -> Self {
        Self(if hundredths > 100 { 100 } else { hundredths })
    }

    /// The nearest hundredth to a number from 0 to 1; `None` for any other number.
    #[must_use]
    pub fn of(number: f64) -> Option<Self> {
        let hundredths = (number * 100.0).round();
        (0..=100)
            .find(|whole| (f64::from(*whole) - hundredths).abs() < 0.5)
            .map(Self)
    }

    /// As a number from 0 to 1.
    #[must_use]
    pub fn number(self) -> f64 {
        f64::from(self.0) / 100.0
    }

    /// This and so many times the other, at most all.
    #[must_use]
    pub fn and_times(self, other: Self, times: usize) -> Self {
        let times = u32::try_from(times).unwrap_or(u32::MAX);
        let sum = u32::from(self.0).saturating_add(u32::from(other.0).saturating_mul(times));
        Self(u8::try_from(sum.min(100)).unwrap_or(100))
    }

    /// The product of the two.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        let product = u16::from(self.0) * u16::from(other.0);
        Self(u8::try_from((product + 50) / 100).unwrap_or(100))
    }

    /// The two as independent chances: at least one of them comes true (1 - (1 - a)(1 - b)).
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let missed = (100 - u16::from(self.0)) * (100 - u16::from(other.0));
        Self(100 - u8::try_from((missed + 50) / 100).unwrap_or(100))
    }

    /// The weighted mean of (value, weight), rounded to the nearest hundredth; nothing where all weights are nothing.
    #[must_use]
    pub fn mean(parts: impl IntoIterator<Item = (Self, Self)>) -> Self {
        let (mut sum, mut weights) = (0, 0);
        for (value, weight) in parts {
            sum += u32::from(value.0) * u32::from(weight.0);
            weights += u32::from(weight.0);
        }
        let rounded = (sum + weights / 2).checked_div(weights).unwrap_or(0);
        Self(u8::try_from(rounded).unwrap_or(100))
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl Serialize for Score {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(self.number())
    }
}

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(from)?;
        Self::of(number)
            .ok_or_else(|| serde::de::Error::custom(format!("{number} is not from 0 to 1")))
    }
}

impl JsonSchema for Score {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Score".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": 1 })
    }
}

/// Where a score stands between its thresholds.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Below the first threshold.
    Low,
    /// From the first threshold on.
    Medium,
    /// From the second threshold on.
    High,
}

impl Level {
    /// Every level, the lowest first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// One word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// The thresholds of a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "an object with `medium` and `high`")]
pub struct Levels {
    /// A score is medium from here on.
    pub medium: Score,
    /// A score is high from here on; not below `medium`.
    pub high: Score,
}

impl Levels {
    /// The thresholds in hundredths.
    #[must_use]
    pub const fn at(medium: u8, high: u8) -> Self {
        Self {
            medium: Score::hundredths(medium),
            high: Score::hundredths(high),
        }
    }

    /// Where a score stands.
    #[must_use]
    pub fn of(self, score: Score) -> Level {
        if score >= self.high {
            Level::High
        } else if score >= self.medium {
            Level::Medium
        } else {
            Level::Low
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_level_begins_at_its_threshold() {
        let levels = Levels::at(30, 70);
        let check =
            |score, level| assert_eq!(levels.of(Score::hundredths(score)), level, "{score}");
        check(0, Level::Low);
        check(29, Level::Low);
        check(30, Level::Medium);
        check(69, Level::Medium);
        check(70, Level::High);
        check(100, Level::High);
    }

    #[test]
    fn a_number_outside_of_its_range_is_refused() {
        for wrong in ["-0.1", "1.01", "\"0.5\"", "1e9"] {
            assert!(serde_json::from_str::<Score>(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Score::of(f64::NAN), None);
        assert_eq!(serde_json::from_str::<Score>("1").unwrap(), Score::ONE);
        assert_eq!(Score::hundredths(7).to_string(), "0.07");
    }

    proptest! {
        #[test]
        fn every_hundredth_comes_back(hundredths in 0u8..=100) {
            let score = Score::hundredths(hundredths);
            let text = serde_json::to_string(&score).unwrap();
            prop_assert_eq!(serde_json::from_str::<Score>(&text).unwrap(), score);
        }

        #[test]
        fn a_mean_lies_between_its_parts_and_rises_with_each(
            parts in prop::collection::vec((0u8..=100, 1u8..=100), 1..6), raised in 0usize..6, by in 0u8..=100,
        ) {
            let score = |(value, weight): (u8, u8)| (Score::hundredths(value), Score::hundredths(weight));
            let mean = Score::mean(parts.iter().copied().map(score));
            let values = || parts.iter().map(|(value, _)| Score::hundredths(*value));
            prop_assert!(values().min() <= Some(mean) && Some(mean) <= values().max());
            let mut more = parts.clone();
            let at = raised % more.len();
            more[at].0 = more[at].0.saturating_add(by);
            prop_assert!(Score::mean(more.into_iter().map(score)) >= mean);
        }

        #[test]
        fn chances_together_are_no_less_than_each(a in 0u8..=100, b in 0u8..=100) {
            let (a, b) = (Score::hundredths(a), Score::hundredths(b));
            prop_assert!(a.or(b) >= a.max(b) && a.or(b) == b.or(a));
        }
    }
}
