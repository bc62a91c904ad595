//! How things stand, as `status` tells it: for programs, and as lines for whoever asks from elsewhere.

use crate::adapters::store::sessions::SessionRow;
use crate::commands::answer::Answer;
use crate::commands::status::{Look, chosen, shown};
use crate::commands::status_list::{latest, list, waits};
use crate::error::Error;
use crate::reporters::paint::Colour;
use crate::rules::ids::IssueNumber;
use crate::serve::problem::Problem;
use crate::serve::server::{House, blocking};
use crate::serve::told::wants_text;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::Value;
use std::ops::RangeInclusive;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Columns that a screen may have, and where nobody says how many it has.
const WIDTHS: RangeInclusive<u16> = 20..=1000;
const USUAL: u16 = 100;

pub(super) fn routes() -> OpenApiRouter<House> {
    OpenApiRouter::new().routes(routes!(status))
}

/// What is wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// The session, or the start of its name.
    session: Option<String>,
    /// Only the task of this issue.
    issue: Option<u64>,
    /// How many columns lines may have.
    #[param(minimum = 20, maximum = 1000)]
    width: Option<u16>,
    /// Lines with colour?
    colour: Option<bool>,
}

/// What runs now, else the latest sessions; a session; a task. As `status` tells it: its objects, or its lines.
#[utoipa::path(get, path = "/api/status", tag = "session", params(Wanted), responses(
    (status = 200, description = "The objects of `status --format json`, or its lines where text is asked for", content((Vec<Object> = "application/json"), (String = "text/plain"))),
    (status = 400, description = "What is asked for cannot be read", body = Problem),
    (status = 404, description = "There is none, and why", body = Problem),
))]
async fn status(
    State(house): State<House>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(wanted) = wanted?;
    let width = wanted.width.unwrap_or(USUAL);
    if !WIDTHS.contains(&width) {
        let (least, most) = WIDTHS.into_inner();
        return Err(Problem::bad(format!("width is not from {least} to {most}")));
    }
    let colour = match wanted.colour {
        Some(true) => Colour::Always,
        Some(false) | None => Colour::Never,
    };
    blocking(house, move |house| {
        let look = Look {
            width: usize::from(width),
            colour,
            calling: house.calling.clone(),
        };
        let answers = answers(house, &wanted, &look)?;
        if wants_text(&headers) {
            let texts: Vec<String> = answers.into_iter().map(|answer| answer.text).collect();
            return Ok(texts.join("\n").into_response());
        }
        let events = answers.into_iter().map(|answer| answer.event);
        Ok(Json(events.collect::<Value>()).into_response())
    })
    .await
}

fn answers(house: &House, wanted: &Wanted, look: &Look) -> Result<Vec<Answer>, Problem> {
    let missing = |error: Error| Problem::of_command(StatusCode::NOT_FOUND, &error);
    let (store, issue) = (house.watched.store(), wanted.issue.map(IssueNumber));
    let rows = chosen(store, wanted.session.as_deref(), issue).map_err(missing)?;
    if rows.is_empty() {
        let see = |row: &SessionRow| Ok::<_, Problem>(house.watched.look(row, waits)?);
        return Ok(vec![list(&latest(store, see)?, house.now(), look)]);
    }
    let now = house.now();
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let one = house
            .watched
            .look(row, |seen| shown(seen, issue, now, look))?;
        all.push(one.map_err(missing)?);
    }
    Ok(all)
}
