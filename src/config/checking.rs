//! The part of the configuration about checks.

use crate::config::values::{Argv, Minutes, Whole};
use crate::rules::checks::proof::FailingTest;
use crate::rules::checks::shape::CheckKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A command that judges a commit: exit code 0 is a pass.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `name` and `run`")]
pub struct Check {
    /// What it is called in reports; each its own.
    pub name: String,
    /// What it looks at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<CheckKind>,
    /// The command: an array of words, or a string of plain words and quotes. No shell is started.
    pub run: Argv,
    /// A command that makes its directory ready first, once for all checks that want the same there; where it fails, the check has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prepare: Option<Argv>,
    /// Where it runs, below the top of the repository; at the top where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
    /// For a server: it is started, has to answer here, and is stopped. Such a check is a smoke check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
    /// It is ended, and counts as failed, when it runs longer.
    #[serde(default = "ten_minutes")]
    pub timeout_minutes: Minutes,
}

const fn ten_minutes() -> Minutes {
    Whole::of(10)
}

/// How work is verified, besides its checks.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Verify {
    /// Is a test wanted that fails without the change and passes with it? `ask` asks the agent and tells whether there is one, `require` offers nothing without.
    pub failing_test: FailingTest,
}

/// Where a server that was started for a smoke check has to answer.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `url`")]
pub struct Answers {
    /// `http://` on this machine; `{port}` stands for the first port of the slot, which the program finds in `PORT`.
    pub url: String,
    /// How long it may take until it answers, in seconds.
    #[serde(default = "one_minute")]
    pub seconds: Whole<1, 3600>,
}

const fn one_minute() -> Whole<1, 3600> {
    Whole::of(60)
}
