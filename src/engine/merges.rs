//! Has the work that others wait for been merged meanwhile?

use crate::ports::Ports;
use crate::rules::event::Input;
use crate::rules::ids::{CommitId, IssueNumber};
use crate::rules::issue::IssueState;

/// Looks at each: it is merged where its commit is in the base branch, or where its issue was closed, as a merge does
/// that makes another commit of it. What cannot be seen now is looked at again later.
pub(super) async fn look(
    ports: &Ports,
    base_branch: &str,
    awaited: Vec<(IssueNumber, CommitId)>,
) -> Vec<Input> {
    let mut inputs = Vec::new();
    for (issue, commit) in awaited {
        if is_merged(ports, base_branch, issue, &commit).await {
            inputs.push(Input::Merged { issue });
        }
    }
    inputs
}

async fn is_merged(
    ports: &Ports,
    base_branch: &str,
    issue: IssueNumber,
    commit: &CommitId,
) -> bool {
    match ports.forge.issue(issue).await {
        Ok(Some(found)) if found.state == IssueState::Closed => return true,
        Ok(Some(_) | None) => {}
        Err(error) => tracing::debug!(%issue, %error, "could not see whether it is merged"),
    }
    match ports.repository.holds(base_branch, commit).await {
        Ok(holds) => holds,
        Err(error) => {
            tracing::debug!(%issue, %error, "could not see whether it is merged");
            false
        }
    }
}
