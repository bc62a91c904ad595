//! Looks at running work: what an agent has changed so far becomes a commit of ours, made from a copy of its files.
//! Git is never called in or over the files themselves, and all that a look writes goes with it.

use super::changes::{Changes, New};
use super::difference::PATHS;
use super::index::{Known, read};
use super::live::Reading;
use super::mirror::Mirror;
use super::run::{Call, blocking, failed};
use super::seal::sealed;
use super::slot::Work;
use super::trial::test_merges;
use super::worktrees::{Held, Worktrees};
use crate::ports::{Look, RepositoryError};
use crate::rules::ids::{CommitId, IssueNumber};
use crate::rules::rework::Seen;
use crate::rules::task::DiffStat;
use async_trait::async_trait;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// New directories are looked into this deep.
const ROUNDS: usize = 12;
/// So many names that git does not know yet are asked about at most.
const NEW: usize = 5_000;
/// What a look does not need, because nothing of it stays.
const SETTINGS: [(&str, &str); 1] = [("core.fsync", "none")];

/// So long may one worktree take: an agent's patterns of what to ignore can take for ever.
const LONGEST: Duration = Duration::from_secs(20);

/// Where looks put what they read, below the mirror's own directory.
const PLACE: &str = "looks";

/// What was seen, and the objects that it is made of.
pub(super) struct Looked {
    mirror: Arc<Mirror>,
    desk: Desk,
    seen: Vec<Seen>,
}

/// A directory of a look's own; it goes when dropped.
struct Desk(PathBuf);

/// Looks at the work for these issues, as far as this process works on it and nobody takes its files in.
pub(super) async fn look(
    mirror: &Arc<Mirror>,
    worktrees: &Worktrees,
    issues: &[IssueNumber],
) -> Result<Looked, RepositoryError> {
    let place = mirror.own().join(PLACE);
    let desk = Desk(place.join(uuid::Uuid::new_v4().simple().to_string()));
    fs::create_dir_all(desk.0.join("objects/info"))
        .map_err(|cause| failed("look at running work", cause))?;
    let mut looked = Looked {
        mirror: Arc::clone(mirror),
        desk,
        seen: Vec::new(),
    };
    for issue in issues {
        let Some(held) = worktrees.in_use(*issue) else {
            continue;
        };
        let path = worktrees.pool.path(*issue);
        let found = timeout(LONGEST, looked.at(*issue, &held, &path)).await;
        match found {
            Ok(Ok(seen)) => looked.seen.extend(seen),
            // Whatever is wrong with it is told when its files are taken in.
            Ok(Err(cause)) => {
                tracing::debug!(%issue, %cause, "running work could not be looked at");
            }
            Err(_) => tracing::debug!(%issue, "running work took too long to look at"),
        }
    }
    Ok(looked)
}

