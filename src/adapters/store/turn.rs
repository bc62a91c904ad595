//! One turn of a session as one transaction: its events, and all that follows from them.

use crate::adapters::store::error::{StoreError, Tried};
use crate::adapters::store::{control, ledger, measures, pulls};
use crate::rules::evaluate::score::Level;
use crate::rules::event::{Event, Fact, Recorded, VERSION};
use crate::rules::ids::{AgentPlace, IssueNumber, SessionId, Timestamp};
use crate::rules::plan::progress::Planning;
use crate::rules::settings::Settings;
use crate::rules::task::{Commit, Ending, Task};
use rusqlite::{Connection, Params};

/// A session as the tables know it.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Its row.
    pub(super) row: i64,
    /// Its name.
    pub(super) id: SessionId,
}

/// Stores the events, with all that follows from them. On an error the transaction must be undone: they do not
/// follow what is stored, or the money does not reach.
pub(super) fn write(db: &Connection, session: &Key, events: &[Recorded]) -> Result<(), StoreError> {
    let mut expected = last(db, session)?;
    for recorded in events {
        expected += 1;
        if recorded.seq != expected {
            return Err(StoreError::Gap {
                session: session.id.clone(),
                expected,
                found: recorded.seq,
            });
        }
        insert(db, session, recorded)?;
        follow(db, session, recorded)?;
        measures::follow(db, session, recorded)?;
    }
    Ok(())
}

/// As `write`, leaving nothing behind: could the events be stored as one turn?
pub(super) fn rehearse(
    db: &Connection,
    session: &Key,
    events: &[Recorded],
) -> Result<(), StoreError> {
    execute(db, "SAVEPOINT rehearsal", ())?;
    let answer = write(db, session, events);
    execute(db, "ROLLBACK TO rehearsal", ())?;
    execute(db, "RELEASE rehearsal", ())?;
    answer
}

fn last(db: &Connection, session: &Key) -> Result<u64, StoreError> {
    let last: Option<i64> = db
        .prepare_cached("SELECT max(seq) FROM events WHERE session = ?")
        .and_then(|mut statement| statement.query_row([session.row], |row| row.get(0)))
        .tried("find the last event")?;
    Ok(last.unwrap_or(0).cast_unsigned())
}

fn insert(db: &Connection, session: &Key, recorded: &Recorded) -> Result<(), StoreError> {
    let payload = serde_json::to_string(&recorded.event).expect("an event is JSON");
    // The tag is always the first field.
    let kind = payload.split('"').nth(3).unwrap_or_default();
    execute(
        db,
        "INSERT INTO events (session, seq, at, version, kind, issue, payload)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            session.row,
            recorded.seq.cast_signed(),
            recorded.at.0,
            VERSION,
            kind,
            recorded.event.issue().map(|issue| issue.0.cast_signed()),
            &payload,
        ),
    )
}

fn end_task(
    db: &Connection,
    session: &Key,
    issue: IssueNumber,
    ending: Ending,
) -> Result<(), StoreError> {
    execute(
        db,
        "UPDATE tasks SET ending = ? WHERE session = ? AND issue = ?",
        (ending.word(), session.row, issue.0.cast_signed()),
    )
}

/// What an event changes besides the journal.
fn follow(db: &Connection, session: &Key, recorded: &Recorded) -> Result<(), StoreError> {
    let at = recorded.at;
    match &recorded.event {
        Event::SessionStarted { settings, .. } => start(db, session, at, settings),
        Event::SessionResumed { settings } => resume(db, session, settings),
        Event::Planning { fact } => plan(db, session, fact, at),
        Event::TasksRead { tasks, .. } => tasks.iter().try_for_each(|task| add(db, session, task)),
        Event::Admitted { .. } => admit(db, session, &recorded.event, at),
        Event::Settled {
            issue,
            attempt,
            outcome,
            ..
        } => ledger::settle(db, session, (*issue, *attempt), outcome, at),
        Event::Fact { issue, fact, .. } => learn(db, session, *issue, fact),
        Event::TaskEnded { issue, ending, .. } => end_task(db, session, *issue, *ending),
        Event::ReworkGivenUp { issue, .. } => end_task(db, session, *issue, Ending::Completed),
        Event::BreakerOpened {
            agent,
            until,
            failures,
            reason,
        } => control::open_breaker(db, (session, *agent), at, (*until, *failures, reason)),
        Event::BreakerClosed { agent } => control::close_breaker(db, session, *agent),
        Event::CommandTaken { command, .. } => control::take(db, session, command, recorded.seq),
        Event::SessionInterrupted => end(db, session, at, "interrupted"),
        Event::SessionFinished => finish(db, session, at),
        Event::Held { .. }
        | Event::Due { .. }
        | Event::Consent { .. }
        | Event::RetryScheduled { .. }
        | Event::Parked { .. }
        | Event::Requeued { .. }
        | Event::DispatchPaused { .. }
        | Event::DispatchStopped { .. }
        | Event::LeaseLost { .. }
        | Event::Announced { .. }
        | Event::Merged { .. }
        | Event::TestMerged { .. }
        | Event::Looked { .. }
        | Event::TriedOnBase { .. }
        | Event::ReworkOffered { .. }
        | Event::Certifying { .. }
        | Event::Certified { .. }
        | Event::CertificateTold { .. }
        | Event::SlotsChanged { .. }
        | Event::QuotaHeard { .. }
        | Event::PullsCounted { .. }
        | Event::SpentElsewhere { .. }
        | Event::StopRequested => Ok(()),
    }
}

