//! Escapes of JSON that stand for half a character: no text can hold one, and one must not spoil all that is beside it.

use std::ops::Range;

const REPLACEMENT: &[u8] = br"\ufffd";
/// The first halves of characters that are written in two (RFC 8259, section 7).
const FIRST: Range<u16> = 0xd800..0xdc00;
/// The second halves.
const SECOND: Range<u16> = 0xdc00..0xe000;

/// The same with a replacement character for each half that stands alone; `None` where none does.
pub(super) fn mended(json: &[u8]) -> Option<Vec<u8>> {
    let (mut mended, mut at, mut found) = (Vec::with_capacity(json.len()), 0, false);
    while at < json.len() {
        let rest = &json[at..];
        let length = match escape(rest) {
            _ if rest[0] != b'\\' => 1,
            Some(first) if FIRST.contains(&first) => match escape(&rest[6..]) {
                Some(second) if SECOND.contains(&second) => 12,
                Some(_) | None => 0,
            },
            Some(second) if SECOND.contains(&second) => 0,
            Some(_) => 6,
            None => rest.len().min(2),
        };
        if length == 0 {
            mended.extend(REPLACEMENT);
            (at, found) = (at + 6, true);
        } else {
            mended.extend(&rest[..length]);
            at += length;
        }
    }
    found.then_some(mended)
}

/// The number of the escape `\uXXXX` that this begins with.
fn escape(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(br"\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_that_stand_alone_are_replaced() {
        let check = |json: &str, expect: Option<&str>| {
            let mended = mended(json.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(mended.as_deref(), expect, "{json}");
        };
        check(r#""\ud83e\udd80""#, None);
        check(r#""\ud83e""#, Some(r#""\ufffd""#));
        check(
            r#""\udd80\ud83e\ud83e\udd80x""#,
            Some(r#""\ufffd\ufffd\ud83e\udd80x""#),
        );
        check(r#""\\ud83e \\\ud83e\n""#, Some(r#""\\ud83e \\\ufffd\n""#));
        check(r#""\u00e9 \ud8""#, None);
        check("\\", None);
    }

    proptest! {
        #[test]
        fn what_is_json_already_stays(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(mended(json.as_bytes()), None);
        }
    }
}
