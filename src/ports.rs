//! What the engine may ask of the world. Adapters answer; the engine knows nothing else of them.

use crate::rules::event::{Command, Event, ProcessIdentity, Progress, Recorded};
use crate::rules::ids::{
    AttemptNumber, BranchName, CommitId, ConversationId, IssueNumber, PullNumber, SessionId,
    SlotNumber, Timestamp, TreeId,
};
use crate::rules::issue::{Issue, Selection};
use crate::rules::money::{Charge, Usd};
use crate::rules::task::{Commit, CommitMessage, DiffStat, Failure, Pull, PullDraft};
use async_trait::async_trait;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// All ports of one session.
#[derive(Clone)]
pub struct Ports {
    /// Issues and pulls.
    pub forge: Arc<dyn Forge>,
    /// The mirror and its worktrees.
    pub repository: Arc<dyn Repository>,
    /// The coding agent.
    pub agent: Arc<dyn Agent>,
    /// Setup scripts and checks.
    pub commands: Arc<dyn Commands>,
    /// The session's events.
    pub journal: Arc<dyn Journal>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Those who watch.
    pub reporters: Arc<[Arc<dyn Reporter>]>,
}

/// Asks whatever holds it to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    gentle: CancellationToken,
    hard: CancellationToken,
}

impl Stop {
    /// One that nobody has asked yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One that is asked when this one is, and can be asked alone.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            gentle: self.gentle.child_token(),
            hard: self.hard.child_token(),
        }
    }

    /// Stop soon: finish nothing, but leave everything in order.
    pub fn ask(&self) {
        self.gentle.cancel();
    }

    /// Stop now, without grace for what runs.
    pub fn insist(&self) {
        self.gentle.cancel();
        self.hard.cancel();
    }

    /// Has anybody asked?
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.gentle.is_cancelled()
    }

    /// Waits until somebody asks; cancel-safe.
    pub async fn asked(&self) {
        self.gentle.cancelled().await;
    }

    /// Waits until somebody insists; cancel-safe.
    pub async fn insisted(&self) {
        self.hard.cancelled().await;
    }
}

/// The time. Moves with tokio's, so that tests can pause it.
pub trait Clock: Send + Sync {
    /// Now, by the wall clock as it was at the start, moved on by the monotonic one.
    fn now(&self) -> Timestamp;
}

// ---------------------------------------------------------------- the forge

/// Why a forge did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForgeError {
    /// The credentials are missing, wrong or too weak.
    #[error("{action}: {detail}")]
    Auth {
        /// What was tried.
        action: String,
        /// What the forge said.
        detail: String,
    },
    /// There is no such thing, or it is hidden from us.
    #[error("{action}: not found")]
    NotFound {
        /// What was tried.
        action: String,
    },
    /// It understood, and refuses.
    #[error("{action}: {detail}")]
    Refused {
        /// What was tried.
        action: String,
        /// What the forge said.
        detail: String,
    },
    /// A limit holds us off, and waiting within the call took too long.
    #[error("{action}: rate limited until {until:?}")]
    Limited {
        /// What was tried.
        action: String,
        /// Until then, where that is known.
        until: Option<Timestamp>,
    },
    /// It may or may not have been done: no reply came, or one that cannot be read. Look before trying again.
    #[error("{action}: no usable reply: {detail}")]
    Unknown {
        /// What was tried.
        action: String,
        /// What happened instead.
        detail: String,
    },
    /// The local forge's files cannot be read or written.
    #[error("{action}")]
    Io {
        /// What was tried.
        action: String,
        /// Why it failed.
        #[source]
        cause: std::io::Error,
    },
}

