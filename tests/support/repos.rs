//! Real git repositories in temporary directories, and our repository opened on them.

use autoissue::adapters::git::repository::{GitRepository, open};
use autoissue::adapters::git::source::{Habits, Place, Source, nobody};
use autoissue::ports::{Capture, Repository, RepositoryError, Workspace, WorkspaceOrder};
use autoissue::rules::ids::{AttemptNumber, BranchName, CommitId, IssueNumber, SlotNumber};
use autoissue::rules::task::CommitMessage;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs git in a directory, as a person with an ordinary configuration would, and returns what it prints.
pub(crate) fn git(directory: &Path, args: &[&str]) -> String {
    let output = try_git(directory, args);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {complaint}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The same, where git may fail.
pub(crate) fn try_git(directory: &Path, args: &[&str]) -> Output {
    Command::new("git")
        .args(args)
        .current_dir(directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", "Ada")
        .env("GIT_AUTHOR_EMAIL", "ada@example.com")
        .env("GIT_COMMITTER_NAME", "Ada")
        .env("GIT_COMMITTER_EMAIL", "ada@example.com")
        .env("GIT_ALLOW_PROTOCOL", "file:http")
        .output()
        .unwrap()
}

/// Writes a file with all directories above it.
pub(crate) fn write(root: &Path, path: &str, content: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Writes an executable file.
pub(crate) fn write_script(root: &Path, path: &str, content: &str) {
    write(root, path, content);
    fs::set_permissions(root.join(path), fs::Permissions::from_mode(0o755)).unwrap();
}

/// A person's checkout, the bare repository that it came from, and our own files, all in one temporary directory.
pub(crate) struct Scene {
    pub(crate) root: PathBuf,
    pub(crate) origin: PathBuf,
    pub(crate) checkout: PathBuf,
    _dir: Option<tempfile::TempDir>,
}

impl Scene {
    /// A repository with these files in its first commit, on `main`.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        Self::with_format("sha1", files)
    }

    /// The same, with the object format.
    pub(crate) fn with_format(format: &str, files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (origin, checkout) = (dir.path().join("origin.git"), dir.path().join("checkout"));
        let format = format!("--object-format={format}");
        git(
            dir.path(),
            &["init", "-q", "-b", "main", &format, "checkout"],
        );
        for (path, content) in files {
            write(&checkout, path, content);
        }
        git(&checkout, &["add", "-A", "-f"]);
        git(&checkout, &["commit", "-q", "--allow-empty", "-m", "first"]);
        git(
            dir.path(),
            &["clone", "-q", "--bare", "checkout", "origin.git"],
        );
        git(
            &checkout,
            &["remote", "add", "origin", origin.to_str().unwrap()],
        );
        Self {
            root: dir.path().to_owned(),
            origin,
            checkout,
            _dir: Some(dir),
        }
    }

    /// The scene that another process made.
    pub(crate) fn of(root: PathBuf) -> Self {
        Self {
            origin: root.join("origin.git"),
            checkout: root.join("checkout"),
            root,
            _dir: None,
        }
    }

    /// Commits files in the checkout and pushes them to `main`.
    pub(crate) fn push(&self, files: &[(&str, &str)]) -> CommitId {
        for (path, content) in files {
            write(&self.checkout, path, content);
        }
        git(&self.checkout, &["add", "-A", "-f"]);
        git(&self.checkout, &["commit", "-q", "-m", "more"]);
        git(&self.checkout, &["push", "-q", "origin", "main"]);
        CommitId::new(git(&self.checkout, &["rev-parse", "HEAD"]))
    }

    /// Commits nested repositories that nobody has, and pushes them to `main`.
    pub(crate) fn nest(&self, paths: &[&str]) {
        for path in paths {
            let entry = format!("160000,{},{path}", "3".repeat(40));
            let how = ["update-index", "--add", "--cacheinfo", &entry];
            git(&self.checkout, &how);
            fs::create_dir_all(self.checkout.join(path)).unwrap();
        }
        git(&self.checkout, &["commit", "-q", "-m", "nested"]);
        git(&self.checkout, &["push", "-q", "origin", "main"]);
    }

    pub(crate) fn place(&self) -> Place {
        Place {
            mirror: self.root.join("state/mirror.git"),
            slots: self.root.join("slots"),
        }
    }

    pub(crate) fn mirror(&self) -> PathBuf {
        self.place().mirror
    }

    pub(crate) fn source(&self, url: &Path) -> Source {
        Source {
            url: url.to_str().unwrap().to_owned(),
            credential: nobody(),
            checkout: Some(self.checkout.clone()),
        }
    }

    /// Our repository, with our own name on its commits.
    pub(crate) async fn open(&self) -> GitRepository {
        self.open_with(habits()).await.unwrap()
    }

    pub(crate) async fn open_with(&self, habits: Habits) -> Result<GitRepository, RepositoryError> {
        open(self.place(), self.source(&self.origin), habits).await
    }

    /// What git says of our mirror.
    pub(crate) fn ask_mirror(&self, args: &[&str]) -> String {
        git(&self.mirror(), args)
    }

    /// The files of a commit in the mirror, with their modes.
    pub(crate) fn files(&self, commit: &str) -> Vec<String> {
        let listing = self.ask_mirror(&["ls-tree", "-r", "-z", commit]);
        listing
            .split('\0')
            .filter_map(|entry| {
                let (fields, path) = entry.split_once('\t')?;
                Some(format!("{} {path}", fields.split(' ').next()?))
            })
            .collect()
    }

    /// The content of a file of a commit in the mirror.
    pub(crate) fn content(&self, commit: &CommitId, path: &str) -> String {
        self.ask_mirror(&["cat-file", "blob", &format!("{commit}:{path}")])
    }
}

/// Habits with an author.
pub(crate) fn habits() -> Habits {
    Habits {
        author: Some(("Auto".to_owned(), "auto@example.com".to_owned())),
        ..Habits::default()
    }
}

/// Fetches `main` and lays it out for the issue.
pub(crate) async fn prepare(repository: &GitRepository, slot: u32, issue: u64) -> Workspace {
    let base = repository.fetch("main").await.unwrap();
    repository
        .prepare(&order(slot, issue, &base))
        .await
        .unwrap()
}

/// An order to begin with the base.
pub(crate) fn order(slot: u32, issue: u64, base: &CommitId) -> WorkspaceOrder {
    WorkspaceOrder {
        slot: SlotNumber(slot),
        issue: IssueNumber(issue),
        branch: branch(issue),
        base: base.clone(),
        start: base.clone(),
    }
}

/// Takes the files of the issue's worktree in.
pub(crate) async fn capture(
    repository: &GitRepository,
    workspace: &Workspace,
    issue: u64,
) -> Capture {
    let issue = IssueNumber(issue);
    repository.capture(workspace, issue, FIRST).await.unwrap()
}

/// The words of a commit.
pub(crate) fn message(issue: u64) -> CommitMessage {
    CommitMessage {
        subject: "Add a thing".to_owned(),
        body: "It does it.".to_owned(),
        issue: IssueNumber(issue),
    }
}

/// The branch of an issue.
pub(crate) fn branch(issue: u64) -> BranchName {
    BranchName::new(format!("autoissue/{issue}-a-thing"))
}

/// What is in a directory, by name.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The first attempt.
pub(crate) const FIRST: AttemptNumber = AttemptNumber(1);
