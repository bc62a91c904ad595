//! Runs one session to its end in this process: signals, reporters, exit code.

use crate::adapters::store::journal::SqliteJournal;
use crate::adapters::store::open::Store;
use crate::cli::args::Format;
use crate::commands::notify;
use crate::commands::place::Place;
use crate::commands::serve;
use crate::commands::signals::Signals;
use crate::commands::wire::Wiring;
use crate::engine::clock::SteadyClock;
use crate::engine::session::{self, Opening};
use crate::error::Error;
use crate::ports::{Agents, Forge, Journal, Leases, Ports, Reporter, Repository, Stop};
use crate::reporters::console::{Format as ConsoleFormat, console};
use crate::reporters::log::{LogGuard, LogReporter};
use crate::reporters::shape::VERSION;
use crate::rules::exit::{Exit, exit_code};
use crate::rules::lesson::learned;
use crate::rules::tally::Tally;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A session that is about to run.
pub struct Prepared {
    /// Its journal, held by this process.
    pub journal: Arc<SqliteJournal>,
    /// The forge.
    pub forge: Arc<dyn Forge>,
    /// The repository.
    pub repository: Arc<dyn Repository>,
    /// Its right to work on the issues.
    pub leases: Arc<dyn Leases>,
    /// The agent.
    pub agents: Agents,
    /// How it begins.
    pub opening: Opening,
    /// Whom its events are told on the standard streams, where that has begun: it knows all that stands in the journal.
    pub console: Option<Arc<dyn Reporter>>,
}

/// Runs it, and tells how the process should end.
pub async fn run(
    place: &Place,
    wiring: &Wiring,
    store: &Store,
    prepared: Prepared,
) -> Result<Exit, Error> {
    let Prepared {
        journal,
        forge,
        repository,
        leases,
        agents,
        opening,
        console: told,
    } = prepared;
    let orders = Arc::new(wiring.orders(store, journal.session())?);
    for note in &wiring.checks().notes {
        let event = json!({ "v": VERSION, "event": "note", "about": "checks", "text": note });
        place.output.note(&format!("note: {note}\n"), &event)?;
    }
    // One process may run several sessions, one after the other.
    let guard = place.open_log(&wiring.loaded, &wiring.state);
    let mut reporters = reporters(guard);
    if told.is_none() {
        reporters.push(console_of(place));
    }
    let before = journal.events().await?;
    for recorded in &before {
        for reporter in &reporters {
            reporter.event(recorded);
        }
    }
    // What is told was told then by whoever ran.
    let redactor = wiring.redactor();
    reporters.extend(notify::tellers(&wiring.loaded, &redactor, &before));
    reporters.extend(told);
    let ports = Ports {
        forge,
        repository,
        leases,
        agents,
        commands: wiring.commands().await?,
        resources: wiring.machine(),
        journal: Arc::clone(&journal) as Arc<dyn Journal>,
        clock: Arc::new(SteadyClock::start()),
        reporters: reporters.into(),
    };
    let dashboard = Box::pin(serve::beside(place, wiring, store)).await?;
    let stop = Stop::new();
    let obeying = Signals::hear().map(|signals| tokio::spawn(signals.obey(stop.clone())));
    // Not before somebody else hears what would end the command.
    place.has_begun.store(true, Ordering::SeqCst);
    let ended = Box::pin(session::run(&ports, orders, opening, &stop)).await;
    if let Some(obeying) = obeying {
        obeying.abort();
    }
    if let Some(dashboard) = dashboard {
        Box::pin(dashboard.end()).await;
    }
    ended?;
    let events = journal.events().await?;
    let lessons = learned(&events, wiring.loaded.config.security.trust);
    if let Err(error) = store.learn(&wiring.project_key(), journal.session(), &lessons) {
        tracing::warn!(%error, "what was learned could not be kept");
    }
    Ok(exit_code(&Tally::of(&events)))
}

fn console_of(place: &Place) -> Arc<dyn Reporter> {
    let format = match place.globals.format {
        Format::Text => ConsoleFormat::Text,
        Format::Json => ConsoleFormat::Json,
    };
    console(format, place.live(), place.output.colour(), place.calling())
}

fn reporters(guard: Option<&LogGuard>) -> Vec<Arc<dyn Reporter>> {
    let mut reporters: Vec<Arc<dyn Reporter>> = Vec::new();
    if let Some(guard) = guard {
        reporters.push(Arc::new(LogReporter::new(guard)));
    }
    reporters
}
