//! What figures are made of besides the sums of tasks: kept beside them as events are stored, so that it outlives those.

use crate::adapters::store::error::StoreError;
use crate::adapters::store::turn::{Key, execute};
use crate::rules::event::{Command, Consent, Effect, Event, Fact, Recorded};
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::task::{CheckReport, Pull, Task};
use rusqlite::Connection;

/// What an event adds.
pub(super) fn follow(
    db: &Connection,
    session: &Key,
    recorded: &Recorded,
) -> Result<(), StoreError> {
    let at = recorded.at;
    match &recorded.event {
        Event::TasksRead { tasks, .. } => tasks.iter().try_for_each(|task| add(db, session, task)),
        Event::TaskEnded { issue, reason, .. } => end(db, session, *issue, at, reason.as_deref()),
        Event::ReworkGivenUp { issue, reason } => end(db, session, *issue, at, Some(reason)),
        Event::Admitted { issue, .. } => {
            let again =
                "UPDATE measures SET ended = NULL, reason = NULL WHERE session = ? AND issue = ?";
            execute(db, again, (session.row, issue.0.cast_signed()))
        }
        Event::Consent {
            issue,
            consent: Consent::Given { .. } | Consent::Answered { .. },
        }
        | Event::CommandTaken {
            command: Command::Retry { issue },
            ..
        } => {
            let helped = "UPDATE measures SET helped = helped + 1 WHERE session = ? AND issue = ?";
            execute(db, helped, (session.row, issue.0.cast_signed()))
        }
        Event::Fact { issue, fact, .. } => learn(db, session, *issue, fact),
        _ => Ok(()),
    }
}

fn add(db: &Connection, session: &Key, task: &Task) -> Result<(), StoreError> {
    let kind = task.evaluation.as_ref().map(|it| it.kind.word());
    execute(
        db,
        "INSERT OR IGNORE INTO measures (session, issue, kind) VALUES (?, ?, ?)",
        (session.row, task.number().0.cast_signed(), kind),
    )
}

fn end(
    db: &Connection,
    session: &Key,
    issue: IssueNumber,
    at: Timestamp,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    execute(
        db,
        "UPDATE measures SET ended = ?, reason = ? WHERE session = ? AND issue = ?",
        (at.0, reason, session.row, issue.0.cast_signed()),
    )
}

fn learn(
    db: &Connection,
    session: &Key,
    issue: IssueNumber,
    fact: &Fact,
) -> Result<(), StoreError> {
    let task = (session.row, issue.0.cast_signed());
    match fact {
        Fact::Checked { reports } if !reports.is_empty() => {
            let stops = |report: &CheckReport| report.verdict.stops();
            let passed = i64::from(!reports.iter().any(stops));
            execute(
                db,
                "UPDATE measures SET checked = checked + 1, passed = passed + ? WHERE session = ? AND issue = ?",
                (passed, task.0, task.1),
            )
        }
        Fact::Did {
            effect: Effect::Push { commit, .. },
            ..
        } => execute(
            db,
            "UPDATE measures SET pushed = ? WHERE session = ? AND issue = ?",
            (commit.as_str(), task.0, task.1),
        ),
        Fact::Did {
            pull: Some(Pull { url, .. }),
            ..
        } => execute(
            db,
            "UPDATE measures SET url = ? WHERE session = ? AND issue = ?",
            (url, task.0, task.1),
        ),
        _ => Ok(()),
    }
}
