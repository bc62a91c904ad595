//! Git LFS: the content of large files, kept beside the mirror, laid out in place of its pointers, and known again.
//!
//! No filter ever runs. Our index holds the pointers, so that content nobody changed is never committed.

use super::lfs_client::Client;
use super::mirror::Mirror;
use super::objects::{read_blob, sizes};
use super::run::{blocking, failed};
use super::slot::Slot;
use crate::ports::RepositoryError;
use crate::rules::lfs::{POINTER_BYTES, Pointer};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The longest file that is fetched: what GitHub takes on most plans.
const LONGEST: u64 = 2 << 30;
/// What the files of one commit may come to together.
const MOST: u64 = 16 << 30;

/// The large files of one repository.
pub(super) struct Lfs {
    /// Where their content is kept.
    place: PathBuf,
    /// Held while one worktree's are fetched: another one may want the same.
    fetching: tokio::sync::Mutex<()>,
}

/// A large file that was laid out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Large {
    /// What it holds.
    pub(super) pointer: Pointer,
    /// The pointer as an object of the repository.
    pub(super) blob: String,
}

/// Large files, by their paths.
pub(super) type Larges = BTreeMap<String, Large>;

impl Lfs {
    /// None is fetched yet.
    pub(super) fn at(place: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            place,
            fetching: tokio::sync::Mutex::default(),
        })
    }

    /// Fetches the content of all large files that the slot's index knows, and puts it where their pointers lie.
    pub(super) async fn lay_out(
        &self,
        mirror: &Mirror,
        slot: &Slot,
        tree: &Path,
    ) -> Result<Larges, RepositoryError> {
        let found = listed(mirror, slot, tree).await?;
        let total: u64 = found.values().map(|(large, _)| large.pointer.size).sum();
        if let Some((path, (large, _))) = found
            .iter()
            .find(|(_, (large, _))| large.pointer.size > LONGEST || total > MOST)
        {
            let size = large.pointer.size;
            return Err(unusable(format!(
                "the files of Git LFS are too large: {total} bytes, `{path}` has {size}"
            )));
        }
        self.bring(mirror, &found).await?;
        for (path, (large, is_executable)) in &found {
            let (from, to) = (self.object(&large.pointer), tree.join(path));
            let (pointer, mode) = (
                large.pointer.clone(),
                if *is_executable { 0o755 } else { 0o644 },
            );
            blocking("lay out a file of Git LFS", move || {
                put(&from, &to, &pointer, mode)
            })
            .await?;
        }
        let all = found.into_iter();
        Ok(all.map(|(path, (large, _))| (path, large)).collect())
    }

    async fn bring(
        &self,
        mirror: &Mirror,
        found: &BTreeMap<String, (Large, bool)>,
    ) -> Result<(), RepositoryError> {
        let _alone = self.fetching.lock().await;
        let mut missing: BTreeMap<&Pointer, &str> = BTreeMap::new();
        for (path, (large, _)) in found {
            let there = fs::symlink_metadata(self.object(&large.pointer));
            if !there.is_ok_and(|there| there.is_file() && there.len() == large.pointer.size) {
                missing.insert(&large.pointer, path);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        fs::create_dir_all(&self.place).map_err(|cause| failed("keep files of Git LFS", cause))?;
        let place = |pointer: &Pointer| self.object(pointer);
        let client = Client {
            remote: &mirror.remote,
        };
        client.fetch(&missing, &place).await
    }

    fn object(&self, pointer: &Pointer) -> PathBuf {
        self.place.join(&pointer.oid)
    }
}

/// The pointers under `filter=lfs` that the index knows, and which of them may be run. Outside of a scope nothing is.
async fn listed(
    mirror: &Mirror,
    slot: &Slot,
    tree: &Path,
) -> Result<BTreeMap<String, (Large, bool)>, RepositoryError> {
    let said = slot
        .call(mirror, tree, "ls-files")?
        .args(["--sparse", "-z", "--stage", "--", ":(attr:filter=lfs)"])
        .run("list the files of Git LFS")
        .await?;
    let entry = |part: &[u8]| {
        let (head, path) = std::str::from_utf8(part).ok()?.split_once('\t')?;
        let [mode @ ("100644" | "100755"), blob, "0"] = head.split(' ').collect::<Vec<_>>()[..]
        else {
            return None;
        };
        Some((path.to_owned(), mode == "100755", blob.to_owned()))
    };
    let entries: Vec<(String, bool, String)> = said.parts().filter_map(entry).collect();
    let blobs: Vec<&str> = entries.iter().map(|(_, _, blob)| blob.as_str()).collect();
    let sizes = sizes(mirror, &blobs).await?;
    let mut found = BTreeMap::new();
    for ((path, is_executable, blob), size) in entries.into_iter().zip(sizes) {
        if size >= POINTER_BYTES {
            continue;
        }
        if let Some(pointer) = Pointer::read(&read_blob(mirror, &blob).await?) {
            found.insert(path, (Large { pointer, blob }, is_executable));
        }
    }
    Ok(found)
}

/// Those of the changed files below `tree` that hold the content of a large file, also at another path: mode, object
/// and path, as the index takes them.
pub(super) fn unchanged(
    tree: &Path,
    changed: &BTreeSet<Vec<u8>>,
    larges: &Larges,
) -> io::Result<Vec<(String, String)>> {
    let by_size: HashMap<u64, Vec<&Large>> =
        larges.values().fold(HashMap::new(), |mut all, large| {
            all.entry(large.pointer.size).or_default().push(large);
            all
        });
    let mut same = Vec::new();
    for path in changed {
        let Ok(path) = std::str::from_utf8(path) else {
            continue;
        };
        let flags = nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_NONBLOCK;
        let mut how = OpenOptions::new();
        let Ok(file) = how
            .read(true)
            .custom_flags(flags.bits())
            .open(tree.join(path))
        else {
            continue;
        };
        let about = file.metadata()?;
        let Some(candidates) = by_size.get(&about.len()).filter(|_| about.is_file()) else {
            continue;
        };
        let oid = copied(file, &mut io::sink(), about.len())?;
        if let Some(large) = candidates.iter().find(|large| large.pointer.oid == oid) {
            let is_executable = about.permissions().mode() & 0o100 != 0;
            let mode = if is_executable { "100755" } else { "100644" };
            same.push((format!("{mode} {}", large.blob), path.to_owned()));
        }
    }
    Ok(same)
}

/// Copies a kept file to where its pointer lies, and proves it once more: what is wrong is not kept.
fn put(from: &Path, to: &Path, pointer: &Pointer, mode: u32) -> io::Result<()> {
    fs::remove_file(to)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(to)?;
    let oid = copied(File::open(from)?, &mut file, pointer.size)?;
    if oid != pointer.oid {
        fs::remove_file(from)?;
        let what = format!("what was kept of {} is not what it was", pointer.oid);
        return Err(io::Error::other(what));
    }
    Ok(())
}

/// Copies at most so many bytes, and returns their SHA-256.
pub(super) fn copied(mut from: impl Read, to: &mut impl Write, most: u64) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut rest = most;
    let mut buffer = vec![0; 64 << 10];
    while rest > 0 {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        let count = usize::try_from(rest).map_or(count, |rest| rest.min(count));
        digest.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
        rest -= count as u64;
    }
    Ok(hex(&digest.finalize()))
}

/// In hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A repository whose large files cannot be had.
pub(super) fn unusable(problem: String) -> RepositoryError {
    RepositoryError::Unusable {
        problem,
        hint: "set worktree.lfs to pointers to work without them".to_owned(),
    }
}
