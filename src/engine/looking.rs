//! Looks at open pulls of ours: what was said of them, and how they stand to their base.

use crate::ports::{ForgeError, Pulls, Repository, RepositoryError, Standing};
use crate::rules::follow::shape::{ByForge, Checks, Fate, Footing, Landed, Said, Seen};
use crate::rules::ids::{BranchName, CommitId, IssueNumber, PullNumber};
use crate::rules::names;
use crate::rules::trust::Trust;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Why pulls could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The forge said no.
    #[error(transparent)]
    Forge(#[from] ForgeError),
    /// Git said no.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

/// Looks at pulls, again and again; what cannot have changed is not asked twice.
pub struct Looking<'a> {
    /// The forge.
    pub forge: &'a dyn Pulls,
    /// The repository.
    pub repository: &'a dyn Repository,
    /// Whose words count.
    pub trust: Trust,
    footings: HashMap<(CommitId, CommitId), Footing>,
    landed: Vec<Landed>,
    pushed: BTreeMap<BranchName, CommitId>,
    /// Where branches stood that were seen to hold what was pushed.
    intact: HashSet<(CommitId, CommitId)>,
}

/// A pull that could not be looked at.
#[derive(Debug)]
pub struct Unseen {
    /// The pull.
    pub pull: PullNumber,
    /// Its issue.
    pub issue: IssueNumber,
    /// Why.
    pub error: LookError,
}

impl<'a> Looking<'a> {
    /// Has seen nothing yet.
    #[must_use]
    pub fn new(forge: &'a dyn Pulls, repository: &'a dyn Repository, trust: Trust) -> Self {
        Self {
            forge,
            repository,
            trust,
            footings: HashMap::new(),
            landed: Vec::new(),
            pushed: BTreeMap::new(),
            intact: HashSet::new(),
        }
    }

    /// Remembers what we pushed last: a branch that does not hold it any more was rewritten.
    pub fn expect(&mut self, pushed: BTreeMap<BranchName, CommitId>) {
        self.pushed = pushed;
    }

    /// Remembers work that was merged: what stands on it is tried with the base by what it adds to that.
    pub fn learn(&mut self, landed: impl IntoIterator<Item = Landed>) {
        for one in landed {
            if !self.landed.contains(&one) {
                self.landed.push(one);
                // What was found out without it may be wrong.
                self.footings.clear();
            }
        }
    }

    /// All open pulls of ours, and those of `known` that were open once, by number; those that could not be looked at apart.
    pub async fn look(
        &mut self,
        known: &BTreeMap<PullNumber, IssueNumber>,
    ) -> Result<(Vec<Seen>, Vec<Unseen>), LookError> {
        let mut numbers = self.forge.own_open().await?;
        numbers.extend(known.keys());
        numbers.sort_unstable();
        numbers.dedup();
        let mut standings = Vec::new();
        for number in numbers {
            if let Some(standing) = self.forge.standing(number).await? {
                standings.push(standing);
            }
        }
        let merged = standings.iter().filter(|it| it.fate == Fate::Merged);
        let as_landed = |it: &Standing| {
            let (head, merged_as) = (it.head.clone(), it.merged_as.clone()?);
            Some(Landed { head, merged_as })
        };
        let landed: Vec<Landed> = merged.filter_map(as_landed).collect();
        self.learn(landed);
        // What stands on a merged one is looked at again once it is for another base.
        let alive = standings.iter().filter(|it| it.fate != Fate::Rejected);
        let heads: HashMap<String, PullNumber> = alive
            .map(|it| (it.pull.head.clone(), it.pull.number))
            .collect();
        let open = standings.iter().filter(|it| it.fate == Fate::Open);
        let open: Vec<PullNumber> = open.map(|it| it.pull.number).collect();
        let mut queue = match open.as_slice() {
            [] => BTreeMap::new(),
            open => self.forge.queue(open).await?,
        };
        let mut bases: HashMap<String, Checks> = HashMap::new();
        let mut seen = Vec::new();
        let mut unseen = Vec::new();
        for standing in standings {
            let number = standing.pull.number;
            let by_branch = names::issue_of_branch(&standing.pull.head);
            let Some(issue) = known.get(&number).copied().or(by_branch) else {
                continue;
            };
            if standing.fate != Fate::Open {
                seen.push(ended(standing, issue));
                continue;
            }
            let by_forge = queue.remove(&number);
            match self.look_at(standing, issue, (&heads, &mut bases)).await {
                Ok(one) => seen.push(by(one, by_forge)),
                Err(error) => unseen.push(Unseen {
                    pull: number,
                    issue,
                    error,
                }),
            }
        }
        Ok((seen, unseen))
    }

