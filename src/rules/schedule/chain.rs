//! The agents of a session in the order in which they take over, each as its provider was last heard of.

use crate::rules::breaker::{Breaker, Permit};
use crate::rules::event::Event;
use crate::rules::ids::{AgentPlace, IssueNumber, Timestamp};

/// One agent, as far as it may be asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// Its provider's breaker.
    pub breaker: Breaker,
    /// It takes nothing for a while.
    pub pause: Option<Pause>,
    /// It can do nothing as things are, and why.
    pub hopeless: Option<String>,
}

/// A time in which an agent takes nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Pause {
    /// Not before.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// Does the next one take over meanwhile, or is it worth the wait?
    pub hands_over: bool,
}

/// All agents of a session; at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain(Vec<Standing>);

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// This one's.
    Now {
        /// Which.
        agent: AgentPlace,
        /// As the one probe of its breaker?
        probe: bool,
    },
    /// Nobody's before this.
    NotBefore {
        /// When.
        until: Timestamp,
        /// Who may be asked then.
        agent: AgentPlace,
    },
    /// Nobody's before this probe has ended.
    AfterProbe(IssueNumber),
    /// Nobody's: none of them can do anything as things are.
    Never,
}

impl Default for Chain {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Chain {
    /// So many agents, of which nothing is known yet.
    #[must_use]
    pub fn new(agents: usize) -> Self {
        Self(vec![Standing::default(); agents.max(1)])
    }

    /// One of them; the first where there are not so many.
    #[must_use]
    pub fn at(&self, agent: AgentPlace) -> &Standing {
        self.0.get(usize::from(agent.0)).unwrap_or(&self.0[0])
    }

    pub(super) fn at_mut(&mut self, agent: AgentPlace) -> Option<&mut Standing> {
        self.0.get_mut(usize::from(agent.0))
    }

    /// All of them.
    pub fn standings(&self) -> impl Iterator<Item = (AgentPlace, &Standing)> {
        (0..).map(AgentPlace).zip(&self.0)
    }

    /// Takes in what an event says of one of them.
    pub(super) fn apply(&mut self, event: &Event) {
        if let Event::DispatchStopped { agent, reason } = event {
            let meant = self.standings_mut();
            let meant = meant.filter(|(place, _)| agent.is_none_or(|agent| agent == *place));
            meant.for_each(|(_, one)| one.hopeless = Some(reason.clone()));
            return;
        }
        let (Event::DispatchPaused { agent, .. }
        | Event::BreakerOpened { agent, .. }
        | Event::BreakerClosed { agent }) = event
        else {
            return;
        };
        let Some(one) = self.at_mut(*agent) else {
            return;
        };
        match event {
            Event::DispatchPaused {
                until,
                reason,
                hands_over,
                ..
            } => {
                one.pause = Some(Pause {
                    until: *until,
                    reason: reason.clone(),
                    hands_over: *hands_over,
                });
            }
            Event::BreakerOpened { until, .. } => one.breaker = Breaker::Open { until: *until },
            _ => one.breaker = Breaker::default(),
        }
    }

    fn standings_mut(&mut self) -> impl Iterator<Item = (AgentPlace, &mut Standing)> {
        (0..).map(AgentPlace).zip(&mut self.0)
    }

    /// What hopelessness there was may be over.
    pub(super) fn hope_again(&mut self) {
        self.0.iter_mut().for_each(|one| one.hopeless = None);
    }

    /// A person says that all may be asked again.
    pub(super) fn reset(&mut self) {
        for one in &mut self.0 {
            (one.breaker, one.pause) = (Breaker::default(), None);
        }
    }

    /// Why none of them can do anything, where that is so.
    #[must_use]
    pub fn hopeless(&self) -> Option<&str> {
        let all = self.0.iter().all(|one| one.hopeless.is_some());
        self.0[0].hopeless.as_deref().filter(|_| all)
    }

    /// Is none of them asked at this moment, because of limits?
    #[must_use]
    pub fn is_paused(&self, now: Timestamp) -> bool {
        let paused = |one: &Standing| one.pause.as_ref().is_some_and(|it| it.until > now);
        let hopeless = |one: &Standing| one.hopeless.is_some();
        self.0.iter().any(paused) && self.0.iter().all(|one| paused(one) || hopeless(one))
    }

    /// When time alone lets one of them be asked again.
    #[must_use]
    pub fn next_wake(&self, now: Timestamp) -> Option<Timestamp> {
        let waits = self.0.iter().flat_map(|one| {
            let pause = one.pause.as_ref().map(|pause| pause.until);
            [pause, one.open_until()]
        });
        waits.flatten().filter(|until| *until > now).min()
    }

    /// The one that takes a task over which this one could not do.
    #[must_use]
    pub fn after(&self, agent: AgentPlace) -> Option<AgentPlace> {
        let mut later = self.standings().filter(|(place, _)| *place > agent);
        let found = later.find(|(_, one)| one.hopeless.is_none());
        found.map(|(place, _)| place)
    }

    /// Whose turn it is at a task that is this one's, or of one after it. Those before it have failed at the task: it is
    /// theirs again only where nobody else is left.
    #[must_use]
    pub fn turn(&self, from: AgentPlace, now: Timestamp) -> Turn {
        self.turn_without(from, None, now)
    }

