//! Submodules over real repositories: fetched where they are, with our token to our own server alone.

use crate::git_http::{Server, TOKENS, source};
use crate::repos::{Scene, capture, git, habits, names, prepare, write};
use autoissue::adapters::git::repository::{GitRepository, open};
use autoissue::adapters::git::source::Habits;
use autoissue::ports::{Repository, RepositoryError};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

fn with_submodules() -> Habits {
    Habits {
        submodules: true,
        ..habits()
    }
}

/// A bare repository beside the origin with these files and this submodule; its commit.
fn library(
    scene: &Scene,
    name: &str,
    files: &[(&str, &str)],
    submodule: Option<(&str, &str, &str)>,
) -> String {
    let work = scene.root.join(format!("{name}-work"));
    fs::create_dir(&work).unwrap();
    git(&work, &["init", "-q", "-b", "main"]);
    for (path, content) in files {
        write(&work, path, content);
    }
    git(&work, &["add", "-A"]);
    if let Some(submodule) = submodule {
        add(&work, submodule);
    }
    git(&work, &["commit", "-q", "-m", "library"]);
    git(
        &scene.root,
        &[
            "clone",
            "-q",
            "--bare",
            work.to_str().unwrap(),
            &format!("{name}.git"),
        ],
    );
    git(&work, &["rev-parse", "HEAD"])
}

/// Stages a submodule: path, URL and commit.
fn add(work: &Path, (path, url, commit): (&str, &str, &str)) {
    let told = format!("[submodule \"{path}\"]\n\tpath = {path}\n\turl = {url}\n");
    write(work, ".gitmodules", told);
    git(work, &["add", ".gitmodules"]);
    let entry = format!("160000,{commit},{path}");
    git(work, &["update-index", "--add", "--cacheinfo", &entry]);
}

/// Commits a submodule in the scene's checkout, and pushes that.
fn adopt(scene: &Scene, submodule: (&str, &str, &str)) {
    add(&scene.checkout, submodule);
    git(&scene.checkout, &["commit", "-q", "-m", "a submodule"]);
    git(&scene.checkout, &["push", "-q", "origin", "main"]);
}

async fn opened(scene: &Scene, server: &Server, habits: Habits) -> GitRepository {
    let token = Arc::new(Mutex::new(TOKENS[0].to_owned()));
    let source = source(scene, server.url(), &token);
    open(scene.place(), source, habits).await.unwrap()
}

/// The words of an error, with what helps.
fn told(error: RepositoryError) -> String {
    match error {
        RepositoryError::Unusable { problem, hint } => format!("{problem}; {hint}"),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn submodules_are_laid_out_and_never_taken_in() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let deep = library(&scene, "deep", &[("deep.txt", "deep\n")], None);
    let own = ("inner/deep", "../deep.git", deep.as_str());
    let lib = library(&scene, "lib", &[("lib.txt", "lib\n")], Some(own));
    adopt(&scene, ("libs/lib", "../lib.git", &lib));
    let server = Server::start(&scene.root);
    let repository = opened(&scene, &server, with_submodules()).await;
    for round in 0..2 {
        let workspace = prepare(&repository, 0, 12).await;
        let lib = workspace.path.join("libs/lib");
        assert_eq!(fs::read_to_string(lib.join("lib.txt")).unwrap(), "lib\n");
        let deep = lib.join("inner/deep");
        assert_eq!(names(&deep), ["deep.txt"], "no git directory comes along");
        repository.seal(&workspace).await.unwrap();
        let status = git(&workspace.path, &["status", "--porcelain"]);
        assert_eq!(status, "", "the agent's git sees it alike");
        write(&workspace.path, "a.txt", "two\n");
        let taken = capture(&repository, &workspace, 12).await;
        assert_eq!(taken.diff.paths, ["a.txt"]);
        assert_eq!(taken.concern, None);
        // What an agent changes there is told, and a person's.
        fs::write(lib.join("lib.txt"), format!("mine {round}\n")).unwrap();
        let taken = capture(&repository, &workspace, 12).await;
        assert_eq!(taken.diff.paths, ["a.txt"]);
        let concern = taken.concern.unwrap();
        assert!(
            concern.contains("below nested repositories: libs/lib"),
            "{concern}"
        );
        repository.release(workspace).await.unwrap();
    }
    let base = repository.fetch("main").await.unwrap();
    let checkout = repository.checkout(&base).await.unwrap();
    let there = checkout.path().join("libs/lib/inner/deep/deep.txt");
    assert_eq!(
        fs::read_to_string(there).unwrap(),
        "deep\n",
        "checks have them as well"
    );
    assert_eq!(server.findings()[1], 0, "the token is in no argument");
}

#[tokio::test]
async fn switched_off_their_directories_are_empty() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let lib = library(&scene, "lib", &[("lib.txt", "lib\n")], None);
    adopt(&scene, ("lib", "../lib.git", &lib));
    let server = Server::start(&scene.root);
    let repository = opened(&scene, &server, habits()).await;
    let workspace = prepare(&repository, 0, 1).await;
    assert_eq!(names(&workspace.path.join("lib")), [""; 0]);
}

