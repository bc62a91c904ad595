//! Questions to one server: in bounded time and memory, nowhere else, and without a word of a secret in any error.

use crate::rules::printable::clip;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use std::path::Path;
use std::time::Duration;

/// No answer may take longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read.
const ANSWER: usize = 16 << 20;
/// Characters of a refusal that are told.
const TOLD: usize = 200;
/// Where a server is busy and does not say how long, it is left alone for so long.
const BUSY: Duration = Duration::from_secs(60);

/// Why a server did not answer. Names no secret.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It cannot be asked as it is configured.
    #[error("it cannot be asked: {0}")]
    Unusable(String),
    /// Nobody is there: it was never asked.
    #[error("{0}")]
    Unreached(String),
    /// It was asked, and no answer came.
    #[error("{0}")]
    Unanswered(String),
    /// It refused.
    #[error("it answers {status}{said}")]
    Refused {
        /// The status.
        status: u16,
        /// What it said, with a colon before it.
        said: String,
    },
    /// It wants to be left alone.
    #[error("it was asked too often, and wants to be left alone for {} s", .0.as_secs())]
    Limited(Duration),
    /// It answered something else than its description says.
    #[error("its answer cannot be read: {0}")]
    Unreadable(String),
}

/// How we show who we are.
#[derive(Clone)]
pub enum Credential {
    /// Not at all.
    None,
    /// By a token.
    Bearer(SecretString),
    /// By a name and a password.
    Basic(String, SecretString),
}

/// One server.
pub struct Server {
    client: Client,
    base: Url,
    credential: Credential,
}

/// What it answered.
pub struct Answer {
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Server {
    /// The server at this address.
    pub fn new(base: &str, credential: Credential) -> Result<Self, AskError> {
        let unusable = |problem: String| AskError::Unusable(problem);
        let mut base = Url::parse(base).map_err(|error| unusable(error.to_string()))?;
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let client = if base.scheme() == "http" {
            careful().no_proxy()
        } else {
            careful()
        };
        Self::by(client, base, credential)
    }

    /// The one that listens at this socket.
    pub fn at(socket: &Path) -> Result<Self, AskError> {
        let base = Url::parse("http://localhost/").expect("it is a URL");
        let client = careful().no_proxy().unix_socket(socket);
        Self::by(client, base, Credential::None)
    }

    fn by(client: ClientBuilder, base: Url, credential: Credential) -> Result<Self, AskError> {
        let client = client.build();
        let client = client.map_err(|error| AskError::Unusable(error.without_url().to_string()));
        Ok(Self {
            client: client?,
            base,
            credential,
        })
    }

    /// Asks for what stands at these parts of a path, each of which is data.
    pub async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Answer, AskError> {
        let request = self.request(Method::GET, path, query)?;
        let (status, answer) = answer(request.header("accept", "application/json")).await?;
        judged(status, answer)
    }

    /// A question that is not asked yet.
    pub(super) fn request(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<RequestBuilder, AskError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| AskError::Unusable("its address has no path".to_owned()))?
            .pop_if_empty()
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.client.request(method, url);
        Ok(match &self.credential {
            Credential::None => request,
            Credential::Bearer(token) => request.bearer_auth(token.expose_secret()),
            Credential::Basic(name, password) => {
                request.basic_auth(name, Some(password.expose_secret()))
            }
        })
    }
}

fn careful() -> ClientBuilder {
    Client::builder()
        .timeout(PATIENCE)
        .user_agent(concat!("autoissue/", env!("CARGO_PKG_VERSION")))
        // A redirect would take our token somewhere that nobody configured.
        .redirect(reqwest::redirect::Policy::none())
}

/// Asks, and hears all of the answer, whatever its status.
pub(super) async fn answer(request: RequestBuilder) -> Result<(StatusCode, Answer), AskError> {
    let mut reply = request.send().await.map_err(unreached)?;
    let (status, headers) = (reply.status(), reply.headers().clone());
    let mut body = Vec::new();
    while let Some(part) = reply.chunk().await.map_err(unreached)? {
        if body.len() + part.len() > ANSWER {
            return Err(AskError::Unreadable("it is too long".to_owned()));
        }
        body.extend_from_slice(&part);
    }
    Ok((status, Answer { headers, body }))
}

impl Answer {
    /// Reads it.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, AskError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| AskError::Unreadable(clip(&error.to_string(), TOLD)))
    }

    /// Its words.
    pub(super) fn text(&self) -> Result<&str, AskError> {
        std::str::from_utf8(&self.body)
            .map_err(|_| AskError::Unreadable("it is no text".to_owned()))
    }

    /// All headers of a name, as one.
    #[must_use]
    pub fn header(&self, name: &str) -> String {
        let lines = self.headers.get_all(name).iter();
        let lines: Vec<&str> = lines.filter_map(|line| line.to_str().ok()).collect();
        lines.join(", ")
    }
}

fn judged(status: StatusCode, answer: Answer) -> Result<Answer, AskError> {
    if status.is_success() {
        return Ok(answer);
    }
    let wait = answer.headers.get(RETRY_AFTER);
    let wait = wait.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let wait = wait.map(Duration::from_secs);
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Err(AskError::Limited(wait.unwrap_or(BUSY)));
    }
    if let (StatusCode::SERVICE_UNAVAILABLE, Some(wait)) = (status, wait) {
        return Err(AskError::Limited(wait));
    }
    let said = match status {
        StatusCode::UNAUTHORIZED => ": look at its token".to_owned(),
        status if status.is_redirection() => {
            ": it leads elsewhere, which is not followed; configure the address that it leads to"
                .to_owned()
        }
        _ => match clip(&String::from_utf8_lossy(&answer.body), TOLD) {
            said if said.is_empty() => said,
            said => format!(": {said}"),
        },
    };
    let status = status.as_u16();
    Err(AskError::Refused { status, said })
}

fn unreached(error: reqwest::Error) -> AskError {
    let is_connected = !error.is_connect();
    if error.is_timeout() && is_connected {
        return AskError::Unanswered("it does not answer in time".to_owned());
    }
    let error = error.without_url();
    let mut last: &dyn std::error::Error = &error;
    while let Some(source) = last.source() {
        last = source;
    }
    if is_connected {
        return AskError::Unanswered(clip(&format!("it broke off: {last}"), TOLD));
    }
    AskError::Unreached(clip(&format!("it cannot be reached: {last}"), TOLD))
}
