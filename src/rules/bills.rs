//! What the end of an attempt adds to the sums of a session.

use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::money::{Charge, Usd};
use crate::rules::tally::{Standing, Tally};
use crate::rules::task::{Attempted, Outcome};

impl Tally {
    pub(super) fn settled(
        &mut self,
        at: Timestamp,
        issue: IssueNumber,
        grant: Usd,
        outcome: &Outcome,
    ) {
        let cost = outcome.charge.cost;
        self.forget_brewing(issue);
        self.granted = self.granted.minus(grant);
        self.spent += cost;
        self.overshoot += cost.minus(grant);
        let failure = match &outcome.result {
            Attempted::Failed(failure) => Some(failure),
            Attempted::Published
            | Attempted::Unchanged { .. }
            | Attempted::NeedsHuman { .. }
            | Attempted::Withdrawn { .. }
            | Attempted::Asked { .. }
            | Attempted::Stopped
            | Attempted::Lost => None,
        };
        if failure.is_some() {
            self.failed += cost;
        }
        let model = self.pay_model(outcome);
        let Some(task) = self.tasks.get_mut(&issue) else {
            return;
        };
        task.charge = task.charge.plus(outcome.charge);
        task.granted = Usd::ZERO;
        task.process = None;
        task.worked.stop(at);
        task.failure = failure.cloned();
        if model.is_some() {
            task.model = model;
        }
        self.set(issue, Standing::Waiting);
    }

    /// Who gets the bill, where there is one.
    pub(super) fn pay_model(&mut self, outcome: &Outcome) -> Option<String> {
        if outcome.model.is_none() && outcome.charge == Charge::default() {
            return None;
        }
        let name = self.model_of(outcome);
        let model = self.models.entry(name.clone()).or_default();
        model.attempts += 1;
        model.cost += outcome.charge.cost;
        model.usage = model.usage + outcome.charge.usage;
        Some(name)
    }

    /// The model that the agent named, else the one that was asked for, else the agent itself.
    fn model_of(&self, outcome: &Outcome) -> String {
        let settings = self.settings.as_ref();
        let asked = || settings.and_then(|settings| settings.model.clone());
        let agent = || settings.map(|settings| settings.agent.clone());
        let named = outcome.model.clone().or_else(asked).or_else(agent);
        named.unwrap_or_default()
    }
}
