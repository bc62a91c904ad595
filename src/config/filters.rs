//! The part of the configuration about which issues are taken.

use crate::rules::filter::Filter;
use crate::rules::issue::Selection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which of the issues of a label are taken; all where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[serde(expecting = "an object")]
pub struct Filters {
    /// Those that have all of these labels as well.
    pub labels: Vec<String>,
    /// None that carries one of these.
    pub exclude_labels: Vec<String>,
    /// Those that are assigned to this account; `none` for nobody, `*` for anybody.
    pub assignee: Option<String>,
    /// Those of the milestone with this title; `none`, or `*` for any.
    pub milestone: Option<String>,
    /// Those that this account opened.
    pub author: Option<String>,
}

impl Filters {
    /// What an issue has to have.
    #[must_use]
    pub fn filter(&self) -> Filter {
        Filter {
            labels: self.labels.clone(),
            assignee: self.assignee.clone(),
            milestone: self.milestone.clone(),
            author: self.author.clone(),
        }
    }

    /// The issues of a label that are taken.
    #[must_use]
    pub fn of_label(&self, label: Option<&str>) -> Selection {
        Selection {
            label: label.map(str::to_owned),
            exclude_labels: self.exclude_labels.clone(),
            filter: self.filter(),
            ..Selection::default()
        }
    }
}
