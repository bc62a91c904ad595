//! An issue's story: what its events say, and what its agents said and did.

use crate::adapters::store::error::StoreError;
use crate::adapters::store::open::Store;
use crate::adapters::store::sessions::SessionRow;
use crate::cli::args::Format;
use crate::commands::history::History;
use crate::commands::seen::Seen;
use crate::commands::sender::redactor;
use crate::reporters::lines::line;
use crate::reporters::paint::Paint;
use crate::reporters::time::rfc3339;
use crate::rules::event::{Event, Recorded};
use crate::rules::ids::{IssueNumber, SessionId};
use crate::rules::tally::Tally;
use crate::serve::course::Course;
use crate::serve::watched::Watched;

/// Bytes of a conversation that a page shows: its end.
const SHOWN: usize = 200_000;

/// What happened, each with its time. Only what is about the issue is read again.
pub(super) fn told(
    watched: &Watched,
    row: &SessionRow,
    issue: IssueNumber,
) -> Result<Vec<(String, String)>, StoreError> {
    let mut tally = watched.look_back(row, |seen, course| begun(seen, course, issue))?;
    let mut told = Vec::new();
    for recorded in watched.store().events_about(&row.id, issue)? {
        tally.apply(&recorded);
        if let Some(line) = line(&tally, &recorded) {
            let at = rfc3339(recorded.at);
            let at = at.get(..19).unwrap_or(&at).replace('T', " ");
            told.push((at, line.shown(Paint::NONE)));
        }
    }
    Ok(told)
}

/// The session as if this task were its only one, before anything happened to it.
fn begun(seen: &Seen, course: &Course, issue: IssueNumber) -> Tally {
    let mut tally = Tally {
        session: Some(seen.id.clone()),
        project: seen.tally.project.clone(),
        settings: seen.tally.settings.clone(),
        ..Tally::default()
    };
    let mut tasks = course.tasks.iter();
    let task = tasks.find(|task| task.number() == issue);
    tally.apply(&Recorded {
        seq: 1,
        at: seen.tally.started.unwrap_or_default(),
        event: Event::TasksRead {
            tasks: task.cloned().into_iter().collect(),
            prediction: None,
        },
    });
    tally
}

/// The end of what its agents said and did; empty where nothing is kept.
pub(super) async fn conversation(store: Store, session: SessionId, issue: IssueNumber) -> String {
    let redactor = redactor();
    let mut text = String::new();
    let history = History::of(store, session, issue);
    let collect = |more: &str| {
        text.push_str(&redactor.clean(more));
        Ok(())
    };
    if let Err(error) = history.said(Format::Text, collect).await {
        tracing::debug!(reason = error.reason(), "a conversation is not shown");
    }
    let cut = text.len().saturating_sub(SHOWN);
    let cut = (cut..=text.len()).find(|at| text.is_char_boundary(*at));
    text.split_off(cut.unwrap_or_default())
}
