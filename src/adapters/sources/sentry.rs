//! Unresolved issues of a project of Sentry (<https://docs.sentry.io/api/events/list-a-projects-issues/>), with the stack
//! trace of the latest event (<https://docs.sentry.io/api/events/retrieve-an-issue-event/>).

use crate::adapters::http::{AskError, Server};
use crate::rules::finding::{Finding, Level, TRACE_MAX};
use crate::rules::ids::Timestamp;
use chrono::DateTime;
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Write as _;

/// What is asked for.
const QUERY: &str = "is:unresolved";
/// Frames of a trace at most, the innermost.
const FRAMES: usize = 60;
/// Exceptions of a chain at most.
const CHAIN: usize = 5;

/// One project there.
pub struct Sentry {
    server: Server,
    organization: String,
    project: String,
}

/// A part of a listing, and how it goes on.
#[derive(Debug)]
pub struct Part {
    /// What was found.
    pub findings: Vec<Finding>,
    /// Where the listing goes on; nothing at its end.
    pub next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireIssue {
    id: String,
    title: String,
    #[serde(default)]
    short_id: Option<String>,
    #[serde(default)]
    culprit: Option<String>,
    level: String,
    #[serde(default)]
    count: Option<Value>,
    #[serde(default)]
    user_count: Option<u64>,
    #[serde(default)]
    first_seen: Option<String>,
    #[serde(default)]
    last_seen: Option<String>,
    #[serde(default)]
    permalink: Option<String>,
}

#[derive(Deserialize)]
struct WireEvent {
    #[serde(default)]
    entries: Vec<WireEntry>,
    #[serde(default)]
    tags: Vec<WireTag>,
}

#[derive(Deserialize)]
struct WireTag {
    key: String,
    #[serde(default)]
    value: Option<String>,
}

#[derive(Deserialize)]
struct WireEntry {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    data: Value,
}

#[derive(Deserialize)]
struct WireExceptions {
    #[serde(default)]
    values: Vec<WireException>,
}

#[derive(Deserialize)]
struct WireException {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    stacktrace: Option<WireTrace>,
}

#[derive(Deserialize)]
struct WireTrace {
    #[serde(default)]
    frames: Option<Vec<WireFrame>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireFrame {
    #[serde(default)]
    filename: Option<String>,
    #[serde(default)]
    module: Option<String>,
    #[serde(default)]
    function: Option<String>,
    #[serde(default)]
    line_no: Option<u64>,
    #[serde(default)]
    context: Vec<(u64, Option<String>)>,
}

impl Sentry {
    /// A project of an organization, both by their slugs.
    #[must_use]
    pub fn new(server: Server, organization: &str, project: &str) -> Self {
        Self {
            server,
            organization: organization.to_owned(),
            project: project.to_owned(),
        }
    }

    /// Its unresolved issues from this place of the listing on.
    pub async fn part(&self, cursor: Option<&str>) -> Result<Part, AskError> {
        let project = ["projects", &self.organization, &self.project];
        let path = [&["api", "0"][..], &project[..], &["issues", ""][..]].concat();
        let mut query = vec![("query", QUERY)];
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let answer = self.server.get(&path, &query).await?;
        let issues: Vec<WireIssue> = answer.json()?;
        Ok(Part {
            findings: issues.into_iter().map(WireIssue::finding).collect(),
            next: next(&answer.header("link")),
        })
    }

