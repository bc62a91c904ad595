//! Secrets in what a change brings: values that are known, and what is one by its looks.

use crate::rules::redact::Redactor;
use crate::rules::secret_patterns::{Look, pattern_at};
use std::collections::BTreeSet;
use std::fmt;

/// A key in PEM has a line of 64; shorter than this it is the name of one, or a placeholder.
const KEY_RUN: usize = 40;
/// What is random has at least as many different characters.
const DISTINCT: usize = 6;
/// The least length of a password or a header's value that counts by its looks alone.
const RANDOM_LEAST: usize = 16;
/// As many digits do not come in a name.
const RANDOM_DIGITS: usize = 4;
/// More secrets than these in one file are not told apart, nor held in memory.
const MOST: usize = 1_000;
/// The least length of a known value that is looked for.
const KNOWN_LEAST: usize = 8;
/// Ends the keys of AWS's documentation.
const EXAMPLE: &[u8] = b"EXAMPLE";

/// A kind of secret. No value is ever told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Secret {
    /// A value that this program was given as a secret, in whatever form.
    Known,
    /// A private key in PEM.
    PrivateKey,
    /// A token with the mark of its vendor: this one.
    Token(&'static str),
    /// A password in an address, or the value of an `Authorization` header.
    Credentials,
    /// Nobody knows: it is too long to be looked through, or full of what looks like secrets.
    Unread,
}

/// A secret that was found.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Find {
    /// What it is.
    pub kind: Secret,
    /// As it stands there.
    value: Vec<u8>,
}

/// Whose tokens begin so; the longer beginnings first.
const VENDORS: [(&str, &str); 13] = [
    ("github_pat_", "GitHub"),
    ("gh", "GitHub"),
    ("glpat-", "GitLab"),
    ("sk-ant-", "Anthropic"),
    ("sk_", "Stripe"),
    ("rk_", "Stripe"),
    ("xox", "Slack"),
    ("AKIA", "AWS"),
    ("ASIA", "AWS"),
    ("AIza", "Google"),
    ("npm_", "npm"),
    ("sk-proj-", "OpenAI"),
    (GENERIC, "an API"),
];
/// Keys of many vendors begin so, and names of styles.
const GENERIC: &str = "sk-";

impl Secret {
    /// A few words for a person.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Known => "a known secret".to_owned(),
            Self::PrivateKey => "a private key".to_owned(),
            Self::Token(vendor) => format!("a token of {vendor}"),
            Self::Credentials => "a password in an address or a header".to_owned(),
            Self::Unread => "too much to be looked through".to_owned(),
        }
    }
}

impl fmt::Debug for Find {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ***", self.kind)
    }
}

impl Find {
    fn new(kind: Secret, value: &[u8]) -> Self {
        Self {
            kind,
            value: value.to_owned(),
        }
    }
}

/// Is a known value to be looked for in changes? Short and plain ones stand in anybody's files.
#[must_use]
pub fn is_guarded(known: &str) -> bool {
    known.trim().len() >= KNOWN_LEAST && distinct(known.trim().as_bytes()) >= DISTINCT
}

/// Each secret in these bytes, text or not; `None` where there are more than anybody would look at. Placeholders are
/// none: a private key has a body, a token is no `xxxx`, and a password or header counts where it looks random, for
/// examples are full of the others.
#[must_use]
pub fn secrets_in(redactor: &Redactor, bytes: &[u8]) -> Option<BTreeSet<Find>> {
    let mut found = BTreeSet::new();
    let mut seen = 0;
    let places = bytes.iter().enumerate();
    for (at, first) in places.filter(|(_, byte)| redactor.begins(**byte)) {
        if let Some(length) = redactor.known_at(bytes, at) {
            found.insert(Find::new(Secret::Known, &bytes[at..at + length]));
        }
        // What is within another one is told with it.
        if at >= seen
            && let Look::Secret(range) = pattern_at(bytes, at, false)
        {
            let (value, is_token) = (&bytes[range.clone()], range.start == at && *first != b'-');
            let kind = kind(*first, value, range.start > at);
            if kind.is_some() || is_token {
                seen = range.end;
            }
            found.extend(kind.map(|kind| Find::new(kind, value)));
        }
        if found.len() > MOST {
            return None;
        }
    }
    Some(found)
}

/// `is_inner` says that the secret is a part of the pattern.
fn kind(first: u8, value: &[u8], is_inner: bool) -> Option<Secret> {
    if is_inner {
        return is_random(value).then_some(Secret::Credentials);
    }
    if first == b'-' {
        return (longest_run(value) >= KEY_RUN).then_some(Secret::PrivateKey);
    }
    let begins = |(start, _): &&(&str, &str)| value.starts_with(start.as_bytes());
    let (start, vendor) = VENDORS.iter().find(begins)?;
    let body = &value[start.len()..];
    let counts = match *start {
        GENERIC => is_random(body),
        _ => distinct(body) >= DISTINCT && !value.ends_with(EXAMPLE),
    };
    counts.then_some(Secret::Token(vendor))
}

/// Neither a word nor a placeholder: long, varied, and with as many digits as no name has, or with digits and both cases.
fn is_random(value: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| value.iter().filter(|byte| is(byte)).count();
    let digits = count(u8::is_ascii_digit);
    let mixed =
        digits > 0 && count(u8::is_ascii_lowercase) > 0 && count(u8::is_ascii_uppercase) > 0;
    value.len() >= RANDOM_LEAST
        && distinct(value) >= DISTINCT
        && (digits >= RANDOM_DIGITS || mixed)
        && !value.iter().any(|byte| b"${}<>[]()*".contains(byte))
        && !value.ends_with(EXAMPLE)
}

