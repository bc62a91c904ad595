//! Names of code: those that a text speaks of, and those that a source file defines and uses, in any language.

use crate::rules::footprint::words::is_common;
use std::collections::{BTreeMap, BTreeSet};

/// Names that are shorter or longer say nothing.
const LENGTHS: std::ops::RangeInclusive<usize> = 3..=80;
/// A plain word of this length and more may be a name.
const PLAIN_LEAST: usize = 4;
/// The most names that are read from one text, and from one file.
const IN_TEXT_MAX: usize = 60;
const IN_FILE_MAX: usize = 6000;

/// How a text shows a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// As any other word; it may well be none.
    Word,
    /// In the way that only names are written: as code, called, `snake_case`, `camelCase`, part of a path of names.
    Code,
}

/// The names of a text, in lower case as they are compared; at most 60 of each look, the first ones.
#[must_use]
pub fn names_in_text(text: &str) -> BTreeMap<String, Look> {
    let mut names: BTreeMap<String, Look> = BTreeMap::new();
    let (mut codes, mut words) = (0, 0);
    for (index, piece) in text.split('`').enumerate() {
        for (at, name) in runs(piece) {
            let look = look(piece, at, name, index % 2 == 1);
            let is_wanted = match look {
                Look::Code => LENGTHS.contains(&name.len()),
                Look::Word => (PLAIN_LEAST..=*LENGTHS.end()).contains(&name.len()),
            };
            let name = name.to_lowercase();
            if !is_wanted || is_common(&name) {
                continue;
            }
            let (count, known) = match look {
                Look::Code => (&mut codes, names.get(&name) == Some(&Look::Code)),
                Look::Word => (&mut words, names.contains_key(&name)),
            };
            if !known && *count < IN_TEXT_MAX {
                *count += 1;
                names.insert(name, look);
            }
        }
    }
    names
}

fn look(text: &str, at: usize, name: &str, is_code: bool) -> Look {
    let after = &text[at + name.len()..];
    let before = &text[..at];
    let inner = &name[1..];
    let has_hump = name
        .as_bytes()
        .windows(2)
        .any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    let is_joined = after.starts_with("::")
        || before.ends_with("::")
        || after.starts_with('(')
        || (before.ends_with('.') && before.len() > 1 && !before.ends_with(".."))
        || before.ends_with("->");
    if is_code || is_joined || has_hump || inner.trim_end_matches('_').contains('_') {
        Look::Code
    } else {
        Look::Word
    }
}

/// The names of a source file, in lower case, separated by blanks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileNames {
    /// Those that stand where a definition does.
    pub defined: String,
    /// All others.
    pub used: String,
}

/// Reads a source file's names; nothing of what is binary. At most 6000.
#[must_use]
pub fn names_in_file(content: &[u8]) -> FileNames {
    if content.iter().take(8000).any(|byte| *byte == 0) {
        return FileNames::default();
    }
    let text = String::from_utf8_lossy(content);
    let mut defined = BTreeSet::new();
    let mut used = BTreeSet::new();
    for (_, name, defines) in told(&text) {
        if LENGTHS.contains(&name.len()) {
            let name = name.to_lowercase();
            if defines {
                defined.insert(name);
            } else {
                used.insert(name);
            }
        }
        if defined.len() + used.len() >= IN_FILE_MAX {
            break;
        }
    }
    used.retain(|name| !defined.contains(name));
    FileNames {
        defined: join(&defined),
        used: join(&used),
    }
}

/// Where a source file holds a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name, in lower case.
    pub name: String,
    /// The line, counted from 0.
    pub line: usize,
    /// Does it stand where a definition does?
    pub defines: bool,
}

/// Where a source file holds these names, given in lower case.
#[must_use]
pub fn places(text: &str, names: &BTreeSet<String>) -> Vec<Place> {
    let mut places = Vec::new();
    let (mut line, mut end) = (0, 0);
    for (at, name, defines) in told(text) {
        line += text[end..at].matches('\n').count();
        end = at;
        let name = name.to_lowercase();
        if names.contains(&name) {
            places.push(Place {
                name,
                line,
                defines,
            });
        }
    }
    places
}

