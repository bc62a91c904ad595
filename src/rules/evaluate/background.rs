//! What the repository and its past know of an issue, beside its text and its files.

use crate::rules::evaluate::similar::Precedent;
use crate::rules::ids::IssueNumber;
use std::collections::BTreeMap;

/// What is known of one issue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Background {
    /// Issues of the past that read like it.
    pub precedents: Vec<Precedent>,
    /// Likely files that nobody owns; none where the repository has no owners at all.
    pub unowned: Vec<String>,
}

/// What is known of each issue; of one that is not there nothing is.
pub type Backgrounds = BTreeMap<IssueNumber, Background>;
