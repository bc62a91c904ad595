//! A Markdown file with a front matter: a strict small subset of YAML, changed in place, all else kept to the byte.
//!
//! Read are `key: text`, `key: "text"`, `key: 'text'`, `key: [a, b]`, `key: a, b` and `- item` lines below a key.
//! Keys that nobody asks for may hold any YAML; they are not looked into. Unlike in YAML a `#` starts a comment only
//! before a space, so that `title: Mend what #12 broke` is what it looks like.

use crate::adapters::local_forge::scalar::{
    flow_items, is_block_indicator, quoted, scalar, without_comment,
};
use std::fmt::Display;
use std::ops::Range;

const FENCE: &str = "---";

/// What is wrong with a front matter, and in which line of the file, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct Malformed {
    /// The line.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

impl Malformed {
    /// This problem in that line.
    pub fn new(line: usize, problem: impl Into<String>) -> Self {
        Self {
            line,
            problem: problem.into(),
        }
    }
}

/// One file, taken apart and ready to be put together again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    mark: &'static str,
    newline: &'static str,
    /// Raw lines, both fences included; none where the file has no front matter.
    front: Vec<String>,
    body: String,
}

impl Document {
    /// A new file with this body and no front matter yet.
    #[must_use]
    pub fn new(body: &str) -> Self {
        Self {
            mark: "",
            newline: "\n",
            front: Vec::new(),
            body: body.to_owned(),
        }
    }

