//! Takes an attempt's files in: our index, our commit, whatever the agent did to git in its worktree.

use super::detail::detailed;
use super::difference::{Difference, compare, filter_concern, name_some};
use super::lfs::unchanged;
use super::mirror::Mirror;
use super::objects::{read_commit, write_commit};
use super::refs::keep;
use super::run::blocking;
use super::seal::{below, sealed};
use super::slot::{Slot, Work};
use super::sweep::{RootGit, Swept, is_directory, sweep};
use crate::ports::{Capture, RepositoryError};
use crate::rules::ids::{AttemptNumber, CommitId, IssueNumber, TreeId};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Begins the line of a snapshot's message that says why a person has to look.
const CONCERN: &str = "Concern: ";

/// A worktree whose files are to be taken in.
pub(super) struct Taking<'a> {
    /// Gets the objects.
    pub(super) mirror: &'a Mirror,
    /// Has the index.
    pub(super) slot: &'a Slot,
    /// What is remembered of it.
    pub(super) work: &'a Work,
    /// The files.
    pub(super) tree: &'a Path,
    /// The directory that it is in.
    pub(super) slots: &'a Path,
}

impl Taking<'_> {
    /// Makes a snapshot of the files, whose parent is the base, and keeps it.
    pub(super) async fn take(
        &self,
        issue: IssueNumber,
        attempt: AttemptNumber,
    ) -> Result<Capture, RepositoryError> {
        if !is_directory(self.tree) {
            return Err(RepositoryError::Git {
                action: format!("take in the files of {issue}"),
                detail: "the worktree was removed or replaced".to_owned(),
            });
        }
        let (tree, slots) = (self.tree.to_owned(), self.slots.to_owned());
        let swept = blocking("sweep the worktree", move || {
            sweep(&tree, RootGit::Keep, &slots)
        })
        .await?;
        let refused = self.update_index().await?;
        let tree = self
            .slot
            .call(self.mirror, self.tree, "write-tree")?
            .run("write the tree")
            .await?
            .text();
        let tree = TreeId::new(tree);
        let difference = compare(self.mirror, &self.work.base, &tree).await?;
        let concern = self.concern(&swept, refused, &difference, &tree).await?;
        let title = format!("autoissue: files of {issue}, attempt {attempt}");
        let message = match &concern {
            Some(concern) => format!("{title}\n\n{CONCERN}{concern}\n"),
            None => format!("{title}\n"),
        };
        let snapshot = write_commit(
            self.mirror,
            &tree,
            std::slice::from_ref(&self.work.base),
            &message,
        )
        .await?;
        keep(self.mirror, &format!("{}-{attempt}", issue.0), &snapshot)?;
        let changes = detailed(self.mirror, &difference.entries, &tree).await?;
        Ok(Capture {
            snapshot,
            tree,
            diff: difference.stat,
            changes,
            concern,
        })
    }

    /// Brings our index up to date with the files; returns the paths that git would not take.
    async fn update_index(&self) -> Result<Vec<Vec<u8>>, RepositoryError> {
        let said = self
            .slot
            .call(self.mirror, self.tree, "ls-files")?
            .args([
                "-z",
                "--others",
                "--modified",
                "--deleted",
                "--exclude-standard",
            ])
            .run("list what has changed")
            .await?;
        if said.out.is_empty() {
            return Ok(Vec::new());
        }
        let (sealed, odd) = (sealed(self.slot)?, self.untouched().await?);
        let changed: BTreeSet<Vec<u8>> = said
            .parts()
            .filter(|path| !sealed.contains(*path) && !odd.contains(*path))
            .map(<[u8]>::to_vec)
            .collect();
        let changed = self.without_larges(changed).await?;
        let tree = self.tree.to_owned();
        let (present, absent) = blocking("look at the changed files", move || {
            sort_out(&tree, &changed)
        })
        .await?;
        self.tell_index(&["--force-remove"], absent).await?;
        let said = self
            .tell_index(&["--add", "--remove", "--replace"], present)
            .await?;
        let refused = said
            .lines()
            .filter_map(|line| line.strip_prefix("Ignoring path "));
        Ok(refused.map(|path| path.as_bytes().to_vec()).collect())
    }

    /// Takes in the files that hold what a pointer of Git LFS stands for as that pointer; returns the others.
    async fn without_larges(
        &self,
        mut changed: BTreeSet<Vec<u8>>,
    ) -> Result<BTreeSet<Vec<u8>>, RepositoryError> {
        if self.work.larges.is_empty() {
            return Ok(changed);
        }
        let (tree, larges, paths) = (self.tree.to_owned(), self.work.larges.clone(), changed);
        let (same, paths) = blocking("look at files of Git LFS", move || {
            let (present, _) = sort_out(&tree, &paths)?;
            let present = present.split(|byte| *byte == 0).map(<[u8]>::to_vec);
            let present = present.filter(|path| !path.is_empty()).collect();
            Ok((unchanged(&tree, &present, &larges)?, paths))
        })
        .await?;
        changed = paths;
        let mut lines = Vec::new();
        for (entry, path) in self.under_filter(same).await? {
            changed.remove(path.as_bytes());
            lines.extend(format!("{entry}\t{path}\0").into_bytes());
        }
        if !lines.is_empty() {
            self.slot
                .call(self.mirror, self.tree, "update-index")?
                .args(["--add", "--replace", "-z", "--index-info"])
                .input(lines)
                .run("take in pointers of Git LFS")
                .await?;
        }
        Ok(changed)
    }

    /// Those of the files that Git LFS is for, by the attributes that lie there now.
    async fn under_filter(
        &self,
        files: Vec<(String, String)>,
    ) -> Result<Vec<(String, String)>, RepositoryError> {
        if files.is_empty() {
            return Ok(files);
        }
        let paths = files.iter().flat_map(|(_, path)| [path.as_str(), "\0"]);
        let said = self
            .slot
            .call(self.mirror, self.tree, "check-attr")?
            .args(["-z", "--stdin", "filter"])
            .input(paths.collect::<String>())
            .run("read the attributes of large files")
            .await?;
        let answers: Vec<&[u8]> = said.out.split(|byte| *byte == 0).collect();
        let filters = answers.chunks_exact(3).map(|answer| answer[2] == b"lfs");
        let both = files.into_iter().zip(filters);
        Ok(both.filter_map(|(file, is)| is.then_some(file)).collect())
    }

    /// The odd files that nobody has touched.
    async fn untouched(&self) -> Result<HashSet<Vec<u8>>, RepositoryError> {
        let now = self.fingerprints(&self.work.odd).await?;
        let same = now
            .into_iter()
            .filter(|(path, number)| self.work.odd.get(path) == Some(number));
        Ok(same.map(|(path, _)| path.into_bytes()).collect())
    }

    async fn fingerprints(
        &self,
        paths: &BTreeMap<String, u64>,
    ) -> Result<BTreeMap<String, u64>, RepositoryError> {
        let root = self.tree.to_owned();
        let paths: Vec<PathBuf> = paths.keys().map(PathBuf::from).collect();
        blocking("look at files that were noted", move || {
            below(&root, &paths)
        })
        .await
    }

    /// Returns what git complained about.
    async fn tell_index(&self, how: &[&str], paths: Vec<u8>) -> Result<String, RepositoryError> {
        if paths.is_empty() {
            return Ok(String::new());
        }
        let said = self
            .slot
            .call(self.mirror, self.tree, "update-index")?
            .args(how)
            .args(["-z", "--stdin"])
            .input(paths)
            .run("take in the changed files")
            .await?;
        Ok(said.complaint)
    }

    async fn concern(
        &self,
        swept: &Swept,
        refused: Vec<Vec<u8>>,
        difference: &Difference,
        tree: &TreeId,
    ) -> Result<Option<String>, RepositoryError> {
        let mut concerns = Vec::from_iter(difference.nested_concern());
        let now = self.fingerprints(&self.work.nested).await?;
        let edited: Vec<Vec<u8>> = now
            .iter()
            .filter(|(path, number)| self.work.nested.get(*path) != Some(number))
            .map(|(path, _)| path.clone().into_bytes())
            .collect();
        if !edited.is_empty() {
            concerns.push(format!(
                "files changed below nested repositories: {}",
                name_some(&edited)
            ));
        }
        if !refused.is_empty() {
            concerns.push(format!(
                "git does not take these files: {}",
                name_some(&refused)
            ));
        }
        if swept.too_deep {
            concerns.push("directories nested too deep were left out".to_owned());
        }
        if swept.attributes {
            concerns.extend(filter_concern(self.mirror, difference, tree).await?);
        }
        Ok((!concerns.is_empty()).then(|| concerns.join("; ")))
    }
}

