//! What `doctor` says of GitHub: who we are there, what we may do, what is missing for which feature, and what is left.

use crate::adapters::github::forge::GitHub;
use crate::adapters::github::reads::Account;
use crate::adapters::github::verdict::Rate;
use crate::commands::doctor::{Finding, State};
use crate::commands::identity::{Identity, Origin};
use crate::commands::project::{Home, Project};
use crate::commands::wire::github_settings;
use crate::config::claims::ClaimsKind;
use crate::config::names::RepoName;
use crate::config::shape::{Config, ForgeKind};
use crate::error::Error;
use crate::ports::ForgeError;
use crate::reporters::table::thousands;
use crate::rules::access::{Access, Granted, Standing, TokenKind};
use crate::rules::feature::{Feature, all_needs};
use crate::rules::follow::next::MergePolicy;
use crate::rules::gate::guarded::Guarded;
use crate::rules::ids::Timestamp;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

/// For GitHub to answer.
const ONLINE: Duration = Duration::from_secs(10);
/// Who besides the owner may do anything with a file.
const OTHERS: u32 = 0o077;
/// What a person can do about a permission that an app lacks.
pub(crate) const HOW_TO_ALLOW: &str = "add it under \"Permissions\" in the app's settings on GitHub, and accept it where the app is installed";
const NETWORK: &str = "check the network, and forge.apiUrl where it is set";

/// What was found of an account, and the same for programs.
pub(crate) struct Found {
    pub(crate) findings: Vec<Finding>,
    pub(crate) told: Option<Value>,
}

/// Where the token comes from.
pub(crate) fn token(config: &Config, who: Option<&Identity<'_>>) -> Finding {
    let mend = "run `autoissue login` or `gh auth login`, or set GITHUB_TOKEN";
    if let Some(error) = who.and_then(Identity::trouble) {
        return Finding::bad("token", &error);
    }
    let Some(who) = who.filter(|who| who.is_known()) else {
        return match config.forge.kind {
            ForgeKind::Github => Finding::new("token", State::Bad, "none").mended_by(mend),
            ForgeKind::Auto => Finding::new(
                "token",
                State::Note,
                "none; only local issues can be worked on",
            )
            .mended_by(mend),
            ForgeKind::Local => Finding::new("token", State::Good, "none needed"),
        };
    };
    let origin = who.origin();
    let kind = who.kind().map(|kind| format!(", {}", kind.words()));
    let shown = origin.as_ref().map(ToString::to_string).unwrap_or_default();
    let detail = format!("from {shown}{}", kind.unwrap_or_default());
    let Some(file) = origin.as_ref().and_then(Origin::key_file) else {
        return Finding::new("token", State::Good, detail);
    };
    match readers(file) {
        Some(mode) => {
            let detail = format!("{detail}, which others may read (mode {mode:o})");
            Finding::new("token", State::Warning, detail)
                .mended_by(format!("chmod 600 {}", file.display()))
        }
        None => Finding::new("token", State::Good, detail),
    }
}

/// The mode of a file that others than its owner may use.
fn readers(file: &Path) -> Option<u32> {
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    (mode & OTHERS != 0).then_some(mode)
}

/// What GitHub itself says to the token; nothing where it is not GitHub's.
pub(crate) async fn online(config: &Config, project: &Project, who: &Identity<'_>) -> Found {
    let nothing = |findings| Found {
        findings,
        told: None,
    };
    let Home::Github { repo, .. } = &project.home else {
        return nothing(Vec::new());
    };
    let signed = match who.sign(repo) {
        Ok(Some(signed)) => signed,
        Ok(None) => return nothing(Vec::new()),
        Err(error) => {
            let bad = Finding::bad("github", &error);
            let detail = format!("the key of the app cannot be used: {}", bad.detail);
            return nothing(vec![Finding { detail, ..bad }]);
        }
    };
    let connect = || {
        let mut settings = github_settings(config, repo, Some(signed.tokens))?;
        // Somebody waits for the answer.
        settings.repeats.times = 1;
        settings.limits.spared = 0;
        Ok::<_, Error>(GitHub::new(settings)?)
    };
    let forge = match connect() {
        Ok(forge) => forge,
        Err(error) => return nothing(vec![Finding::bad("github", &error)]),
    };
    match tokio::time::timeout(ONLINE, forge.account()).await {
        Ok(Ok(account)) => welcome(config, repo, who, &account, forge.rate()),
        Ok(Err(refusal)) => nothing(vec![unwelcome(refusal)]),
        Err(_) => {
            let detail = format!("no answer within {} s", ONLINE.as_secs());
            let finding = Finding::new("github", State::Bad, detail).mended_by(NETWORK);
            nothing(vec![finding])
        }
    }
}

