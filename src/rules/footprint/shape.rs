//! The files that a task will likely touch, each with a probability and what says so.

use serde::{Deserialize, Serialize};

/// A kind of evidence that a task will touch a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The issue's text names it: its path, its name alone, a directory above it or a pattern that it fits.
    NamedInText,
    /// It stands in a stack trace or in a compiler's message.
    StackTrace,
    /// The issue's list of likely files holds it, as a plan's issues do.
    Listed,
    /// It defines or uses a name of the text that few files know.
    Symbol,
    /// Its path holds words of the text.
    PathWords,
    /// A label names its directory or its owner, or the domain is at home there.
    Area,
    /// Past work that reads like the issue touched it.
    SimilarWork,
    /// It usually changes together with files that other evidence found.
    CoChange,
    /// It changes often, and did lately.
    BaseRate,
}

impl Evidence {
    /// Every kind, in the order of the weights of a model.
    pub const ALL: [Self; 9] = [
        Self::NamedInText,
        Self::StackTrace,
        Self::Listed,
        Self::Symbol,
        Self::PathWords,
        Self::Area,
        Self::SimilarWork,
        Self::CoChange,
        Self::BaseRate,
    ];

    /// A few words for it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NamedInText => "named in the text",
            Self::StackTrace => "in a stack trace",
            Self::Listed => "listed as likely",
            Self::Symbol => "knows a name of the text",
            Self::PathWords => "words in its path",
            Self::Area => "in the area of a label or domain",
            Self::SimilarWork => "touched by similar work",
            Self::CoChange => "changes with the others",
            Self::BaseRate => "changes often",
        }
    }

    /// The word that printed JSON uses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NamedInText => "named_in_text",
            Self::StackTrace => "stack_trace",
            Self::Listed => "listed",
            Self::Symbol => "symbol",
            Self::PathWords => "path_words",
            Self::Area => "area",
            Self::SimilarWork => "similar_work",
            Self::CoChange => "co_change",
            Self::BaseRate => "base_rate",
        }
    }

    /// Does the issue's own text say it?
    #[must_use]
    pub fn is_in_text(self) -> bool {
        match self {
            Self::NamedInText | Self::StackTrace | Self::Listed => true,
            Self::Symbol
            | Self::PathWords
            | Self::Area
            | Self::SimilarWork
            | Self::CoChange
            | Self::BaseRate => false,
        }
    }

    /// Does it speak of this issue, rather than of any?
    #[must_use]
    pub fn is_specific(self) -> bool {
        match self {
            Self::NamedInText
            | Self::StackTrace
            | Self::Listed
            | Self::Symbol
            | Self::PathWords
            | Self::Area
            | Self::SimilarWork
            | Self::CoChange => true,
            Self::BaseRate => false,
        }
    }
}

/// One reason to expect a file: what kind, and how strong.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// What made us think of the file.
    pub kind: Evidence,
    /// How strongly, from 0 to 1, by that kind's own measure.
    pub weight: f64,
}

/// A file that a task will likely touch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LikelyFile {
    /// The path from the repository's root, with `/`; one that ends in `/` is a directory and means all below it.
    pub path: String,
    /// From 0 to 1.
    pub probability: f64,
    /// What says so, each kind once, in the order of [`Evidence::ALL`].
    pub evidence: Vec<Reason>,
    /// The chance that two changes to this file really conflict, from 0 to 1: 1 for ordinary files, less for those
    /// that many tasks append to.
    #[serde(default = "always")]
    pub friction: f64,
}

impl LikelyFile {
    /// A file expected for one reason, which its probability measures.
    pub fn new(path: impl Into<String>, probability: f64, kind: Evidence) -> Self {
        let path = path.into();
        Self {
            friction: friction(&path),
            path,
            probability,
            evidence: vec![Reason {
                kind,
                weight: probability,
            }],
        }
    }
}

/// The files that a task will likely touch; none means that nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Footprint {
    /// Sorted by path, each path once.
    pub files: Vec<LikelyFile>,
}

impl Footprint {
    /// Is anything known of this task? That some files change in every other task says nothing of it.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.files
            .iter()
            .any(|file| file.evidence.iter().any(|reason| reason.kind.is_specific()))
    }

    /// The files, the likeliest first.
    #[must_use]
    pub fn by_probability(&self) -> Vec<&LikelyFile> {
        let mut files: Vec<&LikelyFile> = self.files.iter().collect();
        files.sort_by(|a, b| {
            let by_probability = b.probability.total_cmp(&a.probability);
            by_probability.then_with(|| a.path.cmp(&b.path))
        });
        files
    }
}

/// Where two tasks change a file like this, their changes conflict this often if nothing is known of its history: a
/// list that everybody appends to merges at times, a lock file is written anew by its tool and rarely a person's work.
const APPENDED: f64 = 0.5;
const LOCKED: f64 = 0.5;
const GENERATED: f64 = 0.3;

/// The chance that two changes to this file conflict, by its name alone.
#[must_use]
pub fn friction(path: &str) -> f64 {
    let name = crate::rules::paths::name(path).to_ascii_lowercase();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    let is_list = [
        "changelog",
        "changes",
        "history",
        "news",
        "releases",
        "release-notes",
        "release_notes",
        "authors",
        "contributors",
    ];
    if is_list.contains(&stem) && matches!(extension, "" | "md" | "rst" | "txt" | "adoc") {
        APPENDED
    } else if is_lock_file(path) {
        LOCKED
    } else if matches!(extension, "snap" | "map")
        || name.contains(".min.")
        || name.contains(".generated.")
    {
        GENERATED
    } else {
        1.0
    }
}

/// Is it written by a package manager, with the versions that were chosen?
#[must_use]
pub fn is_lock_file(path: &str) -> bool {
    let name = crate::rules::paths::name(path).to_ascii_lowercase();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    let is_other = ["pnpm-lock", "package-lock", "npm-shrinkwrap"].contains(&stem);
    extension == "lock"
        || is_other
        || matches!(&*name, "go.sum" | "bun.lockb" | "packages.lock.json")
}

/// Two changes to an ordinary file are taken to conflict.
fn always() -> f64 {
    1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_all_append_to_conflict_less() {
        for path in [
            "CHANGELOG.md",
            "docs/changes.rst",
            "Cargo.lock",
            "go.sum",
            "web/package-lock.json",
        ] {
            assert!(friction(path) < 1.0, "{path}");
        }
        for path in [
            "src/history.rs",
            "src/lock.rs",
            "go.mod",
            "README.md",
            "src/",
        ] {
            assert!((friction(path) - 1.0).abs() < f64::EPSILON, "{path}");
        }
    }

    #[test]
    fn a_file_stored_without_friction_is_an_ordinary_one() {
        let stored =
            r#"{"path":"a.rs","probability":0.5,"evidence":[{"kind":"symbol","weight":0.5}]}"#;
        let file: LikelyFile = serde_json::from_str(stored).expect("the stored form is read");
        assert!((file.friction - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn what_changes_in_every_task_says_nothing_of_this_one() {
        let footprint = |kind| Footprint {
            files: vec![LikelyFile::new("a.rs", 0.5, kind)],
        };
        assert!(!footprint(Evidence::BaseRate).is_known());
        assert!(footprint(Evidence::Symbol).is_known());
        assert!(!Footprint::default().is_known());
    }

    #[test]
    fn every_kind_has_its_place_and_its_words() {
        for (place, kind) in Evidence::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place);
            assert_eq!(serde_json::json!(kind), kind.word());
            assert!(!kind.words().is_empty());
        }
    }
}
