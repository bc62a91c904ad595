//! Layers of settings over one another, and where each value came from.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// Where an effective value comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// Nobody said anything else.
    #[default]
    Default,
    /// The file.
    File,
    /// This environment variable.
    Environment(&'static str),
    /// This flag.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File => f.write_str("file"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// The settings so far; keys are paths such as `executor.maxParallel`.
#[derive(Debug)]
pub struct Layers {
    merged: Value,
    sources: BTreeMap<String, Source>,
    references: BTreeMap<String, Value>,
}

impl Layers {
    /// The lowest layer.
    #[must_use]
    pub fn over(defaults: Value) -> Self {
        Self {
            merged: defaults,
            sources: BTreeMap::new(),
            references: BTreeMap::new(),
        }
    }

    /// Puts a file on top: objects join, everything else is replaced. `references` are its values that were filled in
    /// from variables, as they were written.
    pub fn add_file(&mut self, file: Value, references: BTreeMap<String, Value>) {
        self.references = references;
        for (path, _) in leaves(&file) {
            self.sources.insert(path, Source::File);
        }
        join(&mut self.merged, file);
    }

    /// Puts one value on top.
    pub fn set(&mut self, key: &str, value: Value, source: Source) {
        self.sources.insert(key.to_owned(), source);
        self.references.remove(key);
        let nested = key.rsplit('.').fold(value, |inner, part| {
            Value::Object(Map::from_iter([(part.to_owned(), inner)]))
        });
        join(&mut self.merged, nested);
    }

    /// All layers as one.
    #[must_use]
    pub fn merged(&self) -> &Value {
        &self.merged
    }

    /// Who said what stands at this path.
    #[must_use]
    pub fn source(&self, path: &str) -> Source {
        upwards(path)
            .find_map(|path| self.sources.get(path))
            .cloned()
            .unwrap_or_default()
    }

    /// What was written there, where variables were filled into it: what they hold may be a secret.
    #[must_use]
    pub fn reference(&self, path: &str) -> Option<&Value> {
        upwards(path).find_map(|path| self.references.get(path))
    }
}

/// Every value that is not an object with something in it, with its path; arrays are values.
#[must_use]
pub fn leaves(value: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    collect(String::new(), value, &mut found);
    found
}

fn collect<'a>(path: String, value: &'a Value, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(fields) if !fields.is_empty() || path.is_empty() => {
            for (key, inner) in fields {
                collect(below(&path, key), inner, found);
            }
        }
        _ => found.push((path, value)),
    }
}

/// The path, and those of everything around it.
fn upwards(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| {
        path.rfind(['.', '[']).map(|end| &path[..end])
    })
}

/// The path of a key in the object at `path`.
#[must_use]
pub fn below(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn join(lower: &mut Value, upper: Value) {
    match (lower, upper) {
        (Value::Object(lower), Value::Object(upper)) => {
            for (key, value) in upper {
                join(lower.entry(key).or_insert(Value::Null), value);
            }
        }
        (lower, upper) => *lower = upper,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_upper_layer_wins_and_is_named() {
        let mut layers = Layers::over(json!({ "a": { "b": 1, "c": 2, "d": 3 }, "l": [1, 2] }));
        layers.add_file(
            json!({ "a": { "b": 10, "c": 20 }, "l": [3] }),
            BTreeMap::new(),
        );
        layers.set("a.b", json!(100), Source::Flag("--b"));
        layers.set("a.e", json!(5), Source::Environment("E"));
        assert_eq!(
            layers.merged(),
            &json!({ "a": { "b": 100, "c": 20, "d": 3, "e": 5 }, "l": [3] })
        );
        let check = |path: &str, expect: &str| {
            assert_eq!(layers.source(path).to_string(), expect, "{path}");
        };
        check("a.b", "flag --b");
        check("a.c", "file");
        check("a.d", "default");
        check("a.e", "environment E");
        check("l[0]", "file");
    }

    #[test]
    fn a_value_in_place_of_an_object_is_kept_for_the_error() {
        let mut layers = Layers::over(json!({ "a": { "b": 1 } }));
        layers.add_file(json!({ "a": 7 }), BTreeMap::new());
        assert_eq!(layers.merged(), &json!({ "a": 7 }));
        assert_eq!(layers.source("a"), Source::File);
    }
}
