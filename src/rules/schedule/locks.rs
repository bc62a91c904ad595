//! Which running tasks would this one collide with?
//!
//! Files, directories, domains and the whole repository are resources. A task with a known footprint claims its files
//! and shares its domain; one without claims its domain alone, and one of which nothing is known claims everything.
//! A claim carries the chance that it is used, so two tasks collide with the chance
//! `1 - prod(1 - p_a * p_b)` over the resources that both claim, the same as `rules::conflict` says for the pair.
//!
//! Each waiting task waits in the queue of one resource. When a holder leaves, only the first in the queue is looked
//! at again, so a completion costs the number of its claims and not the number of tasks.

use crate::rules::classify::Domain;
use crate::rules::conflict::THRESHOLD;
use crate::rules::settings::Policy;
use crate::rules::task::Task;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// Claims of all tasks, who holds what, and who waits for what. Tasks are named by their place in the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Locks {
    resources: Vec<Resource>,
    by_name: HashMap<Arc<str>, usize>,
    /// Those of the first task, then those of the second, and so on.
    claims: Vec<Claim>,
    /// Where the claims of each task end.
    ends: Vec<usize>,
    waits_for: Vec<Option<Queue>>,
    woken_by: Vec<Option<Queue>>,
}

/// Those that wait for a resource to use it alone, or those that would share it: who holds it alone keeps off both,
/// who shares it only the first.
type Queue = (usize, Mode);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Alone,
    Shared,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Resource {
    name: Arc<str>,
    holders: Vec<Holder>,
    waiting_alone: BTreeSet<usize>,
    waiting_shared: BTreeSet<usize>,
}

