//! Secrets that stand in a configuration as themselves, and whether git would spread them.

use crate::config::git::git;
use crate::config::layers::leaves;
use crate::config::variables::refers;
use serde_json::Value;
use std::path::Path;

/// How known kinds of tokens begin (GitHub, GitLab, Anthropic, `OpenAI`, Slack, AWS).
const TOKEN_STARTS: [&str; 12] = [
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "sk-ant-",
    "sk-proj-",
    "xoxb-",
    "xoxp-",
    "AKIA",
];
/// Parts of a variable's name that say its value is a secret.
const SECRET_WORDS: [&str; 10] = [
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "KEY",
    "APIKEY",
    "CREDENTIAL",
    "CREDENTIALS",
    "AUTH",
];

/// The keys of a file whose values are secrets, written as themselves and not as `${NAME}`.
#[must_use]
pub fn literal_secrets(file: &Value) -> Vec<String> {
    leaves(file)
        .into_iter()
        .filter(|(key, value)| is_literal_secret(key, value))
        .map(|(key, _)| key)
        .collect()
}

/// Does git track this file? Where git cannot say, it cannot spread the file either.
#[must_use]
pub fn is_tracked(file: &Path) -> bool {
    let (Some(directory), Some(name)) = (file.parent(), file.file_name()) else {
        return false;
    };
    git(directory)
        .args(["ls-files", "--error-unmatch", "--"])
        .arg(name)
        .output()
        .is_ok_and(|output| output.status.success())
}

/// Is the value of this key a secret, written as itself?
#[must_use]
pub fn is_literal_secret(key: &str, value: &Value) -> bool {
    match value {
        Value::String(text) if text.is_empty() || refers(text) => false,
        Value::String(text) => {
            looks_like_token(text)
                || match key {
                    "dashboard.auth.password"
                    | "dashboard.auth.token"
                    | "notify.webhookSecret"
                    | "serve.webhookSecret"
                    | "notify.slack.botToken"
                    | "notify.slack.signingSecret"
                    | "notify.telegram.botToken"
                    | "notify.email.password" => true,
                    "notify.webhook" | "notify.slack.webhook" => carries_token(text),
                    _ => key.strip_prefix("agent.env.").is_some_and(names_a_secret),
                }
        }
        Value::Array(items) => items.iter().any(|item| is_literal_secret(key, item)),
        Value::Object(fields) if key == "serve.sources" => {
            let own = ["token", "webhookToken"].map(|name| fields.get(name));
            let is_said = |value: &Value| {
                value
                    .as_str()
                    .is_some_and(|text| !text.is_empty() && !refers(text))
            };
            own.into_iter().flatten().any(is_said)
        }
        Value::Object(fields) => fields.values().any(|field| is_literal_secret("", field)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn names_a_secret(variable: &str) -> bool {
    variable
        .to_ascii_uppercase()
        .split('_')
        .any(|part| SECRET_WORDS.contains(&part))
}

fn looks_like_token(text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
        .any(|word| {
            TOKEN_STARTS
                .iter()
                .any(|start| word.starts_with(start) && word.len() >= start.len() + 12)
        })
}

/// Does the address let in whoever knows it: credentials, a query, or a part that nobody could guess?
fn carries_token(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let unguessable = |part: &str| {
        part.len() >= 16
            && part.chars().any(|c| c.is_ascii_digit())
            && part.chars().any(|c| c.is_ascii_alphabetic())
    };
    authority.contains('@') || rest.contains('?') || rest.split('/').skip(1).any(unguessable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_found_by_key_by_name_and_by_shape() {
        let file = json!({
            "dashboard": { "auth": { "username": "me", "password": "hunter2", "token": "${T}" } },
            "agent": { "env": {
                "ANTHROPIC_API_KEY": "x", "MONKEY": "bananas", "LANG": "C", "OTHER_TOKEN": "${X}",
                "ODD": "ghp_0123456789abcdef",
            } },
            "notify": {
                "webhook": "https://hooks.slack.com/services/T0001/B0001/a1b2c3d4e5f6g7h8",
                "webhookSecret": "x",
                "slack": { "webhook": "${SLACK}" },
                "telegram": { "botToken": "1:x", "chatId": 5 },
                "email": { "password": "hunter2", "from": "me@example.com" },
            },
            "checks": [{ "name": "x", "run": ["curl", "-H", "Bearer github_pat_0123456789abcdef"] }],
            "executor": { "maxParallel": 3 },
            "serve": { "webhookSecret": "x", "sources": [{ "kind": "sentry", "token": "x" }] },
        });
        let referring = json!({ "serve": { "sources": [{ "kind": "sentry", "token": "${T}", "name": "token" }] } });
        assert_eq!(literal_secrets(&referring), [""; 0]);
        assert_eq!(
            literal_secrets(&file),
            [
                "dashboard.auth.password",
                "agent.env.ANTHROPIC_API_KEY",
                "agent.env.ODD",
                "notify.webhook",
                "notify.webhookSecret",
                "notify.telegram.botToken",
                "notify.email.password",
                "checks",
                "serve.webhookSecret",
                "serve.sources"
            ]
        );
    }

    #[test]
    fn a_webhook_that_anybody_may_know_is_no_secret() {
        let check = |address, expect| assert_eq!(carries_token(address), expect, "{address}");
        check("http://localhost:9000/hooks/autoissue", false);
        check("https://example.com/hook?token=x", true);
        check("https://me:pw@example.com/hook", true);
        check("https://example.com/0123456789abcdef0", true);
    }
}
