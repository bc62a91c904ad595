//! Many slots at once, in one process and in several; and what a killed process leaves.

use crate::repos::{FIRST, Scene, branch, capture, git, habits, message, order, prepare, write};
use autoissue::adapters::git::repository::{GitRepository, open};
use autoissue::adapters::git::source::Habits;
use autoissue::ports::{Repository, RepositoryError};
use autoissue::rules::ids::{CommitId, IssueNumber};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const SLOTS: u32 = 20;
const ROUNDS: u32 = 3;
const SCENE: &str = "GIT_TEST_SCENE";

async fn one_task(repository: &GitRepository, slot: u32, issue: u64) {
    let workspace = prepare(repository, slot, issue).await;
    repository.seal(&workspace).await.unwrap();
    write(
        &workspace.path,
        &format!("new-{issue}.txt"),
        format!("{issue}\n"),
    );
    write(&workspace.path, "shared.txt", format!("{issue}\n"));
    let taken = capture(repository, &workspace, issue).await;
    let commit = repository
        .commit(
            &taken,
            std::slice::from_ref(&workspace.base),
            &message(issue),
        )
        .await
        .unwrap();
    let checks = repository.checkout(&commit.id).await.unwrap();
    assert_eq!(
        fs::read_to_string(checks.path().join("shared.txt")).unwrap(),
        format!("{issue}\n")
    );
    // Issues with the same title have a branch each.
    repository
        .push(&branch(issue), &commit.id, None)
        .await
        .unwrap();
    repository.release(workspace).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_slots_at_once_lose_nothing() {
    let scene = Scene::new(&[("a.txt", "x\n"), ("shared.txt", "x\n")]);
    let repository = Arc::new(scene.open().await);
    let tasks = (0..SLOTS).map(|slot| {
        let repository = Arc::clone(&repository);
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                one_task(&repository, slot, u64::from(round * 100 + slot + 1)).await;
            }
        })
    });
    for done in futures::future::join_all(tasks).await {
        done.unwrap();
    }
    let heads = repository.remote_branches().await.unwrap();
    assert_eq!(heads.len(), usize::try_from(SLOTS * ROUNDS).unwrap());
    for (branch, commit) in heads {
        let issue = branch
            .as_str()
            .strip_prefix("autoissue/")
            .unwrap()
            .split('-')
            .next()
            .unwrap();
        let names = git(
            &scene.origin,
            &["diff", "--name-only", "main", commit.as_str()],
        );
        assert_eq!(names, format!("new-{issue}.txt\nshared.txt"));
        assert_eq!(
            git(&scene.origin, &["show", &format!("{commit}:shared.txt")]),
            issue
        );
    }
    let left: BTreeSet<String> = fs::read_dir(scene.place().slots)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with("check-") && !name.starts_with("free-"))
        .collect();
    assert_eq!(left, BTreeSet::new());
}

