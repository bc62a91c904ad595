//! Issues with what sessions made of them, for programs: listed, looked at, tried again, left out.

use crate::adapters::store::sessions::SessionRow;
use crate::commands::retry::send_to;
use crate::commands::seen::Seen;
use crate::reporters::time::rfc3339;
use crate::rules::event::Command;
use crate::rules::follow::shape::Fate;
use crate::rules::ids::{IssueNumber, PullNumber, SessionId};
use crate::rules::summary::domain_word;
use crate::rules::tally::{Standing, TaskTally};
use crate::rules::task::{Ending, Stage};
use crate::serve::problem::Problem;
use crate::serve::server::{House, blocking};
use crate::serve::told::sender_of;
use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Items of one answer, at most and where nothing is said.
const MOST: u32 = 200;
const USUAL: u32 = 50;
/// No issue comes after it.
const LAST: IssueNumber = IssueNumber(i64::MAX.cast_unsigned());
/// Sessions that are looked at for one answer.
const SESSIONS: usize = 16;

pub(super) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(retry))
        .routes(routes!(skip))
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    /// Nothing runs for it.
    Pending,
    /// An attempt runs.
    InProgress,
    /// Checks run on what an attempt made.
    Verifying,
    /// A pull is open, as far as anybody looked.
    PrCreated,
    /// Its pull was merged, no pull was wanted, or nothing was to be changed.
    Completed,
    /// It ended otherwise (`ending` says how), or its pull was closed without a merge.
    Failed,
}

/// The pull that offers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct PullShown {
    number: u64,
    url: String,
    /// `open`, `merged` or `rejected`, as far as anybody looked.
    state: &'static str,
}

/// What a session made of an issue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct IssueSession {
    /// A name for both together; nothing is to be read out of it.
    id: String,
    session: String,
    project: String,
    issue: u64,
    title: String,
    url: Option<String>,
    domain: &'static str,
    status: Status,
    /// How it ended, in the words of `--format json`; nothing where it has not.
    ending: Option<&'static str>,
    branch: String,
    pull: Option<PullShown>,
    attempts: u32,
    cost_usd: String,
    /// Why the last attempt failed, or why it ended so.
    last_error: Option<String>,
    /// When its first attempt was let in.
    #[schema(format = DateTime)]
    started_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    completed_at: Option<String>,
}

/// Some of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct IssueSessions {
    items: Vec<IssueSession>,
    /// What to give as `after` for more; nothing at the end.
    next: Option<String>,
}

/// Which are wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only those of this session.
    session: Option<String>,
    /// Only those in this state.
    status: Option<Status>,
    /// Only those after this one, in the order of the list.
    #[param(pattern = "^[0-9A-Za-z]{1,64}-[0-9]{1,19}$")]
    after: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// The name of an issue in a session.
pub(super) fn name(session: &SessionId, issue: IssueNumber) -> String {
    format!("{session}-{}", issue.0)
}

/// What a name names.
pub(super) fn named(name: &str) -> Option<(&str, IssueNumber)> {
    let (session, issue) = name.rsplit_once('-')?;
    let is_plain = issue.bytes().all(|byte| byte.is_ascii_digit());
    let issue = issue.parse().ok().filter(|_| is_plain)?;
    Some((session, IssueNumber(issue)))
}

/// What became of the pulls of each project.
#[derive(Default)]
struct Fates(HashMap<String, BTreeMap<PullNumber, (IssueNumber, Fate)>>);

impl Fates {
    fn of(&mut self, house: &House, project: &str, pull: PullNumber) -> Result<Fate, Problem> {
        if !self.0.contains_key(project) {
            let fates = house.watched.store().fates(project)?;
            self.0.insert(project.to_owned(), fates);
        }
        let found = self.0.get(project).and_then(|fates| fates.get(&pull));
        Ok(found.map_or(Fate::Open, |(_, fate)| *fate))
    }
}

