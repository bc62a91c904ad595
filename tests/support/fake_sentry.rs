//! Sentry on loopback, as strict as its documentation (<https://docs.sentry.io/api/events/list-a-projects-issues/>,
//! <https://docs.sentry.io/api/events/retrieve-an-issue-event/>, <https://docs.sentry.io/api/pagination/>).

use crate::loopback::{Asked, Loopback, Said};
use serde_json::{Value, json};

/// The only token that is good.
pub(crate) const TOKEN: &str = "sntrys_fake_token_0123456789";
/// Issues of a page: few, so that there are pages.
const PAGE: usize = 2;
const LISTED: &str = "/api/0/projects/acme/shop/issues/";
const ISSUES: &str = "/api/0/organizations/acme/issues/";
/// What a listing may be asked with.
const QUERY: [&str; 5] = ["query", "cursor", "statsPeriod", "shortIdLookup", "hashes"];

/// An unresolved issue.
#[derive(Clone, Debug)]
pub(crate) struct Unresolved {
    pub(crate) id: u64,
    pub(crate) title: String,
    pub(crate) level: &'static str,
    pub(crate) count: u64,
}

pub(crate) type FakeSentry = Loopback<Vec<Unresolved>>;

pub(crate) fn unresolved(id: u64, level: &'static str, title: &str) -> Unresolved {
    let title = title.to_owned();
    Unresolved {
        id,
        title,
        level,
        count: 3,
    }
}

pub(crate) fn start(issues: Vec<Unresolved>) -> FakeSentry {
    Loopback::start(issues, answer)
}

fn answer(issues: &Vec<Unresolved>, asked: &Asked) -> Said {
    if asked.authorization != format!("Bearer {TOKEN}") {
        return Said::refusal(401, r#"{"detail":"Invalid token"}"#);
    }
    if asked.method != "GET" {
        return Said::refusal(405, r#"{"detail":"Method not allowed"}"#);
    }
    if asked.path == LISTED {
        return list(issues, asked);
    }
    let event = asked.path.strip_prefix(ISSUES);
    let id = event.and_then(|event| event.strip_suffix("/events/latest/"));
    let issue = id.and_then(|id| issues.iter().find(|issue| issue.id.to_string() == id));
    match issue {
        Some(issue) if asked.query.is_empty() => Said::json(&latest(issue)),
        Some(_) | None => {
            Said::refusal(404, r#"{"detail":"The requested resource does not exist"}"#)
        }
    }
}

fn list(issues: &[Unresolved], asked: &Asked) -> Said {
    let is_asked = asked.knows(&QUERY) && asked.value("query") == Some("is:unresolved");
    let from = match asked.value("cursor") {
        None => Some(0),
        Some(cursor) => cursor
            .strip_prefix("0:")
            .and_then(|rest| rest.strip_suffix(":0")?.parse().ok()),
    };
    let Some(from) = from.filter(|_| is_asked) else {
        return Said::refusal(400, r#"{"detail":"Invalid cursor parameter."}"#);
    };
    let page: Vec<Value> = issues.iter().skip(from).take(PAGE).map(shown).collect();
    let next = from + PAGE;
    let mut said = Said::json(&json!(page));
    // Their addresses are never to be followed.
    said.headers.push((
        "link".to_owned(),
        format!(
            "<http://127.0.0.1:9/?cursor=0:0:1>; rel=\"previous\"; results=\"false\"; cursor=\"0:0:1\", \
             <http://127.0.0.1:9/?cursor=0:{next}:0>; rel=\"next\"; results=\"{}\"; cursor=\"0:{next}:0\"",
            issues.len() > next
        ),
    ));
    said
}

fn shown(issue: &Unresolved) -> Value {
    json!({
        "id": issue.id.to_string(), "shortId": format!("SHOP-{}", issue.id), "title": issue.title, "level": issue.level,
        "culprit": "app.cart in total", "count": issue.count.to_string(), "userCount": 2, "status": "unresolved",
        "firstSeen": "2026-01-01T00:00:00.000000Z", "lastSeen": "2026-01-02T00:00:00.000000Z",
        "permalink": format!("https://sentry.example/organizations/acme/issues/{}/", issue.id),
        "metadata": { "type": "ValueError", "value": "no" }, "annotations": [], "assignedTo": null, "isPublic": false,
        "project": { "id": "1", "name": "shop", "slug": "shop" }, "type": "error", "stats": { "24h": [[1, 2]] },
    })
}

fn latest(issue: &Unresolved) -> Value {
    json!({
        "eventID": "9fac2ceed9344f2bbfdd1fdacb0ed9b1", "groupID": issue.id.to_string(), "title": issue.title,
        "dateCreated": "2026-01-02T00:00:00Z", "platform": "python", "type": "error",
        "tags": [{ "key": "release", "value": "1.2.3" }, { "key": "server_name", "value": null }],
        "entries": [
            { "type": "exception", "data": { "values": [{ "type": "ValueError", "value": issue.title, "stacktrace": { "frames": [
                { "filename": "app/main.py", "function": "main", "lineNo": 4, "inApp": true, "context": [[4, "total(cart)"]] },
                { "filename": "app/cart.py", "function": "total", "lineNo": 17, "inApp": true, "context": [] },
            ] } }] } },
            { "type": "request", "data": { "cookies": [["session", "a person's session"]] } },
        ],
    })
}
