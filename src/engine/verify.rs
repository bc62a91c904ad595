//! Runs the checks on a commit, and judges what fails against the base.

use crate::engine::orders::{Check, Orders, Reach};
use crate::ports::{
    CommandEnd, CommandOrder, CommandReport, Ports, Probe, RepositoryError, Stop, Watch,
};
use crate::rules::checks::near::is_near;
use crate::rules::checks::shape::CheckKind;
use crate::rules::ids::CommitId;
use crate::rules::port_blocks;
use crate::rules::task::{CheckReport, Commit, Verdict};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::sync::OnceCell;

/// What checks say of base commits; each is asked once a session, and only where a head failed.
#[derive(Debug, Default)]
pub struct BaseVerdicts {
    known: Mutex<HashMap<(CommitId, String), Passes>>,
}

/// Does a check pass on a commit? Asked once.
type Passes = Arc<OnceCell<bool>>;

/// Why nobody knows whether a check passes on a commit.
pub(super) enum Unjudged {
    Stopped,
    Repository(RepositoryError),
}

/// One verification: whose, by what means, with which variables.
pub struct Verification<'a> {
    /// The world.
    pub ports: &'a Ports,
    /// The checks.
    pub orders: &'a Orders,
    /// What is known of base commits.
    pub bases: &'a BaseVerdicts,
    /// Variables for every check.
    pub env: Vec<(String, String)>,
    /// Watches the checks.
    pub watch: &'a dyn Watch,
    /// When to give up.
    pub stop: &'a Stop,
}

