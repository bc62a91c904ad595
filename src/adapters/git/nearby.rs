//! A remote on this machine: its branches read and made without speaking to it, which would take a dozen processes.

use super::fetch::{Heads, OURS, refs};
use super::mirror::Mirror;
use super::push::Move;
use super::run::{blocking, failed};
use crate::ports::RepositoryError;
use crate::rules::ids::CommitId;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;

/// Which branches are asked for.
#[derive(Clone, Debug)]
pub(super) enum Which {
    /// All.
    All,
    /// All but ours, of which there may be many.
    Others,
    /// This one.
    One(String),
}

/// Where the branches of a repository stand, as its own files say; `None` where they are not to be had so, because it
/// keeps them in another way, or some stand for others.
pub(super) fn heads(git_dir: &Path, which: &Which) -> Option<Heads> {
    let is_usual = git_dir.join("HEAD").is_file() && git_dir.join("refs").is_dir();
    if !is_usual || git_dir.join("commondir").exists() || git_dir.join("reftable").exists() {
        return None;
    }
    // In this order: what is packed meanwhile is removed only after it was packed.
    let (root, mut loose) = (git_dir.join("refs/heads"), Heads::new());
    match which {
        Which::All | Which::Others => read_loose(&root, "", which, &mut loose)?,
        Which::One(name) => read_one(&root.join(name), name.clone(), &mut loose)?,
    }
    let packed = match fs::read_to_string(git_dir.join("packed-refs")) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => String::new(),
        packed => packed.ok()?,
    };
    let mut heads: Heads = packed
        .lines()
        .filter_map(|line| line.split_once(" refs/heads/"))
        .filter(|(_, name)| which.takes(name))
        .filter_map(|(id, name)| Some((name.to_owned(), commit(id)?)))
        .collect();
    heads.append(&mut loose);
    Some(heads)
}

impl Which {
    fn takes(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Others => !name.starts_with(OURS),
            Self::One(one) => one == name,
        }
    }
}

fn read_loose(directory: &Path, prefix: &str, which: &Which, heads: &mut Heads) -> Option<()> {
    let listing = match fs::read_dir(directory) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Some(()),
        listing => listing.ok()?,
    };
    for entry in listing {
        let entry = entry.ok()?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = format!("{prefix}{}", name.to_str()?);
        if entry.file_type().ok()?.is_dir() {
            let prefix = format!("{name}/");
            if which.takes(&prefix) {
                read_loose(&path, &prefix, which, heads)?;
            }
        } else if path.extension().is_none_or(|end| end != "lock") {
            read_one(&path, name, heads)?;
        }
    }
    Some(())
}

fn read_one(path: &Path, name: String, heads: &mut Heads) -> Option<()> {
    match fs::read_to_string(path) {
        Ok(text) => drop(heads.insert(name, commit(text.trim_end())?)),
        // It is packed or not there, or others begin with its name.
        Err(cause)
            if matches!(
                cause.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::IsADirectory
            ) => {}
        Err(_) => return None,
    }
    Some(())
}

fn commit(id: &str) -> Option<CommitId> {
    let is_whole = matches!(id.len(), 40 | 64) && id.bytes().all(|b| b.is_ascii_hexdigit());
    is_whole.then(|| CommitId::new(id))
}

/// Makes new branches in a repository that would do no more with a push than that; says whether it did. Where anything
/// is in the way, nothing has happened, and an ordinary push finds out what it is.
pub(super) async fn push(mirror: &Mirror, moves: &[Move]) -> Result<bool, RepositoryError> {
    // A branch that exists may be checked out; only git itself knows what to do then.
    let is_new = moves.iter().all(|one| one.expected.is_none());
    let Some(git_dir) = mirror.remote.plain_git_dir().filter(|_| is_new) else {
        return Ok(false);
    };
    // One that was interrupted goes on, and is waited for here.
    let turn = Arc::clone(&mirror.making).lock_owned().await;
    let there = git_dir.clone();
    let there = blocking("look at the remote's branches", move || {
        Ok(heads(&there, &Which::Others).filter(|_| !has_hooks(&there)))
    });
    let Some(there) = there.await? else {
        return Ok(false);
    };
    let here = refs(mirror).await?;
    let here: HashSet<&CommitId> = here.heads.values().collect();
    let mut shared: Vec<&CommitId> = there.values().filter(|tip| here.contains(tip)).collect();
    shared.sort_unstable();
    shared.dedup();
    if shared.is_empty() || !carry(mirror, &git_dir, moves, &shared).await? {
        return Ok(false);
    }
    let mut orders = String::new();
    for Move { branch, commit, .. } in moves {
        let _ = writeln!(orders, "create refs/heads/{branch} {commit}");
    }
    let call = mirror
        .call("update-ref")?
        .env("GIT_DIR", &git_dir)
        .env("GIT_COMMITTER_NAME", &mirror.identity.name)
        .env("GIT_COMMITTER_EMAIL", &mirror.identity.email)
        .args(["-m", "push", "--stdin"])
        .input(orders)
        .left_alone();
    let action = "make the branches";
    let made = tokio::spawn(async move {
        let said = call.ask(action).await;
        drop(turn);
        said
    });
    let said = made
        .await
        .map_err(|lost| failed(action, io::Error::other(lost)))?;
    Ok(said?.code == Some(0))
}

