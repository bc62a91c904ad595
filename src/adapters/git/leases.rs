//! Leases as refs of the remote, `refs/autoissue/leases/<issue>`: made where nothing is, moved only from a value that is known.
//!
//! All that a session takes or renews at a time is one commit and one push, in which the remote judges each ref alone.

use super::lease_refs::{Change, Refused, change, look, seen_since};
use super::mirror::Mirror;
use super::objects::write_commit;
use crate::ports::{Leases, RepositoryError, Taken};
use crate::rules::ids::{CommitId, IssueNumber, SessionId, Timestamp, TreeId};
use crate::rules::lease::{Elsewhere, Found, Lease, Step, judge, next_fence};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// How often something that was refused is looked at and tried again.
const MOST_TRIES: usize = 5;

/// Gives the time; ours alone, and nobody else's.
pub type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Whose leases they are, and how long one holds.
#[derive(Clone)]
pub struct Holder {
    /// The session.
    pub session: SessionId,
    /// The machine's name, for people.
    pub host: String,
    /// How long a lease holds that is not renewed.
    pub ttl: Duration,
    /// The time.
    pub clock: WallClock,
    /// Is it known here that this session will never go on? What such a one left behind is nobody's.
    pub is_over: Arc<dyn Fn(&SessionId) -> bool + Send + Sync>,
}

/// One session's leases.
pub struct GitLeases {
    mirror: Arc<Mirror>,
    holder: Holder,
    held: Mutex<BTreeMap<IssueNumber, Hold>>,
    /// One push after another.
    turn: tokio::sync::Mutex<()>,
    nothing: OnceCell<TreeId>,
}

/// An issue that we hold.
#[derive(Clone, Debug)]
struct Hold {
    value: CommitId,
    /// When that was sent, by two clocks of which one stands still while the machine sleeps.
    sent: (Instant, Timestamp),
}

