//! The page of the configuration in effect: each value with who said so, secrets masked.

use crate::config::loaded::{Effective, Loaded};
use crate::rules::printable::printable;
use crate::serve::server::{House, page};
use askama::Template;
use axum::extract::State;
use axum::response::Response;

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
}

/// Answers with it.
pub(super) async fn settings(State(house): State<House>) -> Response {
    page(&SettingsPage {
        title: "Settings",
        settings: &house.settings,
    })
}
