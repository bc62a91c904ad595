//! Which domain do a title's tag and a label name?

use crate::rules::classify::Domain;
use crate::rules::own::Classification;

impl Domain {
    /// The domain that a tag or label calls by one of its common names, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim().to_lowercase().replace(['-', '_'], " ");
        Some(match name.as_str() {
            "backend" | "back end" | "api" | "apis" | "server" | "service" | "services" => {
                Self::Backend
            }
            "frontend" | "front end" | "ui" | "ux" | "ui/ux" | "gui" | "web" | "client" | "css"
            | "design" | "styling" | "accessibility" | "a11y" => Self::Frontend,
            "database" | "databases" | "db" | "sql" | "schema" | "migration" | "migrations" => {
                Self::Database
            }
            "infrastructure" | "infra" | "ci" | "cd" | "ci/cd" | "cicd" | "ci cd" | "build"
            | "devops" | "ops" | "deploy" | "deployment" | "docker" | "kubernetes"
            | "terraform" | "pipeline" | "release" => Self::Infrastructure,
            "security" | "sec" | "auth" | "authentication" | "authorization" | "permissions"
            | "vulnerability" => Self::Security,
            "testing" | "test" | "tests" | "qa" | "e2e" => Self::Testing,
            "documentation" | "docs" | "doc" | "guide" | "guides" | "readme" => Self::Documentation,
            "unknown" => Self::Unknown,
            _ => return None,
        })
    }
}

/// The domain that the title's tag names, and the tag: `[Backend] ...`, `[WIP][UI/UX] ...`, `backend: ...`, `fix(api): ...`.
/// A name of the project's `own` counts before a common one.
#[must_use]
pub fn title_tag<'a>(title: &'a str, own: &Classification) -> Option<(Domain, &'a str)> {
    let named = |name: &'a str| {
        let own = own.named(name).map(|domain| (domain, name.trim()));
        own.or_else(|| named(name))
    };
    let mut rest = title.trim_start();
    while let Some((tag, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let mut parts = [tag].into_iter().chain(tag.split(['/', ',', '|', ':']));
        if let Some(found) = parts.find_map(named) {
            return Some(found);
        }
        rest = after.trim_start_matches([' ', ':', '-']);
    }
    let (tag, _) = rest.split_once(':')?;
    let (kind, scope) = tag.split_once('(').unwrap_or((tag, ""));
    [
        scope.trim_end_matches([')', '!']),
        kind.trim_end_matches('!'),
    ]
    .into_iter()
    .find_map(named)
}

/// The domain that a label names: `backend`, `area: backend`, `kind/docs`, `area-backend`, `A-ui`.
#[must_use]
pub fn label_domain(label: &str) -> Option<Domain> {
    let named = label_names(label).into_iter().find_map(named);
    named.map(|(domain, _)| domain)
}

/// What a label may be called: as it stands, and without its prefix.
pub fn label_names(label: &str) -> [&str; 3] {
    let last = label.rsplit([':', '/']).next().unwrap_or(label);
    let unprefixed = label
        .split_once(['-', ' '])
        .filter(|(prefix, _)| is_prefix(prefix))
        .map_or("", |(_, rest)| rest);
    [label, last, unprefixed]
}

fn named(name: &str) -> Option<(Domain, &str)> {
    Domain::named(name)
        .filter(|domain| *domain != Domain::Unknown)
        .map(|domain| (domain, name.trim()))
}

fn is_prefix(word: &str) -> bool {
    let word = word.to_lowercase();
    word.chars().count() == 1
        || [
            "area",
            "domain",
            "component",
            "comp",
            "kind",
            "type",
            "scope",
            "team",
        ]
        .contains(&word.as_str())
}
