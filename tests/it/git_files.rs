//! Files of every kind, through capture and back; and worktrees that an agent broke.

use crate::repos::{FIRST, Scene, capture, git, names, order, prepare, write, write_script};
use autoissue::ports::{Repository, RepositoryError};
use autoissue::rules::ids::IssueNumber;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

const ISSUE: IssueNumber = IssueNumber(1);

/// Names that a person would rather not see.
const ODD: [&str; 8] = [
    "new\nline",
    "\"quotes\" 'too'",
    "$(touch x); `id`",
    "-rf",
    " blank ",
    "Case",
    "case",
    "tab\t*?[a]",
];

#[tokio::test]
async fn files_keep_their_names_modes_and_links() {
    let scene = Scene::new(&[("kept.txt", "x\n")]);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    let at = &workspace.path;
    let raw = OsStr::from_bytes(b"caf\xe9");
    fs::write(at.join(raw), "latin\n").unwrap();
    for name in ODD {
        write(at, name, "x\n");
    }
    write_script(at, "run.sh", "#!/bin/sh\n");
    symlink("/etc/passwd", at.join("absolute")).unwrap();
    symlink("nowhere", at.join("dangling")).unwrap();
    fs::create_dir(at.join("empty")).unwrap();

    let taken = capture(&repository, &workspace, 1).await;
    assert_eq!(taken.concern, None);
    let mut found = scene.files(taken.snapshot.as_str());
    let mut expect: Vec<String> = ODD.iter().map(|name| format!("100644 {name}")).collect();
    expect.push(format!("100644 {}", raw.to_string_lossy()));
    let others = [
        "100755 run.sh",
        "120000 absolute",
        "120000 dangling",
        "100644 kept.txt",
    ];
    expect.extend(others.map(ToOwned::to_owned));
    expect.sort();
    found.sort();
    assert_eq!(found, expect);
    assert_eq!(scene.content(&taken.snapshot, "absolute"), "/etc/passwd");

    // And out again, byte for byte.
    let checks = repository.checkout(&taken.snapshot).await.unwrap();
    let there = |name: &OsStr| checks.path().join(name);
    assert_eq!(fs::read(there(raw)).unwrap(), b"latin\n");
    assert_eq!(fs::read(there(OsStr::new(ODD[0]))).unwrap(), b"x\n");
    let mode = fs::metadata(there(OsStr::new("run.sh")))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o111, 0o111);
    let link = fs::read_link(there(OsStr::new("dangling"))).unwrap();
    assert_eq!(link, OsStr::new("nowhere"));
    assert!(!there(OsStr::new("empty")).exists());
}

#[tokio::test]
async fn files_and_directories_may_change_places() {
    let scene = Scene::new(&[
        ("deleted.txt", "x\n"),
        ("one", "x\n"),
        ("two/inside", "x\n"),
    ]);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    let at = &workspace.path;
    for file in ["deleted.txt", "one"] {
        fs::remove_file(at.join(file)).unwrap();
    }
    write(at, "one/inside", "x\n");
    fs::remove_dir_all(at.join("two")).unwrap();
    write(at, "two", "x\n");
    let taken = capture(&repository, &workspace, 1).await;
    let files = scene.files(taken.snapshot.as_str());
    assert_eq!(files, ["100644 one/inside", "100644 two"]);
    assert_eq!(taken.diff.files, 5);
}