    async fn look_at(
        &mut self,
        standing: Standing,
        issue: IssueNumber,
        (heads, bases): (&HashMap<String, PullNumber>, &mut HashMap<String, Checks>),
    ) -> Result<Seen, LookError> {
        let (number, base) = (standing.pull.number, standing.pull.base.clone());
        let feedback = self.forge.feedback(number, self.trust).await?;
        let mut checks = self.forge.checks(&standing.head).await?;
        let (footing, tip) = self.footing(&standing).await?;
        let lost = self.lost(&standing).await?;
        if !checks.failed.is_empty() {
            if !bases.contains_key(&base) {
                bases.insert(base.clone(), self.forge.checks(&tip).await?);
            }
            // What fails on the base as well is nobody's here.
            let before = &bases[&base].failed;
            let is_old = |name: &str| before.iter().any(|said| said.by == name);
            let (old, failed) = checks.failed.drain(..).partition(|said| is_old(&said.by));
            checks.failed = failed;
            let old: Vec<Said> = old;
            checks.old = old.into_iter().map(|said| said.by).collect();
        }
        Ok(Seen {
            below: heads.get(&base).copied(),
            said: feedback.said,
            objections: feedback.objections,
            is_approved: feedback.is_approved,
            checks,
            footing,
            lost,
            ..ended(standing, issue)
        })
    }

    /// What we pushed last to the pull's branch, where somebody rewrote that since.
    async fn lost(&mut self, standing: &Standing) -> Result<Option<CommitId>, LookError> {
        let branch = BranchName::new(&standing.pull.head);
        let Some(pushed) = self.pushed.get(&branch) else {
            return Ok(None);
        };
        let both = (pushed.clone(), standing.head.clone());
        if *pushed == standing.head || self.intact.contains(&both) {
            return Ok(None);
        }
        if self.repository.holds(branch.as_str(), pushed).await? {
            self.intact.insert(both);
            return Ok(None);
        }
        Ok(Some(both.0))
    }

    /// How a pull's branch stands to its base, and where that stands.
    async fn footing(&mut self, standing: &Standing) -> Result<(Footing, CommitId), LookError> {
        let tip = self.repository.fetch(&standing.pull.base).await?;
        let key = (tip.clone(), standing.head.clone());
        if let Some(known) = self.footings.get(&key) {
            return Ok((known.clone(), tip));
        }
        let branch = BranchName::new(&standing.pull.head);
        let head = self.repository.fetch(branch.as_str()).await?;
        let update = self.repository.update(&tip, &head, &self.landed);
        let joined = update.await?;
        let footing = match joined.clashes.into_iter().next() {
            Some(clash) => Footing::Conflicts(clash.paths),
            None if joined.base == head => Footing::Current,
            None => Footing::Behind,
        };
        if head == standing.head {
            self.footings.insert(key, footing.clone());
        }
        Ok((footing, tip))
    }
}

/// With what the merge queue says of it. One that is armed goes in again by itself.
fn by(seen: Seen, queue: Option<ByForge>) -> Seen {
    let queue = queue.filter(|queue| {
        let is_out = matches!(queue, ByForge::ThrownOut { .. });
        !(is_out && seen.by_forge == Some(ByForge::Armed))
    });
    Seen {
        by_forge: queue.or(seen.by_forge),
        ..seen
    }
}

/// What is known without looking further.
fn ended(standing: Standing, issue: IssueNumber) -> Seen {
    Seen {
        issue,
        head: standing.head,
        fate: standing.fate,
        is_draft: standing.is_draft,
        by_forge: standing.is_armed.then_some(ByForge::Armed),
        lost: None,
        updated: standing.updated,
        merged_as: standing.merged_as,
        pull: standing.pull,
        checks: Checks::default(),
        said: Vec::new(),
        objections: Vec::new(),
        is_approved: false,
        footing: Footing::Current,
        below: None,
    }
}
