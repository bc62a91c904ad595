//! Can a plan be carried out? Every fault at once, and what a person should know besides.

use crate::rules::graph::Dependencies;
use crate::rules::ids::IssueNumber;
use crate::rules::plan::shape::{Plan, PlanItem, VERSION};
use crate::rules::printable::{clip, is_invisible, printable};
use std::collections::{HashMap, HashSet};
use std::fmt;

/// The most that a plan may hold, whatever is asked for: GitHub takes a hundred sub-issues.
pub const MOST_ITEMS: usize = 100;
/// Characters of a key.
const KEY_MAX: usize = 40;
/// Characters of a title; GitHub takes 256, and ours stands in branches and tables.
const TITLE_MAX: usize = 200;
/// Bytes of a body; GitHub takes 65,536 for all of the issue.
const BODY_MAX: usize = 20_000;
/// Bytes of a directive.
const DIRECTIVE_MAX: usize = 20_000;
/// Acceptance criteria, and characters of one.
const ACCEPTANCE: (usize, usize) = (30, 1_000);
/// Labels of one item, and characters of one, which is GitHub's limit.
const LABELS: (usize, usize) = (10, 50);
/// Files of one item, and characters of one.
const FILES: (usize, usize) = (100, 300);
/// Minutes of one item: a day.
const MINUTES_MAX: u32 = 1_440;
/// Rings that are shown; each takes at least one edge out of the plan.
const RINGS: usize = 20;
/// Labels that we give ourselves begin like this.
const OWN_LABELS: [&str; 2] = ["plan:", "autoissue:"];

/// Something that keeps a plan from being carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: `plan`, or `item "login"`.
    pub at: String,
    /// What is wrong.
    pub problem: String,
}

impl Fault {
    /// A fault of the plan as a whole.
    pub fn of_plan(problem: impl Into<String>) -> Self {
        Self {
            at: "plan".to_owned(),
            problem: problem.into(),
        }
    }

    /// A fault of one item, which is called by its key, or by its place where it has none.
    pub fn of_item(place: usize, key: &str, problem: impl Into<String>) -> Self {
        let key = clip(key, KEY_MAX);
        let at = if key.is_empty() {
            format!("item {}", place + 1)
        } else {
            format!("item {key:?}")
        };
        Self {
            at,
            problem: problem.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.problem)
    }
}

/// Everything that is wrong with the plan; nothing where it can be carried out. `most` is the number of items allowed.
#[must_use]
pub fn faults(plan: &Plan, most: usize) -> Vec<Fault> {
    let mut faults = Vec::new();
    check_whole(plan, most.min(MOST_ITEMS), &mut faults);
    for (place, item) in plan.items.iter().enumerate() {
        let mut tell = |problem: String| faults.push(Fault::of_item(place, &item.key, problem));
        check_words(item, &mut tell);
        check_lists(item, &mut tell);
        check_needs(plan, item, &mut tell);
    }
    check_twins(plan, &mut faults);
    check_rings(plan, &mut faults);
    faults
}

fn check_whole(plan: &Plan, most: usize, faults: &mut Vec<Fault>) {
    let mut tell = |problem: String| faults.push(Fault::of_plan(problem));
    if plan.version != VERSION {
        tell(format!(
            "has version {}, and this program knows version {VERSION}",
            plan.version
        ));
    }
    if is_blank(&plan.directive) {
        tell("has no directive".to_owned());
    } else if plan.directive.len() > DIRECTIVE_MAX {
        tell(longer("the directive", DIRECTIVE_MAX, "bytes"));
    }
    match plan.items.len() {
        0 => tell("has no items".to_owned()),
        count if count > most => tell(format!("has {count} items, and at most {most} are allowed")),
        _ => {}
    }
}

