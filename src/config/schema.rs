//! The JSON Schema of the configuration, from the same structs that read it.

use crate::config::shape::Config;
use serde_json::Value;

/// The schema, as `autoissue.schema.json` holds it.
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(Config).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed(name: &str) -> String {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn the_committed_schema_is_current() {
        let current = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
        assert!(
            committed("autoissue.schema.json") == current,
            "run `cargo run -- config schema > autoissue.schema.json`"
        );
    }

    #[test]
    fn the_schema_takes_the_example_and_the_defaults() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        let example = serde_json::from_str(&committed("autoissue.config.example.json")).unwrap();
        assert!(validator.is_valid(&example));
        assert!(validator.is_valid(&serde_json::to_value(Config::default()).unwrap()));
    }

    #[test]
    fn the_schema_refuses_what_the_program_refuses() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        for file in [
            r#"{ "maxTotalBudgetUsd": 0 }"#,
            r#"{ "maxTotalBudgetUsd": -1 }"#,
            r#"{ "executor": { "maxParallel": 65 } }"#,
            r#"{ "executor": { "maxParalel": 3 } }"#,
            r#"{ "dashboard": { "port": 70000 } }"#,
            r#"{ "agent": { "kind": "clade" } }"#,
            r#"{ "checks": [{ "name": "x" }] }"#,
            r#"{ "version": 2 }"#,
        ] {
            let value: Value = serde_json::from_str(file).unwrap();
            assert!(!validator.is_valid(&value), "{file}");
            assert!(serde_json::from_value::<Config>(value).is_err(), "{file}");
        }
    }
}
