//! The operations of GitHub's REST API that the fake knows, as strict as GitHub.

use super::show::Show;
use super::state::{Item, PullPart, State};
use serde_json::{Value, json};

/// A request, taken apart.
pub(crate) struct Ask<'a> {
    /// `GET`, `POST`, ...
    pub(crate) method: &'a str,
    /// The path's parts, decoded.
    pub(crate) path: Vec<String>,
    /// What follows the question mark, decoded.
    pub(crate) query: Vec<(String, String)>,
    /// The body; `Null` for none.
    pub(crate) body: &'a Value,
    /// Where the API is.
    pub(crate) api: &'a str,
}

/// What is answered.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// Headers on top of the usual ones.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body; `Null` for none.
    pub(crate) body: Value,
    /// The fake does not know what was asked: the test is at fault, or the fake.
    pub(crate) unknown: bool,
}

type Refused = Box<Answer>;

/// Does what is asked.
pub(crate) fn answer(state: &mut State, ask: &Ask<'_>) -> Answer {
    let path: Vec<&str> = ask.path.iter().map(String::as_str).collect();
    match (ask.method, path.as_slice()) {
        ("GET", ["user"]) => {
            let mut answer = shown(state, ask, 200, |show| show.own_user());
            answer
                .headers
                .push(("x-oauth-scopes", "repo, read:org".into()));
            answer
        }
        ("GET", ["rate_limit"]) => rate_limit(state),
        (_, ["repos", owner, name, rest @ ..]) => {
            let project = format!("{owner}/{name}");
            if project.eq_ignore_ascii_case(&state.project) {
                in_repository(state, ask, rest)
            } else if state.old_names.contains(&project) {
                elsewhere(state.id, ask, rest)
            } else {
                refusal(404, "Not Found")
            }
        }
        (_, ["repositories", id, rest @ ..]) if *id == state.id.to_string() => {
            in_repository(state, ask, rest)
        }
        ("GET", ["repositories", id, "issues", number]) if *id == (state.id + 1).to_string() => {
            foreign_issue(state, ask, number)
        }
        _ => unknown(),
    }
}

fn in_repository(state: &mut State, ask: &Ask<'_>, rest: &[&str]) -> Answer {
    if state.archived && ask.method != "GET" {
        return refusal(403, "Repository was archived so is read-only.");
    }
    let answered = match (ask.method, rest) {
        ("GET", []) => Ok(shown(state, ask, 200, |show| show.repository())),
        (_, ["issues", ..]) if state.issues_disabled => {
            Err(refused(410, "Issues are disabled for this repo"))
        }
        ("GET", ["issues"]) => Ok(list_issues(state, ask)),
        ("POST", ["issues"]) => create_issue(state, ask),
        (_, ["issues", number, more @ ..]) => in_issue(state, ask, number, more),
        ("GET", ["labels"]) => {
            let labels: Vec<_> = state.labels.iter().collect();
            Ok(page(state, ask, labels, |show, label| show.label(label)))
        }
        ("POST", ["labels"]) => create_label(state, ask),
        ("GET", ["labels", name]) => match state.label(name).cloned() {
            Some(label) => Ok(shown(state, ask, 200, |show| show.label(&label))),
            None => Err(refused(404, "Not Found")),
        },
        ("GET", ["pulls"]) => Ok(list_pulls(state, ask)),
        ("POST", ["pulls"]) => create_pull(state, ask),
        (_, ["pulls", number, more @ ..]) => in_pull(state, ask, number, more),
        _ => Ok(unknown()),
    };
    answered.unwrap_or_else(|refused| *refused)
}

fn in_issue(
    state: &mut State,
    ask: &Ask<'_>,
    number: &str,
    rest: &[&str],
) -> Result<Answer, Refused> {
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
        ("POST", ["comments"]) => {
            let body = text(ask, "body").unwrap_or_default();
            check_length("IssueComment", "body", &body, 65_536)?;
            if body.trim().is_empty() {
                return Err(invalid(
                    "IssueComment",
                    "body",
                    "missing_field",
                    "Body cannot be blank",
                ));
            }
            let login = state.login.clone();
            let comment = state.add_comment(number, &login, &body);
            shown(state, ask, 201, |show| show.comment(number, &comment))
        }
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
            let at = at.ok_or_else(|| refused(404, "Label does not exist"))?;
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
            page(state, ask, blockers, |show, item| show.issue(item))
        }
        _ => unknown(),
    })
}

