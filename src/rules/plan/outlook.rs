//! How a plan would go: when its items would run, how long that takes, and what it costs.

use crate::rules::classify::classify;
use crate::rules::evaluate::background::Background;
use crate::rules::evaluate::judge::Judge;
use crate::rules::evaluate::routing::Mode;
use crate::rules::footprint::named_in_text;
use crate::rules::ids::{IssueNumber, Timestamp};
use crate::rules::issue::{Issue, IssueState, Priority};
use crate::rules::money::Usd;
use crate::rules::names;
use crate::rules::own::Classification;
use crate::rules::past::Record;
use crate::rules::plan::check::place_of;
use crate::rules::plan::draft;
use crate::rules::plan::shape::Plan;
use crate::rules::schedule::predict::predict;
use crate::rules::settings::Settings;
use crate::rules::task::{Estimate, Task};
use std::collections::BTreeMap;

const MINUTE: u64 = 60_000;
/// Nobody needs an estimate in less than cents.
const CENT: u64 = 10_000;
/// Dependencies that are left out in turn; more would keep a person waiting.
const MOST_EDGES: usize = 150;
/// Hundredths of the cap that an attempt costs in the middle, where no history tells.
const MIDDLE: u64 = 50;

/// How a plan would go.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// When the last item would be done, in minutes from the start.
    pub makespan_minutes: u64,
    /// No schedule is shorter than this.
    pub lower_bound_minutes: u64,
    /// The makespan over the lower bound, less one: 0.04 is four percent longer than any schedule could be.
    pub gap: f64,
    /// Places of the items by the longest chain of needs before each.
    pub waves: Vec<Vec<usize>>,
    /// For each item when it would start, in minutes; nothing where it never would.
    pub starts: Vec<Option<u64>>,
    /// What all items together cost in half of all cases.
    pub p50: Usd,
    /// What they cost at most in nine of ten cases.
    pub p90: Usd,
    /// The median of each item's costs, and the ninth of ten.
    pub costs: Vec<(Usd, Usd)>,
    /// The dependency that costs most time.
    pub costliest: Option<Costliest>,
}

/// A dependency without which the plan would be done sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Costliest {
    /// The place of the item that waits.
    pub item: usize,
    /// The place of what it waits for.
    pub need: usize,
    /// By so many minutes.
    pub minutes: u64,
}

/// How a plan that nothing is wrong with would go, with money enough for all of it.
#[must_use]
pub fn outlook(plan: &Plan, settings: &Settings, record: &Record, judge: &Judge) -> Outlook {
    let settings = Settings {
        ceiling: Usd::from_micros(u64::MAX / 4),
        daily_ceiling: None,
        ..settings.clone()
    };
    let tasks = tasks(plan, &settings, judge);
    let (whole, played) = predict(tasks.clone(), &settings).unwrap_or_default();
    let starts: BTreeMap<IssueNumber, u64> = played
        .attempts
        .iter()
        .rev()
        .map(|placed| (placed.issue, placed.from / MINUTE))
        .collect();
    let starts = (0..tasks.len()).map(|place| starts.get(&Plan::stand_in(place)).copied());
    let costs: Vec<(Usd, Usd)> = tasks
        .iter()
        .map(|task| cost(task, &settings, record))
        .collect();
    let (p50, p90) = sum(&costs);
    Outlook {
        makespan_minutes: whole.makespan_minutes,
        lower_bound_minutes: whole.lower_bound_minutes,
        gap: whole.gap().unwrap_or(0.0),
        waves: draft::waves(plan),
        starts: starts.collect(),
        p50,
        p90,
        costs,
        costliest: costliest(&tasks, &settings, whole.makespan_minutes),
    }
}