/// Issues of the newest hundred sessions, the newest session first.
#[utoipa::path(get, path = "/api/issue-sessions", tag = "issues", params(Wanted), responses(
    (status = 200, description = "Some of them", body = IssueSessions),
    (status = 400, description = "What is asked for cannot be read", body = Problem),
))]
async fn list(
    State(house): State<House>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<IssueSessions>, Problem> {
    let Query(wanted) = wanted?;
    let limit = wanted.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::bad(format!("limit is not from 1 to {MOST}")));
    }
    let after = wanted.after.as_deref().map(|after| {
        let found = named(after).map(|(session, issue)| (session.to_owned(), issue));
        found.ok_or_else(|| Problem::bad("after is not what `next` was".to_owned()))
    });
    let after = after.transpose()?;
    blocking(house, move |house| {
        gather(house, &wanted, after, limit as usize)
    })
    .await
}

fn gather(
    house: &House,
    wanted: &Wanted,
    after: Option<(String, IssueNumber)>,
    limit: usize,
) -> Result<Json<IssueSessions>, Problem> {
    let mut rows = house.watched.sessions()?;
    rows.retain(|row| {
        let session = wanted.session.as_deref();
        !row.pruned && session.is_none_or(|session| session == row.id.as_str())
    });
    let mut from = IssueNumber(0);
    if let Some((session, issue)) = after {
        let place = rows.iter().position(|row| row.id.as_str() == session);
        rows.drain(..place.unwrap_or(rows.len()));
        from = issue;
    }
    let (mut items, mut last, mut fates) = (Vec::new(), None, Fates::default());
    for (place, row) in rows.iter().enumerate() {
        if place == SESSIONS {
            return Ok(Json(IssueSessions { items, next: last }));
        }
        for one in shown(house, row, from, &mut fates)? {
            if wanted.status.is_some_and(|status| status != one.status) {
                continue;
            }
            if items.len() == limit {
                let next = items.last().map(|last: &IssueSession| last.id.clone());
                return Ok(Json(IssueSessions { items, next }));
            }
            items.push(one);
        }
        from = IssueNumber(0);
        last = Some(name(&row.id, LAST));
    }
    Ok(Json(IssueSessions { items, next: None }))
}

/// The issues of a session after this one.
fn shown(
    house: &House,
    row: &SessionRow,
    after: IssueNumber,
    fates: &mut Fates,
) -> Result<Vec<IssueSession>, Problem> {
    let tasks: Vec<(TaskTally, String)> = house.watched.look(row, |seen| {
        let tasks = seen.tally.tasks.values();
        let some = tasks.filter(|task| task.issue > after);
        some.map(|task| (task.clone(), seen.tally.project.clone()))
            .collect()
    })?;
    let mut all = Vec::with_capacity(tasks.len());
    for (task, project) in tasks {
        all.push(issue_session(house, &row.id, &project, &task, fates)?);
    }
    Ok(all)
}

fn issue_session(
    house: &House,
    session: &SessionId,
    project: &str,
    task: &TaskTally,
    fates: &mut Fates,
) -> Result<IssueSession, Problem> {
    let pull = task.pull.as_ref();
    let fate = pull.map(|pull| fates.of(house, project, pull.number));
    let fate = fate.transpose()?;
    let failure = task.failure.as_ref().map(|failure| failure.message.clone());
    let closed = (fate == Some(Fate::Rejected)).then(|| "its pull was closed".to_owned());
    let is_done = task.ending() == Some(Ending::Completed);
    let error = task.reason.clone().or(failure).filter(|_| !is_done);
    Ok(IssueSession {
        id: name(session, task.issue),
        session: session.to_string(),
        project: project.to_owned(),
        issue: task.issue.0,
        title: task.title.clone(),
        url: task.url.clone(),
        domain: domain_word(task.domain),
        status: status(task, fate),
        ending: task.ending().map(Ending::word),
        branch: task.branch.to_string(),
        pull: pull.map(|pull| PullShown {
            number: pull.number.0,
            url: pull.url.clone(),
            state: fate.unwrap_or(Fate::Open).word(),
        }),
        attempts: task.attempts,
        cost_usd: task.charge.cost.decimal(),
        last_error: closed.or(error),
        started_at: task.started.map(rfc3339),
        completed_at: task.ended.map(rfc3339),
    })
}

