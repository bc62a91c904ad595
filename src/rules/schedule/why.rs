//! Why does a task not run, and what would have to be otherwise? Found by playing what is left on a virtual clock.

use crate::rules::classify::Domain;
use crate::rules::conflict::{Shared, Why, chance, may_run_together, shared};
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::money::Usd;
use crate::rules::room::Lessened;
use crate::rules::schedule::approve::of_people;
use crate::rules::schedule::pressure::Pressure;
use crate::rules::schedule::rest::Rest;
use crate::rules::schedule::session::{Phase, Session};
use crate::rules::schedule::table::{Entry, State};
use crate::rules::stack::Dependents;
use crate::rules::task::{Ending, Task};
use std::sync::Arc;

/// One thing that a task waits for. It starts when all of them are over.
#[derive(Clone, Debug, PartialEq)]
pub enum Wait {
    /// A task that has to be done first.
    Need {
        /// Which.
        issue: IssueNumber,
        /// And will what it offers have to be merged?
        merge: bool,
    },
    /// The merge of a task that is done.
    Merge {
        /// Which.
        issue: IssueNumber,
    },
    /// A running task that it would collide with, or one whose turn comes first because it was passed over too often.
    Collision {
        /// Which.
        issue: IssueNumber,
        /// Does it run?
        runs: bool,
        /// Files of this one that the other has really changed already, as far as that was looked at.
        changed: Vec<String>,
        /// Over what.
        over: Over,
    },
    /// A slot: so many wait that rank before it.
    Slot {
        /// How many.
        ahead: usize,
        /// Fewer are used than are configured, where that is so, and how many those are.
        lessened: Option<(Lessened, u32)>,
    },
    /// The end of a pause, of the breaker's cooldown, or of its own waiting time.
    Time {
        /// Not before.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// The probe of the half-open breaker.
    Probe {
        /// Whose.
        issue: IssueNumber,
    },
    /// Money that is set aside for others, and may come back.
    Money {
        /// So much is missing now.
        short_by: Usd,
    },
    /// A person's approval.
    Approval {
        /// Why it is asked for.
        reason: String,
    },
    /// A person's answer.
    Answer {
        /// To what.
        question: String,
    },
    /// Nobody is let in any more until `resume`.
    Resume {
        /// Why.
        reason: String,
    },
}

/// What two tasks would collide over.
#[derive(Clone, Debug, PartialEq)]
pub enum Over {
    /// Files, the likeliest first, and the chance over all of them.
    Files {
        /// Which.
        files: Vec<Shared>,
        /// From 0 to 1.
        chance: f64,
    },
    /// A domain that only one of them may work in.
    Domain(Domain),
    /// One of them is of unknown domain, and runs alone under the strict rule.
    Unknown,
}

/// What would let it start sooner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ButFor {
    /// What would be otherwise.
    pub change: Change,
    /// Then it would start in so many minutes.
    pub starts_in: u64,
}

/// Something that could be otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Without these tasks.
    Without(Vec<IssueNumber>),
    /// With so many slots.
    Slots(u32),
}

/// How a task stands, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The task.
    pub task: Arc<Task>,
    /// How it ended, if it did, and why.
    pub ended: Option<(Ending, Option<String>)>,
    /// Since when it runs, if it does.
    pub running: Option<Timestamp>,
    /// What it waits for; nothing where it runs, has ended, or starts next.
    pub waits: Vec<Wait>,
    /// When it will likely start, in minutes from now.
    pub starts_in: Option<u64>,
    /// What would let it start sooner, the smallest change first.
    pub but_for: Vec<ButFor>,
    /// Whose work its own conflicts with, as it stands; `None` is the base branch.
    pub conflicts: Vec<(Option<IssueNumber>, Vec<String>)>,
}

impl Session {
    /// Why does the task stand where it stands at this moment? `None` if it is not one of the session.
    #[must_use]
    pub fn why(&self, issue: IssueNumber, now: Timestamp) -> Option<Explanation> {
        let place = self.table.place(issue)?;
        let entry = self.table.at(place);
        let mut explanation = Explanation {
            task: Arc::clone(&entry.task),
            ended: None,
            running: entry.run().map(|run| run.since),
            waits: Vec::new(),
            starts_in: None,
            but_for: Vec::new(),
            conflicts: self.conflicts_of(entry),
        };
        if let State::Ended { ending, reason } = &entry.state {
            explanation.ended = Some((*ending, reason.clone()));
        } else if explanation.running.is_none() {
            explanation.waits = self.waits(place, now);
            self.look_ahead(issue, now, &mut explanation);
        }
        Some(explanation)
    }

    fn conflicts_of(&self, entry: &Entry) -> Vec<(Option<IssueNumber>, Vec<String>)> {
        let issue = entry.number;
        let offered = self
            .table
            .entries()
            .iter()
            .flat_map(|entry| &entry.record.conflicts);
        let all = self.brewing.iter().chain(offered);
        let others = all.filter_map(|conflict| Some((conflict.of(issue)?, conflict.paths.clone())));
        let others = others.map(|(other, paths)| (Some(other), paths));
        let outdated =
            (!entry.record.outdated.is_empty()).then(|| (None, entry.record.outdated.clone()));
        others.chain(outdated).collect()
    }

