//! Where the packages of a lock file come from: which hosts it names that the base's did not.

use crate::rules::paths::name;
use serde_json::Value;
use std::collections::BTreeSet;

/// How a lock file is read.
#[derive(Clone, Copy)]
enum Reading {
    /// JSON, of which only the texts under these keys are sources; all of them where there are none.
    Json(&'static [&'static str]),
    /// JSON, of which only `url` within `source` and `dist` is a source.
    Composer,
    /// Lines, of which those that begin so are a person's words, with all that is indented deeper.
    Lines(&'static str),
}

const NPM: &[&str] = &["registry.npmjs.org", "registry.yarnpkg.com"];
const PYPI: &[&str] = &["pypi.org", "files.pythonhosted.org"];
const CRATES: &[&str] = &["crates.io", "index.crates.io", "static.crates.io"];
const GEMS: &[&str] = &["rubygems.org", "index.rubygems.org"];
/// Packagist leads to GitHub's archives.
const PACKAGIST: &[&str] = &[
    "packagist.org",
    "repo.packagist.org",
    "github.com",
    "api.github.com",
    "codeload.github.com",
];

/// No line begins so.
const NO_WORDS: &str = "\0";

/// The lock files that say where from, how they are read, and what their ecosystem's default registry is.
const KNOWN: [(&str, Reading, &[&str]); 11] = [
    (
        "package-lock.json",
        Reading::Json(&["resolved", "version"]),
        NPM,
    ),
    (
        "npm-shrinkwrap.json",
        Reading::Json(&["resolved", "version"]),
        NPM,
    ),
    ("yarn.lock", Reading::Lines(NO_WORDS), NPM),
    ("pnpm-lock.yaml", Reading::Lines("deprecated:"), NPM),
    ("bun.lock", Reading::Lines(NO_WORDS), NPM),
    ("cargo.lock", Reading::Lines(NO_WORDS), CRATES),
    ("poetry.lock", Reading::Lines("description ="), PYPI),
    ("uv.lock", Reading::Lines(NO_WORDS), PYPI),
    ("pipfile.lock", Reading::Json(&[]), PYPI),
    ("gemfile.lock", Reading::Lines(NO_WORDS), GEMS),
    ("composer.lock", Reading::Composer, PACKAGIST),
];

/// Schemes that lead to another machine; `git+ssh:` ends with one.
const SCHEMES: [&str; 5] = ["https:", "http:", "ssh:", "git:", "ftp:"];
/// Short for a host.
const SHORT: [(&str, &str); 4] = [
    ("github:", "github.com"),
    ("gitlab:", "gitlab.com"),
    ("bitbucket:", "bitbucket.org"),
    ("gist:", "gist.github.com"),
];
/// The index of crates.io, by what lies at GitHub.
const CRATES_INDEX: &str = "//github.com/rust-lang/crates.io-index";
/// More characters than any name of a host with its port has.
const HOST_CHARS: usize = 260;

/// Is it a lock file that says where its packages come from?
#[must_use]
pub fn names_sources(path: &str) -> bool {
    known(path).is_some()
}

/// The hosts that a lock file names now, that it did not name before, and that are not its ecosystem's own. `None`
/// where it cannot be read.
#[must_use]
pub fn new_sources(path: &str, before: &str, now: &str) -> Option<Vec<String>> {
    let Some((reading, usual)) = known(path) else {
        return Some(Vec::new());
    };
    let mut found = sources(reading, now)?;
    if found.iter().any(|host| !usual.contains(&host.as_str())) {
        let known = sources(reading, before).unwrap_or_default();
        found.retain(|host| !usual.contains(&host.as_str()) && !known.contains(host));
        return Some(found.into_iter().collect());
    }
    Some(Vec::new())
}

fn known(path: &str) -> Option<(Reading, &'static [&'static str])> {
    let name = name(path).to_ascii_lowercase();
    let found = KNOWN.iter().find(|(known, _, _)| *known == name);
    found.map(|(_, reading, usual)| (*reading, *usual))
}

fn sources(reading: Reading, text: &str) -> Option<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    match reading {
        Reading::Lines(words) => in_lines(text, words, &mut found),
        Reading::Json(_) | Reading::Composer => {
            let text = text.trim_start_matches('\u{feff}');
            if !text.trim().is_empty() {
                in_json(&serde_json::from_str(text).ok()?, reading, "", &mut found);
            }
        }
    }
    Some(found)
}

