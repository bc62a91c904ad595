//! What an issue's evaluation is made from, and its type.

use crate::rules::classify::Classified;
use crate::rules::evaluate::phrase::Text;
use crate::rules::evaluate::routing::{IssueType, TypeSigns};
use crate::rules::evaluate::similar::Similar;
use crate::rules::footprint::{Footprint, LikelyFile};
use crate::rules::issue::Issue;
use crate::rules::printable::clip;

/// A file counts as touched from this probability on: it is likelier touched than not.
pub const LIKELY: f64 = 0.5;

/// What is known of an issue when it is evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The issue.
    pub issue: &'a Issue,
    /// Its domain.
    pub domain: &'a Classified,
    /// The files that it will likely touch.
    pub footprint: &'a Footprint,
    /// Other issues that it needs.
    pub needs: usize,
    /// How similar issues of this repository went.
    pub similar: Similar,
    /// Likely files that CODEOWNERS gives to nobody; none where there is no such file.
    pub unowned: &'a [String],
}

/// The same, with its text read.
#[derive(Debug)]
pub struct Signs<'a> {
    pub(super) known: Known<'a>,
    pub(super) title: Text,
    pub(super) text: Text,
    pub(super) kind: IssueType,
    /// What told the type.
    pub(super) kind_because: String,
}

impl<'a> Signs<'a> {
    /// Reads the text.
    #[must_use]
    pub fn of(known: Known<'a>, types: &[TypeSigns]) -> Self {
        let title = Text::of_line(&known.issue.title);
        let (kind, kind_because) = issue_type(known.issue, &title, types);
        Self {
            text: Text::of(&known.issue.title, &known.issue.body),
            title,
            kind,
            kind_because,
            known,
        }
    }

    /// The files and directories that it will likely touch.
    pub(super) fn paths(&self) -> impl Iterator<Item = &'a str> {
        let files = self.known.footprint.files.iter();
        files
            .filter(|file| file.probability >= LIKELY)
            .map(|file| file.path.as_str())
    }

    /// Those of them that its own text speaks of.
    pub(super) fn named(&self) -> impl Iterator<Item = &'a str> {
        let files = self.known.footprint.files.iter();
        let is_said = |file: &&LikelyFile| file.evidence.iter().any(|it| it.kind.is_in_text());
        files
            .filter(|file| file.probability >= LIKELY)
            .filter(is_said)
            .map(|file| file.path.as_str())
    }

    /// The first of its labels that is one of these, as the issue has it.
    pub(super) fn label(&self, wanted: &[String]) -> Option<&'a str> {
        label(self.known.issue, wanted)
    }
}

/// The first of the issue's labels that is one of these: alone or behind a prefix (`type: bug`, `kind/bug`), whatever its
/// case, its blanks and its dashes.
#[must_use]
pub fn label<'a>(issue: &'a Issue, wanted: &[String]) -> Option<&'a str> {
    let is_wanted = |own: &str| {
        let name = own.rsplit([':', '/']).next().unwrap_or(own);
        wanted
            .iter()
            .any(|wanted| is_same(own, wanted) || is_same(name, wanted))
    };
    let own = issue.labels.iter().map(String::as_str);
    own.into_iter().find(|own| is_wanted(own))
}

/// The first of the issue's labels that is one of these and nothing else, whatever its case, its blanks and its dashes.
#[must_use]
pub fn exact_label<'a>(issue: &'a Issue, wanted: &[String]) -> Option<&'a str> {
    let own = issue.labels.iter().map(String::as_str);
    own.into_iter()
        .find(|own| wanted.iter().any(|wanted| is_same(own, wanted)))
}

fn is_same(a: &str, b: &str) -> bool {
    let plain = |text: &str| text.trim().to_lowercase().replace(['-', '_'], " ");
    plain(a) == plain(b)
}

/// By a label first, since a person set it, then by the title.
fn issue_type(issue: &Issue, title: &Text, types: &[TypeSigns]) -> (IssueType, String) {
    for signs in types {
        if let Some(label) = label(issue, &signs.labels) {
            return (signs.kind, format!("label \"{}\"", clip(label, 40)));
        }
    }
    for signs in types {
        if let Some(phrase) = title.said(&signs.title).next() {
            return (signs.kind, format!("\"{}\" in the title", phrase.as_str()));
        }
    }
    (IssueType::General, "nothing says more".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::evaluate::routing::Routing;
    use crate::rules::issue::tests::issue;

    fn check(title: &str, labels: &[&str], expect: IssueType) {
        let issue = Issue {
            labels: labels.iter().map(ToString::to_string).collect(),
            ..issue(title, "Add tests.")
        };
        let types = Routing::default().types;
        let (found, because) = issue_type(&issue, &Text::of_line(title), &types);
        assert_eq!(found, expect, "{title} {labels:?}: {because}");
    }

    #[test]
    fn a_label_tells_the_type_before_the_title_does() {
        check("Add a button", &["bug"], IssueType::Bug);
        check("Add a button", &["type: Bug"], IssueType::Bug);
        check("Fix it", &["kind/enhancement"], IssueType::Feature);
        check("It", &["documentation"], IssueType::Documentation);
        check("It", &["debug"], IssueType::General);
    }

    #[test]
    fn the_title_tells_the_type_by_whole_words() {
        check("fix: the parser crashes", &[], IssueType::Bug);
        check("[Bug] Login", &[], IssueType::Bug);
        check("feat(api): pages", &[], IssueType::Feature);
        check("Add a button", &[], IssueType::Feature);
        check("Add tests for the parser", &[], IssueType::Testing);
        check("Update docs", &[], IssueType::Documentation);
        check("The latest debugger", &[], IssueType::General);
    }
}
