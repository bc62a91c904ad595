//! A configuration in effect, and what flags put on top of it.

use crate::config::layers::{Layers, Source, leaves};
use crate::config::shape::Config;
use crate::config::values::MASK;
use crate::config::variables::is_reference;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What flags set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides(Vec<(&'static str, Value, &'static str)>);

impl Overrides {
    /// Lets `flag` set `key`, where it was given.
    #[must_use]
    pub fn with(
        mut self,
        flag: &'static str,
        key: &'static str,
        value: Option<impl Into<Value>>,
    ) -> Self {
        self.0.extend(value.map(|value| (key, value.into(), flag)));
        self
    }

    /// Key, value and flag, in the order in which they were given.
    pub(super) fn settings(&self) -> &[(&'static str, Value, &'static str)] {
        &self.0
    }
}

/// A configuration in effect.
#[derive(Debug)]
pub struct Loaded {
    /// Its values.
    pub config: Config,
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// What paths in it are relative to: the file's directory, or the working directory.
    pub base: PathBuf,
    layers: Layers,
}

/// One value in effect, as it may be shown: secrets are masked.
#[derive(Clone, Debug, PartialEq)]
pub struct Effective {
    /// The path of its key.
    pub key: String,
    /// The value.
    pub value: Value,
    /// Who said so.
    pub source: Source,
}

impl Loaded {
    pub(super) fn new(
        config: Config,
        file: Option<PathBuf>,
        base: PathBuf,
        layers: Layers,
    ) -> Self {
        Self {
            config,
            file,
            base,
            layers,
        }
    }

    /// A path of the configuration, from the root.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.base.join(path).components().collect()
    }

    /// Did anybody say what this key is to be?
    #[must_use]
    pub fn is_set(&self, key: &str) -> bool {
        match self.layers.source(key) {
            Source::Default => false,
            Source::File | Source::Environment(_) | Source::Flag(_) => true,
        }
    }

    /// Where the project is: as the configuration says, or else where we are, wherever its file may be.
    #[must_use]
    pub fn project(&self, cwd: &Path) -> PathBuf {
        match self.layers.source("project.path") {
            Source::Default => cwd.to_owned(),
            Source::File | Source::Environment(_) | Source::Flag(_) => {
                self.resolve(&self.config.project.path)
            }
        }
    }

    /// Every value in effect, in the order of the keys' definition; where variables were filled in, as it was written.
    #[must_use]
    pub fn values(&self) -> Vec<Effective> {
        let shown = serde_json::to_value(&self.config).expect("a configuration is always JSON");
        leaves(&shown)
            .into_iter()
            .map(|(key, value)| Effective {
                source: self.layers.source(&key),
                value: self
                    .layers
                    .reference(&key)
                    .filter(|written| value != MASK || is_reference(written))
                    .unwrap_or(value)
                    .clone(),
                key,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::load;
    use serde_json::json;

    #[test]
    fn values_are_shown_without_secrets() {
        let top = tempfile::tempdir().unwrap();
        let text = r#"{
            "agent": { "env": { "X": "${SET}", "Y": "hidden", "Z": "hidden${SET}" } },
            "checks": [{ "name": "t", "run": "curl -H ${SET} x" }]
        }"#;
        let file = top.path().join("own.json");
        std::fs::write(&file, text).unwrap();
        let environment = |name: &str| (name == "SET").then(|| "canary".to_owned());
        let loaded = load(
            Path::new("/"),
            Some(&file),
            &Overrides::default(),
            &environment,
        )
        .unwrap();
        assert_eq!(
            loaded.config.checks[0].run.words(),
            ["curl", "-H", "canary", "x"]
        );
        let shown = loaded.values();
        let value = |key: &str| {
            let effective = shown.iter().find(|effective| effective.key == key).unwrap();
            (effective.value.clone(), effective.source.clone())
        };
        assert_eq!(value("agent.env.X"), (json!("${SET}"), Source::File));
        assert_eq!(value("agent.env.Y"), (json!("***"), Source::File));
        assert_eq!(value("agent.env.Z"), (json!("***"), Source::File));
        let check = json!([{ "name": "t", "run": "curl -H ${SET} x" }]);
        assert_eq!(value("checks"), (check, Source::File));
        let all = format!("{shown:?}");
        assert!(!all.contains("canary") && !all.contains("hidden"), "{all}");
        assert_eq!(loaded.resolve(Path::new("./x")), top.path().join("x"));
    }

    #[test]
    fn a_file_from_elsewhere_is_used_where_we_are_unless_it_says_where() {
        let top = tempfile::tempdir().unwrap();
        let file = top.path().join("own.json");
        let project = |text: &str| {
            std::fs::write(&file, text).unwrap();
            let cwd = Path::new("/here");
            let loaded = load(cwd, Some(&file), &Overrides::default(), &|_| None).unwrap();
            loaded.project(cwd)
        };
        assert_eq!(project("{}"), Path::new("/here"));
        assert_eq!(project(r#"{"project":{"path":"."}}"#), top.path());
        assert_eq!(project(r#"{"project":{"path":"x"}}"#), top.path().join("x"));
    }
}
