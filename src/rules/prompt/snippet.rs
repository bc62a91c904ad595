//! Pieces of source files around the names that a text speaks of.

use crate::rules::footprint::names::places;
use std::collections::BTreeSet;

/// Lines before and behind the one with the name.
const BEFORE: usize = 3;
const BEHIND: usize = 20;
/// Pieces of one file.
const PIECES_MAX: usize = 4;
/// A line is cut behind so many characters.
const LINE_MAX: usize = 240;

/// A piece of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// The file.
    pub path: String,
    /// Its first line, counted from 1.
    pub line: usize,
    /// Its lines.
    pub text: String,
    /// Does it define the name, rather than use it?
    pub defines: bool,
}

/// Where the file defines these names, in lower case; of one that it does not define, where it uses it first. Definitions
/// come first.
#[must_use]
pub fn snippets(path: &str, text: &str, names: &BTreeSet<String>) -> Vec<Snippet> {
    let mut found = places(text, names);
    let defined: BTreeSet<String> = found
        .iter()
        .filter(|place| place.defines)
        .map(|place| place.name.clone())
        .collect();
    let mut used = BTreeSet::new();
    found.retain(|place| {
        place.defines || (!defined.contains(&place.name) && used.insert(place.name.clone()))
    });
    found.sort_by_key(|place| (!place.defines, place.line));
    let lines: Vec<&str> = text.lines().collect();
    let mut pieces: Vec<Snippet> = Vec::new();
    let mut told: Vec<(usize, usize)> = Vec::new();
    for place in found {
        let covered = told
            .iter()
            .any(|(from, to)| (*from..*to).contains(&place.line));
        if covered || pieces.len() == PIECES_MAX {
            continue;
        }
        let from = place.line.saturating_sub(BEFORE);
        let to = (place.line + BEHIND).min(lines.len());
        told.push((from, to));
        pieces.push(Snippet {
            path: path.to_owned(),
            line: from + 1,
            text: lines[from..to]
                .iter()
                .map(|line| short(line))
                .collect::<Vec<_>>()
                .join("\n"),
            defines: place.defines,
        });
    }
    pieces
}

fn short(line: &str) -> String {
    line.chars().take(LINE_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, names: &[&str]) -> Vec<(usize, usize, bool)> {
        let names = names.iter().map(ToString::to_string).collect();
        let pieces = snippets("a.rs", text, &names);
        let part = |piece: Snippet| (piece.line, piece.text.lines().count(), piece.defines);
        pieces.into_iter().map(part).collect()
    }

    #[test]
    fn a_definition_goes_before_a_use_and_lines_are_told_once() {
        let text = format!(
            "use x::total;\n{}fn add_item() {{\n    total();\n}}\nfn Remove_item() {{}}\n{}",
            "\n".repeat(39),
            "\n".repeat(60)
        );
        let pieces = cut(&text, &["add_item", "remove_item", "total", "absent"]);
        assert_eq!(pieces, [(38, 22, true), (1, 19, false)]);
        assert!(cut(&text, &["absent"]).is_empty());
    }

    #[test]
    fn a_piece_is_bounded() {
        let text = format!("fn one() {{}} {}\n", "x".repeat(10_000)).repeat(400);
        let names = BTreeSet::from(["one".to_owned()]);
        let pieces = snippets("a.rs", &text, &names);
        assert_eq!(pieces.len(), PIECES_MAX);
        assert!(
            pieces
                .iter()
                .all(|piece| piece.text.len() < (BEFORE + BEHIND + 1) * (LINE_MAX + 1))
        );
    }
}
