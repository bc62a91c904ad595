//! What a token may do, and what is missing for a feature: by GitHub's "Scopes for OAuth apps", or by permissions.

use crate::rules::feature::Feature;
use std::collections::BTreeMap;

/// What kind of token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A personal one, with scopes.
    Classic,
    /// A personal one, with permissions.
    FineGrained,
    /// Made for a program that a person signed in to, such as `gh`.
    OAuth,
    /// An app's, for a person.
    User,
    /// An app's or a workflow's.
    Installation,
    /// It does not look like any of them.
    Other,
}

/// What a token was given, as far as GitHub tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Granted {
    /// Scopes.
    Scopes(Vec<String>),
    /// `read`, `write` or `admin` by the name of each permission.
    Permissions(BTreeMap<String, String>),
    /// It tells what is missing only when it refuses something.
    Untold,
}

/// What we may do with a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// What the token was given.
    pub granted: Granted,
    /// May whoever it belongs to push there? `None` where nobody tells.
    pub may_push: Option<bool>,
    /// May only some people see it?
    pub is_private: bool,
}

/// What stands against a feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Given,
    /// These are missing.
    Missing(Vec<String>),
    /// Nobody can tell before it is tried.
    Untold,
}

impl TokenKind {
    /// Told by how it begins.
    #[must_use]
    pub fn of(token: &str) -> Self {
        let starts = [
            ("ghp_", Self::Classic),
            ("github_pat_", Self::FineGrained),
            ("gho_", Self::OAuth),
            ("ghu_", Self::User),
            ("ghs_", Self::Installation),
        ];
        let found = starts.iter().find(|(start, _)| token.starts_with(start));
        found.map_or(Self::Other, |(_, kind)| *kind)
    }

    /// What a person calls it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Classic => "a classic token",
            Self::FineGrained => "a fine-grained token",
            Self::OAuth => "a token of a program that you signed in to",
            Self::User => "a token of an app for a person",
            Self::Installation => "a token of an app or a workflow",
            Self::Other => "a token of some kind",
        }
    }

    /// One word for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::FineGrained => "fine_grained",
            Self::OAuth => "oauth",
            Self::User => "user",
            Self::Installation => "installation",
            Self::Other => "other",
        }
    }
}

impl Access {
    /// What stands against a feature.
    #[must_use]
    pub fn standing(&self, feature: Feature) -> Standing {
        if self.may_push == Some(false) && feature.writes() {
            return Standing::Missing(vec!["write access to the repository".to_owned()]);
        }
        let missing = match &self.granted {
            Granted::Untold => return Standing::Untold,
            Granted::Permissions(granted) => {
                let needs = feature.needs().iter();
                let missing = needs.filter(|need| !need.is_in(granted));
                missing.map(ToString::to_string).collect()
            }
            Granted::Scopes(scopes) => self.missing_scopes(scopes, feature),
        };
        if missing.is_empty() {
            Standing::Given
        } else {
            Standing::Missing(missing)
        }
    }

    fn missing_scopes(&self, scopes: &[String], feature: Feature) -> Vec<String> {
        let has = |scope: &str| scopes.iter().any(|own| own == scope);
        let mut missing = Vec::new();
        // What everybody may see needs no scope.
        let is_open = !self.is_private && !feature.writes();
        if !(is_open || has("repo") || !self.is_private && has("public_repo")) {
            let scope = if self.is_private {
                "repo"
            } else {
                "public_repo"
            };
            missing.push(format!("the scope `{scope}`"));
        }
        if feature == Feature::Workflows && !has("workflow") {
            missing.push("the scope `workflow`".to_owned());
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(access: &Access, feature: Feature) -> String {
        match access.standing(feature) {
            Standing::Given => String::new(),
            Standing::Missing(missing) => missing.join(", "),
            Standing::Untold => "?".to_owned(),
        }
    }

    fn scopes(scopes: &[&str], is_private: bool) -> Access {
        Access {
            granted: Granted::Scopes(scopes.iter().map(|&scope| scope.to_owned()).collect()),
            may_push: Some(true),
            is_private,
        }
    }

    #[test]
    fn a_classic_token_is_judged_by_its_scopes() {
        let check = |own: &[&str], is_private, feature, expect: &str| {
            assert_eq!(
                missing(&scopes(own, is_private), feature),
                expect,
                "{own:?} {feature:?}"
            );
        };
        for feature in Feature::ALL {
            check(&["repo", "workflow"], true, feature, "");
            check(&["public_repo", "workflow"], false, feature, "");
        }
        check(&["repo"], true, Feature::Workflows, "the scope `workflow`");
        check(&["public_repo"], true, Feature::Issues, "the scope `repo`");
        check(&["read:org"], false, Feature::Issues, "");
        check(&[], false, Feature::Branches, "the scope `public_repo`");
        check(
            &[],
            true,
            Feature::Workflows,
            "the scope `repo`, the scope `workflow`",
        );
    }

    #[test]
    fn an_app_is_judged_by_its_permissions() {
        let access = |granted: &[(&str, &str)]| Access {
            granted: Granted::Permissions(
                granted
                    .iter()
                    .map(|(name, level)| ((*name).to_owned(), (*level).to_owned()))
                    .collect(),
            ),
            may_push: None,
            is_private: true,
        };
        let check = |granted, feature, expect: &str| {
            assert_eq!(missing(&access(granted), feature), expect, "{feature:?}");
        };
        check(&[], Feature::Issues, "issues: read");
        check(&[("issues", "read")], Feature::Issues, "");
        check(&[("issues", "read")], Feature::Labels, "issues: write");
        check(&[("contents", "admin")], Feature::Claims, "");
        check(
            &[("contents", "write")],
            Feature::Merge,
            "pull_requests: write",
        );
        check(&[], Feature::Checks, "checks: read, statuses: read");
    }

    #[test]
    fn nothing_is_claimed_of_a_token_that_tells_nothing() {
        let access = |may_push| Access {
            granted: Granted::Untold,
            may_push,
            is_private: true,
        };
        for feature in Feature::ALL {
            assert_eq!(missing(&access(Some(true)), feature), "?");
            assert_eq!(missing(&access(None), feature), "?");
        }
        let reader = access(Some(false));
        let expect = "write access to the repository";
        assert_eq!(missing(&reader, Feature::Branches), expect);
        assert_eq!(missing(&reader, Feature::Logs), "?");
    }

    #[test]
    fn a_token_shows_its_kind() {
        let check = |token, expect| assert_eq!(TokenKind::of(token), expect);
        check("ghp_x", TokenKind::Classic);
        check("github_pat_x", TokenKind::FineGrained);
        check("ghs_x", TokenKind::Installation);
        check("0123456789abcdef", TokenKind::Other);
    }
}
