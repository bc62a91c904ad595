//! The words of a text, and of a path, as far as they say what it is about.

use std::collections::BTreeSet;

/// The most words that are read from one text, and the longest one.
const TERMS_MAX: usize = 2000;
const LENGTH_MAX: usize = 40;

/// The words of a text in their order, in lower case, without endings and without those that every text has;
/// `camelCase` and `snake_case` are taken apart. At most 2000.
#[must_use]
pub fn terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    for run in text.split(|char: char| !char.is_alphanumeric()) {
        for part in humps(run) {
            let word = part.to_lowercase();
            let length = word.chars().count();
            if (2..=LENGTH_MAX).contains(&length) && !is_common(&word) {
                terms.push(stem(&word).to_owned());
            }
            if terms.len() >= TERMS_MAX {
                return terms;
            }
        }
    }
    terms
}

/// The same, each once.
#[must_use]
pub fn unique_terms(text: &str) -> BTreeSet<String> {
    terms(text).into_iter().collect()
}

/// `readHTMLFile2` -> `read`, `HTML`, `File2`
fn humps(run: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let chars: Vec<(usize, char)> = run.char_indices().collect();
    for (index, &(at, char)) in chars.iter().enumerate().skip(1) {
        let before = chars[index - 1].1;
        let next_is_lower = chars
            .get(index + 1)
            .is_some_and(|(_, next)| next.is_lowercase());
        let begins = char.is_uppercase() && (!before.is_uppercase() || next_is_lower);
        if begins {
            parts.push(&run[start..at]);
            start = at;
        }
    }
    parts.push(&run[start..]);
    parts
}

/// Takes the commonest endings of English off; both sides of a comparison are cut alike, so it need not be right.
fn stem(word: &str) -> &str {
    for ending in ["ing", "ed", "es", "s"] {
        if let Some(rest) = word.strip_suffix(ending)
            && rest.chars().count() >= 3
            && !(ending == "s" && rest.ends_with('s'))
        {
            return rest;
        }
    }
    word
}

/// Is it in every text?
#[must_use]
pub fn is_common(word: &str) -> bool {
    COMMON.binary_search(&word).is_ok()
}

#[rustfmt::skip]
const COMMON: [&str; 61] = [
    "a", "about", "all", "also", "an", "and", "any", "are", "as", "at", "be", "but", "by", "can",
    "do", "does", "for", "from", "has", "have", "how", "if", "in", "instead", "into", "is", "it", "its",
    "make", "more", "need", "no", "not", "of", "on", "one", "only", "or", "our", "should",
    "so", "some", "than", "that", "the", "their", "then", "there", "these", "they", "this", "to",
    "use", "was", "we", "what", "when", "which", "will", "with", "you",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_alike_on_both_sides() {
        let check = |text: &str, expect: &[&str]| assert_eq!(terms(text), expect, "{text}");
        check("Fixed the readers", &["fix", "reader"]);
        check(
            "readHTMLFile in snake_case",
            &["read", "html", "file", "snake", "case"],
        );
        check("src/http2/Client.rs", &["src", "http2", "client", "rs"]);
        check("a I 日本語 é", &["日本語"]);
        check("class pass", &["class", "pass"]);
        check("", &[]);
    }

    #[test]
    fn the_common_words_can_be_searched() {
        assert!(COMMON.is_sorted());
        assert!(is_common("the") && !is_common("reader"));
    }

    #[test]
    fn an_endless_text_is_cut() {
        assert_eq!(terms(&"word ".repeat(100_000)).len(), 2000);
    }
}
