//! Alertmanager on loopback, as strict as `api/v2/openapi.yaml` of its repository.

use crate::loopback::{Asked, Loopback, Said};
use serde_json::{Value, json};

/// Parameters of `getAlerts`.
const QUERY: [&str; 6] = [
    "active",
    "silenced",
    "inhibited",
    "unprocessed",
    "filter",
    "receiver",
];

pub(crate) type FakeAlertmanager = Loopback<Vec<&'static str>>;

/// Alerts of these names fire; a name that begins with `quiet` is silenced.
pub(crate) fn start(alerts: Vec<&'static str>) -> FakeAlertmanager {
    Loopback::start(alerts, answer)
}

fn answer(alerts: &Vec<&'static str>, asked: &Asked) -> Said {
    if asked.path != "/api/v2/alerts" {
        return Said::refusal(404, r#""path was not found""#);
    }
    let is_boolean = |name: &str| {
        asked
            .value(name)
            .is_none_or(|value| matches!(value, "true" | "false"))
    };
    let are_boolean = ["active", "silenced", "inhibited", "unprocessed"]
        .into_iter()
        .all(is_boolean);
    if asked.method != "GET" || !asked.knows(&QUERY) || !are_boolean {
        return Said::refusal(400, r#""bad request""#);
    }
    let is_told = |name: &&&str| {
        let is_silenced = name.starts_with("quiet");
        asked.value(if is_silenced { "silenced" } else { "active" }) != Some("false")
    };
    let alerts: Vec<Value> = alerts
        .iter()
        .filter(is_told)
        .map(|name| alert(name))
        .collect();
    Said::json(&json!(alerts))
}

/// An alert as the interface shows it; its webhook adds a `status` of its own.
pub(crate) fn alert(name: &str) -> Value {
    json!({
        "fingerprint": format!("f1{name}"), "labels": { "alertname": name, "severity": "critical", "instance": "db-1" },
        "annotations": { "summary": format!("{name} on db-1"), "description": "Look at it, @everyone." },
        "startsAt": "2026-01-01T00:00:00.000Z", "endsAt": "2026-01-01T01:00:00.000Z", "updatedAt": "2026-01-01T00:30:00.000Z",
        "generatorURL": "http://prometheus.example/graph?g0.expr=up", "receivers": [{ "name": "web" }],
        "status": { "state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": [] },
    })
}
