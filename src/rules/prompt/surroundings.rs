//! What of the base branch's files helps whoever works on an issue: which are read, and what is taken from them.

use crate::rules::classify::Domain;
use crate::rules::footprint::Footprint;
use crate::rules::footprint::names::{Look, names_in_text};
use crate::rules::ids::CommitId;
use crate::rules::issue::Issue;
use crate::rules::layout::domain_of_path;
use crate::rules::markdown::visible;
use crate::rules::paths::name;
use crate::rules::prompt::snippet::{Snippet, snippets};
use std::collections::{BTreeMap, BTreeSet};

/// Files that are less likely would lead an agent astray.
pub(super) const WORTH_A_WORD: f64 = 0.3;
/// Likely files that are looked into for the names of a text, and those whose tests and commits are looked for.
const SOURCES_MAX: usize = 12;
const LIKELY_MAX: usize = 8;
/// Guides and tests that are told.
const GUIDES_MAX: usize = 6;
const TESTS_MAX: usize = 10;
/// What repositories call their instructions for agents, which count for all below their directory.
const GUIDES: [&str; 2] = ["AGENTS.md", "CLAUDE.md"];
/// What they call those for everybody.
const FOR_ALL: [&str; 3] = [
    "CONTRIBUTING.md",
    ".github/CONTRIBUTING.md",
    "docs/CONTRIBUTING.md",
];

/// What the base is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// Likely files, the likeliest first.
    sources: Vec<String>,
    /// Those that are likely enough to be told.
    likely: Vec<String>,
    /// Names of code that the issue's text shows.
    names: BTreeSet<String>,
}

/// Which files of the base answer that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The repository's instructions, those for all of it first.
    pub guides: Vec<String>,
    /// Files that are looked into.
    pub sources: Vec<String>,
    /// Tests of the likely files.
    pub tests: Vec<String>,
    /// What configures the likely files.
    pub configs: Vec<String>,
    /// Files whose latest commits are told.
    pub touched: Vec<String>,
}

/// What the base answers; nothing of it was cleaned yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The commit that was read; nothing where none could be.
    pub commit: Option<CommitId>,
    /// The repository's instructions.
    pub guides: Vec<Guide>,
    /// Code around names of the issue, the most telling first.
    pub snippets: Vec<Snippet>,
    /// Paths of tests of the likely files.
    pub tests: Vec<String>,
    /// Paths of what configures them, the nearest of each kind.
    pub configs: Vec<String>,
    /// Commits that touched the likely files, the latest first: a short name and the subject.
    pub commits: Vec<String>,
}

/// Instructions that a repository gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guide {
    /// Where they stand.
    pub path: String,
    /// What they say.
    pub text: String,
}

impl Wanted {
    /// For this issue with these likely files.
    #[must_use]
    pub fn of(issue: &Issue, footprint: &Footprint) -> Self {
        let files = footprint.by_probability();
        let files = || files.iter().filter(|file| !file.path.ends_with('/'));
        let text = format!("{}\n{}", issue.title, visible(&issue.body));
        let names: BTreeMap<String, Look> = names_in_text(&text);
        Self {
            sources: files()
                .take(SOURCES_MAX)
                .map(|file| file.path.clone())
                .collect(),
            likely: files()
                .filter(|file| file.probability >= WORTH_A_WORD)
                .take(LIKELY_MAX)
                .map(|file| file.path.clone())
                .collect(),
            names: names
                .into_iter()
                .filter(|(_, look)| *look == Look::Code)
                .map(|(name, _)| name)
                .collect(),
        }
    }

    /// Which of these files answer it.
    #[must_use]
    pub fn choose(&self, paths: &BTreeSet<&str>) -> Choice {
        let there = |path: &String| paths.contains(path.as_str());
        let sources = self.sources.iter().filter(|path| there(path));
        let sources = sources.filter(|_| !self.names.is_empty());
        Choice {
            guides: self.guides(paths),
            sources: sources.cloned().collect(),
            tests: self.tests(paths),
            configs: self.configs(paths),
            touched: self
                .likely
                .iter()
                .filter(|path| there(path))
                .cloned()
                .collect(),
        }
    }

    /// What of this file is told.
    #[must_use]
    pub fn snippets(&self, path: &str, text: &str) -> Vec<Snippet> {
        snippets(path, text, &self.names)
    }

    /// Those at the top, then those of the directories above likely files, each once.
    fn guides(&self, paths: &BTreeSet<&str>) -> Vec<String> {
        let mut places = vec![String::new()];
        for path in &self.likely {
            for (at, _) in path.match_indices('/') {
                places.push(path[..=at].to_owned());
            }
        }
        let above = |place: &String| GUIDES.map(|guide| format!("{place}{guide}"));
        let mut wanted: Vec<String> = places[..1].iter().flat_map(above).collect();
        wanted.extend(FOR_ALL.map(str::to_owned));
        wanted.extend(places[1..].iter().flat_map(above));
        let mut seen = BTreeSet::new();
        wanted.retain(|path| paths.contains(path.as_str()) && seen.insert(path.clone()));
        wanted.truncate(GUIDES_MAX);
        wanted
    }

