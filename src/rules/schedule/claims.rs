//! What each task claims: files, directories, domains and the whole repository, each with the chance that it is used.
//!
//! A task with a known footprint claims its files alone and shares its domain with others; one without claims its
//! domain alone. Of what only one task claims nobody has to know, so only contested resources are kept.

use crate::rules::classify::Domain;
use crate::rules::conflict::THRESHOLD;
use crate::rules::settings::Policy;
use crate::rules::task::Task;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// The claims of all tasks to contested resources. Tasks are named by their place, resources by their number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Claims {
    names: Vec<Arc<str>>,
    /// Those of the first task, then those of the second, and so on.
    list: Vec<Claim>,
    /// Where the claims of each task end.
    ends: Vec<u32>,
}

/// A task's claim to one resource.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Claim {
    pub(super) resource: u32,
    /// May nobody else use it at the same time?
    pub(super) alone: bool,
    /// That it is used at all, from 0 to 1.
    pub(super) chance: f64,
    /// That two uses of it get in each other's way, from 0 to 1.
    pub(super) friction: f64,
}

impl Claim {
    /// The chance that two that claim the same get in each other's way over it, where one of them wants it alone.
    pub(super) fn collides(&self, other: &Self) -> f64 {
        self.chance * other.chance * self.friction.min(other.friction)
    }
}

impl Claims {
    /// Reads the claims of all tasks.
    pub(super) fn read<'a>(tasks: impl Iterator<Item = &'a Task> + Clone, policy: Policy) -> Self {
        let files = || tasks.clone().flat_map(|task| &task.footprint.files);
        let directories = files()
            .map(|file| file.path.as_str())
            .filter(|path| path.ends_with('/'))
            .collect();
        let mut reading = Reading {
            policy,
            directories,
            paths: HashMap::with_capacity(files().count()),
            domains: Vec::new(),
            everything: None,
            found: Vec::new(),
            claims: Self::default(),
        };
        for task in tasks {
            reading.read(task);
        }
        reading.contested()
    }

    /// The same claims with the tasks in another order: the first of it names the one that comes first now.
    pub(super) fn reordered(&self, order: &[usize]) -> Self {
        let mut list = Vec::with_capacity(self.list.len());
        let mut ends = Vec::with_capacity(order.len());
        for &task in order {
            list.extend_from_slice(self.of(task));
            ends.push(position(list.len()));
        }
        Self {
            names: self.names.clone(),
            list,
            ends,
        }
    }

    /// How many tasks there are.
    pub(super) fn tasks(&self) -> usize {
        self.ends.len()
    }

    /// How many resources are contested.
    pub(super) fn resources(&self) -> usize {
        self.names.len()
    }

    /// What a resource is called: a path, a domain.
    pub(super) fn name(&self, resource: u32) -> &Arc<str> {
        &self.names[resource as usize]
    }

    /// Where a task's claims stand among all claims.
    pub(super) fn range(&self, task: usize) -> Range<usize> {
        let start = task.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends[task] as usize
    }

    /// All claims, one task's after another's.
    pub(super) fn all(&self) -> &[Claim] {
        &self.list
    }

    /// What the task claims.
    pub(super) fn of(&self, task: usize) -> &[Claim] {
        &self.list[self.range(task)]
    }

    /// How many other tasks claim alone what this one claims alone.
    pub(super) fn degrees(&self) -> Vec<u32> {
        let mut claimants = vec![0_u32; self.resources()];
        for claim in self.list.iter().filter(|claim| claim.alone) {
            claimants[claim.resource as usize] += 1;
        }
        let degree = |task| {
            let alone = self.of(task).iter().filter(|claim| claim.alone);
            alone
                .map(|claim| claimants[claim.resource as usize] - 1)
                .sum()
        };
        (0..self.tasks()).map(degree).collect()
    }

    /// For each resource those that can only use it in turn: any two of them collide over it with at least the
    /// threshold's chance. The largest chance first; one that two others would share is left out.
    pub(super) fn in_turn(&self) -> InTurn {
        let mut in_turn = InTurn::of(self);
        for resource in 0..self.resources() {
            let range = in_turn.range(resource);
            let users = &mut in_turn.users[range];
            users.sort_by(|one, next| {
                let weight = |user: &User| user.chance * user.friction;
                weight(next).total_cmp(&weight(one))
            });
            let mut friction = f64::INFINITY;
            let mut before = f64::INFINITY;
            let keep = users
                .iter()
                .take_while(|user| {
                    friction = friction.min(user.friction);
                    let collides = before.min(1.0) * user.chance * friction >= THRESHOLD;
                    before = before.min(user.chance);
                    collides
                })
                .count();
            in_turn.kept[resource] = position(keep);
        }
        in_turn
    }
}

