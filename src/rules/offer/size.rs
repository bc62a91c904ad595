//! Is a change larger than a reviewer can take in, and how might it be taken apart?

use crate::rules::classify::Domain;
use crate::rules::layout::domain_of_path;
use crate::rules::offer::sections::{code, counted};
use crate::rules::task::DiffStat;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The most that one pull should change; 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SizeLimit {
    /// Files.
    pub files: u64,
    /// Lines, added and removed.
    pub lines: u64,
}

/// Parts that are suggested at most.
const PARTS_MAX: usize = 8;

impl SizeLimit {
    /// Is this more?
    #[must_use]
    pub fn is_passed_by(self, diff: &DiffStat) -> bool {
        let passes = |size: u64, limit: u64| limit > 0 && size > limit;
        passes(diff.files, self.files) || passes(lines(diff), self.lines)
    }
}

/// What a reviewer is told of a change that is too large; empty where it is not.
#[must_use]
pub fn warning(diff: &DiffStat, limit: SizeLimit) -> String {
    if !limit.is_passed_by(diff) {
        return String::new();
    }
    let mut said = format!(
        "**This changes {} in {}, which is more than a review should hold (`pull.maxLines` {}, `pull.maxFiles` {}). It is a \
         draft until a person says that it may stay whole.**",
        counted(lines(diff), "line"),
        counted(diff.files, "file"),
        limit.lines,
        limit.files,
    );
    let parts = parts(&diff.paths);
    if parts.len() > 1 {
        said.push_str(" It could be split into:\n");
        for (place, part) in parts.iter().take(PARTS_MAX).enumerate() {
            let _ = write!(said, "\n{}. {}", place + 1, part.words());
        }
        if parts.len() > PARTS_MAX {
            let _ = write!(said, "\n\nand {} more.", parts.len() - PARTS_MAX);
        }
    }
    said
}

fn lines(diff: &DiffStat) -> u64 {
    diff.added.saturating_add(diff.removed)
}

/// A part that a change may be split into.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    directory: String,
    domains: BTreeSet<Domain>,
    files: u64,
}

impl Part {
    fn words(&self) -> String {
        let domains: Vec<&str> = self.domains.iter().map(|domain| domain.word()).collect();
        let place = if self.directory.is_empty() {
            "the top directory".to_owned()
        } else {
            code(&format!("{}/", self.directory))
        };
        let files = counted(self.files, "file");
        if domains.is_empty() {
            format!("{place}: {files}")
        } else {
            format!("{place}: {files} ({})", domains.join(", "))
        }
    }

    /// What others build upon goes first, what speaks of it last.
    fn rank(&self) -> usize {
        const ORDER: [Domain; 8] = [
            Domain::Database,
            Domain::Infrastructure,
            Domain::Security,
            Domain::Backend,
            Domain::Frontend,
            Domain::Unknown,
            Domain::Testing,
            Domain::Documentation,
        ];
        let place = |domain: &Domain| ORDER.iter().position(|other| other == domain);
        let first = self.domains.iter().filter_map(place).min();
        first.unwrap_or(5)
    }
}

/// By the directories below the one that all have in common.
fn parts(paths: &[String]) -> Vec<Part> {
    let common = common(paths);
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    for path in paths {
        let rest = &path[common.len()..];
        let below = rest.split_once('/').map(|(first, _)| first);
        let directory = match below {
            Some(first) => format!("{common}{first}"),
            None => common.trim_end_matches('/').to_owned(),
        };
        let part = parts.entry(directory.clone()).or_insert_with(|| Part {
            directory,
            domains: BTreeSet::new(),
            files: 0,
        });
        part.files += 1;
        part.domains.extend(domain_of_path(path));
    }
    let mut parts: Vec<Part> = parts.into_values().collect();
    parts.sort_by_key(Part::rank);
    parts
}

/// The directory that all paths are in, with its `/`; empty for the top.
fn common(paths: &[String]) -> &str {
    let Some(first) = paths.first() else {
        return "";
    };
    let mut common = first.rfind('/').map_or("", |at| &first[..=at]);
    while !paths.iter().all(|path| path.starts_with(common)) {
        let above = common.trim_end_matches('/');
        common = above.rfind('/').map_or("", |at| &above[..=at]);
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(paths: &[&str], lines: u64) -> DiffStat {
        DiffStat {
            paths: paths.iter().map(ToString::to_string).collect(),
            files: paths.len() as u64,
            added: lines,
            removed: 1,
        }
    }

    #[test]
    fn what_is_within_its_limits_is_not_spoken_of() {
        let small = diff(&["a.rs", "b.rs"], 9);
        let check = |files: u64, lines: u64, expect: bool| {
            let limit = SizeLimit { files, lines };
            assert_eq!(limit.is_passed_by(&small), expect, "{files} {lines}");
            assert_eq!(warning(&small, limit).is_empty(), !expect);
        };
        check(2, 10, false);
        check(1, 10, true);
        check(2, 9, true);
        check(0, 0, false);
    }

    #[test]
    fn a_split_goes_by_directory_and_what_others_need_goes_first() {
        let large = diff(
            &[
                "app/docs/a.md",
                "app/web/a.css",
                "app/web/b.css",
                "app/migrations/1.sql",
                "app/api/a.rs",
            ],
            3_000,
        );
        let said = warning(
            &large,
            SizeLimit {
                files: 0,
                lines: 100,
            },
        );
        let end = said.split_once("split into:\n\n").unwrap().1;
        assert_eq!(
            end,
            "1. `app/migrations/`: 1 file (database)\n2. `app/api/`: 1 file (backend)\n3. `app/web/`: 2 files (frontend)\n\
             4. `app/docs/`: 1 file (documentation)"
        );
    }

    #[test]
    fn what_is_in_one_place_has_no_split() {
        let limit = SizeLimit { files: 1, lines: 0 };
        assert!(!warning(&diff(&["a/b/c.rs", "a/b/d.rs"], 9), limit).contains("split"));
        let mixed = warning(&diff(&["a/b/c.rs", "x"], 9), limit);
        assert!(
            mixed.contains("`a/`") && mixed.contains("the top directory"),
            "{mixed}"
        );
    }
}
