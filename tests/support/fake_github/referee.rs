//! Judges requests and the fake's own answers by GitHub's published description, cut by `fixtures/slice_openapi.py`;
//! GraphQL by its schema.

use super::answer::decoded;
use super::grammar::Question;
use super::log::Logged;
use jsonschema::{Registry, Validator};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

const NAME: &str = "https://description.invalid/github";

static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../fixtures/github-openapi.json")).unwrap()
});
static REGISTRY: LazyLock<Registry<'static>> = LazyLock::new(|| {
    let registry = Registry::new().add(NAME, &*DESCRIPTION).unwrap();
    registry.prepare().unwrap()
});
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Everything that GitHub would not take, or would not say.
pub(crate) fn violations(requests: &[Logged]) -> Vec<String> {
    let requests = requests.iter().filter(|request| !request.git);
    requests
        .flat_map(|request| {
            let problems = judge(request);
            let name = format!("{} {}?{}", request.method, request.path, request.query);
            problems
                .into_iter()
                .map(move |problem| format!("{name}: {problem}"))
        })
        .collect()
}

fn judge(request: &Logged) -> Vec<String> {
    if let Some(complaint) = &request.complaint {
        return vec![complaint.clone()];
    }
    if request.path == "/graphql" {
        return judge_question(request);
    }
    let Some(operation) = Operation::find(request) else {
        return vec!["GitHub has no such operation".into()];
    };
    let mut problems = operation.judge_query(&request.query);
    problems.extend(operation.judge_body(&request.body));
    if request.fault.is_none()
        && let Some(status) = request.status
    {
        problems.extend(operation.judge_answer(status, &request.answer));
    }
    problems
}

/// By the schema: the description is of the REST API only.
fn judge_question(request: &Logged) -> Vec<String> {
    let answered = request.status == Some(200) && request.fault.is_none();
    match Question::read(&request.body) {
        Err(problems) => problems,
        Ok(question) if answered => question.judge_answer(&request.answer),
        Ok(_) => Vec::new(),
    }
}

/// One operation of the description.
struct Operation {
    pointer: String,
    value: &'static Value,
}

impl Operation {
    fn find(request: &Logged) -> Option<Self> {
        let path = match request.path.strip_prefix("/repositories/") {
            Some(rest) => match rest.split_once('/') {
                Some((_, rest)) => format!("/repos/o/r/{rest}"),
                None => "/repos/o/r".into(),
            },
            None => request.path.clone(),
        };
        let paths = DESCRIPTION["paths"].as_object().unwrap();
        let method = request.method.to_lowercase();
        let (template, operations) = paths
            .iter()
            .find(|(template, _)| matches(template, &path))?;
        Some(Self {
            pointer: format!("/paths/{}/{method}", template.replace('/', "~1")),
            value: operations.get(&method)?,
        })
    }

    fn judge_query(&self, query: &str) -> Vec<String> {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .filter_map(|(name, value)| {
                let value = decoded(value);
                let parameters = self.value["parameters"].as_array().unwrap();
                let known = parameters
                    .iter()
                    .map(resolved)
                    .find(|it| it["in"] == "query" && it["name"] == name);
                let Some(parameter) = known else {
                    return Some(format!("no parameter is called {name}"));
                };
                let schema = &parameter["schema"];
                let typed = match schema["type"].as_str() {
                    Some("integer") => value.parse::<u64>().map_or(Value::Null, Value::from),
                    _ => Value::from(value.clone()),
                };
                let fits = jsonschema::is_valid(schema, &typed);
                let fits = fits && !(name == "per_page" && typed.as_u64() > Some(100));
                (!fits).then(|| format!("{name} cannot be {value:?}"))
            })
            .collect()
    }

    fn judge_body(&self, body: &Value) -> Vec<String> {
        const SCHEMA: &str = "/requestBody/content/application~1json/schema";
        let Some(schema) = self.value.pointer(SCHEMA) else {
            return if body.is_null() {
                Vec::new()
            } else {
                vec!["it takes no body".into()]
            };
        };
        if body.is_null() {
            let required = self.value["requestBody"]["required"] == true;
            return if required {
                vec!["it needs a body".into()]
            } else {
                Vec::new()
            };
        }
        let mut problems = errors(&format!("{}{SCHEMA}", self.pointer), body);
        // GitHub takes what it does not know without a word.
        if let Some(fields) = body.as_object() {
            let known = properties(schema);
            let strange = fields.keys().filter(|field| !known.contains_key(*field));
            problems.extend(strange.map(|field| format!("no field is called {field}")));
        }
        problems
    }

    fn judge_answer(&self, status: u16, answer: &Value) -> Vec<String> {
        let own = format!("{}/responses/{status}", self.pointer);
        let Some(response) = DESCRIPTION.pointer(&own) else {
            // Not said of each operation, but GitHub's documentation says it of all.
            let general = [301, 302, 304, 307, 401, 403, 404, 410, 429, 502].contains(&status);
            return if general {
                Vec::new()
            } else {
                vec![format!("it never answers {status}")]
            };
        };
        let pointer = match response["$ref"].as_str() {
            Some(reference) => reference.trim_start_matches('#').to_owned(),
            None => own,
        };
        let schema = format!("{pointer}/content/application~1json/schema");
        match DESCRIPTION.pointer(&schema) {
            Some(_) => errors(&schema, answer),
            None if answer.is_null() => Vec::new(),
            None => vec![format!("{status} has no body")],
        }
    }
}

fn errors(pointer: &str, value: &Value) -> Vec<String> {
    let validator = validator(pointer);
    let errors = validator.iter_errors(value).take(5);
    errors
        .map(|error| {
            let text: String = error.to_string().chars().take(300).collect();
            format!("{} {text}", error.instance_path())
        })
        .collect()
}

fn validator(pointer: &str) -> Arc<Validator> {
    let mut validators = VALIDATORS.lock().unwrap();
    let validator = validators.entry(pointer.to_owned()).or_insert_with(|| {
        let pointer = pointer.replace('{', "%7B").replace('}', "%7D");
        let schema = serde_json::json!({"$ref": format!("{NAME}#{pointer}")});
        let options = jsonschema::options().with_registry(&REGISTRY);
        Arc::new(options.build(&schema).unwrap())
    });
    Arc::clone(validator)
}

fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => DESCRIPTION
            .pointer(reference.trim_start_matches('#'))
            .unwrap(),
        None => value,
    }
}

/// All fields that an object of this schema may have, whichever alternative it is.
fn properties(schema: &'static Value) -> Map<String, Value> {
    let schema = resolved(schema);
    let mut all = schema["properties"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    for alternatives in ["oneOf", "anyOf", "allOf"] {
        for alternative in schema[alternatives].as_array().into_iter().flatten() {
            all.extend(properties(alternative));
        }
    }
    all
}

fn matches(template: &str, path: &str) -> bool {
    let (mut wanted, mut parts) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), parts.next()) {
            (None, None) => return true,
            (Some(wanted), Some(part)) if wanted.starts_with('{') || wanted == part => {}
            _ => return false,
        }
    }
}
