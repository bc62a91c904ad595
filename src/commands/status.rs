//! `status`: what runs now, else the latest sessions; one session; one task.

use crate::adapters::store::error::StoreError;
use crate::adapters::store::open::Store;
use crate::adapters::store::sessions::{SessionRow, SessionState};
use crate::cli::look::StatusArgs;
use crate::commands::answer::Answer;
use crate::commands::place::Place;
use crate::commands::seen::Seen;
use crate::commands::store::{find, look};
use crate::commands::through::Daemon;
use crate::commands::through_status;
use crate::commands::watch::watch;
use crate::engine::clock::SteadyClock;
use crate::error::{Error, Kind};
use crate::ports::Clock as _;
use crate::reporters::end::end_report;
use crate::reporters::next::Calling;
use crate::reporters::out::Stream;
use crate::reporters::paint::Colour;
use crate::reporters::shape::VERSION;
use crate::reporters::status::{session_json, task_status};
use crate::reporters::table::grid;
use crate::reporters::time::{ago, rfc3339};
use crate::reporters::words::fit;
use crate::rules::exit::Exit;
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::printable::printable;
use serde_json::{Value, json};

/// Sessions in the list.
const LATEST: usize = 20;
/// Letters of a session's name that are shown at least: those that tell its time.
const LEAST_NAME: usize = 10;
/// Columns that the other columns of the list take at most.
const BESIDE: usize = 62;

/// How it is to look.
#[derive(Clone, Debug)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// With colour?
    pub colour: Colour,
    /// How this program is called where it is shown.
    pub calling: Calling,
}

impl Look {
    /// On the standard output of this process.
    fn here(place: &Place) -> Self {
        Self {
            width: Stream::Out.width(),
            colour: place.output.colour(),
            calling: place.calling(),
        }
    }
}

/// Runs the command.
pub async fn run(place: &Place, args: &StatusArgs) -> Result<Exit, Error> {
    if let Some(daemon) = Daemon::find(place, &args.server)?
        && through_status::status(&daemon, place, args).await?
    {
        return Ok(Exit::Done);
    }
    let Some(store) = look(&place.state_dir()?)? else {
        return nothing(place, args);
    };
    let rows = chosen(&store, args.session.as_deref(), args.issue)?;
    let seen = rows.iter().map(|row| Seen::new(&store, row));
    let mut seen = seen.collect::<Result<Vec<_>, _>>()?;
    let runs = seen.iter().any(|seen| seen.process().is_some());
    if args.watch && runs {
        watch(place, &store, &mut seen, args.issue).await?;
    } else if seen.is_empty() {
        list(&store, &Look::here(place))?.print(&place.output)?;
    } else {
        show(place, &seen, args.issue)?;
    }
    Ok(Exit::Done)
}

/// The session that is asked for, else that of the issue, else all that run.
pub fn chosen(
    store: &Store,
    session: Option<&str>,
    issue: Option<IssueNumber>,
) -> Result<Vec<SessionRow>, Error> {
    let row = match (session, issue) {
        (Some(name), _) => find(store, name)?,
        (None, Some(issue)) => of_issue(store, issue)?,
        (None, None) => {
            let mut rows = store.sessions(usize::MAX)?;
            rows.retain(|row| matches!(row.state, SessionState::Running(_)));
            return Ok(rows);
        }
    };
    check_kept(&row)?;
    Ok(vec![row])
}

/// The session that works on the issue now, else the one that did last.
pub fn of_issue(store: &Store, issue: IssueNumber) -> Result<SessionRow, Error> {
    let known = store.worked_on(issue)?;
    let mut rows = store.sessions(usize::MAX)?;
    rows.retain(|row| known.iter().any(|task| task.session == row.id));
    let running = rows
        .iter()
        .position(|row| matches!(row.state, SessionState::Running(_)));
    if rows.is_empty() {
        return Err(unknown_issue(
            issue,
            "no session of this state directory has it",
        ));
    }
    Ok(rows.swap_remove(running.unwrap_or_default()))
}

fn unknown_issue(issue: IssueNumber, cause: &str) -> Error {
    let exec = format!("`autoissue exec --issue {}` starts one", issue.0);
    Error::new(Kind::Journal, format!("show how {issue} stands"))
        .cause(cause)
        .hints([exec])
}

/// Refuses one whose events are gone.
pub fn check_kept(row: &SessionRow) -> Result<(), Error> {
    if !row.pruned {
        return Ok(());
    }
    Err(
        Error::new(Kind::Journal, format!("show session {}", row.id))
            .cause("it is old, and `autoissue clean` removed its events")
            .hints(["`autoissue metrics` still counts it"]),
    )
}

