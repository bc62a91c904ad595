//! Which files will a task likely touch, and what says so?

use serde::{Deserialize, Serialize};

/// What made us think of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The text names it.
    NamedInText,
}

/// A file that a task will likely touch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LikelyFile {
    /// The path from the repository's root, with `/`; one that ends in `/` is a directory and means all below it.
    pub path: String,
    /// From 0 to 1.
    pub probability: f64,
    /// What says so.
    pub evidence: Evidence,
}

/// The files that a task will likely touch; none means that nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Footprint {
    /// Sorted by path, each path once.
    pub files: Vec<LikelyFile>,
}

impl Footprint {
    /// Is anything known at all?
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.files.is_empty()
    }
}
