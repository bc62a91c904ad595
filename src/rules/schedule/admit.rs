//! Who may start now? Asks slots, conflicts, breaker and budget, then claims slot, probe and money together.

use crate::rules::budget::Refusal;
use crate::rules::event::Event;
use crate::rules::ids::{AgentPlace, AttemptNumber, SlotNumber, Timestamp};
use crate::rules::money::Usd;
use crate::rules::schedule::chain::Turn;
use crate::rules::schedule::session::Session;
use crate::rules::task::{Ending, ErrorClass, Failure, Start};
use std::sync::Arc;

/// How long one waits for a probe that others need not wait for.
const LOOK_AGAIN_MILLIS: u64 = 60_000;

impl Session {
    /// What happens to the first that may be let in: it is let in, held back, or ends for want of money.
    pub(super) fn admission(&self, now: Timestamp) -> Option<Event> {
        let slot = *self.slots.first().filter(|_| self.has_slot())?;
        let place = self.next_ready()?;
        let entry = self.table.at(place);
        let issue = entry.number;
        if let Some(why) = &entry.unwanted {
            return Some(self.left(place, why));
        }
        if let Some(blocker) = self.locks.blocker(place) {
            let by = self.table.at(blocker.task).number;
            return Some(Event::Held {
                issue,
                by,
                over: Arc::clone(blocker.over),
            });
        }
        if !entry.start.is_paid() {
            let whose = (entry.record.agent, false);
            return Some(self.admitted(place, slot, Usd::ZERO, whose));
        }
        let (agent, probe) = match self.chain.turn(entry.agent, now) {
            Turn::Now { agent, probe } => (agent, probe),
            Turn::NotBefore { .. } | Turn::AfterProbe(_) | Turn::Never => {
                return self.stands_aside(place, now);
            }
        };
        let (want, least) = self.prices(agent);
        match self.budget.reserve(want, least, now) {
            Ok(grant) => Some(self.admitted(place, slot, grant, (agent, probe))),
            Err(Refusal::Waits { .. }) => None,
            Err(Refusal::Exhausted { short_by, daily }) => {
                let ceiling = if daily {
                    "the daily ceiling"
                } else {
                    "the budget"
                };
                let reason = format!("{ceiling} is short by {short_by} for one more attempt");
                if self.is_reworked(place) {
                    return Some(self.give_up(place, &reason));
                }
                let reason = Some(reason);
                Some(Event::TaskEnded {
                    issue,
                    ending: Ending::Budget,
                    reason,
                })
            }
        }
    }

    /// What an attempt wants, and the least it can do with: its cap, or P90 of history, each with the slack.
    pub(super) fn prices(&self, agent: AgentPlace) -> (Usd, Usd) {
        let settings = self.settings();
        let slack = settings.slack_of(agent, self.budget.dearest());
        let want = settings.cap_of(agent) + slack;
        (
            want,
            settings
                .typical
                .map_or(want, |typical| (typical + slack).min(want)),
        )
    }

    /// Nobody may be asked for it now. Where that is so because others have failed at it, those after it need not wait.
    fn stands_aside(&self, place: usize, now: Timestamp) -> Option<Event> {
        let entry = self.table.at(place);
        if !matches!(
            self.chain.turn(AgentPlace::default(), now),
            Turn::Now { .. }
        ) {
            return None;
        }
        let (until, agent) = match self.chain.turn(entry.agent, now) {
            Turn::NotBefore { until, agent } => (until, agent),
            Turn::AfterProbe(_) => (now.plus_millis(LOOK_AGAIN_MILLIS), entry.agent),
            Turn::Now { .. } | Turn::Never => return None,
        };
        let pause = self.chain.at(agent).pause.as_ref();
        let reason = pause.map_or("the breaker", |pause| &pause.reason);
        Some(Event::Parked {
            issue: entry.number,
            until,
            failure: Failure::new(ErrorClass::UsageLimit, reason),
            start: entry.start.clone(),
        })
    }

    fn admitted(
        &self,
        place: usize,
        slot: SlotNumber,
        grant: Usd,
        (agent, probe): (AgentPlace, bool),
    ) -> Event {
        let entry = self.table.at(place);
        let mut start = entry.start.clone();
        if let Start::Snapshot { conversation, .. } = &mut start
            && entry.record.agent != agent
        {
            // It knows nothing of what another one was told.
            *conversation = None;
        }
        Event::Admitted {
            issue: entry.number,
            attempt: AttemptNumber(entry.attempts + 1),
            slot,
            grant,
            probe,
            branch: entry.branch.clone(),
            start,
            agent,
            // What files were made on stays; only who starts anew starts from what is there now.
            below: match &entry.start {
                Start::Base => self.below(place),
                Start::Joined
                | Start::Snapshot { .. }
                | Start::Captured { .. }
                | Start::Verified => entry.record.below.clone(),
            },
        }
    }
}
