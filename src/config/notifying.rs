//! The part of the configuration about people who do not watch: by which channels they are told, of what, and when not.

use crate::config::names::{ClockTime, Endpoint};
use crate::config::values::{Secret, Whole};
use crate::rules::notice::shape::NoticeKind;
use crate::rules::notice::templates::Templates;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

/// Who is told of a session without watching it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Notify {
    /// Gets a JSON POST of every event that `webhookEvents` names; never shown.
    pub webhook: Option<Secret>,
    /// Signs what the webhook gets, in the header `X-Autoissue-Signature-256`; as `${NAME}`.
    pub webhook_secret: Option<Secret>,
    /// What the webhook is told of.
    pub webhook_events: Vec<NoticeKind>,
    /// A channel of Slack, by an incoming webhook.
    pub slack: Option<Slack>,
    /// A chat of Telegram, by a bot.
    pub telegram: Option<Telegram>,
    /// Mailboxes.
    pub email: Option<Email>,
    /// When nobody is told; what comes then is told at once afterwards, or when the session ends.
    pub quiet_hours: Option<QuietHours>,
    /// Minutes for which what is no hurry is gathered into one message, from the first of it; what needs a person and the
    /// end of a session are told at once, with what was gathered. All is told by itself where there are none.
    pub digest_minutes: Option<Whole<1, 1_440>>,
    /// Your own words for the text of a notice, by what it is about: templates that may use `event`, `kind`, `project`,
    /// `session`, `issue`, `title`, `reason`, `cost`, `link` and `line`, our own words. What is not known is empty.
    pub templates: Templates,
    /// Ring the terminal's bell when a person is needed, and at the end?
    pub bell: bool,
}

impl Default for Notify {
    fn default() -> Self {
        Self {
            webhook: None,
            webhook_secret: None,
            webhook_events: vec![NoticeKind::NeedsPerson, NoticeKind::Summary],
            slack: None,
            telegram: None,
            email: None,
            quiet_hours: None,
            digest_minutes: None,
            templates: Templates::new(),
            bell: false,
        }
    }
}

impl Notify {
    /// All that is secret of it, by key.
    #[must_use]
    pub fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        let slack = |secret: fn(&Slack) -> &Option<Secret>| {
            self.slack.as_ref().and_then(|slack| secret(slack).as_ref())
        };
        let telegram = self.telegram.as_ref().map(|telegram| &telegram.bot_token);
        let email = self
            .email
            .as_ref()
            .and_then(|email| email.password.as_ref());
        let all = [
            ("notify.webhook", self.webhook.as_ref()),
            ("notify.webhookSecret", self.webhook_secret.as_ref()),
            ("notify.slack.webhook", slack(|slack| &slack.webhook)),
            ("notify.slack.botToken", slack(|slack| &slack.bot_token)),
            (
                "notify.slack.signingSecret",
                slack(|slack| &slack.signing_secret),
            ),
            ("notify.telegram.botToken", telegram),
            ("notify.email.password", email),
        ];
        let given = all.into_iter();
        given
            .filter_map(|(key, secret)| Some((key, secret?)))
            .collect()
    }
}

/// A channel of Slack: by an incoming webhook, or by a bot whose messages can have buttons.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `webhook`, or with `botToken` and `channel`")]
pub struct Slack {
    /// The address of the incoming webhook; as `${NAME}`. This, or `botToken` with `channel`.
    #[serde(default)]
    pub webhook: Option<Secret>,
    /// The token of the bot, which begins with `xoxb-`; as `${NAME}`. It needs the scope `chat:write`.
    #[serde(default)]
    pub bot_token: Option<Secret>,
    /// Where the bot writes: the id of a channel such as `C0123ABCD`, or `#` and its name.
    #[serde(default)]
    pub channel: Option<String>,
    /// The signing secret of the app, by which its clicks are known; as `${NAME}`. With `approvers` what waits for approval has
    /// buttons, which `serve` hears at `/webhook/slack`.
    #[serde(default)]
    pub signing_secret: Option<Secret>,
    /// Whose clicks count: ids of members such as `U012AB3CD`. Nobody else's does.
    #[serde(default)]
    pub approvers: Vec<String>,
    /// What it is told of.
    #[serde(default = "all")]
    pub events: Vec<NoticeKind>,
    /// The server of Slack's interface, for the bot.
    #[serde(default = "slack_api")]
    pub api: Endpoint,
}

impl Slack {
    /// How clicks are known, where they count: with whose they are.
    #[must_use]
    pub fn clicks(&self) -> Option<(&Secret, &[String])> {
        let secret = self.signing_secret.as_ref()?;
        (!self.approvers.is_empty()).then_some((secret, &self.approvers))
    }
}

/// A chat of Telegram.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `botToken` and `chatId`")]
pub struct Telegram {
    /// The bot's token, from `@BotFather`; as `${NAME}`.
    pub bot_token: Secret,
    /// The chat: its number, or `@` and the name of a channel.
    pub chat_id: ChatId,
    /// What it is told of.
    #[serde(default = "all")]
    pub events: Vec<NoticeKind>,
    /// The server of the bot API.
    #[serde(default = "telegram")]
    pub api: Endpoint,
}

