//! The JSON API, and its description made from the same declarations (OpenAPI 3.1).

use crate::commands::breaker;
use crate::commands::metrics::{event as metrics_json, windows};
use crate::reporters::analytics;
use crate::reporters::status::{session_json, task_status};
use crate::rules::ids::IssueNumber;
use crate::serve::problem::Problem;
use crate::serve::server::{House, blocking, page};
use crate::serve::told::{sender_of, told};
use crate::serve::{approvals, issues, live, projects_api, standing, wishes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};
use std::sync::Arc;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What there is besides the paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "autoissue",
        description = "What autoissue does on this machine, and a few things to say to it."
    ),
    components(schemas(Problem))
)]
struct Described;

/// All of it.
pub(super) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(health))
        .routes(routes!(ready))
        .routes(routes!(session))
        .routes(routes!(session_tasks))
        .routes(routes!(task))
        .routes(routes!(metrics))
        .routes(routes!(budget))
        .routes(routes!(errors))
        .routes(routes!(breakers))
        .routes(routes!(reset))
        .routes(routes!(live::events))
        .merge(projects_api::routes())
        .merge(issues::routes())
        .merge(approvals::routes())
        .merge(wishes::routes())
        .merge(standing::routes())
}

/// The description as a document.
pub(super) async fn description(Extension(document): Extension<Arc<Value>>) -> Response {
    Json(&*document).into_response()
}

/// The description as a page.
pub(super) async fn viewer(Extension(document): Extension<Arc<Value>>) -> Response {
    page(&crate::serve::docs::DocsPage::new(&document))
}

/// The server is there.
#[utoipa::path(get, path = "/api/health", tag = "health", responses((status = 200, description = "It is there")))]
async fn health() -> Json<Value> {
    Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// The server can do its work: its store can be read, nothing is short, and the forges answer.
#[utoipa::path(get, path = "/ready", tag = "health", responses(
    (status = 200, description = "It can"), (status = 503, description = "It cannot, and why", body = Problem),
))]
async fn ready(State(house): State<House>) -> Result<Json<Value>, Problem> {
    let standing = house.desk.as_ref().map(|desk| desk.standing());
    if let Some(standing) = standing {
        let title = match standing.problems[..] {
            [] => "not every forge answers",
            _ => "nothing is begun",
        };
        let why = [&standing.problems[..], &standing.away[..]].concat();
        if !why.is_empty() {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Err(Problem::told(status, title, &why.join("; ")));
        }
    }
    let sessions = blocking(house, |house| Ok(house.watched.sessions()?.len())).await?;
    Ok(Json(json!({ "status": "ready", "sessions": sessions })))
}

/// The newest session as it stands, as `status --format json` tells it.
#[utoipa::path(get, path = "/api/session", tag = "session", responses(
    (status = 200, description = "The session", body = Object), (status = 404, description = "There is none", body = Problem),
))]
async fn session(State(house): State<House>) -> Result<Json<Value>, Problem> {
    Ok(Json(newest(house).await?))
}

/// The tasks of the newest session.
#[utoipa::path(get, path = "/api/session/tasks", tag = "session", responses(
    (status = 200, description = "Its tasks", body = [Object]), (status = 404, description = "There is none", body = Problem),
))]
async fn session_tasks(State(house): State<House>) -> Result<Json<Value>, Problem> {
    let mut session = newest(house).await?;
    Ok(Json(session["tasks"].take()))
}

async fn newest(house: House) -> Result<Value, Problem> {
    blocking(house, |house| {
        let rows = house.watched.sessions()?;
        let row = rows.iter().find(|row| !row.pruned);
        let row = row.ok_or_else(Problem::not_found)?;
        let now = house.now();
        Ok(house
            .watched
            .look(row, |seen| session_json(&seen.sight(now)))?)
    })
    .await
}

/// One task of a session, by the session's name and the issue's number.
#[utoipa::path(get, path = "/api/sessions/{session}/issues/{issue}", tag = "session",
    params(("session" = String, Path, description = "The session's name"), ("issue" = u64, Path, description = "The issue's number")),
    responses((status = 200, description = "The task", body = Object), (status = 404, description = "There is none", body = Problem)))]
