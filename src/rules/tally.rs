//! A session as people ask for it: who stands where, what was spent, how it ended. Folded from events alone.

use crate::rules::certificate::Certificate;
use crate::rules::checks::shape::CheckKind;
use crate::rules::classify::Domain;
use crate::rules::evaluate::evaluation::Evaluation;
use crate::rules::ids::{
    AgentPlace, AttemptNumber, BranchName, CommitId, ConversationId, IssueNumber, PullNumber,
    SessionId, SlotNumber, Timestamp,
};
use crate::rules::issue::Selection;
use crate::rules::money::{Charge, Usage, Usd};
use crate::rules::plan::sums::PlannerTally;
use crate::rules::quota::Allowance;
use crate::rules::rework::{Conflict, Outdated};
use crate::rules::room::{Lessened, SlotsReason};
use crate::rules::schedule::predict::Prediction;
use crate::rules::schedule::pressure::OpenPulls;
use crate::rules::settings::Settings;
use crate::rules::task::{CheckReport, Commit, Ending, Failure, Stage, Task, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All that a session's events tell. Feed it events in order; one that it has seen before changes nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// The session; none before its first event.
    pub session: Option<SessionId>,
    /// The repository, as the forge names it.
    pub project: String,
    /// Which issues it takes.
    pub selection: Selection,
    /// What its decisions rest on since it started or was last resumed.
    pub settings: Option<Settings>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it finished or was interrupted.
    pub ended: Option<Timestamp>,
    /// When the last event was decided.
    pub last: Timestamp,
    /// How long it has run, without the time between an interruption and its resumption.
    pub worked: Stopwatch,
    /// Where it stands.
    pub phase: Phase,
    /// Were its issues read?
    pub read: bool,
    /// Its planner, where it makes its own issues.
    pub planner: Option<PlannerTally>,
    /// Is its plan to be carried out?
    pub approved: bool,
    /// What was expected of its tasks when they were read.
    pub prediction: Option<Prediction>,
    /// Its tasks.
    pub tasks: BTreeMap<IssueNumber, TaskTally>,
    /// How many tasks stand where.
    pub counts: Counts,
    /// The sum of all bills.
    pub spent: Usd,
    /// The part of it that went to attempts which failed.
    pub failed: Usd,
    /// The part of it that bills were above what had been set aside for them.
    pub overshoot: Usd,
    /// Money set aside for attempts that run.
    pub granted: Usd,
    /// What other sessions have spent or set aside today, as far as was last seen.
    pub elsewhere: Usd,
    /// Why nobody is let in until `resume`, where that is so.
    pub stopped_because: Option<String>,
    /// The agents that can do nothing until then.
    pub given_up: BTreeSet<AgentPlace>,
    /// Bills by model.
    pub models: BTreeMap<String, ModelTally>,
    /// Where the breaker stands.
    pub breaker: Breaker,
    /// Fewer slots are used than are configured, where that is so.
    pub lessened: Option<Lessened>,
    /// The forge's limits, as they were told last.
    pub allowances: Vec<Allowance>,
    /// Our pulls that wait for people, as far as is known.
    pub pulls: OpenPulls,
    /// What keeps everybody out for a while, if anything.
    pub pause: Option<Pause>,
    /// Work that conflicts with earlier work, as it stands.
    pub conflicts: Vec<Conflict>,
    /// Work that conflicts with the base branch as it was last seen.
    pub outdated: Vec<Outdated>,
    /// What conflicts while it is still worked on.
    pub brewing: Vec<Conflict>,
    /// What came of trying the work together.
    pub certificate: Option<Certificate>,
    /// The place of the last event taken in.
    pub seen: u64,
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Under way.
    #[default]
    Running,
    /// Asked to stop, with work still ending.
    Stopping,
    /// Stopped with work left.
    Interrupted,
    /// Every task has ended.
    Finished,
}

/// The circuit breaker, as it shows in events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Breaker {
    /// Everything is let in.
    #[default]
    Closed,
    /// Nobody is let in before `until`.
    Open {
        /// Not before.
        until: Timestamp,
        /// The failures that opened it.
        failures: u32,
        /// The last of them.
        reason: String,
    },
    /// One probe runs.
    HalfOpen,
}

/// A time in which nobody is let in, because the provider takes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Not before.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

