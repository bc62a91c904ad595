//! What must hold between keys, and what their types cannot say.

use crate::adapters::sandbox::bridge::PROXY_PORT;
use crate::config::channels;
use crate::config::checking::{Answers, Check};
use crate::config::problem::ConfigError;
use crate::config::serving;
use crate::config::shape::Config;
use crate::config::telling::{AuthKind, DashboardAuth, Labels};
use crate::config::trees::Ports;
use crate::config::values::Secret;
use crate::config::work::AgentKind;
use crate::rules::classify::Domain;
use crate::rules::evaluate::routing::Routing;
use crate::rules::evaluate::score::Score;
use crate::rules::host::HostPattern;
use crate::rules::own::Classification;
use crate::rules::password;
use crate::rules::summary::domain_word;
use std::collections::BTreeSet;
use std::path::{Component, Path};

/// GitHub refuses longer ones.
const LONGEST_LABEL: usize = 50;
/// The forge's tokens, which no agent ever gets.
const FORGE_TOKENS: [&str; 4] = [
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
];

/// Finds the first thing that makes no sense.
pub fn check(config: &Config) -> Result<(), ConfigError> {
    agent(config)?;
    checks(&config.checks, &config.worktree.ports)?;
    paths(config)?;
    labels(&config.labels)?;
    classification(&config.classification)?;
    routing(&config.routing)?;
    channels::check(&config.notify)?;
    serving::check(config)?;
    people(config)?;
    config.approvals.check()?;
    hosts(config)?;
    dashboard(&config.dashboard.auth)
}

/// The sandbox's own proxy listens there, where a port of this machine would be reached.
fn hosts(config: &Config) -> Result<(), ConfigError> {
    let taken = |host: &HostPattern| host.own_port() == Some(PROXY_PORT);
    match config.sandbox.hosts.iter().position(taken) {
        Some(at) => Err(ConfigError::value(
            format!("sandbox.hosts[{at}]"),
            "is the port of the sandbox's own proxy; let that server listen on another one",
        )),
        None => Ok(()),
    }
}

fn agent(config: &Config) -> Result<(), ConfigError> {
    if config.agent.kind == AgentKind::Command && config.agent.command.is_none() {
        return Err(ConfigError::Value {
            key: "agent.command".into(),
            problem: "is missing, and agent.kind is `command`".into(),
            hint: Some(r#"name the program: "command": ["my-agent", "--flag"]"#.into()),
        });
    }
    for (key, model) in models(config) {
        if model.trim().is_empty() || model.starts_with('-') || model.contains(char::is_control) {
            return Err(ConfigError::value(key, "is not the name of a model"));
        }
    }
    for name in config.agent.env.keys() {
        let key = format!("agent.env.{name}");
        if FORGE_TOKENS.contains(&name.as_str()) {
            let problem = "an agent never gets the forge's token";
            return Err(ConfigError::value(key, problem));
        }
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(ConfigError::value(key, "is not the name of a variable"));
        }
    }
    Ok(())
}

/// Every name of a model, with the key that it stands at.
fn models(config: &Config) -> Vec<(String, &String)> {
    let agent = &config.agent;
    let plain = [
        ("agent.model", &agent.model),
        ("agent.models.simple", &agent.models.simple),
        ("agent.models.medium", &agent.models.medium),
        ("agent.models.complex", &agent.models.complex),
        ("planner.model", &config.planner.model),
    ];
    let plain = plain
        .into_iter()
        .filter_map(|(key, model)| Some((key.to_owned(), model.as_ref()?)));
    let domains = agent.models_by_domain.iter().map(|(domain, model)| {
        let key = format!("agent.modelsByDomain.{}", domain_word(*domain));
        (key, model)
    });
    let labels = agent
        .models_by_label
        .iter()
        .map(|(label, model)| (format!("agent.modelsByLabel.{label}"), model));
    plain.chain(domains).chain(labels).collect()
}

fn checks(checks: &[Check], ports: &Ports) -> Result<(), ConfigError> {
    let mut names = BTreeSet::new();
    for (at, check) in checks.iter().enumerate() {
        let key = format!("checks[{at}].name");
        if check.name.trim().is_empty() || check.name.contains(char::is_control) {
            return Err(ConfigError::value(key, "is not a name"));
        }
        if !names.insert(&check.name) {
            let problem = format!("another check is called {}", check.name);
            return Err(ConfigError::value(key, problem));
        }
        if let Some(answers) = &check.answers {
            answer(answers, ports).map_err(|problem| {
                ConfigError::value(format!("checks[{at}].answers.url"), problem)
            })?;
        }
        let directory = check.directory.as_ref();
        if directory.is_some_and(|directory| !stays_inside(directory)) {
            let key = format!("checks[{at}].directory");
            let problem = "is not a path within the repository, outside of .git";
            return Err(ConfigError::value(key, problem));
        }
    }
    Ok(())
}