    /// The smallest set of what has to be over before it can start: each of them alone would keep it waiting.
    fn waits(&self, place: usize, now: Timestamp) -> Vec<Wait> {
        let entry = self.table.at(place);
        let number = |place: usize| self.table.at(place).number;
        let open: Vec<usize> = (self.graph.needs(place))
            .filter(|need| !self.is_met(*need))
            .collect();
        let wait = |need: &usize| {
            let issue = number(*need);
            if self.awaits_merge(*need) {
                Wait::Merge { issue }
            } else {
                let merge = self.settings().dependents == Dependents::Merged;
                Wait::Need { issue, merge }
            }
        };
        let mut waits: Vec<Wait> = open.iter().map(wait).collect();
        waits.sort_by_key(|wait| match wait {
            Wait::Merge { issue } | Wait::Need { issue, .. } => issue.0,
            Wait::Collision { .. }
            | Wait::Slot { .. }
            | Wait::Time { .. }
            | Wait::Probe { .. }
            | Wait::Money { .. }
            | Wait::Approval { .. }
            | Wait::Answer { .. }
            | Wait::Resume { .. } => 0,
        });
        if let State::Retrying { until } | State::Parked { until } = entry.state {
            waits.push(Wait::Time {
                until,
                reason: "its last attempt".to_owned(),
            });
        }
        waits.extend(of_people(entry));
        let held_up = || self.held_up(entry).map(Pressure::reason);
        let hopeless = self.chain.hopeless().map(str::to_owned);
        let stopped = hopeless.or_else(held_up);
        if let (Some(reason), Phase::Running | Phase::Interrupted) = (stopped, self.phase) {
            waits.push(Wait::Resume { reason });
        }
        if !waits.is_empty() {
            return waits;
        }
        waits.extend(self.collisions(place));
        // Whoever runs and is in the way gives a slot back as well.
        let gives_slot = |wait: &Wait| matches!(wait, Wait::Collision { runs: true, .. });
        let one_frees_it = self.lessened.is_none() && waits.iter().any(gives_slot);
        if (self.slots.is_empty() || !self.has_slot()) && !one_frees_it {
            let ahead = (self.table.entries()[..place].iter())
                .filter(|entry| matches!(entry.state, State::Ready))
                .count();
            let configured = self.settings().slots;
            let lessened = self.lessened.map(|lessened| (lessened, configured));
            waits.push(Wait::Slot { ahead, lessened });
        }
        waits.extend(self.closed_doors(entry, now));
        waits
    }

    fn collisions(&self, place: usize) -> Vec<Wait> {
        let own = self.table.at(place).known();
        let running = self.table.running().map(|other| (other, true));
        let kept = self.locks.ahead_of(place).map(|other| (other, false));
        let against = |(other, runs): (usize, bool)| {
            let other = self.table.at(other);
            let (other, touched) = (other.known(), &other.record.touched);
            let changed = shared(&own.footprint, &other.footprint)
                .into_iter()
                .map(|shared| shared.path)
                .filter(|path| touched.contains(path))
                .collect();
            let why = may_run_together(own, other, self.settings().policy).err()?;
            Some(Wait::Collision {
                issue: other.number(),
                runs,
                changed,
                over: over(&why, own, other),
            })
        };
        let mut found: Vec<Wait> = running.chain(kept).filter_map(against).collect();
        found.dedup();
        found
    }

    /// When it will start, and when it would if something were otherwise.
    fn look_ahead(&self, issue: IssueNumber, now: Timestamp, explanation: &mut Explanation) {
        let blocked = explanation.waits.iter().any(|wait| match wait {
            Wait::Merge { .. }
            | Wait::Approval { .. }
            | Wait::Answer { .. }
            | Wait::Resume { .. } => true,
            Wait::Need { .. }
            | Wait::Collision { .. }
            | Wait::Slot { .. }
            | Wait::Time { .. }
            | Wait::Probe { .. }
            | Wait::Money { .. } => false,
        });
        if blocked {
            return;
        }
        let rest = Rest::of(self, now);
        let slots = self.slots_now();
        let Some(starts_in) = rest.start_of(issue, &[], slots) else {
            return;
        };
        explanation.starts_in = Some(starts_in);
        if starts_in == 0 {
            return;
        }
        let others: Vec<IssueNumber> = explanation.waits.iter().filter_map(Wait::task).collect();
        let each = others.iter().map(|other| vec![*other]);
        let together = (others.len() > 1).then(|| others.clone());
        let mut best = starts_in;
        for without in each.chain(together) {
            if let Some(sooner) = rest
                .start_of(issue, &without, slots)
                .filter(|at| *at < best)
            {
                best = sooner;
                let change = Change::Without(without);
                explanation.but_for.push(ButFor {
                    change,
                    starts_in: sooner,
                });
            }
        }
        let more = (slots + 1..=slots.saturating_mul(2)).find_map(|slots| {
            let sooner = rest.start_of(issue, &[], slots)?;
            (sooner < starts_in).then_some(ButFor {
                change: Change::Slots(slots),
                starts_in: sooner,
            })
        });
        explanation.but_for.extend(more);
    }
}

