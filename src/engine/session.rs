//! The loop of a session: select, step, append, apply, act, tell. The only one that appends, acts and tells.

use crate::engine::attempt::{self, Work};
use crate::engine::leases::Holding;
use crate::engine::link::{Link, Message};
use crate::engine::merges;
use crate::engine::orders::Orders;
use crate::engine::recover;
use crate::engine::resources::{first_look, limits_heard, with_open_pulls};
use crate::engine::turn::{Live, dice};
use crate::engine::verify::BaseVerdicts;
use crate::ports::{JournalError, Ports, Stop, with_urgency};
use crate::rules::event::{Command, Event, Input, Recorded, Wish};
use crate::rules::ids::{AttemptNumber, IssueNumber, SessionId, Timestamp};
use crate::rules::issue::Selection;
use crate::rules::lease::Elsewhere;
use crate::rules::money::Charge;
use crate::rules::prompt::others;
use crate::rules::quota::Urgency;
use crate::rules::schedule::session::{Phase, Session};
use crate::rules::schedule::slots::Calm;
use crate::rules::settings::Settings;
use crate::rules::task::{Attempted, ErrorClass, Failure, Outcome, Task};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

/// How a session begins in this process.
pub enum Opening {
    /// For the first time.
    New {
        /// The repository.
        project: String,
        /// Which issues it takes.
        selection: Selection,
        /// What its decisions rest on.
        settings: Box<Settings>,
        /// The issues, read.
        tasks: Vec<Task>,
    },
    /// From its journal.
    Resumed {
        /// What its decisions rest on from here.
        settings: Box<Settings>,
        /// The issues, read, where the journal ends before them.
        tasks: Option<Vec<Task>>,
        /// Issues that other sessions hold by now.
        elsewhere: Vec<Elsewhere>,
    },
    /// Its journal is open in this process already, and its plan has become issues.
    Planned {
        /// The issues, read.
        tasks: Vec<Task>,
    },
}

/// How often the control inbox and other sessions' spending are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// At every how many of these looks merges are looked for.
const LOOKS_PER_MERGE: u32 = 30;
/// At every how many of them the machine is looked at.
const LOOKS_PER_READING: u32 = 10;
/// How many inputs share one turn at most.
const MOST_INPUTS: usize = 256;
/// How long running attempts may take to end when the session cannot go on.
const LAST_GRACE: Duration = Duration::from_secs(15);

pub(super) struct Loop<'a> {
    pub(super) live: Live<'a>,
    pub(super) orders: Arc<Orders>,
    pub(super) bases: Arc<BaseVerdicts>,
    pub(super) sender: mpsc::Sender<Message>,
    inbox: mpsc::Receiver<Message>,
    attempts: JoinSet<Outcome>,
    running: HashMap<Id, (IssueNumber, AttemptNumber)>,
    stops: HashMap<IssueNumber, Stop>,
    pub(super) announcements: JoinSet<()>,
    /// The run of the merge matrix; one at a time.
    pub(super) trials: JoinSet<Option<Input>>,
    /// When running work was last looked at.
    pub(super) looked: Timestamp,
    /// When the base branch was last looked at.
    pub(super) base_looked: Timestamp,
    /// The look at the base branch; one at a time.
    pub(super) base_look: Option<AbortHandle>,
    /// The look for answers to requests; one at a time.
    pub(super) approval_look: Option<AbortHandle>,
    /// Those that are announced at this moment.
    pub(super) announcing: BTreeSet<IssueNumber>,
    /// When our pulls that wait for people were last counted.
    pub(super) counted: Timestamp,
    looks: u32,
    pub(super) calm: Calm,
    pub(super) holding: Holding,
    /// Stops the trial of the whole.
    pub(super) trial: Stop,
}

