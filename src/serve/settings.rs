//! The page of the configuration in effect: each value with who said so, secrets masked.

use crate::config::loaded::{Effective, Loaded};
use crate::reporters::time::rfc3339;
use crate::rules::printable::printable;
use crate::serve::desk::Configured;
use crate::serve::server::{House, page};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use std::sync::Arc;

/// A value as it is shown.
#[derive(Clone, Debug)]
pub struct Setting {
    key: String,
    value: String,
    source: String,
}

/// What `config show` tells of it.
#[must_use]
pub fn settings_of(loaded: &Loaded) -> Vec<Setting> {
    let setting = |Effective { key, value, source }| Setting {
        key,
        value: printable(&value.to_string()),
        source: source.to_string(),
    };
    loaded.values().into_iter().map(setting).collect()
}

/// The configuration of whoever serves.
#[derive(Debug, Template)]
#[template(path = "settings.html")]
struct SettingsPage<'a> {
    title: &'static str,
    settings: &'a [Setting],
    /// When it was read anew.
    reloaded: Option<String>,
    /// Why the newest one is not used.
    refused: Option<String>,
}

/// Answers with it.
pub(super) async fn settings(State(house): State<House>) -> Response {
    let configured = match &house.desk {
        Some(desk) => desk.configured(),
        None => Arc::new(Configured {
            settings: house.settings,
            ..Configured::default()
        }),
    };
    page(&SettingsPage {
        title: "Settings",
        settings: &configured.settings,
        reloaded: configured.reloaded.map(rfc3339),
        refused: configured.refused.as_deref().map(printable),
    })
}
