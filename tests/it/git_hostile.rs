//! What an agent may do to git in its worktree: nothing of it runs in our calls. Each case shows first that plain git,
//! run in the same place, executes it.

use crate::repos::{Scene, branch, capture, git, message, prepare, try_git, write, write_script};
use autoissue::adapters::git::repository::GitRepository;
use autoissue::ports::{Repository, Workspace};
use autoissue::rules::ids::IssueNumber;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A program that leaves a mark when it runs.
struct Payload {
    program: PathBuf,
    mark: PathBuf,
}

impl Payload {
    fn new(scene: &Scene) -> Self {
        let mark = scene.root.join("executed");
        let script = format!(
            "#!/bin/sh\necho \"$0 $*\" >> '{}'\nexit 1\n",
            mark.display()
        );
        write_script(&scene.root, "payload", &script);
        Self {
            program: scene.root.join("payload"),
            mark,
        }
    }

    fn text(&self) -> &str {
        self.program.to_str().unwrap()
    }

    /// Did it run since this was last asked?
    fn ran(&self) -> Option<String> {
        let log = fs::read_to_string(&self.mark).ok()?;
        fs::remove_file(&self.mark).unwrap();
        Some(log)
    }
}

type Plant = fn(&Path, &Payload);

fn add_config(git_dir: &Path, text: &str) {
    let path = git_dir.join("config");
    let old = fs::read_to_string(&path).unwrap_or_default();
    fs::write(path, format!("{old}{text}")).unwrap();
}

/// A repository whose configuration executes the payload, in a directory that is not called `.git`.
fn evil_repository(tree: &Path, payload: &Payload) -> PathBuf {
    let evil = tree.join("evil");
    git(tree, &["init", "-q", "--bare", "evil"]);
    fs::copy(tree.join(".git/index"), evil.join("index")).unwrap();
    let config = format!("[core]\n\tbare = false\n\tfsmonitor = {}\n", payload.text());
    fs::write(evil.join("config"), config).unwrap();
    evil
}

fn hook(tree: &Path, payload: &Payload) {
    let hooks = tree.join(".git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    for name in [
        "post-index-change",
        "pre-commit",
        "reference-transaction",
        "post-commit",
    ] {
        symlink(&payload.program, hooks.join(name)).unwrap();
    }
}

fn hooks_path(tree: &Path, payload: &Payload) {
    fs::create_dir(tree.join("husky")).unwrap();
    fs::copy(&payload.program, tree.join("husky/post-index-change")).unwrap();
    git(tree, &["config", "core.hooksPath", "husky"]);
}

fn fsmonitor(tree: &Path, payload: &Payload) {
    git(tree, &["config", "core.fsmonitor", payload.text()]);
}

fn clean_filter(tree: &Path, payload: &Payload) {
    git(tree, &["config", "filter.x.clean", payload.text()]);
    write(tree, ".gitattributes", "* filter=x\n");
}

fn process_filter(tree: &Path, payload: &Payload) {
    git(tree, &["config", "filter.x.process", payload.text()]);
    write(tree, ".gitattributes", "*.txt filter=x\n");
}

fn included_config(tree: &Path, payload: &Payload) {
    write(
        tree,
        "harmless.ini",
        format!("[core]\n\tfsmonitor = {}\n", payload.text()),
    );
    git(tree, &["config", "include.path", "../harmless.ini"]);
}

fn worktree_config(tree: &Path, payload: &Payload) {
    git(tree, &["config", "extensions.worktreeConfig", "true"]);
    git(
        tree,
        &["config", "--worktree", "core.fsmonitor", payload.text()],
    );
}

fn git_file(tree: &Path, payload: &Payload) {
    evil_repository(tree, payload);
    fs::remove_dir_all(tree.join(".git")).unwrap();
    fs::write(tree.join(".git"), "gitdir: evil\n").unwrap();
}

fn git_link(tree: &Path, payload: &Payload) {
    evil_repository(tree, payload);
    fs::remove_dir_all(tree.join(".git")).unwrap();
    symlink("evil", tree.join(".git")).unwrap();
}

fn common_dir(tree: &Path, payload: &Payload) {
    evil_repository(tree, payload);
    fs::write(tree.join(".git/commondir"), "../evil\n").unwrap();
}

fn external_diff(tree: &Path, payload: &Payload) {
    git(tree, &["config", "diff.external", payload.text()]);
    write(tree, "a.txt", "changed\n");
}