fn admit(db: &Connection, session: &Key, event: &Event, at: Timestamp) -> Result<(), StoreError> {
    let Event::Admitted {
        issue,
        attempt,
        grant,
        agent,
        ..
    } = event
    else {
        return Ok(());
    };
    execute(
        db,
        "UPDATE tasks SET attempts = attempts + 1, ending = NULL
         WHERE session = ? AND issue = ?",
        (session.row, issue.0.cast_signed()),
    )?;
    ledger::grant(db, session, (*issue, *attempt, *agent), *grant, at)
}

fn finish(db: &Connection, session: &Key, at: Timestamp) -> Result<(), StoreError> {
    let release = "DELETE FROM claims WHERE session = ?";
    execute(db, release, [session.row])?;
    end(db, session, at, "finished")
}

/// The planner's bills stand beside those of the attempts, under the number that no issue has.
fn plan(db: &Connection, session: &Key, fact: &Planning, at: Timestamp) -> Result<(), StoreError> {
    let planner = IssueNumber(0);
    match fact {
        Planning::Granted { run, grant } => {
            let whose = (planner, *run, AgentPlace::default());
            ledger::grant(db, session, whose, *grant, at)
        }
        Planning::Settled { run, outcome, .. } => {
            ledger::settle(db, session, (planner, *run), outcome, at)
        }
        Planning::Spawned { .. }
        | Planning::Refused { .. }
        | Planning::Checked { .. }
        | Planning::Approved
        | Planning::Declined { .. }
        | Planning::Intends { .. }
        | Planning::Did { .. } => Ok(()),
    }
}

fn start(
    db: &Connection,
    session: &Key,
    at: Timestamp,
    settings: &Settings,
) -> Result<(), StoreError> {
    let begin = "UPDATE sessions SET started = ? WHERE key = ?";
    execute(db, begin, (at.0, session.row))?;
    resume(db, session, settings)
}

fn resume(db: &Connection, session: &Key, settings: &Settings) -> Result<(), StoreError> {
    execute(
        db,
        "UPDATE sessions SET status = 'running', ended = NULL, agent = ?, agents = ?, daily_ceiling = ?
         WHERE key = ?",
        (
            &settings.agent,
            settings.agents().collect::<serde_json::Value>().to_string(),
            settings.daily_ceiling.map(ledger::micros),
            session.row,
        ),
    )
}

fn end(db: &Connection, session: &Key, at: Timestamp, status: &str) -> Result<(), StoreError> {
    let end = "UPDATE sessions SET status = ?, ended = ? WHERE key = ?";
    execute(db, end, (status, at.0, session.row))
}

fn add(db: &Connection, session: &Key, task: &Task) -> Result<(), StoreError> {
    let domain = serde_json::to_value(task.domain.domain).expect("a domain is JSON");
    execute(
        db,
        "INSERT OR IGNORE INTO tasks (session, issue, title, domain, complexity, foreseen) VALUES (?, ?, ?, ?, ?, ?)",
        (
            session.row,
            task.number().0.cast_signed(),
            &task.issue.title,
            domain.as_str().unwrap_or_default(),
            task.complexity().map(Level::word),
            serde_json::to_string(&task.footprint).expect("a footprint is JSON"),
        ),
    )?;
    pulls::follow_up(db, session, task)
}

fn learn(
    db: &Connection,
    session: &Key,
    issue: IssueNumber,
    fact: &Fact,
) -> Result<(), StoreError> {
    let issue = issue.0.cast_signed();
    match fact {
        Fact::Committed {
            commit: Commit { diff, .. },
        } => execute(
            db,
            "UPDATE tasks SET files = ?, added = ?, removed = ?, touched = ?
             WHERE session = ? AND issue = ?",
            (
                diff.files.cast_signed(),
                diff.added.cast_signed(),
                diff.removed.cast_signed(),
                serde_json::to_string(&diff.paths).expect("paths are JSON"),
                session.row,
                issue,
            ),
        ),
        Fact::Did {
            pull: Some(pull), ..
        } => execute(
            db,
            "UPDATE tasks SET pull = ? WHERE session = ? AND issue = ?",
            (pull.number.0.cast_signed(), session.row, issue),
        ),
        Fact::Did { pull: None, .. }
        | Fact::Entered { .. }
        | Fact::Spawned { .. }
        | Fact::KeptFrom { .. }
        | Fact::AgentDone { .. }
        | Fact::Conversed { .. }
        | Fact::Snapshot { .. }
        | Fact::Checked { .. }
        | Fact::Verified
        | Fact::BranchChosen { .. }
        | Fact::Intends { .. } => Ok(()),
    }
}

/// Runs one statement of a turn.
pub(super) fn execute(db: &Connection, sql: &str, values: impl Params) -> Result<(), StoreError> {
    db.prepare_cached(sql)
        .and_then(|mut statement| statement.execute(values))
        .tried("write to the database")?;
    Ok(())
}
