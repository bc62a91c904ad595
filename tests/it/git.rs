//! The git room over real repositories: an attempt from fetch to push, and what every step promises.

use crate::repos::{Scene, branch, capture, git, habits, message, names, prepare, write};
use autoissue::adapters::git::repository::open;
use autoissue::adapters::git::source::Habits;
use autoissue::ports::{Repository, RepositoryError};
use autoissue::rules::ids::{BranchName, IssueNumber};
use std::fs;
use std::os::unix::fs::MetadataExt;

#[tokio::test]
async fn an_attempt_goes_from_fetch_to_push() {
    let scene = Scene::new(&[("a.txt", "one\n"), ("src/b.txt", "two\n")]);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 12).await;
    repository.seal(&workspace).await.unwrap();
    let at = &workspace.path;
    write(at, "a.txt", "one\nmore\n");
    write(at, "new/c.txt", "three\n");
    fs::remove_file(at.join("src/b.txt")).unwrap();
    git(at, &["add", "-A"]);
    git(at, &["commit", "-q", "-m", "the agent's own"]);

    let taken = capture(&repository, &workspace, 12).await;
    assert_eq!(taken.concern, None);
    assert_eq!(taken.diff.paths, ["a.txt", "new/c.txt", "src/b.txt"]);
    let diff = (taken.diff.files, taken.diff.added, taken.diff.removed);
    assert_eq!(diff, (3, 2, 1));
    let parent = scene.ask_mirror(&["rev-parse", &format!("{}^", taken.snapshot)]);
    assert_eq!(parent, workspace.base.as_str());
    let kept = scene.ask_mirror(&["for-each-ref", "--points-at", taken.snapshot.as_str()]);
    assert!(kept.contains("refs/autoissue/keep/12-1-"), "{kept}");

    let commit = repository
        .commit(&taken, std::slice::from_ref(&workspace.base), &message(12))
        .await
        .unwrap();
    assert_eq!((&commit.tree, &commit.diff), (&taken.tree, &taken.diff));
    let (head, id) = (branch(12), commit.id);
    assert_eq!(repository.remote_head(&head).await.unwrap(), None);
    repository.push(&head, &id, None).await.unwrap();
    assert_eq!(
        repository.remote_head(&head).await.unwrap(),
        Some(id.clone())
    );
    let all = repository.remote_branches().await.unwrap();
    assert_eq!(all, [(head.clone(), id.clone())]);
    assert_eq!(
        git(&scene.origin, &["rev-parse", head.as_str()]),
        id.as_str()
    );
    assert_eq!(repository.fetch(head.as_str()).await.unwrap(), id);

    let checks = repository.checkout(&id).await.unwrap();
    assert_eq!(names(checks.path()), ["a.txt", "new"]);
    assert_eq!(
        fs::read(checks.path().join("new/c.txt")).unwrap(),
        b"three\n"
    );

    repository.release(workspace.clone()).await.unwrap();
    assert!(!workspace.path.exists());
    let left = repository.leftover(IssueNumber(12)).await;
    assert_eq!(left.unwrap(), None);
    let lost = repository
        .capture(&workspace, IssueNumber(12), crate::repos::FIRST)
        .await;
    assert!(lost.unwrap_err().to_string().contains("given back"));
}

#[tokio::test]
async fn an_agent_sees_its_branch_the_history_and_no_remote() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    git(&scene.checkout, &["tag", "-a", "-m", "first", "v1"]);
    git(
        &scene.checkout,
        &["push", "-q", "origin", "v1", "HEAD:refs/heads/other"],
    );
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 12).await;
    let ask = |args: &[&str]| git(&workspace.path, args);
    assert_eq!(
        ask(&["status", "--porcelain", "-b"]),
        "## autoissue/12-a-thing"
    );
    assert_eq!(ask(&["rev-parse", "origin/main"]), workspace.base.as_str());
    assert_eq!(ask(&["rev-parse", "origin/other"]), workspace.base.as_str());
    assert_eq!(ask(&["describe"]), "v1");
    assert_eq!(ask(&["log", "--format=%s"]), "first");
    assert_eq!(ask(&["config", "user.name"]), "Auto");
    assert_eq!(ask(&["remote"]), "");
    assert_eq!(ask(&["fsck"]), "");
}