/// Where issues and pulls live. Reads may repeat themselves; a write is sent once, and its caller looks first.
#[async_trait]
pub trait Forge: Send + Sync {
    /// The repository's name there: `owner/name`, or the local directory's name.
    fn project(&self) -> &str;
    /// Open issues that the selection takes, pull requests left out, all pages, by number.
    async fn open_issues(&self, selection: &Selection) -> Result<Vec<Issue>, ForgeError>;
    /// One issue in any state; `None` where there is none, or it is a pull request.
    async fn issue(&self, number: IssueNumber) -> Result<Option<Issue>, ForgeError>;
    /// All open pulls.
    async fn open_pulls(&self) -> Result<Vec<Pull>, ForgeError>;
    /// Every pull from this branch of this repository: any base, any state, the newest first.
    async fn pulls_from(&self, head: &BranchName) -> Result<Vec<Pull>, ForgeError>;
    /// Opens a pull. Sent once.
    async fn open_pull(&self, draft: &PullDraft) -> Result<Pull, ForgeError>;
    /// Gives an open pull this draft's base, title and body.
    async fn correct_pull(&self, number: PullNumber, draft: &PullDraft) -> Result<(), ForgeError>;
    /// Is there a comment of our own with this marker on the issue?
    async fn has_comment(&self, issue: IssueNumber, marker: &str) -> Result<bool, ForgeError>;
    /// Comments on the issue. Sent once.
    async fn comment(&self, issue: IssueNumber, body: &str) -> Result<(), ForgeError>;
    /// Puts a label on the issue, creating it in the repository where it is missing; twice is once.
    async fn add_label(&self, issue: IssueNumber, label: &str) -> Result<(), ForgeError>;
    /// Takes a label off the issue; one that is not there is fine.
    async fn remove_label(&self, issue: IssueNumber, label: &str) -> Result<(), ForgeError>;
}

// ---------------------------------------------------------------- the repository

/// Why the repository did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// Git said no.
    #[error("{action}: {detail}")]
    Git {
        /// What was tried.
        action: String,
        /// The end of what git printed, without secrets.
        detail: String,
    },
    /// The remote could not be reached, or did not accept us.
    #[error("{action}: {detail}")]
    Remote {
        /// What was tried.
        action: String,
        /// The end of what git printed, without secrets.
        detail: String,
        /// Were the credentials refused?
        auth: bool,
    },
    /// The branch stands at a commit that is not ours.
    #[error("push {branch}: the remote has {found}, which is not ours")]
    Foreign {
        /// The branch.
        branch: BranchName,
        /// What stands there.
        found: CommitId,
    },
    /// The source cannot be used as it is.
    #[error("{problem}")]
    Unusable {
        /// What is wrong with it.
        problem: String,
        /// What helps.
        hint: String,
    },
    /// Another process holds it.
    #[error("{what} is in use by process {holder}")]
    Busy {
        /// The mirror, or a slot.
        what: String,
        /// Who.
        holder: String,
    },
    /// The file system said no.
    #[error("{action}")]
    Io {
        /// What was tried.
        action: String,
        /// Why it failed.
        #[source]
        cause: std::io::Error,
    },
}

/// A worktree with an attempt's files, outside the user's checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// The slot that it belongs to.
    pub slot: SlotNumber,
    /// Where the agent works; the same path for every attempt at the same issue.
    pub path: PathBuf,
    /// The commit of the base branch that the result will stand on.
    pub base: CommitId,
    /// The commit whose files were laid out: the base, or a snapshot.
    pub start: CommitId,
}

/// What to lay out for an attempt.
#[derive(Clone, Debug)]
pub struct WorkspaceOrder {
    /// The slot to use.
    pub slot: SlotNumber,
    /// The issue it is for.
    pub issue: IssueNumber,
    /// The branch that the agent will see itself on.
    pub branch: BranchName,
    /// The commit of the base branch that the result will stand on.
    pub base: CommitId,
    /// The commit whose files to lay out: the base, or a snapshot.
    pub start: CommitId,
}

/// An attempt's files, taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// A commit of ours over them, kept under `refs/autoissue/keep/`, whose parent is the workspace's base.
    pub snapshot: CommitId,
    /// Its tree.
    pub tree: TreeId,
    /// What it changes against the base.
    pub diff: DiffStat,
    /// Why it must not be offered without a person, if so: changed nested repositories, LFS content that is no pointer.
    pub concern: Option<String>,
}

