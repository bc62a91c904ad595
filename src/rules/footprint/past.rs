//! What a repository's history tells, one commit at a time.

use crate::rules::ids::CommitId;

/// One commit of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastCommit {
    /// Its name.
    pub id: CommitId,
    /// When it was committed, in seconds since 1970.
    pub at: i64,
    /// Does it join branches? What it touched is then what it brought to the first of them.
    pub is_merge: bool,
    /// Its words, cut where they are endless.
    pub message: String,
    /// What it did to files whose paths are UTF-8.
    pub changes: Vec<PastChange>,
}

/// What a commit did to one file. A blob is git's name of a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PastChange {
    /// It is new.
    Added {
        /// Where.
        path: String,
        /// What it holds.
        blob: String,
    },
    /// It was changed in place.
    Changed {
        /// Where.
        path: String,
        /// What it holds now.
        blob: String,
    },
    /// It was moved, and perhaps changed.
    Moved {
        /// From where.
        from: String,
        /// To where.
        to: String,
        /// What it holds now.
        blob: String,
    },
    /// It is gone.
    Removed {
        /// From where.
        path: String,
    },
}

impl PastChange {
    /// Where the file was before, if it was there.
    #[must_use]
    pub fn before(&self) -> Option<&str> {
        match self {
            Self::Added { .. } => None,
            Self::Changed { path, .. } | Self::Removed { path } => Some(path),
            Self::Moved { from, .. } => Some(from),
        }
    }

    /// Where it is now and what it holds, if it is there.
    #[must_use]
    pub fn after(&self) -> Option<(&str, &str)> {
        match self {
            Self::Added { path, blob } | Self::Changed { path, blob } => Some((path, blob)),
            Self::Moved { to, blob, .. } => Some((to, blob)),
            Self::Removed { .. } => None,
        }
    }
}

/// A commit that touches more files than this says nothing of which belong together: a move, a format, an import.
pub const WORK_MAX: usize = 30;

impl PastCommit {
    /// Did it touch few enough files to tell something by?
    #[must_use]
    pub fn is_work(&self) -> bool {
        (1..=WORK_MAX).contains(&self.changes.len())
    }
}