#[tokio::test]
async fn the_token_goes_to_no_other_server() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let lib = library(&scene, "lib", &[("lib.txt", "lib\n")], None);
    let (server, other) = (Server::start(&scene.root), Server::start(&scene.root));
    let url = other.url().replace("origin.git", "lib.git");
    adopt(&scene, ("lib", &url, &lib));
    let repository = opened(&scene, &server, with_submodules()).await;
    let base = repository.fetch("main").await.unwrap();
    // It would take the token, if it came: it is the same program with the same tokens.
    let refused = repository.checkout(&base).await.err().unwrap();
    assert!(refused.to_string().contains("(submodule lib)"), "{refused}");
    assert!(
        matches!(refused, RepositoryError::Remote { auth: true, .. }),
        "{refused:?}"
    );
    // The control: the same repository of our own server wants the token as well, and gets it.
    adopt(&scene, ("lib", "../lib.git", &lib));
    let base = repository.fetch("main").await.unwrap();
    repository.checkout(&base).await.unwrap();
}

#[tokio::test]
async fn what_a_repository_may_not_choose_is_refused_with_the_way_out() {
    let check = async |url: &str, expect: &str| {
        let scene = Scene::new(&[("a.txt", "one\n")]);
        let lib = library(&scene, "lib", &[("lib.txt", "secret\n")], None);
        let url = url.replace("ROOT", scene.root.to_str().unwrap());
        adopt(&scene, ("lib", &url, &lib));
        let server = Server::start(&scene.root);
        let repository = opened(&scene, &server, with_submodules()).await;
        let base = repository.fetch("main").await.unwrap();
        let refused = told(repository.checkout(&base).await.err().unwrap());
        assert!(refused.contains(expect), "{refused}");
        assert!(
            refused.contains("set worktree.submodules to false"),
            "{refused}"
        );
    };
    check("file://ROOT/lib.git", "submodule lib at `file://").await;
    check("ROOT/lib.git", "leads to files of this machine").await;
    check("ext::sh -c id", "neither by https:// nor by ssh").await;
    check("http://example.com/lib.git", "is not encrypted").await;
    check("../../../lib.git", "leads out of its server").await;
}

#[tokio::test]
async fn a_repository_of_this_machine_has_what_its_user_fetched() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let lib = library(&scene, "lib", &[("lib.txt", "lib\n")], None);
    let url = scene.root.join("lib.git").display().to_string();
    let source = scene.source(&scene.checkout);
    adopt(&scene, ("lib", &url, &lib));
    let repository = open(scene.place(), source, with_submodules())
        .await
        .unwrap();
    let base = repository.fetch("main").await.unwrap();
    let refused = told(repository.checkout(&base).await.err().unwrap());
    assert!(
        refused.contains("run `git submodule update --init`"),
        "{refused}"
    );
    git(
        &scene.checkout,
        &[
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "update",
            "-q",
            "--init",
        ],
    );
    let checkout = repository.checkout(&base).await.unwrap();
    assert_eq!(names(&checkout.path().join("lib")), ["lib.txt"]);
}

#[tokio::test]
async fn caches_stay_for_the_same_lock_files_and_go_with_others() {
    let habits = || Habits {
        keep_ignored: true,
        ..habits()
    };
    let scene = Scene::new(&[
        (".gitignore", "target/\n"),
        ("Cargo.lock", "one\n"),
        ("a.txt", "one\n"),
    ]);
    let repository = scene.open_with(habits()).await.unwrap();
    let cached = async |changes: &[(&str, &str)]| {
        let workspace = prepare(&repository, 0, 12).await;
        let was_there = workspace.path.join("target/cache").exists();
        write(&workspace.path, "target/cache", "built\n");
        for (path, content) in changes {
            write(&workspace.path, path, content);
        }
        capture(&repository, &workspace, 12).await;
        repository.release(workspace).await.unwrap();
        was_there
    };
    assert!(!cached(&[]).await, "the first finds nothing");
    assert!(cached(&[("a.txt", "two\n")]).await);
    scene.push(&[("a.txt", "three\n")]);
    assert!(cached(&[]).await, "another commit with the same lock file");
    scene.push(&[("Cargo.lock", "two\n")]);
    assert!(!cached(&[]).await, "another lock file");
    assert!(cached(&[("Cargo.lock", "an agent's\n")]).await);
    assert!(
        !cached(&[]).await,
        "what an agent installed is nobody else's"
    );
}