fn check_words(item: &PlanItem, tell: &mut impl FnMut(String)) {
    let is_key = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
    if item.key.is_empty() {
        tell("has no key".to_owned());
    } else if item.key.len() > KEY_MAX || !item.key.chars().all(is_key) || item.key.contains("--") {
        tell(format!(
            "its key may hold up to {KEY_MAX} letters, digits, single dashes, underscores and dots"
        ));
    }
    if is_blank(&item.title) {
        tell("has no title".to_owned());
    } else if item.title.chars().count() > TITLE_MAX {
        tell(longer("its title", TITLE_MAX, "characters"));
    } else if item.title.trim().contains(['\n', '\r']) {
        tell("its title is more than one line".to_owned());
    }
    if is_blank(&item.body) {
        tell("has no body".to_owned());
    } else if item.body.len() > BODY_MAX {
        tell(longer("its body", BODY_MAX, "bytes"));
    }
    if !(1..=MINUTES_MAX).contains(&item.estimate_minutes) {
        tell(format!(
            "its estimate of {} minutes is not from 1 to {MINUTES_MAX}",
            item.estimate_minutes
        ));
    }
}

fn check_lists(item: &PlanItem, tell: &mut impl FnMut(String)) {
    if item.acceptance.is_empty() {
        tell("has no acceptance criteria".to_owned());
    }
    check_list("acceptance", &item.acceptance, ACCEPTANCE, tell);
    check_list("labels", &item.labels, LABELS, tell);
    check_list("files", &item.files, FILES, tell);
    for label in &item.labels {
        let lower = label.trim().to_lowercase();
        if OWN_LABELS.iter().any(|own| lower.starts_with(own)) {
            tell(format!("its label {:?} is one of our own", clip(label, 50)));
        }
    }
    for file in item.files.iter().filter(|file| !is_blank(file)) {
        if !stays_inside(file) {
            tell(format!(
                "its file {:?} does not lie in the repository",
                clip(file, 100)
            ));
        }
    }
}

fn check_list(
    name: &str,
    entries: &[String],
    (most, longest): (usize, usize),
    tell: &mut impl FnMut(String),
) {
    if entries.len() > most {
        tell(format!(
            "`{name}` has {} entries, and at most {most} are allowed",
            entries.len()
        ));
    }
    if entries.iter().any(|entry| is_blank(entry)) {
        tell(format!("`{name}` has an empty entry"));
    }
    if entries.iter().any(|entry| entry.chars().count() > longest) {
        tell(format!(
            "`{name}` has an entry of more than {longest} characters"
        ));
    }
}

fn check_needs(plan: &Plan, item: &PlanItem, tell: &mut impl FnMut(String)) {
    let mut seen = HashSet::new();
    for need in &item.depends_on {
        let shown = clip(need, KEY_MAX);
        if !seen.insert(need) {
            tell(format!("depends on {shown:?} twice"));
        } else if *need == item.key {
            tell("depends on itself".to_owned());
        } else if plan.item(need).is_none() {
            tell(format!("depends on {shown:?}, and there is no such item"));
        }
    }
}

fn check_twins(plan: &Plan, faults: &mut Vec<Fault>) {
    let mut keys: HashMap<String, usize> = HashMap::new();
    let mut titles: HashMap<String, usize> = HashMap::new();
    for (place, item) in plan.items.iter().enumerate() {
        let mut tell = |problem: String| faults.push(Fault::of_item(place, &item.key, problem));
        if let Some(first) = keys.insert(item.key.to_lowercase(), place)
            && !item.key.is_empty()
        {
            tell(format!("has the same key as item {}", first + 1));
        }
        if let Some(first) = titles.insert(alike(&item.title), place)
            && !is_blank(&item.title)
        {
            let first = &plan.items[first];
            tell(format!(
                "has the same title as item {:?}: {:?}",
                clip(&first.key, KEY_MAX),
                clip(&item.title, 80)
            ));
        }
    }
}

