//! An attempt ended: what becomes of its task?

use crate::rules::approvals::{REMINDER, REQUEST};
use crate::rules::breaker::Breaker;
use crate::rules::event::{Consent, Effect, Event};
use crate::rules::follow::shape::FollowUp;
use crate::rules::ids::{AgentPlace, AttemptNumber, IssueNumber, Timestamp};
use crate::rules::offer::comment::Stand;
use crate::rules::prompt::question::MOST_QUESTIONS;
use crate::rules::retry::{self, Next, Tries};
use crate::rules::schedule::record::Record;
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::{Approval, Entry, Run, Unwanted};
use crate::rules::settings::{Settings, StateLabels};
use crate::rules::task::{Attempted, Ending, ErrorClass, Failure, Outcome, Stage, Start};

impl Session {
    pub(super) fn finished(
        &self,
        (issue, attempt): (IssueNumber, AttemptNumber),
        outcome: &Outcome,
        dice: u32,
        now: Timestamp,
        events: &mut Vec<Event>,
    ) {
        let Some(place) = self.table.place(issue) else {
            return;
        };
        let entry = self.table.at(place);
        let Some(run) = entry.run().filter(|run| run.attempt == attempt) else {
            return;
        };
        events.push(Event::Settled {
            issue,
            attempt,
            grant: run.grant,
            outcome: outcome.clone(),
        });
        let end = |ending, reason| Event::TaskEnded {
            issue,
            ending,
            reason,
        };
        if run.probe && tells_of_provider(&outcome.result) {
            events.push(Event::BreakerClosed { agent: run.agent });
        }
        match &outcome.result {
            Attempted::Published => events.push(end(Ending::Completed, None)),
            Attempted::Unchanged { .. }
            | Attempted::NeedsHuman { .. }
            | Attempted::Asked { .. }
                if is_elsewhere(entry) =>
            {
                events.extend(entry.unwanted.as_ref().map(|why| self.left(place, why)));
            }
            Attempted::Unchanged { .. }
            | Attempted::NeedsHuman { .. }
            | Attempted::Asked { .. }
                if self.is_reworked(place) =>
            {
                events.push(self.give_up(place, "bringing it onto that came to nothing"));
            }
            Attempted::Unchanged { said } => events.push(end(Ending::NoChange, Some(said.clone()))),
            Attempted::Withdrawn { reason } => events.push(self.withdrawn(place, reason)),
            Attempted::NeedsHuman { reason } => {
                events.push(end(Ending::NeedsHuman, Some(reason.clone())));
            }
            Attempted::Asked { question } => events.push(asked(entry, question)),
            Attempted::Stopped | Attempted::Lost => {
                let unwanted = entry.unwanted.as_ref();
                let end = unwanted.filter(|_| outcome.result == Attempted::Stopped);
                let requeued = || Event::Requeued {
                    issue,
                    start: after_interruption(entry),
                };
                events.push(end.map_or_else(requeued, |why| self.left(place, why)));
            }
            Attempted::Failed(failure) => {
                self.provider_failed((issue, run.agent), failure, now, events);
                self.task_failed((entry, run), failure, dice, now, events);
            }
        }
    }

    /// What was offered before stays.
    fn withdrawn(&self, place: usize, reason: &str) -> Event {
        if self.is_reworked(place) {
            return self.give_up(place, reason);
        }
        Event::TaskEnded {
            issue: self.table.at(place).number,
            ending: Ending::Skipped,
            reason: Some(reason.to_owned()),
        }
    }

    fn provider_failed(
        &self,
        (issue, agent): (IssueNumber, AgentPlace),
        failure: &Failure,
        now: Timestamp,
        events: &mut Vec<Event>,
    ) {
        let settings = self.settings();
        let breaker = self.chain.at(agent).breaker;
        let is_probe = match breaker {
            Breaker::HalfOpen { probe } if probe == issue => true,
            // It began before; what the provider does now, the probe tells.
            Breaker::HalfOpen { .. } => return,
            Breaker::Closed { .. } | Breaker::Open { .. } => false,
        };
        if let Some(failures) = breaker.would_open(failure.class, settings.breaker_failures) {
            let until = now.plus_millis(settings.breaker_cooldown_millis);
            events.push(Event::BreakerOpened {
                agent,
                until,
                failures,
                reason: self.said_by(agent, &failure.message),
            });
        } else if is_probe {
            // It failed for reasons of its own: the provider answered.
            events.push(Event::BreakerClosed { agent });
        }
    }

