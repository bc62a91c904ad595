//! A backlog is listed by GraphQL, a hundred issues a request, and by REST where that is refused: with the same result.

use super::*;
use autoissue::ports::Forge;
use autoissue::rules::ids::PullNumber;
use autoissue::rules::issue::Issue;
use serde_json::{Value, json};

/// As many as need three pages, and differ in whatever issues differ in.
const BACKLOG: u64 = 250;

fn backlog(fake: &FakeGitHub) {
    for number in 1..=BACKLOG {
        let label = if number % 50 == 7 { "later" } else { "todo" };
        let title = format!("Issue {number} \u{202e}größe\n`x`");
        let body = if number % 5 == 0 {
            ""
        } else {
            "Text\r\n日本語 {\"a\": 1}"
        };
        fake.add_issue(&title, body, &[label]);
    }
    for number in (3..=BACKLOG).step_by(3) {
        fake.block(number, number - 1);
        fake.block(number, number - 2);
    }
    for number in (5..=BACKLOG).step_by(20) {
        fake.add_label_to(number, "bug");
        fake.assign(number, "ada", 7);
        fake.add_part(number, number + 1);
        fake.add_part(number, number + 2);
        fake.close_issue(number + 2);
    }
    fake.edit_issue("a-person", 9, Some("Renamed"), Some("Changed"));
    fake.forget_account("a-deserter");
    fake.set_author(11, "a-deserter");
    fake.set_author(12, "dependabot[bot]");
    // Lists that are longer than anybody asks for at once.
    for label in 0..40 {
        fake.add_label_to(21, &format!("label {label}"));
    }
    for number in 101..=160 {
        fake.add_part(22, number);
        fake.block(24, number);
    }
    fake.commit("work", &[("a.txt", "a\n")]);
    let pull = fake.add_pull("A pull", "work", "main");
    fake.edit_pull(pull, |_| "Closes #31, and closes #32.".to_owned());
    fake.add_label_to(pull, "todo");
}

fn questions(fake: &FakeGitHub) -> usize {
    let requests = fake.requests();
    requests
        .iter()
        .filter(|request| request.path == "/graphql")
        .count()
}

#[tokio::test]
async fn a_hundred_issues_take_one_request_and_are_what_rest_says() {
    let fake = fake();
    backlog(&fake);
    let (todo, everything) = (labelled("todo"), Selection::default());
    let of = |issues: &[Issue], number: u64| {
        let found = issues.iter().find(|issue| issue.number.0 == number);
        found.cloned().unwrap()
    };

    let listed = github(&fake).open_issues(&todo).await.unwrap();
    // Three pages, and what is longer than a page shows: the labels of one issue, the sub-issues of one, the blockers of one.
    assert_eq!((questions(&fake), fake.requests().len()), (3, 3 + 3 + 1));
    assert_eq!(of(&listed, 21).labels.len(), 41);
    assert_eq!(of(&listed, 22).parts.len(), 57, "three of sixty are closed");
    assert_eq!(of(&listed, 24).depends_on.len(), 62);
    assert_eq!(of(&listed, 25).parts, [IssueNumber(26)]);
    assert_eq!(of(&listed, 11).author.as_deref(), Some("ghost"));
    assert_eq!(of(&listed, 12).author.as_deref(), Some("dependabot[bot]"));
    let pulls: Vec<_> = listed
        .iter()
        .filter(|issue| !issue.pulls.is_empty())
        .collect();
    assert_eq!(pulls.len(), 2);
    assert_eq!(pulls[0].pulls, [PullNumber(BACKLOG + 1)]);

    let all = github(&fake).open_issues(&everything).await.unwrap();
    fake.forget_requests();
    without_graphql(&fake);
    let by_rest = github(&fake).open_issues(&todo).await.unwrap();
    // The control: before, three pages, and one request for each issue that waits for anything.
    assert!(fake.requests().len() > 80, "{}", fake.requests().len());
    assert_eq!(listed, by_rest, "pulls that close them as well");
    let all_by_rest = github(&fake).open_issues(&everything).await.unwrap();
    assert_eq!(all, all_by_rest);
    assert!(all_by_rest.len() > by_rest.len());
    assert_honest(&fake);
}