fn status(task: &TaskTally, fate: Option<Fate>) -> Status {
    match task.standing {
        Standing::Waiting
        | Standing::Unapproved
        | Standing::Asking
        | Standing::Held { .. }
        | Standing::Retrying { .. }
        | Standing::Parked { .. } => Status::Pending,
        Standing::Running {
            stage: Some(Stage::Check),
            ..
        } => Status::Verifying,
        Standing::Running { .. } => Status::InProgress,
        Standing::Ended { ending } => match (ending, fate) {
            (Ending::Completed, Some(Fate::Open)) => Status::PrCreated,
            (Ending::Completed, Some(Fate::Merged) | None) | (Ending::NoChange, _) => {
                Status::Completed
            }
            (Ending::Completed, Some(Fate::Rejected))
            | (
                Ending::Failed
                | Ending::Blocked
                | Ending::Skipped
                | Ending::NeedsHuman
                | Ending::Budget,
                _,
            ) => Status::Failed,
        },
    }
}

/// The session and the issue of this name.
pub(super) fn found(house: &House, id: &str) -> Result<(SessionRow, IssueNumber), Problem> {
    let (session, issue) = named(id).ok_or_else(Problem::not_found)?;
    let row = house.found(session)?;
    let has = |seen: &Seen| seen.tally.tasks.contains_key(&issue);
    if !house.watched.look(&row, has)? {
        return Err(Problem::not_found());
    }
    Ok((row, issue))
}

/// One of them.
#[utoipa::path(get, path = "/api/issue-sessions/{id}", tag = "issues",
    params(("id" = String, Path, description = "Its `id`")),
    responses((status = 200, description = "It", body = IssueSession), (status = 404, description = "There is none", body = Problem)))]
async fn one(
    State(house): State<House>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<IssueSession>, Problem> {
    let Path(id) = id?;
    blocking(house, move |house| {
        let (row, issue) = found(house, &id)?;
        let before = IssueNumber(issue.0.saturating_sub(1));
        let all = shown(house, &row, before, &mut Fates::default())?;
        let one = all.into_iter().find(|one| one.issue == issue.0);
        one.map(Json).ok_or_else(Problem::not_found)
    })
    .await
}

/// Tries it again, where its session has not finished.
#[utoipa::path(post, path = "/api/issue-sessions/{id}/retry", tag = "issues",
    params(("id" = String, Path, description = "Its `id`")),
    responses((status = 200, description = "The session takes it up", body = Object), (status = 404, description = "There is none", body = Problem), (status = 409, description = "It cannot, and why", body = Problem)))]
async fn retry(
    State(house): State<House>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let Path(id) = id?;
    say((house, headers), id, |issue| Command::Retry { issue }).await
}

/// Leaves it out, where its session has not finished.
#[utoipa::path(post, path = "/api/issue-sessions/{id}/skip", tag = "issues",
    params(("id" = String, Path, description = "Its `id`")),
    responses((status = 200, description = "The session takes it up", body = Object), (status = 404, description = "There is none", body = Problem), (status = 409, description = "It cannot, and why", body = Problem)))]
async fn skip(
    State(house): State<House>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let Path(id) = id?;
    say((house, headers), id, |issue| Command::Skip { issue }).await
}

/// Sends a command to the session of this name alone.
pub(super) async fn say(
    (house, headers): (House, HeaderMap),
    id: String,
    command: impl FnOnce(IssueNumber) -> Command + Send + 'static,
) -> Result<Json<Value>, Problem> {
    blocking(house, move |house| {
        let (row, issue) = found(house, &id)?;
        let by = sender_of(house, &headers);
        let wish = (&command(issue), Some(&by));
        let answer = send_to(house.watched.store(), &row.id, wish, issue);
        let answer = answer.map_err(|error| Problem::of_command(StatusCode::CONFLICT, &error))?;
        Ok(Json(answer.event))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_names_a_session_and_an_issue() {
        let session = SessionId::new("01M8MGEJ9BN87MKBMAP3F2DJQ3");
        let id = name(&session, IssueNumber(7));
        assert_eq!(named(&id), Some((session.as_str(), IssueNumber(7))));
        for odd in ["", "7", "a-", "a-+7", "a-x", "a-99999999999999999999"] {
            assert_eq!(named(odd), None, "{odd}");
        }
    }
}
