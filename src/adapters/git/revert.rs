//! Takes a commit's change back, in the mirror, without a worktree.

use super::mirror::Mirror;
use super::objects::write_merge;
use super::refs::keep;
use crate::ports::RepositoryError;
use crate::rules::ids::{CommitId, TreeId};

/// A commit on `tip` that takes back what `undone` changed against its first parent; `None` where later work stands in the
/// way. That is a three-way merge with the commit itself as the base, as `git revert` does it.
pub(super) async fn revert(
    mirror: &Mirror,
    tip: &CommitId,
    undone: &CommitId,
    message: &str,
) -> Result<Option<CommitId>, RepositoryError> {
    let action = format!("take {undone} back");
    let said = mirror
        .call("merge-tree")?
        .args(["--write-tree", "--no-messages", "-z"])
        .arg(format!("--merge-base={undone}"))
        .arg(tip.as_str())
        .arg(format!("{undone}^1"))
        .ask(&action)
        .await?;
    match (said.code, said.parts().next()) {
        (Some(0), Some(tree)) => {
            let tree = TreeId::new(String::from_utf8_lossy(tree).into_owned());
            let commit = write_merge(mirror, &tree, std::slice::from_ref(tip), message).await?;
            keep(mirror, "revert", &commit)?;
            Ok(Some(commit))
        }
        (Some(1), Some(_)) => Ok(None),
        (Some(_) | None, _) => Err(RepositoryError::Git {
            action,
            detail: said.detail(),
        }),
    }
}
