//! Reads a git directory's history and files as streams: any number of commits, bounded memory, nothing written.

use super::run::{Call, Git, check_version, failed};
use super::tokens::Tokens;
use crate::ports::RepositoryError;
use crate::rules::footprint::past::{PastChange, PastCommit};
use crate::rules::ids::CommitId;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};

/// A file that git says is larger has no names that we read.
const CONTENT_MAX: u64 = 256 << 10;
/// A message is cut behind this many bytes, and a path that is longer is left out.
const TOKEN_MAX: usize = 16 << 10;
/// Questions to git at a time: their names, and the answers to them, never fill a pipe that nobody reads.
const QUESTIONS: usize = 64;

/// A git directory that is only read.
#[derive(Clone, Debug)]
pub struct Archive {
    git: Git,
    git_dir: PathBuf,
}

/// A file of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeFile {
    /// Its path.
    pub path: String,
    /// Git's name of its content.
    pub blob: String,
    /// Its size in bytes.
    pub bytes: u64,
}

impl TreeFile {
    /// Is it small enough to be read for its names?
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.bytes <= CONTENT_MAX
    }
}

impl Archive {
    /// The history of a checkout or a bare repository. `home` is an empty directory of ours, made where it is missing.
    pub async fn of(repository: &Path, home: &Path) -> Result<Self, RepositoryError> {
        let action = format!("open {}", repository.display());
        fs::create_dir_all(home).map_err(|cause| failed(&action, cause))?;
        let repository = repository
            .canonicalize()
            .map_err(|cause| failed(&action, cause))?;
        let owner = fs::metadata(&repository).ok().map(|found| found.uid());
        let git = Git::find(home)?.trusting(owner);
        check_version(&git, home).await?;
        let is_bare = repository.join("HEAD").is_file() && repository.join("objects").is_dir();
        let git_dir = if is_bare {
            repository
        } else {
            let call = git.call(&repository, "rev-parse").arg("--absolute-git-dir");
            PathBuf::from(call.run(&action).await?.text())
        };
        Ok(Self { git, git_dir })
    }

    /// The mirror's; it has just been made safe.
    pub(super) fn of_mirror(git: Git, git_dir: PathBuf) -> Self {
        Self { git, git_dir }
    }

    /// The commit that a name means; `None` where there is none.
    pub async fn commit(&self, name: &str) -> Result<Option<CommitId>, RepositoryError> {
        let said = self
            .call("rev-parse")
            .args(["--verify", "--quiet", "--end-of-options"])
            .arg(format!("{name}^{{commit}}"))
            .ask(&format!("look {name} up"))
            .await?;
        Ok((said.code == Some(0)).then(|| CommitId::new(said.text())))
    }

    /// Is the first commit part of the second one's history? Not if it is not there at all.
    pub async fn is_ancestor(
        &self,
        old: &CommitId,
        new: &CommitId,
    ) -> Result<bool, RepositoryError> {
        let said = self
            .call("merge-base")
            .args(["--is-ancestor", old.as_str(), new.as_str()])
            .ask("compare histories")
            .await?;
        Ok(said.code == Some(0))
    }

    /// How many commits lead from `after` (or from the beginning) to `until`?
    pub async fn count(
        &self,
        after: Option<&CommitId>,
        until: &CommitId,
    ) -> Result<u64, RepositoryError> {
        let call = self
            .call("rev-list")
            .args(["--count", &range(after, until)]);
        let said = call.run("count commits").await?;
        Ok(said.text().parse().unwrap_or(0))
    }

    /// Was it cloned without its whole history?
    #[must_use]
    pub fn is_shallow(&self) -> bool {
        self.git_dir.join("shallow").exists()
    }

    /// The commits that lead from `after` (or from the beginning) to `until`, the oldest first, none before its parents.
    pub fn history(
        &self,
        after: Option<&CommitId>,
        until: &CommitId,
    ) -> Result<History, RepositoryError> {
        let mut process = self
            .call("log")
            .args([
                "-z",
                "--raw",
                "--no-abbrev",
                "--reverse",
                "--date-order",
                "-M60%",
                "-l400",
            ])
            .args([
                "--no-ext-diff",
                "--no-textconv",
                "--diff-merges=first-parent",
            ])
            .args([
                "--encoding=UTF-8",
                "--no-notes",
                "--no-color",
                "--no-show-signature",
            ])
            .args(["--format=%H%x00%ct%x00%P%x00%B", &range(after, until), "--"])
            .start("read the history")?;
        let answers = pipe(process.stdout.take(), "read the history")?;
        Ok(History {
            process,
            tokens: Tokens::new(BufReader::with_capacity(1 << 16, answers), TOKEN_MAX),
            next: None,
        })
    }

    /// The files of a commit, without nested repositories and links.
    pub async fn files(&self, commit: &CommitId) -> Result<Vec<TreeFile>, RepositoryError> {
        let said = self
            .call("ls-tree")
            .args(["-r", "-z", "-l", commit.as_str()])
            .run(&format!("list the files of {commit}"))
            .await?;
        Ok(said.parts().filter_map(tree_file).collect())
    }

    /// Reads contents by their names.
    pub fn contents(&self) -> Result<Contents, RepositoryError> {
        let action = "read files of the history";
        let mut process = self.call("cat-file").arg("--batch").start(action)?;
        Ok(Contents {
            questions: pipe(process.stdin.take(), action)?,
            answers: BufReader::with_capacity(1 << 16, pipe(process.stdout.take(), action)?),
            _process: process,
        })
    }

    /// Where its objects are.
    pub(super) fn objects(&self) -> PathBuf {
        self.git_dir.join("objects")
    }

