//! Names and addresses of the configuration: checked once, when they are read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(inline, with = "String")]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                match $check(&text) {
                    None => Ok(Self(text)),
                    Some(problem) => Err(problem.into()),
                }
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked_text!(
    /// A repository on a forge: `owner/name`.
    RepoName, repo_problem
);
checked_text!(
    /// A branch of the remote, by its short name.
    BaseBranch, branch_problem
);
checked_text!(
    /// The address of an HTTP interface: https, or http on this machine.
    Endpoint, endpoint_problem
);
checked_text!(
    /// A time of the day: `07:30`.
    ClockTime, clock_problem
);
checked_text!(
    /// Where git fetches from and pushes to, without credentials in it.
    GitSource, source_problem
);

impl RepoName {
    /// The part after the slash.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl ClockTime {
    /// Minutes since midnight.
    #[must_use]
    pub fn minutes(&self) -> u32 {
        clock_minutes(&self.0).expect("it was checked when it was read")
    }
}

fn clock_problem(text: &str) -> Option<&'static str> {
    let is_none = clock_minutes(text).is_none();
    is_none.then_some("is not a time of the day such as 07:30")
}

fn clock_minutes(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let part = |digits: &str, most: u32| {
        let is_part = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u32 = digits.parse().ok().filter(|_| is_part)?;
        Some(number).filter(|number| *number <= most)
    };
    Some(part(hour, 23)? * 60 + part(minute, 59)?)
}

fn repo_problem(text: &str) -> Option<&'static str> {
    let plain = |part: &str| {
        (1..=100).contains(&part.len())
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            && !part.starts_with(['-', '.'])
    };
    match text.split_once('/') {
        Some((owner, name)) if plain(owner) && (plain(name) || name == ".github") => None,
        _ => Some("is not a repository as `owner/name`"),
    }
}

/// The rules of `git check-ref-format` for a branch.
fn branch_problem(text: &str) -> Option<&'static str> {
    let bad_part = |part: &str| {
        part.is_empty() || part.starts_with('.') || part.strip_suffix(".lock").is_some()
    };
    let bad = text.len() > 200
        || text.starts_with('-')
        || text.ends_with('.')
        || text.contains("..")
        || text.contains("@{")
        || text == "@"
        || text.split('/').any(bad_part)
        || text
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c));
    bad.then_some("is not the name of a branch")
}

fn endpoint_problem(text: &str) -> Option<&'static str> {
    let (secure, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return Some("is not an address that starts with https://"),
    };
    authority_problem(rest, secure)
}

fn source_problem(text: &str) -> Option<&'static str> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Some("has blanks in it");
    }
    if text.starts_with("https://") || text.starts_with("http://") {
        return endpoint_problem(text);
    }
    if let Some(rest) = text.strip_prefix("ssh://") {
        let user = rest.split_once('@').map_or("", |(user, _)| user);
        return user.contains(':').then_some("has a password in it");
    }
    let scp = text.split_once(':').is_some_and(|(host, path)| {
        !host.contains('/') && !host.is_empty() && !path.starts_with(':')
    });
    let local = text.starts_with("file:///") || text.starts_with('/');
    if (scp && !text.starts_with('-')) || local {
        return None;
    }
    Some("is no address that git may use: https, ssh, file, or an absolute path")
}

fn authority_problem(rest: &str, secure: bool) -> Option<&'static str> {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Some("has credentials in it; set GITHUB_TOKEN instead");
    }
    if authority.is_empty() || rest.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Some("is not an address");
    }
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) => host,
        Some(_) | None => authority,
    };
    (!secure && !is_this_machine(host))
        .then_some("is plain http to another machine, which would show the token; use https")
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(problem: fn(&str) -> Option<&'static str>, good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(problem(text), None, "{text}");
        }
        for text in bad {
            assert!(problem(text).is_some(), "{text}");
        }
    }

    #[test]
    fn a_repository_is_an_owner_and_a_name() {
        check(
            repo_problem,
            &["a/b", "rust-lang/rust.vim", "o/.github", "me_corp/x"],
            &[
                "",
                "b",
                "a/",
                "/b",
                "a/b/c",
                "a/..",
                "a/b c",
                "-a/b",
                "https://github.com/a/b",
            ],
        );
    }

    #[test]
    fn a_branch_cannot_be_taken_for_an_option() {
        check(
            branch_problem,
            &["main", "release/1.2", "a-b_c"],
            &[
                "", "-x", "a..b", "a b", "a:b", "/a", "a/", "a//b", "x.lock", ".a", "a~1", "@",
            ],
        );
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        check(
            endpoint_problem,
            &[
                "https://api.github.com",
                "http://127.0.0.1:8080/api",
                "http://localhost:1",
                "http://[::1]:2/",
            ],
            &[
                "http://example.com",
                "http://127.0.0.1.example.com",
                "http://127.0.0.1@example.com/",
                "https://user:secret@example.com",
                "ftp://example.com",
                "https://",
                "api.github.com",
            ],
        );
    }

    #[test]
    fn git_reaches_no_address_that_runs_a_program() {
        check(
            source_problem,
            &[
                "https://github.com/a/b.git",
                "git@github.com:a/b.git",
                "ssh://git@github.com/a/b",
                "file:///srv/b.git",
                "/srv/b.git",
                "http://127.0.0.1:3000/a/b.git",
            ],
            &[
                "ext::sh -c id",
                "ext::id",
                "--upload-pack=id",
                "-x:y",
                "https://token@github.com/a/b",
                "ssh://me:secret@host/a",
                "../b",
                "",
            ],
        );
    }
}