/// Any that somebody has put there; git's own examples are none.
fn has_hooks(git_dir: &Path) -> bool {
    let is_hook = |name: &std::ffi::OsStr| !name.to_string_lossy().ends_with(".sample");
    match fs::read_dir(git_dir.join("hooks")) {
        Err(cause) => cause.kind() != io::ErrorKind::NotFound,
        Ok(mut listing) => {
            listing.any(|entry| entry.is_ok_and(|entry| is_hook(&entry.file_name())))
        }
    }
}

/// Brings the objects over that only we have. One git packs what the other one unpacks and checks.
async fn carry(
    mirror: &Mirror,
    git_dir: &Path,
    moves: &[Move],
    shared: &[&CommitId],
) -> Result<bool, RepositoryError> {
    let action = "carry the objects over";
    let io = |cause| failed(action, cause);
    let missing = || io(io::Error::other("no pipe to git"));
    let mut packing = mirror
        .call("pack-objects")?
        .args([
            "--revs",
            "--stdout",
            "--quiet",
            "--thin",
            "--delta-base-offset",
        ])
        .start(action)?;
    let pack: Stdio = packing
        .stdout
        .take()
        .ok_or_else(missing)?
        .try_into()
        .map_err(io)?;
    let mut question = packing.stdin.take().ok_or_else(missing)?;
    let mut wanted = String::new();
    for one in moves {
        let _ = writeln!(wanted, "{}", one.commit);
    }
    for tip in shared {
        let _ = writeln!(wanted, "^{tip}");
    }
    let ask = async {
        // If it ends before it has read all, its exit code says so.
        let _ = question.write_all(wanted.as_bytes()).await;
        drop(question);
    };
    let unpacking = mirror
        .call("unpack-objects")?
        .env("GIT_DIR", git_dir)
        .args(["-q", "--strict"])
        .reading(pack)
        .left_alone();
    let ((), unpacked) = tokio::join!(ask, unpacking.ask(action));
    let packed = packing.wait().await.map_err(io)?;
    Ok(packed.success() && unpacked?.code == Some(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    fn repository(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in [("HEAD", "ref: refs/heads/main\n"), ("refs/heads/a/b", ONE)]
            .iter()
            .chain(files)
        {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn branches_are_read_from_their_files_and_the_packed_ones_are_older() {
        let packed = format!(
            "# pack-refs with: peeled fully-peeled sorted \n{TWO} refs/heads/a/b\n{TWO} refs/heads/main\n\
             {TWO} refs/heads/autoissue/1-a\n{TWO} refs/tags/v1\n^{ONE}\n"
        );
        let git = repository(&[
            ("packed-refs", &packed),
            ("refs/heads/c.lock", ""),
            ("refs/heads/autoissue/2-b", ONE),
        ]);
        let check = |which, expect: &[(&str, &str)]| {
            let found: Vec<_> = heads(git.path(), &which).unwrap().into_iter().collect();
            let expect = expect.iter();
            let expect: Vec<_> = expect
                .map(|(name, id)| ((*name).to_owned(), CommitId::new(*id)))
                .collect();
            assert_eq!(found, expect, "{which:?}");
        };
        let ours = ("autoissue/1-a", TWO);
        check(
            Which::All,
            &[("a/b", ONE), ours, ("autoissue/2-b", ONE), ("main", TWO)],
        );
        check(Which::Others, &[("a/b", ONE), ("main", TWO)]);
        check(Which::One("a/b".to_owned()), &[("a/b", ONE)]);
        check(Which::One("main".to_owned()), &[("main", TWO)]);
        check(Which::One("a".to_owned()), &[]);
        check(Which::One("a/b/c".to_owned()), &[]);
        check(Which::One(ours.0.to_owned()), &[ours]);
    }

    #[test]
    fn what_is_kept_in_another_way_is_left_to_git() {
        let check = |file: (&str, &str)| {
            let git = repository(&[file]);
            assert_eq!(heads(git.path(), &Which::All), None, "{file:?}");
        };
        check(("refs/heads/alias", "ref: refs/heads/a/b\n"));
        check(("refs/heads/broken", "12\n"));
        check(("reftable/tables.list", ""));
        check(("commondir", "../..\n"));
        assert!(heads(repository(&[]).path(), &Which::All).is_some());
    }

    #[test]
    fn examples_are_no_hooks() {
        let check = |name: &str, is: bool| {
            let git = repository(&[(name, "#!/bin/sh\n")]);
            assert_eq!(has_hooks(git.path()), is, "{name}");
        };
        check("hooks/pre-receive.sample", false);
        check("hooks/pre-receive", true);
        check("info/exclude", false);
    }
}
