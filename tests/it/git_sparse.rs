//! Sparse scopes over real repositories: what is laid out, what an agent may do beside it, and what is taken in.

use crate::repos::{Scene, capture, git, habits, names, prepare, write};
use autoissue::adapters::git::source::Habits;
use autoissue::ports::Repository;
use autoissue::rules::ids::IssueNumber;
use std::fs;

const FILES: [(&str, &str); 6] = [
    ("README.md", "read me\n"),
    ("web/app.js", "app\n"),
    ("web/deep/more.js", "more\n"),
    ("api/main.rs", "main\n"),
    ("api/lib/lib.rs", "lib\n"),
    ("docs/guide.md", "guide\n"),
];

fn only(directories: &[&str]) -> Habits {
    Habits {
        sparse: directories.iter().map(ToString::to_string).collect(),
        ..habits()
    }
}

#[tokio::test]
async fn only_what_is_wanted_is_laid_out_and_the_whole_is_committed() {
    let scene = Scene::new(&FILES);
    let repository = scene.open_with(only(&["web", "api/lib"])).await.unwrap();
    for round in 0..2 {
        let workspace = prepare(&repository, 0, 12).await;
        let at = &workspace.path;
        repository.seal(&workspace).await.unwrap();
        assert_eq!(
            names(at),
            [".git", "README.md", "api", "web"],
            "round {round}"
        );
        assert_eq!(names(&at.join("api")), ["lib", "main.rs"]);
        assert_eq!(
            git(at, &["status", "--porcelain"]),
            "",
            "the agent's git sees it alike"
        );
        write(at, "web/app.js", "changed\n");
        fs::remove_file(at.join("api/lib/lib.rs")).unwrap();
        let look = repository.look(&[IssueNumber(12)]).await.unwrap();
        assert_eq!(look.seen()[0].diff.paths, ["api/lib/lib.rs", "web/app.js"]);
        drop(look);
        let taken = capture(&repository, &workspace, 12).await;
        assert_eq!(taken.diff.paths, ["api/lib/lib.rs", "web/app.js"]);
        assert_eq!(taken.concern, None);
        assert_eq!(scene.content(&taken.snapshot, "docs/guide.md"), "guide");
        repository.release(workspace).await.unwrap();
    }
}

#[tokio::test]
async fn what_an_agent_writes_outside_of_its_scope_is_taken_in_as_well() {
    let scene = Scene::new(&FILES);
    let repository = scene.open_with(only(&["web"])).await.unwrap();
    let workspace = prepare(&repository, 0, 12).await;
    let at = &workspace.path;
    write(at, "api/main.rs", "over it\n");
    write(at, "docs/new.md", "new\n");
    // As it stands there: nothing of it has changed.
    write(at, "docs/guide.md", "guide\n");
    let look = repository.look(&[IssueNumber(12)]).await.unwrap();
    assert_eq!(look.seen()[0].diff.paths, ["api/main.rs", "docs/new.md"]);
    drop(look);
    let taken = capture(&repository, &workspace, 12).await;
    assert_eq!(taken.diff.paths, ["api/main.rs", "docs/new.md"]);
    assert_eq!(scene.content(&taken.snapshot, "api/lib/lib.rs"), "lib");
    repository.release(workspace).await.unwrap();
    let again = prepare(&repository, 0, 13).await;
    assert_eq!(
        names(&again.path),
        [".git", "README.md", "web"],
        "nothing of it is left"
    );
}

