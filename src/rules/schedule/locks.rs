//! Which running tasks would this one collide with?
//!
//! Two tasks collide with the chance `1 - prod(1 - p_a * p_b * friction)` over the resources that both claim, the same
//! as `rules::conflict` says for the pair.
//!
//! Each waiting task waits in the queue of one resource. When a holder leaves, only the first in the queue is looked
//! at again, so a completion costs the number of its claims and not the number of tasks. One that was passed over too
//! often stands outside the queues: its claims are kept for it, and it is looked at whenever one of them is given back.

use crate::rules::conflict::THRESHOLD;
use crate::rules::schedule::claims::{Claim, Claims, position};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Claims of all tasks, who holds what, and who waits for what. Tasks are named by their place in the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Locks {
    claims: Claims,
    resources: Vec<Resource>,
    queues: Vec<Queues>,
    /// For each claim, the next holder of its resource.
    next: Vec<u32>,
    /// For each claim, whose it is.
    owner: Vec<u32>,
    waits_for: Vec<Option<Queue>>,
    woken_by: Vec<Option<Queue>>,
    /// Those that nobody else may get ahead of any more, the one that was so first in front.
    kept_for: Vec<usize>,
}

/// Those that wait for a resource to use it alone, or those that would share it: who holds it alone keeps off both,
/// who shares it only the first.
type Queue = (u32, Mode);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Alone,
    Shared,
}

/// The end of a list of holders.
const NOBODY: u32 = u32::MAX;

/// What is asked of a resource all the time; it stands apart from its queues, which are empty mostly.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Resource {
    /// The claim of the one who held it last.
    first: u32,
    /// How many wait in its queues.
    waiting: u32,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Queues {
    alone: BTreeSet<u32>,
    shared: BTreeSet<u32>,
}

impl Queues {
    fn of(&mut self, mode: Mode) -> &mut BTreeSet<u32> {
        match mode {
            Mode::Alone => &mut self.alone,
            Mode::Shared => &mut self.shared,
        }
    }
}

/// A task that stands in the way: it runs, or it has waited for too long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blocker<'a> {
    /// Which, by its place.
    pub task: usize,
    /// Over what, mostly: a path or a domain.
    pub over: &'a Arc<str>,
}

/// What is known of one task in the way.
struct Met {
    task: usize,
    survives: f64,
    most: f64,
    over: u32,
}

impl Locks {
    /// Nobody holds anything yet.
    pub(super) fn new(claims: Claims) -> Self {
        let resource = Resource {
            first: NOBODY,
            waiting: 0,
        };
        let mut owner = Vec::with_capacity(claims.all().len());
        for task in 0..claims.tasks() {
            owner.resize(claims.range(task).end, position(task));
        }
        Self {
            resources: vec![resource; claims.resources()],
            queues: vec![Queues::default(); claims.resources()],
            next: vec![NOBODY; claims.all().len()],
            owner,
            waits_for: vec![None; claims.tasks()],
            woken_by: vec![None; claims.tasks()],
            kept_for: Vec::new(),
            claims,
        }
    }

    /// The same with other claims: those that run hold theirs, those that claims are kept for keep them, and nobody waits.
    pub(super) fn reread(&mut self, claims: Claims, running: &[usize]) {
        let kept_for = std::mem::take(&mut self.kept_for);
        *self = Self::new(claims);
        for place in running {
            // Nobody waits yet, so nobody is woken.
            let _ = self.hold(*place);
        }
        self.kept_for = kept_for;
    }