#[tokio::test]
async fn commits_bear_our_words_and_the_wanted_name() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let theirs = [
        ("user.name", "Grace <H>"),
        ("user.email", "grace@example.com"),
    ];
    for (key, value) in theirs {
        git(&scene.checkout, &["config", key, value]);
    }
    for (author, expect) in [
        (habits().author, "Auto <auto@example.com>"),
        (None, "Grace H <grace@example.com>"),
    ] {
        let habits = Habits {
            author,
            ..Habits::default()
        };
        let repository = scene.open_with(habits).await.unwrap();
        let workspace = prepare(&repository, 0, 1).await;
        write(&workspace.path, "a.txt", "two\n");
        let taken = capture(&repository, &workspace, 1).await;
        let mut words = message(1);
        words.subject = " Add\0 a\r\nthing ".to_owned();
        let commit = repository
            .commit(&taken, std::slice::from_ref(&workspace.base), &words)
            .await
            .unwrap();
        let format = "--format=%an <%ae>%n%cn <%ce>%n%B";
        let said = scene.ask_mirror(&["show", "-s", format, commit.id.as_str()]);
        let expect = format!("{expect}\n{expect}\nAdd a thing\n\nIt does it.\n\nRefs #1");
        assert_eq!(said, expect);
        words.subject = "\n".to_owned();
        words.body = " ".to_owned();
        let commit = repository
            .commit(&taken, std::slice::from_ref(&workspace.base), &words)
            .await
            .unwrap();
        let said = scene.ask_mirror(&["show", "-s", "--format=%B", commit.id.as_str()]);
        assert_eq!(said, "Work on #1\n\nRefs #1");
        repository.release(workspace).await.unwrap();
    }
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
    capture(&repository, &first, 1).await;
    repository.release(first).await.unwrap();

    let inode = fs::metadata(scene.place().slots.join("free-0"))
        .unwrap()
        .ino();
    let second = prepare(&repository, 0, 2).await;
    assert_eq!(
        fs::metadata(&second.path).unwrap().ino(),
        inode,
        "the slot was used again"
    );
    assert_eq!(names(&second.path), [".git", ".gitignore", "a.txt"]);
    assert_eq!(fs::read(second.path.join("a.txt")).unwrap(), b"one\n");
    assert_eq!(git(&second.path, &["tag"]), "");
    let status = git(&second.path, &["status", "--porcelain", "-b"]);
    assert_eq!(status, "## autoissue/2-a-thing");
}

#[tokio::test]
async fn an_attempt_that_changes_nothing_has_an_empty_difference() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    let taken = capture(&repository, &workspace, 1).await;
    assert_eq!((taken.diff.files, taken.concern), (0, None));
}

