//! Who goes first: critical path, then conflict degree, priority, age.

use crate::rules::graph::{Cycle, Dependencies};
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

/// Is there an order at all?
///
/// # Errors
/// The cycle, where tasks wait for each other.
pub fn check(tasks: &[Task]) -> Result<(), Cycle> {
    graph(tasks).map(drop)
}

/// Ranks the tasks. The longest chain of waiting tasks comes first (critical path), then those that many others
/// collide with, then the more urgent, then the older. Where money may not reach for all, priority goes before all.
///
/// # Errors
/// The cycle, where tasks wait for each other.
pub fn rank(tasks: Vec<Task>, settings: &Settings) -> Result<Ranked, Cycle> {
    let graph = graph(&tasks)?;
    let levels = graph.bottom_levels(|place| u64::from(tasks[place].estimate.minutes));
    let locks = Locks::new(tasks.iter(), settings.policy);
    let degrees = locks.degrees();
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    order.sort_by_cached_key(|&place| {
        let task = &tasks[place];
        let urgent_first = settings.priority_first.then_some(task.priority);
        let path = (Reverse(levels[place]), Reverse(degrees[place]));
        (
            urgent_first,
            path,
            task.priority,
            task.issue.created_at,
            task.number(),
        )
    });
    let mut places: Vec<Option<Arc<Task>>> = tasks.into_iter().map(Arc::new).map(Some).collect();
    Ok(Ranked {
        tasks: order
            .iter()
            .filter_map(|place| places[*place].take())
            .collect(),
        graph: graph.reordered(&order),
        locks: locks.reordered(&order),
    })
}

fn graph(tasks: &[Task]) -> Result<Dependencies, Cycle> {
    Dependencies::new(
        tasks
            .iter()
            .map(|task| (task.number(), task.needs.as_slice())),
    )
}