/// Who uses which resource in turn.
#[derive(Debug)]
pub(super) struct InTurn {
    users: Vec<User>,
    ends: Vec<u32>,
    kept: Vec<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct User {
    task: u32,
    chance: f64,
    friction: f64,
}

impl InTurn {
    /// All that claim a resource alone, by resource.
    fn of(claims: &Claims) -> Self {
        let mut ends = vec![0_u32; claims.resources()];
        for claim in claims.list.iter().filter(|claim| claim.alone) {
            ends[claim.resource as usize] += 1;
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum - *end;
        }
        let mut users = vec![User::default(); sum as usize];
        for task in 0..claims.tasks() {
            for claim in claims.of(task).iter().filter(|claim| claim.alone) {
                let end = &mut ends[claim.resource as usize];
                users[*end as usize] = User {
                    task: position(task),
                    chance: claim.chance,
                    friction: claim.friction,
                };
                *end += 1;
            }
        }
        let kept = vec![0; ends.len()];
        Self { users, ends, kept }
    }

    fn range(&self, resource: usize) -> Range<usize> {
        let start = resource
            .checked_sub(1)
            .map_or(0, |before| self.ends[before]);
        start as usize..self.ends[resource] as usize
    }

    /// The tasks that use each resource in turn.
    pub(super) fn all(&self) -> impl Iterator<Item = impl Iterator<Item = usize>> {
        (0..self.kept.len()).map(|resource| {
            let users = &self.users[self.range(resource)][..self.kept[resource] as usize];
            users.iter().map(|user| user.task as usize)
        })
    }

    /// For each task the work that is left over its busiest resource when its turn comes, its own with it: the users
    /// of a resource take their turns by their levels.
    pub(super) fn remaining(&self, weights: &[u64], levels: &[u64]) -> Vec<u64> {
        let mut remaining = weights.to_vec();
        let mut turn: Vec<usize> = Vec::new();
        for users in self.all() {
            turn.clear();
            turn.extend(users);
            turn.sort_unstable_by_key(|&task| (levels[task], Reverse(task)));
            let mut left = 0;
            for &task in &turn {
                left += weights[task];
                remaining[task] = remaining[task].max(left);
            }
        }
        remaining
    }
}

/// Reads the claims of one task after another.
struct Reading<'a> {
    policy: Policy,
    directories: BTreeSet<&'a str>,
    paths: HashMap<&'a str, u32>,
    domains: Vec<(Domain, u32)>,
    everything: Option<u32>,
    found: Vec<Found<'a>>,
    claims: Claims,
}

/// A resource, and by how many it is claimed.
struct Found<'a> {
    name: Name<'a>,
    all: u32,
    alone: u32,
}

enum Name<'a> {
    Path(&'a str),
    Domain(Domain),
    Everything,
}

impl<'a> Reading<'a> {
    fn read(&mut self, task: &'a Task) {
        for file in &task.footprint.files {
            let claim = |resource, alone| Claim {
                resource,
                alone,
                chance: file.probability,
                friction: file.friction,
            };
            let resource = self.path(&file.path);
            self.claim(claim(resource, true));
            if self.directories.is_empty() {
                continue;
            }
            for above in ancestors(&file.path) {
                if self.directories.contains(above) {
                    let resource = self.path(above);
                    self.claim(claim(resource, false));
                }
            }
        }
        let domain = task.domain.domain;
        let by_files = self.policy == Policy::Footprint && task.footprint.is_known();
        let certain = |resource, alone| Claim {
            resource,
            alone,
            chance: 1.0,
            friction: 1.0,
        };
        if self.policy == Policy::Domain {
            let resource = self.everything();
            self.claim(certain(resource, domain == Domain::Unknown));
        }
        // Of whom nothing at all is known, that is no domain: see `rules::conflict`.
        if domain != Domain::Unknown {
            let resource = self.domain(domain);
            self.claim(certain(resource, !by_files));
        }
        self.claims.ends.push(position(self.claims.list.len()));
    }

    fn claim(&mut self, claim: Claim) {
        let found = &mut self.found[claim.resource as usize];
        found.all += 1;
        found.alone += u32::from(claim.alone);
        self.claims.list.push(claim);
    }

