//! An agent cannot go on: does its task wait for it, or is there another one in the chain?

use crate::rules::budget::Refusal;
use crate::rules::event::Event;
use crate::rules::ids::{AgentPlace, Timestamp};
use crate::rules::schedule::chain::Turn;
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::{Entry, Run};
use crate::rules::schedule::why::Wait;
use crate::rules::task::{ErrorClass, Failure, Stage, Start};

/// A limit that is over within this is waited out: who knows the task goes on with it.
const WORTH_WAITING_MILLIS: u64 = 300_000;

impl Session {
    /// Its agent met a limit, which is no failure: another agent takes over at once, or it waits.
    pub(super) fn limited(
        &self,
        (entry, run): (&Entry, &Run),
        (failure, until): (&Failure, Timestamp),
        start: Start,
        now: Timestamp,
        events: &mut Vec<Event>,
    ) {
        let (issue, agent) = (entry.number, run.agent);
        let is_long = now.plus_millis(WORTH_WAITING_MILLIS) < until;
        let hands_over = failure.class == ErrorClass::UsageLimit || is_long;
        let others = || self.chain.turn_without(entry.agent, Some(agent), now);
        let next = if hands_over { others() } else { Turn::Never };
        events.push(match next {
            Turn::Now { .. } => Event::Requeued { issue, start },
            Turn::NotBefore { .. } | Turn::AfterProbe(_) | Turn::Never => Event::Parked {
                issue,
                until: sooner(until, next),
                failure: failure.clone(),
                start,
            },
        });
        let known = self.chain.at(agent).pause.as_ref();
        if known.is_none_or(|known| known.until < until) {
            events.push(Event::DispatchPaused {
                agent,
                hands_over,
                until,
                reason: self.said_by(agent, &failure.message),
            });
            if !matches!(next, Turn::Now { .. }) {
                events.extend(self.after_limit(until, now));
            }
        }
    }

    /// Nothing that this agent does can succeed as things are.
    pub(super) fn despair(&self, run: &Run, failure: &Failure, events: &mut Vec<Event>) {
        let reason = format!("{}: {}", failure.class.words(), failure.message);
        // What the forge refuses, it refuses whoever made it.
        let is_forge = run.stage == Stage::Publish;
        if is_forge || self.settings().fallback.is_empty() {
            if self.chain.hopeless().is_none() {
                let agent = None;
                events.push(Event::DispatchStopped { agent, reason });
            }
        } else if self.chain.at(run.agent).hopeless.is_none() {
            events.push(Event::DispatchStopped {
                agent: Some(run.agent),
                reason: self.said_by(run.agent, &reason),
            });
        }
    }

    /// The agent that tries what this one could not do.
    pub(super) fn successor(&self, run: &Run, class: ErrorClass) -> Option<AgentPlace> {
        self.chain.after(run.agent).filter(|_| is_its_own(class))
    }

    /// Where there are several, it is told which one said it.
    pub(super) fn said_by(&self, agent: AgentPlace, words: &str) -> String {
        let settings = self.settings();
        if settings.fallback.is_empty() {
            return words.to_owned();
        }
        format!("{}: {words}", settings.agent_at(agent))
    }

    /// What keeps everybody out.
    pub(super) fn closed_doors(&self, entry: &Entry, now: Timestamp) -> Option<Wait> {
        if !entry.start.is_paid() {
            return None;
        }
        let agent = match self.chain.turn(entry.agent, now) {
            Turn::NotBefore { until, agent } => {
                let pause = self.chain.at(agent).pause.as_ref();
                let pause = pause.filter(|pause| pause.until == until);
                let reason = pause.map_or("the breaker", |pause| &pause.reason);
                return Some(Wait::Time {
                    until,
                    reason: reason.to_owned(),
                });
            }
            Turn::AfterProbe(issue) => return Some(Wait::Probe { issue }),
            Turn::Never => entry.agent,
            Turn::Now { agent, .. } => agent,
        };
        let (want, least) = self.prices(agent);
        match self.budget.reserve(want, least, now) {
            Err(Refusal::Waits { short_by } | Refusal::Exhausted { short_by, .. }) => {
                Some(Wait::Money { short_by })
            }
            Ok(_) => None,
        }
    }
}

/// One that is limited as well may be free before.
fn sooner(until: Timestamp, other: Turn) -> Timestamp {
    match other {
        Turn::NotBefore { until: other, .. } => until.min(other),
        Turn::Now { .. } | Turn::AfterProbe(_) | Turn::Never => until,
    }
}

/// Did an agent fail where another one may do better?
fn is_its_own(class: ErrorClass) -> bool {
    match class {
        ErrorClass::RateLimit
        | ErrorClass::UsageLimit
        | ErrorClass::Overloaded
        | ErrorClass::Timeout
        | ErrorClass::Stalled
        | ErrorClass::Crash
        | ErrorClass::Network
        | ErrorClass::Auth
        | ErrorClass::Billing
        | ErrorClass::TurnLimit
        | ErrorClass::Refusal
        | ErrorClass::ContextTooLong
        | ErrorClass::ModelNotFound
        | ErrorClass::ConversationLost
        | ErrorClass::PermissionDenied
        | ErrorClass::CheckFailed => true,
        ErrorClass::Validation
        | ErrorClass::Budget
        | ErrorClass::Conflict
        | ErrorClass::Setup
        | ErrorClass::Workspace
        | ErrorClass::Publish => false,
    }
}
