//! What GitHub's checks say of a commit: check runs with their logs, and statuses of other services.

use crate::adapters::github::forge::GitHub;
use crate::adapters::github::pull_wire::{WireCheckRun, WireCheckRuns, WireCombined, WireStatus};
use crate::ports::ForgeError;
use crate::rules::follow::log::trimmed;
use crate::rules::follow::shape::{Checks, Said, SaidId, Source};
use crate::rules::ids::CommitId;

/// Of a log at most, in bytes.
const LOG_MAX: usize = 12_000;
/// Pages of check runs at most.
const PAGES: u64 = 10;
const PAGE: u64 = 100;

impl GitHub {
    pub(super) async fn read_checks(&self, commit: &CommitId) -> Result<Checks, ForgeError> {
        let mut checks = Checks::default();
        for run in self.check_runs(commit).await? {
            match (run.status.as_str(), run.conclusion.as_deref()) {
                ("completed", Some("failure" | "timed_out" | "startup_failure")) => {
                    checks.failed.push(self.failed_run(run).await);
                }
                // It waits for a person.
                ("completed", Some("action_required")) => checks.pending.push(run.name),
                ("completed", _) => checks.passed += 1,
                _ => checks.pending.push(run.name),
            }
        }
        for status in self.statuses(commit).await? {
            match status.state.as_str() {
                "success" => checks.passed += 1,
                "failure" | "error" => checks.failed.push(failed_status(status)),
                _ => checks.pending.push(status.context),
            }
        }
        Ok(checks)
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
                break;
            }
        }
        Ok(all)
    }

    async fn statuses(&self, commit: &CommitId) -> Result<Vec<WireStatus>, ForgeError> {
        let action = format!("read the statuses of {commit}");
        let path = self.path(&format!("/commits/{commit}/status?per_page={PAGE}"));
        let combined: WireCombined = self.client.get(&action, &path).await?;
        Ok(combined.statuses)
    }

    async fn failed_run(&self, run: WireCheckRun) -> Said {
        let slug = run.app.and_then(|app| app.slug);
        let mut text = String::new();
        if slug.as_deref() == Some("github-actions") {
            // A check run of Actions has the number of its job. A log that is gone is no reason to stop.
            let action = format!("read the log of {}", run.name);
            let path = self.path(&format!("/actions/jobs/{}/logs", run.id));
            match self.client.text(&action, &path).await {
                Ok(log) => text = trimmed(&log, LOG_MAX),
                Err(error) => tracing::info!(check = %run.name, %error, "its log cannot be had"),
            }
        }
        if text.trim().is_empty() {
            let output = run.output.unwrap_or_default();
            let parts = [output.title, output.summary, output.text];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            text = trimmed(&parts.join("\n"), LOG_MAX);
        }
        failed(run.id, run.name, text)
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
