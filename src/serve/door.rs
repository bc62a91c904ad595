//! Who may come in: the right name for this server, the right credentials, and no other site's page.
//!
//! Browsers send a page's credentials to whatever it asks for, so a request that changes something has to come from a page
//! of ours (OWASP, "Cross-Site Request Forgery Prevention": `Origin` and Fetch Metadata); and a name that points here by
//! somebody else's doing is refused (DNS rebinding).

use crate::config::values::Secret;
use crate::rules::address_range::{AddressRange, network, sender};
use crate::serve::doorway::Doorway;
use crate::serve::guesses::Guesses;
use crate::serve::hashed::Hashed;
use crate::serve::problem::Problem;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::uri::Authority;
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

/// What a user's password is compared with.
#[derive(Clone, Debug)]
pub enum Password {
    /// Itself; only its digest is kept.
    Plain(Secret),
    /// Its argon2 hash, as a PHC string.
    Hashed(String),
}

/// What is asked for.
#[derive(Debug, Default)]
pub struct Keys {
    user: Option<[u8; 32]>,
    hashed: Option<Hashed>,
    token: Option<[u8; 32]>,
}

impl Keys {
    /// A name with its password, a bearer token, or either.
    #[must_use]
    pub fn new(user: Option<(&str, Password)>, token: Option<&str>) -> Self {
        let mut keys = Self {
            token: token.map(digest),
            ..Self::default()
        };
        match user {
            None => {}
            Some((name, Password::Plain(password))) => {
                keys.user = Some(digest(&format!("{name}:{}", password.expose())));
            }
            Some((name, Password::Hashed(hash))) => keys.hashed = Some(Hashed::new(name, hash)),
        }
        keys
    }

    /// Do these open at once, or not, or can only the hash tell?
    fn open(&self, headers: &HeaderMap) -> Opening {
        let given = headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok());
        let Some((scheme, value)) = given.and_then(|given| given.split_once(' ')) else {
            return Opening::Shut;
        };
        if scheme.eq_ignore_ascii_case("bearer") {
            return Opening::of(same(self.token, value.trim().as_bytes()));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return Opening::Shut;
        }
        let decoded = STANDARD.decode(value.trim()).unwrap_or_default();
        // Browsers can ask for nothing else: whoever has the token gives it as the password, with any name.
        let colon = decoded.iter().position(|byte| *byte == b':');
        let password = colon.map_or(&[][..], |colon| &decoded[colon + 1..]);
        if same(self.token, password) {
            return Opening::Open;
        }
        match &self.hashed {
            None => Opening::of(same(self.user, &decoded)),
            Some(hashed) if hashed.remembers(&decoded) => Opening::Open,
            Some(_) => Opening::Ask(decoded),
        }
    }

    /// What a browser is told to ask its user for.
    fn challenge(&self) -> &'static str {
        if self.user.is_some() || self.hashed.is_some() {
            "Basic realm=\"autoissue\", charset=\"UTF-8\""
        } else {
            "Basic realm=\"autoissue: any name, and the token as the password\", charset=\"UTF-8\""
        }
    }
}

/// What credentials come to.
enum Opening {
    Open,
    Shut,
    /// A name and a password, to be compared with a hash.
    Ask(Vec<u8>),
}

impl Opening {
    fn of(is_right: bool) -> Self {
        if is_right { Self::Open } else { Self::Shut }
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
    proxies: Vec<AddressRange>,
    guesses: Arc<Guesses>,
}

impl Door {
    /// One that asks for these keys, where it asks for any, and answers to these names besides addresses and `localhost`.
    #[must_use]
    pub fn new(keys: Option<Keys>, names: Vec<String>) -> Self {
        Self {
            keys,
            names,
            proxies: Vec::new(),
            guesses: Arc::default(),
        }
    }

    /// The same, behind these proxies: who guesses is whom they speak for.
    #[must_use]
    pub fn behind(self, proxies: Vec<AddressRange>) -> Self {
        Self { proxies, ..self }
    }

