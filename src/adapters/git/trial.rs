//! Merges many pairs of commits for a trial, in one process.

use super::run::Call;
use crate::ports::RepositoryError;
use crate::rules::ids::CommitId;

/// The paths in which the two of each pair conflict; none where they do not. `merge_tree` is the call of that name.
pub(super) async fn test_merges(
    merge_tree: Call,
    pairs: &[(CommitId, CommitId)],
) -> Result<Vec<Vec<String>>, RepositoryError> {
    let questions: String = pairs
        .iter()
        .flat_map(|(one, other)| [one.as_str(), " ", other.as_str(), "\n"])
        .collect();
    let said = merge_tree
        .args([
            "--write-tree",
            "--stdin",
            "-z",
            "--name-only",
            "--no-messages",
        ])
        .input(questions)
        .run("merge for a trial")
        .await?;
    let found = answers(&said.out);
    if found.len() == pairs.len() {
        return Ok(found);
    }
    Err(RepositoryError::Git {
        action: "merge for a trial".to_owned(),
        detail: format!("git answered {} of {}", found.len(), pairs.len()),
    })
}

/// For each pair: a status, the tree, the paths that conflict, and an empty one at the end.
fn answers(out: &[u8]) -> Vec<Vec<String>> {
    let mut parts = out.split(|byte| *byte == 0);
    let mut found = Vec::new();
    while let (Some([_, ..]), Some(_tree)) = (parts.next(), parts.next()) {
        let paths = parts.by_ref().take_while(|part| !part.is_empty());
        let mut paths: Vec<String> = paths
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .collect();
        paths.dedup();
        found.push(paths);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_answers_are_read() {
        let out = b"0\0c9b70\0a\0b c\0\x001\0dec20\0\x000\0d5bb4\0a\0\0";
        assert_eq!(answers(out), [vec!["a", "b c"], vec![], vec!["a"]]);
        assert_eq!(answers(b""), Vec::<Vec<String>>::new());
    }
}