/// Removes what looks of killed processes left.
pub(super) fn forget(mirror: &Mirror) -> io::Result<()> {
    match fs::remove_dir_all(mirror.own().join(PLACE)) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[async_trait]
impl Look for Looked {
    fn seen(&self) -> &[Seen] {
        &self.seen
    }

    async fn test_merges(
        &self,
        pairs: &[(CommitId, CommitId)],
    ) -> Result<Vec<Vec<String>>, RepositoryError> {
        test_merges(self.own(self.mirror.call("merge-tree")?), pairs).await
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let path = std::mem::take(&mut self.0);
        let remove = move || {
            if let Err(cause) = fs::remove_dir_all(&path) {
                tracing::debug!(path = %path.display(), %cause, "a look could not be cleaned up");
            }
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

impl Looked {
    async fn at(
        &self,
        issue: IssueNumber,
        held: &Arc<Held>,
        tree: &Path,
    ) -> Result<Option<Seen>, RepositoryError> {
        let desk = self.desk.0.join(issue.0.to_string());
        // Whoever takes the files in now tells more than a look does.
        let Ok(work) = held.work.try_lock() else {
            return Ok(None);
        };
        let base = work.base.clone();
        let is_as_laid_out = work.start == base && !held.was_taken();
        let (mut reading, mut new) = self.begin(held, &work, tree, &desk).await?;
        drop(work);
        for _ in 0..ROUNDS {
            new = self.not_ignored(&desk, new).await?;
            if new.is_empty() {
                break;
            }
            (reading, new) = go_on(reading, new).await?;
        }
        let changes = reading.changes;
        if changes.is_none() && is_as_laid_out {
            let (commit, diff) = (base, DiffStat::default());
            return Ok(Some(Seen {
                issue,
                commit,
                diff,
            }));
        }
        let commit = self.commit(&desk, &changes, &base).await?;
        let mut paths = self.changed(&base, &commit).await?;
        let unread = changes
            .unread()
            .map(|path| String::from_utf8_lossy(path).into_owned());
        paths.extend(unread);
        paths.sort();
        paths.dedup();
        let files = paths.len() as u64;
        paths.truncate(PATHS);
        let diff = DiffStat {
            paths,
            files,
            ..DiffStat::default()
        };
        Ok(Some(Seen {
            issue,
            commit,
            diff,
        }))
    }

    /// Reads the files that git knows, and copies the index that knows them.
    async fn begin(
        &self,
        held: &Arc<Held>,
        work: &Work,
        tree: &Path,
        desk: &Path,
    ) -> Result<(Reading, Vec<New>), RepositoryError> {
        let mut skipped = sealed(&held.slot)?;
        // Git would write these otherwise than it reads them, and what lies in nested repositories is no change of ours.
        let odd = work.odd.keys().chain(work.nested.keys());
        skipped.extend(odd.map(|path| path.clone().into_bytes()));
        let (index, is_sha256) = (held.slot.index(), self.mirror.is_sha256());
        let (tree, desk) = (tree.to_owned(), desk.to_owned());
        blocking("look at running work", move || {
            let (copies, ignores) = (desk.join("copies"), desk.join("ignores"));
            let mut reading = Reading::begin(&tree, copies, ignores, skipped)?;
            let index = fs::read(index)?;
            fs::write(desk.join("index"), &index)?;
            let known: Vec<Known> = read(&index, is_sha256)?;
            let new = reading.tracked(&known)?;
            Ok((reading, new))
        })
        .await
    }

    /// Those of the new names that git would take in. It asks our copies of the ignore files.
    async fn not_ignored(
        &self,
        desk: &Path,
        mut new: Vec<New>,
    ) -> Result<Vec<New>, RepositoryError> {
        new.truncate(NEW);
        if new.is_empty() {
            return Ok(new);
        }
        let ignores = desk.join("ignores");
        let action = "ask what is ignored";
        let io = |cause| failed(action, cause);
        let mut input = Vec::new();
        for name in &new {
            if name.is_dir {
                // Only so git takes it for a directory.
                fs::create_dir_all(ignores.join(path_of(&name.path))).map_err(io)?;
            }
            // So no name is a pattern, and none an option.
            input.extend_from_slice(b"./");
            input.extend_from_slice(&name.path);
            input.push(0);
        }
        let said = self
            .mirror
            .call_over(&ignores, &desk.join("index"), "check-ignore")?
            .args(["-z", "--stdin", "--no-index"])
            .input(input)
            .ask(action)
            .await?;
        match said.code {
            Some(0 | 1) => {
                let parts = said.parts().filter_map(|part| part.strip_prefix(b"./"));
                let left_out: HashSet<&[u8]> = parts.collect();
                new.retain(|name| !left_out.contains(&name.path[..]));
                Ok(new)
            }
            Some(_) | None => Err(RepositoryError::Git {
                action: action.to_owned(),
                detail: said.detail(),
            }),
        }
    }

    /// A commit over the copies, whose parent is the base.
    async fn commit(
        &self,
        desk: &Path,
        changes: &Changes,
        base: &CommitId,
    ) -> Result<CommitId, RepositoryError> {
        let (ignores, index) = (desk.join("ignores"), desk.join("index"));
        let names = self.blobs(desk, changes).await?;
        let mut input = Vec::new();
        let zero = if self.mirror.is_sha256() { 64 } else { 40 };
        let none = "0".repeat(zero);
        for path in &changes.removed {
            entry(&mut input, 0, &none, path);
        }
        let read = changes.copied.iter().zip(&names);
        for (copied, name) in read.filter(|(copied, _)| changes.is_as_git_writes(copied)) {
            entry(&mut input, copied.mode, name, &copied.path);
        }
        if !input.is_empty() {
            let call = self.mirror.call_over(&ignores, &index, "update-index")?;
            self.own(call)
                .args(["--add", "--replace", "-z", "--index-info"])
                .input(input)
                .run("take in what was seen")
                .await?;
        }
        let call = self.mirror.call_over(&ignores, &index, "write-tree")?;
        let tree = self.own(call).run("write the tree of a look").await?.text();
        let who = "autoissue <autoissue@localhost> 0 +0000";
        let text = format!("tree {tree}\nparent {base}\nauthor {who}\ncommitter {who}\n\nseen\n");
        let call = self.mirror.call("hash-object")?;
        let said = self
            .own(call)
            .args(["-t", "commit", "-w", "--stdin"])
            .input(text)
            .run("make the commit of a look")
            .await?;
        Ok(CommitId::new(said.text()))
    }

    /// The names of the copies as objects.
    async fn blobs(&self, desk: &Path, changes: &Changes) -> Result<Vec<String>, RepositoryError> {
        if changes.copied.is_empty() {
            return Ok(Vec::new());
        }
        let numbers = (0..changes.copied.len()).map(|number| number.to_string());
        let input = numbers.collect::<Vec<_>>().join("\n");
        let action = "read the copies";
        let call =
            self.mirror
                .call_over(&desk.join("copies"), &desk.join("index"), "hash-object")?;
        let said = self
            .own(call)
            .args(["-w", "--no-filters", "--stdin-paths"])
            .input(input)
            .run(action)
            .await?;
        let names: Vec<String> = said.text().lines().map(str::to_owned).collect();
        if names.len() == changes.copied.len() {
            return Ok(names);
        }
        Err(RepositoryError::Git {
            action: action.to_owned(),
            detail: format!("git answered {} of {}", names.len(), changes.copied.len()),
        })
    }

    async fn changed(
        &self,
        base: &CommitId,
        commit: &CommitId,
    ) -> Result<Vec<String>, RepositoryError> {
        let call = self.mirror.call("diff-tree")?;
        let said = self
            .own(call)
            .args(["-r", "-z", "--name-only", "--no-renames", "--no-ext-diff"])
            .args([base.as_str(), commit.as_str()])
            .run("compare a look with the base")
            .await?;
        let paths = said
            .parts()
            .map(|path| String::from_utf8_lossy(path).into_owned());
        Ok(paths.collect())
    }

    /// The same call, which writes its objects to the desk and reads the mirror's as well. Nothing of a look must be in
    /// the mirror: what is there already, git does not write again when the files are taken in, nor syncs.
    fn own(&self, call: Call) -> Call {
        let settings = SETTINGS.map(|(key, value)| (key.to_owned(), value.to_owned()));
        call.env("GIT_OBJECT_DIRECTORY", self.desk.0.join("objects"))
            .env(
                "GIT_ALTERNATE_OBJECT_DIRECTORIES",
                quoted(&self.mirror.path.join("objects")),
            )
            .settings(settings)
    }
}

/// Reads new files, and what lies in new directories.
async fn go_on(
    mut reading: Reading,
    new: Vec<New>,
) -> Result<(Reading, Vec<New>), RepositoryError> {
    blocking("look at running work", move || {
        let mut inside = Vec::new();
        for name in new {
            if name.is_dir {
                inside.extend(reading.inside(&name.path)?);
            } else {
                reading.take_new(&name.path)?;
            }
        }
        Ok((reading, inside))
    })
    .await
}

/// One line for `update-index --index-info -z`.
fn entry(input: &mut Vec<u8>, mode: u32, name: &str, path: &[u8]) {
    input.extend_from_slice(format!("{mode:o} {name}\t").as_bytes());
    input.extend_from_slice(path);
    input.push(0);
}

/// In quotes, as git reads a path among others: one may hold the colon that stands between them.
fn quoted(path: &Path) -> OsString {
    let mut quoted = vec![b'"'];
    for byte in path.as_os_str().as_bytes() {
        if matches!(byte, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    quoted.push(b'"');
    OsString::from_vec(quoted)
}

fn path_of(bytes: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}
