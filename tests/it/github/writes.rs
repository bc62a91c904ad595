//! What is written is written once.

use super::*;
use autoissue::adapters::github::writes::LabelSpec;
use autoissue::ports::Forge;
use autoissue::rules::ids::PullNumber;

fn posts(fake: &FakeGitHub) -> usize {
    fake.requests()
        .iter()
        .filter(|request| request.method == "POST")
        .count()
}

#[tokio::test]
async fn a_pull_is_opened_found_and_corrected() {
    let fake = fake();
    fake.add_issue("First", "", &[]);
    fake.commit("work", &[("a.txt", "a\n")]);
    fake.commit("next", &[("b.txt", "b\n")]);
    let github = github(&fake);

    let mut draft = draft("work");
    draft.draft = true;
    draft.body = "Done.\n\nCloses #1\n<!-- marker -->".into();
    let pull = github.open_pull(&draft).await.unwrap();
    assert_eq!(
        (pull.head.as_str(), pull.base.as_str(), pull.open),
        ("work", "main", true)
    );
    assert_eq!(pull.body, draft.body);
    assert_eq!(
        github.pulls_from(&branch("work")).await.unwrap(),
        std::slice::from_ref(&pull)
    );

    draft.base = "next".into();
    draft.title = "Better".into();
    github.correct_pull(pull.number, &draft).await.unwrap();
    let item = &fake.pulls()[0];
    let part = item.pull.as_ref().unwrap();
    assert_eq!(
        (item.title.as_str(), part.base.as_str(), part.draft),
        ("Better", "next", true)
    );
    assert_eq!(Some(part.head_sha.clone()), fake.branch_head("work"));
    assert_honest(&fake);
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_unknown_and_not_repeated() {
    for fault in lost_answers() {
        let fake = fake();
        fake.commit("work", &[("a.txt", "a\n")]);
        let mut settings = settings(&fake);
        settings.timeout = Duration::from_millis(500);
        let github = GitHub::new(settings).unwrap();
        // A connection that is used again is lost in more ways than a new one.
        github.open_pulls().await.unwrap();
        fake.fail_next(fault.clone());
        let result = github.open_pull(&draft("work")).await;
        assert!(is_unknown(&result), "{fault:?}: {result:?}");
        assert_eq!(posts(&fake), 1, "{fault:?}");
        // Whoever looks finds that it was done.
        let pulls = github.pulls_from(&branch("work")).await.unwrap();
        assert_eq!(pulls.len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_write_that_is_lost_is_unknown_and_not_repeated() {
    for fault in lost_requests() {
        let fake = fake();
        let issue = fake.add_issue("First", "", &[]);
        let github = github(&fake);
        github.open_pulls().await.unwrap();
        fake.fail_next(fault.clone());
        let result = github.comment(IssueNumber(issue), "Here").await;
        assert!(is_unknown(&result), "{fault:?}: {result:?}");
        assert_eq!(
            (posts(&fake), fake.comments(issue).len()),
            (1, 0),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn octocrab_as_it_comes_would_write_four_times() {
    let fake = fake();
    let issue = fake.add_issue("First", "", &[]);
    fake.fail_when(
        |request| request.method == "POST",
        Fault::BadGatewayAfter,
        10,
    );
    let body = serde_json::json!({"body": "Here"});
    let route = format!("/repos/{PROJECT}/issues/{issue}/comments");
    let result: Result<serde_json::Value, _> = plain_octocrab(&fake).post(route, Some(&body)).await;
    assert!(result.is_err());
    assert_eq!(
        fake.comments(issue).len(),
        4,
        "so it must not be left as it comes"
    );

    let result = github(&fake).comment(IssueNumber(issue), "Here").await;
    assert!(is_unknown(&result));
    assert_eq!(fake.comments(issue).len(), 5);
}

#[tokio::test]
async fn a_write_is_never_answered_from_a_cache() {
    let fake = fake();
    fake.expect_bursts("octocrab as it comes knows no pace");
    let issue = fake.add_issue("First", "", &[]);
    let route = format!("/repos/{PROJECT}/issues/{issue}/comments");
    let cache = octocrab::service::middleware::cache::mem::InMemoryCache::new();
    let builder = octocrab::Octocrab::builder()
        .base_uri(fake.api_url())
        .unwrap();
    let careless = builder
        .personal_token(fake.token())
        .cache(cache)
        .build()
        .unwrap();
    let _: serde_json::Value = careless.get(&route, None::<&()>).await.unwrap();
    let body = serde_json::json!({"body": "Here"});
    let _: serde_json::Value = careless.post(&route, Some(&body)).await.unwrap();
    let conditional = |fake: &FakeGitHub| {
        fake.requests()
            .iter()
            .any(|it| it.writes() && it.conditional)
    };
    assert!(
        conditional(&fake),
        "octocrab's cache mixes a POST up with a GET"
    );

    fake.forget_requests();
    let github = github(&fake);
    for _ in 0..2 {
        github.has_comment(IssueNumber(issue), "x").await.unwrap();
        github.comment(IssueNumber(issue), "Here").await.unwrap();
    }
    assert!(!conditional(&fake));
    assert!(
        fake.requests().iter().any(|request| request.conditional),
        "but reads are"
    );
    assert_eq!(fake.comments(issue).len(), 3);
    assert_honest(&fake);
}

#[tokio::test]
async fn a_redirected_write_stays_a_write() {
    for status in [301, 302, 307, 308] {
        let fake = fake();
        let issue = fake.add_issue("First", "", &[]);
        fake.fail_next(Fault::Redirected(status));
        github(&fake)
            .comment(IssueNumber(issue), "Here")
            .await
            .unwrap();
        let methods: Vec<String> = fake.requests().into_iter().map(|it| it.method).collect();
        assert_eq!(methods, ["POST", "GET", "POST"], "{status}");
        assert_eq!(fake.comments(issue)[0].body, "Here", "{status}");
    }
}

#[tokio::test]
async fn a_write_never_follows_an_issue_into_another_repository() {
    let fake = fake();
    fake.add_issue("Stays", "", &[]);
    let moved = fake.add_issue("Moves", "", &["todo"]);
    fake.move_issue(moved, 77);
    let github = github(&fake);
    let number = IssueNumber(moved);
    for result in [
        github.comment(number, "Here").await,
        github.remove_label(number, "todo").await,
    ] {
        let error = result.unwrap_err().to_string();
        assert!(
            error.ends_with("it was moved to another repository"),
            "{error}"
        );
    }
    let elsewhere = |it: &&Logged| it.path.starts_with("/repositories/700002");
    assert_eq!(fake.requests().iter().filter(elsewhere).count(), 0);
    // The control: reads are led there, and so it is known.
    assert_eq!(github.issue(number).await.unwrap(), None);
    assert_eq!(fake.requests().iter().filter(elsewhere).count(), 1);
    assert_honest(&fake);
}

#[tokio::test]
async fn a_label_is_made_where_it_is_missing_and_put_once() {
    let fake = fake();
    let issue = fake.add_issue("First", "", &["todo"]);
    let number = IssueNumber(issue);
    let github = github(&fake);

    for _ in 0..2 {
        github
            .add_label(number, "autoissue: in work/größe")
            .await
            .unwrap();
    }
    assert_eq!(fake.labels(issue), ["todo", "autoissue: in work/größe"]);
    let labels = fake.repository_labels();
    assert_eq!(labels[1].color, "5319e7", "not GitHub's grey");
    for _ in 0..2 {
        github
            .remove_label(number, "Autoissue: in work/größe")
            .await
            .unwrap();
    }
    assert_eq!(fake.labels(issue), ["todo"]);
    github.add_label(number, "TODO").await.unwrap();
    assert_eq!(fake.labels(issue), ["todo"], "case does not matter");
    github.add_label(number, "todo").await.unwrap();
    let looks = fake
        .requests()
        .iter()
        .filter(|it| it.method == "GET")
        .count();
    assert_eq!(looks, 2, "each label is looked for once");
    assert_honest(&fake);
}

#[tokio::test]
async fn the_labels_of_a_repository_are_made_once() {
    let fake = fake();
    fake.add_label("Working", "000000");
    for number in 0..120 {
        fake.add_label(&format!("label {number}"), "000000");
    }
    let spec = |name: &str| LabelSpec {
        name: name.into(),
        color: "00ff00".into(),
        description: "What it means".into(),
    };
    let specs = [spec("working"), spec("label 119"), spec("failed")];
    assert_eq!(
        github(&fake).ensure_labels(&specs).await.unwrap(),
        ["failed"]
    );
    assert_eq!(
        github(&fake).ensure_labels(&specs).await.unwrap(),
        Vec::<String>::new()
    );
    let labels = fake.repository_labels();
    assert_eq!(labels.len(), 122);
    assert_eq!(labels[121].description.as_deref(), Some("What it means"));

    // Somebody else makes it between our look and our write.
    let issue = fake.add_issue("First", "", &[]);
    fake.fail_when(
        |it| it.method == "POST" && it.path.ends_with("/labels"),
        Fault::BadGatewayAfter,
        1,
    );
    let late = github(&fake);
    assert!(is_unknown(
        &late.add_label(IssueNumber(issue), "late").await
    ));
    late.add_label(IssueNumber(issue), "late").await.unwrap();
    assert_eq!(fake.labels(issue), ["late"]);
    assert_honest(&fake);
}

#[tokio::test]
async fn writes_reach_the_server_apart() {
    let fake = fake();
    let issue = IssueNumber(fake.add_issue("First", "", &[]));
    let spacing = Duration::from_millis(40);
    let mut settings = settings(&fake);
    settings.limits.write_spacing = spacing * settings.limits.speed;
    let github = GitHub::new(settings).unwrap();
    fake.fail_next(Fault::Redirected(307));
    let comments = (0..5).map(|_| github.comment(issue, "Here"));
    futures::future::try_join_all(comments).await.unwrap();
    let closest = crate::fake_github::closest_writes(&fake.requests()).unwrap();
    assert!(closest >= spacing, "{closest:?}");
}

#[tokio::test]
async fn a_write_waits_until_the_one_before_is_answered() {
    let fake = fake();
    let issue = IssueNumber(fake.add_issue("First", "", &[]));
    let gate = Gate::closed();
    fake.fail_next(Fault::Held(gate.clone()));
    let github = std::sync::Arc::new(github(&fake));
    let write = |body: &'static str| {
        let github = std::sync::Arc::clone(&github);
        tokio::spawn(async move { github.comment(issue, body).await })
    };
    let both = [write("first"), write("second")];
    while fake.comments(issue.0).is_empty() {
        tokio::task::yield_now().await;
    }
    // A read is not held up by them.
    github.open_pulls().await.unwrap();
    assert_eq!(posts(&fake), 1);
    gate.open();
    for write in both {
        write.await.unwrap().unwrap();
    }
    let bodies: Vec<String> = fake
        .comments(issue.0)
        .into_iter()
        .map(|it| it.body)
        .collect();
    assert_eq!(bodies, ["first", "second"]);
}

#[tokio::test]
async fn a_correction_of_what_is_gone_is_refused() {
    let fake = fake();
    let result = github(&fake)
        .correct_pull(PullNumber(9), &draft("work"))
        .await;
    assert!(
        matches!(result, Err(ForgeError::NotFound { .. })),
        "{result:?}"
    );
}
