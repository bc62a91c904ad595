//! Jira Cloud on loopback, as strict as its documentation
//! (<https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/>).

use crate::loopback::{Asked, Loopback, Said};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

pub(crate) const USER: &str = "bot@acme.example";
pub(crate) const TOKEN: &str = "ATATT-fake-token-0123456789";
/// The only search that finds anything.
pub(crate) const JQL: &str = "project = SHOP AND statusCategory != Done";
/// Issues of a page: few, so that there are pages.
const PAGE: usize = 2;
/// Parameters of the search.
const QUERY: [&str; 9] = [
    "jql",
    "nextPageToken",
    "maxResults",
    "fields",
    "expand",
    "properties",
    "fieldsByKeys",
    "failFast",
    "reconcileIssues",
];

/// Keys' numbers, priorities and summaries.
pub(crate) type FakeJira = Loopback<Vec<(u64, &'static str, &'static str)>>;

pub(crate) fn start(issues: Vec<(u64, &'static str, &'static str)>) -> FakeJira {
    Loopback::start(issues, answer)
}

fn answer(issues: &Vec<(u64, &'static str, &'static str)>, asked: &Asked) -> Said {
    let good = BASE64_STANDARD.encode(format!("{USER}:{TOKEN}"));
    if asked.authorization != format!("Basic {good}") {
        return Said::refusal(401, "Client must be authenticated to access this resource.");
    }
    if (asked.method.as_str(), asked.path.as_str()) != ("GET", "/rest/api/3/search/jql") {
        return Said::refusal(404, r#"{"errorMessages":["No endpoint"]}"#);
    }
    let most = asked
        .value("maxResults")
        .map_or(Some(50), |most| most.parse().ok());
    let is_asked = asked.knows(&QUERY)
        && asked.value("jql") == Some(JQL)
        && most.is_some_and(|most: u32| (1..=5_000).contains(&most));
    let from = match asked.value("nextPageToken") {
        None => Some(0),
        Some(token) => token
            .strip_prefix("page-")
            .and_then(|token| token.parse().ok()),
    };
    let Some(from) = from.filter(|_| is_asked) else {
        return Said::refusal(400, r#"{"errorMessages":["The JQL query is invalid."]}"#);
    };
    let is_last = issues.len() <= from + PAGE;
    let page: Vec<Value> = issues.iter().skip(from).take(PAGE).map(shown).collect();
    let mut body = json!({ "issues": page, "isLast": is_last });
    if !is_last {
        body["nextPageToken"] = json!(format!("page-{}", from + PAGE));
    }
    Said::json(&body)
}

fn shown((number, priority, summary): &(u64, &'static str, &'static str)) -> Value {
    let text = |text: &str| json!({ "type": "text", "text": text });
    json!({
        "id": (10_000 + number).to_string(), "key": format!("SHOP-{number}"), "self": "https://acme.example/x", "expand": "",
        "fields": {
            "summary": summary, "priority": { "id": "1", "name": priority, "self": "x" }, "labels": ["checkout"],
            "created": "2026-01-01T10:00:00.000+0100", "updated": "2026-01-02T10:00:00.000+0100",
            "status": { "name": "To Do", "id": "1" }, "issuetype": { "name": "Bug", "id": "1" },
            "description": { "type": "doc", "version": 1, "content": [
                { "type": "paragraph", "content": [text("Fixes #1, says "), { "type": "mention", "attrs": { "id": "5", "text": "@ann" } }] },
                { "type": "codeBlock", "content": [text("boom")] },
            ] },
        },
    })
}
