//! The files that detection looks at, directory by directory.

use crate::rules::footprint::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Files whose contents are read, by name.
const READ: [&str; 23] = [
    "Cargo.toml",
    "package.json",
    "pyproject.toml",
    "setup.cfg",
    "tox.ini",
    "pytest.ini",
    "requirements.txt",
    "requirements-dev.txt",
    "dev-requirements.txt",
    "requirements_dev.txt",
    "go.mod",
    "pom.xml",
    "Gemfile",
    "Rakefile",
    "composer.json",
    "mix.exs",
    "Makefile",
    "makefile",
    "GNUmakefile",
    "justfile",
    "Justfile",
    ".justfile",
    "Pipfile",
];
/// The same, by ending.
const READ_ENDINGS: [&str; 3] = [".csproj", ".fsproj", ".vbproj"];
/// Directories whose manifests are material or other people's work.
const NOT_OURS: [&str; 16] = [
    "node_modules",
    "vendor",
    "third_party",
    "testdata",
    "fixtures",
    "__fixtures__",
    "examples",
    "example",
    "templates",
    "template",
    "target",
    "dist",
    "tests",
    "test",
    "spec",
    "samples",
];
/// More directories with manifests are not looked at.
const MOST_DIRECTORIES: usize = 200;

/// Does detection want to read this file?
#[must_use]
pub fn is_read(path: &str) -> bool {
    let (directory, name) = parts(path);
    let wanted = READ.contains(&name) || READ_ENDINGS.iter().any(|end| name.ends_with(end));
    wanted && (is_ours(directory) || is_own_project(directory, name))
}

/// The files of a repository, with the contents of those that are read.
#[derive(Clone, Debug, Default)]
pub struct Files {
    tree: Tree,
    /// The same, in the order of their bytes.
    sorted: Vec<Arc<str>>,
    /// The same, by directory.
    by_directory: BTreeMap<Box<str>, Vec<Arc<str>>>,
    texts: BTreeMap<String, String>,
}

impl Files {
    /// All paths, and the texts of those that [`is_read`] names; one without a text could not be read.
    pub fn new<P: AsRef<str>>(
        paths: impl IntoIterator<Item = P>,
        texts: BTreeMap<String, String>,
    ) -> Self {
        let tree = Tree::new(paths);
        let sorted: Vec<Arc<str>> = tree.paths().cloned().collect();
        let mut by_directory = BTreeMap::<Box<str>, Vec<Arc<str>>>::new();
        for path in &sorted {
            let directory = by_directory.entry(parts(path).0.into()).or_default();
            directory.push(Arc::clone(path));
        }
        Self {
            tree,
            sorted,
            by_directory,
            texts,
        }
    }

    /// Those that should have been read, and could not be.
    pub fn unread(&self) -> impl Iterator<Item = &str> {
        let paths = self.tree.paths().map(|path| &**path);
        paths.filter(|path| is_read(path) && !self.texts.contains_key(*path))
    }

    /// The directories that may hold a manifest, the top first.
    #[must_use]
    pub fn folders(&self) -> Vec<Folder<'_>> {
        let directories: BTreeSet<&str> = self
            .tree
            .paths()
            .map(|path| parts(path))
            .filter(|(directory, name)| is_ours(directory) || is_own_project(directory, name))
            .map(|(directory, _)| directory)
            .collect();
        let folder = |path| Folder { files: self, path };
        let all = directories.into_iter().map(folder);
        all.filter(Folder::has_manifest)
            .take(MOST_DIRECTORIES)
            .collect()
    }
}

/// One directory of a repository.
#[derive(Clone, Copy, Debug)]
pub struct Folder<'a> {
    files: &'a Files,
    /// Its path; empty for the top.
    pub path: &'a str,
}

