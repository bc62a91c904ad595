//! Takes the power from text that an agent or an author wrote, before it goes to a forge under our name.

use crate::rules::printable::printable_lines;

/// Stands between the two characters whose meeting has an effect; it shows nothing.
const BREAK: char = '\u{200b}';
/// Entities that name a character without any effect.
const HARMLESS_ENTITIES: [&str; 5] = ["amp;", "lt;", "gt;", "quot;", "nbsp;"];
/// The longest name of an HTML entity, `&CounterClockwiseContourIntegral;`, has 32 characters with its semicolon.
const ENTITY_MAX: usize = 33;
/// Paths of a forge's pages that a number follows.
const NUMBERED_PAGES: [&str; 4] = ["/issues", "/pull", "/pulls", "/discussions"];
/// What in a commit's message keeps GitHub's workflows from running.
const CI_SKIPS: [&str; 5] = [
    "skip ci]",
    "ci skip]",
    "no ci]",
    "skip actions]",
    "actions skip]",
];

/// The Markdown, as readable as before, with nothing in it that notifies, links back, closes an issue, hides, passes for
/// our marker, commands a bot or skips CI. Control and invisible characters go; doing it twice changes nothing.
#[must_use]
pub fn neutralise(markdown: &str) -> String {
    let text = printable_lines(markdown);
    let mut neutral = String::with_capacity(text.len() + 16);
    for (at, char) in text.char_indices() {
        neutral.push(char);
        if char.is_ascii_punctuation() && has_effect(&text[..at], char, &text[at + 1..]) {
            neutral.push(BREAK);
        }
    }
    neutral
}

/// Does `char` together with what follows it do something?
fn has_effect(before: &str, char: char, after: &str) -> bool {
    let next = after.bytes().next().unwrap_or(b' ');
    match char {
        '@' => next.is_ascii_alphanumeric() && !ends_in_word(before),
        '#' => next.is_ascii_digit(),
        '-' => next.is_ascii_digit() && (ends_with(before, "gh") || ends_with(before, "gh\\")),
        '<' => matches!(next, b'!' | b'?'),
        '&' => is_entity(after),
        '/' if next.is_ascii_digit() => NUMBERED_PAGES.iter().any(|page| ends_with(before, page)),
        '/' => next.is_ascii_alphabetic() && begins_line(before),
        '[' => CI_SKIPS.iter().any(|skip| starts_with(after, skip)),
        _ => false,
    }
}

fn ends_in_word(text: &str) -> bool {
    text.ends_with(|char: char| char.is_ascii_alphanumeric() || char == '_')
}

fn begins_line(before: &str) -> bool {
    before
        .chars()
        .rev()
        .find(|char| *char != ' ')
        .is_none_or(|char| char == '\n')
}

/// An entity may stand for `@`, `#` or any part of what follows them.
fn is_entity(after: &str) -> bool {
    let name = after
        .bytes()
        .take(ENTITY_MAX)
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#')
        .count();
    after[name..].starts_with(';') && !HARMLESS_ENTITIES.contains(&&after[..=name])
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|text| text.eq_ignore_ascii_case(start))
}

fn ends_with(text: &str, end: &str) -> bool {
    let from = text.len().checked_sub(end.len());
    from.and_then(|from| text.get(from..))
        .is_some_and(|text| text.eq_ignore_ascii_case(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_has_an_effect_is_broken_where_it_would_begin() {
        let check = |text: &str, expect: &str| {
            assert_eq!(neutralise(text), expect.replace('|', "\u{200b}"), "{text}");
        };
        check("ask @octocat", "ask @|octocat");
        check("(@org/team)", "(@|org/team)");
        check("closes #12, fixes: o/r#3", "closes #|12, fixes: o/r#|3");
        check("Resolves GH-12 and gh\\-3", "Resolves GH-|12 and gh\\-|3");
        check(
            "closes https://forge.test/o/r/issues/5",
            "closes https://forge.test/o/r/issues/|5",
        );
        check(
            "&#64;octocat &commat;x &num;3",
            "&|#|64;octocat &|commat;x &|num;3",
        );
        check("<!-- autoissue:v1 -->", "<|!-- autoissue:v1 -->");
        check("/approve\n  /reject all", "/|approve\n  /|reject all");
        check("title [skip CI]", "title [|skip CI]");
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        let check = |text: &str| assert_eq!(neutralise(text), text);
        check("Mail me@example.com about `Vec<String>` & `&str`; a/b #hash issue 12.");
        check("# Heading\n\n- [x] done in src/a.rs:12\n> a &lt; b &amp;&amp; c");
        check("see https://forge.test/o/r/blob/main/a.rs, utf-8, /usr");
    }

    proptest! {
        #[test]
        fn no_effect_survives(text in "(@|#|/issues/|gh-|<!--|&#|;|[ab1 ]|\n|\u{200b}|\u{202e}|\u{1b}\\[0m){0,24}") {
            let neutral = neutralise(&text);
            for (at, _) in neutral.match_indices(['@', '#']) {
                let next = neutral[at + 1..].chars().next();
                let mentions = neutral[at..].starts_with('@') && !ends_in_word(&neutral[..at])
                    && next.is_some_and(|char| char.is_ascii_alphanumeric());
                let refers = neutral[at..].starts_with('#') && next.is_some_and(|char| char.is_ascii_digit());
                prop_assert!(!mentions && !refers, "{neutral:?}");
            }
            prop_assert!(!neutral.contains("<!"));
            prop_assert_eq!(neutralise(&neutral), neutral);
        }
    }
}
