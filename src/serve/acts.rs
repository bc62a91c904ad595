//! What a person does on a page: a form that was sent, turned into a command in the control inbox.

use crate::adapters::process::errand::interrupt;
use crate::adapters::store::sessions::SessionState;
use crate::commands::breaker;
use crate::commands::retry::{send, send_to};
use crate::error::Error;
use crate::rules::errand::{PlanAnswer, PlanSaid};
use crate::rules::event::Command;
use crate::rules::ids::{IssueNumber, SessionId};
use crate::rules::prompt::first::INSTRUCTIONS_MAX;
use crate::serve::desk::Ask;
use crate::serve::pages::SaidPage;
use crate::serve::problem::Problem;
use crate::serve::projects::desk;
use crate::serve::server::{House, page};
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

/// A form as it was sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Act {
    /// What is wished.
    #[serde(rename = "do")]
    wish: String,
    issue: u64,
    words: String,
    /// The session that it is about: several may have an issue of that number.
    session: String,
    /// Where its page is.
    back: String,
}

/// Does it, and goes back to the page.
pub(super) async fn act(State(house): State<House>, Form(act): Form<Act>) -> Response {
    let back = back(&act.back);
    let goes_on = match act.wish.as_str() {
        "resume" => Some(None),
        "carry-out" => Some(Some(PlanAnswer::CarryOut)),
        "drop" => Some(Some(PlanAnswer::Drop)),
        _ => None,
    };
    if let Some(plan) = goes_on {
        return match resume(house, &act.session, plan).await {
            Ok(()) => Redirect::to(&back).into_response(),
            Err(problem) => refused(problem.detail.unwrap_or(problem.title)),
        };
    }
    let done = tokio::task::spawn_blocking(move || take(&house, &act)).await;
    match done {
        Ok(Ok(())) => Redirect::to(&back).into_response(),
        Ok(Err(why)) => refused(why),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn refused(words: String) -> Response {
    let title = "That was not done".to_owned();
    let said = SaidPage { title, words };
    (StatusCode::CONFLICT, page(&said)).into_response()
}

/// Lets whoever watches its project go on with a session.
async fn resume(house: House, session: &str, plan: Option<PlanAnswer>) -> Result<(), Problem> {
    let row = house.found(session)?;
    if row.state != SessionState::Interrupted {
        return Err(Problem::refused("it runs, or is over".to_owned()));
    }
    let desk = desk(&house)?;
    let said = plan.map(|answer| PlanSaid { answer, by: None });
    desk.ask(Ask::Resume(row.project, row.id, said)).await
}

/// Asks the process of a session to end in good order, as Ctrl-C would.
fn stop(house: &House, session: &str) -> Result<(), String> {
    let row = house.found(session).map_err(|problem| problem.title)?;
    let SessionState::Running(holder) = row.state else {
        return Err("nobody works on it".to_owned());
    };
    interrupt(holder.pid);
    Ok(())
}

fn take(house: &House, act: &Act) -> Result<(), String> {
    let store = house.watched.store();
    if act.wish == "stop" {
        return stop(house, &act.session);
    }
    if act.wish == "reset-breaker" {
        return breaker::reset(store, &house.sender)
            .map(drop)
            .map_err(|error| error.to_string());
    }
    let command = command(act)?;
    let issue = IssueNumber(act.issue);
    let wish = (&command, Some(&*house.sender));
    let sent = match act.session.as_str() {
        "" => send(store, None, wish, issue),
        session => send_to(store, &SessionId::new(session), wish, issue),
    };
    sent.map(drop).map_err(|error: Error| error.reason())
}

/// The command that a form asks for.
fn command(act: &Act) -> Result<Command, String> {
    let issue = IssueNumber(act.issue);
    let words = act.words.trim();
    if words.len() > INSTRUCTIONS_MAX {
        let long = words.len();
        return Err(format!("{long} bytes are more than {INSTRUCTIONS_MAX}"));
    }
    let needed = || match words {
        "" => Err("there are no words in it".to_owned()),
        words => Ok(words.to_owned()),
    };
    Ok(match act.wish.as_str() {
        "retry" => Command::Retry { issue },
        "skip" => Command::Skip { issue },
        "approve" => Command::Approve { issue },
        "reject" => Command::Reject {
            issue,
            reason: needed().ok(),
        },
        "modify" => Command::Modify {
            issue,
            instructions: needed()?,
        },
        "answer" => Command::Answer {
            issue,
            answer: needed()?,
        },
        other => return Err(format!("nobody knows how to {other:.40}")),
    })
}

/// A page of ours, and no other site's.
pub(super) fn back(to: &str) -> String {
    let is_ours = to.starts_with('/') && !to.starts_with("//") && !to.contains(['\\', '\n', '\r']);
    if is_ours {
        to.to_owned()
    } else {
        "/".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_a_command_or_is_refused() {
        let act = |wish: &str, words: &str| Act {
            wish: wish.to_owned(),
            issue: 7,
            words: words.to_owned(),
            session: String::new(),
            back: String::new(),
        };
        let issue = IssueNumber(7);
        assert_eq!(command(&act("retry", "")), Ok(Command::Retry { issue }));
        let reason = Some("too risky".to_owned());
        assert_eq!(
            command(&act("reject", " too risky ")),
            Ok(Command::Reject { issue, reason })
        );
        assert!(command(&act("modify", "  ")).is_err());
        assert!(command(&act("answer", "")).is_err());
        assert!(command(&act("answer", &"x".repeat(INSTRUCTIONS_MAX + 1))).is_err());
        assert!(command(&act("rm -rf", "")).is_err());
    }

    #[test]
    fn one_goes_back_to_a_page_of_ours_alone() {
        assert_eq!(back("/sessions/1"), "/sessions/1");
        for foreign in [
            "//evil.example",
            "https://evil.example",
            "",
            "/\\evil.example",
        ] {
            assert_eq!(back(foreign), "/", "{foreign}");
        }
    }
}
