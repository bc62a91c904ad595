//! Puts branches of ours on the remote, and sees where they stand: never over anything that is not ours.

use super::mirror::Mirror;
use super::run::Said;
use crate::ports::RepositoryError;
use crate::rules::ids::{BranchName, CommitId};

/// All that is ever pushed lies below this.
const OURS: &str = "autoissue/";

/// Moves the branch from `expected`, or from nothing, to the commit.
pub(super) async fn push(
    mirror: &Mirror,
    branch: &BranchName,
    commit: &CommitId,
    expected: Option<&CommitId>,
) -> Result<(), RepositoryError> {
    let action = format!("push {branch}");
    if !is_ours(branch) {
        return Err(RepositoryError::Git {
            action,
            detail: "only branches below autoissue/ are ever pushed".to_owned(),
        });
    }
    let from = expected.map_or("", CommitId::as_str);
    let call = mirror
        .call("push")?
        .args(["--porcelain", "--no-verify", "--no-follow-tags"])
        .arg(format!("--force-with-lease=refs/heads/{branch}:{from}"))
        .args(["--", &mirror.remote.url])
        .arg(format!("{commit}:refs/heads/{branch}"));
    let said = mirror.remote.ask(call, &action).await?;
    if said.code == Some(0) {
        return Ok(());
    }
    // Whatever was said, where the branch stands decides: a reply may have been lost.
    match head(mirror, branch).await? {
        Some(found) if found == *commit => Ok(()),
        Some(found) if expected != Some(&found) => Err(RepositoryError::Foreign {
            branch: branch.clone(),
            found,
        }),
        Some(_) | None => Err(mirror.remote.error(&action, &with_reason(said))),
    }
}

/// Where the branch stands on the remote.
pub(super) async fn head(
    mirror: &Mirror,
    branch: &BranchName,
) -> Result<Option<CommitId>, RepositoryError> {
    let found = list(mirror, &format!("refs/heads/{branch}")).await?;
    let found = found.into_iter().find(|(name, _)| name == branch);
    Ok(found.map(|(_, commit)| commit))
}

/// All branches of ours on the remote.
pub(super) async fn heads(mirror: &Mirror) -> Result<Vec<(BranchName, CommitId)>, RepositoryError> {
    let mut found = list(mirror, &format!("refs/heads/{OURS}*")).await?;
    found.retain(|(name, _)| name.as_str().starts_with(OURS));
    Ok(found)
}

async fn list(
    mirror: &Mirror,
    pattern: &str,
) -> Result<Vec<(BranchName, CommitId)>, RepositoryError> {
    let action = "look at the remote's branches";
    let call =
        mirror
            .call("ls-remote")?
            .args(["--heads", "--refs", "--", &mirror.remote.url, pattern]);
    let said = mirror.remote.ask(call, action).await?;
    if said.code != Some(0) {
        return Err(mirror.remote.error(action, &said));
    }
    Ok(parse(&String::from_utf8_lossy(&said.out)))
}

fn parse(answer: &str) -> Vec<(BranchName, CommitId)> {
    answer
        .lines()
        .filter_map(|line| {
            let (commit, name) = line.split_once("\trefs/heads/")?;
            Some((BranchName::new(name), CommitId::new(commit)))
        })
        .collect()
}

/// `autoissue/` and then letters, digits, `-` and `/`, as `rules::names` makes them.
fn is_ours(branch: &BranchName) -> bool {
    branch.as_str().strip_prefix(OURS).is_some_and(|rest| {
        rest.split('/').all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
    })
}

/// The reason of a refusal stands in the answer: `! TAB from:to TAB [remote rejected] (reason)`.
fn with_reason(mut said: Said) -> Said {
    let answer = String::from_utf8_lossy(&said.out);
    let reason = answer.lines().find(|line| line.starts_with('!'));
    let reason = reason
        .and_then(|line| line.rsplit('\t').next())
        .unwrap_or_default();
    let reason = format!(" {reason}");
    said.complaint.push_str(&reason);
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_branches_are_pushed() {
        let check = |name: &str, ours: bool| {
            assert_eq!(is_ours(&BranchName::new(name)), ours, "{name}");
        };
        check("autoissue/12-add-a-thing", true);
        check("autoissue/12/2", true);
        check("main", false);
        check("autoissue/", false);
        check("autoissue/a//b", false);
        check("autoissue/../main", false);
        check("autoissue/x:refs/heads/main", false);
        check("refs/heads/autoissue/x", false);
        check("autoissue/X", false);
    }

    #[test]
    fn the_remote_s_listing_is_read() {
        let answer = "aaa\trefs/heads/autoissue/1-x\nbbb\trefs/heads/main\n";
        let expect = [("autoissue/1-x", "aaa"), ("main", "bbb")]
            .map(|(name, commit)| (BranchName::new(name), CommitId::new(commit)));
        assert_eq!(parse(answer), expect);
    }
}
