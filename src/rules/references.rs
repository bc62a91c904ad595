//! Which issues does a text say that it needs?

use crate::rules::ids::IssueNumber;
use crate::rules::markdown::prose;
use std::collections::BTreeSet;

/// Words that a reference follows, or a list of them.
const PHRASES: [&str; 7] = [
    "depends on",
    "depend on",
    "dependent on",
    "depends-on",
    "blocked by",
    "blocked-by",
    "needs",
];
/// Words that close what follows them.
const CLOSING: [&str; 9] = [
    "close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved",
];
/// Words right before a phrase that turn it around.
const NEGATIONS: [&str; 5] = ["not", "no longer", "never", "n't", "n’t"];

/// The issues that the text says must be done first: `depends on #1, #2 and #3`, `Blocked by: #4`, `needs #5`, or such
/// words over a list of references. Code, quotes and HTML comments do not count, nor do references into other
/// repositories. Ascending, each once.
#[must_use]
pub fn needs_in_text(body: &str) -> Vec<IssueNumber> {
    let mut needs = BTreeSet::new();
    let mut list = List::None;
    for line in prose(body).lines() {
        let text = without_list_marks(line);
        if text.is_empty() {
            list = list.after_blank();
            continue;
        }
        let is_item = text.len() < line.trim().len();
        let goes_on = match list {
            List::None => false,
            List::Next => true,
            List::NextItem => is_item,
        };
        let listed = goes_on && take_references(text, &mut needs);
        let ends_in_phrase = !text.starts_with('>') && take_phrases(text, &mut needs);
        list = if listed || ends_in_phrase {
            List::Next
        } else {
            List::None
        };
    }
    needs.into_iter().collect()
}

/// The issues that a pull's text closes once it is merged: `closes #1`, `Fixes: #2`. Each has a word of its own, and what
/// is code or a comment does not count. Ascending, each once.
/// After GitHub's "Linking a pull request to an issue using a keyword".
#[must_use]
pub fn closed_by_text(body: &str) -> BTreeSet<IssueNumber> {
    let mut closed = BTreeSet::new();
    for line in prose(body).lines() {
        for text in line.split('`').step_by(2) {
            let lower = text.to_ascii_lowercase();
            for word in CLOSING {
                for (at, _) in lower.match_indices(word) {
                    let after = &text[at + word.len()..];
                    let is_word = !lower[..at].ends_with(|char: char| char.is_alphanumeric());
                    let after = after.strip_prefix(':').unwrap_or(after);
                    if is_word && after.starts_with(' ') {
                        closed.extend(reference(after).and_then(|(number, _)| number));
                    }
                }
            }
        }
    }
    closed
}

/// May the next line belong to a list of needs?
#[derive(Clone, Copy)]
enum List {
    None,
    Next,
    NextItem,
}

impl List {
    fn after_blank(self) -> Self {
        match self {
            Self::None => Self::None,
            Self::Next | Self::NextItem => Self::NextItem,
        }
    }
}

/// The line without indentation, heading, list and checkbox marks.
fn without_list_marks(line: &str) -> &str {
    let mut line = line.trim();
    let heading = line.trim_start_matches('#');
    if heading.starts_with(' ') {
        line = heading.trim_start();
    }
    for mark in ["- ", "* ", "+ ", "[ ] ", "[x] ", "[X] "] {
        line = line.strip_prefix(mark).unwrap_or(line).trim_start();
    }
    line
}

/// Takes what follows each phrase of the line, inline code left out. Does the line end in a phrase, so that a list may
/// follow?
fn take_phrases(line: &str, needs: &mut BTreeSet<IssueNumber>) -> bool {
    let mut ends_in_phrase = false;
    for text in line.split('`').step_by(2) {
        let lower = text.to_ascii_lowercase();
        for phrase in PHRASES {
            for (at, _) in lower.match_indices(phrase) {
                let after = &text[at + phrase.len()..];
                if !is_said(&lower[..at], after) {
                    continue;
                }
                let after = after.trim_start_matches(['*', '_']);
                let after = after.strip_prefix(':').unwrap_or(after);
                take_references(after, needs);
                ends_in_phrase |= after.trim_matches([' ', '*', '_', ':']).is_empty();
            }
        }
    }
    ends_in_phrase
}

/// Does a phrase between these two stand for itself, as whole words that nothing turns around?
fn is_said(before: &str, after: &str) -> bool {
    let before = before.trim_end_matches(['*', '_']);
    let is_whole = !before.ends_with(|char: char| char.is_alphanumeric() || char == '-')
        && !after.starts_with(char::is_alphanumeric);
    let before = before.trim_end();
    is_whole && !NEGATIONS.iter().any(|negation| before.ends_with(negation))
}

