//! Copies the user's own files (`.env` and the like) into a worktree; neither side may lead us astray by links.

use super::sweep::open_root;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

/// Copies every file below `checkout` that one of the patterns names into `tree`; a directory stands for all files
/// below it. Returns their paths, relative to both. What is not there is left out.
pub(super) fn copy(checkout: &Path, patterns: &[String], tree: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for pattern in patterns {
        let Some(names) = names(pattern) else {
            continue;
        };
        find(checkout, Path::new(""), &names, &mut found)?;
    }
    found.sort();
    found.dedup();
    for path in &found {
        place(&checkout.join(path), tree, path)?;
    }
    Ok(found)
}

/// Does the name match the pattern, in which `*` stands for any text and `?` for one character?
fn matches(pattern: &[char], name: &[char]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some(('*', rest)) => (0..=name.len()).any(|taken| matches(rest, &name[taken..])),
        Some((wanted, rest)) => name
            .split_first()
            .is_some_and(|(c, after)| (*wanted == '?' || wanted == c) && matches(rest, after)),
    }
}

/// The names of a relative path; none if it leads out, or into a git directory.
fn names(pattern: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for component in Path::new(pattern).components() {
        match component {
            Component::CurDir => {}
            Component::Normal(name) if !super::sweep::is_git_name(name.as_encoded_bytes()) => {
                names.push(name.to_str()?.to_owned());
            }
            Component::Normal(_)
            | Component::ParentDir
            | Component::RootDir
            | Component::Prefix(_) => return None,
        }
    }
    Some(names).filter(|names| !names.is_empty())
}

fn find(
    checkout: &Path,
    below: &Path,
    names: &[String],
    found: &mut Vec<PathBuf>,
) -> io::Result<()> {
    let Some((pattern, rest)) = names.split_first() else {
        return everything(checkout, below, found);
    };
    if !pattern.contains(['*', '?']) {
        return find(checkout, &below.join(pattern), rest, found);
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let Ok(listing) = fs::read_dir(checkout.join(below)) else {
        return Ok(());
    };
    for entry in listing {
        let name = entry?.file_name();
        let chars: Vec<char> = name.to_string_lossy().chars().collect();
        if !super::sweep::is_git_name(name.as_encoded_bytes()) && matches(&pattern, &chars) {
            find(checkout, &below.join(&name), rest, found)?;
        }
    }
    Ok(())
}

/// A file, also behind a link, or all files below a directory, links left out.
fn everything(checkout: &Path, path: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let full = checkout.join(path);
    if full.is_file() {
        found.push(path.to_owned());
    } else if full.symlink_metadata().is_ok_and(|there| there.is_dir()) {
        for entry in fs::read_dir(&full)? {
            let entry = entry?;
            let name = entry.file_name();
            let linked = entry.file_type()?.is_symlink();
            if !linked && !super::sweep::is_git_name(name.as_encoded_bytes()) {
                everything(checkout, &path.join(name), found)?;
            }
        }
    }
    Ok(())
}

/// Copies one file to `path` below `tree`, through directories only, and over whatever is there but a directory.
fn place(from: &Path, tree: &Path, path: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let mode = Mode::from_bits_truncate(source.metadata()?.permissions().mode()) & Mode::S_IRWXU;
    let mut dir = open_root(tree)?;
    let mut names = path.iter().peekable();
    while let Some(name) = names.next() {
        if names.peek().is_some() {
            let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            match mkdirat(&dir, name, Mode::S_IRWXU) {
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(other) => return Err(other.into()),
            }
            dir = Dir::openat(&dir, name, flags, Mode::empty())?;
            continue;
        }
        match unlinkat(&dir, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(other) => return Err(other.into()),
        }
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let file = openat(&dir, name, flags, Mode::S_IRUSR | Mode::S_IWUSR)?;
        fchmod(&file, mode | Mode::S_IRUSR | Mode::S_IWUSR)?;
        io::copy(&mut source, &mut File::from(file))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn names_match_simple_patterns() {
        let check = |pattern: &str, name: &str, expect: bool| {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            assert_eq!(
                matches(&chars(pattern), &chars(name)),
                expect,
                "{pattern} {name}"
            );
        };
        check(".env*", ".env", true);
        check(".env*", ".env.local", true);
        check(".env*", "env", false);
        check("*.p?m", "key.pem", true);
        check("*.p?m", "key.pm", false);
        check("a", "a", true);
        check("a", "ab", false);
    }

    #[test]
    fn patterns_lead_neither_out_nor_into_git_directories() {
        for pattern in [
            "../secret",
            "/etc/passwd",
            "a/../../b",
            ".git/config",
            "",
            ".",
            "x/.GIT",
        ] {
            assert_eq!(names(pattern), None, "{pattern}");
        }
        assert_eq!(names("./a/b"), Some(vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn files_are_copied_without_following_links_of_the_worktree() {
        let (checkout, tree, outside) = (
            tempfile::tempdir().unwrap(),
            tempfile::tempdir().unwrap(),
            tempfile::tempdir().unwrap(),
        );
        fs::create_dir_all(checkout.path().join("config/deep")).unwrap();
        fs::write(checkout.path().join(".env"), "A=1").unwrap();
        fs::write(checkout.path().join("config/deep/key"), "k").unwrap();
        let copied = copy(
            checkout.path(),
            &[".en?".into(), "config".into(), "no".into()],
            tree.path(),
        );
        assert_eq!(
            copied.unwrap(),
            [Path::new(".env"), Path::new("config/deep/key")]
        );
        assert_eq!(fs::read(tree.path().join("config/deep/key")).unwrap(), b"k");

        // The worktree's own `config` leads out: nothing is written there. The control shows that it would have been.
        fs::remove_dir_all(tree.path().join("config")).unwrap();
        fs::create_dir(outside.path().join("deep")).unwrap();
        symlink(outside.path(), tree.path().join("config")).unwrap();
        assert!(copy(checkout.path(), &["config".into()], tree.path()).is_err());
        assert!(!outside.path().join("deep/key").exists());
        fs::copy(
            checkout.path().join(".env"),
            tree.path().join("config/deep/key"),
        )
        .unwrap();
        assert!(outside.path().join("deep/key").exists());
    }

    #[test]
    fn a_link_in_place_of_a_copied_file_is_replaced() {
        let (checkout, tree) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(checkout.path().join(".env"), "A=1").unwrap();
        fs::write(tree.path().join("target"), "keep").unwrap();
        symlink("target", tree.path().join(".env")).unwrap();
        copy(checkout.path(), &[".env".into()], tree.path()).unwrap();
        assert_eq!(fs::read(tree.path().join("target")).unwrap(), b"keep");
        assert_eq!(fs::read(tree.path().join(".env")).unwrap(), b"A=1");
    }
}
