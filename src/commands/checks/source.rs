//! The files that checks are detected by: those of a commit, or those that lie in the user's checkout.

use crate::config::git::git;
use crate::error::{Error, Kind};
use crate::rules::checks::folder::{Files, is_read};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// More than any manifest has; a larger one is not read.
const LARGEST_FILE: u64 = 1 << 20;
/// So many manifests are read at most; what is asked for fits into a pipe.
const MOST_MANIFESTS: usize = 500;

/// The base branch, as the user's checkout knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The branch, or `HEAD` where it is not there.
    pub name: String,
    /// Its commit.
    pub commit: String,
}

/// Where the base branch stands: on the remote as it was last seen, else here, for a project on GitHub; here first for
/// a local one.
pub fn base(top: &Path, branch: &str, is_github: bool) -> Result<Base, Error> {
    let here = (format!("refs/heads/{branch}"), branch.to_owned());
    let there = (
        format!("refs/remotes/origin/{branch}"),
        format!("origin/{branch}"),
    );
    let head = ("HEAD".to_owned(), "HEAD".to_owned());
    let order = if is_github {
        [there, here, head]
    } else {
        [here, there, head]
    };
    for (name, shown) in order {
        let mut asked = git(top);
        asked.args(["rev-parse", "--verify", "--quiet", "--end-of-options"]);
        asked.arg(format!("{name}^{{commit}}"));
        let output = asked.output().map_err(|cause| unread(&cause))?;
        if output.status.success() {
            let commit = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            return Ok(Base {
                name: shown,
                commit,
            });
        }
    }
    Err(Error::new(Kind::Repository, ACTION).cause(format!("there is no branch `{branch}`")))
}

/// The files of a commit of the user's repository.
pub fn of_commit(top: &Path, commit: &str) -> Result<Files, Error> {
    let listed = said(git(top).args(["ls-tree", "-r", "-z", "--full-tree", commit]))?;
    let entries: Vec<(&str, &str)> = listed.split('\0').filter_map(blob).collect();
    let wanted = entries.iter().filter(|(_, path)| is_read(path));
    let wanted: Vec<(&str, &str)> = wanted.take(MOST_MANIFESTS).copied().collect();
    let texts = if wanted.is_empty() {
        BTreeMap::new()
    } else {
        contents(top, &wanted).map_err(|cause| unread(&cause))?
    };
    Ok(Files::new(entries.into_iter().map(|(_, path)| path), texts))
}

/// The files that lie in the checkout, tracked or not, as long as git does not ignore them.
pub fn of_checkout(top: &Path) -> Result<Files, Error> {
    let asked = [
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ];
    let listed = said(git(top).args(asked))?;
    let paths: Vec<&str> = listed.split('\0').filter(|path| !path.is_empty()).collect();
    let wanted = paths.iter().filter(|path| is_read(path));
    let read = |path: &&str| Some(((*path).to_owned(), text_of_file(&top.join(path))?));
    let texts = wanted.take(MOST_MANIFESTS).filter_map(read).collect();
    Ok(Files::new(paths, texts))
}

const ACTION: &str = "read the files that checks are detected by";

fn unread(cause: &std::io::Error) -> Error {
    Error::new(Kind::Repository, ACTION).because(cause)
}

fn said(asked: &mut Command) -> Result<String, Error> {
    let output = asked.output().map_err(|cause| unread(&cause))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::new(Kind::Repository, ACTION).cause(complaint))
}

/// `<mode> blob <name>\t<path>`, of files that are no links.
fn blob(entry: &str) -> Option<(&str, &str)> {
    let (head, path) = entry.split_once('\t')?;
    let mut words = head.split(' ');
    let is_file = words.next()?.starts_with("100") && words.next()? == "blob";
    is_file.then_some((words.next()?, path))
}

/// Reads blobs through one process; what is too large, missing or no text has no text.
fn contents(top: &Path, wanted: &[(&str, &str)]) -> std::io::Result<BTreeMap<String, String>> {
    let mut reading = git(top)
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut questions) = reading.stdin.take() {
        let names: Vec<&str> = wanted.iter().map(|(name, _)| *name).collect();
        questions.write_all((names.join("\n") + "\n").as_bytes())?;
    }
    let mut texts = BTreeMap::new();
    if let Some(answers) = reading.stdout.take() {
        let mut answers = BufReader::new(answers);
        for (_, path) in wanted {
            if let Some(text) = next_text(&mut answers)? {
                texts.insert((*path).to_owned(), text);
            }
        }
    }
    reading.wait()?;
    Ok(texts)
}

/// `<name> blob <size>`, the content and an end of line; or `<name> missing`.
fn next_text(answers: &mut BufReader<impl Read>) -> std::io::Result<Option<String>> {
    let mut head = String::new();
    answers.read_line(&mut head)?;
    let size = head.trim_end().rsplit_once(" blob ");
    let Some(size) = size.and_then(|(_, size)| size.parse::<u64>().ok()) else {
        return Ok(None);
    };
    let mut content = answers.by_ref().take(size + 1);
    if size > LARGEST_FILE {
        std::io::copy(&mut content, &mut std::io::sink())?;
        return Ok(None);
    }
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes)?;
    bytes.pop();
    Ok(String::from_utf8(bytes).ok())
}

fn text_of_file(path: &Path) -> Option<String> {
    let found = std::fs::symlink_metadata(path).ok()?;
    if !found.is_file() || found.len() > LARGEST_FILE {
        return None;
    }
    std::fs::read_to_string(path).ok()
}