    /// The task in whose way this one would most surely be, if any.
    #[must_use]
    pub fn blocker(&self, task: usize) -> Option<Blocker<'_>> {
        let (task, over) = self.most_in_the_way(task)?;
        let over = self.claims.name(over);
        Some(Blocker { task, over })
    }

    fn most_in_the_way(&self, task: usize) -> Option<(usize, u32)> {
        let mut met: Vec<Met> = Vec::new();
        for claim in self.claims.of(task) {
            for holder in self.holders(claim.resource) {
                let other = &self.claims.all()[holder];
                meet(&mut met, claim, other, self.owner[holder] as usize);
            }
        }
        for &other in &self.kept_for {
            if other == task {
                break;
            }
            for claim in self.claims.of(task) {
                for kept in self.claims.of(other) {
                    if kept.resource == claim.resource {
                        meet(&mut met, claim, kept, other);
                    }
                }
            }
        }
        let mut worst: Option<&Met> = None;
        for each in &met {
            let (chance, most) = (1.0 - each.survives, worst.map(|worst| 1.0 - worst.survives));
            if chance >= THRESHOLD && most.is_none_or(|most| chance > most) {
                worst = Some(each);
            }
        }
        worst.map(|worst| (worst.task, worst.over))
    }

    /// The claims by which a resource is held now.
    fn holders(&self, resource: u32) -> impl Iterator<Item = usize> {
        let some = |claim: u32| (claim != NOBODY).then_some(claim as usize);
        let first = some(self.resources[resource as usize].first);
        std::iter::successors(first, move |claim| some(self.next[*claim]))
    }

    /// It runs from now on. Returns whoever is to be looked at again.
    pub fn hold(&mut self, task: usize) -> Option<usize> {
        for place in self.claims.range(task) {
            let resource = &mut self.resources[self.claims.all()[place].resource as usize];
            self.next[place] = resource.first;
            resource.first = position(place);
        }
        self.kept_for.retain(|kept| *kept != task);
        let queue = self.woken_by[task].take()?;
        // Whoever is next in the queue that it came from need not look if it would only see this one.
        let next = *self.queue(queue)?.first()? as usize;
        if self
            .most_in_the_way(next)
            .is_some_and(|(_, over)| over == queue.0)
        {
            return None;
        }
        self.wake_first(queue)
    }

    /// It does not run any more. Adds those that are to be looked at again.
    pub fn release(&mut self, task: usize, woken: &mut Vec<usize>) {
        for place in self.claims.range(task) {
            let resource = self.claims.all()[place].resource;
            self.let_go(place, resource);
            woken.extend(self.wake_first((resource, Mode::Alone)));
            woken.extend(self.wake_first((resource, Mode::Shared)));
        }
        self.wake_kept(task, woken);
    }

    fn let_go(&mut self, place: usize, resource: u32) {
        let resource = &mut self.resources[resource as usize];
        let gone = position(place);
        if resource.first == gone {
            resource.first = self.next[place];
            return;
        }
        let mut at = resource.first;
        while at != NOBODY {
            let next = self.next[at as usize];
            if next == gone {
                self.next[at as usize] = self.next[place];
                return;
            }
            at = next;
        }
    }

    /// It waits in the queue of `over`, or outside of all queues if its claims are kept for it. Returns whoever is to
    /// be looked at again; `None` if `over` is nothing that it claims, so that it cannot wait for it.
    pub fn wait(&mut self, task: usize, over: &str) -> Option<Option<usize>> {
        let mut own = self.claims.of(task).iter();
        let claim = *own.find(|claim| **self.claims.name(claim.resource) == *over)?;
        if self.kept_for.contains(&task) {
            return Some(self.moved_on(task));
        }
        let mode = if claim.alone {
            Mode::Alone
        } else {
            Mode::Shared
        };
        let queue = (claim.resource, mode);
        let next = if self.woken_by[task] == Some(queue) {
            self.woken_by[task] = None;
            None
        } else {
            self.moved_on(task)
        };
        self.waits_for[task] = Some(queue);
        self.resources[claim.resource as usize].waiting += 1;
        let queues = &mut self.queues[claim.resource as usize];
        queues.of(mode).insert(position(task));
        Some(next)
    }

    /// Nobody may get ahead of it any more: its claims are kept for it.
    pub fn keep_for(&mut self, task: usize) {
        if !self.kept_for.contains(&task) {
            self.kept_for.push(task);
        }
    }

    /// Those that it may not get ahead of.
    pub(super) fn ahead_of(&self, task: usize) -> impl Iterator<Item = usize> {
        let kept = self.kept_for.iter().copied();
        kept.take_while(move |kept| *kept != task)
    }

    /// It neither waits nor runs any more. Adds those that are to be looked at again.
    pub fn leave(&mut self, task: usize, woken: &mut Vec<usize>) {
        if let Some(queue) = self.waits_for[task].take()
            && let Some(waiting) = self.queue(queue)
        {
            waiting.remove(&position(task));
            self.resources[queue.0 as usize].waiting -= 1;
        }
        woken.extend(self.moved_on(task));
        if self.kept_for.contains(&task) {
            self.kept_for.retain(|kept| *kept != task);
            for place in self.claims.range(task) {
                let resource = self.claims.all()[place].resource;
                woken.extend(self.wake_first((resource, Mode::Alone)));
                woken.extend(self.wake_first((resource, Mode::Shared)));
            }
            self.wake_kept(task, woken);
        }
    }

    /// Those that nobody may get ahead of, and that claim something of this one.
    fn wake_kept(&self, task: usize, woken: &mut Vec<usize>) {
        let shares = |kept: &&usize| {
            let own = self.claims.of(task);
            let mut others = self.claims.of(**kept).iter();
            others.any(|other| own.iter().any(|claim| claim.resource == other.resource))
        };
        woken.extend(self.kept_for.iter().filter(shares));
    }

    /// A woken task went elsewhere: the next in the queue that it came from takes its turn.
    fn moved_on(&mut self, task: usize) -> Option<usize> {
        let queue = self.woken_by[task].take()?;
        self.wake_first(queue)
    }

    /// A queue, where the resource has any that wait.
    fn queue(&mut self, (resource, mode): Queue) -> Option<&mut BTreeSet<u32>> {
        let resource = resource as usize;
        (self.resources[resource].waiting > 0).then(|| self.queues[resource].of(mode))
    }

    fn wake_first(&mut self, queue: Queue) -> Option<usize> {
        let first = self.queue(queue)?.pop_first()? as usize;
        self.resources[queue.0 as usize].waiting -= 1;
        self.waits_for[first] = None;
        self.woken_by[first] = Some(queue);
        Some(first)
    }
}

