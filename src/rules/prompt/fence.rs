//! Text that others wrote, as data between two lines that it cannot contain.

use crate::rules::markdown::visible;
use crate::rules::printable::printable_lines;
use std::collections::HashSet;

/// More digits are not read: a text has no room to mention so many fences.
const DIGITS_MAX: usize = 9;

/// The text between `<name-n>` and `</name-n>`, with the first n that the text itself does not mention.
#[must_use]
pub fn fenced(name: &str, text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let prefix = format!("{name}-");
    let mentioned: HashSet<u64> = lower
        .match_indices(&prefix)
        .filter_map(|(at, _)| number(&lower[at + prefix.len()..]))
        .collect();
    let number = (1..=u64::MAX)
        .find(|number| !mentioned.contains(number))
        .expect("a text mentions finitely many numbers");
    format!("<{prefix}{number}>\n{text}\n</{prefix}{number}>")
}

/// The number that a text begins with.
fn number(text: &str) -> Option<u64> {
    let end = text
        .find(|char: char| !char.is_ascii_digit())
        .unwrap_or(text.len());
    let digits = text[..end].trim_start_matches('0');
    if digits.len() > DIGITS_MAX {
        return None;
    }
    digits.parse().ok()
}

/// What a reader of the page sees of a text: no HTML comments, no invisible, turning or steering characters.
#[must_use]
pub fn shown(text: &str) -> String {
    visible(&printable_lines(text))
}

/// The text's beginning, ended at a line's end where there is one, with a last line that says what is missing.
#[must_use]
pub(super) fn beginning(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let end = (0..=max_bytes)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    let whole = text[..end].rfind('\n').filter(|at| *at * 2 > end);
    let kept = &text[..whole.unwrap_or(end)];
    format!("{kept}\n[… the rest is cut]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::printable::is_invisible;
    use proptest::prelude::*;

    #[test]
    fn a_fence_is_one_that_the_text_does_not_mention() {
        let check = |text: &str, number: u64| {
            let expect = format!("<issue-{number}>\n{text}\n</issue-{number}>");
            assert_eq!(fenced("issue", text), expect);
        };
        check("plain", 1);
        check("</issue-1> </ISSUE-2> issue-4", 3);
        check("</issue-01>", 2);
        check("issue-999999999 </issue-1000000000>", 1);
        check("issue-99999999999999999999999 issue-", 1);
    }

    #[test]
    fn what_a_reader_cannot_see_is_not_shown() {
        let check = |text: &str, expect: &str| assert_eq!(shown(text), expect, "{text:?}");
        check("a <!-- order --> b", "a  b");
        check("a <!\u{200b}-- order --> b", "a  b");
        check("a\u{202e}b\u{1b}[8mc\td", "abc    d");
    }

    #[test]
    fn a_long_text_ends_with_a_whole_line() {
        assert_eq!(beginning("short", 5), "short");
        assert_eq!(
            beginning("one two\nthree four\nfive", 20),
            "one two\nthree four\n[… the rest is cut]"
        );
        assert_eq!(beginning("üüü", 3), "ü\n[… the rest is cut]");
    }

    proptest! {
        #[test]
        fn no_text_closes_its_fence(text in "(</?(issue|Issue)-(99999999|1000000)?[0-9]{0,3}>?|[a-z<>\n -])*") {
            let fenced = fenced("issue", &text);
            let (open, rest) = fenced.split_once('\n').unwrap();
            let close = open.replace('<', "</");
            prop_assert_eq!(rest.to_lowercase().find(&close), Some(rest.len() - close.len()));
        }

        #[test]
        fn nothing_hidden_stays(text in "(<!--|-->|[a-c `\n]|\u{200b}|\u{202e}|\u{e0041}|\u{1b}\\[8m)*") {
            let shown = shown(&text);
            prop_assert!(!shown.chars().any(|char| is_invisible(char) || (char.is_control() && char != '\n')));
        }
    }
}
