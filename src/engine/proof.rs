//! Runs the tests of a change on the base: at least one has to fail there.

use crate::engine::orders::Check;
use crate::engine::verify::{Unjudged, Verification};
use crate::ports::{CommandEnd, RepositoryError};
use crate::rules::checks::proof::{FailingTest, NAME, tests_of};
use crate::rules::checks::shape::CheckKind;
use crate::rules::ids::CommitId;
use crate::rules::task::{CheckReport, Commit, Verdict};

impl Verification<'_> {
    /// All checks, and where that is wanted and nothing stops the work, whether a test proves it.
    pub async fn run_with_proof(
        &self,
        commit: &Commit,
    ) -> Result<Option<Vec<CheckReport>>, RepositoryError> {
        let Some(mut reports) = self.run(commit).await? else {
            return Ok(None);
        };
        if reports.iter().any(|report| report.verdict.stops()) {
            return Ok(Some(reports));
        }
        match self.prove(commit, &reports).await {
            Ok(proof) => {
                reports.extend(proof);
                Ok(Some(reports))
            }
            Err(Unjudged::Stopped) => Ok(None),
            Err(Unjudged::Repository(error)) => Err(error),
        }
    }

    async fn prove(
        &self,
        commit: &Commit,
        reports: &[CheckReport],
    ) -> Result<Option<CheckReport>, Unjudged> {
        let lacking = match self.orders.failing_test {
            FailingTest::Off => return Ok(None),
            FailingTest::Ask => Verdict::Unproven,
            FailingTest::Require => Verdict::Failed,
        };
        let Some(tests) = tests_of(&commit.diff) else {
            return Ok(None);
        };
        let (mut millis, mut output) = (0, String::new());
        let mut verdict = lacking;
        if tests.is_empty() {
            output.push_str("no file of tests was changed or added");
        } else {
            let repository = &self.ports.repository;
            let laid = repository.overlay(&commit.base, &commit.id, &tests).await;
            let laid = laid.map_err(Unjudged::Repository)?;
            for check in self.testing(commit, reports) {
                let (fails, took) = self.fails_on(check, &laid).await?;
                millis += took;
                if fails {
                    verdict = Verdict::Passed;
                    break;
                }
            }
            if verdict == lacking {
                output = format!(
                    "the tests pass on the code as it was as well: {}",
                    tests.join(", ")
                );
            }
        }
        Ok(Some(CheckReport {
            name: NAME.to_owned(),
            kind: CheckKind::Test,
            verdict,
            millis,
            output,
        }))
    }

    /// The checks that run tests, and pass on the work.
    fn testing<'c>(&'c self, commit: &Commit, reports: &'c [CheckReport]) -> Vec<&'c Check> {
        let passes = |check: &&Check| {
            let mut own = reports.iter().filter(|report| report.name == check.name);
            own.any(|report| report.verdict == Verdict::Passed)
        };
        let runs_tests = |check: &&Check| match check.kind {
            CheckKind::Test | CheckKind::Custom => true,
            CheckKind::Lint | CheckKind::Types | CheckKind::Build | CheckKind::Smoke => false,
        };
        let checks = self.wanted(commit).into_iter();
        checks.filter(runs_tests).filter(passes).collect()
    }

    async fn fails_on(&self, check: &Check, commit: &CommitId) -> Result<(bool, u64), Unjudged> {
        let report = self.run_clean(check, commit).await?;
        let fails = match report.end {
            CommandEnd::Exited(code) => code != 0,
            CommandEnd::TimedOut | CommandEnd::NotStarted | CommandEnd::Stopped => false,
        };
        Ok((fails, report.millis))
    }
}