    /// Of each kind of configuration the one that is nearest to a likely file.
    fn configs(&self, paths: &BTreeSet<&str>) -> Vec<String> {
        let mut found = Vec::new();
        for path in &self.likely {
            let above = path.match_indices('/').map(|(at, _)| &path[..=at]);
            let mut places: Vec<&str> = std::iter::once("").chain(above).collect();
            places.reverse();
            for config in CONFIGS {
                let mut nearest = places.iter().map(|place| format!("{place}{config}"));
                let nearest = nearest.find(|path| paths.contains(path.as_str()));
                found.extend(
                    nearest.filter(|path| !found.contains(path) && !self.likely.contains(path)),
                );
            }
        }
        found.truncate(CONFIGS_MAX);
        found
    }

    /// Tests that are called as a likely file is.
    fn tests(&self, paths: &BTreeSet<&str>) -> Vec<String> {
        let stems: BTreeSet<String> = self
            .likely
            .iter()
            .filter(|path| domain_of_path(path) != Some(Domain::Testing))
            .map(|path| stem(path))
            .filter(|stem| !stem.is_empty() && !TOO_COMMON.contains(&stem.as_str()))
            .collect();
        if stems.is_empty() {
            return Vec::new();
        }
        let of_one = |path: &&&str| stems.contains(&stem(path));
        let tests = paths.iter().filter(of_one);
        let tests = tests.filter(|path| domain_of_path(path) == Some(Domain::Testing));
        tests.take(TESTS_MAX).map(ToString::to_string).collect()
    }
}

/// What configures the code below its directory.
const CONFIGS: [&str; 12] = [
    "package.json",
    "tsconfig.json",
    "Cargo.toml",
    "pyproject.toml",
    "setup.cfg",
    "go.mod",
    "pom.xml",
    "build.gradle",
    "composer.json",
    "Gemfile",
    "mix.exs",
    "Makefile",
];
/// Of those so many are told.
const CONFIGS_MAX: usize = 8;
/// Every directory has one of these.
const TOO_COMMON: [&str; 5] = ["mod", "index", "main", "lib", "__init__"];
/// What a test's name has and its subject's has not.
const OF_TESTS: [&str; 4] = ["test", "tests", "spec", "e2e"];

/// A file's name without what ends it and what makes it a test: `test_cart.py`, `cart.spec.ts` and `CartTest.java` are
/// `cart`.
fn stem(path: &str) -> String {
    let name = name(path);
    let stem = name.split('.').next().unwrap_or(name);
    let camel = ["Tests", "Test", "Spec"];
    let stem = camel
        .iter()
        .find_map(|end| stem.strip_suffix(end).filter(|rest| !rest.is_empty()))
        .unwrap_or(stem)
        .to_ascii_lowercase();
    let words = stem
        .split(['_', '-'])
        .filter(|word| !OF_TESTS.contains(word));
    words.collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::footprint::{Evidence, LikelyFile};
    use crate::rules::issue::tests::issue;

    fn wanted(body: &str, likely: &[&str]) -> Wanted {
        let files = likely
            .iter()
            .map(|path| LikelyFile::new(*path, 0.8, Evidence::Symbol))
            .collect();
        Wanted::of(&issue("Mend it", body), &Footprint { files })
    }

    #[test]
    fn what_is_read_is_what_is_there() {
        let wanted = wanted(
            "`add_item` adds twice",
            &["src/cart/cart.rs", "gone.rs", "src/"],
        );
        let paths = BTreeSet::from([
            "AGENTS.md",
            "CONTRIBUTING.md",
            "other/AGENTS.md",
            "src/cart/CLAUDE.md",
            "src/cart/cart.rs",
            "tests/cart.rs",
            "tests/cart_test.py",
            "tests/other.rs",
        ]);
        let choice = wanted.choose(&paths);
        assert_eq!(
            choice.guides,
            ["AGENTS.md", "CONTRIBUTING.md", "src/cart/CLAUDE.md"]
        );
        assert_eq!(choice.sources, ["src/cart/cart.rs"]);
        assert_eq!(choice.touched, ["src/cart/cart.rs"]);
        assert_eq!(choice.tests, ["tests/cart.rs", "tests/cart_test.py"]);
    }

    #[test]
    fn without_a_name_of_code_nothing_is_looked_into() {
        let choice =
            wanted("adds twice", &["src/cart.rs"]).choose(&BTreeSet::from(["src/cart.rs"]));
        assert_eq!(
            (choice.sources, choice.touched),
            (vec![], vec!["src/cart.rs".into()])
        );
    }

    #[test]
    fn a_test_is_called_as_what_it_tests() {
        let check = |path: &str, expect: &str| assert_eq!(stem(path), expect, "{path}");
        check("a/test_cart.py", "cart");
        check("cart.spec.ts", "cart");
        check("CartTest.java", "cart");
        check("cart_item_test.go", "cart_item");
        check("Tests/x.rs", "x");
    }

    #[test]
    fn the_nearest_configuration_of_each_kind_is_told() {
        let paths = BTreeSet::from([
            "package.json",
            "web/package.json",
            "web/tsconfig.json",
            "api/Cargo.toml",
            "web/src/a.ts",
        ]);
        let configs = wanted("Fix it", &["web/src/a.ts"]).choose(&paths).configs;
        assert_eq!(configs, ["web/package.json", "web/tsconfig.json"]);
        assert!(
            wanted("Fix it", &["lib/a.ts"])
                .choose(&BTreeSet::new())
                .configs
                .is_empty()
        );
    }
}