fn unwelcome(refusal: ForgeError) -> Finding {
    let is_network = matches!(refusal, ForgeError::Unknown { .. });
    let error = Error::from(refusal);
    if is_network {
        Finding::new("github", State::Bad, error.reason()).mended_by(NETWORK)
    } else {
        Finding::bad("github", &error)
    }
}

fn welcome(
    config: &Config,
    repo: &RepoName,
    who: &Identity<'_>,
    account: &Account,
    rate: Option<Rate>,
) -> Found {
    let access = access(account, who.kind());
    let wanted = wanted(config);
    let mut findings = vec![identity(repo, account, rate)];
    findings.extend(granted(&access.granted));
    findings.extend(features(&access, &wanted, who.kind()));
    let told = told(who, account, &access, &wanted, rate);
    Found {
        findings,
        told: Some(told),
    }
}

/// Of an app GitHub says for every repository that it may do nothing there: its permissions say what it may.
fn access(account: &Account, kind: Option<TokenKind>) -> Access {
    let granted = match (&account.permissions, &account.scopes) {
        (Some(permissions), _) => Granted::Permissions(permissions.clone()),
        (None, Some(scopes)) => Granted::Scopes(scopes.clone()),
        (None, None) => Granted::Untold,
    };
    let is_app = account.permissions.is_some() || kind == Some(TokenKind::Installation);
    Access {
        granted,
        may_push: account.may_push.filter(|_| !is_app),
        is_private: account.is_private,
    }
}

/// The features that the configuration uses. Checks and logs are for `watch`, which needs no key.
pub(crate) fn wanted(config: &Config) -> BTreeSet<Feature> {
    let is_wanted = |feature: &Feature| match feature {
        Feature::Issues | Feature::Labels | Feature::Branches | Feature::Checks | Feature::Logs => {
            true
        }
        Feature::Pulls => config.executor.create_pr,
        Feature::Claims => config.claims.kind == ClaimsKind::Remote,
        Feature::Workflows => config.security.allow.contains(&Guarded::Workflows),
        Feature::Merge => config.merge.policy != MergePolicy::Never,
    };
    Feature::ALL.into_iter().filter(is_wanted).collect()
}

fn identity(repo: &RepoName, account: &Account, rate: Option<Rate>) -> Finding {
    let login = &account.login;
    let left = rate.filter(|rate| rate.limit > 0).map(left);
    let left = left.unwrap_or_default();
    let finding = |state, detail| Finding::new("github", state, detail);
    if account.permissions.is_some() {
        return finding(State::Good, format!("{login} is installed on {repo}{left}"));
    }
    match account.may_push {
        Some(true) => finding(State::Good, format!("{login} may push to {repo}{left}")),
        // What that keeps us from is told beside it.
        Some(false) => finding(State::Note, format!("{login} may not push to {repo}{left}")),
        None => finding(
            State::Warning,
            format!("{login} can read {repo}; whether it may push is not told{left}"),
        ),
    }
}

fn left(rate: Rate) -> String {
    let (remaining, limit) = (thousands(rate.remaining), thousands(rate.limit));
    let wait = rate
        .reset
        .millis_since(Timestamp(Utc::now().timestamp_millis()));
    // What a limit of an hour says; anything else is a clock that goes wrong.
    let until = DateTime::from_timestamp_millis(rate.reset.0).filter(|_| wait < 7_200_000);
    let until = until.map_or_else(
        || " this hour".to_owned(),
        |until| until.format(", all again at %H:%M UTC").to_string(),
    );
    format!(", {remaining} of {limit} requests left{until}")
}

