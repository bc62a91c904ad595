//! What GitHub's checks say of a commit: check runs with their logs, and statuses of other services.

use crate::adapters::github::address::percent;
use crate::adapters::github::forge::GitHub;
use crate::adapters::github::pull_wire::{
    WireCheckRun, WireCheckRuns, WireCheckSuite, WireCheckSuites, WireCombined, WireStatus,
};
use crate::adapters::github::reply::unknown;
use crate::ports::ForgeError;
use crate::rules::follow::log::trimmed;
use crate::rules::follow::shape::{Checks, Said, SaidId, Source};
use crate::rules::ids::CommitId;
use std::collections::HashMap;
use std::sync::{MutexGuard, PoisonError};

/// Of a log at most, in bytes.
const LOG_MAX: usize = 12_000;
/// So many logs are kept.
const LOGS: usize = 500;
/// Pages of check runs at most.
const PAGES: usize = 10;
const PAGE: usize = 100;

impl GitHub {
    /// What checks say of the newest commit of a branch, and which that is.
    pub async fn branch_checks(&self, branch: &str) -> Result<(CommitId, Checks), ForgeError> {
        let action = format!("read where {branch} stands");
        // A branch by its full name is no tag (<https://docs.github.com/en/rest/commits/statuses>).
        let name = percent(&format!("heads/{branch}"));
        let path = self.path(&format!("/commits/{name}/status?per_page=1"));
        let combined: WireCombined = self.client.get(&action, &path).await?;
        let commit = CommitId::new(combined.sha);
        let checks = self.read_checks(&commit).await?;
        Ok((commit, checks))
    }

    pub(super) async fn read_checks(&self, commit: &CommitId) -> Result<Checks, ForgeError> {
        let mut checks = Checks::default();
        for run in self.check_runs(commit).await? {
            match (run.status.as_str(), run.conclusion.as_deref()) {
                ("completed", Some("failure" | "timed_out" | "startup_failure")) => {
                    checks.failed.push(self.failed_run(run).await);
                }
                ("completed", Some("success" | "neutral" | "skipped")) => checks.passed += 1,
                // Cancelled, stale, or still at work: nobody knows yet.
                _ => checks.pending.push(run.name),
            }
        }
        let statuses = self.statuses(commit).await?;
        if statuses.len() == PAGE {
            checks
                .pending
                .push("more statuses than are read".to_owned());
        }
        for status in statuses {
            match status.state.as_str() {
                "success" => checks.passed += 1,
                "failure" | "error" => checks.failed.push(failed_status(status)),
                _ => checks.pending.push(status.context),
            }
        }
        if checks.pending.is_empty() && !checks.is_silent() {
            checks.pending = self.unfinished_suites(commit).await?;
        }
        Ok(checks)
    }

    /// Jobs that wait for others have no check run until those have ended; their suite tells that it is not done.
    async fn unfinished_suites(&self, commit: &CommitId) -> Result<Vec<String>, ForgeError> {
        let action = format!("read the check suites of {commit}");
        let path = self.path(&format!("/commits/{commit}/check-suites?per_page={PAGE}"));
        let suites: WireCheckSuites = self.client.get(&action, &path).await?;
        let unfinished = suites.check_suites.into_iter().filter(|suite| {
            suite.latest_check_runs_count > 0 && suite.status.as_deref() != Some("completed")
        });
        let name = |suite: WireCheckSuite| suite.app.and_then(|app| app.slug);
        Ok(unfinished
            .map(|suite| name(suite).unwrap_or_else(|| "a check suite".to_owned()))
            .collect())
    }

    async fn check_runs(&self, commit: &CommitId) -> Result<Vec<WireCheckRun>, ForgeError> {
        let action = format!("read the checks of {commit}");
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let path = self.path(&format!(
                "/commits/{commit}/check-runs?per_page={PAGE}&page={page}"
            ));
            let runs: WireCheckRuns = self.client.get(&action, &path).await?;
            all.extend(runs.check_runs);
            if runs.total_count <= page * PAGE {
                return Ok(all);
            }
        }
        Err(unknown(&action, "there are more than a thousand"))
    }

    async fn statuses(&self, commit: &CommitId) -> Result<Vec<WireStatus>, ForgeError> {
        let action = format!("read the statuses of {commit}");
        let path = self.path(&format!("/commits/{commit}/status?per_page={PAGE}"));
        let combined: WireCombined = self.client.get(&action, &path).await?;
        Ok(combined.statuses)
    }

    async fn failed_run(&self, run: WireCheckRun) -> Said {
        let slug = run.app.as_ref().and_then(|app| app.slug.clone());
        let mut text = String::new();
        if slug.as_deref() == Some("github-actions") {
            text = self.job_log(&run).await;
        }
        if text.trim().is_empty() {
            let output = run.output.unwrap_or_default();
            let parts = [output.title, output.summary, output.text];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            text = trimmed(&parts.join("\n"), LOG_MAX);
        }
        failed(run.id, run.name, text)
    }

    /// The log of a job, which has the number of its check run. One that is gone is no reason to stop.
    async fn job_log(&self, run: &WireCheckRun) -> String {
        if let Some(known) = self.kept_logs().get(&run.id) {
            return known.clone();
        }
        let action = format!("read the log of {}", run.name);
        let path = self.path(&format!("/actions/jobs/{}/logs", run.id));
        match self.client.text(&action, &path).await {
            Ok(log) => {
                let text = trimmed(&log, LOG_MAX);
                let mut logs = self.kept_logs();
                if logs.len() >= LOGS {
                    logs.clear();
                }
                logs.insert(run.id, text.clone());
                text
            }
            Err(error) => {
                tracing::info!(check = %run.name, %error, "its log cannot be had");
                String::new()
            }
        }
    }

    fn kept_logs(&self) -> MutexGuard<'_, HashMap<u64, String>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed_status(status: WireStatus) -> Said {
    failed(
        status.id,
        status.context,
        status.description.unwrap_or_default(),
    )
}

fn failed(number: u64, by: String, text: String) -> Said {
    Said {
        id: SaidId {
            source: Source::Check,
            number,
        },
        thread: None,
        by,
        at: None,
        text,
    }
}
