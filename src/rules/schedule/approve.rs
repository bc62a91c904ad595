//! Some tasks wait for a person: who is asked for, what an answer does, and when nothing else is left.

use crate::rules::event::{Command, Consent, Event};
use crate::rules::ids::IssueNumber;
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::{Approval, State};
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

    pub(super) fn consented(&mut self, place: usize, consent: &Consent) {
        match consent {
            Consent::Awaited { .. } => self.await_approval(place),
            Consent::Given { instructions } => self.approve(place, instructions.clone()),
        }
    }

    fn await_approval(&mut self, place: usize) {
        self.unasked.remove(place);
        let entry = self.table.at_mut(place);
        entry.approval = Approval::Awaited;
        if entry.state == State::Ready {
            self.table.free(place);
        }
    }

    fn approve(&mut self, place: usize, instructions: Option<String>) {
        self.unasked.remove(place);
        let entry = self.table.at_mut(place);
        entry.approval = Approval::Given { instructions };
        if entry.state == State::Unapproved {
            self.table.free(place);
        }
    }

    /// What an answer leads to; the first one counts, and one that nobody waits for leads to nothing.
    pub(super) fn answer_approval(&self, issue: IssueNumber, command: &Command) -> Option<Event> {
        let entry = self.entry(issue)?;
        if entry.approval != Approval::Awaited || entry.ending().is_some() {
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
            Command::Retry { .. } | Command::Skip { .. } | Command::ResetBreaker => None,
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

/// Has a person to be asked before this one runs?
pub(super) fn wants_approval(task: &Task) -> bool {
    let evaluation = task.evaluation.as_ref();
    task.obstacle.is_none() && evaluation.is_some_and(|evaluation| evaluation.wants_approval())
}
