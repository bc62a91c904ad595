//! A map of the repository for the planner: its files, its owners, its open issues.

use crate::ports::{Forge, ForgeError};
use crate::rules::issue::Selection;
use crate::rules::plan::words::Map;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Files that are looked at; more are only said to be there.
const MOST_FILES: usize = 20_000;
/// Open issues that are named.
const MOST_ISSUES: usize = 200;
/// Bytes of a file about owners.
const OWNERS: u64 = 64 << 10;
/// Where GitHub looks for owners, the first that is there.
const OWNERS_FILES: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

/// The map of what is laid out here. Links are named and never followed.
pub async fn map(
    directory: &Path,
    forge: &dyn Forge,
    base_branch: &str,
) -> Result<Map, ForgeError> {
    let (mut files, more_files) = files(directory);
    files.sort();
    let issues = forge.open_issues(&Selection::default()).await?;
    let titles = issues.iter().rev().take(MOST_ISSUES);
    Ok(Map {
        repository: forge.project().to_owned(),
        base_branch: base_branch.to_owned(),
        files,
        more_files,
        owners: OWNERS_FILES
            .iter()
            .find_map(|name| text(&directory.join(name))),
        issues: titles
            .map(|issue| format!("{} {}", issue.number, issue.title))
            .collect(),
    })
}

fn files(top: &Path) -> (Vec<String>, usize) {
    let mut files = Vec::new();
    let mut more = 0;
    let mut open: Vec<PathBuf> = vec![top.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if entry.file_name() != ".git" {
                    open.push(path);
                }
            } else if files.len() < MOST_FILES {
                let path = path.strip_prefix(top).unwrap_or(&path);
                files.push(path.to_string_lossy().into_owned());
            } else {
                more += 1;
            }
        }
    }
    (files, more)
}

/// The beginning of a file that is no link.
fn text(path: &Path) -> Option<String> {
    if !fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).ok()?;
    file.take(OWNERS).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_named_and_not_followed() {
        let top = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("CODEOWNERS"), "* @them").unwrap();
        fs::create_dir_all(top.path().join("src/deep")).unwrap();
        fs::write(top.path().join("src/deep/a.rs"), "").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), top.path().join("link")).unwrap();
        let owners = top.path().join("CODEOWNERS");
        std::os::unix::fs::symlink(elsewhere.path().join("CODEOWNERS"), &owners).unwrap();
        let (mut found, more) = files(top.path());
        found.sort();
        assert_eq!(
            (found, more),
            (
                vec!["CODEOWNERS".into(), "link".into(), "src/deep/a.rs".into()],
                0
            )
        );
        assert_eq!(text(&owners), None);
    }
}
