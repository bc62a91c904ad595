//! A pattern of paths.

use crate::rules::footprint::glob::fits;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Paths from the repository's root: `**` stands for any directories, `*` for any part of a name. Case counts not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
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
        fits(&self.0.to_lowercase(), &path.to_lowercase())
    }
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
        check("src/*/a.rs", "src/b/c/a.rs", false);
    }
}
