//! Telegram: text from a bot (<https://core.telegram.org/bots/api#sendmessage>).

use crate::reporters::notify::channel::{Message, Refused};
use crate::reporters::notify::post::Post;
use crate::rules::notice::text;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::time::Duration;

/// UTF-16 units of a text; Telegram takes 4,096.
const MOST: usize = 3_500;

/// A bot, and whom it writes to.
pub struct Telegram {
    post: Post,
    chat: Value,
}

impl Telegram {
    /// The bot with this token, at this server of the bot API, and the chat: its number, or `@` and its name.
    pub fn new(
        api: &str,
        token: &SecretString,
        chat: &str,
        each: Duration,
    ) -> Result<Self, Refused> {
        let token = token.expose_secret();
        let url = format!("{}/bot{token}/sendMessage", api.trim_end_matches('/'));
        let number: Result<i64, _> = chat.parse();
        Ok(Self {
            post: Post::to(&url.into(), each)?,
            chat: number.map_or_else(|_| json!(chat), |number| json!(number)),
        })
    }

    /// Tells this, once.
    pub async fn tell(&self, message: &Message) -> Result<(), Refused> {
        let reply = self
            .post
            .send(self.payload(message).to_string(), &[])
            .await?;
        // What went wrong, and when it may be asked again, stand in the body.
        let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let said = answer["description"].as_str().unwrap_or_default();
        let wait = answer["parameters"]["retry_after"].as_u64();
        let wait = wait.map(Duration::from_secs).or(reply.retry_after);
        reply.judged_by(said, wait, hint)
    }

    /// Without `parse_mode`: nothing in the text is markup.
    fn payload(&self, message: &Message) -> Value {
        json!({
            "chat_id": self.chat,
            "text": text::plain(&message.notices, MOST),
            "link_preview_options": { "is_disabled": true },
            "disable_notification": message.is_silent,
        })
    }
}

fn hint(status: StatusCode, said: &str) -> Option<&'static str> {
    match status.as_u16() {
        401 | 404 => {
            Some("notify.telegram.botToken is none that Telegram knows: ask @BotFather for it")
        }
        400 if said.contains("chat not found") => Some(
            "write to the bot first, or add it to the group; then look at notify.telegram.chatId",
        ),
        403 => Some("the bot may not write there: start it, or let it into the group again"),
        _ => None,
    }
}
