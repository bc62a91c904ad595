//! What events about the work as a whole add to the sums of a session.

use crate::rules::event::Event;
use crate::rules::ids::Timestamp;
use crate::rules::tally::Tally;
use crate::rules::task::Ending;

impl Tally {
    /// Takes in what was found out about the work of several tasks, or done about it.
    pub(super) fn of_the_whole(&mut self, at: Timestamp, event: &Event) {
        if let Event::TestMerged { conflicts, .. } = event {
            self.conflicts.extend(conflicts.iter().cloned());
        }
        if let Event::ReworkOffered { issue, .. } = event {
            self.requeued(*issue);
        }
        if let Event::ReworkGivenUp { issue, reason } = event {
            self.task_ended(at, *issue, Ending::Completed, Some(reason));
        }
        if let Event::Certified { certificate } = event {
            self.certificate = Some((**certificate).clone());
        }
    }
}
