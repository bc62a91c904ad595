//! Which paths hold the words of a text?

use crate::rules::footprint::words::unique_terms;
use crate::rules::paths::name;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A word of a directory's name says half of what it says in a file's own.
const IN_DIRECTORY: f64 = 0.5;
/// A word that more than this share of all paths hold says nothing, and so it does if more paths than this hold it.
const EVERYWHERE: f64 = 0.3;
const HOLDERS_MAX: usize = 2000;

/// The words of all paths of a tree.
#[derive(Clone, Debug, Default)]
pub struct PathWords {
    holders: HashMap<String, BTreeSet<Arc<str>>>,
    paths: usize,
}

impl PathWords {
    /// Adds a path that is not in it yet.
    pub fn insert(&mut self, path: &str) {
        let path: Arc<str> = path.into();
        self.paths += 1;
        for word in unique_terms(&path) {
            self.holders
                .entry(word)
                .or_default()
                .insert(Arc::clone(&path));
        }
    }

    /// Takes a path out that is in it.
    pub fn remove(&mut self, path: &str) {
        self.paths = self.paths.saturating_sub(1);
        for word in unique_terms(path) {
            if let Some(holders) = self.holders.get_mut(&word) {
                holders.remove(path);
                if holders.is_empty() {
                    self.holders.remove(&word);
                }
            }
        }
    }

    /// Paths that hold words of the text, and how strongly they do, from 0 to 1: the rarity of the shared words, as a
    /// part of that of the best path, and of one word that no other path has at least.
    #[must_use]
    pub fn sharing(&self, words: &BTreeSet<String>) -> Vec<(Arc<str>, f64)> {
        let all = number(self.paths);
        let mut scores: BTreeMap<Arc<str>, f64> = BTreeMap::new();
        for word in words {
            let Some(holders) = self.holders.get(word) else {
                continue;
            };
            let many = number(holders.len()) > (all * EVERYWHERE).max(3.0);
            if many || holders.len() > HOLDERS_MAX {
                continue;
            }
            let rarity = (1.0 + all / number(holders.len())).ln();
            for path in holders {
                let is_own = unique_terms(name(path)).contains(word);
                let part = if is_own {
                    rarity
                } else {
                    rarity * IN_DIRECTORY
                };
                *scores.entry(Arc::clone(path)).or_default() += part;
            }
        }
        let best = scores.values().copied().fold((1.0 + all).ln(), f64::max);
        scores
            .into_iter()
            .map(|(path, score)| (path, score / best))
            .collect()
    }
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sharing(words: &PathWords, text: &str) -> Vec<String> {
        let mut found = words.sharing(&unique_terms(text));
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        assert!(
            found
                .iter()
                .all(|(_, strength)| (0.0..=1.0).contains(strength))
        );
        found
            .into_iter()
            .map(|(path, _)| path.to_string())
            .collect()
    }

    #[test]
    fn rare_words_of_the_own_name_count_most() {
        let mut words = PathWords::default();
        for path in [
            "src/printer/json.rs",
            "src/printer/color.rs",
            "src/printer/stats.rs",
            "src/search/json.rs",
            "src/a.rs",
            "src/b.rs",
            "src/c.rs",
            "src/d.rs",
            "src/e.rs",
            "src/f.rs",
            "src/g.rs",
            "src/h.rs",
        ] {
            words.insert(path);
        }
        assert_eq!(
            sharing(&words, "colors of the printer")[0],
            "src/printer/color.rs"
        );
        assert_eq!(sharing(&words, "JSON").len(), 2);
        assert!(sharing(&words, "src rs nothing").is_empty());
        words.remove("src/search/json.rs");
        assert_eq!(sharing(&words, "JSON"), ["src/printer/json.rs"]);
    }
}
