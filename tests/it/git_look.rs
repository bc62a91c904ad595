//! What a look at running work sees, what it costs, and that nothing of it runs or stays.

use crate::repos::{Scene, capture, names, prepare, try_git, write, write_script};
use autoissue::adapters::git::repository::GitRepository;
use autoissue::ports::{Look, Repository};
use autoissue::rules::ids::{CommitId, IssueNumber};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

async fn look(repository: &GitRepository, issue: u64) -> Box<dyn Look> {
    repository.look(&[IssueNumber(issue)]).await.unwrap()
}

fn paths(look: &dyn Look) -> Vec<String> {
    let [seen] = look.seen() else {
        panic!("{:?}", look.seen());
    };
    seen.diff.paths.clone()
}

/// What a file of the seen work holds: its objects are in a directory of the look's own.
fn content(scene: &Scene, look: &dyn Look, path: &str) -> String {
    let looks = scene.mirror().join("autoissue/looks");
    let [name] = &names(&looks)[..] else {
        panic!("one look at {}", looks.display());
    };
    let file = format!("{}:{path}", look.seen()[0].commit);
    let said = Command::new("git")
        .args(["cat-file", "blob", &file])
        .current_dir(scene.mirror())
        .env(
            "GIT_ALTERNATE_OBJECT_DIRECTORIES",
            looks.join(name).join("objects"),
        )
        .output()
        .unwrap();
    assert!(said.status.success(), "{said:?}");
    String::from_utf8(said.stdout).unwrap()
}

const FILES: [(&str, &str); 6] = [
    ("a.txt", "one\n"),
    ("b.txt", "two\n"),
    ("deep/c.txt", "three\n"),
    ("deep/er/d.txt", "four\n"),
    ("run.sh", "#!/bin/sh\n"),
    (".gitignore", "target/\n*.log\n"),
];

/// All kinds of changes at once.
fn work(tree: &Path) {
    write(tree, "a.txt", "changed\n");
    fs::remove_file(tree.join("b.txt")).unwrap();
    fs::remove_dir_all(tree.join("deep/er")).unwrap();
    symlink("../a.txt", tree.join("deep/link")).unwrap();
    write_script(tree, "run.sh", "#!/bin/sh\n");
    write(tree, "target/debug/out", "built\n");
    write(tree, "x.log", "noise\n");
    write(tree, "new/.gitignore", "cache/\n!kept.log\n");
    write(tree, "new/kept.log", "kept\n");
    write(tree, "new/cache/big", "big\n");
    write(tree, "new/deeper/e.txt", "five\n");
    write(tree, "vendor/.git/config", "[core]\n");
    write(tree, "vendor/f.txt", "six\n");
}

#[tokio::test]
async fn a_look_sees_what_taking_the_files_in_would_take() {
    for format in ["sha1", "sha256"] {
        let scene = Scene::with_format(format, &FILES);
        let repository = scene.open().await;
        let workspace = prepare(&repository, 0, 1).await;
        write(&workspace.path, "setup/made", "by setup\n");
        repository.seal(&workspace).await.unwrap();
        let untouched = look(&repository, 1).await;
        assert_eq!(paths(&*untouched), [""; 0], "{format}");
        work(&workspace.path);
        let seen = look(&repository, 1).await;
        let told = paths(&*seen);
        let taken = capture(&repository, &workspace, 1).await;
        assert_eq!(told, taken.diff.paths, "{format}");
        assert!(told.contains(&"new/deeper/e.txt".to_owned()), "{told:?}");
        // What was taken in already still counts, and so does what comes after it.
        write(&workspace.path, "more.txt", "more\n");
        let later = paths(&*look(&repository, 1).await);
        assert_eq!(later.len(), told.len() + 1, "{later:?}");
        repository.release(workspace).await.unwrap();
        assert!(
            look(&repository, 1).await.seen().is_empty(),
            "nobody works on it"
        );
    }
}

