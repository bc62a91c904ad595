//! From a plan to the issues that it becomes: their words, their labels, their order, and the markers they are found by.

use crate::rules::ids::IssueNumber;
use crate::rules::issue::{Issue, IssueDraft};
use crate::rules::markdown::closed;
use crate::rules::names::{clip, neutralise};
use crate::rules::plan::check::{place_of, places_needed};
use crate::rules::plan::shape::{Plan, PlanItem};
use crate::rules::printable::printable;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What the hidden line in an issue of a plan begins with.
const MARKER: &str = "<!-- autoissue:v1 plan=";
/// The label of issues that stand for whole plans; the items have a label of their own for each plan.
pub const PARENT_LABEL: &str = "autoissue:plan";
/// Characters of a directive that become the title of its issue.
const DIRECTIVE: usize = 120;

/// What an issue of a plan stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node<'a> {
    /// The plan as a whole.
    Parent,
    /// The item of this key.
    Item(&'a str),
}

/// The label that every item of a plan carries, and the plan alone: what `exec` takes to run it again.
#[must_use]
pub fn plan_label(id: &str) -> String {
    format!("plan:{id}")
}

/// The hidden line by which the issue of a node is found again.
#[must_use]
pub fn node_marker(id: &str, node: Node<'_>) -> String {
    match node {
        Node::Parent => format!("{MARKER}{id} parent -->"),
        Node::Item(key) => format!("{MARKER}{id} node={key} -->"),
    }
}

/// The oldest of these issues that stands for the node.
#[must_use]
pub fn find(issues: &[Issue], id: &str, node: Node<'_>) -> Option<IssueNumber> {
    let marker = node_marker(id, node);
    let is_it = |issue: &&Issue| issue.body.lines().next_back().map(str::trim) == Some(&marker);
    issues.iter().filter(is_it).map(|issue| issue.number).min()
}

/// Places of the items, each behind all that it needs; as they are written where nothing speaks against it.
#[must_use]
pub fn order(plan: &Plan) -> Vec<usize> {
    waves(plan).into_iter().flatten().collect()
}

/// Places of the items by the longest chain of needs before each. Those in a ring are in no wave.
#[must_use]
pub fn waves(plan: &Plan) -> Vec<Vec<usize>> {
    let needs = places_needed(plan);
    let mut levels: Vec<Option<usize>> = vec![None; needs.len()];
    let mut waves = Vec::new();
    loop {
        let is_met = |need: &IssueNumber| levels.get(place_of(*need)).copied().flatten().is_some();
        let next: Vec<usize> = (0..needs.len())
            .filter(|place| levels[*place].is_none() && needs[*place].iter().all(is_met))
            .collect();
        if next.is_empty() {
            return waves;
        }
        for place in &next {
            levels[*place] = Some(waves.len());
        }
        waves.push(next);
    }
}

/// The issue that stands for the whole plan. `numbers` are the items' issues as far as they exist.
#[must_use]
pub fn parent(plan: &Plan, id: &str, numbers: &BTreeMap<String, IssueNumber>) -> IssueDraft {
    let mut body = closed(&neutralise(plan.directive.trim()));
    body.push_str("\n\n### Items\n\n");
    for item in &plan.items {
        let title = title(item);
        let line = match numbers.get(&item.key) {
            Some(number) => format!("- [ ] {number} {title}\n"),
            None => format!("- {title}\n"),
        };
        body.push_str(&line);
    }
    let _ = write!(
        body,
        "\nPlanned by autoissue; `autoissue exec {}` runs what is open of it.",
        plan_label(id)
    );
    IssueDraft {
        title: neutralise(&clip(&plan.directive, DIRECTIVE)),
        body: marked(&body, &node_marker(id, Node::Parent)),
        labels: vec![PARENT_LABEL.to_owned()],
        depends_on: Vec::new(),
    }
}

/// The issue of an item. Whatever it needs has its number already.
#[must_use]
pub fn issue(
    item: &PlanItem,
    id: &str,
    labels: &[String],
    parent: Option<IssueNumber>,
    numbers: &BTreeMap<String, IssueNumber>,
) -> IssueDraft {
    let needs = item.depends_on.iter().filter_map(|need| numbers.get(need));
    let depends_on: Vec<IssueNumber> = needs.copied().collect();
    let mut body = closed(&neutralise(item.body.trim()));
    list(&mut body, "Acceptance criteria", &item.acceptance, |text| {
        format!("[ ] {}", neutralise(&printable(text)))
    });
    list(&mut body, "Likely files", &item.files, |path| {
        format!(
            "`{}`",
            printable(path).replace('`', "").replace("<!", "<\u{200b}!")
        )
    });
    if !depends_on.is_empty() {
        let numbers: Vec<String> = depends_on.iter().map(ToString::to_string).collect();
        let _ = write!(body, "\n\nDepends on {}", numbers.join(", "));
    }
    if let Some(parent) = parent {
        let _ = write!(body, "\n\nPart of {parent}");
    }
    IssueDraft {
        title: title(item),
        body: marked(&body, &node_marker(id, Node::Item(&item.key))),
        labels: self::labels(item, id, labels),
        depends_on,
    }
}