/// A server of the work is asked on this machine, and nowhere else.
fn answer(answers: &Answers, ports: &Ports) -> Result<(), &'static str> {
    let hosts = ["127.0.0.1", "localhost", "[::1]"];
    let rest = answers.url.strip_prefix("http://");
    let is_near = |rest: &str| {
        let end = |rest: &str| rest.is_empty() || rest.starts_with([':', '/']);
        hosts
            .iter()
            .any(|host| rest.strip_prefix(host).is_some_and(end))
    };
    if !rest.is_some_and(is_near) || answers.url.contains(char::is_whitespace) {
        return Err("is not like http://127.0.0.1:{port}/");
    }
    if answers.url.contains("{port}") && ports.blocks().of(0).is_none() {
        return Err("wants a port of the slot, and worktree.ports has none");
    }
    Ok(())
}

fn paths(config: &Config) -> Result<(), ConfigError> {
    let worktree = &config.worktree;
    let copies = worktree.copy.iter().enumerate();
    let scopes = worktree.sparse.iter().enumerate();
    copies
        .map(|(at, path)| (format!("worktree.copy[{at}]"), path))
        .chain(scopes.map(|(at, path)| (format!("worktree.sparse[{at}]"), path)))
        .chain([("forge.issuesDir".to_owned(), &config.forge.issues_dir)])
        .try_for_each(|(key, path)| {
            if stays_inside(path) {
                Ok(())
            } else {
                let problem = "is not a path within the checkout, outside of .git";
                Err(ConfigError::value(key, problem))
            }
        })
}

fn stays_inside(path: &Path) -> bool {
    let plain = |part: Component<'_>| match part {
        Component::Normal(name) => !name.eq_ignore_ascii_case(".git"),
        Component::CurDir => true,
        Component::ParentDir | Component::RootDir | Component::Prefix(_) => false,
    };
    !path.as_os_str().is_empty() && path.components().all(plain)
}

fn labels(labels: &Labels) -> Result<(), ConfigError> {
    let mut seen = BTreeSet::new();
    for (key, label) in [
        ("labels.working", &labels.working),
        ("labels.completed", &labels.completed),
        ("labels.failed", &labels.failed),
        ("labels.blocked", &labels.blocked),
        ("labels.review", &labels.review),
    ] {
        if label.chars().count() > LONGEST_LABEL || label.contains(char::is_control) {
            let problem = format!("is not a label of at most {LONGEST_LABEL} characters");
            return Err(ConfigError::value(key, problem));
        }
        if !label.is_empty() && !seen.insert(label.to_lowercase()) {
            return Err(ConfigError::value(key, "stands for two things"));
        }
    }
    Ok(())
}

fn classification(classification: &Classification) -> Result<(), ConfigError> {
    for (place, rule) in classification.rules.iter().enumerate() {
        let key = |name: &str| format!("classification.rules[{place}]{name}");
        if rule.domain == Domain::Unknown {
            return Err(ConfigError::value(
                key(".domain"),
                "is none that anything belongs to",
            ));
        }
        if rule.is_empty() {
            return Err(ConfigError::value(
                key(""),
                "has no labels, keywords or paths",
            ));
        }
    }
    Ok(())
}

fn routing(routing: &Routing) -> Result<(), ConfigError> {
    let levels = [
        ("complexity", routing.complexity.levels),
        ("confidence", routing.confidence.levels),
        ("risk", routing.risk.levels),
    ];
    for (score, levels) in levels {
        if levels.high < levels.medium {
            let key = format!("routing.{score}.levels.high");
            return Err(ConfigError::value(key, "is below `medium`"));
        }
    }
    let complexity = &routing.complexity.weights;
    let confidence = &routing.confidence.weights;
    let weights = [
        (
            "complexity",
            [
                complexity.text,
                complexity.technical_depth,
                complexity.scope,
                complexity.dependencies,
            ],
        ),
        (
            "confidence",
            [
                confidence.pattern,
                confidence.similar,
                confidence.capability,
                confidence.context,
            ],
        ),
    ];
    for (score, weights) in weights {
        if weights.iter().all(|weight| *weight == Score::ZERO) {
            let key = format!("routing.{score}.weights");
            return Err(ConfigError::value(key, "weigh nothing at all"));
        }
    }
    Ok(())
}

fn people(config: &Config) -> Result<(), ConfigError> {
    let Some(author) = &config.author else {
        return Ok(());
    };
    for (key, text) in [
        ("author.name", &author.name),
        ("author.email", &author.email),
    ] {
        if text.trim().is_empty() || text.contains(['<', '>']) || text.contains(char::is_control) {
            return Err(ConfigError::value(
                key,
                "is nothing that git could sign with",
            ));
        }
    }
    Ok(())
}