    /// The same without one of them.
    #[must_use]
    pub fn turn_without(
        &self,
        from: AgentPlace,
        without: Option<AgentPlace>,
        now: Timestamp,
    ) -> Turn {
        let able = |(place, one): &(AgentPlace, &Standing)| {
            one.hopeless.is_none() && Some(*place) != without
        };
        let mut able: Vec<_> = self.standings().filter(able).collect();
        if able.iter().any(|(place, _)| *place >= from) {
            able.retain(|(place, _)| *place >= from);
        }
        let mut wait = Turn::Never;
        for (agent, one) in able {
            match one.permit(now) {
                Permit::Free => {
                    return Turn::Now {
                        agent,
                        probe: false,
                    };
                }
                Permit::Probe => return Turn::Now { agent, probe: true },
                Permit::NotBefore(until) => {
                    wait = sooner(wait, Turn::NotBefore { until, agent });
                    if one.is_worth_waiting(now) {
                        break;
                    }
                }
                Permit::AfterProbe(issue) => wait = sooner(wait, Turn::AfterProbe(issue)),
            }
        }
        wait
    }
}

impl Standing {
    /// May it be asked for one more attempt?
    fn permit(&self, now: Timestamp) -> Permit {
        match &self.pause {
            Some(pause) if pause.until > now => Permit::NotBefore(pause.until),
            Some(_) | None => self.breaker.permit(now),
        }
    }

    /// Is its breaker not closed?
    pub(super) fn is_open(&self) -> bool {
        matches!(
            self.breaker,
            Breaker::Open { .. } | Breaker::HalfOpen { .. }
        )
    }

    fn is_worth_waiting(&self, now: Timestamp) -> bool {
        let pause = self.pause.as_ref().filter(|pause| pause.until > now);
        pause.is_some_and(|pause| !pause.hands_over)
    }

    fn open_until(&self) -> Option<Timestamp> {
        match self.breaker {
            Breaker::Open { until } => Some(until),
            Breaker::Closed { .. } | Breaker::HalfOpen { .. } => None,
        }
    }
}

/// Of two reasons to wait the one that is over first; nobody knows how long a probe takes.
fn sooner(one: Turn, other: Turn) -> Turn {
    match (one, other) {
        (Turn::NotBefore { until, .. }, Turn::NotBefore { until: later, .. }) if until <= later => {
            one
        }
        (Turn::NotBefore { .. } | Turn::AfterProbe(_), Turn::AfterProbe(_) | Turn::Never) => one,
        (_, other) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);
    const LATER: Timestamp = Timestamp(9_000);
    const FIRST: AgentPlace = AgentPlace(0);
    const SECOND: AgentPlace = AgentPlace(1);

    fn chain(first: Standing, second: Standing) -> Chain {
        Chain(vec![first, second])
    }

    fn paused(until: Timestamp, hands_over: bool) -> Standing {
        Standing {
            pause: Some(Pause {
                until,
                reason: "a limit".to_owned(),
                hands_over,
            }),
            ..Standing::default()
        }
    }

    fn hopeless() -> Standing {
        Standing {
            hopeless: Some("no such key".to_owned()),
            ..Standing::default()
        }
    }

    fn now(agent: AgentPlace) -> Turn {
        Turn::Now {
            agent,
            probe: false,
        }
    }

    #[test]
    fn a_long_limit_is_bridged_and_a_short_one_waited_out() {
        let free = Standing::default;
        let turn = |first, second| chain(first, second).turn(FIRST, NOW);
        assert_eq!(turn(free(), free()), now(FIRST));
        assert_eq!(turn(paused(LATER, true), free()), now(SECOND));
        assert_eq!(turn(paused(NOW, true), free()), now(FIRST), "it is over");
        let wait = |until, agent| Turn::NotBefore { until, agent };
        assert_eq!(turn(paused(LATER, false), free()), wait(LATER, FIRST));
        let sooner = paused(Timestamp(5_000), true);
        assert_eq!(
            turn(paused(LATER, true), sooner),
            wait(Timestamp(5_000), SECOND)
        );
    }

    #[test]
    fn an_open_breaker_is_bridged_and_probed() {
        let open = |until| Standing {
            breaker: Breaker::Open { until },
            ..Standing::default()
        };
        let turn = |first| chain(first, Standing::default()).turn(FIRST, NOW);
        assert_eq!(turn(open(LATER)), now(SECOND));
        let probe = Turn::Now {
            agent: FIRST,
            probe: true,
        };
        assert_eq!(turn(open(NOW)), probe);
        let probed = Standing {
            breaker: Breaker::HalfOpen {
                probe: IssueNumber(7),
            },
            ..Standing::default()
        };
        assert_eq!(turn(probed.clone()), now(SECOND));
        let alone = Chain(vec![probed]).turn(FIRST, NOW);
        assert_eq!(alone, Turn::AfterProbe(IssueNumber(7)));
    }

    #[test]
    fn what_one_failed_at_is_its_again_only_where_nobody_is_left() {
        let free = Standing::default;
        assert_eq!(chain(free(), free()).turn(SECOND, NOW), now(SECOND));
        assert_eq!(chain(free(), hopeless()).turn(SECOND, NOW), now(FIRST));
        assert_eq!(chain(free(), free()).after(FIRST), Some(SECOND));
        assert_eq!(chain(free(), hopeless()).after(FIRST), None);
        let none = chain(hopeless(), hopeless());
        assert_eq!(none.turn(FIRST, NOW), Turn::Never);
        assert_eq!(none.hopeless(), Some("no such key"));
        assert_eq!(chain(hopeless(), free()).hopeless(), None);
    }
}
