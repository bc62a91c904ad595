//! Joins commits in the mirror, without a worktree.

use super::ancestry::Ancestry;
use super::mirror::Mirror;
use super::objects::write_merge;
use super::refs::keep;
use crate::ports::{Clash, Joined, RepositoryError};
use crate::rules::ids::{CommitId, TreeId};

/// What a test merge says.
pub(super) struct Tested {
    /// The tree of both, with markers where they conflict.
    pub(super) tree: TreeId,
    /// The paths that conflict.
    pub(super) paths: Vec<String>,
}

/// Joins the commits one after the other; what conflicts with those before it stays outside.
pub(super) async fn join(mirror: &Mirror, commits: &[CommitId]) -> Result<Joined, RepositoryError> {
    let Some((first, rest)) = commits.split_first() else {
        return Err(RepositoryError::Git {
            action: "join commits".to_owned(),
            detail: "there are none".to_owned(),
        });
    };
    let mut joined = Joined {
        base: first.clone(),
        clashes: Vec::new(),
    };
    let mut outside = Vec::new();
    let mut ancestry = Ancestry::of(mirror, commits).await?;
    for commit in rest {
        if !add(mirror, &mut ancestry, &mut joined.base, commit).await? {
            outside.push(commit);
        }
    }
    for commit in outside {
        let tested = test(mirror, &joined.base, commit).await?;
        let clash = clash(mirror, &joined.base, commit, tested).await?;
        joined.clashes.push(clash);
    }
    Ok(joined)
}

/// What does not fit onto a commit, with the markers of its conflicts in its files.
pub(super) async fn clash(
    mirror: &Mirror,
    onto: &CommitId,
    commit: &CommitId,
    tested: Tested,
) -> Result<Clash, RepositoryError> {
    let message = format!("autoissue: {commit} on {onto}, with its conflicts\n");
    let parents = std::slice::from_ref(onto);
    let start = write_merge(mirror, &tested.tree, parents, &message).await?;
    keep(mirror, "clash", &start)?;
    Ok(Clash {
        commit: commit.clone(),
        start,
        paths: tested.paths,
    })
}

/// Two that fit, as one commit.
pub(super) async fn both(
    mirror: &Mirror,
    (one, other): (&CommitId, &CommitId),
    tree: &TreeId,
) -> Result<CommitId, RepositoryError> {
    let parents = [one.clone(), other.clone()];
    let message = format!("Join {one} and {other}\n");
    let joined = write_merge(mirror, tree, &parents, &message).await?;
    keep(mirror, "joined", &joined)?;
    Ok(joined)
}

/// Adds a commit to what is joined already; `false` where they conflict.
async fn add(
    mirror: &Mirror,
    ancestry: &mut Ancestry<'_>,
    joined: &mut CommitId,
    commit: &CommitId,
) -> Result<bool, RepositoryError> {
    if ancestry.holds(joined, commit).await? {
        return Ok(true);
    }
    if ancestry.is_held_by(joined, commit).await? {
        *joined = commit.clone();
        ancestry.take_in(joined);
        return Ok(true);
    }
    let tested = test(mirror, joined, commit).await?;
    if !tested.paths.is_empty() {
        return Ok(false);
    }
    let parents = [joined.clone(), commit.clone()];
    *joined = both(mirror, (&parents[0], commit), &tested.tree).await?;
    ancestry.grow(joined, &parents);
    Ok(true)
}

/// Merges two commits into a tree; nothing else comes of it.
pub(super) async fn test(
    mirror: &Mirror,
    one: &CommitId,
    other: &CommitId,
) -> Result<Tested, RepositoryError> {
    test_from(mirror, None, one, other).await
}

/// The same, from this commit instead of the one that their histories have in common.
pub(super) async fn test_from(
    mirror: &Mirror,
    from: Option<&CommitId>,
    one: &CommitId,
    other: &CommitId,
) -> Result<Tested, RepositoryError> {
    let action = format!("merge {other} into {one}");
    let said = mirror
        .call("merge-tree")?
        .args(["--write-tree", "--no-messages", "--name-only", "-z"])
        .args(from.map(|from| format!("--merge-base={from}")))
        .args([one.as_str(), other.as_str()])
        .ask(&action)
        .await?;
    let mut parts = said
        .parts()
        .map(|part| String::from_utf8_lossy(part).into_owned());
    match (said.code, parts.next()) {
        (Some(0), Some(tree)) => Ok(Tested {
            tree: TreeId::new(tree),
            paths: Vec::new(),
        }),
        (Some(1), Some(tree)) => {
            let mut paths: Vec<String> = parts.filter(|path| !path.is_empty()).collect();
            paths.dedup();
            if paths.is_empty() {
                // Git says that they conflict, so somewhere they do.
                paths.push("?".to_owned());
            }
            Ok(Tested {
                tree: TreeId::new(tree),
                paths,
            })
        }
        (Some(_) | None, _) => Err(RepositoryError::Git {
            action,
            detail: said.detail(),
        }),
    }
}

/// Is all of the first commit's history in the second one's?
pub(super) async fn is_ancestor(
    mirror: &Mirror,
    commit: &CommitId,
    of: &CommitId,
) -> Result<bool, RepositoryError> {
    let action = format!("look for {commit} in {of}");
    let said = mirror
        .call("merge-base")?
        .args(["--is-ancestor", commit.as_str(), of.as_str()])
        .ask(&action)
        .await?;
    match said.code {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        Some(_) | None => Err(RepositoryError::Git {
            action,
            detail: said.detail(),
        }),
    }
}

/// Does the mirror have a commit?
pub(super) async fn has(mirror: &Mirror, commit: &CommitId) -> Result<bool, RepositoryError> {
    let call = mirror
        .call("cat-file")?
        .args(["-e", &format!("{commit}^{{commit}}")]);
    Ok(call.ask("look for a commit").await?.code == Some(0))
}

/// Those of the paths that still hold the markers of a conflict.
pub(super) async fn marked(
    mirror: &Mirror,
    tree: &TreeId,
    paths: &[String],
) -> Result<Vec<String>, RepositoryError> {
    let action = "look for markers of conflicts";
    let said = mirror
        .call("grep")?
        .args(["-l", "-z", "-I", "-e", "^<<<<<<< ", "-e", "^>>>>>>> "])
        .arg(tree.as_str())
        .arg("--")
        .args(paths.iter().map(|path| format!(":(literal){path}")))
        .ask(action)
        .await?;
    match said.code {
        Some(0) => {
            let head = format!("{tree}:");
            let found = said
                .parts()
                .map(|part| String::from_utf8_lossy(part).into_owned());
            Ok(found
                .filter_map(|found| found.strip_prefix(&head).map(str::to_owned))
                .collect())
        }
        Some(1) => Ok(Vec::new()),
        Some(_) | None => Err(RepositoryError::Git {
            action: action.to_owned(),
            detail: said.detail(),
        }),
    }
}
