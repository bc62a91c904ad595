//! A GitHub App: who it is, where it is installed, and tokens for that, which GitHub makes for whoever signs as the app.
//!
//! After GitHub's "Authenticating as a GitHub App" and "Generating an installation access token for a GitHub App".

use crate::adapters::github::address::{api_base, origin};
use crate::adapters::github::reply::{Reply, refusal, unknown};
use crate::adapters::github::tokens::Maker;
use crate::adapters::github::transport::{Manners, Transport};
use crate::adapters::github::verdict::{Wait, clock, judge};
use crate::ports::ForgeError;
use crate::rules::ids::Timestamp;
use crate::rules::printable::printable;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http::Method;
use octocrab::auth::AppAuth;
use octocrab::models::AppId;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// A renamed repository leads on once.
const MOST_HOPS: u32 = 3;
const SIGN_IN: &str = "sign in as the GitHub App";
const HOW_TO_INSTALL: &str = "install the app on that repository (\"Install App\" in its settings on GitHub), and check project.repo";
/// What a person can do about a key that is of no use.
pub const HOW_TO_KEY: &str = "make one under \"Private keys\" in the app's settings on GitHub, and name its file in forge.app.keyFile";

/// What an app needs to be told.
pub struct AppSettings {
    /// The app's number.
    pub id: u64,
    /// Its private key in PEM, as GitHub gives it out.
    pub key: SecretString,
    /// The number of its installation; asked for by the repository where it is left out.
    pub installation: Option<u64>,
    /// The repository, `owner/name`: tokens are good for no other.
    pub project: String,
    /// The API's address.
    pub api: String,
}

/// The app, and what it may do where it is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its name in addresses; its account is that with `[bot]` behind it.
    pub slug: String,
    /// What its tokens may do here: `read`, `write` or `admin` by the name of each permission.
    pub permissions: BTreeMap<String, String>,
}

/// A token that was just made.
pub(super) struct Minted {
    pub(super) token: SecretString,
    /// What it may do.
    pub(super) permissions: BTreeMap<String, String>,
    /// When it was asked for.
    pub(super) asked: Instant,
    /// How long it is good, by GitHub's own clock.
    pub(super) life: Duration,
}

/// Signs as the app.
pub(super) struct App {
    auth: AppAuth,
    settings: AppSettings,
    api: String,
    installation: OnceCell<u64>,
    transport: Transport,
}

impl App {
    /// Reads the key. Needs a running tokio runtime.
    pub(super) fn new(settings: AppSettings) -> Result<Self, ForgeError> {
        let key = settings.key.expose_secret().as_bytes();
        let key = octocrab::auth::EncodingKey::from_rsa_pem(key).map_err(|_| {
            unusable(
                "it is no RSA private key in PEM, as GitHub gives it out",
                HOW_TO_KEY,
            )
        })?;
        let api =
            api_base(&settings.api).map_err(|problem| unusable(problem, "correct forge.apiUrl"))?;
        Ok(Self {
            auth: AppAuth {
                app_id: AppId(settings.id),
                key,
            },
            installation: OnceCell::new_with(settings.installation),
            settings,
            api,
            transport: Transport::new(Manners::default())?,
        })
    }

    async fn make(&self) -> Result<(WireToken, Reply), ForgeError> {
        let installation = self
            .installation
            .get_or_try_init(|| self.find_installation())
            .await?;
        let path = format!("/app/installations/{installation}/access_tokens");
        let name = self.settings.project.split('/').next_back();
        let body = json!({ "repositories": [name] });
        let project = &self.settings.project;
        let reply = match self.ask(&Method::POST, &path, Some(&body)).await {
            Err(ForgeError::NotFound { .. }) => {
                let problem = format!("app {} has no installation {installation}", self.id());
                return Err(unusable(
                    problem,
                    "leave forge.app.installation out, and it is found by the repository",
                ));
            }
            Err(ForgeError::Refused { detail, .. }) => {
                let problem =
                    format!("installation {installation} has no token for {project}: {detail}");
                return Err(unusable(problem, HOW_TO_INSTALL));
            }
            reply => reply?,
        };
        Ok((read(&reply)?, reply))
    }

