//! Where the repository comes from, and how we prove to it who we are.

use super::run::{Call, Said};
use crate::ports::RepositoryError;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use tokio::process::Command;

/// Where autoissue keeps its own files of one repository.
#[derive(Clone, Debug)]
pub struct Place {
    /// The bare mirror; made by `open` where it is missing.
    pub mirror: PathBuf,
    /// The directory that holds the worktrees; outside the user's checkout.
    pub slots: PathBuf,
}

/// A user and a password or token, as HTTP's Basic scheme wants them.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The user; GitHub takes any, `x-access-token` by custom.
    pub user: String,
    /// The password or token.
    pub secret: SecretString,
}

/// Asked before each call over the network, because tokens are refreshed.
pub type Credentials = Arc<dyn Fn() -> Option<Credential> + Send + Sync>;

/// Where the repository comes from.
#[derive(Clone)]
pub struct Source {
    /// `https://...`, `http://` on loopback, `file://...` or a local path.
    pub url: String,
    /// Sent to that URL only, in a header, never as an argument.
    pub credential: Credentials,
    /// The user's checkout: the files named in `Habits::copy` and a few settings are read from it, nothing else.
    pub checkout: Option<PathBuf>,
}

/// How worktrees and commits are made.
#[derive(Clone, Debug, Default)]
pub struct Habits {
    /// Name and e-mail address of our commits; else the user's `user.name` and `user.email`; else
    /// `autoissue <autoissue@localhost>`.
    pub author: Option<(String, String)>,
    /// Files of the checkout that every worktree gets and no commit holds: relative paths, `*` and `?` within a name.
    pub copy: Vec<String>,
    /// Leave ignored files, such as build caches, in a worktree that is used again?
    pub keep_ignored: bool,
}

/// Who our commits are by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// Never empty.
    pub(super) name: String,
    /// Never empty.
    pub(super) email: String,
}

/// The remote side.
pub(super) struct Remote {
    /// Checked: no option, no credentials in it.
    pub(super) url: String,
    local: bool,
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
        let beside = source
            .checkout
            .as_deref()
            .or(local.then_some(Path::new(&url)));
        let settings = user_settings(beside).await;
        if local && settings.iter().any(|(key, _)| is_partial(key)) {
            return Err(RepositoryError::Unusable {
                problem: format!("`{url}` is a partial clone: some of its objects are elsewhere"),
                hint: "use a full clone, or set forge.gitUrl to the server's URL".to_owned(),
            });
        }
        let identity = identity(&settings);
        let remote = Self {
            url,
            local,
            credential: Arc::clone(&source.credential),
            carried: settings.into_iter().filter_map(carry).collect(),
        };
        Ok((remote, identity))
    }

    /// Lets a call speak to the remote, and runs it.
    pub(super) async fn ask(&self, call: Call, action: &str) -> Result<Said, RepositoryError> {
        let header = match (self.local, (self.credential)()) {
            (true, _) | (false, None) => None,
            (false, Some(credential)) => Some(basic(&credential)),
        };
        let call = call
            .settings(self.carried.iter().cloned())
            .settings([
                // A connection that stalls ends by itself.
                ("http.lowSpeedLimit".to_owned(), "1000".to_owned()),
                ("http.lowSpeedTime".to_owned(), "60".to_owned()),
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
        RepositoryError::Remote {
            action: action.to_owned(),
            detail: said.detail(),
            auth: has(&AUTH_SIGNS),
        }
    }
}

const AUTH_SIGNS: [&str; 9] = [
    "authentication failed",
    "could not read username",
    "could not read password",
    "invalid username or",
    "returned error: 401",
    "returned error: 403",
    "permission denied",
    "write access to repository not granted",
    "refusing to allow",
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

/// All settings that the user's own git would see there.
async fn user_settings(directory: Option<&Path>) -> Vec<(String, String)> {
    let mut command = Command::new("git");
    command
        .args(["config", "--list", "-z"])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    for name in [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_COMMON_DIR",
    ] {
        command.env_remove(name);
    }
    if let Some(directory) = directory.filter(|directory| directory.is_dir()) {
        command.current_dir(directory);
    }
    // Without them everything works that does not need a proxy.
    let Ok(output) = command.output().await else {
        return Vec::new();
    };
    String::from_utf8_lossy(&output.stdout)
        .split('\0')
        .filter_map(|entry| entry.split_once('\n'))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn is_partial(key: &str) -> bool {
    key == "extensions.partialclone" || (key.starts_with("remote.") && key.ends_with(".promisor"))
}

fn identity(settings: &[(String, String)]) -> Option<Identity> {
    let last = |wanted: &str| {
        let (_, value) = settings.iter().rfind(|(key, _)| key == wanted)?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    Some(Identity {
        name: last("user.name")?,
        email: last("user.email")?,
    })
}

/// `http.proxy` and `http.sslCAInfo`, with or without a URL in the middle.
fn carry((key, value): (String, String)) -> Option<(String, String)> {
    let name = key.strip_prefix("http.")?;
    let name = name.rsplit_once('.').map_or(name, |(_, name)| name);
    match name {
        "proxy" => Some((key, value)),
        "sslcainfo" => Some((key, at_home(&value))),
        _ => None,
    }
}

fn at_home(path: &str) -> String {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest).to_string_lossy().into_owned(),
        (Some(_), None) | (None, _) => path.to_owned(),
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

    #[test]
    fn few_settings_of_the_user_come_along() {
        let check = |key: &str, taken: bool| {
            let setting = (key.to_owned(), "value".to_owned());
            assert_eq!(carry(setting).is_some(), taken, "{key}");
        };
        check("http.proxy", true);
        check("http.https://example.com/.proxy", true);
        check("http.sslcainfo", true);
        check("http.extraheader", false);
        check("core.sshcommand", false);
        check("remote.origin.proxy", false);
    }

    #[test]
    fn an_identity_needs_name_and_address() {
        let settings = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect()
        };
        assert_eq!(identity(&settings(&[("user.name", "Ada")])), None);
        let full = [
            ("user.name", "Ada"),
            ("user.email", "a@x"),
            ("user.name", "Ada L."),
        ];
        let found = identity(&settings(&full)).unwrap();
        assert_eq!(
            (found.name.as_str(), found.email.as_str()),
            ("Ada L.", "a@x")
        );
    }
}
