//! Reads, writes and compares objects by gits that stay: many questions, one process.

use super::mirror::Mirror;
use super::refs::remove_file;
use super::run::failed;
use crate::ports::RepositoryError;
use crate::rules::ids::{CommitId, TreeId};
use std::fs;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::Mutex;

/// The most that one answer may hold.
const ANSWER_BYTES: usize = 256 << 20;

/// The gits that stay.
pub(super) struct Objects {
    reader: Clerk,
    writer: Clerk,
    comparer: Clerk,
}

/// A commit, as far as we read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReadCommit {
    /// Its files.
    pub(super) tree: TreeId,
    /// The first of its parents.
    pub(super) parent: Option<CommitId>,
    /// When it was made, in seconds.
    pub(super) at: u64,
    /// Its words.
    pub(super) message: String,
}

impl Objects {
    /// None runs yet.
    pub(super) fn new() -> Self {
        Self {
            reader: Clerk::new(&["cat-file", "--batch-command"]),
            writer: Clerk::new(&[
                "hash-object",
                "-t",
                "commit",
                "-w",
                "--no-filters",
                "--stdin-paths",
            ]),
            comparer: Clerk::new(&[
                "diff-tree",
                "--stdin",
                "-r",
                "-z",
                "--raw",
                "--numstat",
                "--no-renames",
                "--no-ext-diff",
                "--no-textconv",
            ]),
        }
    }
}

/// Reads a commit of the mirror.
pub(super) async fn read_commit(
    mirror: &Mirror,
    commit: &CommitId,
) -> Result<ReadCommit, RepositoryError> {
    let action = format!("read {commit}");
    let question = format!("contents {commit}\n");
    let content = mirror
        .objects
        .reader
        .ask(mirror, &action, question.as_bytes(), Answer::Object)
        .await?;
    parse(&String::from_utf8_lossy(&content)).ok_or_else(|| RepositoryError::Git {
        action,
        detail: "the mirror has no such commit".to_owned(),
    })
}

/// Blobs that are asked about at once: question and answer fit into a pipe.
const AT_ONCE: usize = 256;

/// How long these blobs of the mirror are, in bytes.
pub(super) async fn sizes(mirror: &Mirror, blobs: &[&str]) -> Result<Vec<u64>, RepositoryError> {
    let mut sizes = Vec::with_capacity(blobs.len());
    for batch in blobs.chunks(AT_ONCE) {
        let question: String = batch
            .iter()
            .flat_map(|blob| ["info ", *blob, "\n"])
            .collect();
        let reader = &mirror.objects.reader;
        let action = "look at the sizes of files";
        let lines = Answer::Lines(batch.len());
        let answer = reader
            .ask(mirror, action, question.as_bytes(), lines)
            .await?;
        // Of what is missing nothing is known, and so it is as long as can be.
        let size = |line: &str| line.rsplit(' ').next()?.parse().ok();
        let answer = String::from_utf8_lossy(&answer);
        sizes.extend(answer.lines().map(|line| size(line).unwrap_or(u64::MAX)));
    }
    Ok(sizes)
}

/// What a blob of the mirror holds; nothing where there is none.
pub(super) async fn read_blob(mirror: &Mirror, blob: &str) -> Result<Vec<u8>, RepositoryError> {
    let question = format!("contents {blob}\n");
    let reader = &mirror.objects.reader;
    reader
        .ask(mirror, "read a file", question.as_bytes(), Answer::Object)
        .await
}

/// Makes a commit of ours of this moment, and returns it.
pub(super) async fn write_commit(
    mirror: &Mirror,
    tree: &TreeId,
    parents: &[CommitId],
    message: &str,
) -> Result<CommitId, RepositoryError> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    write_at(mirror, tree, parents, now.as_secs(), message).await
}

/// Makes a commit of ours as old as the youngest of its parents: made again, it is the same one.
pub(super) async fn write_merge(
    mirror: &Mirror,
    tree: &TreeId,
    parents: &[CommitId],
    message: &str,
) -> Result<CommitId, RepositoryError> {
    let mut at = 0;
    for parent in parents {
        at = at.max(read_commit(mirror, parent).await?.at);
    }
    write_at(mirror, tree, parents, at, message).await
}

async fn write_at(
    mirror: &Mirror,
    tree: &TreeId,
    parents: &[CommitId],
    at: u64,
    message: &str,
) -> Result<CommitId, RepositoryError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let action = "make the commit";
    let io = |cause| failed(action, cause);
    let who = format!(
        "{} <{}> {at} +0000",
        mirror.identity.name, mirror.identity.email,
    );
    let parents = parents.iter().map(|parent| format!("parent {parent}\n"));
    let parents: String = parents.collect();
    let text = format!("tree {tree}\n{parents}author {who}\ncommitter {who}\n\n{message}");
    let name = format!(
        "commit-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let path = mirror.own().join(name);
    fs::write(&path, text).map_err(io)?;
    let question = [path.as_os_str().as_encoded_bytes(), b"\n"].concat();
    let answer = mirror
        .objects
        .writer
        .ask(mirror, action, &question, Answer::Line)
        .await;
    remove_file(&path).map_err(io)?;
    Ok(CommitId::new(String::from_utf8_lossy(&answer?).trim()))
}