#[tokio::test]
async fn another_scope_lays_the_used_worktree_out_anew_and_checks_see_all() {
    let scene = Scene::new(&FILES);
    let scopes: [(&[&str], &[&str]); 4] = [
        (&["web"], &[".git", "README.md", "web"]),
        (&["docs"], &[".git", "README.md", "docs"]),
        (&[], &[".git", "README.md", "api", "docs", "web"]),
        (&["web"], &[".git", "README.md", "web"]),
    ];
    for (scope, expect) in scopes {
        let repository = scene.open_with(only(scope)).await.unwrap();
        let workspace = prepare(&repository, 0, 12).await;
        assert_eq!(names(&workspace.path), expect, "{scope:?}");
        write(&workspace.path, "README.md", "other\n");
        let taken = capture(&repository, &workspace, 12).await;
        assert_eq!(taken.diff.paths, ["README.md"], "{scope:?}");
        let checks = repository.checkout(&taken.snapshot).await.unwrap();
        assert_eq!(names(checks.path()), ["README.md", "api", "docs", "web"]);
        drop(checks);
        repository.release(workspace).await.unwrap();
    }
}

#[tokio::test]
async fn a_further_slot_has_nothing_of_the_first() {
    let scene = Scene::new(&FILES);
    let repository = scene.open_with(only(&["web"])).await.unwrap();
    let workspace = prepare(&repository, 0, 12).await;
    write(&workspace.path, "web/app.js", "changed\n");
    capture(&repository, &workspace, 12).await;
    // The base has moved on meanwhile, within the scope and outside of it.
    scene.push(&[("web/new.js", "new\n"), ("api/main.rs", "other\n")]);
    let other = prepare(&repository, 1, 13).await;
    assert_eq!(names(&other.path), [".git", "README.md", "web"]);
    assert_eq!(names(&other.path.join("web")), ["app.js", "deep", "new.js"]);
    let app = fs::read_to_string(other.path.join("web/app.js")).unwrap();
    assert_eq!(app, "app\n", "nothing of the first agent's");
    assert_eq!(git(&other.path, &["status", "--porcelain"]), "");
    write(&other.path, "web/new.js", "newer\n");
    let taken = capture(&repository, &other, 13).await;
    assert_eq!(taken.diff.paths, ["web/new.js"]);
    assert_eq!(scene.content(&taken.snapshot, "api/main.rs"), "other");
}

#[tokio::test]
async fn the_first_index_of_a_scope_is_what_git_would_make_of_it() {
    for format in ["sha1", "sha256"] {
        let scene = Scene::with_format(format, &FILES);
        let repository = scene.open_with(only(&["web", "api/lib"])).await.unwrap();
        let workspace = prepare(&repository, 0, 12).await;
        let at = &workspace.path;
        let listed = || git(at, &["ls-files", "--sparse", "--stage", "-t"]);
        let ours = listed();
        assert!(ours.contains("S 040000"), "{format}: {ours}");
        fs::remove_file(at.join(".git/index")).unwrap();
        git(at, &["read-tree", "--reset", "HEAD"]);
        assert_eq!(ours, listed(), "{format}");
    }
}

#[tokio::test]
async fn a_nested_repository_outside_of_the_scope_is_left_out_with_its_directory() {
    let scene = Scene::new(&FILES);
    scene.nest(&["docs/lib", "web/lib"]);
    let repository = scene.open_with(only(&["web"])).await.unwrap();
    for round in 0..2 {
        let workspace = prepare(&repository, round, 12).await;
        let at = &workspace.path;
        repository.seal(&workspace).await.unwrap();
        assert_eq!(names(at), [".git", "README.md", "web"]);
        assert_eq!(names(&at.join("web")), ["app.js", "deep", "lib"]);
        assert_eq!(git(at, &["status", "--porcelain"]), "");
        write(at, "web/app.js", "changed\n");
        let taken = capture(&repository, &workspace, 12).await;
        assert_eq!(taken.diff.paths, ["web/app.js"]);
        assert_eq!(taken.concern, None);
        let files = scene.files(taken.snapshot.as_str());
        assert!(files.contains(&"160000 docs/lib".to_owned()), "{files:?}");
        repository.release(workspace).await.unwrap();
        // The base moves, outside of the scope and beside the nested repository.
        scene.push(&[("docs/guide.md", &format!("{round}\n"))]);
    }
}
