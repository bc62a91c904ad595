//! `watch` and GitHub's merge queue, before the fake GitHub.

use crate::fake_github::Fault;
use crate::stage::Stage;
use crate::watch::{HEAD, PULL, decided, look, opened};
use serde_json::json;

/// A pull that waits in the merge queue behind another.
fn queued() -> Stage {
    let mut stage = opened();
    stage.configure(&json!({ "merge": { "policy": "queue" } }));
    stage.fake.allow_auto_merge();
    stage.fake.enqueue(99);
    assert_eq!(decided(&look(&stage)), ["merge", "queued"]);
    stage
}

fn enqueued(stage: &Stage) -> usize {
    let requests = stage.fake.requests().into_iter();
    let bodies = requests.map(|it| it.body.to_string());
    bodies
        .filter(|it| it.contains("enqueuePullRequest"))
        .count()
}

#[test]
fn a_pull_in_the_merge_queue_tells_its_place() {
    let stage = queued();
    let ran = look(&stage);
    assert_eq!(decided(&ran), ["wait"], "{ran:?}");
    let told = "waits in the merge queue, position 2";
    assert!(ran.stdout.contains(told), "{ran:?}");
    stage.fake.set_queued(PULL, "UNMERGEABLE");
    let ran = look(&stage);
    let told = "it stands in the merge queue, and cannot be merged as it is";
    assert!(ran.stdout.contains(told), "{ran:?}");
    assert_eq!(enqueued(&stage), 1);
    stage.assert_lawful();
}

#[test]
fn what_github_threw_out_is_put_in_again_only_once_something_is_pushed() {
    let stage = queued();
    stage.fake.throw_out(PULL, "failed_checks");
    for _ in 0..2 {
        let ran = look(&stage);
        assert_eq!(decided(&ran), ["wait"], "{ran:?}");
        let told = "GitHub took it out of the merge queue (failed checks)";
        assert!(ran.stdout.contains(told), "{ran:?}");
    }
    assert_eq!(enqueued(&stage), 1);
    // The control: another commit is worth another try.
    stage.fake.commit(HEAD, &[("mended.txt", "mended\n")]);
    assert_eq!(decided(&look(&stage)), ["merge", "queued"]);
    assert!(stage.fake.is_queued(PULL));
    stage.assert_lawful();
}

#[test]
fn a_server_that_knows_no_merge_queue_is_asked_in_vain_and_merges_all_the_same() {
    let mut stage = opened();
    stage.configure(&json!({ "merge": { "policy": "auto" } }));
    let words = "Field 'mergeQueueEntry' doesn't exist on type 'PullRequest'";
    let said =
        json!({ "errors": [{ "message": words, "extensions": { "code": "undefinedField" } }] });
    let asks =
        |request: &crate::fake_github::Logged| request.body.to_string().contains("mergeQueueEntry");
    stage.fake.fail_when(asks, Fault::Said(said), 1);
    assert_eq!(decided(&look(&stage)), ["merge", "merged"]);
}
