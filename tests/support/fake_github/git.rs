//! The bare repository behind the fake, and what GitHub computes from it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A bare repository.
#[derive(Debug)]
pub(crate) struct Git {
    directory: PathBuf,
}

/// What a branch changes against another.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// Commits that the base does not have.
    pub(crate) commits: u64,
    /// Lines added and removed, and the path, of every file.
    pub(crate) files: Vec<(u64, u64, String)>,
}

impl Git {
    /// Makes one with a first commit of these files.
    pub(crate) fn create(directory: &Path, branch: &str, files: &[(&str, &str)]) -> Self {
        std::fs::create_dir_all(directory).unwrap();
        let git = Self {
            directory: directory.to_owned(),
        };
        git.run(&["init", "--quiet", "--bare", "--initial-branch", branch, "."]);
        git.run(&["config", "http.receivepack", "true"]);
        git.run(&["config", "gc.auto", "0"]);
        git.commit(branch, None, files, "First");
        git
    }

    /// Every branch and where it stands: read from git's own files, since the fake asks at nearly every request.
    pub(crate) fn heads(&self) -> BTreeMap<String, String> {
        assert!(!self.directory.join("packed-refs").exists(), "nobody packs");
        let mut heads = BTreeMap::new();
        read_heads(&self.directory.join("refs/heads"), "", &mut heads);
        heads
    }

    /// Commits files on a branch, on top of branch `from`. Gives the commit.
    pub(crate) fn commit(
        &self,
        branch: &str,
        from: Option<&str>,
        files: &[(&str, &str)],
        message: &str,
    ) -> String {
        let mut input = format!(
            "commit refs/heads/{branch}\ncommitter Somebody <somebody@example.com> 1767225600 +0000\ndata {}\n{message}\n",
            message.len()
        );
        if let Some(from) = from {
            writeln!(input, "from refs/heads/{from}^0").unwrap();
        }
        for (path, content) in files {
            let length = content.len();
            writeln!(input, "M 100644 inline {path}\ndata {length}\n{content}").unwrap();
        }
        self.feed(&["fast-import", "--quiet"], &input);
        self.resolve(&format!("refs/heads/{branch}")).unwrap()
    }

    /// The object that a name stands for.
    pub(crate) fn resolve(&self, name: &str) -> Option<String> {
        self.try_run(&["rev-parse", "--verify", "--quiet", name], "")
            .ok()
    }

    /// A file's content at a commit.
    pub(crate) fn file(&self, commit: &str, path: &str) -> Option<String> {
        self.try_run(&["cat-file", "blob", &format!("{commit}:{path}")], "")
            .ok()
    }

    /// The messages of a branch's commits, the latest first.
    pub(crate) fn messages(&self, branch: &str) -> Vec<String> {
        let said = self.run(&["log", "-z", "--format=%B", branch]);
        said.split('\0').map(str::to_owned).collect()
    }

    /// What `head` changes since it left `base`.
    pub(crate) fn change(&self, base: &str, head: &str) -> Change {
        let count = self.run(&["rev-list", "--count", &format!("{base}..{head}")]);
        let range = format!("{base}...{head}");
        let stat = self
            .try_run(&["diff", "--numstat", "--no-renames", &range], "")
            .unwrap_or_default();
        Change {
            commits: count.parse().unwrap(),
            files: stat.lines().filter_map(numstat).collect(),
        }
    }

    /// The tree of both together; `None` where they conflict.
    pub(crate) fn merged_tree(&self, base: &str, head: &str) -> Option<String> {
        let out = self
            .try_run(&["merge-tree", "--write-tree", base, head], "")
            .ok()?;
        out.lines().next().map(str::to_owned)
    }

    /// Moves `branch` to a new commit of this tree. Gives the commit.
    pub(crate) fn move_branch(&self, branch: &str, tree: &str, parents: &[&str]) -> String {
        let mut arguments = vec!["commit-tree", "-m", "Merge", tree];
        arguments.extend(parents.iter().flat_map(|parent| ["-p", parent]));
        let commit = self.run(&arguments);
        self.run(&["update-ref", &format!("refs/heads/{branch}"), &commit]);
        commit
    }

    /// Puts what a commit adds to a branch on top of that, one by one. Gives the last of them.
    pub(crate) fn replay(&self, branch: &str, head: &str) -> String {
        let base = self.resolve(&format!("refs/heads/{branch}")).unwrap();
        let range = format!("{base}..{head}");
        let own = self.run(&[
            "rev-list",
            "--reverse",
            "--topo-order",
            "--no-merges",
            &range,
        ]);
        let mut at = base;
        for commit in own.lines() {
            let from = format!("--merge-base={commit}^");
            let tree = self.run(&["merge-tree", "--write-tree", &from, &at, commit]);
            at = self.move_branch(branch, &tree, &[&at]);
        }
        at
    }

    /// Removes a branch.
    pub(crate) fn delete_branch(&self, branch: &str) {
        self.run(&["update-ref", "-d", &format!("refs/heads/{branch}")]);
    }

    fn run(&self, arguments: &[&str]) -> String {
        self.feed(arguments, "")
    }

    fn feed(&self, arguments: &[&str], input: &str) -> String {
        self.try_run(arguments, input)
            .unwrap_or_else(|error| panic!("git {arguments:?}: {error}"))
    }

    fn try_run(&self, arguments: &[&str], input: &str) -> Result<String, String> {
        let mut child = command("git")
            .args(arguments)
            .current_dir(&self.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended without reading all of it; its exit code tells.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            let text = String::from_utf8_lossy(&output.stdout);
            Ok(text.trim_end_matches('\n').to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}

/// A program with git's configuration sealed off.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", "Somebody")
        .env("GIT_AUTHOR_EMAIL", "somebody@example.com")
        .env("GIT_AUTHOR_DATE", "1767225600 +0000")
        .env("GIT_COMMITTER_NAME", "Somebody")
        .env("GIT_COMMITTER_EMAIL", "somebody@example.com")
        .env("GIT_COMMITTER_DATE", "1767225600 +0000")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE");
    command
}

/// Files of branches below a directory; a lock, or one that is deleted meanwhile, is none.
fn read_heads(directory: &Path, prefix: &str, heads: &mut BTreeMap<String, String>) {
    for item in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", item.file_name().display());
        if item.path().is_dir() {
            read_heads(&item.path(), &format!("{name}/"), heads);
        } else if let Ok(sha) = std::fs::read_to_string(item.path())
            && item.path().extension() != Some("lock".as_ref())
        {
            heads.insert(name, sha.trim().to_owned());
        }
    }
}

fn numstat(line: &str) -> Option<(u64, u64, String)> {
    let mut parts = line.splitn(3, '\t');
    // Binary files have no lines.
    let added = parts.next()?.parse().unwrap_or(0);
    let removed = parts.next()?.parse().unwrap_or(0);
    Some((added, removed, parts.next()?.to_owned()))
}
