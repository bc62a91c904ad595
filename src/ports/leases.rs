//! The right to work on an issue, among all machines.

use crate::ports::RepositoryError;
use crate::rules::ids::IssueNumber;
use crate::rules::lease::Elsewhere;
use async_trait::async_trait;
use std::time::Duration;

/// What came of asking for issues.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Those that nobody held for us until now: others may have worked on them meanwhile.
    pub fresh: Vec<IssueNumber>,
    /// Those that others hold.
    pub elsewhere: Vec<Elsewhere>,
}

/// The right of one session to work on issues, kept where all machines see it. What it holds is renewed from time to time,
/// else others may take it over.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Takes these issues, or goes on holding them.
    async fn take(&self, issues: &[IssueNumber]) -> Result<Taken, RepositoryError>;
    /// Renews all that is held; those that others took over meanwhile are held no longer.
    async fn renew(&self) -> Result<Vec<Elsewhere>, RepositoryError>;
    /// Is it held for certain, so that nobody can have taken it over yet? Asks nobody.
    fn is_certain(&self, issue: IssueNumber) -> bool;
    /// Gives these issues up, as far as they are held.
    async fn release(&self, issues: &[IssueNumber]) -> Result<(), RepositoryError>;
    /// How often to renew; never where nothing ends by itself.
    fn renew_every(&self) -> Option<Duration>;
}

/// Where no other machine works on the same issues, all of them are ours.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLeases;

#[async_trait]
impl Leases for NoLeases {
    async fn take(&self, _issues: &[IssueNumber]) -> Result<Taken, RepositoryError> {
        Ok(Taken::default())
    }

    async fn renew(&self) -> Result<Vec<Elsewhere>, RepositoryError> {
        Ok(Vec::new())
    }

    fn is_certain(&self, _issue: IssueNumber) -> bool {
        true
    }

    async fn release(&self, _issues: &[IssueNumber]) -> Result<(), RepositoryError> {
        Ok(())
    }

    fn renew_every(&self) -> Option<Duration> {
        None
    }
}
