//! What events about the work as a whole, and the consent of people, add to the sums of a session.

use crate::rules::certificate::Proof;
use crate::rules::event::{Consent, Event};
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::tally::{Standing, Tally};
use crate::rules::task::{Ending, Stage};

impl Tally {
    pub(super) fn consented(&mut self, issue: IssueNumber, consent: &Consent) {
        let standing = match consent {
            Consent::Awaited { .. } | Consent::Overdue { .. } => Standing::Unapproved,
            Consent::Asked { .. } => Standing::Asking,
            Consent::Given { .. } | Consent::Answered { .. } => Standing::Waiting,
        };
        self.set(issue, standing);
    }

    /// Takes in what was found out about the work of several tasks, or done about it.
    pub(super) fn of_the_whole(&mut self, at: Timestamp, event: &Event) {
        if let Event::TestMerged { conflicts, .. } = event {
            self.conflicts.extend(conflicts.iter().cloned());
        }
        if let Event::Looked {
            conflicts, over, ..
        } = event
        {
            self.brewing.retain(|known| {
                !over.contains(&(known.issue, known.with))
                    && !conflicts.iter().any(|conflict| conflict.is_between(known))
            });
            self.brewing.extend(conflicts.iter().cloned());
        }
        if let Event::TriedOnBase {
            issues, outdated, ..
        } = event
        {
            self.outdated.retain(|known| !issues.contains(&known.issue));
            self.outdated.extend(outdated.iter().cloned());
        }
        if let Event::Merged { issue } = event {
            self.conflicts.retain(|conflict| conflict.issue != *issue);
            self.outdated.retain(|known| known.issue != *issue);
        }
        if let Event::ReworkOffered { issue, .. } = event {
            self.requeued(*issue);
        }
        if let Event::ReworkGivenUp { issue, reason } = event {
            self.task_ended(at, *issue, Ending::Completed, Some(reason));
        }
        if let Event::Certified { certificate } = event
            && certificate.proof != Proof::Untried
        {
            self.certificate = Some((**certificate).clone());
        }
    }

    /// Its attempt ended, or its work is done: where no agent works on the other any more, their commits tell all.
    pub(super) fn forget_brewing(&mut self, issue: IssueNumber) {
        let tasks = &self.tasks;
        let is_worked_on = |issue: IssueNumber| {
            let standing = tasks.get(&issue).map(|task| &task.standing);
            let stage = Some(Stage::Agent);
            matches!(standing, Some(Standing::Running { stage: at, .. }) if *at == stage)
        };
        self.brewing
            .retain(|known| known.of(issue).is_none_or(is_worked_on));
    }
}
