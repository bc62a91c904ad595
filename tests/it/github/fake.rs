//! The fake is as strict as GitHub, and its referee sees what is wrong.

use super::*;
use serde_json::{Value, json};
use std::process::{Command, Output};

fn git(directory: &std::path::Path, arguments: &[&str]) -> Output {
    Command::new("git")
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .args([] as [&str; 0])
        .output()
        .unwrap()
}

#[tokio::test]
async fn every_answer_fits_githubs_description() {
    let fake = fake();
    fake.add_issue("First", "", &["todo"]);
    fake.commit("work", &[("a.txt", "a\n"), ("README.md", "# More\n")]);
    let crab = plain_octocrab(&fake);
    let at = |rest: &str| format!("/repos/{PROJECT}{rest}");
    let post = |rest: &str, body: Value| {
        let (crab, route) = (crab.clone(), at(rest));
        async move { crab.post::<_, Value>(route, Some(&body)).await.unwrap() }
    };
    post(
        "/issues",
        json!({"title": "Second", "labels": ["new"], "assignees": ["octo-bot"]}),
    )
    .await;
    let pull = post("/pulls", json!({"title": "P", "head": "work", "base": "main", "body": "fixes #1, closes: #2 and resolves x"})).await;
    assert_eq!(pull["commits"], 1);
    assert_eq!(pull["changed_files"], 2);
    assert_eq!(
        pull["head"]["sha"].as_str(),
        fake.branch_head("work").as_deref()
    );
    let close = json!({"state": "closed", "state_reason": "completed"});
    let route = at("/issues/1");
    let _: Value = crab.patch(route, Some(&close)).await.unwrap();
    for rest in [
        "",
        "/issues/2",
        "/issues/2/labels",
        "/labels/new",
        "/pulls/3",
        "/pulls/3/files",
    ] {
        let _: Value = crab.get(at(rest), None::<&()>).await.unwrap();
    }
    let _: Value = crab.get("/rate_limit", None::<&()>).await.unwrap();
    let merged: Value = crab
        .put(
            at("/pulls/3/merge"),
            Some(&json!({"merge_method": "squash"})),
        )
        .await
        .unwrap();
    assert_eq!(merged["sha"].as_str(), fake.branch_head("main").as_deref());
    let _: Value = crab.get(at("/pulls/3"), None::<&()>).await.unwrap();
    assert!(
        fake.issues().iter().all(|issue| !issue.open),
        "closed by the merge"
    );
    assert_eq!(fake.file("main", "a.txt").as_deref(), Some("a"));
    assert_honest(&fake);
}

#[tokio::test]
async fn the_referee_sees_what_github_would_not_take() {
    let fake = fake();
    fake.add_issue("First", "", &[]);
    let crab = plain_octocrab(&fake);
    let problems = |fake: &FakeGitHub| {
        let problems = fake.violations();
        fake.forget_requests();
        problems.join("; ")
    };
    let get = |rest: &str| crab.get::<Value, _, ()>(format!("/repos/{PROJECT}{rest}"), None);
    let _ = get("/issues?lables=todo").await;
    assert!(problems(&fake).contains("no parameter is called lables"));
    let _ = get("/issues?state=opened").await;
    assert!(problems(&fake).contains("state cannot be \"opened\""));
    let _ = get("/issues?per_page=250").await;
    assert!(problems(&fake).contains("per_page cannot be \"250\""));
    let _ = get("/issues/1/reactions").await;
    assert!(problems(&fake).contains("the fake does not know this operation"));
    let route = format!("/repos/{PROJECT}/issues/1/comments");
    let _ = crab
        .post::<_, Value>(&route, Some(&json!({"text": "Here"})))
        .await;
    let text = problems(&fake);
    assert!(text.contains("\"body\" is a required property"), "{text}");
    assert!(text.contains("no field is called text"), "{text}");
    let _ = crab
        .post::<_, Value>(&route, Some(&json!({"body": 5})))
        .await;
    assert!(problems(&fake).contains("/body 5 is not of type \"string\""));
}

