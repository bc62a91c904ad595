//! The live merge matrix: work is merged for a trial as it appears, and while agents work; one run at a time.

use crate::engine::link::Message;
use crate::engine::merges;
use crate::engine::session::Loop;
use crate::ports::{Ports, RepositoryError};
use crate::rules::event::Input;
use crate::rules::ids::{AttemptNumber, BranchName, CommitId, IssueNumber, Timestamp};
use crate::rules::rework::{Conflict, Outdated, Pair, Touched};
use crate::rules::schedule::live::Lookout;
use crate::rules::schedule::session::Session;
use std::collections::HashMap;

impl Loop<'_> {
    /// Begins a run over all that is new, unless one runs: what appears meanwhile is the next one's.
    pub(super) fn test_merges(&mut self) {
        if !self.trials.is_empty() {
            return;
        }
        let Some((issues, pairs)) = self.live.session.to_test() else {
            return;
        };
        let ports = self.live.ports.clone();
        self.trials
            .spawn(async move { Some(test(&ports, issues, pairs).await) });
    }

    /// Looks at running work, where that is due and something could come of it. A run over what is new goes first.
    pub(super) fn look_at_work(&mut self) {
        let now = self.live.ports.clock.now();
        if !self.is_due(self.looked, now) || !self.trials.is_empty() {
            return;
        }
        let Some(lookout) = self.live.session.lookout() else {
            return;
        };
        self.looked = now;
        let ports = self.live.ports.clone();
        self.trials
            .spawn(async move { look(&ports, &lookout).await });
    }

    /// Looks whether the base branch has moved on, where there is work that stands on it. That asks the remote, so
    /// nothing waits for it.
    pub(super) fn look_at_base(&mut self) {
        let now = self.live.ports.clock.now();
        let runs = self
            .base_look
            .as_ref()
            .is_some_and(|look| !look.is_finished());
        if runs || !self.is_due(self.base_looked, now) || !self.live.session.has_work_on_base() {
            return;
        }
        self.base_looked = now;
        let (ports, sender) = (self.live.ports.clone(), self.sender.clone());
        let session = self.live.session.clone();
        let look = self.announcements.spawn(async move {
            for input in try_on_base(&ports, &session).await {
                let durable = None;
                if sender.send(Message { input, durable }).await.is_err() {
                    return;
                }
            }
        });
        self.base_look = Some(look);
    }

    fn is_due(&self, last: Timestamp, now: Timestamp) -> bool {
        let every = u64::from(self.live.session.settings().together.look_seconds) * 1_000;
        every > 0 && now.millis_since(last) >= every
    }
}

/// Tries what is offered with the base branch as it stands now. What a person has merged conflicts with nothing.
async fn try_on_base(ports: &Ports, session: &Session) -> Vec<Input> {
    let branch = &session.settings().base_branch;
    let found = async {
        let base = ports.repository.fetch(branch).await?;
        let tried = session.to_try_on(&base);
        let pairs = tried
            .iter()
            .map(|(_, commit)| (commit.clone(), base.clone()));
        let pairs: Vec<(CommitId, CommitId)> = pairs.collect();
        let found = if pairs.is_empty() {
            Vec::new()
        } else {
            ports.repository.test_merges(&pairs).await?
        };
        Ok::<_, RepositoryError>((base, tried, found))
    };
    let (base, mut tried, found) = match found.await {
        Ok(found) => found,
        Err(error) => {
            tracing::debug!(%error, "what is offered could not be tried with the base branch");
            return Vec::new();
        }
    };
    let conflicting = tried.iter().cloned().zip(found);
    let conflicting: Vec<_> = conflicting.filter(|(_, paths)| !paths.is_empty()).collect();
    let awaited = conflicting.iter().map(|(work, _)| work.clone()).collect();
    let mut inputs = merges::look(ports, branch, awaited).await;
    let is_merged = |issue: IssueNumber| {
        let merged = Input::Merged { issue };
        inputs.contains(&merged)
    };
    tried.retain(|(issue, _)| !is_merged(*issue));
    let mut outdated = Vec::new();
    for ((issue, _), paths) in conflicting {
        if !is_merged(issue) && !is_turned_down(ports, session, issue).await {
            outdated.push(Outdated { issue, paths });
        }
    }
    inputs.push(Input::TriedOnBase {
        base,
        tried,
        outdated,
    });
    inputs
}

/// Did a person close its pull? Then nobody wants it brought onto anything.
async fn is_turned_down(ports: &Ports, session: &Session, issue: IssueNumber) -> bool {
    let record = session.entry(issue).map(|entry| &entry.record);
    let Some(pull) = record.and_then(|record| record.pull.as_deref()) else {
        return false;
    };
    match ports.forge.pulls_from(&BranchName::new(&pull.head)).await {
        Ok(pulls) => pulls.iter().all(|pull| !pull.open),
        Err(error) => {
            tracing::debug!(%issue, %error, "could not see whether its pull is open");
            false
        }
    }
}

/// What cannot be tried is said to be tried: a conflict in it is found when all is tried together.
async fn test(ports: &Ports, issues: Vec<IssueNumber>, pairs: Vec<Pair>) -> Input {
    let commits = commits(&pairs);
    let found = if commits.is_empty() {
        Ok(Vec::new())
    } else {
        ports.repository.test_merges(&commits).await
    };
    let conflicts = conflicts(pairs, found);
    Input::TestMerged { issues, conflicts }
}

/// What cannot be seen now is seen the next time, or by its commit.
async fn look(ports: &Ports, lookout: &Lookout) -> Option<Input> {
    let attempts: HashMap<IssueNumber, AttemptNumber> = lookout.running.iter().copied().collect();
    let issues: Vec<IssueNumber> = lookout.running.iter().map(|(issue, _)| *issue).collect();
    let look = match ports.repository.look(&issues).await {
        Ok(look) => look,
        Err(error) => {
            tracing::debug!(%error, "running work could not be looked at");
            return None;
        }
    };
    let pairs = lookout.pairs(look.seen());
    let found = if pairs.is_empty() {
        Ok(Vec::new())
    } else {
        look.test_merges(&commits(&pairs)).await
    };
    let touched = look.seen().iter().filter_map(|seen| {
        Some(Touched {
            issue: seen.issue,
            attempt: *attempts.get(&seen.issue)?,
            paths: seen.diff.paths.clone(),
        })
    });
    Some(Input::Looked {
        touched: touched.collect(),
        conflicts: conflicts(pairs, found),
    })
}

fn commits(pairs: &[Pair]) -> Vec<(CommitId, CommitId)> {
    let both = |pair: &Pair| (pair.one.1.clone(), pair.other.1.clone());
    pairs.iter().map(both).collect()
}

fn conflicts(pairs: Vec<Pair>, found: Result<Vec<Vec<String>>, RepositoryError>) -> Vec<Conflict> {
    let found = found.unwrap_or_else(|error| {
        tracing::warn!(%error, "the work of these tasks could not be merged for a trial");
        Vec::new()
    });
    let conflicting = pairs.into_iter().zip(found);
    conflicting
        .filter(|(_, paths)| !paths.is_empty())
        .map(|(pair, paths)| Conflict {
            issue: pair.one.0,
            with: pair.other.0,
            paths,
        })
        .collect()
}