    pub(super) fn call(&self, subcommand: &str) -> Call {
        self.git
            .call(&self.git_dir, subcommand)
            .env("GIT_DIR", &self.git_dir)
    }
}

/// Commits that lead from the one to the other, as git takes it.
pub(super) fn range(after: Option<&CommitId>, until: &CommitId) -> String {
    after.map_or_else(|| until.to_string(), |after| format!("{after}..{until}"))
}

fn pipe<T>(pipe: Option<T>, action: &str) -> Result<T, RepositoryError> {
    pipe.ok_or_else(|| failed(action, io::Error::other("no pipe to git")))
}

/// `<mode> <kind> <blob> <size>\t<path>`
fn tree_file(entry: &[u8]) -> Option<TreeFile> {
    let (head, path) = std::str::from_utf8(entry).ok()?.split_once('\t')?;
    let mut words = head.split_whitespace();
    let is_file = matches!(words.next(), Some("100644" | "100755" | "100664"));
    let (_, blob, bytes) = (words.next(), words.next()?, words.next()?);
    is_file.then(|| TreeFile {
        path: path.to_owned(),
        blob: blob.to_owned(),
        bytes: bytes.parse().unwrap_or(u64::MAX),
    })
}

/// A history on its way.
pub struct History {
    process: Child,
    tokens: Tokens<BufReader<ChildStdout>>,
    /// The name of the commit that comes next, read already.
    next: Option<String>,
}

impl History {
    /// The next commit; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<PastCommit>, RepositoryError> {
        self.read()
            .await
            .map_err(|cause| failed("read the history", cause))
    }

    async fn read(&mut self) -> io::Result<Option<PastCommit>> {
        let id = match self.next.take() {
            Some(id) => id,
            None => match self.tokens.next().await? {
                Some(field) => field.text(),
                None => return self.end().await.map(|()| None),
            },
        };
        let at = self.word().await?.parse().unwrap_or(0);
        let parents = self.word().await?;
        let message = self.word().await?;
        let mut commit = PastCommit {
            id: CommitId::new(id),
            at,
            is_merge: parents.split_whitespace().count() > 1,
            message,
            changes: Vec::new(),
        };
        while let Some(field) = self.tokens.next().await? {
            let token = field.text();
            let Some(head) = token.strip_prefix('\n').unwrap_or(&token).strip_prefix(':') else {
                self.next = Some(token);
                break;
            };
            commit.changes.extend(self.change(head).await?);
        }
        Ok(Some(commit))
    }

    /// A field that has to be there; of an endless one its beginning.
    async fn word(&mut self) -> io::Result<String> {
        let missing = || io::Error::from(io::ErrorKind::UnexpectedEof);
        Ok(self.tokens.next().await?.ok_or_else(missing)?.text())
    }

    /// `<mode> <mode> <blob> <blob> <what>`, then one path or two. Nothing for links, nested repositories and paths
    /// that are no UTF-8.
    async fn change(&mut self, head: &str) -> io::Result<Option<PastChange>> {
        let words: Vec<&str> = head.split_whitespace().collect();
        let &[before, after, _, blob, what] = words.as_slice() else {
            return Err(io::Error::other(format!("git said `{head}`")));
        };
        let path = self.path().await?;
        let is_file = |mode: &str| mode.starts_with("100");
        let (was, is) = (is_file(before), is_file(after));
        let blob = blob.to_owned();
        if what.starts_with(['R', 'C']) {
            let to = self.path().await?;
            let is_move = what.starts_with('R');
            return Ok(to.filter(|_| is).map(|to| match path {
                Some(from) if is_move => PastChange::Moved { from, to, blob },
                Some(_) | None => PastChange::Added { path: to, blob },
            }));
        }
        Ok(path.and_then(|path| match (was, is) {
            (false, true) => Some(PastChange::Added { path, blob }),
            (true, true) => Some(PastChange::Changed { path, blob }),
            (true, false) => Some(PastChange::Removed { path }),
            (false, false) => None,
        }))
    }

    async fn path(&mut self) -> io::Result<Option<String>> {
        let missing = || io::Error::from(io::ErrorKind::UnexpectedEof);
        Ok(self.tokens.next().await?.ok_or_else(missing)?.path())
    }

    async fn end(&mut self) -> io::Result<()> {
        let status = self.process.wait().await?;
        if status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!("git log ended with {status}")))
    }
}

/// Contents of files, read by one process.
pub struct Contents {
    _process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Contents {
    /// What these blobs hold; nothing for those that are missing or large.
    pub async fn read(&mut self, blobs: &[&str]) -> Result<Vec<Option<Vec<u8>>>, RepositoryError> {
        let mut contents = Vec::with_capacity(blobs.len());
        for some in blobs.chunks(QUESTIONS) {
            let mut question = some.join("\n");
            question.push('\n');
            let io = |cause| failed("read files of the history", cause);
            self.questions
                .write_all(question.as_bytes())
                .await
                .map_err(io)?;
            for _ in some {
                contents.push(self.answer().await.map_err(io)?);
            }
        }
        Ok(contents)
    }

    /// `<name> <kind> <size>`, a newline, the content, a newline; or a line that says that it is missing.
    async fn answer(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut head = Vec::new();
        loop {
            match self.answers.read_u8().await? {
                b'\n' => break,
                byte => head.push(byte),
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let Some(bytes) = head
            .rsplit(' ')
            .next()
            .and_then(|size| size.parse::<u64>().ok())
        else {
            return Ok(None);
        };
        let mut content = Vec::new();
        let mut rest = (&mut self.answers).take(bytes + 1);
        if bytes <= CONTENT_MAX {
            rest.read_to_end(&mut content).await?;
            content.pop();
            return Ok(Some(content));
        }
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
        Ok(None)
    }
}