/// Shows these sessions, or this task of theirs, once.
pub fn show(place: &Place, seen: &[Seen], issue: Option<IssueNumber>) -> Result<(), Error> {
    let (now, look) = (SteadyClock::start().now(), Look::here(place));
    for (index, seen) in seen.iter().enumerate() {
        let mut shown = shown(seen, issue, now, &look)?;
        if index > 0 {
            shown.text.insert(0, '\n');
        }
        shown.print(&place.output)?;
    }
    Ok(())
}

/// A session, or this task of it, as it looks at this time.
pub fn shown(
    seen: &Seen,
    issue: Option<IssueNumber>,
    now: Timestamp,
    look: &Look,
) -> Result<Answer, Error> {
    let (sight, width, colour) = (seen.sight(now), look.width, look.colour);
    let (text, event) = match issue {
        Some(issue) => {
            let refuse = || unknown_issue(issue, "the session does not have it");
            let text = sight.task(issue, width, colour).ok_or_else(refuse)?;
            (text, task_status(&sight, issue).ok_or_else(refuse)?)
        }
        None if seen.process().is_none() => {
            let text = end_report(&seen.tally, width, colour, &look.calling);
            (text, session_json(&sight))
        }
        None => (sight.session(width, colour), session_json(&sight)),
    };
    Ok(Answer {
        text: text + "\n",
        event,
    })
}

fn nothing(place: &Place, args: &StatusArgs) -> Result<Exit, Error> {
    match (&args.session, args.issue) {
        (Some(name), _) => Err(Error::new(Kind::Usage, format!("find session {name}"))
            .cause("there is no session yet")),
        (None, Some(issue)) => Err(unknown_issue(issue, "there is no session yet")),
        (None, None) => {
            answer(&[], SteadyClock::start().now(), &Look::here(place)).print(&place.output)?;
            Ok(Exit::Done)
        }
    }
}

/// The latest sessions.
pub fn list(store: &Store, look: &Look) -> Result<Answer, StoreError> {
    let rows = store.sessions(LATEST)?;
    Ok(answer(&rows, SteadyClock::start().now(), look))
}

fn answer(rows: &[SessionRow], now: Timestamp, look: &Look) -> Answer {
    let sessions: Value = rows.iter().map(row_json).collect();
    let event = json!({ "v": VERSION, "event": "sessions", "sessions": sessions });
    let Some(newest) = rows.first() else {
        let text = "No session yet: `autoissue exec <label>` starts one.\n";
        return Answer {
            text: text.to_owned(),
            event,
        };
    };
    let names = names(rows);
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
    let cells = rows.iter().zip(&names).map(|(row, name)| {
        vec![
            (*name).to_owned(),
            end_of(&printable(&row.project), room),
            fit(&printable(&row.selection), 16),
            state(row.state).to_owned(),
            format!("{}/{}", row.completed, row.tasks),
            row.cost.to_string(),
            ago(row.started, now),
        ]
    });
    let mut text = grid(heads, cells.collect(), 4).join("\n");
    text.push_str("\n\n");
    if newest.state == SessionState::Interrupted {
        text.push_str("Nothing runs; `autoissue resume` goes on with what was interrupted.\n");
    } else {
        text.push_str("Nothing runs; `autoissue status <session>` shows one of them.\n");
    }
    Answer { text, event }
}

/// As much of each name as tells them apart.
fn names<'a>(rows: &'a [SessionRow]) -> Vec<&'a str> {
    let names: Vec<&'a str> = rows.iter().map(|row| row.id.as_str()).collect();
    let is_unique = |length: usize| {
        let mut cut: Vec<&str> = names.iter().filter_map(|name| name.get(..length)).collect();
        cut.sort_unstable();
        cut.windows(2).all(|pair| pair[0] != pair[1])
    };
    let longest = names.iter().map(|name| name.len()).max().unwrap_or(0);
    let length = (LEAST_NAME..longest).find(|length| is_unique(*length));
    let cut = |name: &'a str| name.get(..length?);
    names.iter().map(|name| cut(name).unwrap_or(name)).collect()
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

fn state(state: SessionState) -> &'static str {
    match state {
        SessionState::Running(_) => "running",
        SessionState::Interrupted => "interrupted",
        SessionState::Finished => "finished",
    }
}

fn row_json(row: &SessionRow) -> Value {
    json!({
        "session": row.id,
        "project": row.project,
        "selection": row.selection,
        "state": state(row.state),
        "tasks": row.tasks,
        "completed": row.completed,
        "cost_usd": row.cost.decimal(),
        "started": rfc3339(row.started),
        "ended": row.ended.map(rfc3339),
        "pruned": row.pruned,
    })
}
