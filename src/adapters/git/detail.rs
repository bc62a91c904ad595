//! Sizes and, where they decide something, words of what was changed.

use super::difference::Entry;
use super::exposed::{met, secrets};
use super::mirror::Mirror;
use super::objects::{read_blob, sizes};
use crate::ports::RepositoryError;
use crate::rules::gate::change::{Change, FileKind, Sources};
use crate::rules::gate::sources::{names_sources, new_sources};
use crate::rules::ids::TreeId;

/// The longest text that is read: no sane link and hardly any `.gitattributes` is longer.
const TEXT_BYTES: u64 = 64 << 10;
/// The longest lock file that is read; a tree of ten thousand packages takes less.
const LOCK_BYTES: u64 = 16 << 20;

/// The changes that lead to the tree, each with its size. Asks gits that run anyway, and lists the tree where there are
/// new paths.
pub(super) async fn detailed(
    mirror: &Mirror,
    entries: &[Entry],
    tree: &TreeId,
) -> Result<Vec<Change>, RepositoryError> {
    let has_content = |kind| {
        matches!(
            kind,
            FileKind::Plain | FileKind::Executable | FileKind::Link
        )
    };
    let with_content = entries.iter().filter(|entry| has_content(entry.kinds.1));
    let blobs: Vec<&str> = with_content.map(|entry| entry.blobs.1.as_str()).collect();
    let mut known = sizes(mirror, &blobs).await?.into_iter();
    let bytes = entries.iter().map(|entry| {
        let has = has_content(entry.kinds.1);
        if has {
            known.next().unwrap_or(u64::MAX)
        } else {
            0
        }
    });
    let bytes: Vec<u64> = bytes.collect();
    let secrets = secrets(mirror, entries, &bytes).await?;
    let mut met = met(mirror, entries, tree).await?;
    let mut changes = Vec::with_capacity(entries.len());
    for ((entry, bytes), secrets) in entries.iter().zip(bytes).zip(secrets) {
        changes.push(Change {
            path: entry.path.clone(),
            was: entry.kinds.0,
            is: entry.kinds.1,
            bytes,
            texts: texts(mirror, entry, bytes).await?,
            sources: sources(mirror, entry, bytes).await?,
            secrets,
            meets: met.remove(&entry.path),
        });
    }
    Ok(changes)
}

async fn texts(
    mirror: &Mirror,
    entry: &Entry,
    bytes: u64,
) -> Result<Option<(String, String)>, RepositoryError> {
    if !Change::is_read(&entry.path, entry.kinds.1) || bytes > TEXT_BYTES {
        return Ok(None);
    }
    let Some(before) = before(mirror, entry, TEXT_BYTES).await? else {
        return Ok(None);
    };
    let now = text(mirror, &entry.blobs.1).await?;
    Ok(Some((before, now)))
}

/// What stood there on the base; nothing where that is too long.
async fn before(
    mirror: &Mirror,
    entry: &Entry,
    most: u64,
) -> Result<Option<String>, RepositoryError> {
    match entry.kinds.0 {
        FileKind::Plain | FileKind::Executable | FileKind::Link => {
            let was = sizes(mirror, &[&entry.blobs.0]).await?;
            match was.first() {
                Some(was) if *was <= most => text(mirror, &entry.blobs.0).await.map(Some),
                Some(_) | None => Ok(None),
            }
        }
        FileKind::Absent | FileKind::Nested => Ok(Some(String::new())),
    }
}

/// The new hosts of a lock file. One that was too long to be read before has none of the hosts before.
async fn sources(mirror: &Mirror, entry: &Entry, bytes: u64) -> Result<Sources, RepositoryError> {
    match entry.kinds.1 {
        FileKind::Plain | FileKind::Executable if names_sources(&entry.path) => {}
        FileKind::Plain
        | FileKind::Executable
        | FileKind::Link
        | FileKind::Nested
        | FileKind::Absent => return Ok(Sources::New(Vec::new())),
    }
    if bytes > LOCK_BYTES {
        return Ok(Sources::Unread);
    }
    let now = text(mirror, &entry.blobs.1).await?;
    let was = before(mirror, entry, LOCK_BYTES).await?.unwrap_or_default();
    let found = new_sources(&entry.path, &was, &now);
    Ok(found.map_or(Sources::Unread, Sources::New))
}

async fn text(mirror: &Mirror, blob: &str) -> Result<String, RepositoryError> {
    Ok(String::from_utf8_lossy(&read_blob(mirror, blob).await?).into_owned())
}
