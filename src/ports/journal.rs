//! A session's events, made durable.

use crate::rules::event::{Progress, Recorded, Wish};
use crate::rules::ids::SessionId;
use crate::rules::money::Usd;
use async_trait::async_trait;

/// Why events were not made durable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// A grant would pass the daily ceiling, because other sessions have spent or set aside this much today.
    #[error("other sessions have spent or set aside {elsewhere} today")]
    DailyCeiling {
        /// Their sum.
        elsewhere: Usd,
    },
    /// The disk, or the database, said no. The session must end.
    #[error("write the journal: {detail}")]
    Write {
        /// What it said.
        detail: String,
    },
    /// What stands there cannot be read.
    #[error("read the journal: {detail}")]
    Read {
        /// What is wrong with it.
        detail: String,
    },
    /// A newer program wrote it; it was left as it is.
    #[error("the journal has format {found}, this program knows up to {known}")]
    Newer {
        /// What stands there.
        found: u32,
        /// What this program knows.
        known: u32,
    },
}

/// The ordered, durable list of one session's events, with the money ledger kept in the same transactions.
#[async_trait]
pub trait Journal: Send + Sync {
    /// The session it belongs to.
    fn session(&self) -> &SessionId;
    /// Makes the events durable, all or none, and the ledger with them.
    async fn append(&self, events: &[Recorded]) -> Result<(), JournalError>;
    /// All events, in order.
    async fn events(&self) -> Result<Vec<Recorded>, JournalError>;
    /// What other sessions have spent or set aside on this UTC day.
    async fn spent_elsewhere(&self, day: i64) -> Result<Usd, JournalError>;
    /// Commands for this session that nobody took yet, the oldest first; taken when their `CommandTaken` is appended.
    async fn commands(&self) -> Result<Vec<Wish>, JournalError>;
    /// Remembers the last progress of a task, for other processes to read; may be lost.
    fn progress(&self, progress: &Progress);
}
