//! Large files of Git LFS over a server that keeps to its documents: fetched where they are wanted, proven, never committed.

use crate::git_http::{Server, TOKENS, source};
use crate::repos::{Scene, capture, git, habits, names, prepare, write};
use crate::rig::Rig;
use autoissue::adapters::git::repository::{GitRepository, open};
use autoissue::adapters::git::source::Habits;
use autoissue::ports::{Repository, RepositoryError};
use axum::http::HeaderMap;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

const ATTRIBUTES: (&str, &str) = (
    ".gitattributes",
    "*.bin filter=lfs diff=lfs merge=lfs -text\n",
);
const ONE: &str = "the first large file\n";
const TWO: &str = "the second large file\n";

fn oid(content: &str) -> String {
    let digest = Sha256::digest(content);
    digest.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn pointer(content: &str) -> String {
    let (oid, size) = (oid(content), content.len());
    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n")
}

/// A repository with two large files, and a server that has them.
fn scene() -> (Scene, Server) {
    let (one, two) = (pointer(ONE), pointer(TWO));
    let scene = Scene::new(&[
        ATTRIBUTES,
        ("README.md", "read me\n"),
        ("art/one.bin", &one),
        ("web/two.bin", &two),
        // A file that is no pointer, and a pointer that is none of Git LFS by the attributes.
        ("art/plain.txt", &two),
    ]);
    for content in [ONE, TWO] {
        write(&scene.root.join("lfs"), &oid(content), content);
    }
    let server = Server::start(&scene.root);
    (scene, server)
}

fn fetching() -> Habits {
    Habits {
        lfs: true,
        ..habits()
    }
}

async fn opened(scene: &Scene, server: &Server, habits: Habits) -> GitRepository {
    let token = Arc::new(Mutex::new(TOKENS[0].to_owned()));
    let source = source(scene, server.url(), &token);
    open(scene.place(), source, habits).await.unwrap()
}

fn read(root: &Path, path: &str) -> String {
    fs::read_to_string(root.join(path)).unwrap()
}

/// The words of what stops a worktree from being made ready, with what helps.
async fn refusal(repository: &GitRepository) -> String {
    let base = repository.fetch("main").await.unwrap();
    let refused = repository.prepare(&crate::repos::order(0, 1, &base)).await;
    match refused.unwrap_err() {
        RepositoryError::Unusable { problem, hint } => format!("{problem}; {hint}"),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn without_fetching_pointers_stay_pointers() {
    let (scene, server) = scene();
    let repository = opened(&scene, &server, habits()).await;
    let workspace = prepare(&repository, 0, 1).await;
    assert_eq!(read(&workspace.path, "art/one.bin"), pointer(ONE));
    assert_eq!(server.larges(), 0);
}

#[tokio::test]
async fn what_a_pointer_stands_for_lies_there_and_nothing_but_changes_is_taken_in() {
    let (scene, server) = scene();
    let repository = opened(&scene, &server, fetching()).await;
    for round in 0..2 {
        let workspace = prepare(&repository, 0, 1).await;
        let at = &workspace.path;
        assert_eq!(read(at, "art/one.bin"), ONE);
        assert_eq!(read(at, "web/two.bin"), TWO);
        assert_eq!(read(at, "art/plain.txt"), pointer(TWO));
        assert_eq!(git(at, &["status", "--porcelain"]), "");
        repository.seal(&workspace).await.unwrap();
        let none = capture(&repository, &workspace, 1).await;
        assert_eq!(none.diff.paths, Vec::<String>::new(), "round {round}");
        // Written again as it was, moved, and copied: nothing of it is new.
        write(at, "art/one.bin", ONE);
        fs::rename(at.join("web/two.bin"), at.join("web/moved.bin")).unwrap();
        write(at, "web/copy.bin", ONE);
        write(at, "README.md", "changed\n");
        let taken = capture(&repository, &workspace, 1).await;
        let paths = ["README.md", "web/copy.bin", "web/moved.bin", "web/two.bin"];
        assert_eq!(taken.diff.paths, paths);
        assert_eq!(taken.concern, None);
        for (path, content) in [
            ("art/one.bin", ONE),
            ("web/moved.bin", TWO),
            ("web/copy.bin", ONE),
        ] {
            let committed = scene.content(&taken.snapshot, path);
            assert_eq!(committed, pointer(content).trim(), "{path}");
        }
        let checks = repository.checkout(&taken.snapshot).await.unwrap();
        assert_eq!(read(checks.path(), "web/moved.bin"), TWO);
        drop(checks);
        repository.release(workspace).await.unwrap();
    }
    assert_eq!(server.larges(), 2, "each is fetched once");
    assert_eq!(server.findings()[1], 0, "no token in arguments");
}

#[tokio::test]
async fn new_content_goes_to_a_person() {
    let (scene, server) = scene();
    let repository = opened(&scene, &server, fetching()).await;
    let workspace = prepare(&repository, 0, 1).await;
    // As long as it was, and at a path that Git LFS is not for.
    write(&workspace.path, "art/one.bin", ONE.to_uppercase());
    write(&workspace.path, "art/one.txt", TWO);
    let taken = capture(&repository, &workspace, 1).await;
    assert_eq!(taken.diff.paths, ["art/one.bin", "art/one.txt"]);
    let concern = taken.concern.unwrap();
    assert!(
        concern.ends_with("Git LFS is set: art/one.bin"),
        "{concern}"
    );
    assert_eq!(scene.content(&taken.snapshot, "art/one.txt"), TWO.trim());
}

#[tokio::test]
async fn outside_of_a_scope_nothing_is_fetched() {
    let (scene, server) = scene();
    let sparse = vec!["web".to_owned()];
    let repository = opened(
        &scene,
        &server,
        Habits {
            sparse,
            ..fetching()
        },
    )
    .await;
    let workspace = prepare(&repository, 0, 1).await;
    assert_eq!(read(&workspace.path, "web/two.bin"), TWO);
    assert_eq!(server.larges(), 1);
    assert_eq!(git(&workspace.path, &["status", "--porcelain"]), "");
    write(&workspace.path, "web/two.bin", TWO);
    let taken = capture(&repository, &workspace, 1).await;
    assert_eq!(taken.diff.paths, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_not_what_its_pointer_says_is_refused_and_not_kept() {
    for content in [ONE.to_uppercase(), ONE.replace('\n', "")] {
        let (scene, server) = scene();
        let kept = scene.mirror().with_file_name("mirror.git.lfs");
        let repository = opened(&scene, &server, fetching()).await;
        write(&scene.root.join("lfs"), &oid(ONE), &content);
        let told = refusal(&repository).await;
        assert!(told.contains("`art/one.bin` of Git LFS"), "{told}");
        assert!(!names(&kept).contains(&oid(ONE)), "{:?}", names(&kept));
        // The control: once it is there it is taken.
        write(&scene.root.join("lfs"), &oid(ONE), ONE);
        let workspace = prepare(&repository, 0, 1).await;
        assert_eq!(read(&workspace.path, "art/one.bin"), ONE);
        repository.release(workspace).await.unwrap();
        // What was kept is proven each time.
        write(&kept, &oid(ONE), ONE.to_uppercase());
        let base = repository.fetch("main").await.unwrap();
        let order = crate::repos::order(0, 1, &base);
        assert!(repository.prepare(&order).await.is_err());
        let workspace = prepare(&repository, 0, 1).await;
        assert_eq!(read(&workspace.path, "art/one.bin"), ONE);
    }
}

#[tokio::test]
async fn a_missing_one_is_named_with_what_helps() {
    let (scene, server) = scene();
    let repository = opened(&scene, &server, fetching()).await;
    fs::remove_file(scene.root.join("lfs").join(oid(TWO))).unwrap();
    let told = refusal(&repository).await;
    let expect = format!(
        "`web/two.bin` of Git LFS ({}): the server does not have it (Object does not exist); \
         set worktree.lfs to pointers to work without them",
        oid(TWO)
    );
    assert_eq!(told, expect);
}

#[tokio::test]
async fn our_token_goes_to_no_other_server_whatever_the_repository_says() {
    let (scene, server) = scene();
    let heard: Arc<Mutex<Vec<(String, HeaderMap)>>> = Arc::default();
    let told = Arc::clone(&heard);
    let store = axum::Router::new().fallback(move |uri: axum::http::Uri, headers: HeaderMap| {
        told.lock().unwrap().push((uri.to_string(), headers));
        let all = [ONE, TWO];
        let found = all
            .into_iter()
            .find(|content| uri.path().contains(&oid(content)));
        async move { found.unwrap_or("nothing") }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = format!("http://{}/store/", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, store).await });
    write(&scene.root.join("lfs"), "elsewhere", &place);
    let config = format!("[lfs]\n\turl = {place}\n[remote \"origin\"]\n\tlfsurl = {place}\n");
    scene.push(&[(".lfsconfig", &config)]);
    let repository = opened(&scene, &server, fetching()).await;
    let workspace = prepare(&repository, 0, 1).await;
    assert_eq!(read(&workspace.path, "web/two.bin"), TWO);
    serving.abort();
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 2, "the two files and nothing else");
    for (uri, headers) in &*heard {
        assert!(
            uri.ends_with(&oid(ONE)) || uri.ends_with(&oid(TWO)),
            "{uri}"
        );
        assert_eq!(headers["x-store"], "key of the store");
        assert!(!headers.contains_key("authorization"));
    }
}

#[test]
fn a_checkout_s_own_large_files_are_what_agents_work_with_where_that_is_asked_for() {
    let ran = |lfs: &str| {
        let rig = Rig::local(
            "cp art/one.bin out.txt",
            &json!({ "worktree": { "lfs": lfs } }),
        );
        rig.write("checkout/.gitattributes", ATTRIBUTES.1);
        rig.write("checkout/art/one.bin", &pointer(ONE));
        let oid = oid(ONE);
        let kept = format!(
            "checkout/.git/lfs/objects/{}/{}/{oid}",
            &oid[..2],
            &oid[2..4]
        );
        rig.write(&kept, ONE);
        rig.git(&["add", "."]);
        rig.git(&["commit", "--quiet", "--message", "more"]);
        rig.issue(1, "One", "do it");
        let ran = rig.go();
        assert_eq!(ran.count("completed"), 1, "{ran:?}");
        let branch = rig.git(&[
            "branch",
            "--list",
            "--format=%(refname:short)",
            "autoissue/*",
        ]);
        let committed = |path: &str| rig.git(&["show", &format!("{}:{path}", branch.trim())]);
        assert_eq!(committed("art/one.bin").trim(), pointer(ONE).trim());
        committed("out.txt").trim().to_owned()
    };
    assert_eq!(ran("fetch"), ONE.trim());
    assert_eq!(ran("pointers"), pointer(ONE).trim());
}
