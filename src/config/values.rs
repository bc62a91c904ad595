//! Values that carry their own range: what is read is valid, and the schema says the same.

use crate::config::words;
use crate::rules::money::Usd;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// What is shown in place of a secret.
pub const MASK: &str = "***";
const MOST_DOLLARS: f64 = 1_000_000.0;

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole<const MIN: u32, const MAX: u32>(u32);

/// A time limit in minutes, up to a day.
pub type Minutes = Whole<1, 1440>;

impl<const MIN: u32, const MAX: u32> Whole<MIN, MAX> {
    /// This number; only for constants, where a number out of range does not compile.
    #[must_use]
    pub const fn of(number: u32) -> Self {
        assert!(MIN <= number && number <= MAX, "out of range");
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// So many minutes.
    #[must_use]
    pub const fn minutes(self) -> Duration {
        Duration::from_secs(self.0 as u64 * 60)
    }

    /// So many seconds.
    #[must_use]
    pub const fn seconds(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for Whole<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read<const MIN: u32, const MAX: u32>;
        impl<const MIN: u32, const MAX: u32> Visitor<'_> for Read<MIN, MAX> {
            type Value = u32;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}")
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<u32, E> {
                u32::try_from(number)
                    .ok()
                    .filter(|number| (MIN..=MAX).contains(number))
                    .ok_or_else(|| E::custom(format!("{number} is not from {MIN} to {MAX}")))
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<u32, E> {
                match u64::try_from(number) {
                    Ok(number) => self.visit_u64(number),
                    Err(_) => Err(E::custom(format!("{number} is not from {MIN} to {MAX}"))),
                }
            }
        }
        from.deserialize_any(Read::<MIN, MAX>).map(Self)
    }
}

impl<const MIN: u32, const MAX: u32> Serialize for Whole<MIN, MAX> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u32(self.0)
    }
}

impl<const MIN: u32, const MAX: u32> JsonSchema for Whole<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Whole{MIN}To{MAX}").into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// An amount in US dollars, more than nothing and at most a million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dollars(Usd);

impl Dollars {
    /// So many cents; only for constants.
    #[must_use]
    pub const fn of_cents(cents: u64) -> Self {
        assert!(cents > 0, "a budget of nothing");
        Self(Usd::from_micros(cents * 10_000))
    }

    /// The amount.
    #[must_use]
    pub const fn usd(self) -> Usd {
        self.0
    }
}

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let dollars = Dollar::deserialize(from)?.0;
        Usd::from_dollars(dollars)
            .filter(|usd| *usd > Usd::ZERO)
            .map(Self)
            .ok_or_else(|| {
                D::Error::custom(format!(
                    "{dollars} is not an amount above 0 and up to {MOST_DOLLARS}"
                ))
            })
    }
}

/// Any JSON number.
struct Dollar(f64);

impl<'de> Deserialize<'de> for Dollar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Dollar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount of dollars, as a number")
            }
            fn visit_f64<E>(self, number: f64) -> Result<Dollar, E> {
                Ok(Dollar(number))
            }
            #[expect(
                clippy::cast_precision_loss,
                reason = "far outside the range where it matters"
            )]
            fn visit_u64<E>(self, number: u64) -> Result<Dollar, E> {
                Ok(Dollar(number as f64))
            }
            #[expect(
                clippy::cast_precision_loss,
                reason = "far outside the range where it matters"
            )]
            fn visit_i64<E>(self, number: i64) -> Result<Dollar, E> {
                Ok(Dollar(number as f64))
            }
        }
        from.deserialize_any(Read)
    }
}

impl Serialize for Dollars {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(self.0.dollars())
    }
}

impl JsonSchema for Dollars {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Dollars".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "exclusiveMinimum": 0, "maximum": MOST_DOLLARS })
    }
}

/// A text that is never shown: it prints, and serialises, as `***`.
#[derive(Clone, PartialEq, Eq, JsonSchema)]
#[schemars(inline, transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(from)? {
            serde_json::Value::String(text) => Ok(Self(text)),
            // The usual complaint would show the value.
            _ => Err(D::Error::custom("is not a text")),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(MASK)
    }
}

/// A program and its arguments; written as an array, or as one string of plain words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Argv(Vec<String>);

impl Argv {
    /// The program and its arguments; never empty.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Argv {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Argv;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a command, as a string or an array of strings")
            }
            fn visit_str<E: serde::de::Error>(self, line: &str) -> Result<Argv, E> {
                words::split(line).map(Argv).map_err(E::custom)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Argv, A::Error> {
                let mut argv: Vec<String> = Vec::new();
                while let Some(word) = from.next_element()? {
                    argv.push(word);
                }
                if argv.first().is_none_or(String::is_empty) {
                    return Err(A::Error::custom("names no program"));
                }
                Ok(Argv(argv))
            }
        }
        from.deserialize_any(Read)
    }
}

impl JsonSchema for Argv {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Argv".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "array"],
            "minLength": 1,
            "minItems": 1,
            "items": { "type": "string" }
        })
    }
}
