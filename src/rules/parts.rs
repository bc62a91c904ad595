//! An issue waits for its sub-issues.

use crate::rules::ids::IssueNumber;
use crate::rules::task::Task;
use std::collections::{HashMap, HashSet};

/// Lets each task wait for its open sub-issues. One that waits for its own parent, as people wrote it down, goes after
/// it: what is written outranks what follows from the order of issues.
pub fn wait_for_parts(tasks: &mut [Task]) {
    if tasks.iter().all(|task| task.issue.parts.is_empty()) {
        return;
    }
    let needs = tasks.iter().map(|task| (task.number(), task.needs.clone()));
    let mut needs: HashMap<IssueNumber, Vec<IssueNumber>> = needs.collect();
    for task in tasks {
        let parent = task.number();
        for part in &task.issue.parts {
            if task.needs.contains(part) || reaches(&needs, *part, parent) {
                continue;
            }
            task.needs.push(*part);
            needs.entry(parent).or_default().push(*part);
        }
        task.needs.sort_unstable();
    }
}

/// Is it the same, or does it wait for the other, over however many?
fn reaches(
    needs: &HashMap<IssueNumber, Vec<IssueNumber>>,
    from: IssueNumber,
    to: IssueNumber,
) -> bool {
    let (mut seen, mut left) = (HashSet::new(), vec![from]);
    while let Some(next) = left.pop() {
        if next == to {
            return true;
        }
        if seen.insert(next) {
            left.extend(needs.get(&next).into_iter().flatten());
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::graph::Dependencies;
    use crate::rules::script;
    use proptest::prelude::*;

    /// Number, needs, sub-issues.
    type Written<'a> = (u64, &'a [u64], &'a [u64]);

    fn tasks(written: &[Written<'_>]) -> Vec<Task> {
        let task = |(number, needs, parts): &Written<'_>| {
            let mut task = script::task(*number, "backend", needs);
            task.issue.parts = parts.iter().copied().map(IssueNumber).collect();
            task
        };
        written.iter().map(task).collect()
    }

    #[test]
    fn a_parent_waits_for_its_open_sub_issues() {
        let check = |written: &[Written<'_>], expect: &[&[u64]]| {
            let mut tasks = tasks(written);
            wait_for_parts(&mut tasks);
            let needs = tasks
                .iter()
                .map(|task| task.needs.iter().map(|need| need.0).collect());
            let needs: Vec<Vec<u64>> = needs.collect();
            assert_eq!(needs, expect, "{written:?}");
        };
        check(
            &[(1, &[], &[3, 2]), (2, &[], &[]), (3, &[], &[])],
            &[&[2, 3], &[], &[]],
        );
        // Those that are not part of the run are waited for as well, and nobody twice.
        check(&[(1, &[2], &[2, 9])], &[&[2, 9]]);
        // Somebody wrote that the sub-issue needs its parent, itself or over another one.
        check(&[(1, &[], &[2]), (2, &[1], &[])], &[&[], &[1]]);
        check(
            &[(1, &[], &[2, 4]), (2, &[3], &[]), (3, &[1], &[])],
            &[&[4], &[3], &[1]],
        );
        // Two parents whose sub-issues wait for the other parent: the first is heard.
        check(
            &[
                (1, &[], &[3]),
                (2, &[], &[4]),
                (3, &[2], &[]),
                (4, &[1], &[]),
            ],
            &[&[3], &[], &[2], &[1]],
        );
        check(&[(1, &[], &[1])], &[&[]]);
    }

    proptest! {
        #[test]
        fn sub_issues_never_close_a_ring(
            needs in prop::collection::vec(prop::collection::vec(1..9_u64, 0..3), 8),
            parents in prop::collection::vec(0..9_u64, 8),
        ) {
            // What is written has no ring: everybody needs earlier ones only. Each has one parent at most, of any number.
            let written: Vec<_> = (1..=8_u64).zip(&needs).map(|(number, needs)| {
                let needs: Vec<u64> = needs.iter().copied().filter(|need| *need < number).collect();
                let parts = (1..=8_u64).zip(&parents).filter(|(_, parent)| **parent == number);
                let parts: Vec<u64> = parts.map(|(part, _)| part).collect();
                (number, needs, parts)
            }).collect();
            let written: Vec<Written<'_>> = written.iter().map(|(number, needs, parts)| (*number, &needs[..], &parts[..])).collect();
            let mut tasks = tasks(&written);
            wait_for_parts(&mut tasks);
            let graph = Dependencies::new(tasks.iter().map(|task| (task.number(), task.needs.as_slice())));
            prop_assert!(graph.is_ok(), "{:?}", graph.err());
            for (task, (_, needs, _)) in tasks.iter().zip(&written) {
                prop_assert!(needs.iter().all(|need| task.needs.contains(&IssueNumber(*need))), "nothing written is dropped");
            }
        }
    }
}
