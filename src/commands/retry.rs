//! A person's wish for one issue, left in the control inbox of the session that works on it: `retry`, `skip`, and the
//! answers of `approve`.

use crate::adapters::store::error::StoreError;
use crate::adapters::store::figures::WorkedOn;
use crate::adapters::store::open::Store;
use crate::adapters::store::sessions::SessionState;
use crate::cli::serve::ServerArgs;
use crate::commands::answer::Answer;
use crate::commands::approve;
use crate::commands::place::Place;
use crate::commands::sender::sender;
use crate::commands::store::open;
use crate::commands::through::Daemon;
use crate::commands::wire::Wiring;
use crate::config::loaded::Overrides;
use crate::error::{Error, Kind};
use crate::reporters::shape::VERSION;
use crate::reporters::words::spoken;
use crate::rules::event::Command;
use crate::rules::exit::Exit;
use crate::rules::ids::{IssueNumber, SessionId};
use crate::rules::printable::printable;
use crate::rules::sender::Sender;
use crate::rules::task::Ending;
use serde_json::json;

/// Sends the wish to the daemon, where there is one, else to the session itself.
pub async fn run(
    place: &Place,
    server: &ServerArgs,
    command: &Command,
    issue: IssueNumber,
) -> Result<Exit, Error> {
    // Outside of a checkout the sessions themselves have to tell which repository is meant.
    let project = Wiring::new(place, &Overrides::default()).map(|wiring| wiring.project_key());
    let whose = project.as_deref().ok();
    if let Some(daemon) = Daemon::find(place, server)?
        && daemon.wish(place, whose, command, issue).await?
    {
        return Ok(Exit::Done);
    }
    let store = open(&place.state_dir()?)?;
    let by = sender();
    send(&store, whose, (command, Some(&by)), issue)?.print(&place.output)?;
    Ok(Exit::Done)
}

/// Leaves the command to the unfinished session that has the issue. `project` tells sessions of several repositories
/// apart; without it they must agree.
pub fn send(
    store: &Store,
    project: Option<&str>,
    wish: (&Command, Option<&Sender>),
    issue: IssueNumber,
) -> Result<Answer, Error> {
    let mut known = store.worked_on(issue)?;
    known.retain(|task| project.is_none_or(|project| task.project == project));
    leave(store, &known, wish, issue)
}

/// Leaves the command to this session, where it is not finished.
pub fn send_to(
    store: &Store,
    session: &SessionId,
    wish: (&Command, Option<&Sender>),
    issue: IssueNumber,
) -> Result<Answer, Error> {
    let mut known = store.worked_on(issue)?;
    known.retain(|task| task.session == *session);
    leave(store, &known, wish, issue)
}

fn leave(
    store: &Store,
    known: &[WorkedOn],
    (command, by): (&Command, Option<&Sender>),
    issue: IssueNumber,
) -> Result<Answer, Error> {
    let task = choose(known, issue)?;
    let refusal = match command {
        Command::Approve { .. }
        | Command::Reject { .. }
        | Command::Modify { .. }
        | Command::Answer { .. } => approve::refusal(store, &task.session, issue, command)?,
        Command::Retry { .. } | Command::Skip { .. } | Command::ResetBreaker => {
            objection(command, task).map(|reason| (reason, None))
        }
    };
    if let Some((reason, hint)) = refusal {
        return Err(refused(issue, reason, hint));
    }
    store.send_as(&task.project, Some(&task.session), (command, by))?;
    Ok(answer(store, task, issue)?)
}

fn choose(known: &[WorkedOn], issue: IssueNumber) -> Result<&WorkedOn, Error> {
    let exec = format!("`autoissue exec --issue {}` starts one", issue.0);
    let Some(newest) = known.first() else {
        return Err(refused(issue, "no session has it".into(), Some(exec)));
    };
    let mut open = known.iter().filter(|task| !task.finished);
    let Some(task) = open.next() else {
        let reason = format!("session {} has finished", newest.session);
        return Err(refused(issue, reason, Some(exec)));
    };
    match open.find(|other| other.project != task.project) {
        None => Ok(task),
        Some(other) => Err(refused(
            issue,
            format!(
                "sessions of {} and of {} both have it",
                printable(&task.project),
                printable(&other.project)
            ),
            Some("ask in the checkout of the one that is meant".into()),
        )),
    }
}

/// Why the wish makes no sense for this task.
fn objection(command: &Command, task: &WorkedOn) -> Option<String> {
    match (command, task.ending.as_deref()) {
        (Command::Retry { .. }, None) => Some("it has not ended yet".into()),
        (Command::Retry { .. }, Some(word)) if word == Ending::Completed.word() => {
            Some("it is completed".into())
        }
        (Command::Skip { .. }, Some(word)) => Some(format!("it has ended: {}", spoken(word))),
        (Command::Retry { .. }, Some(_))
        | (Command::Skip { .. }, None)
        | (
            Command::ResetBreaker
            | Command::Approve { .. }
            | Command::Reject { .. }
            | Command::Modify { .. }
            | Command::Answer { .. },
            _,
        ) => None,
    }
}

fn refused(issue: IssueNumber, reason: String, hint: Option<String>) -> Error {
    Error::new(Kind::Journal, format!("change {issue}"))
        .cause(reason)
        .hints(hint)
}

fn answer(store: &Store, task: &WorkedOn, issue: IssueNumber) -> Result<Answer, StoreError> {
    let session = &task.session;
    let running = matches!(store.state_of(session)?, SessionState::Running(_));
    let when = if running {
        "takes it up within seconds".into()
    } else {
        format!("takes it up with `autoissue resume {session}`")
    };
    Ok(Answer {
        text: format!("{issue}: session {session} {when}\n"),
        event: json!({
            "v": VERSION,
            "event": "command_sent",
            "session": session,
            "issue": issue,
            "running": running,
        }),
    })
}