/// Compares two trees: `diff-tree`'s raw records and counts.
pub(super) async fn compare_trees(
    mirror: &Mirror,
    one: &TreeId,
    other: &TreeId,
) -> Result<Vec<u8>, RepositoryError> {
    // What is no object's name is echoed, and so marks the end; nobody can guess it for a file's name.
    let mark = format!("end-{}\n", uuid::Uuid::new_v4().simple());
    let question = format!("{one} {other}\n{mark}");
    let mut answer = mirror
        .objects
        .comparer
        .ask(
            mirror,
            "compare with the base",
            question.as_bytes(),
            Answer::Until(mark.into_bytes()),
        )
        .await?;
    let first = answer
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    Ok(answer.split_off(first))
}

/// The shape of an answer.
enum Answer {
    /// One line.
    Line,
    /// So many lines.
    Lines(usize),
    /// `<name> <kind> <size>`, a newline, the content, a newline; or a line that says that it is missing.
    Object,
    /// All up to these bytes.
    Until(Vec<u8>),
}

/// A git that answers question after question.
struct Clerk {
    command: &'static [&'static str],
    running: Mutex<Option<Running>>,
}

struct Running {
    _process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Clerk {
    fn new(command: &'static [&'static str]) -> Self {
        Self {
            command,
            running: Mutex::new(None),
        }
    }

    async fn ask(
        &self,
        mirror: &Mirror,
        action: &str,
        question: &[u8],
        answer: Answer,
    ) -> Result<Vec<u8>, RepositoryError> {
        let mut place = self.running.lock().await;
        // Whoever is interrupted between question and answer leaves the place empty, and the next starts a new one.
        if let Some(mut running) = place.take()
            && let Ok(content) = running.answer(question, &answer).await
        {
            *place = Some(running);
            return Ok(content);
        }
        let mut running = self.start(mirror, action)?;
        match running.answer(question, &answer).await {
            Ok(content) => {
                *place = Some(running);
                Ok(content)
            }
            Err(cause) => Err(RepositoryError::Git {
                action: action.to_owned(),
                detail: format!("git {} gave no answer: {cause}", self.command.join(" ")),
            }),
        }
    }

    fn start(&self, mirror: &Mirror, action: &str) -> Result<Running, RepositoryError> {
        let (name, rest) = self.command.split_first().expect("a command has a name");
        let mut process = mirror.call(name)?.args(rest).start(action)?;
        let missing = || failed(action, io::Error::other("no pipe to git"));
        Ok(Running {
            questions: process.stdin.take().ok_or_else(missing)?,
            answers: BufReader::new(process.stdout.take().ok_or_else(missing)?),
            _process: process,
        })
    }
}

impl Running {
    async fn answer(&mut self, question: &[u8], answer: &Answer) -> io::Result<Vec<u8>> {
        self.questions.write_all(question).await?;
        self.questions.flush().await?;
        match answer {
            Answer::Line => self.line().await,
            Answer::Lines(count) => {
                let mut lines = Vec::new();
                for _ in 0..*count {
                    lines.extend(self.line().await?);
                }
                Ok(lines)
            }
            Answer::Object => self.object().await,
            Answer::Until(mark) => self.until(mark).await,
        }
    }

    async fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.answers.read_until(b'\n', &mut line).await?;
        if line.ends_with(b"\n") {
            return Ok(line);
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    async fn object(&mut self) -> io::Result<Vec<u8>> {
        let head = self.line().await?;
        let head = String::from_utf8_lossy(&head).into_owned();
        let size = head
            .trim()
            .rsplit(' ')
            .next()
            .and_then(|size| size.parse::<usize>().ok());
        let Some(size) = size else {
            return Ok(Vec::new());
        };
        if size > ANSWER_BYTES {
            return Err(too_long());
        }
        let mut content = vec![0; size + 1];
        self.answers.read_exact(&mut content).await?;
        content.truncate(size);
        Ok(content)
    }

    async fn until(&mut self, mark: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        while !content.ends_with(mark) {
            if self.answers.read_buf(&mut content).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if content.len() > ANSWER_BYTES {
                return Err(too_long());
            }
        }
        content.truncate(content.len() - mark.len());
        Ok(content)
    }
}

/// Headers, an empty line, the message.
fn parse(content: &str) -> Option<ReadCommit> {
    let (headers, message) = content.split_once("\n\n")?;
    let find = |key: &str| headers.lines().find_map(|line| line.strip_prefix(key));
    Some(ReadCommit {
        tree: TreeId::new(find("tree ")?),
        parent: find("parent ").map(CommitId::new),
        at: find("committer ").and_then(when).unwrap_or_default(),
        message: message.to_owned(),
    })
}

/// `A Name <address> 1700000000 +0100`.
fn when(committer: &str) -> Option<u64> {
    committer.rsplit(' ').nth(1)?.parse().ok()
}

fn too_long() -> io::Error {
    io::Error::other("an answer of more than 256 MiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_read() {
        let text = "tree abc\nparent 123\nparent 456\nauthor A <a@x> 1 +0000\ncommitter A <a@x> 2 +0100\n\nsubject\n\ntree no\n";
        let expect = ReadCommit {
            tree: TreeId::new("abc"),
            parent: Some(CommitId::new("123")),
            at: 2,
            message: "subject\n\ntree no\n".to_owned(),
        };
        assert_eq!(parse(text), Some(expect));
        assert_eq!(parse("a blob"), None);
    }
}
