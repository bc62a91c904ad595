//! Which model works on which task.

use crate::rules::classify::Domain;
use crate::rules::evaluate::score::Level;
use crate::rules::task::Task;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Models by what a task is: its labels come first, then its domain, then how complex it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Models {
    /// For low complexity.
    pub simple: Option<String>,
    /// For medium complexity.
    pub medium: Option<String>,
    /// For high complexity.
    pub complex: Option<String>,
    /// For these domains.
    pub domains: BTreeMap<Domain, String>,
    /// For these labels; where a task has several, the first by the alphabet.
    pub labels: BTreeMap<String, String>,
}

impl Models {
    /// The model for this task; nothing where none was chosen for its like.
    #[must_use]
    pub fn of(&self, task: &Task) -> Option<&str> {
        let has = |name: &str| task.issue.labels.iter().any(|label| label.as_str() == name);
        let by_label = self.labels.iter().find(|(label, _)| has(label));
        let by_label = by_label.map(|(_, model)| model);
        let by_domain = || self.domains.get(&task.domain.domain);
        let by_complexity = || match task.complexity()? {
            Level::Low => self.simple.as_ref(),
            Level::Medium => self.medium.as_ref(),
            Level::High => self.complex.as_ref(),
        };
        by_label
            .or_else(by_domain)
            .or_else(by_complexity)
            .map(String::as_str)
    }
}
