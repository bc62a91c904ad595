//! What the attempts at a task found out, kept for those that had one.

use crate::rules::event::{Effect, Fact, ProcessIdentity};
use crate::rules::ids::{AgentPlace, CommitId, ConversationId};
use crate::rules::money::Charge;
use crate::rules::rework::Conflict;
use crate::rules::stack::Below;
use crate::rules::task::{CheckReport, Commit, Pull, Stage, Task};
use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, LazyLock};

/// What the attempts at a task found out, as far as later ones build upon it.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that are told one by one, each on its own"
)]
pub struct Record {
    /// The unmerged work that the latest attempt stands on.
    pub below: Vec<Below>,
    /// The commit that the snapshot stands on.
    pub base: Option<CommitId>,
    /// The files of the latest attempt.
    pub snapshot: Option<CommitId>,
    /// The agent's conversation about them.
    pub conversation: Option<ConversationId>,
    /// The agent that worked last, whose conversation that is.
    pub agent: AgentPlace,
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
    /// The place of the event that said that the commit passed its checks; nothing before that.
    pub verified_at: u64,
    /// Earlier work that the commit conflicts with.
    pub conflicts: Vec<Conflict>,
    /// The base branch that the commit was last tried with, where that is not the one it was made on.
    pub tried_on: Option<CommitId>,
    /// Files in which it conflicts with that.
    pub outdated: Vec<String>,
    /// The files that agents really changed, as they were last seen while one worked.
    pub touched: Vec<String>,
    pub(super) touching: Option<Arc<Task>>,
}

/// A record that takes no room until something is written into it: of a long backlog most tasks only wait.
#[derive(Clone, Debug, Default)]
pub struct Kept(Option<Box<Record>>);

impl Kept {
    /// What is known from the start: of a follow-up its pull, and the conversation that goes on.
    pub(super) fn of(task: &Task) -> Self {
        let Some(follow) = &task.follow_up else {
            return Self::default();
        };
        let known = Record {
            conversation: follow.conversation.clone(),
            pull: Some(Box::new(follow.pull.clone())),
            ..Record::default()
        };
        Self(Some(Box::new(known)))
    }

    /// The record to change, where there is one; what is not there is as new.
    pub(super) fn written(&mut self) -> Option<&mut Record> {
        self.0.as_deref_mut()
    }
}

impl Deref for Kept {
    type Target = Record;

    fn deref(&self) -> &Record {
        static NOTHING: LazyLock<Record> = LazyLock::new(Record::default);
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for Kept {
    fn deref_mut(&mut self) -> &mut Record {
        self.0.get_or_insert_default()
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Record {
    /// Another attempt is let in, or the work of an earlier one is only to be offered.
    pub(super) fn begin(&mut self, is_paid: bool, agent: AgentPlace) {
        (self.process, self.agent_started) = (None, false);
        self.rounds = Charge::default();
        if is_paid {
            self.begin_round();
            self.taken_by(agent);
        }
    }

    /// One agent cannot go on with what another one was told.
    fn taken_by(&mut self, agent: AgentPlace) {
        if self.agent != agent {
            (self.agent, self.conversation) = (agent, None);
        }
    }

    /// What an earlier round found out holds no longer.
    pub(super) fn begin_round(&mut self) {
        (self.agent_started, self.agent_done, self.captured) = (false, false, false);
        (self.commit, self.verified) = (None, false);
        self.reports.clear();
    }

    /// Takes a fact in.
    pub(super) fn note(&mut self, fact: &Fact) {
        match fact {
            Fact::Entered {
                stage: Stage::Agent,
            } => self.begin_round(),
            // Where an attempt stands, and where its work goes, is kept beside the record.
            Fact::Entered { .. } | Fact::BranchChosen { .. } | Fact::KeptFrom { .. } => {}
            Fact::Spawned {
                stage,
                process,
                conversation,
            } => {
                self.process = Some(process.clone());
                if *stage == Stage::Agent {
                    self.agent_started = true;
                    if conversation.is_some() {
                        self.conversation.clone_from(conversation);
                    }
                }
            }
            Fact::AgentDone {
                conversation,
                summary,
                charge,
            } => {
                (self.process, self.agent_done, self.rounds) = (None, true, *charge);
                self.summary.clone_from(summary);
                if conversation.is_some() {
                    self.conversation.clone_from(conversation);
                }
            }
            Fact::Conversed { conversation } => self.conversation = Some(conversation.clone()),
            Fact::Snapshot { commit, base } => {
                (self.snapshot, self.base, self.captured) =
                    (Some(commit.clone()), Some(base.clone()), true);
            }
            Fact::Committed { commit } => self.commit = Some(Box::new(commit.clone())),
            Fact::Checked { reports } => self.reports.clone_from(reports),
            Fact::Verified => self.verified = true,
            Fact::Intends { effect } => {
                self.effects.entry(effect.clone()).or_insert(false);
            }
            Fact::Did { effect, pull } => {
                self.effects.insert(effect.clone(), true);
                if pull.is_some() {
                    self.pull = pull.clone().map(Box::new);
                }
            }
        }
    }

    /// What the running attempt has cost, where no agent runs that has not told yet.
    #[must_use]
    pub fn known_charge(&self) -> Option<Charge> {
        (!self.agent_started || self.agent_done).then_some(self.rounds)
    }
}