/// The mirror, its pooled worktrees and the remote. The user's own checkout is never touched.
#[async_trait]
pub trait Repository: Send + Sync {
    /// Brings the mirror up to date with the remote's branches, and says where this one stands.
    async fn fetch(&self, branch: &str) -> Result<CommitId, RepositoryError>;
    /// The remote's branches under `autoissue/`.
    async fn remote_branches(&self) -> Result<Vec<(BranchName, CommitId)>, RepositoryError>;
    /// Lays out a worktree, with files copied in and a private git directory for the agent, ready for setup.
    async fn prepare(&self, order: &WorkspaceOrder) -> Result<Workspace, RepositoryError>;
    /// Setup has ended: what is untracked now is never committed.
    async fn seal(&self, workspace: &Workspace) -> Result<(), RepositoryError>;
    /// Takes the files in as a snapshot. May be called again: later rounds change the files further.
    async fn capture(
        &self,
        workspace: &Workspace,
        issue: IssueNumber,
        attempt: AttemptNumber,
    ) -> Result<Capture, RepositoryError>;
    /// A worktree that a killed process left behind for this issue, ready to be captured; `None` where there is none.
    async fn leftover(&self, issue: IssueNumber) -> Result<Option<Workspace>, RepositoryError>;
    /// Reads a snapshot as a capture again: tree, difference to the base, concerns.
    async fn reopen(
        &self,
        snapshot: &CommitId,
        base: &CommitId,
    ) -> Result<Capture, RepositoryError>;
    /// Makes the commit that will be offered, on its base.
    async fn commit(
        &self,
        capture: &Capture,
        base: &CommitId,
        message: &CommitMessage,
    ) -> Result<Commit, RepositoryError>;
    /// Lays out a commit in a clean worktree without any git directory, for checks; it goes when dropped.
    async fn checkout(&self, commit: &CommitId) -> Result<Box<dyn Checkout>, RepositoryError>;
    /// Gives the slot back. The files must have been captured.
    async fn release(&self, workspace: Workspace) -> Result<(), RepositoryError>;
    /// Stops using the slot and leaves its files where they are, as a kill would: whoever works on the issue next, here
    /// or in another process, finds them by `leftover`, or has them kept by `prepare`.
    async fn leave(&self, workspace: Workspace);
    /// Where the branch stands on the remote.
    async fn remote_head(&self, branch: &BranchName) -> Result<Option<CommitId>, RepositoryError>;
    /// Moves the branch on the remote from `expected` (or from nothing) to the commit; never over anything else.
    async fn push(
        &self,
        branch: &BranchName,
        commit: &CommitId,
        expected: Option<&CommitId>,
    ) -> Result<(), RepositoryError>;
}

/// A clean worktree of one commit.
pub trait Checkout: Send + Sync {
    /// Where it is.
    fn path(&self) -> &Path;
}

// ---------------------------------------------------------------- agents and commands

/// What an agent's command line can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a table of independent abilities, read by name"
)]
pub struct Capabilities {
    /// Can go on with an earlier conversation.
    pub resumes: bool,
    /// Takes a budget of its own.
    pub has_budget: bool,
    /// Says what it cost.
    pub reports_cost: bool,
    /// Lets us choose the conversation's name.
    pub names_conversation: bool,
}

/// Which conversation an agent is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conversation {
    /// A new one, under this name where the agent lets us choose.
    New(ConversationId),
    /// This one, continued.
    Resumed(ConversationId),
}

/// One run of an agent.
#[derive(Clone, Debug)]
pub struct AgentOrder {
    /// All that it is told; goes in by stdin.
    pub prompt: String,
    /// Where it works.
    pub directory: PathBuf,
    /// Which conversation it has.
    pub conversation: Conversation,
    /// The model, by the agent's own name for it.
    pub model: Option<String>,
    /// The most that this run may spend by its own reckoning; our slack is on top.
    pub cap: Usd,
    /// Turns at most, where it is limited.
    pub max_turns: Option<u32>,
    /// Ended when it runs longer.
    pub wall: Duration,
    /// Ended when it is silent for longer.
    pub idle: Duration,
    /// Where its raw output is kept; an earlier run's is appended to.
    pub transcript: PathBuf,
    /// Variables on top of the adapter's allow-list.
    pub env: Vec<(String, String)>,
}

/// How one run of an agent ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentEnd {
    /// It said that it is done, and nothing contradicts it. Whether it did anything, the files tell.
    Done,
    /// It failed.
    Failed(Failure),
    /// We stopped it.
    Stopped,
}

/// What one run of an agent brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentReport {
    /// How it ended.
    pub end: AgentEnd,
    /// What it said last: printable, redacted, at most a few thousand characters.
    pub summary: String,
    /// What this run cost, without what earlier runs of the conversation did.
    pub charge: Charge,
    /// The dearest single response.
    pub dearest: Usd,
    /// The conversation, for a later run.
    pub conversation: Option<ConversationId>,
    /// The model, as the agent names it.
    pub model: Option<String>,
    /// Tools that it was not allowed to use.
    pub denied: Vec<String>,
    /// Messages heard from it.
    pub messages: u64,
}

/// Told what a running process does.
#[async_trait]
pub trait Watch: Send + Sync {
    /// It exists, and does nothing before this returns; an error ends it unheard.
    async fn spawned(&self, process: ProcessIdentity) -> Result<(), Interrupted>;
    /// What it does, as often as it likes.
    fn activity(&self, activity: Activity);
}