impl GitLeases {
    /// None is held yet.
    pub(super) fn new(mirror: Arc<Mirror>, holder: Holder) -> Self {
        Self {
            mirror,
            holder,
            held: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            nothing: OnceCell::new(),
        }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<IssueNumber, Hold>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the issues until each is ours or somebody else's.
    async fn ask(&self, issues: &[IssueNumber]) -> Result<Taken, RepositoryError> {
        let (mut taken, mut fences) = (Taken::default(), Vec::new());
        let mut plan: Vec<(IssueNumber, Option<CommitId>)> = {
            let held = self.held();
            let value = |issue| held.get(issue).map(|hold| hold.value.clone());
            issues.iter().map(|issue| (*issue, value(issue))).collect()
        };
        // Whatever was not held for us before this call is news, however many rounds it takes.
        let mut ours: Vec<IssueNumber> = self.held().keys().copied().collect();
        for _ in 0..MOST_TRIES {
            let refused = self.send(&plan, &fences).await?;
            let is_refused = |issue| refused.iter().any(|refusal| refusal.issue == issue);
            let accepted = plan.iter().map(|(issue, _)| *issue);
            let accepted = accepted.filter(|issue| !is_refused(*issue));
            taken
                .fresh
                .extend(accepted.filter(|issue| !ours.contains(issue)));
            if refused.is_empty() {
                return Ok(taken);
            }
            let seen = self
                .settle(&refused, &mut taken, &mut ours, &mut fences)
                .await?;
            let is_same = |(issue, value): &(IssueNumber, Option<CommitId>)| {
                plan.iter()
                    .any(|(other, before)| other == issue && before == value)
            };
            // The remote was asked for exactly this, and nobody else's lease is the reason.
            if let Some(refusal) = refused.into_iter().find(|refusal| {
                let again = seen.iter().find(|(issue, _)| *issue == refusal.issue);
                !refusal.may_pass && again.is_some_and(is_same)
            }) {
                return Err(refusal.error());
            }
            plan = seen;
            if plan.is_empty() {
                return Ok(taken);
            }
        }
        Err(RepositoryError::Remote {
            action: "take leases".to_owned(),
            detail: "they change hands faster than they can be read".to_owned(),
            auth: false,
        })
    }

    /// Looks at what stands in the way; gives what is to be tried again, and from which value.
    async fn settle(
        &self,
        refused: &[Refused],
        taken: &mut Taken,
        ours: &mut Vec<IssueNumber>,
        fences: &mut Vec<u64>,
    ) -> Result<Vec<(IssueNumber, Option<CommitId>)>, RepositoryError> {
        let there = look(&self.mirror).await?;
        let now = (self.holder.clock)();
        let seen = seen_since(&self.mirror, &there, now);
        let mut again = Vec::new();
        for Refused { issue, .. } in refused {
            let held = self.held().get(issue).cloned();
            let found = match there.get(issue) {
                None => Found::Nothing,
                Some((value, _)) if held.as_ref().is_some_and(|hold| hold.value == *value) => {
                    Found::Own
                }
                // Killed before it gave it up, or before it began: by a process of this machine.
                Some((_, Some(lease)))
                    if held.is_none() && (self.holder.is_over)(&lease.session) =>
                {
                    Found::Left
                }
                Some((_, lease)) => Found::Other {
                    lease: lease.clone(),
                    seen: seen.get(issue).copied().unwrap_or(now),
                },
            };
            match judge(&found, &self.holder.session, held.is_some(), now) {
                Step::Create => again.push((*issue, None)),
                Step::Replace { taken_over } => {
                    let (value, lease) = &there[issue];
                    fences.extend(lease.as_ref().map(|lease| lease.fence));
                    if !taken_over && !ours.contains(issue) {
                        ours.push(*issue);
                    }
                    again.push((*issue, Some(value.clone())));
                }
                Step::Leave { reason } => {
                    self.held().remove(issue);
                    taken.elsewhere.push(Elsewhere {
                        issue: *issue,
                        reason,
                    });
                }
            }
        }
        Ok(again)
    }

    /// Sends one lease for all of these; what was taken is held, and what was not is returned.
    async fn send(
        &self,
        plan: &[(IssueNumber, Option<CommitId>)],
        fences: &[u64],
    ) -> Result<Vec<Refused>, RepositoryError> {
        let sent = (Instant::now(), (self.holder.clock)());
        let lease = Lease {
            session: self.holder.session.clone(),
            host: self.holder.host.clone(),
            process: std::process::id(),
            at: sent.1,
            ttl_millis: u64::try_from(self.holder.ttl.as_millis()).unwrap_or(u64::MAX),
            fence: next_fence(fences.iter().copied(), sent.1),
            nonce: uuid::Uuid::new_v4().simple().to_string(),
        };
        let tree = self
            .nothing
            .get_or_try_init(|| nothing(&self.mirror))
            .await?;
        let value = write_commit(&self.mirror, tree, &[], &lease.text()).await?;
        let changes = plan.iter().map(|(issue, expected)| Change {
            issue: *issue,
            from: expected.clone(),
            to: Some(value.clone()),
        });
        let refused = change(&self.mirror, changes.collect()).await?;
        let mut held = self.held();
        for (issue, _) in plan {
            if !refused.iter().any(|refusal| refusal.issue == *issue) {
                let value = value.clone();
                held.insert(*issue, Hold { value, sent });
            }
        }
        Ok(refused)
    }
}

#[async_trait]
impl Leases for GitLeases {
    async fn take(&self, issues: &[IssueNumber]) -> Result<Taken, RepositoryError> {
        if issues.is_empty() {
            return Ok(Taken::default());
        }
        let _turn = self.turn.lock().await;
        self.ask(issues).await
    }

    async fn renew(&self) -> Result<Vec<Elsewhere>, RepositoryError> {
        let _turn = self.turn.lock().await;
        let issues: Vec<IssueNumber> = self.held().keys().copied().collect();
        if issues.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.ask(&issues).await?.elsewhere)
    }

    fn is_certain(&self, issue: IssueNumber) -> bool {
        // A third is left for what is done on the strength of it.
        let enough = self.holder.ttl * 2 / 3;
        let now = (self.holder.clock)();
        self.held().get(&issue).is_some_and(|hold| {
            let (instant, wall) = hold.sent;
            instant.elapsed() < enough && Duration::from_millis(now.millis_since(wall)) < enough
        })
    }

    async fn release(&self, issues: &[IssueNumber]) -> Result<(), RepositoryError> {
        let _turn = self.turn.lock().await;
        let changes: Vec<Change> = {
            let mut held = self.held();
            let given = issues.iter().filter_map(|issue| {
                let gone = held.remove(issue)?;
                Some(Change {
                    issue: *issue,
                    from: Some(gone.value),
                    to: None,
                })
            });
            given.collect()
        };
        // What is refused is somebody else's by now.
        change(&self.mirror, changes).await.map(drop)
    }

    fn renew_every(&self) -> Option<Duration> {
        Some(self.holder.ttl / 3)
    }
}

/// A tree without files, for commits that are read for their words alone.
async fn nothing(mirror: &Mirror) -> Result<TreeId, RepositoryError> {
    let said = mirror
        .call("mktree")?
        .input(Vec::new())
        .run("make an empty tree")
        .await?;
    Ok(TreeId::new(said.text()))
}
