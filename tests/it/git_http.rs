//! Git over HTTP with a token: it works, it is refreshed, and it is nowhere it could be read.

use crate::repos::{Scene, branch, capture, git, habits, prepare, write};
use autoissue::adapters::git::repository::open;
use autoissue::adapters::git::source::{Credential, Place, Source};
use autoissue::ports::{Repository, RepositoryError};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

pub(crate) const TOKENS: [&str; 2] = ["first-token-0123456789", "second-token-9876543210"];

pub(crate) struct Server {
    process: Child,
    port: u16,
}

impl Server {
    pub(crate) fn start(root: &Path) -> Self {
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

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/origin.git", self.port)
    }

    /// How often the token was found: in how many requests, in arguments, in environments.
    pub(crate) fn findings(&self) -> [u64; 3] {
        ["requests: ", "in arguments: ", "in environments: "].map(|key| self.finding(key))
    }

    /// How many large files were fetched from here.
    pub(crate) fn larges(&self) -> u64 {
        self.finding("large files: ")
    }

    fn finding(&self, key: &str) -> u64 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(b"GET /findings HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let line = answer.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn source(scene: &Scene, url: String, token: &Arc<Mutex<String>>) -> Source {
    let token = Arc::clone(token);
    Source {
        url,
        credential: Arc::new(move |refused| {
            let own = Credential {
                user: "octobot".to_owned(),
                secret: token.lock().unwrap().clone().into(),
            };
            Box::pin(async move { Ok(refused.is_none().then_some(own)) })
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
    let captured = capture(&repository, &workspace, 1).await;
    // Tokens are refreshed.
    TOKENS[1].clone_into(&mut token.lock().unwrap());
    let branch = branch(1);
    repository
        .push(&branch, &captured.snapshot, None)
        .await
        .unwrap();
    assert_eq!(
        repository.remote_head(&branch).await.unwrap(),
        Some(captured.snapshot.clone())
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
async fn a_token_that_is_refused_is_replaced_once_in_every_call() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    git(&scene.origin, &["config", "http.receivepack", "true"]);
    let server = Server::start(&scene.root);
    let shown = Arc::new(Mutex::new(Vec::new()));
    // Always the wrong one first, and another one only where there is `more`.
    let source = |more: bool| {
        let shown = Arc::clone(&shown);
        Source {
            credential: Arc::new(move |refused| {
                let token = match &refused {
                    None => Some("ended"),
                    Some(_) => more.then_some(TOKENS[0]),
                };
                shown.lock().unwrap().push(token);
                let own = token.map(|token| Credential {
                    user: "octobot".to_owned(),
                    secret: token.to_owned().into(),
                });
                Box::pin(async { Ok(own) })
            }),
            ..source(&scene, server.url(), &Arc::default())
        }
    };
    let repository = open(scene.place(), source(true), habits()).await.unwrap();
    let base = repository.fetch("main").await.unwrap();
    repository.push(&branch(1), &base, None).await.unwrap();
    let pairs = std::mem::take(&mut *shown.lock().unwrap());
    assert!(pairs.len() >= 4, "{pairs:?}");
    for pair in pairs.chunks(2) {
        assert_eq!(pair, [Some("ended"), Some(TOKENS[0])]);
    }
    // The control: where there is no other one, it is refused.
    let place = scene.place();
    let elsewhere = Place {
        mirror: place.mirror.with_extension("other"),
        ..place
    };
    let refused = open(elsewhere, source(false), habits()).await.map(drop);
    assert!(
        matches!(refused, Err(RepositoryError::Remote { auth: true, .. })),
        "{refused:?}"
    );
    assert_eq!(*shown.lock().unwrap(), [Some("ended"), None]);
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
    let branch = branch(1);
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
