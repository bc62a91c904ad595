//! From a working directory to an effective configuration: find, read, layer, check.

use crate::config::explain::explain;
use crate::config::json;
use crate::config::layers::{Layers, Source, below};
use crate::config::loaded::{Loaded, Overrides};
use crate::config::problem::{ConfigError, InFile};
use crate::config::secrets::{is_tracked, literal_secrets};
use crate::config::sense;
use crate::config::shape::{Config, FILE_NAME, VERSION};
use crate::config::variables::{Environment, add_environment, fill, references};
use serde_json::Value;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// More than anybody writes, so that a wrong `-c` cannot fill the memory.
const LARGEST_FILE: u64 = 1 << 20;

/// The configuration for this working directory: defaults, the file, the environment, flags; the later wins.
pub fn load(
    cwd: &Path,
    explicit: Option<&Path>,
    flags: &Overrides,
    environment: Environment<'_>,
) -> Result<Loaded, InFile> {
    from(cwd, file_of(cwd, explicit), flags, environment)
}

/// The file that this configuration is read from, if there is one: the one that is named, or the nearest.
#[must_use]
pub fn file_of(cwd: &Path, explicit: Option<&Path>) -> Option<PathBuf> {
    match explicit {
        Some(path) => Some(cwd.join(path)),
        None => find(cwd),
    }
}

/// The same as if there were no file.
pub fn without_file(cwd: &Path, environment: Environment<'_>) -> Result<Loaded, InFile> {
    from(cwd, None, &Overrides::default(), environment)
}

fn from(
    cwd: &Path,
    file: Option<PathBuf>,
    flags: &Overrides,
    environment: Environment<'_>,
) -> Result<Loaded, InFile> {
    let base = file.as_deref().and_then(Path::parent).unwrap_or(cwd);
    let base = base.to_path_buf();
    let loaded = match &file {
        Some(path) => {
            read(path).and_then(|text| layered(&text, flags, environment, &|| is_tracked(path)))
        }
        None => layered("{}", flags, environment, &|| false),
    };
    match loaded {
        Ok((config, layers)) => Ok(Loaded::new(config, file, base, layers)),
        Err(problem) => Err(InFile { file, problem }),
    }
}

