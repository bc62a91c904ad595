//! Slack, by a bot: `chat.postMessage` (<https://docs.slack.dev/reference/methods/chat.postMessage>), and what is answered to
//! whoever clicks one of its buttons.

use crate::reporters::notify::channel::{Again, Message, Refused};
use crate::reporters::notify::post::{Post, Reply};
use crate::reporters::notify::slack::MOST;
use crate::reporters::notify::slack_blocks::asking;
use crate::rules::notice::shape::Notice;
use crate::rules::notice::text;
use crate::rules::printable::clip;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::time::Duration;

/// Characters of an error that are told.
const TOLD: usize = 100;
/// What helps where another server answers.
const ELSEWHERE: &str = "look at notify.slack.api: usually it is left out";

/// A bot, and where it writes.
pub struct SlackBot {
    post: Post,
    token: SecretString,
    channel: String,
    buttons: bool,
}

/// Does a message have buttons where something waits?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buttons {
    /// Yes: it is configured whose clicks count, and how they are known.
    Shown,
    /// No.
    Hidden,
}

impl SlackBot {
    /// The bot with this token, at this server of Slack's interface, and the channel: its id, or `#` and its name.
    pub fn new(
        api: &str,
        token: SecretString,
        (channel, buttons): (&str, Buttons),
        each: Duration,
    ) -> Result<Self, Refused> {
        let url = format!("{}/chat.postMessage", api.trim_end_matches('/'));
        Ok(Self {
            post: Post::to(&url.into(), each)?,
            token,
            channel: channel.to_owned(),
            buttons: buttons == Buttons::Shown,
        })
    }

    /// Can it be answered by a click?
    #[must_use]
    pub fn has_buttons(&self, notice: &Notice) -> bool {
        self.buttons && notice.asks_for().is_some()
    }

    /// Tells this, once.
    pub async fn tell(&self, message: &Message) -> Result<(), Refused> {
        let bearer = format!("Bearer {}", self.token.expose_secret());
        let headers = [("authorization", bearer)];
        let payload = self.payload(message).to_string();
        judged(&self.post.send(payload, &headers).await?)
    }

    fn payload(&self, message: &Message) -> Value {
        let mut payload = json!({
            "channel": self.channel,
            "text": text::slack(&text::plain(&message.notices, MOST)),
            // Stars and underscores of a title are its own.
            "mrkdwn": false,
            "unfurl_links": false,
            "unfurl_media": false,
        });
        if let [notice] = &message.notices[..]
            && let Some(blocks) = asking(notice).filter(|_| self.buttons)
        {
            payload["blocks"] = blocks;
        }
        payload
    }
}

/// Sends what is answered to a click, to the address that came with it.
pub async fn answer(address: &str, words: &Value, each: Duration) -> Result<(), Refused> {
    let post = Post::to(&address.to_owned().into(), each)?;
    post.send(words.to_string(), &[]).await?.judged(|_, _| None)
}

/// Slack says what went wrong in the body, with a status of 200.
fn judged(reply: &Reply) -> Result<(), Refused> {
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let error = clip(answer["error"].as_str().unwrap_or_default(), TOLD);
    if !reply.status.is_success() {
        let wait = reply.retry_after;
        return reply.judged_by(&error, wait, |status, error| {
            let is_elsewhere = status == StatusCode::NOT_FOUND;
            hint(error).or(is_elsewhere.then_some(ELSEWHERE))
        });
    }
    match answer["ok"].as_bool() {
        Some(true) => Ok(()),
        Some(false) => Err(Refused {
            problem: format!("it answers {error}"),
            hint: hint(&error),
            again: again(&error, reply.retry_after),
        }),
        None => Err(Refused::for_good(
            "it does not answer as Slack does",
            Some(ELSEWHERE),
        )),
    }
}

fn again(error: &str, retry_after: Option<Duration>) -> Again {
    match error {
        "ratelimited" | "rate_limited" => retry_after.map_or(Again::Soon, Again::After),
        "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => Again::Soon,
        _ => Again::Never,
    }
}

/// By the errors that Slack's page on the method lists.
fn hint(error: &str) -> Option<&'static str> {
    Some(match error {
        "not_authed" | "invalid_auth" | "account_inactive" | "token_revoked" | "token_expired" => {
            "notify.slack.botToken is none that Slack takes (any more): copy the Bot User OAuth Token anew from \"OAuth & Permissions\" of your Slack app"
        }
        "channel_not_found" => {
            "look at notify.slack.channel, best as an id such as C0123ABCD; the bot sees a private channel once it is invited there: /invite @its-name"
        }
        "not_in_channel" => "invite the bot into the channel: /invite @its-name",
        "is_archived" => {
            "the channel is archived: bring it back, or name another one in notify.slack.channel"
        }
        "missing_scope" => {
            "add the scope chat:write under \"OAuth & Permissions\" of your Slack app, and install it again"
        }
        "ratelimited" | "rate_limited" => "it was told too much; try again in a minute",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_whatever_the_status_says() {
        let check = |status: u16, wait: Option<u64>, body: &str, expect: Option<(&str, Again)>| {
            let reply = Reply {
                status: StatusCode::from_u16(status).unwrap(),
                retry_after: wait.map(Duration::from_secs),
                body: body.as_bytes().to_vec(),
            };
            let told = judged(&reply).err();
            let told = told.map(|refused| (refused.problem, refused.again));
            let expect = expect.map(|(problem, again)| (problem.to_owned(), again));
            assert_eq!(told, expect, "{status} {body}");
        };
        let after = Again::After(Duration::from_secs(7));
        check(200, None, r#"{"ok":true,"ts":"1"}"#, None);
        let refused = r#"{"ok":false,"error":"invalid_auth"}"#;
        check(
            200,
            None,
            refused,
            Some(("it answers invalid_auth", Again::Never)),
        );
        let limited = r#"{"ok":false,"error":"ratelimited"}"#;
        check(
            200,
            Some(7),
            limited,
            Some(("it answers ratelimited", after)),
        );
        check(
            429,
            Some(7),
            limited,
            Some(("it answers 429 Too Many Requests: ratelimited", after)),
        );
        let broken = r#"{"ok":false,"error":"internal_error"}"#;
        check(
            200,
            None,
            broken,
            Some(("it answers internal_error", Again::Soon)),
        );
        for strange in ["<html>", "", "{}", "[true]"] {
            check(
                200,
                None,
                strange,
                Some(("it does not answer as Slack does", Again::Never)),
            );
        }
    }
}
