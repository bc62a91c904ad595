//! What a tree changes against a commit, and why it must not be offered without a person.

use super::mirror::Mirror;
use super::objects::{compare_trees, read_commit};
use crate::ports::RepositoryError;
use crate::rules::gate::change::FileKind;
use crate::rules::ids::{CommitId, TreeId};
use crate::rules::lfs::{POINTER_BYTES, is_pointer};
use crate::rules::task::DiffStat;
use std::collections::HashMap;

/// How many paths a difference names.
pub(super) const PATHS: usize = 1000;
/// How many paths a concern names.
const NAMED: usize = 3;

/// The difference between two trees.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// As others see it.
    pub(super) stat: DiffStat,
    /// Each path, in order.
    pub(super) entries: Vec<Entry>,
    /// Files that are new or have new content.
    files: Vec<Changed>,
    /// Nested repositories that were added, moved or removed.
    nested: Vec<Vec<u8>>,
}

/// A path that was changed, with the objects that are there.
#[derive(Debug)]
pub(super) struct Entry {
    /// From the top.
    pub(super) path: String,
    /// What was there, and what is.
    pub(super) kinds: (FileKind, FileKind),
    /// The objects.
    pub(super) blobs: (String, String),
}

#[derive(Debug)]
struct Changed {
    path: Vec<u8>,
    blob: String,
}

/// Compares a tree with a base.
pub(super) async fn compare(
    mirror: &Mirror,
    base: &CommitId,
    tree: &TreeId,
) -> Result<Difference, RepositoryError> {
    let base = read_commit(mirror, base).await?.tree;
    Ok(parse(&compare_trees(mirror, &base, tree).await?))
}

/// First all raw records, `:100644 100644 <blob> <blob> M` NUL path NUL, then all counts, `1 TAB 2 TAB path` NUL.
fn parse(answer: &[u8]) -> Difference {
    let mut difference = Difference::default();
    let mut parts = answer
        .split(|byte| *byte == 0)
        .filter(|part| !part.is_empty());
    while let Some(part) = parts.next() {
        if let Some(raw) = part.strip_prefix(b":") {
            let raw = String::from_utf8_lossy(raw).into_owned();
            let path = parts.next().unwrap_or_default();
            difference.add_file(&raw, path);
        } else {
            difference.add_count(part);
        }
    }
    difference
}

impl Difference {
    fn add_file(&mut self, raw: &str, path: &[u8]) {
        let fields: Vec<&str> = raw.split(' ').collect();
        let [old_mode, new_mode, old, blob, _] = fields[..] else {
            return;
        };
        self.stat.files += 1;
        let name = String::from_utf8_lossy(path).into_owned();
        if self.stat.paths.len() < PATHS {
            self.stat.paths.push(name.clone());
        }
        self.entries.push(Entry {
            path: name,
            kinds: (FileKind::of_mode(old_mode), FileKind::of_mode(new_mode)),
            blobs: (old.to_owned(), blob.to_owned()),
        });
        if old_mode == "160000" || new_mode == "160000" {
            self.nested.push(path.to_vec());
        } else if new_mode.starts_with("100") {
            self.files.push(Changed {
                path: path.to_vec(),
                blob: blob.to_owned(),
            });
        }
    }

    /// Binary files count as `-`: no lines.
    fn add_count(&mut self, part: &[u8]) {
        let mut fields = part.splitn(3, |byte| *byte == b'\t');
        let mut count = || {
            let field = fields.next().unwrap_or_default();
            std::str::from_utf8(field)
                .ok()
                .and_then(|text| text.parse().ok())
                .unwrap_or(0_u64)
        };
        self.stat.added += count();
        self.stat.removed += count();
    }

    /// What a person has to look at: nested repositories that changed.
    pub(super) fn nested_concern(&self) -> Option<String> {
        (!self.nested.is_empty())
            .then(|| format!("changes nested repositories: {}", name_some(&self.nested)))
    }
}

