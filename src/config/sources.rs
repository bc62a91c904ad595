//! The part of the configuration about other sources of work than the forge: Sentry, Jira, Alertmanager, CI.

use crate::config::names::Endpoint;
use crate::config::problem::ConfigError;
use crate::config::serving::is_name;
use crate::config::shape::Config;
use crate::config::values::{Secret, Whole};
use crate::rules::finding::{FeedKind, Level};
use crate::rules::finding_text::FOUND_LABEL;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Where Sentry is where nothing is said.
const SENTRY: &str = "https://sentry.io";

/// Another source of work than the forge: what it finds becomes issues there.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object with `kind`")]
pub struct Feed {
    /// What it is.
    pub kind: FeedKind,
    /// What it is called; its kind where it is left out.
    #[serde(default)]
    pub name: Option<String>,
    /// The project whose issues are opened, as it is called; the only one where it is left out.
    #[serde(default)]
    pub project: Option<String>,
    /// Where it is. Sentry is at <https://sentry.io> where it is left out; an Alertmanager without it is not asked, and
    /// sends its webhook.
    #[serde(default)]
    pub url: Option<Endpoint>,
    /// For Sentry: the slug of the organization.
    #[serde(default)]
    pub organization: Option<String>,
    /// For Sentry: the slug of the project there.
    #[serde(default)]
    pub sentry_project: Option<String>,
    /// For Jira: which issues, as JQL.
    #[serde(default)]
    pub jql: Option<String>,
    /// For Jira the e-mail address of the token's account, for Alertmanager a name where it asks for one.
    #[serde(default)]
    pub user: Option<String>,
    /// The token, or password, that lets us read there, as `${NAME}`.
    #[serde(default)]
    pub token: Option<Secret>,
    /// For Alertmanager: the bearer token that its webhook shows, as `${NAME}`.
    #[serde(default)]
    pub webhook_token: Option<Secret>,
    /// How often it is asked; less often while nothing happens.
    #[serde(default = "minute")]
    pub seconds: Whole<5, 86_400>,
    /// Does an issue carry the project's label from the beginning, and so run without a person? What it says is a
    /// stranger's.
    #[serde(default)]
    pub label: bool,
    /// What is less bad is left out; `error` for Sentry, nothing for others where it is left out.
    #[serde(default)]
    pub min_level: Option<Level>,
    /// Issues that are opened in 24 hours at most, the worst first; the others wait.
    #[serde(default = "twenty")]
    pub max_per_day: Whole<1, 1_000>,
}

const fn minute() -> Whole<5, 86_400> {
    Whole::of(60)
}

const fn twenty() -> Whole<1, 1_000> {
    Whole::of(20)
}

impl Feed {
    /// What it is called.
    #[must_use]
    pub fn called(&self) -> &str {
        self.name.as_deref().unwrap_or(self.kind.word())
    }

