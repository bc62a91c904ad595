//! What a plan adds to its session's tally: the planner's bill, and how far it is.

use crate::rules::approvals::Patience;
use crate::rules::ids::Timestamp;
use crate::rules::money::{Charge, Usd};
use crate::rules::plan::progress::{PlanEffect, Planning};
use crate::rules::plan::shape::Plan;
use crate::rules::summary::Group;
use crate::rules::tally::Tally;
use crate::rules::task::Outcome;

/// The planner of a session, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannerTally {
    /// Runs of it so far.
    pub runs: u32,
    /// Set aside for the one that runs.
    pub granted: Usd,
    /// What all settled runs together cost.
    pub charge: Charge,
    /// Its process, while it runs.
    pub process: Option<u32>,
    /// Since when the last run has been under way, or when it was let in.
    pub since: Timestamp,
    /// The plan, once there is one.
    pub plan: Option<Box<Plan>>,
    /// Issues opened for it, its own included.
    pub opened: u64,
    /// Why it is not carried out.
    pub declined: Option<String>,
}

/// What a session that is making a plan does at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanStage {
    /// The planner works, or is about to.
    Planning,
    /// There is a plan, and nobody has said yes.
    Waiting,
    /// Its issues are being opened.
    Opening,
}

impl PlanStage {
    /// One word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Waiting => "waiting_for_approval",
            Self::Opening => "opening_issues",
        }
    }
}

impl PlannerTally {
    /// The plan's items, once there is a plan.
    #[must_use]
    pub fn items(&self) -> Option<u64> {
        self.plan.as_ref().map(|plan| plan.items.len() as u64)
    }
}

impl Tally {
    /// What it does of its plan; nothing where it makes none, or works on its issues already.
    #[must_use]
    pub fn plan_stage(&self) -> Option<PlanStage> {
        let planner = self.planner.as_ref()?;
        if self.read || planner.declined.is_some() {
            return None;
        }
        Some(match (&planner.plan, self.approved) {
            (None, _) => PlanStage::Planning,
            (Some(_), false) => PlanStage::Waiting,
            (Some(_), true) => PlanStage::Opening,
        })
    }

    /// How long a yes or no to its plan was waited for, where that is over by now.
    #[must_use]
    pub fn late_plan(&self, now: Timestamp) -> Option<Patience> {
        let patience = self.settings.as_ref()?.approvals.patience?;
        let waits = self.plan_stage() == Some(PlanStage::Waiting);
        (waits && patience.until(self.last) <= now).then_some(patience)
    }

    /// The planner's bill as a line beside those of the domains.
    #[must_use]
    pub fn planner_group(&self) -> Option<Group> {
        let planner = self.planner.as_ref().filter(|planner| planner.runs > 0)?;
        Some(Group {
            name: "planner".to_owned(),
            attempts: u64::from(planner.runs),
            cost: planner.charge.cost,
            usage: planner.charge.usage,
            ..Group::default()
        })
    }

    /// Takes in what happened on the way from a directive to issues.
    pub(in crate::rules) fn planned(&mut self, at: Timestamp, fact: &Planning) {
        let planner = self.planner.get_or_insert_default();
        match fact {
            Planning::Granted { run, grant } => {
                (planner.runs, planner.granted, planner.since) = (run.0, *grant, at);
                self.granted += *grant;
            }
            Planning::Spawned { process, .. } => planner.process = Some(process.pid),
            Planning::Refused { .. } => planner.process = None,
            Planning::Checked { plan } => planner.plan = Some(plan.clone()),
            Planning::Settled { grant, outcome, .. } => self.planner_paid(*grant, outcome),
            Planning::Approved => self.approved = true,
            Planning::Declined { reason } => planner.declined = Some(reason.clone()),
            Planning::Intends { .. } => {}
            Planning::Did { effect, .. } => match effect {
                PlanEffect::OpenParent | PlanEffect::OpenItem { .. } => planner.opened += 1,
                PlanEffect::TieItems => {}
            },
        }
    }

    fn planner_paid(&mut self, grant: Usd, outcome: &Outcome) {
        let cost = outcome.charge.cost;
        self.granted = self.granted.minus(grant);
        self.spent += cost;
        self.overshoot += cost.minus(grant);
        self.pay_model(outcome);
        if let Some(planner) = &mut self.planner {
            planner.charge = planner.charge.plus(outcome.charge);
            (planner.granted, planner.process) = (Usd::ZERO, None);
        }
    }
}