impl Resource {
    fn queue(&mut self, mode: Mode) -> &mut BTreeSet<usize> {
        match mode {
            Mode::Alone => &mut self.waiting_alone,
            Mode::Shared => &mut self.waiting_shared,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Claim {
    resource: usize,
    alone: bool,
    chance: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Holder {
    task: usize,
    alone: bool,
    chance: f64,
}

/// A running task that stands in the way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blocker<'a> {
    /// Which, by its place.
    pub task: usize,
    /// Over what, mostly: a path or a domain.
    pub over: &'a str,
}

impl Locks {
    /// Reads the claims of all tasks.
    pub fn new<'a>(tasks: impl Iterator<Item = &'a Task> + Clone, policy: Policy) -> Self {
        let directories: BTreeSet<&str> = tasks
            .clone()
            .flat_map(|task| &task.footprint.files)
            .map(|file| file.path.as_str())
            .filter(|path| path.ends_with('/'))
            .collect();
        let mut reading = Reading {
            locks: Self::default(),
            policy,
            directories,
            everything: None,
            domains: Vec::new(),
        };
        for task in tasks {
            reading.read(task);
        }
        let mut locks = reading.locks;
        locks.waits_for = vec![None; locks.ends.len()];
        locks.woken_by = locks.waits_for.clone();
        locks
    }

    /// The same claims, of which nobody holds any yet, with the tasks in another order.
    #[must_use]
    pub fn reordered(mut self, order: &[usize]) -> Self {
        let mut claims = Vec::with_capacity(self.claims.len());
        let mut ends = Vec::with_capacity(order.len());
        for &task in order {
            claims.extend_from_slice(self.claims_of(task));
            ends.push(claims.len());
        }
        (self.claims, self.ends) = (claims, ends);
        self
    }

    fn range(&self, task: usize) -> Range<usize> {
        let start = task.checked_sub(1).map_or(0, |before| self.ends[before]);
        start..self.ends[task]
    }

    fn claims_of(&self, task: usize) -> &[Claim] {
        &self.claims[self.range(task)]
    }

    fn intern(&mut self, name: &str) -> usize {
        if let Some(&resource) = self.by_name.get(name) {
            return resource;
        }
        let name: Arc<str> = name.into();
        self.resources.push(Resource {
            name: Arc::clone(&name),
            ..Resource::default()
        });
        self.by_name.insert(name, self.resources.len() - 1);
        self.resources.len() - 1
    }

    /// The running task that this one would most surely collide with, if any.
    #[must_use]
    pub fn blocker(&self, task: usize) -> Option<Blocker<'_>> {
        let mut worst: Option<(f64, Blocker<'_>)> = None;
        let mut met: Vec<(usize, f64, f64, usize)> = Vec::new();
        for claim in self.claims_of(task) {
            let resource = &self.resources[claim.resource];
            for holder in resource
                .holders
                .iter()
                .filter(|holder| claim.alone || holder.alone)
            {
                let chance = claim.chance * holder.chance;
                match met.iter_mut().find(|entry| entry.0 == holder.task) {
                    Some((_, survives, most, over)) => {
                        *survives *= 1.0 - chance;
                        if chance > *most {
                            (*most, *over) = (chance, claim.resource);
                        }
                    }
                    None => met.push((holder.task, 1.0 - chance, chance, claim.resource)),
                }
            }
        }
        for (holder, survives, _, over) in met {
            let chance = 1.0 - survives;
            if chance >= THRESHOLD && worst.is_none_or(|(most, _)| chance > most) {
                worst = Some((
                    chance,
                    Blocker {
                        task: holder,
                        over: &self.resources[over].name,
                    },
                ));
            }
        }
        worst.map(|(_, blocker)| blocker)
    }

    /// How many other tasks claim files that this one claims.
    #[must_use]
    pub fn degrees(&self) -> Vec<u32> {
        let mut claimants = vec![0_u32; self.resources.len()];
        for claim in self.claims.iter().filter(|claim| claim.alone) {
            claimants[claim.resource] += 1;
        }
        let degree = |task| {
            let alone = self.claims_of(task).iter().filter(|claim| claim.alone);
            alone.map(|claim| claimants[claim.resource] - 1).sum()
        };
        (0..self.ends.len()).map(degree).collect()
    }

    /// It runs from now on. Returns whoever is to be looked at again.
    pub fn hold(&mut self, task: usize) -> Option<usize> {
        for place in self.range(task) {
            let Claim {
                resource,
                alone,
                chance,
            } = self.claims[place];
            self.resources[resource].holders.push(Holder {
                task,
                alone,
                chance,
            });
        }
        self.moved_on(task)
    }

    /// It does not run any more. Adds those that are to be looked at again.
    pub fn release(&mut self, task: usize, woken: &mut Vec<usize>) {
        for place in self.range(task) {
            let resource = self.claims[place].resource;
            self.resources[resource]
                .holders
                .retain(|holder| holder.task != task);
            woken.extend(self.wake_first((resource, Mode::Alone)));
            woken.extend(self.wake_first((resource, Mode::Shared)));
        }
    }

    /// It waits in the queue of `over`. Returns whoever is to be looked at again.
    pub fn wait(&mut self, task: usize, over: &str) -> Option<usize> {
        let resource = self.intern(over);
        let alone = self
            .claims_of(task)
            .iter()
            .any(|claim| claim.resource == resource && claim.alone);
        let queue = (resource, if alone { Mode::Alone } else { Mode::Shared });
        let next = if self.woken_by[task] == Some(queue) {
            self.woken_by[task] = None;
            None
        } else {
            self.moved_on(task)
        };
        self.waits_for[task] = Some(queue);
        self.resources[resource].queue(queue.1).insert(task);
        next
    }

    /// It neither waits nor runs any more. Returns whoever is to be looked at again.
    pub fn leave(&mut self, task: usize) -> Option<usize> {
        if let Some((resource, mode)) = self.waits_for[task].take() {
            self.resources[resource].queue(mode).remove(&task);
        }
        self.moved_on(task)
    }

    /// A woken task went elsewhere: the next in the queue that it came from takes its turn.
    fn moved_on(&mut self, task: usize) -> Option<usize> {
        let queue = self.woken_by[task].take()?;
        self.wake_first(queue)
    }

    fn wake_first(&mut self, queue: Queue) -> Option<usize> {
        let first = self.resources[queue.0].queue(queue.1).pop_first()?;
        self.waits_for[first] = None;
        self.woken_by[first] = Some(queue);
        Some(first)
    }
}

/// Reads the claims of one task after another.
struct Reading<'a> {
    locks: Locks,
    policy: Policy,
    directories: BTreeSet<&'a str>,
    everything: Option<usize>,
    domains: Vec<(Domain, usize)>,
}

impl Reading<'_> {
    fn read(&mut self, task: &Task) {
        for file in &task.footprint.files {
            let resource = self.locks.intern(&file.path);
            self.claim(resource, true, file.probability);
            if self.directories.is_empty() {
                continue;
            }
            for above in ancestors(&file.path) {
                if self.directories.contains(above) {
                    let resource = self.locks.intern(above);
                    self.claim(resource, false, file.probability);
                }
            }
        }
        let by_files = task.footprint.is_known() && self.policy == Policy::Footprint;
        let domain = task.domain.domain;
        let takes_all = !by_files && domain == Domain::Unknown;
        let everything = *self
            .everything
            .get_or_insert_with(|| self.locks.intern("everything"));
        self.claim(everything, takes_all, 1.0);
        if !takes_all {
            let resource = self.domain(domain);
            self.claim(resource, !by_files, 1.0);
        }
        self.locks.ends.push(self.locks.claims.len());
    }

    fn claim(&mut self, resource: usize, alone: bool, chance: f64) {
        self.locks.claims.push(Claim {
            resource,
            alone,
            chance,
        });
    }

    fn domain(&mut self, domain: Domain) -> usize {
        let known = self.domains.iter().find(|(known, _)| *known == domain);
        if let Some((_, resource)) = known {
            return *resource;
        }
        let resource = self.locks.intern(&format!("domain {}", domain.word()));
        self.domains.push((domain, resource));
        resource
    }
}

/// The directories above a path, each with its final `/`.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    let own = path.strip_suffix('/').unwrap_or(path);
    own.char_indices()
        .filter(|(_, letter)| *letter == '/')
        .map(|(at, _)| &path[..=at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directories_above_a_path_end_in_a_slash() {
        assert_eq!(ancestors("a/b/c.rs").collect::<Vec<_>>(), ["a/", "a/b/"]);
        assert_eq!(ancestors("a/b/").collect::<Vec<_>>(), ["a/"]);
        assert_eq!(ancestors("c.rs").count(), 0);
    }
}
