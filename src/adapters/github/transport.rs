//! One request and its answer, in bounded time and space, by octocrab.
//!
//! octocrab's own retries, cache and redirects are off: they repeat, answer and turn into GETs what is a POST.

use crate::adapters::github::reply::{Reply, unknown};
use crate::ports::ForgeError;
use http::header::{ACCEPT, AUTHORIZATION, HeaderValue, USER_AGENT};
use http::{Method, request};
use http_body_util::{BodyExt, Limited};
use octocrab::service::middleware::retry::RetryConfig;
use octocrab::{OctoBody, Octocrab};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use tokio::time::timeout;

/// How requests go out.
#[derive(Clone, Debug)]
pub(super) struct Manners {
    /// What we call ourselves.
    pub(super) user_agent: String,
    /// Until an answer begins, and again until it ends.
    pub(super) timeout: Duration,
    /// Bytes of an answer at most.
    pub(super) largest_answer: usize,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            user_agent: concat!("autoissue/", env!("CARGO_PKG_VERSION")).to_owned(),
            timeout: Duration::from_secs(30),
            // A page of a hundred issues with the longest bodies is a third of it.
            largest_answer: 80 << 20,
        }
    }
}

/// The connection.
pub(super) struct Transport {
    crab: Octocrab,
    manners: Manners,
}

impl Transport {
    /// Needs a running tokio runtime.
    pub(super) fn new(manners: Manners) -> Result<Self, ForgeError> {
        let crab = Octocrab::builder()
            .add_retry_config(RetryConfig::None)
            .set_connect_timeout(Some(manners.timeout))
            .build()
            .map_err(|cause| ForgeError::Refused {
                action: "set up the connection to GitHub".into(),
                detail: chain(&cause),
            })?;
        Ok(Self { crab, manners })
    }

    /// A request, with a token where the server is to be told one.
    pub(super) fn request(
        &self,
        action: &str,
        method: &Method,
        url: &str,
        token: Option<&SecretString>,
    ) -> Result<request::Builder, ForgeError> {
        let request = request::Builder::new()
            .method(method.clone())
            .uri(url)
            .header(USER_AGENT, &self.manners.user_agent);
        let Some(token) = token else {
            return Ok(request);
        };
        Ok(request
            .header(ACCEPT, "application/vnd.github+json")
            .header(AUTHORIZATION, authorization(action, token)?))
    }

    /// Sends it once. What is no whole answer is [`ForgeError::Unknown`].
    pub(super) async fn send(
        &self,
        action: &str,
        request: request::Builder,
        body: Option<&serde_json::Value>,
    ) -> Result<Reply, ForgeError> {
        let request = self
            .crab
            .build_request(request, body)
            .map_err(|cause| unknown(action, &chain(&cause)))?;
        self.answer(request)
            .await
            .map_err(|broken| unknown(action, &broken))
    }

    async fn answer(&self, request: http::Request<OctoBody>) -> Result<Reply, String> {
        let longest = self.manners.timeout;
        let late = |_| format!("no answer within {longest:?}");
        let response = timeout(longest, self.crab.execute(request))
            .await
            .map_err(late)?
            .map_err(|cause| chain(&cause))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, self.manners.largest_answer).collect();
        let body = match timeout(longest, body).await.map_err(late) {
            Ok(Ok(body)) => body.to_bytes().to_vec(),
            // A limit holds us back by its headers alone, whatever became of its words.
            Ok(Err(_)) | Err(_) if !parts.status.is_success() => Vec::new(),
            Ok(Err(cause)) => return Err(chain(cause.as_ref())),
            Err(late) => return Err(late),
        };
        Ok(Reply {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }
}

fn authorization(action: &str, token: &SecretString) -> Result<HeaderValue, ForgeError> {
    let value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()));
    let mut value = value.map_err(|_| ForgeError::Auth {
        action: action.to_owned(),
        detail: "the token has characters that no token has".into(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// An error and what it came from, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .fold(String::new(), |text, part| {
            // Many of them repeat their source in their own words.
            if text.contains(&part) {
                text
            } else if text.is_empty() {
                part
            } else {
                format!("{text}: {part}")
            }
        })
}
