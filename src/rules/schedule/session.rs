//! The live state of a session, and `apply`, the only thing that changes it, live and on resume.

use crate::rules::budget::Budget;
use crate::rules::event::{Command, Event, Recorded};
use crate::rules::graph::Dependencies;
use crate::rules::ids::{IssueNumber, SessionId, SlotNumber, Timestamp};
use crate::rules::issue::Selection;
use crate::rules::plan::progress::{PlanProgress, Planning};
use crate::rules::quota::Allowance;
use crate::rules::rework::Conflict;
use crate::rules::room::Lessened;
use crate::rules::schedule::approve::wants_approval;
use crate::rules::schedule::chain::Chain;
use crate::rules::schedule::close::Certification;
use crate::rules::schedule::locks::Locks;
use crate::rules::schedule::offered::Offered;
use crate::rules::schedule::order::{Backlog, Ranked};
use crate::rules::schedule::places::Places;
use crate::rules::schedule::predict::Prediction;
use crate::rules::schedule::pressure::OpenPulls;
use crate::rules::schedule::table::{Entry, Table, Unwanted};
use crate::rules::settings::Settings;
use crate::rules::task::Task;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How far a session has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// It exists, its tasks are not read yet.
    #[default]
    Opening,
    /// Attempts are let in.
    Running,
    /// It was asked to stop, and waits for what runs.
    Stopping,
    /// It stopped with work left.
    Interrupted,
    /// Every task has ended.
    Finished,
}

/// A session as its events have made it.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Its name.
    pub id: Option<SessionId>,
    /// The repository it works on.
    pub project: String,
    /// Which issues it takes.
    pub selection: Selection,
    /// What its decisions rest on.
    pub settings: Option<Settings>,
    /// How far it has come.
    pub phase: Phase,
    /// Its tasks.
    pub table: Table,
    /// Its money.
    pub budget: Budget,
    /// How far its plan has come, where it makes one.
    pub plan: PlanProgress,
    /// Its agents, and how far each may be asked.
    pub chain: Chain,
    /// Fewer slots are used than are configured, where that is so.
    pub lessened: Option<Lessened>,
    /// The forge's limits, as they were told last.
    pub allowances: Vec<Allowance>,
    /// Events applied so far.
    pub seq: u64,
    pub(super) graph: Dependencies,
    pub(super) locks: Locks,
    pub(super) slots: BTreeSet<SlotNumber>,
    pub(super) doomed: Places,
    pub(super) unannounced: Places,
    pub(super) unasked: Places,
    /// Those that need work that is done and not merged.
    pub(super) awaiting: Places,
    /// Those whose work was not merged with the others' for a trial yet.
    pub(super) untested: Places,
    /// Those whose work conflicts with earlier work.
    pub(super) clashing: Places,
    /// What conflicts while it is still worked on.
    pub(super) brewing: Vec<Conflict>,
    /// Work that is completed, by its files.
    pub(super) offered: Offered,
    pub(super) certification: Certification,
    /// Those whose pulls have to tell what came of it.
    pub(super) untold: Places,
    /// Our pulls that wait for people, as far as is known.
    pub(super) pulls: OpenPulls,
    /// Are the tasks known? There may be none.
    pub(super) read: bool,
}

/// Equal in all that decisions rest on; the graph follows from the tasks.
impl PartialEq for Session {
    fn eq(&self, other: &Self) -> bool {
        let state = |session: &Self| {
            let known = (session.read, session.pulls);
            (session.phase, session.seq, known, session.lessened)
        };
        let sets = |session: &Self| {
            (
                session.slots.clone(),
                session.doomed.clone(),
                session.unannounced.clone(),
                session.unasked.clone(),
                session.awaiting.clone(),
                session.untold.clone(),
                (session.untested.clone(), session.clashing.clone()),
                session.brewing.clone(),
            )
        };
        state(self) == state(other)
            && sets(self) == sets(other)
            && (&self.id, &self.project, &self.selection)
                == (&other.id, &other.project, &other.selection)
            && (&self.certification, &self.allowances) == (&other.certification, &other.allowances)
            && (&self.settings, &self.chain, &self.plan)
                == (&other.settings, &other.chain, &other.plan)
            && (&self.table, &self.budget, &self.locks)
                == (&other.table, &other.budget, &other.locks)
    }
}

