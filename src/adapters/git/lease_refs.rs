//! The refs that leases are kept in: read all at once, changed all at once, each only from a value that is known.

use super::lock::Lock;
use super::mirror::Mirror;
use super::objects::read_commit;
use super::refs::{remove_file, write_whole};
use super::run::{Said, blocking, failed};
use crate::ports::RepositoryError;
use crate::rules::ids::{CommitId, IssueNumber, Timestamp};
use crate::rules::lease::Lease;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Where they live, on the remote and, as they were last seen, in the mirror.
const LEASES: &str = "refs/autoissue/leases";
/// How many go in one push at most.
const MOST: usize = 200;
/// How long another process may fetch before we give up.
const PATIENCE: Duration = Duration::from_secs(600);
const LOOK: &str = "look at the leases on the remote";

/// The leases of the remote, and what they say.
pub(super) type There = BTreeMap<IssueNumber, (CommitId, Option<Lease>)>;

/// A ref that is to go from one value, or nothing, to another, or nothing.
pub(super) struct Change {
    pub(super) issue: IssueNumber,
    pub(super) from: Option<CommitId>,
    pub(super) to: Option<CommitId>,
}

/// The remote did not make a change.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) issue: IssueNumber,
    /// Why, in its words.
    pub(super) reason: String,
    /// May the reason be somebody else who changes the same ref?
    pub(super) may_pass: bool,
}

impl Refused {
    /// Nobody holds it, and it cannot be taken.
    pub(super) fn error(&self) -> RepositoryError {
        RepositoryError::Unusable {
            problem: format!("the remote lets no lease be kept in {LEASES}: {}", self.reason),
            hint: "let refs below refs/autoissue/ be pushed; or set claims.kind to machine, if no other machine works on these issues".to_owned(),
        }
    }
}

/// What stands on the remote now.
pub(super) async fn look(mirror: &Mirror) -> Result<There, RepositoryError> {
    let refs = {
        let lock = Lock::wait(&mirror.own().join("fetch"), "the mirror", PATIENCE).await?;
        let mut said = fetch(mirror, &lock).await?;
        if said.code != Some(0) && said.complaint.contains(".lock': File exists") {
            // We hold the only lock that counts, so what a killed git left behind may go.
            let path = mirror.path.join(LEASES);
            blocking(LOOK, move || unlock(&path)).await?;
            said = fetch(mirror, &lock).await?;
        }
        mirror.remote.check_fetch(&mirror.path, LOOK, &said)?;
        let said = mirror
            .call("for-each-ref")?
            .args(["--format=%(objectname) %(refname:lstrip=3)", LEASES])
            .run(LOOK)
            .await?;
        parse(&said.text())
    };
    let mut texts: HashMap<CommitId, Option<Lease>> = HashMap::new();
    let mut there = There::new();
    for (issue, value) in refs {
        if !texts.contains_key(&value) {
            // What is no commit is no lease of ours.
            let read = read_commit(mirror, &value).await.ok();
            let lease = read.and_then(|commit| Lease::read(&commit.message));
            texts.insert(value.clone(), lease);
        }
        let lease = texts[&value].clone();
        there.insert(issue, (value, lease));
    }
    Ok(there)
}

/// Asks by a refspec, which the server filters by: it may have a hundred thousand refs of pulls.
async fn fetch(mirror: &Mirror, lock: &Lock) -> Result<Said, RepositoryError> {
    let call = mirror
        .call("fetch")?
        .args([
            "--quiet",
            "--prune",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
            "--no-show-forced-updates",
            "--",
            &mirror.remote.url,
        ])
        .arg(format!("+{LEASES}/*:{LEASES}/*"))
        .settings([("fetch.fsckObjects".to_owned(), "true".to_owned())])
        .holding(lock)
        .map_err(|cause| failed(LOOK, cause))?;
    mirror.remote.ask(call, LOOK).await
}

fn parse(listing: &str) -> Vec<(IssueNumber, CommitId)> {
    let lines = listing.lines().filter_map(|line| line.split_once(' '));
    let issue = |name: &str| name.parse().ok().map(IssueNumber);
    lines
        .filter_map(|(value, name)| Some((issue(name)?, CommitId::new(value))))
        .collect()
}

fn unlock(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "lock") {
            remove_file(&path)?;
        }
    }
    Ok(())
}

/// Makes the changes, each alone; gives those that were refused.
pub(super) async fn change(
    mirror: &Mirror,
    changes: Vec<Change>,
) -> Result<Vec<Refused>, RepositoryError> {
    let mut refused = Vec::new();
    for some in changes.chunks(MOST) {
        refused.extend(push(mirror, some).await?);
    }
    Ok(refused)
}

