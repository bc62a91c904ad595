//! A commit with some files of another: made in the mirror, with an index of its own.

use super::difference::{Entry, compare};
use super::mirror::Mirror;
use super::objects::{read_commit, write_commit};
use super::refs::{keep, remove_file};
use super::run::failed;
use crate::ports::RepositoryError;
use crate::rules::gate::change::FileKind;
use crate::rules::ids::{CommitId, TreeId};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// The base with these paths as they are in the other commit.
pub(super) async fn overlay(
    mirror: &Mirror,
    base: &CommitId,
    from: &CommitId,
    paths: &[String],
) -> Result<CommitId, RepositoryError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let tree = read_commit(mirror, from).await?.tree;
    let paths: BTreeSet<&str> = paths.iter().map(String::as_str).collect();
    let difference = compare(mirror, base, &tree).await?;
    let entries = difference.entries.iter();
    let wanted: Vec<&Entry> = entries
        .filter(|entry| paths.contains(entry.path.as_str()))
        .collect();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let index = mirror
        .own()
        .join(format!("overlay-{}-{count}", std::process::id()));
    let laid = lay(mirror, &index, base, &wanted).await;
    remove_file(&index).map_err(|cause| failed("clear an index away", cause))?;
    let message = format!("autoissue: tests of {from} on {base}\n");
    let commit = write_commit(mirror, &laid?, std::slice::from_ref(base), &message).await?;
    keep(mirror, "overlay", &commit)?;
    Ok(commit)
}

async fn lay(
    mirror: &Mirror,
    index: &Path,
    base: &CommitId,
    entries: &[&Entry],
) -> Result<TreeId, RepositoryError> {
    let action = "lay tests over the base";
    let call = |name| Ok::<_, RepositoryError>(mirror.call(name)?.env("GIT_INDEX_FILE", index));
    call("read-tree")?.arg(base.as_str()).run(action).await?;
    let mut input = String::new();
    for entry in entries {
        let mode = match entry.kinds.1 {
            FileKind::Absent => "0",
            FileKind::Plain => "100644",
            FileKind::Executable => "100755",
            FileKind::Link => "120000",
            FileKind::Nested => continue,
        };
        let _ = write!(input, "{mode} {}\t{}\0", entry.blobs.1, entry.path);
    }
    call("update-index")?
        .args(["-z", "--index-info"])
        .input(input)
        .run(action)
        .await?;
    let said = call("write-tree")?.run(action).await?;
    Ok(TreeId::new(said.text()))
}
