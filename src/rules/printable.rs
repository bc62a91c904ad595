//! Makes any text safe to print: nothing in it can steer a terminal, hide, or turn the reading direction.

use std::fmt::Write as _;

/// One line without escape sequences, control, bidirectional and invisible characters; line breaks and tabs become spaces.
#[must_use]
pub fn printable(text: &str) -> String {
    clean(text, " ", " ")
}

/// The same, over several lines: `\n` stays, tabs become four spaces. At most `max_bytes`: what does not fit is cut off
/// at the front, and a first line says how much that was.
#[must_use]
pub fn printable_block(text: &str, max_bytes: usize) -> String {
    let text = printable_lines(text);
    if text.len() <= max_bytes {
        return text;
    }
    let room = max_bytes.saturating_sub(cut_mark(text.len()).len());
    let start = (text.len() - room..=text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(text.len());
    cut_mark(start) + &text[start..]
}

/// All lines, made safe to print and uncut.
#[must_use]
pub fn printable_lines(text: &str) -> String {
    clean(text, "\n", "    ")
}

/// One printable line without space around it; one longer than `max_chars` ends in `…` there.
#[must_use]
pub fn clip(text: &str, max_chars: usize) -> String {
    let line = printable(text);
    let line = line.trim();
    if line.chars().nth(max_chars).is_none() {
        return line.to_owned();
    }
    let kept: String = line.chars().take(max_chars.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// JSON with every character escaped that steers or hides: the same values, and safe on a terminal.
#[must_use]
pub fn plain_json(json: String) -> String {
    let is_odd = |char: char| char.is_control() || is_invisible(char);
    if !json.contains(is_odd) {
        return json;
    }
    let mut plain = String::with_capacity(json.len() + 64);
    for char in json.chars() {
        if is_odd(char) {
            // Characters like these stand within strings only, where every escape is allowed (RFC 8259, section 7).
            for unit in char.encode_utf16(&mut [0; 2]) {
                let _ = write!(plain, "\\u{unit:04x}");
            }
        } else {
            plain.push(char);
        }
    }
    plain
}

/// Does this character show nothing, or change how its neighbours show?
/// Unicode's default-ignorable code points, with the bidirectional controls.
#[must_use]
pub fn is_invisible(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn cut_mark(bytes: usize) -> String {
    format!("[… {bytes} bytes cut]\n")
}

fn clean(text: &str, line_break: &str, tab: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        rest = &rest[char.len_utf8()..];
        match char {
            '\u{1b}' => rest = after_escape(rest),
            '\u{9b}' => rest = after_control_sequence(rest),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => rest = after_string(rest),
            '\r' => {
                rest = rest.strip_prefix('\n').unwrap_or(rest);
                clean.push_str(line_break);
            }
            '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                clean.push_str(line_break);
            }
            '\t' => clean.push_str(tab),
            char if char.is_control() || is_invisible(char) => {}
            char => clean.push(char),
        }
    }
    clean
}

/// What follows an escape sequence whose ESC is already gone (ECMA-48, 5.3 to 5.6).
fn after_escape(rest: &str) -> &str {
    match rest.as_bytes().first() {
        Some(b'[') => after_control_sequence(&rest[1..]),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => after_string(&rest[1..]),
        Some(b' '..=b'/') => {
            let rest = rest.trim_start_matches(|char| (' '..='/').contains(&char));
            after_one(rest, b'0'..=b'~')
        }
        _ => after_one(rest, b'0'..=b'~'),
    }
}

fn after_control_sequence(rest: &str) -> &str {
    let rest = rest.trim_start_matches(|char| ('0'..='?').contains(&char));
    let rest = rest.trim_start_matches(|char| (' '..='/').contains(&char));
    after_one(rest, b'@'..=b'~')
}

/// What follows an operating system command or another control string. One that is never ended hides nothing: only its
/// introducer goes.
fn after_string(rest: &str) -> &str {
    let Some(end) = rest.find(|char: char| char.is_control()) else {
        return rest;
    };
    let tail = &rest[end..];
    ["\u{7}", "\u{9c}", "\u{1b}\\"]
        .iter()
        .find_map(|end| tail.strip_prefix(end))
        .unwrap_or(rest)
}

fn after_one(rest: &str, expected: std::ops::RangeInclusive<u8>) -> &str {
    match rest.as_bytes().first() {
        Some(byte) if expected.contains(byte) => &rest[1..],
        _ => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sequences_that_steer_a_terminal_go() {
        let check = |text: &str, expect: &str| assert_eq!(printable(text), expect, "{text:?}");
        check("\u{1b}[31mred\u{1b}[0m", "red");
        check("\u{1b}]0;title\u{7}after", "after");
        check(
            "\u{1b}]8;;https://x.test\u{1b}\\link\u{1b}]8;;\u{1b}\\",
            "link",
        );
        check("\u{1b}]52;c;c2VjcmV0\u{9c}x", "x");
        check("\u{9b}2Jgone", "gone");
        check("\u{1b}(Bplain\u{1b}c", "plain");
        check("one\r\ntwo\rthree\tfour", "one two three four");
        check("a\u{202e}b\u{200b}c\u{0}d\u{2066}e", "abcde");
        check("naïve 日本語 🦀", "naïve 日本語 🦀");
    }

    #[test]
    fn json_keeps_its_values_and_nothing_odd() {
        let text = "a\u{9b}2J\u{7f}\u{202e}b\u{200d}\n\u{e0041} naïve 日本語";
        let json = serde_json::json!({ "title": text }).to_string();
        let plain = plain_json(json);
        assert_eq!(printable(&plain), plain);
        assert!(
            plain.contains(r"\u009b2J\u007f\u202eb\u200d\n\udb40\udc41 naïve"),
            "{plain}"
        );
        let back: serde_json::Value = serde_json::from_str(&plain).unwrap();
        assert_eq!(back["title"], text);
    }

    #[test]
    fn an_unended_control_string_hides_nothing() {
        assert_eq!(printable("\u{1b}]0;all of this"), "0;all of this");
        assert_eq!(printable("\u{1b}]a\u{1b}]b\nc"), "ab c");
    }

    #[test]
    fn a_block_keeps_its_end_and_says_what_was_cut() {
        assert_eq!(printable_block("a\r\nb\tc", 100), "a\nb    c");
        let block = printable_block(&"é".repeat(1000), 100);
        assert!(block.len() <= 100, "{}", block.len());
        assert!(block.starts_with("[… 19"), "{block}");
        assert!(block.ends_with('é'));
    }

    #[test]
    fn a_long_line_ends_in_an_ellipsis() {
        assert_eq!(clip(" short ", 5), "short");
        assert_eq!(clip("a longer line", 8), "a longe…");
        assert_eq!(clip("ends in space", 6), "ends…");
    }

    proptest! {
        #[test]
        fn what_is_printed_has_no_control_and_nothing_invisible(text in any::<String>()) {
            let line = printable(&text);
            prop_assert!(!line.chars().any(|char| char.is_control() || is_invisible(char)));
            prop_assert_eq!(&printable(&line), &line);
        }

        #[test]
        fn hostile_bytes_never_reach_the_terminal(text in "[\u{1b}\u{9b}\u{9d}\u{7}\\[\\]0-9;m\\\\a-c\r\n\t\u{202e}]{0,60}") {
            let block = printable_block(&text, 50);
            prop_assert!(block.len() <= 50);
            prop_assert!(!block.chars().any(|char| char != '\n' && (char.is_control() || is_invisible(char))));
        }

        #[test]
        fn a_clipped_line_is_no_longer_than_asked(text in any::<String>(), max in 1usize..80) {
            prop_assert!(clip(&text, max).chars().count() <= max);
        }
    }
}
