//! The base branch moves on while a session runs: what is offered is tried with it again.

use crate::rules::event::Event;
use crate::rules::ids::{CommitId, IssueNumber};
use crate::rules::rework::Outdated;
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::Entry;

impl Session {
    /// Is there work that the base branch could have moved away from?
    #[must_use]
    pub fn has_work_on_base(&self) -> bool {
        self.table.entries().iter().any(Entry::stands_on_base)
    }

    /// The work that is to be tried with the base branch as it stands now. What stands on other unmerged work is not:
    /// it moves with that.
    #[must_use]
    pub fn to_try_on(&self, base: &CommitId) -> Vec<(IssueNumber, CommitId)> {
        let is_open =
            |entry: &&Entry| entry.stands_on_base() && entry.record.tried_on.as_ref() != Some(base);
        let entries = self.table.entries().iter().filter(is_open);
        let work = entries.filter_map(|entry| Some((entry.number, entry.work()?)));
        work.filter(|(_, work)| work.base != *base)
            .map(|(issue, work)| (issue, work.id.clone()))
            .collect()
    }

    /// What a trial makes known of the work that is still the same.
    pub(super) fn tried_on_base(
        &self,
        base: &CommitId,
        tried: &[(IssueNumber, CommitId)],
        outdated: &[Outdated],
    ) -> Option<Event> {
        let open = self.to_try_on(base);
        let issues: Vec<IssueNumber> = tried
            .iter()
            .filter(|tried| open.contains(tried))
            .map(|(issue, _)| *issue)
            .collect();
        let outdated = outdated
            .iter()
            .filter(|outdated| issues.contains(&outdated.issue));
        let outdated = outdated.cloned().collect();
        (!issues.is_empty()).then(|| Event::TriedOnBase {
            base: base.clone(),
            issues,
            outdated,
        })
    }

    pub(super) fn note_base(
        &mut self,
        base: &CommitId,
        issues: &[IssueNumber],
        outdated: &[Outdated],
    ) {
        for issue in issues {
            let Some(place) = self.table.place(*issue) else {
                continue;
            };
            let paths = outdated.iter().find(|outdated| outdated.issue == *issue);
            let entry = self.table.at_mut(place);
            entry.record.tried_on = Some(base.clone());
            entry.record.outdated = paths
                .map(|outdated| outdated.paths.clone())
                .unwrap_or_default();
            if !entry.record.outdated.is_empty() {
                self.clashing.insert(place);
            } else if entry.record.conflicts.is_empty() {
                self.clashing.remove(place);
            }
        }
    }
}

impl Entry {
    /// Is its work done, offered and not merged, and does it stand on the base branch alone?
    fn stands_on_base(&self) -> bool {
        !self.merged && self.record.below.is_empty() && self.work().is_some()
    }
}
