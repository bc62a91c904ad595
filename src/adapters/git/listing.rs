//! What a commit holds that worktrees have to know of: nested repositories, and the files that caches depend on.

use crate::rules::footprint::is_lock_file;
use crate::rules::ids::CommitId;
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// Nested repositories (submodules), and the commits that they stand at.
    pub(super) nested: Vec<(PathBuf, CommitId)>,
    /// A digest over all lock files, with their paths: caches that were made for the same are good.
    pub(super) locked: String,
}

impl Listing {
    /// Reads what `git ls-tree -r -z` says.
    pub(super) fn read<'a>(entries: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut nested = Vec::new();
        let mut locked = Sha256::new();
        for entry in entries {
            let Some(tab) = entry.iter().position(|byte| *byte == b'\t') else {
                continue;
            };
            let (head, path) = (&entry[..tab], &entry[tab + 1..]);
            if let Some(commit) = head.strip_prefix(b"160000 commit ") {
                let commit = CommitId::new(String::from_utf8_lossy(commit));
                nested.push((PathBuf::from(OsStr::from_bytes(path)), commit));
            } else if std::str::from_utf8(path).is_ok_and(is_lock_file) {
                locked.update(entry);
                locked.update([0]);
            }
        }
        Self {
            nested,
            locked: name_of_digest(&locked.finalize()),
        }
    }

    /// The paths of nested repositories.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.nested.iter().map(|(path, _)| path.clone()).collect()
    }
}

/// The first half of a SHA-256 digest in hexadecimal.
pub(super) fn name_of_digest(digest: &[u8]) -> String {
    let half = digest[..16].try_into().expect("a digest has 32 bytes");
    format!("{:032x}", u128::from_be_bytes(half))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(entries: &[&str]) -> Listing {
        Listing::read(entries.iter().map(|entry| entry.as_bytes()))
    }

    #[test]
    fn nested_repositories_are_named_with_their_commits() {
        let found = read(&["100644 blob aa\tREADME.md", "160000 commit bb\tlibs/a b"]);
        assert_eq!(found.nested, [("libs/a b".into(), CommitId::new("bb"))]);
    }

    #[test]
    fn lock_files_and_nothing_else_make_the_key() {
        let key = |entries: &[&str]| read(entries).locked;
        let one = key(&["100644 blob aa\tCargo.lock", "100644 blob bb\tsrc/lib.rs"]);
        assert_eq!(
            one,
            key(&["100644 blob aa\tCargo.lock", "100644 blob cc\tsrc/lib.rs"])
        );
        assert_ne!(one, key(&["100644 blob ab\tCargo.lock"]));
        assert_ne!(one, key(&["100644 blob aa\tweb/Cargo.lock"]));
        assert_ne!(one, key(&[]));
    }
}
