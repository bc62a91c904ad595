//! The part of the configuration about `serve`: which projects it watches, and who may send it something.

use crate::config::problem::ConfigError;
use crate::config::shape::Config;
use crate::config::sources::{self, Feed};
use crate::config::values::{Secret, Whole};
use crate::rules::address_range::AddressRange;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// GitHub refuses longer ones.
const LONGEST_LABEL: usize = 50;
/// The label that lets an issue run where nothing else is said.
pub const USUAL_LABEL: &str = "autoissue";

/// How `serve` watches and starts.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Serving {
    /// How often the forge is asked where no webhook tells; less often while nothing happens.
    pub poll_seconds: Whole<5, 86_400>,
    /// Sessions of all projects that run at a time.
    pub max_sessions: Whole<1, 64>,
    /// Issues that one session takes at most: what comes after it is another project's turn.
    pub batch: Whole<1, 1_000>,
    /// How long running attempts may take to end when it is asked to, in seconds; then they are stopped, and go on after a restart.
    pub drain_seconds: Whole<0, 86_400>,
    /// Nothing is begun while more of the memory is in use, in hundredths.
    pub max_memory_percent: Whole<1, 100>,
    /// Nothing is begun while less disk is free, in MiB.
    pub min_free_disk_mb: Whole<0, 100_000_000>,
    /// A certificate of its own: it serves https. Behind a proxy that has one, none is needed.
    pub tls: Option<Tls>,
    /// The secret of the webhook, as `${NAME}`; the variable `GITHUB_WEBHOOK_SECRET` where it is left out.
    pub webhook_secret: Option<Secret>,
    /// Addresses that may send webhooks, as `192.0.2.0/24`; all where it is empty.
    pub allow_from: Vec<Range>,
    /// Proxies whose `X-Forwarded-For` counts, as addresses or ranges.
    pub trusted_proxies: Vec<Range>,
    /// Other sources of work than the forge; what they find becomes issues there.
    pub sources: Vec<Feed>,
}

impl Default for Serving {
    fn default() -> Self {
        Self {
            poll_seconds: Whole::of(60),
            max_sessions: Whole::of(2),
            batch: Whole::of(20),
            drain_seconds: Whole::of(600),
            max_memory_percent: Whole::of(80),
            min_free_disk_mb: Whole::of(1_024),
            tls: None,
            webhook_secret: None,
            allow_from: Vec::new(),
            trusted_proxies: Vec::new(),
            sources: Vec::new(),
        }
    }
}

/// A certificate of a server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `cert` and `key`")]
pub struct Tls {
    /// Its chain (PEM), its own first; relative to this file.
    pub cert: PathBuf,
    /// Its private key (PEM); relative to this file.
    pub key: PathBuf,
}

impl Serving {
    /// All its secrets.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let sources = self.sources.iter().flat_map(Feed::secrets);
        self.webhook_secret.iter().chain(sources)
    }
}

/// A project that `serve` watches: a checkout, whose own configuration says all the rest.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `path`")]
pub struct Served {
    /// A directory of its checkout; relative to this file.
    pub path: PathBuf,
    /// What it is called; the directory's name where it is left out.
    #[serde(default)]
    pub name: Option<String>,
    /// The label that lets an issue run.
    #[serde(default = "usual_label")]
    pub label: String,
    /// Is the forge asked for new issues?
    #[serde(default = "yes")]
    pub auto_sync: bool,
    /// Are issues with that label started without being told to?
    #[serde(default)]
    pub auto_start: bool,
    /// How much of the whole is this project's, where several have work.
    #[serde(default = "one")]
    pub weight: Weight,
}

/// A project's share of the whole.
pub type Weight = Whole<1, 100>;

/// What a project's label is where nothing is said.
#[must_use]
pub fn usual_label() -> String {
    USUAL_LABEL.to_owned()
}

const fn yes() -> bool {
    true
}

const fn one() -> Weight {
    Whole::of(1)
}

/// A range of addresses, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, with = "String")]
pub struct Range(AddressRange);

impl Range {
    /// The range.
    #[must_use]
    pub const fn addresses(&self) -> AddressRange {
        self.0
    }
}

impl TryFrom<String> for Range {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let read = text.parse();
        read.map(Self).map_err(|wrong| format!("{text} {wrong}"))
    }
}

impl From<Range> for String {
    fn from(range: Range) -> Self {
        range.0.to_string()
    }
}

/// Finds the first thing about `serve` and its projects that makes no sense.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    label("project.label", &config.project.label)?;
    let mut names = BTreeSet::new();
    for (at, served) in config.projects.iter().enumerate() {
        label(&format!("projects[{at}].label"), &served.label)?;
        let name = served.called();
        let key = format!("projects[{at}].name");
        if !is_name(&name) {
            let problem = "is no name of letters, digits, `.`, `-` and `_`";
            return Err(ConfigError::value(key, problem));
        }
        if !names.insert(name.to_lowercase()) {
            let problem = format!("another project is called {name}");
            return Err(ConfigError::value(key, problem));
        }
    }
    sources::check(config)
}

fn label(key: &str, label: &str) -> Result<(), ConfigError> {
    let is_one = !label.trim().is_empty()
        && label.chars().count() <= LONGEST_LABEL
        && !label.contains(char::is_control);
    if is_one {
        return Ok(());
    }
    let problem = format!("is not a label of at most {LONGEST_LABEL} characters");
    Err(ConfigError::value(key, problem))
}

/// May a project be called this? It stands in addresses and in names of files.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let is_plain = |char: char| char.is_alphanumeric() || matches!(char, '.' | '-' | '_');
    !name.is_empty() && name.len() <= 80 && !name.starts_with('.') && name.chars().all(is_plain)
}

impl Served {
    /// The project at this place, as it is watched where nothing else is said.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self {
            path,
            name: None,
            label: usual_label(),
            auto_sync: true,
            auto_start: false,
            weight: one(),
        }
    }

    /// What it is called: its name, or that of its directory.
    #[must_use]
    pub fn called(&self) -> String {
        let directory = || {
            self.path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
        };
        self.name.clone().or_else(directory).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn refused(file: Value) -> String {
        match serde_json::from_value::<Config>(file) {
            Ok(config) => {
                check(&config).map_or_else(|problem| problem.to_string(), |()| String::new())
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn projects_have_names_that_differ_and_labels() {
        let project = |path: &str, more: Value| {
            let mut project = json!({ "path": path });
            project
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            project
        };
        let file = |projects: Vec<Value>| json!({ "projects": projects });
        assert_eq!(
            refused(file(vec![
                project("../api", json!({})),
                project("/srv/shop", json!({ "weight": 3 }))
            ])),
            ""
        );
        let same = file(vec![
            project("a/api", json!({})),
            project("b/API", json!({})),
        ]);
        assert!(refused(same).contains("another project is called API"));
        let named = file(vec![
            project("a/api", json!({})),
            project("b/api", json!({ "name": "other" })),
        ]);
        assert_eq!(refused(named), "");
        for (more, expect) in [
            (json!({ "label": " " }), "is not a label"),
            (json!({ "name": "a/b" }), "is no name"),
            (json!({ "name": "" }), "is no name"),
            (json!({ "weight": 0 }), "0 is not from 1 to 100"),
            (json!({ "autostart": true }), "unknown field"),
        ] {
            let problem = refused(file(vec![project("api", more.clone())]));
            assert!(problem.contains(expect), "{more}: {problem}");
        }
        assert!(
            refused(json!({ "serve": { "allowFrom": ["10.0.0.0/99"] } })).contains("is no range")
        );
    }
}
