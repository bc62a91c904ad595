//! The patterns by which secrets are known that nobody told us.

use std::ops::Range;

/// The longest token, header value, key and userinfo that are looked for, in bytes: what is longer is cut there.
/// Vendors' tokens have up to 200, those of GitHub's apps 520; the less is read ahead at each prefix, the less a hostile text costs.
const TOKEN_MAX: usize = 640;
const VALUE_MAX: usize = 4096;
const KEY_MAX: usize = 16 * 1024;
const USER_MAX: usize = 512;
const DASHES: &[u8] = b"-----";

/// What begins at a place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// No secret.
    Nothing,
    /// A secret, there.
    Secret(Range<usize>),
    /// Perhaps one: the text has to go on first.
    Unfinished,
}

/// What begins at `at`, by the look of it alone: tokens of known vendors, `Authorization: Bearer ...`, private keys in
/// PEM, passwords in addresses. `more` says that the text may go on behind its end.
#[must_use]
pub fn pattern_at(text: &[u8], at: usize, more: bool) -> Look {
    let reader = Reader { text, more };
    match text[at] {
        b'-' => reader.private_key(at),
        b':' => reader.password(at),
        b'a' | b'A' => match reader.authorization(at) {
            Look::Nothing => reader.token(at),
            found => found,
        },
        _ => reader.token(at),
    }
}

/// Can a pattern begin with this byte?
#[must_use]
pub fn begins_pattern(byte: u8) -> bool {
    matches!(byte, b'-' | b':' | b'a' | b'A') || TOKENS.iter().any(|token| token.prefix[0] == byte)
}

/// A token that its vendor marks with a prefix.
struct Token {
    prefix: &'static [u8],
    /// Bytes behind the prefix, at least.
    least: usize,
    alphabet: Alphabet,
}

#[derive(Clone, Copy)]
enum Alphabet {
    /// Letters, digits and `_`.
    Word,
    /// And `-`.
    Dashed,
    /// And `-` and `.`, as signed tokens have them.
    Dotted,
    /// The same, with a digit among them: without one it is the name of something.
    DashedWithDigit,
}

impl Token {
    const fn new(prefix: &'static [u8], least: usize, alphabet: Alphabet) -> Self {
        Self {
            prefix,
            least,
            alphabet,
        }
    }
}

const TOKENS: [Token; 22] = [
    Token::new(b"ghp_", 10, Alphabet::Word),
    Token::new(b"gho_", 10, Alphabet::Word),
    Token::new(b"ghu_", 10, Alphabet::Word),
    Token::new(b"ghs_", 10, Alphabet::Dotted),
    Token::new(b"ghr_", 10, Alphabet::Word),
    Token::new(b"github_pat_", 10, Alphabet::Word),
    Token::new(b"glpat-", 10, Alphabet::Dashed),
    Token::new(b"sk-ant-", 8, Alphabet::Dashed),
    Token::new(b"sk-", 16, Alphabet::DashedWithDigit),
    Token::new(b"sk_live_", 10, Alphabet::Word),
    Token::new(b"sk_test_", 10, Alphabet::Word),
    Token::new(b"rk_live_", 10, Alphabet::Word),
    Token::new(b"xoxa-", 8, Alphabet::Dashed),
    Token::new(b"xoxb-", 8, Alphabet::Dashed),
    Token::new(b"xoxe-", 8, Alphabet::Dashed),
    Token::new(b"xoxp-", 8, Alphabet::Dashed),
    Token::new(b"xoxr-", 8, Alphabet::Dashed),
    Token::new(b"xoxs-", 8, Alphabet::Dashed),
    Token::new(b"AKIA", 16, Alphabet::Word),
    Token::new(b"ASIA", 16, Alphabet::Word),
    Token::new(b"AIza", 30, Alphabet::Dashed),
    Token::new(b"npm_", 30, Alphabet::Word),
];

/// Reads ahead in a text that may go on behind its end.
struct Reader<'a> {
    text: &'a [u8],
    more: bool,
}