fn dashboard(auth: &DashboardAuth) -> Result<(), ConfigError> {
    let hash = auth.password_hash.as_ref().map(Secret::expose);
    if let Some(problem) = hash.and_then(password::objection) {
        return Err(ConfigError::value("dashboard.auth.passwordHash", problem));
    }
    let (user, bearer) = match auth.kind {
        AuthKind::Basic => (true, false),
        AuthKind::Token => (false, true),
        AuthKind::Both => (true, true),
    };
    let given = |text: Option<&str>| text.is_some_and(|text| !text.trim().is_empty());
    let missing = if user && !given(auth.username.as_deref()) {
        "username"
    } else if user && hash.is_none() && !given(auth.password.as_ref().map(Secret::expose)) {
        "passwordHash"
    } else if bearer && !given(auth.token.as_ref().map(Secret::expose)) {
        "token"
    } else {
        return Ok(());
    };
    if auth.enabled {
        let problem = "is missing or blank, and dashboard.auth is enabled";
        return Err(ConfigError::value(
            format!("dashboard.auth.{missing}"),
            problem,
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check_that(file: Value, expect: &str) {
        let config: Config = serde_json::from_value(file).unwrap();
        let found = check(&config).map_err(|problem| problem.to_string());
        assert_eq!(found.err().unwrap_or_default(), expect);
    }

    #[test]
    fn the_defaults_make_sense() {
        check_that(json!({}), "");
    }

    #[test]
    fn what_one_key_demands_of_another_is_named() {
        check_that(
            json!({ "agent": { "kind": "command" } }),
            "agent.command: is missing, and agent.kind is `command`",
        );
        check_that(
            json!({ "agent": { "env": { "GH_TOKEN": "x" } } }),
            "agent.env.GH_TOKEN: an agent never gets the forge's token",
        );
        check_that(
            json!({ "checks": [{ "name": "a", "run": "x", "directory": "../b" }] }),
            "checks[0].directory: is not a path within the repository, outside of .git",
        );
        check_that(
            json!({ "checks": [{ "name": "a", "run": "x" }, { "name": "a", "run": "y" }] }),
            "checks[1].name: another check is called a",
        );
        check_that(
            json!({ "dashboard": { "auth": { "enabled": true, "type": "both", "username": "me", "password": "x" } } }),
            "dashboard.auth.token: is missing or blank, and dashboard.auth is enabled",
        );
        for (kind, key) in [("basic", "password"), ("token", "token")] {
            let auth = |value: &str| json!({ "dashboard": { "auth": { "enabled": true, "type": kind, "username": "me", key: value } } });
            let missing = if kind == "basic" { "passwordHash" } else { key };
            let problem = format!(
                "dashboard.auth.{missing}: is missing or blank, and dashboard.auth is enabled"
            );
            check_that(auth(" \t"), &problem);
            check_that(auth("x"), "");
        }
        check_that(
            json!({ "labels": { "working": "Busy", "failed": "busy" } }),
            "labels.failed: stands for two things",
        );
        check_that(json!({ "labels": { "working": "", "failed": "" } }), "");
    }

    #[test]
    fn a_rule_of_a_domain_says_something() {
        let check = |rule: serde_json::Value, problem| {
            check_that(json!({ "classification": { "rules": [rule] } }), problem);
        };
        check(json!({ "domain": "backend", "paths": ["src/**"] }), "");
        check(
            json!({ "domain": "backend" }),
            "classification.rules[0]: has no labels, keywords or paths",
        );
        check(
            json!({ "domain": "unknown", "labels": ["x"] }),
            "classification.rules[0].domain: is none that anything belongs to",
        );
    }

    #[test]
    fn what_decides_on_routes_makes_sense() {
        check_that(
            json!({ "routing": { "risk": { "levels": { "medium": 0.7, "high": 0.3 } } } }),
            "routing.risk.levels.high: is below `medium`",
        );
        let weights = json!({ "pattern": 0, "similar": 0, "capability": 0, "context": 0 });
        check_that(
            json!({ "routing": { "confidence": { "weights": weights } } }),
            "routing.confidence.weights: weigh nothing at all",
        );
        check_that(json!({ "routing": { "rules": [], "decisions": [] } }), "");
    }

    #[test]
    fn paths_stay_inside_the_checkout() {
        for path in [
            "../x",
            "/etc/passwd",
            ".git/config",
            "a/../../b",
            ".GIT/hooks",
            "",
        ] {
            check_that(
                json!({ "worktree": { "copy": [".env", path] } }),
                "worktree.copy[1]: is not a path within the checkout, outside of .git",
            );
        }
        check_that(
            json!({ "worktree": { "copy": [".env", "./config/x.json"] } }),
            "",
        );
    }
}
