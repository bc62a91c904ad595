//! The user's own checkout: looked at, never changed.

use crate::config::git::git;
use crate::error::{Error, Kind};
use std::path::{Path, PathBuf};

/// What git says about the checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// Its top directory.
    pub top: PathBuf,
    /// The branch it is on; none where the head is detached.
    pub branch: Option<String>,
    /// The URL of the remote `origin`, `insteadOf` applied, credentials left out.
    pub origin: Option<String>,
    /// The branch that pulls are for, as far as git can tell.
    pub base: Option<String>,
}

/// Why it cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckoutError {
    /// Git cannot be started.
    #[error("start git")]
    NoGit {
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// There is no such directory.
    #[error("{path} is not a directory")]
    NoDirectory {
        /// Where we looked.
        path: PathBuf,
    },
    /// It is no repository.
    #[error("{path} is not in a git repository")]
    NoRepository {
        /// Where we looked.
        path: PathBuf,
    },
    /// It has no files laid out.
    #[error("{path} is a bare repository")]
    Bare {
        /// Where we looked.
        path: PathBuf,
    },
    /// There is nothing to start from.
    #[error("{path} has no commits")]
    NoCommits {
        /// Its top directory.
        path: PathBuf,
    },
    /// Git said no.
    #[error("git says: {detail}")]
    Git {
        /// The end of what it printed.
        detail: String,
    },
}

/// Looks at the checkout that this directory is in. A dirty or detached one is fine.
pub fn look(directory: &Path) -> Result<Checkout, CheckoutError> {
    let path = || directory.to_path_buf();
    if !directory.is_dir() {
        return Err(CheckoutError::NoDirectory { path: path() });
    }
    let top = match ask(directory, &["rev-parse", "--show-toplevel"])? {
        Answer::Said(top) => PathBuf::from(top),
        Answer::Refused(detail) if detail.contains("must be run in a work tree") => {
            return Err(CheckoutError::Bare { path: path() });
        }
        Answer::Refused(detail) if detail.contains("not a git repository") => {
            return Err(CheckoutError::NoRepository { path: path() });
        }
        Answer::Refused(detail) => return Err(CheckoutError::Git { detail }),
    };
    if said(&top, &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])?.is_none() {
        return Err(CheckoutError::NoCommits { path: top });
    }
    let branch = said(&top, &["symbolic-ref", "--quiet", "--short", "HEAD"])?;
    let origin = said(&top, &["remote", "get-url", "origin"])?.map(without_credentials);
    let base = base(&top, branch.as_deref())?;
    Ok(Checkout {
        top,
        branch,
        origin,
        base,
    })
}

/// Git's version as (major, minor), and as it prints it.
pub fn git_version() -> Result<((u32, u32), String), CheckoutError> {
    let text = said(Path::new("/"), &["version"])?.unwrap_or_default();
    let version = text.trim_start_matches("git version ").to_owned();
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    Ok(((major, minor), version))
}

/// `main` where the remote, or else the checkout, has it; else the remote's own; else the branch we are on.
fn base(top: &Path, branch: Option<&str>) -> Result<Option<String>, CheckoutError> {
    let listed = said(
        top,
        &[
            "for-each-ref",
            "--format=%(refname) %(symref)",
            "refs/heads/main",
            "refs/remotes/origin/main",
            "refs/remotes/origin/HEAD",
        ],
    )?;
    let listed = listed.unwrap_or_default();
    let has = |name: &str| listed.lines().any(|line| line.trim_end() == name);
    let remote = listed
        .lines()
        .find_map(|line| line.strip_prefix("refs/remotes/origin/HEAD refs/remotes/origin/"));
    if has("refs/remotes/origin/main") {
        return Ok(Some("main".into()));
    }
    let local = has("refs/heads/main").then_some("main");
    Ok(remote.or(local).or(branch).map(str::to_owned))
}

fn without_credentials(url: String) -> String {
    let bare = url.split_once("://").and_then(|(scheme, rest)| {
        let end = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (_, host) = authority.rsplit_once('@')?;
        Some(format!("{scheme}://{host}{path}"))
    });
    bare.unwrap_or(url)
}

enum Answer {
    Said(String),
    Refused(String),
}

fn said(directory: &Path, args: &[&str]) -> Result<Option<String>, CheckoutError> {
    match ask(directory, args)? {
        Answer::Said(text) if !text.is_empty() => Ok(Some(text)),
        Answer::Said(_) | Answer::Refused(_) => Ok(None),
    }
}

