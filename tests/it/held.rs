//! Work that nobody may publish, the whole way on the fake GitHub: no push, no pull, the files kept, a person told; and
//! what passes beside it.

use crate::rig::Ran;
use crate::stage::Stage;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A key with a body; it opens nothing.
const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gt\n-----END OPENSSH PRIVATE KEY-----\n";
/// Nobody's token.
const OTHER: &str = "ghp_7Hq2Zk9Wm4Xc1Vb6Nn3Lp8Ks5Jd0Fg2Rt7Yu";

/// A run over one issue, with an agent that does this. The run's own token is in `PLACE/token`.
fn run(does: &str, change: &Value) -> (Stage, Ran) {
    let agent = format!("#!/bin/sh\ncat > /dev/null\n{does}\necho '{{\"cost_usd\": 0.1}}'\n");
    let mut stage = Stage::new(&agent, None);
    stage.fake.commit(
        "main",
        &[
            ("README.md", "# Widgets\n"),
            ("cafe\u{301}.md", "x\n"),
            ("old/token.txt", &format!("{OTHER}\n")),
        ],
    );
    stage.rig.write("token", &stage.fake.token());
    stage.rig.write("key", KEY);
    stage.rig.write("other", &other());
    stage.configure(change);
    stage.issue(1, &["go"]);
    let ran = stage.exec("go", &[]);
    stage.assert_lawful();
    (stage, ran)
}

/// Another value in the place of `OTHER`.
fn other() -> String {
    OTHER.chars().rev().collect::<String>().replace("_phg", "")
}

fn mirror(stage: &Stage) -> PathBuf {
    let mirrors = std::fs::read_dir(stage.rig.path("state/mirrors")).unwrap();
    let mut paths = mirrors.flatten().map(|entry| entry.path());
    let is_mirror = |path: &PathBuf| path.extension().is_some_and(|end| end == "git");
    paths.find(is_mirror).unwrap()
}

/// All that a run wrote, but for the objects and worktrees that hold the work.
fn written(directory: &Path, all: &mut Vec<u8>) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let is_work = ["mirrors", "worktrees"]
            .iter()
            .any(|work| path.ends_with(work));
        if kind.is_dir() && !is_work {
            written(&path, all);
        } else if kind.is_file() {
            all.extend(std::fs::read(&path).unwrap());
        }
    }
}

/// It went to a person for this, nothing left this machine, the work is kept, and no value is told anywhere.
fn assert_held(does: &str, expect: &str, change: &Value) {
    let (stage, ran) = run(does, change);
    let task = ran.task(1);
    assert_eq!(task["outcome"], "needs_human", "{does}: {ran:?}");
    let reason = task["reason"].as_str().unwrap();
    assert!(reason.contains(expect), "{does}: {reason}");
    assert!(stage.fake.pulls().is_empty(), "{does}");
    let branches = stage.fake.branches();
    assert!(
        branches.keys().all(|name| !name.starts_with("autoissue/")),
        "{does}"
    );
    let (_, rest) = reason.split_once("as commit ").unwrap();
    let (commit, _) = rest.split_once('.').unwrap();
    let kept = Command::new("git")
        .arg("-C")
        .arg(mirror(&stage))
        .args(["diff-tree", "--root", "--name-only", "-r", commit])
        .output()
        .unwrap();
    assert!(!kept.stdout.is_empty(), "{does}: nothing is kept");
    let comments = stage.fake.comments(1);
    assert!(
        comments
            .iter()
            .any(|comment| comment.body.contains("Its files are kept")),
        "{does}: nobody is told"
    );

    let mut told = ran.said().into_bytes();
    told.extend(comments.iter().flat_map(|comment| comment.body.bytes()));
    written(&stage.rig.path("state"), &mut told);
    let told = String::from_utf8_lossy(&told);
    for secret in [
        &stage.fake.token(),
        OTHER,
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU",
    ] {
        assert!(!told.contains(secret), "{does}: {secret} is told");
    }
}

fn assert_offered(does: &str, change: &Value) {
    let (stage, ran) = run(does, change);
    assert_eq!(ran.count("completed"), 1, "{does}: {ran:?}");
    assert_eq!(stage.fake.pulls().len(), 1, "{does}");
}

