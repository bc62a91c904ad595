//! Clicks on buttons in Slack: proven to be Slack's, by somebody whose word counts, and left as an answer like any other.
//!
//! Slack waits three seconds for an empty answer; what came of it goes to the address that it names
//! (<https://docs.slack.dev/interactivity/handling-user-interaction>).

use crate::adapters::store::figures::WorkedOn;
use crate::adapters::store::open::Store;
use crate::commands::approve::answered;
use crate::commands::retry::send_to;
use crate::error::Error;
use crate::reporters::notify::reporter::EACH;
use crate::reporters::notify::slack_blocks::{person, settled, whispered};
use crate::reporters::notify::slack_bot::answer;
use crate::rules::click::{Click, Clicked, is_user, may_answer, read};
use crate::rules::event::Command;
use crate::rules::ids::IssueNumber;
use crate::rules::notice::text::slack_line;
use crate::rules::sender::Sender;
use crate::rules::signature::is_signed_by_slack;
use crate::serve::desk::Clicks;
use crate::serve::plan_clicks;
use crate::serve::problem::Problem;
use crate::serve::webhook::{self, Inbox, text};
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Form, FromRequest as _, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::timeout;

/// A click with the message around it is no longer.
const LARGEST: usize = 1 << 20;
/// Digits of a moment in seconds, at most.
const DIGITS: usize = 12;
/// A signature holds no longer than this, in seconds: five minutes to each side.
const REMEMBERED: u64 = 2 * 5 * 60;
/// Through what an answer came, for the record.
const THROUGH: &str = "Slack";
/// Characters of a reason that is shown.
pub(super) const REASON: usize = 300;
/// What Slack sends a click as.
const FORM: &str = "application/x-www-form-urlencoded";

/// Signatures that were heard, with when: each click counts once, and one after the other.
pub(super) type Heard = Arc<Mutex<HashMap<String, u64>>>;

/// The only field of the form.
#[derive(Deserialize)]
struct Sent {
    payload: String,
}

pub(super) async fn slack(
    State(inbox): State<Inbox>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let hook = inbox.desk.hook();
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    webhook::allowed(&hook, &headers, peer)?;
    if hook.clicks.is_empty() {
        let why = "no project has notify.slack.signingSecret and approvers";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Err(Problem::told(status, "clicks are not taken", why));
    }
    let header = |name: &str| text(&headers, name).unwrap_or_default().to_owned();
    let (given, at) = (
        header("x-slack-signature"),
        header("x-slack-request-timestamp"),
    );
    // What cannot be a signature is refused before anything is read.
    if given.len() != "v0=".len() + 64 || at.len() > DIGITS {
        return Err(unsigned());
    }
    let length = webhook::length(&headers, LARGEST)?;
    let reading = webhook::whole(body, length, &inbox.held);
    let late = |_| webhook::too_slow();
    let (body, _room) = timeout(webhook::SLOWEST, reading).await.map_err(late)??;
    let now = u64::try_from(chrono::Utc::now().timestamp()).unwrap_or_default();
    let is_theirs = |app: &&Clicks| {
        let secret = app.secret.expose_secret().as_bytes();
        is_signed_by_slack(secret, (&at, &body), &given, now)
    };
    let apps: Vec<Clicks> = hook.clicks.iter().filter(is_theirs).cloned().collect();
    let Some(api) = apps.first().map(|app| app.api.clone()) else {
        return Err(unsigned());
    };
    let Clicked::Answer(click) = clicked(&headers, body).await? else {
        return Ok(StatusCode::OK);
    };
    let reply_to = click.reply_to.clone();
    let inbox = inbox.clone();
    let taking = move || once(&inbox.heard, (given, now), || take(&inbox, &apps, &click));
    let taken = tokio::task::spawn_blocking(taking).await;
    let taken = taken.map_err(|_| Problem::internal("it could not be written down"))?;
    let words = taken.map_err(|error| {
        tracing::warn!(reason = error.reason(), "a click could not be taken");
        Problem::internal("it could not be written down")
    })?;
    if let Some((words, reply_to)) = words.zip(reply_to) {
        tell(&reply_to, &api, words);
    }
    Ok(StatusCode::OK)
}

/// Reads what was proven.
async fn clicked(headers: &HeaderMap, body: Bytes) -> Result<Clicked, Problem> {
    let kind = text(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    if !kind.starts_with(FORM) {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Problem::told(status, "it is no form", "a click is a form"));
    }
    let mut form = Request::new(Body::from(body));
    *form.method_mut() = Method::POST;
    form.headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
    let sent = Form::<Sent>::from_request(form, &()).await.ok();
    sent.and_then(|Form(sent)| read(&sent.payload))
        .ok_or_else(|| {
            let why = "it has no payload that says what was clicked";
            Problem::told(StatusCode::BAD_REQUEST, "that is no click", why)
        })
}

