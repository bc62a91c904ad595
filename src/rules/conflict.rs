//! May these two tasks run at the same time?

use crate::rules::classify::Domain;
use crate::rules::footprint::{Footprint, LikelyFile};
use crate::rules::settings::Policy;
use crate::rules::task::Task;
use std::fmt;

/// From this probability on, two tasks do not run together. Two that both name one file by its name alone
/// (0.7 x 0.7 = 0.49) are above it; files that are merely possible for both (0.5 x 0.5 = 0.25) are below.
pub const THRESHOLD: f64 = 0.3;

/// How likely a task of which nothing at all is known collides with any other one: about as often as merges do (16 %
/// of those in nine projects had textual conflicts: Brun, Holmes, Ernst and Notkin 2011). It lies below the threshold,
/// so such tasks run together with all others: one by one they would cost far more time than the conflicts do that
/// are met later, when commits are merged on trial.
pub const UNKNOWN: f64 = 0.15;

/// How likely two tasks get in each other's way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collision {
    /// From 0 to 1: 1 - prod(1 - p q f) over all shared files, where the tasks touch the file with probabilities p and
    /// q, and two changes of it get in each other's way with probability f, the file's friction.
    pub probability: f64,
    /// The files and directories that they share, the narrower path where one lies in the other; by path, each once.
    pub over: Vec<String>,
}

/// Why two tasks may not run together.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// They likely touch the same files.
    Files {
        /// The first shared path.
        path: String,
        /// The probability over all shared files.
        probability: f64,
    },
    /// Both are of this domain, and files do not tell them apart.
    Domain(Domain),
    /// The domain of one of them is unknown, so under the strict rule it runs alone.
    Unknown,
}

impl fmt::Display for Why {
    /// What they would collide over.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files { path, .. } => f.write_str(path),
            Self::Domain(domain) => write!(f, "domain {}", domain.word()),
            Self::Unknown => f.write_str("an unknown domain"),
        }
    }
}

/// How likely the two get in each other's way; a directory covers all below it. One walk over both, exactly symmetric.
#[must_use]
pub fn collision(a: &Footprint, b: &Footprint) -> Collision {
    let (mut a, mut b) = (Side::new(a), Side::new(b));
    let mut shared = Vec::new();
    let mut over: Vec<String> = Vec::new();
    while let Some(a_is_next) = a.goes_before(&b) {
        let (own, other) = if a_is_next {
            (&mut a, &mut b)
        } else {
            (&mut b, &mut a)
        };
        let file = own.take();
        let covering = other.covering(file);
        shared.extend(covering.iter().map(|cover| both(cover, file)));
        if !covering.is_empty() && over.last() != Some(&file.path) {
            over.push(file.path.clone());
        }
    }
    // In one order, whichever task comes first: floats do not multiply alike in every order.
    shared.sort_by(f64::total_cmp);
    let apart: f64 = shared.iter().map(|both| 1.0 - both).product();
    Collision {
        probability: (1.0 - apart).clamp(0.0, 1.0),
        over,
    }
}

/// The chance that both touch the file and get in each other's way. The one who knows more of its friction is right.
fn both(cover: &LikelyFile, file: &LikelyFile) -> f64 {
    cover.probability * file.probability * cover.friction.min(file.friction)
}

/// A file that two tasks may both touch.
#[derive(Clone, Debug, PartialEq)]
pub struct Shared {
    /// The path, the narrower one where one lies in the other.
    pub path: String,
    /// The chance that both touch it and get in each other's way.
    pub chance: f64,
}

/// The files that two footprints share, the likeliest first.
#[must_use]
pub fn shared(a: &Footprint, b: &Footprint) -> Vec<Shared> {
    let mut found: Vec<Shared> = Vec::new();
    for own in &a.files {
        for other in &b.files {
            let narrower = match (
                covers(&own.path, &other.path),
                covers(&other.path, &own.path),
            ) {
                (true, _) => other,
                (false, true) => own,
                (false, false) => continue,
            };
            let (path, chance) = (narrower.path.clone(), both(own, other));
            match found.iter_mut().find(|shared| shared.path == path) {
                Some(shared) => shared.chance = shared.chance.max(chance),
                None => found.push(Shared { path, chance }),
            }
        }
    }
    found.sort_by(|one, next| {
        next.chance
            .total_cmp(&one.chance)
            .then_with(|| one.path.cmp(&next.path))
    });
    found
}

/// How likely the two collide, whatever is known of them: over their files, or [`UNKNOWN`] where one has none.
#[must_use]
pub fn chance(a: &Task, b: &Task) -> f64 {
    let over_files = collision(&a.footprint, &b.footprint).probability;
    if a.footprint.is_known() && b.footprint.is_known() {
        return over_files;
    }
    // What one of unknown files has really changed is known all the same.
    over_files.max(UNKNOWN)
}