/// Fields of an issue that are asked for, and what is wrong with them.
const ASKED: [(&str, &str); 9] = [
    // The control: what the schema has is no violation, nor is the answer.
    (
        "databaseId author { __typename login } labels(first: 5) { totalCount nodes { name } }",
        "",
    ),
    ("numbre", "Cannot query field \"numbre\" on type \"Issue\""),
    ("author", "must have a selection of subfields"),
    (
        "labels(frist: 5, first: 1) { nodes { name } }",
        "Unknown argument \"frist\"",
    ),
    (
        "labels(first: \"5\") { nodes { name } }",
        "Expected value of type \"Int\"",
    ),
    (
        "labels { nodes { name } }",
        "You must provide a `first` or `last`",
    ),
    (
        "labels(first: 500) { nodes { name } }",
        "exceeds the `first` limit",
    ),
    (
        "timelineItems(last: 1, itemTypes: [LABELLED]) { nodes { __typename } }",
        "LABELLED",
    ),
    (
        "number ... on PullRequest { number }",
        "can never be of type \"PullRequest\"",
    ),
];
const REPOSITORY: &str = "repository(owner: \"octo\", name: \"widgets\")";
const LIST: &str = "query($labels: [String!], $after: String) { repository(owner: \"octo\", name: \"widgets\") { \
     issues(first: 1, labels: $labels, after: $after) { nodes { number } pageInfo { endCursor } } } }";
