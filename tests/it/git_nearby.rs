//! A remote on this machine: branches are made in it without speaking to it, unless it would do more with a push.

use crate::repos::{Scene, branch, capture, git, habits, prepare, write, write_script};
use autoissue::adapters::git::repository::{GitRepository, open};
use autoissue::ports::{Repository, RepositoryError};
use autoissue::rules::ids::CommitId;
use std::time::Duration;

/// Refuses every pack; where it is seen, a push is an ordinary one.
const NO_PACKS: [&str; 3] = ["config", "receive.maxInputSize", "1"];

async fn open_on_the_checkout(scene: &Scene) -> GitRepository {
    open(scene.place(), scene.source(&scene.checkout), habits())
        .await
        .unwrap()
}

async fn work(repository: &GitRepository, issue: u64) -> CommitId {
    let workspace = prepare(repository, 0, issue).await;
    write(&workspace.path, "deep/new.txt", format!("{issue}\n"));
    let snapshot = capture(repository, &workspace, issue).await.snapshot;
    repository.release(workspace).await.unwrap();
    snapshot
}

#[tokio::test]
async fn a_new_branch_is_whole_and_nobody_was_spoken_to() {
    for format in ["sha1", "sha256"] {
        let scene = Scene::with_format(format, &[("a.txt", "one\n")]);
        let repository = open_on_the_checkout(&scene).await;
        let commit = work(&repository, 1).await;
        git(&scene.checkout, &NO_PACKS);
        repository.push(&branch(1), &commit, None).await.unwrap();
        let show = |what: &str| git(&scene.checkout, &["show", &format!("{commit}:{what}")]);
        assert_eq!(
            (show("deep/new.txt"), show("a.txt")),
            ("1".into(), "one".into())
        );
        git(&scene.checkout, &["fsck", "--strict", "--full"]);
        assert_eq!(git(&scene.checkout, &["status", "--porcelain"]), "");
        let found = repository.remote_branches().await.unwrap();
        assert_eq!(found, [(branch(1), commit)]);

        // The control: a repository with settings of its own for pushes is pushed to.
        let other = open_on_the_checkout(&scene).await;
        let commit = work(&other, 2).await;
        let refused = other.push(&branch(2), &commit, None).await;
        assert!(refused.is_err(), "{refused:?}");
        assert_eq!(other.remote_branches().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn hooks_are_asked() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let repository = open_on_the_checkout(&scene).await;
    let commit = work(&repository, 1).await;
    let hook = "#!/bin/sh\necho not today >&2\nexit 1\n";
    write_script(&scene.checkout, ".git/hooks/update", hook);
    match repository.push(&branch(1), &commit, None).await {
        Err(RepositoryError::Declined { reason, .. }) => {
            assert!(reason.starts_with("not today"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    std::fs::remove_file(scene.checkout.join(".git/hooks/update")).unwrap();
    repository.push(&branch(1), &commit, None).await.unwrap();
}

#[tokio::test]
async fn a_branch_that_somebody_has_checked_out_is_not_moved() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let repository = open_on_the_checkout(&scene).await;
    let first = work(&repository, 1).await;
    repository.push(&branch(1), &first, None).await.unwrap();
    git(&scene.checkout, &["switch", "-q", branch(1).as_str()]);
    let workspace = prepare(&repository, 0, 2).await;
    write(&workspace.path, "a.txt", "two\n");
    let second = capture(&repository, &workspace, 2).await.snapshot;
    let moved = repository.push(&branch(1), &second, Some(&first)).await;
    assert!(moved.is_err(), "{moved:?}");
    assert_eq!(git(&scene.checkout, &["rev-parse", "HEAD"]), first.as_str());
    assert_eq!(git(&scene.checkout, &["status", "--porcelain"]), "");
}

#[tokio::test]
async fn one_that_is_interrupted_leaves_no_locks() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let repository = open_on_the_checkout(&scene).await;
    for issue in 1..=24 {
        let commit = work(&repository, issue).await;
        let (branch, patience) = (branch(issue), Duration::from_millis(issue / 2));
        let pushed = repository.push(&branch, &commit, None);
        let _ = tokio::time::timeout(patience, pushed).await;
        repository.push(&branch, &commit, None).await.unwrap();
    }
    assert_eq!(repository.remote_branches().await.unwrap().len(), 24);
    let left = crate::repos::names(&scene.checkout.join(".git/refs/heads/autoissue"));
    assert_eq!(left.len(), 24, "{left:?}");
}
