//! The live merge matrix: work is merged for a trial as it appears, by one run at a time.

use crate::engine::session::Loop;
use crate::ports::Ports;
use crate::rules::event::Input;
use crate::rules::ids::IssueNumber;
use crate::rules::rework::{Conflict, Pair};

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
            .spawn(async move { test(&ports, issues, pairs).await });
    }
}

/// What cannot be tried is said to be tried: a conflict in it is found when all is tried together.
async fn test(ports: &Ports, issues: Vec<IssueNumber>, pairs: Vec<Pair>) -> Input {
    let commits: Vec<_> = pairs
        .iter()
        .map(|pair| (pair.one.1.clone(), pair.other.1.clone()))
        .collect();
    let found = if commits.is_empty() {
        Ok(Vec::new())
    } else {
        ports.repository.test_merges(&commits).await
    };
    let found = found.unwrap_or_else(|error| {
        tracing::warn!(%error, "the work of these tasks could not be merged for a trial");
        Vec::new()
    });
    let conflicts = pairs
        .iter()
        .zip(found)
        .filter(|(_, paths)| !paths.is_empty())
        .map(|(pair, paths)| Conflict {
            issue: pair.one.0,
            with: pair.other.0,
            paths,
        });
    let conflicts = conflicts.collect();
    Input::TestMerged { issues, conflicts }
}
