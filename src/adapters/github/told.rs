//! What GitHub is told, in its own shapes.

use crate::rules::issue::IssueDraft;
use crate::rules::task::PullDraft;
use serde::Serialize;

/// Opens a pull.
#[derive(Debug, Serialize)]
pub struct OpenPull<'a> {
    title: &'a str,
    head: &'a str,
    base: &'a str,
    body: &'a str,
    draft: bool,
}

impl<'a> From<&'a PullDraft> for OpenPull<'a> {
    fn from(draft: &'a PullDraft) -> Self {
        Self {
            title: &draft.title,
            head: draft.head.as_str(),
            base: &draft.base,
            body: &draft.body,
            draft: draft.draft,
        }
    }
}

/// Corrects a pull. `draft` is not among what GitHub lets us change this way.
#[derive(Debug, Serialize)]
pub struct CorrectPull<'a> {
    title: &'a str,
    base: &'a str,
    body: &'a str,
}

impl<'a> From<&'a PullDraft> for CorrectPull<'a> {
    fn from(draft: &'a PullDraft) -> Self {
        Self {
            title: &draft.title,
            base: &draft.base,
            body: &draft.body,
        }
    }
}

/// Changes the description of a pull.
#[derive(Debug, Serialize)]
pub struct DescribePull<'a> {
    /// Markdown.
    pub body: &'a str,
}

/// Comments on an issue.
#[derive(Debug, Serialize)]
pub struct AddComment<'a> {
    /// Markdown.
    pub body: &'a str,
}

/// Opens an issue.
#[derive(Debug, Serialize)]
pub struct OpenIssue<'a> {
    title: &'a str,
    body: &'a str,
    labels: &'a [String],
}

impl<'a> From<&'a IssueDraft> for OpenIssue<'a> {
    fn from(draft: &'a IssueDraft) -> Self {
        Self {
            title: &draft.title,
            body: &draft.body,
            labels: &draft.labels,
        }
    }
}

/// Gives an issue another text.
#[derive(Debug, Serialize)]
pub struct ChangeIssue<'a> {
    /// Markdown.
    pub body: &'a str,
}

/// Makes an issue wait for another.
#[derive(Debug, Serialize)]
pub struct AddBlocker {
    /// What the database calls the other.
    pub issue_id: u64,
}

/// Makes an issue a part of another.
#[derive(Debug, Serialize)]
pub struct AddPart {
    /// What the database calls the part.
    pub sub_issue_id: u64,
}

/// Puts labels on an issue.
#[derive(Debug, Serialize)]
pub struct AddLabels<'a> {
    /// Their names.
    pub labels: [&'a str; 1],
}

/// Creates a label in the repository.
#[derive(Debug, Serialize)]
pub struct CreateLabel<'a> {
    /// Its name, at most 50 characters.
    pub name: &'a str,
    /// Six hexadecimal digits, without `#`.
    pub color: &'a str,
    /// At most 100 characters.
    pub description: &'a str,
}
