//! An issue, and what is read from its text.

pub use crate::rules::references::needs_in_text;

use crate::rules::filter::Filter;
use crate::rules::ids::{IssueNumber, PullNumber, Timestamp};
use crate::rules::plan::progress::PlanOrder;
use serde::{Deserialize, Serialize};

/// Is it still to be done?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssueState {
    /// Still to be done.
    Open,
    /// Done, or given up.
    Closed,
}

/// A ticket on a forge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Its number there.
    pub number: IssueNumber,
    /// One line, as the author wrote it: not safe to print.
    pub title: String,
    /// Markdown, as the author wrote it: not safe to print.
    pub body: String,
    /// Its labels, in the forge's order.
    pub labels: Vec<String>,
    /// Open or closed.
    pub state: IssueState,
    /// The author's login, where there is one.
    pub author: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub updated_at: Timestamp,
    /// Where a person can read it.
    pub url: Option<String>,
    /// Dependencies that the forge itself records (front matter, native links); those in the text come on top.
    pub depends_on: Vec<IssueNumber>,
    /// Who it is assigned to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assignees: Vec<String>,
    /// The title of its milestone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milestone: Option<String>,
    /// Its sub-issues that are still open: it waits for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<IssueNumber>,
    /// Open pulls that close it, as far as the forge records that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pulls: Vec<PullNumber>,
}

impl Issue {
    /// All issues that it needs: those that its text names, and those that the forge records; by number, each once.
    #[must_use]
    pub fn needs(&self) -> Vec<IssueNumber> {
        let mut needs = needs_in_text(&self.body);
        needs.extend(&self.depends_on);
        needs.sort_unstable();
        needs.dedup();
        needs
    }

    /// Does it carry this label? Case does not matter, as on GitHub.
    #[must_use]
    pub fn has_label(&self, label: &str) -> bool {
        self.labels
            .iter()
            .any(|own| own.eq_ignore_ascii_case(label))
    }
}

/// An issue that does not exist yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IssueDraft {
    /// One line.
    pub title: String,
    /// Markdown, with our marker in it.
    pub body: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// What it needs, for forges that keep that beside the text.
    pub depends_on: Vec<IssueNumber>,
}

/// Which issues a session takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Those with this label.
    pub label: Option<String>,
    /// Only these numbers; all where it is empty.
    pub numbers: Vec<IssueNumber>,
    /// None that carries one of these.
    pub exclude_labels: Vec<String>,
    /// Only those that pass.
    #[serde(default, skip_serializing_if = "Filter::is_empty")]
    pub filter: Filter,
    /// The plan that they come from, where the session itself makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<Box<PlanOrder>>,
    /// Do they go on with their open pulls?
    #[serde(default, skip_serializing_if = "is_not")]
    pub follow_up: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_not(flag: &bool) -> bool {
    !flag
}

impl Selection {
    /// Is this open issue one of them?
    #[must_use]
    pub fn takes(&self, issue: &Issue) -> bool {
        issue.state == IssueState::Open
            && self
                .label
                .as_ref()
                .is_none_or(|label| issue.has_label(label))
            && (self.numbers.is_empty() || self.numbers.contains(&issue.number))
            && !self
                .exclude_labels
                .iter()
                .any(|label| issue.has_label(label))
            && self.filter.stops(issue).is_none()
    }

    /// One line that names the selection, the same for the same selection: the key of its lock.
    #[must_use]
    pub fn name(&self) -> String {
        if self.follow_up {
            return "pulls".to_owned();
        }
        let mut parts: Vec<String> = self
            .label
            .iter()
            .map(|label| format!("label {label}"))
            .collect();
        if !self.numbers.is_empty() {
            let mut numbers = self.numbers.clone();
            numbers.sort_unstable();
            numbers.dedup();
            let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            parts.push(format!("issues {}", numbers.join(" ")));
        }
        parts.extend(self.filter.words());
        parts.join(", ")
    }
}

/// How urgent a label says it is; a lower rank goes first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// `P0`, `critical`.
    Critical,
    /// `P1`, `high`.
    High,
    /// `P2`, `medium`, or no such label.
    #[default]
    Medium,
    /// `P3`, `low`.
    Low,
}

impl Priority {
    /// One word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }

    /// The most urgent that a label names, medium where none does.
    #[must_use]
    pub fn of_labels(labels: &[String]) -> Self {
        Self::named(labels).unwrap_or_default()
    }

    /// The most urgent that a label names: `P1`, `critical`, `priority: high`, `priority/2`, `low priority`.
    #[must_use]
    pub fn named(labels: &[String]) -> Option<Self> {
        labels
            .iter()
            .filter_map(|label| Self::of_label(label))
            .min()
    }

    fn of_label(label: &str) -> Option<Self> {
        let label = label.to_lowercase();
        let words = || {
            label
                .split(|char: char| !char.is_alphanumeric())
                .filter(|word| !word.is_empty())
        };
        let is_scale = |word: &&str| ["priority", "prio", "severity", "urgency"].contains(word);
        let mut levels = words().filter(|word| !is_scale(word));
        let level = levels.next()?;
        let is_alone = levels.next().is_none();
        let is_scaled = words().any(|word| is_scale(&word));
        match level {
            _ if !is_alone => None,
            "p0" | "critical" | "urgent" | "blocker" | "highest" => Some(Self::Critical),
            "p1" | "high" => Some(Self::High),
            "p2" | "medium" | "normal" => Some(Self::Medium),
            "p3" | "p4" | "low" | "lowest" => Some(Self::Low),
            "0" if is_scaled => Some(Self::Critical),
            "1" if is_scaled => Some(Self::High),
            "2" if is_scaled => Some(Self::Medium),
            "3" if is_scaled => Some(Self::Low),
            _ => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An open issue with these words.
    pub(crate) fn issue(title: &str, body: &str) -> Issue {
        Issue {
            number: IssueNumber(12),
            title: title.to_owned(),
            body: body.to_owned(),
            labels: Vec::new(),
            state: IssueState::Open,
            author: None,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            url: None,
            depends_on: Vec::new(),
            assignees: Vec::new(),
            milestone: None,
            parts: Vec::new(),
            pulls: Vec::new(),
        }
    }

    #[test]
    fn the_most_urgent_label_wins() {
        let check = |labels: &[&str], expect: Priority| {
            let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
            assert_eq!(Priority::of_labels(&labels), expect, "{labels:?}");
        };
        check(&[], Priority::Medium);
        check(&["bug", "good first issue"], Priority::Medium);
        check(&["low", "P1"], Priority::High);
        check(&["p3"], Priority::Low);
        check(&["priority: high"], Priority::High);
        check(&["priority/high", "Critical"], Priority::Critical);
        check(&["🔥 Urgent"], Priority::Critical);
        check(&["low priority"], Priority::Low);
        check(&["prio-3"], Priority::Low);
        check(&["low-hanging fruit", "3", "highlight"], Priority::Medium);
    }
}
