//! Lines of strangers as JSON, in little memory: a line that would take much of it is no line of any agent's.

use serde_json::Value;
use std::borrow::Cow;

/// The most values that a line may have. The longest line that was recorded has 300; one of 16 MB of nothing but zeros has
/// eight million, which takes 600 MB once it is read.
const VALUES: usize = 100_000;
/// The longest line that is read: no model says as much at once, and to read it takes as much again.
const LONGEST: usize = 8 << 20;
/// The longest line in which bytes that are no text are replaced: that takes three times as much.
const REPLACED: usize = 1 << 20;

/// The line as text; nothing where it is long and no text.
pub(super) fn text(line: &[u8]) -> Cow<'_, str> {
    if line.len() <= REPLACED {
        return String::from_utf8_lossy(line);
    }
    Cow::Borrowed(std::str::from_utf8(line).unwrap_or_default())
}

/// The line as JSON, where it is that and of a bearable size.
pub(super) fn read(line: &[u8]) -> Option<Value> {
    if line.len() > LONGEST {
        return None;
    }
    let text = text(line);
    is_bearable(text.as_bytes())
        .then(|| serde_json::from_str(&text).ok())
        .flatten()
}

/// Has it few values? Counts what opens and parts them, outside of texts.
fn is_bearable(line: &[u8]) -> bool {
    // Each value takes two bytes at least.
    if line.len() < 2 * VALUES {
        return true;
    }
    let (mut count, mut is_text, mut is_escaped) = (0, false, false);
    for byte in line {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_text,
            b'"' => is_text = !is_text,
            b',' | b'[' | b'{' if !is_text => count += 1,
            _ => {}
        }
    }
    count < VALUES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_read_and_many_values_are_not() {
        let long = format!(
            r#"{{"text":"{}\"[,","n":[1,2]}}"#,
            "a,[{\\\\".repeat(200_000)
        );
        let read_back = read(long.as_bytes()).expect("one long text is no harm");
        assert_eq!(read_back["n"][1], 2);
        let many = |count: usize| format!("[{}0]", "0,".repeat(count));
        assert!(read(many(VALUES - 10).as_bytes()).is_some());
        assert!(read(many(VALUES + 10).as_bytes()).is_none());
        let objects = format!("[{}0]", r#"{"":{}},"#.repeat(VALUES));
        assert!(read(objects.as_bytes()).is_none());
        assert!(read("[".repeat(8_000_000).as_bytes()).is_none());
        let text = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
        assert!(read(text(LONGEST).as_bytes()).is_some());
        assert!(read(text(LONGEST + 1).as_bytes()).is_none());
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_in_short_lines() {
        assert_eq!(read(b"{\"a\":\"\xff\"}").unwrap()["a"], "\u{fffd}");
        let long = [&b"\""[..], &vec![0xff; REPLACED], b"\""].concat();
        assert_eq!(read(&long), None);
        assert_eq!(read(b"no json"), None);
    }
}
