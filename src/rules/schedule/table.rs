//! The state of every task, and the one function that changes it.

use crate::rules::ids::{
    AgentPlace, AttemptNumber, BranchName, ByIssue, IssueNumber, SlotNumber, Timestamp,
};
use crate::rules::money::{Charge, Usd};
use crate::rules::prompt::question::Exchange;
use crate::rules::rework::Rework;
use crate::rules::schedule::places::Places;
use crate::rules::schedule::record::Kept;
use crate::rules::task::{Ending, Stage, Start, Task};
use std::collections::BTreeSet;
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
    /// Waits for a person's approval or answer, and for nothing else.
    Unapproved,
    /// Would collide with one that runs.
    Held {
        /// Which.
        by: IssueNumber,
        /// Over what.
        over: Arc<str>,
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
    /// Whose it is.
    pub agent: AgentPlace,
}

/// A task and all that is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The issue, which its task names as well: whoever walks the table need not read the tasks.
    pub number: IssueNumber,
    /// What was read from the issue.
    pub task: Arc<Task>,
    /// The branch that the work goes to: the one that the task was given, unless that was taken.
    pub branch: BranchName,
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
    /// Was the model told more than it could take? Then the next attempt is told less.
    pub cramped: bool,
    /// The first of the agents that has not failed at it.
    pub agent: AgentPlace,
    /// All bills so far.
    pub spent: Charge,
    /// What was found out.
    pub record: Kept,
    /// Has its ending been announced?
    pub announced: bool,
    /// Why it is to be left alone, if it is.
    pub unwanted: Option<Unwanted>,
    /// Is its work in the base branch?
    pub merged: bool,
    /// The attempt at bringing it onto that, once there was one.
    pub rework: Option<Box<Rework>>,
    /// May it run, as far as a person is concerned?
    pub approval: Approval,
    /// What its agent asked last, if it ever did.
    pub exchange: Option<Box<Exchange>>,
}

/// Why a task is to be left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unwanted {
    /// A person asked for it.
    ByPerson,
    /// Another session holds its issue, for this reason.
    Elsewhere(String),
}

impl Unwanted {
    /// Why it is left out.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::ByPerson => "a person left it out",
            Self::Elsewhere(reason) => reason,
        }
    }

    /// Why what was offered stays as it is.
    #[must_use]
    pub fn at_that(&self) -> &str {
        match self {
            Self::ByPerson => "a person left it at that",
            Self::Elsewhere(reason) => reason,
        }
    }
}

/// May a task run, as far as a person is concerned?
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Approval {
    /// Nobody has to be asked.
    #[default]
    Free,
    /// A person was asked, and has not answered.
    Awaited {
        /// When.
        since: Timestamp,
        /// Were others asked as well, since it took too long?
        is_late: bool,
    },
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
            Self::Free | Self::Awaited { .. } => None,
        }
    }

    /// Was a person asked who has not answered?
    #[must_use]
    pub const fn is_awaited(&self) -> bool {
        matches!(self, Self::Awaited { .. })
    }
}

/// All tasks of a session in the order of their rank.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    entries: Vec<Entry>,
    places: ByIssue<usize>,
    ready: Places,
    free: Places,
    timers: BTreeSet<(Timestamp, usize)>,
    running: Places,
    unapproved: Places,
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
            let entry = Entry::new(task, needs);
            table.places.insert(entry.number, place);
            table.entries.push(entry);
            if needs == 0 {
                table.ready.insert(place);
                if !table.entries[place].start.is_paid() {
                    table.free.insert(place);
                }
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
                self.free.remove(place);
            }
            State::Running(_) => {
                self.running.remove(place);
            }
            State::Unapproved => {
                self.unapproved.remove(place);
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
        let entry = &self.entries[place];
        let state = match entry.approval {
            Approval::Awaited { .. } => State::Unapproved,
            Approval::Free | Approval::Given { .. } if entry.asks() => State::Unapproved,
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
        self.free.first().or_else(|| self.ready.first())
    }

    /// All that may be let in, by rank.
    pub fn ready(&self) -> impl Iterator<Item = usize> + '_ {
        self.ready.iter()
    }

    /// Those that run.
    pub fn running(&self) -> impl Iterator<Item = usize> + '_ {
        self.running.iter()
    }

    /// How many of them there are.
    #[must_use]
    pub fn how_many_run(&self) -> usize {
        self.running.len()
    }

    /// Is there any?
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.running.is_empty()
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
            number: task.number(),
            branch: task.branch.clone(),
            start: task.first_start(),
            record: Kept::of(&task),
            task,
            state: if needs == 0 {
                State::Ready
            } else {
                State::Waiting { needs }
            },
            attempts: 0,
            failures: 0,
            limits: 0,
            cramped: false,
            agent: AgentPlace::default(),
            passed_over: 0,
            spent: Charge::default(),
            announced: false,
            unwanted: None,
            merged: false,
            approval: Approval::Free,
            exchange: None,
            rework: None,
        }
    }

    /// Does its agent wait for an answer?
    #[must_use]
    pub fn asks(&self) -> bool {
        let exchange = self.exchange.as_deref();
        exchange.is_some_and(|exchange| exchange.answer.is_none())
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

    /// Why it ended so, where that was said.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match &self.state {
            State::Ended { reason, .. } => reason.as_deref(),
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
