//! Takes merged work back, in the mirror, without a worktree.

use super::brought::brought;
use super::mirror::Mirror;
use super::objects::write_merge;
use super::refs::keep;
use crate::ports::{RepositoryError, Reverted};
use crate::rules::follow::shape::Landed;
use crate::rules::ids::{CommitId, TreeId};

/// A commit on `tip` that takes back all that the work brought: a three-way merge with its last commit as the base, as
/// `git revert` does it.
pub(super) async fn revert(
    mirror: &Mirror,
    tip: &CommitId,
    (landed, commits): (&Landed, u64),
    message: &str,
) -> Result<Reverted, RepositoryError> {
    let Some(before) = brought(mirror, landed, commits).await? else {
        return Ok(Reverted::Untold);
    };
    let undone = &landed.merged_as;
    let action = format!("take {undone} back");
    let said = mirror
        .call("merge-tree")?
        .args(["--write-tree", "--no-messages", "-z"])
        .arg(format!("--merge-base={undone}"))
        .args([tip.as_str(), before.as_str()])
        .ask(&action)
        .await?;
    match (said.code, said.parts().next()) {
        (Some(0), Some(tree)) => {
            let tree = TreeId::new(String::from_utf8_lossy(tree).into_owned());
            let commit = write_merge(mirror, &tree, std::slice::from_ref(tip), message).await?;
            keep(mirror, "revert", &commit)?;
            Ok(Reverted::By(commit))
        }
        (Some(1), Some(_)) => Ok(Reverted::InTheWay),
        (Some(_) | None, _) => Err(RepositoryError::Git {
            action,
            detail: said.detail(),
        }),
    }
}