    /// Takes a file apart; byte order mark and CRLF are remembered.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let (mark, text) = match text.strip_prefix('\u{feff}') {
            Some(rest) => ("\u{feff}", rest),
            None => ("", text),
        };
        let crlf = text
            .split_inclusive('\n')
            .next()
            .is_some_and(|line| line.ends_with("\r\n"));
        let (front, body) = split(text)?;
        let document = Self {
            mark,
            newline: if crlf { "\r\n" } else { "\n" },
            front,
            body: body.to_owned(),
        };
        document.check_keys()?;
        Ok(document)
    }

    /// The text below the front matter, as it stands.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The line end of this file.
    #[must_use]
    pub fn newline(&self) -> &'static str {
        self.newline
    }

    /// Puts another text below the front matter; line ends become the file's own.
    pub fn set_body(&mut self, body: &str) {
        self.body = self.own_line_ends(body);
    }

    /// Adds text at the end; line ends become the file's own.
    pub fn append(&mut self, text: &str) {
        let text = self.own_line_ends(text);
        self.body.push_str(&text);
    }

    /// The line that a key stands in; 1 where there is none.
    #[must_use]
    pub fn line_of(&self, key: &str) -> usize {
        self.entry(key).map_or(1, |lines| lines.start + 1)
    }

    /// The text of a key; `None` where it is missing or empty.
    pub fn text(&self, key: &str) -> Result<Option<String>, Malformed> {
        let Some(lines) = self.entry(key) else {
            return Ok(None);
        };
        let line = lines.start + 1;
        let value = value_of(&self.front[lines.start]);
        if lines.len() > 1 {
            let problem = format!("`{key}` goes on in the next line; write it in one");
            return Err(Malformed::new(line, problem));
        }
        if is_block_indicator(value) {
            let problem = format!("`{key}` is a block of text; write it in one line");
            return Err(Malformed::new(line, problem));
        }
        if matches!(without_comment(value), "~" | "null") {
            return Ok(None);
        }
        let text = scalar(value).map_err(|problem| Malformed::new(line, problem))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// The items of a key; none where it is missing or empty.
    pub fn list(&self, key: &str) -> Result<Vec<String>, Malformed> {
        let Some(lines) = self.entry(key) else {
            return Ok(Vec::new());
        };
        let value = value_of(&self.front[lines.start]);
        if value.is_empty() || value.starts_with("# ") {
            return self.block_items(lines.start + 1..lines.end);
        }
        let at_first = |problem: String| Malformed::new(lines.start + 1, problem);
        if value.starts_with('[') {
            let rest = self.front[lines.start + 1..lines.end].iter();
            let joined = rest.fold(value.to_owned(), |all, line| all + " " + line.trim());
            return flow_items(&joined).map_err(at_first);
        }
        if value.starts_with(['"', '\'']) {
            return scalar(value).map(|item| vec![item]).map_err(at_first);
        }
        let items = without_comment(value).split(',').map(str::trim);
        Ok(items
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect())
    }

    /// Gives a key this text, quoted where it has to be.
    pub fn set_text(&mut self, key: &str, value: &str) {
        let line = format!("{key}: {}{}", quoted(value), self.newline);
        self.put(key, vec![line]);
    }

    /// Gives a key a number, a date or a yes or no: nothing that needs quotes.
    pub fn set_plain(&mut self, key: &str, value: impl Display) {
        let line = format!("{key}: {value}{}", self.newline);
        self.put(key, vec![line]);
    }

    /// Gives a key these items, in the style that it has.
    pub fn set_list(&mut self, key: &str, items: &[String]) {
        let newline = self.newline;
        let items = items.iter().map(|item| quoted(item));
        let lines = match self.block_indent(key) {
            Some(indent) if items.len() > 0 => std::iter::once(format!("{key}:{newline}"))
                .chain(items.map(|item| format!("{indent}- {item}{newline}")))
                .collect(),
            Some(_) | None => {
                let items: Vec<String> = items.collect();
                vec![format!("{key}: [{}]{newline}", items.join(", "))]
            }
        };
        self.put(key, lines);
    }

    /// The whole file.
    #[must_use]
    pub fn render(&self) -> String {
        let mut whole = self.mark.to_owned() + &self.front.concat();
        if !whole.is_empty() && !self.front.is_empty() && !whole.ends_with('\n') {
            whole.push_str(self.newline);
        }
        whole + &self.body
    }

    fn own_line_ends(&self, text: &str) -> String {
        text.replace("\r\n", "\n").replace('\n', self.newline)
    }

    /// Replaces a key's lines, or adds them at the end.
    fn put(&mut self, key: &str, lines: Vec<String>) {
        if self.front.is_empty() {
            let fence = format!("{FENCE}{}", self.newline);
            self.front = vec![fence.clone(), fence];
        }
        let last = self.front.len() - 1;
        let place = self.entry(key).unwrap_or(last..last);
        self.front.splice(place, lines);
    }

    /// The lines that belong to a key.
    fn entry(&self, key: &str) -> Option<Range<usize>> {
        let inner = 1..self.front.len().saturating_sub(1);
        let start = inner
            .clone()
            .find(|&at| key_of(&self.front[at]).is_some_and(|own| own == key))?;
        let mut end = start + 1;
        for at in start + 1..inner.end {
            match Line::of(&self.front[at]) {
                Line::Continued => end = at + 1,
                Line::Nothing => {}
                Line::Other => break,
            }
        }
        Some(start..end)
    }

    /// Every line is one that we can tell apart, and no key stands there twice.
    fn check_keys(&self) -> Result<(), Malformed> {
        let mut seen: Vec<String> = Vec::new();
        for at in 1..self.front.len().saturating_sub(1) {
            let line = &self.front[at];
            match Line::of(line) {
                Line::Continued if seen.is_empty() => {
                    let problem = "this line belongs to no key";
                    return Err(Malformed::new(at + 1, problem));
                }
                Line::Nothing | Line::Continued => {}
                Line::Other => {
                    let Some(key) = key_of(line) else {
                        let problem = format!("expected `key: value`, found `{}`", start_of(line));
                        return Err(Malformed::new(at + 1, problem));
                    };
                    if seen.contains(&key) {
                        let problem = format!("`{key}` stands here twice");
                        return Err(Malformed::new(at + 1, problem));
                    }
                    seen.push(key);
                }
            }
        }
        Ok(())
    }

    fn block_items(&self, lines: Range<usize>) -> Result<Vec<String>, Malformed> {
        let mut items = Vec::new();
        for at in lines {
            let line = self.front[at].trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let item = line
                .strip_prefix('-')
                .filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
                .ok_or_else(|| Malformed::new(at + 1, "expected `- item`"))?;
            items.push(scalar(item.trim()).map_err(|problem| Malformed::new(at + 1, problem))?);
        }
        Ok(items)
    }

    /// What stands before the `-` of a key's items, where it has them in lines of their own.
    fn block_indent(&self, key: &str) -> Option<String> {
        let lines = self.entry(key)?;
        let first = self.front[lines].get(1)?;
        let indent = first.len() - first.trim_start().len();
        first[indent..]
            .starts_with('-')
            .then(|| first[..indent].to_owned())
    }
}