#[tokio::test]
async fn no_link_is_followed_nothing_waits_and_nothing_of_a_look_stays() {
    let scene = Scene::new(&FILES);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    let (at, outside) = (&workspace.path, scene.root.join("outside"));
    write(&outside, "secret", "the secret\n");
    symlink(outside.join("secret"), at.join("stolen")).unwrap();
    symlink(&outside, at.join("away")).unwrap();
    // A tracked file, and a directory above one, are links by now.
    fs::remove_file(at.join("a.txt")).unwrap();
    symlink(outside.join("secret"), at.join("a.txt")).unwrap();
    fs::rename(at.join("deep"), scene.root.join("elsewhere")).unwrap();
    symlink(scene.root.join("elsewhere"), at.join("deep")).unwrap();
    // Whoever opens a pipe waits for its other end, and this file is read to no end.
    mkfifo(&at.join("pipe"), Mode::S_IRWXU).unwrap();
    mkfifo(&at.join("new-pipe"), Mode::S_IRWXU).unwrap();
    fs::remove_file(at.join("b.txt")).unwrap();
    mkfifo(&at.join("b.txt"), Mode::S_IRWXU).unwrap();
    let huge = fs::File::create(at.join("huge")).unwrap();
    huge.set_len(1 << 40).unwrap();
    let looked = look(&repository, 1).await;
    assert_eq!(
        paths(&*looked),
        [
            "a.txt",
            "away",
            "b.txt",
            "deep",
            "deep/c.txt",
            "deep/er/d.txt",
            "huge",
            "stolen"
        ]
    );
    for link in ["stolen", "a.txt"] {
        let led = content(&scene, &*looked, link);
        assert!(led.ends_with("outside/secret"), "the link itself: {led}");
        let followed = fs::read_to_string(at.join(link)).unwrap();
        assert_eq!(followed, "the secret\n", "the control");
    }
    let commit = looked.seen()[0].commit.to_string();
    let is_in_mirror = || {
        try_git(&scene.mirror(), &["cat-file", "-e", &commit])
            .status
            .success()
    };
    assert!(!is_in_mirror(), "not even while the look lasts");
    drop(looked);
    let looks = scene.mirror().join("autoissue/looks");
    while !names(&looks).is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(!is_in_mirror());
}

#[tokio::test]
async fn two_that_work_are_tried_with_each_other_and_with_what_is_done() {
    let scene = Scene::new(&[("a.txt", "one\n"), ("b.txt", "two\n")]);
    let repository = scene.open().await;
    let mut workspaces = Vec::new();
    for (slot, issue) in (0..).zip([1, 2, 3]) {
        let workspace = prepare(&repository, slot, issue).await;
        let file = if issue == 3 { "b.txt" } else { "a.txt" };
        write(&workspace.path, file, format!("by {issue}\n"));
        workspaces.push(workspace);
    }
    let done = capture(&repository, &workspaces[0], 1).await.snapshot;
    let issues = [1, 2, 3].map(IssueNumber);
    let looked = repository.look(&issues).await.unwrap();
    let [one, two, three] = looked.seen() else {
        panic!("{:?}", looked.seen());
    };
    let pair = |one: &CommitId, other: &CommitId| (one.clone(), other.clone());
    let pairs = [
        pair(&one.commit, &two.commit),
        pair(&done, &two.commit),
        pair(&done, &one.commit),
        pair(&two.commit, &three.commit),
    ];
    let found = looked.test_merges(&pairs).await.unwrap();
    assert_eq!(found, [vec!["a.txt"], vec!["a.txt"], vec![], vec![]]);
}

#[tokio::test]
async fn a_look_at_untouched_files_starts_no_git() {
    let scene = Scene::new(&FILES);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    // Without it, whatever git is asked, it says that there is no repository.
    let (head, away) = (
        scene.mirror().join("HEAD"),
        scene.mirror().join("HEAD.away"),
    );
    fs::rename(&head, &away).unwrap();
    assert_eq!(paths(&*look(&repository, 1).await), [""; 0]);
    write(&workspace.path, "a.txt", "changed\n");
    assert!(look(&repository, 1).await.seen().is_empty(), "the control");
    fs::rename(&away, &head).unwrap();
    assert_eq!(paths(&*look(&repository, 1).await), ["a.txt"]);
}
