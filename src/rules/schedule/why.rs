//! What does a task wait for?

use crate::rules::breaker::Permit;
use crate::rules::budget::Refusal;
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::money::Usd;
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::State;

/// What a task waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Others have to be done first.
    Needs(Vec<IssueNumber>),
    /// It would collide with one that runs.
    Conflict {
        /// Which.
        by: IssueNumber,
        /// Over what.
        over: String,
    },
    /// Its next attempt is not due yet.
    Retry(Timestamp),
    /// A limit ends then.
    Limit(Timestamp),
    /// The breaker is open until then.
    Breaker(Timestamp),
    /// The breaker lets nobody in until this probe has ended.
    Probe(IssueNumber),
    /// Money that is set aside has to come back first; so much is missing.
    Money(Usd),
    /// All slots are taken, or others go first.
    Slot,
}

impl Session {
    /// What it waits for; `None` if it runs, has ended, or is not one of the session.
    #[must_use]
    pub fn why(&self, issue: IssueNumber, now: Timestamp) -> Option<Wait> {
        let place = self.table.place(issue)?;
        match &self.table.at(place).state {
            State::Running(_) | State::Ended { .. } => None,
            State::Waiting { .. } => {
                let open = self.graph.needs(place).map(|need| self.table.at(need));
                let open = open
                    .filter(|need| need.ending().is_none())
                    .map(|need| need.task.number());
                Some(Wait::Needs(open.collect()))
            }
            State::Held { by, over } => Some(Wait::Conflict {
                by: *by,
                over: over.clone(),
            }),
            State::Retrying { until } => Some(Wait::Retry(*until)),
            State::Parked { until } => Some(Wait::Limit(*until)),
            State::Ready => Some(self.why_ready(now)),
        }
    }

    fn why_ready(&self, now: Timestamp) -> Wait {
        if self.slots.is_empty() {
            return Wait::Slot;
        }
        match self.permit(now) {
            Permit::NotBefore(until)
                if self
                    .paused
                    .as_ref()
                    .is_some_and(|(paused, _)| *paused == until) =>
            {
                Wait::Limit(until)
            }
            Permit::NotBefore(until) => Wait::Breaker(until),
            Permit::AfterProbe(probe) => Wait::Probe(probe),
            Permit::Free | Permit::Probe => {
                let (want, least) = self.prices();
                match self.budget.reserve(want, least, now) {
                    Err(Refusal::Waits { short_by }) => Wait::Money(short_by),
                    Err(Refusal::Exhausted { .. }) | Ok(_) => Wait::Slot,
                }
            }
        }
    }
}
