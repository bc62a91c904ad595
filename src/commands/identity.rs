//! Who we are to GitHub: an app with its key, or whoever a token belongs to.

use crate::adapters::git::source::{Credential, Credentials};
use crate::adapters::github::app::{AppSettings, HOW_TO_KEY};
use crate::adapters::github::auth::{Found, TokenOrigin, find_token};
use crate::adapters::github::tokens::{Renewal, Tokens};
use crate::adapters::vault::keep::{Vault, VaultError};
use crate::adapters::vault::keyring::Keyring;
use crate::commands::place::{variable, whereabouts};
use crate::commands::wire::api;
use crate::config::loaded::Loaded;
use crate::config::names::RepoName;
use crate::config::secrets::is_tracked;
use crate::config::shape::{App, Config};
use crate::error::{Error, Kind};
use crate::ports::{ForgeError, RepositoryError};
use crate::rules::access::TokenKind;
use etcetera::BaseStrategy as _;
use secrecy::{ExposeSecret, SecretString};
use std::cell::OnceCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Holds an app's private key, where no file does.
pub const KEY_VARIABLE: &str = "AUTOISSUE_APP_KEY";
/// As whom git presents a token.
const GIT_USER: &str = "x-access-token";

/// Who we can be, found out as far as it is asked for.
pub struct Identity<'a> {
    loaded: &'a Loaded,
    found: OnceCell<Result<Option<Found>, VaultError>>,
}

/// Who we are for one repository.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Gives the tokens.
    pub tokens: Tokens,
    /// An app's key.
    key: Option<SecretString>,
}

/// Where tokens come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A token that was found.
    Token(TokenOrigin),
    /// An app makes them.
    App {
        /// Its number.
        id: u32,
        /// Where its key is: `None` for the environment.
        key_file: Option<PathBuf>,
    },
}

impl Origin {
    /// The file that holds an app's key.
    #[must_use]
    pub fn key_file(&self) -> Option<&Path> {
        match self {
            Self::App { key_file, .. } => key_file.as_deref(),
            Self::Token(_) => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(origin) => origin.fmt(f),
            Self::App { id, key_file } => {
                let key = key_file.as_ref().map_or_else(
                    || KEY_VARIABLE.to_owned(),
                    |file| file.display().to_string(),
                );
                write!(f, "GitHub App {id}, by its key in {key}")
            }
        }
    }
}

impl<'a> Identity<'a> {
    /// Asks for nothing yet.
    #[must_use]
    pub fn of(loaded: &'a Loaded) -> Self {
        Self {
            loaded,
            found: OnceCell::new(),
        }
    }

    /// Can we be anybody? May start a program.
    pub fn is_known(&self) -> bool {
        self.app().is_some() || !matches!(self.looked(), Ok(None))
    }

    /// Who we are for this repository: the app that is configured, else whoever the token that is found belongs to.
    /// Needs a running tokio runtime.
    pub fn sign(&self, repo: &RepoName) -> Result<Option<Signed>, Error> {
        if let Some(app) = self.app() {
            return self.sign_as(app, repo).map(Some);
        }
        let found = self.looked().as_ref().map_err(unkept)?;
        Ok(found.as_ref().map(|found| Signed {
            tokens: Tokens::fixed(found.token.clone()),
            key: None,
        }))
    }

    /// Where our tokens come from. May start a program.
    pub fn origin(&self) -> Option<Origin> {
        match self.app() {
            Some(app) => Some(Origin::App {
                id: app.id.get(),
                key_file: self.key_file(app),
            }),
            None => Some(Origin::Token(self.found()?.source.clone())),
        }
    }

    /// What kind of token was found; none where an app makes them.
    pub fn kind(&self) -> Option<TokenKind> {
        if self.app().is_some() {
            return None;
        }
        let token = &self.found()?.token;
        Some(TokenKind::of(token.expose_secret()))
    }

    fn key_file(&self, app: &App) -> Option<PathBuf> {
        let file = app.key_file.as_ref();
        file.map(|file| whereabouts(&self.loaded.resolve(file)))
    }