impl Verification<'_> {
    /// Runs every check on the commit in a clean worktree of it; `None` when told to stop.
    pub async fn run(&self, commit: &Commit) -> Result<Option<Vec<CheckReport>>, RepositoryError> {
        let checks = self.wanted(commit);
        let mut reports = Vec::with_capacity(checks.len());
        if checks.is_empty() {
            return Ok(Some(reports));
        }
        let checkout = self.ports.repository.checkout(&commit.id).await?;
        let mut ready = Vec::new();
        for check in checks {
            let report = self.run_one(check, checkout.path(), &mut ready).await;
            let verdict = match report.end {
                CommandEnd::Stopped => return Ok(None),
                CommandEnd::Exited(0) => Verdict::Passed,
                CommandEnd::NotStarted => Verdict::Unable,
                CommandEnd::Exited(_) | CommandEnd::TimedOut => {
                    match self.failed(check, commit, report.end).await {
                        Ok(verdict) => verdict,
                        Err(Unjudged::Stopped) => return Ok(None),
                        Err(Unjudged::Repository(error)) => return Err(error),
                    }
                }
            };
            let output = self.orders.redactor.clean(&report.output).into_owned();
            reports.push(CheckReport {
                name: check.name.clone(),
                kind: check.kind,
                verdict,
                millis: report.millis,
                output,
            });
        }
        Ok(Some(reports))
    }

    /// What a failure means: was it there before, does it come and go, or is it the work's own?
    async fn failed(
        &self,
        check: &Check,
        commit: &Commit,
        end: CommandEnd,
    ) -> Result<Verdict, Unjudged> {
        if self.orders.ask_base && !self.base_passes(check, &commit.base).await? {
            return Ok(Verdict::FailedBefore);
        }
        // Nobody waits for it a second time.
        if end == CommandEnd::TimedOut {
            return Ok(Verdict::TimedOut);
        }
        if may_come_and_go(check.kind)
            && self.run_clean(check, &commit.id).await?.end == CommandEnd::Exited(0)
        {
            return Ok(Verdict::Flaky);
        }
        Ok(Verdict::Failed)
    }

    async fn base_passes(&self, check: &Check, base: &CommitId) -> Result<bool, Unjudged> {
        let cell = {
            let mut known = self
                .bases
                .known
                .lock()
                .expect("nobody panics while holding it");
            Arc::clone(known.entry((base.clone(), check.name.clone())).or_default())
        };
        let passes = cell.get_or_try_init(|| async {
            // One that comes and goes has to fail twice before it counts as broken.
            match self.run_clean(check, base).await?.end {
                CommandEnd::Exited(0) => Ok(true),
                CommandEnd::Exited(_) if may_come_and_go(check.kind) => {
                    Ok(self.run_clean(check, base).await?.end == CommandEnd::Exited(0))
                }
                CommandEnd::Exited(_) | CommandEnd::TimedOut | CommandEnd::NotStarted => Ok(false),
                CommandEnd::Stopped => Err(Unjudged::Stopped),
            }
        });
        passes.await.copied()
    }

    /// How it ends in a clean worktree of its own; never by being stopped.
    pub(super) async fn run_clean(
        &self,
        check: &Check,
        commit: &CommitId,
    ) -> Result<CommandReport, Unjudged> {
        let checkout = self.ports.repository.checkout(commit).await;
        let checkout = checkout.map_err(Unjudged::Repository)?;
        let report = self.run_one(check, checkout.path(), &mut Vec::new()).await;
        match report.end {
            CommandEnd::Stopped => Err(Unjudged::Stopped),
            CommandEnd::Exited(_) | CommandEnd::TimedOut | CommandEnd::NotStarted => Ok(report),
        }
    }

    /// The checks that this commit's changes call for.
    pub(super) fn wanted(&self, commit: &Commit) -> Vec<&Check> {
        let checks = &self.orders.checks;
        let paths = checks.iter().map(|check| check.directory.to_str());
        let directories: Vec<&str> = paths.map(Option::unwrap_or_default).collect();
        let diff = &commit.diff;
        let is_whole = diff.files == diff.paths.len() as u64;
        let changed = if is_whole { &diff.paths[..] } else { &[] };
        let calls = |(check, directory): &(&Check, &str)| match check.reach {
            Reach::Everything => true,
            Reach::Nearby => is_near(directory, &directories, changed),
        };
        let pairs = checks.iter().zip(directories.iter().copied());
        pairs.filter(calls).map(|(check, _)| check).collect()
    }

    /// Runs a check in its directory, once that is ready for it; `ready` knows what was done in this worktree.
    async fn run_one<'c>(
        &self,
        check: &'c Check,
        worktree: &Path,
        ready: &mut Vec<(&'c Path, &'c [String])>,
    ) -> CommandReport {
        let wanted = (check.directory.as_path(), check.prepare.as_slice());
        if !wanted.1.is_empty() && !ready.contains(&wanted) {
            let report = self.run_argv(wanted.1, (check, None), worktree).await;
            if report.end != CommandEnd::Exited(0) {
                return report;
            }
            ready.push(wanted);
        }
        let answers = check.answers.as_ref();
        self.run_argv(&check.argv, (check, answers), worktree).await
    }

    async fn run_argv(
        &self,
        argv: &[String],
        (check, answers): (&Check, Option<&Probe>),
        worktree: &Path,
    ) -> CommandReport {
        let mut env = self.env.clone();
        let port = env.iter().find(|(name, _)| name == port_blocks::FIRST);
        let port = port.map(|(_, port)| port.clone());
        let probe = answers.map(|probe| Probe {
            url: match &port {
                Some(port) => probe.url.replace("{port}", port),
                None => probe.url.clone(),
            },
            within: probe.within,
        });
        // Most servers look there.
        env.extend(
            port.filter(|_| probe.is_some())
                .map(|port| ("PORT".to_owned(), port)),
        );
        env.push((
            "AUTOISSUE_WORKTREE".to_owned(),
            worktree.display().to_string(),
        ));
        let order = CommandOrder {
            argv: argv.to_vec(),
            directory: worktree.join(&check.directory),
            wall: check.wall,
            probe,
            env,
        };
        self.ports.commands.run(&order, self.watch, self.stop).await
    }
}

/// May it pass on the second try? What only reads the files says the same again.
fn may_come_and_go(kind: CheckKind) -> bool {
    match kind {
        CheckKind::Test | CheckKind::Build | CheckKind::Smoke | CheckKind::Custom => true,
        CheckKind::Lint | CheckKind::Types => false,
    }
}
