//! An issue's story: what its events say, and what its agents said and did.

use crate::adapters::store::error::StoreError;
use crate::adapters::store::open::Store;
use crate::cli::args::Format;
use crate::commands::history::History;
use crate::commands::sender::redactor;
use crate::reporters::lines::line;
use crate::reporters::paint::Paint;
use crate::reporters::time::rfc3339;
use crate::rules::ids::{IssueNumber, SessionId};
use crate::rules::tally::Tally;

/// Bytes of a conversation that a page shows: its end.
const SHOWN: usize = 200_000;

/// What happened, each with its time.
pub(super) fn told(
    store: &Store,
    session: &SessionId,
    issue: IssueNumber,
) -> Result<Vec<(String, String)>, StoreError> {
    let mut tally = Tally::default();
    let mut told = Vec::new();
    for recorded in store.events(session)? {
        tally.apply(&recorded);
        if recorded.event.issue() == Some(issue)
            && let Some(line) = line(&tally, &recorded)
        {
            let at = rfc3339(recorded.at);
            let at = at.get(..19).unwrap_or(&at).replace('T', " ");
            told.push((at, line.shown(Paint::NONE)));
        }
    }
    Ok(told)
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
