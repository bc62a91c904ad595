//! One line about one event: what it is about, what there is to say, and how much it matters.

use crate::reporters::paint::{Paint, Tone};
use crate::rules::ids::IssueNumber;

/// One line about one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How much it matters.
    pub weight: Weight,
    /// How its head is painted.
    pub tone: Tone,
    /// What it is about.
    pub head: String,
    /// What there is to say.
    pub text: String,
}

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// One of the steps that live bars show anyway.
    Step,
    /// Stays on the screen.
    News,
}

impl Line {
    /// The line as it is shown.
    #[must_use]
    pub fn shown(&self, paint: Paint) -> String {
        format!("{}{}", paint.tone(self.tone, &self.head), self.text)
    }

    pub(super) fn step(head: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            weight: Weight::Step,
            tone: Tone::Plain,
            head: head.into(),
            text: text.into(),
        }
    }

    pub(super) fn about(issue: IssueNumber, text: impl Into<String>) -> Self {
        Self::step(issue.to_string(), text)
    }

    pub(super) fn warn(issue: IssueNumber, text: impl Into<String>) -> Self {
        Self::news(Tone::Warn, issue.to_string(), text)
    }

    pub(super) fn news(tone: Tone, head: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            weight: Weight::News,
            tone,
            head: head.into(),
            text: text.into(),
        }
    }
}
