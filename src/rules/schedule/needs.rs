//! Is what a task needs there, and on whose work does it stand?

use crate::rules::event::Event;
use crate::rules::ids::{CommitId, IssueNumber};
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::State;
use crate::rules::stack::{Below, Dependents};
use crate::rules::task::Ending;
use std::collections::BTreeSet;

impl Session {
    /// May those that need this one start, as far as it is up to it?
    pub(super) fn is_met(&self, need: usize) -> bool {
        let Some(ending) = self.table.at(need).ending() else {
            return false;
        };
        ending.satisfies_dependents() && !self.awaits_merge(need)
    }

    /// Is its work done, and offered, and not merged, and has it to be?
    pub(super) fn awaits_merge(&self, need: usize) -> bool {
        let entry = self.table.at(need);
        let waits = match self.settings().dependents {
            Dependents::Merged => true,
            Dependents::Stacked => false,
        };
        waits && entry.ending() == Some(Ending::Completed) && !entry.merged
    }

    /// Whose merge is waited for, and the commits to look for.
    #[must_use]
    pub fn awaited(&self) -> Vec<(IssueNumber, CommitId)> {
        let mut found = BTreeSet::new();
        for place in self.awaiting.iter() {
            found.extend(
                self.graph
                    .needs(place)
                    .filter(|need| self.awaits_merge(*need)),
            );
        }
        let below = found.into_iter().filter_map(|place| self.offered(place));
        below.map(|below| (below.issue, below.commit)).collect()
    }

    /// A completed task's work was seen in the base branch.
    pub(super) fn seen_merged(&self, issue: IssueNumber) -> Option<Event> {
        let entry = self.entry(issue)?;
        let is_news = entry.ending() == Some(Ending::Completed) && !entry.merged;
        is_news.then_some(Event::Merged { issue })
    }

    /// It ended: those that need it may start, wait on, or never will.
    pub(super) fn tell_dependents(&mut self, place: usize) {
        let met = self.is_met(place);
        let awaits_merge = self.awaits_merge(place);
        for dependent in self.graph.dependents(place).collect::<Vec<_>>() {
            match self.table.at(dependent).state {
                State::Waiting { .. } if awaits_merge => self.awaiting.insert(dependent),
                State::Waiting { .. } if !met => self.doomed.insert(dependent),
                State::Waiting { needs: 1 } => {
                    self.awaiting.remove(dependent);
                    self.table.free(dependent);
                }
                State::Waiting { needs } => self
                    .table
                    .set(dependent, State::Waiting { needs: needs - 1 }),
                State::Ready
                | State::Unapproved
                | State::Held { .. }
                | State::Running(_)
                | State::Retrying { .. }
                | State::Parked { .. }
                | State::Ended { .. } => {}
            }
        }
    }

    /// It waits again for what it needs and is not there.
    pub(super) fn wait_for_needs(&mut self, place: usize) {
        let open: Vec<usize> = self
            .graph
            .needs(place)
            .filter(|need| !self.is_met(*need))
            .collect();
        if open.iter().any(|need| self.awaits_merge(*need)) {
            self.awaiting.insert(place);
        }
        match open.len() {
            0 => self.table.free(place),
            needs => self.table.set(place, State::Waiting { needs }),
        }
    }

    /// Nothing else can happen any more: the first of those that wait for a merge is not started in this session.
    pub(super) fn unmerged(&self) -> Option<Event> {
        let is_idle = !self.table.is_running()
            && self.table.first_ready().is_none()
            && self.table.first_timer().is_none();
        let place = self.awaiting.first().filter(|_| is_idle)?;
        let needs = self.graph.needs(place);
        let unmerged: Vec<String> = needs
            .filter(|need| self.awaits_merge(*need))
            .filter_map(|need| self.offered(need))
            .map(|below| below.words())
            .collect();
        let what = if unmerged.is_empty() {
            "what it needs".to_owned()
        } else {
            unmerged.join(" and ")
        };
        Some(Event::TaskEnded {
            issue: self.table.at(place).number,
            ending: Ending::Blocked,
            reason: Some(format!("waits for the merge of {what}")),
        })
    }

    /// The work that a task stands on: that of its needs, where it is offered and not merged; of those that found
    /// nothing to change, what they stand on; and nothing that another one stands on already.
    pub(super) fn below(&self, place: usize) -> Vec<Below> {
        // Without work to stand on there is nothing to look for.
        if self.offered.is_empty() && self.table.at(place).rework.is_none() {
            return Vec::new();
        }
        let mut found = BTreeSet::new();
        self.add_below(place, &mut found, &mut BTreeSet::new());
        found.extend(self.overlapping(place));
        if let Some(rework) = &self.table.at(place).rework {
            found.extend(
                rework
                    .with
                    .iter()
                    .filter_map(|issue| self.table.place(*issue)),
            );
        }
        let covered: BTreeSet<usize> = found
            .iter()
            .flat_map(|other| self.all_below(*other))
            .collect();
        found
            .difference(&covered)
            .filter_map(|place| self.offered(*place))
            .collect()
    }

    fn add_below(&self, place: usize, found: &mut BTreeSet<usize>, seen: &mut BTreeSet<usize>) {
        for need in self.graph.needs(place) {
            let entry = self.table.at(need);
            // Seen once is enough: there can be very many ways to the same one.
            if entry.merged || !seen.insert(need) {
                continue;
            }
            let is_there = entry.ending() == Some(Ending::Completed) || self.is_reworked(need);
            if is_there && entry.work().is_some() {
                found.insert(need);
            } else {
                self.add_below(need, found, seen);
            }
        }
    }

    fn offered(&self, place: usize) -> Option<Below> {
        let entry = self.table.at(place);
        let record = &entry.record;
        Some(Below {
            issue: entry.number,
            commit: entry.work()?.id.clone(),
            branch: entry.branch.clone(),
            pull: record.pull.as_ref().map(|pull| pull.number),
        })
    }
}