fn granted(granted: &Granted) -> Option<Finding> {
    let detail = match granted {
        Granted::Untold => return None,
        Granted::Scopes(scopes) if scopes.is_empty() => "no scopes".to_owned(),
        Granted::Scopes(scopes) => format!("the scopes {}", scopes.join(", ")),
        Granted::Permissions(permissions) => {
            let one = |(name, level): (&String, &String)| format!("{name}: {level}");
            let all: Vec<String> = permissions.iter().map(one).collect();
            all.join(", ")
        }
    };
    Some(Finding::new("permissions", State::Good, detail))
}

/// What is missing, and for which features; what nobody can tell; and what is there.
fn features(access: &Access, wanted: &BTreeSet<Feature>, kind: Option<TokenKind>) -> Vec<Finding> {
    let mut lacking: BTreeMap<String, Vec<Feature>> = BTreeMap::new();
    let (mut given, mut untold) = (Vec::new(), BTreeSet::new());
    for feature in wanted {
        match access.standing(*feature) {
            Standing::Given => given.push(*feature),
            Standing::Untold => drop(untold.insert(*feature)),
            Standing::Missing(missing) => {
                lacking
                    .entry(missing.join(", "))
                    .or_default()
                    .push(*feature);
            }
        }
    }
    let mut findings: Vec<Finding> = lacking
        .iter()
        .map(|(missing, features)| lacks(missing, features, access, kind))
        .collect();
    findings.sort_by_key(|finding| Reverse(finding.state));
    if !untold.is_empty() {
        let needs: Vec<String> = all_needs(&untold).iter().map(ToString::to_string).collect();
        let what = kind.map_or("this token", TokenKind::words);
        let detail = format!(
            "GitHub tells what {what} lacks only as it refuses something; it needs {}",
            needs.join(", ")
        );
        findings.push(Finding::new("access", State::Note, detail));
    }
    if !given.is_empty() {
        findings.push(Finding::new("access", State::Good, names(&given)));
    }
    findings
}

fn names(features: &[Feature]) -> String {
    let words: Vec<&str> = features.iter().map(|feature| feature.words()).collect();
    words.join(", ")
}

fn lacks(missing: &str, features: &[Feature], access: &Access, kind: Option<TokenKind>) -> Finding {
    let is_essential = features.iter().any(|feature| feature.is_essential());
    let state = if is_essential {
        State::Bad
    } else {
        State::Warning
    };
    let detail = format!("missing {missing}, for: {}", names(features));
    let mend = match (&access.granted, kind) {
        _ if access.may_push == Some(false) => {
            "ask for write access to the repository, or use a token of somebody who has it"
                .to_owned()
        }
        (Granted::Permissions(_), _) => HOW_TO_ALLOW.to_owned(),
        (_, Some(TokenKind::OAuth)) => {
            let scopes: Vec<&str> = missing.split('`').skip(1).step_by(2).collect();
            format!("`gh auth refresh --scopes {}`", scopes.join(","))
        }
        (Granted::Scopes(_) | Granted::Untold, _) => {
            "make a token that has it: Settings, Developer settings, Personal access tokens"
                .to_owned()
        }
    };
    Finding::new("access", state, detail).mended_by(mend)
}

/// The same for programs.
fn told(
    who: &Identity<'_>,
    account: &Account,
    access: &Access,
    wanted: &BTreeSet<Feature>,
    rate: Option<Rate>,
) -> Value {
    let feature = |feature: Feature| {
        let (state, missing) = match access.standing(feature) {
            Standing::Given => ("given", Vec::new()),
            Standing::Missing(missing) => ("missing", missing),
            Standing::Untold => ("untold", Vec::new()),
        };
        let needs: Vec<String> = feature.needs().iter().map(ToString::to_string).collect();
        json!({
            "feature": feature.word(), "used": wanted.contains(&feature), "state": state,
            "needs": needs, "missing": missing,
        })
    };
    let limit = rate.map(|rate| {
        json!({ "limit": rate.limit, "remaining": rate.remaining, "reset_ms": rate.reset.0 })
    });
    json!({
        "account": account.login,
        "source": who.origin().map(|origin| origin.to_string()),
        "kind": who.kind().map_or("app", TokenKind::word),
        "scopes": account.scopes,
        "permissions": account.permissions,
        "may_push": access.may_push,
        "limit": limit,
        "features": Feature::ALL.into_iter().map(feature).collect::<Vec<_>>(),
    })
}
