//! Checks that were found: which, where, why, and what they need.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a check looks at.
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
pub enum CheckKind {
    /// Style, and faults that can be seen without running anything.
    Lint,
    /// Types.
    Types,
    /// Whether it can be built.
    Build,
    /// Tests.
    Test,
    /// Whether a server starts, answers and stops.
    Smoke,
    /// Anything else.
    #[default]
    Custom,
}

impl CheckKind {
    /// Its name in configuration and output.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lint => "lint",
            Self::Types => "types",
            Self::Build => "build",
            Self::Test => "test",
            Self::Smoke => "smoke",
            Self::Custom => "custom",
        }
    }
}

/// A check that the files of a repository speak for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectedCheck {
    /// Its name in output; each its own.
    pub name: String,
    /// What it looks at.
    pub kind: CheckKind,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// What makes its directory ready, once for all checks that want the same; empty where nothing is needed.
    pub prepare: Vec<String>,
    /// Where it runs, below the top; empty for the top.
    pub directory: String,
    /// Which file and which key said so.
    pub why: String,
    /// What has to be there.
    pub needs: Vec<Need>,
}

/// What a check cannot do without.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// A program in `PATH`.
    Program(String),
    /// A git directory, which the clean worktrees of checks do not have.
    GitDirectory,
}

/// A manifest that could not be read; what it may have said is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub problem: String,
}

/// All that the files of a repository speak for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detection {
    /// The checks: the top's first, in each directory what is quick first.
    pub checks: Vec<DetectedCheck>,
    /// Manifests that could not be read.
    pub faults: Vec<Fault>,
}
