//! JSON as a configuration is written: one value, and no key twice.

use crate::config::problem::ConfigError;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Reads the text of a file.
pub fn parse(text: &str) -> Result<Value, ConfigError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match serde_json::from_str::<Strict>(text) {
        Ok(Strict(value)) => Ok(value),
        Err(error) if error.is_eof() => Err(ConfigError::Truncated {
            line: error.line(),
            column: error.column(),
        }),
        Err(error) => Err(ConfigError::Syntax {
            line: error.line(),
            column: error.column(),
            problem: without_place(&error),
        }),
    }
}

fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

/// A value in which no object has a key twice: the second would silently win.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Read.deserialize(from).map(Self)
    }
}

struct Read;

impl<'de> DeserializeSeed<'de> for Read {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Read {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element_seed(Read)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = from.next_key::<String>()? {
            if fields.contains_key(&key) {
                return Err(A::Error::custom(format!(
                    "the key `{key}` stands here twice"
                )));
            }
            fields.insert(key, from.next_value_seed(Read)?);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_json_value_is_read_as_it_is() {
        let text = r#"{ "a": [1, -2, 3.5, true, null, "x"], "b": { "c": {} } }"#;
        let expect: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse(text).unwrap(), expect);
        assert_eq!(parse("\u{feff}{}").unwrap(), serde_json::json!({}));
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_place() {
        let check = |text: &str, expect: &str| {
            assert_eq!(parse(text).unwrap_err().to_string(), expect, "{text}");
        };
        check("{\n  \"a\": 1,\n}", "line 3, column 1: trailing comma");
        check(
            "{\n  \"a\": { \"b\"",
            "it ends in the middle, at line 2, column 12",
        );
        check("", "it ends in the middle, at line 1, column 0");
        check(
            r#"{ "budget": 5, "budget": 500 }"#,
            "line 1, column 23: the key `budget` stands here twice",
        );
        check("{} {}", "line 1, column 4: trailing characters");
        check(r#"{ "budget": NaN }"#, "line 1, column 13: expected value");
        check(
            r#"{ "budget": 1e999 }"#,
            "line 1, column 17: number out of range",
        );
    }
}
