//! Puts branches of ours on the remote: never over anything that is not ours, and all that wait in one push.

use super::fetch::{OURS, look};
use super::flight::again;
use super::mirror::Mirror;
use super::nearby;
use super::run::Said;
use crate::ports::RepositoryError;
use crate::rules::declined::{declined, reason};
use crate::rules::ids::{BranchName, CommitId};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{Mutex, oneshot};

/// How many branches go in one push at most.
const MOST: usize = 50;

/// What waits to be pushed; whoever's turn it is takes all along.
pub(super) struct Queue {
    waiting: std::sync::Mutex<Vec<(Move, oneshot::Sender<Reply>)>>,
    turn: Mutex<()>,
}

/// A branch that is to go from `expected`, or from nothing, to the commit.
#[derive(Clone)]
pub(super) struct Move {
    /// The branch.
    pub(super) branch: BranchName,
    /// Where it is to stand.
    pub(super) commit: CommitId,
    /// Where it stands now.
    pub(super) expected: Option<CommitId>,
}

/// What came of a push, for each that was in it.
#[derive(Clone)]
struct Reply {
    said: Result<Arc<Said>, Arc<RepositoryError>>,
    /// How many branches were in it.
    company: usize,
}

impl Queue {
    /// Nothing waits.
    pub(super) fn new() -> Self {
        Self {
            waiting: std::sync::Mutex::new(Vec::new()),
            turn: Mutex::new(()),
        }
    }

    fn add(&self, wish: Move) -> oneshot::Receiver<Reply> {
        let (tell, told) = oneshot::channel();
        let mut waiting = self.waiting.lock().expect("no panic under this lock");
        waiting.push((wish, tell));
        told
    }

    /// The next that go together: each branch once, and none whose owner has given up.
    fn take(&self) -> Vec<(Move, oneshot::Sender<Reply>)> {
        let mut waiting = self.waiting.lock().expect("no panic under this lock");
        let (mut batch, mut later, mut branches) = (Vec::new(), Vec::new(), HashSet::new());
        for (wish, tell) in waiting.drain(..).filter(|(_, tell)| !tell.is_closed()) {
            let fits = batch.len() < MOST && branches.insert(wish.branch.clone());
            if fits { &mut batch } else { &mut later }.push((wish, tell));
        }
        *waiting = later;
        batch
    }
}

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
    let wish = Move {
        branch: branch.clone(),
        commit: commit.clone(),
        expected: expected.cloned(),
    };
    let mut reply = in_company(mirror, &wish).await;
    // What is wrong with another may have kept ours out.
    if reply.company > 1 && !reply.said.as_ref().is_ok_and(|said| accepted(said, branch)) {
        reply = send(mirror, std::slice::from_ref(&wish)).await;
    }
    let said = reply.said.map_err(|cause| again(&cause))?;
    if accepted(&said, branch) {
        return Ok(());
    }
    // Whatever was said, where the branch stands decides: an answer may have been lost.
    match look(mirror).await?.get(branch.as_str()) {
        Some(found) if found == commit => Ok(()),
        Some(found) if expected != Some(found) => Err(RepositoryError::Foreign {
            branch: branch.clone(),
            found: found.clone(),
        }),
        Some(_) | None => Err(refusal(mirror, &wish, &with_reason(&said, branch))),
    }
}

fn refusal(mirror: &Mirror, wish: &Move, said: &Said) -> RepositoryError {
    let Move { branch, commit, .. } = wish;
    match declined(&said.complaint) {
        Some(rule) => RepositoryError::Declined {
            branch: branch.clone(),
            commit: commit.clone(),
            reason: reason(&said.complaint),
            hint: rule.hint().to_owned(),
        },
        None => mirror.remote.error(&format!("push {branch}"), said),
    }
}

/// Deletes the branch, as long as it stands at the commit.
pub(super) async fn delete(
    mirror: &Mirror,
    branch: &BranchName,
    expected: &CommitId,
) -> Result<(), RepositoryError> {
    let action = format!("delete {branch}");
    if !is_ours(branch) {
        return Err(RepositoryError::Git {
            action,
            detail: "only branches below autoissue/ are ever deleted".to_owned(),
        });
    }
    let call = mirror
        .call("push")?
        .args(["--porcelain", "--no-verify", "--no-follow-tags"])
        .arg(format!("--force-with-lease=refs/heads/{branch}:{expected}"))
        .args(["--", &mirror.remote.url])
        .arg(format!(":refs/heads/{branch}"));
    let said = mirror.remote.ask(call, "push").await?;
    match look(mirror).await?.get(branch.as_str()) {
        None => Ok(()),
        Some(found) if found != expected => Err(RepositoryError::Foreign {
            branch: branch.clone(),
            found: found.clone(),
        }),
        Some(_) => Err(mirror.remote.error(&action, &with_reason(&said, branch))),
    }
}

