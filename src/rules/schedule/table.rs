//! The state of every task, and the one function that changes it.

use crate::rules::event::{Effect, ProcessIdentity};
use crate::rules::ids::{
    AttemptNumber, BranchName, ByIssue, CommitId, ConversationId, IssueNumber, SlotNumber,
    Timestamp,
};
use crate::rules::money::{Charge, Usd};
use crate::rules::rework::{Conflict, Rework};
use crate::rules::schedule::places::Places;
use crate::rules::stack::Below;
use crate::rules::task::{CheckReport, Commit, Ending, Pull, Stage, Start, Task};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Where a task stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for others to be done.
    Waiting {
        /// How many.
        needs: usize,
    },
    /// May be let in as soon as there is a place, money and a provider.
    Ready,
    /// Waits for a person's approval, and for nothing else.
    Unapproved,
    /// Would collide with one that runs.
    Held {
        /// Which.
        by: IssueNumber,
        /// Over what.
        over: String,
    },
    /// An attempt runs.
    Running(Run),
    /// Failed, and will be tried again at `until`.
    Retrying {
        /// Not before.
        until: Timestamp,
    },
    /// A limit keeps it waiting until `until`.
    Parked {
        /// Not before.
        until: Timestamp,
    },
    /// Nothing more will be done.
    Ended {
        /// How.
        ending: Ending,
        /// Why.
        reason: Option<String>,
    },
}

/// An attempt that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Which attempt.
    pub attempt: AttemptNumber,
    /// Where.
    pub slot: SlotNumber,
    /// Since when.
    pub since: Timestamp,
    /// In which stage.
    pub stage: Stage,
    /// The money set aside for it.
    pub grant: Usd,
    /// Is it the probe of a half-open breaker?
    pub probe: bool,
}

/// A task and all that is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What was read from the issue.
    pub task: Arc<Task>,
    /// Where it stands.
    pub state: State,
    /// Attempts let in so far.
    pub attempts: u32,
    /// Attempts failed so far.
    pub failures: u32,
    /// Limits met in a row.
    pub limits: u32,
    /// Times in a row that it had to wait for one that ranks after it.
    pub passed_over: u32,
    /// Where the next attempt starts from, or the running one did.
    pub start: Start,
    /// All bills so far.
    pub spent: Charge,
    /// What was found out.
    pub record: Record,
    /// Has its ending been announced?
    pub announced: bool,
    /// Did a person ask to leave it out while it ran?
    pub unwanted: bool,
    /// Is its work in the base branch?
    pub merged: bool,
    /// The place of the event that said that its commit passed its checks; nothing before that.
    pub verified_at: u64,
    /// Earlier work that its own conflicts with.
    pub conflicts: Vec<Conflict>,
    /// The base branch that its work was last tried with, where that is not the one it was made on.
    pub tried_on: Option<CommitId>,
    /// Files in which its work conflicts with that.
    pub outdated: Vec<String>,
    /// The attempt at bringing it onto that, once there was one.
    pub rework: Option<Rework>,
    /// May it run, as far as a person is concerned?
    pub approval: Approval,
    /// The files that its agents really changed, as they were last seen while one worked.
    pub touched: Vec<String>,
    pub(super) touching: Option<Arc<Task>>,
}

/// May a task run, as far as a person is concerned?
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Approval {
    /// Nobody has to be asked.
    #[default]
    Free,
    /// A person was asked, and has not answered.
    Awaited,
    /// A person let it go.
    Given {
        /// What the person adds, for the agent.
        instructions: Option<String>,
    },
}

impl Approval {
    /// What the person who let it go adds, if anything.
    #[must_use]
    pub fn instructions(&self) -> Option<&str> {
        match self {
            Self::Given { instructions } => instructions.as_deref(),
            Self::Free | Self::Awaited => None,
        }
    }
}

/// What the attempts at a task found out, as far as later ones build upon it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that are told one by one, each on its own"
)]
pub struct Record {
    /// The branch that the work goes to, once an attempt was let in.
    pub branch: Option<BranchName>,
    /// The unmerged work that the latest attempt stands on.
    pub below: Vec<Below>,
    /// The commit that the snapshot stands on.
    pub base: Option<CommitId>,
    /// The files of the latest attempt.
    pub snapshot: Option<CommitId>,
    /// The agent's conversation about them.
    pub conversation: Option<ConversationId>,
    /// The process that runs for the attempt now.
    pub process: Option<ProcessIdentity>,
    /// Has an agent been started in this round of the running attempt?
    pub agent_started: bool,
    /// Has it ended well?
    pub agent_done: bool,
    /// Have its files been taken in since?
    pub captured: bool,
    /// What the rounds of the running attempt have cost that are known to be over.
    pub rounds: Charge,
    /// What it said at the end.
    pub summary: String,
    /// The commit that is to be offered.
    pub commit: Option<Box<Commit>>,
    /// What the checks said of it.
    pub reports: Vec<CheckReport>,
    /// May it be offered?
    pub verified: bool,
    /// The model, as the agent names it.
    pub model: Option<String>,
    /// The pull.
    pub pull: Option<Box<Pull>>,
    /// Changes of the outside that were intended, and whether they were seen done.
    pub effects: HashMap<Effect, bool>,
}

