//! What was decided or did happen: the facts of a session, as they are stored.
//!
//! Events are a stored format: fields and variants are only ever added, each addition with a default, so that every
//! released journal stays readable. `VERSION` rises when an older program could misread a newer journal.

pub use crate::rules::fact::{Consent, Effect, Fact, ProcessIdentity};
pub use crate::rules::input::{Command, Input, Progress, Wish};

use crate::rules::certificate::{Certificate, Part};
use crate::rules::ids::{
    AgentPlace, AttemptNumber, BranchName, CommitId, IssueNumber, SessionId, SlotNumber, Timestamp,
};
use crate::rules::issue::Selection;
use crate::rules::money::Usd;
use crate::rules::plan::progress::Planning;
use crate::rules::quota::{Allowance, Api};
use crate::rules::rework::{Conflict, Outdated, Touched};
use crate::rules::room::SlotsReason;
use crate::rules::schedule::predict::Prediction;
use crate::rules::sender::Sender;
use crate::rules::settings::Settings;
use crate::rules::stack::Below;
use crate::rules::task::{Ending, Failure, Outcome, Start, Task};
use serde::{Deserialize, Serialize};
use std::ops::Not;
use std::sync::Arc;

/// The version of the stored format.
pub const VERSION: u32 = 1;

/// An event with its place in the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Its place, counted from 1 without gaps.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// The event.
    pub event: Event,
}

