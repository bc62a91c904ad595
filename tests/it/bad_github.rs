//! GitHub at its worst while the real binary works: answers that are lost, names that change, branches that go.

use crate::fake_github::{Fault, Logged};
use crate::stage::Stage;
use serde_json::json;

fn posts_to(end: &'static str) -> impl Fn(&Logged) -> bool + Send + 'static {
    move |request| request.method == "POST" && request.path.ends_with(end)
}

/// What our own account said on an issue.
fn said(stage: &Stage, issue: u64) -> Vec<String> {
    let comments = stage.fake.comments(issue).into_iter();
    let ours = comments.filter(|comment| comment.author == "octo-bot");
    ours.map(|comment| comment.body).collect()
}

#[test]
fn whatever_becomes_of_an_answer_there_is_one_pull_and_one_comment() {
    let lost = [
        Fault::ErrorAfter(500),
        Fault::BadGatewayAfter,
        Fault::CutOff,
        Fault::TruncatedJson,
        Fault::Html,
        Fault::DroppedReply,
    ];
    for fault in lost {
        let stage = Stage::with_issues(1);
        for what in ["/pulls", "/comments", "/labels"] {
            stage.fake.fail_when(posts_to(what), fault.clone(), 1);
        }
        let ran = stage.exec("go", &[]);
        assert_eq!(
            (ran.code, ran.count("completed")),
            (Some(0), 1),
            "{fault:?}: {ran:?}"
        );
        assert_eq!(stage.fake.pulls().len(), 1, "{fault:?}");
        assert_eq!(said(&stage, 1).len(), 1, "{fault:?}");
        assert_eq!(stage.runs(), [1], "{fault:?}");
    }
}

#[test]
fn a_repository_that_is_renamed_meanwhile_is_followed_by_requests_and_by_git() {
    let stage = Stage::with_issues(1);
    let renames = Fault::Meanwhile(|state| {
        let old = std::mem::replace(&mut state.project, "octopus/gadgets".to_owned());
        state.old_names.push(old);
    });
    // The label is put on before the agent runs: the push, the pull and the comment come later.
    stage
        .fake
        .fail_when(posts_to("/issues/1/labels"), renames, 1);
    let ran = stage.exec("go", &[]);
    assert_eq!((ran.code, ran.count("completed")), (Some(0), 1), "{ran:?}");
    assert_eq!((stage.heads().len(), said(&stage, 1).len()), (1, 1));
    let led = stage
        .fake
        .requests()
        .into_iter()
        .filter(|request| request.status == Some(301));
    assert!(led.clone().any(|request| request.git) && led.clone().any(|request| !request.git));
    stage.assert_lawful();
}

/// So many issues, whose work is for the branch `next`.
fn for_next(issues: usize) -> Stage {
    let mut stage = Stage::with_issues(issues);
    stage.fake.commit("next", &[("next.txt", "next")]);
    stage.configure(&json!({ "project": { "baseBranch": "next" } }));
    stage
}

#[test]
fn without_its_base_branch_work_is_kept_and_a_person_is_told() {
    let stage = for_next(1);
    let deletes = Fault::Meanwhile(|state| state.git.delete_branch("next"));
    stage.fake.fail_when(posts_to("/pulls"), deletes, 1);
    let ran = stage.exec("go", &[]);
    let task = ran.task(1);
    assert_eq!(task["outcome"], "needs_human", "{ran:?}");
    let reason = task["reason"].as_str().unwrap();
    assert!(reason.contains("base invalid"), "{reason}");
    assert!(
        stage.fake.branches().contains_key("autoissue/1-thing-1"),
        "the work is kept"
    );
    assert!(
        said(&stage, 1)[0].contains("base invalid"),
        "{:?}",
        said(&stage, 1)
    );
    stage.assert_lawful();
}

#[test]
fn a_base_branch_that_goes_before_the_work_begins_costs_nothing() {
    let mut stage = for_next(2);
    stage.configure(&json!({ "executor": { "maxParallel": 1, "maxRetries": 0 } }));
    let deletes = Fault::Meanwhile(|state| state.git.delete_branch("next"));
    stage
        .fake
        .fail_when(posts_to("/issues/1/labels"), deletes, 1);
    let ran = stage.exec("go", &[]);
    assert_eq!(stage.runs(), [0_u64; 0], "no agent is paid: {ran:?}");
    assert!(ran.cost() == autoissue::rules::money::Usd::ZERO, "{ran:?}");
    let reason = ran.task(1)["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("next"), "{reason}");
    assert_eq!(ran.code, Some(3), "{ran:?}");
    stage.assert_lawful();
}

#[test]
fn a_repository_that_is_not_there_is_told_with_what_helps() {
    let mut stage = Stage::with_issues(1);
    stage.configure(&json!({ "project": { "repo": "octo/nowhere" } }));
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let error = ran.last_json();
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("octo/nowhere: not found"), "{ran:?}");
    let hint = error["hints"][0].as_str().unwrap();
    assert!(hint.contains("the token may see it"), "{ran:?}");
    assert!(!stage.fake.requests().iter().any(Logged::writes));
}
