//! How much does one title read like another?

use crate::rules::evaluate::score::Score;
use crate::rules::evaluate::similar::Resolved;
use crate::rules::footprint::words::{terms, unique_terms};

/// Okapi BM25's usual constants: how soon a word that is said again counts no more, and how much length matters.
/// Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009), section 3.2.
const SATURATION: f64 = 1.2;
const LENGTH: f64 = 0.75;

/// The words of a title, and how much each says.
#[derive(Clone, Debug)]
pub struct Weighed {
    words: Vec<(String, f64)>,
    /// Words of a title of usual length.
    usual: f64,
}

/// How much a word says that `holding` of `all` texts have; above 0, the rarer the more. As in Lucene's BM25:
/// ln(1 + (N - n + 0.5) / (n + 0.5)).
#[must_use]
pub fn rarity(holding: f64, all: f64) -> f64 {
    (1.0 + ((all - holding).max(0.0) + 0.5) / (holding + 0.5)).ln()
}

/// How many words titles like these have on average.
#[must_use]
pub fn usual_length(resolved: &[Resolved]) -> f64 {
    let words: usize = resolved
        .iter()
        .map(|other| terms(untagged(&other.title)).len())
        .sum();
    count(words) / count(resolved.len().max(1))
}

impl Weighed {
    /// A title whose words all say the same; `usual` is how many words titles have.
    #[must_use]
    pub fn new(title: &str, usual: f64) -> Self {
        let words = unique_terms(untagged(title)).into_iter();
        Self {
            words: words.map(|word| (word, 1.0)).collect(),
            usual: usual.max(1.0),
        }
    }

    /// Its words, and how much each says: a number above 0.
    pub fn weights(&mut self) -> impl Iterator<Item = (&str, &mut f64)> {
        let words = self.words.iter_mut();
        words.map(|(word, weight)| (word.as_str(), weight))
    }

    /// BM25 of the other title, over that of one of usual length that has all of our words; from 0 to 1. One word alone
    /// that both have is nothing, unless neither has another.
    #[must_use]
    pub fn likeness(&self, other: &str) -> Score {
        let other = terms(untagged(other));
        let length = count(other.len()) / self.usual;
        let norm = SATURATION * (1.0 - LENGTH + LENGTH * length);
        let (mut score, mut most, mut shared) = (0.0, 0.0, 0);
        for (word, weight) in &self.words {
            most += weight;
            let times = count(other.iter().filter(|own| *own == word).count());
            if times > 0.0 {
                shared += 1;
                score += weight * times * (SATURATION + 1.0) / (times + norm);
            }
        }
        let is_same = shared == 1 && self.words.len() == 1 && other.len() == 1;
        if shared < 2 && !is_same {
            return Score::ZERO;
        }
        Score::of((score / most).clamp(0.0, 1.0)).unwrap_or_default()
    }
}

/// `[Backend] Fix it` -> ` Fix it`
fn untagged(title: &str) -> &str {
    let tagged = title.trim_start().strip_prefix('[');
    tagged
        .and_then(|rest| rest.split_once(']'))
        .map_or(title, |(_, rest)| rest)
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(title: &str, other: &str, expect: u8) {
        let mut title_weighed = Weighed::new(title, 3.0);
        for (word, weight) in title_weighed.weights() {
            *weight = if word == "fix" { 0.2 } else { 2.0 };
        }
        let found = title_weighed.likeness(other);
        assert_eq!(found, Score::hundredths(expect), "{title} / {other}");
    }

    #[test]
    fn rare_words_that_both_have_make_titles_alike() {
        check(
            "Fix the login timeout",
            "[Backend] fixes login timeouts",
            100,
        );
        check("Fix the login timeout", "Login: time out", 0);
        check("Fix the login timeout", "Mend login timeout", 95);
        check(
            "Fix the login timeout",
            "Fix the login page of the shop",
            46,
        );
        check("Fix the login timeout", "Fix prices", 0);
        check("Timeout", "timeouts", 100);
        check("Timeout", "timeouts of logins", 0);
        check("", "", 0);
    }

    #[test]
    fn a_rare_word_says_more_than_a_common_one() {
        assert!(rarity(1.0, 1000.0) > rarity(500.0, 1000.0));
        assert!(rarity(1000.0, 1000.0) > 0.0 && rarity(0.0, 0.0) > 0.0);
        assert!(rarity(5.0, 1.0) > 0.0, "counts of two moments");
    }

    proptest! {
        #[test]
        fn any_two_titles_have_a_likeness(a in ".{0,60}", b in ".{0,60}", usual in 0.0_f64..20.0) {
            let found = Weighed::new(&a, usual).likeness(&b);
            prop_assert!(found <= Score::ONE);
        }
    }
}