/// Takes in that a claim meets another one.
fn meet(met: &mut Vec<Met>, claim: &Claim, other: &Claim, task: usize) {
    if !claim.alone && !other.alone {
        return;
    }
    let (chance, over) = (claim.collides(other), claim.resource);
    match met.iter_mut().find(|entry| entry.task == task) {
        Some(entry) => {
            entry.survives *= 1.0 - chance;
            if chance > entry.most {
                (entry.most, entry.over) = (chance, over);
            }
        }
        None => met.push(Met {
            task,
            survives: 1.0 - chance,
            most: chance,
            over,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::classify::Domain;
    use crate::rules::conflict::tests::{any_task, task};
    use crate::rules::conflict::{Collision, collision, may_run_together};
    use crate::rules::settings::Policy;
    use crate::rules::task::Task;
    use proptest::prelude::*;

    fn locks(tasks: &[Task], policy: Policy) -> Locks {
        Locks::new(Claims::read(tasks.iter(), policy))
    }

    proptest! {
        #[test]
        fn locks_say_of_a_pair_what_conflict_says(a in any_task(), b in any_task()) {
            let Collision { probability, .. } = collision(&a.footprint, &b.footprint);
            prop_assume!((probability - THRESHOLD).abs() > 1e-9);
            for policy in [Policy::Footprint, Policy::Domain] {
                let may = may_run_together(&a, &b, policy);
                prop_assert_eq!(may.is_ok(), may_run_together(&b, &a, policy).is_ok());
                let mut locks = locks(&[a.clone(), b.clone()], policy);
                locks.hold(0);
                prop_assert_eq!(locks.blocker(1).is_none(), may.is_ok(), "{:?}: {:?}", policy, may);
                let mut woken = Vec::new();
                locks.release(0, &mut woken);
                prop_assert_eq!(locks.blocker(1), None);
            }
        }
    }

    #[test]
    fn of_those_that_wait_for_a_file_one_is_looked_at_when_it_is_given_back() {
        let tasks = [(); 4].map(|()| task(Domain::Backend, &[("a", 0.9)]));
        let mut locks = locks(&tasks, Policy::Footprint);
        locks.hold(3);
        for waiting in [2, 0, 1] {
            assert_eq!(locks.wait(waiting, "a"), Some(None));
        }
        let mut woken = Vec::new();
        locks.release(3, &mut woken);
        assert_eq!(woken, [0], "the first by rank");
        assert_eq!(locks.hold(0), None);
        assert_eq!(locks.wait(1, "b"), None, "it does not claim that");
    }

    #[test]
    fn nobody_gets_ahead_of_one_that_claims_are_kept_for() {
        let tasks = [
            task(Domain::Backend, &[("a", 0.9)]),
            task(Domain::Backend, &[("a", 0.9), ("b", 0.9)]),
            task(Domain::Backend, &[("b", 0.9)]),
        ];
        let mut locks = locks(&tasks, Policy::Footprint);
        locks.hold(2);
        locks.keep_for(1);
        locks.wait(1, "b");
        assert_eq!(locks.blocker(0).map(|blocker| blocker.task), Some(1));
        locks.wait(0, "a");
        let mut woken = Vec::new();
        locks.release(2, &mut woken);
        assert_eq!(woken, [1]);
        assert_eq!(locks.blocker(1), None);
        let mut woken = Vec::new();
        locks.leave(1, &mut woken);
        assert_eq!(
            woken,
            [0],
            "where it goes without having run, the others go on"
        );
        assert_eq!(locks.blocker(0), None);
    }
}
