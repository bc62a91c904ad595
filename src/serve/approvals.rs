//! What waits for a person, for programs: listed, approved, turned down, sent on with instructions.

use crate::adapters::store::sessions::SessionState;
use crate::commands::seen::Seen;
use crate::reporters::shape::VERSION;
use crate::rules::errand::{PlanAnswer, PlanSaid};
use crate::rules::event::Command;
use crate::rules::printable::clip;
use crate::rules::prompt::first::INSTRUCTIONS_MAX;
use crate::rules::tally::{Standing, TaskTally};
use crate::serve::desk::Ask;
use crate::serve::issues::{name, named, say};
use crate::serve::planned;
use crate::serve::problem::Problem;
use crate::serve::projects::desk;
use crate::serve::server::{House, blocking};
use crate::serve::told::sender_of;
use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Characters of what a plan is for.
const TITLE: usize = 200;

pub(super) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(modify))
        .routes(routes!(answer))
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Needs {
    /// That somebody lets it go: `approve`, `modify` or `reject`.
    Approval,
    /// That somebody answers its agent: `answer`.
    Answer,
    /// That somebody says yes or no to the plan of a session: `approve` or `reject`.
    Plan,
}

/// An issue, or a plan, that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
struct Approval {
    /// A name for it: of an issue the same as among the issue sessions, of a plan its session's.
    id: String,
    session: String,
    project: String,
    /// Its number; nothing where it is a plan.
    issue: Option<u64>,
    /// Its title, or what the plan is for.
    title: String,
    url: Option<String>,
    needs: Needs,
    /// Why a person is asked, what the agent asks, or what the plan comes to.
    reason: Option<String>,
}

/// Why not.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reject {
    /// For the record; may be left out.
    #[schema(max_length = 8000)]
    reason: Option<String>,
}

impl Reject {
    /// Words, where there are any.
    pub(super) fn reason(self) -> Result<Option<String>, Problem> {
        let reason = self.reason.filter(|reason| !reason.trim().is_empty());
        reason.as_deref().map(words).transpose()
    }
}

/// What the agent is told besides.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Modify {
    #[schema(min_length = 1, max_length = 8000)]
    pub(super) instructions: String,
}

/// The answer.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Answered {
    #[schema(min_length = 1, max_length = 8000)]
    pub(super) answer: String,
}

/// What waits for a person in sessions that are not finished, the newest session first.
#[utoipa::path(get, path = "/api/approvals", tag = "approvals", responses((status = 200, description = "All of it", body = [Approval])))]
async fn list(State(house): State<House>) -> Result<Json<Vec<Approval>>, Problem> {
    blocking(house, |house| {
        let rows = house.watched.sessions()?;
        let open = rows
            .iter()
            .filter(|row| !row.pruned && row.state != SessionState::Finished);
        let mut all = Vec::new();
        for row in open {
            all.extend(house.watched.look(row, waiting)?);
        }
        Ok(Json(all))
    })
    .await
}

fn waiting(seen: &Seen) -> Vec<Approval> {
    let one = |task: &TaskTally| {
        let needs = match task.standing {
            Standing::Unapproved => Needs::Approval,
            Standing::Asking => Needs::Answer,
            Standing::Waiting
            | Standing::Held { .. }
            | Standing::Running { .. }
            | Standing::Retrying { .. }
            | Standing::Parked { .. }
            | Standing::Ended { .. } => return None,
        };
        Some(Approval {
            id: name(&seen.id, task.issue),
            session: seen.id.to_string(),
            project: seen.tally.project.clone(),
            issue: Some(task.issue.0),
            title: task.title.clone(),
            url: task.url.clone(),
            needs,
            reason: task.reason.clone(),
        })
    };
    let tasks = seen.tally.tasks.values().filter_map(one);
    plan(seen).into_iter().chain(tasks).collect()
}

/// The plan that a session waits with, where nobody is asked on a terminal.
fn plan(seen: &Seen) -> Option<Approval> {
    let plan = planned::waiting(seen).filter(|_| seen.process().is_none())?;
    Some(Approval {
        id: seen.id.to_string(),
        session: seen.id.to_string(),
        project: seen.tally.project.clone(),
        issue: None,
        title: clip(&plan.directive, TITLE),
        url: None,
        needs: Needs::Plan,
        reason: Some(plan.sums),
    })
}