#[tokio::test]
async fn what_git_cannot_hold_is_left_out_and_the_rest_is_taken() {
    let scene = Scene::new(&[("a.txt", "x\n"), ("pipe", "x\n")]);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    let at = &workspace.path;
    fs::remove_file(at.join("pipe")).unwrap();
    let fifo = std::process::Command::new("mkfifo")
        .args(["pipe", "other-pipe"])
        .current_dir(at)
        .status();
    assert!(fifo.unwrap().success());
    let _socket = UnixListener::bind(at.join("socket")).unwrap();
    for name in [".GIT/config", "sub/git~1/config", "sub/.git/config"] {
        write(at, name, "[core]\n");
    }
    write(at, "sub/b.txt", "x\n");
    write(at, "closed/c.txt", "x\n");
    fs::set_permissions(at.join("closed/c.txt"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(at.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let taken = capture(&repository, &workspace, 1).await;
    assert_eq!(taken.diff.paths, ["closed/c.txt", "pipe", "sub/b.txt"]);
    assert_eq!(taken.concern, None);

    symlink("a.txt", at.join(".gitmodules")).unwrap();
    fs::create_dir_all(at.join(vec!["d"; 300].join("/"))).unwrap();
    write(at, "d/e.txt", "x\n");
    let taken = capture(&repository, &workspace, 1).await;
    let concern = taken.concern.unwrap();
    assert!(
        concern.contains(".gitmodules") && concern.contains("too deep"),
        "{concern}"
    );
    assert!(taken.diff.paths.contains(&"d/e.txt".to_owned()));
}

#[tokio::test]
async fn a_worktree_that_was_removed_or_replaced_harms_nobody() {
    let scene = Scene::new(&[("a.txt", "x\n")]);
    let repository = scene.open().await;
    let victim = scene.root.join("victim");
    write(&victim, ".git/config", "precious");
    write(&victim, "b.txt", "precious");
    let nothing: fn(&std::path::Path, &std::path::Path) = |_, _| {};
    let link: fn(&std::path::Path, &std::path::Path) = |at, victim| symlink(victim, at).unwrap();
    let file: fn(&std::path::Path, &std::path::Path) = |at, _| fs::write(at, "x").unwrap();
    for replace in [nothing, link, file] {
        let workspace = prepare(&repository, 0, 1).await;
        fs::remove_dir_all(&workspace.path).unwrap();
        replace(&workspace.path, &victim);
        let refused = repository
            .capture(&workspace, ISSUE, FIRST)
            .await
            .unwrap_err();
        assert!(
            refused.to_string().contains("removed or replaced"),
            "{refused}"
        );
        repository.release(workspace).await.unwrap();
        let workspace = prepare(&repository, 0, 1).await;
        assert_eq!(git(&workspace.path, &["status", "--porcelain"]), "");
        repository.release(workspace).await.unwrap();
    }
    assert_eq!(fs::read(victim.join(".git/config")).unwrap(), b"precious");
    assert_eq!(fs::read(victim.join("b.txt")).unwrap(), b"precious");
}

#[tokio::test]
async fn links_that_lead_out_are_never_written_through() {
    let scene = Scene::new(&[("src/a.txt", "x\n"), ("src/b.txt", "x\n")]);
    let repository = scene.open().await;
    let outside = scene.root.join("outside");
    write(&outside, "a.txt", "precious");
    write(&outside, "c.txt", "precious");
    let workspace = prepare(&repository, 0, 1).await;
    fs::remove_dir_all(workspace.path.join("src")).unwrap();
    symlink(&outside, workspace.path.join("src")).unwrap();
    let taken = capture(&repository, &workspace, 1).await;
    assert_eq!(scene.files(taken.snapshot.as_str()), ["120000 src"]);
    repository.release(workspace).await.unwrap();

    // With the link as the start, without it, and with it again, for agents and for checks.
    for start in [
        taken.snapshot.clone(),
        repository.fetch("main").await.unwrap(),
        taken.snapshot,
    ] {
        let mut again = order(0, 1, &repository.fetch("main").await.unwrap());
        again.start = start.clone();
        let workspace = repository.prepare(&again).await.unwrap();
        repository.release(workspace).await.unwrap();
        drop(repository.checkout(&start).await.unwrap());
    }
    assert_eq!(names(&outside), ["a.txt", "c.txt"]);
    assert_eq!(fs::read(outside.join("a.txt")).unwrap(), b"precious");
}

#[tokio::test]
async fn a_slot_that_cannot_be_cleaned_is_replaced() {
    let scene = Scene::new(&[("a.txt", "x\n")]);
    let repository = scene.open().await;
    let free = scene.place().slots.join("free-0");
    let index = scene.mirror().join("autoissue/slots/0/index");
    let breaks: [&dyn Fn(); 3] = [
        &|| fs::write(&index, "no index").unwrap(),
        &|| {
            fs::remove_dir_all(&free).unwrap();
            fs::write(&free, "no directory").unwrap();
        },
        &|| {
            fs::remove_dir_all(&free).unwrap();
            symlink(&scene.root, &free).unwrap();
        },
    ];
    for spoil in breaks {
        let workspace = prepare(&repository, 0, 1).await;
        repository.release(workspace).await.unwrap();
        spoil();
        let workspace = prepare(&repository, 0, 1).await;
        assert_eq!(git(&workspace.path, &["status", "--porcelain"]), "");
        repository.release(workspace).await.unwrap();
    }
    assert!(scene.checkout.join("a.txt").exists());
}

#[tokio::test]
async fn what_checks_write_is_gone_at_the_next_checkout() {
    let scene = Scene::new(&[("a.txt", "x\n"), (".gitignore", "target\n")]);
    let repository = scene.open().await;
    let base = repository.fetch("main").await.unwrap();
    let first = repository.checkout(&base).await.unwrap();
    let second = repository.checkout(&base).await.unwrap();
    assert_ne!(first.path(), second.path());
    let at = first.path().to_owned();
    drop(first);
    write(&at, "a.txt", "changed");
    write(&at, "target/out", "x");
    git(&at, &["init", "-q"]);
    write(&at, ".git/info/exclude", "*");
    let third = repository.checkout(&base).await.unwrap();
    assert_eq!(third.path(), at);
    assert_eq!(names(&at), [".gitignore", "a.txt"]);
    assert_eq!(fs::read(at.join("a.txt")).unwrap(), b"x\n");
}

#[tokio::test]
async fn the_user_s_checkout_is_never_touched() {
    let scene = Scene::new(&[("a.txt", "x\n")]);
    write(&scene.checkout, "a.txt", "dirty\n");
    git(&scene.checkout, &["add", "a.txt"]);
    git(&scene.checkout, &["checkout", "-q", "--detach"]);
    write(&scene.checkout, "b.txt", "untracked\n");
    let state = || {
        let all = git(&scene.checkout, &["for-each-ref"]);
        (
            git(&scene.checkout, &["status", "--porcelain=v2", "--branch"]),
            all,
        )
    };
    let before = state();
    // Even where it is the source itself.
    let own = autoissue::adapters::git::repository::open(
        scene.place(),
        scene.source(&scene.checkout),
        crate::repos::habits(),
    );
    let repository = own.await.unwrap();
    let workspace = prepare(&repository, 0, 1).await;
    assert_eq!(fs::read(workspace.path.join("a.txt")).unwrap(), b"x\n");
    write(&workspace.path, "c.txt", "x\n");
    let taken = capture(&repository, &workspace, 1).await;
    assert_eq!(taken.diff.paths, ["c.txt"]);
    assert_eq!(state(), before);

    let mut inside = scene.place();
    inside.slots = scene.checkout.join("slots");
    let source = scene.source(&scene.origin);
    let refused =
        autoissue::adapters::git::repository::open(inside, source, crate::repos::habits()).await;
    assert!(matches!(
        refused.map(drop),
        Err(RepositoryError::Unusable { .. })
    ));
}
