//! What is never committed, and what is not committed without a person: each with the way that would have done it.

use crate::repos::{Scene, branch, capture, git, habits, message, prepare, try_git, write};
use autoissue::adapters::git::repository::open;
use autoissue::adapters::git::source::Habits;
use autoissue::ports::{Repository, RepositoryError};
use autoissue::rules::ids::IssueNumber;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What `add -A` with our git directory takes that the base does not have, and nothing but that.
fn plain_add(scene: &Scene, tree: &Path, options: &[&str], home: &Path) -> Vec<String> {
    let index = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let output = Command::new("git")
            .args(options)
            .args(args)
            .current_dir(tree)
            .env("GIT_DIR", scene.mirror())
            .env("GIT_WORK_TREE", tree)
            .env("GIT_INDEX_FILE", index.path().join("index"))
            .env("HOME", home)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["read-tree", "refs/remotes/origin/main"]);
    run(&["add", "-A"]);
    let names = run(&[
        "diff",
        "--cached",
        "--name-only",
        "refs/remotes/origin/main",
    ]);
    names.lines().map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn copied_files_and_files_of_setup_are_never_committed() {
    let scene = Scene::new(&[(".gitignore", ".env*\ncache/\n"), ("a.txt", "one\n")]);
    write(&scene.checkout, ".env", "TOKEN=secret\n");
    write(&scene.checkout, ".env.local", "TOKEN=secret\n");
    write(&scene.checkout, "conf/key.pem", "secret\n");
    let copying = Habits {
        copy: [".env*", "conf/key.pem", "missing"]
            .map(ToOwned::to_owned)
            .to_vec(),
        ..habits()
    };
    let repository = scene.open_with(copying).await.unwrap();
    let workspace = prepare(&repository, 0, 1).await;
    let at = &workspace.path;
    assert_eq!(fs::read(at.join(".env.local")).unwrap(), b"TOKEN=secret\n");
    assert_eq!(
        git(at, &["status", "--porcelain"]),
        "",
        "the agent is not tempted"
    );
    // What setup makes, ignored or not.
    write(at, "cache/big", "x\n");
    write(at, "generated.txt", "x\n");
    repository.seal(&workspace).await.unwrap();
    // What the agent makes.
    write(at, ".gitignore", "");
    write(at, ".env", "TOKEN=changed\n");
    write(at, "cache/big", "changed\n");
    write(at, "cache/new", "of the agent\n");
    write(at, "b.txt", "new\n");

    let taken = capture(&repository, &workspace, 1).await;
    assert_eq!(taken.diff.paths, [".gitignore", "b.txt", "cache/new"]);
    let control = plain_add(&scene, at, &[], &scene.root);
    for sealed in [
        ".env",
        ".env.local",
        "conf/key.pem",
        "cache/big",
        "generated.txt",
    ] {
        assert!(
            control.contains(&sealed.to_owned()),
            "{sealed}: {control:?}"
        );
    }
    // Sealed stays sealed through further rounds, and through our own death.
    write(at, "c.txt", "new\n");
    drop(repository);
    let repository = scene.open().await;
    let again = repository.leftover(IssueNumber(1)).await.unwrap().unwrap();
    let taken = capture(&repository, &again, 1).await;
    assert_eq!(
        taken.diff.paths,
        [".gitignore", "b.txt", "c.txt", "cache/new"]
    );
}

#[tokio::test]
async fn a_copied_file_that_is_tracked_stays_as_it_was() {
    let scene = Scene::new(&[("config.json", "{}\n")]);
    write(&scene.checkout, "config.json", "{\"token\": \"secret\"}\n");
    let copying = Habits {
        copy: vec!["config.json".to_owned()],
        ..habits()
    };
    let repository = scene.open_with(copying).await.unwrap();
    let workspace = prepare(&repository, 0, 1).await;
    assert!(
        fs::read_to_string(workspace.path.join("config.json"))
            .unwrap()
            .contains("secret")
    );
    let taken = capture(&repository, &workspace, 1).await;
    assert_eq!(taken.diff.files, 0);
    let control = plain_add(&scene, &workspace.path, &[], &scene.root);
    assert_eq!(control, ["config.json"]);
}

#[tokio::test]
async fn the_user_s_own_ignore_file_drops_nothing() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let ignore = scene.root.join("ignore");
    fs::write(&ignore, "*.log\n").unwrap();
    let setting = format!("core.excludesFile={}", ignore.display());
    git(
        &scene.checkout,
        &["config", "core.excludesFile", ignore.to_str().unwrap()],
    );
    let repository = scene.open().await;
    // Even in the place that stands for the user's home.
    let home = scene.root.join("state/mirror.git.home");
    write(&home, ".config/git/ignore", "*.log\n");
    let workspace = prepare(&repository, 0, 1).await;
    write(&workspace.path, "wanted.log", "x\n");
    let taken = capture(&repository, &workspace, 1).await;
    assert_eq!(taken.diff.paths, ["wanted.log"]);
    for (options, home) in [(&["-c", &setting][..], &scene.root), (&[], &home)] {
        let control = plain_add(&scene, &workspace.path, options, home);
        assert_eq!(control, [""; 0]);
    }
}