/// What a line of a front matter is.
enum Line {
    /// Blank, or a comment.
    Nothing,
    /// More of the key above.
    Continued,
    /// A key, or nothing that we know.
    Other,
}

impl Line {
    fn of(line: &str) -> Self {
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            Self::Nothing
        } else if line.starts_with([' ', '\t']) || text == "-" || text.starts_with("- ") {
            Self::Continued
        } else {
            Self::Other
        }
    }
}

/// The raw lines of the front matter, and the rest.
fn split(text: &str) -> Result<(Vec<String>, &str), Malformed> {
    let mut lines = text.split_inclusive('\n');
    if lines.next().map(str::trim_end) != Some(FENCE) {
        return Ok((Vec::new(), text));
    }
    let mut end = text.find('\n').map_or(text.len(), |at| at + 1);
    for line in lines {
        end += line.len();
        if line.trim_end() == FENCE {
            let front = text[..end].split_inclusive('\n').map(str::to_owned);
            return Ok((front.collect(), &text[end..]));
        }
    }
    let problem = "the front matter that starts here has no closing `---`";
    Err(Malformed::new(1, problem))
}

/// The key of a line, in lower case with `_`.
fn key_of(line: &str) -> Option<String> {
    if !matches!(Line::of(line), Line::Other) {
        return None;
    }
    let (key, rest) = line.split_once(':')?;
    let key = key.trim_end().trim_matches(['"', '\'']);
    let separated = rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']);
    let is_word = !key.is_empty() && !key.contains(char::is_whitespace);
    (separated && is_word).then(|| key.to_ascii_lowercase().replace('-', "_"))
}

fn value_of(line: &str) -> &str {
    line.split_once(':').map_or("", |(_, value)| value.trim())
}

