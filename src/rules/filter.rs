//! Which issues are wanted besides their label: by further labels, people and milestone.

use crate::rules::issue::Issue;
use serde::{Deserialize, Serialize};

/// In place of a name: whoever, or whatever, there is.
const ANY: &str = "*";
/// In place of a name: nobody, nothing.
const NONE: &str = "none";

/// What an issue has to have; everything passes one that is empty. Case does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// All of these labels.
    pub labels: Vec<String>,
    /// This one among those whom it is assigned to; `none`, or `*` for anybody.
    pub assignee: Option<String>,
    /// The milestone of this title; `none`, or `*` for any.
    pub milestone: Option<String>,
    /// This author.
    pub author: Option<String>,
}

impl Filter {
    /// Does everything pass?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Why the issue does not pass, if it does not.
    #[must_use]
    pub fn stops(&self, issue: &Issue) -> Option<String> {
        let missing = self.labels.iter().find(|label| !issue.has_label(label));
        if let Some(label) = missing {
            return Some(format!("it has no label {label}"));
        }
        let assignees = issue.assignees.iter().map(String::as_str);
        if let Some(wanted) = self.assignee.as_deref().filter(|it| !fits(it, assignees)) {
            return Some(match wanted {
                NONE => "it is assigned to somebody".to_owned(),
                ANY => "it is assigned to nobody".to_owned(),
                name => format!("it is not assigned to {name}"),
            });
        }
        let milestone = issue.milestone.as_deref().into_iter();
        if let Some(wanted) = self.milestone.as_deref().filter(|it| !fits(it, milestone)) {
            return Some(match wanted {
                NONE => "it has a milestone".to_owned(),
                ANY => "it has no milestone".to_owned(),
                title => format!("its milestone is not {title}"),
            });
        }
        let author = issue.author.as_deref().into_iter();
        let wanted = self.author.as_deref();
        let wanted = wanted.filter(|name| !author.clone().any(|own| is_same(own, name)));
        wanted.map(|name| format!("it was not opened by {name}"))
    }

    /// What it wants, a few words each.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let labels = self
            .labels
            .iter()
            .map(|label| format!("also labelled {label}"));
        let one =
            |what: &str, name: &Option<String>| name.as_ref().map(|name| format!("{what} {name}"));
        let others = [
            one("assigned to", &self.assignee),
            one("milestone", &self.milestone),
            one("by", &self.author),
        ];
        labels.chain(others.into_iter().flatten()).collect()
    }
}

fn fits<'a>(wanted: &str, mut there: impl Iterator<Item = &'a str>) -> bool {
    match wanted {
        NONE => there.next().is_none(),
        ANY => there.next().is_some(),
        name => there.any(|own| is_same(own, name)),
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::issue::tests::issue;

    #[test]
    fn an_issue_passes_where_it_has_all_that_is_wanted() {
        let mut one = issue("One", "");
        one.labels = vec!["go".into(), "Bug".into()];
        one.assignees = vec!["ada".into(), "bob".into()];
        one.milestone = Some("1.0".into());
        one.author = Some("cleo".into());
        let bare = issue("Two", "");
        let check = |filter: Filter, expect: Option<&str>, of_bare: Option<&str>| {
            assert_eq!(filter.stops(&one).as_deref(), expect, "{filter:?}");
            assert_eq!(filter.stops(&bare).as_deref(), of_bare, "{filter:?}");
        };
        let some = |name: &str| Some(name.to_owned());
        let assignee = |name| Filter {
            assignee: some(name),
            ..Filter::default()
        };
        let milestone = |name| Filter {
            milestone: some(name),
            ..Filter::default()
        };
        check(Filter::default(), None, None);
        let labels = vec!["bug".to_owned(), "GO".to_owned()];
        check(
            Filter {
                labels,
                ..Filter::default()
            },
            None,
            Some("it has no label bug"),
        );
        check(assignee("Bob"), None, Some("it is not assigned to Bob"));
        check(assignee("*"), None, Some("it is assigned to nobody"));
        check(assignee("none"), Some("it is assigned to somebody"), None);
        check(milestone("1.0"), None, Some("its milestone is not 1.0"));
        check(milestone("*"), None, Some("it has no milestone"));
        check(milestone("none"), Some("it has a milestone"), None);
        let author = Filter {
            author: some("Cleo"),
            ..Filter::default()
        };
        check(author, None, Some("it was not opened by Cleo"));
    }

    #[test]
    fn what_is_wanted_is_said_in_words() {
        let filter = Filter {
            labels: vec!["bug".into()],
            assignee: Some("none".into()),
            milestone: Some("1.0".into()),
            author: Some("ada".into()),
        };
        let words = [
            "also labelled bug",
            "assigned to none",
            "milestone 1.0",
            "by ada",
        ];
        assert_eq!(filter.words(), words);
    }
}
