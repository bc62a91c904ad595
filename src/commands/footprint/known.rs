//! Tasks get the files that the repository's past and its files speak for, and what else is known of them. Without an
//! index their text's own files stand.

use crate::adapters::git::repository::GitRepository;
use crate::adapters::knowledge::library::{Learned, Library, Step};
use crate::adapters::store::open::Store;
use crate::commands::output::Output;
use crate::commands::place::Place;
use crate::commands::wire::Wiring;
use crate::engine::intake;
use crate::error::Error;
use crate::ports::{Forge, Knowledge as _, KnowledgeError};
use crate::reporters::shape::VERSION;
use crate::reporters::table::thousands;
use crate::rules::classify::Domain;
use crate::rules::evaluate::background::{Background, Backgrounds};
use crate::rules::evaluate::routing::Mode;
use crate::rules::evaluate::similar::Resolved;
use crate::rules::footprint::model::Weights;
use crate::rules::footprint::read::read_alone;
use crate::rules::footprint::{Footprint, record};
use crate::rules::issue::Issue;
use crate::rules::task::Task;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What takes longer is shown, and shown again after as long.
const SHOWN_AFTER: Duration = Duration::from_secs(1);
const SHOWN_AGAIN: Duration = Duration::from_secs(5);

/// Brings the index up to date with the mirror, gives every task its footprint, and says what else is known of them. The
/// mirror has just been fetched. What goes wrong is told, and stops nobody.
pub async fn foresee(
    place: &Place,
    (wiring, store): (&Wiring, &Store),
    forge: &dyn Forge,
    repository: &GitRepository,
    tasks: &mut [Task],
) -> Result<Backgrounds, Error> {
    if tasks.is_empty() {
        return Ok(Backgrounds::new());
    }
    let library = library(place, wiring, repository).await;
    let resolved = resolved(wiring, Some(store), forge).await;
    match ask(library, (wiring, Some(store)), &resolved, tasks).await {
        Ok(backgrounds) => Ok(backgrounds),
        Err(error) => {
            let text =
                format!("note: files are foreseen from the issues' own text alone: {error}\n");
            let event = json!({ "v": VERSION, "event": "note", "about": "index", "text": error.to_string() });
            place.output.note(&text, &event)?;
            Ok(without_index(&resolved, tasks).await)
        }
    }
}

/// The same with the index as the last run left it; without one by our own record alone. Touches nothing.
pub async fn foresee_as_known(
    wiring: &Wiring,
    store: Option<&Store>,
    forge: &dyn Forge,
    tasks: &mut [Task],
) -> Backgrounds {
    let library = Library::look(index_path(wiring)).await;
    let resolved = resolved(wiring, store, forge).await;
    match ask(library, (wiring, store), &resolved, tasks).await {
        Ok(backgrounds) => backgrounds,
        Err(error) => {
            tracing::debug!(%error, "the index was not used");
            without_index(&resolved, tasks).await
        }
    }
}

/// What is known of a single issue by the index as the last run left it. Touches nothing.
pub async fn known_of(
    wiring: &Wiring,
    store: Option<&Store>,
    forge: &dyn Forge,
    (issue, domain): (&Issue, Domain),
) -> Result<(Footprint, Background), KnowledgeError> {
    let (library, is_index) = match Library::look(index_path(wiring)).await {
        Ok(library) => (told(library, wiring, store), true),
        Err(_) => (Library::empty().await?, false),
    };
    let footprint = if is_index {
        library.footprint(issue, domain).await?
    } else {
        read_alone(issue)
    };
    let resolved = resolved(wiring, store, forge).await;
    let background = library.background(issue, &footprint, &resolved).await?;
    Ok((footprint, background))
}

async fn ask(
    library: Result<Library, KnowledgeError>,
    (wiring, store): (&Wiring, Option<&Store>),
    resolved: &[Resolved],
    tasks: &mut [Task],
) -> Result<Backgrounds, KnowledgeError> {
    let library = told(library?, wiring, store);
    intake::foresee(tasks, &library).await?;
    intake::look_back(tasks, &library, resolved).await
}