/// One fact of a session, written to the journal, then told to the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// A session began; all that its decisions rest on is in `settings`.
    SessionStarted {
        /// Its name.
        session: SessionId,
        /// The repository it works on, as the forge names it.
        project: String,
        /// Which issues it takes.
        selection: Selection,
        /// What its decisions rest on.
        settings: Box<Settings>,
    },
    /// The session goes on in a new process.
    SessionResumed {
        /// What its decisions rest on from here.
        settings: Box<Settings>,
    },
    /// Something on the way from a directive to issues: all of it comes before `TasksRead`.
    Planning {
        /// What.
        fact: Planning,
    },
    /// The issues were fetched and read; the session's set of tasks is complete.
    TasksRead {
        /// All of them.
        tasks: Vec<Arc<Task>>,
        /// What was expected of them, their order with it.
        #[serde(default)]
        prediction: Option<Box<Prediction>>,
    },
    /// It cannot run yet: it would collide with one that runs.
    Held {
        /// The task.
        issue: IssueNumber,
        /// The running one.
        by: IssueNumber,
        /// Over what: a path, or a domain.
        over: Arc<str>,
    },
    /// Its waiting time is over.
    Due {
        /// The task.
        issue: IssueNumber,
    },
    /// A person's consent to it is waited for, or was given.
    Consent {
        /// The task.
        issue: IssueNumber,
        /// Which.
        consent: Consent,
    },
    /// An attempt was let in: slot, probe and money were claimed together.
    Admitted {
        /// The task.
        issue: IssueNumber,
        /// The attempt.
        attempt: AttemptNumber,
        /// Where it runs.
        slot: SlotNumber,
        /// The money set aside for it; nothing where no agent will run.
        grant: Usd,
        /// Is it the one probe of a half-open breaker?
        probe: bool,
        /// The branch its work goes to.
        branch: BranchName,
        /// Where it starts from.
        start: Start,
        /// The unmerged work that its work stands on; none is the base branch.
        #[serde(default)]
        below: Vec<Below>,
        /// Whose attempt it is: an agent's place in the chain.
        #[serde(default, skip_serializing_if = "AgentPlace::is_first")]
        agent: AgentPlace,
    },
    /// The work of a completed task is in the base branch.
    Merged {
        /// The task.
        issue: IssueNumber,
    },
    /// Something an attempt found out or is about to do.
    Fact {
        /// The task.
        issue: IssueNumber,
        /// The attempt.
        attempt: AttemptNumber,
        /// What.
        fact: Fact,
    },
    /// An attempt ended, and its grant is settled.
    Settled {
        /// The task.
        issue: IssueNumber,
        /// The attempt.
        attempt: AttemptNumber,
        /// What had been set aside.
        grant: Usd,
        /// How it ended and what it cost.
        outcome: Outcome,
    },
    /// It failed, and will be tried again at `until`.
    RetryScheduled {
        /// The task.
        issue: IssueNumber,
        /// Not before.
        until: Timestamp,
        /// What went wrong.
        failure: Failure,
        /// Where the next attempt starts from.
        start: Start,
        /// Whose it is from here on: the agent at this place in the chain, or one after it.
        #[serde(default, skip_serializing_if = "AgentPlace::is_first")]
        agent: AgentPlace,
    },
    /// A limit keeps it waiting until `until`; that is no failure.
    Parked {
        /// The task.
        issue: IssueNumber,
        /// Not before.
        until: Timestamp,
        /// Which limit.
        failure: Failure,
        /// Where the next attempt starts from.
        start: Start,
    },
    /// It was interrupted, and is ready to go on.
    Requeued {
        /// The task.
        issue: IssueNumber,
        /// Where the next attempt starts from.
        start: Start,
    },
    /// The provider takes nothing before `until`: nobody is let in, unless another agent takes over.
    DispatchPaused {
        /// Which agent's: its place in the chain.
        #[serde(default, skip_serializing_if = "AgentPlace::is_first")]
        agent: AgentPlace,
        /// Does the next one in the chain take over meanwhile?
        #[serde(default, skip_serializing_if = "Not::not")]
        hands_over: bool,
        /// Not before.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// Too many failures in a row: nobody is let in before `until`, then one probe.
    BreakerOpened {
        /// Which agent's: its place in the chain.
        #[serde(default, skip_serializing_if = "AgentPlace::is_first")]
        agent: AgentPlace,
        /// Not before.
        until: Timestamp,
        /// The failures that opened it.
        failures: u32,
        /// The last of them.
        reason: String,
    },
    /// The probe succeeded, or a person reset it.
    BreakerClosed {
        /// Which agent's: its place in the chain.
        #[serde(default, skip_serializing_if = "AgentPlace::is_first")]
        agent: AgentPlace,
    },
    /// No attempt can succeed as things are (credentials, billing, model): nobody is let in until `resume`.
    DispatchStopped {
        /// The agent that this is true of; of all where none is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<AgentPlace>,
        /// Why.
        reason: String,
    },
    /// A task ended.
    TaskEnded {
        /// The task.
        issue: IssueNumber,
        /// How.
        ending: Ending,
        /// Why, for a person; nothing to add where it is completed.
        reason: Option<String>,
    },
    /// Another session holds the issue now: it is left to that one.
    LeaseLost {
        /// The task.
        issue: IssueNumber,
        /// Who holds it and until when, for a person.
        reason: String,
    },
    /// The ending was announced on the forge as far as it could be.
    Announced {
        /// The task.
        issue: IssueNumber,
        /// What could not be done, if anything.
        trouble: Option<String>,
    },
    /// The work of these tasks was merged with the others' for a trial.
    TestMerged {
        /// Whose work was new.
        issues: Vec<IssueNumber>,
        /// What conflicts.
        conflicts: Vec<Conflict>,
    },
    /// Running work was looked at, and there is news.
    Looked {
        /// What these tasks have changed by now.
        touched: Vec<Touched>,
        /// What conflicts, and was not known to do so over these files.
        conflicts: Vec<Conflict>,
        /// What conflicted, and does no longer.
        over: Vec<(IssueNumber, IssueNumber)>,
    },
    /// The base branch has moved on, and what is offered was tried with it.
    TriedOnBase {
        /// Where it stands now.
        base: CommitId,
        /// Whose work was tried.
        issues: Vec<IssueNumber>,
        /// What does not merge with it any more.
        outdated: Vec<Outdated>,
    },
    /// Its work conflicts with earlier work, or with the base branch: it gets one more attempt, on top of that.
    ReworkOffered {
        /// The task.
        issue: IssueNumber,
        /// What it conflicts with; nothing where that is the base branch.
        with: Vec<IssueNumber>,
        /// Over these files.
        paths: Vec<String>,
    },
    /// Nothing better came of that attempt, or it could not be made: the work stays as it is offered.
    ReworkGivenUp {
        /// The task.
        issue: IssueNumber,
        /// What conflicts, and why it stays so.
        reason: String,
    },
    /// All tasks have ended, and their work is tried together.
    Certifying {
        /// The work, what others stand on first.
        parts: Vec<Part>,
    },
    /// What came of it.
    Certified {
        /// Which of it goes together.
        certificate: Box<Certificate>,
    },
    /// A pull tells it, as far as it could be told.
    CertificateTold {
        /// The task.
        issue: IssueNumber,
        /// What could not be done, if anything.
        trouble: Option<String>,
    },
    /// More or fewer attempts may run at a time from here on; what runs goes on.
    SlotsChanged {
        /// So many.
        slots: u32,
        /// Why.
        reason: SlotsReason,
    },
    /// The forge told of its limits, and they had changed much.
    QuotaHeard {
        /// As they were heard last.
        allowances: Vec<Allowance>,
        /// Which of them are short from here on, or are not any more.
        turned: Vec<Api>,
    },
    /// Our pulls that wait for people were counted again, and people had merged, closed or opened some.
    PullsCounted {
        /// So many are open.
        counted: u32,
        /// So many of those are among them that the session has opened since the last count.
        opened: u32,
    },
    /// What other sessions have spent or set aside today, as far as we last saw.
    SpentElsewhere {
        /// The sum.
        today: Usd,
    },
    /// A person sent a command through the control inbox.
    CommandTaken {
        /// The command.
        command: Command,
        /// Who sent it, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Sender>,
    },
    /// A signal asked the session to stop.
    StopRequested,
    /// It stopped with work left; `resume` goes on.
    SessionInterrupted,
    /// Every task has ended and was announced.
    SessionFinished,
}