impl Session {
    /// A session from its journal.
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a Recorded>) -> Self {
        let mut session = Self::default();
        for recorded in events {
            session.apply(recorded);
        }
        session
    }

    /// The settings; the defaults of nothing before the session has started.
    ///
    /// # Panics
    /// Before `SessionStarted` was applied.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        self.settings
            .as_ref()
            .expect("a session starts with its settings")
    }

    /// Are its tasks known?
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.read
    }

    /// One task, if it is one of the session.
    #[must_use]
    pub fn entry(&self, issue: IssueNumber) -> Option<&Entry> {
        self.table.place(issue).map(|place| self.table.at(place))
    }

    /// Tasks that have ended, or wait for an approval, and still have to be announced.
    pub fn unannounced(&self) -> impl Iterator<Item = IssueNumber> + '_ {
        self.unannounced
            .iter()
            .map(|place| self.table.at(place).number)
    }

    /// Is it one of these?
    #[must_use]
    pub fn is_unannounced(&self, issue: IssueNumber) -> bool {
        let place = self.table.place(issue);
        place.is_some_and(|place| self.unannounced.contains(place))
    }

    /// Makes an event so. Events that do not fit the state (of a task that is not there, say) change nothing, so that
    /// every prefix of every journal can be folded.
    pub fn apply(&mut self, recorded: &Recorded) {
        self.apply_as(recorded.seq, recorded.at, &recorded.event);
    }

    pub(super) fn apply_as(&mut self, seq: u64, at: Timestamp, event: &Event) {
        self.seq = seq;
        match event.issue() {
            None => self.apply_to_session(event, at),
            Some(issue) => {
                if let Some(place) = self.table.place(issue) {
                    self.apply_to_task(place, event, at);
                }
            }
        }
    }

    fn apply_to_session(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::SessionStarted {
                session,
                project,
                selection,
                settings,
            } => {
                self.id = Some(session.clone());
                self.project.clone_from(project);
                self.selection = selection.clone();
                self.budget = Budget::new(settings.ceiling, settings.daily_ceiling);
                self.settle_in(settings);
            }
            Event::SessionResumed { settings } => self.resume(settings, at),
            Event::Planning { fact } => self.plan_on(fact, at),
            Event::TasksRead { tasks, prediction } => {
                self.read(tasks.clone(), prediction.as_deref());
            }
            Event::SlotsChanged { slots, reason } => self.slots_changed(*slots, *reason),
            Event::QuotaHeard { allowances, .. } => self.allowances.clone_from(allowances),
            Event::PullsCounted { counted, opened } => self.count(*counted, *opened),
            Event::SpentElsewhere { today } => self.budget.elsewhere(*today, at),
            Event::DispatchPaused { .. }
            | Event::DispatchStopped { .. }
            | Event::BreakerOpened { .. }
            | Event::BreakerClosed { .. } => self.chain.apply(event),
            Event::CommandTaken { command, .. } => self.take_command(command),
            Event::StopRequested => self.phase = Phase::Stopping,
            Event::TestMerged { issues, conflicts } => self.note_test(issues, conflicts),
            Event::Looked {
                touched,
                conflicts,
                over,
            } => self.note_look(touched, conflicts, over),
            Event::TriedOnBase {
                base,
                issues,
                outdated,
            } => self.note_base(base, issues, outdated),
            Event::Certifying { parts } => self.begin_certifying(parts),
            Event::Certified { certificate } => self.note_certificate(certificate),
            Event::SessionInterrupted => self.phase = Phase::Interrupted,
            Event::SessionFinished => self.phase = Phase::Finished,
            Event::Held { .. }
            | Event::Due { .. }
            | Event::Consent { .. }
            | Event::Admitted { .. }
            | Event::Merged { .. }
            | Event::Fact { .. }
            | Event::Settled { .. }
            | Event::RetryScheduled { .. }
            | Event::Parked { .. }
            | Event::Requeued { .. }
            | Event::TaskEnded { .. }
            | Event::LeaseLost { .. }
            | Event::Announced { .. }
            | Event::ReworkOffered { .. }
            | Event::ReworkGivenUp { .. }
            | Event::CertificateTold { .. } => {}
        }
    }

    fn resume(&mut self, settings: &Settings, at: Timestamp) {
        self.budget
            .set_ceilings(settings.ceiling, settings.daily_ceiling);
        self.settle_in(settings);
        self.phase = if self.read {
            Phase::Running
        } else {
            Phase::Opening
        };
        self.chain.hope_again();
        self.lessened = self.lessened.and_then(|less| less.resumed(settings, at));
        if matches!(self.certification, Certification::Running(_)) {
            self.certification = Certification::Open;
        }
    }

    fn plan_on(&mut self, fact: &Planning, at: Timestamp) {
        if let Planning::Granted { grant, .. } = fact {
            self.budget.grant(*grant);
        }
        if let Planning::Settled { grant, outcome, .. } = fact {
            let (cost, dearest) = (outcome.charge.cost, outcome.dearest);
            self.budget.settle(*grant, cost, dearest, at);
        }
        self.plan.apply(fact);
    }

    fn settle_in(&mut self, settings: &Settings) {
        let busy: Vec<SlotNumber> = self
            .table
            .running()
            .filter_map(|place| self.table.at(place).run())
            .map(|run| run.slot)
            .collect();
        self.pulls = OpenPulls::new(settings.open_pulls);
        self.slots = (0..settings.slots)
            .map(SlotNumber)
            .filter(|slot| !busy.contains(slot))
            .collect();
        let before = self.settings.as_ref().map(Settings::agents);
        if !before.is_some_and(|before| before.eq(settings.agents())) {
            self.chain = Chain::new(settings.agents().count());
        }
        self.settings = Some(settings.clone());
    }

    fn read(&mut self, tasks: Vec<Arc<Task>>, prediction: Option<&Prediction>) {
        if let Ok(backlog) = Backlog::read(tasks, self.settings()) {
            let decided = prediction.and_then(|expected| backlog.order_of(&expected.order));
            self.begin(backlog.ranked(&decided.unwrap_or_else(|| backlog.order())));
        }
    }

    /// The tasks are known from here on.
    pub(super) fn begin(&mut self, ranked: Ranked) {
        let (mut doomed, mut unasked) = (Places::default(), Places::default());
        let places = ranked.tasks.into_iter().enumerate();
        self.table = Table::new(places.map(|(place, task)| {
            if task.obstacle.is_some() {
                doomed.insert(place);
            }
            if wants_approval(&task) {
                unasked.insert(place);
            }
            (task, ranked.graph.needs(place).count())
        }));
        (self.doomed, self.unasked) = (doomed, unasked);
        (self.graph, self.locks) = (ranked.graph, ranked.locks);
        (self.phase, self.read) = (Phase::Running, true);
    }

    fn take_command(&mut self, command: &Command) {
        match command {
            Command::ResetBreaker => self.chain.reset(),
            // What an answer leads to is an event of its own.
            Command::Approve { .. }
            | Command::Reject { .. }
            | Command::Modify { .. }
            | Command::Answer { .. } => {}
            Command::Skip { issue } => {
                if let Some(place) = self.table.place(*issue) {
                    self.table.at_mut(place).unwanted = Some(Unwanted::ByPerson);
                }
            }
            Command::Retry { issue } => {
                if let Some(place) = self.table.place(*issue) {
                    self.try_again(place);
                }
            }
        }
    }
}
