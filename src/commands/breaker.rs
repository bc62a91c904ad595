//! `breaker status|reset`: whether a provider is left alone after failures, and the way to end that.

use crate::adapters::store::control::OpenBreaker;
use crate::adapters::store::error::StoreError;
use crate::adapters::store::open::Store;
use crate::adapters::store::sessions::SessionState;
use crate::cli::steer::{BreakerArgs, BreakerCommands};
use crate::commands::answer::Answer;
use crate::commands::place::Place;
use crate::commands::sender::sender;
use crate::commands::store::{look, open};
use crate::commands::through::Daemon;
use crate::engine::clock::SteadyClock;
use crate::error::Error;
use crate::ports::Clock as _;
use crate::reporters::shape::VERSION;
use crate::reporters::time::{ahead, rfc3339};
use crate::reporters::words::plural;
use crate::rules::event::Command;
use crate::rules::exit::Exit;
use crate::rules::ids::Timestamp;
use crate::rules::printable::{clip, printable};
use crate::rules::sender::Sender;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Does what the subcommand says.
pub async fn run(place: &Place, args: &BreakerArgs) -> Result<Exit, Error> {
    if let Some(daemon) = Daemon::find(place, &args.server)?
        && (daemon.breaker(place, args.command == BreakerCommands::Reset)).await?
    {
        return Ok(Exit::Done);
    }
    let state = place.state_dir()?;
    let answer = match args.command {
        BreakerCommands::Status => status(&state, SteadyClock::start().now())?,
        BreakerCommands::Reset => reset(&open(&state)?, &sender())?,
    };
    answer.print(&place.output)?;
    Ok(Exit::Done)
}

/// The breakers as the journals last saw them.
pub fn status(state: &Path, now: Timestamp) -> Result<Answer, StoreError> {
    let breakers = match look(state)? {
        Some(store) => store.breakers()?,
        None => BTreeMap::new(),
    };
    Ok(told(&breakers, now))
}

/// These, in words and as an event.
#[must_use]
pub fn told(breakers: &BTreeMap<String, OpenBreaker>, now: Timestamp) -> Answer {
    let text = match breakers.len() {
        0 => "closed: tasks start as usual\n".into(),
        _ => breakers
            .iter()
            .map(|(provider, breaker)| line(provider, breaker, now))
            .collect(),
    };
    let open: Vec<Value> = breakers
        .iter()
        .map(|(provider, breaker)| object(provider, breaker))
        .collect();
    let event = json!({ "v": VERSION, "event": "breakers", "open": open });
    Answer { text, event }
}

/// Forgets every open breaker, and tells the sessions that run who did.
pub fn reset(store: &Store, by: &Sender) -> Result<Answer, StoreError> {
    let known = store.breakers()?.len() as u64;
    store.forget_breakers(None)?;
    let mut told = Vec::new();
    for row in store.sessions(usize::MAX)? {
        if let SessionState::Running(_) = row.state {
            let command = (&Command::ResetBreaker, Some(by));
            store.send_as(&row.project, Some(&row.id), command)?;
            told.push(row.id);
        }
    }
    let text = format!(
        "{} closed, {} told\n",
        plural(known, "open breaker"),
        plural(told.len() as u64, "running session")
    );
    let event = json!({ "v": VERSION, "event": "breakers_reset", "closed": known, "told": told });
    Ok(Answer { text, event })
}

fn line(provider: &str, breaker: &OpenBreaker, now: Timestamp) -> String {
    let when = if breaker.until > now {
        format!("until {}", ahead(breaker.until, now))
    } else {
        "the next task is its probe".into()
    };
    format!(
        "{}: open after {}, {when}: {}\nhint: `autoissue breaker reset` closes it now\n",
        printable(provider),
        plural(u64::from(breaker.failures), "failure"),
        clip(&breaker.reason, 300)
    )
}

fn object(provider: &str, breaker: &OpenBreaker) -> Value {
    json!({
        "provider": provider,
        "session": breaker.session,
        "since": rfc3339(breaker.since),
        "until": rfc3339(breaker.until),
        "failures": breaker.failures,
        "reason": breaker.reason,
    })
}