#[tokio::test]
async fn two_sessions_share_a_mirror_and_not_their_slots() {
    let scene = Scene::new(&[("a.txt", "x\n"), ("shared.txt", "x\n")]);
    let (one, two) = tokio::join!(scene.open(), scene.open());
    let (first, second) = tokio::join!(prepare(&one, 0, 1), prepare(&two, 0, 2));
    assert_ne!(first.slot, second.slot);
    assert!(first.path.is_dir() && second.path.is_dir());
    let same = order(0, 1, &first.base);
    match two.prepare(&same).await {
        Err(RepositoryError::Busy { holder, .. }) => {
            assert_eq!(holder, std::process::id().to_string());
        }
        other => panic!("{other:?}"),
    }
    match one.prepare(&same).await {
        Err(RepositoryError::Busy { .. }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(
        one.leftover(IssueNumber(1)).await.unwrap(),
        None,
        "it is in use"
    );
    one.release(first).await.unwrap();
    two.release(second).await.unwrap();
    tokio::join!(one_task(&one, 0, 3), one_task(&two, 0, 4));
}

/// This test in a process of its own, over the scene; returns once it said that it is ready.
fn start_actor(scene: &Scene) -> Child {
    let mut actor = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "git_parallel::a_process_works_until_it_is_killed",
            "--nocapture",
        ])
        .env(SCENE, &scene.root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(actor.stdout.take().unwrap()).lines();
    let ready = lines.map_while(Result::ok).any(|line| line == "ready");
    assert!(ready, "the actor did not get ready");
    actor
}

#[tokio::test]
async fn a_process_works_until_it_is_killed() {
    let played = std::env::var_os(SCENE);
    let actor = played.is_some();
    let scene = match played {
        Some(root) => Scene::of(root.into()),
        None => Scene::new(&[("a.txt", "one\n")]),
    };
    write(&scene.checkout, ".env", "SECRET=1\n");
    let copying = Habits {
        copy: vec![".env".to_owned()],
        ..habits()
    };
    let repository = scene.open_with(copying).await.unwrap();
    let workspace = prepare(&repository, 0, 7).await;
    repository.seal(&workspace).await.unwrap();
    write(&workspace.path, "work.txt", "precious\n");
    write(&workspace.path, "a.txt", "changed\n");
    if actor {
        writeln!(std::io::stdout(), "\nready").unwrap();
        // Until it is killed, or its parent dies.
        std::io::stdin().lines().for_each(drop);
    }
    assert!(workspace.path.join("work.txt").exists());
}

#[tokio::test]
async fn files_of_a_killed_process_are_found_and_taken_in() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let mut actor = start_actor(&scene);
    let repository = scene.open().await;
    let base = repository.fetch("main").await.unwrap();
    match repository.leftover(IssueNumber(7)).await {
        Err(RepositoryError::Busy { holder, .. }) => assert_eq!(holder, actor.id().to_string()),
        other => panic!("{other:?}"),
    }
    actor.kill().unwrap();
    actor.wait().unwrap();

    let workspace = repository.leftover(IssueNumber(7)).await.unwrap().unwrap();
    assert_eq!((&workspace.base, &workspace.start), (&base, &base));
    let taken = capture(&repository, &workspace, 7).await;
    assert_eq!(
        taken.diff.paths,
        ["a.txt", "work.txt"],
        "and not the copied .env"
    );
    repository.release(workspace).await.unwrap();
    assert_eq!(repository.leftover(IssueNumber(7)).await.unwrap(), None);
}

#[tokio::test]
async fn files_that_nobody_asked_for_are_kept_before_their_place_is_used() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    for again in [false, true] {
        let mut actor = start_actor(&scene);
        actor.kill().unwrap();
        actor.wait().unwrap();
        let repository = scene.open().await;
        scene.push(&[("b.txt", if again { "1" } else { "2" })]);
        let listed = || {
            scene.ask_mirror(&[
                "for-each-ref",
                "--format=%(objectname)",
                "refs/autoissue/keep",
            ])
        };
        let before = listed();
        let workspace = prepare(&repository, 0, 7).await;
        assert!(!workspace.path.join("work.txt").exists());
        let after = listed();
        let kept = after.lines().find(|id| !before.contains(id)).unwrap();
        let kept = CommitId::new(kept);
        assert_eq!(scene.content(&kept, "work.txt"), "precious");
        repository.release(workspace).await.unwrap();
    }
    // A directory of unknown origin is not deleted either.
    let stray = scene.place().slots.join("issue-9");
    write(&stray, "work.txt", "precious\n");
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 9).await;
    assert!(!workspace.path.join("work.txt").exists());
    let kept = scene.place().slots.join("kept-9-1/work.txt");
    assert_eq!(fs::read(kept).unwrap(), b"precious\n");
}

#[tokio::test]
async fn locks_of_gits_that_were_killed_are_in_nobody_s_way() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    repository.release(workspace).await.unwrap();
    drop(repository);
    let mirror = scene.mirror();
    for lock in [
        "refs/remotes/origin/main.lock",
        "packed-refs.lock",
        "autoissue/slots/0/index.lock",
    ] {
        write(&mirror, lock, "");
    }
    let newest = scene.push(&[("a.txt", "two\n")]);
    // The control: git by itself gives up.
    let fetch = [
        "fetch",
        "-q",
        scene.origin.to_str().unwrap(),
        "+refs/heads/*:refs/remotes/origin/*",
    ];
    assert!(!crate::repos::try_git(&mirror, &fetch).status.success());
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    assert_eq!(workspace.base, newest);
}

