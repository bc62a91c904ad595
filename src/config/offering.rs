//! The part of the configuration about how work is offered: pulls and commits.

use crate::config::values::Whole;
use crate::rules::offer::offering::Copied;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a pull says and carries.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Pull {
    /// A template of its title, such as `{{ domain }}: {{ issue.title }}`; the title where it is left out.
    pub title: Option<String>,
    /// A file with a template of its description, in place of the repository's own and the built-in one; relative to this file.
    pub body: Option<PathBuf>,
    /// Is the repository's own `PULL_REQUEST_TEMPLATE` filled in?
    pub use_template: bool,
    /// Labels that every pull gets.
    pub labels: Vec<String>,
    /// What a pull takes over from its issue.
    pub copy: Vec<Copied>,
    /// Those who are asked to review every pull: `login`, or `organization/team`.
    pub reviewers: Vec<String>,
    /// Are those asked that `CODEOWNERS` of the base branch names for the changed files?
    pub code_owners: bool,
    /// A pull that changes more files is a draft with a suggested split; 0 is no limit.
    pub max_files: Whole<0, 100_000>,
    /// A pull that changes more lines is a draft with a suggested split; 0 is no limit.
    pub max_lines: Whole<0, 10_000_000>,
}

impl Default for Pull {
    fn default() -> Self {
        Self {
            title: None,
            body: None,
            use_template: true,
            labels: Vec::new(),
            copy: vec![Copied::Assignees, Copied::Milestone],
            reviewers: Vec::new(),
            code_owners: true,
            max_files: Whole::of(50),
            max_lines: Whole::of(2_000),
        }
    }
}

/// What a commit says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Commit {
    /// A template of its message; `Refs #12` always follows.
    pub message: Option<String>,
}
