//! Whole runs in the sandbox: what the agent, setup and checks of an issue get at, and what of it gets anywhere.

use crate::rig::{Ran, Rig};
use crate::stage::Stage;
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

/// What nobody but this machine's user may ever read.
const CANARY: &str = "canary-41c8e2";

/// Looks for canaries wherever a thief would, and puts all that it finds into its work, its output and its home.
const SPY: &str = r#"#!/usr/bin/env python3
import glob, json, os, pathlib, subprocess, sys
sys.stdin.read()
found = [f"{name}={value}" for name, value in os.environ.items()]
places = ["PLACE/home/.netrc", "PLACE/home/.ssh/id_ed25519", "PLACE/home/.config/gh/hosts.yml",
          "PLACE/other/.env", "PLACE/checkout/.env", "PLACE/state/private"]
places += glob.glob("/proc/[0-9]*/environ") + glob.glob("/home/*/.netrc") + ["/root/.netrc", "/etc/shadow"]
for place in places:
    try:
        found.append(open(place, errors="replace").read())
    except OSError as error:
        found.append(f"{place}: {error.strerror}")
for command in (["git", "-C", "PLACE/checkout", "log", "-p"], ["ps", "auxe"]):
    try:
        found.append(subprocess.run(command, capture_output=True, text=True).stdout)
    except OSError:
        pass
text = "\n".join(found)
pathlib.Path("spied.txt").write_text(text)
pathlib.Path(os.path.expanduser("~/spied.txt")).write_text(text)
print(text.replace("\n", " "))
print(json.dumps({"cost_usd": 0.1, "summary": text[:2000]}))
"#;

fn spied(isolation: &str) -> (Stage, Ran) {
    let stage = Stage::new(SPY, None);
    for path in [
        "home/.netrc",
        "home/.ssh/id_ed25519",
        "home/.config/gh/hosts.yml",
        "other/.env",
        "checkout/.env",
        "state/private",
    ] {
        stage.rig.write(path, CANARY);
    }
    stage.issue(1, &["go"]);
    let args = ["exec", "go", "--isolation", isolation, "--format", "json"];
    let mut command = stage.command(&args);
    command.env("AWS_SECRET_ACCESS_KEY", CANARY);
    let ran = command.output().unwrap().into();
    (stage, ran)
}

/// Everything that people and programs get to see of a run, and all that it keeps.
fn sinks(stage: &Stage, ran: &Ran) -> String {
    let mut all = ran.said();
    for item in stage.fake.pulls().iter().chain(&stage.fake.issues()) {
        all.push_str(item.body.as_deref().unwrap_or_default());
        let comments = stage.fake.comments(item.number);
        for comment in comments {
            all.push_str(&comment.body);
        }
    }
    for pull in stage.fake.pulls() {
        let tree = stage.fake.tree_of(&pull.pull.as_ref().unwrap().head);
        write!(all, "{tree:?}").unwrap();
    }
    below(&stage.rig.path("state"), &mut all);
    all
}

