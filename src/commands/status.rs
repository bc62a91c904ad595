//! `status`: what runs now, else the latest sessions; one session; one task.

use crate::adapters::store::open::Store;
use crate::adapters::store::sessions::{SessionRow, SessionState};
use crate::cli::look::StatusArgs;
use crate::commands::answer::Answer;
use crate::commands::place::Place;
use crate::commands::seen::Seen;
use crate::commands::status_list::{latest, list, waits};
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
use crate::reporters::status::{session_json, task_status};
use crate::rules::exit::Exit;
use crate::rules::ids::{IssueNumber, Timestamp};

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
        let see = |row: &SessionRow| Ok::<_, Error>(waits(&Seen::new(&store, row)?));
        let listed = latest(&store, see)?;
        let now = SteadyClock::start().now();
        list(&listed, now, &Look::here(place)).print(&place.output)?;
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
            list(&[], SteadyClock::start().now(), &Look::here(place)).print(&place.output)?;
            Ok(Exit::Done)
        }
    }
}
