//! `approve`, `reject`, `modify`: a person's answer for an issue that waits for one, left in the control inbox.

use crate::adapters::store::open::Store;
use crate::cli::steer::{AnswerArgs, ApproveArgs, ModifyArgs, RejectArgs};
use crate::commands::place::Place;
use crate::commands::retry::run;
use crate::error::{Error, Kind};
use crate::reporters::words::spoken;
use crate::rules::event::{Command, Event};
use crate::rules::exit::Exit;
use crate::rules::ids::{IssueNumber, SessionId};
use crate::rules::prompt::first::INSTRUCTIONS_MAX;
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::{Approval, Entry};
use crate::rules::sender::Sender;

/// Approves an issue.
pub async fn approve(place: &Place, args: &ApproveArgs) -> Result<Exit, Error> {
    let issue = args.issue;
    run(place, &args.server, &Command::Approve { issue }, issue).await
}

/// Rejects an issue, for the reason in its words if there are any.
pub async fn reject(place: &Place, args: &RejectArgs) -> Result<Exit, Error> {
    let issue = args.issue;
    let reason = (!args.reason.is_empty()).then(|| words("reject", issue, &args.reason));
    let command = Command::Reject {
        issue,
        reason: reason.transpose()?,
    };
    run(place, &args.server, &command, issue).await
}

/// Approves an issue with the instructions in its words.
pub async fn modify(place: &Place, args: &ModifyArgs) -> Result<Exit, Error> {
    let issue = args.issue;
    let command = Command::Modify {
        issue,
        instructions: words("modify", issue, &args.instructions)?,
    };
    run(place, &args.server, &command, issue).await
}

/// Answers what the agent of an issue asked.
pub async fn answer(place: &Place, args: &AnswerArgs) -> Result<Exit, Error> {
    let issue = args.issue;
    let answer = words("answer", issue, &args.answer)?;
    let command = Command::Answer { issue, answer };
    run(place, &args.server, &command, issue).await
}

fn words(action: &str, issue: IssueNumber, words: &[String]) -> Result<String, Error> {
    let words = words.join(" ");
    let cause = match words.trim() {
        "" => "there are no words in it".to_owned(),
        words if words.len() > INSTRUCTIONS_MAX => {
            format!("{} bytes are more than {INSTRUCTIONS_MAX}", words.len())
        }
        words => return Ok(words.to_owned()),
    };
    Err(Error::new(Kind::Usage, format!("{action} {issue}")).cause(cause))
}

/// Why an answer is of no use, and what helps. The first answer counts, also where the session has not taken it up yet.
pub(super) fn refusal(
    store: &Store,
    session: &SessionId,
    issue: IssueNumber,
    command: &Command,
) -> Result<Option<(String, Option<String>)>, Error> {
    let folded = Session::fold(&store.events(session)?);
    let objects = |entry| match command {
        Command::Answer { .. } => unasked(entry),
        Command::Approve { .. }
        | Command::Reject { .. }
        | Command::Modify { .. }
        | Command::Retry { .. }
        | Command::Skip { .. }
        | Command::ResetBreaker => objection(entry),
    };
    if let Some(reason) = folded.entry(issue).and_then(objects) {
        return Ok(Some((reason, None)));
    }
    Ok(earlier(store, session, issue)?.map(|earlier| {
        let reason = format!("it was answered already: {earlier}");
        let hint = format!("`autoissue resume {session}` takes the answer up");
        (reason, Some(hint))
    }))
}

/// The answer that counts for this issue, with who gave it, where that is known.
pub fn answered(
    store: &Store,
    session: &SessionId,
    issue: IssueNumber,
) -> Result<Option<(Command, Option<Sender>)>, Error> {
    let taken = store.events(session)?.into_iter();
    let taken = taken.filter_map(|recorded| match recorded.event {
        Event::CommandTaken { command, by } => Some((command, by)),
        _ => None,
    });
    let waiting = store.wishes(session)?.into_iter();
    let mut all = taken.chain(waiting.map(|wish| (wish.command, wish.by)));
    Ok(all.find(|(command, _)| match command {
        Command::Approve { issue: other }
        | Command::Reject { issue: other, .. }
        | Command::Modify { issue: other, .. } => *other == issue,
        Command::Answer { .. }
        | Command::Retry { .. }
        | Command::Skip { .. }
        | Command::ResetBreaker => false,
    }))
}

/// Why nobody waits for an answer.
fn objection(entry: &Entry) -> Option<String> {
    match (&entry.approval, entry.ending()) {
        (_, Some(ending)) => Some(format!("it has ended: {}", spoken(ending.word()))),
        (Approval::Awaited { .. }, None) => None,
        (Approval::Given { .. }, None) => Some("it was approved already".to_owned()),
        (Approval::Free, None) if entry.asks() => {
            Some("it does not wait for approval, but for an answer".to_owned())
        }
        (Approval::Free, None) => Some("it does not wait for approval".to_owned()),
    }
}

/// Why nobody waits for an answer to a question.
fn unasked(entry: &Entry) -> Option<String> {
    match entry.ending() {
        Some(ending) => Some(format!("it has ended: {}", spoken(ending.word()))),
        None => (!entry.asks()).then(|| "its agent has asked nothing".to_owned()),
    }
}

/// The answer that waits in the inbox, if one does.
fn earlier(
    store: &Store,
    session: &SessionId,
    issue: IssueNumber,
) -> Result<Option<&'static str>, Error> {
    let waiting = store.waiting(session)?;
    Ok(waiting.iter().find_map(|command| match command {
        Command::Approve { issue: other } if *other == issue => Some("approve"),
        Command::Reject { issue: other, .. } if *other == issue => Some("reject"),
        Command::Modify { issue: other, .. } if *other == issue => Some("modify"),
        Command::Answer { issue: other, .. } if *other == issue => Some("answer"),
        Command::Approve { .. }
        | Command::Reject { .. }
        | Command::Modify { .. }
        | Command::Answer { .. }
        | Command::Retry { .. }
        | Command::Skip { .. }
        | Command::ResetBreaker => None,
    }))
}
