//! A task, the attempts at it, and how both can end.

use crate::rules::checks::shape::CheckKind;
use crate::rules::classify::Classified;
use crate::rules::evaluate::evaluation::Evaluation;
use crate::rules::evaluate::score::Level;
use crate::rules::follow::shape::FollowUp;
use crate::rules::footprint::Footprint;
use crate::rules::ids::{
    BranchName, CommitId, ConversationId, IssueNumber, PullNumber, Timestamp, TreeId,
};
use crate::rules::issue::{Issue, Priority};
use crate::rules::money::{Charge, Usd};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Our work on one issue within a session: all that was read from the issue before anything ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The issue as it was when the session took it.
    pub issue: Issue,
    /// Its domain, and why.
    pub domain: Classified,
    /// The files it will likely touch.
    pub footprint: Footprint,
    /// Tasks of the same session that must be done first.
    pub needs: Vec<IssueNumber>,
    /// What settles it before it starts: an open pull, an open dependency that is not part of the session.
    pub obstacle: Option<Obstacle>,
    /// What was made of it; nothing where issues are not evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<Arc<Evaluation>>,
    /// How urgent.
    pub priority: Priority,
    /// What it will likely take.
    pub estimate: Estimate,
    /// The branch that its work goes to.
    pub branch: BranchName,
    /// The open pull that it goes on with, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_up: Option<Arc<FollowUp>>,
}

impl Task {
    /// The issue's number, which names the task as well.
    #[must_use]
    pub fn number(&self) -> IssueNumber {
        self.issue.number
    }

    /// Where its first attempt starts from.
    #[must_use]
    pub fn first_start(&self) -> Start {
        match &self.follow_up {
            Some(follow) if !follow.is_paid() => Start::Joined,
            Some(_) | None => Start::Base,
        }
    }

    /// How hard it was judged to be; nothing where it was not evaluated.
    #[must_use]
    pub fn complexity(&self) -> Option<Level> {
        let evaluation = self.evaluation.as_ref();
        evaluation.map(|evaluation| evaluation.complexity.level)
    }
}

/// Why a task ends before it starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obstacle {
    /// How it ends.
    pub ending: Ending,
    /// Why, for a person.
    pub reason: String,
}

/// What a task will likely take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// P90 of this repository's history, else the cap of one attempt.
    pub cost: Usd,
    /// Minutes of one attempt.
    pub minutes: u32,
}

/// Where in an attempt we are; they follow one another in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The worktree is made ready and set up.
    Prepare,
    /// The agent works.
    Agent,
    /// Its files become a commit.
    Commit,
    /// The commit is verified.
    Check,
    /// It is pushed and offered.
    Publish,
}

impl Stage {
    /// One word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Agent => "agent",
            Self::Commit => "commit",
            Self::Check => "check",
            Self::Publish => "publish",
        }
    }
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The pull is open, or the branch is ready where no pull was wanted.
    Completed,
    /// The agent found nothing to change.
    NoChange,
    /// All attempts failed.
    Failed,
    /// Something it needs did not end well, or is not there.
    Blocked,
    /// A person said so, or an open pull does it already.
    Skipped,
    /// A person has to look before it may be offered.
    NeedsHuman,
    /// The money did not reach.
    Budget,
}

impl Ending {
    /// One word for it, the one printed JSON uses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::NoChange => "no_change",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Skipped => "skipped",
            Self::NeedsHuman => "needs_human",
            Self::Budget => "budget",
        }
    }

    /// May those that depend on it go on?
    #[must_use]
    pub fn satisfies_dependents(self) -> bool {
        match self {
            Self::Completed | Self::NoChange => true,
            Self::Failed | Self::Blocked | Self::Skipped | Self::NeedsHuman | Self::Budget => false,
        }
    }
}

/// Why an attempt failed, as far as it decides what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Something we handed over was not valid; the same again would fail again.
    Validation,
    /// Too many requests; the provider names a time or a short wait helps.
    RateLimit,
    /// The subscription's window is used up until its reset.
    UsageLimit,
    /// The provider is overloaded or answers 5xx.
    Overloaded,
    /// The wall-clock limit passed.
    Timeout,
    /// Nothing was heard for too long.
    Stalled,
    /// The agent ended without its terminal event.
    Crash,
    /// The provider could not be reached.
    Network,
    /// The credentials were refused.
    Auth,
    /// The account cannot pay.
    Billing,
    /// The attempt's grant was used up.
    Budget,
    /// The agent's turn cap was reached.
    TurnLimit,
    /// The model refused.
    Refusal,
    /// The prompt or the conversation is too long for the model.
    ContextTooLong,
    /// There is no such model.
    ModelNotFound,
    /// The conversation to resume is gone.
    ConversationLost,
    /// Tools it needed were denied.
    PermissionDenied,
    /// The work does not fit onto the branch it is for.
    Conflict,
    /// The checks did not pass.
    CheckFailed,
    /// Setting the worktree up failed.
    Setup,
    /// Git, the disk or a process of ours failed.
    Workspace,
    /// Pushing or opening the pull failed.
    Publish,
}

impl ErrorClass {
    /// A few words for it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::RateLimit => "rate limit",
            Self::UsageLimit => "usage limit",
            Self::Overloaded => "overloaded",
            Self::Timeout => "timeout",
            Self::Stalled => "stalled",
            Self::Crash => "crash",
            Self::Network => "network",
            Self::Auth => "authentication",
            Self::Billing => "billing",
            Self::Budget => "budget",
            Self::TurnLimit => "turn limit",
            Self::Refusal => "refusal",
            Self::ContextTooLong => "context too long",
            Self::ModelNotFound => "unknown model",
            Self::ConversationLost => "conversation lost",
            Self::PermissionDenied => "permission denied",
            Self::Conflict => "conflict",
            Self::CheckFailed => "check failed",
            Self::Setup => "setup",
            Self::Workspace => "workspace",
            Self::Publish => "publish",
        }
    }
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What decides whether it is tried again.
    pub class: ErrorClass,
    /// For a person and for the next attempt: printable, redacted, bounded.
    pub message: String,
    /// When a limit ends, where that is known.
    pub until: Option<Timestamp>,
}

