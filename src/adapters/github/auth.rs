//! Where the token comes from: the environment, else what a person gave us to keep, else GitHub's own command line.

use crate::adapters::vault::asked::answer;
use crate::adapters::vault::keep::Kept;
use secrecy::SecretString;
use std::fmt;
use std::process::Command;
use std::time::Duration;

/// How long `gh` may take; it may have to ask a keyring.
const LONGEST: Duration = Duration::from_secs(5);

/// Where a token was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenOrigin {
    /// In this variable of the environment.
    Variable(&'static str),
    /// `autoissue login` keeps it.
    Kept(Kept),
    /// `gh auth token` said it.
    GitHubCli,
}

impl fmt::Display for TokenOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::Kept(kept) => kept.fmt(f),
            Self::GitHubCli => f.write_str("gh auth token"),
        }
    }
}

/// A token, and where it was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The token itself; never prints.
    pub token: SecretString,
    /// Where it was found.
    pub source: TokenOrigin,
}

/// Looks in `GITHUB_TOKEN`, then in `GH_TOKEN`, then where `kept` says, then asks `gh auth token` (5 s at most). Blocks while
/// `gh` runs. A kept token that cannot be used is an error: going on with another one would be somebody else.
pub fn find_token<E>(
    env: &dyn Fn(&str) -> Option<String>,
    kept: impl FnOnce() -> Result<Option<(SecretString, Kept)>, E>,
) -> Result<Option<Found>, E> {
    let variable = ["GITHUB_TOKEN", "GH_TOKEN"].into_iter().find_map(|name| {
        Some(Found {
            token: token(&env(name)?)?,
            source: TokenOrigin::Variable(name),
        })
    });
    if variable.is_some() {
        return Ok(variable);
    }
    if let Some((token, kept)) = kept()? {
        let source = TokenOrigin::Kept(kept);
        return Ok(Some(Found { token, source }));
    }
    let ask = || {
        Some(Found {
            token: ask_cli(&env("PATH")?, LONGEST)?,
            source: TokenOrigin::GitHubCli,
        })
    };
    Ok(ask())
}

fn ask_cli(path: &str, longest: Duration) -> Option<SecretString> {
    let mut gh = Command::new("gh");
    gh.args(["auth", "token"])
        .env("PATH", path)
        .env("GH_PROMPT_DISABLED", "1");
    token(&answer(&mut gh, None, longest)?)
}

fn token(text: &str) -> Option<SecretString> {
    let text = text.trim();
    (!text.is_empty()).then(|| SecretString::from(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::time::Instant;

    fn gh(script: &str) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("gh");
        let script = format!("#!/bin/sh\n[ \"$1\" = ready ] && exit 0\n{script}\n");
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        // Another thread's child may still hold it open for writing, until it starts its own program.
        while Command::new(&program).arg("ready").status().is_err() {
            std::thread::yield_now();
        }
        directory
    }

    fn path(directory: &Path) -> String {
        format!("{}:/usr/bin:/bin", directory.display())
    }

    fn find(variables: &[(&str, &str)]) -> Option<(String, TokenOrigin)> {
        find_beside(variables, None)
    }

    /// The same beside a token that we keep.
    fn find_beside(
        variables: &[(&str, &str)],
        kept: Option<&str>,
    ) -> Option<(String, TokenOrigin)> {
        let env = |name: &str| {
            let (_, value) = variables.iter().find(|(own, _)| *own == name)?;
            Some((*value).to_owned())
        };
        let kept = kept.map(|token| (SecretString::from(token.to_owned()), Kept::Keyring));
        let found = find_token::<()>(&env, || Ok(kept)).unwrap()?;
        Some((found.token.expose_secret().to_owned(), found.source))
    }

    #[test]
    fn the_environment_is_asked_before_the_command_line() {
        let gh = gh("[ \"$*\" = \"auth token\" ] && echo from-cli");
        let path = path(gh.path());
        let check = |variables: &[(&str, &str)], token: &str, source| {
            let variables: Vec<_> = variables
                .iter()
                .copied()
                .chain([("PATH", path.as_str())])
                .collect();
            assert_eq!(find(&variables), Some((token.to_owned(), source)));
        };
        let github = TokenOrigin::Variable("GITHUB_TOKEN");
        check(&[("GH_TOKEN", "b"), ("GITHUB_TOKEN", " a\n")], "a", github);
        check(
            &[("GH_TOKEN", "b"), ("GITHUB_TOKEN", "")],
            "b",
            TokenOrigin::Variable("GH_TOKEN"),
        );
        check(&[], "from-cli", TokenOrigin::GitHubCli);
        let kept = Some(("c".to_owned(), TokenOrigin::Kept(Kept::Keyring)));
        assert_eq!(find_beside(&[("PATH", &path)], Some("c")), kept);
        let variable = find_beside(&[("GH_TOKEN", "b")], Some("c"));
        assert_eq!(variable.map(|(token, _)| token).as_deref(), Some("b"));
    }

    #[test]
    fn no_token_is_no_error() {
        assert_eq!(find(&[]), None);
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(find(&[("PATH", empty.path().to_str().unwrap())]), None);
        let failing = gh("echo half-a-token; exit 1");
        assert_eq!(find(&[("PATH", &path(failing.path()))]), None);
    }

    #[test]
    fn a_command_line_that_hangs_is_ended() {
        let gh = gh("exec sleep 60");
        let start = Instant::now();
        assert!(ask_cli(&path(gh.path()), Duration::from_millis(100)).is_none());
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_token_never_prints() {
        let env = |name: &str| (name == "GH_TOKEN").then(|| "ghp_secret".to_owned());
        let found = find_token::<()>(&env, || Ok(None)).unwrap();
        assert!(!format!("{found:?}").contains("ghp_secret"));
    }
}
