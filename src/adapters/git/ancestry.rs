//! Which of a few commits stand on which: git is asked once, down to the branches of the source.

use super::join::is_ancestor;
use super::mirror::Mirror;
use crate::ports::RepositoryError;
use crate::rules::ids::CommitId;
use std::collections::{HashMap, HashSet};

/// What one commit that grows holds of others.
pub(super) struct Ancestry<'a> {
    mirror: &'a Mirror,
    /// Those that are in no branch of the source, each with its parents.
    parents: HashMap<CommitId, Vec<CommitId>>,
    /// Those of them that the growing one holds.
    inside: HashSet<CommitId>,
}

impl<'a> Ancestry<'a> {
    /// Reads what the commits stand on; the first of them is the one that grows.
    pub(super) async fn of(
        mirror: &'a Mirror,
        commits: &[CommitId],
    ) -> Result<Self, RepositoryError> {
        let names: String = commits
            .iter()
            .flat_map(|commit| [commit.as_str(), "\n"])
            .collect();
        let said = mirror
            .call("rev-list")?
            .args(["--parents", "--stdin", "--not"])
            // Our own branches are fetched as well.
            .args(["--exclude=origin/autoissue/*", "--remotes"])
            .input(names)
            .run("read what commits stand on")
            .await?;
        let parents = said
            .text()
            .lines()
            .filter_map(|line| {
                let mut ids = line.split(' ').map(CommitId::new);
                Some((ids.next()?, ids.collect()))
            })
            .collect();
        let mut ancestry = Self {
            mirror,
            parents,
            inside: HashSet::new(),
        };
        if let Some(first) = commits.first() {
            ancestry.take_in(first);
        }
        Ok(ancestry)
    }

    /// Is a commit in the history of the one that has grown to `grown`?
    pub(super) async fn holds(
        &self,
        grown: &CommitId,
        commit: &CommitId,
    ) -> Result<bool, RepositoryError> {
        if self.knows(grown) && self.knows(commit) {
            return Ok(self.inside.contains(commit));
        }
        is_ancestor(self.mirror, commit, grown).await
    }

    /// Is the one that has grown to `grown` in the history of a commit?
    pub(super) async fn is_held_by(
        &self,
        grown: &CommitId,
        commit: &CommitId,
    ) -> Result<bool, RepositoryError> {
        if !self.knows(grown) || !self.knows(commit) {
            return is_ancestor(self.mirror, grown, commit).await;
        }
        let mut seen = HashSet::new();
        let mut open = vec![commit];
        while let Some(next) = open.pop() {
            if next == grown {
                return Ok(true);
            }
            if seen.insert(next) {
                open.extend(self.parents.get(next).into_iter().flatten());
            }
        }
        Ok(false)
    }

    /// It has grown to a new commit with these parents.
    pub(super) fn grow(&mut self, grown: &CommitId, parents: &[CommitId]) {
        self.parents.insert(grown.clone(), parents.to_vec());
        self.take_in(grown);
    }

    /// It holds this commit from now on, and all that this one stands on.
    pub(super) fn take_in(&mut self, commit: &CommitId) {
        let mut open = vec![commit];
        while let Some(next) = open.pop() {
            if let Some(parents) = self.parents.get(next)
                && self.inside.insert(next.clone())
            {
                open.extend(parents);
            }
        }
    }

    /// What is not known is in a branch of the source, and so may be held by what is not known either.
    fn knows(&self, commit: &CommitId) -> bool {
        self.parents.contains_key(commit)
    }
}
