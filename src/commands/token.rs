//! Where the forge's token would come from; never the token itself.

use crate::config::variables::Environment;
use std::process::{Command, Stdio};

/// Where a token is found, as a person calls it: the environment first, then GitHub's own command line.
#[must_use]
pub fn source(environment: Environment<'_>) -> Option<&'static str> {
    let set = |name: &&str| environment(name).is_some_and(|text| !text.trim().is_empty());
    ["GITHUB_TOKEN", "GH_TOKEN"]
        .into_iter()
        .find(set)
        .or_else(|| gh_has_one().then_some("gh auth token"))
}

fn gh_has_one() -> bool {
    Command::new("gh")
        .args(["auth", "token"])
        .env("GH_PROMPT_DISABLED", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
