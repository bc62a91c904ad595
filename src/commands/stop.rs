//! `stop`: ends what runs, from another terminal.

use crate::adapters::process::marked::{Running, end_all};
use crate::commands::answer::Answer;
use crate::commands::place::Place;
use crate::error::Error;
use crate::reporters::shape::VERSION;
use crate::reporters::words::plural;
use crate::rules::exit::Exit;
use serde_json::json;

/// Ends every agent, setup and check of this user on this machine, and the sessions that run them.
pub async fn all(place: &Place) -> Result<Exit, Error> {
    let ended = end_all().await;
    answer(&ended).print(&place.output)?;
    Ok(Exit::Done)
}

fn answer(ended: &Running) -> Answer {
    let (programs, sessions) = (ended.supervisors.len(), ended.sessions.len());
    let event =
        json!({ "v": VERSION, "event": "stopped", "programs": programs, "sessions": sessions });
    let text = if programs == 0 {
        "No agent runs on this machine.\n".to_owned()
    } else {
        format!(
            "{} of {} ended; their work is kept, and `autoissue resume` goes on with it.\n",
            plural(programs as u64, "program"),
            plural(sessions as u64, "session")
        )
    };
    Answer { text, event }
}
