//! `why`: what a task waits for, and what would let it start sooner.

use crate::adapters::store::sessions::SessionState;
use crate::cli::look::WhyArgs;
use crate::commands::dry_run;
use crate::commands::place::Place;
use crate::commands::status::{check_kept, of_issue};
use crate::commands::store::look;
use crate::commands::wire::Wiring;
use crate::config::loaded::Overrides;
use crate::engine::clock::SteadyClock;
use crate::error::{Error, Kind};
use crate::ports::Clock as _;
use crate::reporters::why::{Asked, as_json, told};
use crate::rules::exit::Exit;
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::schedule::predict::opened;
use crate::rules::schedule::session::Session;

/// Runs the command.
pub async fn run(place: &Place, args: &WhyArgs) -> Result<Exit, Error> {
    let (session, now, asked) = match &args.label {
        Some(label) => (
            read(place, label, args.issue).await?,
            Timestamp(0),
            Asked::Dry,
        ),
        None => journalled(place, args.issue)?,
    };
    let why = session.why(args.issue, now).ok_or_else(|| {
        Error::new(Kind::Usage, format!("say why {} waits", args.issue))
            .cause("the session does not have it")
    })?;
    let event = as_json(&why, &asked);
    place.output.result(&told(&why, now, &asked), &event)?;
    Ok(Exit::Done)
}

/// The session that works on the issue now, else the one that did last.
fn journalled(place: &Place, issue: IssueNumber) -> Result<(Session, Timestamp, Asked), Error> {
    let absent = || {
        let label = format!(
            "`autoissue why {} LABEL` reads what `exec LABEL` would do",
            issue.0
        );
        Error::new(Kind::Journal, format!("say why {issue} waits"))
            .cause("there is no session yet")
            .hints([label])
    };
    let store = look(&place.state_dir()?)?.ok_or_else(absent)?;
    let row = of_issue(&store, issue)?;
    check_kept(&row)?;
    // Asked before the events are read: those of a process that is gone are then complete.
    let state = store.state_of(&row.id)?;
    let events = store.events(&row.id)?;
    let session = Session::fold(&events);
    let last = events.last().map_or(Timestamp(0), |last| last.at);
    Ok(match state {
        SessionState::Running(_) => (session, SteadyClock::start().now(), Asked::Session(row.id)),
        SessionState::Finished => (session, last, Asked::Session(row.id)),
        SessionState::Interrupted => (session, last, Asked::Interrupted(row.id)),
    })
}

/// A session as it would begin.
async fn read(place: &Place, label: &str, issue: IssueNumber) -> Result<Session, Error> {
    let wiring = Wiring::new(place, &Overrides::default())?;
    let selection = wiring.loaded.config.filter.of_label(Some(label));
    let dry = dry_run::read(place, &wiring, &selection).await?;
    let tasks = dry.tasks;
    if !tasks.iter().any(|task| task.number() == issue) {
        return Err(Error::new(Kind::Usage, format!("say why {issue} waits"))
            .cause(format!("no open issue labelled {label} has this number")));
    }
    Ok(opened(tasks, &dry.settings).unwrap_or_default())
}
