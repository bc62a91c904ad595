//! Who has to wait for whom: the dependency graph, its cycles and its critical path.

use crate::rules::ids::{ByIssue, IssueNumber};
use petgraph::Direction::Incoming;
use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::HashMap;

/// The dependencies between tasks, each named by its place in the list that the graph was built from.
#[derive(Clone, Debug, Default)]
pub struct Dependencies {
    graph: DiGraph<(), (), u32>,
    order: Vec<usize>,
}

/// Issues that depend on each other in a ring, the first one again at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle(pub Vec<IssueNumber>);

impl std::fmt::Display for Cycle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, issue) in self.0.iter().enumerate() {
            let arrow = if place == 0 { "" } else { " -> " };
            write!(f, "{arrow}{issue}")?;
        }
        Ok(())
    }
}

impl Dependencies {
    /// Builds the graph of tasks and what each needs; needs that are not in the list are left out.
    ///
    /// # Errors
    /// The shortest ring through one of the tasks that can never start.
    pub fn new<'a>(
        tasks: impl ExactSizeIterator<Item = (IssueNumber, &'a [IssueNumber])> + Clone,
    ) -> Result<Self, Cycle> {
        let places: ByIssue<u32> = tasks.clone().map(|(issue, _)| issue).zip(0..).collect();
        let mut graph = DiGraph::with_capacity(tasks.len(), tasks.len());
        for _ in 0..tasks.len() {
            graph.add_node(());
        }
        let mut own: Vec<u32> = Vec::new();
        for (place, (_, needs)) in (0..).zip(tasks.clone()) {
            own.extend(needs.iter().filter_map(|need| places.get(need)));
            // Not asked of the graph, which would look at all that wait for the same one.
            own.sort_unstable();
            own.dedup();
            for need in own.drain(..) {
                graph.add_edge(need.into(), place.into(), ());
            }
        }
        if let Ok(order) = toposort(&graph, None) {
            let order = order.into_iter().map(NodeIndex::index).collect();
            return Ok(Self { graph, order });
        }
        let issues: Vec<IssueNumber> = tasks.map(|(issue, _)| issue).collect();
        Err(ring(&graph, &issues))
    }

    /// The same tasks in another order: the first of it names the place of the one that comes first now.
    #[must_use]
    pub fn reordered(&self, order: &[usize]) -> Self {
        let mut places = vec![0_usize; order.len()];
        for (new, old) in order.iter().enumerate() {
            places[*old] = new;
        }
        let mut graph = DiGraph::with_capacity(order.len(), self.graph.edge_count());
        for _ in order {
            graph.add_node(());
        }
        let place = |node: NodeIndex| NodeIndex::new(places[node.index()]);
        for edge in self.graph.raw_edges() {
            graph.add_edge(place(edge.source()), place(edge.target()), ());
        }
        let order = self.order.iter().map(|old| places[*old]).collect();
        Self { graph, order }
    }

    /// Those that wait for this one.
    pub fn dependents(&self, place: usize) -> impl Iterator<Item = usize> + '_ {
        self.graph
            .neighbors(NodeIndex::new(place))
            .map(NodeIndex::index)
    }

    /// Those that it waits for.
    pub fn needs(&self, place: usize) -> impl Iterator<Item = usize> + '_ {
        self.graph
            .neighbors_directed(NodeIndex::new(place), Incoming)
            .map(NodeIndex::index)
    }

    /// For each task its bottom level: its own weight and the heaviest chain of those that wait for it
    /// (the priority of list scheduling by critical path; Graham 1969, Kwok and Ahmad 1999).
    #[must_use]
    pub fn bottom_levels(&self, weight: impl Fn(usize) -> u64) -> Vec<u64> {
        self.bottom_up(|place, below| weight(place) + below)
    }

    /// The heaviest chain of tasks that wait for one another, the first one first.
    #[must_use]
    pub fn critical_path(&self, weight: impl Fn(usize) -> u64) -> Vec<usize> {
        let levels = self.bottom_levels(&weight);
        let heaviest = |places: &mut dyn Iterator<Item = usize>| {
            places.max_by_key(|place| (levels[*place], std::cmp::Reverse(*place)))
        };
        let mut path = Vec::new();
        let mut next = heaviest(&mut (0..levels.len()));
        while let Some(place) = next {
            path.push(place);
            next = heaviest(&mut self.dependents(place));
        }
        path
    }

    /// For each task how long the longest chain takes that has to be done before it.
    #[must_use]
    pub fn heads(&self, weight: impl Fn(usize) -> u64) -> Vec<u64> {
        let mut heads = vec![0; self.graph.node_count()];
        for &place in &self.order {
            let chains = self.needs(place).map(|need| heads[need] + weight(need));
            heads[place] = chains.max().unwrap_or(0);
        }
        heads
    }

    /// For each task its level, from its place and the highest level of those that wait for it, 0 where none does.
    #[must_use]
    pub fn bottom_up(&self, level: impl Fn(usize, u64) -> u64) -> Vec<u64> {
        let mut levels = vec![0; self.graph.node_count()];
        for &place in self.order.iter().rev() {
            let below = self.dependents(place).map(|next| levels[next]).max();
            levels[place] = level(place, below.unwrap_or(0));
        }
        levels
    }
}

