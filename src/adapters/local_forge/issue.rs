//! The file of one issue, and the issue in it.

use crate::adapters::local_forge::comments;
use crate::adapters::local_forge::folder::{Entry, number};
use crate::adapters::local_forge::front_matter::{Document, Malformed};
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::issue::{Issue, IssueDraft, IssueState};
use crate::rules::names;
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use std::path::Path;

/// The issue that a file holds.
pub fn read(entry: &Entry) -> Result<Issue, Malformed> {
    let document = &entry.document;
    let body = comments::above(document.body()).replace("\r\n", "\n");
    Ok(Issue {
        number: IssueNumber(entry.number),
        title: title_of(document)?,
        body: body.trim_matches('\n').to_owned(),
        labels: document.list("labels")?,
        state: state_of(document)?,
        author: document.text("author")?,
        created_at: created(document)?.unwrap_or(entry.snapshot.modified),
        updated_at: entry.snapshot.modified,
        url: Some(file_url(&entry.path)),
        depends_on: depends_on(document)?,
        assignees: document.list("assignees")?,
        milestone: document.text("milestone")?,
        parts: Vec::new(),
        pulls: Vec::new(),
    })
}

/// The file of a new issue.
#[must_use]
pub fn new(draft: &IssueDraft, at: Timestamp) -> Document {
    let mut document = Document::new("");
    document.set_text("title", &draft.title);
    document.set_text("state", "open");
    document.set_list("labels", &draft.labels);
    if !draft.depends_on.is_empty() {
        document.set_plain("depends_on", numbers(&draft.depends_on));
    }
    document.set_plain("created", written(at));
    put_body(&mut document, &draft.body);
    document
}

/// The name of an issue's file.
#[must_use]
pub fn file_name(number: IssueNumber, title: &str) -> String {
    let branch = names::branch(number, title, 1);
    format!("{}.md", branch.as_str().trim_start_matches("autoissue/"))
}

/// Gives an issue this text; the discussion below it stays. Says whether anything changed.
pub fn rewrite(document: &mut Document, body: &str) -> bool {
    let old = document.body().to_owned();
    let discussion = &old[comments::above(&old).len()..];
    let gap = if discussion.is_empty() { "" } else { "\n" };
    let text = format!("\n{}\n{gap}{discussion}", safe(body).trim_matches('\n'));
    document.set_body(&text);
    text != old
}

/// Notes that it needs another one; says whether that was missing.
pub fn add_need(document: &mut Document, need: IssueNumber) -> Result<bool, Malformed> {
    let mut needs = depends_on(document)?;
    if needs.contains(&need) {
        return Ok(false);
    }
    needs.push(need);
    document.set_plain("depends_on", numbers(&needs));
    Ok(true)
}

/// `[2, 3]`, as people write it.
fn numbers(issues: &[IssueNumber]) -> String {
    let numbers: Vec<String> = issues.iter().map(|issue| issue.0.to_string()).collect();
    format!("[{}]", numbers.join(", "))
}

fn put_body(document: &mut Document, body: &str) {
    document.set_body(&format!("\n{}\n", safe(body).trim_matches('\n')));
}

/// A heading in a text that would pass for that of the discussion is none any more.
fn safe(body: &str) -> String {
    let mut text = body.to_owned();
    while comments::above(&text).len() < text.len() {
        text.insert(comments::above(&text).len(), '\\');
    }
    text
}

/// Puts a label on; says whether it was missing. Case does not matter, as on GitHub.
pub fn add_label(document: &mut Document, label: &str) -> Result<bool, Malformed> {
    let mut labels = document.list("labels")?;
    if labels.iter().any(|own| own.eq_ignore_ascii_case(label)) {
        return Ok(false);
    }
    labels.push(label.to_owned());
    document.set_list("labels", &labels);
    Ok(true)
}

/// Takes a label off; says whether it was there.
pub fn remove_label(document: &mut Document, label: &str) -> Result<bool, Malformed> {
    let labels = document.list("labels")?;
    let left: Vec<String> = labels
        .iter()
        .filter(|own| !own.eq_ignore_ascii_case(label))
        .cloned()
        .collect();
    let was_there = left.len() < labels.len();
    if was_there {
        document.set_list("labels", &left);
    }
    Ok(was_there)
}

