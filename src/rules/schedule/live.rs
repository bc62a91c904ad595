//! What running work has really changed: it counts besides what was expected, and tells of conflicts while both run.

use crate::rules::event::Event;
use crate::rules::footprint::{Footprint, LikelyFile, friction};
use crate::rules::ids::{AttemptNumber, IssueNumber, Timestamp};
use crate::rules::rework::{Conflict, Pair, Seen, Touched};
use crate::rules::schedule::claims::{Claims, ancestors};
use crate::rules::schedule::session::Session;
use crate::rules::schedule::table::{Entry, State};
use crate::rules::task::{DiffStat, Stage, Task};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// Running work that is to be looked at, and the work that it is to be tried with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookout {
    /// Whose agents work, and in which attempt.
    pub running: Vec<(IssueNumber, AttemptNumber)>,
    offered: Vec<Seen>,
    /// One holds the other's work: they are not tried with each other.
    stacked: BTreeSet<(IssueNumber, IssueNumber)>,
}

impl Lookout {
    /// What is to be merged for a trial: what was seen with each other and with all that is offered, where they share
    /// paths.
    #[must_use]
    pub fn pairs(&self, seen: &[Seen]) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for (at, one) in seen.iter().enumerate() {
            let paths: HashSet<&String> = one.diff.paths.iter().collect();
            for other in seen[at + 1..].iter().chain(&self.offered) {
                let is_stacked = self.stacked.contains(&ordered(one.issue, other.issue));
                if !is_stacked && shares(&one.diff, &other.diff, &paths) {
                    pairs.push(Pair {
                        one: (one.issue, one.commit.clone()),
                        other: (other.issue, other.commit.clone()),
                    });
                }
            }
        }
        pairs
    }
}

impl Entry {
    /// The task as it is known by now: what its agent really changed belongs to its footprint, for sure.
    #[must_use]
    pub fn known(&self) -> &Arc<Task> {
        self.record.touching.as_ref().unwrap_or(&self.task)
    }

    fn touch(&mut self, paths: &[String]) {
        let known = (!paths.is_empty()).then(|| Arc::new(with_touched(&self.task, paths)));
        (self.record.touched, self.record.touching) = (paths.to_vec(), known);
    }

    /// Does its agent work now, in this attempt?
    fn is_worked_on(&self, attempt: AttemptNumber) -> bool {
        self.run()
            .is_some_and(|run| run.attempt == attempt && run.stage == Stage::Agent)
    }
}

impl Session {
    /// What is to be looked at; none where nothing could come of it: an agent has to work, and another task has to have
    /// work as well, or to wait for a place.
    #[must_use]
    pub fn lookout(&self) -> Option<Lookout> {
        let agents: Vec<usize> = self
            .table
            .running()
            .filter(|place| {
                let run = self.table.at(*place).run();
                run.is_some_and(|run| run.stage == Stage::Agent)
            })
            .collect();
        let is_offered = |place: &usize| {
            let entry = self.table.at(*place);
            !agents.contains(place) && !entry.merged && entry.work().is_some()
        };
        let offered: Vec<usize> = (0..self.table.entries().len()).filter(is_offered).collect();
        let queued = self.table.entries().len() - self.table.ended() - self.table.how_many_run();
        let is_alone = agents.len() + offered.len() < 2 && queued == 0;
        if agents.is_empty() || is_alone {
            return None;
        }
        let number = |place: &usize| self.table.at(*place).number;
        let mut stacked = BTreeSet::new();
        for place in agents.iter().chain(&offered) {
            let below = self.all_below(*place);
            stacked.extend(
                below
                    .iter()
                    .map(|other| ordered(number(place), number(other))),
            );
        }
        let running = agents.iter().filter_map(|place| {
            let run = self.table.at(*place).run()?;
            Some((number(place), run.attempt))
        });
        let work = |place: &usize| {
            let work = self.table.at(*place).work()?;
            Some(Seen {
                issue: number(place),
                commit: work.id.clone(),
                diff: work.diff.clone(),
            })
        };
        Some(Lookout {
            running: running.collect(),
            offered: offered.iter().filter_map(work).collect(),
            stacked,
        })
    }

    /// What conflicts while it is still worked on, with what is offered or with each other.
    #[must_use]
    pub fn brewing(&self) -> &[Conflict] {
        &self.brewing
    }

