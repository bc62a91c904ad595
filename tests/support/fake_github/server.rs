//! The fake's way in and out: checks, limits, conditional requests, and faults.

use super::answer::{Answer, Ask, decoded, refusal};
use super::app::{answer_app, is_signed};
use super::backend::{GitRequest, git_path, password, serve};
use super::fault::{Fault, Faults};
use super::log::Logged;
use super::pace::Pace;
use super::permissions::{asked, for_git, needed};
use super::routes::answer;
use super::state::{State, TokenIs};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State as Shared};
use axum::http::request::Parts;
use axum::response::Response;
use axum::serve::IncomingStream;
use futures::{StreamExt, stream};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// What all requests share.
pub(crate) struct Inner {
    /// Where the API is.
    pub(crate) api: String,
    /// The only token that is good.
    pub(crate) token: String,
    /// Holds `repo.git`.
    pub(crate) root: PathBuf,
    /// What the fake knows.
    pub(crate) state: Mutex<State>,
    /// What is to go wrong.
    pub(crate) faults: Mutex<Faults>,
    /// What was asked.
    pub(crate) log: Mutex<Vec<Logged>>,
    /// How hard it may be pressed.
    pub(crate) pace: Mutex<Pace>,
}

/// An answer, ready to be sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Raw {
    /// The status.
    pub(crate) status: u16,
    /// Its headers.
    pub(crate) headers: Vec<(String, String)>,
    /// Its body.
    pub(crate) body: Vec<u8>,
}

/// The connection that a request came by, to cut it.
#[derive(Clone)]
pub(crate) struct Wire(Arc<TcpStream>);

impl Connected<IncomingStream<'_, TcpListener>> for Wire {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        let socket = stream.io().as_fd().try_clone_to_owned().unwrap();
        Self(Arc::new(TcpStream::from(socket)))
    }
}

/// Takes any request.
pub(crate) async fn take(
    Shared(inner): Shared<Arc<Inner>>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 256 << 20).await.unwrap_or_default();
    let (at, fault) = inner.enter(&parts, &body);
    let executes = fault.as_ref().is_none_or(Fault::executes);
    let raw = match git_path(parts.uri.path()) {
        Some(_) if inner.is_old_name(parts.uri.path()) => inner.moved(&parts),
        Some(path) if executes => {
            let request = GitRequest {
                method: &parts.method,
                uri: &parts.uri,
                headers: &parts.headers,
                body: &body,
            };
            let is_good = inner.knows(&token_of(&parts));
            let reason = inner.state.lock().unwrap().decline.clone();
            match inner.shut_out(path, &parts) {
                Some(refused) if is_good => refused,
                Some(_) | None => {
                    serve(&inner.root, is_good.then_some(&*reason), path, &request).await
                }
            }
        }
        _ => match parts.uri.path().strip_prefix("/_logs/") {
            Some(id) => inner.kept_log(&parts, id),
            None => inner.rest(at, &parts, fault.as_ref()),
        },
    };
    deliver(&inner, at, raw, fault, &wire).await
}

impl Inner {
    /// Writes the request down, and finds its fault.
    fn enter(&self, parts: &Parts, body: &Bytes) -> (usize, Option<Fault>) {
        let mut logged = Logged {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            body: serde_json::from_slice(body).unwrap_or_default(),
            conditional: parts.headers.contains_key("if-none-match"),
            status: None,
            answer: Value::Null,
            fault: None,
            token: token_of(parts),
            // Where logs are kept is no part of the interface either.
            git: git_path(parts.uri.path()).is_some() || parts.uri.path().starts_with("/_logs/"),
            at: self.now(),
            answered: None,
            complaint: None,
        };
        let fault = self.faults.lock().unwrap().take(&logged);
        logged.fault = fault.as_ref().map(|fault| format!("{fault:?}"));
        let mut log = self.log.lock().unwrap();
        log.push(logged);
        (log.len() - 1, fault)
    }

    /// Git's words to an app that may not do this.
    fn shut_out(&self, path: &str, parts: &Parts) -> Option<Raw> {
        let state = self.state.lock().unwrap();
        let need = for_git(path, parts.uri.query().unwrap_or_default());
        let is_let_in = state.app.as_ref().is_none_or(|app| app.may(&[need]));
        (!is_let_in).then(|| Raw {
            status: 403,
            headers: Vec::new(),
            body: b"Write access to repository not granted.\n".to_vec(),
        })
    }