/// Reads a snapshot as the capture that it came from.
pub(super) async fn reopen(
    mirror: &Mirror,
    snapshot: &CommitId,
    base: &CommitId,
) -> Result<Capture, RepositoryError> {
    let read = read_commit(mirror, snapshot).await?;
    let concern = read
        .message
        .lines()
        .find_map(|line| line.strip_prefix(CONCERN));
    let difference = compare(mirror, base, &read.tree).await?;
    Ok(Capture {
        snapshot: snapshot.clone(),
        changes: detailed(mirror, &difference.entries, &read.tree).await?,
        diff: difference.stat,
        tree: read.tree,
        concern: concern.map(ToOwned::to_owned),
    })
}

/// The paths that are files or links now, and those that are not, each list as git reads it. What lies behind a link
/// is not there.
fn sort_out(tree: &Path, changed: &BTreeSet<Vec<u8>>) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let (mut present, mut absent) = (Vec::new(), Vec::new());
    let mut known = HashMap::from([(PathBuf::new(), true)]);
    for path in changed {
        let relative = Path::new(OsStr::from_bytes(path));
        let parent = relative.parent().unwrap_or(relative);
        let list = if is_reached(tree, parent, &mut known) && make_readable(&tree.join(relative))? {
            &mut present
        } else {
            &mut absent
        };
        list.extend_from_slice(path);
        list.push(0);
    }
    Ok((present, absent))
}

/// Is it a directory that is reached through directories only?
fn is_reached(tree: &Path, path: &Path, known: &mut HashMap<PathBuf, bool>) -> bool {
    if let Some(known) = known.get(path) {
        return *known;
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    let is = is_reached(tree, parent, known) && is_directory(&tree.join(path));
    known.insert(path.to_owned(), is);
    is
}

/// Makes a file readable for us; is there a file or a link at all?
fn make_readable(path: &Path) -> io::Result<bool> {
    let found = match path.symlink_metadata() {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    let mode = found.permissions().mode();
    if found.is_file() && mode & 0o400 == 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o400))?;
    }
    Ok(!found.is_dir())
}
