//! Tries a session's work together: merged in order in the mirror, checked as one, and what breaks it found.

use crate::engine::halt::error_line;
use crate::engine::orders::Orders;
use crate::engine::verify::{BaseVerdicts, Verification};
use crate::ports::{Activity, Clash, Interrupted, Ports, RepositoryError, Stop, Watch};
use crate::rules::certificate::{Certificate, LeftOut, Part, Proof, Why, leave_out};
use crate::rules::event::ProcessIdentity;
use crate::rules::ids::{CommitId, SessionId, TreeId};
use crate::rules::task::{Commit, DiffStat, Verdict};
use async_trait::async_trait;

/// How often the checks run at most: once over all, and enough to find two that break a set of a hundred.
const MOST_RUNS: u32 = 16;

/// One trial.
pub(super) struct Trial<'a> {
    pub(super) ports: &'a Ports,
    pub(super) orders: &'a Orders,
    pub(super) bases: &'a BaseVerdicts,
    pub(super) session: &'a SessionId,
    pub(super) base_branch: &'a str,
    pub(super) stop: &'a Stop,
}

/// Why a trial told nothing.
enum Untried {
    Stopped,
    Repository(RepositoryError),
    Unable(String),
}

impl From<RepositoryError> for Untried {
    fn from(error: RepositoryError) -> Self {
        Self::Repository(error)
    }
}

/// What is known so far.
struct Sofar {
    base: CommitId,
    kept: Vec<Part>,
    left_out: Vec<LeftOut>,
    runs: u32,
}

impl Trial<'_> {
    /// Nothing else of the session runs by now.
    fn env(&self) -> Vec<(String, String)> {
        let session = ("AUTOISSUE_SESSION".to_owned(), self.session.to_string());
        let mut env = self.orders.ports.variables(0);
        env.push(session);
        env
    }

    /// Tries the parts, those that others stand on first; `None` when told to stop.
    pub(super) async fn run(&self, parts: &[Part]) -> Option<Certificate> {
        match self.try_all(parts).await {
            Ok(certificate) => Some(certificate),
            Err(Untried::Stopped) => None,
            Err(Untried::Repository(error)) => Some(Certificate::unknown(error_line(&error))),
            Err(Untried::Unable(reason)) => Some(Certificate::unknown(reason)),
        }
    }

    async fn try_all(&self, parts: &[Part]) -> Result<Certificate, Untried> {
        let mut sofar = Sofar {
            base: self.ports.repository.fetch(self.base_branch).await?,
            kept: parts.to_vec(),
            left_out: Vec::new(),
            runs: 0,
        };
        let proof = loop {
            let head = self.merge(&mut sofar).await?;
            if self.orders.checks.is_empty() {
                break Proof::Merged;
            }
            let Some(broken) = self.failing(&head, &mut sofar).await? else {
                let checks = self.orders.checks.iter().map(|check| check.name.clone());
                break Proof::Passed {
                    checks: checks.collect(),
                };
            };
            if sofar.kept.len() < 2 || !self.leave_breaker_out(broken, &mut sofar).await? {
                let reason = format!(
                    "nothing that passes was found in {} runs of the checks",
                    sofar.runs
                );
                break Proof::Unknown { reason };
            }
        };
        Ok(Certificate {
            base: Some(sofar.base),
            together: sofar.kept.iter().map(|part| part.issue).collect(),
            left_out: sofar.left_out,
            proof,
            runs: sofar.runs,
        })
    }

    /// Merges what is kept, and leaves out what conflicts.
    async fn merge(&self, sofar: &mut Sofar) -> Result<CommitId, Untried> {
        loop {
            let joined = self
                .ports
                .repository
                .join(&chain(sofar, sofar.kept.len()))
                .await?;
            let Some(clash) = joined.clashes.into_iter().next() else {
                return Ok(joined.base);
            };
            let is_it = |part: &&Part| part.commit == clash.commit;
            let Some(issue) = sofar.kept.iter().find(is_it).map(|part| part.issue) else {
                return Err(Untried::Unable(format!(
                    "{} conflicts with itself",
                    clash.commit
                )));
            };
            let why = self.conflict(&sofar.base, clash).await?;
            leave_out(&mut sofar.kept, &mut sofar.left_out, issue, why);
        }
    }

    /// With whom it conflicts: with what comes before it, or with the base itself.
    async fn conflict(&self, base: &CommitId, clash: Clash) -> Result<Why, Untried> {
        let pair = (base.clone(), clash.commit);
        let alone = self.ports.repository.test_merges(&[pair]).await?;
        Ok(match alone.into_iter().next() {
            Some(paths) if !paths.is_empty() => Why::Outdated { paths },
            Some(_) | None => Why::Conflicts { paths: clash.paths },
        })
    }

    /// Finds the first that makes the checks fail, by halves, and leaves it out; `false` where that takes too many runs.
    async fn leave_breaker_out(
        &self,
        mut broken: Vec<String>,
        sofar: &mut Sofar,
    ) -> Result<bool, Untried> {
        let (mut good, mut bad) = (0, sofar.kept.len());
        while bad - good > 1 {
            if sofar.runs >= MOST_RUNS {
                return Ok(false);
            }
            let middle = good.midpoint(bad);
            let head = self
                .ports
                .repository
                .join(&chain(sofar, middle))
                .await?
                .base;
            match self.failing(&head, sofar).await? {
                Some(checks) => (bad, broken) = (middle, checks),
                None => good = middle,
            }
        }
        let issue = sofar.kept[bad - 1].issue;
        let why = Why::Breaks { checks: broken };
        leave_out(&mut sofar.kept, &mut sofar.left_out, issue, why);
        Ok(sofar.runs < MOST_RUNS)
    }

    /// The checks that fail on a commit and not on the base, if any do.
    async fn failing(
        &self,
        head: &CommitId,
        sofar: &mut Sofar,
    ) -> Result<Option<Vec<String>>, Untried> {
        sofar.runs += 1;
        let verification = Verification {
            ports: self.ports,
            orders: self.orders,
            bases: self.bases,
            env: self.env(),
            watch: &Unwatched,
            stop: self.stop,
        };
        let commit = Commit {
            id: head.clone(),
            tree: TreeId::new(""),
            base: sofar.base.clone(),
            diff: DiffStat::default(),
        };
        let reports = verification.run(&commit).await?.ok_or(Untried::Stopped)?;
        let failed = reports.iter().filter(|report| report.verdict.stops());
        let failed: Vec<_> = failed.collect();
        if let Some(report) = failed
            .iter()
            .find(|report| report.verdict == Verdict::Unable)
        {
            return Err(Untried::Unable(format!(
                "{} could not be started",
                report.name
            )));
        }
        let names: Vec<String> = failed.iter().map(|report| report.name.clone()).collect();
        Ok((!names.is_empty()).then_some(names))
    }
}

/// The base, and the first so many of what is kept.
fn chain(sofar: &Sofar, count: usize) -> Vec<CommitId> {
    let parts = sofar.kept.iter().take(count);
    std::iter::once(sofar.base.clone())
        .chain(parts.map(|part| part.commit.clone()))
        .collect()
}

/// Nobody looks on: nothing of it is any single task's.
struct Unwatched;

#[async_trait]
impl Watch for Unwatched {
    async fn spawned(&self, _: ProcessIdentity) -> Result<(), Interrupted> {
        Ok(())
    }

    fn activity(&self, _: Activity) {}
}
