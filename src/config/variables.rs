//! The environment: variables that set a key, and `${NAME}` in a text.

use crate::config::layers::{Layers, Source, below, leaves};
use crate::config::problem::ConfigError;
use serde_json::Value;
use std::collections::BTreeMap;

/// An environment variable that sets a key.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The key it sets.
    pub key: &'static str,
    /// Is the value a number?
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
}

const fn text(name: &'static str, key: &'static str) -> Variable {
    let kind = Kind::Text;
    Variable { name, key, kind }
}

const fn number(name: &'static str, key: &'static str) -> Variable {
    let kind = Kind::Number;
    Variable { name, key, kind }
}

/// The dashboard's password and token, which count by themselves as well.
pub const DASHBOARD_PASSWORD: &str = "AUTOISSUE_DASHBOARD_PASSWORD";
/// The token.
pub const DASHBOARD_TOKEN: &str = "AUTOISSUE_DASHBOARD_TOKEN";

/// All of them; one that is empty or blank counts as not set.
pub const VARIABLES: [Variable; 17] = [
    number("AUTOISSUE_MAX_BUDGET", "maxTotalBudgetUsd"),
    number("AUTOISSUE_MAX_DAILY_BUDGET", "maxDailyBudgetUsd"),
    number("AUTOISSUE_MAX_PARALLEL", "executor.maxParallel"),
    text("AUTOISSUE_AGENT", "agent.kind"),
    text("AUTOISSUE_MODEL", "agent.model"),
    text("AUTOISSUE_REPO", "project.repo"),
    text("AUTOISSUE_BASE_BRANCH", "project.baseBranch"),
    text("AUTOISSUE_FORGE", "forge.kind"),
    text("AUTOISSUE_API_URL", "forge.apiUrl"),
    text("AUTOISSUE_GRAPHQL_URL", "forge.graphqlUrl"),
    text("AUTOISSUE_GIT_URL", "forge.gitUrl"),
    text("AUTOISSUE_ISOLATION", "sandbox.isolation"),
    number("AUTOISSUE_APP_ID", "forge.app.id"),
    text("AUTOISSUE_APP_KEY_FILE", "forge.app.keyFile"),
    number("AUTOISSUE_APP_INSTALLATION", "forge.app.installation"),
    text(DASHBOARD_PASSWORD, "dashboard.auth.password"),
    text(DASHBOARD_TOKEN, "dashboard.auth.token"),
];

/// How variables are looked up.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Puts the variables that are set on top.
pub fn add_environment(layers: &mut Layers, environment: Environment<'_>) {
    for variable in VARIABLES {
        let Some(text) = environment(variable.name).filter(|text| !text.trim().is_empty()) else {
            continue;
        };
        let value = match variable.kind {
            Kind::Text => Value::String(text),
            // What is no number stays a text, and the key's own check says so.
            Kind::Number => serde_json::from_str::<serde_json::Number>(text.trim())
                .map_or(Value::String(text), Value::Number),
        };
        layers.set(variable.key, value, Source::Environment(variable.name));
    }
}

/// Replaces every `${NAME}` in every text of the file, and `$${` by `${`.
pub fn fill(value: &mut Value, environment: Environment<'_>) -> Result<(), ConfigError> {
    fill_at("", value, environment)
}

fn fill_at(path: &str, value: &mut Value, environment: Environment<'_>) -> Result<(), ConfigError> {
    match value {
        Value::String(text) if text.contains("${") => {
            *text = filled(path, text, environment)?;
            Ok(())
        }
        Value::Array(items) => items
            .iter_mut()
            .enumerate()
            .try_for_each(|(at, item)| fill_at(&format!("{path}[{at}]"), item, environment)),
        Value::Object(fields) => fields
            .iter_mut()
            .try_for_each(|(key, inner)| fill_at(&below(path, key), inner, environment)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn filled(key: &str, text: &str, environment: Environment<'_>) -> Result<String, ConfigError> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, reference) = rest.split_at(at);
        if let Some(escaped) = before.strip_suffix('$') {
            result.push_str(escaped);
            result.push_str("${");
            rest = &reference[2..];
            continue;
        }
        result.push_str(before);
        let name = reference[2..].split('}').next().unwrap_or_default();
        if name.len() + 2 == reference.len() || !is_name(name) {
            return Err(ConfigError::Reference { key: key.into() });
        }
        result.push_str(&environment(name).ok_or_else(|| ConfigError::Unset {
            key: key.into(),
            variable: name.into(),
        })?);
        rest = &reference[name.len() + 3..];
    }
    result.push_str(rest);
    Ok(result)
}

/// The values of the file that refer to variables, as they are written.
#[must_use]
pub fn references(file: &Value) -> BTreeMap<String, Value> {
    leaves(file)
        .into_iter()
        .filter(|(_, value)| refers_within(value))
        .map(|(key, value)| (key, value.clone()))
        .collect()
}

fn refers_within(value: &Value) -> bool {
    match value {
        Value::String(text) => refers(text),
        Value::Array(items) => items.iter().any(refers_within),
        Value::Object(fields) => fields.values().any(refers_within),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Is this one reference, and nothing else?
#[must_use]
pub fn is_reference(value: &Value) -> bool {
    value
        .as_str()
        .and_then(|text| text.strip_prefix("${")?.strip_suffix('}'))
        .is_some_and(is_name)
}

/// Does this text refer to a variable?
#[must_use]
pub fn refers(text: &str) -> bool {
    text.match_indices("${")
        .any(|(at, _)| !text[..at].ends_with('$'))
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn environment(name: &str) -> Option<String> {
        match name {
            "NAME" => Some("value".into()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn references_are_replaced_once_and_escapes_are_not() {
        let check = |text: &str, expect: &str| {
            let mut value = json!({ "list": [text] });
            fill(&mut value, &environment).unwrap();
            assert_eq!(value, json!({ "list": [expect] }), "{text}");
        };
        check("${NAME}", "value");
        check("a${NAME}b${NAME}", "avaluebvalue");
        check("a${EMPTY}b", "ab");
        check("$${NAME}", "${NAME}");
        check("$$${NAME}", "$${NAME}");
        check("$${NAME}${NAME}", "${NAME}value");
        check("$NAME $ {x}", "$NAME $ {x}");
    }

    #[test]
    fn a_missing_variable_is_named_with_its_key() {
        let check = |text: &str, expect: &str| {
            let mut value = json!({ "a": { "b": ["x", text] } });
            let problem = fill(&mut value, &environment).unwrap_err();
            assert!(problem.to_string().contains(expect), "{problem}");
        };
        check(
            "${NOPE}",
            "a.b[1]: the environment variable NOPE is not set",
        );
        check("${NAME", "a.b[1]");
        check("${}", "a.b[1]");
        check("${A B}", "a.b[1]");
    }

    #[test]
    fn variables_that_are_set_go_on_top() {
        let mut layers = Layers::over(json!({}));
        add_environment(&mut layers, &|name| match name {
            "AUTOISSUE_MAX_BUDGET" => Some("25.00".into()),
            "AUTOISSUE_MAX_PARALLEL" => Some("many".into()),
            "AUTOISSUE_MODEL" => Some(String::new()),
            DASHBOARD_TOKEN => Some(" \t".into()),
            _ => None,
        });
        assert_eq!(
            layers.merged(),
            &json!({ "maxTotalBudgetUsd": 25.0, "executor": { "maxParallel": "many" } })
        );
    }
}
