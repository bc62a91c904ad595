//! Projects for programs: what is watched, and what can be said to it.

use crate::config::serving::Served;
use crate::reporters::time::rfc3339;
use crate::rules::ids::IssueNumber;
use crate::serve::desk::{Ask, Card, IssueCard, IssueState};
use crate::serve::problem::Problem;
use crate::serve::projects::{card, desk};
use crate::serve::projects_told::Told;
use crate::serve::server::House;
use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value, json};
use std::path::PathBuf;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A project as programs write it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wanted {
    /// What it is called; the directory's name where it is left out.
    #[serde(default)]
    name: Option<String>,
    /// A directory of its checkout on this machine, from the root.
    path: String,
    /// The label that lets an issue run; `autoissue` where it is left out.
    #[serde(default)]
    label: Option<String>,
    /// Is the forge asked for new issues? Yes where it is left out.
    #[serde(default)]
    auto_sync: Option<bool>,
    /// Are its issues started without being told to? No where it is left out.
    #[serde(default)]
    auto_start: Option<bool>,
    /// How much of the whole is this project's, from 1 to 100; 1 where it is left out.
    #[serde(default, deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 100)]
    weight: Option<u32>,
}

/// A whole number, also written as `30.0`: where JSON has no integers, that is one (JSON Schema 2020-12, Core, 4.2.3).
fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let Some(number) = Option::<Number>::deserialize(from)? else {
        return Ok(None);
    };
    let text = number.to_string();
    let digits = text.strip_suffix(".0").unwrap_or(&text);
    let whole = digits.parse().map(Some);
    whole.map_err(|_| Error::custom(format!("{number} is no whole number from 1 to 100")))
}

/// A project's name in a path.
type Named = Result<Path<String>, PathRejection>;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one, change, remove))
        .routes(routes!(sync))
        .routes(routes!(issues))
        .routes(routes!(start))
        .routes(routes!(switch_on))
        .routes(routes!(switch_off))
        .routes(routes!(automation))
}

/// The projects that are watched.
#[utoipa::path(get, path = "/api/projects", tag = "projects", responses(
    (status = 200, description = "All of them", body = [Told]), (status = 404, description = "No project is watched here", body = Problem),
))]
async fn list(State(house): State<House>) -> Result<Json<Vec<Told>>, Problem> {
    let standing = desk(&house)?.standing();
    Ok(Json(standing.projects.iter().map(Told::of).collect()))
}

/// Watches a project as well.
#[utoipa::path(post, path = "/api/projects", tag = "projects", request_body = Wanted, responses(
    (status = 201, description = "It is watched from here on", body = Object), (status = 404, description = "No project is watched here", body = Problem),
    (status = 409, description = "It cannot be, and why", body = Problem), (status = 422, description = "It is no project", body = Problem),
))]
async fn create(
    State(house): State<House>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let served = served(wanted)?;
    let name = served.called();
    let standing = desk(&house)?.standing();
    let is_it = |card: &&Card| card.name.eq_ignore_ascii_case(&name);
    if let Some(known) = standing.projects.iter().find(is_it) {
        let why = format!("there is a project {} already", known.name);
        return Err(Problem::refused(why));
    }
    put(&house, served)
        .await
        .map(|told| (StatusCode::CREATED, told))
}

/// One project.
#[utoipa::path(get, path = "/api/projects/{id}", tag = "projects", params(("id" = String, Path, description = "Its name")), responses(
    (status = 200, description = "It", body = Told), (status = 404, description = "There is none", body = Problem),
))]
async fn one(State(house): State<House>, id: Named) -> Result<Json<Told>, Problem> {
    let Path(id) = id?;
    Ok(Json(Told::of(card(&desk(&house)?.standing(), &id)?)))
}

/// Changes a project that was added here.
#[utoipa::path(put, path = "/api/projects/{id}", tag = "projects", params(("id" = String, Path, description = "Its name")), request_body = Wanted, responses(
    (status = 200, description = "It, as it is now", body = Object), (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "It cannot be changed, and why", body = Problem), (status = 422, description = "It is no project", body = Problem),
))]
async fn change(
    State(house): State<House>,
    id: Named,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let Path(id) = id?;
    card(&desk(&house)?.standing(), &id)?;
    let name = Some(id);
    let served = Served {
        name,
        ..served(wanted)?
    };
    put(&house, served).await
}

/// Watches a project that was added here no longer.
#[utoipa::path(delete, path = "/api/projects/{id}", tag = "projects", params(("id" = String, Path, description = "Its name")), responses(
    (status = 204, description = "It is watched no longer"), (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "It stands in the configuration", body = Problem),
))]
async fn remove(State(house): State<House>, id: Named) -> Result<StatusCode, Problem> {
    let Path(id) = id?;
    tell(&house, &id, Ask::Drop).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks the forge for its issues now, and its other sources.
#[utoipa::path(post, path = "/api/projects/{id}/sync", tag = "projects", params(("id" = String, Path, description = "Its name")), responses(
    (status = 202, description = "It is asked"), (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "It cannot be asked", body = Problem),
))]
async fn sync(State(house): State<House>, id: Named) -> Result<StatusCode, Problem> {
    let Path(id) = id?;
    tell(&house, &id, Ask::Sync).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Its issues, as the forge last told them.
#[utoipa::path(get, path = "/api/projects/{id}/issues", tag = "projects", params(("id" = String, Path, description = "Its name")), responses(
    (status = 200, description = "They", body = [Object]), (status = 404, description = "There is none", body = Problem),
))]
async fn issues(State(house): State<House>, id: Named) -> Result<Json<Value>, Problem> {
    let Path(id) = id?;
    let standing = desk(&house)?.standing();
    let issues = card(&standing, &id)?.issues.iter();
    Ok(Json(issues.map(issue_told).collect()))
}