impl Failure {
    /// A failure without a known end.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            until: None,
        }
    }
}

/// Where an attempt starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum Start {
    /// The base branch, with a new conversation. A follow-up begins at its pull's branch with the base merged in, and goes on
    /// with the conversation that the pull came from.
    #[default]
    Base,
    /// No agent is needed: the base branch is merged into the pull's, and checked.
    Joined,
    /// The files of an earlier attempt, and its conversation where it can be resumed.
    Snapshot {
        /// The files.
        snapshot: CommitId,
        /// The conversation that knows them.
        conversation: Option<ConversationId>,
        /// What went wrong, for the agent; nothing if it was merely interrupted.
        feedback: Option<String>,
    },
    /// The agent is done: its files are in this snapshot, and the attempt goes on with committing them.
    Captured {
        /// The files.
        snapshot: CommitId,
    },
    /// The commit passed its checks: only publishing is left, and costs nothing.
    Verified,
}

impl Start {
    /// Will an agent run, and so money be needed?
    #[must_use]
    pub fn is_paid(&self) -> bool {
        match self {
            Self::Base | Self::Snapshot { .. } => true,
            Self::Joined | Self::Captured { .. } | Self::Verified => false,
        }
    }
}

/// How much a commit changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffStat {
    /// Paths changed, added or removed, at most the first thousand.
    pub paths: Vec<String>,
    /// How many files in all.
    pub files: u64,
    /// Lines added.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
}

/// A commit of ours that is ready to be checked or offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The commit.
    pub id: CommitId,
    /// Its tree.
    pub tree: TreeId,
    /// The commit of the base branch that it stands on.
    pub base: CommitId,
    /// What it changes against that base.
    pub diff: DiffStat,
}

/// The words of a commit that we make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitMessage {
    /// The first line.
    pub subject: String,
    /// The rest, without the reference to the issue.
    pub body: String,
    /// The issue it refers to: `Refs #n` is its last line.
    pub issue: IssueNumber,
}

/// What a check said of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It passed.
    Passed,
    /// It failed, and passes on the base: the attempt's own doing.
    Failed,
    /// It failed, and then passed on the same commit.
    Flaky,
    /// Nothing is wrong, but no test fails without the change.
    Unproven,
    /// It failed, and fails on the base as well.
    FailedBefore,
    /// It did not end in time.
    TimedOut,
    /// It could not be started.
    Unable,
}

impl Verdict {
    /// Does it keep the commit from being offered?
    #[must_use]
    pub fn stops(self) -> bool {
        match self {
            Self::Passed | Self::Flaky | Self::Unproven | Self::FailedBefore => false,
            Self::Failed | Self::TimedOut | Self::Unable => true,
        }
    }
}

/// One check's result on one commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// The check's name in the configuration.
    pub name: String,
    /// What it looks at.
    #[serde(default)]
    pub kind: CheckKind,
    /// What it said.
    pub verdict: Verdict,
    /// How long it took.
    pub millis: u64,
    /// What matters of what it printed: the first errors, and the end; printable, redacted, bounded.
    pub output: String,
}

/// A pull request that does not exist yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullDraft {
    /// The issue it is for.
    pub issue: IssueNumber,
    /// The branch that holds the work.
    pub head: BranchName,
    /// The branch it is for.
    pub base: String,
    /// One line.
    pub title: String,
    /// Markdown, with our marker in it.
    pub body: String,
    /// Open it as a draft?
    pub draft: bool,
}

/// A pull request on its forge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// Its number.
    pub number: PullNumber,
    /// Where a person can read it.
    pub url: String,
    /// The branch it offers.
    pub head: String,
    /// The branch it is for.
    pub base: String,
    /// Is it still open?
    pub open: bool,
    /// Its description, where our marker stands.
    pub body: String,
}

/// What one attempt brought back; the facts it found on its way were told one by one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    pub result: Attempted,
    /// What it cost in all.
    pub charge: Charge,
    /// The dearest single response seen, which the slack of the next grant has to cover.
    pub dearest: Usd,
    /// The model that did it, as the agent names it.
    pub model: Option<String>,
}

impl Outcome {
    /// An outcome that cost nothing.
    #[must_use]
    pub fn free(result: Attempted) -> Self {
        Self {
            result,
            charge: Charge::default(),
            dearest: Usd::ZERO,
            model: None,
        }
    }
}

/// How one attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "result")]
pub enum Attempted {
    /// The work is offered.
    Published,
    /// The agent ended well and changed nothing.
    Unchanged {
        /// What the agent said about it.
        said: String,
    },
    /// It failed.
    Failed(Failure),
    /// A person has to look.
    NeedsHuman {
        /// At what, and why.
        reason: String,
    },
    /// Nobody wants it any more: its issue was closed, moved or deleted, or its label taken off.
    Withdrawn {
        /// What of these.
        reason: String,
    },
    /// The agent ended well, changed nothing and asks something.
    Asked {
        /// What.
        question: String,
    },
    /// We were told to stop.
    Stopped,
    /// The process that ran it died; nothing else is wrong with it.
    Lost,
}