/// Shows rings one by one, each time without an edge of those that were shown already.
fn check_rings(plan: &Plan, faults: &mut Vec<Fault>) {
    let mut needs = places_needed(plan);
    for (place, needs) in needs.iter_mut().enumerate() {
        needs.retain(|need| *need != Plan::stand_in(place));
    }
    for _ in 0..RINGS {
        let tasks = needs.iter().enumerate();
        let tasks = tasks.map(|(place, needs)| (Plan::stand_in(place), needs.as_slice()));
        let Err(ring) = Dependencies::new(tasks) else {
            return;
        };
        let places: Vec<usize> = ring.0.iter().map(|issue| place_of(*issue)).collect();
        let keys = places
            .iter()
            .map(|place| clip(&plan.items[*place].key, KEY_MAX));
        let shown = keys.collect::<Vec<_>>().join(" -> ");
        faults.push(Fault::of_plan(format!(
            "its items wait for each other: {shown}"
        )));
        for pair in places.windows(2) {
            needs[pair[0]].retain(|need| place_of(*need) != pair[1]);
            needs[pair[1]].retain(|need| place_of(*need) != pair[0]);
        }
    }
}

/// What each item needs, by the numbers that stand in for items; what does not exist is left out.
pub(super) fn places_needed(plan: &Plan) -> Vec<Vec<IssueNumber>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (place, item) in plan.items.iter().enumerate() {
        places.entry(&item.key).or_insert(place);
    }
    let needed = |item: &PlanItem| {
        let needs = item
            .depends_on
            .iter()
            .filter_map(|need| places.get(need.as_str()));
        needs.map(|place| Plan::stand_in(*place)).collect()
    };
    plan.items.iter().map(needed).collect()
}

pub(super) fn place_of(issue: IssueNumber) -> usize {
    usize::try_from(issue.0)
        .unwrap_or(usize::MAX)
        .saturating_sub(1)
}

/// A relative path with `/` that no `..` leads out of, of characters that show.
fn stays_inside(path: &str) -> bool {
    let path = path.trim();
    let is_plain = !path.contains('\\') && !path.chars().any(|c| c.is_control() || is_invisible(c));
    let has_drive = path.as_bytes().get(1) == Some(&b':');
    let is_relative = !path.starts_with(['/', '~']) && !has_drive;
    let leaves = path.split('/').any(|part| part == ".." || part == ".git");
    is_plain && is_relative && !leaves
}

fn is_blank(text: &str) -> bool {
    printable(text).trim().is_empty()
}