/// What a person has to look at: files that a filter should have converted (Git LFS, git-crypt), but that hold plain
/// content, because no filter of a repository is ever run.
pub(super) async fn filter_concern(
    mirror: &Mirror,
    difference: &Difference,
    tree: &TreeId,
) -> Result<Option<String>, RepositoryError> {
    if difference.files.is_empty() {
        return Ok(None);
    }
    let mut input = Vec::new();
    for file in &difference.files {
        input.extend_from_slice(&file.path);
        input.push(0);
    }
    let said = mirror
        .call("check-attr")?
        .args(["-z", "--stdin", &format!("--source={tree}"), "filter"])
        .input(input)
        .run("read the attributes of the changed files")
        .await?;
    let answers: Vec<&[u8]> = said.out.split(|byte| *byte == 0).collect();
    let filters: HashMap<&[u8], &[u8]> = answers
        .chunks_exact(3)
        .map(|answer| (answer[0], answer[2]))
        .filter(|(_, filter)| !matches!(*filter, b"unspecified" | b"unset" | b"set"))
        .collect();
    let mut suspects = Vec::new();
    let mut plain = Vec::new();
    for file in &difference.files {
        match filters.get(&file.path[..]) {
            Some(&b"lfs") => suspects.push(file),
            Some(_) => plain.push(file.path.clone()),
            None => {}
        }
    }
    plain.extend(no_pointers(mirror, &suspects).await?);
    Ok((!plain.is_empty()).then(|| {
        format!(
            "holds plain content where a filter such as Git LFS is set: {}",
            name_some(&plain)
        )
    }))
}

/// Those of the files that are no pointers.
async fn no_pointers(mirror: &Mirror, files: &[&Changed]) -> Result<Vec<Vec<u8>>, RepositoryError> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let action = "look for large files";
    let ask = lines(files.iter().map(|file| file.blob.as_str()));
    let sizes = mirror
        .call("cat-file")?
        .arg("--batch-check=%(objectsize)")
        .input(ask)
        .run(action)
        .await?;
    let sizes = sizes.text();
    let (small, large): (Vec<_>, Vec<_>) = files
        .iter()
        .zip(sizes.lines())
        .partition(|(_, size)| size.parse().is_ok_and(|size: u64| size < POINTER_BYTES));
    let mut plain: Vec<Vec<u8>> = large.iter().map(|(file, _)| file.path.clone()).collect();
    let ask = lines(small.iter().map(|(file, _)| file.blob.as_str()));
    let said = mirror
        .call("cat-file")?
        .arg("--batch=%(objectsize)")
        .input(ask)
        .run(action)
        .await?;
    let mut rest = &said.out[..];
    for (file, size) in &small {
        let size: usize = size.parse().unwrap_or(0);
        // A line with the size, the content, a newline.
        let content = rest.get(size_line(rest)..).unwrap_or_default();
        if !is_pointer(content) {
            plain.push(file.path.clone());
        }
        rest = content.get(size + 1..).unwrap_or_default();
    }
    Ok(plain)
}

fn lines<'a>(all: impl Iterator<Item = &'a str>) -> String {
    all.flat_map(|line| [line, "\n"]).collect()
}

fn size_line(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |at| at + 1)
}

/// The first few paths, for a person.
pub(super) fn name_some(paths: &[Vec<u8>]) -> String {
    let some: Vec<String> = paths
        .iter()
        .take(NAMED)
        .map(|path| String::from_utf8_lossy(path).escape_debug().to_string())
        .collect();
    let more = paths.len().saturating_sub(NAMED);
    match more {
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_records_and_counts_are_told_apart() {
        let blob = "a".repeat(40);
        let answer = format!(
            ":100644 100755 {blob} {blob} M\0a\nb\0:000000 160000 {blob} {blob} A\0sub\0:100644 000000 {blob} {blob} D\0old\0\
             3\t1\ta\nb\x001\t0\tsub\0-\t-\told\0"
        );
        let found = parse(answer.as_bytes());
        assert_eq!(found.stat.paths, ["a\nb", "sub", "old"]);
        assert_eq!(
            (found.stat.files, found.stat.added, found.stat.removed),
            (3, 4, 1)
        );
        assert_eq!(found.files.len(), 1);
        assert_eq!(
            found.nested_concern().unwrap(),
            "changes nested repositories: sub"
        );
    }

    #[test]
    fn a_concern_names_few_paths() {
        let paths: Vec<Vec<u8>> = (0..5).map(|n| format!("f{n}").into_bytes()).collect();
        assert_eq!(name_some(&paths), "f0, f1, f2 and 2 more");
    }
}
