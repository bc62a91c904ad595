//! What can be done with issues and labels.

use super::answer::{
    Answer, Ask, check_length, find, in_state, invalid, names, page, refusal, shown, text, unknown,
};
use super::show::Show;
use super::state::{Item, State};

/// One issue, and what belongs to it.
pub(crate) fn in_issue(
    state: &mut State,
    ask: &Ask<'_>,
    number: &str,
    rest: &[&str],
) -> Result<Answer, Answer> {
    let number = find(state, number, |_| true)?;
    Ok(match (ask.method, rest) {
        ("GET", []) => issue(state, ask, 200, number),
        ("PATCH", []) => change_issue(state, ask, number),
        ("GET", ["comments"]) => {
            let comments: Vec<_> = state.items[&number].comments.iter().collect();
            page(state, ask, comments, |show, comment| {
                show.comment(number, comment)
            })
        }
        ("POST", ["comments"]) => create_comment(state, ask, number)?,
        ("GET", ["labels"]) => {
            let names: Vec<_> = state.items[&number].labels.iter().collect();
            page(state, ask, names, |show, name| {
                show.label(show.state.label(name).unwrap())
            })
        }
        ("POST", ["labels"]) => {
            for name in names(&ask.body["labels"]) {
                check_length("Label", "name", &name, 50)?;
                state.put_label(number, &name);
            }
            shown(state, ask, 200, |show| {
                show.labels_of(&show.state.items[&number]).into()
            })
        }
        ("DELETE", ["labels", name]) => {
            let at = state.items[&number]
                .labels
                .iter()
                .position(|own| own.eq_ignore_ascii_case(name));
            let at = at.ok_or_else(|| refusal(404, "Label does not exist"))?;
            state.tick();
            state.item(number).labels.remove(at);
            shown(state, ask, 200, |show| {
                show.labels_of(&show.state.items[&number]).into()
            })
        }
        ("GET", ["dependencies", "blocked_by"]) => {
            let blockers = &state.items[&number].blocked_by;
            let blockers: Vec<_> = blockers
                .iter()
                .filter_map(|it| state.items.get(it))
                .collect();
            page(state, ask, blockers, Show::issue)
        }
        ("POST", ["dependencies", "blocked_by"]) => add_blocker(state, ask, number)?,
        ("GET", ["sub_issues"]) => {
            let parts = &state.items[&number].parts;
            let parts: Vec<_> = parts.iter().filter_map(|it| state.items.get(it)).collect();
            page(state, ask, parts, Show::issue)
        }
        ("POST", ["sub_issues"]) => add_part(state, ask, number)?,
        _ => unknown(),
    })
}

/// The issue that the database calls by this number: not by the number that people use.
fn by_id(state: &State, ask: &Ask<'_>, field: &str) -> Result<u64, Answer> {
    let id = ask.body[field].as_u64();
    let mut items = state.items.values();
    let found = items.find(|item| Some(item.id) == id && item.pull.is_none());
    found
        .map(|item| item.number)
        .ok_or_else(|| refusal(404, "The provided issue does not exist"))
}

/// Makes an issue wait for another; a second time, for itself or in a ring it is refused.
fn add_blocker(state: &mut State, ask: &Ask<'_>, number: u64) -> Result<Answer, Answer> {
    let blocker = by_id(state, ask, "issue_id")?;
    let mut waits = vec![blocker];
    let mut seen = Vec::new();
    while let Some(next) = waits.pop() {
        if next == number {
            return Err(invalid(
                "Issue",
                "issue_id",
                "invalid",
                "Dependencies cannot be circular",
            ));
        }
        seen.push(next);
        let more = state.items[&next].blocked_by.iter();
        waits.extend(more.filter(|it| !seen.contains(it)));
    }
    if state.items[&number].blocked_by.contains(&blocker) {
        return Err(invalid(
            "Issue",
            "issue_id",
            "already_exists",
            "Target issue has already been taken",
        ));
    }
    state.tick();
    state.item(number).blocked_by.push(blocker);
    Ok(issue(state, ask, 201, blocker))
}

/// Makes an issue a part of another; it can be a part of one only, and a hundred parts are the most.
fn add_part(state: &mut State, ask: &Ask<'_>, number: u64) -> Result<Answer, Answer> {
    let part = by_id(state, ask, "sub_issue_id")?;
    let taken = state.items.values().any(|item| item.parts.contains(&part));
    if taken || part == number || state.items[&number].parts.len() >= 100 {
        return Err(invalid(
            "Issue",
            "sub_issue_id",
            "invalid",
            "Issue may not be added as a sub-issue",
        ));
    }
    state.tick();
    state.item(number).parts.push(part);
    Ok(issue(state, ask, 201, number))
}

/// Lists issues, with pulls among them.
pub(crate) fn list_issues(state: &mut State, ask: &Ask<'_>) -> Answer {
    let wanted: Vec<String> = ask
        .get("labels")
        .map(|labels| labels.split(',').map(str::to_lowercase).collect())
        .unwrap_or_default();
    let mut items: Vec<&Item> = state
        .items
        .values()
        .filter(|item| in_state(item, ask.get("state").unwrap_or("open")))
        .filter(|item| {
            let own: Vec<String> = item
                .labels
                .iter()
                .map(|label| label.to_lowercase())
                .collect();
            wanted.iter().all(|label| own.contains(label))
        })
        .collect();
    if ask.get("sort") == Some("updated") {
        items.sort_by_key(|item| item.updated);
    }
    if ask.get("direction") != Some("asc") {
        items.reverse();
    }
    page(state, ask, items, Show::issue)
}