    async fn find_installation(&self) -> Result<u64, ForgeError> {
        let project = &self.settings.project;
        let path = format!("/repos/{project}/installation");
        match self.ask(&Method::GET, &path, None).await {
            Ok(reply) => Ok(read::<WireInstallation>(&reply)?.id),
            Err(ForgeError::NotFound { .. }) => {
                let id = self.id();
                let problem = format!(
                    "app {id} is not installed on {project}, or there is no such repository"
                );
                Err(unusable(problem, HOW_TO_INSTALL))
            }
            Err(cause) => Err(cause),
        }
    }

    /// Sends a request that the app signs. Not behind the governor: it is one in an hour, and comes before another that
    /// has its turn.
    async fn ask(
        &self,
        method: &Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Reply, ForgeError> {
        let mut url = format!("{}{path}", self.api);
        for _ in 0..=MOST_HOPS {
            let signed = self.auth.generate_bearer_token();
            let signed = signed.map_err(|_| unusable("its key cannot sign", HOW_TO_KEY))?;
            let signed = SecretString::from(signed);
            let request = self
                .transport
                .request(SIGN_IN, method, &url, Some(&signed))?;
            let reply = self.transport.send(SIGN_IN, request, body).await?;
            match reply.redirect() {
                Some(there) if origin(&there) == origin(&self.api) => url = there,
                Some(_) => {
                    return Err(unusable(
                        "the answer leads to another server",
                        "correct forge.apiUrl",
                    ));
                }
                None if reply.status.is_success() => return Ok(reply),
                None => return Err(self.refused(&reply)),
            }
        }
        Err(unusable(
            "redirected in a circle",
            "correct project.repo and forge.apiUrl",
        ))
    }

    fn refused(&self, reply: &Reply) -> ForgeError {
        let status = reply.status.as_u16();
        if let Some(wait) = judge(status, &reply.headers, &reply.message()).wait() {
            let wait = match wait {
                Wait::For(wait) | Wait::Reset(wait) => wait,
                Wait::Unsaid => Duration::from_secs(60),
            };
            let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            return ForgeError::Limited {
                action: SIGN_IN.to_owned(),
                until: Some(Timestamp(Utc::now().timestamp_millis()).plus_millis(millis)),
            };
        }
        let id = self.id();
        match status {
            401 => {
                let problem = format!(
                    "it signs as app {id}, and GitHub says: {}",
                    printable(&reply.message())
                );
                unusable(
                    problem,
                    "check that forge.app.keyFile is a key of that app, that it was not deleted there, and the clock of this machine",
                )
            }
            // What is not there otherwise is told in fewer words.
            404 if reply.message().contains("Integration") => unusable(
                format!("there is no app {id}"),
                "forge.app.id is what the app's settings on GitHub call \"App ID\"",
            ),
            _ => refusal(SIGN_IN, reply),
        }
    }

    fn id(&self) -> u64 {
        self.settings.id
    }
}

#[async_trait]
impl Maker for App {
    /// A new token for the repository.
    async fn mint(&self) -> Result<Minted, ForgeError> {
        let asked = Instant::now();
        let (made, reply) = self.make().await?;
        let end = DateTime::parse_from_rfc3339(&made.expires_at)
            .map_err(|cause| unknown(SIGN_IN, &cause.to_string()))?;
        let life = end.timestamp() - clock(&reply.headers).timestamp();
        let life = Duration::from_secs(u64::try_from(life).unwrap_or(0));
        tracing::debug!(seconds = life.as_secs(), "a new token of the app");
        Ok(Minted {
            token: made.token.into(),
            permissions: made.permissions,
            asked,
            life,
        })
    }

    async fn slug(&self) -> Result<String, ForgeError> {
        let reply = self.ask(&Method::GET, "/app", None).await?;
        Ok(read::<WireApp>(&reply)?.slug)
    }
}

fn unusable(problem: impl Into<String>, hint: &str) -> ForgeError {
    ForgeError::App {
        problem: problem.into(),
        hint: hint.to_owned(),
    }
}

fn read<'a, T: Deserialize<'a>>(reply: &'a Reply) -> Result<T, ForgeError> {
    serde_json::from_slice(&reply.body).map_err(|cause| unknown(SIGN_IN, &cause.to_string()))
}

#[derive(Deserialize)]
struct WireApp {
    slug: String,
}

#[derive(Deserialize)]
struct WireInstallation {
    id: u64,
}

#[derive(Deserialize)]
struct WireToken {
    token: String,
    expires_at: String,
    #[serde(default)]
    permissions: BTreeMap<String, String>,
}

impl fmt::Debug for AppSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppSettings")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
