//! The values of a front matter: a text with or without quotes, a list in brackets.

/// Does a block of text begin here: `|`, `>-` and the like?
#[must_use]
pub fn is_block_indicator(value: &str) -> bool {
    value.starts_with(['|', '>'])
        && value[1..]
            .chars()
            .all(|c| c.is_ascii_digit() || c == '+' || c == '-')
}

/// The text before a comment.
#[must_use]
pub fn without_comment(text: &str) -> &str {
    let ends = |at: usize| text[at + 2..].is_empty() || text[at + 2..].starts_with([' ', '\t']);
    if text == "#" || text.starts_with("# ") {
        return "";
    }
    let comment = text.match_indices(" #").find(|&(at, _)| ends(at));
    comment.map_or(text, |(at, _)| &text[..at]).trim_end()
}

/// One text: quoted or plain, with nothing but a comment after it. An error says what is wrong.
pub fn scalar(value: &str) -> Result<String, String> {
    let Some((text, rest)) = quoted_start(value)? else {
        return Ok(without_comment(value).to_owned());
    };
    if rest.trim().is_empty() || rest.trim_start().starts_with('#') {
        Ok(text)
    } else {
        Err("there is text after the closing quote".to_owned())
    }
}

/// The items of `[a, "b", c]`. An error says what is wrong.
pub fn flow_items(text: &str) -> Result<Vec<String>, String> {
    let mut items = Vec::new();
    let mut rest = text.strip_prefix('[').unwrap_or(text).trim_start();
    loop {
        if let Some((item, after)) = quoted_start(rest)? {
            items.push(item);
            rest = after.trim_start();
        } else {
            let end = rest.find([',', ']']).ok_or("the list has no closing `]`")?;
            let item = rest[..end].trim();
            if !item.is_empty() {
                items.push(item.to_owned());
            }
            rest = &rest[end..];
        }
        if let Some(after) = rest.strip_prefix(',') {
            rest = after.trim_start();
        } else if let Some(after) = rest.strip_prefix(']') {
            return match without_comment(&format!(" {}", after.trim())).trim() {
                "" => Ok(items),
                _ => Err("there is text after the list".to_owned()),
            };
        } else {
            return Err("expected `,` or `]` in the list".to_owned());
        }
    }
}

/// A quoted text at the start, and what follows it; `None` where no quote stands there.
fn quoted_start(text: &str) -> Result<Option<(String, &str)>, String> {
    match text.chars().next() {
        Some('"') => {
            let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
            match values.next() {
                Some(Ok(value)) => Ok(Some((value, &text[values.byte_offset()..]))),
                Some(Err(_)) | None => Err("the text in double quotes does not end well".into()),
            }
        }
        Some('\'') => single_quoted(&text[1..])
            .map(Some)
            .ok_or_else(|| "the text in single quotes does not end".into()),
        Some(_) | None => Ok(None),
    }
}

/// The text up to the closing quote, `''` being one quote, and what follows.
fn single_quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('\'')?;
        value.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                value.push('\'');
                rest = after;
            }
            None => return Some((value, rest)),
        }
    }
}

/// The text as it can stand behind a key or in a list: plain where no YAML reader could take it for anything else.
#[must_use]
pub fn quoted(text: &str) -> String {
    let plain = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | '/' | '.' | ':'))
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !is_yaml_word(text);
    if plain {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

fn is_yaml_word(text: &str) -> bool {
    ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stand_where_another_reader_would_go_wrong() {
        let check = |text: &str, expect: &str| assert_eq!(quoted(text), expect);
        check("area/ui v1.2", "area/ui v1.2");
        check("area:ui", "area:ui");
        check("No", r#""No""#);
        check("1.0", r#""1.0""#);
        check("", r#""""#);
        check("a: b", r#""a: b""#);
        check("a #b", "\"a #b\"");
        check("a,b", r#""a,b""#);
        check("say \"it\"\n", r#""say \"it\"\n""#);
    }

    #[test]
    fn a_hash_starts_a_comment_before_a_space_only() {
        let check = |text: &str, expect: &str| assert_eq!(without_comment(text), expect);
        check("a # b", "a");
        check("a #", "a");
        check("# b", "");
        check("mend #12 and #13 # both", "mend #12 and #13");
        check("a#b", "a#b");
    }
}
