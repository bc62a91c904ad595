//! How far a plan has come: what its session's journal says of the planner, the plan and its issues.

use crate::rules::event::ProcessIdentity;
use crate::rules::ids::{AttemptNumber, ConversationId, IssueNumber};
use crate::rules::money::{Charge, Usd};
use crate::rules::plan::shape::Plan;
use crate::rules::task::Outcome;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What somebody wants planned, and how; stands in the first event of its session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanOrder {
    /// What the plan is called in labels and markers; the session's alone.
    pub id: String,
    /// What is wanted.
    pub directive: String,
    /// Labels that every issue of the plan gets.
    pub labels: Vec<String>,
    /// Items at most.
    pub most_items: usize,
    /// The planner's model.
    pub model: Option<String>,
    /// The most that one run of the planner may spend.
    pub cap: Usd,
    /// What is to become of the plan.
    pub purpose: Purpose,
    /// Did somebody write the plan, so that no planner is to be paid?
    #[serde(default)]
    pub is_written: bool,
}

/// What is to become of a plan that nothing is wrong with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A person is asked.
    #[default]
    Ask,
    /// It is carried out at once.
    CarryOut,
    /// It is shown, and that is all.
    Show,
    /// It is left for a person to carry out or to drop.
    Later,
    /// A person dropped it.
    Drop,
}

/// What happens while a plan is made, and while its issues are opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "planning")]
pub enum Planning {
    /// Money was set aside for a run of the planner.
    Granted {
        /// The how-manieth.
        run: AttemptNumber,
        /// How much.
        grant: Usd,
    },
    /// Its process exists.
    Spawned {
        /// Which process.
        process: ProcessIdentity,
        /// Its conversation, where one is known by now.
        conversation: Option<ConversationId>,
    },
    /// It answered, and its answer cannot be used; it is asked once more within the same grant.
    Refused {
        /// What is wrong with the answer.
        faults: Vec<String>,
        /// What the run has cost so far.
        charge: Charge,
    },
    /// The plan: nothing is wrong with it.
    Checked {
        /// All of it.
        plan: Box<Plan>,
    },
    /// The run ended, and its grant is settled.
    Settled {
        /// The how-manieth.
        run: AttemptNumber,
        /// What had been set aside.
        grant: Usd,
        /// How it ended and what it cost.
        outcome: Outcome,
    },
    /// The plan is to be carried out.
    Approved,
    /// It is not to be carried out, or there is none: the session ends.
    Declined {
        /// Why.
        reason: String,
    },
    /// The forge is about to be changed.
    Intends {
        /// How.
        effect: PlanEffect,
    },
    /// It was, or was found so.
    Did {
        /// What.
        effect: PlanEffect,
        /// The issue that was opened.
        issue: Option<IssueNumber>,
    },
}

/// A change of the forge for a plan. Equal effects are the same change: each happens once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "effect")]
pub enum PlanEffect {
    /// The plan as a whole has an issue.
    OpenParent,
    /// The item has an issue.
    OpenItem {
        /// Its key.
        item: String,
    },
    /// The items' issues are tied to what they need, and to the plan's.
    TieItems,
}

/// How far a plan has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanProgress {
    /// Runs of the planner so far.
    pub runs: u32,
    /// The one that has not been settled.
    pub running: Option<PlannerRun>,
    /// The plan.
    pub plan: Option<Box<Plan>>,
    /// Is it to be carried out?
    pub approved: bool,
    /// Why it is not.
    pub declined: Option<String>,
    /// The plan's own issue.
    pub parent: Option<IssueNumber>,
    /// The items' issues by their keys.
    pub numbers: BTreeMap<String, IssueNumber>,
    /// Are they tied together?
    pub tied: bool,
}

/// A run of the planner that has not been settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannerRun {
    /// The how-manieth.
    pub run: AttemptNumber,
    /// What is set aside for it.
    pub grant: Usd,
    /// Its process.
    pub process: Option<ProcessIdentity>,
    /// Was its agent started since it was last known what the run cost?
    pub started: bool,
    /// What it has cost as far as that is known for sure.
    pub charge: Charge,
}

impl PlanProgress {
    /// Takes in what happened.
    pub fn apply(&mut self, fact: &Planning) {
        match fact {
            Planning::Granted { run, grant } => {
                self.runs = run.0;
                self.running = Some(PlannerRun {
                    run: *run,
                    grant: *grant,
                    ..PlannerRun::default()
                });
            }
            Planning::Spawned { process, .. } => {
                if let Some(running) = &mut self.running {
                    (running.process, running.started) = (Some(process.clone()), true);
                }
            }
            Planning::Refused { charge, .. } => {
                if let Some(running) = &mut self.running {
                    (running.charge, running.started) = (*charge, false);
                }
            }
            Planning::Checked { plan } => self.plan = Some(plan.clone()),
            Planning::Settled { .. } => self.running = None,
            Planning::Approved => self.approved = true,
            Planning::Declined { reason } => self.declined = Some(reason.clone()),
            Planning::Intends { .. } => {}
            Planning::Did { effect, issue } => self.did(effect, *issue),
        }
    }

    fn did(&mut self, effect: &PlanEffect, issue: Option<IssueNumber>) {
        match (effect, issue) {
            (PlanEffect::OpenParent, Some(issue)) => self.parent = Some(issue),
            (PlanEffect::OpenItem { item }, Some(issue)) => {
                self.numbers.insert(item.clone(), issue);
            }
            (PlanEffect::OpenParent | PlanEffect::OpenItem { .. }, None) => {}
            (PlanEffect::TieItems, _) => self.tied = true,
        }
    }

    /// Does nothing more have to be done before the items are worked on?
    #[must_use]
    pub fn is_laid_out(&self) -> bool {
        self.approved && self.tied
    }
}