/// Runs a session until it is finished or interrupted, and returns its last state.
///
/// # Errors
/// When the journal cannot be written or read: nothing is started any more, and what runs is ended.
pub async fn run(
    ports: &Ports,
    orders: Arc<Orders>,
    opening: Opening,
    stop: &Stop,
) -> Result<Session, JournalError> {
    let session = Session::fold(&ports.journal.events().await?);
    if session.phase == Phase::Finished {
        return Ok(session);
    }
    let (sender, inbox) = mpsc::channel(1024);
    let mut this = Loop {
        live: Live { ports, session },
        orders,
        bases: Arc::default(),
        sender,
        inbox,
        attempts: JoinSet::new(),
        running: HashMap::new(),
        stops: HashMap::new(),
        announcements: JoinSet::new(),
        trials: JoinSet::new(),
        looked: ports.clock.now(),
        base_looked: ports.clock.now(),
        base_look: None,
        approval_look: None,
        announcing: BTreeSet::new(),
        counted: ports.clock.now(),
        looks: 0,
        calm: Calm::default(),
        holding: Holding::new(ports.clock.now()),
        trial: Stop::new(),
    };
    let result = this.open(with_open_pulls(ports, opening).await).await;
    let result = match result {
        Ok(()) => this.go(stop).await,
        Err(error) => Err(error),
    };
    this.wind_up().await;
    for reporter in ports.reporters.iter() {
        reporter.finish();
    }
    result.map(|()| this.live.session)
}

