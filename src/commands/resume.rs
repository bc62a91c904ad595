//! `resume`: a session goes on where it was.

use crate::adapters::store::open::Store;
use crate::cli::run::ResumeArgs;
use crate::commands::exec::{branches, check_isolation};
use crate::commands::place::Place;
use crate::commands::preflight;
use crate::commands::session::{self, Prepared};
use crate::commands::store::{find, open};
use crate::commands::wire::Wiring;
use crate::engine::intake;
use crate::engine::session::Opening;
use crate::error::{Error, Kind};
use crate::ports::Journal;
use crate::rules::exit::{Exit, exit_code};
use crate::rules::ids::SessionId;
use crate::rules::schedule::session::{Phase, Session};
use crate::rules::tally::Tally;
use serde_json::json;

/// Runs the command.
pub async fn run(place: &Place, args: &ResumeArgs) -> Result<Exit, Error> {
    let wiring = Wiring::new(place, &args.limits.overrides())?;
    let store = open(&wiring.state)?;
    let session = match &args.session {
        Some(name) => find(&store, name)?.id,
        None => match newest(&store, &wiring.project_key())? {
            Some(session) => session,
            None => return nothing(place),
        },
    };
    check_isolation(&wiring, args.limits.isolation)?;
    go_on(place, &wiring, &store, &session).await
}

/// Goes on with this session.
pub async fn go_on(
    place: &Place,
    wiring: &Wiring,
    store: &Store,
    session: &SessionId,
) -> Result<Exit, Error> {
    let journal = store.journal(session)?;
    let events = journal.events().await?;
    let folded = Session::fold(&events);
    let settings_before = folded.settings.as_ref();
    if folded.phase == Phase::Finished {
        let event = json!({ "v": 1, "event": "nothing_to_resume", "session": session });
        place.output.result(
            &format!("Session {session} is finished: nothing is left to do.\n"),
            &event,
        )?;
        return Ok(exit_code(&Tally::of(&events)));
    }
    let key = wiring.project_key();
    if !folded.project.is_empty() && folded.project != key {
        return Err(Error::new(Kind::Project, format!("resume {session} here"))
            .cause(format!(
                "it belongs to {}, and this is {key}",
                folded.project
            ))
            .hints(["run it in that project's checkout"]));
    }
    preflight::check(wiring)?;
    let forge = wiring.forge()?;
    let agent = wiring.agent().await?;
    let repository = wiring.repository().await?;
    preflight::check_remote(wiring, repository.as_ref()).await?;
    let mut settings = wiring.settings(folded.selection.label.as_deref(), Some(store));
    settings.priority_first = settings_before.is_some_and(|before| before.priority_first);
    let opening = if events.is_empty() || !folded.is_read() {
        let issues = forge.open_issues(&folded.selection).await?;
        let branches = branches(repository.as_ref()).await?;
        let minutes = store.typical_minutes(&key)?;
        let mut tasks = intake::read(forge.as_ref(), issues, &settings, minutes, branches).await?;
        wiring.route(&mut tasks, &folded.selection, Some(store));
        Opening::Resumed {
            settings: Box::new(settings),
            tasks: Some(tasks),
        }
    } else {
        Opening::Resumed {
            settings: Box::new(settings),
            tasks: None,
        }
    };
    session::run(
        place,
        wiring,
        store,
        Prepared {
            journal,
            forge,
            repository,
            agent,
            opening,
        },
    )
    .await
}

fn newest(store: &Store, project: &str) -> Result<Option<SessionId>, Error> {
    use crate::adapters::store::sessions::SessionState;
    let rows = store.sessions(usize::MAX)?;
    let unfinished = rows
        .into_iter()
        .find(|row| row.project == project && row.state != SessionState::Finished);
    Ok(unfinished.map(|row| row.id))
}

fn nothing(place: &Place) -> Result<Exit, Error> {
    let event = json!({ "v": 1, "event": "nothing_to_resume", "session": null });
    place.output.result(
        "Nothing to resume: every session of this project is finished.\n",
        &event,
    )?;
    Ok(Exit::Done)
}
