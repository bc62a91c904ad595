//! What an agent may have put into its files and into its own git, and what of it is taken in: a table, each row beside
//! what plain git takes.

use crate::repos::{Scene, capture, git, names, prepare, try_git, write};
use autoissue::ports::Repository as _;
use autoissue::rules::gate::guarded::Guarded;
use autoissue::rules::gate::judge::{Gate, Reason};
use autoissue::rules::ids::CommitId;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is not taken, and nothing else is said.
    LeftOut,
    /// It is not taken, or not as it is, and a person is told.
    Told,
    /// It is taken, and held by this.
    Held(Guarded),
    /// It is taken as an ordinary file.
    Plain,
}

type Plant = fn(&Path);

/// Names of `.git` and of its like, and where plain git takes them, whether it takes them.
const TABLE: [(&str, Plant, Fate); 24] = [
    (
        ".git below",
        |at| write(at, "x/.git/config", "[core]\n"),
        Fate::LeftOut,
    ),
    (
        ".GIT",
        |at| write(at, "x/.GIT/config", "[core]\n"),
        Fate::LeftOut,
    ),
    (
        "git~1",
        |at| write(at, "git~1/config", "[core]\n"),
        Fate::LeftOut,
    ),
    (
        ".git and a dot",
        |at| write(at, "x/.git./config", "[core]\n"),
        Fate::LeftOut,
    ),
    (
        ".git and a blank",
        |at| write(at, "x/.git /config", "[core]\n"),
        Fate::LeftOut,
    ),
    (
        "a stream of .git",
        |at| write(at, "x/.git::$INDEX_ALLOCATION/config", "x"),
        Fate::LeftOut,
    ),
    (
        ".git with a joiner",
        |at| write(at, "x/.g\u{200c}it/config", "x"),
        Fate::LeftOut,
    ),
    (
        "a backslash before .git",
        |at| write(at, "x\\.git", "x"),
        Fate::LeftOut,
    ),
    (
        "a file .git",
        |at| write(at, "x/.git", "gitdir: /elsewhere\n"),
        Fate::LeftOut,
    ),
    (
        "a link .git",
        |at| link(at, "x/.git", "/elsewhere"),
        Fate::LeftOut,
    ),
    (
        "a link .gitmodules",
        |at| link(at, ".gitmodules", "a.txt"),
        Fate::Told,
    ),
    (
        ".gitmodules",
        |at| write(at, ".gitmodules", "x"),
        Fate::Held(Guarded::GitConfig),
    ),
    (
        "gitmod~1",
        |at| write(at, "gitmod~1", "x"),
        Fate::Held(Guarded::GitConfig),
    ),
    (
        ".gitmodules with a joiner",
        |at| write(at, ".gitmod\u{200d}ules", "x"),
        Fate::Held(Guarded::GitConfig),
    ),
    ("a nested repository", nested, Fate::Plain),
    (
        "a link to keys",
        |at| link(at, "keys", "/home/ada/.ssh"),
        Fate::Held(Guarded::Links),
    ),
    (
        "a link up and out",
        |at| link(at, "x/keys", "../../.ssh"),
        Fate::Held(Guarded::Links),
    ),
    (
        "a link into .git",
        |at| link(at, "hooks", ".git/hooks"),
        Fate::Held(Guarded::Links),
    ),
    (
        "a link within",
        |at| link(at, "b.txt", "a.txt"),
        Fate::Plain,
    ),
    (
        "another case",
        |at| write(at, "A.TXT", "x"),
        Fate::Held(Guarded::Collisions),
    ),
    (
        "a directory in another case",
        |at| write(at, "SRC/new.rs", "x"),
        Fate::Held(Guarded::Collisions),
    ),
    (
        "a link in the place of a directory",
        |at| link(at, "Src", "x"),
        Fate::Held(Guarded::Collisions),
    ),
    (
        "a letter with its accent",
        |at| write(at, "caf\u{e9}", "x"),
        Fate::Held(Guarded::Collisions),
    ),
    ("a mode", executable, Fate::Held(Guarded::Executables)),
];

fn link(at: &Path, path: &str, target: &str) {
    let path = at.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink(target, path).unwrap();
}

fn nested(at: &Path) {
    git(at, &["init", "-q", "x"]);
    write(at, "x/y", "x");
    git(&at.join("x"), &["add", "y"]);
    git(&at.join("x"), &["commit", "-q", "-m", "x"]);
}

fn executable(at: &Path) {
    fs::set_permissions(at.join("a.txt"), fs::Permissions::from_mode(0o755)).unwrap();
}

fn scene() -> Scene {
    Scene::new(&[
        ("a.txt", "one\n"),
        ("src/a.rs", "\n"),
        ("cafe\u{301}", "x\n"),
    ])
}