    fn task_failed(
        &self,
        (entry, run): (&Entry, &Run),
        failure: &Failure,
        dice: u32,
        now: Timestamp,
        events: &mut Vec<Event>,
    ) {
        let issue = entry.number;
        let tries = Tries {
            failures: entry.failures,
            limits: entry.limits,
            max_retries: self.settings().max_retries,
        };
        let failed = || {
            let reason = Some(format!("{}: {}", failure.class.words(), failure.message));
            Event::TaskEnded {
                issue,
                ending: Ending::Failed,
                reason,
            }
        };
        let start = start_again(entry, failure);
        let next = if entry.cramped && failure.class == ErrorClass::ContextTooLong {
            // It was told less already.
            Next::Never
        } else {
            retry::after(failure, tries, dice, now)
        };
        if let Some(given_up) = self.rework_failed(entry, failure, &next) {
            events.push(given_up);
            return;
        }
        if let (Some(why), Some(place)) = (&entry.unwanted, self.table.place(issue)) {
            events.push(self.left(place, why));
            return;
        }
        let follow = entry.task.follow_up.as_deref();
        if start.is_paid() && follow.is_some_and(|follow| !follow.may_pay) {
            events.push(failed());
            return;
        }
        match next {
            Next::Again(until) => events.push(Event::RetryScheduled {
                issue,
                until,
                failure: failure.clone(),
                start,
                agent: entry.agent,
            }),
            Next::Later(until) => self.limited((entry, run), (failure, until), start, now, events),
            Next::Never => events.push(match self.successor(run, failure.class) {
                Some(agent) => Event::RetryScheduled {
                    issue,
                    until: now,
                    failure: failure.clone(),
                    start,
                    agent,
                },
                None => failed(),
            }),
            Next::Hopeless => {
                events.push(Event::Requeued { issue, start });
                self.despair(run, failure, events);
            }
        }
    }
}

/// Did the provider do its part?
fn tells_of_provider(result: &Attempted) -> bool {
    !matches!(
        result,
        Attempted::Failed(_) | Attempted::Withdrawn { .. } | Attempted::Stopped | Attempted::Lost
    )
}

/// It waits for an answer, unless it has asked too often.
fn asked(entry: &Entry, question: &str) -> Event {
    let (issue, question) = (entry.number, question.to_owned());
    let before = entry.exchange.as_ref().map_or(0, |exchange| exchange.times);
    if before >= MOST_QUESTIONS {
        return Event::TaskEnded {
            issue,
            ending: Ending::NeedsHuman,
            reason: Some(format!(
                "it asked more than {MOST_QUESTIONS} times: {question}"
            )),
        };
    }
    let consent = Consent::Asked { question };
    Event::Consent { issue, consent }
}

/// Does another session work on the issue by now?
#[must_use]
pub fn is_elsewhere(entry: &Entry) -> bool {
    matches!(entry.unwanted, Some(Unwanted::Elsewhere(_)))
}

/// Nothing went wrong with the work itself: go on where it was.
pub(super) fn after_interruption(entry: &Entry) -> Start {
    let is_preparing = |run: &Run| run.stage == Stage::Prepare;
    let is_unpaid = entry.start == Start::Joined && !entry.record.verified;
    if is_unpaid || entry.run().is_some_and(is_preparing) {
        return entry.start.clone();
    }
    go_on(&entry.record)
}

fn go_on(record: &Record) -> Start {
    if record.verified {
        return Start::Verified;
    }
    match &record.snapshot {
        Some(snapshot) if record.agent_done && record.captured => Start::Captured {
            snapshot: snapshot.clone(),
        },
        Some(_) | None => continue_from(record, None),
    }
}