/// Works on one of its issues, whatever its labels are: who asks lets it run.
#[utoipa::path(post, path = "/api/projects/{id}/issues/{number}/start", tag = "projects",
    params(("id" = String, Path, description = "Its name"), ("number" = u64, Path, description = "The issue's number")), responses(
    (status = 202, description = "It is begun as soon as there is room"),
    (status = 404, description = "There is no such project, or no such open issue", body = Problem),
    (status = 409, description = "It cannot be begun, and why", body = Problem),
))]
async fn start(
    State(house): State<House>,
    path: Result<Path<(String, u64)>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path((id, number)) = path?;
    // No forge numbers that far, and the store keeps none that is larger.
    if number == 0 || number > i64::MAX.cast_unsigned() {
        return Err(Problem::not_found());
    }
    let issues = vec![IssueNumber(number)];
    tell(&house, &id, |id| Ask::Start(id, issues)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Starts its issues without being told to.
#[utoipa::path(post, path = "/api/projects/{id}/automation/start", tag = "projects", params(("id" = String, Path, description = "Its name")), responses(
    (status = 200, description = "As it stands now", body = Object), (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "It cannot be switched", body = Problem),
))]
async fn switch_on(State(house): State<House>, id: Named) -> Result<Json<Value>, Problem> {
    let Path(id) = id?;
    tell(&house, &id, |id| Ask::Switch(id, true)).await?;
    Ok(Json(json!({ "project": id, "running": true })))
}

/// Starts its issues no longer; what runs is seen to its end.
#[utoipa::path(post, path = "/api/projects/{id}/automation/stop", tag = "projects", params(("id" = String, Path, description = "Its name")), responses(
    (status = 200, description = "As it stands now", body = Object), (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "It cannot be switched", body = Problem),
))]
async fn switch_off(State(house): State<House>, id: Named) -> Result<Json<Value>, Problem> {
    let Path(id) = id?;
    tell(&house, &id, |id| Ask::Switch(id, false)).await?;
    Ok(Json(json!({ "project": id, "running": false })))
}

/// Are its issues started without being told to, and what is going on?
#[utoipa::path(get, path = "/api/projects/{id}/automation/status", tag = "projects", params(("id" = String, Path, description = "Its name")), responses(
    (status = 200, description = "As it stands", body = Object), (status = 404, description = "There is none", body = Problem),
))]
async fn automation(State(house): State<House>, id: Named) -> Result<Json<Value>, Problem> {
    let Path(id) = id?;
    let standing = desk(&house)?.standing();
    let card = card(&standing, &id)?;
    let waiting = card
        .issues
        .iter()
        .filter(|issue| issue.state == IssueState::Waiting);
    Ok(Json(json!({
        "project": id,
        "running": card.is_on,
        "session_since": card.running.map(rfc3339),
        "waiting": waiting.count(),
        "paused_by": standing.problems,
    })))
}

fn served(wanted: Result<Json<Wanted>, JsonRejection>) -> Result<Served, Problem> {
    let Json(wanted) = wanted.map_err(|error| Problem::no_project(&error.body_text()))?;
    let usual = Served::at(PathBuf::from(&wanted.path));
    let weight = serde_json::from_value(json!(wanted.weight.unwrap_or(1)));
    Ok(Served {
        name: wanted.name,
        label: wanted.label.unwrap_or(usual.label),
        auto_sync: wanted.auto_sync.unwrap_or(usual.auto_sync),
        auto_start: wanted.auto_start.unwrap_or(usual.auto_start),
        weight: weight.map_err(|error| Problem::no_project(&format!("the weight: {error}")))?,
        path: usual.path,
    })
}

async fn put(house: &House, served: Served) -> Result<Json<Value>, Problem> {
    let told = served_told(&served);
    desk(house)?.ask(Ask::Put(Box::new(served))).await?;
    Ok(Json(told))
}

/// Says something to a project that is there.
async fn tell(house: &House, id: &str, ask: impl FnOnce(String) -> Ask) -> Result<(), Problem> {
    card(&desk(house)?.standing(), id)?;
    desk(house)?.ask(ask(id.to_owned())).await
}

fn served_told(served: &Served) -> Value {
    json!({
        "id": served.called(),
        "path": served.path,
        "label": served.label,
        "autoSync": served.auto_sync,
        "autoStart": served.auto_start,
        "weight": served.weight.get(),
    })
}

fn issue_told(issue: &IssueCard) -> Value {
    json!({
        "number": issue.number.0,
        "title": issue.title,
        "labels": issue.labels,
        "url": issue.url,
        "state": issue.state.word(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_may_have_a_point() {
        let weight = |text: &str| {
            let body = format!(r#"{{"path": "/x", "weight": {text}}}"#);
            serde_json::from_str::<Wanted>(&body).map(|wanted| wanted.weight)
        };
        for whole in ["30", "30.0", "3e1"] {
            assert_eq!(weight(whole).unwrap(), Some(30), "{whole}");
        }
        assert_eq!(weight("null").unwrap(), None);
        for odd in ["30.5", "-1", "1e99", "\"30\""] {
            assert!(weight(odd).is_err(), "{odd}");
        }
    }
}