    /// Is this the git side of what the repository was called before?
    fn is_old_name(&self, path: &str) -> bool {
        let path = path.trim_start_matches('/');
        let state = self.state.lock().unwrap();
        let mut old = state.old_names.iter();
        old.any(|name| {
            path.starts_with(&format!("{name}/")) || path.starts_with(&format!("{name}.git/"))
        })
    }

    /// Git follows, as browsers do.
    fn moved(&self, parts: &Parts) -> Raw {
        let state = self.state.lock().unwrap();
        let path = parts.uri.path().trim_start_matches('/');
        let rest = path.splitn(3, '/').nth(2).unwrap_or_default();
        let query = parts.uri.query().unwrap_or_default();
        let there = format!("{}/{}.git/{rest}?{query}", self.api, state.project);
        Raw {
            status: 301,
            headers: vec![("location".into(), there)],
            body: Vec::new(),
        }
    }

    /// A job's log, from a store that takes no token of GitHub's.
    fn kept_log(&self, parts: &Parts, id: &str) -> Raw {
        let state = self.state.lock().unwrap();
        let run = state
            .reviews
            .checks
            .iter()
            .find(|run| run.id.to_string() == id);
        let (status, body) = match run {
            Some(_) if parts.headers.contains_key("authorization") => (403, Vec::new()),
            Some(run) => (200, run.log.clone().into_bytes()),
            None => (404, Vec::new()),
        };
        Raw {
            status,
            body,
            ..Raw::default()
        }
    }

    /// Answers a request for the REST API.
    fn rest(&self, at: usize, parts: &Parts, fault: Option<&Fault>) -> Raw {
        let header = |name| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let token = token_of(parts);
        let signed = is_signed(parts.uri.path());
        let authorized = signed || self.knows(&token);
        let mut state = self.state.lock().unwrap();
        if let Some(Fault::Meanwhile(happens)) = fault {
            happens(&mut state);
        }
        let answer = if header("user-agent").is_none_or(str::is_empty) {
            refusal(
                403,
                "Request forbidden by administrative rules. Please send a User-Agent.",
            )
        } else if !authorized {
            refusal(401, "Bad credentials")
        } else if let Some(refused) = refuse(&mut state, self, parts, fault) {
            refused
        } else {
            self.execute(at, &mut state, parts, fault, signed.then_some(&token))
        };
        let mut raw = Raw::from(&answer);
        let etag = format!("W/\"{}\"", digest(&raw));
        if parts.method == "GET" && raw.status == 200 {
            if header("if-none-match") == Some(etag.as_str()) {
                // A "not modified" repeats neither the words nor the links, and costs nothing.
                raw = Raw {
                    status: 304,
                    ..Raw::default()
                };
            }
            raw.headers.push(("etag".into(), etag));
        }
        if raw.status != 304 && authorized {
            let is_question = parts.uri.path() == "/graphql";
            let rate = if is_question {
                &mut state.points
            } else {
                &mut state.rate
            };
            rate.remaining = rate.remaining.saturating_sub(1);
        }
        raw.headers.extend(limits(&state, parts.uri.path()));
        raw
    }

    fn execute(
        &self,
        at: usize,
        state: &mut State,
        parts: &Parts,
        fault: Option<&Fault>,
        signed: Option<&String>,
    ) -> Answer {
        let ignored = matches!(fault, Some(Fault::FilterIgnored)).then_some("head");
        let body = self.log.lock().unwrap()[at].body.clone();
        let path = parts.uri.path().trim_start_matches('/');
        let query = parts.uri.query().unwrap_or_default();
        let ask = Ask {
            method: parts.method.as_str(),
            path: path.split('/').map(decoded).collect(),
            query: query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (decoded(name), decoded(value)))
                .filter(|(name, _)| Some(name.as_str()) != ignored)
                .collect(),
            body: &body,
            api: &self.api,
        };
        let path: Vec<&str> = ask.path.iter().map(String::as_str).collect();
        let needs = match path.as_slice() {
            ["graphql"] => asked(ask.body["query"].as_str().unwrap_or_default()),
            ["repos", _, _, rest @ ..] | ["repositories", _, rest @ ..] => needed(ask.method, rest),
            _ => Vec::new(),
        };
        let app = state.app.as_ref();
        let refused = app.and_then(|app| app.refuse_for_want_of(&needs));
        let answer = match (signed, refused) {
            (Some(signed), _) => answer_app(state, &ask, signed),
            (None, Some(refused)) => refused,
            (None, None) => answer(state, &ask),
        };
        if answer.unknown {
            let complaint = "the fake does not know this operation";
            self.log.lock().unwrap()[at].complaint = Some(complaint.into());
        }
        answer
    }

    /// Is this token good?
    fn knows(&self, token: &str) -> bool {
        let state = self.state.lock().unwrap();
        match &state.app {
            Some(app) => app.knows(token),
            None => token == self.token && state.token == TokenIs::Good,
        }
    }

    fn now(&self) -> Instant {
        self.pace.lock().unwrap().now()
    }

    fn left(&self, at: usize, raw: &Raw, whole: bool) {
        let now = self.now();
        let mut log = self.log.lock().unwrap();
        log[at].status = Some(raw.status);
        log[at].answered = Some(now);
        if whole && !log[at].git {
            log[at].answer = serde_json::from_slice(&raw.body).unwrap_or_default();
        }
    }
}

