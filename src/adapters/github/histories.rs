//! What GitHub tells by GraphQL of who did what to issues.

use crate::adapters::github::wire::{WireLabel, WireUser};
use serde::Deserialize;
use std::collections::HashMap;

/// The histories of some issues, each under the name that was given to it.
#[derive(Debug, Deserialize)]
pub(super) struct WireHistories {
    #[serde(default)]
    data: Option<WireData>,
    #[serde(default)]
    errors: Vec<WireTrouble>,
}

#[derive(Debug, Deserialize)]
struct WireData {
    #[serde(default)]
    repository: Option<HashMap<String, Option<WireHistory>>>,
}

/// What GraphQL could not tell or do.
#[derive(Debug, Deserialize)]
pub(super) struct WireTrouble {
    #[serde(default)]
    pub(super) message: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    extensions: Option<WireExtensions>,
}

#[derive(Debug, Deserialize)]
struct WireExtensions {
    #[serde(default)]
    code: Option<String>,
}

impl WireTrouble {
    /// All of them in one line.
    pub(super) fn words(troubles: &[Self]) -> String {
        let messages: Vec<&str> = troubles.iter().map(|it| it.message.as_str()).collect();
        messages.join("; ")
    }

    /// Will it be the same the next time? What has neither type nor code is GitHub's own failure, or took it too long.
    pub(super) fn stays(&self) -> bool {
        let code = self.extensions.as_ref().and_then(|it| it.code.as_ref());
        self.kind
            .as_deref()
            .is_some_and(|kind| kind != "RATE_LIMITED")
            || code.is_some()
    }
}

/// The history of one issue.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireHistory {
    /// Who opened it.
    #[serde(default)]
    pub(super) author: Option<WireActor>,
    /// Who changed its text last.
    #[serde(default)]
    pub(super) editor: Option<WireActor>,
    /// When.
    #[serde(default)]
    pub(super) last_edited_at: Option<String>,
    timeline_items: WireMarks,
}

#[derive(Debug, Deserialize)]
struct WireMarks {
    nodes: Vec<Option<WireMark>>,
}

/// A label that was put on, or a title that was changed.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireMark {
    /// `LabeledEvent` or `RenamedTitleEvent`.
    #[serde(rename = "__typename")]
    pub(super) kind: String,
    /// When.
    #[serde(default)]
    pub(super) created_at: Option<String>,
    /// By whom.
    #[serde(default)]
    pub(super) actor: Option<WireActor>,
    /// Which label.
    #[serde(default)]
    pub(super) label: Option<WireLabel>,
}

/// Somebody, or something.
#[derive(Debug, Deserialize)]
pub(super) struct WireActor {
    /// `User`, `Bot`, and others.
    #[serde(rename = "__typename")]
    pub(super) kind: String,
    /// A bot's is written without `[bot]` here, so that an account may have the same.
    pub(super) login: String,
}

/// What an account may do in a repository.
#[derive(Debug, Deserialize)]
pub(super) struct WirePermission {
    /// `admin`, `write`, `read` or `none`; maintaining counts as writing, and triage as reading.
    pub(super) permission: String,
}

impl WireHistories {
    /// By name; what could not be told of one is nothing, what could not be told at all is GitHub's reason.
    pub(super) fn histories(self) -> Result<HashMap<String, Option<WireHistory>>, String> {
        let reason = WireTrouble::words(&self.errors);
        self.data
            .and_then(|data| data.repository)
            .ok_or_else(|| match reason.as_str() {
                "" => "no answer".to_owned(),
                _ => reason,
            })
    }
}

impl WireHistory {
    /// Labels and titles, the latest last.
    pub(super) fn marks(&self) -> impl Iterator<Item = &WireMark> {
        self.timeline_items.nodes.iter().flatten()
    }
}

impl WireActor {
    /// An account as REST tells it, where a bot's name ends in `[bot]`.
    pub(super) fn of(user: &WireUser) -> Self {
        let bot = user.login.strip_suffix("[bot]");
        let kind = if bot.is_some() || user.kind.as_deref() == Some("Bot") {
            "Bot"
        } else {
            user.kind.as_deref().unwrap_or("User")
        };
        Self {
            kind: kind.to_owned(),
            login: bot.unwrap_or(&user.login).to_owned(),
        }
    }

    /// The name as REST writes it.
    #[must_use]
    pub(super) fn account(&self) -> String {
        match self.kind.as_str() {
            "Bot" => format!("{}[bot]", self.login),
            _ => self.login.clone(),
        }
    }
}

impl WirePermission {
    /// May it push, label, close?
    #[must_use]
    pub(super) fn may_write(&self) -> bool {
        matches!(self.permission.as_str(), "admin" | "write")
    }
}
