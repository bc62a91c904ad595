//! What a branch's files and commits say of a task: its files are listed, read and looked up by one git each.

use super::archive::Archive;
use crate::ports::RepositoryError;
use crate::rules::ids::CommitId;
use crate::rules::prompt::surroundings::{Guide, Surroundings, Wanted};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Commits that are told.
const COMMITS: &str = "--max-count=10";
/// A long history is not walked for longer to find them.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks the branch of this name.
pub async fn surroundings(
    archive: &Archive,
    name: &str,
    wanted: &Wanted,
) -> Result<Surroundings, RepositoryError> {
    let Some(commit) = archive.commit(name).await? else {
        return Err(RepositoryError::Git {
            action: format!("look {name} up"),
            detail: "there is no such branch".to_owned(),
        });
    };
    let blobs = blobs(archive, &commit).await?;
    let paths: BTreeSet<&str> = blobs.keys().map(String::as_str).collect();
    let choice = wanted.choose(&paths);
    let chosen: Vec<&String> = choice.guides.iter().chain(&choice.sources).collect();
    let names: Vec<&str> = chosen.iter().map(|path| blobs[*path].as_str()).collect();
    let contents = if names.is_empty() {
        Vec::new()
    } else {
        archive.contents()?.read(&names).await?
    };
    let mut found = Surroundings {
        commits: commits(archive, &commit, &choice.touched).await,
        commit: Some(commit),
        tests: choice.tests,
        configs: choice.configs,
        ..Surroundings::default()
    };
    for (place, (path, content)) in chosen.into_iter().zip(contents).enumerate() {
        let Some(text) = content.and_then(|bytes| String::from_utf8(bytes).ok()) else {
            continue;
        };
        if place < choice.guides.len() {
            let path = path.clone();
            found.guides.push(Guide { path, text });
        } else {
            found.snippets.extend(wanted.snippets(path, &text));
        }
    }
    found.snippets.sort_by_key(|snippet| !snippet.defines);
    Ok(found)
}

/// Every file with git's name of its content, without links and nested repositories.
async fn blobs(
    archive: &Archive,
    commit: &CommitId,
) -> Result<BTreeMap<String, String>, RepositoryError> {
    let said = archive
        .call("ls-tree")
        .args(["-r", "-z", commit.as_str()])
        .run(&format!("list the files of {commit}"))
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

/// The latest commits that touched one of these paths: short names and subjects. Nothing where that takes too long.
async fn commits(archive: &Archive, commit: &CommitId, paths: &[String]) -> Vec<String> {
    if paths.is_empty() {
        return Vec::new();
    }
    let paths = paths.iter().map(|path| format!(":(literal){path}"));
    let call = archive
        .call("log")
        .args(["-z", "--no-merges", COMMITS, "--format=%h %s"])
        .args([
            "--encoding=UTF-8",
            "--no-notes",
            "--no-color",
            "--no-show-signature",
        ])
        .args([commit.as_str(), "--"])
        .args(paths);
    match tokio::time::timeout(PATIENCE, call.run("look commits up")).await {
        Ok(Ok(said)) => {
            let subjects = said.parts().map(String::from_utf8_lossy);
            subjects.map(|subject| subject.trim().to_owned()).collect()
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "no commits are told");
            Vec::new()
        }
        Err(_) => {
            tracing::debug!("no commits are told: the history is too long");
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_and_links_are_not() {
        let check = |entry: &str, expect: Option<(&str, &str)>| {
            let expect = expect.map(|(path, blob)| (path.to_owned(), blob.to_owned()));
            assert_eq!(file(entry.as_bytes()), expect, "{entry}");
        };
        check("100644 blob abc\ta b.md", Some(("a b.md", "abc")));
        check("100755 blob abc\tx", Some(("x", "abc")));
        check("120000 blob abc\tAGENTS.md", None);
        check("160000 commit abc\tnested", None);
    }
}