fn below(directory: &Path, all: &mut String) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            below(&path, all);
        } else if kind.is_file() && !path.ends_with("state/private") {
            let bytes = std::fs::read(&path).unwrap_or_default();
            all.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn no_secret_of_this_machine_is_found_and_none_gets_anywhere() {
    let (stage, ran) = spied("bwrap");
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
    let all = sinks(&stage, &ran);
    assert!(
        all.contains("AUTOISSUE_ISSUE=1"),
        "the control: it did look around"
    );
    for secret in [CANARY, &stage.fake.token()] {
        let at = all.find(secret).map(|at| &all[at.saturating_sub(300)..at]);
        assert_eq!(at, None, "{secret} got somewhere");
    }
    stage.assert_lawful();
    // The control: without a sandbox it finds what it looks for.
    let (stage, ran) = spied("none");
    assert!(sinks(&stage, &ran).contains(CANARY), "{ran:?}");
}

#[test]
fn setup_and_checks_run_in_the_sandbox_as_well() {
    let rig = Rig::local("echo work > work.txt", &json!({}));
    let netrc = rig.write("home/.netrc", CANARY);
    let script = format!(
        "cat {} && exit 3; echo planted > ~/.bashrc; echo \"$HOME\" > $1; exit 0",
        netrc.display()
    );
    rig.config(&json!({
        "agent": { "kind": "command", "command": [rig.path("bin/agent")] },
        "worktree": { "setup": ["sh", "-c", script, "x", "setup.txt"] },
        "checks": [{ "name": "nosy", "run": ["sh", "-c", script, "x", "check.txt"] }],
    }));
    rig.issue(1, "Work", "`work.txt`");
    let go =
        |isolation: &str| rig.run(&["exec", "go", "--isolation", isolation, "--format", "json"]);
    let ran = go("bwrap");
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
    assert!(!rig.path("home/.bashrc").exists());
    assert!(!ran.said().contains(CANARY));
    // The control: without a sandbox setup finds it, and the attempt ends there.
    rig.issue(2, "Work", "`work.txt`");
    let ran = go("none");
    assert_eq!(ran.count("failed"), 1, "{ran:?}");
}

#[test]
fn a_server_in_the_sandbox_is_asked_from_outside() {
    let page = "import http.server, os\nclass Page(http.server.BaseHTTPRequestHandler):\n\
        \x20   def do_GET(self):\n\
        \x20       self.send_response(204); self.end_headers()\n\
        \x20   def log_message(self, *words): pass\n\
        http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Page).serve_forever()\n";
    let rig = Rig::new();
    let agent = rig.script(
        "agent",
        "#!/bin/sh\ncat > /dev/null\necho '# changed' >> server.py\n",
    );
    rig.write("checkout/server.py", page);
    rig.git(&["add", "server.py"]);
    rig.git(&["commit", "-qm", "a server"]);
    rig.config(&json!({
        "agent": { "kind": "command", "command": [agent] },
        "scheduling": { "certificate": false },
        "worktree": { "ports": { "first": 22_810, "each": 3 } },
        "checks": [{
            "name": "serves", "run": ["python3", "server.py"],
            "answers": { "url": "http://127.0.0.1:{port}/", "seconds": 30 },
        }],
    }));
    rig.issue(1, "Serve", "`server.py`");
    let ran = rig.run(&["exec", "go", "--isolation", "bwrap", "--format", "json"]);
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
    assert_eq!(ran.event("checked")["checks"][0]["verdict"], "passed");
}

#[test]
fn a_check_that_was_kept_from_a_host_says_so() {
    let rig = Rig::new();
    // It prints what it is told, and that is kept.
    rig.script("agent", "#!/bin/sh\ntee -a work.txt\n");
    let fetch = "import os, urllib.request as u\nif os.path.exists('work.txt'): u.urlopen('https://packages.example.com/x')";
    rig.config(&json!({
        "agent": { "kind": "command", "command": [rig.path("bin/agent")] },
        "executor": { "maxRetries": 0 },
        "checks": [{ "name": "fetches", "run": ["python3", "-c", fetch] }],
    }));
    rig.issue(1, "Work", "`work.txt`");
    let ran = rig.run(&["exec", "go", "--isolation", "bwrap", "--format", "json"]);
    assert_eq!(ran.count("failed"), 1, "{ran:?}");
    let told = rig.run(&["history", "1"]).stdout;
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let expect = "kept from packages.example.com:443 (add it to sandbox.hosts";
    assert!(told.contains(expect), "{told}");
}

#[test]
fn hosts_that_an_agent_was_kept_from_are_shown_wherever_the_issue_is() {
    let rig = Rig::new();
    // Two hosts, one of them twice, and an odd name that no terminal should get as it is.
    let fetch = "import os, socket, urllib.parse as p\n\
                 at = p.urlparse(os.environ['HTTPS_PROXY'])\n\
                 for host in (b'one.example.com:443', b'one.example.com:443', b'two.example.com:8443', b'a\\x1b[2Jb:443'):\n\
                 \x20   s = socket.create_connection((at.hostname, at.port)); s.sendall(b'CONNECT ' + host + b' HTTP/1.1\\r\\n\\r\\n'); s.recv(99); s.close()\n";
    rig.script(
        "agent",
        &format!("#!/bin/sh\ncat > /dev/null\npython3 -c \"{fetch}\"\necho x > work.txt\n"),
    );
    rig.config(&json!({ "agent": { "kind": "command", "command": [rig.path("bin/agent")] } }));
    rig.issue(1, "Work", "`work.txt`");
    let ran = rig.run(&["exec", "go", "--isolation", "bwrap", "--headless"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let hosts = "ab:443, one.example.com:443, two.example.com:8443";
    let line = format!("#1 was kept from {hosts} (add them to sandbox.hosts to allow)");
    assert!(ran.said().contains(&line), "{ran:?}");
    assert!(ran.said().contains("Kept from\n"), "at its end: {ran:?}");
    assert!(!ran.said().contains('\u{1b}'));
    let history = rig.run(&["history", "1"]).stdout;
    assert!(history.contains(&line), "{history}");
    let status = rig.run(&["status", "--issue", "1"]).stdout;
    assert!(status.contains(&format!("kept from {hosts}")), "{status}");
    let told = rig.run(&["history", "1", "--format", "json"]);
    let told = told
        .events()
        .into_iter()
        .find(|it| it["event"] == "kept_from");
    let told = told.unwrap()["hosts"].as_array().unwrap().len();
    assert_eq!(told, 3, "each once");
    // The control: an agent that asks for nothing was kept from nothing.
    let quiet = Rig::local("echo x > work.txt", &json!({}));
    quiet.issue(1, "Work", "`work.txt`");
    let ran = quiet.run(&["exec", "go", "--isolation", "bwrap", "--headless"]);
    assert!(!ran.said().contains("ept from"), "{ran:?}");
}
