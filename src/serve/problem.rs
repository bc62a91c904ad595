//! What goes wrong with a question, as programs are told: RFC 9457, "Problem Details for HTTP APIs".

use crate::adapters::store::error::StoreError;
use crate::error::Error;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// Why there is no answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// The status of the answer.
    pub status: u16,
    /// What went wrong, in short.
    pub title: String,
    /// More of it, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What sort of thing went wrong, in the words of an error event of `--format json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What helps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

impl Problem {
    fn new(status: StatusCode, title: &str, detail: Option<String>) -> Self {
        Self {
            status: status.as_u16(),
            title: title.to_owned(),
            detail,
            kind: None,
            hints: Vec::new(),
        }
    }

    /// What a command would have told its user.
    pub(super) fn of_command(status: StatusCode, error: &Error) -> Self {
        let title = format!("could not {}", error.action());
        Self {
            kind: Some(error.kind().word()),
            hints: error.hint_lines().to_vec(),
            ..Self::told(status, &title, &error.reason())
        }
    }

    /// One with these words.
    pub(super) fn told(status: StatusCode, title: &str, why: &str) -> Self {
        Self::new(status, title, Some(why.to_owned()))
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no such thing", None)
    }

    pub(super) fn no_project(why: &str) -> Self {
        Self::told(StatusCode::UNPROCESSABLE_ENTITY, "that is no project", why)
    }

    pub(super) fn bad(why: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "that cannot be read", Some(why))
    }

    /// Of a request that nobody gets to see.
    pub(super) fn of(status: StatusCode, why: &str) -> Self {
        let title = status.canonical_reason().unwrap_or("refused");
        Self::new(
            status,
            &title.to_lowercase(),
            Some(why.trim_end().to_owned()),
        )
    }

    pub(super) fn refused(why: String) -> Self {
        Self::new(StatusCode::CONFLICT, "that was not done", Some(why))
    }

    pub(super) fn internal(title: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, title, None)
    }
}

/// A body, a query or a path that is not what it should be: the status is the framework's, one that says that the body was
/// read and is wrong (422) told as any other wrong question.
fn rejected(status: StatusCode, why: String) -> Problem {
    match status {
        StatusCode::UNPROCESSABLE_ENTITY => Problem::bad(why),
        status => Problem::new(status, "that cannot be read", Some(why)),
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        rejected(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        rejected(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        rejected(rejection.status(), rejection.body_text())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "a question could not be answered");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the store cannot be read",
            Some(error.to_string()),
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let text = serde_json::to_string(&self).expect("a problem is JSON");
        let kind = HeaderValue::from_static("application/problem+json");
        (status, [(CONTENT_TYPE, kind)], text).into_response()
    }
}
