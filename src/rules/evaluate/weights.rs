//! The weights, thresholds and words that scores are made of, as the configuration holds them.

use crate::rules::classify::Domain;
use crate::rules::evaluate::pattern::PathPattern;
use crate::rules::evaluate::phrase::Phrase;
use crate::rules::evaluate::routing::IssueType;
use crate::rules::evaluate::score::{Levels, Score};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How hard an issue is: four factors, each from 0 to 1, and the mean of them by weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Complexity {
    /// How much each factor counts.
    pub weights: ComplexityWeights,
    /// From where on it is medium and high.
    pub levels: Levels,
    /// Words that speak for a simple issue.
    pub simple: Vec<Phrase>,
    /// Words that speak for a complex issue.
    pub complex: Vec<Phrase>,
    /// Words that speak for technical depth.
    pub deep: Vec<Phrase>,
    /// Labels that raise technical depth.
    pub labels: Vec<String>,
    /// How much each thing raises its factor.
    pub steps: ComplexitySteps,
}

/// How much each factor of complexity counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct ComplexityWeights {
    /// What its words sound like, how long it is, and how much it asks.
    pub text: Score,
    /// How deep it goes.
    pub technical_depth: Score,
    /// How many files and directories it names.
    pub scope: Score,
    /// How many other issues it needs.
    pub dependencies: Score,
}

/// How much each thing raises its factor of complexity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct ComplexitySteps {
    /// A thousand characters of the body; raises `text`.
    pub thousand_characters: Score,
    /// A question mark; raises `text`.
    pub question: Score,
    /// A file that is named; raises `scope`. A directory counts as three.
    pub file: Score,
    /// A label of `labels`; raises `technicalDepth`.
    pub label: Score,
    /// A word of `deep`; raises `technicalDepth`.
    pub deep_word: Score,
    /// Another issue that it needs; raises `dependencies`.
    pub dependency: Score,
}

/// How sure an agent will get it right: four factors, each from 0 to 1, and the mean of them by weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Confidence {
    /// How much each factor counts.
    pub weights: ConfidenceWeights,
    /// From where on it is medium and high.
    pub levels: Levels,
    /// Kinds of work that are known to go well; the surest that matches counts.
    pub patterns: Vec<Pattern>,
    /// The value of `pattern` where none matches.
    pub unknown_pattern: Score,
    /// The value of `similar` where no similar issue was resolved before.
    pub no_similar: Score,
    /// How similar an issue has to be at least to count.
    pub least_similarity: Score,
    /// How well agents do with each type of issue.
    pub capability: BTreeMap<IssueType, Score>,
    /// The most that they do in a domain; all where it is not named.
    pub domain_capability: BTreeMap<Domain, Score>,
}

/// How much each factor of confidence counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct ConfidenceWeights {
    /// Is it a known kind of work?
    pub pattern: Score,
    /// How did similar issues of this repository go?
    pub similar: Score,
    /// Is it something that agents do well?
    pub capability: Score,
    /// Does it say enough?
    pub context: Score,
}

/// A kind of work that is known to go well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `name`, `confidence` and `words`")]
pub struct Pattern {
    /// What it is called.
    pub name: String,
    /// How sure such work is.
    pub confidence: Score,
    /// Words of the title or the body that tell it.
    pub words: Vec<Phrase>,
}

/// What a mistake would cost: areas that the issue touches, each an independent chance of harm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Risk {
    /// From where on it is medium and high.
    pub levels: Levels,
    /// What is risky to touch.
    pub areas: Vec<Area>,
    /// The weight of files that CODEOWNERS gives to nobody; nothing where there is no such file.
    pub unowned: Score,
}

/// Something that is risky to touch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `name` and `weight`")]
pub struct Area {
    /// What it is called; a reviewer is told to look at it with care.
    pub name: String,
    /// How much it counts.
    pub weight: Score,
    /// Words of the title or the body that tell it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Phrase>,
    /// Labels that tell it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Domains that tell it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<Domain>,
    /// Files that tell it, as patterns: `**` for any directories, `*` for any part of a name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathPattern>,
}

/// When an issue is not clear enough to be worked on; the formulas are ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Clarity {
    /// So many question marks outside of code make it a discussion; 0 for never.
    pub questions: u32,
    /// A shorter text that says nothing of when it is done is too little, in characters; 0 for never.
    pub criteria_below: u32,
    /// More files or directories than this are too much for one change; 0 for never.
    pub files: u32,
    /// More points in its lists of tasks than this are too much for one change; 0 for never.
    pub points: u32,
    /// A longer text is too much for one change, in characters; 0 for never.
    pub characters: u32,
}
