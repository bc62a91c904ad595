//! The API of a daemon, asked as a program: by its socket in the state directory, or at an address.

use crate::adapters::http::{AskError, Credential, Server, answer};
use reqwest::header::HeaderValue;
use reqwest::{Method, Url};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Whoever types a command waits no longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the daemon that watches in this state directory listens for its own user: what may open the directory may ask.
#[must_use]
pub fn socket(state: &Path) -> PathBuf {
    state.join("locks").join("serve").join("socket")
}

/// In which form an answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines for a person.
    Text,
    /// JSON.
    Json,
}

/// What is asked, or wished where it has a body.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Parts of the path below `/api`, each of which is data.
    pub path: Vec<&'a str>,
    /// Names and values.
    pub query: Vec<(&'a str, &'a str)>,
    /// What is to be done with it; nothing is changed without.
    pub wish: Option<Value>,
    /// In which form.
    pub form: Form,
}

/// A problem as the daemon tells it (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Refused {
    /// The status of the answer.
    pub status: u16,
    /// What went wrong, in short.
    pub title: String,
    /// More of it.
    #[serde(default)]
    pub detail: Option<String>,
    /// What sort of thing went wrong, in the words of an error event.
    #[serde(default)]
    pub kind: Option<String>,
    /// What helps.
    #[serde(default)]
    pub hints: Vec<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// None came, or one that nobody can read.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// It refused.
    #[error("{}", .0.title)]
    Refused(Box<Refused>),
    /// It answers, but not as a daemon does.
    #[error("what answers there (status {0}) is no daemon of autoissue")]
    Stranger(u16),
}

/// What opens a daemon's door.
pub struct Keys {
    /// Its token, which goes before a password.
    pub token: Option<SecretString>,
    /// A password.
    pub password: Option<SecretString>,
    /// Whose it is, where the address names nobody.
    pub usual_user: &'static str,
}

/// A daemon that is asked.
pub struct DaemonApi {
    server: Server,
    from: String,
}

impl DaemonApi {
    /// The one at this address, asked on behalf of `from`. The address may name a user, and never holds a password.
    pub fn named(address: &str, keys: Keys, from: &str) -> Result<Self, AskError> {
        let unusable = |why: &str| AskError::Unusable(why.to_owned());
        let mut url = Url::parse(address).map_err(|error| unusable(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(unusable("an address begins with http:// or https://"));
        }
        if url.password().is_some() {
            return Err(unusable(
                "a password is seen by everybody where it stands in an address",
            ));
        }
        let user = Some(url.username()).filter(|user| !user.is_empty());
        let user = user.unwrap_or(keys.usual_user).to_owned();
        let credential = match (keys.token, keys.password) {
            (Some(token), _) => Credential::Bearer(token),
            (None, Some(password)) => Credential::Basic(user, password),
            (None, None) => Credential::None,
        };
        let is_open = url.scheme() == "http" && !is_here(&url);
        if is_open && !matches!(credential, Credential::None) {
            return Err(unusable(
                "over http:// everybody on the way reads the credentials",
            ));
        }
        url.set_username("")
            .map_err(|()| unusable("it names no server"))?;
        Ok(Self {
            server: Server::new(url.as_str(), credential)?,
            from: from.to_owned(),
        })
    }

    /// The one that listens in this state directory, if one does.
    #[must_use]
    pub fn here(state: &Path, from: &str) -> Option<Self> {
        let socket = socket(state);
        UnixStream::connect(&socket).ok()?;
        let server = Server::at(&socket).ok()?;
        let from = from.to_owned();
        Some(Self { server, from })
    }

    /// Asks.
    pub async fn ask(&self, question: &Question<'_>) -> Result<String, DaemonError> {
        let method = match question.wish {
            Some(_) => Method::POST,
            None => Method::GET,
        };
        let path: Vec<&str> = [&["api"], &*question.path].concat();
        let kind = match question.form {
            Form::Text => "text/plain",
            Form::Json => "application/json",
        };
        let request = self.server.request(method, &path, &question.query)?;
        let mut request = request.timeout(PATIENCE).header("accept", kind);
        // What is no ASCII goes as it is (RFC 9110, section 5.5), and a name that cannot go does not break the question.
        if let Ok(from) = HeaderValue::from_bytes(self.from.as_bytes()) {
            request = request.header("from", from);
        }
        if let Some(wish) = &question.wish {
            request = request.json(wish);
        }
        let (status, answer) = answer(request).await?;
        let is_of_kind = |kind| answer.header("content-type").starts_with(kind);
        if status.is_success() && is_of_kind(kind) {
            return Ok(answer.text()?.to_owned());
        }
        if is_of_kind("application/problem+json") {
            return Err(DaemonError::Refused(Box::new(answer.json()?)));
        }
        Err(DaemonError::Stranger(status.as_u16()))
    }
}

/// Does it lead to this machine, where nobody is on the way?
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(address: &str, token: Option<&str>) -> Result<(), String> {
        let keys = Keys {
            token: token.map(SecretString::from),
            password: None,
            usual_user: "autoissue",
        };
        let made = DaemonApi::named(address, keys, "ann@laptop");
        made.map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_is_one_of_a_server_and_holds_no_secret() {
        for good in ["http://127.0.0.1:3030", "https://ann@build.example/"] {
            assert_eq!(named(good, None), Ok(()), "{good}");
        }
        for bad in ["localhost:3030", "build.example", "", "ftp://build.example"] {
            assert!(named(bad, None).is_err(), "{bad}");
        }
        let told = named("https://ann:hunter2@build.example", None).unwrap_err();
        assert!(!told.contains("hunter2"), "{told}");
    }

    #[test]
    fn credentials_travel_only_where_nobody_reads_them() {
        for good in [
            "http://localhost:3030",
            "http://127.0.0.1:3030",
            "http://[::1]:3030",
            "https://build.example",
        ] {
            assert_eq!(named(good, Some("t")), Ok(()), "{good}");
        }
        let told = named("http://build.example", Some("t")).unwrap_err();
        assert!(told.contains("http://"), "{told}");
    }
}
