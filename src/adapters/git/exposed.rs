//! What is read of changes to keep back what nobody may publish: secrets in them, and names that meet others.

use super::difference::Entry;
use super::mirror::Mirror;
use super::objects::{read_blob, sizes};
use super::run::blocking;
use crate::ports::RepositoryError;
use crate::rules::gate::change::FileKind;
use crate::rules::gate::meeting::meetings;
use crate::rules::gate::secrets::{Find, Secret, secrets_in};
use crate::rules::ids::TreeId;
use std::collections::{BTreeMap, BTreeSet};

/// The longest file that is looked through, and how much of one work, so that nothing waits long for it. The rest is unread.
const FILE_BYTES: u64 = 16 << 20;
const WORK_BYTES: u64 = 64 << 20;
/// What takes less time to look through than a thread takes to begin.
const SHORT: usize = 4 << 10;

/// The secrets that each of the changes brings, in the order of the changes: by what it holds and by its name. What the
/// base had in one of the paths that were changed is not brought, only kept or moved. `lengths` are those of the new files.
pub(super) async fn secrets(
    mirror: &Mirror,
    entries: &[Entry],
    lengths: &[u64],
) -> Result<Vec<BTreeSet<Secret>>, RepositoryError> {
    let mut search = Search::new(mirror);
    let mut found = Vec::with_capacity(entries.len());
    for (entry, size) in entries.iter().zip(lengths) {
        let name = search.in_bytes(entry.path.clone().into_bytes()).await?;
        let is_new = entry.blobs.0 != entry.blobs.1;
        let content = if is_new && holds(entry.kinds.1) {
            search.in_blob(&entry.blobs.1, *size).await?
        } else {
            Some(BTreeSet::new())
        };
        let is_unread = name.is_none() || content.is_none();
        let finds: BTreeSet<Find> = [name, content].into_iter().flatten().flatten().collect();
        found.push((finds, is_unread));
    }
    if found.iter().any(|(finds, _)| !finds.is_empty()) {
        let known = known(mirror, entries).await?;
        for (finds, _) in &mut found {
            finds.retain(|find| !known.contains(find));
        }
    }
    let kinds = found.into_iter().map(|(finds, is_unread)| {
        let kinds = finds.iter().map(|find| find.kind);
        kinds.chain(is_unread.then_some(Secret::Unread)).collect()
    });
    Ok(kinds.collect())
}

/// The new paths that meet another one of the tree, with what they meet. Lists the tree only where there is a new path.
pub(super) async fn met(
    mirror: &Mirror,
    entries: &[Entry],
    tree: &TreeId,
) -> Result<BTreeMap<String, String>, RepositoryError> {
    let is_new =
        |entry: &&Entry| entry.kinds.0 == FileKind::Absent && entry.kinds.1 != FileKind::Absent;
    let new: Vec<String> = entries
        .iter()
        .filter(is_new)
        .map(|entry| entry.path.clone())
        .collect();
    if new.is_empty() {
        return Ok(BTreeMap::new());
    }
    let said = mirror
        .call("ls-tree")?
        .args(["-r", "-z", "--full-tree", "--name-only", tree.as_str()])
        .run("list the names of the files")
        .await?;
    blocking("compare the names of the files", move || {
        let all: Vec<_> = said.parts().map(String::from_utf8_lossy).collect();
        let new: Vec<&str> = new.iter().map(String::as_str).collect();
        let met = meetings(&new, all.iter().map(AsRef::as_ref)).into_iter();
        Ok(met.map(|(path, other)| (path.to_owned(), other)).collect())
    })
    .await
}

/// What of the base stood in the changed paths.
async fn known(mirror: &Mirror, entries: &[Entry]) -> Result<BTreeSet<Find>, RepositoryError> {
    let mut search = Search::new(mirror);
    let mut known = BTreeSet::new();
    let before = entries.iter().filter(|entry| holds(entry.kinds.0));
    let before: Vec<&Entry> = before.collect();
    let blobs: Vec<&str> = before.iter().map(|entry| entry.blobs.0.as_str()).collect();
    let sizes = sizes(mirror, &blobs).await?;
    for (entry, size) in before.iter().zip(sizes) {
        // What cannot be told apart excuses nothing.
        let name = search.in_bytes(entry.path.clone().into_bytes()).await?;
        let content = search.in_blob(&entry.blobs.0, size).await?;
        known.extend([name, content].into_iter().flatten().flatten());
    }
    Ok(known)
}

struct Search<'a> {
    mirror: &'a Mirror,
    /// How many bytes may still be looked through.
    left: u64,
}

impl<'a> Search<'a> {
    fn new(mirror: &'a Mirror) -> Self {
        Self {
            mirror,
            left: WORK_BYTES,
        }
    }

    /// Nothing where it is left unread.
    async fn in_blob(
        &mut self,
        blob: &str,
        size: u64,
    ) -> Result<Option<BTreeSet<Find>>, RepositoryError> {
        if size > FILE_BYTES.min(self.left) {
            return Ok(None);
        }
        self.left -= size;
        let bytes = read_blob(self.mirror, blob).await?;
        self.in_bytes(bytes).await
    }

    async fn in_bytes(&self, bytes: Vec<u8>) -> Result<Option<BTreeSet<Find>>, RepositoryError> {
        let redactor = self.mirror.secrets.clone();
        if bytes.len() < SHORT {
            return Ok(secrets_in(&redactor, &bytes));
        }
        blocking("look for secrets", move || {
            Ok(secrets_in(&redactor, &bytes))
        })
        .await
    }
}

fn holds(kind: FileKind) -> bool {
    match kind {
        FileKind::Plain | FileKind::Executable | FileKind::Link => true,
        FileKind::Absent | FileKind::Nested => false,
    }
}
