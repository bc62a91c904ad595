//! Looks at the remote, and brings the mirror up to date: one look, one fetch, for all who wait.

use super::lock::Lock;
use super::mirror::Mirror;
use super::nearby::{self, Which};
use super::refs::remove_file;
use super::run::{Call, Said, blocking, failed};
use crate::ports::RepositoryError;
use crate::rules::ids::CommitId;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long another process may fetch before we give up.
const PATIENCE: Duration = Duration::from_secs(600);

/// The names of all branches of ours begin so.
pub(super) const OURS: &str = "autoissue/";

/// Everybody's branches, without ours: attempts do not see one another.
pub(super) const EVERYBODY_S: [&str; 2] = [
    "+refs/heads/*:refs/remotes/origin/*",
    "^refs/heads/autoissue/*",
];

/// Old commits and tags hold these harmless faults; all other faults of fetched objects are refused.
const HARMLESS: [&str; 9] = [
    "zeroPaddedFilemode",
    "badTimezone",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "missingNameBeforeEmail",
    "missingEmail",
    "badEmail",
    "missingTaggerEntry",
    "badTagName",
];

const LOOK: &str = "look at the remote's branches";

/// Branches and where they stand.
pub(super) type Heads = BTreeMap<String, CommitId>;

/// The branches of the remote and its tags, as the mirror has them.
#[derive(Debug)]
pub(super) struct Refs {
    /// As git's own `packed-refs` file holds them.
    pub(super) packed: String,
    /// The branches of the remote.
    pub(super) heads: Heads,
}

/// Where the remote's branches stand now.
pub(super) async fn look(mirror: &Mirror) -> Result<Arc<Heads>, RepositoryError> {
    mirror.looks.join(|| look_now(mirror)).await
}

/// The same, of some of them: cheaper where the remote is on this machine.
pub(super) async fn look_at(mirror: &Mirror, which: Which) -> Result<Arc<Heads>, RepositoryError> {
    if let Some(git_dir) = mirror.remote.local_git_dir() {
        let read = move || Ok(nearby::heads(&git_dir, &which));
        if let Some(heads) = blocking(LOOK, read).await? {
            return Ok(Arc::new(heads));
        }
    }
    look(mirror).await
}

/// Where a branch of the remote stands; the mirror has all that it holds.
pub(super) async fn fetch(mirror: &Mirror, branch: &str) -> Result<CommitId, RepositoryError> {
    let ours = branch.starts_with(OURS);
    let which = if ours {
        Which::One(branch.to_owned())
    } else {
        Which::Others
    };
    let there = look_at(mirror, which).await?;
    let Some(tip) = there.get(branch) else {
        return Err(missing(branch, &*look(mirror).await?));
    };
    let known = refs(mirror).await?;
    let up_to_date = if ours {
        known.heads.get(branch) == Some(tip)
    } else {
        others(&known.heads).eq(others(&there))
    };
    if up_to_date {
        return Ok(tip.clone());
    }
    let fetched = if ours {
        let spec = format!("+refs/heads/{branch}:refs/remotes/origin/{branch}");
        fetch_now(mirror, &[&spec]).await?
    } else {
        mirror
            .fetches
            .join(|| fetch_now(mirror, &EVERYBODY_S))
            .await?
    };
    let tip = fetched.heads.get(branch);
    tip.cloned().ok_or_else(|| missing(branch, &fetched.heads))
}

/// Fetches one commit by its name, with all before it, and keeps it.
pub(super) async fn fetch_commit(
    mirror: &Mirror,
    commit: &CommitId,
) -> Result<(), RepositoryError> {
    let spec = format!("+{commit}:refs/autoissue/keep/fetched-{commit}");
    fetch_now(mirror, &[&spec]).await.map(drop)
}

/// The refs as the last fetch left them.
pub(super) async fn refs(mirror: &Mirror) -> Result<Arc<Refs>, RepositoryError> {
    let known = mirror
        .refs
        .lock()
        .expect("no panic under this lock")
        .clone();
    match known {
        Some(refs) => Ok(refs),
        None => read_refs(mirror).await,
    }
}

/// The remote has no commit at all.
pub(super) fn empty() -> RepositoryError {
    RepositoryError::Unusable {
        problem: "the repository has no commits".to_owned(),
        hint: "make a first commit and push it".to_owned(),
    }
}

/// Prepares a fetch with the checks that all of ours have.
pub(super) fn fetch_call(call: Call, url: &str, specs: &[&str]) -> Call {
    let fsck = HARMLESS.map(|fault| (format!("fetch.fsck.{fault}"), "warn".to_owned()));
    call.args([
        "--quiet",
        "--prune",
        "--no-tags",
        "--no-write-fetch-head",
        "--no-auto-maintenance",
        "--no-recurse-submodules",
        "--no-show-forced-updates",
        "--",
        url,
        "+refs/tags/*:refs/tags/*",
    ])
    .args(specs)
    .settings([("fetch.fsckObjects".to_owned(), "true".to_owned())])
    .settings(fsck)
}

