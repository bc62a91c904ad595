//! What is read from an issue's text besides its words.

use crate::rules::evaluate::phrase::Phrase;
use crate::rules::evaluate::signs::Signs;
use crate::rules::markdown::{prose, visible};
use std::sync::LazyLock;

/// Question marks that end a word; those within addresses and code ask nothing.
#[must_use]
pub fn questions(title: &str, prose: &str) -> usize {
    let ends = |word: &&str| word.trim_end_matches(['"', ')', '*', '_']).ends_with('?');
    title
        .split_whitespace()
        .chain(prose.split_whitespace())
        .filter(ends)
        .count()
}

/// Does it say how one can tell that it is done: a list, or words of expectation?
#[must_use]
pub fn says_when_done(signs: &Signs<'_>) -> bool {
    EXPECTING.iter().any(|phrase| signs.text.says(phrase))
        || !points(&signs.known.issue.body).is_empty()
}

static EXPECTING: LazyLock<Vec<Phrase>> = LazyLock::new(|| {
    let words = [
        "should",
        "must",
        "shall",
        "expect*",
        "acceptance",
        "criteria",
        "instead",
        "ensure*",
        "so that",
        "needs to",
        "has to",
        "steps to reproduce",
        "when then",
    ];
    words.into_iter().filter_map(Phrase::of).collect()
});

/// The points of its lists, tasks and others, as they stand, outside of code.
#[must_use]
pub fn points(body: &str) -> Vec<String> {
    let prose = prose(body);
    let point = |line: &str| {
        let line = line.trim_start();
        let numbered = line.trim_start_matches(|char: char| char.is_ascii_digit());
        let rest = line
            .strip_prefix("- ")
            .or_else(|| line.strip_prefix("* "))
            .or_else(|| line.strip_prefix("+ "))
            .or_else(|| {
                numbered
                    .strip_prefix(". ")
                    .filter(|_| numbered.len() < line.len())
            })?;
        let rest = rest.trim_start();
        let text = ["[ ] ", "[x] ", "[X] "]
            .iter()
            .find_map(|mark| rest.strip_prefix(mark));
        let text = text.unwrap_or(rest).trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    prose.lines().filter_map(point).collect()
}

/// Does it show code or a trace?
#[must_use]
pub fn has_code(body: &str) -> bool {
    let visible = visible(body);
    visible.contains("```") || visible.contains("~~~") || visible.contains("Traceback")
}