impl Reader<'_> {
    fn token(&self, at: usize) -> Look {
        let follows_word = at > 0 && self.text[at - 1].is_ascii_alphanumeric();
        if follows_word {
            return Look::Nothing;
        }
        let mut unfinished = false;
        for token in &TOKENS {
            match self.word(at, token.prefix) {
                Word::Other => {}
                Word::Unfinished => unfinished = true,
                Word::Found => match self.token_body(at, token) {
                    Look::Nothing => {}
                    found => return found,
                },
            }
        }
        self.unfinished_if(unfinished)
    }

    fn token_body(&self, at: usize, token: &Token) -> Look {
        let start = at + token.prefix.len();
        let end = self.run(start, TOKEN_MAX, |byte| {
            byte.is_ascii_alphanumeric()
                || byte == b'_'
                || byte == b'-' && !matches!(token.alphabet, Alphabet::Word)
                || byte == b'.' && matches!(token.alphabet, Alphabet::Dotted)
        });
        let body = &self.text[start..end];
        let is_secret = body.len() >= token.least
            && match token.alphabet {
                Alphabet::Word | Alphabet::Dashed | Alphabet::Dotted => true,
                Alphabet::DashedWithDigit => body.iter().any(u8::is_ascii_digit),
            };
        if self.more && end == self.text.len() {
            Look::Unfinished
        } else if is_secret {
            Look::Secret(at..end)
        } else {
            Look::Nothing
        }
    }

    /// `Authorization: Bearer x`, in any case, also quoted as in JSON.
    fn authorization(&self, at: usize) -> Look {
        let after_name = match self.word_by(at, b"authorization", <[u8]>::eq_ignore_ascii_case) {
            Word::Other => return Look::Nothing,
            Word::Unfinished => return Look::Unfinished,
            Word::Found => at + "authorization".len(),
        };
        let is_mark = |byte| matches!(byte, b' ' | b'"' | b'\'' | b'\\' | b':' | b'=' | b'\t');
        let scheme = self.run(after_name, 16, is_mark);
        let after_scheme = self.run(scheme, 16, |byte| byte.is_ascii_alphabetic());
        let value = self.run(after_scheme, 16, |byte| byte == b' ');
        let end = self.run(value, VALUE_MAX, |byte| {
            byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\' | b'<' | b'>')
        });
        let is_header = self.text[after_name..scheme]
            .iter()
            .any(|byte| matches!(byte, b':' | b'='));
        let scheme = self.text[scheme..after_scheme].to_ascii_lowercase();
        if self.more && end == self.text.len() {
            Look::Unfinished
        } else if is_header
            && [&b"bearer"[..], b"basic", b"token"].contains(&&scheme[..])
            && value > after_scheme
            && end > value
        {
            Look::Secret(value..end)
        } else {
            Look::Nothing
        }
    }

    /// `-----BEGIN ... PRIVATE KEY-----` to the end of its last line; without one, to the next dashes or as far as keys go.
    fn private_key(&self, at: usize) -> Look {
        let name = match self.word(at, b"-----BEGIN ") {
            Word::Other => return Look::Nothing,
            Word::Unfinished => return Look::Unfinished,
            Word::Found => at + "-----BEGIN ".len(),
        };
        let name_end = self.run(name, 64, |byte| byte.is_ascii_uppercase() || byte == b' ');
        let body = name_end + DASHES.len();
        match self.word(name_end, DASHES) {
            Word::Other => return Look::Nothing,
            Word::Unfinished => return Look::Unfinished,
            Word::Found if find(&self.text[name..name_end], b"PRIVATE KEY").is_none() => {
                return Look::Nothing;
            }
            Word::Found => {}
        }
        let longest = self.text.len().min(at + KEY_MAX);
        let body_end = find(&self.text[body..longest], DASHES).map(|dashes| body + dashes);
        let end = body_end.map(|end| match self.word(end, b"-----END ") {
            Word::Found => find(&self.text[end + 5..longest], DASHES)
                .map(|dashes| end + 2 * DASHES.len() + dashes),
            Word::Unfinished => None,
            Word::Other => Some(end),
        });
        match end.flatten() {
            Some(end) => Look::Secret(at..end),
            None if self.more && longest == self.text.len() => Look::Unfinished,
            None => Look::Secret(at..longest),
        }
    }

    /// The password in `scheme://user:password@host`.
    fn password(&self, at: usize) -> Look {
        let user = match self.word(at, b"://") {
            Word::Other => return Look::Nothing,
            Word::Unfinished => return Look::Unfinished,
            Word::Found => at + "://".len(),
        };
        let is_inside = |byte: u8| !byte.is_ascii_whitespace() && !b"/@?#\"'`<>\\".contains(&byte);
        let end = self.run(user, USER_MAX, is_inside);
        let colon = self.text[user..end].iter().position(|byte| *byte == b':');
        match (colon, self.text.get(end)) {
            (_, None) => self.unfinished_if(true),
            (Some(colon), Some(b'@')) if user + colon + 1 < end => {
                Look::Secret(user + colon + 1..end)
            }
            (Some(_) | None, Some(_)) => Look::Nothing,
        }
    }

    /// Where the run of such bytes from `start` ends, after `max` at the latest.
    fn run(&self, start: usize, max: usize, is_inside: impl Fn(u8) -> bool) -> usize {
        let run = self.text[start..].iter().take(max);
        start + run.take_while(|byte| is_inside(**byte)).count()
    }

    fn word(&self, at: usize, word: &[u8]) -> Word {
        self.word_by(at, word, |text, word| text == word)
    }

    fn word_by(&self, at: usize, word: &[u8], is_same: fn(&[u8], &[u8]) -> bool) -> Word {
        let rest = &self.text[at..];
        let length = rest.len().min(word.len());
        if !is_same(&rest[..length], &word[..length]) {
            Word::Other
        } else if length == word.len() {
            Word::Found
        } else if self.more {
            Word::Unfinished
        } else {
            Word::Other
        }
    }

    fn unfinished_if(&self, unfinished: bool) -> Look {
        if unfinished && self.more {
            Look::Unfinished
        } else {
            Look::Nothing
        }
    }
}

