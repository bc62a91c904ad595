//! Which completed work has touched which files? Asked at each admission, so it is looked up and never searched.

use crate::rules::footprint::Footprint;
use crate::rules::task::Commit;
use std::collections::{BTreeMap, BTreeSet};

/// The tasks that are completed with work, by place, and the files that this work touched.
#[derive(Clone, Debug, Default)]
pub(super) struct Offered {
    by_path: BTreeMap<String, BTreeSet<usize>>,
    is_any: bool,
}

impl Offered {
    pub(super) fn is_empty(&self) -> bool {
        !self.is_any
    }

    /// Work is there. What an earlier version of it touched stays listed: whoever asks looks at the work itself.
    pub(super) fn insert(&mut self, place: usize, work: &Commit) {
        self.is_any = true;
        for path in &work.diff.paths {
            self.by_path.entry(path.clone()).or_default().insert(place);
        }
    }

    /// Those that may have touched a file of this footprint, or one below a directory of it.
    pub(super) fn touching(&self, footprint: &Footprint) -> BTreeSet<usize> {
        let mut places = BTreeSet::new();
        for file in &footprint.files {
            let is_below = |path: &str| path == file.path || is_in(&file.path, path);
            let known = self.by_path.range(file.path.clone()..);
            let meant = known.take_while(|(path, _)| is_below(path));
            places.extend(meant.flat_map(|(_, places)| places));
        }
        places
    }
}

/// Is the path one below this directory?
fn is_in(directory: &str, path: &str) -> bool {
    directory.ends_with('/') && path.starts_with(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::footprint::{Evidence, LikelyFile};
    use crate::rules::ids::{CommitId, TreeId};
    use crate::rules::task::DiffStat;

    fn work(paths: &[&str]) -> Commit {
        Commit {
            id: CommitId::new("a".repeat(40)),
            tree: TreeId::new("b".repeat(40)),
            base: CommitId::new("c".repeat(40)),
            diff: DiffStat {
                paths: paths.iter().map(ToString::to_string).collect(),
                ..DiffStat::default()
            },
        }
    }

    #[test]
    fn work_is_found_by_its_files_and_by_their_directories() {
        let mut offered = Offered::default();
        assert!(offered.is_empty());
        offered.insert(3, &work(&["src/a.rs", "src/b/c.rs"]));
        offered.insert(1, &work(&["src/b/d.rs", "src/b.rs"]));
        let check = |path: &str, expect: &[usize]| {
            let file = LikelyFile::new(path, 0.9, Evidence::NamedInText);
            let found = offered.touching(&Footprint { files: vec![file] });
            assert_eq!(found.into_iter().collect::<Vec<_>>(), expect, "{path}");
        };
        check("src/a.rs", &[3]);
        check("src/b/", &[1, 3]);
        check("src/b", &[]);
        check("src/", &[1, 3]);
        check("tests/", &[]);
    }
}