/// The tasks that the items would become, numbered by their places and evaluated by their text.
#[must_use]
pub fn tasks(plan: &Plan, settings: &Settings, judge: &Judge) -> Vec<Task> {
    let numbers: BTreeMap<String, IssueNumber> = plan
        .items
        .iter()
        .enumerate()
        .map(|(place, item)| (item.key.clone(), Plan::stand_in(place)))
        .collect();
    let items = plan.items.iter().enumerate();
    let task = |(place, item)| {
        let number = Plan::stand_in(place);
        let draft = draft::issue(item, "preview", &[], None, &numbers);
        let issue = Issue {
            number,
            title: draft.title,
            body: draft.body,
            labels: draft.labels,
            state: IssueState::Open,
            author: None,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            url: None,
            depends_on: draft.depends_on.clone(),
            assignees: Vec::new(),
            milestone: None,
            parts: Vec::new(),
            pulls: Vec::new(),
        };
        let mut task = Task {
            domain: classify(&issue, &Classification::default()),
            footprint: named_in_text(&issue),
            needs: draft.depends_on,
            obstacle: None,
            evaluation: None,
            priority: Priority::of_labels(&issue.labels),
            estimate: Estimate {
                cost: settings.typical.unwrap_or(settings.cap),
                minutes: item.estimate_minutes,
            },
            branch: names::branch(number, &issue.title, 1),
            follow_up: None,
            issue,
        };
        if judge.routing.mode != Mode::Off {
            judge.weigh(&mut task, &Background::default());
        }
        task
    };
    items.map(task).collect()
}

/// Leaves one dependency after the other out, and looks which makes the greatest difference.
fn costliest(tasks: &[Task], settings: &Settings, minutes: u64) -> Option<Costliest> {
    let edges: usize = tasks.iter().map(|task| task.needs.len()).sum();
    if edges > MOST_EDGES {
        return None;
    }
    let mut worst: Option<Costliest> = None;
    let mut without = tasks.to_vec();
    for item in 0..tasks.len() {
        for need in &tasks[item].needs {
            without[item].needs.retain(|other| other != need);
            let left = predict(without.clone(), settings).unwrap_or_default().0;
            let saved = minutes.saturating_sub(left.makespan_minutes);
            if saved > worst.map_or(0, |worst| worst.minutes) {
                worst = Some(Costliest {
                    item,
                    need: place_of(*need),
                    minutes: saved,
                });
            }
            without[item].needs.clone_from(&tasks[item].needs);
        }
    }
    worst
}

/// What an attempt at a task costs in the middle of the cases, and in nine of ten at most. Without history an attempt's cap
/// stands for the latter, and half of it for its median.
fn cost(task: &Task, settings: &Settings, record: &Record) -> (Usd, Usd) {
    let known = record.likely(task.domain.domain, task.complexity());
    known.map_or((settings.cap.percent(MIDDLE), settings.cap), |likely| {
        likely.cost
    })
}

