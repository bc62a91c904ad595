//! The part of the configuration about those who look: labels, authors, the log, the dashboard.

use crate::config::values::{Secret, Whole};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Labels that show on an issue where it stands; an empty one is not used.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Labels {
    /// While we work on it.
    pub working: String,
    /// When its pull is open.
    pub completed: String,
    /// When all attempts failed, or a person has to look.
    pub failed: String,
    /// When something it needs is missing.
    pub blocked: String,
    /// On a pull that no passing test has tried.
    pub review: String,
    /// Take the label that selected it off in the end?
    pub remove_trigger: bool,
}

impl Default for Labels {
    fn default() -> Self {
        Self {
            working: "autoissue:working".into(),
            completed: "autoissue:completed".into(),
            failed: "autoissue:failed".into(),
            blocked: "autoissue:blocked".into(),
            review: "autoissue:review".into(),
            remove_trigger: false,
        }
    }
}

/// Who signs the commits.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `name` and `email`")]
pub struct Author {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
}

/// The log of the program itself.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Log {
    /// Days that log files are kept.
    pub keep_days: Whole<1, 3650>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            keep_days: Whole::of(14),
        }
    }
}

/// The web page that shows a session.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Dashboard {
    /// Serve it?
    pub enabled: bool,
    /// Its port on this machine; one of the next where it is in use, unless it was set.
    pub port: Whole<1, 65_535>,
    /// Names that it answers to, besides `localhost` and addresses.
    pub hosts: Vec<String>,
    /// Who may see it.
    pub auth: DashboardAuth,
}

impl Default for Dashboard {
    fn default() -> Self {
        Self {
            enabled: false,
            port: Whole::of(3030),
            hosts: Vec::new(),
            auth: DashboardAuth::default(),
        }
    }
}

/// Who may see the dashboard.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct DashboardAuth {
    /// Ask for credentials?
    pub enabled: bool,
    /// Which.
    #[serde(rename = "type")]
    pub kind: AuthKind,
    /// The user's name.
    pub username: Option<String>,
    /// The user's password as an argon2 hash (a PHC string); `autoissue config hash-password` makes one.
    pub password_hash: Option<Secret>,
    /// The user's password, where there is no hash; as `${NAME}`, never as itself in a file that git tracks.
    pub password: Option<Secret>,
    /// The bearer token; as `${NAME}`, never as itself in a file that git tracks.
    pub token: Option<Secret>,
}

impl Default for DashboardAuth {
    fn default() -> Self {
        Self {
            enabled: false,
            kind: AuthKind::Basic,
            username: None,
            password_hash: None,
            password: None,
            token: None,
        }
    }
}

/// Which credentials the dashboard takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuthKind {
    /// A user's name and password.
    Basic,
    /// A bearer token.
    Token,
    /// Either.
    Both,
}
