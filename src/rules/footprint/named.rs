//! The files and directories that a text names.

use crate::rules::footprint::shape::{Evidence, Footprint, LikelyFile};
use crate::rules::issue::Issue;
use crate::rules::markdown::visible;
use crate::rules::paths::{self, Shown, path_of};
use std::collections::{BTreeSet, HashSet};

/// The most files that a text's footprint holds; the first named ones win.
pub(super) const FILES_MAX: usize = 500;
/// How likely a file is touched that the text names with its directory, or without one.
pub(super) const WITH_DIRECTORY: f64 = 0.9;
pub(super) const NAME_ALONE: f64 = 0.7;

/// The files and directories that the issue's title and body name, HTML comments left out; at most 500.
#[must_use]
pub fn named_in_text(issue: &Issue) -> Footprint {
    let mut paths = BTreeSet::new();
    take_paths(&issue.title, &mut paths);
    take_paths(&visible(&issue.body), &mut paths);
    let names: HashSet<&str> = paths
        .iter()
        .filter(|path| path.contains('/'))
        .map(|path| paths::name(path))
        .collect();
    let files = paths
        .iter()
        // A name alone means the file that is named in full elsewhere.
        .filter(|path| path.contains('/') || !names.contains(path.as_str()))
        .map(|path| {
            let probability = if path.contains('/') {
                WITH_DIRECTORY
            } else {
                NAME_ALONE
            };
            LikelyFile::new(path, probability, Evidence::NamedInText)
        })
        .collect();
    Footprint { files }
}

/// Adds the paths that a text names.
pub(super) fn take_paths(text: &str, paths: &mut BTreeSet<String>) {
    let mut in_block = false;
    for line in text.lines() {
        if ["```", "~~~"]
            .iter()
            .any(|fence| line.trim_start().starts_with(fence))
        {
            in_block = !in_block;
            continue;
        }
        for (index, piece) in line.split('`').enumerate() {
            let shown = if in_block || index % 2 == 1 {
                Shown::Code
            } else {
                Shown::Bare
            };
            take_words(piece, shown, paths);
            if paths.len() >= FILES_MAX {
                return;
            }
        }
    }
}

fn take_words(text: &str, shown: Shown, paths: &mut BTreeSet<String>) {
    for word in text.split(ends_word) {
        if word.bytes().any(|byte| is_bracket(char::from(byte))) {
            take_bracketed(word, shown, paths);
        } else {
            take_word(word, shown, paths);
        }
    }
}

fn take_word(word: &str, shown: Shown, paths: &mut BTreeSet<String>) {
    let Some(path) = path_of(word, shown) else {
        return;
    };
    if paths.len() < FILES_MAX && !paths.contains(&*path) {
        paths.insert(path.into_owned());
    }
}

/// Brackets end words, but for those around a whole segment: `app/[id]/(main)/page.tsx`. A call is no file:
/// `response.json()`.
fn take_bracketed(text: &str, shown: Shown, paths: &mut BTreeSet<String>) {
    let mut start = 0;
    let mut before = ' ';
    let mut open = 0;
    for (at, char) in text.char_indices().chain([(text.len(), ']')]) {
        let opens_segment = matches!(char, '[' | '(') && before == '/';
        let closes_segment = matches!(char, ']' | ')') && open > 0 && at < text.len();
        before = char;
        if opens_segment {
            open += 1;
        } else if closes_segment {
            open -= 1;
        } else if is_bracket(char) {
            let word = &text[start..at];
            if char != '(' || word.contains('/') {
                take_word(word, shown, paths);
            }
            start = at + 1;
            open = 0;
        }
    }
}

fn is_bracket(char: char) -> bool {
    matches!(char, '(' | ')' | '[' | ']')
}

fn ends_word(char: char) -> bool {
    match char {
        'a'..='z' | 'A'..='Z' => false,
        ' ' | '"' | '\'' | ',' | ';' | '<' | '>' | '|' | '{' | '}' => true,
        // Typographic marks and scripts that are written without spaces.
        char => char.is_whitespace() || char.is_control() || char >= '\u{2000}',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::issue::tests::issue;

    fn named(body: &str) -> Vec<(String, f64)> {
        named_in_text(&issue("Title", body))
            .files
            .into_iter()
            .map(|file| (file.path, file.probability))
            .collect()
    }

    fn check(body: &str, expect: &[&str]) {
        let paths: Vec<_> = named(body).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, expect, "{body:?}");
    }

    #[test]
    fn paths_are_found_wherever_a_text_names_them() {
        check(
            "Fix `src/b.rs`, (src/a.rs:12) and \"web/App.tsx\".",
            &["src/a.rs", "src/b.rs", "web/App.tsx"],
        );
        check(
            "[lib/x.py](lib/x.py) <lib/y.py>|lib/z.py",
            &["lib/x.py", "lib/y.py", "lib/z.py"],
        );
        check("```\n  at run (src/a.ts:1:2)\n```\n", &["src/a.ts"]);
        check(
            "see `app/[id]/page.tsx` (and app/(auth)/x.tsx)",
            &["app/(auth)/x.tsx", "app/[id]/page.tsx"],
        );
        check("请修改src/a.rs文件，谢谢", &["src/a.rs"]);
        check(
            "run `cargo test -p x` in `server/routes`",
            &["server/routes/"],
        );
        check("call response.json() and foo.rs", &["foo.rs"]);
        check("hidden <!-- src/a.rs --> text", &[]);
        check("no file at all, e.g. 1.2.3 or https://x.com/a.rs", &[]);
        check("", &[]);
    }

    #[test]
    fn a_directory_makes_a_path_more_likely() {
        assert_eq!(
            named("src/a.rs b.rs"),
            [("b.rs".to_owned(), 0.7), ("src/a.rs".to_owned(), 0.9)]
        );
    }

    #[test]
    fn a_name_alone_is_the_file_named_in_full() {
        check("In src/rules/a.rs: a.rs is wrong", &["src/rules/a.rs"]);
    }

    #[test]
    fn the_title_counts() {
        let footprint = named_in_text(&issue("Mend src/a.rs", ""));
        assert_eq!(footprint.files[0].path, "src/a.rs");
    }

    #[test]
    fn a_footprint_is_sorted_unique_and_bounded() {
        let words: Vec<_> = (0..2000)
            .map(|n| format!("src/{}.rs src/{n}.rs", n % 7))
            .collect();
        let body = words.join(" ");
        let paths: Vec<_> = named(&body).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths.len(), 500);
        assert!(paths.is_sorted_by(|one, next| one < next));
    }
}