/// May the two run at the same time, and if not, why?
///
/// The same answer as from locks: under [`Policy::Footprint`] a task with a known footprint holds its files alone and
/// its domain together with others; one without holds its domain alone; one without footprint and domain holds nothing
/// ([`UNKNOWN`] says why). Under [`Policy::Domain`], the strict founding rule, every task holds its domain alone, its
/// files alone, and everything alone if its domain is unknown.
pub fn may_run_together(a: &Task, b: &Task, policy: Policy) -> Result<(), Why> {
    let domain = a.domain.domain;
    let is_same_domain = domain == b.domain.domain;
    let all_known = a.footprint.is_known() && b.footprint.is_known();
    match policy {
        Policy::Footprint if is_same_domain && domain != Domain::Unknown && !all_known => {
            return Err(Why::Domain(domain));
        }
        Policy::Domain
            if [a, b]
                .map(|task| task.domain.domain)
                .contains(&Domain::Unknown) =>
        {
            return Err(Why::Unknown);
        }
        Policy::Domain if is_same_domain => return Err(Why::Domain(domain)),
        Policy::Footprint | Policy::Domain => {}
    }
    let collision = collision(&a.footprint, &b.footprint);
    match collision.over.into_iter().next() {
        Some(path) if collision.probability >= THRESHOLD => Err(Why::Files {
            path,
            probability: collision.probability,
        }),
        Some(_) | None => Ok(()),
    }
}

/// Does the first path mean the other one as well: the same, or a directory above it?
#[must_use]
pub fn covers(path: &str, other: &str) -> bool {
    path == other || path.ends_with('/') && other.starts_with(path)
}

/// One footprint on its way through the walk.
struct Side<'a> {
    /// What is still to come.
    ahead: std::slice::Iter<'a, LikelyFile>,
    /// What may cover the next path: each lies in the one before it.
    open: Vec<&'a LikelyFile>,
}

impl<'a> Side<'a> {
    fn new(footprint: &'a Footprint) -> Self {
        Self {
            ahead: footprint.files.iter(),
            open: Vec::new(),
        }
    }

    /// Is this side's next path the first of both? `None` at the end of both.
    fn goes_before(&self, other: &Self) -> Option<bool> {
        match (
            self.ahead.as_slice().first(),
            other.ahead.as_slice().first(),
        ) {
            (Some(own), Some(others)) => Some(own.path <= others.path),
            (Some(_), None) => Some(true),
            (None, Some(_)) => Some(false),
            (None, None) => None,
        }
    }

