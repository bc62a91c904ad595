//! Where issues are opened, and tied to each other.

use crate::ports::forge::ForgeError;
use crate::rules::ids::IssueNumber;
use crate::rules::issue::{Issue, IssueDraft};
use async_trait::async_trait;

/// How two issues belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// One has to be done before the other.
    Blocks {
        /// The one that is done first.
        first: IssueNumber,
        /// The one that waits for it.
        then: IssueNumber,
    },
    /// One is a part of the other.
    PartOf {
        /// The whole.
        parent: IssueNumber,
        /// The part.
        child: IssueNumber,
    },
}

/// Did the forge record a tie?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tied {
    /// It did, or had already.
    Natively,
    /// It has nothing for that; the issues' own texts have to say it.
    InTextOnly,
}

/// Opens issues and ties them together. What is sent once is looked for by its caller first.
#[async_trait]
pub trait Tracker: Send + Sync {
    /// Makes sure that the repository has the label; twice is once.
    async fn ensure_label(&self, label: &str) -> Result<(), ForgeError>;
    /// Every issue with the label, in any state, all pages, from the list itself: a search index lags behind.
    async fn labelled(&self, label: &str) -> Result<Vec<Issue>, ForgeError>;
    /// Opens an issue with its labels. Sent once.
    async fn open_issue(&self, draft: &IssueDraft) -> Result<IssueNumber, ForgeError>;
    /// Gives an issue this text.
    async fn rewrite(&self, issue: IssueNumber, body: &str) -> Result<(), ForgeError>;
    /// Records how two issues belong together; twice is once.
    async fn tie(&self, tie: Tie) -> Result<Tied, ForgeError>;
}