/// Where a task stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Ready, or waiting for what it needs.
    #[default]
    Waiting,
    /// A person has to approve first.
    Unapproved,
    /// Its agent waits for an answer.
    Asking,
    /// It would have collided with one that ran.
    Held {
        /// That one.
        by: IssueNumber,
        /// Over what: a path, or a domain.
        over: Arc<str>,
    },
    /// An attempt runs.
    Running {
        /// Which attempt.
        attempt: AttemptNumber,
        /// Where.
        slot: SlotNumber,
        /// How far it is; nothing before its first stage.
        stage: Option<Stage>,
    },
    /// It failed, and is tried again.
    Retrying {
        /// Not before.
        until: Timestamp,
    },
    /// A limit keeps it waiting.
    Parked {
        /// Not before.
        until: Timestamp,
    },
    /// Done with.
    Ended {
        /// How.
        ending: Ending,
    },
}

/// One task of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskTally {
    /// Its issue.
    pub issue: IssueNumber,
    /// The issue's title, as its author wrote it: not safe to print.
    pub title: String,
    /// Where a person can read the issue.
    pub url: Option<String>,
    /// The part of the project that it is about.
    pub domain: Domain,
    /// What was made of the issue, where it was evaluated.
    pub evaluation: Option<Arc<Evaluation>>,
    /// Tasks that must be done first.
    pub needs: Vec<IssueNumber>,
    /// Where it stands.
    pub standing: Standing,
    /// Attempts let in so far.
    pub attempts: u32,
    /// What all settled attempts together cost.
    pub charge: Charge,
    /// Set aside for the attempt that runs.
    pub granted: Usd,
    /// The process of the stage that runs, where one was started.
    pub process: Option<u32>,
    /// How long attempts have run.
    pub worked: Stopwatch,
    /// When the first attempt was let in.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The branch that its work goes to.
    pub branch: BranchName,
    /// Does the branch stand on the remote, by our doing?
    pub pushed: bool,
    /// The pull that offers it.
    pub pull: Option<PullTally>,
    /// The last commit made of its files.
    pub commit: Option<CommitTally>,
    /// The last round of checks.
    pub checks: Vec<CheckTally>,
    /// Hosts that its programs were kept from.
    pub kept_from: Vec<String>,
    /// The agent's conversation, where one is known.
    pub conversation: Option<ConversationId>,
    /// The model of the last attempt that cost something; the agent where it names none.
    pub model: Option<String>,
    /// Why the last attempt failed.
    pub failure: Option<Failure>,
    /// Why it ended so; for a person.
    pub reason: Option<String>,
    /// What could not be announced on the forge.
    pub trouble: Option<String>,
}

/// A pull, without its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullTally {
    /// Its number.
    pub number: PullNumber,
    /// Where a person can read it.
    pub url: String,
}

/// A commit, without its paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitTally {
    /// The commit.
    pub id: CommitId,
    /// Files changed, added or removed.
    pub files: u64,
    /// Lines added.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
}

/// A check's result, without what it printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckTally {
    /// Its name in the configuration.
    pub name: String,
    /// What it looks at.
    pub kind: CheckKind,
    /// What it said.
    pub verdict: Verdict,
    /// How long it took.
    pub millis: u64,
}

/// What one model was paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelTally {
    /// Settled attempts that cost something or named the model.
    pub attempts: u64,
    /// Their bills.
    pub cost: Usd,
    /// Their tokens.
    pub usage: Usage,
}

/// How many tasks stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not running and not ended, whatever they wait for.
    pub waiting: u64,
    /// With an attempt that runs.
    pub running: u64,
    /// Ended with an offer.
    pub completed: u64,
    /// Ended with nothing to change.
    pub no_change: u64,
    /// Ended after all attempts failed.
    pub failed: u64,
    /// Ended because something they need is missing.
    pub blocked: u64,
    /// Ended because a person said so, or an open pull does it.
    pub skipped: u64,
    /// Ended for a person to look.
    pub needs_human: u64,
    /// Ended because the money did not reach.
    pub budget: u64,
}

/// Stretches of time added up; one may still be open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stopwatch {
    past: u64,
    since: Option<Timestamp>,
}

impl Stopwatch {
    /// A stretch begins, unless one is open.
    pub fn start(&mut self, at: Timestamp) {
        self.since.get_or_insert(at);
    }

    /// The open stretch ends.
    pub fn stop(&mut self, at: Timestamp) {
        self.past = self.millis(at);
        self.since = None;
    }

    /// All stretches in milliseconds, the open one up to `now`.
    #[must_use]
    pub fn millis(&self, now: Timestamp) -> u64 {
        let open = self.since.map_or(0, |since| now.millis_since(since));
        self.past.saturating_add(open)
    }
}