/// Takes the references that the text begins with. Was there any?
fn take_references(text: &str, needs: &mut BTreeSet<IssueNumber>) -> bool {
    let mut rest = text;
    let mut any = false;
    while let Some((number, after)) = reference(rest) {
        needs.extend(number);
        any = true;
        rest = after.trim_start_matches([' ', ',', '&', '+']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    any
}

/// The reference that the text begins with, and what follows it; without a number if it leads into another repository.
fn reference(text: &str) -> Option<(Option<IssueNumber>, &str)> {
    let text = text.trim_start_matches([' ', '\t', '*', '_', '[', '(']);
    let text = ["issue ", "issues ", "Issue ", "Issues "]
        .iter()
        .find_map(|word| text.strip_prefix(word))
        .unwrap_or(text);
    let hash = text.find(|char: char| !(char.is_alphanumeric() || "/-_.".contains(char)))?;
    let is_foreign = text[..hash].contains('/');
    let digits = text[hash..].strip_prefix('#')?;
    let after = digits.trim_start_matches(|char: char| char.is_ascii_digit());
    let number: u64 = digits[..digits.len() - after.len()].parse().ok()?;
    let is_whole = !after.starts_with(|char: char| char.is_alphanumeric() || char == '_');
    if !(hash == 0 || is_foreign) || number == 0 || !is_whole {
        return None;
    }
    let number = (hash == 0).then_some(IssueNumber(number));
    Some((number, after_link(after)))
}

/// What follows a reference, its emphasis and its link's address: `#1](https://...)`.
fn after_link(text: &str) -> &str {
    let text = text.trim_start_matches(['*', '_', ')']);
    let Some(link) = text.strip_prefix(']') else {
        return text;
    };
    let address = link.strip_prefix('(').and_then(|link| link.split_once(')'));
    address.map_or(link, |(_, after)| after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[u64]) {
        let expect: Vec<_> = expect.iter().copied().map(IssueNumber).collect();
        assert_eq!(needs_in_text(text), expect, "{text:?}");
    }

    #[test]
    fn closing_words_are_read_as_github_does() {
        let check = |body: &str, expect: &[u64]| {
            let found: Vec<u64> = closed_by_text(body).iter().map(|issue| issue.0).collect();
            assert_eq!(found, expect, "{body}");
        };
        check("Closes #1", &[1]);
        check("This fixes: #2 and resolved #3.", &[2, 3]);
        check("CLOSES #4, #5", &[4]);
        check("closes octo/other#6 and discloses #7", &[]);
        check(
            "`closes #8` <!-- closes #9 -->\n```\ncloses #10\n```\n",
            &[],
        );
        check("See #11; closing #12 is not a word", &[]);
    }

    #[test]
    fn what_a_text_needs_is_read() {
        check("This depends on #3.", &[3]);
        check("Depends on #1, #2 and #3; see #4", &[1, 2, 3]);
        check("blocked by: #7, #5 & #5", &[5, 7]);
        check("needs issue #5 first. BLOCKED BY #2", &[2, 5]);
        check("**Depends on:** [#3](https://x.test/3), **#4**", &[3, 4]);
        check("- [ ] depends on #1\n- [x] blocked by #2", &[1, 2]);
        check("Depends-On: #9", &[9]);
    }

    #[test]
    fn a_list_below_the_words_belongs_to_them() {
        check(
            "## Depends on\n\n- #1\n- [ ] #2 the other\n\n#3 is not one",
            &[1, 2],
        );
        check("Blocked by:\n* #4\nText\n* #5", &[4]);
        check("this depends on\n#6, #7", &[6, 7]);
    }

    #[test]
    fn what_only_looks_like_a_need_is_none() {
        check("depends on owner/repo#3", &[]);
        check("depends on owner/repo#3 and #4", &[4]);
        check("needs to fix #5", &[]);
        check(
            "no longer depends on #3; isn't blocked by #4; does not depend on #5",
            &[],
        );
        check("> depends on #3\n\n    text", &[]);
        check("```\ndepends on #3\n```\n`needs #4` <!-- needs #5 -->", &[]);
        check(
            "subneeds #3, needs #12a, needs #0, needs #99999999999999999999",
            &[],
        );
        check("fixes #3 and mentions #4", &[]);
        check("", &[]);
    }

    #[test]
    fn a_huge_text_is_read_in_one_go() {
        let body = "depends on #1, <!-- [#2](".repeat(3000);
        check(&body, &[1]);
    }
}
