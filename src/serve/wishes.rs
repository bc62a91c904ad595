//! What is wished for an issue by its number alone, as the commands of the same names wish it.

use crate::commands::retry::send;
use crate::rules::event::Command;
use crate::rules::ids::IssueNumber;
use crate::serve::approvals::{Answered, Modify, Reject, words};
use crate::serve::problem::Problem;
use crate::serve::server::{House, blocking};
use crate::serve::told::{sender_of, told};
use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(retry))
        .routes(routes!(skip))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(modify))
        .routes(routes!(answer))
}

/// Whose issue is meant.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Whose {
    /// Only sessions of this project count. Left out, or empty, those that have the issue have to be of one project.
    project: Option<String>,
}

/// The parts of a wish besides its words.
struct Wish {
    house: House,
    issue: IssueNumber,
    whose: Whose,
    headers: HeaderMap,
}

type Asked = (
    State<House>,
    Result<Path<u64>, PathRejection>,
    Result<Query<Whose>, QueryRejection>,
    HeaderMap,
);

impl Wish {
    fn read((State(house), path, query, headers): Asked) -> Result<Self, Problem> {
        let (Path(number), Query(whose)) = (path?, query?);
        Ok(Self {
            house,
            issue: IssueNumber(number),
            whose,
            headers,
        })
    }

    async fn send(self, command: Command) -> Result<Response, Problem> {
        let (whose, headers, issue) = (self.whose, self.headers, self.issue);
        blocking(self.house, move |house| {
            let project = whose.project.as_deref();
            let project = project.filter(|project| !project.is_empty());
            let by = sender_of(house, &headers);
            let store = house.watched.store();
            let answer = send(store, project, (&command, Some(&by)), issue);
            let answer =
                answer.map_err(|error| Problem::of_command(StatusCode::CONFLICT, &error))?;
            Ok(told(&headers, answer))
        })
        .await
    }
}

/// Tries an issue of an unfinished session again.
#[utoipa::path(post, path = "/api/issues/{issue}/retry", tag = "session",
    params(("issue" = u64, Path, description = "The issue's number"), Whose),
    responses((status = 200, description = "The session takes it up", content((Object = "application/json"), (String = "text/plain"))), (status = 409, description = "It cannot, and why", body = Problem)))]
async fn retry(asked: Asked) -> Result<Response, Problem> {
    let wish = Wish::read(asked)?;
    let issue = wish.issue;
    wish.send(Command::Retry { issue }).await
}

/// Leaves an issue of an unfinished session out.
#[utoipa::path(post, path = "/api/issues/{issue}/skip", tag = "session",
    params(("issue" = u64, Path, description = "The issue's number"), Whose),
    responses((status = 200, description = "The session takes it up", content((Object = "application/json"), (String = "text/plain"))), (status = 409, description = "It cannot, and why", body = Problem)))]
async fn skip(asked: Asked) -> Result<Response, Problem> {
    let wish = Wish::read(asked)?;
    let issue = wish.issue;
    wish.send(Command::Skip { issue }).await
}

/// Lets an issue go that waits for approval.
#[utoipa::path(post, path = "/api/issues/{issue}/approve", tag = "approvals",
    params(("issue" = u64, Path, description = "The issue's number"), Whose),
    responses((status = 200, description = "The session takes it up", content((Object = "application/json"), (String = "text/plain"))), (status = 409, description = "It cannot, and why", body = Problem)))]
async fn approve(asked: Asked) -> Result<Response, Problem> {
    let wish = Wish::read(asked)?;
    let issue = wish.issue;
    wish.send(Command::Approve { issue }).await
}

/// Leaves an issue out that waits for approval.
#[utoipa::path(post, path = "/api/issues/{issue}/reject", tag = "approvals", request_body = Reject,
    params(("issue" = u64, Path, description = "The issue's number"), Whose),
    responses((status = 200, description = "The session takes it up", content((Object = "application/json"), (String = "text/plain"))), (status = 400, description = "The body cannot be read", body = Problem), (status = 409, description = "It cannot, and why", body = Problem)))]
async fn reject(
    asked: Asked,
    body: Result<Json<Reject>, JsonRejection>,
) -> Result<Response, Problem> {
    let wish = Wish::read(asked)?;
    let (reason, issue) = (body?.0.reason()?, wish.issue);
    wish.send(Command::Reject { issue, reason }).await
}

/// Lets an issue go that waits for approval, with instructions.
#[utoipa::path(post, path = "/api/issues/{issue}/modify", tag = "approvals", request_body = Modify,
    params(("issue" = u64, Path, description = "The issue's number"), Whose),
    responses((status = 200, description = "The session takes it up", content((Object = "application/json"), (String = "text/plain"))), (status = 400, description = "The body cannot be read", body = Problem), (status = 409, description = "It cannot, and why", body = Problem)))]
async fn modify(
    asked: Asked,
    body: Result<Json<Modify>, JsonRejection>,
) -> Result<Response, Problem> {
    let wish = Wish::read(asked)?;
    let (instructions, issue) = (words(&body?.0.instructions)?, wish.issue);
    let command = Command::Modify {
        issue,
        instructions,
    };
    wish.send(command).await
}

/// Answers what the agent of an issue asked.
#[utoipa::path(post, path = "/api/issues/{issue}/answer", tag = "approvals", request_body = Answered,
    params(("issue" = u64, Path, description = "The issue's number"), Whose),
    responses((status = 200, description = "The session takes it up", content((Object = "application/json"), (String = "text/plain"))), (status = 400, description = "The body cannot be read", body = Problem), (status = 409, description = "It cannot, and why", body = Problem)))]
async fn answer(
    asked: Asked,
    body: Result<Json<Answered>, JsonRejection>,
) -> Result<Response, Problem> {
    let wish = Wish::read(asked)?;
    let (answer, issue) = (words(&body?.0.answer)?, wish.issue);
    wish.send(Command::Answer { issue, answer }).await
}
