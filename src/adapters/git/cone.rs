//! What a commit holds within a sparse scope, read without the rest of it, and the index that git would make of that.
//!
//! Git itself makes a first index of all there is before it leaves out what is outside of the scope.
//! Format: `gitformat-index`, version 3 with a sparse index.

use super::mirror::Mirror;
use super::sparse::Scope;
use crate::ports::RepositoryError;

/// The mode of an entry that stands for a whole directory.
const DIRECTORY: u32 = 0o040_000;
/// In the flags of an entry: more flags follow.
const EXTENDED: u16 = 0x4000;
/// In those: what it stands for is not laid out.
const SKIP_WORKTREE: u16 = 0x4000;
/// The longest path that the flags can tell the length of.
const LONGEST: usize = 0xfff;

/// What git says of a commit, as `ls-tree -z` has it: files within the scope, and directories right outside of it.
pub(super) async fn entries(
    mirror: &Mirror,
    commit: &str,
    scope: &Scope,
) -> Result<Vec<Vec<u8>>, RepositoryError> {
    let lists: [(&[&str], Option<&[String]>); 3] = [
        (&[], None),
        (&[], Some(scope.parents())),
        (&["-r"], Some(scope.leaves())),
    ];
    let mut all = Vec::new();
    for (how, below) in lists {
        if below.is_some_and(<[String]>::is_empty) {
            continue;
        }
        let below = below.unwrap_or_default().iter();
        let said = mirror
            .call("ls-tree")?
            .env("GIT_LITERAL_PATHSPECS", "1")
            .args(["-z", "--full-tree"])
            .args(how)
            .args([commit, "--"])
            .args(below.map(|name| format!("{name}/")))
            .run(&format!("list the files of {commit} in the scope"))
            .await?;
        all.extend(said.parts().map(<[u8]>::to_vec));
    }
    let is_left_out = |entry: &Vec<u8>| {
        let directory = entry.strip_prefix(b"040000 tree ").and_then(path_of);
        directory.is_none_or(|path| !scope.reaches_into(path))
    };
    all.retain(is_left_out);
    Ok(all)
}

/// An index of these entries, as if nothing of it lay there yet.
pub(super) fn index(entries: &[Vec<u8>], is_sha256: bool) -> Option<Vec<u8>> {
    let mut all: Vec<(Vec<u8>, u32, Vec<u8>)> = entries
        .iter()
        .map(|entry| read(entry))
        .collect::<Option<_>>()?;
    all.sort();
    let count = u32::try_from(all.len()).ok()?;
    let mut bytes = b"DIRC".to_vec();
    bytes.extend(3_u32.to_be_bytes());
    bytes.extend(count.to_be_bytes());
    for (path, mode, object) in &all {
        let begin = bytes.len();
        // When it was changed and modified, device and inode: unknown.
        bytes.extend([0; 24]);
        bytes.extend(mode.to_be_bytes());
        // User, group and size: unknown.
        bytes.extend([0; 12]);
        bytes.extend(object);
        let length = u16::try_from(path.len().min(LONGEST)).ok()?;
        if *mode == DIRECTORY {
            bytes.extend((length | EXTENDED).to_be_bytes());
            bytes.extend(SKIP_WORKTREE.to_be_bytes());
        } else {
            bytes.extend(length.to_be_bytes());
        }
        bytes.extend(path);
        let used = bytes.len() - begin;
        bytes.extend(std::iter::repeat_n(0, 8 - used % 8));
    }
    // It holds directories as one entry each.
    bytes.extend(b"sdir");
    bytes.extend(0_u32.to_be_bytes());
    // Git takes zeros for a digest that nobody computed.
    bytes.extend(std::iter::repeat_n(0, if is_sha256 { 32 } else { 20 }));
    Some(bytes)
}

/// `100644 blob <object>\t<path>` as path, mode and object; a directory's path ends with a `/`.
fn read(entry: &[u8]) -> Option<(Vec<u8>, u32, Vec<u8>)> {
    let tab = entry.iter().position(|byte| *byte == b'\t')?;
    let head = std::str::from_utf8(&entry[..tab]).ok()?;
    let mut words = head.split(' ');
    let mode = u32::from_str_radix(words.next()?, 8).ok()?;
    let object = bytes_of(words.nth(1)?)?;
    let mut path = entry[tab + 1..].to_vec();
    if mode == DIRECTORY {
        path.push(b'/');
    }
    Some((path, mode, object))
}

/// What hexadecimal digits stand for.
fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let pairs = (0..digits.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok())
        .collect()
}

fn path_of(entry: &[u8]) -> Option<&[u8]> {
    let tab = entry.iter().position(|byte| *byte == b'\t')?;
    Some(&entry[tab + 1..])
}
