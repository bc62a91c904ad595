//! The remote side: its URL, how we prove to it who we are, and what its refusals mean.

use super::run::{Call, Said, failed};
use super::source::{Credential, Credentials, Identity, Shown, Source};
use super::user::{carry, identity, is_about_pushes, is_partial, settings};
use crate::ports::RepositoryError;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The remote side.
pub(super) struct Remote {
    /// Checked: no option, no credentials in it.
    pub(super) url: String,
    local: bool,
    /// Is it on this machine, and does it do with a push what any git does?
    plain: bool,
    credential: Credentials,
    carried: Vec<(String, String)>,
}

impl Remote {
    /// Checks the source, and reads the few settings of the user that may come along.
    pub(super) async fn new(source: &Source) -> Result<(Self, Option<Identity>), RepositoryError> {
        let local = !source.url.contains("://") || source.url.starts_with("file://");
        let url = if local {
            local_url(&source.url)?
        } else {
            web_url(&source.url)?
        };
        let checkout = source.checkout.as_deref();
        let found = settings(checkout.or(local.then_some(Path::new(&url)))).await;
        let plain = if local {
            let own = match checkout {
                Some(checkout) if checkout != Path::new(&url) => {
                    settings(Some(Path::new(&url))).await
                }
                Some(_) | None => found.clone(),
            };
            refuse_partial(&url, &own)?;
            own.iter().all(|(key, _)| !is_about_pushes(key))
        } else {
            false
        };
        let theirs = identity(&found);
        let remote = Self {
            url,
            local,
            plain,
            credential: Arc::clone(&source.credential),
            carried: found.into_iter().filter_map(carry).collect(),
        };
        Ok((remote, theirs))
    }

    /// What it is shown; another one than what it refused.
    pub(super) async fn shown(&self, refused: Option<Credential>) -> Shown {
        (self.credential)(refused).await
    }

    /// The settings of the user by which it is reached.
    pub(super) fn carried(&self) -> &[(String, String)] {
        &self.carried
    }

    /// The git directory of a remote on this machine, which is the user's own.
    pub(super) fn local_git_dir(&self) -> Option<PathBuf> {
        let root = self.local.then(|| PathBuf::from(&self.url))?;
        let below = root.join(".git");
        Some(if below.exists() { below } else { root })
    }

    /// The same, where a push does nothing but to store objects and set refs.
    pub(super) fn plain_git_dir(&self) -> Option<PathBuf> {
        self.plain.then(|| self.local_git_dir()).flatten()
    }

    /// Lets a call that reads nothing speak to the remote, and runs it; once more with another credential where one was
    /// refused, for then nothing was done.
    pub(super) async fn ask(&self, call: Call, action: &str) -> Result<Said, RepositoryError> {
        if self.local {
            return self.ask_as(None, call, action).await;
        }
        let shown = (self.credential)(None).await?;
        let again = call.twin().map_err(|cause| failed(action, cause))?;
        let said = self.ask_as(shown.as_ref(), call, action).await?;
        if said.code == Some(0) || !is_unknown(&said.complaint) || shown.is_none() {
            return Ok(said);
        }
        match (self.credential)(shown).await? {
            Some(other) => self.ask_as(Some(&other), again, action).await,
            None => Ok(said),
        }
    }

    async fn ask_as(
        &self,
        credential: Option<&Credential>,
        call: Call,
        action: &str,
    ) -> Result<Said, RepositoryError> {
        let header = credential.map(basic);
        let call = call
            .settings(self.carried.iter().cloned())
            .settings([
                // A connection that stalls ends by itself; a server that thinks sends a byte now and then.
                ("http.lowSpeedLimit".to_owned(), "1".to_owned()),
                ("http.lowSpeedTime".to_owned(), "120".to_owned()),
            ])
            .settings(header.iter().map(|(_, header)| {
                (
                    format!("http.{}.extraHeader", self.url),
                    format!("Authorization: Basic {header}"),
                )
            }));
        let mut said = call.ask(action).await?;
        if let Some((secret, header)) = header {
            for hidden in [secret.expose_secret(), header.as_str()] {
                if !hidden.is_empty() {
                    said.complaint = said.complaint.replace(hidden, "***");
                }
            }
        }
        Ok(said)
    }

