//! What GitHub refuses is said plainly, and never taken for an empty answer.

use super::*;
use autoissue::ports::Forge;

async fn list(github: &GitHub) -> Result<usize, ForgeError> {
    github
        .open_issues(&labelled("todo"))
        .await
        .map(|issues| issues.len())
}

#[track_caller]
fn check<T: std::fmt::Debug>(result: Result<T, ForgeError>, expect: &str) {
    let error = result.unwrap_err();
    let kind = match &error {
        ForgeError::Auth { .. } => "auth",
        ForgeError::NotFound { .. } => "not found",
        ForgeError::Refused { .. } => "refused",
        other => panic!("{other}"),
    };
    assert_eq!(format!("{kind}: {error}"), expect);
}

#[tokio::test]
async fn a_bad_token_is_named() {
    let fake = fake();
    let mut settings = settings(&fake);
    settings.tokens = Tokens::fixed(String::from("ghp_wrong").into());
    check(
        list(&GitHub::new(settings.clone()).unwrap()).await,
        "auth: list the open issues of octo/widgets: Bad credentials (is the token right, and not expired?)",
    );
    assert_eq!(fake.requests().len(), 1, "which no repeat would mend");

    settings.tokens = Tokens::fixed(String::from("two\nlines").into());
    check(
        list(&GitHub::new(settings).unwrap()).await,
        "auth: list the open issues of octo/widgets: the token has characters that no token has",
    );
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn a_hidden_repository_is_not_an_empty_one() {
    let fake = fake();
    let mut settings = settings(&fake);
    settings.project = "octo/hidden".into();
    let github = GitHub::new(settings).unwrap();
    check(
        list(&github).await,
        "not found: list the open issues of octo/hidden: not found",
    );
    check(
        github.issue(IssueNumber(1)).await,
        "not found: read the repository octo/hidden: not found",
    );
}

#[tokio::test]
async fn a_repository_without_issues_says_so() {
    let fake = fake();
    fake.disable_issues();
    check(
        list(&github(&fake)).await,
        "refused: list the open issues of octo/widgets: Issues are disabled for this repo",
    );
}

#[tokio::test]
async fn a_403_is_about_rights_or_about_the_thing() {
    let fake = fake();
    let issue = IssueNumber(fake.add_issue("First", "", &[]));
    let github = github(&fake);
    fake.fail_next(Fault::Forbidden(
        "Resource not accessible by personal access token",
    ));
    check(
        github.comment(issue, "Here").await,
        "auth: comment on #1: Resource not accessible by personal access token",
    );
    fake.archive();
    check(
        github.comment(issue, "Here").await,
        "refused: comment on #1: Repository was archived so is read-only.",
    );
}

#[tokio::test]
async fn a_pull_that_github_does_not_take_says_why() {
    let fake = fake();
    fake.add_issue("First", "", &[]);
    fake.commit("work", &[("a.txt", "a\n")]);
    fake.commit("main", &[("b.txt", "b\n")]);
    fake.commit("empty", &[]);
    fake.delete_branch("empty");
    let github = github(&fake);
    check(
        github.open_pull(&draft("missing")).await,
        "refused: open a pull request from missing: Validation Failed: head invalid",
    );
    check(
        github.open_pull(&draft("main")).await,
        "refused: open a pull request from main: Validation Failed: No commits between main and main",
    );
    github.open_pull(&draft("work")).await.unwrap();
    check(
        github.open_pull(&draft("work")).await,
        "refused: open a pull request from work: Validation Failed: A pull request already exists for octo:work.",
    );
    let mut other = draft("work");
    other.base = "nowhere".into();
    check(
        github.open_pull(&other).await,
        "refused: open a pull request from work: Validation Failed: base invalid",
    );
    check(
        github.comment(IssueNumber(1), &"x".repeat(65_537)).await,
        "refused: comment on #1: Validation Failed: body is too long (maximum is 65536 characters)",
    );
    check(
        github.comment(IssueNumber(99), "Here").await,
        "not found: comment on #99: not found",
    );
    assert_honest(&fake);
}

#[tokio::test]
async fn a_wrong_setting_is_refused_before_anything_is_sent() {
    let fake = fake();
    let check = |project: &str, api: &str| {
        let settings = GitHubSettings::new(project, api, Tokens::fixed(fake.token().into()));
        assert!(
            matches!(GitHub::new(settings), Err(ForgeError::Refused { .. })),
            "{project} {api}"
        );
    };
    check("octo/widgets/../..", &fake.api_url());
    check(PROJECT, "http://github.example.com");
}
