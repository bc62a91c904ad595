//! Which commits of its base branch a pull brought: a merge commit, one commit, or several, one after the other.
//!
//! Of a pull that was squashed or rebased git keeps no trace, so a guess is held against the work as it was offered: the
//! same lines in the same files, and what is there is what a merge of the two makes.

use super::fetch::fetch_commit;
use super::join::{has, test};
use super::mirror::Mirror;
use crate::ports::RepositoryError;
use crate::rules::follow::shape::Landed;
use crate::rules::ids::{CommitId, TreeId};
use std::collections::BTreeSet;

/// The commit of the base branch before the work came in; `None` where that cannot be told. `commits` is how many the
/// pull had.
pub(super) async fn brought(
    mirror: &Mirror,
    landed: &Landed,
    commits: u64,
) -> Result<Option<CommitId>, RepositoryError> {
    let last = &landed.merged_as;
    let Some(parents) = parents(mirror, last).await? else {
        return Ok(None);
    };
    let Some(first) = parents.first() else {
        return Ok(None);
    };
    if parents.len() > 1 || commits == 1 {
        return Ok(Some(first.clone()));
    }
    if !is_here(mirror, &landed.head).await? {
        return Ok(None);
    }
    if landed.head == *last {
        // It was pushed as it is: its commits are those that it was offered as.
        return stretch(mirror, last, commits).await;
    }
    let mut found: Vec<(CommitId, TreeId)> = Vec::new();
    for count in counts(mirror, landed, commits).await? {
        if let Some(before) = stretch(mirror, last, count).await?
            && is_it(mirror, &before, landed).await?
        {
            let tree = tree(mirror, &before).await?;
            found.push((before, tree));
        }
    }
    let is_one = found.windows(2).all(|pair| pair[0].1 == pair[1].1);
    Ok(found.into_iter().next().filter(|_| is_one).map(|it| it.0))
}

/// How many commits it may be: one where it was squashed; where it was rebased as many as it had, merges left out.
async fn counts(
    mirror: &Mirror,
    landed: &Landed,
    commits: u64,
) -> Result<BTreeSet<u64>, RepositoryError> {
    let said = mirror
        .call("rev-list")?
        .args(["--count", "--no-merges", landed.head.as_str()])
        .arg(format!("^{}", landed.merged_as))
        .run("count what a pull brought")
        .await?;
    let own = said.text().trim().parse().unwrap_or(commits);
    Ok(BTreeSet::from([1, own, commits]))
}

/// The commit before the last `count` ones, where none of them is a merge.
async fn stretch(
    mirror: &Mirror,
    last: &CommitId,
    count: u64,
) -> Result<Option<CommitId>, RepositoryError> {
    let mut at = last.clone();
    for _ in 0..count {
        let parents = parents(mirror, &at).await?.unwrap_or_default();
        let [parent] = parents.as_slice() else {
            return Ok(None);
        };
        at = parent.clone();
    }
    Ok(Some(at))
}

/// Do the commits after this one, up to the last, change what the pull changed, and nothing else?
async fn is_it(
    mirror: &Mirror,
    before: &CommitId,
    landed: &Landed,
) -> Result<bool, RepositoryError> {
    let Some(left) = fork(mirror, before, &landed.head).await? else {
        return Ok(false);
    };
    // What it had merged in of its base is no work of its own.
    if fork(mirror, &landed.merged_as, &landed.head).await? != Some(left.clone()) {
        return Ok(false);
    }
    let brought = lines(mirror, before, &landed.merged_as).await?;
    if brought != lines(mirror, &left, &landed.head).await? {
        return Ok(false);
    }
    let tested = test(mirror, before, &landed.head).await?;
    Ok(tested.paths.is_empty() && tested.tree == tree(mirror, &landed.merged_as).await?)
}

/// Where two histories parted.
async fn fork(
    mirror: &Mirror,
    one: &CommitId,
    other: &CommitId,
) -> Result<Option<CommitId>, RepositoryError> {
    let said = mirror
        .call("merge-base")?
        .args([one.as_str(), other.as_str()])
        .ask("see where a pull left its base")
        .await?;
    let is_there = said.code == Some(0);
    Ok(is_there.then(|| CommitId::new(said.text().trim())))
}

/// How many lines each file got and lost between two commits.
async fn lines(mirror: &Mirror, from: &CommitId, to: &CommitId) -> Result<String, RepositoryError> {
    let said = mirror
        .call("diff-tree")?
        .args([
            "-r",
            "--numstat",
            "--no-renames",
            from.as_str(),
            to.as_str(),
        ])
        .run("see what a pull changed")
        .await?;
    Ok(said.text())
}

async fn tree(mirror: &Mirror, commit: &CommitId) -> Result<TreeId, RepositoryError> {
    let said = mirror
        .call("rev-parse")?
        .args(["--verify", &format!("{commit}^{{tree}}")])
        .run("read a commit's tree")
        .await?;
    Ok(TreeId::new(said.text().trim()))
}

/// A commit's parents; `None` where the mirror does not have it.
async fn parents(
    mirror: &Mirror,
    commit: &CommitId,
) -> Result<Option<Vec<CommitId>>, RepositoryError> {
    let said = mirror
        .call("rev-list")?
        .args(["--parents", "--max-count=1", commit.as_str()])
        .ask("read a commit's parents")
        .await?;
    if said.code != Some(0) {
        return Ok(None);
    }
    let text = said.text();
    let ids = text.split_whitespace().skip(1).map(CommitId::new);
    Ok(Some(ids.collect()))
}

/// A branch may be gone: the forge still gives what it was offered as, by its name.
async fn is_here(mirror: &Mirror, commit: &CommitId) -> Result<bool, RepositoryError> {
    if has(mirror, commit).await? {
        return Ok(true);
    }
    if let Err(error) = fetch_commit(mirror, commit).await {
        tracing::info!(%commit, %error, "what a pull offered cannot be had");
        return Ok(false);
    }
    has(mirror, commit).await
}