/// With all that this project says of itself.
fn told(library: Library, wiring: &Wiring, store: Option<&Store>) -> Library {
    let library = library.with_weights(weights(store, wiring));
    library.with_rules(wiring.own())
}

async fn without_index(resolved: &[Resolved], tasks: &[Task]) -> Backgrounds {
    let backgrounds = async {
        let empty = Library::empty().await?;
        intake::look_back(tasks, &empty, resolved).await
    };
    backgrounds.await.unwrap_or_default()
}

/// What was resolved before: issues that people closed as done, then those that an agent worked on, whose ending counts
/// more. Nothing where nobody is interested.
async fn resolved(wiring: &Wiring, store: Option<&Store>, forge: &dyn Forge) -> Vec<Resolved> {
    if wiring.loaded.config.routing.mode == Mode::Off {
        return Vec::new();
    }
    let closed = forge.closed_issues().await.unwrap_or_else(|error| {
        tracing::debug!(%error, "closed issues are not compared");
        Vec::new()
    });
    let closed = closed.into_iter().map(|issue| Resolved {
        issue: issue.number,
        title: issue.title,
        succeeded: true,
    });
    let own = store.and_then(|store| store.resolved(&wiring.project_key()).ok());
    closed.chain(own.unwrap_or_default()).collect()
}

/// The index of this project, up to date with the mirror's base branch.
pub async fn library(
    place: &Place,
    wiring: &Wiring,
    repository: &GitRepository,
) -> Result<Library, KnowledgeError> {
    let archive = repository.archive()?;
    let base = &wiring.project.base_branch;
    let name = format!("refs/remotes/origin/{base}");
    let Some(commit) = archive.commit(&name).await? else {
        return Err(KnowledgeError::Index {
            action: "read the history".to_owned(),
            detail: format!("the mirror has no branch `{base}`"),
        });
    };
    let library = Library::open(&index_path(wiring)).await?;
    let showing = Showing::new(place.output);
    let learned = library
        .bring_up_to_date(&archive, &commit, &|step| showing.step(step))
        .await?;
    showing.end(learned);
    Ok(library)
}

/// What this repository's own record makes of the weights; the defaults where there is none.
#[must_use]
pub fn weights(store: Option<&Store>, wiring: &Wiring) -> Weights {
    let records = store.and_then(|store| store.records(Some(&wiring.project_key())).ok());
    record::learned(&records.unwrap_or_default())
}

/// Where the index of this project is.
#[must_use]
pub fn index_path(wiring: &Wiring) -> PathBuf {
    let mirror = wiring.git_place().mirror;
    let name = mirror
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    wiring.state.join("index").join(format!("{name}.db"))
}

/// Tells of what takes long.
struct Showing {
    output: Output,
    since: Instant,
    next: Mutex<Instant>,
}

impl Showing {
    fn new(output: Output) -> Self {
        let since = Instant::now();
        Self {
            output,
            since,
            next: Mutex::new(since + SHOWN_AFTER),
        }
    }

    fn step(&self, step: Step) {
        let Ok(mut next) = self.next.lock() else {
            return;
        };
        if Instant::now() < *next {
            return;
        }
        *next = Instant::now() + SHOWN_AGAIN;
        let (what, done, all) = match step {
            Step::Commits(done, all) => ("commits", done, all),
            Step::Files(done, all) => ("files", done, all),
        };
        let text = format!(
            "Learning from the repository: {} of {} {what}\n",
            thousands(done),
            thousands(all)
        );
        self.tell(
            &text,
            &json!({ "v": VERSION, "event": "learning", "what": what, "done": done, "of": all }),
        );
    }

    fn end(&self, learned: Learned) {
        if self.since.elapsed() < SHOWN_AFTER {
            return;
        }
        let seconds = self.since.elapsed().as_secs();
        let text = format!(
            "Learned from {} commits and {} files in {seconds}s\n",
            thousands(learned.commits),
            thousands(learned.files)
        );
        self.tell(&text, &json!({
            "v": VERSION, "event": "learned", "commits": learned.commits, "files": learned.files, "seconds": seconds,
        }));
    }

    /// Whoever has stopped reading is no reason to stop.
    fn tell(&self, text: &str, event: &serde_json::Value) {
        drop(self.output.note(text, event));
    }
}
