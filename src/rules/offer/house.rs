//! What a repository's own files say of its pulls: a template, and who owns what.

use crate::rules::footprint::area::Owners;
use std::sync::Arc;

/// What the base branch says of pulls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct House {
    /// The template for their descriptions.
    pub template: Option<Arc<str>>,
    /// The file that says who owns what.
    pub owners: Option<Arc<str>>,
}

/// Where a template for pulls may stand, in any case; the first that is there counts.
/// <https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/creating-a-pull-request-template-for-your-repository>
const TEMPLATE_PLACES: [&str; 3] = [".github/", "", "docs/"];
const TEMPLATE_NAMES: [&str; 3] = [
    "pull_request_template.md",
    "pull_request_template.txt",
    "pull_request_template",
];

/// The path of the template for pulls among these, if there is one.
#[must_use]
pub fn template_among<'a>(paths: &[&'a str]) -> Option<&'a str> {
    let mut places = TEMPLATE_PLACES.iter().flat_map(|place| {
        let named = TEMPLATE_NAMES.iter();
        named.map(move |name| format!("{place}{name}"))
    });
    places.find_map(|wanted| {
        let mut paths = paths.iter();
        paths
            .find(|path| path.eq_ignore_ascii_case(&wanted))
            .copied()
    })
}

/// The path of the file that says who owns what among these, if there is one.
#[must_use]
pub fn owners_among<'a>(paths: &[&'a str]) -> Option<&'a str> {
    let mut places = Owners::PLACES.iter();
    places.find_map(|wanted| paths.iter().find(|path| *path == wanted).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_found_in_any_case_and_the_first_place_counts() {
        let check = |paths: &[&str], expect: Option<&str>| {
            assert_eq!(template_among(paths), expect, "{paths:?}");
        };
        check(
            &[
                "docs/pull_request_template.md",
                ".github/PULL_REQUEST_TEMPLATE.md",
            ],
            Some(".github/PULL_REQUEST_TEMPLATE.md"),
        );
        check(
            &["Pull_Request_Template.txt"],
            Some("Pull_Request_Template.txt"),
        );
        check(&["src/pull_request_template.md", "README.md"], None);
    }

    #[test]
    fn owners_stand_where_github_looks() {
        assert_eq!(
            owners_among(&["CODEOWNERS", ".github/CODEOWNERS"]),
            Some(".github/CODEOWNERS")
        );
        assert_eq!(owners_among(&["src/CODEOWNERS", "codeowners"]), None);
    }
}