/// When a file says it was created.
pub fn created(document: &Document) -> Result<Option<Timestamp>, Malformed> {
    let Some(text) = document.text("created")? else {
        return Ok(None);
    };
    moment(&text).map(Some).ok_or_else(|| {
        let problem =
            format!("`created: {text}` is no date such as 2026-11-20 or 2026-11-20T10:30:00Z");
        Malformed::new(document.line_of("created"), problem)
    })
}

/// The moment as a front matter holds it: `2026-11-20T10:30:00Z`.
#[must_use]
pub fn written(at: Timestamp) -> String {
    let moment = DateTime::from_timestamp_millis(at.0).unwrap_or_default();
    moment.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The address of a local file (RFC 8089).
#[must_use]
pub fn file_url(path: &Path) -> String {
    let mut url = String::from("file://");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(byte) {
            url.push(char::from(*byte));
        } else {
            url.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    url
}

fn hex(digit: u8) -> char {
    char::from(b"0123456789ABCDEF"[usize::from(digit)])
}

/// The `title` of the front matter, else the first heading.
fn title_of(document: &Document) -> Result<String, Malformed> {
    let heading = || {
        let mut lines = document.body().lines();
        lines.find_map(|line| line.strip_prefix("# ").map(str::trim).map(str::to_owned))
    };
    let title = document.text("title")?.or_else(heading);
    let title = title.map(|title| title.replace(['\r', '\n'], " "));
    title
        .filter(|title| !title.trim().is_empty())
        .ok_or_else(|| {
            let problem = "has no title; give it a `title:` or a first heading";
            Malformed::new(document.line_of("title"), problem)
        })
}

fn state_of(document: &Document) -> Result<IssueState, Malformed> {
    match document.text("state")?.as_deref() {
        None => Ok(IssueState::Open),
        Some(state) if state.eq_ignore_ascii_case("open") => Ok(IssueState::Open),
        Some(state) if state.eq_ignore_ascii_case("closed") => Ok(IssueState::Closed),
        Some(state) => {
            let problem = format!("`state: {state}` is neither open nor closed");
            Err(Malformed::new(document.line_of("state"), problem))
        }
    }
}

fn depends_on(document: &Document) -> Result<Vec<IssueNumber>, Malformed> {
    let items = document.list("depends_on")?;
    items
        .iter()
        .map(|item| {
            number(item).map(IssueNumber).ok_or_else(|| {
                let problem = format!("`depends_on` has `{item}`, which is no issue's number");
                Malformed::new(document.line_of("depends_on"), problem)
            })
        })
        .collect()
}

/// A date, or a date and a time; UTC where no offset is given.
fn moment(text: &str) -> Option<Timestamp> {
    let millis = |moment: NaiveDateTime| moment.and_utc().timestamp_millis();
    let with_offset = || Some(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis());
    let without = |format| Some(millis(NaiveDateTime::parse_from_str(text, format).ok()?));
    let date = || {
        Some(millis(
            NaiveDate::parse_from_str(text, "%Y-%m-%d")
                .ok()?
                .and_time(chrono::NaiveTime::MIN),
        ))
    };
    with_offset()
        .or_else(|| without("%Y-%m-%d %H:%M:%S"))
        .or_else(|| without("%Y-%m-%dT%H:%M:%S"))
        .or_else(|| without("%Y-%m-%d %H:%M"))
        .or_else(date)
        .map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_people_write_them() {
        let check = |text: &str, expect: Option<i64>| {
            assert_eq!(moment(text).map(|at| at.0), expect, "{text}");
        };
        check("2026-11-20", Some(1_795_132_800_000));
        check("2026-11-20 04:26", Some(1_795_148_760_000));
        check("2026-11-20T04:26:00Z", Some(1_795_148_760_000));
        check("2026-11-20 05:26:00+01:00", Some(1_795_148_760_000));
        check("2026-11-20T04:26:00", Some(1_795_148_760_000));
        check("20.11.2026", None);
        assert_eq!(
            moment(&written(Timestamp(1_795_148_760_000))),
            moment("2026-11-20 04:26")
        );
    }

    #[test]
    fn an_address_holds_any_name() {
        assert_eq!(
            file_url(Path::new("/a b/ü#%.md")),
            "file:///a%20b/%C3%BC%23%25.md"
        );
    }
}
