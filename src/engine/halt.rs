//! Why an attempt goes no further, read from what went wrong.

use crate::engine::publish::PublishError;
use crate::ports::{ForgeError, Interrupted, RepositoryError};
use crate::rules::ids::CommitId;
use crate::rules::prompt::again::{Feedback, feedback_prompt};
use crate::rules::task::{CheckReport, ErrorClass, Failure, Verdict};

/// Why an attempt goes no further.
#[derive(Debug)]
pub(super) enum Halt {
    Failed(Failure),
    NeedsHuman(String),
    Unchanged(String),
    Withdrawn(String),
    Asked(String),
    Stopped,
}

impl From<Interrupted> for Halt {
    fn from(_: Interrupted) -> Self {
        Self::Stopped
    }
}

impl From<RepositoryError> for Halt {
    fn from(error: RepositoryError) -> Self {
        Self::Failed(Failure::new(ErrorClass::Workspace, error_line(&error)))
    }
}

/// What to do about work that could not be offered: wait, ask for credentials, or ask a person.
pub(super) fn unpublished(error: &PublishError) -> Halt {
    let failed = |class, until| {
        Halt::Failed(Failure {
            until,
            ..Failure::new(class, error_line(error))
        })
    };
    match error {
        PublishError::Interrupted(_) => Halt::Stopped,
        PublishError::Repository(RepositoryError::Remote { auth: true, .. })
        | PublishError::Forge(ForgeError::Auth { .. } | ForgeError::App { .. }) => {
            failed(ErrorClass::Auth, None)
        }
        PublishError::Repository(RepositoryError::Declined {
            branch,
            commit,
            reason,
            hint,
        }) => Halt::NeedsHuman(format!(
            "the remote declined the push of {branch}: {reason}. The work is kept in the mirror, as commit {}. To go on: {hint}.",
            short(commit)
        )),
        PublishError::Repository(RepositoryError::Foreign { .. })
        | PublishError::Forge(ForgeError::Refused { .. } | ForgeError::NotFound { .. }) => {
            Halt::NeedsHuman(error_line(error))
        }
        PublishError::Forge(ForgeError::Limited { until, .. }) => {
            failed(ErrorClass::Publish, *until)
        }
        PublishError::Repository(_)
        | PublishError::Forge(ForgeError::Unknown { .. } | ForgeError::Io { .. }) => {
            failed(ErrorClass::Publish, None)
        }
    }
}

/// As much of a commit's name as a person needs.
pub(super) fn short(commit: &CommitId) -> &str {
    const SHOWN: usize = 16;
    let id = commit.as_str();
    id.get(..SHOWN).unwrap_or(id)
}

/// What stops a commit from being offered, in words for the agent and for a person.
pub(super) fn check_failure(reports: &[CheckReport]) -> Option<Failure> {
    let failed: Vec<CheckReport> = reports
        .iter()
        .filter(|report| report.verdict.stops())
        .cloned()
        .collect();
    if failed.is_empty() {
        return None;
    }
    if failed
        .iter()
        .all(|report| report.verdict == Verdict::Unable)
    {
        let names: Vec<&str> = failed.iter().map(|report| report.name.as_str()).collect();
        let message = format!("could not start {}: {}", names.join(", "), failed[0].output);
        return Some(Failure::new(ErrorClass::Validation, message));
    }
    Some(Failure::new(
        ErrorClass::CheckFailed,
        feedback_prompt(&Feedback::ChecksFailed(&failed)),
    ))
}

/// An error and what caused it, in one line.
pub(super) fn error_line(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let words = next.to_string();
        if !line.contains(&words) {
            line = format!("{line}: {words}");
        }
        cause = next.source();
    }
    line
}