async fn push(mirror: &Mirror, changes: &[Change]) -> Result<Vec<Refused>, RepositoryError> {
    let action = "keep leases on the remote";
    let mut call = mirror
        .call("push")?
        .args(["--porcelain", "--no-verify", "--no-follow-tags"]);
    for Change { issue, from, .. } in changes {
        let from = from.as_ref().map_or("", CommitId::as_str);
        call = call.arg(format!("--force-with-lease={LEASES}/{}:{from}", issue.0));
    }
    call = call.args(["--", &mirror.remote.url]);
    for Change { issue, to, .. } in changes {
        let to = to.as_ref().map_or("", CommitId::as_str);
        call = call.arg(format!("{to}:{LEASES}/{}", issue.0));
    }
    let said = mirror.remote.ask(call, action).await?;
    if said.code == Some(0) {
        return Ok(Vec::new());
    }
    let verdicts = verdicts(&String::from_utf8_lossy(&said.out));
    if verdicts.is_empty() {
        return Err(mirror.remote.error(action, &said));
    }
    let of = |change: &Change| {
        let reason = match verdicts.get(&change.issue) {
            Some(None) => return None,
            Some(Some(reason)) => reason.clone(),
            None => "it said nothing of it".to_owned(),
        };
        Some(Refused {
            issue: change.issue,
            may_pass: may_pass(&reason),
            reason,
        })
    };
    Ok(changes.iter().filter_map(of).collect())
}

/// One line each: `* TAB from:to TAB what happened`, with `!` for a refusal and its reason in brackets.
fn verdicts(answer: &str) -> HashMap<IssueNumber, Option<String>> {
    let verdict = |line: &str| {
        let mut parts = line.split('\t');
        let (flag, pair, what) = (parts.next()?, parts.next()?, parts.next()?);
        let (_, name) = pair.split_once(&format!(":{LEASES}/"))?;
        let issue = IssueNumber(name.parse().ok()?);
        Some((issue, (flag == "!").then(|| what.trim().to_owned())))
    };
    answer.lines().filter_map(verdict).collect()
}

/// Git's words for a ref that stands elsewhere, or that somebody changes at this moment.
fn may_pass(reason: &str) -> bool {
    [
        "stale info",
        "fetch first",
        "already exists",
        "cannot lock ref",
        "failed to update ref",
        "failed to lock",
        "incorrect old value",
        "it said nothing",
    ]
    .iter()
    .any(|sign| reason.contains(sign))
}

/// Since when each lease is the very one that it is, as far as this machine has looked; notes it for those who look later.
pub(super) fn seen_since(
    mirror: &Mirror,
    there: &There,
    now: Timestamp,
) -> BTreeMap<IssueNumber, Timestamp> {
    let path = mirror.own().join("leases-seen.json");
    let before: BTreeMap<u64, (String, i64)> = fs::read(&path)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    let seen = |(issue, (value, _)): (&IssueNumber, &(CommitId, Option<Lease>))| {
        let known = before.get(&issue.0).filter(|(known, since)| {
            // A clock that was put back would make a lease older than it is.
            known == value.as_str() && *since <= now.0
        });
        (
            issue.0,
            (value.to_string(), known.map_or(now.0, |(_, since)| *since)),
        )
    };
    let after: BTreeMap<u64, (String, i64)> = there.iter().map(seen).collect();
    if after != before {
        let written = serde_json::to_vec(&after)
            .map_err(io::Error::other)
            .and_then(|text| write_whole(&path, &text));
        if let Err(cause) = written {
            // Then the next to look begins to wait, and nothing is taken too early.
            tracing::warn!(%cause, "could not note which leases were seen");
        }
    }
    let since = after.into_iter();
    since
        .map(|(issue, (_, since))| (IssueNumber(issue), Timestamp(since)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lease_of_a_push_has_its_own_verdict() {
        let answer = "To /somewhere\n*\taaa:refs/autoissue/leases/1\t[new reference]\n\
             !\taaa:refs/autoissue/leases/12\t[rejected] (stale info)\n\
             !\taaa:refs/autoissue/leases/2\t[remote rejected] (deny updating a hidden ref)\n\
             -\t:refs/autoissue/leases/4\t[deleted]\nDone\n";
        let verdicts = verdicts(answer);
        assert_eq!(verdicts[&IssueNumber(1)], None);
        assert_eq!(verdicts[&IssueNumber(4)], None);
        let reason = |issue| verdicts[&IssueNumber(issue)].clone().unwrap();
        assert!(may_pass(&reason(12)), "{}", reason(12));
        assert!(!may_pass(&reason(2)), "{}", reason(2));
        assert!(!verdicts.contains_key(&IssueNumber(3)));
    }

    #[test]
    fn what_is_no_issue_s_lease_is_left_alone() {
        let found = parse("aaa 12\nbbb main\nccc 12/x\nddd 7");
        let expect = [(12, "aaa"), (7, "ddd")];
        assert_eq!(
            found,
            expect.map(|(issue, value)| (IssueNumber(issue), CommitId::new(value)))
        );
    }
}