impl Wait {
    /// The task that is waited for, where it is one.
    #[must_use]
    pub fn task(&self) -> Option<IssueNumber> {
        let (Self::Need { issue, .. } | Self::Collision { issue, .. }) = self else {
            return None;
        };
        Some(*issue)
    }
}

fn over(why: &Why, one: &Task, other: &Task) -> Over {
    match why {
        Why::Files { .. } => Over::Files {
            files: shared(&one.footprint, &other.footprint),
            chance: chance(one, other),
        },
        Why::Domain(domain) => Over::Domain(*domain),
        Why::Unknown => Over::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::conflict::tests::task;
    use crate::rules::schedule::predict::opened;
    use crate::rules::script::settings;
    use crate::rules::settings::Settings;

    /// Tasks of ten minutes by number, domain, files and needs.
    fn session(slots: u32, tasks: &[(u64, Domain, &[&str], &[u64])]) -> Session {
        let tasks = tasks.iter().map(|(number, domain, files, needs)| {
            let files: Vec<(&str, f64)> = files.iter().map(|file| (*file, 0.9)).collect();
            let mut task = task(*domain, &files);
            task.issue.number = IssueNumber(*number);
            task.needs = needs.iter().copied().map(IssueNumber).collect();
            task.estimate.minutes = 10;
            task
        });
        let settings = Settings {
            slots,
            ..settings()
        };
        opened(tasks.collect(), &settings).expect("acyclic")
    }

    fn why(session: &Session, issue: u64) -> Explanation {
        session
            .why(IssueNumber(issue), Timestamp(0))
            .expect("it is one of the session")
    }

    fn without(issue: u64, starts_in: u64) -> ButFor {
        ButFor {
            change: Change::Without(vec![IssueNumber(issue)]),
            starts_in,
        }
    }

    #[test]
    fn who_is_in_the_way_is_named_with_the_files_and_what_would_help() {
        let session = session(
            3,
            &[
                (1, Domain::Backend, &["a"], &[]),
                (2, Domain::Backend, &["a", "b"], &[]),
                (3, Domain::Backend, &["b"], &[]),
            ],
        );
        let waiting = (1..=3).find(|issue| !why(&session, *issue).waits.is_empty());
        let waiting = waiting.expect("two of them share a file");
        let why = why(&session, waiting);
        let [
            Wait::Collision {
                issue,
                runs: true,
                over: Over::Files { files, chance },
                ..
            },
        ] = why.waits.as_slice()
        else {
            panic!("{:?}", why.waits);
        };
        assert_eq!(files.len(), 1);
        assert!((chance - 0.81).abs() < 1e-9);
        assert_eq!(why.starts_in, Some(10));
        assert_eq!(why.but_for, [without(issue.0, 0)]);
    }

    #[test]
    fn disjoint_files_of_one_domain_and_unknown_ones_run_beside_each_other() {
        let tasks: Vec<(u64, Domain, &[&str], &[u64])> = vec![
            (1, Domain::Backend, &["a"], &[]),
            (2, Domain::Backend, &["b"], &[]),
            (3, Domain::Unknown, &[], &[]),
            (4, Domain::Unknown, &[], &[]),
        ];
        let session = session(4, &tasks);
        for (issue, ..) in tasks {
            assert!(why(&session, issue).running.is_some(), "#{issue}");
        }
    }

    #[test]
    fn without_a_slot_one_more_would_help() {
        let tasks: Vec<(u64, Domain, &[&str], &[u64])> = vec![
            (1, Domain::Backend, &["a"], &[]),
            (2, Domain::Backend, &["b"], &[]),
            (3, Domain::Backend, &["c"], &[]),
        ];
        let session = session(2, &tasks);
        let why = why(&session, 3);
        let (ahead, lessened) = (0, None);
        assert_eq!(why.waits, [Wait::Slot { ahead, lessened }]);
        assert_eq!(why.starts_in, Some(10));
        let change = Change::Slots(3);
        assert_eq!(
            why.but_for,
            [ButFor {
                change,
                starts_in: 0
            }]
        );
    }

    #[test]
    fn a_need_is_waited_for_and_a_known_domain_stands_in_for_files() {
        let session = session(
            4,
            &[
                (1, Domain::Backend, &["a"], &[]),
                (2, Domain::Backend, &[], &[]),
                (3, Domain::Frontend, &["c"], &[1]),
            ],
        );
        let needs = why(&session, 3);
        assert_eq!(
            needs.waits,
            [Wait::Need {
                issue: IssueNumber(1),
                merge: false
            }]
        );
        assert_eq!(needs.but_for, [without(1, 0)]);
        let waiting = why(&session, 2);
        let over = Over::Domain(Domain::Backend);
        let issue = IssueNumber(1);
        assert_eq!(
            waiting.waits,
            [Wait::Collision {
                issue,
                runs: true,
                changed: Vec::new(),
                over
            }]
        );
    }
}
