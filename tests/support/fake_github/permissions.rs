//! What each operation asks of an app, after GitHub's "Permissions required for GitHub Apps".

use super::answer::{Answer, refusal};
use super::app::FakeApp;

/// A permission and how much of it.
pub(crate) type Need = (&'static str, &'static str);

const READ: &str = "read";
const WRITE: &str = "write";

/// Any one of these lets an operation through; nothing where none is needed.
pub(crate) fn needed(method: &str, path: &[&str]) -> Vec<Need> {
    let level = if method == "GET" { READ } else { WRITE };
    let all: &[Need] = match path {
        ["issues"]
        | ["issues", _]
        | ["assignees", ..]
        | ["issues", _, "dependencies" | "sub_issues", ..] => &[("issues", level)],
        // What pulls have as well.
        ["issues" | "labels", ..] => &[("issues", level), ("pull_requests", level)],
        ["pulls", _, "merge"] => &[("contents", level)],
        ["pulls", ..] | ["commits", _, "pulls"] => &[("pull_requests", level)],
        ["commits", _, "check-runs" | "check-suites"] => &[("checks", level)],
        ["commits", _, "status" | "statuses"] => &[("statuses", level)],
        ["commits", ..] => &[("contents", level)],
        ["actions", ..] => &[("actions", level)],
        // Every app may read what there is of the repository itself.
        _ => &[],
    };
    all.to_vec()
}

/// The same of a question or a change in GraphQL.
pub(crate) fn asked(text: &str) -> Vec<Need> {
    if text.trim_start().starts_with("mutation") {
        vec![("pull_requests", WRITE)]
    } else if text.contains("pullRequest(") {
        vec![("pull_requests", READ)]
    } else if text.contains("issues(") || text.contains("issue(") {
        vec![("issues", READ)]
    } else {
        Vec::new()
    }
}

/// The same of the git side.
pub(crate) fn for_git(path: &str, query: &str) -> Need {
    let is_push = path == "git-receive-pack" || query.contains("service=git-receive-pack");
    ("contents", if is_push { WRITE } else { READ })
}

impl FakeApp {
    /// Was it given enough of any of these?
    pub(crate) fn may(&self, any: &[Need]) -> bool {
        let has = |(name, level): &Need| match self.permissions.get(name) {
            Some(given) => *given == WRITE || given == level,
            None => false,
        };
        any.is_empty() || any.iter().any(has)
    }

    /// GitHub's refusal of what it was not given.
    pub(crate) fn refuse_for_want_of(&self, any: &[Need]) -> Option<Answer> {
        if self.may(any) {
            return None;
        }
        let mut answer = refusal(403, "Resource not accessible by integration");
        let needs: Vec<String> = any
            .iter()
            .map(|(name, level)| format!("{name}={level}"))
            .collect();
        let needs = needs.join("; ");
        answer
            .headers
            .push(("x-accepted-github-permissions", needs));
        Some(answer)
    }
}