#[tokio::test]
async fn what_is_taken_in_of_files_is_what_the_table_says() {
    let scene = scene();
    let repository = scene.open().await;
    let mut plainly = 0;
    for (issue, (name, plant, expect)) in (1..).zip(TABLE) {
        let workspace = prepare(&repository, 0, issue).await;
        plant(&workspace.path);
        // The control: plain git, which trusts this disk. Some of these it refuses by itself.
        let trusting = [
            "-c",
            "core.protectNTFS=false",
            "-c",
            "core.protectHFS=false",
        ];
        let add = [&trusting[..], &["add", "-A"]].concat();
        let is_added = try_git(&workspace.path, &add).status.success()
            && !git(&workspace.path, &["diff", "--cached", "--name-only"]).is_empty();
        plainly += usize::from(is_added && expect != Fate::Plain);

        let taken = capture(&repository, &workspace, issue).await;
        let held: Vec<Reason> = Gate::default().held(&taken.changes).into_keys().collect();
        let fate = match (&taken.concern, &held[..]) {
            (Some(_), _) => Fate::Told,
            (None, []) if taken.changes.is_empty() => Fate::LeftOut,
            (None, []) => Fate::Plain,
            (None, [Reason::Guarded(kind)]) => Fate::Held(*kind),
            (None, more) => panic!("{name}: {more:?}"),
        };
        assert_eq!(
            fate, expect,
            "{name}: {:?} {:?}",
            taken.concern, taken.diff.paths
        );
        let files = scene.files(taken.snapshot.as_str());
        assert!(
            files.iter().all(|file| !file.starts_with("160000")),
            "{name}: {files:?}"
        );
        repository.release(workspace).await.unwrap();
    }
    println!(
        "{plainly} of {} rows plain git takes as they are",
        TABLE.len()
    );
    assert!(plainly >= 15, "the control took {plainly}");
}

/// Makes a tree of one entry, whatever git thinks of it, and a commit of that.
fn commit_of(directory: &Path, mode: &str, name: &str) -> String {
    let blob = git(directory, &["hash-object", "-w", "--stdin"]);
    let object = if mode == "40000" {
        git(directory, &["mktree", "--missing"])
    } else {
        blob
    };
    let digits: Vec<u8> = (0..40)
        .step_by(2)
        .map(|at| u8::from_str_radix(&object[at..at + 2], 16).unwrap())
        .collect();
    let tree = [format!("{mode} {name}\0").as_bytes(), &digits].concat();
    let mut child = Command::new("git")
        .args(["hash-object", "-t", "tree", "-w", "--literally", "--stdin"])
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&tree).unwrap();
    let said = child.wait_with_output().unwrap();
    let tree = String::from_utf8(said.stdout).unwrap();
    git(directory, &["commit-tree", "-m", "x", tree.trim()])
}

/// Trees that a checkout would write into a git directory by, or out of the repository.
const TREES: [(&str, &str); 5] = [
    ("40000", ".git"),
    ("40000", ".GIT"),
    ("40000", "git~1"),
    ("40000", ".."),
    ("120000", ".gitmodules"),
];

#[tokio::test]
async fn objects_that_an_agent_made_are_never_taken_in() {
    let scene = scene();
    let repository = scene.open().await;
    for (issue, (mode, name)) in (1..).zip(TREES) {
        let workspace = prepare(&repository, 0, issue).await;
        let at = &workspace.path;
        let commit = commit_of(at, mode, name);
        git(at, &["update-ref", "HEAD", &commit]);
        write(at, "a.txt", "two\n");
        let taken = capture(&repository, &workspace, issue).await;
        assert_eq!(taken.diff.paths, ["a.txt"], "{name}");
        let known = try_git(&scene.mirror(), &["cat-file", "-e", &commit]);
        assert!(!known.status.success(), "{name} is in the mirror");
        // The control: whoever fetches what the agent committed, and does not check, has it.
        let other = scene.root.join(format!("naive-{issue}.git"));
        git(
            &scene.root,
            &["init", "-q", "--bare", other.to_str().unwrap()],
        );
        git(&other, &["fetch", "-q", at.to_str().unwrap(), "HEAD"]);
        assert_eq!(
            git(&other, &["cat-file", "-t", &commit]),
            "commit",
            "{name}"
        );
        repository.release(workspace).await.unwrap();
    }
    assert!(names(&scene.root).len() > TREES.len());
}

#[tokio::test]
async fn trees_that_no_checkout_should_follow_are_refused_from_the_remote_as_well() {
    for (mode, name) in TREES {
        let scene = scene();
        let repository = scene.open().await;
        let before = repository.fetch("main").await.unwrap();
        let commit = commit_of(&scene.origin, mode, name);
        git(&scene.origin, &["update-ref", "refs/heads/main", &commit]);
        let refused = repository.fetch("main").await;
        assert!(refused.is_err(), "{name}: {refused:?}");
        let known = try_git(&scene.mirror(), &["cat-file", "-e", &commit]);
        assert!(!known.status.success(), "{name} is in the mirror");
        // The controls: plain git takes it, and an ordinary commit is fetched again.
        let plain = scene.root.join("plain.git");
        git(
            &scene.root,
            &["init", "-q", "--bare", plain.to_str().unwrap()],
        );
        git(
            &plain,
            &["fetch", "-q", scene.origin.to_str().unwrap(), "main"],
        );
        git(
            &scene.origin,
            &["update-ref", "refs/heads/main", before.as_str()],
        );
        let after = repository.fetch("main").await.unwrap();
        assert_eq!(after, CommitId::new(before.as_str()), "{name}");
    }
}