fn text_conversion(tree: &Path, payload: &Payload) {
    git(tree, &["config", "diff.x.textconv", payload.text()]);
    write(tree, ".gitattributes", "*.txt diff=x\n");
    write(tree, "a.txt", "changed\n");
}

fn signing_program(tree: &Path, payload: &Payload) {
    git(tree, &["config", "commit.gpgSign", "true"]);
    git(tree, &["config", "gpg.program", payload.text()]);
}

fn nested_repository(tree: &Path, payload: &Payload) {
    git(tree, &["init", "-q", "vendor/nested"]);
    let nested = tree.join("vendor/nested");
    write(&nested, "code.txt", "nested\n");
    git(&nested, &["add", "-A"]);
    git(&nested, &["commit", "-q", "-m", "nested"]);
    write(&nested, ".gitattributes", "* filter=x\n");
    write(&nested, "code.txt", "edited\n");
    let text = payload.text();
    let config = format!(
        "[core]\n\tfsmonitor = {text}\n[filter \"x\"]\n\tclean = {text}\n\tprocess = {text}\n"
    );
    add_config(&nested.join(".git"), &config);
}

fn nested_link(tree: &Path, payload: &Payload) {
    nested_repository(tree, payload);
    let nested = tree.join("vendor/nested");
    fs::rename(nested.join(".git"), tree.join("vendor/store")).unwrap();
    symlink("../store", nested.join(".git")).unwrap();
}

const VECTORS: [(&str, Plant); 15] = [
    ("hooks", hook),
    ("hooks path", hooks_path),
    ("fsmonitor", fsmonitor),
    ("clean filter", clean_filter),
    ("process filter", process_filter),
    ("included configuration", included_config),
    ("worktree configuration", worktree_config),
    (".git file", git_file),
    (".git link", git_link),
    ("common directory", common_dir),
    ("external diff", external_diff),
    ("text conversion", text_conversion),
    ("signing program", signing_program),
    ("nested repository", nested_repository),
    ("nested repository behind a link", nested_link),
];

/// What any program that runs plain git in the agent's directory would do.
fn plain_git(tree: &Path) {
    for args in [
        &["status"][..],
        &["diff"],
        &["add", "-A"],
        &["status"],
        &["commit", "-q", "-m", "plain"],
    ] {
        try_git(tree, args);
    }
}

/// Everything that we ever do with a worktree.
async fn whole_way(repository: &GitRepository, workspace: Workspace, issue: u64) {
    for _ in 0..2 {
        let look = repository.look(&[IssueNumber(issue)]).await.unwrap();
        assert_eq!(look.seen().len(), 1, "it was looked at");
        capture(repository, &workspace, issue).await;
        write(&workspace.path, "more.txt", "more\n");
    }
    let taken = capture(repository, &workspace, issue).await;
    assert!(taken.diff.paths.contains(&"more.txt".to_owned()));
    let base = workspace.base.clone();
    let commit = repository
        .commit(&taken, std::slice::from_ref(&base), &message(issue))
        .await
        .unwrap();
    let checks = repository.checkout(&commit.id).await.unwrap();
    drop(checks);
    repository
        .push(&branch(issue), &commit.id, None)
        .await
        .unwrap();
    repository.release(workspace).await.unwrap();
    let next = prepare(repository, 0, issue + 1000).await;
    repository.release(next).await.unwrap();
}

#[tokio::test]
async fn nothing_that_an_agent_plants_in_git_runs_in_our_calls() {
    let scene = Scene::new(&[("a.txt", "one\n"), ("b.txt", "two\n")]);
    let payload = Payload::new(&scene);
    let repository = scene.open().await;
    for (issue, (name, plant)) in (1..).zip(VECTORS) {
        let workspace = prepare(&repository, 0, issue).await;
        repository.seal(&workspace).await.unwrap();
        plant(&workspace.path, &payload);
        write(&workspace.path, "a.txt", "changed\n");
        payload.ran();
        whole_way(&repository, workspace, issue).await;
        assert_eq!(payload.ran(), None, "{name}");

        // The control: the same place, and plain git.
        let workspace = prepare(&repository, 0, issue).await;
        plant(&workspace.path, &payload);
        write(&workspace.path, "a.txt", "changed\n");
        payload.ran();
        plain_git(&workspace.path);
        assert!(payload.ran().is_some(), "{name}: the payload is a dud");
        repository.release(workspace).await.unwrap();
    }
}