fn alike(title: &str) -> String {
    let words: Vec<String> = title.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

fn longer(what: &str, most: usize, unit: &str) -> String {
    format!("{what} is longer than {most} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::plan::shape::tests::{item, plan};
    use proptest::prelude::*;

    fn told(plan: &Plan) -> Vec<String> {
        let faults = faults(plan, 30);
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_fault_is_listed_at_once() {
        let mut bad = plan(vec![
            item("a", &["b", "nowhere", "b"]),
            item("b", &["a", "b"]),
            item("b", &[]),
            PlanItem {
                key: "not a key".to_owned(),
                title: " ".to_owned(),
                body: String::new(),
                acceptance: Vec::new(),
                labels: vec!["plan:other".to_owned(), String::new()],
                files: ["../up", "/etc/passwd", "ok/", "a\\b", "x/.git/hooks"]
                    .map(str::to_owned)
                    .to_vec(),
                estimate_minutes: 0,
                ..item("x", &[])
            },
        ]);
        bad.version = 2;
        bad.directive = String::new();
        insta::assert_snapshot!(told(&bad).join("\n"), @r#"
        plan: has version 2, and this program knows version 1
        plan: has no directive
        item "a": depends on "nowhere", and there is no such item
        item "a": depends on "b" twice
        item "b": depends on itself
        item "not a key": its key may hold up to 40 letters, digits, single dashes, underscores and dots
        item "not a key": has no title
        item "not a key": has no body
        item "not a key": its estimate of 0 minutes is not from 1 to 1440
        item "not a key": has no acceptance criteria
        item "not a key": `labels` has an empty entry
        item "not a key": its label "plan:other" is one of our own
        item "not a key": its file "../up" does not lie in the repository
        item "not a key": its file "/etc/passwd" does not lie in the repository
        item "not a key": its file "a\\b" does not lie in the repository
        item "not a key": its file "x/.git/hooks" does not lie in the repository
        item "b": has the same key as item 2
        item "b": has the same title as item "b": "Write the part b"
        plan: its items wait for each other: a -> b -> a
        "#);
    }

    #[test]
    fn sizes_have_limits() {
        let long = |count: usize| "x".repeat(count);
        let oversized = PlanItem {
            key: long(41),
            title: long(201),
            body: long(20_001),
            acceptance: vec![long(1_001)],
            labels: vec!["a".to_owned(); 11],
            files: vec!["a/b".to_owned(); 101],
            estimate_minutes: 1_441,
            ..item("x", &[])
        };
        assert_eq!(told(&plan(vec![oversized])).len(), 7);
        assert_eq!(told(&plan(Vec::new())), ["plan: has no items"]);
        let many = (0..500).map(|at| item(&format!("k{at}"), &[])).collect();
        assert_eq!(
            told(&plan(many)),
            ["plan: has 500 items, and at most 30 are allowed"]
        );
    }

    #[test]
    fn every_ring_is_shown() {
        let rings = plan(vec![
            item("a", &["c"]),
            item("b", &["a"]),
            item("c", &["b"]),
            item("d", &["e"]),
            item("e", &["d"]),
        ]);
        let told = told(&rings);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told.iter()
                .any(|fault| fault.contains("e -> d") || fault.contains("d -> e"))
        );
    }

    /// Items of which each needs some of those before it, in any order of writing.
    fn acyclic() -> impl Strategy<Value = Plan> {
        (1_usize..40)
            .prop_flat_map(|count| {
                let edges = proptest::collection::vec((0..count, 0..count), 0..120);
                (
                    Just(count),
                    edges,
                    Just((0..count).collect::<Vec<_>>()).prop_shuffle(),
                )
            })
            .prop_map(|(count, edges, order)| {
                let mut items: Vec<PlanItem> =
                    (0..count).map(|at| item(&format!("k{at}"), &[])).collect();
                for (a, b) in edges.into_iter().filter(|(a, b)| a != b) {
                    let (early, late) = (a.min(b), a.max(b));
                    let need = format!("k{early}");
                    if !items[late].depends_on.contains(&need) {
                        items[late].depends_on.push(need);
                    }
                }
                plan(order.into_iter().map(|at| items[at].clone()).collect())
            })
    }

    proptest! {
        #[test]
        fn every_acyclic_plan_is_accepted(plan in acyclic()) {
            prop_assert_eq!(faults(&plan, 40), Vec::new());
        }

        #[test]
        fn a_ring_anywhere_is_refused(plan in acyclic(), from in 0_usize..40, length in 2_usize..6) {
            let mut plan = plan;
            let count = plan.items.len();
            prop_assume!(count >= length);
            for step in 0..length {
                let need = plan.items[(from + (step + 1) % length) % count].key.clone();
                let own = &mut plan.items[(from + step) % count].depends_on;
                if !own.contains(&need) {
                    own.push(need);
                }
            }
            let faults = faults(&plan, 40);
            prop_assert!(faults.iter().any(|fault| fault.problem.contains("wait for each other")), "{faults:?}");
        }

        #[test]
        fn any_text_is_checked_without_a_panic(text in any::<String>(), other in any::<String>()) {
            let odd = PlanItem { title: text.clone(), body: other.clone(), files: vec![text.clone()],
                labels: vec![other.clone()], depends_on: vec![text.clone(), other], ..item(&text, &[]) };
            let plan = plan(vec![odd.clone(), odd]);
            prop_assert!(!faults(&plan, 1).is_empty());
            drop(crate::rules::plan::overlap::overlaps(&plan));
        }
    }
}
