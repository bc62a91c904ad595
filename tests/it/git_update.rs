//! A branch that stands on work which was squashed into its base is brought onto it by what it adds.

use crate::repos::{Scene, capture, git, message, order, write};
use autoissue::adapters::git::repository::GitRepository;
use autoissue::ports::Repository;
use autoissue::rules::follow::shape::Landed;
use autoissue::rules::ids::CommitId;

/// A commit of an issue's own on a base, with this in `a.txt`.
async fn work(repository: &GitRepository, issue: u64, base: &CommitId, text: &str) -> CommitId {
    let workspace = repository.prepare(&order(0, issue, base)).await.unwrap();
    repository.seal(&workspace).await.unwrap();
    write(&workspace.path, "a.txt", text);
    let taken = capture(repository, &workspace, issue).await;
    let parents = std::slice::from_ref(base);
    let commit = repository.commit(&taken, parents, &message(issue)).await;
    repository.release(workspace).await.unwrap();
    commit.unwrap().id
}

/// A base whose first file was changed by `below`, on which `above` stands; `below` landed as one new commit.
struct Stacked {
    scene: Scene,
    repository: GitRepository,
    above: CommitId,
    landed: [Landed; 1],
}

async fn stacked() -> Stacked {
    let scene = Scene::new(&[("a.txt", "one\ntwo\nthree\n")]);
    let repository = scene.open().await;
    let old = repository.fetch("main").await.unwrap();
    let below = work(&repository, 1, &old, "one\nTWO\nthree\n").await;
    let above = work(&repository, 2, &below, "one\nTWO and more\nthree\n").await;
    let merged_as = scene.push(&[("a.txt", "one\nTWO\nthree\n"), ("other.txt", "x\n")]);
    let landed = [Landed {
        head: below,
        merged_as,
    }];
    Stacked {
        scene,
        repository,
        above,
        landed,
    }
}

#[tokio::test]
async fn work_that_landed_as_another_commit_does_not_conflict_with_itself() {
    let Stacked {
        scene,
        repository,
        above,
        landed,
    } = stacked().await;
    let base = repository.fetch("main").await.unwrap();
    // The control: by their histories alone both have changed the line, each in its own way.
    let joined = repository.update(&base, &above, &[]).await.unwrap();
    assert_eq!(joined.clashes[0].paths, ["a.txt"]);

    let joined = repository.update(&base, &above, &landed).await.unwrap();
    assert_eq!(joined.clashes, []);
    assert_eq!(
        scene.content(&joined.base, "a.txt"),
        "one\nTWO and more\nthree"
    );
    assert_eq!(scene.content(&joined.base, "other.txt"), "x");
    let parents = scene.ask_mirror(&["log", "-1", "--format=%P", joined.base.as_str()]);
    assert_eq!(parents, format!("{base} {above}"));

    // From here on the two have that in common: what was solved once does not come back.
    let later = scene.push(&[("other.txt", "y\n")]);
    repository.fetch("main").await.unwrap();
    let again = repository
        .update(&later, &joined.base, &landed)
        .await
        .unwrap();
    assert_eq!(again.clashes, []);
    assert_eq!(
        scene.content(&again.base, "a.txt"),
        "one\nTWO and more\nthree"
    );
}

#[tokio::test]
async fn what_the_base_took_back_does_not_come_back() {
    let Stacked {
        scene,
        repository,
        landed,
        ..
    } = stacked().await;
    let old = repository.fetch("main").await.unwrap();
    let above = {
        let workspace = repository
            .prepare(&order(0, 2, &landed[0].head))
            .await
            .unwrap();
        repository.seal(&workspace).await.unwrap();
        write(&workspace.path, "b.txt", "mine\n");
        let taken = capture(&repository, &workspace, 2).await;
        let parents = std::slice::from_ref(&landed[0].head);
        let commit = repository
            .commit(&taken, parents, &message(2))
            .await
            .unwrap();
        repository.release(workspace).await.unwrap();
        commit.id
    };
    git(&scene.checkout, &["revert", "--no-edit", old.as_str()]);
    git(&scene.checkout, &["push", "-q", "origin", "main"]);
    let base = repository.fetch("main").await.unwrap();
    let joined = repository.update(&base, &above, &landed).await.unwrap();
    assert_eq!(scene.content(&joined.base, "a.txt"), "one\ntwo\nthree");
    assert_eq!(scene.content(&joined.base, "b.txt"), "mine");
    // The control: by their histories alone it is new work of the branch's.
    let plain = repository.update(&base, &above, &[]).await.unwrap();
    assert_eq!(scene.content(&plain.base, "a.txt"), "one\nTWO\nthree");
}

#[tokio::test]
async fn real_conflicts_stay_and_unknown_work_changes_nothing() {
    let Stacked {
        scene,
        repository,
        above,
        landed,
    } = stacked().await;
    let base = scene.push(&[("a.txt", "one\nTWO or less\nthree\n")]);
    repository.fetch("main").await.unwrap();
    let joined = repository.update(&base, &above, &landed).await.unwrap();
    assert_eq!(joined.base, base);
    assert_eq!(joined.clashes[0].paths, ["a.txt"]);
    assert_eq!(joined.clashes[0].commit, above);
    let marked = scene.content(&joined.clashes[0].start, "a.txt");
    assert!(
        marked.contains("TWO or less") && marked.contains("TWO and more"),
        "{marked}"
    );
    let gone = [Landed {
        merged_as: CommitId::new("e".repeat(40)),
        ..landed[0].clone()
    }];
    let joined = repository.update(&base, &above, &gone).await.unwrap();
    assert_eq!(joined.clashes.len(), 1);
}