fn in_pull(
    state: &mut State,
    ask: &Ask<'_>,
    number: &str,
    rest: &[&str],
) -> Result<Answer, Refused> {
    let number = find(state, number, |item| item.pull.is_some())?;
    match (ask.method, rest) {
        ("GET", []) => Ok(pull(state, ask, 200, number)),
        ("PATCH", []) => change_pull(state, ask, number),
        ("GET", ["files"]) => {
            let heads = state.follow_branches();
            let part = state.items[&number].pull.clone().unwrap();
            let change = heads
                .get(&part.base)
                .map(|base| state.git.change(base, &part.head_sha));
            let files = change.unwrap_or_default().files;
            let files = files.iter().collect();
            Ok(page(state, ask, files, |show, file| {
                show.file(&part.head_sha, file)
            }))
        }
        ("PUT", ["merge"]) => merge(state, ask, number),
        _ => Ok(unknown()),
    }
}

fn list_issues(state: &mut State, ask: &Ask<'_>) -> Answer {
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
    page(state, ask, items, |show, item| show.issue(item))
}

fn create_issue(state: &mut State, ask: &Ask<'_>) -> Result<Answer, Refused> {
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
    for name in names(&ask.body["labels"]) {
        state.put_label(number, &name);
    }
    Ok(issue(state, ask, 201, number))
}

fn change_issue(state: &mut State, ask: &Ask<'_>, number: u64) -> Answer {
    if let Some(wanted) = text(ask, "state") {
        state.set_open(number, wanted == "open");
    }
    let now = state.tick();
    let item = state.item(number);
    item.updated = now;
    if let Some(title) = text(ask, "title") {
        item.title = title;
    }
    if let Some(body) = text(ask, "body") {
        item.body = Some(body);
    }
    issue(state, ask, 200, number)
}

