//! The journal on its own: events go into SQLite, survive a process that is killed, and fold back into the session.
//!
//! `cargo run --example journal`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use autoissue::adapters::store::open::Store;
use autoissue::config::shape::Config;
use autoissue::ports::{Journal, recorded};
use autoissue::rules::event::Event;
use autoissue::rules::ids::{SessionId, Timestamp};
use autoissue::rules::issue::Selection;
use autoissue::rules::tally::Tally;
use std::error::Error;
use std::process::Command;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // This program starts itself once more, as the process that dies.
    if let Some(state) = std::env::args_os().nth(1) {
        return write_and_die(state.as_ref()).await;
    }
    let state = tempfile::tempdir()?;
    let died = Command::new(std::env::current_exe()?)
        .arg(state.path())
        .status()?;
    println!("the writer ended with {died}");

    let store = Store::open(state.path())?;
    let session = store.newest_unfinished()?.ok_or("no session is left")?;
    let journal = store.journal(&session)?;
    let events = journal.events().await?;
    println!("session {session} left {} events:", events.len());
    for recorded in &events {
        let kind = serde_json::to_value(&recorded.event)?;
        println!(
            "  {} {}",
            recorded.seq,
            kind["event"].as_str().unwrap_or("?")
        );
    }

    let tally = Tally::of(&events);
    println!(
        "folded: {} of {} tasks, {:?}",
        tally.counts.ended(),
        tally.counts.all(),
        tally.phase
    );

    let last = events.last().map_or(0, |recorded| recorded.seq);
    let finished = recorded(last + 1, Timestamp(4_000), Event::SessionFinished);
    journal.append(&[finished]).await?;
    println!(
        "and after one more: {:?}",
        Tally::of(&journal.events().await?).phase
    );
    Ok(())
}

/// Appends two turns of a session. `append` returns when they are on the disk, so that no kill loses them.
async fn write_and_die(state: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let store = Store::open(state)?;
    let id = SessionId::new("EXAMPLE");
    let selection = Selection {
        label: Some("bug".to_owned()),
        ..Selection::default()
    };
    let journal = store.begin(id.clone(), "acme/shop", &selection)?;
    let started = Event::SessionStarted {
        session: id,
        project: "acme/shop".to_owned(),
        selection,
        settings: Box::new(Config::default().settings("main", None, None)),
    };
    let read = Event::tasks_read(vec![]);
    journal
        .append(&[recorded(1, Timestamp(1_000), started)])
        .await?;
    journal
        .append(&[recorded(2, Timestamp(2_000), read)])
        .await?;
    std::process::abort();
}
