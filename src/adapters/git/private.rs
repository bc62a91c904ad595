//! The throw-away git directory that an agent gets in its worktree: its own in every respect, and never read by us.

use super::fetch::refs;
use super::mirror::Mirror;
use super::run::blocking;
use super::slot::{Slot, Work};
use super::sparse::Scope;
use crate::ports::RepositoryError;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Everything that goes into it.
struct Contents {
    objects: PathBuf,
    index: PathBuf,
    config: String,
    scope: Scope,
    packed_refs: String,
    exclude: String,
    branch: String,
    start: String,
}

/// Makes it. The worktree's files must be laid out; `copied` are the files that must not show as new.
pub(super) async fn make(
    mirror: &Mirror,
    slot: &Slot,
    tree: &Path,
    work: &Work,
    copied: &[PathBuf],
) -> Result<(), RepositoryError> {
    let contents = Contents {
        objects: mirror.path.join("objects"),
        index: slot.index(),
        config: config(mirror) + slot.scope.config(),
        scope: slot.scope.clone(),
        packed_refs: refs(mirror).await?.packed.clone(),
        exclude: exclude(copied),
        branch: work.branch.to_string(),
        start: work.start.to_string(),
    };
    let directory = tree.join(".git");
    let index = directory.join("index");
    blocking("make the agent's git directory", move || {
        contents.write(&directory)
    })
    .await?;
    pass_over(mirror, slot, tree, &index, work).await
}

/// The agent's git takes files of Git LFS for what their pointers say.
async fn pass_over(
    mirror: &Mirror,
    slot: &Slot,
    tree: &Path,
    index: &Path,
    work: &Work,
) -> Result<(), RepositoryError> {
    if work.larges.is_empty() {
        return Ok(());
    }
    let paths = work.larges.keys().flat_map(|path| [path.as_str(), "\0"]);
    mirror
        .call_over(tree, index, "update-index")?
        .settings(slot.scope.settings())
        .args(["--assume-unchanged", "-z", "--stdin"])
        .input(paths.collect::<String>())
        .run("pass over files of Git LFS")
        .await
        .map(drop)
}

impl Contents {
    fn write(&self, git: &Path) -> io::Result<()> {
        let head = git.join("refs/heads").join(&self.branch);
        for directory in [
            git.join("objects/info"),
            git.join("objects/pack"),
            git.join("refs/tags"),
            git.join("info"),
            head.parent().unwrap_or(&head).to_owned(),
        ] {
            fs::create_dir_all(directory)?;
        }
        fs::write(head, format!("{}\n", self.start))?;
        fs::write(
            git.join("HEAD"),
            format!("ref: refs/heads/{}\n", self.branch),
        )?;
        fs::write(git.join("config"), &self.config)?;
        fs::write(git.join("packed-refs"), &self.packed_refs)?;
        fs::write(git.join("info/exclude"), &self.exclude)?;
        if !self.scope.is_whole() {
            fs::write(git.join("info/sparse-checkout"), self.scope.patterns())?;
        }
        let mut alternates = self.objects.as_os_str().to_owned();
        alternates.push("\n");
        fs::write(
            git.join("objects/info/alternates"),
            alternates.as_encoded_bytes(),
        )?;
        fs::copy(&self.index, git.join("index")).map(drop)
    }
}

fn config(mirror: &Mirror) -> String {
    let version = u8::from(mirror.is_sha256());
    let mut text = format!(
        "[core]\n\trepositoryformatversion = {version}\n\tbare = false\n\tfilemode = true\n\
         \tlogAllRefUpdates = true\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n"
    );
    if mirror.is_sha256() {
        text.push_str("[extensions]\n\tobjectformat = sha256\n");
    }
    let _ = writeln!(
        text,
        "[user]\n\tname = {}\n\temail = {}",
        quoted(&mirror.identity.name),
        quoted(&mirror.identity.email)
    );
    text
}

/// As a value in git's configuration syntax.
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_control() => text.push(' '),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

/// Anchored patterns that match these very files.
fn exclude(copied: &[PathBuf]) -> String {
    let mut text = String::new();
    for path in copied {
        text.push('/');
        for c in path.to_string_lossy().chars() {
            if matches!(c, '*' | '?' | '[' | ']' | '\\' | ' ' | '#' | '!') {
                text.push('\\');
            }
            text.push(c);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_for_git() {
        assert_eq!(quoted("Ada \"L\" \\ #1\n[x]"), r#""Ada \"L\" \\ #1 [x]""#);
    }

    #[test]
    fn patterns_match_the_very_file() {
        let paths = [PathBuf::from(".env"), PathBuf::from("a b/*.key")];
        assert_eq!(exclude(&paths), "/.env\n/a\\ b/\\*.key\n");
    }
}
