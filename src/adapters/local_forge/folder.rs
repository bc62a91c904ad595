//! A directory of numbered Markdown files: `12-mend-the-login.md`, `12.md`, or any name with `number: 12` inside.

use crate::adapters::local_forge::files::{self, Snapshot};
use crate::adapters::local_forge::front_matter::{Document, Malformed};
use crate::ports::ForgeError;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// How many bad files an error names.
const NAMED: usize = 20;

/// The directory.
pub struct Folder {
    path: PathBuf,
    root: PathBuf,
    /// Where the file of a number was last; a hint, so that one issue costs no look at all of them.
    known: Mutex<HashMap<u64, PathBuf>>,
}

/// One file of it.
pub struct Entry {
    /// Its number.
    pub number: u64,
    /// Where it is.
    pub path: PathBuf,
    /// What it held.
    pub snapshot: Snapshot,
    /// The same, taken apart.
    pub document: Document,
}

/// A file that is not as it should be.
pub struct Bad {
    path: PathBuf,
    problem: String,
}

impl Bad {
    /// This file has that problem.
    pub fn new(path: &Path, problem: &Malformed) -> Self {
        Self {
            path: path.to_owned(),
            problem: problem.to_string(),
        }
    }
}

impl Folder {
    /// The directory at `path`; errors name its files as seen from `root`. It need not exist.
    #[must_use]
    pub fn new(path: PathBuf, root: &Path) -> Self {
        Self {
            path,
            root: root.to_owned(),
            known: Mutex::default(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What its files make by `read`, those whose name `wanted` takes, by number. One error names all that are bad.
    pub fn all<T>(
        &self,
        wanted: impl Fn(&str) -> bool,
        read: impl Fn(&Entry) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, ForgeError> {
        let mut good = BTreeMap::new();
        let mut bad = Vec::new();
        for path in self.names()? {
            if !wanted(&name_of(&path)) {
                continue;
            }
            let entry = open(&path);
            let made = entry.and_then(|entry| {
                let made = read(&entry).map_err(|problem| Bad::new(&path, &problem))?;
                Ok((entry.number, made))
            });
            match made {
                Err(problem) => bad.push(problem),
                Ok((number, made)) => match good.entry(number) {
                    std::collections::btree_map::Entry::Vacant(place) => {
                        place.insert((path, made));
                    }
                    std::collections::btree_map::Entry::Occupied(first) => {
                        bad.push(self.duplicate(&path, number, &first.get().0));
                    }
                },
            }
        }
        if !bad.is_empty() {
            return Err(self.refusal(&bad));
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(
            good.iter()
                .filter(|(_, (path, _))| number_in(&name_of(path)).is_some())
                .map(|(number, (path, _))| (*number, path.clone())),
        );
        Ok(good.into_values().map(|(_, made)| made).collect())
    }

    /// The file of a number.
    pub fn find(&self, number: u64) -> Result<Option<Entry>, ForgeError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let hint = known.get(&number).cloned();
        drop(known);
        if let Some(path) = hint.filter(|path| path.exists()) {
            return open(&path).map(Some).map_err(|bad| self.refusal(&[bad]));
        }
        let mut found: Option<Entry> = None;
        for path in self.names()? {
            if number_in(&name_of(&path)).is_some_and(|own| own != number) {
                continue;
            }
            match open(&path) {
                Ok(entry) if entry.number != number => {}
                Ok(entry) => match &found {
                    Some(first) => {
                        return Err(self.refusal(&[self.duplicate(&path, number, &first.path)]));
                    }
                    None => found = Some(entry),
                },
                Err(bad) if number_in(&name_of(&path)).is_some() => {
                    return Err(self.refusal(&[bad]));
                }
                // Not this one's file, as far as anybody can tell.
                Err(_) => {}
            }
        }
        if let Some(entry) = &found
            && number_in(&name_of(&entry.path)).is_some()
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(number, entry.path.clone());
        }
        Ok(found)
    }

    /// The file at a path of this folder.
    pub fn at(&self, path: &Path) -> Result<Entry, ForgeError> {
        open(path).map_err(|bad| self.refusal(&[bad]))
    }

    /// The highest number in use; 0 where there is none.
    pub fn highest(&self) -> Result<u64, ForgeError> {
        let numbers = self.names()?.into_iter().filter_map(|path| {
            number_in(&name_of(&path)).or_else(|| open(&path).ok().map(|entry| entry.number))
        });
        Ok(numbers.max().unwrap_or(0))
    }

    /// One error for files that are not as they should be.
    #[must_use]
    pub fn refusal(&self, bad: &[Bad]) -> ForgeError {
        let line = |bad: &Bad| format!("{}: {}", self.shown(&bad.path), bad.problem);
        let mut lines: Vec<String> = bad.iter().take(NAMED).map(line).collect();
        if bad.len() > NAMED {
            lines.push(format!("and {} more", bad.len() - NAMED));
        }
        ForgeError::Refused {
            action: format!("read {}", self.shown(&self.path)),
            detail: lines.join("\n  "),
        }
    }

    /// The path as seen from the root, printable.
    #[must_use]
    pub fn shown(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        let printable = |c: char| if c.is_control() { '?' } else { c };
        path.to_string_lossy().chars().map(printable).collect()
    }

    /// All Markdown files that are not hidden, by name; none where there is no such directory.
    fn names(&self) -> Result<Vec<PathBuf>, ForgeError> {
        let listed = std::fs::read_dir(&self.path)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
        let mut paths: Vec<PathBuf> = match listed {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(cause) => {
                let action = format!("read {}", self.shown(&self.path));
                return Err(ForgeError::Io { action, cause });
            }
            Ok(paths) => paths,
        };
        paths.retain(|path| is_ours(&name_of(path)));
        paths.sort();
        Ok(paths)
    }

    fn duplicate(&self, path: &Path, number: u64, first: &Path) -> Bad {
        Bad {
            path: path.to_owned(),
            problem: format!("number {number} is taken by {}", self.shown(first)),
        }
    }
}

/// A number as people write it, in a front matter: `12` or `#12`.
pub fn number(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    let all_digits = digits.chars().all(|c| c.is_ascii_digit());
    digits.parse().ok().filter(|&n| n > 0 && all_digits)
}

fn open(path: &Path) -> Result<Entry, Bad> {
    let bad = |problem: String| Bad {
        path: path.to_owned(),
        problem,
    };
    let told = |error: io::Error| bad(error.to_string());
    let snapshot = files::read(path).map_err(told)?;
    let read = Document::parse(&snapshot.text).and_then(|document| {
        let number = number_of(&document, &name_of(path))?;
        Ok((document, number))
    });
    let (document, number) = read.map_err(|problem| bad(problem.to_string()))?;
    Ok(Entry {
        number,
        path: path.to_owned(),
        snapshot,
        document,
    })
}

fn number_of(document: &Document, name: &str) -> Result<u64, Malformed> {
    let line = document.line_of("number");
    let inside = match document.text("number")? {
        None => None,
        Some(text) => Some(number(&text).ok_or_else(|| {
            Malformed::new(line, format!("`number: {text}` is not a number above 0"))
        })?),
    };
    match (number_in(name), inside) {
        (Some(name), Some(inside)) if name != inside => {
            let problem = format!("`number: {inside}` is not the {name} of its name");
            Err(Malformed::new(line, problem))
        }
        (Some(number), _) | (None, Some(number)) => Ok(number),
        (None, None) => {
            let problem = "has no number; begin its name with one, as in `12-title.md`";
            Err(Malformed::new(1, problem))
        }
    }
}

/// The number that a file's name begins with.
fn number_in(name: &str) -> Option<u64> {
    let stem = name.strip_suffix(".md")?;
    let digits = stem.split('-').next().unwrap_or(stem);
    number(digits).filter(|_| !digits.starts_with('#'))
}

fn is_ours(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end == "md")
        && !name.starts_with('.')
        && !name.eq_ignore_ascii_case("readme.md")
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_begin_with_its_number() {
        let check = |name: &str, expect: Option<u64>| assert_eq!(number_in(name), expect, "{name}");
        check("12.md", Some(12));
        check("007-bond.md", Some(7));
        check("3d-view.md", None);
        check("0-nothing.md", None);
        check("+4-plus.md", None);
        check("#4-hash.md", None);
        check("99999999999999999999999-many.md", None);
        check("12-note.txt", None);
    }

    #[test]
    fn editors_and_readmes_leave_no_issues() {
        for name in [
            ".12.md",
            ".autoissue-draft",
            "12.md~",
            "README.md",
            "12.txt",
            ".#12.md",
        ] {
            assert!(!is_ours(name), "{name}");
        }
        assert!(is_ours("12.md") && is_ours("odd name.md"));
    }
}
