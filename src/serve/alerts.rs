//! Alerts that Alertmanager sends by its webhook: whoever shows the token is let in, what it says is written down and answered.

use crate::adapters::sources::alertmanager::read;
use crate::serve::desk::{Ask, Hook, Receiver};
use crate::serve::problem::Problem;
use crate::serve::webhook::{self, Inbox};
use axum::Json;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use secrecy::ExposeSecret as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::net::SocketAddr;
use subtle::ConstantTimeEq as _;
use tokio::time::timeout;

/// A group of alerts has no larger body; one with more says how many were left out.
const LARGEST: usize = 4 << 20;

pub(super) async fn alertmanager(
    State(inbox): State<Inbox>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Result<Response, Problem> {
    let hook = inbox.desk.hook();
    let (head, body) = request.into_parts();
    webhook::allowed(&hook, &head.headers, peer)?;
    let receiver = shown(&hook, &head.headers)?;
    let length = webhook::length(&head.headers, LARGEST)?;
    let reading = webhook::whole(body, length, &inbox.held);
    let late = |_| webhook::too_slow();
    let (body, _room) = timeout(webhook::SLOWEST, reading).await.map_err(late)??;
    let brought = read(&body).map_err(|why| {
        Problem::told(
            StatusCode::BAD_REQUEST,
            "that is no body of Alertmanager",
            &why,
        )
    })?;
    drop(body);
    let mut firing = brought.firing;
    firing.retain(|finding| receiver.feed.takes(finding.level));
    let (store, whose) = (inbox.store.clone(), receiver.whose.clone());
    let keeping = move || store.sent(&whose, firing, brought.resolved);
    let kept = tokio::task::spawn_blocking(keeping).await;
    kept.map_err(|_| Problem::internal("it could not be written down"))??;
    inbox.desk.tell(Ask::Sent(receiver.whose.feed.clone()));
    Ok((StatusCode::ACCEPTED, Json(json!({ "status": "accepted" }))).into_response())
}

/// Whose token it is. How much of one is right shows in no time that the answer takes.
fn shown<'a>(hook: &'a Hook, headers: &HeaderMap) -> Result<&'a Receiver, Problem> {
    if hook.receivers.is_empty() {
        let why = "no source has a webhookToken: see serve.sources";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Err(Problem::told(status, "alerts are not taken", why));
    }
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer "));
    let given = given.map(|token| Sha256::digest(token.as_bytes()));
    let is_it = |receiver: &&Receiver| {
        let own = Sha256::digest(receiver.token.expose_secret().as_bytes());
        given
            .as_ref()
            .is_some_and(|given| bool::from(given.ct_eq(&own)))
    };
    hook.receivers.iter().find(is_it).ok_or_else(|| {
        let why = "Authorization shows no bearer token that a source has as its webhookToken";
        Problem::told(StatusCode::UNAUTHORIZED, "not let in", why)
    })
}
