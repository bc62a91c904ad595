//! Clicks on the buttons of a plan that waits: handed on as what is said of it on its page.

use crate::commands::seen::Seen;
use crate::error::Error;
use crate::reporters::notify::slack_blocks::{person, settled, whispered};
use crate::rules::click::Click;
use crate::rules::errand::{PlanAnswer, PlanSaid};
use crate::rules::notice::text::slack_line;
use crate::serve::clicks::{REASON, refused};
use crate::serve::desk::{Ask, Clicks};
use crate::serve::planned::waiting;
use crate::serve::webhook::Inbox;
use serde_json::Value;
use tokio::runtime::Handle;

/// Hands it on where it counts, and says in Slack's own form what came of it. Called where it may block.
pub(super) fn take(inbox: &Inbox, apps: &[Clicks], click: &Click) -> Result<Value, Error> {
    let rows = inbox.store.sessions(usize::MAX)?;
    let row = rows.into_iter().find(|row| row.id == click.session);
    let app = row.as_ref();
    let app = app.and_then(|row| apps.iter().find(|app| app.project == row.project));
    if let Some(words) = refused(click, app) {
        return Ok(words);
    }
    let seen = row.map(|row| Ok::<_, Error>((Seen::new(&inbox.store, &row)?, row)));
    let Some((seen, row)) = seen.transpose()? else {
        return Ok(whispered(
            "Nothing was done: that session is not known here.",
        ));
    };
    if waiting(&seen).is_none() || seen.process().is_some() {
        let words = "Nothing was done: the plan was answered already.";
        return Ok(settled(&click.text, words));
    }
    let answer = click.plan_answer();
    let by = Some(format!("@{}", click.user));
    let ask = Ask::Resume(row.project, row.id, Some(PlanSaid { answer, by }));
    Ok(match Handle::current().block_on(inbox.desk.ask(ask)) {
        Ok(()) => {
            let what = match answer {
                PlanAnswer::CarryOut => "Carried out",
                PlanAnswer::Drop => "Dropped",
            };
            settled(&click.text, &format!("{what} for {}", person(&click.user)))
        }
        Err(problem) => {
            let why = problem.detail.unwrap_or(problem.title);
            whispered(&format!("Nothing was done: {}", slack_line(&why, REASON)))
        }
    })
}
