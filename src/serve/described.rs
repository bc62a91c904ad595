//! The API's description, completed: how one comes in, and what every operation may answer besides.

use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

/// Operations that ask for nothing.
const OPEN: [&str; 2] = ["/api/health", "/ready"];

/// Lists, where the name of their first item is, and what takes that name.
type Link = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);
const LINKS: [Link; 2] = [
    (
        "/api/issue-sessions",
        "/items/0/id",
        &[
            ("get", "/api/issue-sessions/{id}"),
            ("post", "/api/issue-sessions/{id}/retry"),
            ("post", "/api/issue-sessions/{id}/skip"),
        ],
    ),
    (
        "/api/approvals",
        "/0/id",
        &[
            ("post", "/api/approvals/{id}/modify"),
            ("post", "/api/approvals/{id}/approve"),
            ("post", "/api/approvals/{id}/reject"),
            ("post", "/api/approvals/{id}/answer"),
        ],
    ),
];
/// What a body may be besides wrong.
const BODIES: [(&str, &str); 3] = [
    ("408", "The body did not arrive in time"),
    ("413", "The body is too long"),
    ("415", "The body is not declared as JSON"),
];
/// What may come in the place of any answer.
const OTHERWISE: &str =
    "Wrong credentials or too many of them, a foreign name or page, a store that cannot be read";

/// The document as it is served.
pub(super) fn document(made: &OpenApi) -> Value {
    let mut document = serde_json::to_value(made).unwrap_or_default();
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    document["components"]["securitySchemes"] = json!({
        "bearer": { "type": "http", "scheme": "bearer" },
        "basic": { "type": "http", "scheme": "basic" },
    });
    let paths = document["paths"].as_object_mut();
    for (path, operations) in paths.into_iter().flatten() {
        for (method, operation) in operations.as_object_mut().into_iter().flatten() {
            operation["operationId"] = name(method, path).into();
            complete(operation, OPEN.contains(&path.as_str()));
        }
    }
    for (from, name_at, to) in LINKS {
        link(&mut document, from, name_at, to);
    }
    document
}

/// One of a kind, as method and path are together.
fn name(method: &str, path: &str) -> String {
    let words = path.split(|char: char| !char.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    format!("{method}_{}", words.join("_"))
}

/// Says that the name of the first item of a list is what these operations take.
fn link(document: &mut Value, from: &str, name_at: &str, to: &[(&str, &str)]) {
    let answer = &mut document["paths"][from]["get"]["responses"]["200"];
    if !answer.is_object() {
        return;
    }
    for (method, path) in to {
        let operation = name(method, path);
        let parameters = json!({ "id": format!("$response.body#{name_at}") });
        answer["links"][&operation] = json!({ "operationId": operation, "parameters": parameters });
    }
}

fn complete(operation: &mut Value, is_open: bool) {
    // Without credentials where none are configured.
    if !is_open {
        operation["security"] = json!([{ "bearer": [] }, { "basic": [] }, {}]);
    }
    let takes_body = operation["requestBody"].is_object();
    if let Some(responses) = operation["responses"].as_object_mut() {
        for (status, words) in BODIES.into_iter().filter(|_| takes_body) {
            responses.insert(status.to_owned(), problem(words));
        }
        responses.insert("default".to_owned(), problem(OTHERWISE));
        responses.values_mut().for_each(as_problem);
    }
}

fn problem(words: &str) -> Value {
    json!({
        "description": words,
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}

/// What goes wrong is told as RFC 9457 has it.
fn as_problem(response: &mut Value) {
    let problem = "#/components/schemas/Problem";
    let content = response.get_mut("content");
    let Some(content) = content.and_then(Value::as_object_mut) else {
        return;
    };
    let is_problem = |kind: &Value| kind["schema"]["$ref"] == problem;
    if content.get("application/json").is_some_and(is_problem)
        && let Some(kind) = content.remove("application/json")
    {
        content.insert("application/problem+json".to_owned(), kind);
    }
}
