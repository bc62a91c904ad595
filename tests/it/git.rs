//! The git room over real repositories: one attempt from fetch to push, and what every step promises.

use crate::repos::{FIRST, Scene, git, order, prepare, write};
use autoissue::ports::{Repository, RepositoryError};
use autoissue::rules::ids::{BranchName, CommitId, IssueNumber};
use autoissue::rules::task::CommitMessage;
use std::fs;

fn message(issue: u64) -> CommitMessage {
    CommitMessage {
        subject: "Add a thing".to_owned(),
        body: "It does it.".to_owned(),
        issue: IssueNumber(issue),
    }
}

#[tokio::test]
async fn an_attempt_goes_from_fetch_to_push() {
    let scene = Scene::new(&[("a.txt", "one\n"), ("src/b.txt", "two\n")]);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 12).await;
    repository.seal(&workspace).await.unwrap();
    assert_eq!(fs::read(workspace.path.join("a.txt")).unwrap(), b"one\n");

    // What the agent sees: its branch, clean, with the history and the remote's branches.
    let at = &workspace.path;
    assert_eq!(
        git(at, &["status", "--porcelain", "-b"]),
        "## autoissue/12-a-thing"
    );
    assert_eq!(
        git(at, &["rev-parse", "origin/main"]),
        workspace.base.as_str()
    );
    assert_eq!(git(at, &["log", "--format=%s"]), "first");
    assert_eq!(git(at, &["config", "user.name"]), "Auto");
    assert_eq!(git(at, &["remote"]), "");

    write(at, "a.txt", "one\nmore\n");
    write(at, "new/c.txt", "three\n");
    fs::remove_file(at.join("src/b.txt")).unwrap();
    git(at, &["add", "-A"]);
    git(at, &["commit", "-q", "-m", "the agent's own"]);

    let capture = repository
        .capture(&workspace, IssueNumber(12), FIRST)
        .await
        .unwrap();
    assert_eq!(capture.concern, None);
    assert_eq!(capture.diff.paths, ["a.txt", "new/c.txt", "src/b.txt"]);
    assert_eq!(
        (capture.diff.files, capture.diff.added, capture.diff.removed),
        (3, 2, 1)
    );
    let parent = scene.ask_mirror(&["rev-parse", &format!("{}^", capture.snapshot)]);
    assert_eq!(parent, workspace.base.as_str());
    let kept = scene.ask_mirror(&["for-each-ref", "--points-at", capture.snapshot.as_str()]);
    assert!(kept.contains("refs/autoissue/keep/12-1-"), "{kept}");

    let commit = repository
        .commit(&capture, &workspace.base, &message(12))
        .await
        .unwrap();
    assert_eq!((&commit.tree, &commit.diff), (&capture.tree, &capture.diff));
    let words = scene.ask_mirror(&["show", "-s", "--format=%an <%ae>%n%B", commit.id.as_str()]);
    assert_eq!(
        words,
        "Auto <auto@example.com>\nAdd a thing\n\nIt does it.\n\nRefs #12"
    );

    let branch = BranchName::new("autoissue/12-a-thing");
    assert_eq!(repository.remote_head(&branch).await.unwrap(), None);
    repository.push(&branch, &commit.id, None).await.unwrap();
    assert_eq!(
        repository.remote_head(&branch).await.unwrap(),
        Some(commit.id.clone())
    );
    assert_eq!(
        repository.remote_branches().await.unwrap(),
        [(branch.clone(), commit.id.clone())]
    );
    assert_eq!(
        git(&scene.origin, &["rev-parse", branch.as_str()]),
        commit.id.as_str()
    );

    let checks = repository.checkout(&commit.id).await.unwrap();
    assert!(!checks.path().join(".git").exists());
    assert_eq!(
        fs::read(checks.path().join("new/c.txt")).unwrap(),
        b"three\n"
    );
    assert!(!checks.path().join("src").exists());

    repository.release(workspace.clone()).await.unwrap();
    assert!(!workspace.path.exists());
    assert_eq!(repository.leftover(IssueNumber(12)).await.unwrap(), None);
}