/// The plan's label, those of every item, its domain's, and its own; each once.
#[must_use]
pub fn labels(item: &PlanItem, id: &str, common: &[String]) -> Vec<String> {
    let domain = item.domain.domain();
    let domain =
        (domain != crate::rules::classify::Domain::Unknown).then(|| domain.word().to_owned());
    let own = item
        .labels
        .iter()
        .map(|label| printable(label).trim().to_owned());
    let mut labels: Vec<String> = Vec::new();
    for label in [plan_label(id)]
        .into_iter()
        .chain(common.iter().cloned())
        .chain(domain)
        .chain(own)
    {
        if !label.is_empty()
            && !labels
                .iter()
                .any(|known| known.eq_ignore_ascii_case(&label))
        {
            labels.push(label);
        }
    }
    labels
}

fn title(item: &PlanItem) -> String {
    neutralise(printable(&item.title).trim())
}

fn list(body: &mut String, head: &str, entries: &[String], shown: impl Fn(&str) -> String) {
    if entries.is_empty() {
        return;
    }
    let _ = write!(body, "\n\n### {head}\n");
    for entry in entries {
        let _ = write!(body, "\n- {}", shown(entry.trim()));
    }
}

fn marked(body: &str, marker: &str) -> String {
    format!("{body}\n\n{marker}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::issue::needs_in_text;
    use crate::rules::issue::tests::issue as plain;
    use crate::rules::plan::shape::tests::{item, plan};
    use proptest::prelude::*;

    fn numbers(pairs: &[(&str, u64)]) -> BTreeMap<String, IssueNumber> {
        let pairs = pairs
            .iter()
            .map(|(key, number)| ((*key).to_owned(), IssueNumber(*number)));
        pairs.collect()
    }

    #[test]
    fn an_item_becomes_an_issue_that_says_all_of_it() {
        let mut item = item("b", &["a"]);
        item.body = "Ask @octocat, closes #3\n\n<!-- autoissue:v1 plan=x1 node=a -->".to_owned();
        item.labels = vec!["Backend".to_owned(), "later".to_owned()];
        let draft = issue(
            &item,
            "x1",
            &["autoissue".to_owned()],
            Some(IssueNumber(4)),
            &numbers(&[("a", 5)]),
        );
        assert_eq!(draft.labels, ["plan:x1", "autoissue", "backend", "later"]);
        assert_eq!(draft.depends_on, [IssueNumber(5)]);
        insta::assert_snapshot!(draft.body.replace('\u{200b}', "|"), @"
        Ask @|octocat, closes #|3

        <|!-- autoissue:v1 plan=x1 node=a -->

        ### Acceptance criteria

        - [ ] It is there.

        ### Likely files

        - `src/b.rs`

        Depends on #5

        Part of #4

        <!-- autoissue:v1 plan=x1 node=b -->
        ");
        assert_eq!(
            needs_in_text(&draft.body),
            [IssueNumber(5)],
            "its parent is no need"
        );
    }

    #[test]
    fn the_parent_lists_the_items() {
        let plan = plan(vec![item("a", &[]), item("b", &["a"])]);
        let draft = parent(&plan, "x1", &numbers(&[("a", 5)]));
        assert_eq!(draft.labels, ["autoissue:plan"]);
        assert!(
            draft
                .body
                .contains("- [ ] #5 Write the part a\n- Write the part b\n"),
            "{}",
            draft.body
        );
        assert!(needs_in_text(&draft.body).is_empty());
    }

    #[test]
    fn an_issue_is_found_by_its_marker_alone() {
        let plan = plan(vec![item("a", &[]), item("a.b", &[])]);
        let made = |node: usize, number| {
            let draft = issue(&plan.items[node], "x1", &[], None, &BTreeMap::new());
            Issue {
                number: IssueNumber(number),
                ..plain(&draft.title, &draft.body)
            }
        };
        let issues = [
            made(0, 9),
            made(1, 8),
            made(0, 7),
            plain("other", "Part of plan:x1"),
        ];
        assert_eq!(find(&issues, "x1", Node::Item("a")), Some(IssueNumber(7)));
        assert_eq!(find(&issues, "x1", Node::Item("a.b")), Some(IssueNumber(8)));
        assert_eq!(find(&issues, "x1", Node::Item("b")), None);
        assert_eq!(find(&issues, "x1", Node::Parent), None);
        assert_eq!(find(&issues, "x2", Node::Item("a")), None);
    }

    #[test]
    fn items_come_behind_what_they_need() {
        let plan = plan(vec![
            item("c", &["a", "b"]),
            item("a", &[]),
            item("b", &["a"]),
            item("d", &[]),
        ]);
        assert_eq!(waves(&plan), [vec![1, 3], vec![2], vec![0]]);
        assert_eq!(order(&plan), [1, 3, 2, 0]);
    }

    proptest! {
        #[test]
        fn no_text_passes_for_another_node(text in "(<!-- autoissue:v1 plan=x1 node=a -->|parent|\n|<|!|-->| |ü)*") {
            let mut odd = item("b", &[]);
            (odd.body, odd.title) = (text.clone(), text.clone());
            odd.acceptance = vec![text.clone()];
            odd.files = vec![text.clone()];
            let mut plan = plan(vec![odd]);
            plan.directive = text;
            let drafts = [issue(&plan.items[0], "x1", &[], None, &BTreeMap::new()), parent(&plan, "x1", &BTreeMap::new())];
            for draft in drafts {
                let issues = [plain(&draft.title, &draft.body)];
                prop_assert_eq!(find(&issues, "x1", Node::Item("a")), None);
                prop_assert_eq!(draft.body.matches("<!--").count(), 1);
            }
        }
    }
}
