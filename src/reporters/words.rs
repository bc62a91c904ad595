//! Words for people: cut to size, counted, and told in one line.

use crate::reporters::paint::Tone;
use crate::rules::printable::printable;
use crate::rules::task::{Ending, Failure, Verdict};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that a reason gets within a sentence.
const REASON: usize = 200;

/// The text in at most so many columns; `…` stands for what is left out.
#[must_use]
pub fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut clipped = String::new();
    let mut columns = 0;
    for letter in text.chars() {
        columns += letter.width().unwrap_or(0);
        if columns + 1 > width {
            break;
        }
        clipped.push(letter);
    }
    if width > 0 {
        clipped.push('…');
    }
    clipped
}

/// The text in lines of at most so many columns, broken between words; a word that is longer is cut.
#[must_use]
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = fit(word, width.max(1));
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            Some(_) | None => lines.push(word),
        }
    }
    lines
}

/// An ending, or another of our words with `_` in it, for people.
#[must_use]
pub fn spoken(word: &str) -> String {
    word.replace('_', " ")
}

/// `1 task`, `2 tasks`.
#[must_use]
pub fn plural(count: u64, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}

/// `612 MiB`, `3.9 GiB`, `41 GiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    let tenths = (u128::from(bytes) * 10) >> 30;
    match tenths {
        0..10 => format!("{} MiB", bytes >> 20),
        10..100 => format!("{}.{} GiB", tenths / 10, tenths % 10),
        100.. => format!("{} GiB", bytes >> 30),
    }
}

/// The tone of an ending.
#[must_use]
pub fn tone_of(ending: Ending) -> Tone {
    match ending {
        Ending::Completed => Tone::Good,
        Ending::Failed => Tone::Bad,
        Ending::NoChange | Ending::Blocked | Ending::NeedsHuman | Ending::Budget => Tone::Warn,
        Ending::Skipped => Tone::Faint,
    }
}

/// A verdict in words.
#[must_use]
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Flaky => "flaky",
        Verdict::Unproven => "not proven",
        Verdict::FailedBefore => "failed as on the base",
        Verdict::TimedOut => "timed out",
        Verdict::Unable => "could not be started",
    }
}

/// Why an attempt failed, in one line.
#[must_use]
pub fn why(failure: &Failure) -> String {
    format!("{}: {}", failure.class.words(), brief(&failure.message))
}

/// The first line that says something, safe to print and not too long.
#[must_use]
pub fn brief(text: &str) -> String {
    let first = text.lines().find(|line| !line.trim().is_empty());
    fit(printable(first.unwrap_or_default()).trim(), REASON)
}

/// Where a person finds something, safe to print: a web address as it is, a file by its path, and one of this project
/// by its path within it.
#[must_use]
pub fn address(url: &str, project: &str) -> String {
    let path = url.strip_prefix("file://").and_then(decoded);
    let Some(path) = path else {
        return printable(url);
    };
    let within = path
        .strip_prefix(project)
        .and_then(|rest| rest.strip_prefix('/'))
        .filter(|rest| !project.is_empty() && !rest.is_empty());
    printable(within.unwrap_or(&path))
}

/// Text without its percent signs (RFC 3986).
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_broken_between_words() {
        let check = |text: &str, width, expect: &[&str]| assert_eq!(wrapped(text, width), expect);
        check("one two three", 7, &["one two", "three"]);
        check("one  two\nthree", 13, &["one two three"]);
        check("extraordinary it is", 7, &["extrao…", "it is"]);
        check("", 7, &[]);
    }

    #[test]
    fn wide_letters_count_twice_when_clipped() {
        let check = |text: &str, width, expect: &str| assert_eq!(fit(text, width), expect);
        check("short", 5, "short");
        check("longer", 5, "long…");
        check("日本語", 6, "日本語");
        check("日本語", 5, "日本…");
        check("日本語", 4, "日…");
        check("anything", 0, "");
    }

    #[test]
    fn a_file_is_found_by_its_path() {
        let check = |url: &str, project: &str, expect: &str| {
            assert_eq!(address(url, project), expect);
        };
        let web = "https://github.com/acme/shop/pull/31";
        check(web, "acme/shop", web);
        check("file:///srv/a%20shop/x.md", "/srv/a shop", "x.md");
        check("file:///srv/shop/x.md", "/srv/sho", "/srv/shop/x.md");
        check("file:///srv/shop/x.md", "", "/srv/shop/x.md");
        check("file:///x%1b%5B2J.md", "", "/x.md");
        check("file:///x%zz", "", "file:///x%zz");
    }

    #[test]
    fn sizes_are_told_as_closely_as_anybody_needs() {
        let check = |bytes: u64, expect: &str| assert_eq!(size(bytes), expect);
        check(0, "0 MiB");
        check((612 << 20) + 9, "612 MiB");
        check((1 << 30) - 1, "1023 MiB");
        check(1 << 30, "1.0 GiB");
        check(4_187_593_113, "3.8 GiB");
        check(41 << 30, "41 GiB");
        check(u64::MAX, "17179869183 GiB");
    }

    #[test]
    fn only_the_first_telling_line_of_a_reason_is_said() {
        assert_eq!(brief("\n  \n  what failed\nand where\n"), "what failed");
        assert_eq!(brief(""), "");
    }
}