#[tokio::test]
async fn a_mirror_is_there_whole_or_not_at_all() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    // What a process leaves that is killed while it clones.
    write(
        &scene.root.join("state"),
        "mirror.git.new/HEAD",
        "ref: refs/heads/x\n",
    );
    write(
        &scene.root.join("state"),
        "mirror.git/objects/pack/tmp_pack_1",
        "x",
    );
    let place = scene.place();
    let (one, two) = tokio::join!(
        open(place.clone(), scene.source(&scene.origin), habits()),
        open(place, scene.source(&scene.origin), habits()),
    );
    let base = one.unwrap().fetch("main").await.unwrap();
    assert_eq!(two.unwrap().fetch("main").await.unwrap(), base);
    assert!(!scene.root.join("state/mirror.git.new").exists());
}

#[tokio::test]
async fn a_note_of_what_was_never_done_is_no_leftover() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    let note = scene.mirror().join("autoissue/slots/0/work.json");
    let noted = fs::read(&note).unwrap();
    repository.release(workspace).await.unwrap();
    // Killed when the worktree was back, and the note still there; meanwhile another slot has the issue.
    fs::write(&note, noted).unwrap();
    let workspace = repository
        .prepare(&order(1, 1, &repository.fetch("main").await.unwrap()))
        .await
        .unwrap();
    assert_eq!(workspace.slot.0, 1);
    write(&workspace.path, "work.txt", "precious\n");
    drop(repository);
    let repository = scene.open().await;
    let found = repository.leftover(IssueNumber(1)).await.unwrap().unwrap();
    assert_eq!(found, workspace);
    let taken = capture(&repository, &found, 1).await;
    assert_eq!(taken.diff.paths, ["work.txt"]);
    // And the slot of that note is not lost.
    let next = prepare(&repository, 0, 2).await;
    assert_eq!(next.slot.0, 0);
}

/// Begins the call, gives it so much time, and drops it if that was not enough.
async fn interrupt<T>(millis: u64, call: impl Future<Output = T>) {
    let _ = tokio::time::timeout(Duration::from_millis(millis), call).await;
}

#[tokio::test]
async fn calls_that_are_interrupted_can_be_made_again() {
    let scene = Scene::new(&[("a.txt", "one\n"), ("shared.txt", "x\n")]);
    let repository = scene.open().await;
    for millis in [0, 1, 2, 3, 5, 8, 13, 21] {
        let issue = millis + 1;
        scene.push(&[("b.txt", &format!("{millis}\n"))]);
        interrupt(millis, repository.fetch("main")).await;
        let base = repository.fetch("main").await.unwrap();
        let order = order(0, issue, &base);
        let mut prepared = None;
        interrupt(millis, async {
            prepared = repository.prepare(&order).await.ok();
        })
        .await;
        let workspace = match prepared {
            Some(workspace) => workspace,
            None => repository.prepare(&order).await.unwrap(),
        };
        interrupt(millis, repository.seal(&workspace)).await;
        repository.seal(&workspace).await.unwrap();
        write(&workspace.path, "a.txt", format!("{millis}\n"));
        interrupt(
            millis,
            repository.capture(&workspace, IssueNumber(issue), FIRST),
        )
        .await;
        let taken = capture(&repository, &workspace, issue).await;
        assert_eq!(taken.diff.paths, ["a.txt"]);
        interrupt(
            millis,
            repository.commit(&taken, std::slice::from_ref(&base), &message(issue)),
        )
        .await;
        let commit = repository
            .commit(&taken, std::slice::from_ref(&base), &message(issue))
            .await
            .unwrap();
        interrupt(millis, repository.checkout(&commit.id)).await;
        repository.checkout(&commit.id).await.unwrap();
        interrupt(millis, repository.push(&branch(issue), &commit.id, None)).await;
        repository
            .push(&branch(issue), &commit.id, None)
            .await
            .unwrap();
        interrupt(millis, repository.release(workspace.clone())).await;
        repository.release(workspace).await.unwrap();
    }
    assert_eq!(repository.remote_branches().await.unwrap().len(), 8);
}
