//! Which repository, on which forge: from the configuration, the remote and whether there is a token.

use crate::commands::checkout::Checkout;
use crate::config::names::RepoName;
use crate::config::shape::{Config, ForgeKind};
use crate::error::{Error, Kind};
use std::path::PathBuf;

/// The project that a session works for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The top of the user's checkout.
    pub top: PathBuf,
    /// Where its issues live.
    pub home: Home,
    /// The branch that pulls are for.
    pub base_branch: String,
    /// Why it is this forge, for a person.
    pub why: String,
}

/// Where a project's issues and pulls live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// GitHub, or one that speaks its interface.
    Github {
        /// The repository there.
        repo: RepoName,
        /// Where git fetches from and pushes to.
        git_url: String,
    },
    /// Markdown files in the checkout, which is also where git fetches from and pushes to.
    Local {
        /// The repository on GitHub that it would be if there were a token.
        in_place_of: Option<RepoName>,
    },
}

/// Why the project cannot be told.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProjectError {
    /// GitHub is wanted, and no repository is known.
    #[error("the remote `origin` names no repository on GitHub")]
    NoRepo,
    /// The base branch is neither configured nor plain.
    #[error("the head is detached, and neither `main` nor the remote's own branch is known")]
    NoBase,
}

/// A repository on some host, as a remote's URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// The host, in lower case.
    pub host: String,
    /// The repository.
    pub repo: RepoName,
}

impl Project {
    /// What a person calls it: `owner/name`, or the directory's name.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.home {
            Home::Github { repo, .. } => repo.to_string(),
            Home::Local { .. } => self.top.file_name().map_or_else(
                || "repository".to_owned(),
                |name| name.to_string_lossy().into_owned(),
            ),
        }
    }
}

/// Tells the project. `has_token` is asked only where it matters: it may start a program.
pub fn detect(
    config: &Config,
    checkout: &Checkout,
    has_token: &dyn Fn() -> bool,
) -> Result<Project, ProjectError> {
    let remote = checkout.origin.as_deref().and_then(remote);
    let (home, why) = home(config, remote, has_token)?;
    let base_branch = match &config.project.base_branch {
        Some(branch) => branch.to_string(),
        None => checkout.base.clone().ok_or(ProjectError::NoBase)?,
    };
    Ok(Project {
        top: checkout.top.clone(),
        home,
        base_branch,
        why: why.to_owned(),
    })
}

fn home(
    config: &Config,
    remote: Option<Remote>,
    has_token: &dyn Fn() -> bool,
) -> Result<(Home, &'static str), ProjectError> {
    let speaks_github = |remote: &Remote| config.forge.api_url.is_some() || remote.is_github();
    let remote = remote.filter(speaks_github);
    let host = remote.as_ref().map(|remote| remote.host.clone());
    let repo = config
        .project
        .repo
        .clone()
        .or(remote.map(|remote| remote.repo));
    let github = |repo: RepoName| {
        let host = host.filter(|host| host != "ssh.github.com");
        let git_url = match &config.forge.git_url {
            Some(url) => url.to_string(),
            None => format!(
                "https://{}/{repo}.git",
                host.as_deref().unwrap_or("github.com")
            ),
        };
        Home::Github { repo, git_url }
    };
    let local = Home::Local { in_place_of: None };
    match (config.forge.kind, repo) {
        (ForgeKind::Local, _) => Ok((local, "forge.kind says so")),
        (ForgeKind::Github, Some(repo)) => Ok((github(repo), "forge.kind says so")),
        (ForgeKind::Github, None) => Err(ProjectError::NoRepo),
        (ForgeKind::Auto, None) => Ok((local, "no remote `origin` is on GitHub")),
        (ForgeKind::Auto, Some(repo)) if has_token() => Ok((
            github(repo),
            "the repository is on GitHub, and there is a token",
        )),
        (ForgeKind::Auto, Some(repo)) => Ok((
            Home::Local {
                in_place_of: Some(repo),
            },
            "the repository is on GitHub, but there is no token",
        )),
    }
}

impl Remote {
    fn is_github(&self) -> bool {
        matches!(
            self.host.as_str(),
            "github.com" | "www.github.com" | "ssh.github.com"
        )
    }
}

