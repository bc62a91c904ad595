//! What is old, or more than the ceiling allows, goes as a process comes in; what may be needed stays.

use crate::repos::{Scene, capture, git, habits, names, prepare, write};
use autoissue::adapters::git::source::{Habits, Retention};
use autoissue::ports::Repository;
use std::time::{Duration, SystemTime};

fn keeping(retention: Retention) -> Habits {
    Habits {
        retention,
        ..habits()
    }
}

/// The commits of ours that the mirror keeps, by their kind.
fn kept(scene: &Scene) -> Vec<String> {
    let listing = scene.ask_mirror(&[
        "for-each-ref",
        "--format=%(refname:lstrip=3)",
        "refs/autoissue/keep",
    ]);
    let kind = |name: &str| name.rsplit_once('-').map(|(kind, _)| kind.to_owned());
    listing.lines().filter_map(kind).collect()
}

#[tokio::test]
async fn old_work_goes_once_nobody_needs_it() {
    let scene = Scene::new(&[("a.txt", "x\n")]);
    {
        let repository = scene.open().await;
        let workspace = prepare(&repository, 0, 7).await;
        write(&workspace.path, "a.txt", "y\n");
        capture(&repository, &workspace, 7).await;
        repository.release(workspace).await.unwrap();
    }
    // Where git has packed them there is no file for each any more.
    git(&scene.mirror(), &["pack-refs", "--all"]);
    assert_eq!(kept(&scene), ["7-1", "base"]);
    let before = |before| {
        keeping(Retention {
            before: Some(before),
            ceiling: None,
        })
    };
    let hour = Duration::from_secs(3600);
    let open = async |habits| drop(scene.open_with(habits).await.unwrap());
    open(before(SystemTime::now() - hour)).await;
    assert_eq!(kept(&scene), ["7-1", "base"], "it is young");
    open(before(SystemTime::now() + hour)).await;
    assert_eq!(kept(&scene), ["7-1", "base"], "it was looked for today");
    std::fs::remove_file(scene.mirror().join("autoissue/tidied")).unwrap();
    open(before(SystemTime::now() + hour)).await;
    assert_eq!(kept(&scene), ["base"]);
}

#[tokio::test]
async fn worktrees_that_nobody_uses_go_where_all_take_too_much() {
    let scene = Scene::new(&[("a.txt", "x\n")]);
    let big = "x".repeat(2 << 20);
    {
        let repository = scene.open().await;
        for (slot, issue) in [(0, 1), (1, 2)] {
            let workspace = prepare(&repository, slot, issue).await;
            write(&workspace.path, "big.txt", &big);
            if issue == 1 {
                repository.release(workspace).await.unwrap();
            } else {
                repository.leave(workspace).await;
            }
        }
    }
    let slots = scene.place().slots;
    let ceiling = |megabytes: u64| {
        keeping(Retention {
            before: None,
            ceiling: Some(megabytes << 20),
        })
    };
    drop(scene.open_with(ceiling(100)).await.unwrap());
    assert_eq!(names(&slots), ["free-0", "issue-2"]);
    drop(scene.open_with(ceiling(3)).await.unwrap());
    assert_eq!(names(&slots), ["issue-2"], "what holds work stays");
    drop(scene.open_with(ceiling(1)).await.unwrap());
    assert_eq!(names(&slots), ["issue-2"]);
    let repository = scene.open_with(ceiling(1)).await.unwrap();
    let workspace = prepare(&repository, 0, 3).await;
    assert_eq!(
        names(&workspace.path),
        [".git", "a.txt"],
        "a new one is made"
    );
}
