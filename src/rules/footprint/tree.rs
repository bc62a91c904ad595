//! The files of the base branch, to look paths up in that a text half names.

use crate::rules::footprint::glob;
use crate::rules::paths::name;
use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

/// The paths of a tree.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    paths: BTreeSet<Arc<str>>,
    by_name: HashMap<Box<str>, Vec<Arc<str>>>,
}

impl Tree {
    /// A tree of these files.
    pub fn new<P: AsRef<str>>(paths: impl IntoIterator<Item = P>) -> Self {
        let mut tree = Self::default();
        for path in paths {
            tree.insert(path.as_ref());
        }
        tree
    }

    /// Adds a file; twice is once.
    pub fn insert(&mut self, path: &str) {
        let path: Arc<str> = path.into();
        if self.paths.insert(Arc::clone(&path)) {
            self.by_name
                .entry(name(&path).into())
                .or_default()
                .push(path);
        }
    }

    /// Takes a file out, where it is there.
    pub fn remove(&mut self, path: &str) {
        if !self.paths.remove(path) {
            return;
        }
        if let Some(paths) = self.by_name.get_mut(name(path)) {
            paths.retain(|known| &**known != path);
            if paths.is_empty() {
                self.by_name.remove(name(path));
            }
        }
    }

    /// How many files.
    #[must_use]
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Has it no file?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Is there such a file?
    #[must_use]
    pub fn contains(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// All files, by path.
    pub fn paths(&self) -> impl Iterator<Item = &Arc<str>> {
        self.paths.iter()
    }

    /// The files of this name, in any directory.
    #[must_use]
    pub fn called(&self, name: &str) -> &[Arc<str>] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The files below a directory, whose path ends in `/`.
    pub fn below<'a>(&'a self, directory: &'a str) -> impl Iterator<Item = &'a Arc<str>> {
        self.paths
            .range::<str, _>((Bound::Included(directory), Bound::Unbounded))
            .take_while(move |path| path.starts_with(directory))
    }

    /// The files that fit a pattern, up to a number of them.
    #[must_use]
    pub fn fitting(&self, pattern: &str, most: usize) -> Vec<&Arc<str>> {
        // Everything that fits begins with what stands before the first star.
        let until = pattern.find(['*', '?']).unwrap_or(pattern.len());
        let start = if pattern.contains('/') {
            &pattern[..until]
        } else {
            ""
        };
        let from = (Bound::Included(start), Bound::Unbounded);
        self.paths
            .range::<str, _>(from)
            .take_while(|path| path.starts_with(start))
            .filter(|path| glob::fits(pattern, path))
            .take(most)
            .collect()
    }

    /// The files that this path can mean when it is written from elsewhere: more of it (`printer/lib.rs`), or less
    /// (`home/me/shop/src/a.rs`). Those that share most with it, and how many segments they share.
    #[must_use]
    pub fn ending_like(&self, path: &str) -> (Vec<&Arc<str>>, usize) {
        let shared = |known: &str| {
            let pairs = known.rsplit('/').zip(path.rsplit('/'));
            pairs.take_while(|(one, other)| one == other).count()
        };
        let most = self
            .called(name(path))
            .iter()
            .map(|known| shared(known))
            .max();
        let most = most.unwrap_or(0);
        let best = self.called(name(path)).iter();
        (best.filter(|known| shared(known) == most).collect(), most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        Tree::new([
            "README.md",
            "src/a.rs",
            "src/b/a.rs",
            "src/b/mod.rs",
            "srcs/x.rs",
        ])
    }

    fn names(found: Vec<&Arc<str>>) -> Vec<String> {
        found.into_iter().map(ToString::to_string).collect()
    }

    #[test]
    fn files_are_found_by_path_name_directory_and_pattern() {
        let tree = tree();
        assert!(tree.contains("src/a.rs") && !tree.contains("a.rs"));
        assert_eq!(tree.called("a.rs").len(), 2);
        assert_eq!(
            names(tree.below("src/b/").collect()),
            ["src/b/a.rs", "src/b/mod.rs"]
        );
        assert_eq!(tree.below("src/").count(), 3);
        assert_eq!(names(tree.fitting("src/*.rs", 9)), ["src/a.rs"]);
        assert_eq!(tree.fitting("*.rs", 2).len(), 2);
    }

    #[test]
    fn a_path_from_elsewhere_means_what_ends_most_like_it() {
        let tree = tree();
        assert_eq!(names(tree.ending_like("b/mod.rs").0), ["src/b/mod.rs"]);
        assert_eq!(
            names(tree.ending_like("home/me/src/b/a.rs").0),
            ["src/b/a.rs"]
        );
        assert_eq!(tree.ending_like("a.rs").0.len(), 2);
        assert_eq!(tree.ending_like("x/none.rs"), (vec![], 0));
    }

    #[test]
    fn a_file_taken_out_is_gone() {
        let mut tree = tree();
        tree.remove("src/b/mod.rs");
        tree.remove("src/none.rs");
        assert!(!tree.contains("src/b/mod.rs"));
        assert!(tree.called("mod.rs").is_empty());
        assert_eq!(tree.len(), 4);
        tree.insert("src/a.rs");
        assert_eq!(tree.called("a.rs").len(), 2);
    }
}
