//! Snapshots: begun with again, read again, and moved onto a base that went on.

use crate::repos::{Scene, capture, message, order, prepare, write};
use autoissue::adapters::git::repository::GitRepository;
use autoissue::ports::{Capture, Repository, Workspace, WorkspaceOrder};
use std::fs;

const TEN: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";

/// A snapshot that changes the last line of `a.txt`, its worktree given back.
async fn snapshot(repository: &GitRepository) -> (Workspace, Capture) {
    let workspace = prepare(repository, 0, 1).await;
    write(&workspace.path, "a.txt", TEN.replace("10", "ours"));
    let taken = capture(repository, &workspace, 1).await;
    repository.release(workspace.clone()).await.unwrap();
    (workspace, taken)
}

fn again(first: &Workspace, taken: &Capture) -> WorkspaceOrder {
    let mut again = order(0, 1, &first.base);
    again.start = taken.snapshot.clone();
    again
}

#[tokio::test]
async fn a_snapshot_is_read_and_begun_with_again() {
    let scene = Scene::new(&[("a.txt", TEN), ("b.txt", "x\n")]);
    let repository = scene.open().await;
    let (first, taken) = snapshot(&repository).await;
    let read = repository
        .reopen(&taken.snapshot, &first.base)
        .await
        .unwrap();
    assert_eq!(read, taken);

    let second = repository.prepare(&again(&first, &taken)).await.unwrap();
    assert_eq!(
        (&second.base, &second.start),
        (&first.base, &taken.snapshot)
    );
    assert_eq!(
        second.path, first.path,
        "an issue's path is always the same"
    );
    let text = fs::read_to_string(second.path.join("a.txt")).unwrap();
    assert!(text.ends_with("ours\n"));
    let unchanged = capture(&repository, &second, 1).await;
    assert_eq!((unchanged.tree, unchanged.diff), (taken.tree, taken.diff));
}

#[tokio::test]
async fn a_snapshot_is_moved_onto_a_base_that_went_on() {
    let scene = Scene::new(&[("a.txt", TEN), ("b.txt", "x\n")]);
    let repository = scene.open().await;
    let (first, taken) = snapshot(&repository).await;
    let newer = scene.push(&[("b.txt", "theirs\n")]);
    let mut order = again(&first, &taken);
    order.base = repository.fetch("main").await.unwrap();
    let second = repository.prepare(&order).await.unwrap();
    assert_eq!(second.base, newer);
    assert_eq!(fs::read(second.path.join("b.txt")).unwrap(), b"theirs\n");
    let moved = capture(&repository, &second, 1).await;
    assert_eq!(moved.diff.paths, ["a.txt"]);
    let commit = repository
        .commit(&taken, std::slice::from_ref(&newer), &message(1))
        .await
        .unwrap();
    assert_eq!(
        (commit.tree, commit.diff.paths),
        (moved.tree, vec!["a.txt".to_owned()])
    );

    // The control: the snapshot's own tree on that base would take their change back.
    let args = ["diff", "--name-only", newer.as_str(), taken.tree.as_str()];
    assert_eq!(scene.ask_mirror(&args), "a.txt\nb.txt");
}

#[tokio::test]
async fn a_snapshot_that_conflicts_stays_where_it_was_made() {
    let scene = Scene::new(&[("a.txt", TEN)]);
    let repository = scene.open().await;
    let (first, taken) = snapshot(&repository).await;
    let newer = scene.push(&[("a.txt", &TEN.replace("10", "theirs"))]);
    let mut order = again(&first, &taken);
    order.base = repository.fetch("main").await.unwrap();
    let second = repository.prepare(&order).await.unwrap();
    assert_eq!(
        (&second.base, &second.start),
        (&first.base, &taken.snapshot)
    );
    let refused = repository
        .commit(&taken, std::slice::from_ref(&newer), &message(1))
        .await;
    assert!(refused.unwrap_err().to_string().contains("conflict"));
}
