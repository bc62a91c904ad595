//! What autoissue does on GitHub, and the permissions that each part of it needs.
//!
//! After GitHub's "Permissions required for GitHub Apps".

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Something that autoissue does on GitHub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// Read issues, and see who let them run.
    Issues,
    /// Labels, comments, closing, planned issues.
    Labels,
    /// Push branches.
    Branches,
    /// Open pull requests, and answer in them.
    Pulls,
    /// Hold issues among several machines.
    Claims,
    /// Push changes of workflows.
    Workflows,
    /// Hear of checks.
    Checks,
    /// Read the logs of failed jobs.
    Logs,
    /// Merge.
    Merge,
}

/// One permission, as apps and fine-grained tokens have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// Its name in GitHub's interface.
    pub permission: &'static str,
    /// How much of it.
    pub level: Level,
}

/// How much of a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Look.
    Read,
    /// Change, and look.
    Write,
}

const fn read(permission: &'static str) -> Need {
    let level = Level::Read;
    Need { permission, level }
}

const fn write(permission: &'static str) -> Need {
    let level = Level::Write;
    Need { permission, level }
}

impl Feature {
    /// All of them, in the order in which they are met.
    pub const ALL: [Self; 9] = [
        Self::Issues,
        Self::Labels,
        Self::Branches,
        Self::Pulls,
        Self::Claims,
        Self::Workflows,
        Self::Checks,
        Self::Logs,
        Self::Merge,
    ];

    /// What it needs.
    #[must_use]
    pub const fn needs(self) -> &'static [Need] {
        match self {
            Self::Issues => const { &[read("issues"), read("metadata")] },
            Self::Labels => const { &[write("issues")] },
            Self::Branches | Self::Claims => const { &[write("contents")] },
            Self::Pulls => const { &[write("pull_requests")] },
            Self::Workflows => const { &[write("workflows")] },
            Self::Checks => const { &[read("checks"), read("statuses")] },
            Self::Logs => const { &[read("actions")] },
            Self::Merge => const { &[write("contents"), write("pull_requests")] },
        }
    }

    /// What a person calls it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Issues => "read issues",
            Self::Labels => "labels and comments",
            Self::Branches => "push branches",
            Self::Pulls => "pull requests",
            Self::Claims => "claims among machines",
            Self::Workflows => "change workflows",
            Self::Checks => "watch checks",
            Self::Logs => "logs of failed jobs",
            Self::Merge => "merge",
        }
    }

    /// One word for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Issues => "issues",
            Self::Labels => "labels",
            Self::Branches => "branches",
            Self::Pulls => "pulls",
            Self::Claims => "claims",
            Self::Workflows => "workflows",
            Self::Checks => "checks",
            Self::Logs => "logs",
            Self::Merge => "merge",
        }
    }

    /// Is nothing done without it?
    #[must_use]
    pub const fn is_essential(self) -> bool {
        match self {
            Self::Issues | Self::Branches | Self::Pulls | Self::Claims => true,
            Self::Labels | Self::Workflows | Self::Checks | Self::Logs | Self::Merge => false,
        }
    }

    /// Does it change anything?
    pub(super) fn writes(self) -> bool {
        self.needs().iter().any(|need| need.level == Level::Write)
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Read => "read",
            Level::Write => "write",
        };
        write!(f, "{}: {level}", self.permission)
    }
}

impl Need {
    /// Do these permissions hold it?
    pub(super) fn is_in(self, granted: &BTreeMap<String, String>) -> bool {
        let level = granted.get(self.permission).map(String::as_str);
        match self.level {
            // Every app may read that.
            Level::Read if self.permission == "metadata" => true,
            Level::Read => matches!(level, Some("read" | "write" | "admin")),
            Level::Write => matches!(level, Some("write" | "admin")),
        }
    }
}

/// All that these features need, each permission once, at its highest level.
#[must_use]
pub fn all_needs(features: &BTreeSet<Feature>) -> Vec<Need> {
    let mut all: BTreeMap<&'static str, Level> = BTreeMap::new();
    for need in features.iter().flat_map(|feature| feature.needs()) {
        let level = all.entry(need.permission).or_insert(need.level);
        *level = need.level.max(*level);
    }
    let needs = all.into_iter();
    needs
        .map(|(permission, level)| Need { permission, level })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_permission_is_named_once() {
        let named = |features: &[Feature]| {
            let features = features.iter().copied().collect();
            let needs: Vec<String> = all_needs(&features).iter().map(Need::to_string).collect();
            needs.join(", ")
        };
        assert_eq!(
            named(&[Feature::Issues, Feature::Labels, Feature::Merge]),
            "contents: write, issues: write, metadata: read, pull_requests: write"
        );
        assert_eq!(named(&[]), "");
    }
}