/// The session is stopping and takes nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session is stopping")]
pub struct Interrupted;

/// What a running agent does at this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// One printable line.
    pub line: String,
    /// Messages heard so far.
    pub messages: u64,
    /// What this run has cost so far.
    pub cost: Usd,
    /// Its tokens so far.
    pub tokens: u64,
}

/// A coding agent's command line.
#[async_trait]
pub trait Agent: Send + Sync {
    /// Its kind in the configuration: `claude`, `command`.
    fn kind(&self) -> &'static str;
    /// What it can do.
    fn capabilities(&self) -> Capabilities;
    /// Runs it to its end. Never fails as such: whatever goes wrong is in the report.
    async fn run(&self, order: &AgentOrder, watch: &dyn Watch, stop: &Stop) -> AgentReport;
    /// What its captured output proves of a run whose end nobody saw; `None` where it proves nothing.
    /// `runs` is how many runs had been started into the transcript.
    fn evidence(&self, transcript: &Path) -> Option<AgentReport>;
}

/// A command of the configuration: a check, a setup script.
#[derive(Clone, Debug)]
pub struct CommandOrder {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Where it runs.
    pub directory: PathBuf,
    /// Ended when it runs longer.
    pub wall: Duration,
    /// Variables on top of the adapter's allow-list.
    pub env: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandEnd {
    /// By itself, with this exit code.
    Exited(i32),
    /// It took too long.
    TimedOut,
    /// It could not be started.
    NotStarted,
    /// We stopped it.
    Stopped,
}

/// What a command brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandReport {
    /// How it ended.
    pub end: CommandEnd,
    /// The end of what it printed on both streams: printable, redacted, bounded.
    pub output: String,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

/// Runs commands of the configuration, without any token in reach.
#[async_trait]
pub trait Commands: Send + Sync {
    /// Runs one to its end.
    async fn run(&self, order: &CommandOrder, watch: &dyn Watch, stop: &Stop) -> CommandReport;
    /// Ends a process that an earlier process of ours left behind, with all its descendants; a process that merely
    /// has the same number is left alone. Returns once nothing of it runs any more.
    async fn end_leftover(&self, process: &ProcessIdentity);
}

// ---------------------------------------------------------------- the journal

/// Why events were not made durable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// A grant would pass the daily ceiling, because other sessions have spent or set aside this much today.
    #[error("other sessions have spent or set aside {elsewhere} today")]
    DailyCeiling {
        /// Their sum.
        elsewhere: Usd,
    },
    /// The disk, or the database, said no. The session must end.
    #[error("write the journal: {detail}")]
    Write {
        /// What it said.
        detail: String,
    },
    /// What stands there cannot be read.
    #[error("read the journal: {detail}")]
    Read {
        /// What is wrong with it.
        detail: String,
    },
    /// A newer program wrote it; it was left as it is.
    #[error("the journal has format {found}, this program knows up to {known}")]
    Newer {
        /// What stands there.
        found: u32,
        /// What this program knows.
        known: u32,
    },
}

/// The ordered, durable list of one session's events, with the money ledger kept in the same transactions.
#[async_trait]
pub trait Journal: Send + Sync {
    /// The session it belongs to.
    fn session(&self) -> &SessionId;
    /// Makes the events durable, all or none, and the ledger with them.
    async fn append(&self, events: &[Recorded]) -> Result<(), JournalError>;
    /// All events, in order.
    async fn events(&self) -> Result<Vec<Recorded>, JournalError>;
    /// What other sessions have spent or set aside on this UTC day.
    async fn spent_elsewhere(&self, day: i64) -> Result<Usd, JournalError>;
    /// Commands for this session that nobody took yet, the oldest first; taken when their `CommandTaken` is appended.
    async fn commands(&self) -> Result<Vec<Command>, JournalError>;
    /// Remembers the last progress of a task, for other processes to read; may be lost.
    fn progress(&self, progress: &Progress);
}

/// Watches a session. Never blocks, never fails the session.
pub trait Reporter: Send + Sync {
    /// An event, once it is durable.
    fn event(&self, recorded: &Recorded);
    /// What an attempt does at this moment.
    fn progress(&self, progress: &Progress);
    /// The session is over for this process: the last words.
    fn finish(&self) {}
}

/// Convenience for tests and adapters: an event that nobody has placed yet.
#[must_use]
pub fn recorded(seq: u64, at: Timestamp, event: Event) -> Recorded {
    Recorded { seq, at, event }
}
