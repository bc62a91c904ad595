//! How issues are evaluated and routed: every weight, threshold and rule, as the configuration holds them.
//!
//! Weights, thresholds, patterns, rules and the decision table are those of the founding document on detecting,
//! evaluating and dispatching issues; what raises complexity is from the one on projects and issue sessions. Where both
//! name a factor without a formula, the formula is ours, and says so.

use crate::rules::classify::Domain;
use crate::rules::evaluate::phrase::Phrase;
use crate::rules::evaluate::score::Level;
use crate::rules::evaluate::weights::{Clarity, Complexity, Confidence, Risk};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How issues are evaluated, and what that decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Routing {
    /// What an evaluation decides.
    pub mode: Mode,
    /// Issues with one of these labels are left out, unless `mode` is `off`.
    pub skip_labels: Vec<String>,
    /// What an issue is, by its signs; the first that has one wins, `general` where none has.
    pub types: Vec<TypeSigns>,
    /// How hard it is.
    pub complexity: Complexity,
    /// How sure an agent will get it right.
    pub confidence: Confidence,
    /// What a mistake would cost.
    pub risk: Risk,
    /// Read in this order; each that matches sets the suitability anew, a final one ends the reading.
    pub rules: Vec<Rule>,
    /// Read in this order; the first that matches decides, and `manual` where none does.
    pub decisions: Vec<Decision>,
    /// When an issue is not clear enough to be worked on.
    pub clarity: Clarity,
    /// What the agent is told to do for an issue of each type, in this order.
    pub steps: BTreeMap<IssueType, Vec<String>>,
    /// Labels that make a bug one of production, and so critical.
    pub production_labels: Vec<String>,
}

/// What an evaluation decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing: everything runs, and the evaluation is shown. Who sets the label has consented.
    #[default]
    Advise,
    /// Supervised issues wait for a person's approval; manual and unclear ones are not run.
    Enforce,
    /// Issues are not evaluated.
    Off,
}

/// What an issue asks for.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum IssueType {
    /// Something is wrong.
    Bug,
    /// Something is to be added.
    Feature,
    /// Docs, comments, guides.
    Documentation,
    /// Tests.
    Testing,
    /// None of these, as far as it says.
    #[default]
    General,
}

/// What tells an issue's type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `type`")]
pub struct TypeSigns {
    /// The type.
    #[serde(rename = "type")]
    pub kind: IssueType,
    /// Labels, alone or behind a prefix: `bug`, `type: bug`, `kind/bug`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Words of the title.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub title: Vec<Phrase>,
}

/// What a rule says of the issues that it matches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `name` and `suitability`")]
pub struct Rule {
    /// What it is called.
    pub name: String,
    /// What it matches; everything where nothing is said.
    #[serde(default)]
    pub when: When,
    /// How suitable for an agent.
    pub suitability: Suitability,
    /// Are later rules not read?
    #[serde(default, rename = "final")]
    pub is_final: bool,
    /// Why, for a person.
    #[serde(default)]
    pub because: String,
    /// What is recommended then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recommend: Vec<String>,
}

/// What a rule matches: any of the signs, where there are any, and all of the levels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct When {
    /// A sign: words of the title.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub title: Vec<Phrase>,
    /// A sign: words of the title or the body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub text: Vec<Phrase>,
    /// A sign: one of these labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// A sign: one of these types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<IssueType>,
    /// A sign: one of these domains.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<Domain>,
    /// Complexity stands here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complexity: Option<Level>,
    /// Confidence stands here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Level>,
    /// Risk stands here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<Level>,
}

/// How suitable an issue is for an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Suitability {
    /// It may work alone.
    High,
    /// Somebody should look.
    Medium,
    /// A person should do it.
    Low,
    /// No rule matched.
    #[default]
    Unknown,
}

/// One row of the decision table: all that it names has to be so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `route`")]
pub struct Decision {
    /// The rules' answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suitability: Option<Suitability>,
    /// The confidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Level>,
    /// The risk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Level>,
    /// What follows.
    pub route: Route,
}

/// Who works on an issue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Route {
    /// An agent, alone.
    Autonomous,
    /// An agent, once a person approved.
    Supervised,
    /// A person.
    #[default]
    Manual,
}

impl IssueType {
    /// One word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bug => "bug",
            Self::Feature => "feature",
            Self::Documentation => "documentation",
            Self::Testing => "testing",
            Self::General => "general",
        }
    }
}

impl Suitability {
    /// One word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Unknown => "unknown",
        }
    }
}

impl Route {
    /// One word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Autonomous => "autonomous",
            Self::Supervised => "supervised",
            Self::Manual => "manual",
        }
    }
}

impl Mode {
    /// One word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Advise => "advise",
            Self::Enforce => "enforce",
            Self::Off => "off",
        }
    }
}