impl Counts {
    /// All tasks.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.waiting + self.running + self.ended()
    }

    /// Those that ended.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.completed + self.unsuccessful() + self.stuck() + self.skipped
    }

    /// Those that were tried and brought nothing to merge: failed, unchanged, or for a person.
    #[must_use]
    pub fn unsuccessful(&self) -> u64 {
        self.failed + self.no_change + self.needs_human
    }

    /// Those that could not be tried to the end: blocked, or out of budget.
    #[must_use]
    pub fn stuck(&self) -> u64 {
        self.blocked + self.budget
    }

    /// The count that this standing belongs to.
    pub fn of(&mut self, standing: &Standing) -> &mut u64 {
        match standing {
            Standing::Waiting
            | Standing::Unapproved
            | Standing::Asking
            | Standing::Held { .. }
            | Standing::Retrying { .. }
            | Standing::Parked { .. } => &mut self.waiting,
            Standing::Running { .. } => &mut self.running,
            Standing::Ended { ending } => match ending {
                Ending::Completed => &mut self.completed,
                Ending::NoChange => &mut self.no_change,
                Ending::Failed => &mut self.failed,
                Ending::Blocked => &mut self.blocked,
                Ending::Skipped => &mut self.skipped,
                Ending::NeedsHuman => &mut self.needs_human,
                Ending::Budget => &mut self.budget,
            },
        }
    }
}

impl TaskTally {
    /// One that nothing happened to yet.
    #[must_use]
    pub fn new(task: &Task) -> Self {
        Self {
            issue: task.number(),
            title: task.issue.title.clone(),
            url: task.issue.url.clone(),
            domain: task.domain.domain,
            evaluation: task.evaluation.clone(),
            needs: task.needs.clone(),
            standing: Standing::Waiting,
            attempts: 0,
            charge: Charge::default(),
            granted: Usd::ZERO,
            process: None,
            worked: Stopwatch::default(),
            started: None,
            ended: None,
            branch: task.branch.clone(),
            pushed: false,
            pull: task.follow_up.as_deref().map(|follow| PullTally {
                number: follow.pull.number,
                url: follow.pull.url.clone(),
            }),
            commit: None,
            checks: Vec::new(),
            kept_from: Vec::new(),
            conversation: None,
            model: None,
            failure: None,
            reason: None,
            trouble: None,
        }
    }

    /// How it ended, if it did.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        match self.standing {
            Standing::Ended { ending } => Some(ending),
            Standing::Waiting
            | Standing::Unapproved
            | Standing::Asking
            | Standing::Held { .. }
            | Standing::Running { .. }
            | Standing::Retrying { .. }
            | Standing::Parked { .. } => None,
        }
    }

    /// The branch, where it holds something that a person can fetch.
    #[must_use]
    pub fn offered_branch(&self) -> Option<&BranchName> {
        let offered =
            self.pushed || self.pull.is_some() || self.ending() == Some(Ending::Completed);
        offered.then_some(&self.branch)
    }
}

impl Tally {
    /// What may still be set aside.
    #[must_use]
    pub fn left(&self) -> Usd {
        let ceiling = self.settings.as_ref().map_or(Usd::ZERO, |s| s.ceiling);
        ceiling.minus(self.spent + self.granted)
    }

    /// How many attempts may run at a time, and how many by the settings.
    #[must_use]
    pub fn slots(&self) -> (u32, u32) {
        let configured = self.settings.as_ref().map_or(0, |settings| settings.slots);
        let now = self.lessened.map_or(configured, |lessened| lessened.slots);
        (now.min(configured), configured)
    }

    pub(super) fn slots_changed(&mut self, slots: u32, reason: SlotsReason) {
        let (_, configured) = self.slots();
        self.lessened = Lessened::after(self.lessened, slots, reason, configured);
    }

    /// Nobody works on the session any more: unless it ended by itself, it was interrupted at its last event.
    pub fn abandon(&mut self) {
        if self.phase == Phase::Finished || self.phase == Phase::Interrupted {
            return;
        }
        self.phase = Phase::Interrupted;
        self.worked.stop(self.last);
        for task in self.tasks.values_mut() {
            task.worked.stop(self.last);
        }
    }
}

impl CommitTally {
    /// What of a commit is kept.
    #[must_use]
    pub fn new(commit: &Commit) -> Self {
        Self {
            id: commit.id.clone(),
            files: commit.diff.files,
            added: commit.diff.added,
            removed: commit.diff.removed,
        }
    }
}

impl CheckTally {
    /// What of a report is kept.
    #[must_use]
    pub fn new(report: &CheckReport) -> Self {
        Self {
            name: report.name.clone(),
            kind: report.kind,
            verdict: report.verdict,
            millis: report.millis,
        }
    }
}
