//! A pattern of paths.

use crate::rules::conflict::covers;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Paths from the repository's root: `**` stands for any directories, `*` for any part of a name. Case counts not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct PathPattern(String);

impl PathPattern {
    /// Takes the text as it is.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Does it mean this path? A directory, which ends in `/`, is meant where the pattern means all below it.
    #[must_use]
    pub fn means(&self, path: &str) -> bool {
        let (pattern, path) = (self.0.to_lowercase(), path.to_lowercase());
        let pattern: Vec<&str> = pattern.split('/').collect();
        let segments: Vec<&str> = path.split('/').collect();
        matches(&pattern, &segments) || covers(&pattern.join("/"), &path)
    }
}

/// The last `**` takes one more directory each time that what follows it does not fit; earlier ones need no second look.
fn matches(pattern: &[&str], path: &[&str]) -> bool {
    let (mut at, mut next, mut retry) = (0, 0, None);
    while at < path.len() {
        match pattern.get(next) {
            Some(&"**") => {
                retry = Some((next, at));
                next += 1;
            }
            Some(name) if is_like(name, path[at]) => (at, next) = (at + 1, next + 1),
            Some(_) | None => {
                let Some((star, taken)) = retry else {
                    return false;
                };
                (at, next, retry) = (taken + 1, star + 1, Some((star, taken + 1)));
            }
        }
    }
    pattern[next..].iter().all(|name| *name == "**")
}

/// Is the name the pattern's, where `*` stands for any letters?
fn is_like(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_files_and_directories() {
        let check = |pattern: &str, path: &str, expect: bool| {
            assert_eq!(
                PathPattern::new(pattern).means(path),
                expect,
                "{pattern} {path}"
            );
        };
        check("**/auth/**", "src/auth/login.rs", true);
        check("**/auth/**", "auth/login.rs", true);
        check("**/auth/**", "src/auth/", true);
        check("**/auth/**", "src/author/x.rs", false);
        check("**/*.tf", "main.tf", true);
        check("**/*.tf", "infra/a.tfx", false);
        check("**/.env*", ".env.local", true);
        check("**/Dockerfile", "api/dockerfile", true);
        check(".github/workflows/**", ".github/workflows/ci.yml", true);
        check("src/a.rs", "src/a.rs", true);
        check("src/", "src/a.rs", true);
        check("src/*/a.rs", "src/b/c/a.rs", false);
        check("*a*b", "xaxb", true);
        check("a*a", "a", false);
    }

    #[test]
    fn a_pattern_of_many_stars_ends_soon() {
        let pattern = PathPattern::new(&format!("{}b", "**/a/".repeat(30)));
        assert!(!pattern.means(&"a/".repeat(200)));
        assert!(pattern.means(&format!("{}b", "a/".repeat(200))));
    }
}
