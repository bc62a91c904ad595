//! Who may come in: the right name for this server, the right credentials, and no other site's page.
//!
//! Browsers send a page's credentials to whatever it asks for, so a request that changes something has to come from a page
//! of ours (OWASP, "Cross-Site Request Forgery Prevention": `Origin` and Fetch Metadata); and a name that points here by
//! somebody else's doing is refused (DNS rebinding).

use crate::serve::guesses::Guesses;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;
use subtle::ConstantTimeEq as _;

/// Paths that anybody may ask: they tell nothing but that the server is there.
const OPEN: [&str; 3] = ["/health", "/api/health", "/ready"];

/// What is asked for.
#[derive(Debug, Default)]
pub struct Keys {
    user: Option<[u8; 32]>,
    token: Option<[u8; 32]>,
}

impl Keys {
    /// A name with its password, a bearer token, or either.
    #[must_use]
    pub fn new(user: Option<(&str, &str)>, token: Option<&str>) -> Self {
        Self {
            user: user.map(|(name, password)| digest(&format!("{name}:{password}"))),
            token: token.map(digest),
        }
    }

    fn open(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok());
        let Some((scheme, value)) = given.and_then(|given| given.split_once(' ')) else {
            return false;
        };
        if scheme.eq_ignore_ascii_case("bearer") {
            return same(self.token, value.trim().as_bytes());
        }
        let decoded = STANDARD.decode(value.trim()).unwrap_or_default();
        scheme.eq_ignore_ascii_case("basic") && same(self.user, &decoded)
    }

    /// What a browser is told to ask its user for.
    fn challenge(&self) -> &'static str {
        if self.user.is_some() {
            "Basic realm=\"autoissue\", charset=\"UTF-8\""
        } else {
            "Bearer realm=\"autoissue\""
        }
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Takes the same time whatever is given: only digests are compared, and those as a whole.
fn same(wanted: Option<[u8; 32]>, given: &[u8]) -> bool {
    let given: [u8; 32] = Sha256::digest(given).into();
    wanted.is_some_and(|wanted| wanted.ct_eq(&given).into())
}

/// The door of one server.
#[derive(Debug)]
pub struct Door {
    keys: Option<Keys>,
    names: Vec<String>,
    guesses: Guesses,
}

impl Door {
    /// One that asks for these keys, where it asks for any, and answers to these names besides addresses and `localhost`.
    #[must_use]
    pub fn new(keys: Option<Keys>, names: Vec<String>) -> Self {
        Self {
            keys,
            names,
            guesses: Guesses::default(),
        }
    }

    /// Is this a name of ours? Of an address nobody else can say where it leads.
    fn answers_to(&self, host: &str) -> bool {
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split_once(']').map_or(rest, |(name, _)| name),
            None => host.split_once(':').map_or(host, |(name, _)| name),
        };
        let is_ours = |own: &String| own.eq_ignore_ascii_case(name);
        name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok()
            || self.names.iter().any(is_ours)
    }

    fn judge(&self, request: &Request, from: IpAddr) -> Result<(), Refusal> {
        let headers = request.headers();
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.filter(|host| self.answers_to(host));
        let Some(host) = host else {
            return Err(Refusal::WrongName);
        };
        if OPEN.contains(&request.uri().path()) {
            return Ok(());
        }
        if let Some(keys) = &self.keys {
            let now = Instant::now();
            if let Some(wait) = self.guesses.wait(from, now) {
                return Err(Refusal::TooManyGuesses(wait));
            }
            if !keys.open(headers) {
                if headers.contains_key(AUTHORIZATION) {
                    self.guesses.wrong(from, now);
                }
                return Err(Refusal::NoKey(keys.challenge()));
            }
            self.guesses.right(from);
        }
        let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
        if changes && is_foreign(headers, host) {
            return Err(Refusal::Foreign);
        }
        Ok(())
    }
}

/// Does it come from another site's page? What is no browser says nothing of where it comes from.
fn is_foreign(headers: &HeaderMap, host: &str) -> bool {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let origin = headers.get(ORIGIN).map(text);
    let site = headers.get("sec-fetch-site").map(text);
    let is_ours = |origin: &String| {
        origin
            .split_once("://")
            .is_some_and(|(_, name)| name == host)
    };
    origin.is_some_and(|origin| !is_ours(&origin))
        || site.is_some_and(|site| site != "same-origin" && site != "none")
}

