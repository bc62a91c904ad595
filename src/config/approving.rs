//! The part of the configuration about people who are asked before a task runs.

use crate::config::problem::ConfigError;
use crate::config::values::Whole;
use crate::rules::approvals::{self, Late, Patience};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How people are asked whether a supervised task may run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Approvals {
    /// Ask in a comment on the issue, and take the answers that are given below it?
    pub comment: bool,
    /// After so many hours without an answer comes what `then` says; without it is waited for as long as it takes.
    pub timeout_hours: Option<Whole<1, 8760>>,
    /// What comes then: the task is left out, or others are asked as well.
    pub then: Late,
    /// Who is asked as well: logins and teams, such as `lead` or `acme/maintainers`.
    pub escalate_to: Vec<String>,
}

impl Default for Approvals {
    fn default() -> Self {
        Self {
            comment: true,
            timeout_hours: None,
            then: Late::default(),
            escalate_to: Vec::new(),
        }
    }
}

impl Approvals {
    /// Finds the first thing that makes no sense.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key: &str, problem| Err(ConfigError::value(key, problem));
        if self.then == Late::Escalate && self.timeout_hours.is_none() {
            let problem = "comes after `approvals.timeoutHours`, which is missing";
            return refuse("approvals.then", problem);
        }
        if self.then != Late::Escalate && !self.escalate_to.is_empty() {
            let problem = "asks nobody: `approvals.then` is not `escalate`";
            return refuse("approvals.escalateTo", problem);
        }
        match self.escalate_to.iter().position(|name| !is_mention(name)) {
            Some(at) => refuse(
                &format!("approvals.escalateTo[{at}]"),
                "is neither a login nor a team such as acme/maintainers",
            ),
            None => Ok(()),
        }
    }

    /// What decisions rest on.
    #[must_use]
    pub fn rule(&self) -> approvals::Approvals {
        let then = self.then;
        let patience = self.timeout_hours.map(|hours| Patience {
            hours: hours.get(),
            then,
        });
        approvals::Approvals {
            comment: self.comment,
            patience,
        }
    }
}

/// What may stand behind an `@` of ours: a login, or an organisation's team.
fn is_mention(name: &str) -> bool {
    let is_part = |part: &str| {
        let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
        !part.is_empty() && part.len() <= 100 && part.chars().all(plain)
    };
    name.split('/').count() <= 2 && name.split('/').all(is_part)
}
