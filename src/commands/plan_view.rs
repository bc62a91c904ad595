//! A plan as a person sees it before saying yes, and as programs read it.

use crate::reporters::out::Stream;
use crate::reporters::table::grid;
use crate::reporters::words::{brief, fit, plural};
use crate::rules::money::Usd;
use crate::rules::plan::outlook::Outlook;
use crate::rules::plan::overlap::{Overlap, overlaps};
use crate::rules::plan::shape::Plan;
use crate::rules::printable::printable;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Columns beside keys and titles.
const BESIDE: usize = 62;
/// Columns of a key, and of a title at least and at most.
const KEY: usize = 20;
const TITLE: (usize, usize) = (20, 60);
/// Columns of what an item needs.
const NEEDS: usize = 18;
/// Overlaps that are told one by one.
const OVERLAPS: usize = 10;

/// What there is to show.
pub struct View<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// How it would go.
    pub outlook: &'a Outlook,
    /// Attempts that may run at a time.
    pub slots: u32,
    /// Does any cost rest on history?
    pub knows_costs: bool,
    /// What the planner has cost so far; nothing where none was paid.
    pub planner: Option<Usd>,
    /// Why the budget would refuse it, if it would.
    pub refused: Option<&'a str>,
}

impl View<'_> {
    /// One object with everything that is shown to a person.
    #[must_use]
    pub fn json(&self, name: &str) -> Value {
        let (plan, outlook) = (self.plan, self.outlook);
        let item = |(place, item)| {
            let mut value = serde_json::to_value(item).expect("texts and numbers are JSON");
            value["starts_minute"] = json!(outlook.starts[place]);
            value
        };
        let key = |place: &usize| plan.items[*place].key.clone();
        let wave = |wave: &Vec<usize>| wave.iter().map(key).collect::<Vec<_>>();
        let overlap = |it: Overlap| json!({ "items": [it.first, it.second], "over": it.over });
        json!({
            "v": 1,
            "event": name,
            "directive": plan.directive,
            "items": plan.items.iter().enumerate().map(item).collect::<Value>(),
            "makespan_minutes": outlook.makespan_minutes,
            "lower_bound_minutes": outlook.lower_bound_minutes,
            "gap": (outlook.gap * 10_000.0).round() / 10_000.0,
            "cost_usd": { "p50": outlook.p50.decimal(), "p90": outlook.p90.decimal() },
            "waves": outlook.waves.iter().map(wave).collect::<Value>(),
            "slots": self.slots,
            "costliest_dependency": outlook.costliest.map(|it| json!({
                "item": key(&it.item), "needs": key(&it.need), "minutes": it.minutes,
            })),
            "overlaps": overlaps(plan).into_iter().map(overlap).collect::<Value>(),
            "planner_usd": self.planner.map(Usd::decimal),
            "refused": self.refused,
        })
    }

    /// The table, the tree, what overlaps, and the sums.
    #[must_use]
    pub fn text(&self) -> String {
        let head = format!("Plan: {}\n", brief(&self.plan.directive));
        let parts = [
            head + &self.table(),
            self.tree(),
            self.overlaps(),
            self.sums(),
        ];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join("\n")
    }

    fn table(&self) -> String {
        let heads = vec![
            "item", "title", "domain", "needs", "hard", "minutes", "starts",
        ];
        let items = &self.plan.items;
        let widest = items.iter().map(|item| item.key.len()).max().unwrap_or(0);
        let room = Stream::Out.width().saturating_sub(BESIDE + widest.min(KEY));
        let title = room.clamp(TITLE.0, TITLE.1);
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_by_key(|place| self.outlook.starts[*place].unwrap_or(u64::MAX));
        let row = |place: usize| {
            let item = &items[place];
            let needs = match item.depends_on.as_slice() {
                [] => "-".to_owned(),
                needs => fit(&printable(&needs.join(" ")), NEEDS),
            };
            let starts = match self.outlook.starts[place] {
                Some(0) => "at once".to_owned(),
                Some(minute) => format!("in {minute}m"),
                None => "never".to_owned(),
            };
            vec![
                fit(&printable(&item.key), KEY),
                fit(&printable(&item.title), title),
                item.domain.domain().word().to_owned(),
                needs,
                item.complexity.word().to_owned(),
                item.estimate_minutes.to_string(),
                starts,
            ]
        };
        grid(heads, order.into_iter().map(row).collect(), 5).join("\n") + "\n"
    }

    /// Every item below the last one that it waits for; what it waits for besides stands behind it.
    fn tree(&self) -> String {
        let items = &self.plan.items;
        if items.iter().all(|item| item.depends_on.is_empty()) {
            return "Nothing waits for anything.\n".to_owned();
        }
        let wave = |place: usize| {
            let waves = &self.outlook.waves;
            waves
                .iter()
                .position(|wave| wave.contains(&place))
                .unwrap_or(0)
        };
        let place_of = |key: &String| items.iter().position(|item| item.key == *key);
        let parent = |place: usize| {
            let needs = items[place].depends_on.iter().filter_map(place_of);
            needs.max_by_key(|need| (wave(*need), *need))
        };
        let parents: Vec<Option<usize>> = (0..items.len()).map(parent).collect();
        let mut text = "Order\n".to_owned();
        for root in (0..items.len()).filter(|place| parents[*place].is_none()) {
            self.branch(root, "  ", "  ", &parents, &mut text);
        }
        text
    }

    fn branch(
        &self,
        place: usize,
        lead: &str,
        below: &str,
        parents: &[Option<usize>],
        text: &mut String,
    ) {
        let items = &self.plan.items;
        let item = &items[place];
        let own = parents[place].map(|parent| &items[parent].key);
        let others: Vec<String> = item
            .depends_on
            .iter()
            .filter(|need| Some(*need) != own)
            .map(|need| printable(need))
            .collect();
        let also = if others.is_empty() {
            String::new()
        } else {
            format!(" (and after {})", others.join(", "))
        };
        let line = format!("{lead}{}{also}", printable(&item.key));
        let _ = writeln!(text, "{}", fit(&line, Stream::Out.width()));
        let children: Vec<usize> = (0..items.len())
            .filter(|child| parents[*child] == Some(place))
            .collect();
        for (at, child) in children.iter().enumerate() {
            let is_last = at + 1 == children.len();
            let (lead, next) = if is_last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            let (lead, next) = (format!("{below}{lead}"), format!("{below}{next}"));
            self.branch(*child, &lead, &next, parents, text);
        }
    }

    fn overlaps(&self) -> String {
        let overlaps = overlaps(self.plan);
        if overlaps.is_empty() {
            return String::new();
        }
        let mut text =
            "Overlaps: these touch the same place, and so will likely not run together\n"
                .to_owned();
        for it in overlaps.iter().take(OVERLAPS) {
            let over = printable(&it.over);
            let line = format!(
                "  {} and {}: {over}",
                printable(&it.first),
                printable(&it.second)
            );
            let _ = writeln!(text, "{}", fit(&line, Stream::Out.width()));
        }
        if overlaps.len() > OVERLAPS {
            let _ = writeln!(text, "  and {} more", overlaps.len() - OVERLAPS);
        }
        text
    }

    fn sums(&self) -> String {
        let (plan, outlook) = (self.plan, self.outlook);
        let mut text = format!(
            "{} in {}: about {} with {}; no order is faster than {} ({}).\n",
            plural(plan.items.len() as u64, "item"),
            plural(outlook.waves.len() as u64, "wave"),
            plural(outlook.makespan_minutes, "minute"),
            plural(u64::from(self.slots), "slot"),
            plural(outlook.lower_bound_minutes, "minute"),
            gap(outlook.gap),
        );
        if let Some(it) = outlook.costliest {
            let (item, need) = (&plan.items[it.item].key, &plan.items[it.need].key);
            let _ = writeln!(
                text,
                "What costs most is that {} waits for {}: without that, {} less.",
                printable(item),
                printable(need),
                plural(it.minutes, "minute"),
            );
        }
        let basis = if self.knows_costs {
            ""
        } else {
            " (there is no history yet: from the cap of an attempt)"
        };
        let (p50, p90) = (outlook.p50, outlook.p90);
        let _ = writeln!(text, "It will cost {p50} (P50) to {p90} (P90){basis}.");
        if let Some(planner) = self.planner {
            let _ = writeln!(text, "The planner has cost {planner}.");
        }
        if let Some(refused) = self.refused {
            let _ = writeln!(text, "It would be refused: {refused}.");
        }
        text
    }
}

fn gap(gap: f64) -> String {
    if gap < 0.005 {
        "as good as can be".to_owned()
    } else {
        format!("{:.0} % above it", gap * 100.0)
    }
}