fn ask(directory: &Path, args: &[&str]) -> Result<Answer, CheckoutError> {
    let output = git(directory)
        .args(args)
        .output()
        .map_err(|cause| CheckoutError::NoGit { cause })?;
    let text = if output.status.success() {
        &output.stdout
    } else {
        &output.stderr
    };
    let text = String::from_utf8_lossy(text).trim_end().to_owned();
    Ok(if output.status.success() {
        Answer::Said(text)
    } else {
        Answer::Refused(text)
    })
}

impl From<CheckoutError> for Error {
    fn from(error: CheckoutError) -> Self {
        let hint = match &error {
            CheckoutError::NoGit { .. } => "install git 2.40 or newer",
            CheckoutError::NoDirectory { .. } => "correct project.path in the configuration",
            CheckoutError::NoRepository { .. } => {
                "go to a checkout, or make one: `git init`, then commit something"
            }
            CheckoutError::Bare { .. } => "clone it, and run autoissue in the clone",
            CheckoutError::NoCommits { .. } => "commit something first: agents start from a commit",
            CheckoutError::Git { .. } => "`git status` in that directory says the same",
        };
        match &error {
            CheckoutError::NoGit { .. } => Self::from_source(Kind::Project, &error),
            CheckoutError::NoDirectory { .. }
            | CheckoutError::NoRepository { .. }
            | CheckoutError::Bare { .. }
            | CheckoutError::NoCommits { .. }
            | CheckoutError::Git { .. } => {
                Self::new(Kind::Project, "find the repository to work for").because(&error)
            }
        }
        .hints([hint])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(directory: &Path, args: &[&str]) {
        let identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
        let output = git(directory)
            .args(identity)
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
    }

    fn repository() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        run(directory.path(), &["init", "-q", "-b", "trunk"]);
        run(
            directory.path(),
            &["commit", "-q", "--allow-empty", "-m", "start"],
        );
        directory
    }

    #[test]
    fn a_dirty_and_detached_checkout_is_fine() {
        let repository = repository();
        let top = repository.path();
        run(top, &["remote", "add", "origin", "git@github.com:o/n.git"]);
        std::fs::create_dir(top.join("deep")).unwrap();
        std::fs::write(top.join("dirty"), "x").unwrap();
        let found = look(&top.join("deep")).unwrap();
        assert_eq!(found.top, top.canonicalize().unwrap());
        assert_eq!(found.branch.as_deref(), Some("trunk"));
        assert_eq!(found.origin.as_deref(), Some("git@github.com:o/n.git"));
        run(top, &["checkout", "-q", "--detach"]);
        assert_eq!(look(top).unwrap().branch, None);
    }

    #[test]
    fn main_is_the_base_else_the_remotes_own_else_ours() {
        let repository = repository();
        let top = repository.path();
        let base = || look(top).unwrap().base;
        assert_eq!(base().as_deref(), Some("trunk"));
        run(top, &["branch", "main"]);
        assert_eq!(base().as_deref(), Some("main"));
        run(top, &["update-ref", "refs/remotes/origin/develop", "HEAD"]);
        let head = [
            "symbolic-ref",
            "refs/remotes/origin/HEAD",
            "refs/remotes/origin/develop",
        ];
        run(top, &head);
        assert_eq!(base().as_deref(), Some("develop"));
        run(top, &["update-ref", "refs/remotes/origin/main", "HEAD"]);
        assert_eq!(base().as_deref(), Some("main"));
    }

    #[test]
    fn what_is_no_checkout_is_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path();
        let check = |path: &Path, expect: &str| {
            let problem = look(path).unwrap_err().to_string();
            assert!(problem.ends_with(expect), "{problem}");
        };
        check(&top.join("none"), "none is not a directory");
        check(top, "is not in a git repository");
        run(top, &["init", "-q"]);
        check(top, "has no commits");
        run(top, &["init", "-q", "--bare", "bare.git"]);
        check(&top.join("bare.git"), "bare.git is a bare repository");
    }

    #[test]
    fn credentials_in_a_remote_are_left_out() {
        let check = |url: &str, expect: &str| {
            assert_eq!(without_credentials(url.to_owned()), expect);
        };
        check(
            "https://me:secret@github.com/o/n.git",
            "https://github.com/o/n.git",
        );
        check("https://token@host", "https://host");
        check("https://github.com/o/n@1", "https://github.com/o/n@1");
        check("git@github.com:o/n.git", "git@github.com:o/n.git");
        check("/srv/a@b", "/srv/a@b");
    }

    #[test]
    fn git_is_new_enough_to_test_with() {
        assert!(git_version().unwrap().0 >= (2, 40));
    }
}