    fn path(&mut self, path: &'a str) -> u32 {
        let next = position(self.found.len());
        let resource = *self.paths.entry(path).or_insert(next);
        if resource == next {
            self.find(Name::Path(path));
        }
        resource
    }

    fn domain(&mut self, domain: Domain) -> u32 {
        let known = self.domains.iter().find(|(known, _)| *known == domain);
        if let Some((_, resource)) = known {
            return *resource;
        }
        let resource = self.find(Name::Domain(domain));
        self.domains.push((domain, resource));
        resource
    }

    fn everything(&mut self) -> u32 {
        if let Some(resource) = self.everything {
            return resource;
        }
        let resource = self.find(Name::Everything);
        self.everything = Some(resource);
        resource
    }

    fn find(&mut self, name: Name<'a>) -> u32 {
        self.found.push(Found {
            name,
            all: 0,
            alone: 0,
        });
        position(self.found.len() - 1)
    }

    /// The claims to what several claim, of whom one would have it alone.
    fn contested(self) -> Claims {
        let mut numbers: Vec<Option<u32>> = Vec::with_capacity(self.found.len());
        let mut names: Vec<Arc<str>> = Vec::new();
        for found in &self.found {
            let contested = found.alone > 0 && found.all > 1;
            numbers.push(contested.then_some(position(names.len())));
            if contested {
                names.push(match found.name {
                    Name::Path(path) => path.into(),
                    Name::Domain(domain) => format!("domain {}", domain.word()).into(),
                    Name::Everything => "everything".into(),
                });
            }
        }
        let mut list = Vec::with_capacity(self.claims.list.len());
        let mut ends = Vec::with_capacity(self.claims.ends.len());
        let mut from = 0;
        for end in self.claims.ends {
            let own = &self.claims.list[from..end as usize];
            list.extend(own.iter().filter_map(|claim| {
                let resource = numbers[claim.resource as usize]?;
                Some(Claim { resource, ..*claim })
            }));
            ends.push(position(list.len()));
            from = end as usize;
        }
        Claims { names, list, ends }
    }
}

/// Places are kept small, because there are many of them.
pub(super) fn position(at: usize) -> u32 {
    u32::try_from(at).expect("there are fewer than 2^32 tasks and claims")
}

/// The directories above a path, each with its final `/`.
pub(super) fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    let own = path.strip_suffix('/').unwrap_or(path);
    own.char_indices()
        .filter(|(_, letter)| *letter == '/')
        .map(|(at, _)| &path[..=at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::conflict::tests::task;

    #[test]
    fn the_directories_above_a_path_end_in_a_slash() {
        assert_eq!(ancestors("a/b/c.rs").collect::<Vec<_>>(), ["a/", "a/b/"]);
        assert_eq!(ancestors("a/b/").collect::<Vec<_>>(), ["a/"]);
        assert_eq!(ancestors("c.rs").count(), 0);
    }

    #[test]
    fn what_nobody_else_claims_is_no_claim() {
        let tasks = [
            task(Domain::Backend, &[("a", 0.9), ("b", 0.9)]),
            task(Domain::Backend, &[("b", 0.9), ("c/", 0.9)]),
            task(Domain::Frontend, &[("d/e", 0.9), ("d/", 0.5)]),
        ];
        let claims = Claims::read(tasks.iter(), Policy::Footprint);
        let names: Vec<&str> = claims.names.iter().map(|name| &**name).collect();
        assert_eq!(names, ["b", "d/"]);
        assert_eq!(claims.degrees(), [1, 1, 0]);
    }

    #[test]
    fn only_those_take_turns_of_whom_any_two_collide() {
        let tasks: Vec<Task> = [0.9, 0.4, 0.5, 0.9, 0.2]
            .map(|chance| task(Domain::Backend, &[("a", chance)]))
            .into();
        let claims = Claims::read(tasks.iter(), Policy::Footprint);
        let in_turn = claims.in_turn();
        let mut users: Vec<Vec<usize>> = in_turn.all().map(Iterator::collect).collect();
        users[0].sort_unstable();
        assert_eq!(
            users,
            [[0, 2, 3]],
            "0.9 x 0.5 is above 0.3, 0.5 x 0.4 below"
        );
        let remaining = in_turn.remaining(&[10, 20, 30, 40, 50], &[10, 20, 30, 40, 50]);
        assert_eq!(remaining, [10, 20, 40, 80, 50]);
    }
}
