//! What a branch's own files say of pulls: a template, and who owns what.

use super::archive::Archive;
use crate::ports::RepositoryError;
use crate::rules::ids::CommitId;
use crate::rules::offer::house::{House, owners_among, template_among};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Directories that such files may stand in, besides the top.
const PLACES: [&str; 2] = [".github/", "docs/"];

/// What was read last, and from which commit.
#[derive(Debug, Default)]
pub(super) struct Houses(Mutex<Option<(CommitId, House)>>);

impl Houses {
    /// What the branch of this name says; read once for each commit.
    pub(super) async fn of(&self, archive: &Archive, name: &str) -> Result<House, RepositoryError> {
        let Some(commit) = archive.commit(name).await? else {
            return Ok(House::default());
        };
        if let Some(known) = self.known(&commit) {
            return Ok(known);
        }
        let house = read(archive, &commit).await?;
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some((commit, house.clone()));
        Ok(house)
    }

    fn known(&self, commit: &CommitId) -> Option<House> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, house) = last.as_ref().filter(|(read, _)| read == commit)?;
        Some(house.clone())
    }
}

async fn read(archive: &Archive, commit: &CommitId) -> Result<House, RepositoryError> {
    let mut files = files(archive, commit, &[]).await?;
    files.extend(self::files(archive, commit, &PLACES).await?);
    let paths: Vec<&str> = files.keys().map(String::as_str).collect();
    let wanted = [template_among(&paths), owners_among(&paths)];
    let blobs: Vec<&str> = wanted
        .iter()
        .flatten()
        .map(|path| files[*path].as_str())
        .collect();
    if blobs.is_empty() {
        return Ok(House::default());
    }
    let mut contents = archive.contents()?.read(&blobs).await?.into_iter();
    let mut text = |path: Option<&str>| -> Option<Arc<str>> {
        let bytes = path.and_then(|_| contents.next()).flatten()?;
        String::from_utf8(bytes).ok().map(Arc::from)
    };
    Ok(House {
        template: text(wanted[0]),
        owners: text(wanted[1]),
    })
}

/// The files in these directories, or at the top, with git's names of their contents; links are none.
async fn files(
    archive: &Archive,
    commit: &CommitId,
    directories: &[&str],
) -> Result<BTreeMap<String, String>, RepositoryError> {
    let said = archive
        .call("ls-tree")
        .args(["-z", commit.as_str()])
        .args(directories)
        .run(&format!("list files of {commit}"))
        .await?;
    Ok(said.parts().filter_map(file).collect())
}

/// `<mode> <kind> <blob>\t<path>`
fn file(entry: &[u8]) -> Option<(String, String)> {
    let (head, path) = std::str::from_utf8(entry).ok()?.split_once('\t')?;
    let mut words = head.split(' ');
    let is_file = words.next()?.starts_with("100");
    let blob = words.nth(1)?;
    is_file.then(|| (path.to_owned(), blob.to_owned()))
}