/// Why somebody does not come in.
#[derive(Debug)]
enum Refusal {
    WrongName,
    NoKey(&'static str),
    TooManyGuesses(u64),
    Foreign,
}

impl Refusal {
    fn answer(&self) -> Response {
        let plain = |status: StatusCode, words: &'static str| (status, words).into_response();
        match self {
            Self::WrongName => plain(
                StatusCode::MISDIRECTED_REQUEST,
                "this server does not answer to that name; add it to dashboard.hosts\n",
            ),
            Self::NoKey(challenge) => {
                let mut answer = plain(StatusCode::UNAUTHORIZED, "credentials are needed\n");
                let challenge = HeaderValue::from_static(challenge);
                answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                answer
            }
            Self::TooManyGuesses(wait) => {
                let words = "too many wrong credentials from there\n";
                let mut answer = plain(StatusCode::TOO_MANY_REQUESTS, words);
                answer.headers_mut().insert(RETRY_AFTER, (*wait).into());
                answer
            }
            Self::Foreign => plain(
                StatusCode::FORBIDDEN,
                "this comes from a page of another site\n",
            ),
        }
    }
}

/// Lets a request through, or answers it.
pub async fn guard(
    State(door): State<Arc<Door>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    match door.judge(&request, from.ip()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.answer(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn request(method: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::builder().method(method).uri("/act");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    }

    fn status(door: &Door, method: &str, headers: &[(&str, &str)]) -> u16 {
        let judged = door.judge(&request(method, headers), HERE);
        judged.map_or_else(|refusal| refusal.answer().status().as_u16(), |()| 200)
    }

    fn locked() -> Door {
        let keys = Keys::new(Some(("me", "secret")), Some("token"));
        Door::new(Some(keys), vec!["house.example".to_owned()])
    }

    #[test]
    fn only_names_of_ours_are_answered_to() {
        let door = Door::new(None, vec!["house.example".to_owned()]);
        let host = |name| status(&door, "GET", &[("host", name)]);
        for ours in [
            "localhost:3030",
            "127.0.0.1:3030",
            "[::1]:3030",
            "House.Example",
        ] {
            assert_eq!(host(ours), 200, "{ours}");
        }
        for theirs in ["evil.example:3030", "localhost.evil.example", ""] {
            assert_eq!(host(theirs), 421, "{theirs}");
        }
        assert_eq!(status(&door, "GET", &[]), 421);
    }

    #[test]
    fn a_name_with_its_password_or_the_token_opens() {
        let given = |value| {
            let headers = [("host", "localhost"), ("authorization", value)];
            status(&locked(), "GET", &headers)
        };
        assert_eq!(given("Basic bWU6c2VjcmV0"), 200);
        assert_eq!(given("Bearer token"), 200);
        for wrong in [
            "Basic bWU6d3Jvbmc=",
            "Bearer ",
            "Bearer tokens",
            "Basic %%",
            "token",
        ] {
            assert_eq!(given(wrong), 401, "{wrong}");
        }
        assert_eq!(status(&locked(), "GET", &[("host", "localhost")]), 401);
        // A key that is not configured opens nothing, an empty one neither.
        let only_user = Door::new(Some(Keys::new(Some(("me", "x")), None)), Vec::new());
        let headers = [("host", "localhost"), ("authorization", "Bearer ")];
        assert_eq!(status(&only_user, "GET", &headers), 401);
    }

    #[test]
    fn who_guesses_is_kept_out_even_with_the_right_key() {
        let door = locked();
        let wrong = [("host", "localhost"), ("authorization", "Bearer no")];
        let right = [("host", "localhost"), ("authorization", "Bearer token")];
        let tried = (0..20).map(|_| status(&door, "GET", &wrong));
        let tried: Vec<u16> = tried.collect();
        assert_eq!((tried[0], tried[19]), (401, 429));
        assert_eq!(status(&door, "GET", &right), 429);
    }

    #[test]
    fn nothing_is_changed_by_the_page_of_another_site() {
        let door = Door::new(None, Vec::new());
        let from =
            |name, value| status(&door, "POST", &[("host", "localhost:3030"), (name, value)]);
        assert_eq!(from("origin", "http://localhost:3030"), 200);
        assert_eq!(from("origin", "http://evil.example"), 403);
        assert_eq!(from("origin", "null"), 403);
        assert_eq!(from("sec-fetch-site", "cross-site"), 403);
        assert_eq!(from("sec-fetch-site", "same-site"), 403);
        assert_eq!(from("sec-fetch-site", "same-origin"), 200);
        let curl = [("host", "localhost:3030")];
        assert_eq!(status(&door, "POST", &curl), 200, "no browser");
        let read = [("host", "localhost"), ("origin", "http://evil.example")];
        assert_eq!(status(&door, "GET", &read), 200, "and it may not be read");
    }
}
