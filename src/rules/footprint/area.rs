//! Files that labels, owners and the domain speak for.

use crate::rules::footprint::glob::fits;
use crate::rules::footprint::read::shared;
use crate::rules::footprint::tree::Tree;
use crate::rules::own::Classification;
use std::sync::Arc;

/// How strong it is that a label names a directory above the file, or its owner.
const BY_LABEL: f64 = 0.7;
/// How strong it is that the file is of the domain by its path.
pub const BY_DOMAIN: f64 = 0.2;
/// An area of more files than this is none.
const FILES_MAX: usize = 200;

/// Who owns what, as a `CODEOWNERS` file says: patterns with owners, of which the last that fits counts.
/// <https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    rules: Vec<(String, Vec<String>)>,
}

impl Owners {
    /// Where such a file may stand; the first that is there counts.
    pub const PLACES: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

    /// Reads it; what is no rule is passed over.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let rules = text.lines().filter_map(|line| {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let pattern = words.next().filter(|word| !word.starts_with('['))?;
            Some((pattern.to_owned(), words.map(str::to_lowercase).collect()))
        });
        Self {
            rules: rules.collect(),
        }
    }

    /// Is there no rule at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Who owns this file; nobody where no rule fits, or the last that fits names nobody.
    #[must_use]
    pub fn of(&self, path: &str) -> &[String] {
        let rule = self
            .rules
            .iter()
            .rev()
            .find(|(pattern, _)| owns(pattern, path));
        rule.map_or(&[], |(_, owners)| owners)
    }
}

/// Patterns as in `.gitignore`: one with a `/` before its end begins at the root, a directory means all below it.
fn owns(pattern: &str, path: &str) -> bool {
    let whole = pattern.trim_end_matches('/');
    let is_rooted = whole.contains('/');
    let whole = whole.trim_start_matches('/');
    // A pattern of one segment fits the last one of any path, unless it is rooted.
    if is_rooted && !whole.contains('/') && path.contains('/') {
        return fits(&format!("{whole}/**/*"), path);
    }
    let from_root = if is_rooted {
        whole.to_owned()
    } else {
        format!("**/{whole}")
    };
    let is_file = !pattern.ends_with('/') && fits(&from_root, path);
    is_file || fits(&format!("{from_root}/**/*"), path)
}

/// Files in the areas that these labels name, and how strongly: `area: parser`, `pkg/net` or `parser` name a directory
/// of that name, and each owner of files by the name or the last part of it.
#[must_use]
pub fn labelled(labels: &[String], tree: &Tree, owners: &Owners) -> Vec<(Arc<str>, f64)> {
    let mut found = Vec::new();
    for label in labels {
        let Some(area) = area_of(label) else {
            continue;
        };
        let below: Vec<&Arc<str>> = tree.paths().filter(|path| is_below(path, &area)).collect();
        add(&below, &mut found);
        if !owners.is_empty() {
            let owned =
                |path: &&Arc<str>| owners.of(path).iter().any(|owner| is_owner(owner, &area));
            let owned: Vec<&Arc<str>> = tree.paths().filter(owned).collect();
            add(&owned, &mut found);
        }
    }
    found
}

/// Files that the project's own rules name for these labels, and how strongly.
#[must_use]
pub fn ruled(labels: &[String], tree: &Tree, own: &Classification) -> Vec<(Arc<str>, f64)> {
    let mut found = Vec::new();
    for patterns in own.places(labels) {
        let is_meant = |path: &&Arc<str>| patterns.iter().any(|pattern| pattern.means(path));
        let files: Vec<&Arc<str>> = tree.paths().filter(is_meant).collect();
        add(&files, &mut found);
    }
    found
}

fn add(files: &[&Arc<str>], found: &mut Vec<(Arc<str>, f64)>) {
    if files.len() <= FILES_MAX {
        let strength = shared(BY_LABEL, files.len());
        found.extend(files.iter().map(|path| (Arc::clone(path), strength)));
    }
}

/// What a label is about: what stands behind its last `:`, in lower case.
fn area_of(label: &str) -> Option<String> {
    let area = label
        .rsplit(':')
        .next()
        .unwrap_or(label)
        .trim()
        .to_lowercase();
    (area.len() > 2).then_some(area)
}

fn is_below(path: &str, area: &str) -> bool {
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let directory = format!("/{}/", directory.to_lowercase());
    directory.contains(&format!("/{}/", area.trim_matches('/')))
}

fn is_owner(owner: &str, area: &str) -> bool {
    let name = owner.trim_start_matches('@');
    let last = name.rsplit('/').next().unwrap_or(name);
    [name, last, last.trim_end_matches("-team")].contains(&area.trim_start_matches('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rule_that_fits_names_the_owners() {
        let owners = Owners::read(
            "# all\n*  @org/all\n*.js @js # by ending\n/docs/ @org/Writers\nsrc/net @net\n/build.rs @root\nlogs/ @ops\n",
        );
        let check = |path: &str, expect: &[&str]| assert_eq!(owners.of(path), expect, "{path}");
        check("README.md", &["@org/all"]);
        check("a/b.js", &["@js"]);
        check("docs/a/b.md", &["@org/writers"]);
        check("other/docs/b.md", &["@org/all"]);
        check("src/net/tcp.rs", &["@net"]);
        check("x/src/net/tcp.rs", &["@org/all"]);
        check("build.rs", &["@root"]);
        check("deep/build.rs", &["@org/all"]);
        check("deep/logs/x", &["@ops"]);
    }

    #[test]
    fn labels_name_directories_and_owners() {
        let tree = Tree::new([
            "src/parser/a.rs",
            "src/parser/b.rs",
            "src/net/c.rs",
            "docs/d.md",
        ]);
        let owners = Owners::read("docs/ @org/writers-team\n");
        let check = |label: &str, expect: &[&str]| {
            let found = labelled(&[label.to_owned()], &tree, &owners);
            let paths: Vec<&str> = found.iter().map(|(path, _)| &**path).collect();
            assert_eq!(paths, expect, "{label}");
        };
        check("area: Parser", &["src/parser/a.rs", "src/parser/b.rs"]);
        check("src/net", &["src/net/c.rs"]);
        check("writers", &["docs/d.md"]);
        check("bug", &[]);
        check("", &[]);
    }

    #[test]
    fn labels_of_own_rules_name_their_paths() {
        let tree = Tree::new(["src/bill/a.rs", "src/bill/b.rs", "src/net/c.rs"]);
        let rules = serde_json::json!({ "rules": [
            { "domain": "backend", "labels": ["payments"], "paths": ["src/bill/**"] },
            { "domain": "backend", "keywords": ["net"], "paths": ["src/net/**"] },
        ] });
        let own: Classification = serde_json::from_value(rules).unwrap();
        let found = ruled(&["area: Payments".to_owned()], &tree, &own);
        let paths: Vec<&str> = found.iter().map(|(path, _)| &**path).collect();
        assert_eq!(paths, ["src/bill/a.rs", "src/bill/b.rs"]);
        assert!(ruled(&["net".to_owned()], &tree, &own).is_empty());
    }
}
