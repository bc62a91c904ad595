//! A plan: a directive taken apart into items, each of which becomes an issue. The format of plan files and answers.

use crate::rules::classify::Domain;
use crate::rules::ids::IssueNumber;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the format that this program writes and reads.
pub const VERSION: u32 = 1;

/// A directive, and the items that it comes to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of this format: 1.
    #[schemars(schema_with = "one")]
    pub version: u32,
    /// What is wanted, in the words of whoever wants it.
    pub directive: String,
    /// What has to be done for it, each item small enough for one pull request.
    pub items: Vec<PlanItem>,
}

/// One piece of work; becomes one issue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanItem {
    /// What other items call it: letters, digits, `-`, `_` and `.`, at most 40 of them.
    pub key: String,
    /// One line; the issue's title.
    pub title: String,
    /// What is to be done and why, in Markdown; the issue's text.
    pub body: String,
    /// What has to be true when it is done, at least one.
    pub acceptance: Vec<String>,
    /// The part of the project that it is about.
    pub domain: PlanDomain,
    /// Labels for the issue, on top of those that every issue of the plan gets.
    pub labels: Vec<String>,
    /// How hard it is.
    pub complexity: Complexity,
    /// Files and directories that it will likely touch, from the repository's root; a directory ends in `/`.
    pub files: Vec<String>,
    /// Keys of the items that have to be done first.
    pub depends_on: Vec<String>,
    /// Minutes that an agent will likely work on it.
    pub estimate_minutes: u32,
}

/// How hard an item is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Complexity {
    /// A small change in a known place.
    Simple,
    /// Several files, or some thinking.
    #[default]
    Medium,
    /// A change of the design.
    Complex,
}

/// A domain as plans write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum PlanDomain {
    /// APIs, services, business logic.
    Backend,
    /// Components, pages, styling.
    Frontend,
    /// Schemas, migrations, queries.
    Database,
    /// Build, deployment, CI.
    Infrastructure,
    /// Authentication, permissions, vulnerabilities.
    Security,
    /// Test suites and fixtures.
    Testing,
    /// Docs, comments, guides.
    Documentation,
    /// None of these.
    #[default]
    Unknown,
}

impl Plan {
    /// The number that stands for the item at a place, as long as it has no issue.
    #[must_use]
    pub fn stand_in(place: usize) -> IssueNumber {
        IssueNumber(place as u64 + 1)
    }

    /// The item of this key.
    #[must_use]
    pub fn item(&self, key: &str) -> Option<&PlanItem> {
        self.items.iter().find(|item| item.key == key)
    }

    /// As a file holds it.
    #[must_use]
    pub fn written(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("texts and numbers can be written");
        text + "\n"
    }
}

impl Complexity {
    /// One word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Medium => "medium",
            Self::Complex => "complex",
        }
    }
}

impl PlanDomain {
    /// The domain.
    #[must_use]
    pub fn domain(self) -> Domain {
        match self {
            Self::Backend => Domain::Backend,
            Self::Frontend => Domain::Frontend,
            Self::Database => Domain::Database,
            Self::Infrastructure => Domain::Infrastructure,
            Self::Security => Domain::Security,
            Self::Testing => Domain::Testing,
            Self::Documentation => Domain::Documentation,
            Self::Unknown => Domain::Unknown,
        }
    }
}

/// The JSON Schema of plan files and of planners' answers, as `autoissue.plan.schema.json` holds it.
#[must_use]
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Plan).to_value();
    without_formats(&mut schema);
    schema
}

/// The same for agents: Claude Code 2.1 takes no schema that names the version of its own language.
#[must_use]
pub fn answer_schema() -> Value {
    let mut schema = schema();
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("$schema");
    }
    schema
}

/// Programs that check answers refuse formats that they do not know, such as `uint32`.
fn without_formats(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.retain(|name, value| name != "format" || !value.is_string());
            fields.values_mut().for_each(without_formats);
        }
        Value::Array(values) => values.iter_mut().for_each(without_formats),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn one(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "integer", "const": 1 })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An item that nothing is wrong with.
    pub(crate) fn item(key: &str, needs: &[&str]) -> PlanItem {
        PlanItem {
            key: key.to_owned(),
            title: format!("Write the part {key}"),
            body: "Write it.".to_owned(),
            acceptance: vec!["It is there.".to_owned()],
            domain: PlanDomain::Backend,
            labels: Vec::new(),
            complexity: Complexity::Simple,
            files: vec![format!("src/{key}.rs")],
            depends_on: needs.iter().map(ToString::to_string).collect(),
            estimate_minutes: 10,
        }
    }

    /// A plan of such items.
    pub(crate) fn plan(items: Vec<PlanItem>) -> Plan {
        Plan {
            version: VERSION,
            directive: "Build it".to_owned(),
            items,
        }
    }

    #[test]
    fn the_committed_schema_of_plans_is_current() {
        // In a test alone: the rules themselves read no files.
        let committed = include_str!("../../../autoissue.plan.schema.json");
        let current = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
        assert!(
            committed == current,
            "run `cargo run -- plan --schema > autoissue.plan.schema.json`"
        );
    }

    #[test]
    fn the_schema_takes_what_is_written_and_refuses_what_is_not_known() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        let written = plan(vec![item("a", &[]), item("b", &["a"])]).written();
        let mut value: Value = serde_json::from_str(&written).unwrap();
        assert!(validator.is_valid(&value));
        assert!(serde_json::from_value::<Plan>(value.clone()).is_ok());
        value["items"][0]["dependson"] = Value::from(vec!["b"]);
        assert!(!validator.is_valid(&value));
        value["items"][0] = Value::Null;
        assert!(!validator.is_valid(&value));
        assert!(
            !validator.is_valid(&serde_json::json!({ "version": 2, "directive": "", "items": [] }))
        );
    }
}