impl Event {
    /// The issues were read, and nobody looked ahead.
    #[must_use]
    pub fn tasks_read(tasks: Vec<Task>) -> Self {
        Self::TasksRead {
            tasks: tasks.into_iter().map(Arc::new).collect(),
            prediction: None,
        }
    }

    /// Reads an event as it is stored. Serde reads all of an event before its tag says what it is; the one that is as
    /// long as the backlog is told by its first characters.
    pub fn from_json(json: &str) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct TasksRead {
            tasks: Vec<Arc<Task>>,
            #[serde(default)]
            prediction: Option<Box<Prediction>>,
        }
        if !json.starts_with(r#"{"event":"tasks_read","#) {
            return serde_json::from_str(json);
        }
        let TasksRead { tasks, prediction } = serde_json::from_str(json)?;
        Ok(Self::TasksRead { tasks, prediction })
    }

    /// The task that it is about; `None` where it is about the session as a whole.
    #[must_use]
    pub fn issue(&self) -> Option<IssueNumber> {
        match self {
            Self::Held { issue, .. }
            | Self::Due { issue }
            | Self::Consent { issue, .. }
            | Self::Admitted { issue, .. }
            | Self::Merged { issue }
            | Self::ReworkOffered { issue, .. }
            | Self::ReworkGivenUp { issue, .. }
            | Self::Fact { issue, .. }
            | Self::Settled { issue, .. }
            | Self::RetryScheduled { issue, .. }
            | Self::Parked { issue, .. }
            | Self::Requeued { issue, .. }
            | Self::TaskEnded { issue, .. }
            | Self::LeaseLost { issue, .. }
            | Self::Announced { issue, .. }
            | Self::CertificateTold { issue, .. } => Some(*issue),
            Self::SessionStarted { .. }
            | Self::SessionResumed { .. }
            | Self::Planning { .. }
            | Self::TasksRead { .. }
            | Self::DispatchPaused { .. }
            | Self::DispatchStopped { .. }
            | Self::BreakerOpened { .. }
            | Self::BreakerClosed { .. }
            | Self::TestMerged { .. }
            | Self::Looked { .. }
            | Self::TriedOnBase { .. }
            | Self::Certifying { .. }
            | Self::Certified { .. }
            | Self::SlotsChanged { .. }
            | Self::QuotaHeard { .. }
            | Self::PullsCounted { .. }
            | Self::SpentElsewhere { .. }
            | Self::CommandTaken { .. }
            | Self::StopRequested
            | Self::SessionInterrupted
            | Self::SessionFinished => None,
        }
    }
}