/// The nearest file, from here up to the top of the repository.
fn find(cwd: &Path) -> Option<PathBuf> {
    for directory in cwd.ancestors() {
        let file = directory.join(FILE_NAME);
        if file.is_file() {
            return Some(file);
        }
        // What lies above a repository belongs to somebody else, and must not name commands for it.
        if directory.join(".git").exists() {
            return None;
        }
    }
    None
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |cause| ConfigError::Unreadable { cause };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    let length = file
        .take(LARGEST_FILE + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if length as u64 > LARGEST_FILE {
        return Err(ConfigError::TooLarge {
            limit: LARGEST_FILE,
        });
    }
    Ok(text)
}

/// All layers over one another, without touching a file.
fn layered(
    text: &str,
    flags: &Overrides,
    environment: Environment<'_>,
    is_tracked: &dyn Fn() -> bool,
) -> Result<(Config, Layers), ConfigError> {
    let mut file = json::parse(text)?;
    let defaults = serde_json::to_value(Config::default()).expect("the defaults are always JSON");
    refuse_newer(&file)?;
    objects_stay_objects("", &defaults, &file)?;
    let secrets = literal_secrets(&file);
    if !secrets.is_empty() && is_tracked() {
        return Err(ConfigError::Secret { keys: secrets });
    }
    let references = references(&file);
    fill(&mut file, environment)?;
    let mut layers = Layers::over(defaults);
    layers.add_file(file, references);
    add_environment(&mut layers, environment);
    for (key, value, flag) in flags.settings() {
        layers.set(key, value.clone(), Source::Flag(flag));
    }
    let config: Config = serde_path_to_error::deserialize(layers.merged())
        .map_err(|error| explain(&error, &layers))?;
    sense::check(&config)?;
    Ok((config, layers))
}

fn refuse_newer(file: &Value) -> Result<(), ConfigError> {
    match file.get("version").and_then(Value::as_u64) {
        Some(found) if found > u64::from(VERSION) => Err(ConfigError::Newer {
            found,
            known: VERSION,
        }),
        Some(_) | None => Ok(()),
    }
}

/// Serde would take an array for an object, field by field.
fn objects_stay_objects(path: &str, default: &Value, given: &Value) -> Result<(), ConfigError> {
    match (default, given) {
        (Value::Object(defaults), Value::Object(fields)) => fields
            .iter()
            .filter_map(|(key, given)| Some((key, defaults.get(key)?, given)))
            .try_for_each(|(key, default, given)| {
                objects_stay_objects(&below(path, key), default, given)
            }),
        (Value::Object(_), _) => {
            let key = if path.is_empty() {
                "the top level"
            } else {
                path
            };
            Err(ConfigError::value(key, "is not an object"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Color, Error};

    fn environment(name: &str) -> Option<String> {
        (name == "SET").then(|| "secret".to_owned())
    }

    fn load_text(text: &str) -> Result<(Config, Layers), ConfigError> {
        layered(text, &Overrides::default(), &environment, &|| true)
    }

    /// The lines after the first: why, and what helps.
    fn told(text: &str) -> String {
        let problem = load_text(text).unwrap_err();
        let text = Error::from(InFile {
            file: None,
            problem,
        })
        .text(Color::Off);
        let (_, rest) = text.split_once("\n  because ").unwrap();
        rest.trim_end().replace("\nhint: ", " -> ")
    }

    #[test]
    fn no_key_has_to_be_given() {
        let (config, _) = load_text("{}").unwrap();
        assert_eq!(config, Config::default());
        assert_eq!(config.executor.max_parallel.get(), 3);
        assert_eq!(config.max_total_budget_usd.usd().to_string(), "$50.00");
        assert_eq!(config.agent.max_budget_usd.usd().to_string(), "$5.00");
        assert!(config.executor.create_pr && !config.executor.pr_draft);
    }

    #[test]
    fn the_founding_keys_are_read_as_they_are() {
        let text = r#"{
            "project": { "repo": "owner/repo-name", "path": "/path/to/project", "baseBranch": "main" },
            "executor": { "maxParallel": 4, "timeoutMinutes": 20, "createPr": true, "prDraft": true },
            "agent": { "model": "opus", "maxBudgetUsd": 5.0, "yolo": true },
            "maxTotalBudgetUsd": 25.5,
            "dashboard": { "enabled": true, "port": 3030, "auth": { "enabled": true, "type": "both",
                "username": "admin", "password": "${SET}", "token": "${SET}" } },
            "planner": { "enabled": true, "model": "sonnet", "maxBudgetUsd": 2.0 }
        }"#;
        let (config, _) = load_text(text).unwrap();
        assert_eq!(config.project.repo.unwrap().as_str(), "owner/repo-name");
        assert_eq!(config.executor.timeout_minutes.minutes().as_secs(), 1200);
        assert!(config.agent.yolo && config.executor.pr_draft);
        assert_eq!(config.max_total_budget_usd.usd().to_string(), "$25.50");
        let password = config.dashboard.auth.password.unwrap();
        assert_eq!(
            (password.expose(), format!("{password:?}").as_str()),
            ("secret", "***")
        );
    }

    #[test]
    fn a_name_that_is_not_known_finds_the_one_that_was_meant() {
        let check = |text: &str, expect: &str| assert_eq!(told(text), expect, "{text}");
        check(
            r#"{ "executor": { "maxParalel": 3 } }"#,
            "executor.maxParalel: there is no such key -> did you mean executor.maxParallel?",
        );
        check(
            r#"{ "maxParallel": 3 }"#,
            "maxParallel: there is no such key -> did you mean executor.maxParallel?",
        );
        check(
            r#"{ "colour": 3 }"#,
            "colour: there is no such key -> `autoissue config show` lists all keys",
        );
        check(
            r#"{ "checks": [{ "name": "t", "run": "x", "timeout": 3 }] }"#,
            "checks[0].timeout: there is no such key -> did you mean checks[0].timeoutMinutes?",
        );
    }

    #[test]
    fn every_bad_value_is_named_by_its_key() {
        let check = |text: &str, expect: &str| assert_eq!(told(text), expect, "{text}");
        check(
            r#"{ "executor": { "maxParallel": "three" } }"#,
            "executor.maxParallel: invalid type: string \"three\", expected a whole number from 1 to 64",
        );
        check(
            r#"{ "executor": { "maxParallel": 0 } }"#,
            "executor.maxParallel: 0 is not from 1 to 64",
        );
        check(
            r#"{ "executor": { "maxRetries": -3 } }"#,
            "executor.maxRetries: -3 is not from 0 to 10",
        );
        check(r#"{ "executor": 3 }"#, "executor: is not an object");
        check(
            r#"{ "dashboard": { "port": 70000 } }"#,
            "dashboard.port: 70000 is not from 1 to 65535",
        );
        check(
            r#"{ "maxTotalBudgetUsd": 0 }"#,
            "maxTotalBudgetUsd: 0 is not an amount above 0 and up to 1000000",
        );
        check(
            r#"{ "agent": { "maxBudgetUsd": -5.5 } }"#,
            "agent.maxBudgetUsd: -5.5 is not an amount above 0 and up to 1000000",
        );
        check(
            r#"{ "agent": { "kind": "clade" } }"#,
            "agent.kind: unknown variant `clade`, expected one of `claude`, `codex`, `gemini`, `opencode`, `command` -> did you mean `claude`?",
        );
        check(
            r#"{ "project": { "repo": "https://github.com/a/b" } }"#,
            "project.repo: is not a repository as `owner/name`",
        );
        check(
            r#"{ "dashboard": { "auth": { "password": 12345 } } }"#,
            "dashboard.auth.password: is not a text",
        );
        check(
            r#"{ "checks": [{ "name": "t" }] }"#,
            "checks[0]: missing field `run`",
        );
        check(
            r#"{ "version": 2, "future": true }"#,
            "version: it has format 2, and this program knows up to 1 -> install a newer autoissue",
        );
        check(r#"{ "executor": [3] }"#, "executor: is not an object");
        check("[]", "the top level: is not an object");
    }

    #[test]
    fn what_a_variable_holds_is_in_no_error() {
        for text in [
            r#"{ "agent": { "kind": "${SET}" } }"#,
            r#"{ "executor": { "maxParallel": "${SET}" } }"#,
            r#"{ "checks": [{ "name": "t", "run": "a && ${SET}" }] }"#,
        ] {
            let told = told(text);
            assert!(
                told.contains("what its variables hold does not fit"),
                "{told}"
            );
            assert!(!told.contains("secret"), "{told}");
        }
    }

    #[test]
    fn a_check_that_needs_a_shell_is_shown_how_to_start_one() {
        assert_eq!(
            told(r#"{ "checks": [{ "name": "t", "run": "make && \"make\" test" }] }"#),
            "checks[0].run: `&&` needs a shell, and none is started \
             -> start the shell yourself: [\"sh\", \"-c\", \"make && \\\"make\\\" test\"]"
        );
        let text = r#"{ "checks": [{ "name": "t", "run": ["sh", "-c", "make && make test"] }] }"#;
        let (config, _) = load_text(text).unwrap();
        assert_eq!(
            config.checks[0].run.words(),
            ["sh", "-c", "make && make test"]
        );
        assert_eq!(config.checks[0].timeout_minutes.get(), 10);
    }

    #[test]
    fn a_tracked_secret_is_refused_by_its_key() {
        let text = r#"{ "dashboard": { "auth": { "password": "hunter2" } } }"#;
        assert_eq!(
            told(text),
            "git tracks it, and it carries a secret in dashboard.auth.password -> put the value into an \
             environment variable and write `${NAME}` for dashboard.auth.password"
        );
        let untracked = layered(text, &Overrides::default(), &environment, &|| false);
        assert!(
            untracked.is_ok(),
            "the same file is fine where git does not spread it"
        );
        let reference = text.replace("hunter2", "${SET}");
        assert!(load_text(&reference).is_ok());
    }

    #[test]
    fn the_environment_beats_the_file_and_flags_beat_both() {
        let flags = Overrides::default()
            .with("--model", "agent.model", Some("opus"))
            .with("--budget", "maxTotalBudgetUsd", None::<f64>);
        let environment = |name: &str| match name {
            "AUTOISSUE_MAX_BUDGET" => Some("25.00".to_owned()),
            "AUTOISSUE_MODEL" => Some("haiku".to_owned()),
            _ => None,
        };
        let text = r#"{ "maxTotalBudgetUsd": 9, "agent": { "model": "sonnet", "yolo": true } }"#;
        let (config, layers) = layered(text, &flags, &environment, &|| false).unwrap();
        assert_eq!(config.agent.model.as_deref(), Some("opus"));
        assert_eq!(config.max_total_budget_usd.usd().to_string(), "$25.00");
        let check = |key: &str, expect: &str| assert_eq!(layers.source(key).to_string(), expect);
        check("agent.model", "flag --model");
        check("maxTotalBudgetUsd", "environment AUTOISSUE_MAX_BUDGET");
        check("agent.yolo", "file");
        check("agent.kind", "default");
    }

    #[test]
    fn a_bad_variable_is_named_with_the_key_it_sets() {
        for (value, problem) in [
            ("0", "0 is not an amount above 0 and up to 1000000"),
            ("-1", "-1 is not an amount above 0 and up to 1000000"),
            (
                "NaN",
                "invalid type: string \"NaN\", expected an amount of dollars, as a number",
            ),
        ] {
            let environment =
                |name: &str| (name == "AUTOISSUE_MAX_BUDGET").then(|| value.to_owned());
            let found = layered("{}", &Overrides::default(), &environment, &|| false).unwrap_err();
            assert_eq!(
                found.to_string(),
                format!(
                    "the environment variable AUTOISSUE_MAX_BUDGET sets maxTotalBudgetUsd: {problem}"
                )
            );
        }
    }

    #[test]
    fn the_nearest_file_up_to_the_top_of_the_repository_is_taken() {
        let top = tempfile::tempdir().unwrap();
        let repository = top.path().join("a/repository");
        let deep = repository.join("src/deep");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(top.path().join(FILE_NAME), "{}").unwrap();
        assert_eq!(find(&deep), Some(top.path().join(FILE_NAME)));
        std::fs::create_dir(repository.join(".git")).unwrap();
        assert_eq!(
            find(&deep),
            None,
            "what lies above a repository is not its own"
        );
        std::fs::write(repository.join(FILE_NAME), "{}").unwrap();
        assert_eq!(find(&deep), Some(repository.join(FILE_NAME)));
    }
}