    fn app(&self) -> Option<&'a App> {
        self.loaded.config.forge.app.as_ref()
    }

    /// Why the token that we keep cannot be used, where that is so.
    pub fn trouble(&self) -> Option<Error> {
        if self.app().is_some() {
            return None;
        }
        self.looked().as_ref().err().map(unkept)
    }

    fn found(&self) -> Option<&Found> {
        self.looked().as_ref().ok()?.as_ref()
    }

    fn looked(&self) -> &Result<Option<Found>, VaultError> {
        let kept = || vault().find(&host(&self.loaded.config));
        self.found.get_or_init(|| find_token(&variable, kept))
    }

    fn sign_as(&self, app: &App, repo: &RepoName) -> Result<Signed, Error> {
        let file = self.key_file(app);
        let key = key(file.as_ref())?;
        let settings = AppSettings {
            id: u64::from(app.id.get()),
            key: key.clone(),
            installation: app.installation.map(|number| u64::from(number.get())),
            project: repo.to_string(),
            api: api(&self.loaded.config),
        };
        // A control for the tests of runs that outlast a token; see tests/it/app.rs.
        let renewal = match variable("AUTOISSUE_FAULT").as_deref() {
            Some("no-renewal") => Renewal::Never,
            Some(_) | None => Renewal::Ahead,
        };
        let tokens = Tokens::app(settings, renewal).map_err(|cause| match &cause {
            ForgeError::App { problem, .. } => unusable(file.as_ref(), problem),
            _ => cause.into(),
        })?;
        Ok(Signed {
            tokens,
            key: Some(key),
        })
    }
}

/// Where tokens are kept on this machine.
#[must_use]
pub fn vault() -> Vault {
    let strategy = etcetera::base_strategy::Xdg::new();
    let directory = strategy.map_or_else(|_| PathBuf::new(), |strategy| strategy.config_dir());
    Vault {
        directory: directory.join("autoissue"),
        keyring: Keyring::find(&variable),
    }
}

/// For whom a token is: it is shown to no other host than the one that it was given for.
#[must_use]
pub fn host(config: &Config) -> String {
    let api = api(config);
    let rest = api.split_once("://").map_or(api.as_str(), |(_, rest)| rest);
    match rest.split('/').next().unwrap_or_default() {
        "api.github.com" => "github.com".to_owned(),
        host => host.to_owned(),
    }
}

/// What helps where a kept token cannot be used.
pub fn unkept(cause: &VaultError) -> Error {
    let hint = match cause {
        VaultError::Loose { path, .. } => format!("chmod 600 {}", path.display()),
        VaultError::Foreign { path } => {
            format!(
                "look at {}, remove it, then `autoissue login`",
                path.display()
            )
        }
        VaultError::File { path, .. } => format!("see to {}", path.display()),
    };
    let (action, reason) = match cause {
        VaultError::File {
            action,
            path,
            cause,
        } => (format!("{action} {}", path.display()), cause.to_string()),
        VaultError::Loose { path, mode } => (
            format!("use the token in {}", path.display()),
            format!("others than you may use the file (mode {mode:o})"),
        ),
        VaultError::Foreign { path } => (
            format!("use the token in {}", path.display()),
            "it is not a file of yours".to_owned(),
        ),
    };
    Error::new(Kind::Auth, action).cause(reason).hints([hint])
}

impl Signed {
    /// What is to appear nowhere. The tokens that an app makes are known by their look.
    pub fn secrets(&self) -> impl Iterator<Item = String> {
        let known = self.tokens.known().into_iter().chain(self.key.as_ref());
        known.map(|secret| secret.expose_secret().to_owned())
    }
}

/// The key in the file, else in the environment, where line ends may be written as `\n`.
fn key(file: Option<&PathBuf>) -> Result<SecretString, Error> {
    let text = match file {
        Some(file) if is_tracked(file) => {
            let problem = "git tracks it: whoever sees the repository has the key";
            return Err(unusable(Some(file), problem));
        }
        Some(file) => std::fs::read_to_string(file)
            .map_err(|cause| unusable(Some(file), &cause.to_string()))?,
        None => variable(KEY_VARIABLE)
            .ok_or_else(|| unusable(None, "it is not set"))?
            .replace("\\n", "\n"),
    };
    Ok(text.into())
}

fn unusable(file: Option<&PathBuf>, problem: &str) -> Error {
    let what = file.map_or_else(
        || KEY_VARIABLE.to_owned(),
        |file| file.display().to_string(),
    );
    Error::new(
        Kind::Auth,
        format!("use the private key of the GitHub App in {what}"),
    )
    .cause(problem)
    .hints([HOW_TO_KEY])
}

/// What git is to show the remote: the tokens, each while it is good.
pub fn credentials(tokens: Tokens) -> Credentials {
    Arc::new(move |refused: Option<Credential>| {
        let tokens = tokens.clone();
        Box::pin(async move {
            if let Some(refused) = refused
                && !tokens
                    .renew(&refused.secret)
                    .await
                    .map_err(|cause| unshown(&cause))?
            {
                return Ok(None);
            }
            let secret = tokens.current().await.map_err(|cause| unshown(&cause))?;
            Ok(Some(Credential {
                user: GIT_USER.to_owned(),
                secret,
            }))
        })
    })
}

/// Without a token the remote is not even asked.
fn unshown(cause: &ForgeError) -> RepositoryError {
    let auth = matches!(cause, ForgeError::Auth { .. } | ForgeError::App { .. });
    RepositoryError::Remote {
        action: "get a token for git".to_owned(),
        detail: cause.to_string(),
        auth,
    }
}