/// What GraphQL may say that is no list, and whether it is asked again after that.
fn refusals() -> [(Fault, bool); 10] {
    let said = |body: Value| Fault::Said(body);
    let errors = |error: Value| said(json!({ "data": null, "errors": [error] }));
    let partial = json!({
        "data": { "repository": { "nameWithOwner": PROJECT, "hasIssuesEnabled": true, "issues": {
            "pageInfo": { "hasNextPage": false, "endCursor": null }, "nodes": [null],
        } } },
        "errors": [{ "type": "FORBIDDEN", "message": "Resource not accessible by personal access token" }],
    });
    let none = json!({ "data": { "repository": { "nameWithOwner": PROJECT, "hasIssuesEnabled": true, "issues": {
        "pageInfo": { "hasNextPage": true, "endCursor": null }, "nodes": [],
    } } } });
    let field = json!({ "extensions": { "code": "undefinedField" }, "message": "Field 'blockedBy' doesn't exist on type 'Issue'" });
    [
        (Fault::Unknown, false),
        (
            Fault::Forbidden("Resource not accessible by integration"),
            false,
        ),
        (errors(field), false),
        (said(partial), false),
        (
            errors(json!({ "message": "Something went wrong while executing your query." })),
            true,
        ),
        (said(json!({ "data": null })), true),
        (said(json!({ "data": { "repository": null } })), true),
        (said(json!({})), true),
        (said(none), true),
        (Fault::BadGateway, true),
    ]
}

#[tokio::test]
async fn what_is_no_list_is_never_an_empty_one() {
    for (fault, asks_again) in refusals() {
        let fake = fake();
        for _ in 0..3 {
            fake.add_issue("Issue", "", &["todo"]);
        }
        let github = github(&fake);
        fake.fail_when(|it| it.path == "/graphql", fault.clone(), 5);
        let issues = github.open_issues(&labelled("todo")).await.unwrap();
        assert_eq!(issues.len(), 3, "{fault:?}");
        let asked = questions(&fake);
        assert_eq!(github.open_issues(&labelled("todo")).await.unwrap(), issues);
        assert_eq!(questions(&fake) > asked, asks_again, "{fault:?}");
        // Where nobody answers, nobody is told of an empty list.
        fake.fail_when(|_| true, Fault::BadGateway, usize::MAX);
        let result = github.open_issues(&labelled("other")).await;
        assert!(is_unknown(&result), "{fault:?} {result:?}");
    }
}

#[tokio::test]
async fn pages_that_never_end_are_left_and_those_that_repeat_are_counted_once() {
    let fake = fake();
    for _ in 0..150 {
        fake.add_issue("Issue", "", &["todo"]);
    }
    let todo = labelled("todo");
    let listed = github(&fake).open_issues(&todo).await.unwrap();
    assert_eq!(listed.len(), 150);
    let first = fake.requests()[0].answer.clone();
    fake.forget_requests();
    // The first page follows itself: the second answer's cursor is known already.
    fake.fail_when(|it| it.path == "/graphql", Fault::Said(first.clone()), 100);
    assert_eq!(github(&fake).open_issues(&todo).await.unwrap(), listed);
    assert_eq!(
        fake.requests().len(),
        2 + 2 + 1,
        "two questions, two pages of REST, and the open pulls"
    );

    let fake = super::fake();
    for _ in 0..150 {
        fake.add_issue("Issue", "", &["todo"]);
    }
    // A list that grew while it was read: what was on the first page stands on the second as well.
    let mut again = first;
    again["data"]["repository"]["issues"]["pageInfo"]["endCursor"] = "cursor:99".into();
    fake.fail_when(
        |it| it.body["variables"]["after"] == "cursor:100",
        Fault::Said(again),
        1,
    );
    let issues = github(&fake).open_issues(&todo).await.unwrap();
    assert_eq!((issues.len(), questions(&fake)), (150, 3));
}

#[tokio::test]
async fn a_question_that_fails_in_passing_is_repeated() {
    for fault in lost_answers().into_iter().chain(lost_requests()) {
        let fake = fake();
        fake.add_issue("First", "", &["todo"]);
        let mut settings = settings(&fake);
        settings.timeout = Duration::from_millis(500);
        let github = GitHub::new(settings).unwrap();
        fake.fail_next(fault.clone());
        let issues = github.open_issues(&labelled("todo")).await.unwrap();
        assert_eq!((issues.len(), questions(&fake)), (1, 2), "{fault:?}");
        assert_eq!(fake.requests().len(), 2, "{fault:?}");
        assert_honest(&fake);
    }
}

#[tokio::test]
async fn where_graphql_s_limit_is_used_up_rest_lists_at_once() {
    let fake = fake();
    for _ in 0..3 {
        fake.add_issue("Issue", "", &["todo"]);
    }
    for left in [0, 50] {
        fake.set_points(left, 600);
        fake.forget_requests();
        let github = github(&fake);
        let start = std::time::Instant::now();
        for _ in 0..3 {
            assert_eq!(
                github.open_issues(&labelled("todo")).await.unwrap().len(),
                3
            );
        }
        assert!(start.elapsed().as_secs() < 60, "nobody waits");
        assert_eq!(
            questions(&fake),
            1,
            "one that was refused, or the one that told how little is left"
        );
        assert_honest(&fake);
    }
}
