//! Sparse scopes: of a large repository only some directories are laid out, and the index holds the others as one entry each.

use super::cone;
use super::mirror::Mirror;
use super::refs::{remove_file, write_whole};
use super::run::failed;
use super::slot::Slot;
use crate::ports::RepositoryError;
use std::collections::BTreeSet;
use std::fs;
use std::io;

/// Which directories are laid out, with the files of all directories above them; empty for all there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scope {
    patterns: String,
    parents: Vec<String>,
    leaves: Vec<String>,
}

/// What git has to be told for it to keep to a scope.
const SETTINGS: [(&str, &str); 4] = [
    ("core.sparseCheckout", "true"),
    ("core.sparseCheckoutCone", "true"),
    ("index.sparse", "true"),
    ("advice.sparseIndexExpanded", "false"),
];

impl Scope {
    /// These directories, with all below them.
    pub(super) fn new(directories: &[String]) -> Self {
        let plain = directories.iter().map(|name| name.trim_matches('/'));
        let leaves: BTreeSet<&str> = plain.filter(|name| !name.is_empty()).collect();
        if leaves.is_empty() {
            return Self::default();
        }
        let is_inside = |name: &str| above(name).any(|parent| leaves.contains(parent));
        let leaves: Vec<&str> = leaves
            .iter()
            .copied()
            .filter(|name| !is_inside(name))
            .collect();
        let parents: BTreeSet<&str> = leaves.iter().flat_map(|name| above(name)).collect();
        let mut patterns = "/*\n!/*/\n".to_owned();
        for parent in &parents {
            let parent = escaped(parent);
            patterns = patterns + "/" + &parent + "/\n!/" + &parent + "/*/\n";
        }
        for leaf in &leaves {
            patterns = patterns + "/" + &escaped(leaf) + "/\n";
        }
        let owned = |name: &&str| (*name).to_owned();
        Self {
            patterns,
            parents: parents.iter().map(owned).collect(),
            leaves: leaves.iter().map(owned).collect(),
        }
    }

    /// Is all laid out?
    pub(super) fn is_whole(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The settings of a call that keeps to it.
    pub(super) fn settings(&self) -> Vec<(String, String)> {
        let settings = SETTINGS.iter().filter(|_| !self.is_whole());
        settings
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    /// The same in git's configuration syntax, for the agent's own directory.
    pub(super) fn config(&self) -> &'static str {
        if self.is_whole() {
            ""
        } else {
            "[core]\n\tsparseCheckout = true\n\tsparseCheckoutCone = true\n[index]\n\tsparse = true\n"
        }
    }

    /// As git's file `info/sparse-checkout` has it.
    pub(super) fn patterns(&self) -> &str {
        &self.patterns
    }

    /// Puts it where git looks for it; only calls with our settings read it.
    pub(super) fn tell(&self, mirror: &Mirror) -> io::Result<()> {
        let path = mirror.path.join("info/sparse-checkout");
        if self.is_whole() || fs::read(&path).ok().as_deref() == Some(self.patterns.as_bytes()) {
            return Ok(());
        }
        fs::create_dir_all(mirror.path.join("info"))?;
        write_whole(&path, self.patterns.as_bytes())
    }

    /// Gives a slot whose worktree is new an index of the commit within this scope: to make one git reads the whole
    /// tree, and from that one it goes on. Files that are not there yet are written either way.
    pub(super) async fn seed(
        &self,
        mirror: &Mirror,
        slot: &Slot,
        commit: &str,
    ) -> Result<(), RepositoryError> {
        if self.is_whole() {
            return Ok(());
        }
        let entries = cone::entries(mirror, commit, self).await?;
        // Of an answer that we do not understand git makes its own.
        let Some(index) = cone::index(&entries, mirror.is_sha256()) else {
            return Ok(());
        };
        write_whole(&slot.index(), &index).map_err(|cause| failed("begin an index", cause))
    }

    /// The directories of which the files are laid out, and only some directories.
    pub(super) fn parents(&self) -> &[String] {
        &self.parents
    }

    /// The directories that are laid out with all below them.
    pub(super) fn leaves(&self) -> &[String] {
        &self.leaves
    }

    /// Is anything in this directory laid out?
    pub(super) fn reaches_into(&self, directory: &[u8]) -> bool {
        let mut all = self.parents.iter().chain(&self.leaves);
        all.any(|name| name.as_bytes() == directory)
    }

    /// Was the slot's worktree laid out by this scope? One that has no worktree yet was.
    pub(super) fn is_of(&self, slot: &Slot) -> bool {
        let noted = fs::read_to_string(slot.scope_path()).unwrap_or_default();
        noted == self.patterns
    }

    /// Notes by what scope the slot's worktree is laid out.
    pub(super) fn note(&self, slot: &Slot) -> io::Result<()> {
        if self.is_whole() {
            return remove_file(&slot.scope_path());
        }
        write_whole(&slot.scope_path(), self.patterns.as_bytes())
    }
}

/// The directories above one.
fn above(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('/').map(move |(at, _)| &name[..at])
}

/// What has a meaning in patterns.
fn escaped(name: &str) -> String {
    name.chars().fold(String::new(), |mut text, char| {
        if matches!(char, '\\' | '*' | '?' | '[' | ']') {
            text.push('\\');
        }
        text.push(char);
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cone_names_its_directories_and_those_above_them() {
        let check = |directories: &[&str], expect: &str| {
            let directories: Vec<String> = directories.iter().map(ToString::to_string).collect();
            assert_eq!(
                Scope::new(&directories).patterns(),
                expect,
                "{directories:?}"
            );
        };
        check(&[], "");
        check(&["/"], "");
        check(&["web/"], "/*\n!/*/\n/web/\n");
        check(
            &["a/b/c", "a/d", "a/d/e"],
            "/*\n!/*/\n/a/\n!/a/*/\n/a/b/\n!/a/b/*/\n/a/b/c/\n/a/d/\n",
        );
        check(&["x[1]"], "/*\n!/*/\n/x\\[1\\]/\n");
    }
}
