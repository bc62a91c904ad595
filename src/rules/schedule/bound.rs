//! How soon could all of it be done at best?

use crate::rules::schedule::order::Backlog;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What no order of the tasks can beat, each in the unit of the weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// The longest chain of tasks that need one another.
    pub critical_path: u64,
    /// All work, evenly over all slots.
    pub work: u64,
    /// The file (or domain, under the strict rule) that tasks use in turn for the longest, because any two of them
    /// surely collide: their work, with what has to come before the first and after the last of them.
    pub busiest_file: u64,
}

impl Bound {
    /// Of these tasks, of which each takes as long as its weight says; one that does not run weighs nothing.
    ///
    /// A lower bound of the makespan under this scheduler's own rules (the first two: Graham 1969; the third: Jackson's
    /// preemptive schedule of one machine, Carlier 1982). It is not always reached: three tasks of which each two share
    /// another file go one by one, and no file shows it.
    #[must_use]
    pub fn of(backlog: &Backlog, slots: u32, weights: &[u64]) -> Self {
        let levels = backlog.graph.bottom_levels(|place| weights[place]);
        let heads = backlog.graph.heads(|place| weights[place]);
        let in_turn = backlog.claims.in_turn();
        let busy = in_turn.all().map(|users| {
            let job = |place: usize| Job {
                head: heads[place],
                work: weights[place],
                tail: levels[place] - weights[place],
            };
            one_by_one(users.map(job).filter(|job| job.work > 0).collect())
        });
        Self {
            critical_path: levels.iter().copied().max().unwrap_or(0),
            work: weights
                .iter()
                .sum::<u64>()
                .div_ceil(u64::from(slots.max(1))),
            busiest_file: busy.max().unwrap_or(0),
        }
    }

    /// The largest of the three.
    #[must_use]
    pub fn most(self) -> u64 {
        self.critical_path.max(self.work).max(self.busiest_file)
    }
}

/// One use of a file.
#[derive(Clone, Copy, Debug)]
struct Job {
    /// What has to be done before it.
    head: u64,
    work: u64,
    /// What has to be done after it.
    tail: u64,
}

/// How long the jobs take at least if they go one by one: whoever has the longest tail works, and may be interrupted.
fn one_by_one(mut jobs: Vec<Job>) -> u64 {
    jobs.sort_unstable_by_key(|job| Reverse(job.head));
    let mut open: BinaryHeap<(u64, u64)> = BinaryHeap::new();
    let (mut now, mut end) = (0, 0);
    loop {
        if open.is_empty() {
            let Some(next) = jobs.last() else {
                return end;
            };
            now = now.max(next.head);
        }
        while let Some(job) = jobs.pop_if(|job| job.head <= now) {
            open.push((job.tail, job.work));
        }
        let Some((tail, work)) = open.pop() else {
            return end;
        };
        let until = jobs
            .last()
            .map_or(now + work, |next| next.head.min(now + work));
        let left = work - (until - now);
        now = until;
        if left > 0 {
            open.push((tail, left));
        } else {
            end = end.max(now + tail);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn uses_of_one_file_add_up_with_what_comes_before_and_after() {
        let check = |jobs: &[(u64, u64, u64)], expect| {
            let jobs = jobs
                .iter()
                .map(|&(head, work, tail)| Job { head, work, tail });
            assert_eq!(one_by_one(jobs.collect()), expect);
        };
        check(&[], 0);
        check(&[(0, 5, 0), (0, 7, 0)], 12);
        check(&[(3, 5, 0), (4, 7, 0)], 15);
        check(&[(0, 5, 1), (0, 5, 20)], 25);
        check(&[(0, 10, 0), (2, 3, 30)], 35);
    }

    proptest! {
        #[test]
        fn no_order_of_the_uses_is_faster(
            jobs in prop::collection::vec((0_u64..20, 1_u64..10, 0_u64..20), 1..6), seed in any::<prop::sample::Index>(),
        ) {
            let jobs: Vec<Job> = jobs.into_iter().map(|(head, work, tail)| Job { head, work, tail }).collect();
            let bound = one_by_one(jobs.clone());
            let mut order = jobs;
            let turn = seed.index(order.len());
            order.rotate_left(turn);
            let mut now = 0;
            let mut end = 0;
            for job in &order {
                now = now.max(job.head) + job.work;
                end = end.max(now + job.tail);
            }
            prop_assert!(bound <= end);
            prop_assert!(bound >= order.iter().map(|job| job.work).sum());
        }
    }
}
