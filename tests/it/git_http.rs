//! Git over HTTP with a token: it works, it is refreshed, and it is nowhere it could be read.

use crate::repos::{FIRST, Scene, git, habits, prepare, write};
use autoissue::adapters::git::repository::open;
use autoissue::adapters::git::source::{Credential, Source};
use autoissue::ports::{Repository, RepositoryError};
use autoissue::rules::ids::{BranchName, IssueNumber};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

const TOKENS: [&str; 2] = ["first-token-0123456789", "second-token-9876543210"];

struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(root: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/githttpd.py");
        let mut process = Command::new("python3")
            .arg(script)
            .arg(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(process.stdin.as_mut().unwrap(), "{}", TOKENS.join(" ")).unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut port)
            .unwrap();
        Self {
            process,
            port: port.trim().parse().unwrap(),
        }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/origin.git", self.port)
    }

    /// How often the token was found: in how many requests, in arguments, in environments.
    fn findings(&self) -> [u64; 3] {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(b"GET /findings HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        ["requests: ", "in arguments: ", "in environments: "].map(|key| {
            let line = answer.lines().find_map(|line| line.strip_prefix(key));
            line.unwrap().parse().unwrap()
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn source(scene: &Scene, url: String, token: &Arc<Mutex<String>>) -> Source {
    let token = Arc::clone(token);
    Source {
        url,
        credential: Arc::new(move || {
            Some(Credential {
                user: "octobot".to_owned(),
                secret: token.lock().unwrap().clone().into(),
            })
        }),
        checkout: Some(scene.checkout.clone()),
    }
}

/// Every file below the directory that holds one of these.
fn files_with(root: &Path, needles: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut stack = vec![root.to_owned()];
    while let Some(path) = stack.pop() {
        if path.symlink_metadata().unwrap().is_dir() {
            stack.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if let Ok(content) = fs::read(&path) {
            let content = String::from_utf8_lossy(&content);
            if needles.iter().any(|needle| content.contains(needle)) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[tokio::test]
async fn a_token_goes_to_its_url_only_and_is_read_nowhere() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    git(&scene.origin, &["config", "http.receivepack", "true"]);
    let server = Server::start(&scene.root);
    let token = Arc::new(Mutex::new(TOKENS[0].to_owned()));
    let repository = open(
        scene.place(),
        source(&scene, server.url(), &token),
        habits(),
    );
    let repository = repository.await.unwrap();
    let workspace = prepare(&repository, 0, 1).await;
    write(&workspace.path, "a.txt", "two\n");
    let capture = repository
        .capture(&workspace, IssueNumber(1), FIRST)
        .await
        .unwrap();
    // Tokens are refreshed.
    TOKENS[1].clone_into(&mut token.lock().unwrap());
    let branch = BranchName::new("autoissue/1-a-thing");
    repository
        .push(&branch, &capture.snapshot, None)
        .await
        .unwrap();
    assert_eq!(
        repository.remote_head(&branch).await.unwrap(),
        Some(capture.snapshot.clone())
    );
    assert_eq!(
        git(&scene.origin, &["show", &format!("{branch}:a.txt")]),
        "two"
    );

    let [requests, in_arguments, in_environments] = server.findings();
    assert!(requests > 5, "{requests}");
    assert_eq!(in_arguments, 0);
    assert!(in_environments > 0, "the search finds what is there");
    let basic = [
        "b2N0b2JvdDpmaXJzdC10b2tlbi0w",
        "b2N0b2JvdDpzZWNvbmQtdG9rZW4t",
    ];
    let needles = [&TOKENS[..], &basic[..]].concat();
    for place in ["state", "slots"] {
        assert_eq!(files_with(&scene.root.join(place), &needles), [""; 0]);
    }
    let agent = files_with(&workspace.path.join(".git"), &["127.0.0.1"]);
    assert_eq!(agent, [""; 0], "the agent is told no URL");

    // The control: the usual way leaves it in arguments and in a file.
    let url = server
        .url()
        .replace("//", &format!("//octobot:{}@", TOKENS[0]));
    git(&scene.root, &["clone", "-q", &url, "plain"]);
    assert!(server.findings()[1] > 0);
    assert!(!files_with(&scene.root.join("plain"), &needles).is_empty());
}

#[tokio::test]
async fn refused_credentials_are_told_apart_and_not_told_on() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let server = Server::start(&scene.root);
    let token = Arc::new(Mutex::new("wrong-token".to_owned()));
    let refused = open(
        scene.place(),
        source(&scene, server.url(), &token),
        habits(),
    )
    .await;
    match refused.map(drop) {
        Err(error @ RepositoryError::Remote { auth: true, .. }) => {
            assert!(!error.to_string().contains("wrong-token"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    // With the right one it opens, and reads; pushing is refused by this server.
    TOKENS[0].clone_into(&mut token.lock().unwrap());
    let repository = open(
        scene.place(),
        source(&scene, server.url(), &token),
        habits(),
    );
    let repository = repository.await.unwrap();
    let base = repository.fetch("main").await.unwrap();
    git(&scene.origin, &["config", "http.receivepack", "false"]);
    let branch = BranchName::new("autoissue/1-a-thing");
    match repository.push(&branch, &base, None).await {
        Err(RepositoryError::Remote { auth, detail, .. }) => assert!(auth, "{detail}"),
        other => panic!("{other:?}"),
    }
    let url = server.url();
    drop(server);
    match repository.fetch("main").await {
        Err(RepositoryError::Remote {
            auth: false,
            detail,
            ..
        }) => {
            assert!(
                detail.contains(&url) || detail.contains("connect"),
                "{detail}"
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
