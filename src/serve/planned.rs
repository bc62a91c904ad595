//! What is shown of a plan that waits for a person, with what can be said of it.

use crate::commands::seen::Seen;
use crate::reporters::words::plural;
use crate::rules::plan::shape::PlanItem;
use crate::rules::plan::sums::PlanStage;
use crate::rules::printable::{clip, printable, printable_block};
use crate::rules::summary::domain_word;

/// Characters of a title, and bytes of what is wanted.
const TITLE: usize = 200;
const DIRECTIVE: usize = 4_000;

/// A plan that nobody has said yes to.
#[derive(Debug)]
pub(super) struct PlanCard {
    pub(super) directive: String,
    pub(super) sums: String,
    pub(super) items: Vec<ItemRow>,
}

/// One entry of it.
#[derive(Debug)]
pub(super) struct ItemRow {
    pub(super) key: String,
    pub(super) title: String,
    pub(super) domain: &'static str,
    pub(super) needs: String,
    pub(super) minutes: u32,
}

/// The plan that a session waits with, if it does.
pub(super) fn waiting(seen: &Seen) -> Option<PlanCard> {
    let tally = &seen.tally;
    if tally.plan_stage() != Some(PlanStage::Waiting) {
        return None;
    }
    let plan = tally.planner.as_ref()?.plan.as_deref()?;
    let cap = tally.settings.as_ref().map(|settings| settings.cap);
    let cap = cap.map_or_else(String::new, |cap| {
        format!("; no attempt may cost more than {cap}")
    });
    let minutes: u64 = plan
        .items
        .iter()
        .map(|item| u64::from(item.estimate_minutes))
        .sum();
    let count = plural(plan.items.len() as u64, "issue");
    let work = plural(minutes, "minute");
    Some(PlanCard {
        directive: printable_block(&plan.directive, DIRECTIVE),
        sums: format!("{count}, about {work} of work{cap}"),
        items: plan.items.iter().map(row).collect(),
    })
}

fn row(item: &PlanItem) -> ItemRow {
    ItemRow {
        key: printable(&item.key),
        title: clip(&printable(&item.title), TITLE),
        domain: domain_word(item.domain.domain()),
        needs: printable(&item.depends_on.join(", ")),
        minutes: item.estimate_minutes,
    }
}
