//! What a webhook of GitHub says happened: few facts of a large text.
//!
//! A delivery is a hint and no truth: it may come twice, late, or in another order than things happened. It says where to
//! look, and what stands there is asked of the forge (<https://docs.github.com/en/webhooks/webhook-events-and-payloads>).

use crate::rules::ids::{IssueNumber, PullNumber};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// One delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The repository, as `owner/name`; nothing where it is about none.
    pub repo: Option<String>,
    /// What happened there.
    pub what: What,
    /// The same for two deliveries that say the same.
    pub meaning: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum What {
    /// An issue is otherwise than it was, or somebody commented on it.
    Issue {
        /// Which.
        issue: IssueNumber,
    },
    /// A pull, its reviews or its checks are otherwise than they were.
    Pull {
        /// Which.
        pull: PullNumber,
    },
    /// A check or a workflow of a branch ended.
    Run(RunEnded),
    /// A branch moved.
    Push {
        /// Its short name.
        branch: String,
    },
    /// Nothing that concerns us.
    Other,
}

/// A check or a workflow that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnded {
    /// Its name.
    pub name: String,
    /// The branch that it ran for, where it is known.
    pub branch: Option<String>,
    /// The commit.
    pub commit: String,
    /// Did it fail?
    pub failed: bool,
    /// Where a person can read it.
    pub url: Option<String>,
    /// The pulls that the commit is of.
    pub pulls: Vec<PullNumber>,
}

/// Reads a body that was signed. Nothing where it is no JSON object.
#[must_use]
pub fn read(event: &str, body: &[u8]) -> Option<Delivery> {
    // A list would be taken for an object whose fields have no names.
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    first.filter(|byte| **byte == b'{')?;
    let payload = match serde_json::from_slice::<Payload>(body) {
        Ok(payload) => payload,
        // Not as it is described: it still says that something happened.
        Err(_) => serde_json::from_slice::<Object>(body)
            .map(Payload::from)
            .ok()?,
    };
    let (what, parts) = payload.what(event);
    let repo = payload.repository.map(|repository| repository.full_name);
    let parts = if parts.is_empty() {
        digest(body)
    } else {
        parts
    };
    let action = payload.action.unwrap_or_default();
    let meaning = digest(format!("{event}\n{repo:?}\n{action}\n{parts}").as_bytes());
    Some(Delivery {
        repo,
        what,
        meaning,
    })
}

/// An object, whatever is in it.
#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    repository: Option<Repository>,
}