impl Loop<'_> {
    async fn open(&mut self, opening: Opening) -> Result<(), JournalError> {
        let before: Vec<IssueNumber> = self.live.session.unannounced().collect();
        // What a dead process left takes room until it has ended.
        let mut inputs = match &opening {
            Opening::Resumed { .. } => {
                recover::recover(self.live.ports, &self.orders, &self.live.session).await
            }
            Opening::New { .. } | Opening::Planned { .. } => Vec::new(),
        };
        let settings = match &opening {
            Opening::New { settings, .. } | Opening::Resumed { settings, .. } => settings,
            Opening::Planned { .. } => self.live.session.settings(),
        };
        let capped = settings.daily_ceiling.is_some();
        let resources = first_look(self.live.ports, settings).await;
        let mut found = Vec::from_iter(self.look_elsewhere(capped).await?);
        found.extend(resources.into_iter().chain(limits_heard(self.live.ports)));
        match opening {
            Opening::New {
                project,
                selection,
                settings,
                tasks,
            } => {
                let session = self.live.ports.journal.session().clone();
                inputs.push(Input::Start {
                    session,
                    project,
                    selection,
                    settings,
                });
                inputs.extend(found);
                inputs.push(Input::read(tasks));
            }
            Opening::Resumed {
                settings,
                tasks,
                elsewhere,
            } => {
                let branch = settings.base_branch.clone();
                let awaited = self.live.session.awaited();
                inputs.push(Input::Resume { settings });
                inputs.extend(elsewhere.into_iter().map(Input::elsewhere));
                inputs.extend(merges::look(self.live.ports, &branch, awaited).await);
                inputs.extend(found);
                inputs.extend(tasks.map(Input::read));
                // What a person answered meanwhile counts before it is found that nothing is left but answers.
                inputs.extend(self.heard().await?);
            }
            Opening::Planned { tasks } => {
                inputs.extend(found);
                inputs.push(Input::read(tasks));
            }
        }
        self.turn(&inputs).await?;
        self.hold();
        for issue in before {
            self.announce(issue);
        }
        self.tell_certificate();
        Ok(())
    }

    async fn go(&mut self, stop: &Stop) -> Result<(), JournalError> {
        let mut stopping = false;
        // What is let in after that has cost nothing yet.
        let mut halting = stop.is_draining();
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !matches!(
            self.live.session.phase,
            Phase::Finished | Phase::Interrupted
        ) {
            self.test_merges();
            let now = self.live.ports.clock.now();
            let wake = self
                .live
                .session
                .next_wake(now)
                .map(|at| Duration::from_millis(at.millis_since(now)));
            let mut inputs = Vec::new();
            let mut durable = Vec::new();
            // Every arm is cancel-safe: channel, join set, interval, sleep and cancellation token all are.
            tokio::select! {
                Some(message) = self.inbox.recv() => take(message, &mut inputs, &mut durable),
                Some(ended) = self.attempts.join_next_with_id() => inputs.extend(self.ended(ended)),
                Some(tested) = self.trials.join_next() => inputs.extend(tested.ok().flatten()),
                _ = look.tick() => inputs.extend(self.look_around().await?),
                () = tokio::time::sleep(wake.unwrap_or(LOOK_EVERY)), if wake.is_some() => inputs.push(Input::Tick),
                () = stop.drained(), if !stopping => {
                    stopping = true;
                    inputs.push(Input::Stop);
                }
                () = stop.asked(), if !halting => {
                    halting = true;
                    inputs.push(Input::Stop);
                }
                () = stop.insisted() => {
                    self.stops.values().for_each(Stop::insist);
                    self.live.turn(&[Input::Stop]).await?;
                    return Ok(());
                }
            }
            self.take_waiting(&mut inputs, &mut durable);
            self.turn(&inputs).await?;
            if stopping && halting {
                self.halt();
            }
            for waiting in durable {
                if waiting.send(()).is_err() {
                    tracing::trace!("whoever reported this has ended");
                }
            }
        }
        Ok(())
    }

    /// What else has arrived shares the turn, and so the write to disk.
    fn take_waiting(&mut self, inputs: &mut Vec<Input>, durable: &mut Vec<oneshot::Sender<()>>) {
        while inputs.len() < MOST_INPUTS {
            let Ok(message) = self.inbox.try_recv() else {
                break;
            };
            take(message, inputs, durable);
        }
    }

    fn ended(&mut self, ended: Result<(Id, Outcome), JoinError>) -> Option<Input> {
        let (id, outcome) = match ended {
            Ok((id, outcome)) => (id, Some(outcome)),
            Err(error) => (error.id(), None),
        };
        let (issue, attempt) = self.running.remove(&id)?;
        self.stops.remove(&issue);
        let outcome = outcome.unwrap_or_else(|| self.broken(issue));
        Some(Input::Finished {
            issue,
            attempt,
            outcome,
            dice: dice(),
        })
    }

    /// The attempt's own code broke: nobody knows what it cost.
    fn broken(&self, issue: IssueNumber) -> Outcome {
        let run = self
            .live
            .session
            .entry(issue)
            .and_then(|entry| entry.run().cloned());
        let failure = Failure::new(
            ErrorClass::Workspace,
            "an internal error ended the attempt; please report it",
        );
        let mut outcome = Outcome::free(Attempted::Failed(failure));
        outcome.charge = run.map_or_else(Charge::default, |run| Charge::assumed(run.grant));
        outcome
    }

    async fn look_around(&mut self) -> Result<Vec<Input>, JournalError> {
        let capped = self.live.session.settings().daily_ceiling.is_some();
        let mut inputs = Vec::from_iter(self.look_elsewhere(capped).await?);
        self.looks = self.looks.wrapping_add(1);
        if self.looks.is_multiple_of(LOOKS_PER_MERGE) {
            self.look_for_merges();
            self.look_for_answers();
            self.look_for_approvals();
        }
        self.look_at_work();
        self.look_at_base();
        self.look_after_leases();
        self.count_pulls();
        if self.looks.is_multiple_of(LOOKS_PER_READING) {
            inputs.extend(self.look_at_resources().await);
        }
        inputs.extend(limits_heard(self.live.ports));
        inputs.extend(self.commands().await?);
        Ok(inputs)
    }

    pub(super) async fn commands(&self) -> Result<Vec<Input>, JournalError> {
        let wishes = self.live.ports.journal.commands().await?;
        let inputs = wishes.into_iter();
        Ok(inputs
            .map(|Wish { command, by }| Input::Control { command, by })
            .collect())
    }

    /// What other sessions spend matters only under a daily ceiling.
    async fn look_elsewhere(&mut self, capped: bool) -> Result<Option<Input>, JournalError> {
        if !capped {
            return Ok(None);
        }
        let day = self.live.ports.clock.now().day();
        let today = self.live.ports.journal.spent_elsewhere(day).await?;
        let is_news = self.live.session.budget.spent_elsewhere() != today;
        Ok(is_news.then_some(Input::SpentElsewhere { today }))
    }

    async fn turn(&mut self, inputs: &[Input]) -> Result<(), JournalError> {
        for recorded in self.live.turn(inputs).await? {
            self.act(&recorded);
            for reporter in self.live.ports.reporters.iter() {
                reporter.event(&recorded);
            }
        }
        self.announced(inputs);
        Ok(())
    }

    /// Does what a person's command demands of us, beside what it changed in the session.
    fn obey(&mut self, command: &Command) {
        match command {
            Command::Skip { issue } => self.stop_one(*issue),
            Command::Retry { issue } => self.hold_again(*issue),
            Command::Approve { .. }
            | Command::Reject { .. }
            | Command::Modify { .. }
            | Command::Answer { .. }
            | Command::ResetBreaker => {}
        }
    }

    fn stop_one(&self, issue: IssueNumber) {
        if let Some(stop) = self.stops.get(&issue) {
            stop.ask();
        }
    }

    /// Nothing that runs is seen to its end.
    fn halt(&self) {
        self.stops.values().for_each(Stop::ask);
        self.trial.ask();
    }

    /// Does what a durable event demands of us.
    fn act(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::Admitted { issue, .. } => self.start_attempt(*issue),
            Event::TaskEnded { issue, .. } | Event::ReworkGivenUp { issue, .. } => {
                self.announce(*issue);
            }
            Event::Consent { issue, consent } => self.ask(*issue, consent),
            Event::Certifying { parts } => self.certify(parts.clone()),
            Event::Certified { .. } => self.tell_certificate(),
            Event::CommandTaken { command, .. } => self.obey(command),
            Event::LeaseLost { issue, .. } => self.stop_one(*issue),
            Event::SessionStarted { .. }
            | Event::SessionResumed { .. }
            | Event::Planning { .. }
            | Event::TasksRead { .. }
            | Event::Held { .. }
            | Event::Due { .. }
            | Event::Fact { .. }
            | Event::Settled { .. }
            | Event::RetryScheduled { .. }
            | Event::Parked { .. }
            | Event::Requeued { .. }
            | Event::DispatchPaused { .. }
            | Event::DispatchStopped { .. }
            | Event::BreakerOpened { .. }
            | Event::BreakerClosed { .. }
            | Event::Announced { .. }
            | Event::Merged { .. }
            | Event::CertificateTold { .. }
            | Event::TestMerged { .. }
            | Event::Looked { .. }
            | Event::TriedOnBase { .. }
            | Event::ReworkOffered { .. }
            | Event::SlotsChanged { .. }
            | Event::QuotaHeard { .. }
            | Event::PullsCounted { .. }
            | Event::SpentElsewhere { .. }
            | Event::StopRequested
            | Event::SessionInterrupted
            | Event::SessionFinished => {}
        }
    }

    fn start_attempt(&mut self, issue: IssueNumber) {
        let session = &self.live.session;
        let Some(entry) = session.entry(issue) else {
            return;
        };
        let Some(run) = entry.run().cloned() else {
            return;
        };
        let settings = session.settings();
        let work = Work {
            session: self.session_id(),
            settings: Arc::new(settings.clone()),
            orders: Arc::clone(&self.orders),
            bases: Arc::clone(&self.bases),
            entry: entry.clone(),
            limit: run
                .grant
                .minus(settings.slack_of(run.agent, session.budget.dearest())),
            run: run.clone(),
            others: others::beside(session, issue),
        };
        let (ports, stop) = (self.live.ports.clone(), Stop::new());
        let link = self.link(issue, run.attempt);
        self.stops.insert(issue, stop.clone());
        let urgency = Urgency::Working(entry.task.priority);
        let attempt = async move { attempt::run(&ports, &work, &link, &stop).await };
        let handle = self.attempts.spawn(with_urgency(urgency, attempt));
        self.running.insert(handle.id(), (issue, run.attempt));
    }

    pub(super) fn link(&self, issue: IssueNumber, attempt: AttemptNumber) -> Link {
        Link {
            issue,
            attempt,
            ports: self.live.ports.clone(),
            sender: self.sender.clone(),
            redactor: self.orders.redactor.clone(),
            kept_from: Arc::default(),
        }
    }

    pub(super) fn session_id(&self) -> SessionId {
        self.live.ports.journal.session().clone()
    }

    /// Ends whatever still runs. Facts that arrive now are refused, which ends their attempts.
    async fn wind_up(&mut self) {
        self.inbox.close();
        while self.inbox.try_recv().is_ok() {}
        self.stops.values().for_each(Stop::ask);
        self.announcements.shutdown().await;
        self.trials.shutdown().await;
        let all = async { while self.attempts.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_GRACE, all).await.is_err() {
            tracing::warn!("attempts did not end in time");
            self.attempts.shutdown().await;
        }
        self.give_up_leases().await;
    }
}

fn take(message: Message, inputs: &mut Vec<Input>, durable: &mut Vec<oneshot::Sender<()>>) {
    inputs.push(message.input);
    durable.extend(message.durable);
}