    /// Did a fetch into this git directory bring all that there is?
    pub(super) fn check_fetch(
        &self,
        into: &Path,
        action: &str,
        said: &Said,
    ) -> Result<(), RepositoryError> {
        // Git warns, leaves the branches out, and calls that a success.
        let refused = said.complaint.contains("shallow roots are not allowed");
        if refused || into.join("shallow").exists() {
            return Err(RepositoryError::Unusable {
                problem: format!("`{}` is a shallow clone: it lacks older commits", self.url),
                hint: "run `git fetch --unshallow` in it, or set forge.gitUrl to the server's URL"
                    .to_owned(),
            });
        }
        match said.code {
            Some(0) => Ok(()),
            Some(_) | None => Err(self.error(action, said)),
        }
    }

    /// What the failure of a call to the remote means.
    pub(super) fn error(&self, action: &str, said: &Said) -> RepositoryError {
        let words = said.complaint.to_ascii_lowercase();
        let has = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
        if self.local
            && has(&[
                "does not appear to be a git repository",
                "not a git repository",
            ])
        {
            return RepositoryError::Unusable {
                problem: format!("`{}` is not a git repository", self.url),
                hint: "run `git init` and make a first commit, or name another project.path"
                    .to_owned(),
            };
        }
        let detail = if has(&UNKNOWN_SIGNS) {
            // Git's own words are about a terminal that it was not to ask at.
            format!(
                "bad credentials (is the token right, and not expired?): {}",
                said.detail()
            )
        } else {
            said.detail()
        };
        RepositoryError::Remote {
            action: action.to_owned(),
            detail,
            auth: has(&UNKNOWN_SIGNS) || has(&AUTH_SIGNS),
        }
    }
}

/// A source whose objects are elsewhere is no use to us. `own` are its settings.
fn refuse_partial(url: &str, own: &[(String, String)]) -> Result<(), RepositoryError> {
    if own.iter().any(|(key, _)| is_partial(key)) {
        return Err(RepositoryError::Unusable {
            problem: format!("`{url}` is a partial clone: some of its objects are elsewhere"),
            hint: "use a full clone, or set forge.gitUrl to the server's URL".to_owned(),
        });
    }
    Ok(())
}

/// Did the remote not know us? Another credential may help then.
fn is_unknown(complaint: &str) -> bool {
    let words = complaint.to_ascii_lowercase();
    UNKNOWN_SIGNS.iter().any(|sign| words.contains(sign))
}

const UNKNOWN_SIGNS: [&str; 5] = [
    "authentication failed",
    "could not read username",
    "could not read password",
    "invalid username or",
    "returned error: 401",
];

const AUTH_SIGNS: [&str; 3] = [
    "returned error: 403",
    "permission denied",
    "write access to repository not granted",
];

fn basic(credential: &Credential) -> (SecretString, String) {
    let pair = format!("{}:{}", credential.user, credential.secret.expose_secret());
    (credential.secret.clone(), BASE64_STANDARD.encode(pair))
}

fn local_url(url: &str) -> Result<String, RepositoryError> {
    let path = Path::new(url.strip_prefix("file://").unwrap_or(url));
    let absolute = std::path::absolute(path).map_err(|cause| RepositoryError::Io {
        action: format!("find `{url}`"),
        cause,
    })?;
    Ok(absolute.to_string_lossy().into_owned())
}

fn web_url(url: &str) -> Result<String, RepositoryError> {
    let refuse = |problem: &str, hint: &str| {
        Err(RepositoryError::Unusable {
            problem: problem.to_owned(),
            hint: hint.to_owned(),
        })
    };
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if host.contains('@') {
        return refuse(
            "the repository's URL holds credentials",
            "take them out of the URL and set GITHUB_TOKEN",
        );
    }
    match scheme {
        "https" => Ok(url.to_owned()),
        "http" if matches!(name, "127.0.0.1" | "localhost" | "[::1]") => Ok(url.to_owned()),
        "http" => refuse(
            "the repository's URL is not encrypted",
            "use https:// (plain http:// is for loopback only)",
        ),
        _ => refuse(
            &format!("repositories are not fetched by `{scheme}://`"),
            "use the https:// URL",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_urls_are_taken() {
        let check = |url: &str, fine: bool| assert_eq!(web_url(url).is_ok(), fine, "{url}");
        check("https://github.com/owner/name.git", true);
        check("http://127.0.0.1:8080/owner/name.git", true);
        check("http://localhost/owner/name.git", true);
        check("http://github.com/owner/name.git", false);
        check("http://127.0.0.1.example.com/owner/name.git", false);
        check("https://token@github.com/owner/name.git", false);
        check("ext::sh -c id://x", false);
        check("ssh://git@github.com/owner/name.git", false);
    }
}
