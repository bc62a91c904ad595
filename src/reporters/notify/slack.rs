//! Slack: text to an incoming webhook (<https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>).

use crate::reporters::notify::channel::{Message, Refused};
use crate::reporters::notify::post::Post;
use crate::rules::notice::text;
use reqwest::StatusCode;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::time::Duration;

/// UTF-16 units of a text, before it is escaped; Slack cuts at 40,000 and wants no more than 4,000.
pub(super) const MOST: usize = 3_000;

/// An incoming webhook.
pub struct Slack {
    post: Post,
}

impl Slack {
    /// The one with this address.
    pub fn new(webhook: &SecretString, each: Duration) -> Result<Self, Refused> {
        Ok(Self {
            post: Post::to(webhook, each)?,
        })
    }

    /// Tells this, once.
    pub async fn tell(&self, message: &Message) -> Result<(), Refused> {
        let reply = self.post.send(payload(message).to_string(), &[]).await?;
        reply.judged(hint)
    }
}

fn payload(message: &Message) -> Value {
    json!({
        "text": text::slack(&text::plain(&message.notices, MOST)),
        // Stars and underscores of a title are its own.
        "mrkdwn": false,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// By the errors that Slack's page on incoming webhooks lists.
fn hint(status: StatusCode, said: &str) -> Option<&'static str> {
    let channel = [
        "channel_not_found",
        "channel_is_archived",
        "action_prohibited",
    ];
    if channel.iter().any(|error| said.contains(error)) {
        return Some(
            "its channel is gone or closed: make a webhook for another one in the settings of your Slack app",
        );
    }
    matches!(status.as_u16(), 403 | 404 | 410)
        .then_some("notify.slack.webhook is no webhook (any more): copy it anew from \"Incoming Webhooks\" of your Slack app")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::notice::shape::Notice;

    #[test]
    fn nothing_in_a_text_is_markup() {
        let mut notice = Notice::test("acme/shop");
        notice.line =
            "acme/shop#12 failed: <!channel> *bold* <img src=x onerror=alert(1)>".to_owned();
        let payload = payload(&Message::of(notice));
        assert_eq!(
            payload["text"],
            "acme/shop#12 failed: &lt;!channel&gt; *bold* &lt;img src=x onerror=alert(1)&gt;"
        );
        assert_eq!(payload["mrkdwn"], false);
    }
}
