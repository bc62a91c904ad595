//! Some tasks wait for a person: who is asked for, what an answer does, and when nothing else is left.

use crate::rules::approvals::{Late, Patience};
use crate::rules::assigning::Assign;
use crate::rules::event::{Command, Consent, Event};
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::prompt::question::Exchange;
use crate::rules::schedule::finish::continue_from;
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::{Approval, Entry, State};
use crate::rules::schedule::why::Wait;
use crate::rules::task::{Ending, Task};

impl Session {
    /// The first that has to be approved, and of whom nobody was told yet.
    pub(super) fn ask_approval(&self) -> Option<Event> {
        let task = &self.table.at(self.unasked.first()?).task;
        let why = task.evaluation.as_ref().map(|evaluation| evaluation.why());
        let reason = why.unwrap_or_default();
        Some(Event::Consent {
            issue: task.number(),
            consent: Consent::Awaited { reason },
        })
    }

    pub(super) fn consented(&mut self, place: usize, consent: &Consent, at: Timestamp) {
        match consent {
            Consent::Awaited { .. } => self.await_approval(place, at),
            Consent::Overdue { .. } => self.ask_others(place),
            Consent::Given { instructions } => self.approve(place, instructions.clone()),
            Consent::Asked { question } => self.ask(place, question),
            Consent::Answered { answer } => self.take_answer(place, answer),
        }
    }

    fn await_approval(&mut self, place: usize, at: Timestamp) {
        self.unasked.remove(place);
        let entry = self.table.at_mut(place);
        entry.approval = Approval::Awaited {
            since: at,
            is_late: false,
        };
        if entry.state == State::Ready {
            self.table.free(place);
        }
        if self.settings().approvals.comment || self.settings().assign == Assign::Ourselves {
            // It is asked on the forge, and whoever is asked is shown there.
            self.unannounced.insert(place);
        }
    }

    fn ask_others(&mut self, place: usize) {
        if let Approval::Awaited { is_late, .. } = &mut self.table.at_mut(place).approval {
            *is_late = true;
            if self.settings().approvals.comment {
                self.unannounced.insert(place);
            }
        }
    }

    /// It was looked for their answers just now, and there was none: those that have waited for too long.
    pub(super) fn unanswered(&self, issues: &[IssueNumber], now: Timestamp) -> Vec<Event> {
        let patience = self.settings().approvals.patience;
        let late = |issue: &IssueNumber| {
            let (patience, entry) = (patience?, self.entry(*issue)?);
            let Approval::Awaited { since, is_late } = entry.approval else {
                return None;
            };
            let waits_on = is_late && patience.then == Late::Escalate;
            let is_over = entry.ending().is_some() || waits_on || patience.until(since) > now;
            (!is_over).then(|| overdue(*issue, patience))
        };
        issues.iter().filter_map(late).collect()
    }

    fn approve(&mut self, place: usize, instructions: Option<String>) {
        self.unasked.remove(place);
        let entry = self.table.at_mut(place);
        entry.approval = Approval::Given { instructions };
        if entry.state == State::Unapproved {
            self.table.free(place);
        }
    }

    fn ask(&mut self, place: usize, question: &str) {
        let entry = self.table.at_mut(place);
        let before = entry.exchange.as_ref().map_or(0, |exchange| exchange.times);
        entry.exchange = Some(Box::new(Exchange {
            question: question.to_owned(),
            times: before + 1,
            answer: None,
            is_told: false,
        }));
        // Whatever it had read is in its conversation.
        entry.start = continue_from(&entry.record, None);
        self.table.free(place);
    }

    fn take_answer(&mut self, place: usize, answer: &str) {
        let entry = self.table.at_mut(place);
        if let Some(exchange) = entry.exchange.as_deref_mut() {
            exchange.answer = Some(answer.to_owned());
        }
        if entry.state == State::Unapproved {
            self.table.free(place);
        }
    }

    /// Those whose agents wait for an answer, with how often they have asked.
    pub fn asking(&self) -> impl Iterator<Item = (IssueNumber, u32)> + '_ {
        let open = |entry: &&Entry| entry.asks() && entry.ending().is_none();
        let entries = self.table.entries().iter().filter(open);
        entries.filter_map(|entry| Some((entry.number, entry.exchange.as_ref()?.times)))
    }

    /// Those that wait for an approval.
    pub fn unapproved(&self) -> impl Iterator<Item = IssueNumber> + '_ {
        let open = |entry: &&Entry| entry.approval.is_awaited() && entry.ending().is_none();
        let entries = self.table.entries().iter().filter(open);
        entries.map(|entry| entry.number)
    }

    /// What an answer to a question leads to; the first one counts.
    pub(super) fn answer_question(&self, issue: IssueNumber, answer: &str) -> Option<Event> {
        let entry = self.entry(issue)?;
        let consent = Consent::Answered {
            answer: answer.to_owned(),
        };
        (entry.asks() && entry.ending().is_none()).then_some(Event::Consent { issue, consent })
    }

    /// What an answer leads to; the first one counts, and one that nobody waits for leads to nothing.
    pub(super) fn answer_approval(&self, issue: IssueNumber, command: &Command) -> Option<Event> {
        let entry = self.entry(issue)?;
        if !entry.approval.is_awaited() || entry.ending().is_some() {
            return None;
        }
        let approved = |instructions| {
            let consent = Consent::Given { instructions };
            Some(Event::Consent { issue, consent })
        };
        match command {
            Command::Approve { .. } => approved(None),
            Command::Modify { instructions, .. } => approved(Some(instructions.clone())),
            Command::Reject { reason, .. } => Some(Event::TaskEnded {
                issue,
                ending: Ending::Skipped,
                reason: Some(reason.as_ref().map_or_else(
                    || "a person rejected it".to_owned(),
                    |reason| format!("a person rejected it: {reason}"),
                )),
            }),
            Command::Answer { .. }
            | Command::Retry { .. }
            | Command::Skip { .. }
            | Command::ResetBreaker => None,
        }
    }

    /// Nothing but approvals is waited for. No run waits for a person: it ends, and `resume` goes on.
    pub(super) fn wait_for_people(&self) -> Option<Event> {
        let is_idle = !self.table.is_running()
            && self.next_ready().is_none()
            && self.table.first_timer().is_none()
            && self.unannounced.is_empty();
        (is_idle && self.table.has_unapproved()).then_some(Event::SessionInterrupted)
    }
}

/// What comes where nobody answered in time.
fn overdue(issue: IssueNumber, patience: Patience) -> Event {
    let hours = patience.hours;
    match patience.then {
        Late::Expire => Event::TaskEnded {
            issue,
            ending: Ending::Skipped,
            reason: Some(format!("nobody approved it within {hours} h")),
        },
        Late::Escalate => Event::Consent {
            issue,
            consent: Consent::Overdue { hours },
        },
    }
}

/// Has a person to be asked before this one runs?
pub(super) fn wants_approval(task: &Task) -> bool {
    let evaluation = task.evaluation.as_ref();
    task.obstacle.is_none() && evaluation.is_some_and(|evaluation| evaluation.wants_approval())
}

/// What a person is waited for.
pub(super) fn of_people(entry: &Entry) -> Option<Wait> {
    if entry.approval.is_awaited() {
        let evaluation = entry.task.evaluation.as_ref();
        let reason = evaluation.map(|evaluation| evaluation.why());
        let reason = reason.unwrap_or_default();
        return Some(Wait::Approval { reason });
    }
    let exchange = entry.exchange.as_deref().filter(|_| entry.asks())?;
    let question = exchange.question.clone();
    Some(Wait::Answer { question })
}
