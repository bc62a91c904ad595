//! `prompt`: what an agent would be told of an issue, and the template of that. Touches nothing.

use crate::adapters::git::archive::Archive;
use crate::adapters::git::surroundings::surroundings;
use crate::adapters::store::error::StoreError;
use crate::adapters::store::open::Store;
use crate::adapters::store::sessions::SessionState;
use crate::cli::args::Format;
use crate::cli::look::PromptCommands;
use crate::commands::footprint::known::foresee_as_known;
use crate::commands::place::Place;
use crate::commands::project::Home;
use crate::commands::store::look;
use crate::commands::wire::Wiring;
use crate::config::loaded::Overrides;
use crate::engine::intake;
use crate::engine::orders::Check;
use crate::engine::words::{Telling, first_words};
use crate::error::{Error, Kind};
use crate::ports::{Forge, RepositoryError};
use crate::reporters::shape::VERSION;
use crate::rules::exit::Exit;
use crate::rules::ids::IssueNumber;
use crate::rules::issue::Selection;
use crate::rules::prompt::cut::TOKEN_BYTES;
use crate::rules::prompt::first::{DEFAULT, VARIABLES};
use crate::rules::prompt::others::beside;
use crate::rules::prompt::surroundings::{Surroundings, Wanted};
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::Entry;
use crate::rules::task::{Start, Task};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

/// Runs the command.
pub async fn run(place: &Place, command: PromptCommands) -> Result<Exit, Error> {
    match command {
        PromptCommands::Show { issue } => show(place, issue).await?,
        PromptCommands::Template => {
            let event = json!({
                "v": VERSION, "event": "prompt_template", "template": DEFAULT, "variables": VARIABLES,
            });
            place.output.result(DEFAULT, &event)?;
        }
    }
    Ok(Exit::Done)
}

async fn show(place: &Place, number: IssueNumber) -> Result<(), Error> {
    let wiring = Wiring::new(place, &Overrides::default())?;
    let forge = wiring.forge()?;
    let store = look(&wiring.state)?;
    let wording = wiring.wording(store.as_ref())?;
    let session = running(&wiring, store.as_ref())?.unwrap_or_default();
    let entry = session.entry(number);
    let entry = entry.filter(|entry| entry.ending().is_none());
    let task = match entry {
        Some(entry) => Arc::clone(&entry.task),
        None => Arc::new(read(&wiring, store.as_ref(), forge.as_ref(), number).await?),
    };
    let around = asked(place, &wiring, &task).await?;
    let checks = wiring.checks().checks.iter();
    let checks: Vec<String> = checks.map(Check::words).collect();
    let comments = forge
        .comments(number, wiring.loaded.config.security.trust)
        .await?;
    let telling = Telling {
        task: &task,
        comments: &comments,
        repository: forge.project(),
        base_branch: &wiring.project.base_branch,
        branch: entry.map_or(&task.branch, |entry| &entry.branch),
        checks: &checks,
        instructions: entry.and_then(|entry| entry.approval.instructions()),
        surroundings: &around,
        others: &beside(&session, number),
        below: entry.map_or(&[], |entry| entry.record.below.as_slice()),
        conflicts: &[],
        is_brief: false,
        is_rework: false,
    };
    let words = first_words(&wording, &telling)
        .map_err(|error| Error::new(Kind::Config, "use the prompt template").because(&error))?;
    let goes_on = entry.is_some_and(goes_on);
    if goes_on {
        let text = format!(
            "note: {number} was worked on already; an agent that can resume its conversation is told only what changed\n"
        );
        note(place, &text)?;
    }
    let event = json!({
        "v": VERSION, "event": "prompt", "issue": number, "base": around.commit,
        "tokens": words.text.len().div_ceil(TOKEN_BYTES), "max_tokens": wording.max_tokens,
        "left_out": words.missing, "goes_on": goes_on, "prompt": words.text,
    });
    place
        .output
        .result(&format!("{}\n", words.text.trim_end()), &event)
}

/// For a person; a program reads the same in the event itself.
fn note(place: &Place, text: &str) -> Result<(), Error> {
    match place.output.format() {
        Format::Text => place.output.note(text, &Value::Null),
        Format::Json => Ok(()),
    }
}

/// Does its next attempt go on in an earlier conversation?
fn goes_on(entry: &Entry) -> bool {
    match &entry.start {
        Start::Snapshot { conversation, .. } => conversation.is_some(),
        Start::Base | Start::Joined | Start::Captured { .. } | Start::Verified => false,
    }
}

/// The session of this project that runs now.
fn running(wiring: &Wiring, store: Option<&Store>) -> Result<Option<Session>, StoreError> {
    let Some(store) = store else {
        return Ok(None);
    };
    let key = wiring.project_key();
    let rows = store.sessions(usize::MAX)?;
    let row = rows
        .into_iter()
        .find(|row| row.project == key && matches!(row.state, SessionState::Running(_)));
    let events = row.map(|row| store.events(&row.id)).transpose()?;
    Ok(events.map(|events| Session::fold(&events)))
}

/// The issue as a session would read it.
async fn read(
    wiring: &Wiring,
    store: Option<&Store>,
    forge: &dyn Forge,
    number: IssueNumber,
) -> Result<Task, Error> {
    let absent = || {
        Error::new(Kind::Project, format!("show the prompt of {number}"))
            .cause("there is no issue of that number; pull requests are none")
    };
    let issue = forge.issue(number).await?.ok_or_else(absent)?;
    let settings = wiring.settings(None, store);
    let mut tasks = intake::read(forge, vec![issue], &settings, wiring.own(), []).await?;
    let known = foresee_as_known(wiring, store, forge, &mut tasks).await;
    let tasks = wiring.routed(tasks, &known, &Selection::default());
    tasks.into_iter().next().ok_or_else(absent)
}

/// What the base says; where it says nothing, that is told.
async fn asked(place: &Place, wiring: &Wiring, task: &Task) -> Result<Surroundings, Error> {
    let wanted = Wanted::of(&task.issue, &task.footprint);
    match look_around(wiring, &wanted).await {
        Ok(found) => Ok(found),
        Err(error) => {
            let text = format!("note: nothing of the base branch is told: {error}\n");
            note(place, &text)?;
            Ok(Surroundings::default())
        }
    }
}

/// The base branch is read where it was fetched to, else where the user's checkout has it.
async fn look_around(wiring: &Wiring, wanted: &Wanted) -> Result<Surroundings, RepositoryError> {
    let base = &wiring.project.base_branch;
    let (top, mirror) = (wiring.project.top.clone(), wiring.git_place().mirror);
    let (repository, name) = match &wiring.project.home {
        Home::Local { .. } => (top, format!("refs/heads/{base}")),
        Home::Github { .. } if mirror.join("HEAD").exists() => {
            (mirror, format!("refs/remotes/origin/{base}"))
        }
        Home::Github { .. } => (top, format!("refs/remotes/origin/{base}")),
    };
    let home = Passing::new();
    let archive = Archive::of(&repository, &home.0).await?;
    surroundings(&archive, &name, wanted).await
}

/// A directory for git's own settings, of which there are none; it goes when dropped.
struct Passing(PathBuf);

impl Passing {
    fn new() -> Self {
        let name = format!("autoissue-{}", uuid::Uuid::new_v4().simple());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        // It is empty, so that nothing is lost where it stays.
        drop(fs::remove_dir(&self.0));
    }
}
