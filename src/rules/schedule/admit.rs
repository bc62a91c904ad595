//! Who may start now? Asks slots, conflicts, breaker and budget, then claims slot, probe and money together.

use crate::rules::breaker::Permit;
use crate::rules::budget::Refusal;
use crate::rules::event::Event;
use crate::rules::ids::{AttemptNumber, SlotNumber, Timestamp};
use crate::rules::money::Usd;
use crate::rules::schedule::session::Session;
use crate::rules::task::{Ending, Start};
use std::sync::Arc;

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
            return Some(self.admitted(place, slot, Usd::ZERO, false));
        }
        let probe = match self.permit(now) {
            Permit::Free => false,
            Permit::Probe => true,
            Permit::NotBefore(_) | Permit::AfterProbe(_) => return None,
        };
        let (want, least) = self.prices();
        match self.budget.reserve(want, least, now) {
            Ok(grant) => Some(self.admitted(place, slot, grant, probe)),
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
    pub(super) fn prices(&self) -> (Usd, Usd) {
        let settings = self.settings();
        let slack = settings.slack(self.budget.dearest());
        let want = settings.cap + slack;
        (
            want,
            settings
                .typical
                .map_or(want, |typical| (typical + slack).min(want)),
        )
    }

    fn admitted(&self, place: usize, slot: SlotNumber, grant: Usd, probe: bool) -> Event {
        let entry = self.table.at(place);
        Event::Admitted {
            issue: entry.number,
            attempt: AttemptNumber(entry.attempts + 1),
            slot,
            grant,
            probe,
            branch: entry.branch.clone(),
            start: entry.start.clone(),
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
