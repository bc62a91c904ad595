//! What keeps agents out for a while or for good, folded into a session's tally.

use crate::rules::event::Event;
use crate::rules::ids::{AgentPlace, Timestamp};
use crate::rules::tally::{Breaker, Pause, Tally};

impl Tally {
    pub(super) fn of_agents(&mut self, event: &Event) {
        match event {
            Event::DispatchPaused { until, reason, .. } => self.paused(*until, reason),
            Event::BreakerOpened { .. } => self.breaker_opened(event),
            Event::DispatchStopped { agent, reason } => self.gave_up(*agent, reason),
            _ => self.breaker = Breaker::Closed,
        }
    }

    fn paused(&mut self, until: Timestamp, reason: &str) {
        let reason = reason.to_owned();
        self.pause = Some(Pause { until, reason });
    }

    /// Nobody is let in once no agent is left.
    fn gave_up(&mut self, agent: Option<AgentPlace>, reason: &str) {
        self.given_up.extend(agent);
        let agents = self.settings.as_ref().map_or(1, |it| it.agents().count());
        if agent.is_none() || self.given_up.len() >= agents {
            self.stopped_because = Some(reason.to_owned());
        }
    }

    fn breaker_opened(&mut self, event: &Event) {
        if let Event::BreakerOpened {
            until,
            failures,
            reason,
            ..
        } = event
        {
            self.breaker = Breaker::Open {
                until: *until,
                failures: *failures,
                reason: reason.clone(),
            };
        }
    }
}