    /// What a look makes known, if anything: of those that ended meanwhile the trial of their commits tells more.
    pub(super) fn looked(&self, touched: &[Touched], conflicts: &[Conflict]) -> Option<Event> {
        let is_live = |touched: &&Touched| {
            let entry = self.entry(touched.issue);
            entry.is_some_and(|entry| entry.is_worked_on(touched.attempt))
        };
        let live: Vec<&Touched> = touched.iter().filter(is_live).collect();
        let seen: HashSet<IssueNumber> = live.iter().map(|touched| touched.issue).collect();
        let conflicts: Vec<Conflict> = conflicts
            .iter()
            .filter_map(|conflict| self.placed(conflict, &seen))
            .collect();
        let over = self.brewing.iter().filter(|known| {
            let is_found = conflicts.iter().any(|conflict| conflict.is_between(known));
            let was_seen = [known.issue, known.with].iter().all(|issue| {
                let runs = self
                    .entry(*issue)
                    .is_some_and(|entry| entry.run().is_some());
                !runs || seen.contains(issue)
            });
            was_seen && !is_found
        });
        let over: Vec<(IssueNumber, IssueNumber)> =
            over.map(|known| (known.issue, known.with)).collect();
        let is_news = |conflict: &Conflict| !self.is_told(conflict);
        let conflicts: Vec<Conflict> = conflicts.into_iter().filter(is_news).collect();
        let is_changed = |touched: &&&Touched| {
            let entry = self.entry(touched.issue);
            entry.is_some_and(|entry| entry.record.touched != touched.paths)
        };
        let touched: Vec<Touched> = live
            .iter()
            .filter(is_changed)
            .map(|touched| (*touched).clone())
            .collect();
        let is_all_known = touched.is_empty() && conflicts.is_empty() && over.is_empty();
        (!is_all_known).then_some(Event::Looked {
            touched,
            conflicts,
            over,
        })
    }

    /// Is it known already, between the two as they are or as what they offer?
    fn is_told(&self, conflict: &Conflict) -> bool {
        let offered = self
            .entry(conflict.issue)
            .into_iter()
            .chain(self.entry(conflict.with));
        let offered = offered.flat_map(|entry| &entry.record.conflicts);
        let mut brewing = self
            .brewing
            .iter()
            .filter(|known| known.paths == conflict.paths);
        brewing.any(|known| known.is_between(conflict))
            || offered.clone().any(|known| known.is_between(conflict))
    }

    /// The conflict as the later one's, if the work of both still stands as it was tried: what is done comes first, then
    /// what began first.
    fn placed(&self, conflict: &Conflict, seen: &HashSet<IssueNumber>) -> Option<Conflict> {
        let rank = |issue: IssueNumber| {
            let entry = self.entry(issue)?;
            if seen.contains(&issue) {
                return Some((true, entry.run()?.since, issue));
            }
            let has_work = entry.work().is_some() && !entry.merged;
            has_work.then_some((false, Timestamp(0), issue))
        };
        let (one, other) = (rank(conflict.issue)?, rank(conflict.with)?);
        let mut conflict = conflict.clone();
        if one < other {
            std::mem::swap(&mut conflict.issue, &mut conflict.with);
        }
        (one.0 || other.0).then_some(conflict)
    }

    pub(super) fn note_look(
        &mut self,
        touched: &[Touched],
        conflicts: &[Conflict],
        over: &[(IssueNumber, IssueNumber)],
    ) {
        self.brewing.retain(|known| {
            !over.contains(&(known.issue, known.with))
                && !conflicts.iter().any(|conflict| conflict.is_between(known))
        });
        self.brewing.extend(conflicts.iter().cloned());
        let mut changed: HashMap<usize, Vec<String>> = HashMap::new();
        for touched in touched {
            let Some(place) = self.table.place(touched.issue) else {
                continue;
            };
            let entry = self.table.at_mut(place);
            let (before, now) = (set(&entry.record.touched), set(&touched.paths));
            let different: Vec<String> = before
                .symmetric_difference(&now)
                .map(|path| (*path).clone())
                .collect();
            entry.touch(&touched.paths);
            changed.insert(place, different);
        }
        if self.is_claimed_elsewhere(&changed) {
            self.reread_claims();
        }
    }

    /// Its attempt ended, or its work is done: where no agent works on the other any more, their commits tell all.
    pub(super) fn forget_brewing(&mut self, place: usize) {
        let issue = self.table.at(place).number;
        let table = &self.table;
        let is_worked_on = |issue: IssueNumber| {
            let run = table.place(issue).and_then(|place| table.at(place).run());
            run.is_some_and(|run| run.stage == Stage::Agent)
        };
        self.brewing
            .retain(|known| known.of(issue).is_none_or(is_worked_on));
    }