/// Merging the base in was free, and is so again; only what an agent can mend is paid for.
fn start_again(entry: &Entry, failure: &Failure) -> Start {
    let needs_agent = matches!(
        failure.class,
        ErrorClass::CheckFailed | ErrorClass::Conflict
    );
    if entry.start == Start::Joined && !needs_agent && !entry.record.verified {
        return Start::Joined;
    }
    after_failure(&entry.record, failure)
}

fn after_failure(record: &Record, failure: &Failure) -> Start {
    match failure.class {
        ErrorClass::Conflict => Start::Base,
        // Refused while publishing: the work itself is paid for and good.
        ErrorClass::Publish | ErrorClass::Auth if record.verified => Start::Verified,
        ErrorClass::ConversationLost => afresh(record, None),
        // What was said is too much; what was done is paid for.
        ErrorClass::ContextTooLong => afresh(record, Some(failure.message.clone())),
        ErrorClass::RateLimit | ErrorClass::UsageLimit => continue_from(record, None),
        // Git or the disk failed, and no agent can mend that: what one has done is not paid again.
        ErrorClass::Workspace if record.verified || (record.agent_done && record.captured) => {
            go_on(record)
        }
        ErrorClass::Validation
        | ErrorClass::Overloaded
        | ErrorClass::Timeout
        | ErrorClass::Stalled
        | ErrorClass::Crash
        | ErrorClass::Network
        | ErrorClass::Auth
        | ErrorClass::Billing
        | ErrorClass::Budget
        | ErrorClass::TurnLimit
        | ErrorClass::Refusal
        | ErrorClass::ModelNotFound
        | ErrorClass::PermissionDenied
        | ErrorClass::CheckFailed
        | ErrorClass::Setup
        | ErrorClass::Workspace
        | ErrorClass::Publish => continue_from(record, Some(failure.message.clone())),
    }
}

/// The files, and nothing of the conversation about them.
fn afresh(record: &Record, feedback: Option<String>) -> Start {
    let fresh = Record {
        conversation: None,
        ..record.clone()
    };
    continue_from(&fresh, feedback)
}

pub(super) fn continue_from(record: &Record, feedback: Option<String>) -> Start {
    match &record.snapshot {
        Some(snapshot) => Start::Snapshot {
            snapshot: snapshot.clone(),
            conversation: record.conversation.clone(),
            feedback,
        },
        None => Start::Base,
    }
}

/// Is there anything to tell on the forge of how a task ended?
pub(super) fn announces(entry: &Entry, settings: &Settings) -> bool {
    if let Some(follow) = &entry.task.follow_up {
        return answers(entry, follow).next().is_some();
    }
    if is_elsewhere(entry) {
        return leaving(entry).is_some();
    }
    // Hardly ever does it take more than the first question.
    if entry.ending() == Some(Ending::Completed) && entry.record.pull.is_some() {
        return true;
    }
    let own = entry
        .ending()
        .and_then(|ending| own_label(entry, &settings.labels, ending));
    own.is_some_and(|label| !label.is_empty()) || telling(entry, settings).next().is_some()
}

/// The label and the comment that tell on the forge how a task ended; of a follow-up the answers to what was said.
#[must_use]
pub fn announcements(entry: &Entry, settings: &Settings) -> Vec<Effect> {
    match &entry.task.follow_up {
        Some(follow) => answers(entry, follow).collect(),
        None if is_elsewhere(entry) => leaving(entry).into_iter().collect(),
        None => telling(entry, settings)
            .chain(asking(entry, settings))
            .collect(),
    }
}

/// What shows on the issue is the other session's by now; only our own comment must not say that we work on it.
fn leaving(entry: &Entry) -> Option<Effect> {
    let is_left = entry.ending() == Some(Ending::Skipped) && is_told_of(entry);
    is_left.then(|| Effect::Status {
        state: Stand::Ended.word(),
    })
}

