//! What a commit changes, as far as it decides whether it may be offered without a person.

use crate::rules::gate::secrets::Secret;
use crate::rules::paths::name;
use std::collections::BTreeSet;

/// One path of a commit, before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// From the repository's top.
    pub path: String,
    /// What was there on the base.
    pub was: FileKind,
    /// What is there now.
    pub is: FileKind,
    /// How long it is now; 0 where nothing is there.
    pub bytes: u64,
    /// What it says, before and now: of links and `.gitattributes` alone, and nothing where that is too long to be sane.
    pub texts: Option<(String, String)>,
    /// Where packages come from by a lock file, and did not before.
    pub sources: Sources,
    /// Secrets that it brings, in its content or in its name, and that the base has nowhere in what was changed.
    pub secrets: BTreeSet<Secret>,
    /// A name that is there as well, and that some disks take for this one.
    pub meets: Option<String>,
}

impl Default for Change {
    /// An empty file that says nothing.
    fn default() -> Self {
        Self {
            path: String::new(),
            was: FileKind::Plain,
            is: FileKind::Plain,
            bytes: 0,
            texts: None,
            sources: Sources::New(Vec::new()),
            secrets: BTreeSet::new(),
            meets: None,
        }
    }
}

/// Hosts that a lock file names and did not name before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sources {
    /// These; none where it is no lock file.
    New(Vec<String>),
    /// It is too long to be read, or not written as its program writes it.
    Unread,
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Nothing.
    Absent,
    /// A file.
    Plain,
    /// A file that may be run.
    Executable,
    /// A symbolic link.
    Link,
    /// A nested repository.
    Nested,
}

impl FileKind {
    /// By git's mode, as `diff-tree` writes it.
    #[must_use]
    pub fn of_mode(mode: &str) -> Self {
        match mode {
            "000000" => Self::Absent,
            "120000" => Self::Link,
            "160000" => Self::Nested,
            "100755" => Self::Executable,
            _ => Self::Plain,
        }
    }
}

impl Change {
    /// Do its texts decide anything?
    #[must_use]
    pub fn is_read(path: &str, is: FileKind) -> bool {
        match is {
            FileKind::Link => true,
            FileKind::Plain | FileKind::Executable => is_attributes(path),
            FileKind::Absent | FileKind::Nested => false,
        }
    }

    /// Is it a link now that may lead out of the repository, or into git's own directory?
    pub(super) fn leads_out(&self) -> bool {
        if self.is != FileKind::Link {
            return false;
        }
        let Some((_, target)) = &self.texts else {
            return true;
        };
        // After a name, `..` depends on whether that is a link itself: only a way up, then down, is sure.
        let target = target.trim_end_matches('/');
        let ups = target
            .split('/')
            .take_while(|part| matches!(*part, ".." | "."));
        let (up, steps) = ups.fold((0, 0), |(up, steps), part| {
            (up + usize::from(part == ".."), steps + 1)
        });
        let mut rest = target.split('/').skip(steps);
        let depth = self.path.matches('/').count();
        target.is_empty()
            || target.starts_with('/')
            || target.contains(['\\', '\0'])
            || up > depth
            || rest.any(|part| part == ".." || part.eq_ignore_ascii_case(".git"))
    }

    /// Is it a `.gitattributes` that names a program's filter, merge or diff where it did not before?
    pub(super) fn names_drivers(&self) -> bool {
        if !is_attributes(&self.path) {
            return false;
        }
        match (&self.is, &self.texts) {
            (FileKind::Absent, _) => false,
            (_, None) => true,
            (_, Some((before, now))) => {
                let known: Vec<&str> = drivers(before).collect();
                drivers(now).any(|line| !known.contains(&line))
            }
        }
    }

    /// Its path, with the new hosts where it is a lock file that names any.
    pub(super) fn leads_elsewhere(&self) -> Option<String> {
        match &self.sources {
            Sources::New(hosts) if hosts.is_empty() => None,
            Sources::New(hosts) => Some(format!("{} from {}", self.path, hosts.join(" and "))),
            Sources::Unread => Some(format!("{}, which cannot be read", self.path)),
        }
    }

    /// Its path, with what it exposes by its looks.
    pub(super) fn looks_secret(&self) -> Option<String> {
        let kinds = self.secrets.iter().filter(|kind| **kind != Secret::Known);
        let words: Vec<String> = kinds.map(|kind| kind.words()).collect();
        (!words.is_empty()).then(|| format!("{}: {}", self.path, words.join(" and ")))
    }

    /// Its path, with the name that it meets.
    pub(super) fn meets_another(&self) -> Option<String> {
        let other = self.meets.as_ref()?;
        Some(format!("{} and {other}", self.path))
    }

    /// Was it made executable?
    pub(super) fn became_executable(&self) -> bool {
        self.is == FileKind::Executable && self.was == FileKind::Plain
    }
}

fn is_attributes(path: &str) -> bool {
    name(path).eq_ignore_ascii_case(".gitattributes")
}

/// Lines of attributes that name a driver, or a macro that may.
fn drivers(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| {
        let is_driver = |word: &str| {
            ["filter=", "merge=", "diff="]
                .iter()
                .any(|key| word.starts_with(key))
        };
        !line.starts_with('#')
            && (line.starts_with("[attr]") || line.split_whitespace().any(is_driver))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(path: &str, target: &str) -> Change {
        Change {
            path: path.to_owned(),
            was: FileKind::Absent,
            is: FileKind::Link,
            bytes: target.len() as u64,
            texts: Some((String::new(), target.to_owned())),
            ..Change::default()
        }
    }

    #[test]
    fn links_that_may_leave_are_known() {
        let check = |path: &str, target: &str, expect: bool| {
            assert_eq!(link(path, target).leads_out(), expect, "{path} -> {target}");
        };
        check("a", "b", false);
        check("a", "./b/c", false);
        check("docs/a", "../README.md", false);
        check("x/y/a", "../../z/", false);
        check("a", "../b", true);
        check("docs/a", "../../b", true);
        check("a", "/etc/passwd", true);
        check("a", "b/../../c", true);
        check("a/b/c", "l/../../x", true);
        check("a", ".git/config", true);
        check("docs/a", "../.GIT", true);
        check("a", "", true);
        let unread = Change {
            texts: None,
            ..link("a", "b")
        };
        assert!(unread.leads_out());
    }

    #[test]
    fn new_drivers_are_found_and_old_ones_left_alone() {
        let check = |before: &str, now: &str, expect: bool| {
            let change = Change {
                path: "web/.gitattributes".to_owned(),
                was: FileKind::Plain,
                is: FileKind::Plain,
                bytes: 1,
                texts: Some((before.to_owned(), now.to_owned())),
                ..Change::default()
            };
            assert_eq!(change.names_drivers(), expect, "{before:?} {now:?}");
        };
        check("", "* text=auto\n*.png binary\n", false);
        check("", "*.rs filter=run\n", true);
        check("", "*.rs  text merge=mine", true);
        check("", "*.x diff=y", true);
        check("", "# filter=x\n", false);
        check("", "[attr]z -diff\n", true);
        check(
            "*.bin filter=lfs\n",
            "*.sh eol=lf\n*.bin filter=lfs\n",
            false,
        );
        check("*.bin filter=lfs\n", "* filter=lfs\n", true);
    }
}