#[tokio::test]
async fn content_in_place_of_a_pointer_needs_a_person() {
    let scene = Scene::new(&[(
        ".gitattributes",
        "*.bin filter=lfs diff=lfs -text\n*.key filter=git-crypt\n",
    )]);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    let at = &workspace.path;
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    write(at, "good.bin", pointer);
    write(at, "plain.txt", "x\n");
    assert_eq!(capture(&repository, &workspace, 1).await.concern, None);
    for (name, content) in [
        ("small.bin", "content\n".to_owned()),
        ("large.bin", "content\n".repeat(1000)),
        ("secret.key", "plain\n".to_owned()),
    ] {
        write(at, name, &content);
        let taken = capture(&repository, &workspace, 1).await;
        let concern = taken.concern.clone().unwrap();
        assert!(
            concern.contains(name) && !concern.contains("good.bin"),
            "{concern}"
        );
        let read = repository
            .reopen(&taken.snapshot, &workspace.base)
            .await
            .unwrap();
        assert_eq!(read, taken, "the concern outlives us");
        // The control: git itself takes it without a word.
        let control = plain_add(&scene, at, &[], &scene.root);
        assert!(control.contains(&name.to_owned()));
        fs::remove_file(at.join(name)).unwrap();
    }
}

/// A repository with a submodule's path in it.
fn with_submodule() -> Scene {
    let scene = Scene::new(&[
        ("a.txt", "one\n"),
        (
            ".gitmodules",
            "[submodule \"sub\"]\n\tpath = sub\n\turl = ./sub\n",
        ),
    ]);
    let commit = git(&scene.checkout, &["rev-parse", "HEAD"]);
    git(
        &scene.checkout,
        &[
            "update-index",
            "--add",
            "--cacheinfo",
            &format!("160000,{commit},sub"),
        ],
    );
    git(&scene.checkout, &["commit", "-q", "-m", "a submodule"]);
    git(&scene.checkout, &["push", "-q", "origin", "main"]);
    scene
}

#[tokio::test]
async fn edits_below_a_submodule_need_a_person() {
    let scene = with_submodule();
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    let at = &workspace.path;
    write(at, "sub/of-setup.txt", "x\n");
    repository.seal(&workspace).await.unwrap();
    let taken = capture(&repository, &workspace, 1).await;
    assert_eq!(
        (taken.diff.files, taken.concern),
        (0, None),
        "what setup put there is no edit"
    );

    write(at, "sub/edit.txt", "x\n");
    let taken = capture(&repository, &workspace, 1).await;
    assert_eq!(taken.diff.files, 0);
    assert!(
        taken
            .concern
            .unwrap()
            .contains("below nested repositories: sub")
    );
    let control = plain_add(&scene, at, &[], &scene.root);
    assert_eq!(
        control, [""; 0],
        "git itself sees nothing, and the edit would be lost"
    );

    repository.release(workspace).await.unwrap();
    let workspace = prepare(&repository, 0, 1).await;
    assert!(
        fs::read_dir(workspace.path.join("sub"))
            .unwrap()
            .next()
            .is_none()
    );
    repository.seal(&workspace).await.unwrap();
    fs::remove_dir(workspace.path.join("sub")).unwrap();
    let taken = capture(&repository, &workspace, 1).await;
    assert!(
        taken
            .concern
            .unwrap()
            .contains("changes nested repositories: sub")
    );
}

#[tokio::test]
async fn sha256_repositories_work_all_the_way() {
    let scene = Scene::with_format("sha256", &[("a.txt", "one\n")]);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    assert_eq!(workspace.base.as_str().len(), 64);
    assert_eq!(git(&workspace.path, &["status", "--porcelain"]), "");
    write(&workspace.path, "a.txt", "two\n");
    git(
        &workspace.path,
        &["commit", "-q", "-a", "-m", "the agent's own"],
    );
    let taken = capture(&repository, &workspace, 1).await;
    let commit = repository
        .commit(&taken, std::slice::from_ref(&workspace.base), &message(1))
        .await
        .unwrap();
    let branch = branch(1);
    repository.push(&branch, &commit.id, None).await.unwrap();
    assert_eq!(
        git(&scene.origin, &["show", &format!("{branch}:a.txt")]),
        "two"
    );
    // The mirror is opened again as what it is.
    drop(repository);
    assert_eq!(
        scene.open().await.fetch("main").await.unwrap(),
        workspace.base
    );
    // The control: a mirror of git's default format cannot take these objects.
    let plain = scene.root.join("plain.git");
    git(&scene.root, &["init", "-q", "--bare", "plain.git"]);
    assert!(
        !try_git(&plain, &["fetch", scene.origin.to_str().unwrap(), "main"])
            .status
            .success()
    );
}