async fn in_company(mirror: &Mirror, wish: &Move) -> Reply {
    let mut told = mirror.queue.add(wish.clone());
    loop {
        let _turn = mirror.queue.turn.lock().await;
        match told.try_recv() {
            Ok(reply) => return reply,
            // Whoever took ours along was interrupted.
            Err(TryRecvError::Closed) => return send(mirror, std::slice::from_ref(wish)).await,
            Err(TryRecvError::Empty) => {}
        }
        let (moves, owners): (Vec<_>, Vec<_>) = mirror.queue.take().into_iter().unzip();
        let reply = send(mirror, &moves).await;
        for owner in owners {
            // Its owner may have given up meanwhile.
            let _ = owner.send(reply.clone());
        }
    }
}

async fn send(mirror: &Mirror, moves: &[Move]) -> Reply {
    let push = async {
        if nearby::push(mirror, moves).await? {
            return Ok(Said::nothing());
        }
        let mut call =
            mirror
                .call("push")?
                .args(["--porcelain", "--no-verify", "--no-follow-tags"]);
        for Move {
            branch, expected, ..
        } in moves
        {
            let from = expected.as_ref().map_or("", CommitId::as_str);
            call = call.arg(format!("--force-with-lease=refs/heads/{branch}:{from}"));
        }
        call = call.args(["--", &mirror.remote.url]);
        for Move { branch, commit, .. } in moves {
            call = call.arg(format!("{commit}:refs/heads/{branch}"));
        }
        mirror.remote.ask(call, "push").await
    };
    Reply {
        said: push.await.map(Arc::new).map_err(Arc::new),
        company: moves.len(),
    }
}

/// Did the remote take the branch? One line each: `* TAB from:to TAB what happened`, with `!` for a refusal.
fn accepted(said: &Said, branch: &BranchName) -> bool {
    said.code == Some(0) || line(said, branch).is_some_and(|line| !line.starts_with('!'))
}

fn line(said: &Said, branch: &BranchName) -> Option<String> {
    let answer = String::from_utf8_lossy(&said.out);
    let end = format!(":refs/heads/{branch}");
    let is_its = |line: &&str| {
        line.split('\t')
            .nth(1)
            .is_some_and(|pair| pair.ends_with(&end))
    };
    answer.lines().find(is_its).map(ToOwned::to_owned)
}

/// The reason of a refusal stands in the answer: `! TAB from:to TAB [remote rejected] (reason)`.
fn with_reason(said: &Said, branch: &BranchName) -> Said {
    let line = line(said, branch).unwrap_or_default();
    let reason = line.rsplit('\t').next().unwrap_or_default();
    Said {
        complaint: format!("{} {reason}", said.complaint),
        ..said.clone()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn branch(name: &str) -> BranchName {
        BranchName::new(name)
    }

    #[test]
    fn only_our_own_branches_are_pushed() {
        let check = |name: &str, ours: bool| assert_eq!(is_ours(&branch(name)), ours, "{name}");
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
    fn every_branch_of_a_push_has_its_own_verdict() {
        let out = "To /somewhere\n*\taaa:refs/heads/autoissue/1\t[new branch]\n\
                   !\tbbb:refs/heads/autoissue/11\t[rejected] (stale info)\nDone\n";
        let said = Said {
            code: Some(1),
            out: out.as_bytes().to_vec(),
            complaint: "error: failed to push".to_owned(),
        };
        assert!(accepted(&said, &branch("autoissue/1")));
        assert!(!accepted(&said, &branch("autoissue/11")));
        assert!(
            !accepted(&said, &branch("autoissue/111")),
            "it says nothing of this one"
        );
        let reason = with_reason(&said, &branch("autoissue/11")).complaint;
        assert_eq!(reason, "error: failed to push [rejected] (stale info)");
    }

    #[test]
    fn a_branch_goes_once_in_a_push_and_those_who_gave_up_do_not() {
        let queue = Queue::new();
        let wish = |name: &str| Move {
            branch: branch(name),
            commit: CommitId::new("c"),
            expected: None,
        };
        let names = || -> Vec<String> {
            let taken = queue.take().into_iter();
            taken.map(|(wish, _)| wish.branch.to_string()).collect()
        };
        let kept = ["a", "b", "a"].map(|name| queue.add(wish(name)));
        drop(queue.add(wish("c")));
        assert_eq!(names(), ["a", "b"]);
        assert_eq!(names(), ["a"]);
        let more: Vec<_> = (0..60).map(|n| queue.add(wish(&n.to_string()))).collect();
        assert_eq!((names().len(), names().len(), names().len()), (MOST, 10, 0));
        drop((kept, more));
    }
}
