//! The part of the configuration about what only GitHub has.

use crate::rules::assigning::{Assign, Assigning};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What only GitHub has.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Github {
    /// Is an issue assigned to the account that works on it, and to a person once it is theirs?
    pub assign: Assign,
    /// The logins that it is assigned to then; whoever put the label on where there are none.
    pub people: Vec<String>,
}

impl Github {
    /// Who an issue is assigned to.
    #[must_use]
    pub fn assigning(&self) -> Assigning {
        Assigning {
            assign: self.assign,
            people: self.people.clone(),
        }
    }
}
