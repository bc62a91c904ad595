//! The work of tasks is merged for a trial as it appears; what conflicts gets one more attempt on top of the other.

use crate::rules::conflict::{THRESHOLD, collision};
use crate::rules::event::Event;
use crate::rules::footprint::{Evidence, Footprint, LikelyFile};
use crate::rules::ids::IssueNumber;
use crate::rules::retry::Next;
use crate::rules::rework::{Conflict, Outdated, Pair, Rework};
use crate::rules::schedule::live::shares;
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::{Entry, State};
use crate::rules::settings::Policy;
use crate::rules::stack::Dependents;
use crate::rules::task::{Commit, Ending, Failure, Start};
use std::collections::{BTreeSet, HashSet};

impl Entry {
    /// The commit that is offered, or will be: what a rework has not replaced yet counts.
    #[must_use]
    pub fn work(&self) -> Option<&Commit> {
        let is_offered = self
            .ending()
            .is_none_or(|ending| ending == Ending::Completed);
        let newest = self.record.commit.as_deref();
        newest
            .filter(|_| self.record.verified && is_offered)
            .or_else(|| {
                let rework = self.rework.as_ref().filter(|rework| rework.is_open)?;
                Some(&rework.own)
            })
    }
}

impl Session {
    /// What is to be merged for a trial: the newest work with all other that shares paths with it; none where all is
    /// tried. Work that stands on other work is not tried against that.
    #[must_use]
    pub fn to_test(&self) -> Option<(Vec<IssueNumber>, Vec<Pair>)> {
        self.untested.first()?;
        let untested: Vec<usize> = self.untested.iter().collect();
        let mut pairs = Vec::new();
        for &place in &untested {
            let Some(own) = self.table.at(place).work() else {
                continue;
            };
            let paths: HashSet<&String> = own.diff.paths.iter().collect();
            let below = self.all_below(place);
            for other in 0..self.table.entries().len() {
                let entry = self.table.at(other);
                // Two that are both new are one pair.
                let is_seen = other == place || (other < place && self.untested.contains(other));
                let Some(work) = entry.work().filter(|_| !is_seen && !entry.merged) else {
                    continue;
                };
                if shares(&own.diff, &work.diff, &paths)
                    && !below.contains(&other)
                    && !self.all_below(other).contains(&place)
                {
                    pairs.push(Pair {
                        one: (self.table.at(place).number, own.id.clone()),
                        other: (entry.number, work.id.clone()),
                    });
                }
            }
        }
        let issues = untested.iter().map(|place| self.table.at(*place).number);
        Some((issues.collect(), pairs))
    }

    /// What a trial makes known: each conflict is the later one's.
    pub(super) fn test_merged(&self, issues: &[IssueNumber], found: &[Conflict]) -> Option<Event> {
        let is_new = |issue: &&IssueNumber| {
            self.table
                .place(**issue)
                .is_some_and(|place| self.untested.contains(place))
        };
        let issues: Vec<IssueNumber> = issues.iter().filter(is_new).copied().collect();
        let conflicts = found.iter().filter_map(|conflict| {
            let (one, other) = (self.entry(conflict.issue)?, self.entry(conflict.with)?);
            let mut conflict = conflict.clone();
            if one.record.verified_at < other.record.verified_at {
                std::mem::swap(&mut conflict.issue, &mut conflict.with);
            }
            Some(conflict)
        });
        let conflicts = conflicts.collect();
        (!issues.is_empty()).then_some(Event::TestMerged { issues, conflicts })
    }

    pub(super) fn note_test(&mut self, issues: &[IssueNumber], conflicts: &[Conflict]) {
        for issue in issues {
            if let Some(place) = self.table.place(*issue) {
                self.untested.remove(place);
            }
        }
        for conflict in conflicts {
            if let Some(place) = self.table.place(conflict.issue) {
                self.table
                    .at_mut(place)
                    .record
                    .conflicts
                    .push(conflict.clone());
                self.clashing.insert(place);
            }
        }
    }

    /// A commit passed its checks: it is to be tried with the others, and what was known of an earlier one is void.
    pub(super) fn note_verified(&mut self, place: usize) {
        let seq = self.seq;
        let entry = self.table.at_mut(place);
        entry.record.verified_at = seq;
        entry.record.conflicts.clear();
        entry.record.outdated.clear();
        entry.record.tried_on = None;
        self.clashing.remove(place);
        self.untested.insert(place);
        self.forget_brewing(place);
    }

    /// The first that conflicts with earlier work and may be brought onto it: both have ended and are offered.
    pub(super) fn rework_offer(&self) -> Option<Event> {
        if !self.settings().together.rework {
            return None;
        }
        let may = |place: &usize| {
            let entry = self.table.at(*place);
            let is_settled = |issue: IssueNumber| {
                let other = self.table.place(issue);
                other.is_some_and(|other| {
                    let entry = self.table.at(other);
                    entry.ending() == Some(Ending::Completed) && !self.unannounced.contains(other)
                })
            };
            entry.rework.is_none()
                && !entry.merged
                && is_settled(entry.number)
                && entry
                    .record
                    .conflicts
                    .iter()
                    .all(|conflict| is_settled(conflict.with))
        };
        let place = self
            .clashing
            .iter()
            .filter(may)
            .min_by_key(|place| self.table.at(*place).record.verified_at)?;
        let entry = self.table.at(place);
        Some(Event::ReworkOffered {
            issue: entry.number,
            with: entry
                .record
                .conflicts
                .iter()
                .map(|conflict| conflict.with)
                .collect(),
            paths: entry
                .record
                .conflicts
                .iter()
                .flat_map(|conflict| conflict.paths.clone())
                .chain(entry.record.outdated.clone())
                .collect(),
        })
    }