#[tokio::test]
async fn a_shallow_source_is_refused_and_a_shallow_checkout_is_none() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    scene.push(&[("a.txt", "two\n")]);
    let shallow = scene.root.join("shallow");
    let url = format!("file://{}", scene.origin.display());
    git(&scene.root, &["clone", "-q", "--depth=1", &url, "shallow"]);

    let refused = open(scene.place(), scene.source(&shallow), habits()).await;
    match refused.map(drop) {
        Err(RepositoryError::Unusable { problem, hint }) => {
            assert!(
                problem.contains("shallow") && hint.contains("--unshallow"),
                "{problem} {hint}"
            );
        }
        other => panic!("{other:?}"),
    }
    // The control: plain git clones it, and lacks the history.
    git(
        &scene.root,
        &["clone", "-q", "--bare", "shallow", "control.git"],
    );
    let control = scene.root.join("control.git");
    assert_eq!(git(&control, &["rev-list", "--count", "main"]), "1");

    let mut source = scene.source(&scene.origin);
    source.checkout = Some(shallow);
    let repository = open(scene.place(), source, habits()).await.unwrap();
    prepare(&repository, 0, 1).await;
    assert_eq!(
        scene.ask_mirror(&["rev-list", "--count", "refs/remotes/origin/main"]),
        "2"
    );
}

#[tokio::test]
async fn a_partial_source_is_refused() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    git(&scene.origin, &["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", scene.origin.display());
    git(
        &scene.root,
        &[
            "clone",
            "-q",
            "--filter=blob:none",
            "--no-checkout",
            &url,
            "partial",
        ],
    );
    let partial = scene.root.join("partial");
    let mut source = scene.source(&partial);
    source.checkout = Some(partial);
    let refused = open(scene.place(), source, habits()).await;
    match refused.map(drop) {
        Err(RepositoryError::Unusable { problem, .. }) => assert!(problem.contains("partial")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn ignored_files_stay_only_where_that_is_wanted() {
    let scene = Scene::new(&[(".gitignore", "cache/\n"), ("a.txt", "one\n")]);
    for (keep_ignored, expect) in [(true, true), (false, false)] {
        let keeping = Habits {
            keep_ignored,
            ..habits()
        };
        let repository = scene.open_with(keeping).await.unwrap();
        let workspace = prepare(&repository, 0, 1).await;
        write(&workspace.path, "cache/warm", "x\n");
        write(&workspace.path, "loose.txt", "x\n");
        repository.release(workspace).await.unwrap();
        let workspace = prepare(&repository, 0, 2).await;
        assert_eq!(workspace.path.join("cache/warm").exists(), expect);
        assert!(!workspace.path.join("loose.txt").exists());
        repository.seal(&workspace).await.unwrap();
        write(&workspace.path, ".gitignore", "");
        let taken = capture(&repository, &workspace, 2).await;
        assert_eq!(
            taken.diff.paths,
            [".gitignore"],
            "a warm cache is sealed like all the rest"
        );
        repository.release(workspace).await.unwrap();
    }
}

#[tokio::test]
async fn files_that_git_would_write_differently_are_left_alone_until_touched() {
    let scene = Scene::new(&[("dos.txt", "one\r\n"), ("touched.txt", "one\r\n")]);
    write(&scene.checkout, ".gitattributes", "*.txt text eol=lf\n");
    git(&scene.checkout, &["add", ".gitattributes"]);
    git(&scene.checkout, &["commit", "-q", "-m", "attributes"]);
    git(&scene.checkout, &["push", "-q", "origin", "main"]);
    let repository = scene.open().await;
    // In a new slot, and in one that was used.
    for issue in 1..=2 {
        let workspace = prepare(&repository, 0, issue).await;
        repository.seal(&workspace).await.unwrap();
        let untouched = capture(&repository, &workspace, issue).await;
        assert_eq!(untouched.diff.files, 0);
        write(&workspace.path, "touched.txt", "two\n");
        write(&workspace.path, "new.txt", "new\n");
        for _ in 0..2 {
            let taken = capture(&repository, &workspace, issue).await;
            assert_eq!(taken.diff.paths, ["new.txt", "touched.txt"]);
        }
        let control = plain_add(&scene, &workspace.path, &[], &scene.root);
        assert!(control.contains(&"dos.txt".to_owned()), "{control:?}");
        repository.release(workspace).await.unwrap();
    }
    let base = repository.fetch("main").await.unwrap();
    let checks = repository.checkout(&base).await.unwrap();
    assert_eq!(fs::read(checks.path().join("dos.txt")).unwrap(), b"one\r\n");
}