impl From<Object> for Payload {
    fn from(object: Object) -> Self {
        Self {
            repository: object.repository,
            ..Self::default()
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload {
    action: Option<String>,
    repository: Option<Repository>,
    issue: Option<Changed>,
    pull_request: Option<Changed>,
    label: Option<Named>,
    comment: Option<Numbered>,
    review: Option<Numbered>,
    check_run: Option<Run>,
    workflow_run: Option<Run>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    after: Option<String>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

#[derive(Deserialize)]
struct Changed {
    number: u64,
    #[serde(default)]
    updated_at: Option<String>,
    /// Of an issue that is a pull.
    #[serde(default)]
    pull_request: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
    #[serde(default)]
    updated_at: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Run {
    id: u64,
    #[serde(rename = "run_attempt")]
    attempt: u64,
    name: Option<String>,
    status: Option<String>,
    conclusion: Option<String>,
    head_branch: Option<String>,
    head_sha: String,
    html_url: Option<String>,
    check_suite: Option<Suite>,
    pull_requests: Vec<Changed>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Suite {
    head_branch: Option<String>,
}

impl Run {
    fn ended(&self) -> Option<RunEnded> {
        let conclusion = self.conclusion.as_deref()?;
        let suite = self.check_suite.as_ref();
        let of_suite = suite.and_then(|suite| suite.head_branch.clone());
        let pulls = self.pull_requests.iter();
        Some(RunEnded {
            name: self.name.clone().unwrap_or_default(),
            branch: self.head_branch.clone().or(of_suite),
            commit: self.head_sha.clone(),
            failed: matches!(conclusion, "failure" | "timed_out" | "startup_failure"),
            url: self.html_url.clone(),
            pulls: pulls.map(|pull| PullNumber(pull.number)).collect(),
        })
    }

    fn parts(&self) -> String {
        let word = |word: &Option<String>| word.clone().unwrap_or_default();
        let (status, conclusion) = (word(&self.status), word(&self.conclusion));
        format!("{} {} {status} {conclusion}", self.id, self.attempt)
    }
}

impl Payload {
    /// What happened, and what tells it from other things that happened.
    fn what(&self, event: &str) -> (What, String) {
        let stamp = |at: &Option<String>| at.clone().unwrap_or_default();
        let label = self.label.as_ref().map(|label| label.name.clone());
        let run = self.check_run.as_ref().or(self.workflow_run.as_ref());
        let numbered = self.comment.as_ref().or(self.review.as_ref());
        match (event, &self.issue, &self.pull_request) {
            ("issues" | "issue_comment", Some(issue), _) => {
                let said = numbered.map(|said| (said.id, stamp(&said.updated_at)));
                let parts = format!(
                    "{} {} {label:?} {said:?}",
                    issue.number,
                    stamp(&issue.updated_at)
                );
                let what = match issue.pull_request {
                    Some(_) => What::Pull {
                        pull: PullNumber(issue.number),
                    },
                    None => What::Issue {
                        issue: IssueNumber(issue.number),
                    },
                };
                (what, parts)
            }
            (
                "pull_request"
                | "pull_request_review"
                | "pull_request_review_comment"
                | "pull_request_review_thread",
                _,
                Some(pull),
            ) => {
                let said = numbered.map(|said| (said.id, stamp(&said.updated_at)));
                let parts = format!(
                    "{} {} {label:?} {said:?}",
                    pull.number,
                    stamp(&pull.updated_at)
                );
                let pull = PullNumber(pull.number);
                (What::Pull { pull }, parts)
            }
            ("check_run" | "workflow_run", _, _) => match run {
                Some(run) => (run.ended().map_or(What::Other, What::Run), run.parts()),
                None => (What::Other, String::new()),
            },
            ("push", _, _) => match self.branch() {
                Some(branch) => (What::Push { branch }, stamp(&self.after)),
                None => (What::Other, stamp(&self.after)),
            },
            _ => (What::Other, String::new()),
        }
    }

    fn branch(&self) -> Option<String> {
        let branch = self.reference.as_ref()?.strip_prefix("refs/heads/")?;
        Some(branch.to_owned())
    }
}

/// The first half of a SHA-256 in hexadecimal.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    let sum = Sha256::digest(bytes);
    let mut text = String::with_capacity(32);
    for byte in &sum[..16] {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told(event: &str, body: &Value) -> Delivery {
        read(event, body.to_string().as_bytes()).unwrap()
    }

    fn labeled(label: &str, at: &str) -> Value {
        json!({
            "action": "labeled", "repository": { "full_name": "acme/shop" }, "label": { "name": label },
            "issue": { "number": 12, "updated_at": at, "title": "<img onerror>", "labels": [{ "name": label }] },
        })
    }

    #[test]
    fn an_issue_that_was_labelled_is_told_once_whatever_its_delivery() {
        let first = told("issues", &labeled("bug", "2026-01-01T00:00:00Z"));
        let issue = IssueNumber(12);
        assert_eq!(first.repo.as_deref(), Some("acme/shop"));
        assert_eq!(first.what, What::Issue { issue });
        assert_eq!(
            first,
            told("issues", &labeled("bug", "2026-01-01T00:00:00Z"))
        );
        for other in [
            told("issues", &labeled("docs", "2026-01-01T00:00:00Z")),
            told("issues", &labeled("bug", "2026-01-01T00:00:01Z")),
            told("issue_comment", &labeled("bug", "2026-01-01T00:00:00Z")),
        ] {
            assert_ne!(first.meaning, other.meaning);
        }
    }

    #[test]
    fn a_comment_on_a_pull_is_about_the_pull() {
        let body = json!({
            "action": "created", "comment": { "id": 5 },
            "issue": { "number": 9, "pull_request": { "url": "https://api.example/9" } },
        });
        let pull = PullNumber(9);
        assert_eq!(told("issue_comment", &body).what, What::Pull { pull });
    }

    #[test]
    fn only_runs_that_ended_say_something() {
        let run = |conclusion: Value| {
            let body = json!({ "workflow_run": {
                "id": 7, "run_attempt": 1, "name": "CI", "head_branch": "main", "head_sha": "abc",
                "conclusion": conclusion, "pull_requests": [],
            } });
            told("workflow_run", &body).what
        };
        assert_eq!(run(Value::Null), What::Other);
        for (conclusion, failed) in [
            ("failure", true),
            ("timed_out", true),
            ("success", false),
            ("cancelled", false),
        ] {
            let What::Run(ended) = run(json!(conclusion)) else {
                panic!("{conclusion} is an end");
            };
            assert_eq!(
                (ended.failed, ended.branch.as_deref()),
                (failed, Some("main"))
            );
        }
    }

    #[test]
    fn what_is_not_as_described_still_happened_somewhere() {
        let body =
            json!({ "repository": { "full_name": "acme/shop" }, "issue": { "number": "twelve" } });
        let told = told("issues", &body);
        assert_eq!(
            (told.repo.as_deref(), told.what),
            (Some("acme/shop"), What::Other)
        );
        for wrong in ["", "[]", "null", "{", "\u{feff}{}", "payload=%7B%7D"] {
            assert_eq!(read("issues", wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_push_names_a_branch_and_a_tag_none() {
        let what =
            |reference: &str| told("push", &json!({ "ref": reference, "after": "abc" })).what;
        let branch = "feature/x".to_owned();
        assert_eq!(what("refs/heads/feature/x"), What::Push { branch });
        assert_eq!(what("refs/tags/v1"), What::Other);
    }
}