/// `key` is what the value stands under. The parser bounds how deep that goes.
fn in_json(value: &Value, reading: Reading, key: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            let is_source = match reading {
                Reading::Json(keys) => keys.is_empty() || keys.contains(&key),
                Reading::Composer => false,
                Reading::Lines(_) => true,
            };
            if is_source {
                in_text(text, found);
            }
        }
        Value::Array(all) => {
            for one in all {
                in_json(one, reading, key, found);
            }
        }
        Value::Object(all) => {
            for (name, one) in all {
                let is_origin = matches!(reading, Reading::Composer)
                    && matches!(key, "source" | "dist")
                    && name == "url";
                match one {
                    Value::String(url) if is_origin => in_text(url, found),
                    one => in_json(one, reading, name, found),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn in_lines(text: &str, words: &str, found: &mut BTreeSet<String>) {
    let mut within = None;
    for line in text.lines() {
        let rest = line.trim_start();
        let indent = line.len() - rest.len();
        if within.is_some_and(|depth| indent > depth) {
            continue;
        }
        within = rest.starts_with(words).then_some(indent);
        if within.is_none() && line.contains([':', '%', '\\']) {
            in_text(line, found);
        }
    }
}

/// Every host that a text leads to.
fn in_text(text: &str, found: &mut BTreeSet<String>) {
    let plain = unescaped(text);
    let lower = plain.to_ascii_lowercase();
    let is_word = |char: char| char.is_ascii_alphanumeric();
    for (at, _) in lower.match_indices(':') {
        let (before, after) = (&lower[..=at], &lower[at + 1..]);
        let ends_with = |scheme: &str| {
            let start = before.strip_suffix(scheme);
            start.is_some_and(|start| !start.ends_with(is_word))
        };
        if SCHEMES.iter().any(|scheme| ends_with(scheme)) {
            found.extend(host(after));
        } else if let Some((_, host)) = SHORT.iter().find(|(short, _)| ends_with(short)) {
            // A scheme is followed by a name; a key of YAML by a blank, and one of JSON by a quote.
            if after.starts_with(is_word) {
                found.insert((*host).to_owned());
            }
        } else if let Some((_, name)) = before[..at].rsplit_once("git@") {
            let name = name.trim_matches('.');
            if !name.is_empty() && name.chars().all(is_host) {
                found.insert(name.to_owned());
            }
        }
    }
}

/// The host that stands after a scheme, as lenient as programs that follow it.
fn host(after: &str) -> Option<String> {
    if after.starts_with(CRATES_INDEX) {
        return Some("crates.io".to_owned());
    }
    let rest = after.trim_start_matches(['/', '\\']);
    if rest.len() == after.len() {
        return None;
    }
    let is_end = |char: char| {
        matches!(
            char,
            '/' | '\\' | '?' | '#' | '"' | '\'' | ',' | ')' | '}' | '>'
        ) || char.is_whitespace()
            || char.is_control()
    };
    let authority = rest.split(is_end).next().unwrap_or_default();
    let name = authority.rsplit('@').next().unwrap_or_default();
    let name = name.strip_suffix(":443").unwrap_or(name);
    let name = name.strip_suffix(":80").unwrap_or(name);
    let name: String = name.trim_matches('.').chars().take(HOST_CHARS).collect();
    (!name.is_empty()).then_some(name)
}

fn is_host(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_')
}

/// Without the escapes of JSON, TOML, YAML and URLs that could hide a host.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '%']) {
        plain.push_str(&rest[..at]);
        let (escape, digits) = match rest.as_bytes().get(at..at + 2) {
            Some(b"\\u") => (2, 4),
            Some(b"\\U") => (2, 8),
            Some(b"\\x") => (2, 2),
            _ if rest[at..].starts_with('%') => (1, 2),
            _ => (1, 0),
        };
        let from = at + escape;
        let code = rest
            .get(from..from + digits)
            .filter(|code| !code.is_empty());
        let char = code.and_then(|code| char::from_u32(u32::from_str_radix(code, 16).ok()?));
        if let Some(char) = char {
            plain.push(char);
            rest = &rest[from + digits..];
        } else {
            // `\/` is a slash, and `\\` stays one that programs may take for it.
            let is_slash = rest[at..].starts_with("\\/");
            plain.push_str(if is_slash { "" } else { &rest[at..=at] });
            rest = &rest[at + 1..];
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(path: &str, before: &str, now: &str, expect: &[&str]) {
        let found = new_sources(path, before, now).unwrap();
        assert_eq!(found, expect, "{path}: {now}");
    }

    #[test]
    fn what_leads_elsewhere_is_named_in_every_format() {
        let npm = |url: &str| {
            format!(r#"{{"packages":{{"a":{{"version":"1.0.0","resolved":"{url}"}}}}}}"#)
        };
        let cases: [(&str, String); 16] = [
            ("package-lock.json", npm("https://evil.example/a.tgz")),
            ("web/npm-shrinkwrap.json", npm("git+ssh://git@evil.example/a.git#12")),
            ("package-lock.json", npm(r"\u0068ttps:\/\/evil.example/a.tgz")),
            ("package-lock.json", npm("https://registry.npmjs.org@EVIL.example/a.tgz")),
            ("package-lock.json", r#"{"dependencies":{"a":{"version":"git+https://evil.example/a"}}}"#.to_owned()),
            ("yarn.lock", "a@^1:\n  resolved \"https://evil.example/a.tgz#1\"\n".to_owned()),
            ("yarn.lock", "\"a@npm:1\":\n  resolution: \"a@npm:1::__archiveUrl=https%3A%2F%2Fevil.example%2Fa\"\n".to_owned()),
            ("pnpm-lock.yaml", "  a@1:\n    resolution: {tarball: https://evil.example/a.tgz}\n".to_owned()),
            ("pnpm-lock.yaml", "    resolution: {repo: git@evil.example:a/b.git, type: git}\n".to_owned()),
            ("bun.lock", r#"{"packages":{"a":["a@1","https://evil.example/a.tgz",{},"sha512-x"],}}"#.to_owned()),
            ("Cargo.lock", "source = \"registry+https://evil.example/index\"\n".to_owned()),
            ("poetry.lock", "[package.source]\nurl = \"https://evil.example/simple\"\n".to_owned()),
            ("uv.lock", "source = { registry = \"https://evil.example/simple\" }\n".to_owned()),
            ("Pipfile.lock", r#"{"_meta":{"sources":[{"url":"https://evil.example/simple"}]}}"#.to_owned()),
            ("Gemfile.lock", "GEM\n  remote: https://evil.example/\n".to_owned()),
            ("composer.lock", r#"{"packages":[{"dist":{"type":"zip","url":"https://evil.example/a.zip"}}]}"#.to_owned()),
        ];
        for (path, now) in &cases {
            check(path, "", now, &["evil.example"]);
            check(path, now, now, &[]);
        }
    }

    #[test]
    fn the_ecosystems_own_and_words_of_people_are_no_new_sources() {
        let cases = [
            // Found by chance: a host of dots alone is none.
            ("yarn.lock", "git@.:"),
            (
                "package-lock.json",
                r#"{"a":{"version":"1","resolved":"https://registry.npmjs.org/a.tgz","funding":{"url":"https://x.example"},"deprecated":"see https://x.example"}}"#,
            ),
            (
                "package-lock.json",
                r#"{"a":{"resolved":"packages/a","link":true},"b":{"version":"npm:c@1"}}"#,
            ),
            (
                "yarn.lock",
                "a@1:\n  resolved \"https://registry.yarnpkg.com/a.tgz#1\"\n",
            ),
            (
                "pnpm-lock.yaml",
                "  a@1:\n    deprecated: see https://x.example\n      and https://y.example\n    engines: {node: '>=4'}\n",
            ),
            (
                "Cargo.lock",
                "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n",
            ),
            (
                "uv.lock",
                "source = { registry = \"https://pypi.org/simple\" }\nurl = \"https://files.pythonhosted.org/a\"\n",
            ),
            ("poetry.lock", "description = \"see https://x.example\"\n"),
            ("Gemfile.lock", "  remote: https://rubygems.org/\n"),
            (
                "composer.lock",
                r#"{"a":{"source":{"url":"https://github.com/a/b.git"},"support":{"url":"https://x.example"},"homepage":"https://x.example"}}"#,
            ),
            ("go.sum", "evil.example/a v1 h1:x\nhttps://evil.example"),
            ("src/urls.rs", "https://evil.example"),
        ];
        for (path, now) in cases {
            check(path, "", now, &[]);
        }
    }

    #[test]
    fn git_at_github_is_another_source_than_the_index_of_crates_there() {
        let index = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
        let fork = format!("{index}source = \"git+https://github.com/x/serde#12\"\n");
        check("Cargo.lock", index, &fork, &["github.com"]);
        check("Cargo.lock", &fork, &fork, &[]);
        check(
            "package-lock.json",
            "",
            r#"{"version":"github:x/y#12"}"#,
            &["github.com"],
        );
    }

    #[test]
    fn what_cannot_be_read_is_no_empty_list() {
        assert_eq!(new_sources("package-lock.json", "", "{\"resolved\":"), None);
        let deep = "[".repeat(100_000);
        assert_eq!(new_sources("composer.lock", "", &deep), None);
        // A base that cannot be read excuses nothing.
        check(
            "Pipfile.lock",
            "{",
            r#"{"url":"http://a.example:8080/x"}"#,
            &["a.example:8080"],
        );
    }

    #[test]
    fn a_large_lock_file_is_read_to_its_end() {
        let line = "  resolved \"https://registry.yarnpkg.com/a/-/a-1.0.0.tgz#0123456789\"\n";
        let now = line.repeat(5_000_000 / line.len());
        check("yarn.lock", &now, &now, &[]);
        let more = now.clone() + "  resolved \"https://evil.example/a.tgz\"\n";
        check("yarn.lock", &now, &more, &["evil.example"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_stumble(
            path in prop::sample::select(KNOWN.map(|(name, _, _)| name).to_vec()),
            before in r#"(\PC|[\\%:/@"\n]|https:|git@|\\u|é){0,60}"#,
            now in r#"(\PC|[\\%:/@"\n]|https:|git@|\\u|é){0,60}"#,
        ) {
            let found = new_sources(path, &before, &now).unwrap_or_default();
            prop_assert!(found.iter().all(|host| !host.is_empty() && host.len() < 4 * HOST_CHARS));
            let same = new_sources(path, &now, &now).unwrap_or_default();
            prop_assert_eq!(same, Vec::<String>::new());
        }
    }
}