/// All tasks of a session in the order of their rank.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    entries: Vec<Entry>,
    places: ByIssue<usize>,
    ready: Places,
    free: BTreeSet<usize>,
    timers: BTreeSet<(Timestamp, usize)>,
    running: BTreeSet<usize>,
    unapproved: BTreeSet<usize>,
    ended: usize,
}

impl Table {
    /// Tasks in the order of their rank, each with the number of tasks that it waits for.
    pub fn new(tasks: impl ExactSizeIterator<Item = (Arc<Task>, usize)>) -> Self {
        let mut table = Self {
            entries: Vec::with_capacity(tasks.len()),
            ..Self::default()
        };
        table.places.reserve(tasks.len());
        for (task, needs) in tasks {
            let place = table.entries.len();
            table.places.insert(task.number(), place);
            table.entries.push(Entry::new(task, needs));
            if needs == 0 {
                table.ready.insert(place);
            }
        }
        table
    }

    /// The one place where a task's state changes; keeps every index true.
    pub fn set(&mut self, place: usize, state: State) {
        self.unlist(place);
        match &state {
            State::Ready => {
                self.ready.insert(place);
                if !self.entries[place].start.is_paid() {
                    self.free.insert(place);
                }
            }
            State::Running(_) => {
                self.running.insert(place);
            }
            State::Unapproved => {
                self.unapproved.insert(place);
            }
            State::Retrying { until } | State::Parked { until } => {
                self.timers.insert((*until, place));
            }
            State::Ended { .. } => self.ended += 1,
            State::Waiting { .. } | State::Held { .. } => {}
        }
        self.entries[place].state = state;
    }

    fn unlist(&mut self, place: usize) {
        match &self.entries[place].state {
            State::Ready => {
                self.ready.remove(place);
                self.free.remove(&place);
            }
            State::Running(_) => {
                self.running.remove(&place);
            }
            State::Unapproved => {
                self.unapproved.remove(&place);
            }
            State::Retrying { until } | State::Parked { until } => {
                self.timers.remove(&(*until, place));
            }
            State::Ended { .. } => self.ended -= 1,
            State::Waiting { .. } | State::Held { .. } => {}
        }
    }

    /// Nothing that it needs is missing any more: it may be let in, once a person approved where that has to be.
    pub fn free(&mut self, place: usize) {
        let state = match self.entries[place].approval {
            Approval::Awaited => State::Unapproved,
            Approval::Free | Approval::Given { .. } => State::Ready,
        };
        self.set(place, state);
    }

    /// Does one wait for nothing but a person's approval?
    #[must_use]
    pub fn has_unapproved(&self) -> bool {
        !self.unapproved.is_empty()
    }

    /// The task's place, if it is one of the session.
    #[must_use]
    pub fn place(&self, issue: IssueNumber) -> Option<usize> {
        self.places.get(&issue).copied()
    }

    /// The task at a place.
    #[must_use]
    pub fn at(&self, place: usize) -> &Entry {
        &self.entries[place]
    }

    /// The task at a place, for all but its state.
    pub(crate) fn at_mut(&mut self, place: usize) -> &mut Entry {
        &mut self.entries[place]
    }

    /// All tasks in the order of their rank.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The first that may be let in: work that costs nothing any more waits for no provider and no money, so it goes
    /// before all that does.
    #[must_use]
    pub fn first_ready(&self) -> Option<usize> {
        self.free.first().copied().or_else(|| self.ready.first())
    }

    /// Those that run.
    pub fn running(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.running.iter().copied()
    }

    /// The one whose waiting time is over first, and when.
    #[must_use]
    pub fn first_timer(&self) -> Option<(Timestamp, usize)> {
        self.timers.first().copied()
    }

    /// How many have ended.
    #[must_use]
    pub fn ended(&self) -> usize {
        self.ended
    }

    /// Has every task ended?
    #[must_use]
    pub fn all_ended(&self) -> bool {
        self.ended == self.entries.len()
    }
}

impl Entry {
    fn new(task: Arc<Task>, needs: usize) -> Self {
        Self {
            task,
            state: if needs == 0 {
                State::Ready
            } else {
                State::Waiting { needs }
            },
            attempts: 0,
            failures: 0,
            limits: 0,
            passed_over: 0,
            start: Start::Base,
            spent: Charge::default(),
            record: Record::default(),
            announced: false,
            unwanted: false,
            merged: false,
            approval: Approval::Free,
            verified_at: 0,
            conflicts: Vec::new(),
            tried_on: None,
            outdated: Vec::new(),
            rework: None,
            touched: Vec::new(),
            touching: None,
        }
    }

    /// How it ended, if it did.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        match &self.state {
            State::Ended { ending, .. } => Some(*ending),
            State::Waiting { .. }
            | State::Ready
            | State::Unapproved
            | State::Held { .. }
            | State::Running(_)
            | State::Retrying { .. }
            | State::Parked { .. } => None,
        }
    }

    /// The attempt that runs, if one does.
    #[must_use]
    pub fn run(&self) -> Option<&Run> {
        match &self.state {
            State::Running(run) => Some(run),
            State::Waiting { .. }
            | State::Ready
            | State::Unapproved
            | State::Held { .. }
            | State::Retrying { .. }
            | State::Parked { .. }
            | State::Ended { .. } => None,
        }
    }
}