    pub(super) fn begin_rework(&mut self, place: usize, with: &[IssueNumber]) {
        let entry = self.table.at_mut(place);
        let Some(own) = entry.record.commit.clone() else {
            return;
        };
        entry.rework = Some(Box::new(Rework {
            own,
            reports: entry.record.reports.clone(),
            with: with.to_vec(),
            is_open: true,
        }));
        (entry.start, entry.failures, entry.limits, entry.announced) = (Start::Base, 0, 0, false);
        // Its files stand on another base now, and its conversation knows nothing of the conflict.
        (entry.record.snapshot, entry.record.conversation) = (None, None);
        self.table.set(place, State::Ready);
    }

    /// Nothing better came of it: the work that is offered stays as it is.
    pub(super) fn give_up(&self, place: usize, why: &str) -> Event {
        let entry = self.table.at(place);
        let issue = entry.number;
        let paths = entry.record.outdated.clone();
        let outdated = (!paths.is_empty()).then(|| Outdated { issue, paths }.words());
        let conflicts = entry.record.conflicts.iter().map(Conflict::words);
        let conflicts: Vec<String> = conflicts.chain(outdated).collect();
        Event::ReworkGivenUp {
            issue,
            reason: format!("{}; {why}", conflicts.join(", ")),
        }
    }

    /// A rework gets one attempt; only what passed its checks is published by further ones, which cost nothing.
    pub(super) fn rework_failed(
        &self,
        entry: &Entry,
        failure: &Failure,
        next: &Next,
    ) -> Option<Event> {
        let place = self.table.place(entry.number)?;
        if !self.is_reworked(place) {
            return None;
        }
        if let Some(why) = &entry.unwanted {
            return Some(self.left(place, why));
        }
        let goes_on = match next {
            Next::Again(_) => entry.record.verified,
            Next::Later(_) | Next::Hopeless => true,
            Next::Never => false,
        };
        let why = format!("bringing it onto that failed ({})", failure.class.words());
        (!goes_on).then(|| self.give_up(place, &why))
    }

    pub(super) fn end_rework(&mut self, place: usize, reason: &str) {
        let entry = self.table.at_mut(place);
        if let Some(rework) = &entry.rework {
            entry.record.commit = Some(rework.own.clone());
            entry.record.reports.clone_from(&rework.reports);
            entry.record.verified = true;
        }
        self.end(place, Ending::Completed, Some(reason.to_owned()));
    }

    /// Does a rework of it run, or wait?
    pub(super) fn is_reworked(&self, place: usize) -> bool {
        self.table
            .at(place)
            .rework
            .as_ref()
            .is_some_and(|rework| rework.is_open)
    }

    /// Those whose offered work this one will likely collide with: where work is stacked anyway, it starts from that
    /// instead of finding out when both are there.
    pub(super) fn overlapping(&self, place: usize) -> Vec<usize> {
        let settings = self.settings();
        let by_files =
            settings.policy == Policy::Footprint && settings.dependents == Dependents::Stacked;
        if !by_files || self.offered.is_empty() || self.table.at(place).rework.is_some() {
            return Vec::new();
        }
        let footprint = &named(&self.table.at(place).task.footprint);
        let collides = |other: &usize| {
            let entry = self.table.at(*other);
            let work = entry.work().filter(|_| *other != place && !entry.merged);
            work.is_some_and(|work| collision(footprint, &touched(work)).probability >= THRESHOLD)
                && !self.all_below(*other).contains(&place)
        };
        let near = self.offered.touching(footprint).into_iter();
        near.filter(collides).collect()
    }

    /// All tasks whose work this one's holds or needs.
    pub(super) fn all_below(&self, place: usize) -> BTreeSet<usize> {
        let mut all = BTreeSet::new();
        let mut next = vec![place];
        while let Some(place) = next.pop() {
            let below = &self.table.at(place).record.below;
            let below = below
                .iter()
                .filter_map(|below| self.table.place(below.issue));
            next.extend(
                self.graph
                    .needs(place)
                    .chain(below)
                    .filter(|need| all.insert(*need)),
            );
        }
        all
    }
}

/// The files that the issue itself names: a guess is enough to wait for another task, and not to build upon it.
fn named(footprint: &Footprint) -> Footprint {
    let is_named = |kind: Evidence| match kind {
        Evidence::NamedInText | Evidence::StackTrace | Evidence::Listed => true,
        Evidence::Symbol
        | Evidence::PathWords
        | Evidence::Area
        | Evidence::SimilarWork
        | Evidence::CoChange
        | Evidence::BaseRate => false,
    };
    let files = footprint
        .files
        .iter()
        .filter(|file| file.evidence.iter().any(|reason| is_named(reason.kind)));
    Footprint {
        files: files.cloned().collect(),
    }
}

/// What work has touched, as a footprint that is sure.
fn touched(work: &Commit) -> Footprint {
    let mut paths = work.diff.paths.clone();
    paths.sort();
    let file = |path: String| LikelyFile::new(path, 1.0, Evidence::Listed);
    Footprint {
        files: paths.into_iter().map(file).collect(),
    }
}