/// Reads a remote's URL in any of git's forms: https, ssh, git, or `user@host:path`.
#[must_use]
pub fn remote(url: &str) -> Option<Remote> {
    let (authority, path) = match url.split_once("://") {
        Some(("https" | "http" | "ssh" | "git", rest)) => rest.split_once('/')?,
        Some(_) => return None,
        None => url
            .split_once(':')
            .filter(|(host, _)| !host.contains('/'))?,
    };
    let host = authority.rsplit('@').next()?;
    let host = host.split(':').next()?.to_ascii_lowercase();
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let repo = RepoName::try_from(path.to_owned()).ok()?;
    (!host.is_empty()).then_some(Remote { host, repo })
}

impl From<ProjectError> for Error {
    fn from(error: ProjectError) -> Self {
        let hint = match error {
            ProjectError::NoRepo => "set project.repo to `owner/name`, or AUTOISSUE_REPO",
            ProjectError::NoBase => "set project.baseBranch, or AUTOISSUE_BASE_BRANCH",
        };
        Self::new(Kind::Project, "tell which repository to work for")
            .because(&error)
            .hints([hint])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn every_form_of_a_remote_is_read() {
        let check = |url: &str, expect: Option<(&str, &str)>| {
            let found = remote(url);
            let found = found
                .as_ref()
                .map(|remote| (remote.host.as_str(), remote.repo.as_str()));
            assert_eq!(found, expect, "{url}");
        };
        let expect = Some(("github.com", "owner/name"));
        for url in [
            "https://github.com/owner/name.git",
            "https://github.com/owner/name",
            "https://github.com/owner/name/",
            "https://GitHub.com/owner/name.git",
            "https://user:token@github.com/owner/name",
            "git@github.com:owner/name.git",
            "github.com:owner/name",
            "ssh://git@github.com/owner/name.git",
            "ssh://git@github.com:22/owner/name",
            "git://github.com/owner/name.git",
        ] {
            check(url, expect);
        }
        check("http://127.0.0.1:3000/o/n.git", Some(("127.0.0.1", "o/n")));
        for url in [
            "/srv/name.git",
            "../name",
            "file:///srv/o/n",
            "https://github.com/owner",
            "",
            "C:\\x",
        ] {
            check(url, None);
        }
    }

    fn told(config: Value, origin: Option<&str>, token: bool) -> String {
        let config: Config = serde_json::from_value(config).unwrap();
        let checkout = Checkout {
            top: "/home/me/shop".into(),
            branch: None,
            origin: origin.map(str::to_owned),
            base: Some("main".into()),
        };
        match detect(&config, &checkout, &|| token) {
            Ok(project) => match &project.home {
                Home::Github { git_url, .. } => format!("{} at {git_url}", project.name()),
                Home::Local { .. } => format!("{}, {}", project.name(), project.why),
            },
            Err(problem) => problem.to_string(),
        }
    }

    #[test]
    fn github_takes_a_remote_there_and_a_token() {
        let origin = Some("git@github.com:o/n.git");
        let check = |config, origin, token, expect: &str| {
            assert_eq!(told(config, origin, token), expect);
        };
        check(json!({}), origin, true, "o/n at https://github.com/o/n.git");
        check(
            json!({}),
            origin,
            false,
            "shop, the repository is on GitHub, but there is no token",
        );
        check(
            json!({}),
            None,
            true,
            "shop, no remote `origin` is on GitHub",
        );
        let elsewhere = Some("https://gitlab.com/o/n.git");
        check(
            json!({}),
            elsewhere,
            true,
            "shop, no remote `origin` is on GitHub",
        );
        let local = json!({ "forge": { "kind": "local" } });
        check(local, origin, true, "shop, forge.kind says so");
        let github = json!({ "forge": { "kind": "github" } });
        check(
            github.clone(),
            origin,
            false,
            "o/n at https://github.com/o/n.git",
        );
        check(
            github,
            None,
            true,
            "the remote `origin` names no repository on GitHub",
        );
    }

    #[test]
    fn the_configuration_names_another_host_or_repository() {
        let own = json!({
            "project": { "repo": "a/b" },
            "forge": { "apiUrl": "http://127.0.0.1:1/api", "gitUrl": "http://127.0.0.1:1/a/b.git" },
        });
        assert_eq!(told(own, None, true), "a/b at http://127.0.0.1:1/a/b.git");
        let enterprise = json!({ "forge": { "apiUrl": "https://git.example.com/api/v3" } });
        assert_eq!(
            told(enterprise, Some("git@git.example.com:o/n.git"), true),
            "o/n at https://git.example.com/o/n.git"
        );
    }
}
