//! Who began a session or sent a command, and through what: for the record of who did what.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A person, or a machine on behalf of one. Texts are printable, redacted and bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// The account: of the operating system with its machine (`ann@laptop`), or of the forge.
    pub who: String,
    /// On whose behalf, as the environment claims it (`GITHUB_ACTOR`, `SUDO_USER`); nobody vouches for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Through what: a command line, or a comment.
    pub through: String,
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.actor {
            Some(actor) => write!(f, "{} (for {actor})", self.who),
            None => f.write_str(&self.who),
        }
    }
}

/// Who let a session run from here on, and under which terms that no file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Starter {
    /// Who, by which command line.
    pub by: Sender,
    /// What keeps its agents apart from the machine: the isolation that was found, not the one that was wished for.
    pub isolation: String,
    /// Keys of the configuration that a flag or a variable set, with the value and which: `maxTotalBudgetUsd = 5, by
    /// --budget`.
    #[serde(default)]
    pub overridden: Vec<String>,
    /// The version of this program.
    pub version: String,
}
