//! Alerts of Alertmanager: asked for by its interface (version 2, `api/v2/openapi.yaml` of its repository), and sent by its
//! webhook (version 4, <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>).

use crate::adapters::http::{AskError, Server};
use crate::adapters::sources::sentry::moment;
use crate::rules::finding::{Finding, Level};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The version of the webhook's bodies.
const VERSION: &str = "4";
/// What alerts say of themselves in words.
const WORDS: [&str; 3] = ["description", "message", "runbook_url"];

/// One Alertmanager.
pub struct Alertmanager {
    server: Server,
}

/// What a webhook brought.
#[derive(Debug, PartialEq, Eq)]
pub struct Brought {
    /// Alerts that fire.
    pub firing: Vec<Finding>,
    /// Fingerprints of those that do no longer.
    pub resolved: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAlert {
    fingerprint: String,
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    starts_at: Option<String>,
    #[serde(rename = "generatorURL", default)]
    generator_url: Option<String>,
}

#[derive(Deserialize)]
struct WireBody {
    version: String,
    alerts: Vec<WireSent>,
}

#[derive(Deserialize)]
struct WireSent {
    status: String,
    #[serde(flatten)]
    alert: WireAlert,
}

impl Alertmanager {
    /// At this server.
    #[must_use]
    pub const fn new(server: Server) -> Self {
        Self { server }
    }

    /// Those that fire and are neither silenced nor inhibited.
    pub async fn alerts(&self) -> Result<Vec<Finding>, AskError> {
        let query = [
            ("active", "true"),
            ("silenced", "false"),
            ("inhibited", "false"),
        ];
        let answer = self.server.get(&["api", "v2", "alerts"], &query).await?;
        let alerts: Vec<WireAlert> = answer.json()?;
        Ok(alerts.into_iter().map(WireAlert::finding).collect())
    }
}

/// Reads what a webhook sent; says what is wrong where it is no such body.
pub fn read(body: &[u8]) -> Result<Brought, String> {
    let body: WireBody = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    if body.version != VERSION {
        return Err(format!("it is not of version {VERSION}"));
    }
    let mut brought = Brought {
        firing: Vec::new(),
        resolved: Vec::new(),
    };
    for sent in body.alerts {
        match sent.status.as_str() {
            "firing" => brought.firing.push(sent.alert.finding()),
            "resolved" => brought.resolved.push(sent.alert.finding().fingerprint),
            _ => return Err("an alert neither fires nor is resolved".to_owned()),
        }
    }
    Ok(brought)
}

impl WireAlert {
    fn finding(self) -> Finding {
        let label = |name: &str| self.labels.get(name).map(String::as_str);
        let note = |name: &str| self.annotations.get(name).map(String::as_str);
        let name = label("alertname").unwrap_or("an alert");
        let title = match note("summary") {
            Some(summary) => format!("{name}: {summary}"),
            None => name.to_owned(),
        };
        let level = label("severity").and_then(Level::of);
        let text: Vec<&str> = WORDS.into_iter().filter_map(note).collect();
        Finding {
            first: moment(self.starts_at.as_deref()),
            link: self.generator_url.clone(),
            text: text.join("\n\n"),
            labels: self.labels.clone().into_iter().collect(),
            ..Finding::new(&*self.fingerprint, &title, level.unwrap_or(Level::Warning))
        }
        .bounded()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn alert(status: &str) -> Value {
        json!({
            "status": status, "fingerprint": "a1", "startsAt": "2026-01-01T00:00:00.000Z", "endsAt": "0001-01-01T00:00:00Z",
            "labels": { "alertname": "DiskFull", "severity": "critical", "instance": "db-1" },
            "annotations": { "summary": "disk of db-1 is full", "description": "3 % left" },
            "generatorURL": "http://prometheus.example/graph?g0.expr=disk",
        })
    }

    fn sent(version: &str, alerts: &[Value]) -> Result<Brought, String> {
        let body =
            json!({ "version": version, "receiver": "x", "status": "firing", "alerts": alerts });
        read(body.to_string().as_bytes())
    }

    #[test]
    fn alerts_that_fire_are_findings_and_resolved_ones_are_over() {
        let brought = sent("4", &[alert("firing"), alert("resolved")]).unwrap();
        assert_eq!(brought.resolved, ["a1"]);
        let [finding] = &brought.firing[..] else {
            panic!("one fires");
        };
        assert_eq!(finding.title, "DiskFull: disk of db-1 is full");
        assert_eq!(
            (finding.level, &*finding.text),
            (Level::Critical, "3 % left")
        );
        assert!(finding.first.is_some() && finding.link.is_some());
    }

    #[test]
    fn what_is_no_such_body_is_refused() {
        assert!(sent("3", &[]).is_err(), "another version");
        assert!(sent("4", &[alert("odd")]).is_err());
        assert!(read(b"[]").is_err() && read(b"").is_err());
        assert_eq!(sent("4", &[]).unwrap().firing, [], "the control");
    }
}