/// What an agent does, and what the person is told.
const GUARDED: [(&str, &str, &str); 8] = [
    (
        "mkdir -p .github/workflows; echo x > .github/workflows/x.yml",
        "workflows",
        "workflows and actions (.github/workflows/x.yml)",
    ),
    (
        "ln -s \"$HOME/.ssh\" keys",
        "links",
        "links that lead out of the repository (keys)",
    ),
    (
        "ln -s ../../../.ssh/id_ed25519 key",
        "links",
        "links that lead out of the repository (key)",
    ),
    (
        "echo x > readme.md",
        "collisions",
        "names that some disks take for one (readme.md and README.md)",
    ),
    (
        "printf x > \"$(printf 'caf\\303\\251.md')\"",
        "collisions",
        "names that some disks take for one (caf",
    ),
    (
        "cp PLACE/key deploy.pem",
        "secrets",
        "what looks like a secret (deploy.pem: a private key)",
    ),
    (
        "echo 'aws = AKIAQWERTYUIOPASDFGH' > aws.ini",
        "secrets",
        "what looks like a secret (aws.ini: a token of AWS)",
    ),
    (
        "echo 'DB=postgres://app:hTr7Gf2kQ9zLm4Xw@db.internal/x' > .env",
        "secrets",
        "what looks like a secret (.env: a password in an address or a header)",
    ),
];

#[test]
fn what_may_not_be_offered_is_not_pushed_and_a_person_is_told() {
    for (does, kind, expect) in GUARDED {
        assert_held(does, expect, &json!({}));
        // The control: with the gate open the same work is a pull.
        assert_offered(does, &json!({ "security": { "allow": [kind] } }));
    }
}

#[test]
fn a_known_secret_is_never_offered_in_whatever_form() {
    let all = json!({ "security": { "allow": ["secrets", "links", "largeFiles"] } });
    let mut controls = 0;
    for (does, path) in [
        (
            "printf 'key = \"%s\"\\n' \"$(cat PLACE/token)\" > conf.toml",
            "conf.toml",
        ),
        (
            "printf 'x %s y' \"$(cat PLACE/token)\" | base64 -w0 > data.txt",
            "data.txt",
        ),
        (
            "printf '{\"k\":\"%s\"}' \"$(cat PLACE/token)\" | base64 | base64 -d > a.json",
            "a.json",
        ),
        (
            "{ head -c 999 /dev/urandom; cat PLACE/token; head -c 9 /dev/zero; } > x.bin",
            "x.bin",
        ),
        (
            "head -c 6000000 /dev/zero > big; cat PLACE/token >> big",
            "big",
        ),
        ("ln -s \"$(cat PLACE/token)\" link", "link"),
        ("echo x > \"$(cat PLACE/token).txt\"", "[redacted].txt"),
        (
            "printf '* -diff -text\\n' > .gitattributes; cat PLACE/token > hidden",
            "hidden",
        ),
    ] {
        // Whatever is allowed.
        assert_held(
            does,
            &format!("secrets that autoissue was given ({path})"),
            &all,
        );
        // The control: a value that nobody gave it, in the same place.
        assert_offered(&does.replace("PLACE/token", "PLACE/other"), &all);
        controls += 1;
    }
    assert_eq!(controls, 8);
}

#[test]
fn what_is_no_secret_or_stands_in_the_base_passes() {
    for does in [
        "echo x > a.txt",
        "mkdir new; mv old/token.txt new/token.txt; echo more >> new/token.txt",
        "chmod +w old/token.txt; echo more >> old/token.txt",
        "mkdir docs; echo x > docs/README.md; git mv README.md x 2> /dev/null; mv README.md Readme.md",
        "echo 'token: ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx AKIAIOSFODNN7EXAMPLE' > docs.md",
        "echo 'url = \"postgres://postgres:postgres@localhost/app\"' > dev.toml",
    ] {
        assert_offered(does, &json!({}));
    }
    // The control: what the base has elsewhere alone is brought here.
    assert_held(
        "cat old/token.txt > copied.txt",
        "what looks like a secret (copied.txt: a token of GitHub)",
        &json!({}),
    );
}

#[test]
fn a_secret_in_a_title_is_in_no_commit_and_no_pull() {
    let mut stage = Stage::new("#!/bin/sh\ncat > /dev/null\necho x > a.txt\n", None);
    stage.configure(&json!({}));
    let title = format!("Replace {OTHER} and {}", stage.fake.token());
    stage.fake.add_issue(&title, "Do it.", &["go"]);
    let ran = stage.exec("go", &[]);
    assert_eq!(ran.count("completed"), 1, "{ran:?}");
    let pulls = stage.fake.pulls();
    let head = &pulls[0].pull.as_ref().unwrap().head;
    let log = Command::new("git")
        .args(["log", "-1", "--format=%B", head])
        .current_dir(stage.fake.git_path())
        .output()
        .unwrap();
    let message = String::from_utf8(log.stdout).unwrap();
    for text in [&message, &pulls[0].title] {
        assert!(text.contains("[redacted]"), "{text}");
        assert!(
            !text.contains(OTHER) && !text.contains(&stage.fake.token()),
            "{text}"
        );
    }
}
