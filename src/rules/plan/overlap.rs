//! Which items of a plan will likely touch the same place at the same time?

use crate::rules::plan::check::{place_of, places_needed};
use crate::rules::plan::shape::Plan;
use std::collections::HashSet;

/// Two items that nothing puts in order, and that will likely touch the same place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The key of the earlier one.
    pub first: String,
    /// The key of the later one.
    pub second: String,
    /// The narrower of the two paths where one lies in the other.
    pub over: String,
}

/// Items that may run at the same time although they share a file or a directory.
#[must_use]
pub fn overlaps(plan: &Plan) -> Vec<Overlap> {
    let before = ancestors(plan);
    let mut overlaps = Vec::new();
    for (place, second) in plan.items.iter().enumerate() {
        for (other, first) in plan.items[..place].iter().enumerate() {
            let ordered = before[place].contains(&other) || before[other].contains(&place);
            let shared = || {
                let mut pairs = second.files.iter().flat_map(|own| {
                    let others = first.files.iter();
                    others.filter_map(move |file| shared(own, file))
                });
                pairs.next()
            };
            if let (false, Some(over)) = (ordered, shared()) {
                let (first, second) = (first.key.clone(), second.key.clone());
                overlaps.push(Overlap {
                    first,
                    second,
                    over,
                });
            }
        }
    }
    overlaps
}

/// For each item all that come before it, whichever way.
fn ancestors(plan: &Plan) -> Vec<HashSet<usize>> {
    let needs = places_needed(plan);
    (0..plan.items.len())
        .map(|place| {
            let mut found = HashSet::new();
            let mut open = vec![place];
            while let Some(place) = open.pop() {
                let next = needs[place].iter().map(|need| place_of(*need));
                open.extend(next.filter(|need| found.insert(*need)));
            }
            found
        })
        .collect()
}

/// The narrower path, where one is the other or lies in it.
fn shared(a: &str, b: &str) -> Option<String> {
    let plain = |path: &str| path.trim().trim_start_matches("./").to_owned();
    let (a, b) = (plain(a), plain(b));
    let lies_in = |path: &str, directory: &str| {
        let directory = directory.trim_end_matches('/');
        path.strip_prefix(directory)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if lies_in(&a, &b) {
        Some(a)
    } else if lies_in(&b, &a) {
        Some(b)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::plan::shape::PlanItem;
    use crate::rules::plan::shape::tests::{item, plan};

    #[test]
    fn what_shares_files_and_has_no_order_is_reported() {
        let files = |mut item: PlanItem, files: &[&str]| {
            item.files = files.iter().map(ToString::to_string).collect();
            item
        };
        let sharing = plan(vec![
            files(item("a", &[]), &["src/"]),
            files(item("b", &["a"]), &["src/b.rs"]),
            files(item("c", &[]), &["./src/b.rs", "docs"]),
            files(item("d", &[]), &["docs/", "srcs/x"]),
        ]);
        let told: Vec<String> = overlaps(&sharing)
            .iter()
            .map(|it| format!("{} {} {}", it.first, it.second, it.over))
            .collect();
        assert_eq!(told, ["a c src/b.rs", "b c src/b.rs", "c d docs/"]);
    }
}