#[tokio::test]
async fn a_used_slot_shows_nothing_of_its_last_attempt() {
    let scene = Scene::new(&[("a.txt", "one\n"), (".gitignore", "ignored/\n")]);
    let repository = scene.open().await;
    let first = prepare(&repository, 0, 1).await;
    write(&first.path, "a.txt", "changed\n");
    write(&first.path, "ignored/cache", "x");
    write(&first.path, "untracked", "x");
    fs::create_dir(first.path.join("empty")).unwrap();
    git(&first.path, &["tag", "mine"]);
    repository
        .capture(&first, IssueNumber(1), FIRST)
        .await
        .unwrap();
    repository.release(first).await.unwrap();

    let inode = std::os::unix::fs::MetadataExt::ino(
        &fs::metadata(scene.place().slots.join("free-0")).unwrap(),
    );
    let second = prepare(&repository, 0, 2).await;
    let again = std::os::unix::fs::MetadataExt::ino(&fs::metadata(&second.path).unwrap());
    assert_eq!(inode, again, "the slot was used again");
    let mut names: Vec<_> = fs::read_dir(&second.path)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, [".git", ".gitignore", "a.txt"]);
    assert_eq!(fs::read(second.path.join("a.txt")).unwrap(), b"one\n");
    assert_eq!(git(&second.path, &["tag"]), "");
    assert_eq!(
        git(&second.path, &["status", "--porcelain", "-b"]),
        "## autoissue/2-a-thing"
    );
}

#[tokio::test]
async fn a_branch_is_never_moved_over_a_foreign_commit() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    write(&workspace.path, "a.txt", "ours\n");
    let capture = repository
        .capture(&workspace, IssueNumber(1), FIRST)
        .await
        .unwrap();
    let ours = repository
        .commit(&capture, &workspace.base, &message(1))
        .await
        .unwrap()
        .id;
    let branch = BranchName::new("autoissue/1-a-thing");
    let theirs = scene.push(&[("a.txt", "theirs\n")]);
    git(
        &scene.checkout,
        &[
            "push",
            "-q",
            "origin",
            "main:refs/heads/autoissue/1-a-thing",
        ],
    );

    for expected in [None, Some(&workspace.base)] {
        match repository.push(&branch, &ours, expected).await {
            Err(RepositoryError::Foreign { found, .. }) => assert_eq!(found, theirs),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        git(&scene.origin, &["rev-parse", branch.as_str()]),
        theirs.as_str()
    );
    // From what was really there it moves, and again is done already.
    repository
        .push(&branch, &ours, Some(&theirs))
        .await
        .unwrap();
    repository.push(&branch, &ours, None).await.unwrap();
    assert_eq!(
        git(&scene.origin, &["rev-parse", branch.as_str()]),
        ours.as_str()
    );

    let main = BranchName::new("main");
    let refused = repository
        .push(&main, &ours, Some(&theirs))
        .await
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("only branches below autoissue/"),
        "{refused}"
    );
    assert_eq!(git(&scene.origin, &["rev-parse", "main"]), theirs.as_str());
}

