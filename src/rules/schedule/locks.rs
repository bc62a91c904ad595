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

/// Claims of all tasks, who holds what, and who waits for what. Tasks are named by their place in the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Locks {
    resources: Vec<Resource>,
    by_name: HashMap<String, usize>,
    claims: Vec<Vec<Claim>>,
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
    name: String,
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
        let mut locks = Self::default();
        for task in tasks {
            let claims = locks.read_claims(task, policy, &directories);
            locks.claims.push(claims);
        }
        locks.waits_for = vec![None; locks.claims.len()];
        locks.woken_by = locks.waits_for.clone();
        locks
    }

    fn read_claims(
        &mut self,
        task: &Task,
        policy: Policy,
        directories: &BTreeSet<&str>,
    ) -> Vec<Claim> {
        let mut claims = Vec::with_capacity(task.footprint.files.len() + 2);
        for file in &task.footprint.files {
            let resource = self.intern(&file.path);
            claims.push(Claim {
                resource,
                alone: true,
                chance: file.probability,
            });
            for above in ancestors(&file.path).filter(|above| directories.contains(above)) {
                let resource = self.intern(above);
                claims.push(Claim {
                    resource,
                    alone: false,
                    chance: file.probability,
                });
            }
        }
        let by_files = task.footprint.is_known() && policy == Policy::Footprint;
        let domain = task.domain.domain;
        let takes_all = !by_files && domain == Domain::Unknown;
        let everything = self.intern("everything");
        claims.push(Claim {
            resource: everything,
            alone: takes_all,
            chance: 1.0,
        });
        if !takes_all {
            let resource = self.intern(&format!("domain {}", domain.word()));
            claims.push(Claim {
                resource,
                alone: !by_files,
                chance: 1.0,
            });
        }
        claims
    }

    fn intern(&mut self, name: &str) -> usize {
        if let Some(&resource) = self.by_name.get(name) {
            return resource;
        }
        self.resources.push(Resource {
            name: name.to_owned(),
            ..Resource::default()
        });
        self.by_name
            .insert(name.to_owned(), self.resources.len() - 1);
        self.resources.len() - 1
    }

    /// The running task that this one would most surely collide with, if any.
    #[must_use]
    pub fn blocker(&self, task: usize) -> Option<Blocker<'_>> {
        let mut worst: Option<(f64, Blocker<'_>)> = None;
        let mut met: Vec<(usize, f64, f64, usize)> = Vec::new();
        for claim in &self.claims[task] {
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
        for claim in self.claims.iter().flatten().filter(|claim| claim.alone) {
            claimants[claim.resource] += 1;
        }
        let degree = |claims: &Vec<Claim>| {
            claims
                .iter()
                .filter(|claim| claim.alone)
                .map(|claim| claimants[claim.resource] - 1)
                .sum()
        };
        self.claims.iter().map(degree).collect()
    }

    /// It runs from now on. Returns whoever is to be looked at again.
    pub fn hold(&mut self, task: usize) -> Option<usize> {
        for claim in &self.claims[task] {
            let Claim {
                resource,
                alone,
                chance,
            } = *claim;
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
        for place in 0..self.claims[task].len() {
            let resource = self.claims[task][place].resource;
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
        let alone = self.claims[task]
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