fn start_of(line: &str) -> String {
    line.trim().chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(front: &str) -> Result<Option<String>, Malformed> {
        Document::parse(&format!("---\n{front}\n---\nbody\n"))?.text("title")
    }

    fn labels(front: &str) -> Result<Vec<String>, Malformed> {
        Document::parse(&format!("---\n{front}\n---\nbody\n"))?.list("labels")
    }

    #[test]
    fn a_text_is_what_it_looks_like() {
        let check = |front: &str, expect: &str| {
            assert_eq!(
                title(front).unwrap().as_deref(),
                Some(expect),
                "front: {front}"
            );
        };
        check("title: Fix the login", "Fix the login");
        check("Title:   spaced   # why", "spaced");
        check("title: Mend what #12 broke", "Mend what #12 broke");
        check("title: [Backend] Fix: it", "[Backend] Fix: it");
        check(
            r#"title: "a \"b\" \n $(rm) # c" # d"#,
            "a \"b\" \n $(rm) # c",
        );
        check("title: 'it''s # fine'", "it's # fine");
        check("title: \u{202e}edocesrever", "\u{202e}edocesrever");
        check("'title': -rf --x", "-rf --x");
        check("title: \u{1b}]0;x\u{7}", "\u{1b}]0;x\u{7}");
    }

    #[test]
    fn nothing_is_no_text() {
        for front in [
            "title:",
            "title: ~",
            "title: # later",
            "other: x",
            "title: \"\"",
        ] {
            assert_eq!(title(front).unwrap(), None, "front: {front}");
        }
    }

    #[test]
    fn lists_come_in_four_shapes() {
        let check = |front: &str, expect: &[&str]| {
            assert_eq!(labels(front).unwrap(), expect, "front: {front}");
        };
        check("labels: [bug, \"a, b\", 'c]']  # x", &["bug", "a, b", "c]"]);
        check("labels: [a,\n  b,\n  c]", &["a", "b", "c"]);
        check(
            "labels:\n- a\n  # why\n- \"b: c\"\nother: 1",
            &["a", "b: c"],
        );
        check("labels: # these\n  - a\n\n  - #3", &["a", "#3"]);
        check("labels: a, b c , d", &["a", "b c", "d"]);
        check("labels: 'a, b'", &["a, b"]);
        check("labels: []", &[]);
        check("labels:", &[]);
        check("labels: [#3, 4,]", &["#3", "4"]);
    }

    #[test]
    fn what_is_wrong_names_its_line() {
        let check = |front: &str, line: usize, part: &str| {
            let document = Document::parse(&format!("---\n{front}\n---\n"));
            let error = document
                .and_then(|document| document.text("title").and(document.list("labels")))
                .unwrap_err();
            assert_eq!(error.line, line, "front: {front}");
            assert!(error.problem.contains(part), "{error} for {front}");
        };
        check("a: 1\njust words", 3, "expected `key: value`");
        check("  indented: 1", 2, "belongs to no key");
        check("a: 1\nb: 2\na: 3", 4, "twice");
        check("a: 1\ntitle: \"open", 3, "double quotes");
        check("title: 'open", 2, "single quotes");
        check("title: \"a\" b", 2, "after the closing quote");
        check("title: |\n  text", 2, "next line");
        check("title: >-", 2, "block of text");
        check("labels: [a, b", 2, "closing `]`");
        check("labels: [\"a\" b]", 2, "expected `,`");
        check("labels: [a] b", 2, "after the list");
        check("labels:\n  a: 1", 3, "expected `- item`");
        let open = Document::parse("---\ntitle: x\n").unwrap_err();
        assert!(open.to_string().contains("line 1") && open.problem.contains("closing"));
    }

    #[test]
    fn what_nobody_asked_for_stays_to_the_byte() {
        let text = "\u{feff}--- \r\n# a comment\r\nweird: {a: [1,\r\n  2]}\r\nlabels: [x]\r\nblock: |\r\n  text\r\n\r\n---\r\nbody\r\n---\r\n";
        let mut document = Document::parse(text).unwrap();
        assert_eq!(document.render(), text);
        document.set_list("labels", &["x".into(), "y z: \"q\"".into()]);
        document.append("more\n");
        let expect = text.replace("[x]", r#"[x, "y z: \"q\""]"#) + "more\r\n";
        assert_eq!(document.render(), expect);
    }

    #[test]
    fn items_keep_their_style() {
        let mut document = Document::parse("---\nlabels:\n  - a\n# c\nb: 1\n---\n").unwrap();
        document.set_list("labels", &["a".into(), "on".into()]);
        assert_eq!(
            document.render(),
            "---\nlabels:\n  - a\n  - \"on\"\n# c\nb: 1\n---\n"
        );
        document.set_list("labels", &[]);
        assert_eq!(document.render(), "---\nlabels: []\n# c\nb: 1\n---\n");
    }

    #[test]
    fn a_file_without_front_matter_gets_one_when_it_needs_it() {
        let mut document = Document::parse("# Title\n\n---\nx: y\n---\n").unwrap();
        document.set_text("state", "closed");
        assert_eq!(
            document.render(),
            "---\nstate: closed\n---\n# Title\n\n---\nx: y\n---\n"
        );
        let mut bare = Document::parse("---\na: b\n---").unwrap();
        bare.append("text");
        assert_eq!(bare.render(), "---\na: b\n---\ntext");
    }

    mod any_text {
        use super::super::*;
        use proptest::prelude::*;

        proptest! {
            #[test]
            fn comes_back_as_it_went_in(text in any::<String>(), items in proptest::collection::vec(any::<String>(), 0..4)) {
                let mut document = Document::new("the body\n---\ntitle: other\n");
                document.set_text("title", &text);
                document.set_list("labels", &items);
                let read = Document::parse(&document.render()).unwrap();
                let expect = Some(text).filter(|text| !text.is_empty());
                prop_assert_eq!(read.text("title").unwrap(), expect);
                prop_assert_eq!(read.list("labels").unwrap(), items);
                prop_assert_eq!(read.body(), document.body());
            }

            #[test]
            fn never_makes_the_reader_panic(text in "(---\n)?([a-z]{1,3}: ?)?[\\[\\]\"'#,:|>~ \\-a-z\\\\\n\r\u{feff}é]{0,60}(\n---\n)?.*") {
                if let Ok(document) = Document::parse(&text) {
                    prop_assert_eq!(document.render(), text);
                    for key in ["a", "title", "labels"] {
                        let _ = document.text(key);
                        let _ = document.list(key);
                    }
                }
            }
        }
    }
}
