//! Which new names some disk takes for a name that is there: of two such files only one can be checked out.

use crate::rules::gate::spelled::folded;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// How many spellings of one name are remembered.
const SPELLINGS: usize = 3;

/// Each of the new paths that meets another one of the tree, with the part of that path where they meet. `all` are all
/// paths of the tree, the new ones too. What met on the base already is nobody's doing here.
#[must_use]
pub fn meetings<'a>(
    new: &[&'a str],
    all: impl IntoIterator<Item = &'a str>,
) -> BTreeMap<&'a str, String> {
    let own: HashSet<&str> = new.iter().copied().collect();
    let mut seen: HashMap<String, Seen> = HashMap::new();
    for path in new {
        for (_, fold) in steps(path, &folded(path)) {
            seen.entry(fold.to_owned()).or_default();
        }
    }
    for path in all {
        let (is_new, fold) = (own.contains(path), folded(path));
        for (step, fold) in steps(path, &fold) {
            let Some(seen) = seen.get_mut(fold) else {
                break;
            };
            seen.note(step, is_new);
        }
    }
    let met = new.iter().filter_map(|path| {
        let fold = folded(path);
        let mut steps = steps(path, &fold);
        let other = steps.find_map(|(step, fold)| seen[fold].other_than(step))?;
        Some((*path, other.to_owned()))
    });
    met.collect()
}

/// How a name is spelled in the tree.
#[derive(Default)]
struct Seen<'a> {
    spellings: BTreeSet<&'a str>,
    /// Those that are on the base as well.
    old: BTreeSet<&'a str>,
}

impl<'a> Seen<'a> {
    fn note(&mut self, step: &'a str, is_new: bool) {
        if self.spellings.len() < SPELLINGS || self.spellings.contains(step) {
            self.spellings.insert(step);
            if !is_new {
                self.old.insert(step);
            }
        }
    }

    /// Another spelling, where this one is new.
    fn other_than(&self, step: &str) -> Option<&'a str> {
        let mut others = self.spellings.iter().filter(|other| **other != step);
        (!self.old.contains(step))
            .then(|| others.next().copied())
            .flatten()
    }
}

/// Every directory above the path, and the path itself, each with its fold.
fn steps<'p, 'f>(path: &'p str, fold: &'f str) -> impl Iterator<Item = (&'p str, &'f str)> {
    let ends = |text: &str| -> Vec<usize> {
        let slashes = text.match_indices('/').map(|(at, _)| at);
        slashes.chain([text.len()]).collect()
    };
    let both = ends(path).into_iter().zip(ends(fold));
    both.map(move |(end, fold_end)| (&path[..end], &fold[..fold_end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_names_that_meet_others_are_found() {
        let check = |new: &[&str], old: &[&str], expect: &[(&str, &str)]| {
            let all = new.iter().chain(old).copied();
            let found: Vec<(&str, String)> = meetings(new, all).into_iter().collect();
            let found: Vec<(&str, &str)> = found.iter().map(|(a, b)| (*a, b.as_str())).collect();
            assert_eq!(found, expect, "{new:?} beside {old:?}");
        };
        check(
            &["readme.md"],
            &["README.md", "a"],
            &[("readme.md", "README.md")],
        );
        check(
            &["caf\u{e9}"],
            &["cafe\u{301}"],
            &[("caf\u{e9}", "cafe\u{301}")],
        );
        check(&["A", "a"], &[], &[("A", "a"), ("a", "A")]);
        // A link and a directory: what is checked out later is written through the link.
        check(&["Docs"], &["docs/a.md"], &[("Docs", "docs")]);
        check(
            &["Docs/x", "Docs/y"],
            &["docs/a"],
            &[("Docs/x", "docs"), ("Docs/y", "docs")],
        );
        check(&["a. /x"], &["a/y"], &[("a. /x", "a")]);
        check(&["src/new.rs"], &["src/a.rs", "README.md"], &[]);
        check(&["new/readme.md"], &["README.md"], &[]);
        check(&[], &["A", "a"], &[]);
        // They met before.
        check(&["Docs/new.md"], &["Docs/a.md", "docs/b.md"], &[]);
        check(&["Docs/A"], &["Docs/a", "docs/b"], &[("Docs/A", "Docs/a")]);
    }

    #[test]
    fn a_name_that_replaces_its_other_spelling_meets_nothing() {
        let met = meetings(&["README.md"], ["README.md", "src/a.rs"]);
        assert!(met.is_empty(), "the old one is gone: {met:?}");
    }
}
