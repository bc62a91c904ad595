//! A webhook of anybody: a JSON POST, signed where there is a secret for it.
//!
//! The payload is `{"event":...,"session":...,"project":...,"text":...}`. Those about an issue have `issue`, `title` and
//! `reason`, and `cost_usd` and `url` where there are such; the end of a session has a `summary` as in
//! `reporters::shape`. `text` is one line for people, escaped for Slack, which looks at nothing else. Several that were
//! held back come as `{"event":"digest","text":...,"notices":[...]}`.
//!
//! `X-Autoissue-Signature-256` is `sha256=` and the HMAC of the body with the secret, in hexadecimal.

use crate::reporters::notify::channel::{Message, Refused};
use crate::reporters::notify::post::Post;
use crate::rules::notice::shape::Notice;
use crate::rules::notice::text;
use crate::rules::signature::signature;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::time::Duration;

/// UTF-16 units of the text of a digest.
const MOST: usize = 3_000;
/// The header of the signature.
const HEADER: &str = "X-Autoissue-Signature-256";

/// An address that takes JSON.
pub struct Webhook {
    post: Post,
    secret: Option<SecretString>,
}

impl Webhook {
    /// At this address; what it gets is signed with the secret.
    pub fn new(
        url: &SecretString,
        secret: Option<SecretString>,
        each: Duration,
    ) -> Result<Self, Refused> {
        Ok(Self {
            post: Post::to(url, each)?,
            secret,
        })
    }

    /// Tells this, once.
    pub async fn tell(&self, message: &Message) -> Result<(), Refused> {
        let body = payload(&message.notices).to_string();
        let signed = self.secret.as_ref().map(|secret| {
            let secret = secret.expose_secret().as_bytes();
            (HEADER, signature(secret, body.as_bytes()))
        });
        let headers: Vec<_> = signed.into_iter().collect();
        let reply = self.post.send(body, &headers).await?;
        reply.judged(hint)
    }
}

fn payload(notices: &[Notice]) -> Value {
    if let [notice] = notices {
        return notice.json(&text::slack(&notice.line));
    }
    let own = |notice: &Notice| notice.json(&text::slack(&notice.line));
    let first = notices.first();
    json!({
        "event": "digest",
        "session": first.and_then(|notice| notice.session.clone()),
        "project": first.map(|notice| &notice.project),
        "text": text::slack(&text::plain(notices, MOST)),
        "notices": notices.iter().map(own).collect::<Vec<_>>(),
    })
}

fn hint(status: StatusCode, _: &str) -> Option<&'static str> {
    match status.as_u16() {
        401 | 403 => Some(
            "look at notify.webhook, and at notify.webhookSecret: the other side has to know the same",
        ),
        404 | 410 => Some("nothing is there: look at notify.webhook"),
        _ => None,
    }
}
