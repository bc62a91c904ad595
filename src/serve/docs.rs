//! The page that shows the API's description.

use askama::Template;
use serde_json::Value;

/// One operation.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) words: String,
    pub(super) answers: Vec<(String, String)>,
}

/// All of them.
#[derive(Debug, Template)]
#[template(path = "docs.html")]
pub(super) struct DocsPage {
    pub(super) title: String,
    pub(super) operations: Vec<Operation>,
}

impl DocsPage {
    pub(super) fn new(document: &Value) -> Self {
        let paths = document["paths"].as_object();
        let operations = paths.into_iter().flatten().flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods.map(|(method, operation)| one(path, method, operation))
        });
        Self {
            title: "API".to_owned(),
            operations: operations.collect(),
        }
    }
}

fn one(path: &str, method: &str, operation: &Value) -> Operation {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let answers = operation["responses"].as_object().into_iter().flatten();
    Operation {
        method: method.to_uppercase(),
        path: path.to_owned(),
        words: text(&operation["summary"]),
        answers: answers
            .map(|(status, answer)| (status.clone(), text(&answer["description"])))
            .collect(),
    }
}
