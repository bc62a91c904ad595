//! Reviews, comments on lines, and the forge's own checks.

use super::answer::{Answer, Ask, invalid, page, refusal, shown, text, unknown};
use super::show::{Show, moment};
use super::state::State;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A review of a pull.
#[derive(Clone, Debug)]
pub(crate) struct Review {
    pub(crate) id: u64,
    pub(crate) pull: u64,
    pub(crate) author: String,
    pub(crate) body: String,
    /// `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`.
    pub(crate) state: &'static str,
    pub(crate) at: i64,
}

/// A comment on a line.
#[derive(Clone, Debug)]
pub(crate) struct Remark {
    pub(crate) id: u64,
    pub(crate) pull: u64,
    pub(crate) author: String,
    pub(crate) body: String,
    pub(crate) path: String,
    pub(crate) line: u64,
    /// The first comment of its thread.
    pub(crate) reply_to: Option<u64>,
    pub(crate) at: i64,
}

/// A check of a commit.
#[derive(Clone, Debug)]
pub(crate) struct CheckRun {
    pub(crate) id: u64,
    pub(crate) sha: String,
    pub(crate) name: String,
    /// Nothing while it runs.
    pub(crate) conclusion: Option<&'static str>,
    /// Its job's log.
    pub(crate) log: String,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Reviews {
    pub(crate) given: Vec<Review>,
    pub(crate) remarks: Vec<Remark>,
    /// First comments of conversations that are resolved.
    pub(crate) resolved: BTreeSet<u64>,
    pub(crate) checks: Vec<CheckRun>,
    /// Do jobs wait for others, and have no check run yet?
    pub(crate) unfinished: bool,
}

/// What belongs to the reviews of one pull.
pub(crate) fn in_reviews(
    state: &mut State,
    ask: &Ask<'_>,
    number: u64,
    rest: &[&str],
) -> Result<Answer, Answer> {
    Ok(match (ask.method, rest) {
        ("GET", ["reviews"]) => {
            let reviews = state.reviews.given.iter();
            let reviews = reviews.filter(|review| review.pull == number).collect();
            page(state, ask, reviews, show_review)
        }
        ("GET", ["comments"]) => {
            let remarks = state.reviews.remarks.iter();
            let remarks = remarks.filter(|remark| remark.pull == number).collect();
            page(state, ask, remarks, show_remark)
        }
        ("POST", ["comments", id, "replies"]) => reply(state, ask, number, id)?,
        _ => unknown(),
    })
}

fn reply(state: &mut State, ask: &Ask<'_>, number: u64, to: &str) -> Result<Answer, Answer> {
    let to: u64 = to.parse().map_err(|_| refusal(404, "Not Found"))?;
    let remarks = state.reviews.remarks.iter();
    let first = remarks
        .clone()
        .find(|it| it.id == to && it.pull == number)
        .cloned();
    let first = first.ok_or_else(|| refusal(404, "Not Found"))?;
    if first.reply_to.is_some() {
        let message = "Can only reply to top-level comments";
        return Err(invalid(
            "PullRequestReviewComment",
            "in_reply_to",
            "invalid",
            message,
        ));
    }
    let body = text(ask, "body").filter(|body| !body.is_empty());
    let body =
        body.ok_or_else(|| invalid("PullRequestReviewComment", "body", "missing_field", ""))?;
    let remark = Remark {
        id: state.id(),
        author: state.login.clone(),
        body,
        reply_to: Some(to),
        at: state.tick(),
        ..first
    };
    state.reviews.remarks.push(remark.clone());
    Ok(shown(state, ask, 201, |show| show_remark(show, &remark)))
}

/// What the forge's checks say of a commit.
pub(crate) fn in_commit(state: &State, ask: &Ask<'_>, sha: &str, rest: &[&str]) -> Answer {
    // A branch by its name stands for its newest commit.
    let newest = sha
        .strip_prefix("heads/")
        .and_then(|branch| state.git.resolve(&format!("refs/heads/{branch}")));
    let sha = newest.as_deref().unwrap_or(sha);
    let runs: Vec<&CheckRun> = state
        .reviews
        .checks
        .iter()
        .filter(|run| run.sha == sha)
        .collect();
    match (ask.method, rest) {
        ("GET", ["check-runs"]) => {
            let count = runs.len();
            let mut answer = page(state, ask, runs, show_run);
            answer.body = json!({ "total_count": count, "check_runs": answer.body });
            answer
        }
        ("GET", ["check-suites"]) => shown(state, ask, 200, |show| {
            let done = runs
                .iter()
                .all(|run| run.conclusion.is_some() && !state.reviews.unfinished);
            let mut suite = json!({
                "id": 1, "node_id": "CS_1", "head_branch": null, "head_sha": sha, "url": ask.api, "before": null,
                "after": null, "pull_requests": null, "app": app(show), "repository": show.repository(),
                "created_at": null, "updated_at": null, "latest_check_runs_count": runs.len(), "check_runs_url": ask.api,
                "head_commit": {
                    "id": sha, "tree_id": sha, "message": "", "timestamp": moment(0), "author": null, "committer": null,
                },
            });
            suite["status"] = if done { "completed" } else { "in_progress" }.into();
            suite["conclusion"] = if done { json!("success") } else { Value::Null };
            json!({ "total_count": 1, "check_suites": [suite] })
        }),
        ("GET", ["status"]) => shown(state, ask, 200, |show| {
            json!({
                "state": "pending", "sha": sha, "total_count": 0, "statuses": [], "url": ask.api,
                "commit_url": ask.api, "repository": show.repository(),
            })
        }),
        _ => unknown(),
    }
}

/// GitHub leads to where the log is kept, which is no part of its interface.
pub(crate) fn job_log(state: &State, ask: &Ask<'_>, id: &str) -> Result<Answer, Answer> {
    let run = state
        .reviews
        .checks
        .iter()
        .find(|run| run.id.to_string() == id);
    let run = run.filter(|run| run.conclusion.is_some());
    let run = run.ok_or_else(|| refusal(404, "Not Found"))?;
    let mut answer = Answer {
        status: 302,
        ..Answer::default()
    };
    answer
        .headers
        .push(("location", format!("{}/_logs/{}", ask.api, run.id)));
    Ok(answer)
}

fn show_review(show: &Show<'_>, review: &Review) -> Value {
    json!({
        "id": review.id, "node_id": format!("PRR_{}", review.id), "user": show.user(&review.author),
        "body": review.body, "state": review.state, "html_url": show.api, "pull_request_url": show.api,
        "submitted_at": moment(review.at), "commit_id": "0".repeat(40), "author_association": "NONE",
        "_links": { "html": { "href": show.api }, "pull_request": { "href": show.api } },
    })
}

fn show_remark(show: &Show<'_>, remark: &Remark) -> Value {
    let own = format!("{}/pulls/comments/{}", show.api, remark.id);
    let mut shown = json!({
        "id": remark.id, "node_id": format!("PRRC_{}", remark.id), "url": own, "html_url": own,
        "pull_request_url": show.api, "pull_request_review_id": 1, "diff_hunk": "@@ -1 +1 @@", "path": remark.path,
        "line": remark.line, "original_line": remark.line, "position": 1, "original_position": 1,
        "commit_id": "0".repeat(40), "original_commit_id": "0".repeat(40), "user": show.user(&remark.author),
        "body": remark.body, "created_at": moment(remark.at), "updated_at": moment(remark.at),
        "author_association": "NONE",
        "_links": { "self": { "href": own }, "html": { "href": own }, "pull_request": { "href": own } },
    });
    if let Some(first) = remark.reply_to {
        shown["in_reply_to_id"] = first.into();
    }
    shown
}

fn show_run(show: &Show<'_>, run: &CheckRun) -> Value {
    let own = format!("{}/check-runs/{}", show.api, run.id);
    let status = if run.conclusion.is_some() {
        "completed"
    } else {
        "in_progress"
    };
    json!({
        "id": run.id, "node_id": format!("CR_{}", run.id), "head_sha": run.sha, "name": run.name, "external_id": "",
        "url": own, "html_url": own, "details_url": own, "status": status, "conclusion": run.conclusion,
        "started_at": moment(0), "completed_at": run.conclusion.map(|_| moment(60)), "check_suite": { "id": 1 },
        "output": {
            "title": null, "summary": null, "text": null, "annotations_count": 0, "annotations_url": own,
        },
        "pull_requests": [],
        "app": app(show),
    })
}

fn app(show: &Show<'_>) -> Value {
    json!({
        "id": 15368, "slug": "github-actions", "node_id": "A_1", "owner": show.user("github"), "name": "GitHub Actions",
        "description": "", "external_url": show.api, "html_url": show.api, "created_at": moment(0),
        "updated_at": moment(0), "permissions": {}, "events": [],
    })
}
