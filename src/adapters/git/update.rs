//! Brings a branch onto its base branch where that holds work below it as another commit, by a squash or a rebase.
//!
//! By their histories alone such work would be in both, changed twice: it would conflict with itself, and come back
//! where the base has taken it back since. So the two are merged from where the branch left that work.

use super::join::{both, clash, is_ancestor, join, test_from};
use super::mirror::Mirror;
use crate::ports::{Joined, RepositoryError};
use crate::rules::follow::shape::Landed;
use crate::rules::ids::CommitId;
use std::collections::HashMap;

/// Joins base and head, from the newest work below the head that has landed as another commit.
pub(super) async fn update(
    mirror: &Mirror,
    base: &CommitId,
    head: &CommitId,
    landed: &[Landed],
) -> Result<Joined, RepositoryError> {
    let Some(from) = stands_on(mirror, base, head, landed).await? else {
        return join(mirror, &[base.clone(), head.clone()]).await;
    };
    let tested = test_from(mirror, Some(&from), base, head).await?;
    if tested.paths.is_empty() {
        return Ok(Joined {
            base: both(mirror, (base, head), &tested.tree).await?,
            clashes: Vec::new(),
        });
    }
    Ok(Joined {
        base: base.clone(),
        clashes: vec![clash(mirror, base, head, tested).await?],
    })
}

/// The newest of what the head stands on that the base holds as another commit, which the head does not hold.
async fn stands_on(
    mirror: &Mirror,
    base: &CommitId,
    head: &CommitId,
    landed: &[Landed],
) -> Result<Option<CommitId>, RepositoryError> {
    if landed.is_empty() {
        return Ok(None);
    }
    let known: HashMap<&str, &CommitId> = landed
        .iter()
        .map(|one| (one.head.as_str(), &one.merged_as))
        .collect();
    let said = mirror
        .call("rev-list")?
        .args(["--topo-order", head.as_str(), &format!("^{base}")])
        .run("list what a branch adds")
        .await?;
    let own = String::from_utf8_lossy(&said.out);
    for commit in own.lines() {
        let Some(merged_as) = known.get(commit) else {
            continue;
        };
        // A base branch that was rewritten may hold it no more, and the mirror as well.
        let is_in = async |of| is_ancestor(mirror, merged_as, of).await.unwrap_or(false);
        return Ok((is_in(base).await && !is_in(head).await).then(|| CommitId::new(commit)));
    }
    Ok(None)
}
