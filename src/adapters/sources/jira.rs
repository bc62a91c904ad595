//! Issues of Jira Cloud that a JQL selects
//! (<https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/>).

use crate::adapters::http::{AskError, Server};
use crate::adapters::sources::document::text;
use crate::adapters::sources::sentry::Part;
use crate::rules::finding::{Finding, Level};
use crate::rules::ids::Timestamp;
use chrono::DateTime;
use serde::Deserialize;
use serde_json::Value;

/// What is told of each.
const FIELDS: &str = "summary,description,priority,labels,created,updated,status,issuetype";
/// Issues of a page.
const PAGE: &str = "50";

/// A search there.
pub struct Jira {
    server: Server,
    site: String,
    jql: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePage {
    issues: Vec<WireIssue>,
    #[serde(default)]
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct WireIssue {
    id: String,
    key: String,
    fields: WireFields,
}

#[derive(Deserialize)]
struct WireFields {
    summary: String,
    #[serde(default)]
    description: Value,
    #[serde(default)]
    priority: Option<WireNamed>,
    #[serde(default)]
    status: Option<WireNamed>,
    #[serde(default)]
    issuetype: Option<WireNamed>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    updated: Option<String>,
}

#[derive(Deserialize)]
struct WireNamed {
    name: String,
}

impl Jira {
    /// At the server, which people find at `site`.
    #[must_use]
    pub fn new(server: Server, site: &str, jql: &str) -> Self {
        Self {
            server,
            site: site.trim_end_matches('/').to_owned(),
            jql: jql.to_owned(),
        }
    }

    /// What the search finds from this place on.
    pub async fn part(&self, token: Option<&str>) -> Result<Part, AskError> {
        let mut query = vec![
            ("jql", &*self.jql),
            ("fields", FIELDS),
            ("maxResults", PAGE),
        ];
        query.extend(token.map(|token| ("nextPageToken", token)));
        let path = ["rest", "api", "3", "search", "jql"];
        let page: WirePage = self.server.get(&path, &query).await?.json()?;
        Ok(Part {
            findings: page
                .issues
                .into_iter()
                .map(|issue| self.finding(issue))
                .collect(),
            next: page.next_page_token.filter(|token| !token.is_empty()),
        })
    }

    fn finding(&self, issue: WireIssue) -> Finding {
        let fields = issue.fields;
        let named =
            |name: &str, value: Option<WireNamed>| value.map(|value| (name.to_owned(), value.name));
        let level = fields
            .priority
            .as_ref()
            .and_then(|priority| Level::of(&priority.name));
        let mut labels = vec![("key".to_owned(), issue.key.clone())];
        labels.extend(named("type", fields.issuetype));
        labels.extend(named("status", fields.status));
        labels.extend(
            fields
                .labels
                .into_iter()
                .map(|label| ("label".to_owned(), label)),
        );
        let title = format!("{}: {}", issue.key, fields.summary);
        Finding {
            first: moment(fields.created.as_deref()),
            last: moment(fields.updated.as_deref()),
            link: Some(format!("{}/browse/{}", self.site, issue.key)),
            text: text(&fields.description),
            labels,
            ..Finding::new(issue.id, &title, level.unwrap_or(Level::Warning))
        }
        .bounded()
    }
}

/// `2026-01-01T00:00:00.000+0000`.
fn moment(text: Option<&str>) -> Option<Timestamp> {
    let moment = DateTime::parse_from_str(text?, "%Y-%m-%dT%H:%M:%S%.f%z").ok()?;
    Some(Timestamp(moment.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_an_offset_without_a_colon() {
        let read = |text| moment(Some(text)).map(|at| at.0);
        assert_eq!(read("1970-01-01T01:00:00.500+0100"), Some(500));
        assert_eq!(read("yesterday"), None);
    }
}
