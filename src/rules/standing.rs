//! Where an issue stands on its forge at this moment, apart from its words.

use crate::rules::issue::{Issue, IssueState};
use crate::rules::printable::printable;

/// What was seen of an issue in one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Is it there, and open?
    pub whereabouts: Whereabouts,
    /// Its labels.
    pub labels: Vec<String>,
    /// Those who are assigned to it.
    pub assignees: Vec<String>,
    /// The number of its milestone.
    pub milestone: Option<u64>,
}

/// Is an issue there, and open?
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Whereabouts {
    /// Both.
    #[default]
    Open,
    /// It was closed.
    Closed,
    /// It is in another repository now, or one of its own name elsewhere.
    Moved {
        /// Its page there, where that is known.
        to: Option<String>,
    },
    /// It was deleted, or is hidden from us.
    Gone,
}

impl Standing {
    /// What an issue says of itself; `None` stands for one that is not there.
    #[must_use]
    pub fn of(issue: Option<&Issue>) -> Self {
        let Some(issue) = issue else {
            return Self::nowhere(Whereabouts::Gone);
        };
        Self {
            whereabouts: match issue.state {
                IssueState::Open => Whereabouts::Open,
                IssueState::Closed => Whereabouts::Closed,
            },
            labels: issue.labels.clone(),
            ..Self::default()
        }
    }

    /// An issue of which nothing else is known.
    #[must_use]
    pub fn nowhere(whereabouts: Whereabouts) -> Self {
        Self {
            whereabouts,
            ..Self::default()
        }
    }

    /// Why nobody wants work on it any more, as far as this shows; `label` is the one that selected it.
    #[must_use]
    pub fn withdrawn(&self, label: Option<&str>) -> Option<String> {
        match &self.whereabouts {
            Whereabouts::Open => {
                let is_on = |label: &&str| {
                    self.labels
                        .iter()
                        .any(|own| own.eq_ignore_ascii_case(label))
                };
                let gone = label.filter(|label| !is_on(label))?;
                Some(format!("its label `{}` was taken off", printable(gone)))
            }
            Whereabouts::Closed => Some("its issue was closed meanwhile".to_owned()),
            Whereabouts::Moved { to: Some(to) } => {
                Some(format!("its issue was moved to {}", printable(to)))
            }
            Whereabouts::Moved { to: None } => Some("its issue was moved elsewhere".to_owned()),
            Whereabouts::Gone => Some("its issue was deleted, or is hidden from us".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_wanted_any_more_says_why() {
        let check = |standing: Standing, label: Option<&str>, expect: Option<&str>| {
            assert_eq!(standing.withdrawn(label).as_deref(), expect, "{standing:?}");
        };
        let open = Standing {
            labels: vec!["Go".to_owned()],
            ..Standing::default()
        };
        check(open.clone(), Some("go"), None);
        check(open.clone(), None, None);
        check(open, Some("other"), Some("its label `other` was taken off"));
        let closed = Standing::nowhere(Whereabouts::Closed);
        check(closed, Some("go"), Some("its issue was closed meanwhile"));
        let to = Some("https://forge.test/o/r/issues/5".to_owned());
        let moved = Standing::nowhere(Whereabouts::Moved { to });
        let expect = "its issue was moved to https://forge.test/o/r/issues/5";
        check(moved, None, Some(expect));
        let gone = Standing::nowhere(Whereabouts::Gone);
        check(
            gone,
            None,
            Some("its issue was deleted, or is hidden from us"),
        );
    }
}