/// Does it where this signature was not heard before.
fn once<T>(
    heard: &Heard,
    (given, now): (String, u64),
    act: impl FnOnce() -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    heard.retain(|_, since| now.saturating_sub(*since) <= REMEMBERED);
    if heard.contains_key(&given) {
        return Ok(None);
    }
    let done = act()?;
    heard.insert(given, now);
    Ok(Some(done))
}

/// Leaves the answer where it counts, and says in Slack's own form what came of it.
fn take(inbox: &Inbox, apps: &[Clicks], click: &Click) -> Result<Value, Error> {
    match click.issue {
        Some(issue) => take_issue(&inbox.store, apps, (click, issue)),
        None => plan_clicks::take(inbox, apps, click),
    }
}

/// The words for somebody who may not answer for this project, or for a session of none.
pub(super) fn refused(click: &Click, app: Option<&Clicks>) -> Option<Value> {
    let user = &click.user;
    let Some(app) = app else {
        tracing::warn!(
            user,
            "somebody clicked for a session that nobody knows here"
        );
        let words = "Nothing was done: that session is not known here.";
        return Some(whispered(words));
    };
    if app.approvers.contains(user) {
        return None;
    }
    tracing::warn!(
        user,
        "somebody clicked who is none of notify.slack.approvers"
    );
    let people: Vec<String> = app.approvers.iter().map(|id| person(id)).collect();
    let people = people.join(", ");
    Some(whispered(&format!(
        "Nothing was done: only {people} may answer here."
    )))
}

fn take_issue(
    store: &Store,
    apps: &[Clicks],
    (click, issue): (&Click, IssueNumber),
) -> Result<Value, Error> {
    let known = store.worked_on(issue)?;
    let known = known.into_iter().find(|task| task.session == click.session);
    let of = |task: &WorkedOn| apps.iter().find(|app| app.project == task.project);
    if let Some(words) = refused(click, known.as_ref().and_then(of)) {
        return Ok(words);
    }
    let Some(task) = known else {
        return Ok(whispered("Nothing was done: that issue is not known here."));
    };
    let by = Sender {
        who: format!("@{}", click.user),
        actor: None,
        through: THROUGH.to_owned(),
    };
    let command = click.command(issue);
    let sent = send_to(store, &task.session, (&command, Some(&by)), issue);
    let Err(refused) = sent else {
        return Ok(settled(&click.text, &said(&command, Some(&by))));
    };
    if let Some((command, by)) = answered(store, &task.session, issue)? {
        return Ok(settled(&click.text, &said(&command, by.as_ref())));
    }
    let words = format!(
        "Nothing was done: {}",
        slack_line(&refused.reason(), REASON)
    );
    let is_over = task.finished || task.ending.is_some();
    Ok(if is_over {
        settled(&click.text, &words)
    } else {
        whispered(&words)
    })
}

/// What was answered, and by whom.
fn said(command: &Command, by: Option<&Sender>) -> String {
    let what = match command {
        Command::Reject { .. } => "Rejected",
        Command::Modify { .. } => "Approved, with instructions,",
        Command::Approve { .. }
        | Command::Answer { .. }
        | Command::Retry { .. }
        | Command::Skip { .. }
        | Command::ResetBreaker => "Approved",
    };
    let Some(by) = by else {
        return format!("{what} already");
    };
    let here = by.who.strip_prefix('@').filter(|id| is_user(id));
    match here.filter(|_| by.through == THROUGH) {
        Some(id) => format!("{what} by {}", person(id)),
        None => format!("{what} by {}", slack_line(&by.who, REASON)),
    }
}

/// Tells Slack what came of it, beside the answer; never anybody else.
fn tell(reply_to: &str, api: &str, words: Value) {
    if !may_answer(reply_to, api) {
        tracing::warn!("a click wants to be answered elsewhere than at Slack, which is not done");
        return;
    }
    let reply_to = reply_to.to_owned();
    tokio::spawn(async move {
        if let Err(refused) = answer(&reply_to, &words, EACH).await {
            tracing::warn!(problem = %refused.problem, "Slack is not told what came of a click");
        }
    });
}

/// One answer to whatever is wrong with a signature: nobody learns how near it was.
fn unsigned() -> Problem {
    let why = "X-Slack-Signature is not the body's by our signing secret, or X-Slack-Request-Timestamp is not now";
    Problem::told(StatusCode::UNAUTHORIZED, "not signed", why)
}