async fn task(
    State(house): State<House>,
    path: Result<Path<(String, u64)>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let Path((name, number)) = path?;
    blocking(house, move |house| {
        let row = house.found(&name)?;
        let now = house.now();
        let found = house.watched.look(&row, |seen| {
            task_status(&seen.sight(now), IssueNumber(number))
        })?;
        found.map(Json).ok_or_else(Problem::not_found)
    })
    .await
}

/// What all sessions came to, as `metrics --format json` tells it.
#[utoipa::path(get, path = "/api/metrics", tag = "metrics", responses((status = 200, description = "The figures", body = Object)))]
async fn metrics(State(house): State<House>) -> Result<Json<Value>, Problem> {
    blocking(house, |house| {
        let store = house.watched.store();
        let mut event = metrics_json(&store.figures()?);
        event["windows"] = analytics::json(&windows(store, None, house.now())?);
        Ok(Json(event))
    })
    .await
}

/// The newest session's money.
#[utoipa::path(get, path = "/api/metrics/budget", tag = "metrics", responses(
    (status = 200, description = "Dollars: the ceiling, spent, set aside, and left", body = Object),
    (status = 404, description = "There is no session", body = Problem),
))]
async fn budget(State(house): State<House>) -> Result<Json<Value>, Problem> {
    blocking(house, |house| {
        let rows = house.watched.sessions()?;
        let row = rows.iter().find(|row| !row.pruned);
        let row = row.ok_or_else(Problem::not_found)?;
        Ok(house.watched.look(row, |seen| {
            let tally = &seen.tally;
            let ceiling = tally.settings.as_ref().map(|settings| settings.ceiling);
            let ceiling = ceiling.unwrap_or_default();
            Json(json!({
                "session": tally.session,
                "budget_usd": ceiling.decimal(),
                "spent_usd": tally.spent.decimal(),
                "granted_usd": tally.granted.decimal(),
                "left_usd": ceiling.minus(tally.spent + tally.granted).decimal(),
            }))
        })?)
    })
    .await
}

/// Why tasks of the newest session failed.
#[utoipa::path(get, path = "/api/metrics/errors", tag = "metrics", responses(
    (status = 200, description = "The last failure of each task that had one", body = Object),
    (status = 404, description = "There is no session", body = Problem),
))]
async fn errors(State(house): State<House>) -> Result<Json<Value>, Problem> {
    blocking(house, |house| {
        let rows = house.watched.sessions()?;
        let row = rows.iter().find(|row| !row.pruned);
        let row = row.ok_or_else(Problem::not_found)?;
        Ok(house.watched.look(row, |seen| {
            let failed = seen.tally.tasks.values().filter_map(|task| {
                let failure = task.failure.as_ref()?;
                Some(json!({ "issue": task.issue, "class": failure.class, "message": failure.message }))
            });
            Json(json!({ "session": seen.id, "errors": failed.collect::<Value>() }))
        })?)
    })
    .await
}

/// The circuit breakers that are open, as `breaker status` tells them.
#[utoipa::path(get, path = "/api/metrics/circuit-breaker", tag = "metrics", responses(
    (status = 200, description = "The open ones", content((Object = "application/json"), (String = "text/plain"))),
))]
async fn breakers(State(house): State<House>, headers: HeaderMap) -> Result<Response, Problem> {
    blocking(house, move |house| {
        let open = house.watched.store().breakers()?;
        Ok(told(&headers, breaker::told(&open, house.now())))
    })
    .await
}

/// Closes every open breaker, and tells the sessions that run.
#[utoipa::path(post, path = "/api/circuit-breaker/reset", tag = "metrics", responses(
    (status = 200, description = "They are closed", content((Object = "application/json"), (String = "text/plain"))),
))]
async fn reset(State(house): State<House>, headers: HeaderMap) -> Result<Response, Problem> {
    blocking(house, move |house| {
        let by = sender_of(house, &headers);
        let answer = breaker::reset(house.watched.store(), &by)?;
        Ok(told(&headers, answer))
    })
    .await
}
