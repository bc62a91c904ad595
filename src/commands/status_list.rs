//! The latest sessions, as `status` lists them where none runs.

use crate::adapters::store::error::StoreError;
use crate::adapters::store::open::Store;
use crate::adapters::store::sessions::{SessionRow, SessionState};
use crate::commands::answer::Answer;
use crate::commands::seen::Seen;
use crate::commands::status::Look;
use crate::reporters::shape::VERSION;
use crate::reporters::table::grid;
use crate::reporters::time::{ago, rfc3339};
use crate::reporters::words::fit;
use crate::rules::ids::Timestamp;
use crate::rules::plan::sums::PlanStage;
use crate::rules::printable::printable;
use crate::rules::tally::Standing;
use serde::Serialize;
use serde_json::{Value, json};

/// Sessions in the list.
const LATEST: usize = 20;
/// Letters of a session's name that are shown at least: those that tell its time.
const LEAST_NAME: usize = 10;
/// Columns that the other columns of the list take at most.
const BESIDE: usize = 64;

/// What a person has to say before a session can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Waits {
    /// Yes or no to its plan.
    Plan,
    /// Yes or no to an issue.
    Approval,
    /// What an agent asked.
    Answer,
}

/// A session of the list.
#[derive(Clone, Debug)]
pub struct Listed {
    row: SessionRow,
    waits: Option<Waits>,
}

/// The latest sessions; `look` sees one that nobody works on.
pub fn latest<E: From<StoreError>>(
    store: &Store,
    mut look: impl FnMut(&SessionRow) -> Result<Option<Waits>, E>,
) -> Result<Vec<Listed>, E> {
    let rows = store.sessions(LATEST)?.into_iter();
    let listed = rows.map(|row| {
        let is_left = row.state == SessionState::Interrupted && !row.pruned;
        let waits = if is_left { look(&row)? } else { None };
        Ok(Listed { row, waits })
    });
    listed.collect()
}

/// For whom a session waits that nobody works on, if it does.
#[must_use]
pub fn waits(seen: &Seen) -> Option<Waits> {
    let tally = &seen.tally;
    if tally.plan_stage() == Some(PlanStage::Waiting) {
        return Some(Waits::Plan);
    }
    let has = |standing| tally.tasks.values().any(|task| task.standing == standing);
    let approval = has(Standing::Unapproved).then_some(Waits::Approval);
    approval.or_else(|| has(Standing::Asking).then_some(Waits::Answer))
}

/// The list.
#[must_use]
pub fn list(listed: &[Listed], now: Timestamp, look: &Look) -> Answer {
    let sessions: Value = listed.iter().map(row_json).collect();
    let event = json!({ "v": VERSION, "event": "sessions", "sessions": sessions });
    let Some(newest) = listed.first() else {
        let text = "No session yet: `autoissue exec <label>` starts one.\n";
        return Answer {
            text: text.to_owned(),
            event,
        };
    };
    let names = names(listed);
    let heads = vec![
        "session",
        "project",
        "selection",
        "state",
        "done",
        "cost",
        "started",
    ];
    let room = look.width.saturating_sub(BESIDE).max(16);
    let cells = listed.iter().zip(&names).map(|(one, name)| {
        vec![
            (*name).to_owned(),
            end_of(&printable(&one.row.project), room),
            fit(&printable(&one.row.selection), 16),
            one.state().to_owned(),
            format!("{}/{}", one.row.completed, one.row.tasks),
            one.row.cost.to_string(),
            ago(one.row.started, now),
        ]
    });
    let table = grid(heads, cells.collect(), 4).join("\n");
    let text = format!("{table}\n\nNothing runs; {}\n", newest.next());
    Answer { text, event }
}

impl Listed {
    fn state(&self) -> &'static str {
        match (self.row.state, self.waits) {
            (SessionState::Running(_), _) => "running",
            (SessionState::Interrupted, None) => "interrupted",
            (SessionState::Interrupted, Some(_)) => "waits for you",
            (SessionState::Finished, _) => "finished",
        }
    }

    /// What one can do next.
    fn next(&self) -> &'static str {
        match (self.row.state, self.waits) {
            (SessionState::Interrupted, None) => {
                "`autoissue resume` goes on with what was interrupted."
            }
            (SessionState::Interrupted, Some(Waits::Plan)) => {
                "a plan waits: `autoissue resume --yes` carries it out, `--no` drops it."
            }
            (SessionState::Interrupted, Some(Waits::Approval | Waits::Answer))
            | (SessionState::Running(_) | SessionState::Finished, _) => {
                "`autoissue status <session>` shows one of them."
            }
        }
    }
}

/// As much of each name as tells them apart.
fn names(listed: &[Listed]) -> Vec<&str> {
    let names: Vec<&str> = listed.iter().map(|one| one.row.id.as_str()).collect();
    let is_unique = |length: usize| {
        let mut cut: Vec<&str> = names.iter().filter_map(|name| name.get(..length)).collect();
        cut.sort_unstable();
        cut.windows(2).all(|pair| pair[0] != pair[1])
    };
    let longest = names.iter().map(|name| name.len()).max().unwrap_or(0);
    let length = (LEAST_NAME..longest).find(|length| is_unique(*length));
    let cut = |name| str::get(name, ..length?);
    let names = names.into_iter();
    names.map(|name| cut(name).unwrap_or(name)).collect()
}

/// The end of a path is what tells it from others.
fn end_of(text: &str, width: usize) -> String {
    let letters: Vec<char> = text.chars().collect();
    match letters.len().checked_sub(width) {
        None | Some(0) => text.to_owned(),
        Some(over) => std::iter::once('…')
            .chain(letters[over + 1..].iter().copied())
            .collect(),
    }
}

fn row_json(listed: &Listed) -> Value {
    let row = &listed.row;
    let state = match row.state {
        SessionState::Running(_) => "running",
        SessionState::Interrupted => "interrupted",
        SessionState::Finished => "finished",
    };
    json!({
        "session": row.id,
        "project": row.project,
        "selection": row.selection,
        "state": state,
        "waits_for": listed.waits,
        "tasks": row.tasks,
        "completed": row.completed,
        "cost_usd": row.cost.decimal(),
        "started": rfc3339(row.started),
        "ended": row.ended.map(rfc3339),
        "pruned": row.pruned,
    })
}