    /// The same in the place of another one, whose wrong guesses stay counted.
    pub(super) fn in_place_of(self, other: &Self) -> Self {
        let guesses = Arc::clone(&other.guesses);
        Self { guesses, ..self }
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

    async fn judge(&self, asked: &Parts, peer: IpAddr) -> Result<(), Refusal> {
        let headers = &asked.headers;
        let host = named(asked).filter(|host| self.answers_to(host));
        let Some(host) = host else {
            return Err(Refusal::WrongName);
        };
        if OPEN.contains(&asked.uri.path()) {
            return Ok(());
        }
        if let Some(keys) = &self.keys {
            let from = network(whence(peer, headers, &self.proxies));
            self.unlock(keys, headers, from).await?;
        }
        let changes = !matches!(asked.method, Method::GET | Method::HEAD);
        if changes && is_foreign(headers, host) {
            return Err(Refusal::Foreign);
        }
        Ok(())
    }
}

impl Door {
    async fn unlock(&self, keys: &Keys, headers: &HeaderMap, from: IpAddr) -> Result<(), Refusal> {
        let now = Instant::now();
        if let Some(wait) = self.guesses.wait(from, now) {
            return Err(Refusal::TooManyGuesses(wait));
        }
        // Counted before it is known: what is asked at once is bounded as well, and the right one takes it back.
        if headers.contains_key(AUTHORIZATION) {
            self.guesses.wrong(from, now);
        }
        let is_right = match (keys.open(headers), &keys.hashed) {
            (Opening::Open, _) => true,
            (Opening::Ask(given), Some(hashed)) => hashed.ask(given).await,
            (Opening::Shut | Opening::Ask(_), _) => false,
        };
        if !is_right {
            return Err(Refusal::NoKey(keys.challenge()));
        }
        self.guesses.right(from);
        Ok(())
    }
}

/// The name that is asked for. HTTP/2 has it in `:authority`, and no `Host` (RFC 9113, 8.3.1).
fn named(asked: &Parts) -> Option<&str> {
    let host = asked.headers.get(HOST);
    let authority = asked.uri.authority().map(Authority::as_str);
    host.map_or(authority, |host| host.to_str().ok())
}

/// Whose address a request is from, where these proxies say for whom they speak.
pub(super) fn whence(peer: IpAddr, headers: &HeaderMap, proxies: &[AddressRange]) -> IpAddr {
    let forwarded = headers.get_all("x-forwarded-for").iter();
    let forwarded: Vec<&str> = forwarded.filter_map(|line| line.to_str().ok()).collect();
    sender(peer, &forwarded, proxies)
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
    /// To people in words, to programs as any other problem.
    fn answer(&self, to_program: bool) -> Response {
        let plain = |status: StatusCode, words: &'static str| {
            if to_program {
                Problem::of(status, words).into_response()
            } else {
                (status, words).into_response()
            }
        };
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
    State(doorway): State<Arc<Doorway>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let to_program = request.uri().path().starts_with("/api/");
    let (asked, body) = request.into_parts();
    match doorway.door().judge(&asked, peer.ip()).await {
        Ok(()) => next.run(Request::from_parts(asked, body)).await,
        Err(refusal) => refusal.answer(to_program),
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
        status_of(door, HERE, request(method, headers))
    }

    fn status_of(door: &Door, peer: IpAddr, request: Request) -> u16 {
        let (asked, _) = request.into_parts();
        let judged = futures::executor::block_on(door.judge(&asked, peer));
        judged.map_or_else(|refusal| refusal.answer(false).status().as_u16(), |()| 200)
    }

    fn plain(password: &str) -> Password {
        Password::Plain(serde_json::from_value(password.into()).unwrap())
    }

    fn locked() -> Door {
        let keys = Keys::new(Some(("me", plain("secret"))), Some("token"));
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
    fn over_http_2_the_name_is_in_the_authority() {
        let door = Door::new(None, vec!["house.example".to_owned()]);
        let asked = |uri: &str, headers: &[(&str, &str)]| {
            let mut request = request("POST", headers);
            *request.uri_mut() = uri.parse().unwrap();
            status_of(&door, HERE, request)
        };
        assert_eq!(asked("https://house.example/act", &[]), 200);
        assert_eq!(asked("https://127.0.0.1:3030/act", &[]), 200);
        assert_eq!(asked("https://evil.example/act", &[]), 421);
        assert_eq!(asked("https://me@house.example/act", &[]), 421);
        let from = |origin| asked("https://house.example/act", &[("origin", origin)]);
        assert_eq!(from("https://house.example"), 200);
        assert_eq!(from("https://evil.example"), 403);
        // A name that is given as a header counts.
        let evil = [("host", "evil.example")];
        assert_eq!(asked("https://house.example/act", &evil), 421);
    }

    #[test]
    fn a_name_with_its_password_or_the_token_opens() {
        let given = |value| {
            let headers = [("host", "localhost"), ("authorization", value)];
            status(&locked(), "GET", &headers)
        };
        assert_eq!(given("Basic bWU6c2VjcmV0"), 200);
        assert_eq!(given("Bearer token"), 200);
        // `any:token`, as browsers send it.
        assert_eq!(given("Basic YW55OnRva2Vu"), 200);
        for wrong in [
            // `token:`, `any:`, `token`
            "Basic dG9rZW46",
            "Basic YW55Og==",
            "Basic dG9rZW4=",
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
        let only_user = Door::new(Some(Keys::new(Some(("me", plain("x"))), None)), Vec::new());
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
    fn behind_a_proxy_each_guesser_is_counted_and_an_ipv6_one_with_its_network() {
        let proxies = || vec!["127.0.0.1".parse().unwrap()];
        let asked = |door: &Door, peer: &str, forwarded: &str, token: &str| {
            let headers = [
                ("host", "localhost"),
                ("authorization", token),
                ("x-forwarded-for", forwarded),
            ];
            status_of(door, peer.parse().unwrap(), request("GET", &headers))
        };
        let door = locked().behind(proxies());
        let guess = |peer: &str, forwarded: &str| {
            for _ in 0..12 {
                asked(&door, peer, forwarded, "Bearer no");
            }
        };
        guess("127.0.0.1", "192.0.2.7");
        let right = |peer: &str, forwarded: &str| asked(&door, peer, forwarded, "Bearer token");
        assert_eq!(right("127.0.0.1", "192.0.2.7"), 429);
        assert_eq!(right("127.0.0.1", "192.0.2.8"), 200);
        assert_eq!(right("192.0.2.7", ""), 429, "with or without a proxy");
        // Nobody else is heard as a proxy.
        guess("192.0.2.9", "192.0.2.8");
        assert_eq!(right("127.0.0.1", "192.0.2.8"), 200);
        assert_eq!(right("192.0.2.9", "192.0.2.10"), 429);
        guess("2001:db8::1", "");
        assert_eq!(right("2001:db8::ffff", ""), 429);
        assert_eq!(right("2001:db8:0:1::1", ""), 200);
        let door = locked();
        let guesses = (0..12).map(|_| asked(&door, "127.0.0.1", "192.0.2.7", "Bearer no"));
        assert_eq!(guesses.last(), Some(429));
        let other = asked(&door, "127.0.0.1", "192.0.2.8", "Bearer token");
        assert_eq!(other, 429, "the control: without a proxy of ours");
        let again = locked().behind(proxies()).in_place_of(&door);
        let right = asked(&again, "127.0.0.1", "", "Bearer token");
        assert_eq!(right, 429, "another door forgets nobody");
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