/// Mailboxes, and the server that takes mail for them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `server`, `from` and `to`")]
pub struct Email {
    /// The SMTP server's name.
    pub server: String,
    /// Its port; by `tls` where it is left out: 587, 465 or 25.
    #[serde(default)]
    pub port: Option<Whole<1, 65_535>>,
    /// How the way there is kept secret.
    #[serde(default)]
    pub tls: Tls,
    /// A file of certificates (PEM) that the server's may be signed by, besides those that the system trusts.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The user, where the server asks for one.
    #[serde(default)]
    pub user: Option<String>,
    /// The user's password; as `${NAME}`.
    #[serde(default)]
    pub password: Option<Secret>,
    /// The sender's address.
    pub from: String,
    /// The addresses that get it.
    pub to: Vec<String>,
    /// What they are told of.
    #[serde(default = "all")]
    pub events: Vec<NoticeKind>,
}

/// How mail is kept secret on its way to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Tls {
    /// TLS after a first exchange without, or nothing at all is sent (RFC 3207).
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314).
    Implicit,
    /// Not at all; only to this machine.
    None,
}

/// A part of every day, by this machine's clock.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `from` and `to`")]
pub struct QuietHours {
    /// When they begin: `22:00`.
    pub from: ClockTime,
    /// When they end; on the next day where that is earlier.
    pub to: ClockTime,
    /// Is it told all the same that a person is needed?
    #[serde(default = "yes")]
    pub urgent: bool,
}

/// A chat of Telegram, written as its number or as `@name`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ChatId(String);

impl ChatId {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for ChatId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = ChatId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the number of a chat, or `@` and the name of a channel")
            }
            fn visit_i64<E>(self, number: i64) -> Result<ChatId, E> {
                Ok(ChatId(number.to_string()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<ChatId, E> {
                Ok(ChatId(number.to_string()))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ChatId, E> {
                let is_name = text.strip_prefix('@').is_some_and(|name| {
                    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
                    !name.is_empty() && name.chars().all(is_plain)
                });
                let is_number = text.parse::<i64>().is_ok();
                let id = (is_name || is_number).then(|| ChatId(text.to_owned()));
                id.ok_or_else(|| E::custom("is not the number of a chat, nor `@` and a name"))
            }
        }
        from.deserialize_any(Read)
    }
}

impl JsonSchema for ChatId {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "ChatId".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "minLength": 1 })
    }
}

fn all() -> Vec<NoticeKind> {
    NoticeKind::ALL.to_vec()
}

fn telegram() -> Endpoint {
    let usual = "https://api.telegram.org".to_owned();
    Endpoint::try_from(usual).expect("it is an address")
}

fn slack_api() -> Endpoint {
    let usual = "https://slack.com/api".to_owned();
    Endpoint::try_from(usual).expect("it is an address")
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn little_has_to_be_said() {
        let notify: Notify = serde_json::from_value(json!({
            "slack": { "webhook": "https://hooks.slack.com/services/T/B/x" },
            "telegram": { "botToken": "1:x", "chatId": -100_123 },
            "email": { "server": "mail.example.com", "from": "a@example.com", "to": ["b@example.com"] },
            "quietHours": { "from": "22:00", "to": "07:30" },
        }))
        .unwrap();
        assert_eq!(notify.slack.as_ref().unwrap().events, NoticeKind::ALL);
        assert_eq!(
            notify.telegram.as_ref().unwrap().chat_id.as_str(),
            "-100123"
        );
        assert_eq!(notify.email.as_ref().unwrap().tls, Tls::Starttls);
        let quiet = notify.quiet_hours.as_ref().unwrap();
        assert_eq!((quiet.from.minutes(), quiet.to.minutes()), (1320, 450));
        assert!(quiet.urgent && !notify.bell);
        let keys: Vec<&str> = notify.secrets().iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["notify.slack.webhook", "notify.telegram.botToken"]);
        assert!(!serde_json::to_string(&notify).unwrap().contains("services"));
        let bot: Notify = serde_json::from_value(json!({ "slack": {
            "botToken": "xoxb-hidden", "channel": "C0123ABCD", "signingSecret": "hidden", "approvers": ["U012AB3CD"],
        }}))
        .unwrap();
        let keys: Vec<&str> = bot.secrets().iter().map(|(key, _)| *key).collect();
        assert_eq!(
            keys,
            ["notify.slack.botToken", "notify.slack.signingSecret"]
        );
        assert!(!serde_json::to_string(&bot).unwrap().contains("hidden"));
    }

    #[test]
    fn a_chat_is_a_number_or_a_name() {
        let check = |value, expect: Option<&str>| {
            let id: Result<ChatId, _> = serde_json::from_value(value);
            assert_eq!(id.ok().as_ref().map(ChatId::as_str), expect);
        };
        check(json!(42), Some("42"));
        check(json!("-42"), Some("-42"));
        check(json!("@team_news"), Some("@team_news"));
        check(json!("team"), None);
        check(json!("@"), None);
        check(json!(true), None);
    }
}