fn distinct(value: &[u8]) -> usize {
    value.iter().collect::<BTreeSet<_>>().len()
}

/// How many letters of base64 stand in a row.
fn longest_run(value: &[u8]) -> usize {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let runs = value.split(|byte| !is_letter(byte));
    runs.map(<[u8]>::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = "s3cr3t/value+one";

    fn kinds(bytes: &[u8]) -> Vec<Secret> {
        let redactor = Redactor::new([KNOWN.to_owned()]);
        let found = secrets_in(&redactor, bytes).unwrap();
        found.into_iter().map(|find| find.kind).collect()
    }

    fn pem(name: &str, body: &str) -> String {
        format!("-----BEGIN {name}-----\n{body}\n-----END {name}-----\n")
    }

    #[test]
    fn known_values_are_found_in_every_form_and_in_any_bytes() {
        for text in [
            "key = 's3cr3t/value+one'",
            "?k=s3cr3t%2Fvalue%2Bone&x=1",
            r#"{"k":"s3cr3t\/value+one"}"#,
            // printf 'x s3cr3t/value+one y' | base64
            "eCBzM2NyM3QvdmFsdWUrb25lIHk=",
        ] {
            assert_eq!(kinds(text.as_bytes()), [Secret::Known], "{text}");
        }
        let binary = [&[0, 159, 146, 150, 0][..], KNOWN.as_bytes(), &[255, 0]].concat();
        assert_eq!(kinds(&binary), [Secret::Known]);
        // The control: who knows no value finds none.
        assert_eq!(
            secrets_in(&Redactor::default(), &binary),
            Some(BTreeSet::new())
        );
        assert_eq!(kinds(b"s3cr3t/value"), []);
    }

    #[test]
    fn what_is_a_secret_by_its_looks_is_found() {
        let check =
            |text: &str, expect: Secret| assert_eq!(kinds(text.as_bytes()), [expect], "{text}");
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
        for name in [
            "PRIVATE KEY",
            "RSA PRIVATE KEY",
            "OPENSSH PRIVATE KEY",
            "PGP PRIVATE KEY BLOCK",
        ] {
            check(&pem(name, body), Secret::PrivateKey);
        }
        let in_json = pem("PRIVATE KEY", body).replace('\n', "\\n");
        check(&format!(r#"{{"key":"{in_json}"}}"#), Secret::PrivateKey);
        check(
            "t=ghp_0123456789abcdefghij0123456789abcdef",
            Secret::Token("GitHub"),
        );
        check("github_pat_11AAAAAAA0abcdefghij", Secret::Token("GitHub"));
        check("AKIAQWERTYUIOPASDFGH", Secret::Token("AWS"));
        check("sk-ant-api03-AbCdEf-123456", Secret::Token("Anthropic"));
        check("sk-proj-Abc0Def1Ghi2Jkl3", Secret::Token("OpenAI"));
        check("sk-0a1b2c3d4e5f60718293a4b5", Secret::Token("an API"));
        check("xoxb-1234-5678-abcd", Secret::Token("Slack"));
        check(
            "postgres://app:hTr7Gf2kQ9zLm4Xw@db.host/x",
            Secret::Credentials,
        );
        check(
            "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc",
            Secret::Credentials,
        );
    }

    #[test]
    fn examples_and_placeholders_are_none() {
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "sk-folding-cube-wrapper-col-2",
            "postgres://postgres:postgres@localhost/app",
            "postgres://app:${DATABASE_PASSWORD_2}@localhost/app",
            "Authorization: Bearer <your-token-0000-here>",
            "Authorization: Bearer ${{ secrets.GITHUB_TOKEN_1234 }}",
            "const BEGIN: &str = \"-----BEGIN PRIVATE KEY-----\";\nfn parse(text: &str) -> Option<Key> {}",
            &pem("PRIVATE KEY", "..."),
            &pem("PUBLIC KEY", &"A1b2".repeat(16)),
            "",
        ] {
            assert_eq!(kinds(text.as_bytes()), [], "{text}");
        }
    }

    #[test]
    fn the_same_value_is_the_same_find_wherever_it_stands() {
        let redactor = Redactor::default();
        let find = |text: &str| secrets_in(&redactor, text.as_bytes());
        assert_eq!(
            find("a ghp_0123456789abcdefghij b"),
            find("ghp_0123456789abcdefghij\n")
        );
        assert_ne!(
            find("ghp_0123456789abcdefghij"),
            find("ghp_0123456789abcdefghik")
        );
    }

    #[test]
    fn a_file_full_of_secrets_takes_neither_memory_nor_time() {
        let many: Vec<String> = (0..2_000).map(|n| format!("ghp_{n:020}")).collect();
        assert_eq!(
            secrets_in(&Redactor::default(), many.join(" ").as_bytes()),
            None
        );
        // What is within a long token is not looked at again.
        let endless = "ghp_0a1b2c3d".repeat(100_000);
        let found = secrets_in(&Redactor::default(), endless.as_bytes());
        assert_eq!(found.map(|found| found.len()), Some(1));
    }
}