impl<'a> Folder<'a> {
    /// Is there such a file?
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.files.tree.contains(&self.path_of(name))
    }

    /// The first of these that is there.
    #[must_use]
    pub fn first_of<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        names.iter().copied().find(|name| self.has(name))
    }

    /// What a file of it says, where it is there and can be read.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.files
            .texts
            .get(&self.path_of(name))
            .map(String::as_str)
    }

    /// The whole path of a file of it.
    #[must_use]
    pub fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.path)
        }
    }

    /// All paths below it, from the top.
    pub fn below(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut start = self.path.to_owned();
        if !start.is_empty() {
            start.push('/');
        }
        let sorted = &self.files.sorted;
        let first = sorted.partition_point(|path| **path < *start);
        let paths = sorted[first..].iter().map(|path| &**path);
        paths.take_while(move |path: &&str| path.starts_with(&start))
    }

    /// Is there a file below it, outside of what is not ours, whose name ends like one of these?
    #[must_use]
    pub fn has_below(&self, endings: &[&str]) -> bool {
        self.below().any(|path| {
            let at_home = !path.split('/').any(|part| FOREIGN.contains(&part));
            at_home && endings.iter().any(|ending| path.ends_with(ending))
        })
    }

    /// The names of its own files that end like this.
    pub fn ending(&self, ending: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let ending = ending.to_owned();
        let own = self.files.by_directory.get(self.path);
        let names = own.into_iter().flatten().map(|path| parts(path).1);
        names.filter(move |name| name.ends_with(&ending))
    }

    /// The directories above it, the nearest first.
    pub fn above(&self) -> impl Iterator<Item = Folder<'a>> + use<'a> {
        let (files, mut path) = (self.files, self.path);
        std::iter::from_fn(move || {
            if path.is_empty() {
                return None;
            }
            path = parts(path).0;
            Some(Folder { files, path })
        })
    }

    /// The texts of files below it that end like this.
    pub fn texts_below(&self, ending: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let (files, ending) = (self.files, ending.to_owned());
        let paths = self.below().filter(move |path| path.ends_with(&ending));
        paths.filter_map(|path| files.texts.get(path).map(String::as_str))
    }

    fn has_manifest(&self) -> bool {
        let others = [
            ".pre-commit-config.yaml",
            "build.gradle",
            "build.gradle.kts",
            "settings.gradle",
            "settings.gradle.kts",
            "setup.py",
        ];
        let solutions = [".sln", ".slnx"];
        self.path.is_empty()
            || READ.iter().chain(&others).any(|name| self.has(name))
            || READ_ENDINGS
                .iter()
                .chain(&solutions)
                .any(|end| self.ending(end).next().is_some())
    }
}

/// Other people's work, also where tests are looked for.
const FOREIGN: [&str; 3] = ["node_modules", "vendor", "third_party"];

fn is_ours(directory: &str) -> bool {
    let mut parts = directory.split('/').filter(|part| !part.is_empty());
    parts.all(|part| !part.starts_with('.') && !NOT_OURS.contains(&part))
}

/// A .NET project of tests stands where tests do.
fn is_own_project(directory: &str, name: &str) -> bool {
    let mut parts = directory.split('/');
    let is_foreign = parts.any(|part| part.starts_with('.') || FOREIGN.contains(&part));
    !is_foreign && READ_ENDINGS.iter().any(|end| name.ends_with(end))
}

/// The directory of a path, and its name.
fn parts(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_of_others_are_not_read() {
        let check = |path: &str, expect: bool| assert_eq!(is_read(path), expect, "{path}");
        check("package.json", true);
        check("web/app/package.json", true);
        check("web/node_modules/left-pad/package.json", false);
        check("tests/fixtures/Cargo.toml", false);
        check("tests/Shop.Tests/Shop.Tests.csproj", true);
        check(".github/package.json", false);
        check("src/main.rs", false);
    }

    #[test]
    fn directories_with_manifests_come_by_path_and_know_those_above() {
        let paths = ["a/b/go.mod", "a/x.txt", "z/package.json", "README.md"];
        let files = Files::new(paths, BTreeMap::new());
        let folders = files.folders();
        let names: Vec<&str> = folders.iter().map(|folder| folder.path).collect();
        assert_eq!(names, ["", "a/b", "z"]);
        let above: Vec<&str> = folders[1].above().map(|folder| folder.path).collect();
        assert_eq!(above, ["a", ""]);
        assert_eq!(
            files.unread().collect::<Vec<_>>(),
            ["a/b/go.mod", "z/package.json"]
        );
    }
}