    /// The same with the trace of the latest event.
    pub async fn whole(&self, mut finding: Finding) -> Result<Finding, AskError> {
        let path = [
            "api",
            "0",
            "organizations",
            &self.organization,
            "issues",
            &finding.fingerprint,
            "events",
            "latest",
            "",
        ];
        let event: WireEvent = self.server.get(&path, &[]).await?.json()?;
        finding.trace = trace(&event.entries);
        let tags = event.tags.into_iter();
        finding
            .labels
            .extend(tags.map(|tag| (tag.key, tag.value.unwrap_or_default())));
        Ok(finding.bounded())
    }
}

impl WireIssue {
    fn finding(self) -> Finding {
        let named = |name: &str, value: Option<String>| {
            value
                .filter(|value| !value.is_empty())
                .map(|value| (name.to_owned(), value))
        };
        // A count is a text there.
        let count = self.count.as_ref().and_then(|count| match count {
            Value::String(text) => text.parse().ok(),
            count => count.as_u64(),
        });
        let labels = [
            named("issue", self.short_id),
            named("culprit", self.culprit),
        ];
        Finding {
            count,
            users: self.user_count,
            first: moment(self.first_seen.as_deref()),
            last: moment(self.last_seen.as_deref()),
            link: self.permalink,
            labels: labels.into_iter().flatten().collect(),
            ..Finding::new(
                self.id,
                &self.title,
                Level::of(&self.level).unwrap_or(Level::Error),
            )
        }
        .bounded()
    }
}

/// A moment as RFC 3339 writes it.
pub(super) fn moment(text: Option<&str>) -> Option<Timestamp> {
    let moment = DateTime::parse_from_rfc3339(text?).ok()?;
    // The year 1 stands for no moment at all.
    let millis = moment.timestamp_millis();
    (millis > 0).then_some(Timestamp(millis))
}

/// The cursor of the next page, where it has results (<https://docs.sentry.io/api/pagination/>). Its address is not
/// followed: it could lead anywhere.
fn next(links: &str) -> Option<String> {
    links.split(',').find_map(|link| {
        let value = |name: &str| {
            let start = link.find(&format!("{name}=\""))? + name.len() + 2;
            let end = link[start..].find('"')?;
            Some(&link[start..start + end])
        };
        let is_next = value("rel") == Some("next") && value("results") == Some("true");
        is_next
            .then(|| value("; cursor").map(str::to_owned))
            .flatten()
    })
}

/// The chain of exceptions as people read it: the last one thrown first, its innermost frames last.
fn trace(entries: &[WireEntry]) -> String {
    let mut text = String::new();
    for entry in entries {
        match entry.kind.as_str() {
            "exception" => {
                let Ok(all) = serde_json::from_value::<WireExceptions>(entry.data.clone()) else {
                    continue;
                };
                for exception in all.values.iter().rev().take(CHAIN) {
                    exception.tell(&mut text);
                }
            }
            "message" => {
                if let Some(message) = entry.data["formatted"].as_str() {
                    let _ = writeln!(text, "{message}");
                }
            }
            // Breadcrumbs, requests and the like may tell of people.
            _ => {}
        }
    }
    text
}

impl WireException {
    fn tell(&self, text: &mut String) {
        if text.len() > TRACE_MAX {
            return;
        }
        let kind = self.kind.as_deref().unwrap_or("exception");
        let _ = writeln!(text, "{kind}: {}", self.value.as_deref().unwrap_or("-"));
        let frames = self
            .stacktrace
            .iter()
            .flat_map(|trace| trace.frames.iter().flatten());
        let frames: Vec<&WireFrame> = frames.collect();
        // The innermost says most; it is the last there, and the first here.
        for frame in frames.iter().rev().take(FRAMES) {
            let place = frame.filename.as_deref().or(frame.module.as_deref());
            let _ = write!(text, "  at {}", place.unwrap_or("?"));
            if let Some(line) = frame.line_no {
                let _ = write!(text, ":{line}");
            }
            let _ = writeln!(text, " in {}", frame.function.as_deref().unwrap_or("?"));
            let own = frame
                .context
                .iter()
                .find(|(line, _)| Some(*line) == frame.line_no);
            if let Some((_, Some(code))) = own {
                let _ = writeln!(text, "      {}", code.trim());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_listing_goes_on_only_where_there_are_results() {
        let link = |results: &str| {
            format!(
                "<https://s.example/?&cursor=1:0:1>; rel=\"previous\"; results=\"false\"; cursor=\"1:0:1\", \
                 <https://evil.example/?&cursor=1:100:0>; rel=\"next\"; results=\"{results}\"; cursor=\"1:100:0\""
            )
        };
        assert_eq!(next(&link("true")).as_deref(), Some("1:100:0"));
        assert_eq!(next(&link("false")), None);
        assert_eq!(next(""), None);
    }

    #[test]
    fn a_trace_begins_where_it_was_thrown_and_tells_nothing_of_people() {
        let entries: Vec<WireEntry> = serde_json::from_value(json!([
            { "type": "request", "data": { "cookies": [["session", "hunter2"]] } },
            { "type": "exception", "data": { "values": [
                { "type": "KeyError", "value": "'id'", "stacktrace": { "frames": [
                    { "filename": "app/main.py", "function": "main", "lineNo": 3, "context": [[3, "  run()"], [4, "x"]] },
                    { "filename": "app/run.py", "function": "run", "lineNo": 9, "context": [] },
                ] } },
                { "type": "ValueError", "value": "no", "stacktrace": null },
            ] } },
        ]))
        .unwrap();
        let text = trace(&entries);
        assert_eq!(
            text,
            "ValueError: no\nKeyError: 'id'\n  at app/run.py:9 in run\n  at app/main.py:3 in main\n      run()\n"
        );
    }
}
