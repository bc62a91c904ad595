//! Who is asked to review a pull?

use crate::rules::footprint::area::Owners;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// GitHub asks no more people than that to review a pull.
const MOST: usize = 15;

/// People and teams who are asked for a review.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reviewers {
    /// Logins.
    pub users: Vec<String>,
    /// Teams of the repository's organization, by their own names.
    pub teams: Vec<String>,
}

/// What is known of the reviews of a pull.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reviewing {
    /// Who opened it, and cannot be asked.
    pub author: Option<String>,
    /// Who is asked already.
    pub asked: Reviewers,
}

impl Reviewers {
    /// From names as people write them: `login`, `@login`, `org/team`. Addresses are left out: no pull can ask them.
    #[must_use]
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut found = Self::default();
        for name in names {
            let plain = name.trim().trim_start_matches('@');
            match plain.split_once('/') {
                Some((_, team)) if !team.is_empty() => found.teams.push(team.to_owned()),
                None if !plain.is_empty() && !plain.contains('@') => {
                    found.users.push(plain.to_owned());
                }
                Some(_) | None => {}
            }
        }
        found
    }

    /// The owners of these paths, of most of them first. An owner's team counts only where it is of this organization.
    #[must_use]
    pub fn owning(paths: &[String], owners: &Owners, organization: &str) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for owner in paths.iter().flat_map(|path| owners.of(path)) {
            *counts.entry(owner).or_default() += 1;
        }
        let mut names: Vec<(&str, usize)> = counts.into_iter().collect();
        names.sort_by_key(|(name, count)| (Reverse(*count), *name));
        let ours = format!("@{}/", organization.to_lowercase());
        let names = names.into_iter().map(|(name, _)| name);
        Self::named(names.filter(|name| {
            name.starts_with('@') && (!name.contains('/') || name.starts_with(&ours))
        }))
    }

    /// Is there nobody?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.teams.is_empty()
    }

    /// These and those, each once, without whoever is asked already or wrote it; as many as a pull takes.
    #[must_use]
    pub fn and(mut self, more: Self, known: &Reviewing) -> Self {
        self.users.extend(more.users);
        self.teams.extend(more.teams);
        let mut users = Vec::new();
        let room = MOST
            .saturating_sub(known.asked.users.len())
            .saturating_sub(known.asked.teams.len());
        for user in self.users {
            let is_author = known.author.as_deref().is_some_and(|own| same(own, &user));
            if !is_author && !has(&known.asked.users, &user) && !has(&users, &user) {
                users.push(user);
            }
        }
        let mut teams = Vec::new();
        for team in self.teams {
            if !has(&known.asked.teams, &team) && !has(&teams, &team) {
                teams.push(team);
            }
        }
        users.truncate(room);
        teams.truncate(room - users.len());
        Self { users, teams }
    }

    /// Each on its own.
    pub fn apart(&self) -> impl Iterator<Item = Self> + '_ {
        let users = self.users.iter().map(|user| Self {
            users: vec![user.clone()],
            teams: Vec::new(),
        });
        let teams = self.teams.iter().map(|team| Self {
            users: Vec::new(),
            teams: vec![team.clone()],
        });
        users.chain(teams)
    }

    /// Their names, for people.
    #[must_use]
    pub fn words(&self) -> String {
        let teams = self.teams.iter().map(|team| format!("the team {team}"));
        let all: Vec<String> = self.users.iter().cloned().chain(teams).collect();
        all.join(", ")
    }
}

fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|own| same(own, name))
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(paths: &[&str]) -> Vec<String> {
        paths.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn owners_of_the_changed_paths_are_asked_those_of_most_first() {
        let owners = Owners::read(
            "* @everyone\nsrc/ @ann\nsrc/db/ @acme/data @bob\ndocs/ mail@example.com @other/team\n/free\n",
        );
        let check = |changed: &[&str], users: &[&str], teams: &[&str]| {
            let found = Reviewers::owning(&paths(changed), &owners, "Acme");
            assert_eq!(
                (found.users, found.teams),
                (paths(users), paths(teams)),
                "{changed:?}"
            );
        };
        check(&["a.txt"], &["everyone"], &[]);
        check(
            &["src/a.rs", "src/b.rs", "a.txt"],
            &["ann", "everyone"],
            &[],
        );
        check(&["src/db/a.sql"], &["bob"], &["data"]);
        check(&["docs/a.md"], &[], &[]);
        check(&["free"], &[], &[]);
    }

    #[test]
    fn nobody_is_asked_twice_and_the_author_never() {
        let known = Reviewing {
            author: Some("Bot".to_owned()),
            asked: Reviewers::named(["ann", "acme/data"]),
        };
        let more = Reviewers::named(["cy", "CY"]);
        let all = Reviewers::named(["@bot", "Ann", "bob", "@acme/Data", "acme/web", ""]);
        let rest = all.and(more, &known);
        assert_eq!(rest, Reviewers::named(["bob", "cy", "acme/web"]));
        assert_eq!(rest.words(), "bob, cy, the team web");
        assert_eq!(rest.apart().count(), 3);
        let crowd: Vec<String> = (0..40).map(|number| format!("u{number}")).collect();
        let crowd = Reviewers::named(crowd.iter().map(String::as_str));
        assert_eq!(crowd.and(Reviewers::default(), &known).users.len(), 13);
    }
}
