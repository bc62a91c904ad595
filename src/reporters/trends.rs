//! Figures over time as charts: one for each thing that goes up and down.

use crate::reporters::analytics::share;
use crate::reporters::chart::{Chart, Point};
use crate::reporters::table::thousands;
use crate::reporters::time::{human, rfc3339};
use crate::rules::analytics::rates::{Rates, Share};
use crate::rules::analytics::rows::Rows;
use crate::rules::analytics::windows::{Window, trend};
use crate::rules::ids::Timestamp;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// Of a time up to so long hours are shown, of a longer one days, of one that is longer by far weeks.
const HOURS: i64 = 2 * DAY;
const DAYS: i64 = 100 * DAY;

/// A time in steps, each with its figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps {
    /// What a step is.
    pub unit: &'static str,
    /// All of them, the oldest first.
    pub steps: Vec<(String, Rates)>,
}

/// The steps from a moment on; those before anything happened are left out.
#[must_use]
pub fn steps(rows: &Rows, since: Timestamp, now: Timestamp) -> Steps {
    let first = first(rows).unwrap_or(now).max(since);
    let span = now.0.saturating_sub(first.0);
    let asked = now.0.saturating_sub(since.0);
    let (unit, step) = if asked <= HOURS {
        ("hour", HOUR)
    } else if span <= DAYS {
        ("day", DAY)
    } else {
        ("week", 7 * DAY)
    };
    // What was asked for is shown as a whole, unless that were mostly before the first of all days.
    let from = if asked <= DAYS { since } else { first };
    let named = |(at, rates): (Timestamp, Rates)| {
        let time = rfc3339(at);
        let name = if step == HOUR {
            format!("{}:00", &time[11..13])
        } else {
            time[..10].to_owned()
        };
        (name, rates)
    };
    let steps = trend(rows, (from, now), step).into_iter().map(named);
    Steps {
        unit,
        steps: steps.collect(),
    }
}

fn first(rows: &Rows) -> Option<Timestamp> {
    let done = rows.done.iter().map(|done| done.ended);
    let bills = rows.bills.iter().map(|bill| bill.at);
    done.chain(bills).min()
}

/// All charts of these steps; the window has the figures of the whole time.
#[must_use]
pub fn charts(steps: &Steps, window: &Window) -> Vec<Chart> {
    let all = &window.all;
    let of = |name: &str, whole: String, full, read: &dyn Fn(&Rates) -> (Option<u64>, String)| {
        let point = |(at, rates): &(String, Rates)| {
            let (value, words) = read(rates);
            Point {
                at: at.clone(),
                value,
                words,
            }
        };
        let points: Vec<Point> = steps.steps.iter().map(point).collect();
        Chart::new(name, whole, &points, full)
    };
    let part = |name: &str, read: fn(&Rates) -> Share| {
        of(name, share(read(all)), Some(100), &|rates| {
            let part = read(rates);
            (part.percent(), share(part))
        })
    };
    let count = |name: &str, read: fn(&Rates) -> u64| {
        of(name, thousands(read(all)), None, &|rates| {
            let count = read(rates);
            (Some(count).filter(|count| *count > 0), thousands(count))
        })
    };
    vec![
        of(
            &format!("Cost by {}", steps.unit),
            all.cost.to_string(),
            None,
            &|rates| {
                let micros = Some(rates.cost.micros()).filter(|micros| *micros > 0);
                (micros, rates.cost.to_string())
            },
        ),
        count("Tasks completed", |rates| rates.fixed.part),
        count("Pulls merged", |rates| rates.merged.part),
        part("Fix rate", |rates| rates.fixed),
        part("First-attempt success", |rates| rates.first),
        part("Automation rate", |rates| rates.automated),
        part("Checks passed", |rates| rates.checks),
        part("Merge rate", |rates| rates.merged),
        of(
            "Time to fix, median",
            all.median.map_or_else(|| "-".to_owned(), human),
            None,
            &|rates| {
                let words = rates.median.map_or_else(|| "-".to_owned(), human);
                (rates.median, words)
            },
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::analytics::sample::{bill, done};
    use crate::rules::analytics::windows::window;
    use crate::rules::task::Ending;

    #[test]
    fn a_day_is_shown_by_hours_a_month_by_days_and_years_by_weeks() {
        let now = Timestamp(20_000 * DAY);
        let mut rows = Rows::default();
        let check = |rows: &Rows, back: i64, unit: &str, count: usize| {
            let steps = steps(rows, Timestamp(now.0 - back), now);
            assert_eq!((steps.unit, steps.steps.len()), (unit, count), "{back}");
        };
        check(&rows, DAY, "hour", 25);
        check(&rows, 30 * DAY, "day", 31);
        check(&rows, 19_000 * DAY, "day", 1);
        let mut old = bill(5);
        old.at = Timestamp(now.0 - 70 * DAY);
        rows.bills.push(old.clone());
        check(&rows, 19_000 * DAY, "day", 71);
        old.at = Timestamp(now.0 - 700 * DAY);
        rows.bills.push(old);
        check(&rows, 19_000 * DAY, "week", 101);
    }

    #[test]
    fn what_is_not_known_of_a_day_has_no_column() {
        let mut rows = Rows::default();
        rows.done.push(done(1, Ending::Completed));
        let now = Timestamp(5 * DAY);
        let window = window(&rows, "all", Timestamp(0));
        let charts = charts(&steps(&rows, Timestamp(0), now), &window);
        let of = |name: &str| charts.iter().find(|chart| chart.name == name).unwrap();
        assert_eq!(of("Fix rate").columns.len(), 1);
        assert_eq!(
            of("Fix rate").columns[0].words,
            "1970-01-01: 100 % (1 of 1)"
        );
        assert_eq!(of("Merge rate").columns.len(), 0);
        assert_eq!(of("Time to fix, median").whole, "1m 00s");
    }
}