/// Whoever spoke is answered once something was tried.
fn answers<'a>(entry: &Entry, follow: &'a FollowUp) -> impl Iterator<Item = Effect> + use<'a> {
    let was_tried = match entry.ending() {
        Some(Ending::Completed | Ending::NoChange | Ending::Failed | Ending::NeedsHuman) => true,
        Some(Ending::Blocked | Ending::Skipped | Ending::Budget) | None => false,
    };
    let said = follow.said.iter().filter(move |_| was_tried);
    said.filter(|said| said.id.source.wants_answer())
        .map(|said| Effect::Answer {
            pull: follow.pull.number,
            said: said.id,
        })
}

/// Whoever may let it run is asked on the issue, and others as well once that took too long.
fn asking(entry: &Entry, settings: &Settings) -> Vec<Effect> {
    let Approval::Awaited { is_late, .. } = entry.approval else {
        return Vec::new();
    };
    if !settings.approvals.comment || entry.ending().is_some() {
        return Vec::new();
    }
    let kinds = [REQUEST].into_iter().chain(is_late.then_some(REMINDER));
    let comment = |kind: &str| Effect::Comment {
        kind: kind.to_owned(),
    };
    kinds.map(comment).collect()
}

fn telling<'a>(entry: &'a Entry, settings: &'a Settings) -> impl Iterator<Item = Effect> + 'a {
    let labels = &settings.labels;
    let remove = |label: &String| Effect::RemoveLabel {
        label: label.clone(),
    };
    entry.ending().into_iter().flat_map(move |ending| {
        let own = own_label(entry, labels, ending);
        let states = [
            &labels.working,
            &labels.failed,
            &labels.blocked,
            &labels.completed,
        ];
        let stale = states.into_iter().filter(move |label| {
            !label.is_empty()
                && Some(*label) != own
                && (was_put(entry, label) || (own.is_some() && entry.task.issue.has_label(label)))
        });
        let add = own
            .filter(|label| !label.is_empty())
            .map(|label| Effect::AddLabel {
                label: label.clone(),
            });
        let trigger = labels.remove_trigger.as_ref();
        let trigger = trigger.filter(|_| ending == Ending::Completed);
        let comment = comment(entry, ending);
        stale
            .map(remove)
            .chain(add)
            .chain(trigger.map(remove))
            .chain(comment)
    })
}

/// The label that says how it ended.
fn own_label<'a>(entry: &Entry, labels: &'a StateLabels, ending: Ending) -> Option<&'a String> {
    match ending {
        Ending::Completed => Some(&labels.completed),
        // Nothing was tried where it is a person's from the start.
        Ending::NeedsHuman if entry.attempts == 0 => None,
        Ending::NoChange | Ending::Failed | Ending::NeedsHuman => Some(&labels.failed),
        Ending::Blocked => Some(&labels.blocked),
        Ending::Skipped | Ending::Budget => None,
    }
}

/// Did an attempt put this label on?
fn was_put(entry: &Entry, label: &str) -> bool {
    let put = &entry.record.effects;
    !put.is_empty()
        && put.contains_key(&Effect::AddLabel {
            label: label.to_owned(),
        })
}

/// The comment that tells it: how it ended, or what has to be clear before it can begin.
fn comment(entry: &Entry, ending: Ending) -> Option<Effect> {
    let asks = || Effect::Comment {
        kind: QUESTION.to_owned(),
    };
    let ended = || Effect::Status {
        state: Stand::Ended.word(),
    };
    match ending {
        Ending::NeedsHuman if entry.attempts == 0 => is_unclear(entry).then(asks),
        Ending::Completed | Ending::NoChange | Ending::Failed | Ending::NeedsHuman => Some(ended()),
        // Nobody is told what nobody was told the beginning of.
        Ending::Blocked | Ending::Skipped | Ending::Budget => is_told_of(entry).then(ended),
    }
}

/// Does the issue say that an agent works on it?
fn is_told_of(entry: &Entry) -> bool {
    let effects = &entry.record.effects;
    effects
        .keys()
        .any(|effect| matches!(effect, Effect::Status { .. }))
}

/// The kind of the comment that asks what is not clear.
pub const QUESTION: &str = "question";

fn is_unclear(entry: &Entry) -> bool {
    let evaluation = entry.task.evaluation.as_ref();
    evaluation.is_some_and(|evaluation| !evaluation.doubts.is_empty())
}
