//! The forms in which a known secret may show.

use std::fmt::Write as _;

/// Shorter values are too common to be looked for.
const LENGTH_MIN: usize = 6;
/// A line of a secret that has several counts as a secret of its own from this length on.
const LINE_MIN: usize = 16;

/// The ways in which a secret value may show: as it is, in JSON, in an address, in base64 at any alignment, and each of
/// its long lines so. Nothing for a value under six bytes.
#[must_use]
pub fn forms(secret: &str) -> Vec<String> {
    let secret = secret.trim();
    let lines = secret
        .lines()
        .map(str::trim)
        .filter(|line| line.len() >= LINE_MIN && !line.starts_with("-----"));
    let mut forms: Vec<String> = [secret]
        .into_iter()
        .chain(lines)
        .filter(|value| value.len() >= LENGTH_MIN)
        .flat_map(forms_of_value)
        .collect();
    forms.sort();
    forms.dedup();
    forms
}

fn forms_of_value(value: &str) -> Vec<String> {
    let upper = |byte| format!("%{byte:02X}");
    let lower = |byte| format!("%{byte:02x}");
    let json = in_json(value);
    let mut forms = vec![
        value.to_owned(),
        json.replace('/', "\\/"),
        in_ascii(&json),
        in_address(value, "-_.~", upper),
        in_address(value, "-_.~", lower),
        in_address(value, "-_.* ", upper).replace(' ', "+"),
        json,
    ];
    for skipped in 0..3 {
        let standard = in_base64(value.as_bytes(), skipped);
        forms.push(standard.replace('+', "-").replace('/', "_"));
        forms.push(standard);
    }
    forms
}

/// The inside of a JSON string (RFC 8259, section 7).
fn in_json(value: &str) -> String {
    let mut json = String::with_capacity(value.len());
    for char in value.chars() {
        match char {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            char if char.is_ascii_control() => push_unit(&mut json, u16::from(char as u8)),
            char => json.push(char),
        }
    }
    json
}

/// JSON as programs write it that keep to ASCII.
fn in_ascii(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for char in json.chars() {
        if char.is_ascii() {
            ascii.push(char);
        } else {
            for unit in char.encode_utf16(&mut [0; 2]) {
                push_unit(&mut ascii, *unit);
            }
        }
    }
    ascii
}

fn push_unit(json: &mut String, unit: u16) {
    write!(json, "\\u{unit:04x}").expect("writing to a string never fails");
}

/// Percent-encoded (RFC 3986, section 2.1), but for letters, digits and what is `safe`.
fn in_address(value: &str, safe: &str, escape: impl Fn(u8) -> String) -> String {
    let mut address = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || safe.as_bytes().contains(&byte) {
            address.push(char::from(byte));
        } else {
            address.push_str(&escape(byte));
        }
    }
    address
}

/// The base64 letters (RFC 4648) that the value alone decides when it stands `skipped` bytes after a multiple of three.
fn in_base64(value: &[u8], skipped: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |at: usize| (value[at / 8] >> (7 - at % 8)) & 1;
    let first = (8 * skipped).div_ceil(6);
    let end = 8 * (skipped + value.len()) / 6;
    (first..end)
        .map(|letter| {
            let start = 6 * letter - 8 * skipped;
            let index = (start..start + 6).fold(0, |index, at| (index << 1) | bit(at));
            char::from(LETTERS[usize::from(index)])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_in_many_forms() {
        let forms = forms("a/b+\"ü:secret");
        for form in [
            "a/b+\"ü:secret",
            "a/b+\\\"ü:secret",
            "a\\/b+\\\"ü:secret",
            "a/b+\\\"\\u00fc:secret",
            "a%2Fb%2B%22%C3%BC%3Asecret",
            "a%2fb%2b%22%c3%bc%3asecret",
        ] {
            assert!(forms.iter().any(|own| own == form), "{form} in {forms:?}");
        }
    }

    #[test]
    fn base64_is_found_at_any_alignment() {
        // printf 'xhunter22' | base64, and so on.
        for (skipped, letters) in [(0, "aHVudGVyMjIy"), (1, "h1bnRlcjIyM"), (2, "odW50ZXIyMj")] {
            assert_eq!(in_base64(b"hunter222", skipped), letters);
        }
        for (before, encoded) in [
            ("", "aHVudGVyMjIy"),
            ("x", "eGh1bnRlcjIyMg=="),
            ("xy", "eHlodW50ZXIyMjI="),
        ] {
            assert!(
                encoded.contains(&in_base64(b"hunter222", before.len())),
                "{before}"
            );
        }
    }

    #[test]
    fn short_values_have_no_form_and_long_lines_have_their_own() {
        assert!(forms("12345").is_empty());
        let key = "-----BEGIN KEY-----\nabcdefghijklmnop\nshort\n-----END KEY-----";
        assert!(forms(key).iter().any(|form| form == "abcdefghijklmnop"));
        assert!(!forms(key).iter().any(|form| form == "short"));
    }
}
