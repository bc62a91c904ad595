//! Who goes first: critical path, then conflict degree, priority, age.

use crate::rules::graph::{Cycle, Dependencies};
use crate::rules::ids::{ByIssue, IssueNumber};
use crate::rules::schedule::claims::Claims;
use crate::rules::schedule::locks::Locks;
use crate::rules::settings::Settings;
use crate::rules::task::Task;
use std::cmp::Reverse;
use std::sync::Arc;

/// The tasks in the order of their rank, with their graph and claims in that order.
#[derive(Debug)]
pub struct Ranked {
    /// The first goes first.
    pub tasks: Vec<Arc<Task>>,
    /// Their dependencies.
    pub graph: Dependencies,
    /// Their claims.
    pub locks: Locks,
}

/// Tasks as they were read, and what follows from them whatever their order.
#[derive(Debug)]
pub struct Backlog {
    pub(super) tasks: Vec<Arc<Task>>,
    pub(super) graph: Dependencies,
    pub(super) claims: Claims,
    urgent_first: bool,
}

/// Is there an order at all?
///
/// # Errors
/// The cycle, where tasks wait for each other.
pub fn check(tasks: &[Task]) -> Result<(), Cycle> {
    graph(tasks).map(drop)
}

impl Backlog {
    /// Reads what the tasks need and claim.
    ///
    /// # Errors
    /// The cycle, where tasks wait for each other.
    pub fn read<T: Into<Arc<Task>>>(tasks: Vec<T>, settings: &Settings) -> Result<Self, Cycle> {
        let tasks: Vec<Arc<Task>> = tasks.into_iter().map(Into::into).collect();
        let shared = || tasks.iter().map(Arc::as_ref);
        Ok(Self {
            graph: graph(shared())?,
            claims: Claims::read(shared(), settings.policy),
            urgent_first: settings.priority_first,
            tasks,
        })
    }

    /// The places of the tasks, the first that goes first. The longest tail comes first, then those that many others
    /// collide with, then the more urgent, then the older. Where money may not reach for all, priority goes before all.
    #[must_use]
    pub fn order(&self) -> Vec<usize> {
        self.by_levels(&self.levels())
    }

    /// For each task the minutes from its start to the end of all that can only come after it (its tail): the longest
    /// chain of tasks that need one another (critical path: Graham 1969), or what is left to do on its busiest file.
    #[must_use]
    pub fn levels(&self) -> Vec<u64> {
        let minutes: Vec<u64> = self.minutes().collect();
        let chains = self.graph.bottom_levels(|place| minutes[place]);
        if self.claims.resources() == 0 {
            return chains;
        }
        let files = self.claims.in_turn().remaining(&minutes, &chains);
        self.graph
            .bottom_up(|place, below| files[place].max(minutes[place] + below))
    }

    /// The same as [`Backlog::order`] by other levels.
    #[must_use]
    pub fn by_levels(&self, levels: &[u64]) -> Vec<usize> {
        let degrees = self.claims.degrees();
        let mut order: Vec<usize> = (0..self.tasks.len()).collect();
        order.sort_by_cached_key(|&place| {
            let task = &self.tasks[place];
            let urgent_first = self.urgent_first.then_some(task.priority);
            let path = (Reverse(levels[place]), Reverse(degrees[place]));
            let age = (task.issue.created_at, task.number());
            (urgent_first, path, task.priority, age)
        });
        order
    }

    /// The order that names exactly these tasks, if the names do.
    #[must_use]
    pub fn order_of(&self, names: &[IssueNumber]) -> Option<Vec<usize>> {
        let numbers = self.tasks.iter().map(|task| task.number());
        let mut places: ByIssue<usize> = numbers.zip(0..).collect();
        if names.len() != self.tasks.len() {
            return None;
        }
        names.iter().map(|name| places.remove(name)).collect()
    }

    /// The tasks in an order of their places.
    #[must_use]
    pub fn ranked(&self, order: &[usize]) -> Ranked {
        Ranked {
            tasks: order
                .iter()
                .map(|place| Arc::clone(&self.tasks[*place]))
                .collect(),
            graph: self.graph.reordered(order),
            locks: Locks::new(self.claims.reordered(order)),
        }
    }

    pub(super) fn minutes(&self) -> impl Iterator<Item = u64> {
        self.tasks
            .iter()
            .map(|task| u64::from(task.estimate.minutes))
    }
}

fn graph<'a>(
    tasks: impl IntoIterator<Item = &'a Task, IntoIter: ExactSizeIterator + Clone>,
) -> Result<Dependencies, Cycle> {
    let tasks = tasks.into_iter();
    Dependencies::new(tasks.map(|task| (task.number(), task.needs.as_slice())))
}
