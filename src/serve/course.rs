//! A session's course: its tasks as they were read, its attempts and their bills, folded as the events come in.

use crate::rules::event::{Event, Recorded};
use crate::rules::ids::{ByIssue, IssueNumber, SlotNumber, Timestamp};
use crate::rules::money::Usd;
use crate::rules::task::{Attempted, Task};
use std::collections::HashMap;
use std::sync::Arc;

/// What pages draw. Feed it each event once, in order.
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// The tasks, as they were read.
    pub tasks: Vec<Arc<Task>>,
    /// The attempts, in the order in which they were let in.
    pub attempts: Vec<Attempt>,
    /// What was paid and when.
    pub bills: Vec<(Timestamp, Usd)>,
    open: HashMap<IssueNumber, usize>,
}

/// One attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Whose.
    pub issue: IssueNumber,
    /// Where it ran.
    pub slot: SlotNumber,
    /// When it was let in.
    pub from: Timestamp,
    /// When it was settled; nothing while it runs.
    pub to: Option<Timestamp>,
    /// Neither failed nor lost.
    pub went_well: bool,
}

impl Course {
    /// Takes an event in.
    pub fn apply(&mut self, recorded: &Recorded) {
        let at = recorded.at;
        if let Event::TasksRead { tasks, .. } = &recorded.event {
            self.tasks.clone_from(tasks);
        } else if let Event::Admitted { issue, slot, .. } = &recorded.event {
            self.open.insert(*issue, self.attempts.len());
            self.attempts.push(Attempt {
                issue: *issue,
                slot: *slot,
                from: at,
                to: None,
                went_well: false,
            });
        } else if let Event::Settled { issue, outcome, .. } = &recorded.event {
            self.bills.push((at, outcome.charge.cost));
            if let Some(place) = self.open.remove(issue) {
                let failed = matches!(outcome.result, Attempted::Failed(_) | Attempted::Lost);
                (self.attempts[place].to, self.attempts[place].went_well) = (Some(at), !failed);
            }
        }
    }

    /// How long each task was worked on, up to `now` where it still is.
    #[must_use]
    pub fn worked(&self, now: Timestamp) -> ByIssue<u64> {
        let mut worked = ByIssue::default();
        for attempt in &self.attempts {
            let millis = attempt.to.unwrap_or(now).millis_since(attempt.from);
            *worked.entry(attempt.issue).or_default() += millis;
        }
        worked
    }
}
