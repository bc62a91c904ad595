//! What goes wrong with a question, as programs are told: RFC 9457, "Problem Details for HTTP APIs".

use crate::adapters::store::error::StoreError;
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
}

impl Problem {
    fn new(status: StatusCode, title: &str, detail: Option<String>) -> Self {
        Self {
            status: status.as_u16(),
            title: title.to_owned(),
            detail,
        }
    }

    pub(super) fn of(status: StatusCode, title: &str, why: &str) -> Self {
        Self::new(status, title, Some(why.to_owned()))
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no such thing", None)
    }

    pub(super) fn refused(why: String) -> Self {
        Self::new(StatusCode::CONFLICT, "that was not done", Some(why))
    }

    pub(super) fn internal(title: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, title, None)
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