const ONE: &str = "query($number: Int!) { repository(owner: \"octo\", name: \"widgets\") { issue(number: $number) { url } } }";
/// Whole documents with variables, and what is wrong with them.
const WHOLE: [(&str, &str, &str); 10] = [
    (
        "{ repository(owner: \"octo\") { url } }",
        "{}",
        "\"name\" of type \"String!\" is required",
    ),
    (
        "mutation { enqueuePullRequest(input: { pull: 1 }) { clientMutationId } }",
        "{}",
        "pullRequestId",
    ),
    ("{ viewer { login }", "{}", "Parse error"),
    (LIST, r#"{"labels": ["todo"], "after": null}"#, ""),
    (LIST, r#"{"labels": "todo"}"#, "$labels cannot be \"todo\""),
    (LIST, r#"{"labels": [null]}"#, "$labels cannot be [null]"),
    (LIST, r#"{"before": "x"}"#, "$before is not declared"),
    (ONE, "{}", "$number cannot be null"),
    (ONE, r#"{"number": "1"}"#, "$number cannot be \"1\""),
    (
        "query($number: String) { repository(owner: \"octo\", name: \"widgets\") { issue(number: $number) { url } } }",
        r#"{"number": "1"}"#,
        "used in position expecting type \"Int!\"",
    ),
];

#[tokio::test]
async fn the_referee_sees_what_githubs_schema_has_not() {
    let fake = fake();
    fake.add_issue("First", "", &["todo"]);
    let crab = plain_octocrab(&fake);
    let check = async |query: &str, variables: &str, expect: &str| {
        let variables: Value = serde_json::from_str(variables).unwrap();
        let body = json!({ "query": query, "variables": variables });
        let _ = crab.post::<_, Value>("/graphql", Some(&body)).await;
        let problems = fake.violations().join("; ");
        fake.forget_requests();
        let is_as_expected = match expect {
            "" => problems.is_empty(),
            expect => problems.contains(expect),
        };
        assert!(is_as_expected, "{query}: {problems}");
    };
    for (fields, expect) in ASKED {
        let query = format!("{{ {REPOSITORY} {{ issue(number: 1) {{ {fields} }} }} }}");
        check(&query, "{}", expect).await;
    }
    for (query, variables, expect) in WHOLE {
        check(query, variables, expect).await;
    }
}

#[test]
fn git_works_over_http_with_the_token_only() {
    let fake = fake();
    let home = tempfile::tempdir().unwrap();
    let with = |token: &str| {
        let credentials = format!("://x-access-token:{token}@");
        fake.git_url().replacen("://", &credentials, 1)
    };
    assert!(
        !git(home.path(), &["clone", &fake.git_url(), "none"])
            .status
            .success()
    );
    assert!(
        !git(home.path(), &["clone", &with("wrong"), "none"])
            .status
            .success()
    );
    let good = with(&fake.token());
    assert!(
        git(home.path(), &["clone", "--quiet", &good, "work"])
            .status
            .success()
    );
    let work = home.path().join("work");
    std::fs::write(work.join("b.txt"), "b\n").unwrap();
    let commit = [
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@example.com",
        "commit",
        "--quiet",
        "-m",
        "B",
    ];
    assert!(git(&work, &["add", "b.txt"]).status.success());
    assert!(git(&work, &commit).status.success());
    let push = ["push", "--quiet", "origin", "HEAD:refs/heads/autoissue/1-b"];
    assert!(git(&work, &push).status.success());
    let tree = git(&work, &["rev-parse", "HEAD^{tree}"]);
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert_eq!(fake.tree_of("autoissue/1-b").as_deref(), Some(tree.trim()));
    assert_eq!(fake.branches().len(), 2);

    fake.commit("autoissue/1-b", &[("c.txt", "c\n")]);
    std::fs::write(work.join("b.txt"), "more\n").unwrap();
    assert!(git(&work, &["add", "b.txt"]).status.success());
    assert!(git(&work, &commit).status.success());
    assert!(
        !git(&work, &push).status.success(),
        "it would lose a person's commit"
    );
    assert!(fake.requests().iter().all(|request| request.git));
    assert_honest(&fake);
}

#[tokio::test]
async fn merges_are_as_careful_as_githubs() {
    let fake = fake();
    let issue = fake.add_issue("First", "", &[]);
    fake.commit("left", &[("a.txt", "left\n")]);
    fake.commit("right", &[("a.txt", "right\n")]);
    fake.commit("base", &[("c.txt", "c\n")]);
    let github = github(&fake);
    let left = autoissue::ports::Forge::open_pull(&github, &draft("left"))
        .await
        .unwrap();
    let right = fake.add_pull("Right", "right", "main");
    let elsewhere = fake.add_pull("Elsewhere", "left", "base");
    let crab = plain_octocrab(&fake);
    let merge = |number: u64, body: Value| {
        let (crab, route) = (
            crab.clone(),
            format!("/repos/{PROJECT}/pulls/{number}/merge"),
        );
        async move { crab.put::<Value, _, _>(route, Some(&body)).await }
    };
    assert!(
        merge(left.number.0, json!({"sha": "0".repeat(40)}))
            .await
            .is_err()
    );
    assert!(fake.merge(elsewhere).is_ok());
    assert!(
        fake.issues()[0].open,
        "only merges into the default branch close issues"
    );
    assert!(merge(left.number.0, json!({})).await.is_ok());
    assert!(!fake.issues()[0].open);
    assert!(merge(right, json!({})).await.is_err(), "they conflict now");
    assert_eq!(fake.merge(right), Err("Pull Request is not mergeable"));
    let statuses: Vec<_> = fake.requests().iter().filter_map(|it| it.status).collect();
    assert_eq!(statuses, [201, 409, 200, 405]);
    fake.delete_branch("right");
    assert!(
        fake.pulls().iter().all(|pull| !pull.open),
        "without its branch a pull is closed"
    );
    assert_eq!(fake.issues()[0].number, issue);
    assert_ne!(fake.issues()[0].id, issue);
    assert!(paths(&fake.requests())[0].ends_with("/pulls"));
    assert_honest(&fake);
}

/// The control of what every other test relies on: nobody has to ask whether all went by GitHub's description.
#[tokio::test]
async fn a_fake_that_heard_what_github_would_not_take_fails_its_test() {
    let end = |fake: FakeGitHub| {
        let ended = std::panic::AssertUnwindSafe(|| drop(fake));
        std::panic::catch_unwind(ended).map_err(|cause| *cause.downcast::<String>().unwrap())
    };
    for (path, is_fine) in [("/issues?state=open", true), ("/issues?lables=todo", false)] {
        let fake = fake();
        let crab = plain_octocrab(&fake);
        let _: Result<Value, _> = crab
            .get(format!("/repos/{PROJECT}{path}"), None::<&()>)
            .await;
        match end(fake) {
            Ok(()) => assert!(is_fine, "{path}"),
            Err(said) => assert!(!is_fine && said.contains("lables"), "{path}: {said}"),
        }
    }
}