/// The sum of independent costs: medians add up, and by how much nine of ten may pass theirs adds up as the root of the
/// squares (central limit theorem).
fn sum(costs: &[(Usd, Usd)]) -> (Usd, Usd) {
    let middle: Usd = costs.iter().map(|(p50, _)| *p50).sum();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate, and far below the limits"
    )]
    let spread = {
        let spreads = costs
            .iter()
            .map(|(p50, p90)| p90.minus(*p50).micros() as f64);
        spreads
            .map(|spread| spread * spread)
            .sum::<f64>()
            .sqrt()
            .round() as u64
    };
    (
        middle,
        middle + Usd::from_micros(spread.next_multiple_of(CENT)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::evaluate::score::Level;
    use crate::rules::past::Past;
    use crate::rules::plan::shape::PlanItem;
    use crate::rules::plan::shape::tests::{item, plan};
    use crate::rules::script::settings;
    use proptest::prelude::*;

    fn timed(key: &str, minutes: u32, needs: &[&str]) -> PlanItem {
        PlanItem {
            estimate_minutes: minutes,
            ..item(key, needs)
        }
    }

    #[test]
    fn the_forecast_names_what_costs_most() {
        let plan = plan(vec![
            timed("a", 10, &[]),
            timed("b", 30, &["a"]),
            timed("c", 20, &["a"]),
            timed("d", 5, &[]),
        ]);
        let outlook = outlook(&plan, &settings(), &Record::default(), &Judge::default());
        assert_eq!(
            (outlook.makespan_minutes, outlook.lower_bound_minutes),
            (40, 40)
        );
        assert_eq!(outlook.starts, [Some(0), Some(10), Some(10), Some(0)]);
        assert_eq!(outlook.waves, [vec![0, 3], vec![1, 2]]);
        assert_eq!(
            outlook.costliest,
            Some(Costliest {
                item: 1,
                need: 0,
                minutes: 10
            })
        );
        assert!(outlook.gap.abs() < 1e-9);
    }

    #[test]
    fn costs_rest_on_history_by_domain_and_complexity_where_there_is_any() {
        let usd = |dollars: u64| Usd::from_micros(dollars * 1_000_000);
        let spent = |domain, complexity, dollars: u64| Past {
            domain,
            complexity: Some(complexity),
            millis: 60_000,
            cost: usd(dollars),
        };
        let plan = plan(vec![timed("a", 10, &[]), timed("b", 10, &[])]);
        let priced = |past: &[Past]| {
            let (record, judge) = (Record::of(past), Judge::default());
            let outlook = outlook(&plan, &settings(), &record, &judge);
            (outlook.p50, outlook.p90)
        };
        assert_eq!(
            priced(&[]),
            (usd(5), Usd::from_micros(8_540_000)),
            "half of the cap, and the cap"
        );
        let own = tasks(&plan, &settings(), &Judge::default())[0].clone();
        let level = own.complexity().expect("it is evaluated");
        let dear = Level::ALL.into_iter().find(|other| *other != level);
        let dear = dear.expect("there are three");
        let mut past = vec![spent(own.domain.domain, level, 1); 4];
        past.extend([spent(own.domain.domain, level, 4)]);
        past.extend(vec![spent(own.domain.domain, dear, 40); 20]);
        assert_eq!(
            priced(&past),
            (usd(2), Usd::from_micros(6_250_000)),
            "1, and 4, twice"
        );
        assert_eq!(
            priced(&past[5..]),
            (usd(80), usd(80)),
            "others of its domain"
        );
    }

    #[test]
    fn independent_costs_add_up() {
        let usd = |dollars: u64| Usd::from_micros(dollars * 1_000_000);
        assert_eq!(sum(&[(usd(1), usd(3)); 4]), (usd(4), usd(8)));
        assert_eq!(sum(&[(usd(1), usd(4)), (usd(2), usd(6))]), (usd(3), usd(8)));
        assert_eq!(sum(&[]), (Usd::ZERO, Usd::ZERO));
    }

    proptest! {
        #[test]
        fn every_acyclic_plan_ends_and_never_sooner_than_its_bound(
            sizes in proptest::collection::vec(1_u32..60, 1..24),
            edges in proptest::collection::vec((0_usize..24, 0_usize..24), 0..40),
            slots in 1_u32..8,
        ) {
            let mut items: Vec<PlanItem> = sizes.iter().enumerate().map(|(at, minutes)| timed(&format!("k{at}"), *minutes, &[])).collect();
            for (a, b) in edges {
                let (early, late) = (a.min(b), a.max(b));
                let need = format!("k{early}");
                if early != late && late < items.len() && !items[late].depends_on.contains(&need) {
                    items[late].depends_on.push(need);
                }
            }
            let plan = plan(items);
            let outlook = outlook(&plan, &Settings { slots, ..settings() }, &Record::default(), &Judge::default());
            prop_assert!(outlook.starts.iter().all(Option::is_some), "{:?}", outlook.starts);
            prop_assert!(outlook.makespan_minutes >= outlook.lower_bound_minutes);
            prop_assert_eq!(outlook.waves.concat().len(), plan.items.len());
        }
    }
}
