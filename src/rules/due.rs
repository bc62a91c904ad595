//! Which issues `serve` begins: each once as what it says, and again once it says something else.

use crate::rules::delivery::digest;
use crate::rules::ids::{ByIssue, IssueNumber, Timestamp};
use crate::rules::issue::{Issue, Priority};

/// What is missing may be there by now: a blocked issue is begun again after so many milliseconds.
const BLOCKED_AGAIN: u64 = 3_600_000;

/// As what, and when, an issue was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Its meaning then.
    pub meaning: String,
    /// When.
    pub at: Timestamp,
}

/// Labels that show where an issue stands; an empty one is not used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// All of ours.
    pub all: Vec<String>,
    /// Those of issues that are over: done, or a person's.
    pub over: Vec<String>,
    /// That of issues that wait for something.
    pub blocked: String,
}

/// What an issue says, and who let it run: two issues that are the same to us have the same meaning.
#[must_use]
pub fn meaning(issue: &Issue, marks: &Marks) -> String {
    let mut labels: Vec<&str> = issue.labels.iter().map(String::as_str).collect();
    labels.retain(|label| !has(&marks.all, label));
    labels.sort_unstable();
    let parts = [&issue.title, &issue.body, &labels.join("\n")];
    digest(parts.map(String::as_str).join("\0").as_bytes())
}

/// The issues that are begun now, the most urgent and then the oldest first.
#[must_use]
pub fn due(
    issues: &[Issue],
    marks: &Marks,
    begun: &ByIssue<Begun>,
    now: Timestamp,
) -> Vec<IssueNumber> {
    let mut due: Vec<&Issue> = issues
        .iter()
        .filter(|issue| !issue.labels.iter().any(|label| has(&marks.over, label)))
        .filter(|issue| match begun.get(&issue.number) {
            None => true,
            Some(begun) => {
                begun.meaning != meaning(issue, marks) || waited(issue, marks, begun, now)
            }
        })
        .collect();
    due.sort_by_key(|issue| (Priority::of_labels(&issue.labels), issue.number));
    due.into_iter().map(|issue| issue.number).collect()
}

fn waited(issue: &Issue, marks: &Marks, begun: &Begun, now: Timestamp) -> bool {
    let is_blocked = !marks.blocked.is_empty() && issue.has_label(&marks.blocked);
    // Begun in the time to come: the clock was set back since, and nobody knows how long ago it was.
    let is_old = begun.at > now || now.millis_since(begun.at) >= BLOCKED_AGAIN;
    is_blocked && is_old
}

fn has(labels: &[String], label: &str) -> bool {
    labels.iter().any(|own| own.eq_ignore_ascii_case(label))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::issue::IssueState;

    fn issue(number: u64, labels: &[&str]) -> Issue {
        Issue {
            number: IssueNumber(number),
            title: format!("issue {number}"),
            body: "text".to_owned(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            state: IssueState::Open,
            author: None,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            url: None,
            depends_on: vec![],
            assignees: vec![],
            milestone: None,
            parts: vec![],
            pulls: vec![],
        }
    }

    fn marks() -> Marks {
        let over = vec!["completed".to_owned(), "failed".to_owned()];
        let mut all = over.clone();
        all.extend(["working".to_owned(), "blocked".to_owned()]);
        Marks {
            all,
            over,
            blocked: "blocked".to_owned(),
        }
    }

    fn numbers(due: &[IssueNumber]) -> Vec<u64> {
        due.iter().map(|issue| issue.0).collect()
    }

    fn begun(issue: &Issue, at: i64) -> ByIssue<Begun> {
        let meaning = meaning(issue, &marks());
        let at = Timestamp(at);
        std::iter::once((issue.number, Begun { meaning, at })).collect()
    }

    #[test]
    fn the_urgent_go_first_and_what_is_over_does_not() {
        let issues = [
            issue(1, &["go"]),
            issue(2, &["go", "P0"]),
            issue(3, &["go", "completed"]),
            issue(4, &["go", "Failed"]),
        ];
        let due = due(&issues, &marks(), &ByIssue::default(), Timestamp(0));
        assert_eq!(numbers(&due), [2, 1]);
    }

    #[test]
    fn what_was_begun_is_begun_again_only_as_something_else() {
        let first = issue(1, &["go"]);
        let known = begun(&first, 0);
        let check = |issue: Issue, expect: usize| {
            let due = due(&[issue], &marks(), &known, Timestamp(1));
            assert_eq!(due.len(), expect);
        };
        check(first.clone(), 0);
        // Our own labels say nothing new.
        check(issue(1, &["working", "go"]), 0);
        check(issue(1, &["go", "P0"]), 1);
        check(
            Issue {
                body: "more".to_owned(),
                ..first.clone()
            },
            1,
        );
        check(
            Issue {
                updated_at: Timestamp(9),
                ..first
            },
            0,
        );
    }

    #[test]
    fn what_was_blocked_is_tried_again_after_an_hour() {
        let blocked = issue(1, &["go", "blocked"]);
        let known = begun(&blocked, 0);
        let due = |at| {
            due(
                std::slice::from_ref(&blocked),
                &marks(),
                &known,
                Timestamp(at),
            )
            .len()
        };
        assert_eq!((due(3_599_999), due(3_600_000)), (0, 1));
        assert_eq!(due(-1), 1, "the clock was set back");
    }
}