    /// Where it is, where it is asked.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        match (self.kind, &self.url) {
            (_, Some(url)) => Some(url.as_str()),
            (FeedKind::Sentry, None) => Some(SENTRY),
            (FeedKind::Jira | FeedKind::Alertmanager | FeedKind::Ci, None) => None,
        }
    }

    /// Is something as bad as this taken?
    #[must_use]
    pub fn takes(&self, level: Level) -> bool {
        let least = match (self.min_level, self.kind) {
            (Some(least), _) => least,
            (None, FeedKind::Sentry) => Level::Error,
            (None, FeedKind::Jira | FeedKind::Alertmanager | FeedKind::Ci) => Level::Info,
        };
        level <= least
    }

    /// Its secrets.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.token.iter().chain(&self.webhook_token)
    }

    /// What belongs to its kind: each key, whether it is said, and whether it is needed, may be there, or is nothing to it.
    fn keys(&self) -> [(&'static str, bool, Belongs); 7] {
        use Belongs::{May, Must, No};
        let [
            url,
            organization,
            sentry_project,
            jql,
            user,
            token,
            webhook_token,
        ] = match self.kind {
            FeedKind::Sentry => [May, Must, Must, No, No, Must, No],
            FeedKind::Jira => [Must, No, No, Must, Must, Must, No],
            FeedKind::Alertmanager => [May, No, No, No, May, May, May],
            FeedKind::Ci => [No, No, No, No, No, No, No],
        };
        let said = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        let given = |secret: &Option<Secret>| {
            secret
                .as_ref()
                .is_some_and(|secret| !secret.expose().is_empty())
        };
        [
            ("url", self.url.is_some(), url),
            ("organization", said(&self.organization), organization),
            ("sentryProject", said(&self.sentry_project), sentry_project),
            ("jql", said(&self.jql), jql),
            ("user", said(&self.user), user),
            ("token", given(&self.token), token),
            ("webhookToken", given(&self.webhook_token), webhook_token),
        ]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Belongs {
    Must,
    May,
    No,
}

/// Finds the first thing about sources that makes no sense.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let mut names = BTreeSet::new();
    for (at, feed) in config.serve.sources.iter().enumerate() {
        let refuse = |key: &str, problem: String| {
            Err(ConfigError::value(
                format!("serve.sources[{at}].{key}"),
                problem,
            ))
        };
        for (key, is_said, belongs) in feed.keys() {
            let kind = feed.kind.word();
            match (belongs, is_said) {
                (Belongs::Must, false) => {
                    return refuse(key, format!("is missing: {kind} needs it"));
                }
                (Belongs::No, true) => return refuse(key, format!("is nothing to {kind}")),
                (Belongs::Must | Belongs::May, _) | (Belongs::No, false) => {}
            }
        }
        let slugs = [
            ("organization", &feed.organization),
            ("sentryProject", &feed.sentry_project),
        ];
        for (key, slug) in slugs {
            if slug.as_ref().is_some_and(|slug| !is_name(slug)) {
                return refuse(key, "is no slug of letters, digits, `-` and `_`".to_owned());
            }
        }
        let is_asked = feed.address().is_some();
        if feed.kind == FeedKind::Alertmanager && !is_asked && feed.webhook_token.is_none() {
            return refuse(
                "url",
                "is missing, and so is webhookToken: it would neither be asked nor send anything"
                    .to_owned(),
            );
        }
        if feed.user.is_some() && feed.token.is_none() {
            return refuse("token", "is missing: a user has one".to_owned());
        }
        if !is_name(feed.called()) {
            return refuse(
                "name",
                "is no name of letters, digits, `.`, `-` and `_`".to_owned(),
            );
        }
        if !names.insert(feed.called().to_lowercase()) {
            let problem = format!("another source is called {}", feed.called());
            return refuse("name", problem);
        }
        whose(config, feed).or_else(|problem| refuse("project", problem))?;
    }
    Ok(())
}

/// Is it clear whose issues are meant?
fn whose(config: &Config, feed: &Feed) -> Result<(), String> {
    let labels = config.projects.iter().map(|served| &served.label);
    let mut labels = labels.chain([&config.project.label]);
    if labels.any(|label| label.eq_ignore_ascii_case(FOUND_LABEL)) {
        return Err(format!(
            "lets issues run by the label {FOUND_LABEL}, which all issues from sources carry"
        ));
    }
    match &feed.project {
        None if config.projects.len() > 1 => {
            Err("is missing: there are several projects".to_owned())
        }
        Some(name) if !is_name(name) => Err("is no name of a project".to_owned()),
        // One that is not configured may be added while serving.
        None | Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn verdict(sources: Value) -> String {
        let file = json!({ "serve": { "sources": sources } });
        match serde_json::from_value::<Config>(file) {
            Ok(config) => {
                check(&config).map_or_else(|problem| problem.to_string(), |()| String::new())
            }
            Err(error) => error.to_string(),
        }
    }

    fn sentry(more: Value) -> Value {
        let mut feed = json!({ "kind": "sentry", "organization": "acme", "sentryProject": "shop", "token": "t" });
        feed.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        feed
    }

    #[test]
    fn each_kind_has_what_it_needs_and_nothing_else() {
        let jira = json!({ "kind": "jira", "url": "https://acme.example", "user": "a@b.example", "token": "t", "jql": "x" });
        let hook = json!({ "kind": "alertmanager", "webhookToken": "t" });
        let all = json!([sentry(json!({})), jira, hook, { "kind": "ci" }]);
        assert_eq!(verdict(all), "");
        for (feed, expect) in [
            (
                sentry(json!({ "token": "" })),
                "serve.sources[0].token: is missing: sentry needs it",
            ),
            (
                sentry(json!({ "jql": "x" })),
                "serve.sources[0].jql: is nothing to sentry",
            ),
            (sentry(json!({ "organization": "a/../b" })), "is no slug"),
            (sentry(json!({ "url": "http://sentry.example" })), "https"),
            (sentry(json!({ "seconds": 1 })), "1 is not from 5 to 86400"),
            (sentry(json!({ "interval": 1 })), "unknown field"),
            (sentry(json!({ "minLevel": "fatal" })), "unknown variant"),
            (sentry(json!({ "name": "a b" })), "is no name"),
            (
                json!({ "kind": "ci", "url": "https://x.example" }),
                "is nothing to ci",
            ),
            (
                json!({ "kind": "alertmanager" }),
                "neither be asked nor send",
            ),
            (
                json!({ "kind": "alertmanager", "url": "https://x.example", "user": "u" }),
                "a user has one",
            ),
            (json!({ "kind": "pager" }), "unknown variant"),
        ] {
            let problem = verdict(json!([feed]));
            assert!(problem.contains(expect), "{feed}: {problem}");
        }
        let twice = json!([{ "kind": "ci" }, { "kind": "ci" }]);
        assert!(verdict(twice).contains("another source is called ci"));
    }

    #[test]
    fn it_is_clear_whose_issues_are_meant() {
        let with = |more: Value| {
            let mut file = json!({ "serve": { "sources": [{ "kind": "ci" }] } });
            file.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            let config: Config = serde_json::from_value(file).unwrap();
            check(&config).map_or_else(|problem| problem.to_string(), |()| String::new())
        };
        assert_eq!(with(json!({ "projects": [{ "path": "a" }] })), "");
        let two = json!({ "projects": [{ "path": "a" }, { "path": "b" }] });
        assert!(with(two).contains("there are several projects"));
        let all = json!({ "project": { "label": FOUND_LABEL } });
        assert!(with(all).contains("which all issues from sources carry"));
    }

    #[test]
    fn what_is_not_bad_enough_is_left_out() {
        let feed = |value| serde_json::from_value::<Feed>(value).unwrap();
        let usual = feed(sentry(json!({})));
        assert!(usual.takes(Level::Critical) && usual.takes(Level::Error));
        assert!(!usual.takes(Level::Warning));
        assert!(feed(sentry(json!({ "minLevel": "info" }))).takes(Level::Info));
        assert!(feed(json!({ "kind": "jira" })).takes(Level::Info));
    }
}
