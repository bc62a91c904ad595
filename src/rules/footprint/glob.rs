//! Patterns such as `src/**/*.rs`: found in a text, and matched against paths.

use crate::rules::markdown::visible;

/// The most patterns that are read from one text, and the longest.
const PATTERNS_MAX: usize = 50;
const LENGTH_MAX: usize = 255;

/// The patterns that a text shows as code, or writes with a directory; at most 50, each once.
#[must_use]
pub fn patterns(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (index, piece) in visible(text).split('`').enumerate() {
        for word in piece.split(|char: char| char.is_whitespace() || "\"'(),;<>|".contains(char)) {
            let Some(pattern) = pattern(word, index % 2 == 1) else {
                continue;
            };
            if found.len() < PATTERNS_MAX && !found.iter().any(|known| known == pattern) {
                found.push(pattern.to_owned());
            }
        }
    }
    found
}

/// Outside of code, stars around a word make it bold, so a pattern there has a directory before its first star.
fn pattern(word: &str, is_code: bool) -> Option<&str> {
    let word = word.trim_end_matches(['.', ':', '!']);
    let word = word.strip_prefix("./").unwrap_or(word);
    let has_home = word
        .find('*')
        .is_some_and(|star| word[..star].contains('/'));
    let is_sound = word.len() <= LENGTH_MAX
        && word.contains('*')
        && word.contains(['/', '.'])
        && word.chars().any(char::is_alphanumeric)
        && !word.contains("..")
        && word
            .chars()
            .all(|char| char.is_alphanumeric() || "_-.+@$*?/".contains(char))
        && !word.starts_with('/');
    (is_sound && (is_code || has_home)).then_some(word)
}

/// Does the path fit the pattern? `*` stands for anything within a segment, `?` for one character of it, `**` for any
/// number of segments. A pattern without `/` fits the last segment of any path.
#[must_use]
pub fn fits(pattern: &str, path: &str) -> bool {
    if !pattern.contains('/') {
        return segment_fits(
            pattern.as_bytes(),
            crate::rules::paths::name(path).as_bytes(),
        );
    }
    let pattern: Vec<&str> = pattern.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    // What of the path each prefix of the pattern fits: no way back and forth, so no pattern takes long.
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for part in pattern {
        let mut next = vec![false; path.len() + 1];
        for at in 0..=path.len() {
            if part == "**" {
                next[at] = reached[..=at].contains(&true);
            } else if at > 0 && reached[at - 1] {
                next[at] = segment_fits(part.as_bytes(), path[at - 1].as_bytes());
            }
        }
        reached = next;
    }
    reached[path.len()]
}

/// One segment, by the usual walk with one place to come back to.
fn segment_fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut in_text) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while in_text < text.len() {
        if pattern.get(at) == Some(&b'*') {
            back = Some((at, in_text));
            at += 1;
        } else if pattern
            .get(at)
            .is_some_and(|byte| *byte == b'?' || *byte == text[in_text])
        {
            at += 1;
            in_text += 1;
        } else if let Some((star, from)) = back {
            back = Some((star, from + 1));
            at = star + 1;
            in_text = from + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_paths() {
        let check =
            |pattern, path, expect| assert_eq!(fits(pattern, path), expect, "{pattern} {path}");
        check("src/*.rs", "src/a.rs", true);
        check("src/*.rs", "src/a/b.rs", false);
        check("src/**/*.rs", "src/a.rs", true);
        check("src/**/*.rs", "src/a/b/c.rs", true);
        check("src/**", "src/a/b", true);
        check("src/**", "lib/a", false);
        check("**/test_*.py", "a/b/test_x.py", true);
        check("**/test_*.py", "test_x.py", true);
        check("*.md", "docs/a.md", true);
        check("*.md", "docs/a.mdx", false);
        check("docs/?.md", "docs/a.md", true);
        check("docs/?.md", "docs/ab.md", false);
        check("a/*b*c", "a/xbybzc", true);
    }

    #[test]
    fn patterns_are_told_from_emphasis() {
        let check = |text: &str, expect: &[&str]| assert_eq!(patterns(text), expect, "{text}");
        check("all of src/**/*.rs, and `*.md`.", &["src/**/*.rs", "*.md"]);
        check("this is *very* **bold.** and 2 * 3", &[]);
        check("**src/a.rs** *.md", &[]);
        check("`../*.rs` `/etc/*.conf` `a*b`", &[]);
        check("<!-- src/*.rs -->", &[]);
    }

    #[test]
    fn a_long_pattern_of_stars_takes_no_time() {
        let pattern = format!("a/{}", "*a".repeat(100));
        let path = format!("a/{}", "a".repeat(5000) + "b");
        assert!(!fits(&pattern, &path));
    }
}