fn others(heads: &Heads) -> impl Iterator<Item = (&String, &CommitId)> {
    heads.iter().filter(|(name, _)| !name.starts_with(OURS))
}

fn missing(branch: &str, heads: &Heads) -> RepositoryError {
    if heads.is_empty() {
        return empty();
    }
    let known: Vec<String> = others(heads)
        .take(5)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    RepositoryError::Unusable {
        problem: format!("the remote has no branch `{branch}`"),
        hint: format!(
            "set project.baseBranch to one of its branches: {}",
            known.join(", ")
        ),
    }
}

async fn look_now(mirror: &Mirror) -> Result<Arc<Heads>, RepositoryError> {
    if let Some(git_dir) = mirror.remote.local_git_dir() {
        let read = move || Ok(nearby::heads(&git_dir, &Which::All));
        if let Some(heads) = blocking(LOOK, read).await? {
            return Ok(Arc::new(heads));
        }
    }
    let call = match mirror.remote.local_git_dir() {
        // One process where speaking to it takes three.
        Some(git_dir) => mirror
            .call("for-each-ref")?
            .env("GIT_DIR", git_dir)
            .args(["--format=%(objectname)%09%(refname)", "refs/heads"]),
        None => mirror
            .call("ls-remote")?
            .args(["--heads", "--refs", "--", &mirror.remote.url]),
    };
    let said = mirror.remote.ask(call, LOOK).await?;
    if said.code != Some(0) {
        return Err(mirror.remote.error(LOOK, &said));
    }
    Ok(Arc::new(parse_heads(
        &String::from_utf8_lossy(&said.out),
        "\trefs/heads/",
    )))
}

fn parse_heads(listing: &str, between: &str) -> Heads {
    listing
        .lines()
        .filter_map(|line| line.split_once(between))
        .map(|(commit, name)| (name.to_owned(), CommitId::new(commit)))
        .collect()
}

async fn fetch_now(mirror: &Mirror, specs: &[&str]) -> Result<Arc<Refs>, RepositoryError> {
    let action = "fetch";
    let lock = Lock::wait(&mirror.own().join("fetch"), "the mirror", PATIENCE).await?;
    let mut said = fetch_once(mirror, specs, &lock, action).await?;
    if said.code != Some(0) && said.complaint.contains(".lock': File exists") {
        // We hold the only lock that counts, so what a killed git left behind may go.
        let path = mirror.path.clone();
        blocking(action, move || unlock(&path)).await?;
        said = fetch_once(mirror, specs, &lock, action).await?;
    }
    mirror.remote.check_fetch(&mirror.path, action, &said)?;
    read_refs(mirror).await
}

async fn fetch_once(
    mirror: &Mirror,
    specs: &[&str],
    lock: &Lock,
    action: &str,
) -> Result<Said, RepositoryError> {
    let call = fetch_call(mirror.call("fetch")?, &mirror.remote.url, specs)
        .holding(lock)
        .map_err(|cause| failed(action, cause))?;
    mirror.remote.ask(call, action).await
}

async fn read_refs(mirror: &Mirror) -> Result<Arc<Refs>, RepositoryError> {
    let format = "%(objectname) %(refname)%(if)%(*objectname)%(then)%0a^%(*objectname)%(end)";
    let said = mirror
        .call("for-each-ref")?
        .args(["--format", format, "refs/remotes/origin", "refs/tags"])
        .run("list the mirror's branches")
        .await?;
    let listing = String::from_utf8_lossy(&said.out);
    let refs = Arc::new(Refs {
        packed: format!("# pack-refs with: peeled fully-peeled sorted \n{listing}"),
        heads: parse_heads(&listing, " refs/remotes/origin/"),
    });
    *mirror.refs.lock().expect("no panic under this lock") = Some(Arc::clone(&refs));
    Ok(refs)
}

/// Removes the lock files of gits that were killed. Nobody else may write refs meanwhile.
fn unlock(mirror: &Path) -> io::Result<()> {
    // Not those of `refs/autoissue`, which are written without this lock.
    let mut stack = vec![mirror.join("refs/remotes"), mirror.join("refs/tags")];
    for name in ["packed-refs.lock", "shallow.lock"] {
        remove_file(&mirror.join(name))?;
    }
    while let Some(directory) = stack.pop() {
        let listing = match fs::read_dir(&directory) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => continue,
            listing => listing?,
        };
        for entry in listing {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                stack.push(path);
            } else if path.extension().is_some_and(|end| end == "lock") {
                remove_file(&path)?;
            }
        }
    }
    Ok(())
}
