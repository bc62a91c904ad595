//! Moves files that were made on one commit onto another.

use super::mirror::Mirror;
use super::objects::{read_commit, write_commit};
use super::refs::keep;
use crate::ports::RepositoryError;
use crate::rules::ids::{CommitId, IssueNumber, TreeId};

/// What became of a snapshot that was to stand on another base.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// It stands there already.
    Already,
    /// This tree is both.
    Onto(TreeId),
    /// The same lines changed on both sides; it can only stand where it stood.
    Conflict {
        /// The base that it stands on.
        stands_on: CommitId,
    },
}

/// The files of a snapshot as they would be on this base.
pub(super) async fn onto(
    mirror: &Mirror,
    snapshot: &CommitId,
    base: &CommitId,
) -> Result<Moved, RepositoryError> {
    let parent = match read_commit(mirror, snapshot).await?.parent {
        Some(parent) if parent != *base => parent,
        Some(_) | None => return Ok(Moved::Already),
    };
    let action = format!("move {snapshot} onto {base}");
    let call = mirror
        .call("merge-tree")?
        .args(["--write-tree", "--no-messages", "--name-only"])
        .arg(format!("--merge-base={parent}"))
        .args([base.as_str(), snapshot.as_str()]);
    let said = call.ask(&action).await?;
    match said.code {
        Some(0) => Ok(Moved::Onto(TreeId::new(said.text()))),
        Some(1) => Ok(Moved::Conflict { stands_on: parent }),
        Some(_) | None => Err(RepositoryError::Git {
            action,
            detail: said.detail(),
        }),
    }
}

/// Where an attempt that begins with a snapshot's files can stand: the base and the commit to lay out. That is the
/// wanted base where the files fit onto it, else the one they were made on.
pub(super) async fn footing(
    mirror: &Mirror,
    issue: IssueNumber,
    base: &CommitId,
    start: &CommitId,
) -> Result<(CommitId, CommitId), RepositoryError> {
    if base == start {
        return Ok((base.clone(), start.clone()));
    }
    match onto(mirror, start, base).await? {
        Moved::Already => Ok((base.clone(), start.clone())),
        Moved::Conflict { stands_on } => Ok((stands_on, start.clone())),
        Moved::Onto(tree) => {
            let message = format!("autoissue: files of {issue}, moved onto a newer base\n");
            let moved = write_commit(mirror, &tree, std::slice::from_ref(base), &message).await?;
            keep(mirror, &format!("{}-moved", issue.0), &moved)?;
            Ok((base.clone(), moved))
        }
    }
}
