//! What an attempt finds out on its way, and the changes of the outside that it makes.

use crate::rules::follow::shape::SaidId;
use crate::rules::ids::{BranchName, CommitId, ConversationId, PullNumber};
use crate::rules::money::Charge;
use crate::rules::task::{CheckReport, Commit, Pull, Stage};
use serde::{Deserialize, Serialize};

/// What an attempt reports while it runs, each durable before the attempt goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "fact")]
pub enum Fact {
    /// It entered a stage.
    Entered {
        /// Which.
        stage: Stage,
    },
    /// A process runs for it.
    Spawned {
        /// The stage it belongs to.
        stage: Stage,
        /// Which process.
        process: ProcessIdentity,
        /// The agent's conversation, where one is known by now.
        conversation: Option<ConversationId>,
    },
    /// A program of its asked for hosts that are not on the list, and was kept from them.
    KeptFrom {
        /// Which, as `name:port`: printable, bounded, each once an attempt.
        hosts: Vec<String>,
    },
    /// The agent ended well.
    AgentDone {
        /// Its conversation.
        conversation: Option<ConversationId>,
        /// What it said at the end: printable, redacted, bounded.
        summary: String,
        /// What this attempt has cost so far.
        charge: Charge,
    },
    /// An agent that did not end well can be gone on with under this name.
    Conversed {
        /// Its conversation.
        conversation: ConversationId,
    },
    /// The files are safe under a keep ref.
    Snapshot {
        /// The commit that holds them.
        commit: CommitId,
        /// The commit of the base branch that they stand on.
        base: CommitId,
    },
    /// The files became a commit.
    Committed {
        /// The commit.
        commit: Commit,
    },
    /// The checks ran on the commit.
    Checked {
        /// One each.
        reports: Vec<CheckReport>,
    },
    /// The commit may be offered: nothing stops it.
    Verified,
    /// Its branch was taken by earlier work; the work goes to this one.
    BranchChosen {
        /// The new one.
        branch: BranchName,
    },
    /// It is about to change the outside.
    Intends {
        /// How.
        effect: Effect,
    },
    /// It did, or found it done.
    Did {
        /// What.
        effect: Effect,
        /// The pull, where the effect was to open one.
        pull: Option<Pull>,
    },
}

impl Fact {
    /// Is one more pull open?
    #[must_use]
    pub fn opens_pull(&self) -> bool {
        let Self::Did { effect, .. } = self else {
            return false;
        };
        matches!(effect, Effect::OpenPull { .. })
    }
}

/// A change of the outside. Equal effects are the same change: each happens once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "effect")]
pub enum Effect {
    /// The branch stands at this commit on the remote.
    Push {
        /// The branch.
        branch: BranchName,
        /// The commit.
        commit: CommitId,
    },
    /// A pull from this branch is open.
    OpenPull {
        /// The branch.
        branch: BranchName,
    },
    /// The pull's description tells this of the session.
    Describe {
        /// The branch.
        branch: BranchName,
        /// What: one section for each kind.
        kind: String,
    },
    /// The pull has the labels, people and milestone that it should have.
    Detail {
        /// The branch.
        branch: BranchName,
    },
    /// Those who should review the pull were asked.
    AskReview {
        /// The branch.
        branch: BranchName,
    },
    /// The issue carries this label.
    AddLabel {
        /// The label.
        label: String,
    },
    /// The issue does not carry this label.
    RemoveLabel {
        /// The label.
        label: String,
    },
    /// Something that was said of the pull has our answer, whatever the session.
    Answer {
        /// The pull.
        pull: PullNumber,
        /// What was said.
        said: SaidId,
    },
    /// This session's one comment on the issue tells this by now.
    Status {
        /// What: one word for each change that people care about.
        state: String,
    },
    /// The issue is assigned to those whose turn it is by now.
    Assign {
        /// By what: one word for each change that people care about.
        state: String,
    },
    /// The issue has this session's comment of this kind.
    Comment {
        /// The kind: one comment for each issue, session and kind.
        kind: String,
    },
}

/// How a person stands to a task that wants approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "consent")]
pub enum Consent {
    /// It is not let in before a person approved.
    Awaited {
        /// Why, for that person.
        reason: String,
    },
    /// It has waited for that for too long, and others are asked as well.
    Overdue {
        /// How long, in hours.
        hours: u32,
    },
    /// A person let it go.
    Given {
        /// What the person adds, for the agent.
        instructions: Option<String>,
    },
    /// Its agent asks something, and it waits for the answer.
    Asked {
        /// What: printable, redacted, bounded.
        question: String,
    },
    /// A person answered.
    Answered {
        /// What, in the person's words.
        answer: String,
    },
}

/// A process, so named that another one with the same number is not mistaken for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// Its number, which is also its group's.
    pub pid: u32,
    /// When it started, in clock ticks since boot (field 22 of `/proc/<pid>/stat`).
    pub started: u64,
    /// Which boot (`/proc/sys/kernel/random/boot_id`).
    pub boot: String,
}