/// All names of a source file, where each is, and whether it stands where a definition does.
fn told(text: &str) -> impl Iterator<Item = (usize, &str, bool)> {
    let mut before = "";
    let mut end = 0;
    runs(text).map(move |(at, name)| {
        // `func (r *Reader) Read`: the receiver stands between.
        let between = text[end..at].trim();
        let is_defined = DEFINERS.contains(&before) && matches!(between, "" | "*" | "&" | "!");
        let is_method =
            before != "func" && text[..at].ends_with(") ") && line_begins(&text[..at], "func (");
        let is_assigned = is_assigned_function(&text[at + name.len()..]);
        (before, end) = (name, at + name.len());
        (at, name, is_defined || is_method || is_assigned)
    })
}

/// `name = function`, `name: (x) =>` and the like.
fn is_assigned_function(after: &str) -> bool {
    let Some(rest) = after
        .strip_prefix(" = ")
        .or_else(|| after.strip_prefix(": "))
    else {
        return false;
    };
    rest.starts_with("function") || rest.starts_with("async ") || rest.starts_with("lambda")
}

fn line_begins(text: &str, with: &str) -> bool {
    let line = text.rfind('\n').map_or(text, |at| &text[at + 1..]);
    line.starts_with(with) && line.matches(')').count() == 1
}

fn join(names: &BTreeSet<String>) -> String {
    names
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs of letters, digits, `_` and `$` that do not begin with a digit, and where they are.
fn runs(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$';
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            while at < bytes.len() && !is_part(bytes[at]) {
                at += 1;
            }
            let start = at;
            while at < bytes.len() && is_part(bytes[at]) {
                at += 1;
            }
            if start == at {
                return None;
            }
            if !bytes[start].is_ascii_digit() {
                return Some((start, &text[start..at]));
            }
        }
    })
}

/// Words that a definition's name follows.
const DEFINERS: [&str; 25] = [
    "actor",
    "class",
    "const",
    "def",
    "defmodule",
    "defp",
    "enum",
    "fn",
    "fun",
    "func",
    "function",
    "interface",
    "macro",
    "macro_rules",
    "mod",
    "module",
    "namespace",
    "object",
    "proc",
    "protocol",
    "record",
    "struct",
    "trait",
    "type",
    "union",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_words() {
        let check = |text: &str, codes: &[&str]| {
            let names = names_in_text(text);
            let found = names.iter().filter(|(_, look)| **look == Look::Code);
            assert_eq!(
                found.map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
                codes,
                "{text}"
            );
        };
        check(
            "parse_line panics in readFile when render() is called",
            &["parse_line", "readfile", "render"],
        );
        check(
            "`Cursor` is wrong, see Walker::next and app.run",
            &["cursor", "next", "run", "walker"],
        );
        check("The cursor is wrong. See below", &[]);
        assert_eq!(names_in_text("the cursor").get("cursor"), Some(&Look::Word));
        assert_eq!(
            names_in_text("the cursor, this `Cursor`").get("cursor"),
            Some(&Look::Code)
        );
    }

    #[test]
    fn definitions_of_many_languages_are_read() {
        let check = |source: &str, defined: &str| {
            assert_eq!(
                names_in_file(source.as_bytes()).defined,
                defined,
                "{source}"
            );
        };
        check(
            "pub fn read_all() {}\nstruct Walker;\nmacro_rules! check {}",
            "check read_all walker",
        );
        check("class Shop:\n    def add_item(self): pass", "add_item shop");
        check(
            "exports.send = function send() {}\nconst route = 1",
            "route send",
        );
        check(
            "func (engine *Engine) ServeHTTP(w http.ResponseWriter) {\n\tfoo(bar) == baz\n}\nfunc New() {}",
            "new servehttp",
        );
        check("interface Props {}\ntype Id = string", "props");
    }

    #[test]
    fn binary_files_have_no_names() {
        assert_eq!(names_in_file(b"fn name\0fn other"), FileNames::default());
        assert!(names_in_file(b"fn f\xff name_x").used.contains("name_x"));
    }

    #[test]
    fn the_names_of_a_text_are_bounded() {
        let text: Vec<String> = (0..5000).map(|n| format!("name_{n} word{n}")).collect();
        assert_eq!(names_in_text(&text.join(" ")).len(), 120);
    }
}
