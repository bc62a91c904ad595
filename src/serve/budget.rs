//! The page of money: what may be spent, what is, what is set aside, and what the rest will likely cost.

use crate::commands::seen::Seen;
use crate::reporters::table::{state, thousands};
use crate::rules::ids::Timestamp;
use crate::rules::money::Usd;
use crate::rules::printable::printable;
use crate::rules::tally::{Standing, TaskTally};
use crate::serve::asked::Asked;
use crate::serve::course::Course;
use crate::serve::pages::tone_class;
use crate::serve::problem::Problem;
use crate::serve::server::{House, blocking, page};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use std::cmp::Reverse;
use std::fmt::Write as _;

/// Tasks on one page.
const PAGE: usize = 100;
/// Size of the picture in its own units, and corners of its line at most.
const WIDTH: u64 = 1_000;
const HEIGHT: u64 = 160;
const CORNERS: usize = 400;

/// A task's row.
#[derive(Debug)]
pub(super) struct Paid {
    pub(super) issue: u64,
    pub(super) title: String,
    pub(super) state: String,
    pub(super) tone: &'static str,
    pub(super) attempts: u32,
    pub(super) cost: Usd,
    pub(super) aside: Usd,
}

/// The money of a session.
#[derive(Debug, Template)]
#[template(path = "budget.html")]
pub(super) struct BudgetPage {
    pub(super) title: String,
    pub(super) session: String,
    pub(super) sums: Vec<(&'static str, Usd)>,
    pub(super) outlook: String,
    pub(super) line: String,
    pub(super) curve: String,
    pub(super) rows: Vec<Paid>,
    pub(super) page: usize,
    pub(super) pages: usize,
}

/// Answers with it.
pub(super) async fn budget(
    State(house): State<House>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    blocking(house, move |house| {
        let row = asked.row(house)?;
        let now = house.now();
        let made = house.watched.look_back(&row, |seen, course| {
            BudgetPage::new(seen, course, asked.page, now)
        })?;
        Ok(page(&made))
    })
    .await
}

impl BudgetPage {
    fn new(seen: &Seen, course: &Course, wanted: usize, now: Timestamp) -> Self {
        let tally = &seen.tally;
        let settings = tally.settings.as_ref();
        let ceiling = settings.map_or(Usd::ZERO, |settings| settings.ceiling);
        let rest = rest(seen, course);
        let mut sums = vec![
            ("Budget", ceiling),
            ("Spent", tally.spent),
            ("Set aside", tally.granted),
            ("Left", tally.left()),
            ("Likely for the rest", rest),
            ("Paid for attempts that failed", tally.failed),
        ];
        if let Some(daily) = settings.and_then(|settings| settings.daily_ceiling) {
            let is_today = |at: &Timestamp| at.day() == now.day();
            let bills = course.bills.iter().filter(|(at, _)| is_today(at));
            let own: Usd = bills.map(|(_, cost)| *cost).sum();
            sums.push(("Today, all sessions", own + tally.granted + tally.elsewhere));
            sums.push(("May be spent in a day", daily));
        }
        let mut paid: Vec<&TaskTally> = tally.tasks.values().collect();
        paid.sort_by_key(|task| (Reverse(task.charge.cost + task.granted), task.issue));
        let pages = paid.len().div_ceil(PAGE).max(1);
        let page = wanted.clamp(1, pages);
        let row = |task: &TaskTally| {
            let (words, tone) = state(tally, task, now);
            Paid {
                issue: task.issue.0,
                title: printable(&task.title),
                state: words,
                tone: tone_class(tone),
                attempts: task.attempts,
                cost: task.charge.cost,
                aside: task.granted,
            }
        };
        let (line, curve) = curve(&course.bills);
        Self {
            title: "Budget".to_owned(),
            session: seen.id.to_string(),
            sums,
            outlook: outlook(tally.left(), rest, seen),
            line,
            curve,
            rows: paid
                .into_iter()
                .skip((page - 1) * PAGE)
                .take(PAGE)
                .map(row)
                .collect(),
            page,
            pages,
        }
    }
}

/// What the tasks will likely cost that wait: an attempt of each, by its estimate. What runs is set aside already.
fn rest(seen: &Seen, course: &Course) -> Usd {
    let waits = |task: &TaskTally| {
        task.ending().is_none() && !matches!(task.standing, Standing::Running { .. })
    };
    let tasks = course.tasks.iter();
    let waiting = tasks.filter(|task| seen.tally.tasks.get(&task.number()).is_some_and(waits));
    waiting.map(|task| task.estimate.cost).sum()
}

fn outlook(left: Usd, rest: Usd, seen: &Seen) -> String {
    let waiting = thousands(seen.tally.counts.waiting);
    if seen.tally.counts.waiting == 0 {
        "No task waits for money.".to_owned()
    } else if rest <= left {
        format!(
            "The {waiting} tasks that wait will likely cost {rest}; it reaches for all of them."
        )
    } else {
        let short = rest.minus(left);
        format!("The {waiting} tasks that wait will likely cost {rest}: {short} more than is left.")
    }
}

/// What was spent over time, as a line with steps and in words.
fn curve(bills: &[(Timestamp, Usd)]) -> (String, String) {
    let all: Usd = bills.iter().map(|(_, cost)| *cost).sum();
    let (Some((from, _)), Some((to, _))) = (bills.first(), bills.last()) else {
        return (String::new(), String::new());
    };
    let span = to.millis_since(*from).max(1);
    let every = bills.len().div_ceil(CORNERS).max(1);
    let mut spent = Usd::ZERO;
    let mut line = format!("0,{HEIGHT}");
    let mut y = HEIGHT;
    for (place, (at, cost)) in bills.iter().enumerate() {
        spent += *cost;
        if place % every == 0 || place + 1 == bills.len() {
            let x = at.millis_since(*from) * WIDTH / span;
            let share = u128::from(spent.micros()) * u128::from(HEIGHT);
            let high = share.checked_div(u128::from(all.micros())).unwrap_or(0);
            let next = HEIGHT.saturating_sub(u64::try_from(high).unwrap_or(HEIGHT));
            let _ = write!(line, " {x},{y} {x},{next}");
            y = next;
        }
    }
    let bills = thousands(bills.len() as u64);
    (line, format!("{bills} bills, from nothing to {all}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_ends_at_the_top_and_has_few_corners() {
        let bill = |at: i64| (Timestamp(at), Usd::from_micros(10_000));
        assert_eq!(curve(&[]).0, "");
        assert_eq!(
            curve(&[bill(5), bill(15)]).0,
            "0,160 0,160 0,80 1000,80 1000,0"
        );
        let many: Vec<_> = (0..10_000).map(bill).collect();
        let (line, words) = curve(&many);
        assert!(line.ends_with(" 1000,0"), "{line}");
        assert!(line.split(' ').count() <= 2 * (CORNERS + 2));
        assert_eq!(words, "10,000 bills, from nothing to $100.00");
        // Bills of nothing are no reason to divide by it.
        let free = [(Timestamp(1), Usd::ZERO)];
        assert_eq!(curve(&free).0, "0,160 0,160 0,160");
    }
}
