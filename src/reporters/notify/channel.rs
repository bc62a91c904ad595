//! A way to people: what it is told, and what comes of it.

use crate::reporters::notify::email::Email;
use crate::reporters::notify::slack::Slack;
use crate::reporters::notify::slack_bot::SlackBot;
use crate::reporters::notify::telegram::Telegram;
use crate::reporters::notify::webhook::Webhook;
use crate::rules::notice::shape::{Notice, NoticeKind};
use std::time::Duration;

/// One channel of the configuration.
pub struct Channel {
    /// What it is told of.
    pub kinds: Vec<NoticeKind>,
    /// How it is told.
    pub way: Way,
}

/// How a channel is told.
pub enum Way {
    /// An incoming webhook of Slack.
    Slack(Slack),
    /// A bot of Slack.
    SlackBot(SlackBot),
    /// A bot of Telegram.
    Telegram(Telegram),
    /// Mail.
    Email(Email),
    /// JSON to an address.
    Webhook(Webhook),
}

/// What is told at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// One notice, or several in the order of their events; never none.
    pub notices: Vec<Notice>,
    /// Is nobody to be woken by it?
    pub is_silent: bool,
}

/// Why something was not told. Says nothing that is a secret: no address, and nothing of what we sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct Refused {
    /// What went wrong, printable.
    pub problem: String,
    /// What helps, where that is known.
    pub hint: Option<&'static str>,
    /// Is it worth another try?
    pub again: Again,
}

/// When something is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It would be refused again.
    Never,
    /// As soon as we think right.
    Soon,
    /// Not before: the other side said so.
    After(Duration),
}

impl Way {
    /// What it is called in the configuration.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Slack(_) | Self::SlackBot(_) => "slack",
            Self::Telegram(_) => "telegram",
            Self::Email(_) => "email",
            Self::Webhook(_) => "webhook",
        }
    }

    /// How many notices that wait are told as one message: programs get each by itself.
    #[must_use]
    pub const fn at_once(&self) -> usize {
        match self {
            Self::Slack(_) | Self::SlackBot(_) | Self::Telegram(_) | Self::Email(_) => usize::MAX,
            Self::Webhook(_) => 1,
        }
    }

    /// Is this told by itself, whatever waits beside it? What has buttons is.
    #[must_use]
    pub fn is_alone(&self, notice: &Notice) -> bool {
        match self {
            Self::SlackBot(bot) => bot.has_buttons(notice),
            Self::Slack(_) | Self::Telegram(_) | Self::Email(_) | Self::Webhook(_) => false,
        }
    }

    /// Tells this, once.
    pub async fn tell(&self, message: &Message) -> Result<(), Refused> {
        match self {
            Self::Slack(slack) => slack.tell(message).await,
            Self::SlackBot(bot) => bot.tell(message).await,
            Self::Telegram(telegram) => telegram.tell(message).await,
            Self::Email(email) => email.tell(message).await,
            Self::Webhook(webhook) => webhook.tell(message).await,
        }
    }
}

impl Message {
    /// One notice, as any other.
    #[must_use]
    pub fn of(notice: Notice) -> Self {
        Self {
            notices: vec![notice],
            is_silent: false,
        }
    }
}

impl Refused {
    /// It would be refused again.
    #[must_use]
    pub fn for_good(problem: impl Into<String>, hint: Option<&'static str>) -> Self {
        Self {
            problem: problem.into(),
            hint,
            again: Again::Never,
        }
    }
}
