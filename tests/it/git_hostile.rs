//! What an agent may do to git in its worktree: nothing of it runs in our calls. Each case shows first that plain git,
//! run in the same place, executes it.

use crate::repos::{Scene, branch, capture, git, message, prepare, try_git, write, write_script};
use autoissue::adapters::git::repository::GitRepository;
use autoissue::ports::{Repository, Workspace};
use autoissue::rules::ids::IssueNumber;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

/// A configured remote that git would talk to.
fn remote(tree: &Path, url: &str, more: &[(&str, &str)]) {
    git(tree, &["config", "remote.origin.url", url]);
    git(tree, &["config", "protocol.ext.allow", "always"]);
    for (key, value) in more {
        git(tree, &["config", key, value]);
    }
}

fn smudge_filter(tree: &Path, payload: &Payload) {
    git(tree, &["config", "filter.x.smudge", payload.text()]);
    write(tree, ".gitattributes", "b.txt filter=x\n");
    fs::remove_file(tree.join("b.txt")).unwrap();
}

fn rewritten_url(tree: &Path, payload: &Payload) {
    let key = format!("url.ext::{} .insteadOf", payload.text());
    remote(tree, "https://example.invalid/x", &[(&key, "https://")]);
}

fn ssh_command(tree: &Path, payload: &Payload) {
    let more = [("core.sshCommand", payload.text())];
    remote(tree, "ssh://example.invalid/x", &more);
}

fn upload_program(tree: &Path, payload: &Payload) {
    let more = [("remote.origin.uploadpack", payload.text())];
    remote(tree, tree.to_str().unwrap(), &more);
}

fn receive_program(tree: &Path, payload: &Payload) {
    let more = [("remote.origin.receivepack", payload.text())];
    remote(tree, tree.to_str().unwrap(), &more);
}

fn program_as_remote(tree: &Path, payload: &Payload) {
    remote(tree, &format!("ext::{}", payload.text()), &[]);
}

fn proxy_program(tree: &Path, payload: &Payload) {
    let more = [("core.gitProxy", payload.text())];
    remote(tree, "git://example.invalid/x", &more);
}

fn merge_driver(tree: &Path, payload: &Payload) {
    let driver = format!("{} %A", payload.text());
    git(tree, &["config", "merge.x.driver", &driver]);
    git(tree, &["checkout", "-q", "-b", "side"]);
    write(tree, "a.txt", "beside\n");
    git(tree, &["commit", "-q", "-a", "-m", "beside"]);
    git(tree, &["checkout", "-q", "-"]);
    write(tree, ".gitattributes", "* merge=x\n");
}

fn editor(tree: &Path, payload: &Payload) {
    git(tree, &["config", "core.editor", payload.text()]);
}

fn conditional_config(tree: &Path, payload: &Payload) {
    let text = format!("[core]\n\tfsmonitor = {}\n", payload.text());
    write(tree, "harmless.ini", text);
    let key = format!("includeIf.gitdir:{}/.path", tree.display());
    git(tree, &["config", &key, "../harmless.ini"]);
}

fn attributes_elsewhere(tree: &Path, payload: &Payload) {
    write(tree, "harmless.txt", "* filter=x\n");
    let path = tree.join("harmless.txt");
    git(
        tree,
        &["config", "core.attributesFile", path.to_str().unwrap()],
    );
    git(tree, &["config", "filter.x.clean", payload.text()]);
}

fn diff_driver(tree: &Path, payload: &Payload) {
    git(tree, &["config", "diff.x.command", payload.text()]);
    write(tree, ".gitattributes", "*.txt diff=x\n");
    write(tree, "a.txt", "changed\n");
}

/// The worktree is its own git directory: whoever stands in it takes it for one.
fn bare_repository(tree: &Path, payload: &Payload) {
    for entry in fs::read_dir(tree.join(".git")).unwrap().flatten() {
        fs::rename(entry.path(), tree.join(entry.file_name())).unwrap();
    }
    fs::remove_dir_all(tree.join(".git")).unwrap();
    let config = format!(
        "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = {}\n\tfsmonitor = {}\n",
        tree.display(),
        payload.text()
    );
    fs::write(tree.join("config"), config).unwrap();
}

fn signing_by_ssh(tree: &Path, payload: &Payload) {
    for (key, value) in [
        ("commit.gpgSign", "true"),
        ("gpg.format", "ssh"),
        ("user.signingKey", "key::ssh-ed25519 AAAA"),
        ("gpg.ssh.program", payload.text()),
    ] {
        git(tree, &["config", key, value]);
    }
}

fn named_hook(tree: &Path, payload: &Payload, name: &str) {
    let hooks = tree.join(".git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    symlink(&payload.program, hooks.join(name)).unwrap();
}

fn push_hook(tree: &Path, payload: &Payload) {
    named_hook(tree, payload, "pre-push");
    let elsewhere = tree.join("elsewhere.git");
    git(tree, &["init", "-q", "--bare", "elsewhere.git"]);
    remote(tree, elsewhere.to_str().unwrap(), &[]);
}

fn checkout_hook(tree: &Path, payload: &Payload) {
    named_hook(tree, payload, "post-checkout");
}

const VECTORS: [(&str, Plant); 31] = [
    ("hooks", hook),
    ("hooks path", hooks_path),
    ("hook of pushes", push_hook),
    ("hook of checkouts", checkout_hook),
    ("fsmonitor", fsmonitor),
    ("clean filter", clean_filter),
    ("smudge filter", smudge_filter),
    ("process filter", process_filter),
    ("attributes elsewhere", attributes_elsewhere),
    ("included configuration", included_config),
    ("conditional configuration", conditional_config),
    ("worktree configuration", worktree_config),
    (".git file", git_file),
    (".git link", git_link),
    ("common directory", common_dir),
    ("bare repository", bare_repository),
    ("external diff", external_diff),
    ("diff driver", diff_driver),
    ("merge driver", merge_driver),
    ("text conversion", text_conversion),
    ("signing program", signing_program),
    ("signing by ssh", signing_by_ssh),
    ("editor", editor),
    ("rewritten url", rewritten_url),
    ("ssh command", ssh_command),
    ("program that sends", upload_program),
    ("program that receives", receive_program),
    ("program as remote", program_as_remote),
    ("proxy program", proxy_program),
    ("nested repository", nested_repository),
    ("nested repository behind a link", nested_link),
];

/// What any program that runs plain git in the agent's directory would do.
fn plain_git(tree: &Path) {
    for args in [
        &["status"][..],
        &["checkout", "-q", "--", "b.txt"],
        &["diff"],
        &["add", "-A"],
        &["status"],
        &["commit", "-q", "-m", "plain"],
        &["commit", "-q", "--amend"],
        &["merge", "-q", "side"],
        &["fetch", "-q", "origin"],
        &["push", "-q", "origin", "HEAD"],
        &["checkout", "-q", "-b", "elsewhere"],
    ] {
        let _ = Command::new("timeout")
            .args(["10", "git"])
            .args(args)
            .current_dir(tree)
            .stdin(Stdio::null())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_NAME", "Ada")
            .env("GIT_AUTHOR_EMAIL", "ada@example.com")
            .env("GIT_COMMITTER_NAME", "Ada")
            .env("GIT_COMMITTER_EMAIL", "ada@example.com")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("EDITOR", "true")
            .output()
            .unwrap();
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