/// What a request shows of who sent it.
fn token_of(parts: &Parts) -> String {
    let value = parts.headers.get("authorization");
    let value = value.and_then(|value| value.to_str().ok());
    let value = value.unwrap_or_default();
    match value.split_once(' ') {
        Some(("Bearer" | "token", token)) => token.to_owned(),
        _ => password(value).unwrap_or_default(),
    }
}

/// Refuses what limits and faults do not let through.
fn refuse(
    state: &mut State,
    inner: &Inner,
    parts: &Parts,
    fault: Option<&Fault>,
) -> Option<Answer> {
    state.rate.renew();
    state.points.renew();
    let is_question = parts.uri.path() == "/graphql";
    let answer = match fault {
        Some(Fault::BadGateway | Fault::Reset) => refusal(502, "Server Error"),
        Some(Fault::Forbidden(message)) => refusal(403, message),
        Some(Fault::Unauthorized) => refusal(401, "Bad credentials"),
        Some(Fault::Unknown) => refusal(404, "Not Found"),
        Some(Fault::Said(body)) => Answer {
            status: 200,
            body: body.clone(),
            ..Answer::default()
        },
        Some(Fault::Secondary {
            status,
            retry_after,
        }) => {
            let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
            let mut answer = refusal(*status, message);
            let seconds = retry_after.map(|seconds| ("retry-after", seconds.to_string()));
            answer.headers.extend(seconds);
            answer
        }
        Some(Fault::LimitCutOff(seconds)) => {
            let mut answer = refusal(429, "You have exceeded a secondary rate limit.");
            answer.headers.push(("retry-after", seconds.to_string()));
            answer
        }
        Some(Fault::Exhausted { reset_in }) => {
            let rate = if is_question {
                &mut state.points
            } else {
                &mut state.rate
            };
            rate.remaining = 0;
            rate.reset = now() + i64::from(*reset_in);
            exhausted(is_question)
        }
        Some(Fault::Redirected(status)) => {
            let rest = parts
                .uri
                .to_string()
                .replacen(&format!("/repos/{}", state.project), "", 1);
            let target = format!("{}/repositories/{}{rest}", inner.api, state.id);
            led(*status, target)
        }
        Some(Fault::LedAway(target)) => led(302, target.clone()),
        _ if is_question && state.points.remaining == 0 => exhausted(true),
        _ if !is_question && state.rate.remaining == 0 => exhausted(false),
        _ => return None,
    };
    Some(answer)
}

/// GraphQL says it in an answer like any other.
fn exhausted(is_question: bool) -> Answer {
    let message = "API rate limit exceeded for user ID 1.";
    if !is_question {
        return refusal(403, message);
    }
    Answer {
        status: 200,
        body: serde_json::json!({ "errors": [{ "type": "RATE_LIMITED", "message": message }] }),
        ..Answer::default()
    }
}

fn led(status: u16, target: String) -> Answer {
    let mut answer = refusal(status, "Moved");
    answer.headers.push(("location", target));
    answer
}

impl From<&Answer> for Raw {
    fn from(answer: &Answer) -> Self {
        let json = ("content-type", "application/json; charset=utf-8".to_owned());
        let headers = answer.headers.iter().cloned().chain([json]);
        Self {
            status: answer.status,
            headers: headers
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            body: serde_json::to_vec(&answer.body).unwrap(),
        }
    }
}

/// The primary limit, as every answer of GitHub's tells it.
fn limits(state: &State, path: &str) -> [(String, String); 5] {
    let (rate, resource) = match path {
        "/graphql" => (state.points, "graphql"),
        _ => (state.rate, "core"),
    };
    [
        ("limit", rate.limit.to_string()),
        ("remaining", rate.remaining.to_string()),
        ("used", (rate.limit - rate.remaining).to_string()),
        ("reset", rate.reset.to_string()),
        ("resource", resource.to_owned()),
    ]
    .map(|(name, value)| (format!("x-ratelimit-{name}"), value))
}

