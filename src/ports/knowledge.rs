//! What the repository's files and its past say of an issue.

use crate::rules::classify::Domain;
use crate::rules::evaluate::background::Background;
use crate::rules::evaluate::similar::Resolved;
use crate::rules::footprint::Footprint;
use crate::rules::issue::Issue;
use async_trait::async_trait;

/// Why nothing was learned of an issue. No run stops for it: the issue's own text still stands.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnowledgeError {
    /// The index cannot be read or written.
    #[error("{action}: {detail}")]
    Index {
        /// What was tried.
        action: String,
        /// What went wrong.
        detail: String,
    },
    /// The history cannot be read.
    #[error("{0}")]
    History(#[from] super::RepositoryError),
}

/// What the repository's files and its past say of an issue.
#[async_trait]
pub trait Knowledge: Send + Sync {
    /// The files that work on this issue will likely touch.
    async fn footprint(&self, issue: &Issue, domain: Domain) -> Result<Footprint, KnowledgeError>;
    /// What else its evaluation rests on: work of the past that reads like it, our own `record` first, and which of these
    /// likely files nobody owns.
    async fn background(
        &self,
        issue: &Issue,
        footprint: &Footprint,
        record: &[Resolved],
    ) -> Result<Background, KnowledgeError>;
}