#[tokio::test]
async fn every_fetch_sees_what_was_there_when_it_began() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let repository = scene.open().await;
    for round in 0..3 {
        let newest = scene.push(&[("a.txt", &format!("{round}\n"))]);
        let all = futures::future::join_all((0..8).map(|_| repository.fetch("main"))).await;
        for found in all {
            assert_eq!(found.unwrap(), newest);
        }
    }
    let missing = repository.fetch("trunk").await.unwrap_err();
    match missing {
        RepositoryError::Unusable { problem, hint } => {
            assert!(
                problem.contains("`trunk`") && hint.contains("`main`"),
                "{problem} {hint}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_snapshot_can_be_begun_with_and_read_again() {
    let scene = Scene::new(&[("a.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9\n"), ("b.txt", "x\n")]);
    let repository = scene.open().await;
    let first = prepare(&repository, 0, 1).await;
    write(&first.path, "a.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9\nours\n");
    let capture = repository
        .capture(&first, IssueNumber(1), FIRST)
        .await
        .unwrap();
    repository.release(first.clone()).await.unwrap();
    assert_eq!(
        repository
            .reopen(&capture.snapshot, &first.base)
            .await
            .unwrap(),
        capture
    );

    let mut again = order(0, 1, &first.base);
    again.start = capture.snapshot.clone();
    let second = repository.prepare(&again).await.unwrap();
    assert_eq!(
        (&second.base, &second.start),
        (&first.base, &capture.snapshot)
    );
    assert_eq!(
        second.path, first.path,
        "an issue's path is always the same"
    );
    assert!(
        fs::read_to_string(second.path.join("a.txt"))
            .unwrap()
            .ends_with("ours\n")
    );
    let unchanged = repository
        .capture(&second, IssueNumber(1), FIRST)
        .await
        .unwrap();
    assert_eq!(
        (unchanged.tree, unchanged.diff),
        (capture.tree.clone(), capture.diff.clone())
    );
    repository.release(second).await.unwrap();

    // A base that moved on: the files are moved onto it, and its own changes stay.
    let newer = scene.push(&[("b.txt", "theirs\n")]);
    assert_eq!(repository.fetch("main").await.unwrap(), newer);
    again.base = newer.clone();
    let third = repository.prepare(&again).await.unwrap();
    assert_eq!(third.base, newer);
    assert_eq!(fs::read(third.path.join("b.txt")).unwrap(), b"theirs\n");
    let moved = repository
        .capture(&third, IssueNumber(1), FIRST)
        .await
        .unwrap();
    assert_eq!(moved.diff.paths, ["a.txt"]);
    repository.release(third).await.unwrap();
    let commit = repository
        .commit(&capture, &newer, &message(1))
        .await
        .unwrap();
    assert_eq!(
        (commit.tree, commit.diff.paths),
        (moved.tree, vec!["a.txt".to_owned()])
    );

    // One that conflicts: the files stay where they were made.
    let conflicting = scene.push(&[("a.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9\nother\n")]);
    repository.fetch("main").await.unwrap();
    again.base = conflicting.clone();
    let fourth = repository.prepare(&again).await.unwrap();
    assert_eq!(
        (&fourth.base, &fourth.start),
        (&first.base, &capture.snapshot)
    );
    let refused = repository
        .commit(&capture, &conflicting, &message(1))
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("conflict"), "{refused}");
}

#[tokio::test]
async fn an_attempt_that_changes_nothing_has_an_empty_difference() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    let capture = repository
        .capture(&workspace, IssueNumber(1), FIRST)
        .await
        .unwrap();
    assert_eq!((capture.diff.files, capture.concern), (0, None));
}

#[tokio::test]
async fn sources_that_cannot_be_used_say_what_helps() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let dir = &scene.root;
    git(dir, &["init", "-q", "--bare", "empty.git"]);
    fs::create_dir(dir.join("plain")).unwrap();
    for (name, problem) in [
        ("empty.git", "no commits"),
        ("plain", "not a git repository"),
        ("none", "not a git repository"),
    ] {
        let source = scene.source(&dir.join(name));
        let refused = autoissue::adapters::git::repository::open(
            scene.place(),
            source,
            crate::repos::habits(),
        )
        .await;
        match refused.map(drop) {
            Err(RepositoryError::Unusable {
                problem: said,
                hint,
            }) => {
                assert!(said.contains(problem) && !hint.is_empty(), "{name}: {said}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    // Nothing of it is in the way of the next try.
    scene.open().await;
    let _ = CommitId::new("");
}
