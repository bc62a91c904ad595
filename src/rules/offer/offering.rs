//! How work is offered: what the configuration says of pulls and commits.

use crate::rules::offer::reviewers::Reviewers;
use crate::rules::offer::size::SizeLimit;
use crate::rules::offer::templates::Templates;
use crate::rules::own::Classification;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How work is offered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offering {
    /// The words.
    pub templates: Templates,
    /// Is the repository's own template for pulls filled in, where no other is configured?
    pub fills_in: bool,
    /// More than that is a draft with a suggested split.
    pub limit: SizeLimit,
    /// Labels for every pull.
    pub labels: Vec<String>,
    /// What a pull takes over from its issue.
    pub copied: Vec<Copied>,
    /// Those who are asked to review every pull.
    pub reviewers: Reviewers,
    /// Are the owners of the changed paths asked as well?
    pub asks_owners: bool,
    /// The project's own rules, which say what labels name a domain.
    pub own: Classification,
}

/// What a pull takes over from its issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Copied {
    /// Its labels that name a domain.
    Domains,
    /// Those who are assigned to it.
    Assignees,
    /// Its milestone.
    Milestone,
}

/// What a pull carries besides its words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Names of labels.
    pub labels: Vec<String>,
    /// Logins of those who are assigned.
    pub assignees: Vec<String>,
    /// The milestone's number.
    pub milestone: Option<u64>,
}

impl Details {
    /// Is there nothing in it?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.assignees.is_empty() && self.milestone.is_none()
    }

    /// What a pull carries once these are added; a milestone that somebody chose stays.
    #[must_use]
    pub fn with(mut self, more: &Self) -> Self {
        add(&mut self.labels, &more.labels);
        add(&mut self.assignees, &more.assignees);
        self.milestone = self.milestone.or(more.milestone);
        self
    }
}

/// GitHub's names are the same in any case.
fn add(names: &mut Vec<String>, more: &[String]) {
    for name in more {
        if !names.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            names.push(name.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pull_carries_already_stays() {
        let own = Details {
            labels: vec!["Bug".to_owned()],
            assignees: vec!["ann".to_owned()],
            milestone: Some(3),
        };
        let more = Details {
            labels: vec!["bug".to_owned(), "agent".to_owned()],
            assignees: Vec::new(),
            milestone: Some(4),
        };
        let all = own.clone().with(&more);
        assert_eq!(all.labels, ["Bug", "agent"]);
        assert_eq!((all.assignees, all.milestone), (own.assignees, Some(3)));
        assert_eq!(Details::default().with(&more).milestone, Some(4));
    }
}
