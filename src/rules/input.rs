//! What can happen to a session, and what is merely interesting.

use crate::rules::certificate::{Certificate, Part};
use crate::rules::fact::Fact;
use crate::rules::ids::{AttemptNumber, CommitId, IssueNumber, SessionId, Timestamp};
use crate::rules::issue::Selection;
use crate::rules::lease::Elsewhere;
use crate::rules::money::Usd;
use crate::rules::plan::progress::Planning;
use crate::rules::quota::Allowance;
use crate::rules::rework::{Conflict, Outdated, Touched};
use crate::rules::room::Reading;
use crate::rules::sender::Sender;
use crate::rules::settings::Settings;
use crate::rules::task::{Outcome, Task};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A wish of a person, sent through the control inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "command")]
pub enum Command {
    /// Try a task again that ended without success.
    Retry {
        /// Which.
        issue: IssueNumber,
    },
    /// Leave a task out, or stop it if it runs.
    Skip {
        /// Which.
        issue: IssueNumber,
    },
    /// Let a task go that waits for approval.
    Approve {
        /// Which.
        issue: IssueNumber,
    },
    /// Leave a task out that waits for approval.
    Reject {
        /// Which.
        issue: IssueNumber,
        /// Why, in the person's words.
        reason: Option<String>,
    },
    /// Let a task go that waits for approval, with instructions.
    Modify {
        /// Which.
        issue: IssueNumber,
        /// What the agent is told besides the issue.
        instructions: String,
    },
    /// Answer what a task's agent asked.
    Answer {
        /// Which.
        issue: IssueNumber,
        /// In the person's words.
        answer: String,
    },
    /// Close the breaker now.
    ResetBreaker,
}

impl Command {
    /// The task that it is about; `None` where it is about the session as a whole.
    #[must_use]
    pub fn issue(&self) -> Option<IssueNumber> {
        match self {
            Self::Retry { issue }
            | Self::Skip { issue }
            | Self::Approve { issue }
            | Self::Reject { issue, .. }
            | Self::Modify { issue, .. }
            | Self::Answer { issue, .. } => Some(*issue),
            Self::ResetBreaker => None,
        }
    }
}

/// A command in the control inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What is wished.
    pub command: Command,
    /// By whom, where that is known.
    pub by: Option<Sender>,
}

/// Everything that can happen to a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The session begins.
    Start {
        /// Its name.
        session: SessionId,
        /// The repository.
        project: String,
        /// Which issues it takes.
        selection: Selection,
        /// What its decisions rest on.
        settings: Box<Settings>,
    },
    /// It goes on in a new process.
    Resume {
        /// What its decisions rest on from here.
        settings: Box<Settings>,
    },
    /// The planner is to run: is there money for it?
    PlannerWanted {
        /// What its run is to have set aside.
        want: Usd,
        /// What it cannot do without.
        least: Usd,
    },
    /// Something happened on the way from a directive to issues.
    Planned {
        /// What.
        fact: Planning,
    },
    /// The issues were fetched and read.
    Read {
        /// All of them.
        tasks: Vec<Arc<Task>>,
    },
    /// An attempt, or the announcing of an ending, reports a fact.
    Reported {
        /// The task.
        issue: IssueNumber,
        /// The attempt.
        attempt: AttemptNumber,
        /// What.
        fact: Fact,
    },
    /// An attempt ended.
    Finished {
        /// The task.
        issue: IssueNumber,
        /// The attempt.
        attempt: AttemptNumber,
        /// How.
        outcome: Outcome,
        /// A random number, for the jitter of a retry.
        dice: u32,
    },
    /// The work of a completed task was seen in the base branch.
    Merged {
        /// The task.
        issue: IssueNumber,
    },
    /// The forge told of its limits.
    Quota {
        /// As they were heard last.
        allowances: Vec<Allowance>,
    },
    /// Another session holds the issue now.
    LeaseLost {
        /// The task.
        issue: IssueNumber,
        /// Who holds it and until when, for a person.
        reason: String,
    },
    /// Answers to requests for approval were looked for, and these have none.
    Unanswered {
        /// The tasks.
        issues: Vec<IssueNumber>,
    },
    /// It was announced how a task ended, or that it waits for an approval.
    Announced {
        /// The task.
        issue: IssueNumber,
        /// Was it how the task ended, and not that it waits?
        ended: bool,
        /// What could not be done, if anything.
        trouble: Option<String>,
    },
    /// The work of tasks was merged with the others' for a trial.
    TestMerged {
        /// Whose work was new.
        issues: Vec<IssueNumber>,
        /// What conflicts, in no order.
        conflicts: Vec<Conflict>,
    },
    /// Running work was looked at.
    Looked {
        /// What each has changed so far, nothing included.
        touched: Vec<Touched>,
        /// What conflicts, in no order.
        conflicts: Vec<Conflict>,
    },
    /// What is offered was tried with the base branch as it stands now.
    TriedOnBase {
        /// Where it stands.
        base: CommitId,
        /// What was tried.
        tried: Vec<(IssueNumber, CommitId)>,
        /// What conflicts.
        outdated: Vec<Outdated>,
    },
    /// The work was tried together.
    Certified {
        /// What was tried.
        parts: Vec<Part>,
        /// What came of it.
        certificate: Box<Certificate>,
    },
    /// A pull tells it, or cannot.
    CertificateTold {
        /// The task.
        issue: IssueNumber,
        /// What could not be done, if anything.
        trouble: Option<String>,
    },
    /// Time passed, or the last turn decided something.
    Tick,
    /// The machine and the forge's limits were looked at.
    Resources {
        /// What is left.
        reading: Reading,
        /// For so many milliseconds there has been room for one more.
        calm_millis: u64,
    },
    /// Our pulls that wait for people were counted.
    PullsCounted {
        /// So many are open.
        counted: u32,
        /// So many had the session opened since the last count, when they were counted.
        opened: u32,
    },
    /// The ledger of other sessions was read.
    SpentElsewhere {
        /// Today's sum.
        today: Usd,
    },
    /// A person sent a command.
    Control {
        /// The command.
        command: Command,
        /// Who sent it, where that is known.
        by: Option<Sender>,
    },
    /// A signal asked us to stop.
    Stop,
}

impl Input {
    /// Another session holds an issue.
    #[must_use]
    pub fn elsewhere(elsewhere: Elsewhere) -> Self {
        let Elsewhere { issue, reason } = elsewhere;
        Self::LeaseLost { issue, reason }
    }

    /// The issues were fetched and read.
    #[must_use]
    pub fn read(tasks: Vec<Task>) -> Self {
        let tasks = tasks.into_iter().map(Arc::new).collect();
        Self::Read { tasks }
    }
}

/// What an attempt does at this moment: thinned, lossy, never in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The task.
    pub issue: IssueNumber,
    /// The attempt.
    pub attempt: AttemptNumber,
    /// When.
    pub at: Timestamp,
    /// What the agent does, in one printable line.
    pub activity: String,
    /// The process that works, where one does.
    pub pid: Option<u32>,
    /// Messages heard from it so far.
    pub messages: u64,
    /// What the attempt has cost so far, as far as its stream tells.
    pub cost: Usd,
    /// Its tokens so far.
    pub tokens: u64,
}