#[tokio::test]
async fn files_of_a_nested_repository_are_taken_as_plain_files() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let payload = Payload::new(&scene);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    nested_repository(&workspace.path, &payload);
    let taken = capture(&repository, &workspace, 1).await;
    assert_eq!(
        scene.content(&taken.snapshot, "vendor/nested/code.txt"),
        "edited"
    );
    assert!(
        taken.concern.unwrap().contains("filter"),
        "the attributes name a filter"
    );
    assert_eq!(payload.ran(), None);
    // The control: plain git takes a link to a commit that nobody else has.
    let workspace = {
        repository.release(workspace).await.unwrap();
        prepare(&repository, 0, 1).await
    };
    git(&workspace.path, &["init", "-q", "vendor/nested"]);
    let nested = workspace.path.join("vendor/nested");
    git(&nested, &["commit", "-q", "--allow-empty", "-m", "x"]);
    git(&workspace.path, &["add", "-A"]);
    assert!(git(&workspace.path, &["ls-files", "-s"]).contains("160000"));
}

#[tokio::test]
async fn what_the_agent_hides_from_its_own_git_is_taken_all_the_same() {
    let scene = Scene::new(&[("a.txt", "one\n"), ("b.txt", "two\n")]);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    let at = &workspace.path;
    git(at, &["update-index", "--assume-unchanged", "a.txt"]);
    git(at, &["update-index", "--skip-worktree", "b.txt"]);
    write(at, ".git/info/exclude", "*\n");
    write(at, "a.txt", "changed\n");
    write(at, "b.txt", "changed\n");
    write(at, "c.txt", "new\n");
    assert_eq!(
        git(at, &["status", "--porcelain"]),
        "",
        "the control sees nothing"
    );
    let taken = capture(&repository, &workspace, 1).await;
    assert_eq!(taken.diff.paths, ["a.txt", "b.txt", "c.txt"]);
}

#[tokio::test]
async fn objects_of_another_repository_do_not_come_along() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let private = Scene::new(&[("secret.txt", "the secret\n")]);
    let blob = git(&private.checkout, &["rev-parse", "HEAD:secret.txt"]);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    let at = &workspace.path;
    let alternates = at.join(".git/objects/info/alternates");
    let more = format!(
        "{}{}\n",
        fs::read_to_string(&alternates).unwrap(),
        private.origin.join("objects").display()
    );
    fs::write(&alternates, more).unwrap();
    git(
        at,
        &[
            "update-index",
            "--add",
            "--cacheinfo",
            &format!("100644,{blob},stolen.txt"),
        ],
    );
    git(at, &["commit", "-q", "-m", "graft"]);
    assert_eq!(
        git(at, &["show", "HEAD:stolen.txt"]),
        "the secret",
        "the control has it"
    );
    let taken = capture(&repository, &workspace, 1).await;
    assert_eq!(taken.diff.files, 0);
    assert!(
        !try_git(&scene.mirror(), &["cat-file", "-e", &blob])
            .status
            .success()
    );
}

#[tokio::test]
async fn a_mirror_that_was_tampered_with_is_put_right_before_it_is_used() {
    let scene = Scene::new(&[("a.txt", "one\n")]);
    let payload = Payload::new(&scene);
    let repository = scene.open().await;
    let workspace = prepare(&repository, 0, 1).await;
    let mirror = scene.mirror();
    let tamper = || {
        add_config(
            &mirror,
            &format!(
                "[core]\n\tfsmonitor = {0}\n[filter \"x\"]\n\tclean = {0}\n",
                payload.text()
            ),
        );
        fs::create_dir_all(mirror.join("hooks")).unwrap();
        for hook in ["reference-transaction", "post-index-change", "pre-push"] {
            let _ = symlink(&payload.program, mirror.join("hooks").join(hook));
        }
        write(&mirror, "info/attributes", "* filter=x\n");
        write(&mirror, "info/exclude", "*\n");
    };
    write(&workspace.path, "a.txt", "changed\n");
    write(&workspace.path, "b.txt", "new\n");
    tamper();
    let taken = capture(&repository, &workspace, 1).await;
    assert_eq!((taken.diff.files, taken.concern), (2, None));
    tamper();
    repository.fetch("main").await.unwrap();
    tamper();
    repository
        .push(&branch(1), &taken.snapshot, None)
        .await
        .unwrap();
    tamper();
    repository.release(workspace).await.unwrap();
    let workspace = prepare(&repository, 0, 2).await;
    assert_eq!(payload.ran(), None);
    tamper();
    let snapshot = taken.snapshot.as_str();
    try_git(&mirror, &["update-ref", "refs/heads/x", snapshot]);
    assert!(
        payload.ran().is_some(),
        "plain git in the mirror runs what was planted"
    );
    drop(workspace);
}