enum Word {
    Found,
    Unfinished,
    Other,
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        (0..text.len()).find_map(|at| match pattern_at(text.as_bytes(), at, false) {
            Look::Secret(range) => Some(&text[range]),
            Look::Nothing => None,
            Look::Unfinished => panic!("nothing follows {text}"),
        })
    }

    #[test]
    fn secrets_are_known_by_their_look() {
        let check = |text: &str, secret: &str| assert_eq!(found(text), Some(secret), "{text}");
        check(
            "token ghp_0123456789abcdefghij!",
            "ghp_0123456789abcdefghij",
        );
        check("github_pat_11AAAAAAA_bbbbbb", "github_pat_11AAAAAAA_bbbbbb");
        let signed = "ghs_123456_eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.a-b_c0123456789";
        check(&format!("token {signed}, "), signed);
        check("key=sk-ant-api03-AbC_dEf-9", "sk-ant-api03-AbC_dEf-9");
        check("'sk-proj-0123456789abcdef'", "sk-proj-0123456789abcdef");
        check("xoxb-1234-5678-abcd", "xoxb-1234-5678-abcd");
        check("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE");
        check("Authorization: Bearer x", "x");
        check("AUTHORIZATION: basic eDp5\r\n", "eDp5");
        check(r#"{"authorization":"Bearer a.b-c"}"#, "a.b-c");
        check("https://user:pa55@host.test/x", "pa55");
        let key = "-----BEGIN RSA PRIVATE KEY-----\\nMII\\n-----END RSA PRIVATE KEY-----";
        check(&format!("a {key} b"), key);
        check(
            "-----BEGIN PRIVATE KEY-----\nMII",
            "-----BEGIN PRIVATE KEY-----\nMII",
        );
    }

    #[test]
    fn ordinary_words_are_no_secrets() {
        for text in [
            "ask-someone-about-this-very-long-thing-1",
            "sk-folding-cube-wrapper-large",
            "ghp_short",
            "Authorization is required",
            "authorization: required for all",
            "https://host.test:80/a:b@c",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN PUBLIC KEY-----",
            "MAKIAVELLI0123456789ABC",
            "http://[::1]:80",
            "",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn what_may_become_a_secret_waits() {
        for text in [
            "gh",
            "ghp_0123456789abcdefghij",
            "Authorization: Bea",
            "-----BEGIN PRIVATE KEY-----\nMII",
            "://user:pa",
        ] {
            assert_eq!(
                pattern_at(text.as_bytes(), 0, true),
                Look::Unfinished,
                "{text}"
            );
        }
        for text in [
            "g ",
            "Authority",
            "-----BEGIN CERTIFICATE-----\n",
            "://host/",
        ] {
            assert_eq!(
                pattern_at(text.as_bytes(), 0, true),
                Look::Nothing,
                "{text}"
            );
        }
    }
}