fn create_label(state: &mut State, ask: &Ask<'_>) -> Result<Answer, Refused> {
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

fn list_pulls(state: &mut State, ask: &Ask<'_>) -> Answer {
    state.follow_branches();
    let owner = state.owner().to_lowercase();
    // Without an owner the filter is ignored, as GitHub does.
    let head = ask.get("head").and_then(|head| head.split_once(':'));
    let mut pulls: Vec<&Item> = state
        .items
        .values()
        .filter(|item| in_state(item, ask.get("state").unwrap_or("open")))
        .filter(|item| {
            let Some(pull) = &item.pull else { return false };
            let of = if pull.fork.is_some() {
                "somebody-else"
            } else {
                owner.as_str()
            };
            head.is_none_or(|(user, branch)| user.to_lowercase() == of && branch == pull.head)
                && ask.get("base").is_none_or(|base| base == pull.base)
        })
        .collect();
    if ask.get("direction").unwrap_or("desc") != "asc" {
        pulls.reverse();
    }
    page(state, ask, pulls, |show, item| {
        show.pull(item, item.pull.as_ref().unwrap())
    })
}

fn create_pull(state: &mut State, ask: &Ask<'_>) -> Result<Answer, Refused> {
    let heads = state.follow_branches();
    let field = |name| text(ask, name).filter(|text| !text.is_empty());
    let title =
        field("title").ok_or_else(|| invalid("PullRequest", "title", "missing_field", ""))?;
    check_length("PullRequest", "title", &title, 256)?;
    check_length(
        "PullRequest",
        "body",
        &field("body").unwrap_or_default(),
        65_536,
    )?;
    let base = field("base").filter(|base| heads.contains_key(base));
    let base = base.ok_or_else(|| invalid("PullRequest", "base", "invalid", ""))?;
    let head = field("head").unwrap_or_default();
    let head = match head.split_once(':') {
        Some((owner, branch)) if owner.eq_ignore_ascii_case(state.owner()) => branch.to_owned(),
        Some(_) => String::new(),
        None => head,
    };
    let sha = heads
        .get(&head)
        .ok_or_else(|| invalid("PullRequest", "head", "invalid", ""))?;
    let same = |item: &Item| {
        let pull = item.pull.as_ref().filter(|pull| pull.fork.is_none());
        item.open && pull.is_some_and(|pull| pull.head == head && pull.base == base)
    };
    if state.items.values().any(same) {
        let message = format!(
            "A pull request already exists for {}:{head}.",
            state.owner()
        );
        return Err(invalid("PullRequest", "", "custom", &message));
    }
    if state.git.change(&heads[&base], sha).commits == 0 {
        let message = format!("No commits between {base} and {head}");
        return Err(invalid("PullRequest", "", "custom", &message));
    }
    let part = PullPart {
        head_sha: sha.clone(),
        head,
        base,
        draft: ask.body["draft"] == true,
        fork: None,
        merged: None,
    };
    let number = state.add(&title, field("body").as_deref(), Some(part));
    Ok(pull(state, ask, 201, number))
}

fn change_pull(state: &mut State, ask: &Ask<'_>, number: u64) -> Result<Answer, Refused> {
    let heads = state.follow_branches();
    if let Some(base) = text(ask, "base") {
        let open = state.items[&number].open;
        let part = state.items[&number].pull.clone().unwrap();
        if !open && base != part.base {
            let message = "Cannot change the base branch of a closed pull request.";
            return Err(invalid("PullRequest", "base", "custom", message));
        }
        if !heads.contains_key(&base) {
            return Err(invalid("PullRequest", "base", "invalid", ""));
        }
        state.item(number).pull.as_mut().unwrap().base = base;
    }
    change_issue(state, ask, number);
    Ok(pull(state, ask, 200, number))
}

fn merge(state: &mut State, ask: &Ask<'_>, number: u64) -> Result<Answer, Refused> {
    state.follow_branches();
    let expected = text(ask, "sha");
    let stands = &state.items[&number].pull.as_ref().unwrap().head_sha;
    if expected.is_some_and(|sha| sha != *stands) {
        return Err(refused(
            409,
            "Head branch was modified. Review and try the merge again.",
        ));
    }
    let squash = ask.body["merge_method"] == "squash";
    let sha = state
        .merge(number, squash)
        .map_err(|why| refused(405, why))?;
    Ok(Answer {
        status: 200,
        body: json!({"sha": sha, "merged": true, "message": "Pull Request successfully merged"}),
        ..Answer::default()
    })
}

fn rate_limit(state: &State) -> Answer {
    let rate = state.rate;
    let part = json!({
        "limit": rate.limit, "remaining": rate.remaining, "reset": rate.reset, "used": rate.limit - rate.remaining,
    });
    Answer {
        status: 200,
        body: json!({"resources": {"core": part, "search": part}, "rate": part}),
        ..Answer::default()
    }
}

/// GitHub leads requests for a renamed repository to its database number.
fn elsewhere(id: u64, ask: &Ask<'_>, rest: &[&str]) -> Answer {
    let rest = rest
        .iter()
        .fold(String::new(), |path, part| path + "/" + &encoded(part));
    let query = ask.query_text();
    let status = if ask.method == "GET" { 301 } else { 307 };
    let location = format!("{}/repositories/{id}{rest}{query}", ask.api);
    let mut answer = refusal(status, "Moved Permanently");
    answer.body["url"] = location.clone().into();
    answer.headers.push(("location", location));
    answer
}

fn foreign_issue(state: &State, ask: &Ask<'_>, number: &str) -> Answer {
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

fn pull(state: &mut State, ask: &Ask<'_>, status: u16, number: u64) -> Answer {
    state.follow_branches();
    shown(state, ask, status, |show| {
        let item = &show.state.items[&number];
        show.whole_pull(item, item.pull.as_ref().unwrap())
    })
}

fn shown(
    state: &State,
    ask: &Ask<'_>,
    status: u16,
    body: impl FnOnce(&Show<'_>) -> Value,
) -> Answer {
    let heads = state.git.heads();
    let show = Show {
        state,
        api: ask.api,
        heads: &heads,
    };
    Answer {
        status,
        body: body(&show),
        ..Answer::default()
    }
}

/// One page of a list, with links to the others: by database number, so that whoever builds them himself is wrong.
fn page<T>(
    state: &State,
    ask: &Ask<'_>,
    items: Vec<T>,
    show: impl Fn(&Show<'_>, T) -> Value,
) -> Answer {
    let number = |name, default| {
        ask.get(name)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let size = number("per_page", 30_usize).clamp(1, 100);
    let page = number("page", 1_usize).max(1);
    let last = items.len().div_ceil(size).max(1);
    let mut answer = shown(state, ask, 200, |view| {
        let items = items.into_iter().skip((page - 1) * size).take(size);
        items.map(|item| show(view, item)).collect()
    });
    let link =
        |page: usize, relation| format!("<{}>; rel=\"{relation}\"", ask.page_url(state, page));
    let mut links = Vec::new();
    if page > 1 {
        links.extend([link(page - 1, "prev"), link(1, "first")]);
    }
    if page < last {
        links.extend([link(page + 1, "next"), link(last, "last")]);
    }
    if !links.is_empty() {
        answer.headers.push(("link", links.join(", ")));
    }
    answer
}

impl Ask<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.query.iter().find(|(own, _)| own == name)?;
        Some(value)
    }

    fn query_text(&self) -> String {
        let pairs: Vec<String> = self
            .query
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        if pairs.is_empty() {
            String::new()
        } else {
            format!("?{}", pairs.join("&"))
        }
    }

    fn page_url(&self, state: &State, page: usize) -> String {
        let below = self
            .path
            .iter()
            .skip(if self.path[0] == "repos" { 3 } else { 2 });
        let rest = below.fold(String::new(), |path, part| path + "/" + &encoded(part));
        let others = self.query.iter().filter(|(name, _)| name != "page");
        let query = others.fold(String::new(), |query, (name, value)| {
            format!("{query}{}={}&", encoded(name), encoded(value))
        });
        format!(
            "{}/repositories/{}{rest}?{query}page={page}",
            self.api, state.id
        )
    }
}

fn find(state: &State, number: &str, wanted: impl Fn(&Item) -> bool) -> Result<u64, Refused> {
    let number: u64 = number.parse().map_err(|_| refused(404, "Not Found"))?;
    if state.deleted.contains(&number) {
        return Err(refused(410, "This issue was deleted"));
    }
    if let Some(there) = state.moved.get(&number) {
        let mut answer = refused(301, "Moved Permanently");
        answer.headers.push((
            "location",
            format!("/repositories/{}/issues/{there}", state.id + 1),
        ));
        return Err(answer);
    }
    match state.items.get(&number) {
        Some(item) if wanted(item) => Ok(number),
        _ => Err(refused(404, "Not Found")),
    }
}

fn in_state(item: &Item, wanted: &str) -> bool {
    wanted == "all" || item.open == (wanted == "open")
}

fn text(ask: &Ask<'_>, field: &str) -> Option<String> {
    ask.body[field].as_str().map(str::to_owned)
}

fn names(labels: &Value) -> Vec<String> {
    let labels = labels.as_array().into_iter().flatten();
    let names = labels.filter_map(|label| label.as_str().or_else(|| label["name"].as_str()));
    names.map(str::to_owned).collect()
}

fn check_length(resource: &str, field: &str, text: &str, most: usize) -> Result<(), Refused> {
    if text.chars().count() <= most {
        return Ok(());
    }
    let message = format!("{field} is too long (maximum is {most} characters)");
    Err(invalid(resource, field, "custom", &message))
}

/// A refusal in GitHub's words.
pub(crate) fn refusal(status: u16, message: &str) -> Answer {
    Answer {
        status,
        body: json!({
            "message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string(),
        }),
        ..Answer::default()
    }
}

fn refused(status: u16, message: &str) -> Refused {
    Box::new(refusal(status, message))
}

fn invalid(resource: &str, field: &str, code: &str, message: &str) -> Refused {
    let mut error = json!({"resource": resource, "code": code});
    if !field.is_empty() {
        error["field"] = field.into();
    }
    if !message.is_empty() {
        error["message"] = message.into();
    }
    let mut answer = refused(422, "Validation Failed");
    answer.body["errors"] = json!([error]);
    answer
}

fn unknown() -> Answer {
    Answer {
        unknown: true,
        ..refusal(404, "Not Found")
    }
}

/// Text as a part of an address.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out + &char::from(byte).to_string()
        } else {
            format!("{out}%{byte:02X}")
        }
    })
}

/// A part of an address as text.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = String::from_utf8(digits).unwrap();
                bytes.push(u8::from_str_radix(&digits, 16).unwrap());
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).unwrap()
}