/// Opens an issue.
pub(crate) fn create_issue(state: &mut State, ask: &Ask<'_>) -> Result<Answer, Answer> {
    let title = text(ask, "title").filter(|title| !title.trim().is_empty());
    let title = title.ok_or_else(|| invalid("Issue", "title", "missing_field", ""))?;
    check_length("Issue", "title", &title, 256)?;
    check_length(
        "Issue",
        "body",
        &text(ask, "body").unwrap_or_default(),
        65_536,
    )?;
    let number = state.add(&title, text(ask, "body").as_deref(), None);
    state.item(number).assignees = names(&ask.body["assignees"]);
    for name in names(&ask.body["labels"]) {
        state.put_label(number, &name);
    }
    Ok(issue(state, ask, 201, number))
}

/// Changes an issue, or what a pull has in common with one.
pub(crate) fn change_issue(state: &mut State, ask: &Ask<'_>, number: u64) -> Answer {
    if let Some(wanted) = text(ask, "state") {
        state.set_open(number, wanted == "open");
    }
    let by = state.login.clone();
    state.edit(number, text(ask, "title"), text(ask, "body"), &by);
    let item = state.item(number);
    if ask.body["assignees"].is_array() {
        item.assignees = names(&ask.body["assignees"]);
    }
    if let Some(milestone) = ask.body["milestone"].as_u64() {
        item.milestone = Some(milestone);
    }
    if ask.body["labels"].is_array() {
        state.item(number).labels.clear();
        for name in names(&ask.body["labels"]) {
            state.put_label(number, &name);
        }
    }
    issue(state, ask, 200, number)
}

/// Adds a label to the repository.
pub(crate) fn create_label(state: &mut State, ask: &Ask<'_>) -> Result<Answer, Answer> {
    let name = text(ask, "name").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| invalid("Label", "name", "missing_field", ""))?;
    check_length("Label", "name", &name, 50)?;
    let color = text(ask, "color").unwrap_or_else(|| "ededed".into());
    if color.len() != 6 || !color.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(invalid("Label", "color", "invalid", ""));
    }
    let description = text(ask, "description");
    check_length(
        "Label",
        "description",
        description.as_deref().unwrap_or_default(),
        100,
    )?;
    if state.label(&name).is_some() {
        return Err(invalid("Label", "name", "already_exists", ""));
    }
    state.add_label(&name, &color, description.as_deref());
    let label = state.label(&name).unwrap().clone();
    Ok(shown(state, ask, 201, |show| show.label(&label)))
}

/// An issue that was moved to another repository, over there.
pub(crate) fn foreign_issue(state: &State, ask: &Ask<'_>, number: &str) -> Answer {
    let mut answer = shown(state, ask, 200, |show| {
        let first = show.state.items.values().next().unwrap();
        show.issue(first)
    });
    answer.body["number"] = number.parse::<u64>().unwrap().into();
    answer.body["repository_url"] = format!("{}/repos/octo/elsewhere", ask.api).into();
    answer
}

fn issue(state: &State, ask: &Ask<'_>, status: u16, number: u64) -> Answer {
    shown(state, ask, status, |show| {
        show.issue(&show.state.items[&number])
    })
}

/// One comment by its own number, to be seen or changed.
pub(crate) fn one_comment(state: &mut State, ask: &Ask<'_>, id: &str) -> Result<Answer, Answer> {
    let now = state.tick();
    let mut all = state.items.values_mut().flat_map(|item| {
        let number = item.number;
        item.comments
            .iter_mut()
            .map(move |comment| (number, comment))
    });
    let found = all.find(|(_, comment)| comment.id.to_string() == id);
    let (number, comment) = found.ok_or_else(|| refusal(404, "Not Found"))?;
    if ask.method == "PATCH" {
        let body = text(ask, "body").unwrap_or_default();
        check_body(&body)?;
        (comment.body, comment.updated) = (body, now);
    }
    let comment = comment.clone();
    Ok(shown(state, ask, 200, |show| {
        show.comment(number, &comment)
    }))
}

fn check_body(body: &str) -> Result<(), Answer> {
    check_length("IssueComment", "body", body, 65_536)?;
    if body.trim().is_empty() {
        let blank = "Body cannot be blank";
        return Err(invalid("IssueComment", "body", "missing_field", blank));
    }
    Ok(())
}

fn create_comment(state: &mut State, ask: &Ask<'_>, number: u64) -> Result<Answer, Answer> {
    if state.items[&number].locked && state.readers.contains(&state.login) {
        return Err(refusal(
            403,
            "Unable to create comment because issue is locked.",
        ));
    }
    let body = text(ask, "body").unwrap_or_default();
    check_body(&body)?;
    let login = state.login.clone();
    let comment = state.add_comment(number, &login, &body);
    Ok(shown(state, ask, 201, |show| {
        show.comment(number, &comment)
    }))
}
