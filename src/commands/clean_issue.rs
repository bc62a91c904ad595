//! `clean --issue`: what the attempts at one issue left goes, as far as nobody needs it.

use crate::adapters::git::inspect::{Fault, Found, Kind, inspect};
use crate::adapters::git::repository::GitRepository;
use crate::adapters::store::open::Store;
use crate::adapters::store::sessions::SessionState;
use crate::commands::clean::{Item, Mode};
use crate::commands::place::Place;
use crate::commands::wire::Wiring;
use crate::config::loaded::Overrides;
use crate::error::{Error, Kind as ErrorKind};
use crate::ports::Repository as _;
use crate::rules::ids::{BranchName, CommitId, IssueNumber};
use crate::rules::leftover::{Left, Stand, Sure, why_kept};
use crate::rules::names::issue_of_branch;

/// What goes and what stays of one issue of the project that the command runs in.
pub async fn items(
    place: &Place,
    store: &Store,
    issue: IssueNumber,
    (mode, sure): (Mode, Sure),
) -> Result<Vec<Item>, Error> {
    let wiring = Wiring::new(place, &Overrides::default())?;
    let stand = stand(store, &wiring.project_key(), issue)?;
    let git = wiring.git_place();
    if !git.mirror.exists() {
        return Ok(Vec::new());
    }
    let found = inspect(&git).map_err(|cause| {
        Error::new(ErrorKind::Files, format!("look at what {issue} left")).because(&cause)
    })?;
    let repository = wiring.git_repository().await?;
    let mut items = Vec::new();
    for found in found
        .iter()
        .filter(|found| found.issue == Some(issue) && found.kind != Kind::Missing)
    {
        items.push(directory(&repository, (issue, found), &stand, (mode, sure)).await?);
    }
    for (branch, commit) in repository.remote_branches().await? {
        if issue_of_branch(branch.as_str()) == Some(issue) {
            let branch = (&branch, &commit);
            items.push(remote_branch(&repository, branch, &stand, (mode, sure)).await?);
        }
    }
    Ok(items)
}

async fn directory(
    repository: &GitRepository,
    (issue, found): (IssueNumber, &Found),
    stand: &Stand,
    (mode, sure): (Mode, Sure),
) -> Result<Item, Error> {
    let is_unknown =
        found.faults.contains(&Fault::Unregistered) || found.faults.contains(&Fault::NoDirectory);
    let (word, left) = match found.kind {
        Kind::Home => ("home", Left::Home),
        Kind::PutBy => ("files put by", Left::Unknown),
        Kind::Issue | Kind::Spare | Kind::Missing | Kind::Foreign if is_unknown => {
            ("worktree", Left::Unknown)
        }
        Kind::Issue | Kind::Spare | Kind::Missing | Kind::Foreign => ("worktree", Left::Worktree),
    };
    let held = found.held.then(|| "a process uses it".to_owned());
    let kept = held.or_else(|| why_kept(left, stand, sure));
    if kept.is_none() && mode == Mode::Remove {
        repository.forget(issue, &found.path).await?;
        if left == Left::Unknown && found.kind == Kind::Issue {
            // It was put by, for nobody knows what it holds; a person does.
            forget_put_by(repository, issue, found).await?;
        }
    }
    let why = match left {
        Left::Worktree => "its files are kept as a snapshot in the mirror",
        Left::Unknown => "as you say",
        Left::Home | Left::Branch => "nobody goes on with it",
    };
    Ok(Item {
        what: format!("{word} {}", found.path.display()),
        goes: kept.is_none(),
        why: kept.unwrap_or_else(|| why.into()),
    })
}

/// Removes what was moved out of the way from this path.
async fn forget_put_by(
    repository: &GitRepository,
    issue: IssueNumber,
    found: &Found,
) -> Result<(), Error> {
    let Some(slots) = found.path.parent() else {
        return Ok(());
    };
    for entry in std::fs::read_dir(slots).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(&format!("kept-{}-", issue.0)) {
            repository.forget(issue, &entry.path()).await?;
        }
    }
    Ok(())
}

async fn remote_branch(
    repository: &GitRepository,
    (branch, commit): (&BranchName, &CommitId),
    stand: &Stand,
    (mode, sure): (Mode, Sure),
) -> Result<Item, Error> {
    let kept = why_kept(Left::Branch, stand, sure);
    if kept.is_none() && mode == Mode::Remove {
        repository.delete(branch, commit).await?;
    }
    let short = commit.as_str().get(..12).unwrap_or(commit.as_str());
    Ok(Item {
        what: format!("branch {branch} at {short}"),
        goes: kept.is_none(),
        why: kept.unwrap_or_else(|| "its pull was merged or closed, or you say so".into()),
    })
}

/// How the issue stands, by all that this state directory knows.
fn stand(store: &Store, project: &str, issue: IssueNumber) -> Result<Stand, Error> {
    let mut stand = Stand::default();
    for task in store.worked_on(issue)? {
        if task.project != project || task.finished {
            continue;
        }
        match store.state_of(&task.session)? {
            SessionState::Running(_) if task.ending.is_none() => stand.running = Some(task.session),
            SessionState::Running(_) | SessionState::Interrupted => {
                stand.unfinished.get_or_insert(task.session);
            }
            SessionState::Finished => {}
        }
    }
    let pulls = store.pulls_for(project, issue)?;
    let unsettled = store.unsettled(project)?;
    stand.open = unsettled
        .into_iter()
        .find(|(_, of)| *of == issue)
        .map(|(pull, _)| pull);
    stand.settled = stand.open.is_none() && !pulls.is_empty();
    Ok(stand)
}