#[tokio::test]
async fn a_branch_is_never_moved_over_a_foreign_commit() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    write(&workspace.path, "a.txt", "ours\n");
    let taken = capture(&repository, &workspace, 1).await;
    let ours = repository
        .commit(&taken, std::slice::from_ref(&workspace.base), &message(1))
        .await
        .unwrap()
        .id;
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
        match repository.push(&branch(1), &ours, expected).await {
            Err(RepositoryError::Foreign { found, .. }) => assert_eq!(found, theirs),
            other => panic!("{other:?}"),
        }
    }
    let stands = || git(&scene.origin, &["rev-parse", "autoissue/1-a-thing"]);
    assert_eq!(stands(), theirs.as_str());
    // From what was really there it moves, and again is done already.
    repository
        .push(&branch(1), &ours, Some(&theirs))
        .await
        .unwrap();
    repository.push(&branch(1), &ours, None).await.unwrap();
    assert_eq!(stands(), ours.as_str());

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
async fn one_that_is_refused_keeps_no_other_out() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    // A server that refuses a whole push for one branch in it, as push protection does.
    let hook = "#!/bin/sh\nif grep -q autoissue/3-; then echo 'no secrets here' >&2; exit 1; fi\n";
    crate::repos::write_script(&scene.origin, "hooks/pre-receive", hook);
    git(
        &scene.checkout,
        &[
            "push",
            "-q",
            "origin",
            "main:refs/heads/autoissue/5-a-thing",
        ],
    );
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    write(&workspace.path, "a.txt", "two\n");
    let snapshot = capture(&repository, &workspace, 1).await.snapshot;
    let heads: Vec<BranchName> = (1..=8).map(branch).collect();
    let pushes = heads
        .iter()
        .map(|head| repository.push(head, &snapshot, None));
    let results = futures::future::join_all(pushes).await;
    for (issue, result) in (1..).zip(results) {
        match (issue, result) {
            (3, Err(RepositoryError::Declined { reason, .. })) => {
                assert!(reason.contains("no secrets here"), "{reason}");
            }
            (5, Err(RepositoryError::Foreign { found, .. })) => assert_eq!(found, workspace.base),
            (_, result) => result.unwrap(),
        }
    }
    assert_eq!(repository.remote_branches().await.unwrap().len(), 7);
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
async fn harmless_faults_of_old_histories_are_taken_and_dangerous_ones_refused() {
    // A zero-padded mode, as old tools wrote it; and a tree that would write into `.git`.
    for (mode, name, fine) in [
        ("0100644", "a.txt", true),
        ("100644", ".git", false),
        ("100644", "..", false),
    ] {
        let scene = Scene::new(&[("a.txt", "one\n")]);
        let blob = git(&scene.checkout, &["rev-parse", "HEAD:a.txt"]);
        let mut tree = format!("{mode} {name}\0").into_bytes();
        tree.extend((0..20).map(|at| u8::from_str_radix(&blob[2 * at..2 * at + 2], 16).unwrap()));
        fs::write(scene.root.join("tree"), tree).unwrap();
        let args = ["hash-object", "-t", "tree", "-w", "--literally", "../tree"];
        let tree = git(&scene.checkout, &args);
        let commit = git(
            &scene.checkout,
            &["commit-tree", "-m", "odd", "-p", "HEAD", &tree],
        );
        git(
            &scene.checkout,
            &["push", "-q", "origin", &format!("{commit}:refs/heads/main")],
        );
        assert_eq!(
            scene.open_with(habits()).await.is_ok(),
            fine,
            "{mode} {name}"
        );
        // The control: without the check git takes it.
        git(
            &scene.root,
            &[
                "clone",
                "-q",
                "--bare",
                "--no-local",
                "origin.git",
                "control.git",
            ],
        );
    }
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
        let refused = open(scene.place(), source, habits()).await;
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
}

#[tokio::test]
async fn cleaning_removes_what_nobody_needs_and_says_what_stays() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let repository = scene.open().await;
    let (first, second) = (
        prepare(&repository, 0, 1).await,
        prepare(&repository, 1, 2).await,
    );
    drop(repository.checkout(&first.base).await.unwrap());
    repository.release(first).await.unwrap();
    write(&scene.place().slots, "issue-3/work.txt", "x");
    write(&scene.place().slots, "notes.txt", "x");
    let said = |cleaned: Vec<autoissue::adapters::git::clean::Cleaned>| -> Vec<String> {
        let line = |one: &autoissue::adapters::git::clean::Cleaned| {
            let name = one.path.file_name().unwrap().to_string_lossy().into_owned();
            format!("{name}: {}", one.kept.as_deref().unwrap_or("removed"))
        };
        cleaned.iter().map(line).collect()
    };
    let expect = [
        "check-0: removed",
        "free-0: removed",
        "issue-2: it is in use",
        "issue-3: nobody knows what it holds",
        "notes.txt: it is not ours",
    ];
    assert_eq!(said(repository.clean().await.unwrap()), expect);
    assert_eq!(
        names(&scene.place().slots),
        ["issue-2", "issue-3", "notes.txt"]
    );
    // Whoever used it is gone, and it may hold work.
    drop(repository);
    let repository = scene.open().await;
    let left = said(repository.clean().await.unwrap());
    assert!(left[0].starts_with("issue-2: it may hold work"), "{left:?}");
    assert!(second.path.join("a.txt").exists());
    // Slots work as before.
    let workspace = prepare(&repository, 0, 4).await;
    assert_eq!(git(&workspace.path, &["status", "--porcelain"]), "");
}