/// Says yes or no to the plan that this session waits with.
async fn answer_plan(
    (house, headers): (House, HeaderMap),
    id: String,
    answer: PlanAnswer,
) -> Result<Json<Value>, Problem> {
    let row = house.found(&id)?;
    let is_waiting = house.watched.look(&row, |seen| plan(seen).is_some())?;
    if !is_waiting {
        return Err(Problem::refused("it waits with no plan".to_owned()));
    }
    let desk = desk(&house)?;
    let by = sender_of(&house, &headers).actor;
    let said = PlanSaid { answer, by };
    desk.ask(Ask::Resume(row.project, row.id, Some(said)))
        .await?;
    let event = json!({ "v": VERSION, "event": "plan_answered", "session": id, "answer": answer });
    Ok(Json(event))
}

/// Lets it go, or carries the plan out.
#[utoipa::path(post, path = "/api/approvals/{id}/approve", tag = "approvals",
    params(("id" = String, Path, description = "Its `id`")),
    responses((status = 200, description = "The session takes it up", body = Object), (status = 404, description = "There is none", body = Problem), (status = 409, description = "It cannot, and why", body = Problem)))]
async fn approve(
    State(house): State<House>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let Path(id) = id?;
    if named(&id).is_none() {
        return answer_plan((house, headers), id, PlanAnswer::CarryOut).await;
    }
    say((house, headers), id, |issue| Command::Approve { issue }).await
}

/// Leaves it out, or drops the plan.
#[utoipa::path(post, path = "/api/approvals/{id}/reject", tag = "approvals",
    params(("id" = String, Path, description = "Its `id`")), request_body = Reject,
    responses((status = 200, description = "The session takes it up", body = Object), (status = 400, description = "The body cannot be read", body = Problem), (status = 404, description = "There is none", body = Problem), (status = 409, description = "It cannot, and why", body = Problem)))]
async fn reject(
    State(house): State<House>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Json<Reject>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let (Path(id), Json(body)) = (id?, body?);
    let reason = body.reason()?;
    if named(&id).is_none() {
        return answer_plan((house, headers), id, PlanAnswer::Drop).await;
    }
    say((house, headers), id, |issue| Command::Reject {
        issue,
        reason,
    })
    .await
}

/// Lets it go, with instructions.
#[utoipa::path(post, path = "/api/approvals/{id}/modify", tag = "approvals",
    params(("id" = String, Path, description = "Its `id`")), request_body = Modify,
    responses((status = 200, description = "The session takes it up", body = Object), (status = 400, description = "The body cannot be read", body = Problem), (status = 404, description = "There is none", body = Problem), (status = 409, description = "It cannot, and why", body = Problem)))]
async fn modify(
    State(house): State<House>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Json<Modify>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let (Path(id), Json(body)) = (id?, body?);
    let instructions = words(&body.instructions)?;
    say((house, headers), id, |issue| Command::Modify {
        issue,
        instructions,
    })
    .await
}

/// Answers its agent.
#[utoipa::path(post, path = "/api/approvals/{id}/answer", tag = "approvals",
    params(("id" = String, Path, description = "Its `id`")), request_body = Answered,
    responses((status = 200, description = "The session takes it up", body = Object), (status = 400, description = "The body cannot be read", body = Problem), (status = 404, description = "There is none", body = Problem), (status = 409, description = "It cannot, and why", body = Problem)))]
async fn answer(
    State(house): State<House>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Json<Answered>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let (Path(id), Json(body)) = (id?, body?);
    let answer = words(&body.answer)?;
    say((house, headers), id, |issue| Command::Answer {
        issue,
        answer,
    })
    .await
}

/// Some, and not too many.
pub(super) fn words(text: &str) -> Result<String, Problem> {
    let said = text.trim();
    match said.len() {
        0 => Err(Problem::bad("there are no words in it".to_owned())),
        long if long > INSTRUCTIONS_MAX => Err(Problem::bad(format!(
            "{long} bytes are more than {INSTRUCTIONS_MAX}"
        ))),
        _ => Ok(said.to_owned()),
    }
}
