//! `resume`: a session goes on where it was.

use crate::adapters::git::repository::GitRepository;
use crate::adapters::store::journal::SqliteJournal;
use crate::adapters::store::open::Store;
use crate::cli::run::ResumeArgs;
use crate::commands::exec::{branches, read_up_on};
use crate::commands::hold::{self, Taking};
use crate::commands::place::Place;
use crate::commands::plan_run::{Carrying, carry, means, purpose_of};
use crate::commands::preflight;
use crate::commands::pulls::round::apart;
use crate::commands::session::{self, Prepared};
use crate::commands::store::{find, open};
use crate::commands::taken::taken;
use crate::commands::wire::Wiring;
use crate::engine::planning::PlanOpening;
use crate::engine::session::Opening;
use crate::error::{Error, Kind};
use crate::ports::{Forge, Journal, Leases, NoLeases};
use crate::rules::exit::{Exit, exit_code};
use crate::rules::ids::SessionId;
use crate::rules::issue::Selection;
use crate::rules::plan::progress::Purpose;
use crate::rules::schedule::session::{Phase, Session};
use crate::rules::settings::Settings;
use crate::rules::tally::Tally;
use crate::rules::task::Task;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

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
    wiring.contained().await?;
    let purpose = if args.yes {
        Purpose::CarryOut
    } else if args.no {
        Purpose::Drop
    } else {
        Purpose::Ask
    };
    go_on_with_plan(place, &wiring, &store, &session, (purpose, None)).await
}

/// Goes on with this session.
pub async fn go_on(
    place: &Place,
    wiring: &Wiring,
    store: &Store,
    session: &SessionId,
) -> Result<Exit, Error> {
    go_on_with_plan(place, wiring, store, session, (Purpose::Ask, None)).await
}

/// The same, for a session that may still be making a plan: what is to become of that, and where it is written.
pub async fn go_on_with_plan(
    place: &Place,
    wiring: &Wiring,
    store: &Store,
    session: &SessionId,
    (purpose, save): (Purpose, Option<&Path>),
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
    check_project(&folded.project, &key, session)?;
    preflight::check(wiring)?;
    if folded.selection.planned.is_some() && !folded.is_read() {
        return go_on_planning((place, wiring, store), journal, &folded, (purpose, save)).await;
    }
    check_dropping(purpose, session)?;
    let forge = wiring.forge()?;
    let agents = wiring.agents().await?;
    let repository = Arc::new(wiring.tidied_repository(store).await?);
    preflight::check_remote(wiring, repository.as_ref()).await?;
    let mut settings = settings_of(wiring, store, &folded.selection);
    settings.priority_first = settings_before.is_some_and(|before| before.priority_first);
    let means = (forge.as_ref(), repository.as_ref());
    let selection = &folded.selection;
    let ((leases, elsewhere), tasks) = if folded.is_read() {
        let whose = (session, &folded);
        let taken = hold::take_again((wiring, store, means.1), means.0, whose).await?;
        (taken, None)
    } else {
        let (leases, tasks) = read(
            (place, wiring, store),
            means,
            (session, selection),
            &settings,
        )
        .await?;
        ((leases, Vec::new()), Some(tasks))
    };
    let opening = Opening::Resumed {
        settings: Box::new(settings),
        tasks,
        elsewhere,
    };
    let prepared = Prepared {
        journal: journal.into(),
        forge,
        repository,
        leases,
        agents,
        opening,
        console: None,
    };
    session::run(place, wiring, store, prepared).await
}

/// Reads and takes the issues of a session that died before it had them.
async fn read(
    (place, wiring, store): (&Place, &Wiring, &Store),
    (forge, repository): (&dyn Forge, &GitRepository),
    (session, selection): (&SessionId, &Selection),
    settings: &Settings,
) -> Result<(Arc<dyn Leases>, Vec<Task>), Error> {
    if selection.follow_up {
        // What is to be done about pulls is looked at anew.
        return Ok((Arc::new(NoLeases), Vec::new()));
    }
    let issues = forge.open_issues(selection).await?;
    let branches = branches(repository).await?;
    let found = (issues, selection);
    let tasks = taken(wiring, forge, found, settings, branches).await?;
    let means = (forge, repository);
    let mut tasks = read_up_on(place, (wiring, store), means, selection, tasks).await?;
    let taking = Taking {
        place: (wiring, store, repository),
        forge,
        session,
        selection,
    };
    let leases = taking.take(&mut tasks).await?;
    Ok((leases, tasks))
}

fn check_project(project: &str, key: &str, session: &SessionId) -> Result<(), Error> {
    if project.is_empty() || project == key {
        return Ok(());
    }
    Err(Error::new(Kind::Project, format!("resume {session} here"))
        .cause(format!("it belongs to {project}, and this is {key}"))
        .hints(["run it in that project's checkout"]))
}

/// What waits with no plan is not gone on with because somebody wanted to drop one.
fn check_dropping(purpose: Purpose, session: &SessionId) -> Result<(), Error> {
    if purpose != Purpose::Drop {
        return Ok(());
    }
    let action = format!("drop the plan of {session}");
    Err(Error::new(Kind::Usage, action)
        .cause("it waits with none")
        .hints(["leave --no away to go on with its issues"]))
}

/// Goes on with a session whose issues are not all there.
async fn go_on_planning(
    (place, wiring, store): (&Place, &Wiring, &Store),
    journal: SqliteJournal,
    session: &Session,
    (purpose, save): (Purpose, Option<&Path>),
) -> Result<Exit, Error> {
    let order = session.selection.planned.clone().unwrap_or_default();
    let purpose = purpose_of(&order, purpose, session.plan.approved)?;
    let mut settings = settings_of(wiring, store, &session.selection);
    let before = session.settings.as_ref();
    settings.priority_first = before.is_some_and(|before| before.priority_first);
    carry(Carrying {
        place,
        wiring,
        store,
        means: means(wiring).await?,
        journal,
        opening: PlanOpening::Resumed(Box::new(settings)),
        purpose,
        save,
    })
    .await
}

/// What its decisions rest on from here. The label that names a plan is never taken off.
fn settings_of(wiring: &Wiring, store: &Store, selection: &Selection) -> Settings {
    if selection.follow_up {
        return apart(wiring.settings(None, Some(store)));
    }
    match &selection.planned {
        Some(order) => wiring.plan_settings(order.labels.first().map(String::as_str), Some(store)),
        None => wiring.settings(selection.label.as_deref(), Some(store)),
    }
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