    /// Does any other task that has not ended claim one of these paths, or a directory above one?
    fn is_claimed_elsewhere(&self, changed: &HashMap<usize, Vec<String>>) -> bool {
        let mut whose: HashMap<&str, usize> = HashMap::new();
        let mut shared: HashSet<&str> = HashSet::new();
        for (place, paths) in changed {
            for path in paths {
                for name in ancestors(path).chain([path.as_str()]) {
                    if *whose.entry(name).or_insert(*place) != *place {
                        shared.insert(name);
                    }
                }
            }
        }
        let entries = self.table.entries().iter().enumerate();
        entries
            .filter(|(_, entry)| entry.ending().is_none())
            .any(|(place, entry)| {
                let mut files = entry.known().footprint.files.iter();
                files.any(|file| {
                    let path = file.path.as_str();
                    shared.contains(path) || whose.get(path).is_some_and(|other| *other != place)
                })
            })
    }

    /// Reads all claims anew. Who is held goes on waiting where the same one is still in its way over the same; the
    /// others are looked at again.
    fn reread_claims(&mut self) {
        let tasks: Vec<Arc<Task>> = self
            .table
            .entries()
            .iter()
            .map(|entry| Arc::clone(entry.known()))
            .collect();
        let claims = Claims::read(tasks.iter().map(Arc::as_ref), self.settings().policy);
        let running: Vec<usize> = self.table.running().collect();
        self.locks.reread(claims, &running);
        for place in 0..tasks.len() {
            let State::Held { by, over } = &self.table.at(place).state else {
                continue;
            };
            let is_same = self.locks.blocker(place).is_some_and(|blocker| {
                blocker.over == over && self.table.at(blocker.task).number == *by
            });
            let over = over.clone();
            if !is_same || self.locks.wait(place, &over).is_none() {
                self.table.set(place, State::Ready);
            }
        }
    }
}

/// Do the two change a common path? A list that was cut short may hold any.
pub(super) fn shares(own: &DiffStat, other: &DiffStat, paths: &HashSet<&String>) -> bool {
    let is_cut = |diff: &DiffStat| diff.files > diff.paths.len() as u64;
    is_cut(own) || is_cut(other) || other.paths.iter().any(|path| paths.contains(path))
}

/// The task with the files that were really changed. That they were says nothing of what else it will change: a task of
/// unknown files stays one, and its domain stands in for the rest.
fn with_touched(task: &Task, paths: &[String]) -> Task {
    let mut files: Vec<LikelyFile> = task.footprint.files.clone();
    for path in paths {
        match files.iter_mut().find(|file| file.path == *path) {
            Some(file) => file.probability = 1.0,
            None => files.push(LikelyFile {
                path: path.clone(),
                probability: 1.0,
                evidence: Vec::new(),
                friction: friction(path),
            }),
        }
    }
    files.sort_by(|one, next| one.path.cmp(&next.path));
    Task {
        footprint: Footprint { files },
        ..task.clone()
    }
}

fn set(paths: &[String]) -> BTreeSet<&String> {
    paths.iter().collect()
}

fn ordered(one: IssueNumber, other: IssueNumber) -> (IssueNumber, IssueNumber) {
    (one.min(other), one.max(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ids::CommitId;

    #[test]
    fn touched_files_are_sure_and_make_an_unknown_task_no_known_one() {
        let task = crate::rules::conflict::tests::task(
            crate::rules::classify::Domain::Backend,
            &[("b", 0.4)],
        );
        let task = with_touched(&task, &["c".to_owned(), "b".to_owned(), "a".to_owned()]);
        let files: Vec<(&str, f64)> = task
            .footprint
            .files
            .iter()
            .map(|file| (file.path.as_str(), file.probability))
            .collect();
        assert_eq!(files, [("a", 1.0), ("b", 1.0), ("c", 1.0)]);
        let unknown =
            crate::rules::conflict::tests::task(crate::rules::classify::Domain::Backend, &[]);
        assert!(
            !with_touched(&unknown, &["a".to_owned()])
                .footprint
                .is_known()
        );
    }

    #[test]
    fn only_what_shares_paths_is_tried_and_never_what_stands_on_the_other() {
        let seen = |issue: u64, paths: &[&str]| Seen {
            issue: IssueNumber(issue),
            commit: CommitId::new(format!("c{issue}")),
            diff: DiffStat {
                files: paths.len() as u64,
                paths: paths.iter().map(|path| (*path).to_owned()).collect(),
                ..DiffStat::default()
            },
        };
        let lookout = Lookout {
            running: Vec::new(),
            offered: vec![seen(3, &["a"]), seen(4, &["a"])],
            stacked: BTreeSet::from([(IssueNumber(1), IssueNumber(4))]),
        };
        let pairs = lookout.pairs(&[seen(1, &["a", "b"]), seen(2, &["b"]), seen(5, &[])]);
        let pairs: Vec<(u64, u64)> = pairs
            .iter()
            .map(|pair| (pair.one.0.0, pair.other.0.0))
            .collect();
        assert_eq!(pairs, [(1, 2), (1, 3)]);
    }
}
