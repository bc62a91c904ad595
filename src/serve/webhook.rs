//! Webhooks: proven to be the forge's, written down, answered; acted upon afterwards.
//!
//! GitHub waits ten seconds and does not try again by itself
//! (<https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks>).

use crate::adapters::store::open::Store;
use crate::rules::delivery::read;
use crate::rules::signature::is_signed;
use crate::serve::alerts;
use crate::serve::clicks::{self, Heard};
use crate::serve::desk::{Ask, Desk, Hook};
use crate::serve::door::whence;
use crate::serve::problem::Problem;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures::StreamExt as _;
use secrecy::ExposeSecret as _;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// GitHub sends no larger body.
const LARGEST: usize = 25 << 20;
/// KiB of bodies that are held at a time: whoever wants more waits.
const HELD_KIB: u32 = 28 << 10;
/// Bytes that a body is given before it arrives.
const RESERVED: usize = 256 << 10;
/// A body that says not how long it is, or that takes longer than this, is refused.
pub(super) const SLOWEST: Duration = Duration::from_secs(10);
/// Deliveries whose names are longer are none.
const LONGEST_NAME: usize = 100;

/// What receivers need.
#[derive(Clone)]
pub(super) struct Inbox {
    pub(super) desk: Arc<Desk>,
    pub(super) store: Store,
    pub(super) held: Arc<Semaphore>,
    pub(super) heard: Heard,
}

/// The routes.
pub(super) fn routes(desk: Arc<Desk>, store: Store) -> Router {
    let held = Arc::new(Semaphore::new(HELD_KIB as usize));
    let inbox = Inbox {
        desk,
        store,
        held,
        heard: Heard::default(),
    };
    Router::new()
        .route("/webhook/github", post(github))
        .route("/webhook/alertmanager", post(alerts::alertmanager))
        .route("/webhook/slack", post(clicks::slack))
        .with_state(inbox)
}

async fn github(
    State(receiver): State<Inbox>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Result<Response, Problem> {
    let hook = receiver.desk.hook();
    let (head, body) = request.into_parts();
    let headers = head.headers;
    allowed(&hook, &headers, peer)?;
    let secret = hook.secret.as_ref().ok_or_else(|| {
        let why = "no secret is configured: set GITHUB_WEBHOOK_SECRET, or serve.webhookSecret";
        Problem::told(
            StatusCode::SERVICE_UNAVAILABLE,
            "webhooks are not taken",
            why,
        )
    })?;
    let given = text(&headers, "x-hub-signature-256")
        .unwrap_or_default()
        .to_owned();
    // What cannot be a signature is refused before anything is read.
    if given.len() != "sha256=".len() + 64 {
        return Err(unsigned());
    }
    let length = length(&headers, LARGEST)?;
    let reading = whole(body, length, &receiver.held);
    let (body, _room) = timeout(SLOWEST, reading).await.map_err(|_| too_slow())??;
    if !is_signed(secret.expose_secret().as_bytes(), &body, &given) {
        return Err(unsigned());
    }
    taken(receiver.clone(), &headers, body).await
}

/// Reads what was proven, and writes it down.
async fn taken(receiver: Inbox, headers: &HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let bad = |why: &str| Problem::told(StatusCode::BAD_REQUEST, "that is no delivery", why);
    let kind = text(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        let why = "choose the content type application/json in the webhook's settings";
        return Err(Problem::told(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "it is no JSON",
            why,
        ));
    }
    let event = text(headers, "x-github-event").ok_or_else(|| bad("it has no X-GitHub-Event"))?;
    let name =
        text(headers, "x-github-delivery").filter(|name| (1..=LONGEST_NAME).contains(&name.len()));
    let name = name
        .ok_or_else(|| bad("it has no X-GitHub-Delivery"))?
        .to_owned();
    if event == "ping" {
        return Ok((StatusCode::OK, Json(json!({ "status": "pong" }))).into_response());
    }
    let delivery = read(event, &body).ok_or_else(|| bad("its body is no JSON object"))?;
    drop(body);
    let store = receiver.store.clone();
    let stored = tokio::task::spawn_blocking(move || store.arrived(&name, &delivery)).await;
    let is_new = stored.map_err(|_| Problem::internal("it could not be written down"))??;
    if is_new {
        receiver.desk.tell(Ask::Arrived);
    }
    let status = if is_new { "accepted" } else { "known" };
    Ok((StatusCode::ACCEPTED, Json(json!({ "status": status }))).into_response())
}

/// Does it come from where it may?
pub(super) fn allowed(hook: &Hook, headers: &HeaderMap, peer: SocketAddr) -> Result<(), Problem> {
    let from = whence(peer.ip(), headers, &hook.proxies);
    if hook.allow_from.is_empty() || hook.allow_from.iter().any(|range| range.has(from)) {
        return Ok(());
    }
    let why = format!("{from} is none of serve.allowFrom");
    Err(Problem::told(StatusCode::FORBIDDEN, "not from there", &why))
}

/// How long the body says it is; one in chunks does not.
pub(super) fn length(headers: &HeaderMap, largest: usize) -> Result<usize, Problem> {
    let length = match text(headers, CONTENT_LENGTH.as_str()) {
        Some(length) => length.parse().ok(),
        None => (!headers.contains_key(TRANSFER_ENCODING)).then_some(0),
    };
    let length: usize = length.ok_or_else(|| {
        let why = "it does not say how long it is";
        Problem::told(StatusCode::LENGTH_REQUIRED, "no Content-Length", why)
    })?;
    if length > largest {
        return Err(too_large());
    }
    Ok(length)
}

/// Reads it. What has arrived has its room; who only announces much takes none of it.
pub(super) async fn whole<'a>(
    body: Body,
    length: usize,
    held: &'a Semaphore,
) -> Result<(Bytes, Option<SemaphorePermit<'a>>), Problem> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::with_capacity(length.min(RESERVED));
    let mut room: Option<SemaphorePermit<'a>> = None;
    while let Some(part) = stream.next().await {
        let part = part.map_err(|_| {
            let why = "the connection ended within the body";
            Problem::told(StatusCode::BAD_REQUEST, "it is not whole", why)
        })?;
        if bytes.len() + part.len() > length {
            return Err(too_large());
        }
        let kib = u32::try_from(part.len().div_ceil(1 << 10)).unwrap_or(HELD_KIB);
        let more = held.acquire_many(kib).await.map_err(|_| too_large())?;
        match &mut room {
            Some(room) => room.merge(more),
            None => room = Some(more),
        }
        bytes.extend_from_slice(&part);
    }
    Ok((bytes.into(), room))
}

pub(super) fn too_slow() -> Problem {
    let why = "the body did not arrive in time";
    Problem::told(StatusCode::REQUEST_TIMEOUT, "too slow", why)
}

fn too_large() -> Problem {
    let why = "it is longer than it says, or than a delivery may be";
    Problem::told(StatusCode::PAYLOAD_TOO_LARGE, "too large", why)
}

/// One answer to whatever is wrong with a signature: nobody learns how near it was.
fn unsigned() -> Problem {
    let why = "X-Hub-Signature-256 is not the body's by our secret";
    Problem::told(StatusCode::UNAUTHORIZED, "not signed", why)
}

/// What the header of this name says.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