/// A shortest ring in a graph that has one.
fn ring(graph: &DiGraph<(), (), u32>, issues: &[IssueNumber]) -> Cycle {
    let is_own_need = |node: &NodeIndex| graph.contains_edge(*node, *node);
    let knot = tarjan_scc(graph)
        .into_iter()
        .find(|nodes| nodes.len() > 1 || nodes.first().is_some_and(is_own_need))
        .expect("a graph without topological order has a strongly connected part");
    let first = *knot.iter().min().expect("a part has members");
    let mut before: HashMap<NodeIndex, NodeIndex> = HashMap::new();
    let mut queue = std::collections::VecDeque::from([first]);
    while let Some(node) = queue.pop_front() {
        for need in graph.neighbors_directed(node, Incoming) {
            if need == first {
                return walk_back(first, node, &before, issues);
            }
            if knot.contains(&need) && !before.contains_key(&need) {
                before.insert(need, node);
                queue.push_back(need);
            }
        }
    }
    unreachable!("every member of a strongly connected part reaches every other")
}

fn walk_back(
    first: NodeIndex,
    last: NodeIndex,
    before: &HashMap<NodeIndex, NodeIndex>,
    issues: &[IssueNumber],
) -> Cycle {
    let mut chain = vec![first];
    let mut node = last;
    while node != first {
        chain.push(node);
        node = before[&node];
    }
    chain.push(first);
    chain.reverse();
    Cycle(chain.into_iter().map(|node| issues[node.index()]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(needs: &[(u64, &[u64])]) -> Result<Dependencies, String> {
        let owned: Vec<(IssueNumber, Vec<IssueNumber>)> = needs
            .iter()
            .map(|(issue, needs)| {
                (
                    IssueNumber(*issue),
                    needs.iter().copied().map(IssueNumber).collect(),
                )
            })
            .collect();
        Dependencies::new(
            owned
                .iter()
                .map(|(issue, needs)| (*issue, needs.as_slice())),
        )
        .map_err(|cycle| cycle.to_string())
    }

    #[test]
    fn a_chain_weighs_what_hangs_on_it() {
        let chain = graph(&[(1, &[]), (2, &[1]), (3, &[2]), (4, &[])]).expect("acyclic");
        assert_eq!(chain.bottom_levels(|_| 10), [30, 20, 10, 10]);
        assert_eq!(chain.heads(|_| 10), [0, 10, 20, 0]);
        assert_eq!(chain.dependents(0).collect::<Vec<_>>(), [1]);
        assert_eq!(chain.needs(2).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn the_critical_path_is_the_heaviest_chain() {
        let fork = graph(&[(1, &[]), (2, &[1]), (3, &[1]), (4, &[2]), (5, &[])]).expect("acyclic");
        let check = |weights: [u64; 5], expect: &[usize]| {
            assert_eq!(fork.critical_path(|place| weights[place]), expect);
        };
        check([1, 1, 1, 1, 1], &[0, 1, 3]);
        check([1, 1, 9, 1, 1], &[0, 2]);
        check([1, 1, 1, 1, 9], &[4]);
        assert!(Dependencies::default().critical_path(|_| 1).is_empty());
    }

    #[test]
    fn another_order_changes_names_and_nothing_else() {
        let chain = graph(&[(1, &[]), (2, &[1]), (3, &[2])]).expect("acyclic");
        let other = chain.reordered(&[2, 0, 1]);
        assert_eq!(other.bottom_levels(|_| 10), [10, 30, 20]);
        assert_eq!(other.needs(0).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_cycle_is_shown_in_the_order_of_waiting() {
        assert_eq!(
            graph(&[(1, &[3]), (2, &[1]), (3, &[2]), (4, &[1])]).unwrap_err(),
            "#1 -> #3 -> #2 -> #1"
        );
        assert_eq!(graph(&[(7, &[7])]).unwrap_err(), "#7 -> #7");
    }

    #[test]
    fn a_need_twice_is_one_need_and_a_stranger_is_none() {
        let twice = graph(&[(1, &[]), (2, &[1, 1, 99])]).expect("acyclic");
        assert_eq!(twice.needs(1).count(), 1);
    }
}