/// Sends the answer, or what the fault makes of it.
async fn deliver(
    inner: &Inner,
    at: usize,
    mut raw: Raw,
    fault: Option<Fault>,
    wire: &Wire,
) -> Response {
    let half = raw.body.len() / 2;
    match fault {
        Some(Fault::BadGatewayAfter) => {
            raw.status = 502;
            raw.body = b"<html>502</html>".to_vec();
        }
        Some(Fault::ErrorAfter(status)) => {
            raw.status = status;
            raw.body = br#"{"message":"Server Error"}"#.to_vec();
        }
        Some(Fault::Garbled(what, with)) => {
            let text = String::from_utf8(raw.body).unwrap();
            raw.body = text.replace(what, with).into_bytes();
        }
        Some(Fault::Dripping) => {
            inner.left(at, &raw, false);
            return drip(&raw);
        }
        Some(Fault::Packed(bytes)) => {
            raw.headers.push(("content-encoding".into(), "gzip".into()));
            raw.body = bytes;
        }
        Some(Fault::EndlessPages) => {
            let own = inner.log.lock().unwrap()[at].clone();
            let link = format!("<{}{}?{}>; rel=\"next\"", inner.api, own.path, own.query);
            raw.headers.push(("link".into(), link));
        }
        Some(Fault::Html) => raw.body = b"<html>Unicorn!</html>".to_vec(),
        Some(Fault::TruncatedJson) => raw.body.truncate(half),
        Some(Fault::CutOff | Fault::LimitCutOff(_)) => {
            inner.left(at, &raw, false);
            return cut_off(&raw, half);
        }
        Some(Fault::Held(gate)) => gate.pass().await,
        Some(Fault::DroppedReply) => return hang_up(wire, false).await,
        Some(Fault::Reset) => return hang_up(wire, true).await,
        Some(
            Fault::BadGateway
            | Fault::Secondary { .. }
            | Fault::Exhausted { .. }
            | Fault::Meanwhile(_)
            | Fault::FilterIgnored
            | Fault::Forbidden(_)
            | Fault::Unauthorized
            | Fault::Unknown
            | Fault::Said(_)
            | Fault::Redirected(_)
            | Fault::LedAway(_),
        )
        | None => {}
    }
    inner.left(at, &raw, true);
    let body = raw.body.clone();
    respond(&raw, Body::from(body))
}

fn cut_off(raw: &Raw, half: usize) -> Response {
    let mut raw = raw.clone();
    raw.headers
        .push(("content-length".into(), raw.body.len().to_string()));
    let part = Bytes::from(raw.body[..half].to_vec());
    let cut = async {
        // The server waits once, and so sends what it has.
        tokio::task::yield_now().await;
        Err(std::io::Error::other("cut off"))
    };
    let parts = stream::iter([Ok(part)]).chain(stream::once(cut));
    respond(&raw, Body::from_stream(parts))
}

/// A byte in every 20 ms, and never the last one.
fn drip(raw: &Raw) -> Response {
    let bytes = std::iter::once(b'[').chain(std::iter::repeat(b' '));
    let drops = stream::iter(bytes).then(|byte| async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok::<_, std::io::Error>(Bytes::from(vec![byte]))
    });
    respond(raw, Body::from_stream(drops))
}

/// Ends the connection under the server, which then forgets this request.
async fn hang_up(wire: &Wire, reset: bool) -> Response {
    let socket = wire.0.try_clone().unwrap();
    if reset {
        socket.set_nonblocking(true).unwrap();
        let socket = tokio::net::TcpStream::from_std(socket).unwrap();
        socket.set_zero_linger().unwrap();
        wire.0.shutdown(Shutdown::Read).unwrap();
    } else {
        socket.shutdown(Shutdown::Both).unwrap();
    }
    std::future::pending().await
}

fn respond(raw: &Raw, body: Body) -> Response {
    let builder = Response::builder().status(raw.status);
    raw.headers
        .iter()
        .fold(builder, |builder, (name, value)| {
            builder.header(name, value)
        })
        .body(body)
        .unwrap()
}

/// Of the words alone, so that a page that is followed by a new one keeps its name.
fn digest(raw: &Raw) -> String {
    let digest = Sha256::digest(&raw.body);
    digest
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}
