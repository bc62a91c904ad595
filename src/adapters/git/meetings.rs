//! Where branches met: which files both sides of past merges had changed, and whether that went well.

use super::archive::Archive;
use super::run::failed;
use super::tokens::{Field, Tokens};
use crate::ports::RepositoryError;
use crate::rules::ids::CommitId;
use std::fs;
use std::io;
use std::path::Path;
use tokio::io::{AsyncBufRead, AsyncWriteExt, BufReader};

/// So many merges, the newest, are done over again.
const MERGES: usize = 60;
const TOKEN_MAX: usize = 16 << 10;
const ACTION: &str = "do past merges over again";

/// A file that both sides of a merge had changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// Its path.
    pub path: String,
    /// Did the two changes conflict?
    pub conflicted: bool,
}

impl Archive {
    /// The files that both sides of the newest merges after `after` had changed; at most 60 merges of two branches.
    /// Git's objects go to `scratch`, which is emptied before and removed after.
    pub async fn meetings(
        &self,
        after: Option<&CommitId>,
        until: &CommitId,
        scratch: &Path,
    ) -> Result<Vec<Meeting>, RepositoryError> {
        let merges = self.merges(after, until).await?;
        if merges.is_empty() {
            return Ok(Vec::new());
        }
        let io = |cause| failed(ACTION, cause);
        clear(scratch)
            .and_then(|()| fs::create_dir_all(scratch))
            .map_err(io)?;
        let meetings = self.merge_again(&merges, scratch).await;
        clear(scratch).map_err(io)?;
        meetings.map_err(io)
    }

    /// Pairs of parents, a line each.
    async fn merges(
        &self,
        after: Option<&CommitId>,
        until: &CommitId,
    ) -> Result<String, RepositoryError> {
        let range = super::archive::range(after, until);
        let count = format!("--max-count={MERGES}");
        let said = self
            .call("rev-list")
            .args(["--merges", "--max-parents=2", "--parents", &count, &range])
            .run("list past merges")
            .await?;
        let text = said.text();
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        Ok(pairs.flat_map(|(_, parents)| [parents, "\n"]).collect())
    }

    async fn merge_again(&self, merges: &str, scratch: &Path) -> io::Result<Vec<Meeting>> {
        let mut process = self
            .call("merge-tree")
            .args([
                "--write-tree",
                "--stdin",
                "-z",
                "--messages",
                "--allow-unrelated-histories",
            ])
            .env("GIT_OBJECT_DIRECTORY", scratch)
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", self.objects())
            .start(ACTION)
            .map_err(io::Error::other)?;
        let missing = || io::Error::other("no pipe to git");
        let mut questions = process.stdin.take().ok_or_else(missing)?;
        let answers = process.stdout.take().ok_or_else(missing)?;
        // Less than a pipe holds, so nobody waits for anybody.
        questions.write_all(merges.as_bytes()).await?;
        drop(questions);
        let mut tokens = Tokens::new(BufReader::new(answers), TOKEN_MAX);
        let mut meetings = Vec::new();
        // Whether it went well, then the tree.
        while tokens.next().await?.is_some() && tokens.next().await?.is_some() {
            read_merge(&mut tokens, &mut meetings).await?;
        }
        let status = process.wait().await?;
        if status.success() {
            return Ok(meetings);
        }
        Err(io::Error::other(format!(
            "git merge-tree ended with {status}"
        )))
    }
}

/// Conflicted entries up to an empty field; then messages of `<count>`, so many paths, a kind and words, up to another.
async fn read_merge<R: AsyncBufRead + Unpin>(
    tokens: &mut Tokens<R>,
    meetings: &mut Vec<Meeting>,
) -> io::Result<()> {
    while !field(tokens).await?.text().is_empty() {}
    let from = meetings.len();
    loop {
        let head = field(tokens).await?.text();
        if head.is_empty() {
            return Ok(());
        }
        let count: usize = head.parse().map_err(io::Error::other)?;
        let mut paths = Vec::with_capacity(count.min(8));
        for _ in 0..count {
            paths.extend(field(tokens).await?.path());
        }
        let kind = field(tokens).await?.text();
        field(tokens).await?;
        let conflicted = kind.starts_with("CONFLICT");
        if !conflicted && kind != "Auto-merging" {
            continue;
        }
        for path in paths {
            match meetings[from..].iter_mut().find(|known| known.path == path) {
                Some(known) => known.conflicted |= conflicted,
                None => meetings.push(Meeting { path, conflicted }),
            }
        }
    }
}

async fn field<R: AsyncBufRead + Unpin>(tokens: &mut Tokens<R>) -> io::Result<Field> {
    tokens
        .next()
        .await?
        .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn clear(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        Ok(()) | Err(_) => Ok(()),
    }
}