    fn take(&mut self) -> &'a LikelyFile {
        let file = self
            .ahead
            .next()
            .expect("the side that goes before has a next path");
        self.covering(file);
        self.open.push(file);
        file
    }

    /// What of this side covers the file. Paths come in order, so what does not cover this one covers none that follows.
    fn covering(&mut self, file: &LikelyFile) -> &[&'a LikelyFile] {
        while self
            .open
            .last()
            .is_some_and(|last| !covers(&last.path, &file.path))
        {
            self.open.pop();
        }
        &self.open
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::rules::classify::Classified;
    use crate::rules::footprint::Evidence;
    use crate::rules::ids::IssueNumber;
    use crate::rules::issue::{Priority, tests::issue};
    use crate::rules::money::Usd;
    use crate::rules::names::branch;
    use crate::rules::task::Estimate;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// A task of this domain with these likely files.
    pub(crate) fn task(domain: Domain, files: &[(&str, f64)]) -> Task {
        Task {
            issue: issue("Title", ""),
            domain: Classified {
                domain,
                ..Classified::default()
            },
            footprint: footprint(files),
            needs: Vec::new(),
            obstacle: None,
            follow_up: None,
            evaluation: None,
            priority: Priority::Medium,
            estimate: Estimate {
                cost: Usd::ZERO,
                minutes: 1,
            },
            branch: branch(IssueNumber(12), "Title", 1),
        }
    }

    fn footprint(files: &[(&str, f64)]) -> Footprint {
        let files: BTreeMap<_, _> = files.iter().copied().collect();
        let file = |(path, probability): (&str, f64)| {
            LikelyFile::new(path, probability, Evidence::NamedInText)
        };
        Footprint {
            files: files.into_iter().map(file).collect(),
        }
    }

    /// The definition itself: every pair.
    fn by_pairs(a: &Footprint, b: &Footprint) -> f64 {
        let mut apart = 1.0;
        for own in &a.files {
            for other in &b.files {
                if covers(&own.path, &other.path) || covers(&other.path, &own.path) {
                    let friction = own.friction.min(other.friction);
                    apart *= 1.0 - own.probability * other.probability * friction;
                }
            }
        }
        1.0 - apart
    }

    #[test]
    fn shared_files_collide() {
        let check = |a: &[(&str, f64)], b: &[(&str, f64)], probability: f64, over: &[&str]| {
            let found = collision(&footprint(a), &footprint(b));
            assert!((found.probability - probability).abs() < 1e-12, "{found:?}");
            assert_eq!(found.over, over);
        };
        check(&[("a.rs", 0.7)], &[("a.rs", 0.7)], 0.49, &["a.rs"]);
        check(&[("a.rs", 0.7)], &[("b.rs", 0.7)], 0.0, &[]);
        check(
            &[("src/", 0.9)],
            &[("src/a/b.rs", 0.9), ("srcs/x.rs", 1.0)],
            0.81,
            &["src/a/b.rs"],
        );
        check(
            &[("src/", 0.5), ("src/a/", 0.5)],
            &[("src/a/", 0.5)],
            0.4375,
            &["src/a/"],
        );
        check(
            &[("a", 0.5), ("b", 0.5)],
            &[("a", 1.0), ("b", 1.0)],
            0.75,
            &["a", "b"],
        );
        check(&[], &[("a", 1.0)], 0.0, &[]);
    }

    #[test]
    fn files_decide_where_both_are_known() {
        use Domain::{Backend, Unknown};
        let check = |a: &Task, b: &Task, expect: Result<(), Why>| {
            assert_eq!(may_run_together(a, b, Policy::Footprint), expect);
            assert_eq!(may_run_together(b, a, Policy::Footprint), expect);
        };
        let named = |domain, path| task(domain, &[(path, 0.5)]);
        let blind = |domain| task(domain, &[]);
        check(&named(Backend, "a"), &named(Backend, "b"), Ok(()));
        check(&named(Backend, "a"), &named(Domain::Frontend, "a"), Ok(()));
        check(&named(Unknown, "a"), &named(Unknown, "b"), Ok(()));
        let sure = task(Backend, &[("a", 0.7)]);
        let found = may_run_together(&sure, &sure, Policy::Footprint);
        assert!(
            matches!(found, Err(Why::Files { ref path, .. }) if path == "a"),
            "{found:?}"
        );
        check(
            &blind(Backend),
            &named(Backend, "a"),
            Err(Why::Domain(Backend)),
        );
        check(&blind(Backend), &blind(Domain::Frontend), Ok(()));
        check(&blind(Backend), &named(Unknown, "a"), Ok(()));
        check(&blind(Unknown), &named(Backend, "a"), Ok(()));
        check(&blind(Unknown), &blind(Backend), Ok(()));
        check(&blind(Unknown), &blind(Unknown), Ok(()));
    }

    #[test]
    fn the_strict_rule_lets_only_different_domains_together() {
        use Domain::{Backend, Frontend, Unknown};
        let check = |a: &Task, b: &Task, expect: Result<(), Why>| {
            assert_eq!(may_run_together(a, b, Policy::Domain), expect);
            assert_eq!(may_run_together(b, a, Policy::Domain), expect);
        };
        let named = |domain, path| task(domain, &[(path, 0.9)]);
        check(
            &named(Backend, "a"),
            &named(Backend, "b"),
            Err(Why::Domain(Backend)),
        );
        check(&named(Backend, "a"), &named(Frontend, "b"), Ok(()));
        check(
            &named(Unknown, "a"),
            &named(Frontend, "b"),
            Err(Why::Unknown),
        );
        let found = may_run_together(&named(Backend, "a"), &named(Frontend, "a"), Policy::Domain);
        assert!(matches!(found, Err(Why::Files { .. })), "{found:?}");
    }

    /// A task with up to two likely files, of one of three domains.
    pub(crate) fn any_task() -> impl Strategy<Value = Task> {
        let domain = prop::sample::select(vec![Domain::Backend, Domain::Frontend, Domain::Unknown]);
        let odds = prop::collection::vec((0.3..=1.0, prop::sample::select(vec![0.4, 1.0])), 2);
        (domain, any_footprint(), odds).prop_map(|(domain, mut footprint, odds)| {
            footprint.files.truncate(2);
            for (file, (probability, friction)) in footprint.files.iter_mut().zip(odds) {
                (file.probability, file.friction) = (probability, friction);
            }
            Task {
                footprint,
                ..task(domain, &[])
            }
        })
    }

    fn any_footprint() -> impl Strategy<Value = Footprint> {
        let path = prop::collection::vec(prop::sample::select(vec!["a", "b", "a-", "c.rs"]), 1..4);
        let path = (path, any::<bool>()).prop_map(|(segments, is_directory)| {
            segments.join("/") + if is_directory { "/" } else { "" }
        });
        prop::collection::vec((path, 0.0..=1.0), 0..12).prop_map(|files| {
            let files: Vec<_> = files.iter().map(|(path, p)| (path.as_str(), *p)).collect();
            footprint(&files)
        })
    }

    proptest! {
        #[test]
        fn a_collision_is_what_every_pair_says(a in any_footprint(), b in any_footprint()) {
            let found = collision(&a, &b);
            prop_assert!((found.probability - by_pairs(&a, &b)).abs() < 1e-9);
            prop_assert!((0.0..=1.0).contains(&found.probability));
            prop_assert_eq!(collision(&b, &a), found);
        }
    }
}
