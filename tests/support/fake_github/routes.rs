//! The operations of GitHub's REST API that the fake knows, as strict as GitHub.

use super::answer::{Answer, Ask, encoded, page, refusal, shown, unknown};
use super::graphql;
use super::issues::{
    create_issue, create_label, foreign_issue, in_issue, list_issues, one_comment,
};
use super::pulls::{create_pull, in_pull, list_pulls};
use super::reviews::{in_commit, job_log};
use super::show::Show;
use super::state::State;
use serde_json::json;

/// Does what is asked.
pub(crate) fn answer(state: &mut State, ask: &Ask<'_>) -> Answer {
    let path: Vec<&str> = ask.path.iter().map(String::as_str).collect();
    match (ask.method, path.as_slice()) {
        ("GET", ["user"]) if state.is_app => refusal(403, "Resource not accessible by integration"),
        ("POST", ["graphql"]) => graphql::answer(state, ask),
        ("GET", ["user"]) => {
            let mut answer = shown(state, ask, 200, Show::own_user);
            let scopes = state.scopes.map(|scopes| ("x-oauth-scopes", scopes.into()));
            answer.headers.extend(scopes);
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
        ("GET", []) => Ok(shown(state, ask, 200, Show::repository)),
        (_, ["issues", ..]) if state.issues_disabled => {
            Err(refusal(410, "Issues are disabled for this repo"))
        }
        ("GET", ["issues"]) => Ok(list_issues(state, ask)),
        ("POST", ["issues"]) => create_issue(state, ask),
        ("GET" | "PATCH", ["issues", "comments", id]) => one_comment(state, ask, id),
        (_, ["issues", number, more @ ..]) => in_issue(state, ask, number, more),
        ("GET", ["collaborators", who, "permission"]) => permission(state, ask, who),
        ("GET", ["labels"]) => {
            let labels: Vec<_> = state.labels.iter().collect();
            Ok(page(state, ask, labels, Show::label))
        }
        ("POST", ["labels"]) => create_label(state, ask),
        ("GET", ["labels", name]) => match state.label(name).cloned() {
            Some(label) => Ok(shown(state, ask, 200, |show| show.label(&label))),
            None => Err(refusal(404, "Not Found")),
        },
        ("GET", ["pulls"]) => Ok(list_pulls(state, ask)),
        ("POST", ["pulls"]) => create_pull(state, ask),
        (_, ["commits", sha, more @ ..]) => Ok(in_commit(state, ask, sha, more)),
        ("GET", ["actions", "jobs", id, "logs"]) => job_log(state, ask, id),
        (_, ["pulls", number, more @ ..]) => in_pull(state, ask, number, more),
        _ => Ok(unknown()),
    };
    answered.unwrap_or_else(|refused| refused)
}

/// What an account may do here; anybody may read.
fn permission(state: &State, ask: &Ask<'_>, who: &str) -> Result<Answer, Answer> {
    if state.gone.contains(who) {
        return Err(refusal(404, "Not Found"));
    }
    let may_write = who == state.login || state.writers.contains(who);
    let word = if may_write { "write" } else { "read" };
    Ok(shown(
        state,
        ask,
        200,
        |show| json!({ "permission": word, "role_name": word, "user": show.collaborator(who, word) }),
    ))
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
